"""Requests that a browser sent with a session's old id, and that come in when it has another one."""

from __future__ import annotations

import logging

import pytest

from costrel import Costrel, session
from costrel.ext.session import MemoryStore, Session


def make_app(store, **config):
    app = Costrel("shop")
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False, **config)
    app.sessions, app.meanwhile = Session(app, store=store), []

    def put(key):
        session[key] = 1
        return dict(session)

    def take(key):
        session.pop(key, None)
        while app.meanwhile:
            app.meanwhile.pop()()
        return "taken"

    def login():
        session.rotate()
        session["_user_id"] = "7"
        return "welcome"

    def logout():
        session.rotate()
        session.clear()
        return "bye"

    def password():
        app.sessions.delete_user("7")
        return login()

    def get():
        return dict(session)

    for view, rule in (
        (put, "/put/<key>"),
        (take, "/take/<key>"),
        (login, "/login"),
        (logout, "/logout"),
        (password, "/password"),
        (get, "/get"),
    ):
        app.add_url_rule(rule, view.__name__, view)
        app.add_url_rule(f"/async{rule}", f"async_{view.__name__}", as_async(view))

    return app


def as_async(view):
    async def awaited(**values):
        return view(**values)

    return awaited


def sid_of(browser):
    return browser.get_cookie("session").value


@pytest.fixture(params=["", "/async"])
def way(request):
    """Whether the views are async."""
    return request.param


@pytest.fixture
def app():
    return make_app(MemoryStore())


@pytest.fixture
def browser(app, client):
    browser = client(app)
    browser.get("/put/basket")

    return browser


@pytest.fixture
def send_late(app, client):
    """Send a request with an id that the browser no longer has."""

    def send(sid, path):
        sender = client(app)
        sender.set_cookie("session", sid)
        return sender.get(path)

    return send


def test_in_every_store_a_late_request_neither_sets_a_cookie_nor_finds_the_session(
    make_store, store_kind, prefix, client, way
):
    app = make_app(make_store(store_kind), SESSION_KEY_PREFIX=prefix)
    browser, late = client(app), client(app)
    browser.get(f"{way}/put/basket")
    late.set_cookie("session", sid_of(browser))
    browser.get(f"{way}/login")

    response = late.get(f"{way}/put/late")

    assert response.json == {"_permanent": True, "late": 1}
    assert "Set-Cookie" not in response.headers
    assert response.headers["Vary"] == "Cookie"
    assert late.get(f"{way}/get").json == {"_permanent": True}
    assert browser.get(f"{way}/get").json == {"_permanent": True, "_user_id": "7", "basket": 1}


def test_a_late_request_is_told_of_in_the_log(browser, send_late, way, caplog):
    old = sid_of(browser)
    browser.get("/login")
    caplog.set_level(logging.DEBUG, logger="costrel.session")

    send_late(old, f"{way}/get")
    assert caplog.messages == []
    send_late(old, f"{way}/put/late")

    assert [message.partition(";")[0] for message in caplog.messages] == [
        "A session ended or got a new id while a request used it"
    ]
    assert old not in caplog.text


@pytest.mark.parametrize("path", ["/logout", "/password"])
def test_it_is_so_after_a_logout_and_after_a_logout_everywhere(browser, send_late, way, path):
    browser.get("/login")
    old = sid_of(browser)
    browser.get(f"{way}{path}")

    assert "Set-Cookie" not in send_late(old, f"{way}/put/late").headers
    assert send_late(old, "/get").json == {"_permanent": True}


def test_it_is_so_after_a_session_was_emptied(browser, send_late, way):
    old = sid_of(browser)
    browser.get(f"{way}/take/basket")

    assert "Set-Cookie" not in send_late(old, f"{way}/put/late").headers


def test_a_late_request_that_empties_the_session_leaves_the_cookie_of_the_login(app, browser, send_late, way):
    old = sid_of(browser)
    app.meanwhile.append(lambda: browser.get("/login"))  # the session was opened before, and is saved after

    assert "Set-Cookie" not in send_late(old, "/take/basket").headers
    assert "Set-Cookie" not in send_late(old, f"{way}/take/basket").headers
    assert browser.get("/get").json["_user_id"] == "7"


def test_who_logs_in_by_a_late_request_is_logged_in(browser, send_late, client, app, way):
    old = sid_of(browser)
    browser.get("/login")
    again = client(app)
    again.set_cookie("session", old)

    again.get(f"{way}/login")

    assert sid_of(again) not in (old, sid_of(browser))
    assert again.get("/get").json == {"_permanent": True, "_user_id": "7"}


def test_who_logs_out_by_a_late_request_is_logged_out(browser, send_late, way):
    old = sid_of(browser)
    browser.get("/login")

    assert "Max-Age=0" in send_late(old, f"{way}/logout").headers["Set-Cookie"]


def test_an_id_is_late_for_some_seconds_only(client, clock, way):
    store = MemoryStore(clock=clock)
    app = make_app(store)
    browser, lost = client(app), client(app)
    browser.get("/put/basket")
    old = sid_of(browser)
    lost.set_cookie("session", old)
    browser.get("/login")

    clock.now += 10
    lost.get(f"{way}/put/n")

    assert sid_of(lost) not in (old, sid_of(browser))
    assert lost.get("/get").json == {"_permanent": True, "n": 1}
    assert store.clean_up() == 1
