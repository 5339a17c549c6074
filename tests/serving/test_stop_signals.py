"""There is word of a stop, whatever the server leaves for that, and the server still does what it did."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
import types

import pytest

from costrel.serving import stop_signals
from costrel.serving.stop_signals import hear

PATIENCE_SECONDS = 60


class Listener:
    """Notes when it is told; what waits for it goes on when it is let go."""

    def __init__(self):
        self.told, self.go_on = threading.Event(), threading.Event()

    def tell(self):
        self.told.set()

    def wait(self, seconds):
        self.go_on.wait(PATIENCE_SECONDS)


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.go_on.set()


@pytest.fixture(autouse=True)
def as_at_first(monkeypatch):
    """Begin as a new process does, and leave the signals as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for name in list(sys.modules):
        if name.partition(".")[0] in ("granian", "gunicorn", "hypercorn"):
            monkeypatch.delitem(sys.modules, name)
    stop_signals._granians_cells.clear()
    stop_signals._watches.clear()
    stop_signals._asked[0] = None
    yield
    stop_signals._granians_cells.clear()
    stop_signals._watches.clear()
    stop_signals._asked[0] = None
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def put_module(monkeypatch):
    """Put a module as a server has it in place, made of source."""

    def put(name, source):
        module = types.ModuleType(name)
        exec(source, module.__dict__)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return put


@pytest.fixture
def handled():
    """What a server's own handler of SIGTERM was called with."""
    calls = []
    signal.signal(signal.SIGTERM, lambda number, frame: calls.append((number, frame is not None)))
    return calls


def in_thread(function, *args):
    results = []
    thread = threading.Thread(target=lambda: results.append(function(*args)))
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return results[0]


def test_handler_of_the_server_runs_at_each_signal_and_the_listener_is_told(listener, handled):
    assert hear(listener)
    assert not hear(listener)

    signal.raise_signal(signal.SIGTERM)
    assert listener.told.wait(PATIENCE_SECONDS)
    signal.raise_signal(signal.SIGTERM)

    assert handled == [(signal.SIGTERM, True)] * 2


def test_handler_that_ends_the_program_still_does(listener):
    def leave(number, frame):
        raise SystemExit(number)

    signal.signal(signal.SIGTERM, leave)
    hear(listener)

    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)

    assert listener.told.wait(PATIENCE_SECONDS)


def test_signal_is_heard_of_by_who_asks_in_another_thread(listener, handled):
    assert in_thread(hear, listener)

    signal.raise_signal(signal.SIGTERM)

    assert handled == [(signal.SIGTERM, True)]
    assert listener.told.wait(PATIENCE_SECONDS)


def test_new_handler_is_heard_of_as_well(listener, handled):
    hear(listener)
    later = []
    signal.signal(signal.SIGTERM, lambda number, frame: later.append(number))

    assert hear(listener)
    signal.raise_signal(signal.SIGTERM)

    assert (handled, later) == ([], [signal.SIGTERM])
    assert listener.told.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
def test_signal_that_nobody_handles_is_left_as_it_is(listener, handler):
    signal.signal(signal.SIGTERM, handler)

    hear(listener)

    assert signal.getsignal(signal.SIGTERM) is handler
    assert not hear(listener)


async def test_handler_of_a_loop_runs_as_well(listener):
    loop = asyncio.get_running_loop()
    handled = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, handled.set)
    try:
        hear(listener)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(handled.wait(), PATIENCE_SECONDS)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)

    assert listener.told.wait(PATIENCE_SECONDS)


GRANIAN = """
def set_loop_signals({name}):
    def signal_handler(signum, frame):
        {name}.set()
    return signal_handler
"""


def test_granian_is_held_up_until_the_listener_is_done(listener, put_module):
    event = threading.Event()
    handler = put_module("granian._signals", GRANIAN.format(name="signal_event")).set_loop_signals(event)
    assert hear(listener)
    assert not hear(listener)

    handler(signal.SIGTERM, None)
    assert listener.told.wait(PATIENCE_SECONDS)
    assert not event.is_set()
    listener.go_on.set()

    assert event.wait(PATIENCE_SECONDS)


def test_granian_is_not_held_up_when_signals_go_on(listener, put_module):
    event = threading.Event()
    handler = put_module("granian._signals", GRANIAN.format(name="signal_event")).set_loop_signals(event)
    hear(listener)

    deadline = time.monotonic() + PATIENCE_SECONDS
    while not event.wait(0.05) and time.monotonic() < deadline:
        handler(signal.SIGTERM, None)

    assert event.is_set()
    assert not listener.go_on.is_set()


def test_granian_is_held_up_though_ctrl_c_is_two_signals(listener, put_module):
    event = threading.Event()
    handler = put_module("granian._signals", GRANIAN.format(name="signal_event")).set_loop_signals(event)
    hear(listener)

    handler(signal.SIGINT, None)
    handler(signal.SIGTERM, None)

    assert listener.told.wait(PATIENCE_SECONDS)
    assert not event.is_set()


def test_granian_that_works_in_another_way_is_treated_as_any_server(listener, put_module, handled):
    put_module("granian._signals", GRANIAN.format(name="something_else")).set_loop_signals(threading.Event())
    hear(listener)

    signal.raise_signal(signal.SIGTERM)

    assert handled == [(signal.SIGTERM, True)]
    assert listener.told.wait(PATIENCE_SECONDS)


GUNICORN = """
class Worker:
    alive = True
    def handle_exit(self, number, frame):
        self.alive = False
"""


def test_gunicorns_worker_is_watched_and_its_handler_left_alone(listener, put_module):
    worker = put_module("gunicorn.workers.base", GUNICORN).Worker()
    handler = worker.handle_exit
    signal.signal(signal.SIGTERM, handler)
    assert in_thread(hear, listener)
    assert not hear(listener)

    worker.alive = False  # as it does by itself when it has answered enough

    assert listener.told.wait(PATIENCE_SECONDS)
    assert signal.getsignal(signal.SIGTERM) is handler


HYPERCORN = """
class WorkerContext:
    def __init__(self, event):
        self.terminated = event
"""


@pytest.mark.parametrize("by", ["loop", "worker thread"])
async def test_hypercorn_is_heard_of_without_a_signal(listener, put_module, by):
    event = asyncio.Event()
    context = put_module("hypercorn.asyncio.worker_context", HYPERCORN).WorkerContext(event)

    if by == "loop":
        assert hear(listener)
    else:
        from costrel.serving.threads import in_thread

        assert await in_thread(hear, listener)
    assert not hear(listener)
    context.terminated.set()

    assert await asyncio.to_thread(listener.told.wait, PATIENCE_SECONDS)
