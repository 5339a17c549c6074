"""What all tests share: an application, clients for it, and the choice of the lane.

A test that sends requests takes ``client``, which is called with an application.
It runs once for each protocol of ``PROTOCOLS``. ``--protocol asgi`` has all other
clients speak ASGI too: those that a test makes by ``app.test_client()``.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import time

import pytest

from costrel import Costrel
from costrel.core.app_methods import use_fast_lane
from costrel.logging import default_handler

PROTOCOLS = ("wsgi", "asgi")


def pytest_addoption(parser):
    parser.addoption(
        "--lane",
        choices=["fast", "general"],
        default="general" if os.environ.get("COSTREL_FAST_LANE") == "off" else "fast",
        help="general: run all tests with the fast lane switched off (as COSTREL_FAST_LANE=off does)",
    )
    parser.addoption(
        "--protocol",
        choices=PROTOCOLS,
        default=os.environ.get("COSTREL_TEST_PROTOCOL") or "wsgi",
        help="what clients speak where a test does not say so (as COSTREL_TEST_PROTOCOL=asgi does)",
    )


def pytest_configure(config):
    os.environ["COSTREL_TEST_PROTOCOL"] = config.getoption("protocol")
    if config.getoption("lane") == "general":
        use_fast_lane(False)


def pytest_report_header(config):
    return f"lane: {config.getoption('lane')}, protocol: {config.getoption('protocol')}"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run an ``async def test_…`` on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None

    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True


def pytest_runtest_teardown(item):
    """Switch on the loggers that a test switched off: another test may have an application of that name."""
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.disabled = False


@pytest.fixture
def app():
    """An application with a secret key, in testing mode."""
    app = Costrel(__name__)
    app.config.update(SECRET_KEY="a key for tests", TESTING=True)
    return app


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    """The protocol a test runs over."""
    return request.param


@pytest.fixture
def client(protocol):
    """Make clients: ``client(app)``, with the options of ``app.test_client``."""

    def make(app, **options):
        return app.test_client(protocol=protocol, **options)

    return make


@pytest.fixture
def assert_linear():
    """Hold work, which is given a size, to time in proportion to it.

    Both sizes are measured again while the machine could be the reason: what
    takes the square of the time does so each time.
    """

    def assert_linear(work, small, *, times=4, attempts=8):
        least = {small: 60.0, small * times: 60.0}
        for _ in range(attempts):
            for size, before in least.items():
                begin = time.process_time()
                work(size)
                least[size] = min(before, time.process_time() - begin)
            if least[small * times] < times * times * 0.56 * least[small] + 0.05:
                return

        raise AssertionError(
            f"{times} times the size took {least[small * times] / least[small]:.1f} times as long"
        )

    return assert_linear


@pytest.fixture
def keeps_log_format(monkeypatch):
    """Have the log's format as it was afterwards; the development server changes it for the process."""
    monkeypatch.setattr(default_handler, "formatter", default_handler.formatter)
