"""Visits are counted in a database of their own."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy


class Base(DeclarativeBase):
    """What all models have."""


db = SQLAlchemy(model_class=Base)


class Visit(db.Model):
    """One visit of a page."""

    __bind_key__ = "statistics"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str]


def create_app(**config: object) -> Costrel:
    """Make the application; tests give it other settings."""
    app = Costrel(__name__)
    app.config.from_mapping(
        {
            "SQLALCHEMY_DATABASE_URI": "sqlite:///shop.db",
            "SQLALCHEMY_BINDS": {"statistics": "sqlite:///statistics.db"},
            **config,
        }
    )
    db.init_app(app)

    @app.get("/<path>")
    def show(path: str) -> str:
        db.session.add(Visit(path=path))
        db.session.commit()

        return f"{db.session.scalar(db.select(db.func.count(Visit.id)))} visits"

    return app
