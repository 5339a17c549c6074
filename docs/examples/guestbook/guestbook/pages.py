"""The page with the entries, and the form that adds one."""

from costrel import Blueprint, flash, redirect, render_template, request, url_for
from guestbook import db

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def index():
    entries = db.connection().execute("SELECT name, text FROM entry ORDER BY id DESC").fetchall()
    return render_template("index.html", entries=entries)


@blueprint.post("/")
def sign():
    name, text = request.form["name"].strip(), request.form["text"].strip()
    if not name or not text:
        flash("Please fill in both fields.")
        return redirect(url_for("pages.index"))
    connection = db.connection()
    connection.execute("INSERT INTO entry (name, text) VALUES (?, ?)", (name, text))
    connection.commit()
    flash(f"Thank you, {name}!")
    return redirect(url_for("pages.index"))
