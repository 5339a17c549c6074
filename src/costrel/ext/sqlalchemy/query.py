"""The query class of ``Model.query``: SQLAlchemy's, with the methods that answer 404."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import exc, orm

from costrel.ext.sqlalchemy.pagination import DEFAULT_LIMIT, Limit, Pagination, QueryPagination
from costrel.helpers import abort

__all__ = ["Query"]

T = TypeVar("T")


class Query(orm.Query[T]):
    """SQLAlchemy's query, which it calls legacy, with what views need."""

    def get_or_404(self, ident: Any, description: str | None = None) -> T:
        """Return the model with this primary key.

        Args:
            ident: The key; a tuple for one of several columns.
            description: What the page of the error says.

        Raises:
            NotFound: If there is none.
        """
        value = self.get(ident)
        if value is None:
            abort(404, description=description)

        return value

    def first_or_404(self, description: str | None = None) -> T:
        """Return the first result.

        Raises:
            NotFound: If there is none.
        """
        value = self.first()
        if value is None:
            abort(404, description=description)

        return value

    def one_or_404(self, description: str | None = None) -> T:
        """Return the only result.

        Raises:
            NotFound: If there is none, or more than one.
        """
        try:
            return self.one()
        except (exc.NoResultFound, exc.MultipleResultsFound):
            abort(404, description=description)

    def paginate(
        self,
        *,
        page: int | None = None,
        per_page: int | None = None,
        max_per_page: Limit = DEFAULT_LIMIT,
        error_out: bool = True,
        count: bool = True,
    ) -> Pagination[T]:
        """Return one page of the results; the arguments are those of ``db.paginate``.

        Raises:
            NotFound: As for ``db.paginate``.
        """
        return QueryPagination(
            query=self,
            page=page,
            per_page=per_page,
            max_per_page=max_per_page,
            error_out=error_out,
            count=count,
        )
