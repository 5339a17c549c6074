"""Server-side sessions as browsers and views see them, on every store and both protocols."""

from __future__ import annotations

import datetime
import json

import pytest

from costrel import Costrel, session, stream_with_context
from costrel.errors import ConfigError
from costrel.ext.session import MemoryStore, Session, SessionTooLargeError
from costrel.ext.session.steps import LEFT
from costrel.sessions import SessionMixin

UNKNOWN = "A" * 43


def make_app(store, **config):
    app = Costrel("shop")
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False, **config)
    app.sessions = Session(app, store=store)

    @app.get("/plain")
    def plain():
        return "plain"

    @app.get("/get")
    def get():
        return dict(session)

    @app.get("/set/<key>/<int:value>")
    def put(key, value):
        session[key] = value
        return "set"

    @app.get("/append/<int:value>")
    def append(value):
        session.setdefault("list", [])
        session["list"].append(value)
        return "appended"

    @app.get("/login/<user>")
    def login(user):
        session.rotate()
        session["_user_id"] = user
        return "welcome"

    @app.get("/logout")
    def logout():
        session.clear()
        return "bye"

    @app.get("/async/get")
    async def async_get():
        return dict(session)

    @app.get("/async/set/<key>/<int:value>")
    async def async_put(key, value):
        session[key] = value
        return "set"

    @app.get("/async/login/<user>")
    async def async_login(user):
        session.rotate()
        session["_user_id"] = user
        return "welcome"

    return app


def sid_of(client):
    cookie = client.get_cookie("session")

    return None if cookie is None else cookie.value


@pytest.fixture(params=["", "/async"])
def way(request):
    """Whether the views are async."""
    return request.param


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request, make_store):
    """One that does not block, one that goes to threads, one that is awaited."""
    return make_store(request.param)


@pytest.fixture
def app(store, prefix):
    return make_app(store, SESSION_KEY_PREFIX=prefix)


def test_what_one_request_puts_in_the_next_one_finds(app, client, way):
    browser = client(app)

    browser.get(f"{way}/set/n/1")

    assert browser.get(f"{way}/get").json == {"_permanent": True, "n": 1}
    assert client(app).get(f"{way}/get").json == {"_permanent": True}


def test_the_cookie_holds_an_id_and_nothing_else(app, client, store, prefix, way):
    browser = client(app)

    response = browser.get(f"{way}/set/n/1")

    cookie = response.headers["Set-Cookie"]
    sid = sid_of(browser)
    assert len(sid) == 43
    assert cookie.startswith(f"session={sid}; Expires=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert response.headers["Cache-Control"] == "private"
    assert response.headers["Vary"] == "Cookie"
    assert json.loads(store.get(prefix + sid).value)["n"] == 1


def test_a_page_that_leaves_the_session_alone_says_nothing_of_it(app, client):
    browser = client(app)
    browser.get("/set/n/1")

    response = browser.get("/plain")

    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers


def test_a_page_that_reads_it_varies_and_sends_no_cookie(app, client, way):
    browser = client(app)
    browser.get("/set/n/1")

    response = browser.get(f"{way}/get")

    assert "Set-Cookie" not in response.headers
    assert response.headers["Vary"] == "Cookie"


def test_a_change_within_a_list_is_kept(app, client):
    browser = client(app)

    browser.get("/append/1")
    browser.get("/append/2")

    assert browser.get("/get").json["list"] == [1, 2]


def test_an_unknown_id_is_never_adopted(app, client, store, prefix, way):
    browser = client(app)
    browser.set_cookie("session", UNKNOWN)

    browser.get(f"{way}/set/n/1")

    assert sid_of(browser) != UNKNOWN
    assert store.get(prefix + UNKNOWN) is None


@pytest.mark.parametrize(
    "value", ["x", "../../../etc/passwd", "a" * 500, "ä" * 40, "user:" + "0" * 32, "' OR 1=1 --", "%00" * 20]
)
def test_an_id_of_another_form_is_not_looked_for(app, client, value):
    browser = client(app)
    browser.set_cookie("session", value)

    assert browser.get("/get").json == {"_permanent": True}


def test_login_takes_a_new_id_and_leaves_the_old_one_worthless(app, client, store, prefix, way):
    browser, attacker = client(app), client(app)
    browser.get("/set/n/1")
    before = sid_of(browser)
    attacker.set_cookie("session", before)

    browser.get(f"{way}/login/7")

    assert sid_of(browser) != before
    assert store.get(prefix + before).value == LEFT
    assert browser.get("/get").json == {"_permanent": True, "n": 1, "_user_id": "7"}
    assert attacker.get("/get").json == {"_permanent": True}


def test_regenerate_is_flask_session_s_name_for_it(app, client):
    @app.get("/regenerate")
    def regenerate():
        app.session_interface.regenerate(session)
        return session.sid

    browser = client(app)
    browser.get("/set/n/1")
    before = sid_of(browser)

    assert browser.get("/regenerate").text == sid_of(browser) != before
    assert browser.get("/get").json["n"] == 1


def test_emptying_it_deletes_it_and_its_cookie(app, client, store, prefix):
    browser = client(app)
    browser.get("/set/n/1")
    sid = sid_of(browser)

    response = browser.get("/logout")

    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert sid_of(browser) is None
    assert store.get(prefix + sid).value == LEFT


def test_a_request_under_way_does_not_bring_back_what_was_deleted(app, client, store, prefix):
    @app.get("/slow")
    def slow():
        session["n"] = 2
        store.delete(prefix + session.sid)
        return "slow"

    browser = client(app)
    browser.get("/set/n/1")
    sid = sid_of(browser)

    response = browser.get("/slow")

    assert "Set-Cookie" not in response.headers
    assert store.get(prefix + sid) is None


def test_the_test_client_s_transaction_reads_and_writes_it(app, client):
    browser = client(app)

    with browser.session_transaction() as stored:
        stored["n"] = 1
    with browser.session_transaction() as stored:
        assert stored["n"] == 1
        stored["m"] = 2

    assert browser.get("/get").json == {"_permanent": True, "n": 1, "m": 2}


def test_a_stream_sees_the_session(app, client):
    @app.get("/stream")
    def stream():
        def parts():
            yield str(session["n"])

        session["n"] = 1
        return stream_with_context(parts())

    assert client(app).get("/stream").text == "1"


def test_a_websocket_sees_the_session_and_saves_it_when_it_accepts(app, client):
    @app.websocket("/ws")
    async def ws(ws):
        session["seen"] = session["n"]
        await ws.send(str(session["n"]))

    browser = client(app)
    browser.get("/set/n/5")

    with browser.websocket("/ws") as connection:
        assert connection.receive() == "5"

    assert browser.get("/get").json["seen"] == 5


def test_a_sync_websocket_sees_the_session(app, client):
    @app.websocket("/ws")
    def ws(ws):
        ws.send(str(session["n"]))

    browser = client(app)
    browser.get("/set/n/5")

    with browser.websocket("/ws") as connection:
        assert connection.receive() == "5"


def test_hooks_and_views_share_it(app, client, way):
    @app.before_request
    async def count():
        session["hooks"] = session.get("hooks", 0) + 1

    browser = client(app)
    browser.get(f"{way}/set/n/1")

    assert browser.get(f"{way}/get").json["hooks"] == 2


def test_a_session_of_the_future_mixes_in_what_sessions_have(app, client):
    @app.get("/kind")
    def kind():
        return str(isinstance(session._get_current_object(), SessionMixin))

    assert client(app).get("/kind").text == "True"


# From here on the store makes no difference.


@pytest.fixture
def memory():
    return MemoryStore()


def test_a_session_that_is_not_permanent_has_a_cookie_without_end(memory, client):
    app = make_app(memory, SESSION_PERMANENT=False)

    assert "Expires" not in client(app).get("/set/n/1").headers["Set-Cookie"]


def test_the_cookie_ends_with_the_absolute_life(memory, client):
    app = make_app(memory, SESSION_ABSOLUTE_LIFETIME=3_600)
    browser = client(app)

    browser.get("/set/n/1")

    left = browser.get_cookie("session").expires - datetime.datetime.now(datetime.UTC)
    assert 3_500 < left.total_seconds() <= 3_600


def test_signed_ids_are_checked(memory, client):
    app = make_app(memory, SESSION_USE_SIGNER=True, SECRET_KEY="a key for tests")
    browser = client(app)
    browser.get("/set/n/1")
    signed = sid_of(browser)

    assert signed.count(".") == 1
    assert browser.get("/get").json["n"] == 1
    browser.set_cookie("session", signed.partition(".")[0])
    assert browser.get("/get").json == {"_permanent": True}
    sid, _, signature = signed.partition(".")
    browser.set_cookie("session", f"{sid}.{'a' if signature[0] != 'a' else 'b'}{signature[1:]}")
    assert browser.get("/get").json == {"_permanent": True}


def test_signed_ids_outlive_a_new_key(memory, client):
    app = make_app(memory, SESSION_USE_SIGNER=True, SECRET_KEY="an old key")
    browser = client(app)
    browser.get("/set/n/1")

    app.config.update(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=["an old key"])

    assert browser.get("/get").json["n"] == 1


def test_signing_without_a_key_is_refused_with_the_remedy(memory, client):
    app = make_app(memory, SESSION_USE_SIGNER=True)

    with pytest.raises(ConfigError) as caught:
        client(app).get("/set/n/1")

    assert "SECRET_KEY" in caught.value.hint


def test_a_session_that_is_too_large_is_refused_and_the_old_one_stays(memory, client):
    app = make_app(memory, SESSION_MAX_BYTES=500)

    @app.get("/large")
    def large():
        session["film"] = "x" * 500
        return "large"

    browser = client(app)
    browser.get("/set/n/1")

    with pytest.raises(SessionTooLargeError, match="film"):
        browser.get("/large")

    assert browser.get("/get").json == {"_permanent": True, "n": 1}


def test_what_is_no_session_in_the_store_is_taken_for_none(memory, client):
    app = make_app(memory)
    browser = client(app)
    browser.get("/set/n/1")
    sid = sid_of(browser)
    memory.set(f"session:{sid}", b"\x80\x04\x95garbage", ttl_seconds=60)

    assert browser.get("/get").json == {"_permanent": True}
    browser.get("/set/n/2")

    assert sid_of(browser) != sid
    assert browser.get("/get").json == {"_permanent": True, "n": 2}


def test_a_session_that_flask_session_wrote_goes_on(memory, client):
    app = make_app(memory)
    memory.set(f"session:{UNKNOWN}", b'{"value":"44","_permanent":true}', ttl_seconds=60)
    browser = client(app)
    browser.set_cookie("session", UNKNOWN)

    assert browser.get("/get").json == {"value": "44", "_permanent": True}
    browser.get("/set/n/1")

    assert sid_of(browser) == UNKNOWN
    assert browser.get("/get").json == {"value": "44", "_permanent": True, "n": 1}


def test_a_serializer_of_one_s_own_is_used(memory, client):
    class Reversed:
        def encode(self, content):
            return json.dumps(content).encode()[::-1]

        def decode(self, value):
            return json.loads(value[::-1])

    app = make_app(memory)
    app.session_interface.serializer = Reversed()
    browser = client(app)

    browser.get("/set/n/1")

    assert memory.get(f"session:{sid_of(browser)}").value.endswith(b"{")
    assert browser.get("/get").json["n"] == 1


class Touched(MemoryStore):
    """Tells of every call."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if not name.startswith("_") and name not in ("calls", "blocks", "close", "aclose"):
            self.calls.append(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize("path", ["/plain", "/get"])
def test_without_a_cookie_the_store_is_not_asked(path, client):
    store = Touched()
    app = make_app(store)
    store.calls.clear()

    client(app).get(path)

    assert store.calls == []


def test_a_page_that_does_not_look_at_the_session_does_not_ask_the_store(client):
    store = Touched()
    browser = client(make_app(store))
    browser.get("/set/n/1")
    store.calls.clear()

    browser.get("/plain")

    assert store.calls == []


def test_reading_a_session_is_one_call_of_the_store(client, way):
    store = Touched()
    browser = client(make_app(store))
    browser.get("/set/n/1")
    store.calls.clear()

    browser.get(f"{way}/get")

    assert store.calls == ["get"]


def test_changing_a_session_is_two_calls_of_the_store(client, way):
    store = Touched()
    browser = client(make_app(store))
    browser.get("/set/n/1")
    store.calls.clear()

    browser.get(f"{way}/set/n/2")

    assert store.calls == ["get", "replace"]


def test_sessions_that_are_over_are_deleted_now_and_then(clock, client):
    store = MemoryStore(clock=clock)
    app = make_app(store, SESSION_CLEANUP_N_REQUESTS=3)
    store.add("session:old", b"{}", ttl_seconds=60)
    clock.now += 60

    for _ in range(2):
        client(app).get("/set/n/1")
    assert "session:old" in store._rows
    client(app).get("/set/n/1")

    assert "session:old" not in store._rows
