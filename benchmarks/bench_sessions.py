"""Count what is lost when requests of one session run at once, beside Flask-Session.

make bench-sessions                            every store that is there; a table to RESULTS-sessions.md
make bench-sessions ARGS="--only redis --dry"  a look, nothing written

Several processes with several threads each ask one application for one session's cookie. Each request
puts a key of its own into the session, or counts one key up; its view takes a millisecond. What is in
the session afterwards is compared with the requests that were answered 200.
Services are found by REDIS_URL, MEMCACHED_URL, POSTGRES_URL and MARIADB_URL.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.metadata
import json
import logging
import os
import pathlib
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from urllib.parse import urlsplit

HERE = pathlib.Path(__file__).resolve().parent
MODULES = {"flask": ("flask", "flask_session"), "costrel": ("costrel", "costrel.ext.session")}
SERVICES = {
    "redis": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    "memcached": os.environ.get("MEMCACHED_URL", "memcached://127.0.0.1:11211"),
    "sqlalchemy (PostgreSQL)": os.environ.get(
        "POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
    ),
    "sqlalchemy (MariaDB)": os.environ.get("MARIADB_URL", "mysql://root@127.0.0.1:3306/test"),
}
STORES = {
    "sqlite": ("costrel",),
    "filesystem": ("costrel", "flask"),
    "cachelib": ("costrel", "flask"),
    "redis": ("costrel", "flask"),
    "memcached": ("costrel", "flask"),
    "sqlalchemy (SQLite)": ("costrel", "flask"),
    "sqlalchemy (PostgreSQL)": ("costrel", "flask"),
    "sqlalchemy (MariaDB)": ("costrel", "flask"),
    "memory": ("costrel",),
}
ONE_PROCESS = ("memory",)
WAYS = {
    "keys": "a key of its own",
    "count": "one counter, `session[…] += 1`",
    "change": "one counter, `sessions.change`",
}


def settings_of(store, folder, prefix):
    """Return the configuration of a store; both extensions have the same keys."""
    kind = store.partition(" ")[0]
    config = {
        "SESSION_TYPE": kind,
        "SESSION_KEY_PREFIX": prefix,
        "SESSION_SERIALIZATION_FORMAT": "json",
        "SESSION_COOKIE_SECURE": False,
        "PERMANENT_SESSION_LIFETIME": 600,  # Redis and memcached forget what is left
        "SECRET_KEY": "a key of the benchmark",
    }
    if kind == "sqlite":
        config["SESSION_SQLITE_PATH"] = f"{folder}/sessions.sqlite3"
    elif kind == "filesystem":
        config["SESSION_FILE_DIR"] = f"{folder}/files"
    elif kind == "cachelib":
        cachelib = importlib.import_module("cachelib")
        config["SESSION_CACHELIB"] = cachelib.FileSystemCache(f"{folder}/cache")
    elif kind == "redis":
        config["SESSION_REDIS"] = importlib.import_module("redis").Redis.from_url(SERVICES[store])
    elif kind == "memcached":
        client = importlib.import_module("pymemcache.client.base").PooledClient
        parts = urlsplit(SERVICES[store])
        config["SESSION_MEMCACHED"] = client((parts.hostname, parts.port))
    elif kind == "sqlalchemy":
        url = SERVICES.get(store, f"sqlite:///{folder}/tables.sqlite3")
        url = url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://")
        config["SQLALCHEMY_DATABASE_URI"] = url
        config["SESSION_SQLALCHEMY_TABLE"] = f"lost_{prefix.rstrip(':')}"

    return config


def make_app(framework, store, folder, prefix):
    """Make the application, of one text for both."""
    web, extension = map(importlib.import_module, MODULES[framework])
    app = web.Flask("lost_updates")
    app.config.update(settings_of(store, folder, prefix))
    if store.startswith("sqlalchemy"):
        module = "flask_sqlalchemy" if framework == "flask" else "costrel.ext.sqlalchemy"
        app.config["SESSION_SQLALCHEMY"] = importlib.import_module(module).SQLAlchemy(app)
    sessions = extension.Session(app)
    session = web.session

    @app.get("/begin")
    def begin():
        session["n"] = 0
        return "begun"

    @app.get("/keys/<name>")
    def keys(name):
        session.get("n")
        time.sleep(0.001)
        session[name] = 1
        return "put"

    @app.get("/count/<name>")
    def count(name):
        n = session["n"]
        time.sleep(0.001)
        session["n"] = n + 1
        return "counted"

    @app.get("/change/<name>")
    def change(name):
        session.get("n")
        time.sleep(0.001)
        sessions.change(lambda stored: stored.update(n=stored["n"] + 1))
        return "counted"

    @app.get("/found")
    def found():
        return {"keys": sum(name.startswith("key") for name in session), "n": session["n"]}

    return app


def work(framework, store, folder, prefix, name):
    """Be a process: answer each line, a command as JSON, with a line."""
    logging.disable(logging.CRITICAL)
    protocol = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    app = make_app(framework, store, folder, prefix)
    print("ready", file=protocol, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        client = app.test_client()
        if command["do"] == "begin":
            response = client.get("/begin")
            answer = client.get_cookie("session").value
            assert response.status_code == 200, response.text
        elif command["do"] == "found":
            client.set_cookie("session", command["cookie"])
            answer = client.get("/found").get_json()
        elif command["do"] == "drop":
            with app.app_context():
                answer = drop_tables(app)
        else:
            answer = ask(app, command, name)
        print(json.dumps(answer), file=protocol, flush=True)


def drop_tables(app):
    db = app.config.get("SESSION_SQLALCHEMY")
    if db is not None:
        db.drop_all()


def ask(app, command, name):
    """Send a command's requests from threads; return how many were answered 200."""
    answered = [0] * command["threads"]

    def run(number):
        client = app.test_client()
        client.set_cookie("session", command["cookie"])
        for turn in range(command["requests"]):
            response = client.get(f"/{command['do']}/key{name}x{number}x{turn}")
            answered[number] += response.status_code == 200

    threads = [threading.Thread(target=run, args=(number,)) for number in range(command["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    return sum(answered)


class Process:
    """A process that works, seen from the one that counts."""

    def __init__(self, *task):
        self._popen = subprocess.Popen(
            [sys.executable, __file__, "--worker", *map(str, task)],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._popen.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{task} failed; its traceback is above")

    def send(self, **command):
        self._popen.stdin.write(json.dumps(command) + "\n")
        self._popen.stdin.flush()

    def read(self):
        return json.loads(self._popen.stdout.readline())

    def stop(self):
        self._popen.stdin.close()
        self._popen.wait()


def lost(framework, store, way, options):
    """Return how many requests were answered 200, and how many of them left nothing behind."""
    prefix = f"{uuid.uuid4().hex[:12]}:"
    with tempfile.TemporaryDirectory() as folder:
        count = 1 if store in ONE_PROCESS else options.processes
        processes = [Process(framework, store, folder, prefix, number) for number in range(count)]
        try:
            first = processes[0]
            first.send(do="begin")
            cookie = first.read()
            for process in processes:
                process.send(do=way, cookie=cookie, threads=options.threads, requests=options.requests)
            answered = sum(process.read() for process in processes)
            first.send(do="found", cookie=cookie)
            found = first.read()["keys" if way == "keys" else "n"]
            first.send(do="drop")
            first.read()
        finally:
            for process in processes:
                process.stop()

    return answered, answered - found


def is_there(store):
    url = SERVICES.get(store)
    if url is None:
        return True
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except OSError:
        print(f"{store}: nothing answers at {parts.hostname}:{parts.port}", file=sys.stderr)
        return False

    return True


def measure(options):
    rows = []
    for store, frameworks in STORES.items():
        if (options.only and options.only not in store) or not is_there(store):
            continue
        row = {"store": store}
        for framework in frameworks:
            for way in WAYS:
                if way != "change" or framework == "costrel":
                    row[framework, way] = lost(framework, store, way, options)
                    print(store, framework, way, row[framework, way], file=sys.stderr)
        rows.append(row)

    return rows


def page(rows, options):
    names = ("Flask", "Flask-Session", "SQLAlchemy", "redis", "pymemcache", "cachelib")
    shown = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    lines = [
        "# Lost updates of sessions, counted",
        "",
        f"Measured {datetime.datetime.now(datetime.UTC).date()} on Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, by `make bench-sessions`; {shown}.",
        f"{options.processes} processes with {options.threads} threads each send {options.requests} requests"
        " a thread for one session (`memory`: one process).",
        "A cell is how many of the updates that were answered with 200 are not in the session afterwards.",
        "",
        "| store | " + " | ".join(f"Costrel: {told}" for told in WAYS.values()) + " | "
        "Flask-Session: a key of its own | Flask-Session: one counter |",
        "|---|" + "--:|" * 5,
    ]
    for row in rows:
        cells = [("costrel", way) for way in WAYS] + [("flask", "keys"), ("flask", "count")]
        told = [f"{row[cell][1]} of {row[cell][0]}" if cell in row else "" for cell in cells]
        lines.append(f"| {row['store']} | " + " | ".join(told) + " |")

    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--requests", type=int, default=25, help="of each thread")
    parser.add_argument("--only", help="stores with this in their name")
    parser.add_argument("--dry", action="store_true", help="write no file")
    options = parser.parse_args()
    text = page(measure(options), options)
    print(text)
    if not options.dry:
        (HERE / "RESULTS-sessions.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        sys.path.insert(0, os.environ.get("BENCH_COSTREL") or str(HERE.parent / "src"))
        work(*sys.argv[2:])
    else:
        main()
