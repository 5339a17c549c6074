"""The session's token: made, kept for one answer, checked against the session alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from costrel import g, session
from costrel.errors import ConfigError
from costrel.ext.csrf import NoSecretKeyError, TokenError, generate_csrf, validate_csrf
from costrel.ext.csrf.session_tokens import renew_csrf

pytestmark = pytest.mark.usefixtures("request_context")


def reason(*args, **kwargs):
    with pytest.raises(TokenError) as caught:
        validate_csrf(*args, **kwargs)

    return caught.value.reason


def next_answer():
    """Forget what is kept for one answer."""
    for name in list(g):
        g.pop(name)


def test_token_is_good_for_its_session():
    assert validate_csrf(generate_csrf()) is None


def test_token_is_one_within_an_answer_and_another_in_the_next():
    token = generate_csrf()

    assert generate_csrf() == token == g.csrf_token
    next_answer()
    assert generate_csrf() != token
    validate_csrf(token)


def test_session_has_the_secret_and_not_the_token():
    token = generate_csrf()

    assert session["csrf_token"] not in token


def test_session_that_has_a_secret_is_not_written():
    session["csrf_token"] = "4ae60ee02b6c1c9a3f0d8b1c8e3ba1b3a6a7d2e1"  # one of Flask-WTF's
    session.modified = False

    validate_csrf(generate_csrf())

    assert not session.modified


@pytest.mark.parametrize("planted", ["", 7, None, ["a"], {"a": 1}, b"bytes", "x" * 1_000])
def test_what_cannot_be_a_secret_is_replaced_and_never_matches(planted):
    token = generate_csrf()
    session["csrf_token"] = planted

    assert reason(token) == "The CSRF session token is missing."
    next_answer()
    validate_csrf(generate_csrf())


def test_session_without_a_secret_is_told():
    assert reason("anything") == "The CSRF session token is missing."


def test_token_of_another_session_is_refused():
    token = generate_csrf()
    session["csrf_token"] = "the secret of another session"

    assert reason(token) == "The CSRF tokens do not match."


def test_session_emptied_within_a_request_gets_a_token_that_works():
    old = generate_csrf()
    session.clear()

    new = generate_csrf()

    validate_csrf(new)
    assert reason(old) == "The CSRF tokens do not match."


def test_token_for_another_key_of_the_session_is_another():
    token = generate_csrf(token_key="payment")

    assert "payment" in session
    assert g.payment == token
    generate_csrf()
    assert reason(token) == "The CSRF tokens do not match."
    validate_csrf(token, token_key="payment")


def test_field_name_of_the_configuration_is_the_key(app):
    app.config["WTF_CSRF_FIELD_NAME"] = "proof"

    validate_csrf(generate_csrf())

    assert "proof" in session
    assert "proof" in g


def test_empty_field_name_is_refused_with_a_hint(app):
    app.config["WTF_CSRF_FIELD_NAME"] = ""

    with pytest.raises(ConfigError) as caught:
        generate_csrf()
    assert "csrf_token" in caught.value.hint


def test_time_limit_of_the_call_goes_before_the_configuration(app):
    token = generate_csrf()
    app.config["WTF_CSRF_TIME_LIMIT"] = -1

    assert reason(token) == "The CSRF token has expired."
    assert reason(token, time_limit=timedelta(seconds=-1)) == "The CSRF token has expired."
    validate_csrf(token, time_limit=60)
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    validate_csrf(token)


def test_own_key_signs_and_verifies_alone(app):
    token = generate_csrf()
    app.config["WTF_CSRF_SECRET_KEY"] = "its own"

    assert reason(token) == "The CSRF token is invalid."
    validate_csrf(generate_csrf())
    assert generate_csrf(secret_key="another") != generate_csrf()


def test_fallback_keys_are_good_until_they_are_taken_out(app):
    token = generate_csrf()
    app.config.update(SECRET_KEY="a newer key", SECRET_KEY_FALLBACKS=["a key for tests"])

    validate_csrf(token)
    validate_csrf(token, secret_key="a newer key")  # as forms call it
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert reason(token) == "The CSRF token is invalid."


def test_one_fallback_without_a_list_is_refused(app):
    app.config["SECRET_KEY_FALLBACKS"] = "abc"

    with pytest.raises(ConfigError, match="list of keys"):
        generate_csrf()


def test_lack_of_a_key_is_an_error_of_the_developer(app):
    app.secret_key = None

    with pytest.raises(NoSecretKeyError) as caught:
        generate_csrf()
    assert isinstance(caught.value, RuntimeError)
    assert "SECRET_KEY" in caught.value.hint
    with pytest.raises(NoSecretKeyError):
        validate_csrf("anything")


def test_renewal_refuses_what_was_made_before():
    old = generate_csrf()

    renew_csrf(keep_previous=False)

    assert generate_csrf() != old
    validate_csrf(generate_csrf())
    assert reason(old) == "The CSRF tokens do not match."


def test_renewal_that_keeps_takes_the_last_ones_and_no_earlier():
    first = generate_csrf()
    renew_csrf(keep_previous=True)
    second = generate_csrf()
    validate_csrf(first)

    renew_csrf(keep_previous=True)

    validate_csrf(second)
    validate_csrf(generate_csrf())
    assert reason(first) == "The CSRF tokens do not match."


def test_renewal_that_does_not_keep_forgets_what_one_before_it_kept():
    first = generate_csrf()
    renew_csrf(keep_previous=True)

    renew_csrf(keep_previous=False)

    assert reason(first) == "The CSRF tokens do not match."


def test_renewal_leaves_a_session_without_tokens_alone():
    renew_csrf(keep_previous=True)

    assert not session
