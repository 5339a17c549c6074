"""What views ask a session for, with 404 for an answer: each method, and its twin to be awaited."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, overload

import sqlalchemy as sa
from sqlalchemy import exc, orm

from costrel.ext.sqlalchemy.pagination import (
    DEFAULT_LIMIT,
    AsyncPagination,
    Limit,
    Pagination,
    SelectPagination,
)
from costrel.ext.sqlalchemy.session import Session
from costrel.helpers import abort

if TYPE_CHECKING:
    from typing import assert_type

    from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
    from sqlalchemy.sql.expression import GenerativeSelect

__all__ = ["Lookups"]

M = TypeVar("M")
T = TypeVar("T")


class Lookups:
    """Part of the extension; it has the sessions."""

    session: orm.scoped_session[Session]
    """The session of the current context, made at its first use and closed with the context."""

    if TYPE_CHECKING:

        @cached_property
        def async_session(self) -> async_scoped_session[AsyncSession]:
            """Its twin to be awaited; ``ScopedSessions`` makes it."""
            raise NotImplementedError

    def get_or_404(self, entity: type[M], ident: Any, *, description: str | None = None, **kwargs: Any) -> M:
        """Return the model with this primary key.

        Args:
            entity: The model's class.
            ident: The key; a tuple for one of several columns.
            description: What the page of the error says.
            **kwargs: As for ``Session.get``: ``options=[…]``, say.

        Raises:
            NotFound: If there is none.
        """
        value = self.session.get(entity, ident, **kwargs)

        return _not_found(description) if value is None else value

    async def aget_or_404(
        self, entity: type[M], ident: Any, *, description: str | None = None, **kwargs: Any
    ) -> M:
        """Do as ``get_or_404``, awaited."""
        value = await self.async_session.get(entity, ident, **kwargs)

        return _not_found(description) if value is None else value

    @overload
    def first_or_404(self, statement: sa.Select[tuple[T]], *, description: str | None = None) -> T: ...
    @overload
    def first_or_404(self, statement: sa.Select[T], *, description: str | None = None) -> T: ...
    @overload
    def first_or_404(self, statement: sa.Executable, *, description: str | None = None) -> Any: ...
    def first_or_404(self, statement: Any, *, description: str | None = None) -> Any:
        """Return the first column of the first row: the model, of a ``select`` of models.

        Raises:
            NotFound: If there is no row.
        """
        value = self.session.execute(statement).scalar()

        return _not_found(description) if value is None else value

    @overload
    async def afirst_or_404(self, statement: sa.Select[tuple[T]], *, description: str | None = None) -> T: ...
    @overload
    async def afirst_or_404(self, statement: sa.Select[T], *, description: str | None = None) -> T: ...
    @overload
    async def afirst_or_404(self, statement: sa.Executable, *, description: str | None = None) -> Any: ...
    async def afirst_or_404(self, statement: Any, *, description: str | None = None) -> Any:
        """Do as ``first_or_404``, awaited."""
        value = (await self.async_session.execute(statement)).scalar()

        return _not_found(description) if value is None else value

    @overload
    def one_or_404(self, statement: sa.Select[tuple[T]], *, description: str | None = None) -> T: ...
    @overload
    def one_or_404(self, statement: sa.Select[T], *, description: str | None = None) -> T: ...
    @overload
    def one_or_404(self, statement: sa.Executable, *, description: str | None = None) -> Any: ...
    def one_or_404(self, statement: Any, *, description: str | None = None) -> Any:
        """Return the first column of the only row.

        Raises:
            NotFound: If there is no row, or more than one.
        """
        try:
            return self.session.execute(statement).scalar_one()
        except (exc.NoResultFound, exc.MultipleResultsFound):
            _not_found(description)

    @overload
    async def aone_or_404(self, statement: sa.Select[tuple[T]], *, description: str | None = None) -> T: ...
    @overload
    async def aone_or_404(self, statement: sa.Select[T], *, description: str | None = None) -> T: ...
    @overload
    async def aone_or_404(self, statement: sa.Executable, *, description: str | None = None) -> Any: ...
    async def aone_or_404(self, statement: Any, *, description: str | None = None) -> Any:
        """Do as ``one_or_404``, awaited."""
        try:
            return (await self.async_session.execute(statement)).scalar_one()
        except (exc.NoResultFound, exc.MultipleResultsFound):
            _not_found(description)

    @overload
    def paginate(
        self,
        select: sa.Select[tuple[T]],
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: Literal[True] = True,
    ) -> Pagination[T]: ...
    @overload
    def paginate(
        self,
        select: sa.Select[T],
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: Literal[True] = True,
    ) -> Pagination[T]: ...
    @overload
    def paginate(
        self,
        select: GenerativeSelect,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: Literal[True] = True,
    ) -> Pagination[Any]: ...
    @overload
    def paginate(
        self,
        select: GenerativeSelect,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: bool,
    ) -> Pagination[Any]: ...
    def paginate(
        self,
        select: Any,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: bool = True,
    ) -> Pagination[Any]:
        """Return one page of what a ``select`` finds.

        Args:
            select: The statement; with an order, or pages may overlap.
            page: Its number, from 1; by default the request's ``page``, or 1.
            per_page: How many items it has at most; by default the request's
                ``per_page``, or 20.
            max_per_page: The most that ``per_page`` may be. By default 100
                for what a visitor asks for, and no limit for the argument.
                SECURITY: with ``None`` a visitor may ask for the whole table.
            error_out: Answer 404 for a page that does not exist or makes no
                sense; otherwise it is empty, or the first one.
            count: Ask how many items there are in all, with a second query.
            scalars: Make an item of each row's first column, the model of
                ``select(Book)``, and leave out those that are there already;
                with ``False``, of the whole row.

        Raises:
            NotFound: See ``error_out``.
        """
        return SelectPagination(
            select=select,
            session=self.session(),
            page=page,
            per_page=per_page,
            max_per_page=max_per_page,
            error_out=error_out,
            count=count,
            scalars=scalars,
        )

    @overload
    async def apaginate(
        self,
        select: sa.Select[tuple[T]],
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: Literal[True] = True,
    ) -> AsyncPagination[T]: ...
    @overload
    async def apaginate(
        self,
        select: sa.Select[T],
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: Literal[True] = True,
    ) -> AsyncPagination[T]: ...
    @overload
    async def apaginate(
        self,
        select: GenerativeSelect,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: Literal[True] = True,
    ) -> AsyncPagination[Any]: ...
    @overload
    async def apaginate(
        self,
        select: GenerativeSelect,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: bool,
    ) -> AsyncPagination[Any]: ...
    async def apaginate(
        self,
        select: Any,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        scalars: bool = True,
    ) -> AsyncPagination[Any]:
        """Do as ``paginate``, awaited; the page's neighbours are ``await page.anext()`` and ``aprev()``."""
        return await AsyncPagination.make(
            self.async_session(),
            select=select,
            page=page,
            per_page=per_page,
            max_per_page=max_per_page,
            error_out=error_out,
            count=count,
            scalars=scalars,
        )


def _not_found(description: str | None) -> NoReturn:
    abort(404, description=description)


if TYPE_CHECKING:  # a test of the types, made by whoever checks this file

    async def _types_are_known(db: Lookups, cups: sa.Select[str], several: sa.Select[str, int]) -> None:
        assert_type(db.first_or_404(cups), str)
        assert_type(await db.afirst_or_404(cups), str)
        assert_type(db.one_or_404(cups), str)
        assert_type(await db.aone_or_404(cups), str)
        assert_type(db.paginate(cups).items, list[str])
        assert_type((await db.apaginate(cups, page=2)).items, list[str])
        assert_type(db.paginate(several, scalars=False), Pagination[Any])
