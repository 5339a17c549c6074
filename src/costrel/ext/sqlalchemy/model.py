"""``db.Model``: the base of models, by SQLAlchemy's ways of 1.x and of 2.x. Knows no engine."""

from __future__ import annotations

from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy import orm

from costrel.errors import ConfigError
from costrel.ext.sqlalchemy.naming import (
    camel_to_snake_case,
    forget_missing_table,
    make_table,
    wants_name,
)
from costrel.ext.sqlalchemy.query import Query

__all__ = [
    "BindMetaMixin",
    "BindMixin",
    "DefaultMeta",
    "DefaultMetaNoName",
    "Model",
    "NameMetaMixin",
    "NameMixin",
    "QueryProperty",
    "camel_to_snake_case",
    "declarative_bases_of",
    "make_declarative",
]


class QueryProperty:
    """``Guest.query``: a query for the model, in the current session."""

    def __get__(self, obj: object, cls: Any) -> Query[Any]:
        return cls.query_class(cls, session=cls.__fsa__.session())  # type: ignore[no-any-return]  # cls is Any


class Model:
    """What all models have; ``db.Model`` is made of it.

    Subclass it and pass it as ``model_class`` to give models more.
    """

    # Any: the class of the extension stands above this module.
    __fsa__: ClassVar[Any]
    """The extension of the model."""

    query_class: ClassVar[type[Query[Any]]] = Query
    """What ``query`` is made of."""

    query: ClassVar[Query[Any]] = cast(Any, QueryProperty())
    """A query for the model; legacy in SQLAlchemy, where ``db.select(Guest)`` is the way now."""

    if TYPE_CHECKING:
        metadata: ClassVar[sa.MetaData]
        __table__: ClassVar[sa.FromClause]
        __tablename__: Any

        def __init__(self, **values: Any) -> None:
            """Make a model with these values of columns."""

    def __repr__(self) -> str:
        state = cast("orm.InstanceState[Any]", sa.inspect(self))
        if state.transient:
            shown = f"(transient {id(self)})"
        elif state.pending:
            shown = f"(pending {id(self)})"
        else:
            shown = ", ".join(map(str, state.identity or ()))

        return f"<{type(self).__name__} {shown}>"


def _set_metadata(cls: Any) -> None:
    """Give a model the metadata of its bind key, unless its parent has it already."""
    metadata = cls.__fsa__._make_metadata(getattr(cls, "__bind_key__", None))
    if metadata is not getattr(cls, "metadata", None):
        cls.metadata = metadata


def _has_own_metadata(cls: type) -> bool:
    return "metadata" in cls.__dict__ or "__table__" in cls.__dict__


class BindMetaMixin(type):
    """Part of a metaclass: a model's metadata is that of its ``__bind_key__``."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        if not _has_own_metadata(cls):
            _set_metadata(cls)
        super().__init__(name, bases, namespace, **kwargs)


class NameMetaMixin(type):
    """Part of a metaclass: a model's table is named like it, in snake case."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        if wants_name(cls):
            cast(Any, cls).__tablename__ = camel_to_snake_case(cls.__name__)
        super().__init__(name, bases, namespace, **kwargs)
        forget_missing_table(cls)

    def __table_cls__(cls, *args: Any, **kwargs: Any) -> sa.Table | None:
        """Make the table; SQLAlchemy calls this."""
        return make_table(cls, *args, **kwargs)


class DefaultMeta(BindMetaMixin, NameMetaMixin, orm.DeclarativeMeta):
    """The metaclass of ``db.Model`` where it is no ``DeclarativeBase``."""


class DefaultMetaNoName(BindMetaMixin, orm.DeclarativeMeta):
    """``DefaultMeta`` without names for tables."""


class BindMixin:
    """Part of a ``DeclarativeBase``: a model's metadata is that of its ``__bind_key__``."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Set the metadata before SQLAlchemy maps the class."""
        if not _has_own_metadata(cls) and hasattr(cls, "__bind_key__"):
            _set_metadata(cls)
        super().__init_subclass__(**kwargs)


class NameMixin:
    """Part of a ``DeclarativeBase``: a model's table is named like it, in snake case."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Set the name before SQLAlchemy maps the class."""
        if wants_name(cls):
            cast(Any, cls).__tablename__ = camel_to_snake_case(cls.__name__)
        super().__init_subclass__(**kwargs)
        forget_missing_table(cls)

    @classmethod
    def __table_cls__(cls, *args: Any, **kwargs: Any) -> sa.Table | None:
        """Make the table; SQLAlchemy calls this."""
        return make_table(cls, *args, **kwargs)


def declarative_bases_of(model_class: type) -> list[type]:
    """Return the bases of a class that are declarative by SQLAlchemy's way of 2.x.

    Raises:
        ConfigError: If there is more than one; a ``ValueError``.
    """
    found = [
        base
        for base in model_class.__bases__
        if issubclass(base, (orm.DeclarativeBase, orm.DeclarativeBaseNoMeta))
    ]
    if len(found) > 1:
        raise ConfigError(
            f"the model class has two declarative bases, got {model_class.__bases__!r}",
            hint="Subclass DeclarativeBase or DeclarativeBaseNoMeta, not both.",
        )

    return found


# Any: the extension, as above.
def make_declarative(db: Any, model_class: type, *, metadata: sa.MetaData | None, with_names: bool) -> Any:
    """Make ``db.Model``.

    Args:
        db: The extension.
        model_class: A ``DeclarativeBase``, a declarative class of 1.x, which
            is taken as it is, or a class to make one from.
        metadata: For a class to make a declarative one from.
        with_names: Whether models' tables get names.
    """
    if declarative_bases_of(model_class):
        mixins = (BindMixin, NameMixin, Model) if with_names else (BindMixin, Model)

        # Models of db.Model and of the class itself share its registry: relationships may go across.
        return new_class(
            "Model",
            (*mixins, model_class),
            {},
            lambda body: body.update(__abstract__=True, __fsa__=db, __module__=__name__),
        )
    if isinstance(model_class, orm.DeclarativeMeta):
        return model_class

    metaclass = DefaultMeta if with_names else DefaultMetaNoName
    return orm.declarative_base(
        metadata=cast(sa.MetaData, metadata), cls=model_class, name="Model", metaclass=metaclass
    )
