"""An application with an empty database per test, and people who use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wayside import create_app

from costrel import Costrel

PASSWORD = "four words do well"
WALK = {
    "title": "Over the pass",
    "place": "Aldern Pass",
    "walked_on": "2026-01-17",
    "distance_km": "16.5",
    "ascent_m": "1120",
    "body": "Up at three.",
    "tags": "pass, with kids",
    "picture_alt": "",
}


class Person:
    """A visitor with a browser: keeps cookies, and sends the token with each form."""

    def __init__(self, app: Costrel) -> None:
        self.client = app.test_client()

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(path, **{"buffered": True, **options})

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        with self.client.session_transaction() as session:
            token = session.setdefault("csrf_token", "token")
        return self.client.post(path, data={"csrf_token": token, **(data or {})}, **options)

    def join(self, username: str) -> Person:
        assert self.post("/register", {"username": username, "password": PASSWORD}).status_code == 302
        return self

    def add_walk(self, **changes: Any) -> str:
        response = self.post("/walks/new", {**WALK, **changes})
        assert response.status_code == 302, response.text
        return str(response.location)


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
    }


@pytest.fixture
def app(settings: dict[str, Any]) -> Costrel:
    return create_app(settings)


@pytest.fixture
def visitor(app: Costrel) -> Person:
    return Person(app)


@pytest.fixture
def join(app: Costrel) -> Callable[[str], Person]:
    return lambda username: Person(app).join(username)


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
