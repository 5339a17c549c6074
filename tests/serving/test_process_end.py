"""The end of a process, and its children: each in a process of its own, because it has only one end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

BEGIN = """
import os, signal, sys, threading, time
from werkzeug.test import Client
from costrel import Costrel

app = Costrel("shop")

def note(text):
    print(os.getpid() == MAIN, text, flush=True)

MAIN = os.getpid()
app.before_serving(lambda: note("before"))
app.after_serving(lambda: note("after"))

@app.get("/")
def index():
    return "served"

def ask():
    assert Client(app).get("/").text == "served"
"""
ASYNC = """
import asyncio

@app.while_serving
async def around():
    yield
    await asyncio.sleep(0)
    note("around")
"""


needs_threads_at_the_end = pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 2), reason="this CPython starts no thread at its end (gh-113964)"
)


def run(code, expected_status=0):
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == expected_status, done.stderr
    assert "Traceback" not in done.stderr

    return done.stdout.splitlines()


def test_what_began_with_a_request_ends_with_the_process():
    assert run(f"{BEGIN}\nask(); ask()") == ["True before", "True after"]


def test_async_functions_are_awaited_at_the_end():
    assert run(f"{BEGIN}\n{ASYNC}\nask()") == ["True before", "True after", "True around"]


@needs_threads_at_the_end
def test_server_that_goes_without_a_word_leaves_nothing_to_be_done_twice():
    code = """
import asyncio

async def never():
    await asyncio.Event().wait()

async def serve():
    begun = asyncio.Event()
    messages = iter([asyncio.sleep(0, {"type": "lifespan.startup"}), never()])

    async def send(message):
        begun.set()

    asking = app.asgi({"type": "lifespan", "asgi": {"version": "3.0"}}, lambda: next(messages), send)
    global task
    task = asyncio.ensure_future(asking)
    await begun.wait()

loop = asyncio.new_event_loop()
loop.set_exception_handler(lambda loop, context: None)  # it tells of the task that is pending
loop.run_until_complete(serve())
"""

    assert run(f"{BEGIN}\n{ASYNC}\n{code}") == ["True before", "True after", "True around"]


@needs_threads_at_the_end
def test_async_functions_may_use_threads_at_the_end():
    code = """
import asyncio

@app.after_serving
async def after():
    await asyncio.to_thread(note, "thread")
"""

    assert run(f"{BEGIN}\n{code}\nask()") == ["True before", "True after", "True thread"]


def test_a_process_that_served_nothing_ends_without_a_word():
    assert run(BEGIN) == []


def test_an_exit_by_exception_ends_it_too():
    assert run(f"{BEGIN}\nask(); sys.exit(3)", 3) == ["True before", "True after"]


@pytest.mark.parametrize("where", ["main thread", "another thread"])
def test_sigterm_ends_it_where_nobody_handles_that(where):
    ask = "ask()" if where == "main thread" else "t = threading.Thread(target=ask); t.start(); t.join()"
    code = f"""{BEGIN}
{ask}
def kill():
    # the handler is there as soon as the main thread has run a little
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        threading.Event().wait(0.001)
    os.kill(MAIN, signal.SIGTERM)
threading.Thread(target=kill, daemon=True).start()
for _ in range(1_000):  # runs Python code now and then, as a server does; the signal ends it
    threading.Event().wait(0.01)
"""

    assert run(code, 128 + signal.SIGTERM) == ["True before", "True after"]


def test_a_handler_of_somebody_else_stays():
    code = f"""{BEGIN}
def mine(number, frame):
    note("mine")
signal.signal(signal.SIGTERM, mine)
ask()
os.kill(MAIN, signal.SIGTERM)
"""

    assert run(code) == ["True before", "True mine", "True after"]


def test_a_process_that_loads_the_application_and_does_not_serve_keeps_its_sigterm():
    code = f"{BEGIN}\nassert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL"

    assert run(code) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_does_not_serve_ends_nothing():
    code = f"""{BEGIN}
ask()
pid = os.fork()
if not pid:
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""

    assert run(code) == ["True before", "True after"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("more", ["", ASYNC], ids=["sync", "async"])
def test_a_child_that_serves_begins_and_ends_its_own(more):
    code = f"""{BEGIN}{more}
ask()
pid = os.fork()
if not pid:
    ask()
    sys.exit()
assert os.waitpid(pid, 0)[1] == 0
"""
    around = ["around"] if more else []
    child = [f"False {event}" for event in ("before", "after", *around)]

    assert run(code) == ["True before", *child, "True after", *(f"True {event}" for event in around)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_of_multiprocessing_ends_what_it_began(tmp_path, method):
    if method not in __import__("multiprocessing").get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    (tmp_path / "served.py").write_text(f"{BEGIN}\ndef work():\n    ask()\n")
    code = f"""
import multiprocessing, sys
sys.path.insert(0, {str(tmp_path)!r})
import served
if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=served.work)
    process.start(); process.join()
"""

    assert [line.split()[1] for line in run(code)] == ["before", "after"]


def test_background_tasks_are_waited_for():
    code = f"""{BEGIN}
from costrel.serving.process_end import is_ending
def later():
    while not is_ending():  # so the end has to wait for this
        threading.Event().wait(0.001)
    note("task")

app.add_background_task(later)
"""

    assert run(code) == ["True task"]


def test_errors_at_the_end_are_logged():
    code = f"""{BEGIN}
app.after_serving(lambda: 1 / 0)
app.logger.error = lambda text, exc_info: note(type(exc_info).__name__)
ask()
"""

    assert run(code) == ["True before", "True after", "True ZeroDivisionError"]
