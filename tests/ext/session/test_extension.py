"""The extension in an application: what is set up, what is refused, what costs nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cachelib import SimpleCache
from werkzeug.test import create_environ

from costrel import Costrel, session
from costrel.errors import ConfigError, SetupError
from costrel.ext.session import MemoryStore, ServerSideSession, ServerSideSessionInterface, Session
from costrel.ext.session.interface import NoSessionInterface
from costrel.ext.session.stores import cleanup_interval


def make_app(**config):
    app = Costrel("shop")
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False, **config)

    return app


def test_without_a_type_sessions_lie_in_the_instance_folder(tmp_path, client):
    app = Costrel("shop", instance_path=str(tmp_path / "instance"))
    Session(app)

    @app.get("/")
    def count():
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    assert not (tmp_path / "instance").exists()
    browser = client(app)
    assert [browser.get("/").text for _ in range(2)] == ["1", "2"]
    path = tmp_path / "instance" / "sessions.sqlite3"
    assert path.stat().st_mode & 0o777 == 0o600
    app.session_interface.store.close()


def test_one_instance_serves_many_applications():
    sessions = Session()
    one, other = make_app(SESSION_TYPE="memory"), make_app(SESSION_TYPE="memory")

    sessions.init_app(one)
    sessions.init_app(other)

    assert one.session_interface.store is not other.session_interface.store
    assert sessions.interface_of(one) is one.session_interface


def test_the_type_s_case_does_not_matter():
    app = make_app(SESSION_TYPE="Memory")
    Session(app)

    assert isinstance(app.session_interface, ServerSideSessionInterface)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"SESSION_TYPE": "mongodb"}, "SESSION_TYPE must be one of"),
        ({"SESSION_TYPE": "memory", "SESSION_ID_LENGTH": 15}, "must be 16 or more"),
        ({"SESSION_TYPE": "memory", "SESSION_KEY_PREFIX": "a b"}, "printable ASCII"),
        ({"SESSION_TYPE": "memory", "SESSION_KEY_PREFIX": "ä"}, "printable ASCII"),
        ({"SESSION_TYPE": "memory", "SESSION_REFRESH_FRACTION": 1.5}, "from 0 to 1"),
        ({"SESSION_TYPE": "memory", "SESSION_UNAVAILABLE": "ignore"}, "must be one of"),
        ({"SESSION_TYPE": "memory", "SESSION_SERIALIZATION_FORMAT": "pickle"}, "must be one of"),
        ({"SESSION_TYPE": "cachelib"}, "SESSION_CACHELIB is not set"),
        ({"SESSION_TYPE": "memcached", "SESSION_MEMCACHED": object()}, "client of pymemcache"),
        ({"SESSION_STORE": object()}, "SESSION_STORE lacks get"),
        ({"SESSION_TYPE": "memory", "SESSION_TPYE": "redis"}, "SESSION_TPYE"),
    ],
)
def test_what_cannot_be_used_is_refused_at_setup(config, told):
    with pytest.raises(ConfigError, match=told):
        Session(make_app(**config))


def test_an_id_of_16_bytes_is_long_enough():
    app = make_app(SESSION_TYPE="memory", SESSION_ID_LENGTH=16)
    Session(app)

    with app.test_request_context():
        assert len(session.sid) == 22


def test_a_database_is_asked_for_where_there_is_none():
    with pytest.raises(SetupError, match="sqlalchemy"):
        Session(make_app(SESSION_TYPE="sqlalchemy"))


def test_keys_of_others_that_begin_alike_are_left_alone():
    Session(
        make_app(
            SESSION_TYPE="memory",
            SESSION_PROTECTION="strong",
            SESSION_REFRESH_EACH_REQUEST=False,
            SESSION_MONGODB=None,
        )
    )


def test_with_the_type_null_there_are_no_sessions(client):
    app = make_app(SESSION_TYPE="null")
    sessions = Session(app)

    @app.get("/read")
    def read():
        return str(dict(session))

    @app.get("/write")
    def write():
        session["n"] = 1
        return "written"

    assert isinstance(app.session_interface, NoSessionInterface)
    assert client(app).get("/read").text == "{}"
    with pytest.raises(ConfigError, match="null"):
        client(app).get("/write")
    with pytest.raises(SetupError, match="not by a store"):
        sessions.interface_of(app)


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"SESSION_TYPE": "memory"}, ["session.W001"]),
        ({"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": SimpleCache()}, ["session.W002"]),
        ({"SESSION_TYPE": "sqlite"}, []),
        ({"SESSION_TYPE": "memory", "SESSION_STORE": MemoryStore()}, []),
    ],
)
def test_a_type_that_does_not_serve_several_processes_is_warned_about(config, found):
    app = make_app(**config)

    assert [finding.id for finding in Session(app).check(app)] == found


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"SESSION_TYPE": "sqlite"}, 1_000),
        ({"SESSION_TYPE": "filesystem"}, 500),
        ({"SESSION_TYPE": "filesystem", "SESSION_FILE_THRESHOLD": 7}, 7),
        ({"SESSION_TYPE": "memory"}, 0),
        ({"SESSION_TYPE": "memory", "SESSION_CLEANUP_N_REQUESTS": 5}, 5),
        ({"SESSION_STORE": MemoryStore()}, 0),
    ],
)
def test_cleaning_up_happens_where_it_is_cheap_or_asked_for(config, expected):
    sessions = Session(app := make_app(**config))

    assert cleanup_interval(sessions.options_of(app)) == expected


def calls_of_wsgi(app):
    def ask():
        app(create_environ("/"), lambda status, headers: None)

    ask()
    return counted(ask)


def calls_of_asgi(app):
    async def main():
        def scope():
            return {
                "type": "http",
                "http_version": "1.1",
                "method": "GET",
                "path": "/",
                "query_string": b"",
                "headers": [(b"host", b"localhost")],
            }

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            pass

        await app.asgi(scope(), receive, send)
        request = app.asgi(scope(), receive, send)
        return counted(lambda: [None for _ in request.__await__()])

    return asyncio.run(main())


def counted(run):
    """Count the calls of costrel's functions; what the garbage collector calls is not the request's."""
    calls = []

    def note(frame, event, argument):
        if event == "call" and frame.f_globals.get("__name__", "").startswith("costrel"):
            calls.append(frame.f_code)

    gc.disable()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
        gc.enable()

    return len(calls)


@pytest.mark.parametrize("calls_of", [calls_of_wsgi, calls_of_asgi])
def test_a_session_that_nobody_uses_costs_one_call(calls_of):
    def make(**config):
        app = make_app(**config)
        app.get("/")(hello)
        return app

    async def hello():
        return "hello"

    with_sessions = make()
    Session(with_sessions, store=MemoryStore())

    # The question whether it may be opened late, 0.05 µs.
    assert calls_of(with_sessions) - calls_of(make()) == 1


def test_sessions_survive_a_fork(tmp_path):
    code = f"""
import os
from costrel.ext.session.backends.sqlite import SQLiteStore
from costrel.ext.session.backends.file import FileStore
for store in (SQLiteStore({str(tmp_path / "s.sqlite3")!r}), FileStore({str(tmp_path / "files")!r})):
    store.set("a", b"1", ttl_seconds=60)
    pid = os.fork()
    if pid == 0:
        assert store.get("a").value == b"1"
        store.set("child", b"2", ttl_seconds=60)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert store.get("child").value == b"2"
print("fine")
"""
    source = Path(__file__).parents[3] / "src"
    environ = {**os.environ, "PYTHONPATH": str(source)}

    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("fine\n", "")


@pytest.mark.parametrize(
    ("module", "prefix"),
    [
        ("redis", "Redis"),
        ("memcached", "Memcached"),
        ("filesystem", "FileSystem"),
        ("cachelib", "CacheLib"),
        ("sqlalchemy", "SqlAlchemy"),
    ],
)
def test_flask_session_s_names_are_where_it_has_them(module, prefix):
    from importlib import import_module

    found = import_module(f"costrel.ext.session.{module}")

    assert issubclass(getattr(found, f"{prefix}Session"), ServerSideSession)
    assert issubclass(getattr(found, f"{prefix}SessionInterface"), ServerSideSessionInterface)


def test_an_interface_can_be_made_by_hand(tmp_path, client):
    from costrel.ext.session.filesystem import FileSystemSession, FileSystemSessionInterface

    app = make_app()
    app.session_interface = FileSystemSessionInterface(
        app, tmp_path / "files", "own:", permanent=False, sid_length=20
    )

    @app.get("/")
    def index():
        session["n"] = 1
        return type(session._get_current_object()).__name__

    browser = client(app)

    assert browser.get("/").text == FileSystemSession.__name__
    assert app.session_interface.store.get("own:" + browser.get_cookie("session").value) is not None
