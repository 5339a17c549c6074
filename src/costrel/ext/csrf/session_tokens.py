"""The token of the current session: made for a page, checked in a request, renewed at login.

The session has a secret under the name of the field; tokens are made of it by
``tokens.py``. Works with or without ``CSRFProtect`` on the application.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from costrel import current_app, g, session
from costrel.ctx import current_context
from costrel.errors import ConfigError
from costrel.ext.csrf.errors import NoSecretKeyError, token_error
from costrel.ext.csrf.plain_tokens import is_plain_token, read_plain_token
from costrel.ext.csrf.tokens import Key, is_secret, make_secret, make_token, matches, read_token

__all__ = ["FIELD_NAME", "TIME_LIMIT_SECONDS", "generate_csrf", "renew_csrf", "validate_csrf"]

FIELD_NAME = "csrf_token"
TIME_LIMIT_SECONDS = 3_600

_MADE = "_csrf_made_from"


def generate_csrf(secret_key: Key | None = None, token_key: str | None = None) -> str:
    """Return the token for forms and scripts of the page that is being made.

    It is kept in ``g`` under the name of the field, so that all of one answer
    have the same; the next answer has another, which is as good.

    Args:
        secret_key: Sign with this key; by default ``WTF_CSRF_SECRET_KEY``, else ``SECRET_KEY``.
        token_key: Key of the secret in the session, and of the token in ``g``;
            by default ``WTF_CSRF_FIELD_NAME``.

    Raises:
        NoSecretKeyError: If there is no key.
        ContextError: Outside of a request.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> app.secret_key = "a key for the example"
        >>> with app.test_request_context():
        ...     validate_csrf(generate_csrf())
    """
    # PERF: the context itself; each look through a proxy is 0.2 µs.
    ctx = current_context()
    own: Any = ctx.session if ctx is not None and ctx.has_request else session
    kept: Any = g if ctx is None else ctx.g
    keys = _keys(secret_key)
    field = _field(token_key)
    secret = own.get(field)
    if not is_secret(secret):
        secret = own[field] = make_secret()

    # The secret changes within a request when somebody logs in or out.
    made: dict[str, Any] = kept.setdefault(_MADE, {})
    token: str | None = kept.get(field)
    if token is None or made.get(field) != (secret, keys[-1]):
        token = make_token(secret, keys=keys, now=time.time())
        setattr(kept, field, token)
        made[field] = (secret, keys[-1])

    return token


# Any: it is for what clients send.
def validate_csrf(
    data: Any,
    secret_key: Key | None = None,
    time_limit: float | timedelta | None = None,
    token_key: str | None = None,
) -> None:
    """Refuse a token that was not made for the current session.

    Args:
        data: The token that the client sent.
        secret_key: As for ``generate_csrf``. By default those in
            ``SECRET_KEY_FALLBACKS`` are good too.
        time_limit: How many seconds a token is good for; by default
            ``WTF_CSRF_TIME_LIMIT``.
        token_key: As for ``generate_csrf``.

    Raises:
        TokenError: With the reason. Also a ``wtforms.ValidationError``, where
            WTForms is used.
        NoSecretKeyError: If there is no key.
        ContextError: Outside of a request.
    """
    keys = _keys(secret_key)
    field = _field(token_key)
    if not data:
        raise token_error("The CSRF token is missing.")
    secret = session.get(field)
    if not is_secret(secret):
        raise token_error("The CSRF session token is missing.")

    read = read_plain_token if is_plain_token(data) else read_token
    found = read(data, keys=keys, now=time.time(), max_age=_max_age(time_limit))
    previous = session.get(_previous(field))
    if not matches(found, [one for one in (secret, previous) if is_secret(one)]):
        raise token_error("The CSRF tokens do not match.")


def renew_csrf(*, keep_previous: bool) -> None:
    """Give the session a new secret, if it has one.

    Args:
        keep_previous: Go on taking the tokens of the last secret.
    """
    field = _field(None)
    g.pop(field, None)
    secret = session.get(field)
    if secret is None:
        return

    session.pop(_previous(field), None)
    if keep_previous:
        session[_previous(field)] = secret
    session[field] = make_secret()


def _previous(field: str) -> str:
    return f"_previous_{field}"


def _app() -> Any:
    """Return the application itself, to be asked for several things."""
    ctx = current_context()

    return current_app if ctx is None else ctx.app


def _field(token_key: str | None) -> str:
    field: str | None = token_key or _app().config.get("WTF_CSRF_FIELD_NAME", FIELD_NAME)
    if not field:
        raise ConfigError(
            f"WTF_CSRF_FIELD_NAME must be the name of a field, got {field!r}",
            hint=f'Take the line out; its default is "{FIELD_NAME}".',
        )

    return field


def _keys(secret_key: Key | None) -> list[Key]:
    """Return the keys that verify; the last one signs."""
    app = _app()
    config = app.config
    shared = app.secret_key
    own: Key | None = secret_key or config.get("WTF_CSRF_SECRET_KEY")
    if own and own != shared:
        return [own]
    if not shared:
        raise NoSecretKeyError(
            "A secret key is required to use CSRF.",
            hint="Set SECRET_KEY, to a long random value that you keep to yourself.",
        )
    fallbacks = config.get("SECRET_KEY_FALLBACKS") or ()
    if isinstance(fallbacks, str | bytes):
        # SECURITY: each of its characters would be a key that anyone can guess.
        raise ConfigError(
            f"SECRET_KEY_FALLBACKS must be a list of keys, got one {type(fallbacks).__name__}",
            hint='Write SECRET_KEY_FALLBACKS = ["…"], with the brackets.',
        )

    return [*fallbacks, shared]


def _max_age(time_limit: float | timedelta | None) -> float | None:
    if time_limit is None:
        time_limit = current_app.config.get("WTF_CSRF_TIME_LIMIT", TIME_LIMIT_SECONDS)

    return time_limit.total_seconds() if isinstance(time_limit, timedelta) else time_limit
