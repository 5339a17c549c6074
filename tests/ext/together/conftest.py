"""One application with all extensions, its views sync or async, and the browsers of its users."""

from __future__ import annotations

import re
import shutil
from html import unescape

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from costrel import Costrel, arender_template_string, redirect, render_template_string
from costrel.ext.csrf import CSRFProtect
from costrel.ext.forms import FlaskForm, Forms
from costrel.ext.login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
    logout_user,
    next_url,
)
from costrel.ext.migrate import Migrate
from costrel.ext.session import Session
from costrel.ext.sqlalchemy import SQLAlchemy

PASSWORD = "correct horse battery"
PAGE = "{{ render_form(form) }}{% for text in texts %}<p>{{ text }}</p>{% endfor %}"

# One instance each, for the applications of all tests.
db, migrate, csrf, sessions, forms = SQLAlchemy(), Migrate(), CSRFProtect(), Session(), Forms()


class User(UserMixin, db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    password: Mapped[str] = mapped_column(sa.String(200))


class Note(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("user.id"))
    text: Mapped[str] = mapped_column(sa.String(200))


class LogInForm(FlaskForm):
    name = StringField(validators=[InputRequired(), Length(max=40)])
    password = PasswordField(validators=[InputRequired(), Length(max=200)])


class NoteForm(FlaskForm):
    text = StringField(validators=[InputRequired(), Length(max=200)])


def named(name):
    return sa.select(User).where(User.name == name)


def texts_of_user():
    return sa.select(Note.text).where(Note.owner_id == current_user.id).order_by(Note.id)


def fits(user, form):
    return user is not None and check_password_hash(user.password, form.password.data)


def add_sync_views(app, users):
    @users.user_loader
    def load_user(user_id):
        return db.session.get(User, int(user_id))

    @app.route("/log-in", methods=["GET", "POST"])
    def log_in():
        form = LogInForm()
        if form.validate_on_submit() and fits(user := db.session.scalar(named(form.name.data)), form):
            login_user(user)
            return redirect(next_url("/"))
        return render_template_string(PAGE, form=form), 422 if form.is_submitted() else 200

    @app.route("/", methods=["GET", "POST"])
    @login_required
    def notes():
        form = NoteForm()
        if form.validate_on_submit():
            db.session.add(Note(owner_id=current_user.id, text=form.text.data))
            db.session.commit()
            return redirect("/")
        texts = db.session.scalars(texts_of_user()).all()
        return render_template_string(PAGE, form=form, texts=texts), 422 if form.errors else 200

    @app.post("/log-out")
    def log_out():
        logout_user()
        return redirect("/")

    @app.post("/log-out-everywhere")
    @login_required
    def log_out_everywhere():
        return str(sessions.delete_user(current_user.get_id()))


def add_async_views(app, users):
    @users.user_loader
    async def load_user(user_id):
        return await db.async_session.get(User, int(user_id))

    @app.route("/log-in", methods=["GET", "POST"])
    async def log_in():
        form = LogInForm()
        if await form.avalidate_on_submit():
            user = await db.async_session.scalar(named(form.name.data))
            if fits(user, form):
                login_user(user)
                return redirect(next_url("/"))
        return await arender_template_string(PAGE, form=form), 422 if form.is_submitted() else 200

    @app.route("/", methods=["GET", "POST"])
    @login_required
    async def notes():
        form = NoteForm()
        if await form.avalidate_on_submit():
            db.async_session.add(Note(owner_id=current_user.id, text=form.text.data))
            await db.async_session.commit()
            return redirect("/")
        texts = (await db.async_session.scalars(texts_of_user())).all()
        return await arender_template_string(PAGE, form=form, texts=texts), 422 if form.errors else 200

    @app.post("/log-out")
    async def log_out():
        logout_user()
        return redirect("/")

    @app.post("/log-out-everywhere")
    @login_required
    async def log_out_everywhere():
        return str(await sessions.adelete_user(current_user.get_id()))


def make_app(folder, add_views=add_sync_views):
    app = Costrel("together", instance_path=str(folder))
    app.config.update(
        SECRET_KEY="7f3f0d0e4c0e4a5f9b6d0a3b7f3f0d0e4c0e4a5f",
        SQLALCHEMY_DATABASE_URI="sqlite:///notes.sqlite3",
        SQLALCHEMY_RECORD_QUERIES=True,
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(folder / "migrations"))
    sessions.init_app(app)
    csrf.init_app(app)
    forms.init_app(app)
    add_views(app, LoginManager(app, login_view="log_in", login_message=""))
    app.add_url_rule("/about", "about", lambda: "all about it")

    return app


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A folder with a database that the commands of ``ext.migrate`` made, and two users."""
    folder = tmp_path_factory.mktemp("migrated")
    app = make_app(folder)
    for command in ("init", "migrate", "upgrade"):
        result = app.test_cli_runner().invoke(args=["db", command])
        assert result.exit_code == 0, result.output
    with app.app_context():
        password = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
        db.session.add_all([User(name=name, password=password) for name in ("ada", "grace")])
        db.session.commit()
        db.engine.dispose()

    return folder


@pytest.fixture(params=[add_sync_views, add_async_views], ids=["sync", "async"])
def app(migrated, tmp_path, request):
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    with make_app(tmp_path, request.param).test_app() as served:
        yield served.app


@pytest.fixture(params=["wsgi", "asgi"])
def open_browser(app, request):
    return lambda: Browser(app.test_client(protocol=request.param))


@pytest.fixture
def browser(open_browser):
    """Somebody's browser."""
    return open_browser()


@pytest.fixture
def browser_of(open_browser):
    """Make browsers in which somebody has logged in: ``browser_of("grace")``."""

    def log_in(name):
        browser = open_browser()
        assert browser.log_in(name).status_code == 302
        return browser

    return log_in


@pytest.fixture
def ada(browser_of):
    """A browser in which Ada has logged in."""
    return browser_of("ada")


class Browser:
    """Keeps cookies, and sends forms with the token of their page."""

    def __init__(self, client):
        self.client = client

    @property
    def session_id(self):
        cookie = self.client.get_cookie("session")
        return None if cookie is None else cookie.value

    def token(self, path):
        return re.search(r'name="csrf_token"[^>]* value="([^"]+)"', self.client.get(path).text)[1]

    def send(self, path="/", token_of=None, **data):
        return self.client.post(path, data={"csrf_token": self.token(token_of or path), **data})

    def log_in(self, name, password=PASSWORD, path="/log-in"):
        return self.send(path, name=name, password=password)

    def is_logged_in(self):
        return self.client.get("/").status_code == 200

    def notes(self):
        return [unescape(text) for text in re.findall("<p>(.*?)</p>", self.client.get("/").text)]
