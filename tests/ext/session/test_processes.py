"""Several processes write one session at once, and nothing of it is lost."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROCESSES, THREADS = 2, 4

# Neither memory, which each process has its own of, nor cachelib, which cannot compare and set.
STORES = (
    "sqlite",
    "filesystem",
    "redis",
    "memcached",
    "sqlalchemy-sqlite",
    "sqlalchemy-postgresql",
    "sqlalchemy-mariadb",
)


@pytest.fixture(params=STORES)
def config(request, tmp_path, prefix):
    """Settings for one store, as JSON can say them."""
    kind, _, dialect = request.param.partition("-")
    config = {"SESSION_TYPE": kind, "SESSION_KEY_PREFIX": prefix}
    if kind == "sqlite":
        config["SESSION_SQLITE_PATH"] = str(tmp_path / "sessions.sqlite3")
    elif kind == "filesystem":
        config["SESSION_FILE_DIR"] = str(tmp_path / "files")
    elif kind == "redis":
        config["SESSION_REDIS"] = request.getfixturevalue("redis_url")
        request.getfixturevalue("make_store")("redis")  # empties Redis of this test's keys
    elif kind == "memcached":
        config["SESSION_MEMCACHED"] = request.getfixturevalue("memcached_address")
    else:
        config["SESSION_SQLALCHEMY_TABLE"] = f"sessions_{uuid.uuid4().hex[:12]}"
        if dialect == "sqlite":
            config["engine"] = f"sqlite:///{tmp_path / 'tables.sqlite3'}"
        else:
            url = request.getfixturevalue(
                "shared_postgres_url" if dialect == "postgresql" else "shared_mariadb_url"
            )
            driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}[dialect]
            config["engine"] = f"{driver}://{url.partition('://')[2]}"

    return config


@pytest.fixture
def app(config):
    spec = importlib.util.spec_from_file_location("writing", HERE / "writing.py")
    writing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writing)

    app = writing.make_app(config)
    with app.test_app():
        yield app
    if "engine" in config:
        app.config["SESSION_SQLALCHEMY"].dispose()


@pytest.fixture
def start():
    """Start processes that write a session; killed if the test fails."""
    source = HERE.parents[2] / "src"
    with ExitStack() as stack:

        def run(*argument):
            process = subprocess.Popen(
                [sys.executable, str(HERE / "writing.py"), json.dumps(argument)],
                env={**os.environ, "PYTHONPATH": str(source)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield run


def test_what_processes_write_into_one_session_at_once_is_all_there(config, app, start):
    names = [[f"key{number}x{thread}" for thread in range(THREADS)] for number in range(PROCESSES)]
    browser = app.test_client()
    browser.get("/begin")
    processes = [start(config, browser.get_cookie("session").value, some) for some in names]
    assert [process.stdout.readline() for process in processes] == ["all have read\n"] * PROCESSES

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [json.loads(process.stdout.readline()) for process in processes]

    assert said == [["written"] * THREADS] * PROCESSES
    content = browser.get("/get").json
    assert {name for name in content if name.startswith("key")} == {name for some in names for name in some}
    assert content["n"] == PROCESSES * THREADS
