"""Names of tables, and which models get one."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.orm import (
    DeclarativeBase,
    DeclarativeBaseNoMeta,
    Mapped,
    MappedAsDataclass,
    declared_attr,
    mapped_column,
)

from costrel.ext.sqlalchemy import Model, SQLAlchemy
from costrel.ext.sqlalchemy.naming import camel_to_snake_case


def declarative():
    class Base(DeclarativeBase):
        pass

    return Base


def without_meta():
    class Base(DeclarativeBaseNoMeta):
        pass

    return Base


@pytest.fixture(params=[lambda: Model, declarative, without_meta], ids=["legacy", "base", "nometa"])
def db(request):
    return SQLAlchemy(model_class=request.param())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cup", "cup"),
        ("TeaCup", "tea_cup"),
        ("HTTPLog", "http_log"),
        ("LogHTTP", "log_http"),
        ("ABC", "abc"),
        ("HTTP2Request", "http2_request"),
        ("Cup_shelf", "cup_shelf"),
        ("Cup_Shelf", "cup__shelf"),
        ("_Hidden", "hidden"),
        ("get2HTTP", "get2_http"),
    ],
)
def test_words_begin_at_capitals(name, expected):
    assert camel_to_snake_case(name) == expected


def test_a_model_is_named_after_its_class(db):
    class TeaCup(db.Model):
        id = mapped_column(sa.Integer, primary_key=True)

    assert TeaCup.__tablename__ == TeaCup.__table__.name == "tea_cup"


def test_a_name_that_is_said_holds_for_its_model_only(db):
    class Cup(db.Model):
        __tablename__ = "cups"
        id = mapped_column(sa.Integer, primary_key=True)

    class Mug(Cup):
        id = mapped_column(sa.ForeignKey(Cup.id), primary_key=True)

    assert (Cup.__tablename__, Mug.__tablename__) == ("cups", "mug")


def test_a_model_without_a_primary_key_lies_in_the_table_of_its_parent(db):
    class Cup(db.Model):
        id = mapped_column(sa.Integer, primary_key=True)

    class Mug(Cup):
        handle = mapped_column(sa.String)

    assert Mug.__table__ is Cup.__table__
    assert "handle" in Cup.__table__.columns
    assert "__tablename__" not in Mug.__dict__


def test_a_primary_key_among_the_arguments_of_the_table_counts(db):
    class Cup(db.Model):
        id = mapped_column(sa.Integer)
        __table_args__ = (sa.PrimaryKeyConstraint("id"),)

    assert Cup.__table__.name == "cup"


def test_the_name_of_a_mixin_and_one_that_is_computed_hold(db):
    class Named:
        __tablename__ = "things"

    class Computed:
        @declared_attr.directive
        def __tablename__(cls):
            return cls.__name__.upper()

    class Cup(Named, db.Model):
        id = mapped_column(sa.Integer, primary_key=True)

    class Mug(Computed, db.Model):
        id = mapped_column(sa.Integer, primary_key=True)

    assert (Cup.__table__.name, Mug.__table__.name) == ("things", "MUG")


def test_an_abstract_model_has_no_name(db):
    class Base(db.Model):
        __abstract__ = True
        id = mapped_column(sa.Integer, primary_key=True)

    class Cup(Base):
        pass

    assert "__tablename__" not in Base.__dict__
    assert Cup.__tablename__ == "cup"


def test_a_model_takes_a_table_of_its_name_that_exists(db):
    table = db.Table("cup", sa.Column("id", sa.Integer, primary_key=True))

    class Cup(db.Model):
        pass

    assert Cup.__table__ is table


def test_a_model_that_can_have_no_table_is_refused_by_sqlalchemy(db):
    with pytest.raises(exc.ArgumentError, match="primary key"):

        class Cup(db.Model):
            pass


def test_names_can_be_switched_off():
    db = SQLAlchemy(model_class=declarative(), disable_autonaming=True)

    with pytest.raises(exc.InvalidRequestError):

        class Cup(db.Model):
            id = mapped_column(sa.Integer, primary_key=True)


def test_dataclass_models_are_named_too():
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class TeaCup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        name: Mapped[str] = mapped_column(default="blue")

    assert TeaCup.__tablename__ == "tea_cup"
    assert TeaCup().name == "blue"
    assert "TeaCup(id=None, name='blue')" in repr(TeaCup())
