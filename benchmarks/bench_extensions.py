"""Measure extensions: a page with login, CSRF, session and a query, beside the same page on Flask.

make bench-extensions                         everything; a table to RESULTS-extensions.md
make bench-extensions ARGS="--rounds 5 --dry" a look, nothing written

CPU time, the least of interleaved rounds, one worker per framework and request; see measure.py.
What the query itself costs is measured in the same worker, without a framework, and told apart.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import io
import json
import logging
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlencode

from apps import extended

HERE = pathlib.Path(__file__).resolve().parent
PAGES = {
    "idle": "login, CSRF token, session; SQLAlchemy idle",
    "query": "the same and one query on SQLite",
    "lines": "a form sent and checked, behind the login",
}
TURN = "the same, the query's time taken in turn with a page without one"
REGISTERED = ("sqlalchemy", "login", "csrf", "session", "forms", "sqlite", "sqlalchemy,migrate")
SECONDS_A_ROUND = 0.05


def environ_of(method, path, *, cookie="", body=b""):
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ACCEPT": "text/html",
        "HTTP_USER_AGENT": "bench",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    if body:
        environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        environ["CONTENT_LENGTH"] = str(len(body))

    return environ


def send(app, environ, body=b""):
    """Send one request and return status, cookies and text."""
    got = []
    chunks = app(
        {**environ, "wsgi.input": io.BytesIO(body)}, lambda status, headers, *_: got.append((status, headers))
    )
    text = b"".join(chunks).decode()
    if hasattr(chunks, "close"):
        chunks.close()
    ((status, headers),) = got
    cookies = [value.split(";")[0] for name, value in headers if name.lower() == "set-cookie"]

    return int(status.split()[0]), "; ".join(cookies), text


class Page:
    """One page, as a signed-in visitor asks for it."""

    def __init__(self, framework, name):
        self.folder = tempfile.TemporaryDirectory()
        self.app, self.db, self.select = extended.make_page(
            framework, database=os.path.join(self.folder.name, "bench.sqlite3")
        )
        status, cookie, token = send(self.app, environ_of("GET", "/sign-in"))
        assert status == 200, token
        self.body = urlencode({"csrf_token": token, "text": "one more"}).encode() if name == "lines" else b""
        self.environ = environ_of("POST" if self.body else "GET", f"/{name}", cookie=cookie, body=self.body)
        self.name = name

    def check(self):
        status, _, text = send(self.app, self.environ, self.body)
        right = {"idle": "<title>Ada</title>", "query": "<li>line 9</li>", "lines": "taken"}[self.name]
        if (
            status != 200
            or right not in text
            or (not self.body and not re.search(r'value="[^"]{40,}"', text))
        ):
            raise AssertionError(f"wrong answer: {status} {text[:200]!r}")

    def run(self, count):
        return run(self.app, self.environ, self.body, count)


class Query:
    """The query alone, in a session of its own each time."""

    def __init__(self, framework, name):
        page = self.page = Page(framework, "query")
        orm = __import__("sqlalchemy.orm", fromlist=["Session"])
        with page.app.app_context():
            self.make, self.engine, self.select = orm.Session, page.db.engine, page.select

    def check(self):
        with self.make(self.engine) as session:
            assert len(session.scalars(self.select).all()) == 10

    def run(self, count):
        make, engine, select = self.make, self.engine, self.select
        started = time.process_time()
        for _ in range(count):
            with make(engine) as session:
                session.scalars(select).all()

        return time.process_time() - started


class Turn(Query):
    """The page without a query and the query alone, in turn, as in a server."""

    def run(self, count):
        page = Page.run
        idle = self.idle
        make, engine, select = self.make, self.engine, self.select
        started = time.process_time()
        for _ in range(count):
            page(idle, 1)
            with make(engine) as session:
                session.scalars(select).all()

        return time.process_time() - started

    def __init__(self, framework, name):
        super().__init__(framework, name)
        self.idle = Page(framework, "idle")


class Plain:
    """Two words, from an application with extensions that are not used."""

    def __init__(self, framework, name):
        self.app = extended.make_plain(framework, tuple(filter(None, name.split(","))))
        self.environ = environ_of("GET", "/")

    def check(self):
        assert send(self.app, self.environ)[2] == "Hello, World!"

    def run(self, count):
        return run(self.app, self.environ, b"", count)


def run(app, template, body, count):
    def start(status, headers, exc_info=None):
        return None

    started = time.process_time()
    for _ in range(count):
        environ = dict(template)
        environ["wsgi.input"] = io.BytesIO(body)
        chunks = app(environ, start)
        for _chunk in chunks:
            pass
        close = getattr(chunks, "close", None)
        if close is not None:
            close()

    return time.process_time() - started


KINDS = {"page": Page, "query": Query, "turn": Turn, "plain": Plain}


def work(kind, framework, name):
    """Be a worker: answer each line with the CPU microseconds of one request."""
    logging.disable(logging.CRITICAL)
    protocol = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = KINDS[kind](framework, name)
    for _ in range(4):
        task.check()
    count = 5
    while (seconds := task.run(count)) < SECONDS_A_ROUND / 4:
        count *= 3
    count = max(5, int(count * SECONDS_A_ROUND / seconds))
    print("ready", file=protocol, flush=True)
    for _line in sys.stdin:
        print(json.dumps(task.run(count) / count * 1e6), file=protocol, flush=True)


def compare(tasks, rounds):
    """Return the least CPU microseconds of each task, their rounds interleaved."""
    workers = {}
    for task in tasks:
        worker = subprocess.Popen(
            [sys.executable, __file__, "--worker", *task],
            cwd=HERE,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if worker.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{' '.join(task)} failed; its traceback is above")
        workers[task] = worker
    times = {task: [] for task in workers}
    for _ in range(rounds):
        for task, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            times[task].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()

    return {task: min(found) for task, found in times.items()}


def measure(rounds):
    pages = {}
    for name in PAGES:
        tasks = [(kind, framework, name) for framework in extended.MODULES for kind in ("page",)]
        if name == "query":
            tasks += [(kind, framework, name) for kind in ("query", "turn") for framework in extended.MODULES]
            tasks += [("page", framework, "idle") for framework in extended.MODULES]
        found = compare(tasks, rounds)
        pages[name] = {
            framework: found["page", framework, name] - found.get(("query", framework, name), 0)
            for framework in extended.MODULES
        }
        print(name, pages[name], file=sys.stderr)
        if name == "query":
            pages["turn"] = {
                framework: found["page", framework, name]
                - (found["turn", framework, name] - found["page", framework, "idle"])
                for framework in extended.MODULES
            }
            print("turn", pages["turn"], file=sys.stderr)
    tasks = [("plain", "costrel", name) for name in ("", *REGISTERED, ",".join(REGISTERED))]
    found = compare(tasks, rounds * 3)
    unused = {name: found["plain", "costrel", name] for _, _, name in tasks}
    print(unused, file=sys.stderr)

    return {"pages": pages, "unused": unused}


def page(about, found):
    lines = [
        "# Extensions, measured",
        "",
        about,
        "",
        "## A page behind a login, CPU µs of the framework and its extensions per request",
        "",
        "The page is a template with the name of the user, a CSRF token and a list. "
        "In the second row the query alone, which both make, is subtracted, as it is when nothing else runs; "
        "in the third as it is in turn with a page that has none: in a server it is never alone.",
        "",
        "| | Flask, Flask-Login, Flask-WTF, Flask-SQLAlchemy | Costrel | times |",
        "|---|--:|--:|--:|",
    ]
    for name, row in found["pages"].items():
        flask, costrel = row["flask"], row["costrel"]
        lines.append(f"| {PAGES.get(name, TURN)} | {flask:.1f} | {costrel:.1f} | {flask / costrel:.1f} |")
    lines += [
        "",
        "## Registered and not used, CPU µs per request above an application without it",
        "",
        "| extension | µs |",
        "|---|--:|",
    ]
    none = found["unused"][""]
    for name, value in found["unused"].items():
        if name:
            shown = "all of them" if name.count(",") > 1 else name
            lines.append(f"| {shown} | {value - none:.2f} |")

    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dry", action="store_true", help="write no file")
    options = parser.parse_args()
    names = ("Flask", "Flask-Login", "Flask-WTF", "Flask-SQLAlchemy", "SQLAlchemy")
    about = (
        f"Measured {datetime.datetime.now(datetime.UTC).date()} on Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, by `make bench-extensions`; "
        + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
        + ".\nThe least of interleaved rounds in separate processes, answers checked first."
    )
    text = page(about, measure(options.rounds))
    print(text)
    if not options.dry:
        (HERE / "RESULTS-extensions.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        sys.path.insert(0, os.environ.get("BENCH_COSTREL") or str(HERE.parent / "src"))
        work(*sys.argv[2:])
    else:
        main()
