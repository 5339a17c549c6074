"""All extensions on one application: its promises hold when they work together, sync and async."""

from __future__ import annotations

import io
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
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
SQL = ["' OR '1'='1", "'; DROP TABLE note; --", '" UNION SELECT password FROM "user" --', "%'; --", "\\'"]

OTHER_SITES = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "http:evil.example",
    "https://localhost@evil.example/",
    "javascript:alert(1)",
    "\x00//evil.example",
)

FORM = "application/x-www-form-urlencoded"
BODIES = (
    (b"text=" + b"x" * 600_000, FORM, 413),
    (b"&".join(b"text=x" for _ in range(1_001)), FORM, 413),
    (b"--x\r\nContent-Disposition: form-data; na", "multipart/form-data; boundary=x", 400),
    (b"no boundary at all", "multipart/form-data", 400),
    (b"[" * 10_000, "application/json", 400),
    (b'{"text": {"a": [1]}}', "application/json", 422),
)

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
def ada(open_browser):
    """A browser in which Ada has logged in."""
    return logged_in(open_browser(), "ada")


def logged_in(browser, name):
    assert browser.log_in(name).status_code == 302
    return browser


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


# Logging in.


def test_visitor_is_sent_to_log_in_and_back(browser):
    sent = browser.client.get("/?page=2")
    back = browser.log_in("ada", path=sent.location)

    assert sent.location == "/log-in?next=%2F%3Fpage%3D2"
    assert back.location == "/?page=2"
    assert browser.is_logged_in()


def test_wrong_name_or_password_lets_nobody_in(browser):
    for name, password in [("ada", "wrong"), ("nobody", PASSWORD), ("ada", "")]:
        assert browser.log_in(name, password).status_code == 422
    assert not browser.is_logged_in()


def test_page_that_looks_at_no_session_is_the_same_for_all_visitors(browser):
    response = browser.client.get("/about")

    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


def test_login_leads_to_no_other_site(browser):
    data = {"name": "ada", "password": PASSWORD}

    def leads_to(target):
        browser.client.delete_cookie("session")
        form = {**data, "next": target, "csrf_token": browser.token("/log-in")}
        return browser.client.post("/log-in", query_string={"next": target}, data=form).location

    assert {target: leads_to(target) for target in OTHER_SITES} == dict.fromkeys(OTHER_SITES, "/")


# Sessions.


def test_login_gives_the_session_another_id(browser):
    browser.client.get("/log-in")
    before = browser.session_id

    browser.log_in("ada")

    assert before is not None
    assert browser.session_id != before


def test_session_that_was_planted_before_the_login_is_nobodys_after_it(browser, open_browser):
    attacker = open_browser()
    attacker.client.get("/log-in")
    browser.client.set_cookie("session", attacker.session_id)

    browser.log_in("ada")

    assert browser.is_logged_in()
    assert not attacker.is_logged_in()


def test_id_that_somebody_made_up_is_never_taken(browser):
    browser.client.set_cookie("session", "made-up-by-somebody-else-0123456789abcdefgh")

    browser.log_in("ada")

    assert browser.session_id != "made-up-by-somebody-else-0123456789abcdefgh"


def test_cookie_that_was_copied_is_worth_nothing_after_the_logout(ada, open_browser):
    thief = open_browser()
    thief.client.set_cookie("session", ada.session_id)
    assert thief.is_logged_in()

    ada.send("/log-out", token_of="/")

    assert not thief.is_logged_in()
    assert not ada.is_logged_in()


def test_log_out_everywhere_ends_all_sessions_of_this_user_and_no_others(ada, open_browser):
    phone, grace = logged_in(open_browser(), "ada"), logged_in(open_browser(), "grace")

    assert ada.send("/log-out-everywhere", token_of="/").text == "2"

    assert not ada.is_logged_in()
    assert not phone.is_logged_in()
    assert grace.is_logged_in()


# Tokens.


def test_form_with_the_token_of_its_page_is_taken(ada):
    assert ada.send(text="Fill the flask.").status_code == 302
    assert ada.notes() == ["Fill the flask."]


def test_missing_or_forged_token_is_refused(ada):
    forged = [{"csrf_token": token} for token in ("", "forged", "é\x00", "a" * 5_000)]

    statuses = [ada.client.post("/", data={"text": "forged", **token}).status_code for token in [{}, *forged]]

    assert statuses == [400] * 5
    assert ada.notes() == []


def test_token_of_somebody_else_is_refused(ada, open_browser):
    foreign = logged_in(open_browser(), "grace").token("/")

    assert ada.client.post("/", data={"text": "forged", "csrf_token": foreign}).status_code == 400
    assert ada.notes() == []


def test_token_from_before_the_login_is_refused_after_it(browser):
    before = browser.token("/log-in")
    browser.log_in("ada")

    assert browser.client.post("/", data={"text": "replayed", "csrf_token": before}).status_code == 400
    assert browser.notes() == []


def test_token_from_before_the_logout_is_refused_after_it(ada):
    before = ada.token("/")
    ada.send("/log-out", token_of="/")

    replayed = ada.client.post("/log-in", data={"name": "ada", "password": PASSWORD, "csrf_token": before})

    assert replayed.status_code == 400
    assert not ada.is_logged_in()


def test_form_of_another_site_is_refused_though_its_token_is_right(ada):
    data = {"text": "forged", "csrf_token": ada.token("/")}
    told = [("Sec-Fetch-Site", site) for site in ("cross-site", "same-site")]
    told += [("Origin", origin) for origin in ("https://evil.example", "null")]

    statuses = {header: ada.client.post("/", data=data, headers=[header]).status_code for header in told}

    assert statuses == dict.fromkeys(told, 403)
    assert ada.notes() == []


# Browsers at once.


def test_two_browsers_of_one_user_at_once_lose_nothing(open_browser, ada):
    phone, together = logged_in(open_browser(), "ada"), threading.Barrier(2)

    def write(browser):
        together.wait()
        return [browser.send(text=f"note {number}").status_code for number in range(5)]

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(write, (ada, phone)))

    assert statuses == [[302] * 5] * 2
    assert sorted(ada.notes()) == sorted([f"note {number}" for number in range(5)] * 2)


def test_two_users_at_once_see_their_own_only(open_browser, ada):
    grace, together = logged_in(open_browser(), "grace"), threading.Barrier(2)

    def write_and_read(browser, name):
        together.wait()
        for _ in range(4):
            browser.send(text=f"of {name}")
            assert set(browser.notes()) == {f"of {name}"}

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_and_read, (ada, grace), ("ada", "grace")))


# What is sent.


def test_sql_in_a_field_is_text(ada):
    for text in SQL:
        ada.send(text=text)

    assert ada.notes() == SQL


def test_sql_lets_nobody_in(browser):
    for text in SQL:
        assert browser.log_in(text, text).status_code == 422
        assert browser.log_in("ada", text).status_code == 422
        browser.client.set_cookie("session", text.replace(";", ","))
        assert not browser.is_logged_in()


def test_field_that_is_empty_too_long_or_no_text_is_told_and_not_kept(ada):
    for text in ("", "x" * 201, "a\x00b", (io.BytesIO(b"data"), "note.txt")):
        assert ada.send(text=text).status_code == 422
    assert ada.notes() == []


def test_oversized_or_malformed_body_is_refused(ada):
    headers = {"X-CSRFToken": ada.token("/")}

    statuses = [
        ada.client.post("/", data=body, content_type=mimetype, headers=headers).status_code
        for body, mimetype, _ in BODIES
    ]

    assert statuses == [expected for *_, expected in BODIES]
    assert ada.notes() == []
