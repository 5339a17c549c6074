"""On every server: what goes round serving runs once in each process that serves, and in no other."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

HERE = Path(__file__).parent
PATIENCE_SECONDS = 30
WSGI, ASGI = "lifespan_probe:app", "lifespan_probe:asgi"

COMMANDS = {
    "gunicorn sync": ["gunicorn", "-w1", "-k", "sync", "-b", "ADDRESS", WSGI],
    "gunicorn sync, preloaded": ["gunicorn", "-w1", "--preload", "-b", "ADDRESS", WSGI],
    "gunicorn gthread": ["gunicorn", "-w1", "-k", "gthread", "--threads", "4", "-b", "ADDRESS", WSGI],
    "gunicorn, two workers": ["gunicorn", "-w2", "-k", "sync", "-b", "ADDRESS", WSGI],
    "gunicorn, two workers, preloaded": ["gunicorn", "-w2", "--preload", "-b", "ADDRESS", WSGI],
    "granian": ["granian", "--interface", "wsgi", "--workers", "1", "--port", "PORT", WSGI],
    "granian, two workers": ["granian", "--interface", "wsgi", "--workers", "2", "--port", "PORT", WSGI],
    "waitress": ["waitress", "--listen=ADDRESS", WSGI],
    "werkzeug": ["costrel", "--app", WSGI, "run", "--port", "PORT"],
    "werkzeug, reloading": ["costrel", "--app", WSGI, "run", "--debug", "--port", "PORT"],
    "uvicorn": ["uvicorn", "--port", "PORT", ASGI],
    "uvicorn without lifespan": ["uvicorn", "--port", "PORT", "--lifespan", "off", ASGI],
    "uvicorn, two workers": ["uvicorn", "--port", "PORT", "--workers", "2", ASGI],
    "hypercorn": ["hypercorn", "-b", "ADDRESS", ASGI],
    "granian asgi": ["granian", "--interface", "asgi", "--port", "PORT", ASGI],
    "granian asgi without lifespan": ["granian", "--interface", "asginl", "--port", "PORT", ASGI],
    "gunicorn asgi": ["gunicorn", "-w1", "-k", "asgi", "-b", "ADDRESS", ASGI],
}
EXPECTED = {
    "before lifespan_probe": 1,
    "before-async": 1,
    "around": 1,
    "after-async": 1,
    "after": 1,
    "around-end": 1,
}


class Running:
    """A server with the probe, and what the probe wrote."""

    def __init__(self, name, launch, folder, broken=False):
        self.notes = folder / "notes"
        self.notes.touch()
        # The reloader watches the module's file, which a test changes.
        (folder / "lifespan_probe.py").write_bytes((HERE / "lifespan_probe.py").read_bytes())
        self.started = launch(
            COMMANDS[name],
            paths=[folder],
            LIFESPAN_LOG=str(self.notes),
            LIFESPAN_BROKEN="1" if broken else "",
        )
        self.process, self.until = self.started.process, self.started.until

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.started.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            return json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def events(self):
        """Return what was noted, by process."""
        found = defaultdict(list)
        for line in self.notes.read_text().splitlines():
            pid, _, event = line.partition(" ")
            found[int(pid)].append(event)
        return found

    def said(self):
        return f"{self.started.said()}\n{self.notes.read_text()}"


@pytest.fixture
def run(launch, tmp_path):
    return lambda name, **options: Running(name, launch, tmp_path, **options)


def without_tasks(events):
    return [event for event in events if not event.startswith(("imported", "task", "background"))]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_function_runs_once_in_each_process_that_serves(run, name):
    server = run(name)
    pids = {server.until(lambda: server.get("/async"))["pid"]}

    if "two workers" in name:
        deadline = time.monotonic() + 5
        while len(pids) < 2 and time.monotonic() < deadline:  # the kernel chooses who answers
            pids.add(server.get("/")["pid"])
    answers = [server.get("/async") for _ in range(3)]
    answers.append(server.get("/background"))
    server.until(lambda: "background-begun" in server.events()[answers[-1]["pid"]])
    if name == "werkzeug, reloading":
        os.kill(answers[-1]["pid"], signal.SIGTERM)  # to its reloader it would be a SIGKILL here
        server.process.wait(PATIENCE_SECONDS)
    elif name == "uvicorn without lifespan":
        server.started.end(signal.SIGINT)  # after a SIGTERM it leaves without ending its loop
    else:
        server.started.end()

    assert all(answer.get("same", True) for answer in answers), server.said()
    pids |= {answer["pid"] for answer in answers}
    events = server.events()
    for pid in pids:
        assert Counter(without_tasks(events[pid])) == EXPECTED, server.said()
        assert without_tasks(events[pid])[:3] == list(EXPECTED)[:3]
        assert without_tasks(events[pid])[3:] == list(EXPECTED)[3:]
    # What is under way is waited for, where a server says that it stops before it stops its loop.
    if name == "granian asgi without lifespan":
        assert "in_background_async was lost" in server.said()
    elif name == "uvicorn without lifespan":
        assert "in_background_async was cancelled" in server.said()
    else:
        assert {"background-a False", "background-b False"} <= set(events[answers[-1]["pid"]]), server.said()
    # Whoever only loaded the application, as a reloader or a master does, ran nothing; a worker
    # that is told of its start ran all of it though nobody asked it anything.
    for pid in events.keys() - pids:
        assert without_tasks(events[pid]) in ([], list(EXPECTED)), server.said()
    assert "Traceback" not in server.said()


def test_a_reload_ends_what_the_old_process_began(run, tmp_path):
    server = run("werkzeug, reloading")
    old = server.until(lambda: server.get("/async"))["pid"]

    with (tmp_path / "lifespan_probe.py").open("a") as module:
        module.write("\n# changed\n")
    new = server.until(lambda: (answer := server.get("/async")) and answer["pid"] != old and answer["pid"])

    assert Counter(without_tasks(server.events()[old])) == EXPECTED
    assert without_tasks(server.events()[new]) == list(EXPECTED)[:3]


def test_an_asgi_server_does_not_start_with_what_cannot_begin(run, tmp_path):
    server = run("uvicorn", broken=True)

    assert server.process.wait(PATIENCE_SECONDS) != 0
    assert "LookupError: no database" in server.said()
    assert without_tasks(next(iter(server.events().values()))) == []
