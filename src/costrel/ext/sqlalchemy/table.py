"""``db.Table``: a table that finds its metadata by a bind key. Knows no engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

if TYPE_CHECKING:

    class BoundTable(sa.Table):
        """What ``make_table_class`` makes a class of: one whose tables need no metadata."""

        def __init__(self, name: str, *args: Any, bind_key: str | None = None, **kwargs: Any) -> None: ...


__all__ = ["make_table_class"]


def make_table_class(metadata_of: Callable[[str | None], sa.MetaData]) -> type[BoundTable]:
    """Make the class; its tables take ``bind_key`` where SQLAlchemy's want a metadata.

    Args:
        metadata_of: Returns the metadata of a bind key.
    """

    class Table(sa.Table):
        """A table whose metadata is that of ``bind_key`` unless one is given."""

        def __new__(cls, *args: Any, bind_key: str | None = None, **kwargs: Any) -> Any:
            # Without a name SQLAlchemy says what is wrong.
            name, rest = args[:1], args[1:]
            if name and not (rest and isinstance(rest[0], sa.MetaData)):
                args = (*name, metadata_of(bind_key), *rest)

            return super().__new__(cls, *args, **kwargs)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # SQLAlchemy fills a table in __new__; Python's call after that has what our caller wrote.
            if "_no_init" in kwargs:
                super().__init__(*args, **kwargs)

    return cast("type[BoundTable]", Table)
