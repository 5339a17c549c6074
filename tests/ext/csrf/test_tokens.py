"""Tokens hide their secret, cannot be made without a key, and end."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costrel.ext.csrf import TokenError
from costrel.ext.csrf.tokens import is_secret, make_secret, make_token, matches, read_token

KEYS = ["key"]


def made(secret="secret", *, keys=KEYS, now=1_000.0):
    return make_token(secret, keys=keys, now=now)


def read(token, *, keys=KEYS, now=1_000.0, max_age=60):
    return read_token(token, keys=keys, now=now, max_age=max_age)


def reason(token, **how):
    with pytest.raises(TokenError) as caught:
        read(token, **how)

    return caught.value.reason


@settings(deadline=None)
@given(st.text(min_size=1).filter(is_secret))
def test_what_went_into_a_token_comes_out(secret):
    assert matches(read(made(secret)), [secret])


def test_secrets_differ_and_are_long():
    assert make_secret() != make_secret()
    assert len(make_secret()) == 24


@pytest.mark.parametrize("value", [None, "", 7, b"bytes", ["list"], {"a": 1}, "x" * 129])
def test_what_is_no_secret_is_told(value):
    assert not is_secret(value)


def test_tokens_of_one_secret_have_nothing_in_common_but_their_time():
    secret = make_secret()
    tokens = [made(secret) for _ in range(50)]

    # 5 bytes of time are 6 whole characters and a part of the next one.
    assert {token[:6] for token in tokens} == {tokens[0][:6]}
    pieces = [token[at : at + 6] for token in tokens for at in range(7, len(token) - 5)]
    assert len(set(pieces)) == len(pieces)
    assert not any(secret[at : at + 6] in token for token in tokens for at in range(len(secret) - 5))


@pytest.mark.parametrize("token", [None, "", b""])
def test_missing_token_is_told(token):
    assert reason(token) == "The CSRF token is missing."


def test_every_truncation_is_refused():
    token = made()

    for length in range(1, len(token)):
        assert reason(token[:length]) == "The CSRF token is invalid."
        assert reason(token[length:]) == "The CSRF token is invalid."


def test_every_change_of_one_character_is_refused():
    token = made()

    for at, character in enumerate(token):
        changed = token[:at] + ("A" if character != "A" else "B") + token[at + 1 :]
        assert reason(changed) == "The CSRF token is invalid."


@settings(deadline=None)
@given(
    st.text(min_size=1) | st.binary(min_size=1) | st.integers(min_value=1) | st.lists(st.text(), min_size=1)
)
def test_anything_else_is_refused_and_no_other_error(token):
    assert reason(token) == "The CSRF token is invalid."


@pytest.mark.parametrize(
    "token",
    ["\x00", "tökén", "\ud800", "a.b", ".", "a" * 1_000_000, "é" * 1_000_000, "." * 10_000],
    ids=["NUL", "not ASCII", "surrogate", "short", "dot", "huge", "huge and not ASCII", "dots"],
)
def test_odd_texts_are_refused(token):
    assert reason(token) == "The CSRF token is invalid."


def test_token_surrounded_by_more_is_refused():
    token = made()

    others = (f"{token} ", f" {token}", f"{token}\x00", f"{token}.{token}", token.upper(), f"{token}=")
    inside = [f"{token[:at]}{sign}{token[at:]}" for at in (1, 20, 60) for sign in ("\n", " ", ".", "+", "!")]
    for other in (*others, *inside, token.rstrip("=")):
        assert reason(other) == "The CSRF token is invalid."


def test_token_of_another_key_is_refused():
    assert reason(made(keys=["other key"])) == "The CSRF token is invalid."


def test_fallback_keys_verify_and_the_last_one_signs():
    old, new = made(keys=["old"]), made(keys=["old", "new"])

    assert read(old, keys=["old", "new"]) == b"secret"
    assert read(new, keys=["new"]) == b"secret"
    assert reason(new, keys=["old"]) == "The CSRF token is invalid."


def test_keys_may_be_bytes():
    assert read(made(keys=[b"\xff"]), keys=[b"\xff"]) == b"secret"


@pytest.mark.parametrize("payload", [b"", b"time.", b"time.odd", b"four"])
def test_something_else_signed_with_the_same_key_and_salt_is_refused(payload):
    key = hmac.digest(KEYS[0].encode(), b"costrel.ext.csrf", "sha256")
    token = urlsafe_b64encode(payload + hmac.digest(key, payload, "sha256")).decode()

    assert reason(token) == "The CSRF token is invalid."


def test_token_is_good_for_exactly_its_time():
    token = made(now=1_000)

    assert read(token, now=1_060.9, max_age=60) == b"secret"
    assert reason(token, now=1_061, max_age=60) == "The CSRF token has expired."


def test_token_without_a_limit_is_good_for_ever():
    assert read(made(now=0), now=10**12, max_age=None) == b"secret"


def test_token_of_a_machine_whose_clock_is_ahead_is_good():
    assert read(made(now=1_005), now=1_000, max_age=0) == b"secret"


def test_only_equal_secrets_match():
    assert matches(b"secret", ["other", "secret"])
    assert not matches(b"secret", ["secre", "secret ", ""])
    assert not matches(b"", [])
