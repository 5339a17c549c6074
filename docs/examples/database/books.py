"""A list of books: pages by sync views, the same data by async ones."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from costrel import Blueprint, Costrel, redirect, render_template, request, url_for
from costrel.ext.sqlalchemy import SQLAlchemy


class Base(DeclarativeBase):
    """What all models have."""


db = SQLAlchemy(model_class=Base)


class Author(db.Model):
    """Its table is ``author``."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(db.Model):
    """Its table is ``book``."""

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


pages = Blueprint("pages", __name__)


@pages.get("/")
def index() -> str:
    """Show a page of the list: ``/?page=2``."""
    books = db.paginate(db.select(Book).order_by(Book.title).options(selectinload(Book.author)))

    return render_template("books.html", books=books)


@pages.post("/")
def add() -> Any:
    """Keep a book, and its author if it is the first one."""
    name = request.form["author"]
    author = db.session.scalar(db.select(Author).filter_by(name=name)) or Author(name=name)
    db.session.add(Book(title=request.form["title"], author=author))
    db.session.commit()

    return redirect(url_for("pages.index"))


@pages.get("/books/<int:number>")
async def show(number: int) -> dict[str, Any]:
    """Return a book as JSON, or 404; the event loop goes on meanwhile."""
    book = await db.aget_or_404(Book, number, options=[selectinload(Book.author)])

    return {"title": book.title, "author": book.author.name}


@pages.post("/books/<int:number>/title")
async def rename(number: int) -> dict[str, Any]:
    """Give a book another title."""
    book = await db.aget_or_404(Book, number)
    book.title = request.form["title"]
    await db.async_session.commit()

    return {"title": book.title}


def create_app(**config: object) -> Costrel:
    """Make the application; tests give it other settings."""
    app = Costrel(__name__)
    app.config.from_mapping({"SQLALCHEMY_DATABASE_URI": "sqlite:///books.db", **config})
    db.init_app(app)
    app.register_blueprint(pages)

    @app.cli.command("create-tables")
    def create_tables() -> None:
        """Make the tables that do not exist."""
        db.create_all()

    return app
