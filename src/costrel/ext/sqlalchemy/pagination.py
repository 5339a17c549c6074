"""One page of a query's results, and the way to its neighbours. Its numbers come from ``page_numbers.py``."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any, Generic, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import orm

from costrel.ctx import has_request_context
from costrel.ext.sqlalchemy.page_numbers import (
    DEFAULT_LIMIT,
    DEFAULT_PER_PAGE,
    Limit,
    limit_of,
    page_numbers,
    read_page_args,
)
from costrel.globals import request
from costrel.helpers import abort

__all__ = [
    "DEFAULT_LIMIT",
    "AsyncPagination",
    "Limit",
    "Pagination",
    "QueryPagination",
    "SelectPagination",
]

T = TypeVar("T")


class Pagination(Generic[T]):
    """One page of results; iterating over it gives its items.

    ``db.paginate``, ``db.apaginate`` and ``Query.paginate`` make them. A
    subclass says in ``_query_items`` and ``_query_count`` where items come
    from.

    Args:
        page: Its number, from 1; by default the request's ``page``, or 1.
        per_page: How many items it has at most; by default the request's
            ``per_page``, or 20.
        max_per_page: The most that ``per_page`` may be. By default 100 for
            what a visitor asks for, and no limit for the argument. SECURITY:
            with ``None`` a visitor may ask for the whole table.
        error_out: Answer 404 for a page that does not exist or makes no
            sense; otherwise it is empty, or the first one.
        count: Ask the database how many items there are in all.
        **kwargs: What the subclass needs.

    Raises:
        NotFound: See ``error_out``.
    """

    def __init__(
        self,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
        **kwargs: Any,
    ) -> None:
        self._query_args = kwargs
        asked = request.args if has_request_context() and (page is None or per_page is None) else {}
        number, size = read_page_args(asked, page=page, per_page=per_page, max_per_page=max_per_page)
        if error_out and (number is None or size is None):
            abort(404)

        self.page: int = number or 1
        """Its number, from 1."""

        self.per_page: int = size or DEFAULT_PER_PAGE
        """How many items it has at most."""

        self.max_per_page: int | None = limit_of(max_per_page, per_page)
        """The most that ``per_page`` may be; ``None`` for no limit."""

        self.items: list[T] = self._query_items()
        """The items."""

        if not self.items and self.page != 1 and error_out:
            abort(404)

        self.total: int | None = self._query_count() if count else None
        """How many items all pages have together; ``None`` if they were not counted."""

    @property
    def _query_offset(self) -> int:
        """How many items are before this page."""
        return (self.page - 1) * self.per_page

    def _query_items(self) -> list[T]:
        """Return the items of this page."""
        raise NotImplementedError

    def _query_count(self) -> int:
        """Return how many items there are in all."""
        raise NotImplementedError

    @property
    def first(self) -> int:
        """The number of its first item among all, from 1; 0 if it has none."""
        return self._query_offset + 1 if self.items else 0

    @property
    def last(self) -> int:
        """The number of its last item among all; 0 if it has none."""
        return self._query_offset + len(self.items) if self.items else 0

    @property
    def pages(self) -> int:
        """How many pages there are; 0 if the items were not counted."""
        return ceil(self.total / self.per_page) if self.total else 0

    @property
    def has_prev(self) -> bool:
        """Whether there is a page before this one."""
        return self.page > 1

    @property
    def prev_num(self) -> int | None:
        """The number of the page before this one, or ``None``."""
        return self.page - 1 if self.has_prev else None

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.page < self.pages

    @property
    def next_num(self) -> int | None:
        """The number of the page after this one, or ``None``."""
        return self.page + 1 if self.has_next else None

    def prev(self, *, error_out: bool = False) -> Self:
        """Return the page before this one.

        Args:
            error_out: Answer 404 if there is none.
        """
        return self._neighbour(self.page - 1, error_out)

    def next(self, *, error_out: bool = False) -> Self:
        """Return the page after this one.

        Args:
            error_out: Answer 404 if there is none.
        """
        return self._neighbour(self.page + 1, error_out)

    def _neighbour(self, page: int, error_out: bool) -> Self:
        found = type(self)(
            page=page,
            per_page=self.per_page,
            max_per_page=self.max_per_page,
            error_out=error_out,
            count=False,
            **self._query_args,
        )
        found.total = self.total

        return found

    def iter_pages(
        self, *, left_edge: int = 2, left_current: int = 2, right_current: int = 4, right_edge: int = 2
    ) -> Iterator[int | None]:
        """Yield the numbers that a widget shows, and ``None`` for each gap.

        Args:
            left_edge: How many are shown from the first on.
            left_current: How many are shown before the current one.
            right_current: How many are shown after it.
            right_edge: How many are shown up to the last.
        """
        return page_numbers(
            self.page,
            self.pages,
            left_edge=left_edge,
            left_current=left_current,
            right_current=right_current,
            right_edge=right_edge,
        )

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


class SelectPagination(Pagination[T]):
    """A page of a ``select``; takes ``select``, ``session``, and ``scalars``, which is true by default."""

    def _query_items(self) -> list[T]:
        select = self._query_args["select"].limit(self.per_page).offset(self._query_offset)

        rows = self._query_args["session"].execute(select)
        if not self._query_args.get("scalars", True):
            return list(rows)  # also those that are equal: each is a row of its own

        return list(rows.unique().scalars())

    def _query_count(self) -> int:
        select = self._query_args["select"].options(orm.lazyload("*")).order_by(None).subquery()
        count = sa.select(sa.func.count()).select_from(select)

        return cast(int, self._query_args["session"].execute(count).scalar())


class QueryPagination(Pagination[T]):
    """A page of a ``Query``; takes ``query``."""

    def _query_items(self) -> list[T]:
        query = self._query_args["query"]

        return list(query.limit(self.per_page).offset(self._query_offset).all())

    def _query_count(self) -> int:
        return cast(int, self._query_args["query"].order_by(None).count())


class AsyncPagination(SelectPagination[T]):
    """A page that ``db.apaginate`` made; its neighbours are awaited: ``await page.anext()``.

    Takes ``select`` and ``async_session``; ``session`` is that one's inner
    session, and only there while the page is made.
    """

    @classmethod
    async def make(cls, async_session: Any, **kwargs: Any) -> Self:
        """Ask the database for a page; the arguments are those of the class."""
        made: Self = await async_session.run_sync(lambda session: cls(session=session, **kwargs))
        made._query_args["session"] = async_session

        return made

    async def anext(self, *, error_out: bool = False) -> Self:
        """Return the page after this one; see ``next``."""
        return await self._amake(self.page + 1, error_out)

    async def aprev(self, *, error_out: bool = False) -> Self:
        """Return the page before this one; see ``prev``."""
        return await self._amake(self.page - 1, error_out)

    async def _amake(self, page: int, error_out: bool) -> Self:
        found = await self.make(
            self._query_args["session"],
            select=self._query_args["select"],
            scalars=self._query_args.get("scalars", True),
            page=page,
            per_page=self.per_page,
            max_per_page=self.max_per_page,
            error_out=error_out,
            count=False,
        )
        found.total = self.total

        return found

    def _neighbour(self, page: int, error_out: bool) -> Self:
        raise RuntimeError(
            "next() and prev() of a page from db.apaginate would block the event loop\n"
            "  hint: Write await page.anext() or await page.aprev()."
        )
