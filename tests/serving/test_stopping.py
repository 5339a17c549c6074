"""What is open is told of a stop: all of it, what opens late too, and nothing that is gone."""

from __future__ import annotations

import gc
import os
import signal
import threading

import pytest

from costrel.core.lifespan import TEST_MARK
from costrel.serving.stopping import _Open, is_of_test


class Thing:
    """Notes how often it was told."""

    def __init__(self):
        self.stops = 0

    def stop(self):
        self.stops += 1


@pytest.fixture
def all_open():
    """What is open, as in a new process; signals are left as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield _Open()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_all_that_is_open_is_told_and_nothing_that_was_closed(all_open):
    things = [Thing() for _ in range(3)]
    for thing in things:
        all_open.add(thing, False)
    all_open.discard(things[1])

    all_open.tell()

    assert [thing.stops for thing in things] == [1, 0, 1]


def test_what_opens_after_the_stop_is_told_at_once(all_open):
    all_open.add(Thing(), False)
    all_open.tell()
    late = Thing()

    all_open.add(late, False)

    assert late.stops == 1


def test_what_nobody_has_any_more_is_not_kept(all_open):
    all_open.add(Thing(), False)
    gc.collect()

    all_open.wait(60)  # would take as long

    assert len(all_open._things) == 0


def test_end_of_the_process_waits_for_what_closes(all_open):
    class Slow(Thing):
        def stop(self):
            super().stop()
            threading.Timer(0.05, all_open.discard, [self]).start()

    thing = Slow()
    all_open.add(thing, False)

    all_open.end()

    assert (thing.stops, len(all_open._things)) == (1, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the test runner has threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_child_process_begins_with_nothing_open(all_open):
    all_open.add(Thing(), False)
    thing = Thing()
    all_open.add(thing, False)
    pid = os.fork()
    if pid == 0:
        all_open.tell()
        os._exit(thing.stops)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({TEST_MARK: True}, True),
        ({"asgi.scope": {TEST_MARK: True}}, True),
        ({"asgi.scope": {}}, False),
    ],
)
def test_requests_of_test_clients_are_known(environ, expected):
    assert is_of_test(environ) == expected


def test_what_is_dropped_while_all_are_told_is_no_harm(all_open):
    things = [Thing() for _ in range(3)]
    for thing in things:
        all_open.add(thing, False)
        thing.stop = things.clear
    del thing

    all_open.tell()

    gc.collect()
    assert len(all_open._things) == 0
