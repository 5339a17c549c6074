"""The remember cookie: reading it, and setting or clearing it with the response."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from costrel import after_this_request, current_app, g, request, session
from costrel.errors import ConfigError
from costrel.ext.login.options import LoginOptions
from costrel.ext.login.tokens import key_bytes, read_token, sign

__all__ = [
    "clear_cookie",
    "decode_cookie",
    "encode_cookie",
    "remembered_id",
    "secret_key",
    "set_cookie",
    "update_cookie",
    "update_with_this_response",
]


def secret_key(key: str | bytes | None = None) -> bytes:
    """Return a key as bytes; by default the current application's.

    Raises:
        ConfigError: If it has none.
    """
    if key is None:
        key = current_app.config["SECRET_KEY"]
    if not key:
        raise ConfigError("the remember cookie cannot be signed without a secret key", hint="Set SECRET_KEY.")

    return key_bytes(key)


def encode_cookie(payload: str, key: str | bytes | None = None) -> str:
    """Sign a text for a cookie.

    Args:
        payload: The text; everybody can read it in the cookie.
        key: The key; by default ``SECRET_KEY``.
    """
    return sign(payload, key=secret_key(key))


def decode_cookie(cookie: str, key: str | bytes | None = None) -> str | None:
    """Return the text that ``encode_cookie`` signed, or ``None``.

    Args:
        cookie: What the browser sent.
        key: The key; by default ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
    """
    if key is not None:
        return read_token(cookie, keys=[secret_key(key)])

    fallbacks = current_app.config.get("SECRET_KEY_FALLBACKS") or ()

    return read_token(cookie, keys=[secret_key(), *map(key_bytes, fallbacks)])


def remembered_id(options: LoginOptions) -> str | None:
    """Return the id of whom the request's cookie remembers; ``None``: nobody, or it is forged."""
    cookie = request.cookies.get(options.cookie_name)
    if cookie is None or session.get("_remember") == "clear":
        return None

    return decode_cookie(cookie)


def update_with_this_response(update: Any) -> None:
    """Have the cookie set or cleared with the response of this request, once."""
    # On demand, so that a request without users costs nothing.
    if "_login_updates" not in g:
        g.setdefault("_login_updates", True)
        after_this_request(update)


def update_cookie(response: Any, options: LoginOptions) -> Any:
    """Do with a response what the session says about the cookie: set, clear or refresh it.

    Args:
        response: The response, returned again.
        options: The options of the application.
    """
    operation = session.get("_remember")
    if operation is not None:
        del session["_remember"]
    if operation == "clear":
        clear_cookie(response, options)
    elif operation == "set" or (options.refresh_each_request and _is_remembered(options)):
        set_cookie(response, options)

    return response


def _is_remembered(options: LoginOptions) -> bool:
    """Tell whether the cookie is that of the user who is logged in; others did not ask for one."""
    user_id = session.get("_user_id")

    return user_id is not None and remembered_id(options) == str(user_id)


def set_cookie(response: Any, options: LoginOptions) -> None:
    """Set the cookie for the user of the session; without one do nothing."""
    user_id = session.get("_user_id")
    if user_id is None:
        return

    kept = session.get("_remember_seconds")
    duration = options.cookie_duration if kept is None else timedelta(seconds=kept)
    response.set_cookie(
        options.cookie_name,
        encode_cookie(str(user_id)),
        expires=datetime.now(UTC) + duration,
        **_attributes(options),
    )
    _keep_from_caches(response)


def clear_cookie(response: Any, options: LoginOptions) -> None:
    """Have the browser forget the cookie."""
    response.delete_cookie(options.cookie_name, **_attributes(options))
    _keep_from_caches(response)


def _attributes(options: LoginOptions) -> dict[str, Any]:
    secure = options.cookie_secure

    return {
        "domain": options.cookie_domain,
        "path": options.cookie_path,
        "secure": request.is_secure if secure is None else secure,
        "httponly": options.cookie_httponly,
        "samesite": options.cookie_samesite,
    }


def _keep_from_caches(response: Any) -> None:
    """Say that the response is for one visitor. A cache would hand the login to others."""
    response.vary.add("Cookie")
    response.headers.setdefault("Cache-Control", "private")
