"""Signed ids are read as they were signed, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.ext.login.tokens import (
    LoginToken,
    key_bytes,
    read_login_token,
    read_token,
    sign,
    sign_login_token,
)


@given(st.text(), st.binary(min_size=1))
def test_what_was_signed_is_read(payload, key):
    assert read_token(sign(payload, key=key), keys=[key]) == payload


def test_a_token_is_flask_logins():
    digest = (
        "0e9e6e9855fbe6df7906ec4737578a1d491b38d3fd5246c1561016e189d6516"
        "043286501ca43257c938e60aad77acec5ce916b94ca9d00c0bb6f9883ae4b82ae"
    )

    assert sign("1", key=b"deterministic") == f"1|{digest}"


def test_keys_used_before_are_good_for_reading():
    token = sign("7", key=b"old")

    assert read_token(token, keys=[b"new", b"old"]) == "7"
    assert read_token(token, keys=[b"new"]) is None


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: "",
        lambda token: "7",
        lambda token: "7|",
        lambda token: "|",
        lambda token: token.replace("7|", "8|"),
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.upper(),
        lambda token: token[:-1] + "é",
        lambda token: token[:-1] + "\udcff",
        lambda token: "7|1|" + token.rpartition("|")[2],
        lambda token: token + "\0",
    ],
)
def test_a_forged_token_is_nobodys(forge):
    token = sign("7", key=b"a key")

    assert read_token(forge(token), keys=[b"a key"]) is None


def test_an_id_may_contain_what_separates():
    assert read_token(sign("a|b|c", key=b"k"), keys=[b"k"]) == "a|b|c"


def test_a_key_may_be_any_text():
    assert key_bytes("\x9e\x8f") == b"\x9e\x8f"
    assert key_bytes("鍵") == "鍵".encode()
    assert key_bytes(b"\x00") == b"\x00"


LOGIN = LoginToken("7", issued=1_800_000_000_000_000, ends=1_800_000_060, number="a-random_one")


def read(text, *, keys=(b"k",), now=1_800_000_000):
    return read_login_token(text, keys=keys, now=now)


@given(st.text(), st.binary(min_size=1))
def test_what_a_login_was_signed_with_is_read(user_id, key):
    login = replace(LOGIN, user_id=user_id)

    assert read(sign_login_token(login, key=key), keys=[key]) == login


def test_a_login_ends_when_it_says():
    text = sign_login_token(LOGIN, key=b"k")

    assert read(text, now=LOGIN.ends - 0.001) == LOGIN
    assert read(text, now=LOGIN.ends) is None


def test_a_login_of_flask_logins_form_has_no_end():
    first, second = (read(sign("7", key=b"k"), now=now) for now in (0, 1e12))

    assert first == second
    assert (first.user_id, first.issued, first.ends) == ("7", 0, None)


def test_a_login_is_read_with_keys_used_before():
    text = sign_login_token(LOGIN, key=b"old")

    assert read(text, keys=[b"new", b"old"]) == LOGIN
    assert read(text, keys=[b"new"]) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("7|", "8|"),
        ("|18", "|19"),
        (".1800000060.", ".1900000060."),
        ("a-random_one", "a-random_two"),
        (".1800000060.a-random_one", ""),
        ("7|1800000000000000.1800000060.a-random_one|", "7|"),
    ],
)
def test_a_login_of_which_anything_was_changed_is_nobodys(old, new):
    text = sign_login_token(LOGIN, key=b"k")

    assert old in text
    assert read(text.replace(old, new, 1)) is None


def test_an_id_that_looks_like_a_login_is_none():
    # Somebody called this has a cookie of Flask-Login's form; it must not read as the login of user 7.
    name = sign_login_token(LOGIN, key=b"k").rpartition("|")[0]

    assert read(sign(name, key=b"k")).user_id == name
    assert read_token(sign_login_token(LOGIN, key=b"k"), keys=[b"k"]) is None
