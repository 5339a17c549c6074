"""Async views under WSGI: a database that they do not use costs them nothing, and the first use works.

SQLAlchemy's asynchronous part keeps the code of a task in one thread. Until it is loaded, a coroutine
begins in the thread of its request. Each test has a process, where nothing is loaded yet.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOP = """
import asyncio, sys, threading
from costrel import Costrel
from costrel.ext.sqlalchemy import SQLAlchemy

app = Costrel("shop")
app.config["SQLALCHEMY_DATABASE_URI"] = sys.argv[1]
db = SQLAlchemy(app)

async def pause(how):
    if how == "step":
        await asyncio.sleep(0)
    elif how == "moment":
        await asyncio.sleep(0.001)

async def ask(number):
    async with app.app_context():
        return await db.async_session.scalar(db.text(f"SELECT {number}"))

@app.get("/thread")
async def thread():
    return threading.current_thread().name

@app.get("/sync")
def sync():
    return str(db.session.scalar(db.text("SELECT 1")))

@app.get("/async/<how>")
async def asynchronous(how):
    await pause(how)
    found = [await db.async_session.scalar(db.text("SELECT 1"))]
    await pause(how)
    found += await asyncio.gather(*map(ask, (2, 3)))
    async with db.async_engine.connect() as connection:
        found.append((await connection.execute(db.text("SELECT 4"))).scalar())
    return found

@app.get("/error/<how>")
async def error(how):
    await pause(how)
    await db.async_session.execute(db.text("SELECT 1"))
    raise ValueError("after the first use")

def get(path):
    return app.test_client(protocol="wsgi").get(path).text

def loaded():
    return "sqlalchemy.ext.asyncio" in sys.modules
"""


def run(script, tmp_path):
    """Run a script after that of the shop in a process of its own, and return what it printed."""
    environ = {
        key: value
        for key, value in os.environ.items()
        if key not in {"COSTREL_TEST_PROTOCOL", "PYTHONASYNCIODEBUG", "PYTHONDEVMODE"}
    }
    environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", SHOP + script, f"sqlite:///{tmp_path}/shop.db"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr

    return done.stdout.split()


def test_sync_sessions_load_nothing_that_slows_async_views_down(tmp_path):
    script = """
print(get("/sync"), get("/thread"), loaded())
get("/async/once")
print(get("/thread"), loaded())
"""

    assert run(script, tmp_path) == ["1", "MainThread", "False", "costrel-loop", "True"]


@pytest.mark.parametrize("how", ["once", "step", "moment"])
def test_first_uses_from_several_threads_at_once_work(tmp_path, how):
    script = f"""
answers = []
threads = [threading.Thread(target=lambda: answers.append(get("/async/{how}"))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*answers, get("/async/{how}"))
"""

    assert run(script, tmp_path) == ["[1,2,3,4]"] * 5


@pytest.mark.parametrize("how", ["once", "step"])
def test_first_use_that_ends_in_an_error_leaves_the_loop_as_it_was(tmp_path, how):
    script = f"""
app.logger.disabled = True
print(app.test_client(protocol="wsgi").get("/error/{how}").status_code, get("/async/once"), get("/thread"))
"""

    assert run(script, tmp_path) == ["500", "[1,2,3,4]", "costrel-loop"]
