"""A guest book whose tables are made and changed by migrations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, String
from sqlalchemy.orm import Mapped, mapped_column

from costrel import Costrel
from costrel.ext.migrate import Migrate
from costrel.ext.sqlalchemy import SQLAlchemy

# Constraints need names to be changed later; with these, each has one that says what it is.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

db = SQLAlchemy(metadata=MetaData(naming_convention=NAMES))
migrate = Migrate()


class Guest(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    slug: Mapped[str] = mapped_column(String(80), unique=True)


def create_app(**config: Any) -> Costrel:
    app = Costrel(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///guests.db"
    app.config.update(config)
    db.init_app(app)
    migrate.init_app(app, db)

    @app.get("/")
    def index():
        return [guest.name for guest in db.session.scalars(db.select(Guest))]

    return app
