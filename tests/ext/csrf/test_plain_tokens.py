"""Tokens of Flask-WTF are read: what it sent before, and what extensions make by it."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeTimedSerializer

from costrel import session
from costrel.ext.csrf import TokenError
from costrel.ext.csrf.plain_tokens import is_plain_token, read_plain_token

SECRET = "5f5b1ad1c0e3d2c0f7a6b3a4c9d8e7f6a5b4c3d2"  # 40 characters, as Flask-WTF puts into a session


def made(secret=SECRET, *, key="key", salt="wtf-csrf-token"):
    return URLSafeTimedSerializer(key, salt=salt).dumps(secret)


def read(token, *, keys=("key",), now=0.0, max_age=60):
    return read_plain_token(token, keys=keys, now=now, max_age=max_age)


def reason(token, **how):
    with pytest.raises(TokenError) as caught:
        read(token, **how)

    return caught.value.reason


def test_its_secret_comes_out():
    assert is_plain_token(made())
    assert read(made()) == SECRET.encode()


def test_any_key_may_have_signed_it():
    assert read(made(key="old"), keys=["old", "new"]) == SECRET.encode()


@pytest.mark.parametrize(
    "how", [{"key": "other"}, {"salt": "cookie-session"}, {"secret": ["a list"]}, {"secret": ""}]
)
def test_what_was_signed_otherwise_is_invalid(how):
    assert reason(made(**how)) == "The CSRF token is invalid."


@pytest.mark.parametrize("token", ["..", "a.b.c", ".a.b.c", "é.é.é", "\0.\0.\0"])
def test_odd_texts_are_invalid(token):
    assert is_plain_token(token)
    assert reason(token) == "The CSRF token is invalid."


@pytest.mark.parametrize("token", [None, 7, b"a.b.c", "a.b", "a.b.c" * 200])
def test_others_are_left_to_those_who_read_ours(token):
    assert not is_plain_token(token)


def test_it_ends():
    assert reason(made(), now=9e9) == "The CSRF token has expired."
    assert read(made(), now=9e9, max_age=None) == SECRET.encode()


@pytest.fixture
def theirs(shop):
    """A page in whose session Flask-WTF put its secret."""

    @shop.get("/theirs")
    def theirs():
        session["csrf_token"] = SECRET
        return made(key=shop.secret_key)


@pytest.mark.usefixtures("theirs")
def test_a_page_that_flask_wtf_sent_can_be_sent_back(shop, client):
    browser = client(shop)
    token = browser.get("/theirs").text

    assert browser.post("/buy", data={"csrf_token": token}).text == "bought 1"
    assert browser.post("/buy", headers={"X-CSRFToken": token}).text == "bought 2"


@pytest.mark.usefixtures("theirs")
def test_it_is_of_no_use_to_another_browser(shop, client):
    token = client(shop).get("/theirs").text
    other = client(shop)
    other.get("/token")

    assert other.post("/buy", data={"csrf_token": token}).status_code == 400


def test_a_key_that_nobody_set_is_not_there_for_flask_wtf_to_find(shop):
    assert "WTF_CSRF_SECRET_KEY" not in shop.config

    shop.config["WTF_CSRF_SECRET_KEY"] = "set later"
    assert shop.extensions["csrf"].options_of(shop).secret_key == "set later"
