"""The store fails: who does not need the session is served, the others are told when to come back."""

from __future__ import annotations

import contextlib
import logging
import socket
import sqlite3
import threading
from urllib.parse import urlsplit

import pytest

from costrel import Costrel, session
from costrel.ext.session import MemoryStore, Session, StoreError
from costrel.ext.session.backends.sqlite import SQLiteStore


class Fragile(MemoryStore):
    """Can be switched off, for reading, writing or both."""

    blocks = False
    failing = frozenset()

    def __getattribute__(self, name):
        if name in object.__getattribute__(self, "failing"):
            raise StoreError("the store is gone")
        return super().__getattribute__(name)


class FragileAwaited(Fragile):
    """The same, awaited on event loops."""

    blocks = True


WRITING = frozenset({"add", "replace", "move", "delete"})
ALL = WRITING | {"get"}


def make_app(store, **config):
    app = Costrel("shop")
    app.config.update(SESSION_COOKIE_SECURE=False, **config)
    Session(app, store=store)

    @app.get("/plain")
    def plain():
        return "plain"

    @app.get("/async/plain")
    async def async_plain():
        return "plain"

    @app.get("/read")
    def read():
        return str(session.get("n"))

    @app.get("/async/read")
    async def async_read():
        return str(session.get("n"))

    @app.get("/write")
    def write():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/async/write")
    async def async_write():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    return app


@pytest.fixture(params=["", "/async"])
def way(request):
    """Whether the views are async."""
    return request.param


@pytest.fixture(params=[Fragile, FragileAwaited])
def store(request):
    return request.param()


@pytest.mark.parametrize("failing", [ALL, frozenset({"get"})])
def test_reading_the_session_is_a_503_that_says_when_to_come_back(store, client, way, failing):
    app = make_app(store, SESSION_RETRY_AFTER=7)
    browser = client(app)
    browser.get("/write")

    store.failing = failing
    response = browser.get(f"{way}/read")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "7"
    assert "the store is gone" not in response.text
    assert "Set-Cookie" not in response.headers


def test_who_does_not_read_it_is_served(store, client, way):
    browser = client(make_app(store))
    browser.get("/write")

    store.failing = ALL

    assert browser.get(f"{way}/plain").text == "plain"


def test_who_has_no_session_can_be_told_so(store, client, way):
    app = make_app(store)
    store.failing = ALL

    assert client(app).get(f"{way}/read").text == "None"


def test_writing_is_a_503_too_though_the_view_has_run(store, client, way):
    browser = client(make_app(store))
    browser.get("/write")

    store.failing = WRITING
    response = browser.get(f"{way}/write")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "Set-Cookie" not in response.headers


def test_a_new_session_that_cannot_be_written_sends_no_cookie(store, client, way):
    app = make_app(store)
    store.failing = WRITING

    response = client(app).get(f"{way}/write")

    assert response.status_code == 503
    assert "Set-Cookie" not in response.headers


def test_a_revocation_that_cannot_be_written_is_a_503(store, client, way):
    app = make_app(store)

    @app.get("/revoke")
    def revoke():
        session.revoke("a", seconds=60)
        return "revoked"

    @app.get("/async/revoke")
    async def async_revoke():
        session.revoke("a", seconds=60)
        return "revoked"

    store.failing = frozenset({"set"})

    assert client(app).get(f"{way}/revoke").status_code == 503


def test_it_recovers_by_itself(store, client, way):
    browser = client(make_app(store))
    browser.get("/write")
    store.failing = ALL
    browser.get(f"{way}/write")

    store.failing = frozenset()

    assert browser.get(f"{way}/write").text == "2"


def test_it_is_logged_once_and_so_is_the_recovery(store, client, caplog):
    browser = client(make_app(store))
    browser.get("/write")

    with caplog.at_level(logging.WARNING, "costrel.session"):
        store.failing = ALL
        for _ in range(3):
            browser.get("/read")
        store.failing = frozenset()
        browser.get("/read")

    told = [record.getMessage() for record in caplog.records if record.name == "costrel.session"]
    assert told == [
        "Sessions cannot be read or written: the store is gone",
        "Sessions can be read and written again.",
    ]


def test_a_store_that_can_only_be_read_is_logged_once_too(store, client, caplog):
    browser = client(make_app(store))
    browser.get("/write")

    with caplog.at_level(logging.WARNING, "costrel.session"):
        store.failing = WRITING
        for _ in range(3):
            browser.get("/write")
            browser.get("/read")
        store.failing = frozenset()
        browser.get("/read")
        browser.get("/write")

    told = [record.levelname for record in caplog.records if record.name == "costrel.session"]
    assert told == ["ERROR", "WARNING"]


def test_it_can_be_taken_for_empty_instead(store, client, way):
    browser = client(make_app(store, SESSION_UNAVAILABLE="empty"))
    browser.get("/write")

    store.failing = ALL
    assert browser.get(f"{way}/read").text == "None"
    response = browser.get(f"{way}/write")
    assert response.text == "1"
    assert "Set-Cookie" not in response.headers

    store.failing = frozenset()
    assert browser.get(f"{way}/read").text == "1"  # what was there before


def test_what_cannot_be_written_is_dropped_where_empty_is_asked_for(store, client, way):
    browser = client(make_app(store, SESSION_UNAVAILABLE="empty"))
    browser.get("/write")

    store.failing = WRITING
    assert browser.get(f"{way}/write").text == "2"
    store.failing = frozenset()

    assert browser.get(f"{way}/read").text == "1"


def test_an_error_handler_shows_a_page_of_one_s_own(store, client, way):
    app = make_app(store)

    @app.errorhandler(503)
    def unavailable(error):
        return f"later: {error.retry_after}", 503

    browser = client(app)
    browser.get("/write")
    store.failing = ALL

    assert browser.get(f"{way}/read").text == "later: 5"
    store.failing = WRITING
    assert browser.get(f"{way}/write").text == "later: 5"


def test_an_error_page_that_needs_the_session_itself_gives_way_to_a_plain_one(store, client, way):
    app = make_app(store)

    @app.errorhandler(503)
    def unavailable(error):
        return f"Sorry, {session['name']}", 503

    browser = client(app)
    browser.get("/write")
    store.failing = ALL

    response = browser.get(f"{way}/read")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"


def test_a_websocket_that_needs_the_session_is_refused_with_503(store, client):
    app = make_app(store)

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send(str(session["n"]))

    browser = client(app)
    browser.get("/write")
    store.failing = ALL

    with pytest.raises(Exception) as caught, browser.websocket("/ws") as connection:
        connection.receive()

    assert "503" in str(caught.value) or getattr(caught.value, "status_code", None) == 503


class Forwarder:
    """Hands TCP connections on to a server, and can be cut and restored."""

    def __init__(self, host, port):
        self._target = (host, port)
        self._lock = threading.Lock()
        self._open = []
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source, target):
        try:
            while data := source.recv(65_536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, target):
                one.close()

    def cut(self):
        with self._lock:
            self._is_cut = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()

    def restore(self):
        with self._lock:
            self._is_cut = False

    def stop(self):
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)


@pytest.fixture
def forwarder(redis_url):
    parts = urlsplit(redis_url)
    made = Forwarder(parts.hostname, parts.port)
    yield made
    made.stop()


def test_redis_goes_and_comes_back(forwarder, redis_url, client, way, make_store, prefix):
    make_store("redis")  # empties Redis of this test's keys
    app = make_app(
        None,
        SESSION_TYPE="redis",
        SESSION_REDIS=f"redis://127.0.0.1:{forwarder.port}{urlsplit(redis_url).path}",
        SESSION_KEY_PREFIX=prefix,
    )
    with app.test_app():
        browser = client(app)
        assert [browser.get(f"{way}/write").text for _ in range(2)] == ["1", "2"]

        forwarder.cut()
        assert browser.get(f"{way}/plain").text == "plain"
        gone = browser.get(f"{way}/read")
        assert (gone.status_code, gone.headers["Retry-After"]) == (503, "5")
        assert browser.get(f"{way}/write").status_code == 503
        assert client(app).get(f"{way}/write").status_code == 503

        forwarder.restore()
        assert browser.get(f"{way}/write").text == "3"


def test_redis_goes_while_a_request_is_under_way(forwarder, redis_url, client, way, make_store, prefix):
    make_store("redis")
    app = make_app(
        None,
        SESSION_TYPE="redis",
        SESSION_REDIS=f"redis://127.0.0.1:{forwarder.port}{urlsplit(redis_url).path}",
        SESSION_KEY_PREFIX=prefix,
    )

    @app.get("/cut")
    def cut():
        session["n"] = 100
        forwarder.cut()
        return "cut"

    @app.get("/async/cut")
    async def async_cut():
        session["n"] = 100
        forwarder.cut()
        return "cut"

    with app.test_app():
        browser = client(app)
        browser.get("/write")

        assert browser.get(f"{way}/cut").status_code == 503
        forwarder.restore()

        assert browser.get(f"{way}/read").text == "1"


def test_a_locked_sqlite_file_is_a_503_for_writers_only(tmp_path, client, way):
    path = tmp_path / "sessions.sqlite3"
    browser = client(make_app(SQLiteStore(path, busy_seconds=0.05)))
    browser.get("/write")
    other = sqlite3.connect(path, isolation_level=None)

    other.execute("BEGIN IMMEDIATE")
    assert browser.get(f"{way}/read").text == "1"
    assert browser.get(f"{way}/write").status_code == 503
    other.execute("ROLLBACK")
    other.close()

    assert browser.get(f"{way}/write").text == "2"


def test_a_broken_sqlite_file_is_a_503(tmp_path, client, way):
    path = tmp_path / "sessions.sqlite3"
    path.write_bytes(b"no database" * 1_000)

    response = client(make_app(SQLiteStore(path))).get(f"{way}/write")

    assert response.status_code == 503


def test_files_of_garbage_are_no_sessions(make_store, client, tmp_path, way):
    store = make_store("file")
    browser = client(make_app(store))
    browser.get("/write")
    (path,) = [one for one in store.folder.iterdir() if len(one.name) == 64]

    for garbage in (
        b"",
        b"\n",
        b"{}\n",
        b"\x80\x04garbage\n",
        b"[1]\n{}",
        b'{"expires_at":"x"}\n',
        b"x" * 9_999,
    ):
        path.write_bytes(garbage)
        assert browser.get(f"{way}/read").text == "None"

    assert browser.get(f"{way}/write").text == "1"


def test_a_folder_that_cannot_be_used_is_a_503(make_store, client, tmp_path, way):
    (tmp_path / "files").write_text("no folder")

    response = client(make_app(make_store("file"))).get(f"{way}/write")

    assert response.status_code == 503
