"""The database goes and comes back: visitors get a 503 meanwhile, and the application goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy


class Proxy:
    """Forwards TCP connections to a server; can be stopped and started on the same port."""

    def __init__(self, host, port):
        self.target = host, port
        self.port = 0
        self.pairs = []
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, args=(self.listener,), daemon=True)
        self.thread.start()

    def stop(self):
        """Cut all connections, and refuse new ones."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            pair = client, socket.create_connection(self.target)
            self.pairs.append(pair)
            threading.Thread(target=self._forward, args=pair, daemon=True).start()

    @staticmethod
    def _forward(client, server):
        other = {client: server, server: client}
        with client, server, contextlib.suppress(OSError):
            while True:
                for end in select.select([client, server], [], [])[0]:
                    data = end.recv(65_536)
                    if not data:
                        return
                    other[end].sendall(data)


@pytest.fixture(params=["postgresql", "mariadb"])
def server_url(request):
    return request.getfixturevalue({"postgresql": "postgres_url", "mariadb": "mariadb_url"}[request.param])


@pytest.fixture
def proxy(server_url):
    parts = urlsplit(server_url)
    proxy = Proxy(parts.hostname, parts.port)
    yield proxy
    proxy.stop()


@pytest.fixture
def shop(app, proxy, server_url):
    """An application whose database is behind the proxy; its password must not be told."""
    parts = urlsplit(server_url)
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    app.config.update(
        SQLALCHEMY_DATABASE_URI=server_url.replace(parts.netloc, f"{user}@127.0.0.1:{proxy.port}"),
        SQLALCHEMY_RETRY_AFTER=7,
    )
    db = app.db = SQLAlchemy(app)

    @app.get("/sync")
    def sync():
        return str(db.session.scalar(sa.text("SELECT 1")))

    @app.get("/async")
    async def asynchronous():
        return str(await db.async_session.scalar(sa.text("SELECT 1")))

    @app.get("/cut")
    def cut():
        db.session.scalar(sa.text("SELECT 1"))
        proxy.stop()
        return str(db.session.scalar(sa.text("SELECT 1")))

    @app.get("/async/cut")
    async def async_cut():
        await db.async_session.scalar(sa.text("SELECT 1"))
        proxy.stop()
        return str(await db.async_session.scalar(sa.text("SELECT 1")))

    @app.get("/without")
    def without():
        return "no query"

    yield app
    with app.app_context():
        db.engine.dispose()


def is_refusal(response):
    return (response.status_code, response.headers.get("Retry-After")) == (503, "7")


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_database_that_goes_and_comes_back_needs_no_restart(shop, proxy, client, caplog, path):
    visitor = client(shop)
    assert visitor.get(path).text == "1"

    proxy.stop()
    away = [visitor.get(path), visitor.get(path)]
    meanwhile = visitor.get("/without")
    proxy.start()
    back = [visitor.get(path), visitor.get(path)]

    assert all(map(is_refusal, away))
    assert meanwhile.text == "no query"
    assert [response.text for response in back] == ["1", "1"]
    told = [record for record in caplog.records if record.name == shop.name]
    assert len(told) == 2
    assert all("out of reach" in record.getMessage() and record.exc_info is None for record in told)
    assert all("\n" not in record.getMessage() for record in told)


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_database_that_is_not_there_yet_is_found_once_it_is(shop, proxy, client, path):
    proxy.stop()
    visitor = client(shop)

    before = visitor.get(path)
    proxy.start()

    assert is_refusal(before)
    assert visitor.get(path).text == "1"


@pytest.mark.parametrize(("path", "after"), [("/cut", "/sync"), ("/async/cut", "/async")])
def test_database_that_goes_during_a_request_is_a_503(shop, proxy, client, path, after):
    visitor = client(shop)

    cut = visitor.get(path)
    proxy.start()

    assert is_refusal(cut)
    assert visitor.get(after).text == "1"


@pytest.mark.parametrize(
    ("path", "drivername"),
    [
        ("/sync", "postgresql"),
        ("/async", "postgresql"),
        ("/async", "postgresql+psycopg"),
        ("/async", "mysql+asyncmy"),
        ("/async", "mysql+aiomysql"),
    ],
)
def test_server_that_never_answers_is_a_503(app, client, caplog, path, drivername):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        # Two seconds are the least that PostgreSQL's library waits.
        app.config["SQLALCHEMY_DATABASE_URI"] = f"{drivername}://ada@127.0.0.1:{port}/shop?connect_timeout=2"
        db = SQLAlchemy(app)

        @app.get("/sync")
        def sync():
            return str(db.session.scalar(sa.text("SELECT 1")))

        @app.get("/async")
        async def asynchronous():
            return str(await db.async_session.scalar(sa.text("SELECT 1")))

        response = client(app).get(path)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    (told,) = [record.getMessage() for record in caplog.records if record.name == app.name]
    assert "timeout" in told.lower()


OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> connection_id()",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({}, 60000)", "mysql": "KILL CONNECTION {}"}


def kill_connections(url):
    """Kill all connections to a database, as an administrator does."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as administrator:
        for number in administrator.scalars(sa.text(OTHERS[engine.name])).all():
            administrator.execute(sa.text(KILL[engine.name].format(number)))


@pytest.fixture
def killing_shop(app, server_url):
    """An application whose connections are killed by an administrator, by ``POST`` in a transaction."""
    app.config.update(SQLALCHEMY_DATABASE_URI=server_url, SQLALCHEMY_RETRY_AFTER=7)
    db = app.db = SQLAlchemy(app)
    insert = sa.text("INSERT INTO cup (id) VALUES (1)")

    @app.get("/sync")
    def sync():
        return str(db.session.scalar(sa.text("SELECT COUNT(*) FROM cup")))

    @app.get("/async")
    async def asynchronous():
        return str(await db.async_session.scalar(sa.text("SELECT COUNT(*) FROM cup")))

    @app.post("/sync")
    def killed():
        db.session.execute(insert)
        kill_connections(db.engine.url)
        db.session.execute(insert)
        return "not killed"

    @app.post("/async")
    async def async_killed():
        await db.async_session.execute(insert)
        await asyncio.to_thread(kill_connections, db.engines[None].url)
        await db.async_session.execute(insert)
        return "not killed"

    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE cup (id INTEGER)"))
    yield app
    db.databases_of(app).end()


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_connection_that_is_killed_in_a_transaction_is_a_503_that_leaves_nothing(killing_shop, client, path):
    visitor = client(killing_shop)

    killed = [visitor.post(path), visitor.post(path)]

    assert all(map(is_refusal, killed))
    assert visitor.get(path).text == "0"


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_connection_that_is_killed_while_nobody_uses_it_is_not_noticed(killing_shop, client, path):
    visitor = client(killing_shop)
    assert visitor.get(path).text == "0"

    with killing_shop.app_context():
        kill_connections(killing_shop.db.engine.url)

    assert visitor.get(path).text == "0"


def test_pool_without_a_free_connection_is_a_503(app, client, tmp_path):
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/shop.db",
        SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 1, "max_overflow": 0, "pool_timeout": 0},
    )
    db = SQLAlchemy(app)

    @app.get("/")
    def index():
        return str(db.session.scalar(sa.text("SELECT 1")))

    with app.app_context(), db.engine.connect():
        response = client(app).get("/")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert client(app).get("/").text == "1"


WORKER = """
import sys
import sqlalchemy as sa
from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy

app = Costrel("shop")
app.config["SQLALCHEMY_DATABASE_URI"] = sys.argv[1]
db = SQLAlchemy(app)

@app.post("/")
def half():
    db.session.execute(sa.text("UPDATE cup SET name = 'half done' WHERE id = 1"))
    db.session.execute(sa.text("INSERT INTO cup (id, name) VALUES (2, 'half done')"))
    print("in the transaction", flush=True)
    sys.stdin.read()

app.test_client().post("/")
"""


@pytest.mark.parametrize("service", ["sqlite", "postgresql", "mariadb"])
def test_worker_that_is_killed_in_a_transaction_leaves_nothing(request, tmp_path, service):
    url = (
        f"sqlite:///{tmp_path}/shop.db"
        if service == "sqlite"
        else request.getfixturevalue({"postgresql": "postgres_url", "mariadb": "mariadb_url"}[service])
    )
    app = Costrel("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db = SQLAlchemy(app)
    with app.app_context():
        db.session.execute(sa.text("CREATE TABLE cup (id INTEGER PRIMARY KEY, name VARCHAR(40))"))
        db.session.execute(sa.text("INSERT INTO cup (id, name) VALUES (1, 'whole')"))
        db.session.commit()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, url],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout.readline() == b"in the transaction\n"

    worker.send_signal(signal.SIGKILL)
    worker.communicate()

    with app.app_context():
        # Who writes the same row waits until the server has noticed, and then has it.
        db.session.execute(sa.text("UPDATE cup SET name = 'new' WHERE name = 'whole'"))
        db.session.commit()
        rows = db.session.execute(sa.text("SELECT id, name FROM cup")).all()
        db.session.remove()
        db.engine.dispose()
    assert rows == [(1, "new")]
