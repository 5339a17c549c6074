"""A test client that is logged in from the start."""

from __future__ import annotations

from typing import Any

from costrel.testing import FlaskClient

__all__ = ["FlaskLoginClient"]


class FlaskLoginClient(FlaskClient):
    """A test client that can be somebody's: ``app.test_client(user=ada)``.

    The session it makes knows no browser, so session protection makes the
    login not fresh (``"basic"``) or void (``"strong"``), as in Flask-Login.

    Args:
        *args: What ``FlaskClient`` takes.
        user: Who is logged in.
        fresh_login: Whether they gave their password just now.
        **kwargs: What ``FlaskClient`` takes.

    Example:
        >>> from costrel import Costrel
        >>> from costrel.ext.login import LoginManager, UserMixin, current_user
        >>> app = Costrel("shop")
        >>> app.secret_key = "for this example"
        >>> app.test_client_class = FlaskLoginClient
        >>> manager = LoginManager(app)
        >>> class User(UserMixin):
        ...     id = "7"
        >>> @manager.user_loader
        ... def load_user(user_id):
        ...     return User()
        >>> @app.get("/")
        ... def index():
        ...     return current_user.get_id()
        >>> app.test_client(user=User()).get("/").text
        '7'
    """

    def __init__(self, *args: Any, user: Any = None, fresh_login: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user:
            with self.session_transaction() as session:
                session["_user_id"] = user.get_id()
                session["_fresh"] = fresh_login
