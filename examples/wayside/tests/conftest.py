"""An application with an empty database per test, and people who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from wayside import create_app
from wayside.testing import Person

from costrel import Costrel


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {
        "TESTING": True,
        "SECRET_KEY": "test",
        "DATABASE": str(tmp_path / "wayside.sqlite3"),
        "PICTURES": str(tmp_path / "pictures"),
        "SAMPLE_DATA": False,
        # One round: the tests are not about the strength of hashes.
        "PASSWORD_METHOD": "pbkdf2:sha256:1",
        "FEED_LOOK_SECONDS": 0.01,
    }


@pytest.fixture
def serve(settings: dict[str, Any]) -> Iterator[Callable[..., Costrel]]:
    """Make an application with these settings or others, and have it serve until the test is over."""
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(create_app({**settings, **changes}).test_app()).app


@pytest.fixture
def app(serve: Callable[..., Costrel]) -> Costrel:
    return serve()


@pytest.fixture
def protocol() -> str | None:
    """What browsers speak; the tests of the live parts have both."""
    return None


@pytest.fixture
def visitor(app: Costrel, protocol: str | None) -> Person:
    return Person(app, protocol)


@pytest.fixture
def join(app: Costrel, protocol: str | None) -> Callable[[str], Person]:
    return lambda username: Person(app, protocol).join(username)


@pytest.fixture
def keeper(join: Callable[[str], Person]) -> Person:
    """The first to join."""
    return join("keeper")


@pytest.fixture
def fern(keeper: Person, join: Callable[[str], Person]) -> Person:
    return join("fern")


@pytest.fixture
def otto(keeper: Person, join: Callable[[str], Person]) -> Person:
    return join("otto")
