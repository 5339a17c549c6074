"""Requests of one session at the same time, counted: nothing of what they wrote is lost."""

from __future__ import annotations

import threading

import pytest

from costrel import Costrel, request, session
from costrel.ext.session import Session

REQUESTS = 8


@pytest.fixture
def app(make_store, store_kind, prefix):
    app = Costrel("shop")
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False, SESSION_KEY_PREFIX=prefix)
    sessions = Session(app, store=make_store(store_kind))
    # All requests read before one of them writes; without that they would seldom meet.
    app.all_have_read = threading.Barrier(REQUESTS)

    @app.get("/begin")
    def begin():
        session["list"] = []
        return "begun"

    @app.get("/write/<name>")
    def write(name):
        session[name] = request.args["value"]
        session["list"].append(name)
        app.all_have_read.wait(60)
        return "written"

    @app.get("/count")
    def count():
        session.get("n")
        app.all_have_read.wait(60)
        sessions.change(lambda stored: stored.update(n=stored.get("n", 0) + 1))
        return "counted"

    @app.get("/login")
    def login():
        session.get("n")
        app.all_have_read.wait(60)
        session.rotate()
        session["_user_id"] = "7"
        return "welcome"

    @app.get("/get")
    def get():
        return dict(session)

    return app


def same_browser(app, cookie):
    browser = app.test_client()
    browser.set_cookie("session", cookie)

    return browser


@pytest.fixture
def cookie(app):
    browser = app.test_client()
    browser.get("/begin")

    return browser.get_cookie("session").value


def test_what_concurrent_requests_put_in_is_all_there(app, cookie, at_once):
    names = [f"key{number}" for number in range(REQUESTS)]

    answers = at_once(
        *[lambda name=name: same_browser(app, cookie).get(f"/write/{name}?value=v").text for name in names]
    )

    assert answers == ["written"] * REQUESTS
    content = same_browser(app, cookie).get("/get").json
    assert {name: content.get(name) for name in names} == dict.fromkeys(names, "v")
    assert sorted(content["list"]) == names


def test_a_counter_that_is_changed_at_once_counts_all(app, cookie, at_once):
    at_once(*[lambda: same_browser(app, cookie).get("/count")] * REQUESTS)

    assert same_browser(app, cookie).get("/get").json["n"] == REQUESTS


def test_of_concurrent_logins_in_one_session_one_takes_it_over(app, cookie, at_once):
    browsers = [same_browser(app, cookie) for _ in range(REQUESTS)]

    at_once(*[lambda browser=browser: browser.get("/login") for browser in browsers])

    moved = [browser for browser in browsers if browser.get_cookie("session").value != cookie]
    assert len(moved) == 1
    assert moved[0].get("/get").json["_user_id"] == "7"
    assert "_user_id" not in same_browser(app, cookie).get("/get").json
