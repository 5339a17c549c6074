"""A process whose threads write one session at once; run by ``test_processes.py``."""

from __future__ import annotations

import json
import sys
import threading

from costrel import Costrel, session
from costrel.ext.session import Session


def make_app(config, *, before_writing=lambda: None):
    """Make the application that all processes serve.

    Args:
        config: ``SESSION_…`` settings; ``engine`` is the URL of a database.
        before_writing: Called when a request has read the session.
    """
    config = dict(config)
    app = Costrel("shop")
    if url := config.pop("engine", None):
        from sqlalchemy import create_engine

        config["SESSION_SQLALCHEMY"] = create_engine(url)
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False, **config)
    sessions = Session(app)

    @app.get("/begin")
    def begin():
        session["n"] = 0
        return "begun"

    @app.get("/write/<name>")
    def write(name):
        session.get("n")
        before_writing()
        session[name] = 1
        sessions.change(lambda stored: stored.update(n=stored["n"] + 1))
        return "written"

    @app.get("/get")
    def get():
        return dict(session)

    return app


def main(config, cookie, names):
    """Write one key for each name, a thread each; none writes before a line is read from stdin."""
    all_have_read, go = threading.Barrier(len(names) + 1), threading.Event()
    texts = []

    def wait():
        all_have_read.wait(300)
        go.wait(300)

    app = make_app(config, before_writing=wait)

    def run(name):
        browser = app.test_client()
        browser.set_cookie("session", cookie)
        texts.append(browser.get(f"/write/{name}").text)

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    all_have_read.wait(300)
    print("all have read", flush=True)
    sys.stdin.readline()
    go.set()
    for thread in threads:
        thread.join()
    print(json.dumps(texts), flush=True)


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
