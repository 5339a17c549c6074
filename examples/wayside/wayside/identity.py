"""Who is asking: accounts, passwords, and the decorators that guard views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from werkzeug.security import check_password_hash, generate_password_hash

from costrel import Costrel, abort, current_app, session
from costrel.ext.csrf import CSRFProtect
from costrel.ext.login import LoginManager, current_user, login_required, login_user, logout_user
from costrel.ext.session import Session
from costrel.typing import ResponseReturnValue

from .models import User, db
from .records import users

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)

csrf = CSRFProtect()
login = LoginManager()
login.login_view = "auth.login"
login.login_message = "Please sign in first."
login.login_message_category = "info"
sessions = Session()


def init_app(app: Costrel) -> None:
    """Keep sessions on the server, check every form, and know who is signed in."""
    # Beside the accounts that they name: with another database they would be other people's.
    path = Path(app.config["DATABASE"])
    app.config.setdefault("SESSION_SQLITE_PATH", path.with_name(f"{path.stem}-sessions.sqlite3"))
    sessions.init_app(app)
    csrf.init_app(app)
    login.init_app(app)


@login.user_loader
def load_user(user_id: str) -> User | None:
    """Find the account of a session."""
    return users.by_id(db.session(), int(user_id)) if user_id.isdecimal() else None


def sign_in(user: User) -> None:
    """Start a fresh session, so that nothing from before can be used."""
    session.clear()
    login_user(user)
    session.permanent = True


def sign_out() -> None:
    """Forget everything about this visitor."""
    logout_user()
    session.clear()


def hash_password(password: str) -> str:
    """Hash a password with the configured method."""
    return generate_password_hash(password, method=current_app.config["PASSWORD_METHOD"])


def check_login(username: str, password: str) -> User | None:
    """Return the account if name and password fit."""
    user = users.by_name(db.session(), username)
    # SECURITY: an unknown name takes as long as a wrong password, so that the
    # time does not tell which names exist.
    stored = user.password_hash if user is not None and user.password_hash else _any_hash()
    fits = check_password_hash(stored, password)

    return user if fits and user is not None and user.password_hash else None


def _any_hash() -> str:
    if "wayside_any_hash" not in current_app.extensions:
        current_app.extensions["wayside_any_hash"] = hash_password("nobody has this password")

    stored: str = current_app.extensions["wayside_any_hash"]
    return stored


def keeper_required(view: Callable[P, R]) -> Callable[P, R | ResponseReturnValue]:
    """Let only keepers pass; everyone else who is signed in gets a 403."""

    @login_required
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.is_keeper:
            abort(403, "Only a keeper may open the desk.")

        return view(*args, **kwargs)

    return guarded


def may_change(user: Any, thing: Any) -> bool:
    """Tell whether somebody may edit or delete a walk, comment or line."""
    return bool(user.is_authenticated and (user.is_keeper or user.id == thing.author_id))
