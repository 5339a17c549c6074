"""Pages of a query."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy


@pytest.fixture
def db():
    app = Costrel("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db = SQLAlchemy(app)

    class Cup(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)

    db.Cup = Cup
    with app.test_request_context("/"):
        db.create_all()
        db.session.add_all([Cup() for _ in range(3)])
        yield db


def test_a_page_tells_the_limit_that_it_was_made_with(db):
    cups = db.select(db.Cup)

    assert db.paginate(cups).max_per_page == 100
    assert db.paginate(cups, per_page=500).max_per_page is None
    assert db.paginate(cups, per_page=500, max_per_page=50).max_per_page == 50
    assert db.Cup.query.paginate(max_per_page=None).max_per_page is None


def test_its_neighbour_has_as_many_items(db):
    first = db.paginate(db.select(db.Cup), per_page=2)
    second = first.next()

    assert (second.per_page, len(second.items), second.max_per_page) == (2, 1, None)
    assert second.prev().per_page == 2


def test_items_are_the_first_column_or_whole_rows(db):
    cups = db.select(db.Cup, db.Cup.id.label("number")).order_by(db.Cup.id)

    models = db.paginate(cups)
    rows = db.paginate(cups, scalars=False)

    assert [cup.id for cup in models] == [1, 2, 3]
    assert [(row.Cup.id, row.number) for row in rows] == [(1, 1), (2, 2), (3, 3)]


def test_equal_rows_are_each_an_item(db):
    same = db.select(sa.literal("same").label("word")).select_from(db.Cup)

    first = db.paginate(same, per_page=2, scalars=False)

    assert (first.items, first.next().items, first.total) == ([("same",), ("same",)], [("same",)], 3)
