"""``db.Model``: its variants, its metadata, its query."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, DeclarativeBaseNoMeta, Mapped, mapped_column, relationship

from costrel import Costrel
from costrel.ext.sqlalchemy import Model, Query, SQLAlchemy
from costrel.ext.sqlalchemy.model import DefaultMeta


class OwnBase(DeclarativeBase):
    pass


@pytest.fixture
def app(tmp_path):
    app = Costrel("shop", instance_path=str(tmp_path))
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    return app


def test_models_of_the_base_and_of_db_model_refer_to_each_other(app):
    class Base(DeclarativeBase):
        pass

    db = SQLAlchemy(app, model_class=Base)

    class Shelf(Base):
        __tablename__ = "shelf"
        id: Mapped[int] = mapped_column(primary_key=True)
        cups: Mapped[list[Cup]] = relationship(back_populates="shelf")

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        shelf_id: Mapped[int] = mapped_column(sa.ForeignKey("shelf.id"))
        shelf: Mapped[Shelf] = relationship(back_populates="cups")

    globals().update(Shelf=Shelf, Cup=Cup)
    with app.app_context():
        db.create_all()
        db.session.add(Shelf(cups=[Cup(), Cup()]))
        db.session.commit()

        assert len(db.session.scalars(db.select(Shelf)).one().cups) == 2
        assert issubclass(db.Model, Base)
        assert db.metadata is Base.metadata


def test_two_declarative_bases_are_refused():
    class Both(DeclarativeBase, DeclarativeBaseNoMeta):
        pass

    with pytest.raises(ValueError, match="two declarative bases"):
        SQLAlchemy(model_class=Both)


def test_a_declarative_class_of_one_s_own_is_taken_as_it_is():
    own = sa.orm.declarative_base(cls=Model, metaclass=DefaultMeta)

    db = SQLAlchemy(model_class=own)

    assert db.Model is own
    assert db.metadata is own.metadata


def test_metadata_for_a_base_that_has_its_own_is_ignored_with_a_warning():
    with pytest.deprecated_call():
        db = SQLAlchemy(model_class=OwnBase, metadata=sa.MetaData())

    assert db.metadata is OwnBase.metadata


def test_each_bind_key_has_metadata_with_the_naming_convention_of_the_default():
    db = SQLAlchemy(metadata=sa.MetaData(naming_convention={"pk": "key_%(table_name)s"}))

    class Cup(db.Model):
        __bind_key__ = "log"
        id: Mapped[int] = mapped_column(primary_key=True)

    table = db.Table("line", sa.Column("id", sa.Integer), bind_key="log")

    assert Cup.metadata is table.metadata is db.metadatas["log"]
    assert Cup.__table__.primary_key.name == "key_cup"
    assert db.metadatas["log"].info == {"bind_key": "log"}


def test_a_table_keeps_the_metadata_it_is_given():
    db, own = SQLAlchemy(), sa.MetaData()

    table = db.Table("cup", own, sa.Column("id", sa.Integer))

    assert table.metadata is own
    assert [column.name for column in table.columns] == ["id"]


def test_models_tell_what_they_are(app):
    db = SQLAlchemy(app)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    with app.app_context():
        db.create_all()
        cup = Cup()
        assert repr(cup) == f"<Cup (transient {id(cup)})>"
        db.session.add(cup)
        assert repr(cup) == f"<Cup (pending {id(cup)})>"
        db.session.flush()
        assert repr(cup) == "<Cup 1>"


def test_the_query_of_models_and_dynamic_relationships_is_the_given_one(app):
    class OwnQuery(Query):
        def named(self, name):
            return self.filter_by(name=name)

    db = SQLAlchemy(app, query_class=OwnQuery)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        shelf_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shelf.id"))

    class Shelf(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        cups = db.relationship(Cup, lazy="dynamic", backref=db.backref("shelf"))

    with app.app_context():
        db.create_all()
        db.session.add(Shelf(cups=[Cup(name="blue"), Cup(name="red")]))
        db.session.commit()

        assert Cup.query.named("red").one().id == 2
        assert db.session.get(Shelf, 1).cups.named("blue").count() == 1
        assert type(Cup.query) is OwnQuery


def test_names_of_sqlalchemy_are_there_and_others_are_not():
    db = SQLAlchemy()

    assert db.Column is sa.Column
    assert db.Mapped is Mapped
    assert db.event is sa.event
    with pytest.raises(AttributeError, match="'SQLAlchemy' object has no attribute 'Colunm'"):
        db.Colunm


def test_no_name_of_sqlalchemy_is_hidden_by_one_of_the_extension():
    own = {name for name in dir(SQLAlchemy) if not name.startswith("_")}
    theirs = {name for module in (sa, sa.orm) for name in dir(module) if not name.startswith("_")}

    # Those are here in a form of ours, or are no names that models are written with.
    assert own & theirs <= {"Query", "Table", "dynamic_loader", "engine", "relationship", "session"}
