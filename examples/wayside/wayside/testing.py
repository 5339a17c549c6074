"""For the tests: people who use the application as a browser would."""

from __future__ import annotations

from typing import Any, Self

import costrel
from costrel import Costrel
from costrel.ext.csrf import generate_csrf

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
    """A visitor with a browser: keeps cookies, and sends the token with each form.

    Args:
        app: The application.
        protocol: ``"wsgi"`` or ``"asgi"``; None leaves it to the client.
    """

    def __init__(self, app: Costrel, protocol: str | None = None) -> None:
        self.app = app
        self.client = app.test_client(protocol=protocol)

    def get(self, path: str, **options: Any) -> Any:
        """Open a page, and read it to its end."""
        return self.client.get(path, **{"buffered": True, **options})

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a form with a token of the session."""
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **options)

    def token(self) -> str:
        """Return a token, as a page of this session would have it."""
        with self.client.session_transaction() as session, self.app.test_request_context():
            if "csrf_token" in session:
                costrel.session["csrf_token"] = session["csrf_token"]
            token = generate_csrf()
            session["csrf_token"] = costrel.session["csrf_token"]

        return token

    def join(self, username: str) -> Self:
        """Make an account, signed in with it."""
        assert self.post("/register", {"username": username, "password": PASSWORD}).status_code == 302
        return self

    def add_walk(self, **changes: Any) -> str:
        """Write about a walk and return its address."""
        response = self.post("/walks/new", {**WALK, **changes})
        assert response.status_code == 302, response.text
        return str(response.location)
