"""The examples of the page on logins do what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from costrel.ext.session import Session
from costrel.testing import WebSocketRefused

PASSWORDS = {"right": "correct horse", "wrong": "battery staple"}


@pytest.fixture
def load(monkeypatch):
    """Load an example by its name, afresh."""

    def load(name):
        path = Path(__file__).with_name(f"{name}.py")
        spec = importlib.util.spec_from_file_location(f"example_login_{name}", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)

        return module

    return load


@pytest.fixture
def shop(load):
    return load("shop").create_app(
        {"SECRET_KEY": "7f3f0d0e4c0e4a5f9b6d0a3b", "TESTING": True, "TEMPLATES_AUTO_RELOAD": False}
    )


def log_in(visitor, password="right", **more):
    return visitor.post("/login", data={"name": "ada", "password": PASSWORDS[password], **more})


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_a_visitor_is_sent_to_log_in_and_back(shop, protocol):
    visitor = shop.test_client(protocol=protocol)

    sent = visitor.get("/account/?page=2")
    form = visitor.get(sent.location)
    wrong = log_in(visitor, "wrong")
    back = log_in(visitor, next="/account/?page=2")

    assert sent.location == "/login?next=%2Faccount%2F%3Fpage%3D2"
    assert 'value="/account/?page=2"' in form.text
    assert "Name or password is wrong." in wrong.text
    assert back.location == "/account/?page=2"
    assert visitor.get("/account/").text == "the account of ada"


def test_nobody_is_sent_to_another_site(shop):
    assert log_in(shop.test_client(), next="//evil.example").location == "/account/"


def test_a_name_that_nobody_has_is_answered_the_same(shop):
    answers = {
        shop.test_client().post("/login", data={"name": name, "password": "wrong"}).text
        for name in ("ada", "nobody")
    }

    assert len(answers) == 1


def test_a_new_password_ends_the_other_logins(shop):
    here, there = shop.test_client(), shop.test_client()
    log_in(here)
    log_in(there, stay="on")

    here.post("/account/password", data={"new": "another horse"})

    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302


def test_who_only_comes_back_must_give_the_password_again(shop):
    visitor = shop.test_client()
    log_in(visitor, stay="on")
    visitor.delete_cookie("session")

    assert visitor.get("/account/").status_code == 200
    assert visitor.post("/account/password", data={"new": "x"}).location.startswith("/login?")


def copy_of(shop, visitor, *, without=""):
    thief = shop.test_client()
    for name in {"session", "remember_token"} - {without}:
        thief.set_cookie(name, visitor.get_cookie(name).value)

    return thief


@pytest.mark.parametrize("without", ["session", "remember_token"])
@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_logging_out_everywhere_ends_copies_of_both_cookies(shop, protocol, without):
    here, there = shop.test_client(protocol=protocol), shop.test_client(protocol=protocol)
    log_in(here, stay="on")
    log_in(there, stay="on")
    thief = copy_of(shop, here, without=without)

    here.post("/account/logout-everywhere")

    assert [browser.get("/account/").status_code for browser in (here, there, thief)] == [302, 302, 302]
    log_in(here)
    assert here.get("/account/").status_code == 200
    assert thief.get("/account/").status_code == 302


@pytest.mark.parametrize("without", ["session", "remember_token"])
def test_logging_out_leaves_copies_of_cookies_good_as_the_page_says(shop, without):
    visitor = shop.test_client()
    log_in(visitor, stay="on")
    thief = copy_of(shop, visitor, without=without)

    visitor.post("/logout")

    assert thief.get("/account/").status_code == 200


@pytest.mark.parametrize("without", ["session", "remember_token"])
def test_with_sessions_on_the_server_logging_out_ends_copies(load, without):
    shop = load("shop").create_app({"SECRET_KEY": "7f3f0d0e4c0e4a5f9b6d0a3b", "TESTING": True})
    Session(shop, type="memory")
    here, there = shop.test_client(), shop.test_client()
    log_in(here, stay="on")
    log_in(there, stay="on")
    thief = copy_of(shop, here, without=without)

    here.post("/logout")

    assert thief.get("/account/").status_code == 302
    assert there.get("/account/").status_code == 200


def test_logging_out_ends_it(shop):
    visitor = shop.test_client()
    log_in(visitor, stay="on")
    visitor.post("/logout")

    assert visitor.get("/account/").status_code == 302


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_an_async_loader_serves_all_kinds_of_views(load, protocol):
    app = load("live").app
    visitor = app.test_client(protocol=protocol)

    before = [visitor.get("/").text, visitor.get("/sync").status_code]
    with pytest.raises(WebSocketRefused), visitor.websocket("/live"):
        pass
    visitor.post("/login")
    with visitor.websocket("/live") as ws:
        said = ws.receive()

    assert before == ["nobody", 401]
    assert [visitor.get("/").text, visitor.get("/sync").text, said] == ["ada", "ada", "hello ada"]
