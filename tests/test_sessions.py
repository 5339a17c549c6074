"""The session lives in a signed cookie, and says what depends on it."""

import datetime
import hashlib
import re

import pytest
from itsdangerous import URLSafeTimedSerializer
from werkzeug.wrappers import Request

from costrel import Costrel, session
from costrel.errors import ConfigError, CostrelError
from costrel.json.tag import TaggedJSONSerializer
from costrel.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from costrel.wrappers import Response

KEY = "a key for tests"


@pytest.fixture
def interface():
    return SecureCookieSessionInterface()


def flask_serializer(keys=KEY):
    """What Flask 3.1 signs its session cookies with."""
    return URLSafeTimedSerializer(
        keys,
        salt="cookie-session",
        serializer=TaggedJSONSerializer(),
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )


def opened(interface, app, value, name="session"):
    return interface.open_session(app, Request({"HTTP_COOKIE": f"other=1; {name}={value}"}))


def saved(interface, app, session):
    response = Response()
    interface.save_session(app, session, response)

    return response


def cookie_of(response):
    value, *attributes = response.headers["Set-Cookie"].split("; ")
    name, _, value = value.partition("=")

    return name, value, set(attributes)


def changed(**values):
    session = SecureCookieSession()
    session.update(values)

    return session


def test_what_was_saved_is_opened_again(app, interface):
    name, value, _ = cookie_of(saved(interface, app, changed(user=1, size=(3, 4), seen=b"\xff")))

    assert name == "session"
    assert opened(interface, app, value) == {"user": 1, "size": (3, 4), "seen": b"\xff"}


def test_cookies_are_flask_s_both_ways(app, interface):
    _, value, _ = cookie_of(saved(interface, app, changed(user=1, text="é" * 200)))

    assert flask_serializer().loads(value) == {"user": 1, "text": "é" * 200}
    assert opened(interface, app, flask_serializer().dumps({"user": 2})) == {"user": 2}


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "é", '"quoted"'])
def test_cookie_that_is_not_signed_is_an_empty_session(app, interface, value):
    session = opened(interface, app, value)

    assert session == {}
    assert (session.modified, session.accessed) == (False, False)


@pytest.mark.parametrize("payload", [[], ["a"], "text", 5, None, (("a", 1),)])
def test_signed_payload_that_is_no_mapping_is_an_empty_session(app, interface, payload):
    assert opened(interface, app, flask_serializer().dumps(payload)) == {}


def test_signed_payload_that_cannot_be_read_is_an_empty_session(app, interface):
    text = flask_serializer().make_signer("cookie-session").sign(b"bm8ganNvbg").decode()

    assert opened(interface, app, text) == {}


def test_cookie_older_than_the_lifetime_is_an_empty_session(app, interface):
    value = flask_serializer().dumps({"user": 1})
    app.permanent_session_lifetime = datetime.timedelta(seconds=-1)

    assert opened(interface, app, value) == {}


def test_other_keys_do_not_open_it(app, interface):
    assert opened(interface, app, flask_serializer("other").dumps({"user": 1})) == {}


def test_keys_can_be_replaced_at_any_time(app, interface):
    app.secret_key = "old"
    _, value, _ = cookie_of(saved(interface, app, changed(user=1)))

    app.secret_key = "new"
    assert opened(interface, app, value) == {}

    app.config["SECRET_KEY_FALLBACKS"] = ["older", "old"]
    assert opened(interface, app, value) == {"user": 1}

    _, value, _ = cookie_of(saved(interface, app, changed(user=2)))
    assert flask_serializer("new").loads(value) == {"user": 2}

    app.config["SECRET_KEY_FALLBACKS"].clear()
    assert opened(interface, app, value) == {"user": 2}


@pytest.mark.parametrize("fallbacks", ["old", b"old"])
def test_fallbacks_that_are_no_list_are_refused(app, interface, fallbacks):
    app.config["SECRET_KEY_FALLBACKS"] = fallbacks

    with pytest.raises(ConfigError, match="SECRET_KEY_FALLBACKS must be a list"):
        interface.get_signing_serializer(app)


def test_serializer_is_made_once_for_the_same_settings(app, interface):
    first = interface.get_signing_serializer(app)
    assert interface.get_signing_serializer(app) is first

    interface.salt = "other"
    assert interface.get_signing_serializer(app) is not first


def test_one_interface_serves_applications_with_different_keys(app, interface):
    other = Costrel("other")
    other.secret_key = "other"
    value = interface.get_signing_serializer(app).dumps({"user": 1})

    assert opened(interface, other, value) == {}
    assert opened(interface, app, value) == {"user": 1}


def test_settings_of_a_subclass_are_used(app):
    class Stronger(SecureCookieSessionInterface):
        salt = "shop"
        digest_method = staticmethod(hashlib.sha256)
        key_derivation = "concat"

    _, value, _ = cookie_of(saved(Stronger(), app, changed(user=1)))
    signer = {"key_derivation": "concat", "digest_method": hashlib.sha256}
    assert URLSafeTimedSerializer(KEY, salt="shop", signer_kwargs=signer).loads(value) == {"user": 1}


def test_without_a_key_there_is_no_session(app, interface):
    app.secret_key = None

    assert opened(interface, app, "x") is None
    assert interface.is_null_session(interface.make_null_session(app))
    assert not interface.is_null_session(SecureCookieSession())


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.__setitem__("a", 1),
        lambda s: s.__delitem__("a"),
        lambda s: s.clear(),
        lambda s: s.pop("a"),
        lambda s: s.popitem(),
        lambda s: s.update(a=1),
        lambda s: s.setdefault("a", 1),
        lambda s: s.__ior__({"a": 1}),
        lambda s: setattr(s, "permanent", True),
    ],
)
def test_session_without_a_key_can_be_read_and_explains_writes(write):
    session = NullSession()
    assert session.get("a") is None
    assert not session.permanent

    with pytest.raises(RuntimeError) as caught:
        write(session)

    assert isinstance(caught.value, CostrelError)
    assert caught.value.args[0] == "The session is unavailable because no secret key was set"
    assert re.search(r'^ *SECRET_KEY = "[0-9a-f]{64}"$', caught.value.hint, re.MULTILINE)


def test_two_explanations_offer_different_keys():
    hints = set()
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            NullSession()["a"] = 1
        hints.add(caught.value.hint)

    assert len(hints) == 2


@pytest.mark.parametrize(
    "write",
    [
        lambda s: s.__setitem__("a", 2),
        lambda s: s.__delitem__("a"),
        lambda s: s.clear(),
        lambda s: s.pop("a"),
        lambda s: s.update(b=1),
        lambda s: s.setdefault("b", 1),
        lambda s: setattr(s, "permanent", True),
    ],
)
def test_every_write_marks_the_session(write):
    session = SecureCookieSession({"a": 1})
    assert not session.modified

    write(session)
    assert session.modified
    assert session.accessed


def test_session_that_was_not_touched_leaves_no_trace(app, interface):
    response = saved(interface, app, SecureCookieSession({"a": 1}))

    assert not {"Set-Cookie", "Vary", "Cache-Control"} & set(response.headers.keys())


def test_session_that_was_read_varies_by_cookie(app, interface):
    session = SecureCookieSession({"a": 1})
    session.accessed = True
    response = saved(interface, app, session)

    assert response.headers["Vary"] == "Cookie"
    assert "Set-Cookie" not in response.headers
    assert "Cache-Control" not in response.headers


def test_session_that_was_emptied_deletes_its_cookie(app, interface):
    app.config.update(SESSION_COOKIE_DOMAIN="example.com", SESSION_COOKIE_PATH="/shop")
    session = SecureCookieSession({"a": 1})
    session.clear()
    response = saved(interface, app, session)
    name, value, attributes = cookie_of(response)

    assert (name, value) == ("session", "")
    assert {"Max-Age=0", "Domain=example.com", "Path=/shop", "HttpOnly", "SameSite=Lax"} <= attributes
    assert response.headers["Vary"] == "Cookie"


def test_session_that_was_and_is_empty_sets_nothing(app, interface):
    assert "Set-Cookie" not in saved(interface, app, SecureCookieSession()).headers


def test_cookie_is_safe_by_default(app, interface):
    response = saved(interface, app, changed(a=1))
    _, _, attributes = cookie_of(response)

    assert attributes == {"HttpOnly", "Path=/", "SameSite=Lax"}
    assert response.headers["Cache-Control"] == "private"
    assert response.headers["Vary"] == "Cookie"


def test_cookie_attributes_follow_the_configuration(app, interface):
    app.config.update(
        SESSION_COOKIE_NAME="shop",
        SESSION_COOKIE_DOMAIN=".example.com",
        SESSION_COOKIE_HTTPONLY=False,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_PARTITIONED=True,
        SESSION_COOKIE_SAMESITE="Strict",
        APPLICATION_ROOT="/app",
    )
    name, _, attributes = cookie_of(saved(interface, app, changed(a=1)))

    assert name == "shop"
    assert attributes == {"Domain=example.com", "Secure", "Path=/app", "SameSite=Strict", "Partitioned"}


def test_impossible_samesite_is_refused(app, interface):
    app.config["SESSION_COOKIE_SAMESITE"] = "Lux"

    with pytest.raises(ValueError, match="SameSite"):
        saved(interface, app, changed(a=1))


@pytest.mark.parametrize(
    ("setting", "base_url", "secure"),
    [
        (None, "https://shop", True),
        (None, "http://shop", False),
        (False, "https://shop", False),
        (True, "http://shop", True),
    ],
)
def test_cookie_is_secure_if_told_or_if_the_request_is(app, interface, setting, base_url, secure):
    app.config["SESSION_COOKIE_SECURE"] = setting

    with app.test_request_context(base_url=base_url):
        assert interface.get_cookie_secure(app) is secure
        assert ("Secure" in cookie_of(saved(interface, app, changed(a=1)))[2]) is secure


def test_application_that_sets_cache_control_wins(app, interface):
    response = Response(headers={"Cache-Control": "no-store"})
    interface.save_session(app, changed(a=1), response)

    assert response.headers["Cache-Control"] == "no-store"


def test_flask_s_defaults_leave_cache_control_alone(app, interface):
    app._flask_defaults = True

    assert "Cache-Control" not in saved(interface, app, changed(a=1)).headers


def test_vary_of_the_application_is_kept(app, interface):
    response = Response(headers={"Vary": "Accept-Encoding"})
    interface.save_session(app, changed(a=1), response)

    assert response.headers.getlist("Vary") == ["Accept-Encoding, Cookie"]


@pytest.mark.parametrize(
    ("permanent", "refresh", "expected"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_permanent_session_is_refreshed_with_each_answer_unless_told(
    app, interface, permanent, refresh, expected
):
    app.config["SESSION_REFRESH_EACH_REQUEST"] = refresh
    response = saved(interface, app, SecureCookieSession({"a": 1, "_permanent": permanent}))

    assert ("Set-Cookie" in response.headers) is expected
    assert ("Vary" in response.headers) is expected


def test_permanent_session_expires_after_its_lifetime(app, interface):
    app.permanent_session_lifetime = datetime.timedelta(hours=2)
    session = changed(a=1)
    assert interface.get_expiration_time(app, session) is None

    session.permanent = True
    left = interface.get_expiration_time(app, session) - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(minutes=119) < left <= datetime.timedelta(hours=2)
    assert any(a.startswith("Expires=") for a in cookie_of(saved(interface, app, session))[2])


@pytest.mark.parametrize(
    ("environ", "refresh", "expected"),
    [
        ({}, True, False),
        ({"HTTP_COOKIE": ""}, True, False),
        ({"HTTP_COOKIE": "other=1"}, True, False),
        ({"HTTP_COOKIE": "session=x"}, True, True),
        ({"HTTP_COOKIE": "session=x"}, False, False),
    ],
)
def test_untouched_session_is_saved_only_if_it_may_need_refreshing(
    app, interface, environ, refresh, expected
):
    app.config["SESSION_REFRESH_EACH_REQUEST"] = refresh

    assert interface.needs_save(app, environ) is expected


def test_interface_opens_late_unless_it_opens_or_saves_in_its_own_way():
    class OtherSalt(SecureCookieSessionInterface):
        salt = "x"

    class OtherOpening(OtherSalt):
        def open_session(self, app, request):
            return super().open_session(app, request)

    class Child(OtherOpening):
        pass

    assert SecureCookieSessionInterface.opens_late
    assert OtherSalt.opens_late
    assert not OtherOpening.opens_late
    assert not Child.opens_late


def test_interface_must_open_and_save():
    interface = SessionInterface()

    with pytest.raises(NotImplementedError):
        interface.open_session(None, None)
    with pytest.raises(NotImplementedError):
        interface.save_session(None, None, None)


def test_session_of_any_kind_counts_as_used_unless_it_can_tell():
    class Anything(dict, SessionMixin):
        pass

    session = Anything()
    session.permanent = True

    assert (session.new, session.modified, session.accessed) == (False, True, True)
    assert session == {"_permanent": True}


def test_requests_count_in_a_session(app, client):
    @app.get("/")
    def index():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/untouched")
    def untouched():
        return ""

    browser = client(app)

    assert [browser.get("/").text for _ in range(3)] == ["1", "2", "3"]
    assert not {"Set-Cookie", "Vary"} & set(browser.get("/untouched").headers.keys())
