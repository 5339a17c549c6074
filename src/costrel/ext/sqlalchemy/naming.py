"""Names of tables made from those of models, and which models get one. Knows no database."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

__all__ = ["camel_to_snake_case", "forget_missing_table", "make_table", "wants_name"]

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<!^)(?=[A-Z][a-z])")


def camel_to_snake_case(name: str) -> str:
    """Return a class's name as tables are named.

    Example:
        >>> camel_to_snake_case("HTTPRequestLog")
        'http_request_log'
    """
    return _WORD_START.sub("_", name).lower().lstrip("_")


def _is_declarative(cls: type) -> bool:
    """Tell whether a class is, or is made from, a declarative base: no mixin."""
    return isinstance(cls, orm.DeclarativeMeta) or issubclass(
        cls, (orm.DeclarativeBase, orm.DeclarativeBaseNoMeta)
    )


def _is_base(cls: type) -> bool:
    """Tell whether a class stands where no model is: abstract, or a base itself."""
    bases = (orm.DeclarativeBase, orm.DeclarativeBaseNoMeta)

    return bool(
        cls.__dict__.get("__abstract__", False)
        or any(base in bases for base in cls.__bases__)
        or (isinstance(cls, orm.DeclarativeMeta) and not any(map(_is_declarative, cls.__mro__[1:])))
    )


def wants_name(cls: type) -> bool:
    """Tell whether a class is a model to make a table's name for.

    It is if nothing says one, or if only a model that it inherits from does;
    a mixin's name, and one made by ``declared_attr``, hold.
    """
    if _is_base(cls) or not _is_declarative(cls):
        return False

    for base in cls.__mro__:
        if "__tablename__" in base.__dict__:
            if isinstance(base.__dict__["__tablename__"], orm.declared_attr):
                return False
            return base is not cls and _is_declarative(base) and not base.__dict__.get("__abstract__", False)

    return True


def make_table(cls: Any, *args: Any, **kwargs: Any) -> sa.Table | None:
    """Make a model's table, or none for one that lies in its parent's: one without a primary key.

    Args:
        cls: The model.
        *args: What SQLAlchemy calls ``__table_cls__`` with: the name, the
            metadata, the columns.
        **kwargs: As those.
    """
    schema = kwargs.get("schema")
    key = args[0] if schema is None else f"{schema}.{args[0]}"
    has_key = any(
        isinstance(part, sa.PrimaryKeyConstraint) or (isinstance(part, sa.Column) and part.primary_key)
        for part in args
    )
    if (
        has_key
        or key in cls.metadata.tables  # a table that was reflected, say
        or not any("__table__" in base.__dict__ for base in cls.__mro__[1:])
    ):
        return sa.Table(*args, **kwargs)

    if "__tablename__" in cls.__dict__:
        del cls.__tablename__

    return None


def forget_missing_table(cls: Any) -> None:
    """Let a model that ``make_table`` made no table for have its parent's."""
    own = cls.__dict__
    if "__tablename__" not in own and "__table__" in own and own["__table__"] is None:
        del cls.__table__
