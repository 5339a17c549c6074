"""What all tests share: an application, clients for it, and the choice of the lane.

A test that sends requests takes ``client``, which is called with an application.
It runs once for each protocol of ``PROTOCOLS``; a protocol that comes later is
added there, and to ``make_client``, and all those tests run over it as well.
"""

from __future__ import annotations

import os

import pytest

from costrel import Costrel
from costrel.core.app_methods import use_fast_lane

PROTOCOLS = ("wsgi",)


def pytest_addoption(parser):
    parser.addoption(
        "--lane",
        choices=["fast", "general"],
        default="general" if os.environ.get("COSTREL_FAST_LANE") == "off" else "fast",
        help="general: run all tests with the fast lane switched off (as COSTREL_FAST_LANE=off does)",
    )


def pytest_configure(config):
    if config.getoption("lane") == "general":
        use_fast_lane(False)


def pytest_report_header(config):
    return f"lane: {config.getoption('lane')}"


def make_client(app, protocol, **options):
    """Return a client that speaks a protocol to an application."""
    assert protocol == "wsgi"

    return app.test_client(**options)


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
        return make_client(app, protocol, **options)

    return make
