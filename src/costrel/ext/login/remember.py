"""The remember cookie: reading it, and setting or clearing it with the response."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_urlsafe
from typing import Any

from costrel import after_this_request, current_app, g, request, session
from costrel.errors import ConfigError
from costrel.ext.login.options import LoginOptions
from costrel.ext.login.tokens import LoginToken, key_bytes, read_login_token, sign, sign_login_token

__all__ = [
    "clear_cookie",
    "decode_cookie",
    "encode_cookie",
    "forget",
    "is_revoked",
    "remembered",
    "revoke",
    "secret_key",
    "sent_already",
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
    """Return the text that ``encode_cookie`` signed, or the id in a remember cookie; or ``None``.

    Args:
        cookie: What the browser sent.
        key: The key; by default ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
    """
    token = read_login_token(cookie, keys=_keys(key), now=time.time())

    return None if token is None else token.user_id


def _keys(key: str | bytes | None = None) -> list[bytes]:
    if key is not None:
        return [secret_key(key)]

    fallbacks = current_app.config.get("SECRET_KEY_FALLBACKS") or ()

    return [secret_key(), *map(key_bytes, fallbacks)]


def remembered(options: LoginOptions) -> LoginToken | None:
    """Return what the request's cookie says; ``None``: there is none, it is over, or forged."""
    cookie = request.cookies.get(options.cookie_name)
    if cookie is None or session.get("_remember") == "clear":
        return None

    return read_login_token(cookie, keys=_keys(), now=time.time())


def revoke(token: LoginToken) -> None:
    """Have sessions on the server remember that a cookie is worth nothing; one in a cookie cannot."""
    note = getattr(session, "revoke", None)
    if note is not None:
        note(token.number, seconds=None if token.ends is None else max(1, token.ends - time.time()))


def is_revoked(token: LoginToken) -> bool:
    """Tell whether sessions on the server know that a cookie is worth nothing; may wait for their store."""
    ask = getattr(current_app.session_interface, "is_revoked", None)

    return ask is not None and bool(ask(token.number, user_id=token.user_id, issued=token.issued))


def forget() -> None:
    """Have this response clear the cookie, also if the view empties the session after that."""
    session["_remember"] = "clear"
    g._login_forgotten = True


def update_with_this_response(update: Any) -> None:
    """Have the cookie set or cleared with the response of this request, once."""
    # On demand, so that a request without users costs nothing.
    if "_login_updates" not in g:
        g.setdefault("_login_updates", True)
        after_this_request(partial(_update_once, update))


def _update_once(update: Any, response: Any) -> Any:
    g.pop("_login_updates", None)  # an ``after_request`` hook may log somebody in yet
    return update(response)


def update_cookie(response: Any, options: LoginOptions) -> Any:
    """Do with a response what the session says about the cookie: set, clear or refresh it.

    Args:
        response: The response, returned again.
        options: The options of the application.
    """
    operation = session.get("_remember")
    if operation is not None:
        del session["_remember"]
    elif "_login_forgotten" in g:
        operation = "clear"
    if operation == "clear":
        clear_cookie(response, options)
    elif operation == "set":
        set_cookie(response, options)
    elif options.refresh_each_request and (token := _own_token(options)) is not None:
        set_cookie(response, options, login=token)

    return response


def _own_token(options: LoginOptions) -> LoginToken | None:
    """Return what the cookie says if it is of the user who is logged in; others did not ask for one."""
    user_id, token = session.get("_user_id"), remembered(options)

    return token if user_id is not None and token is not None and token.user_id == str(user_id) else None


def set_cookie(response: Any, options: LoginOptions, *, login: LoginToken | None = None) -> None:
    """Set the cookie for the user of the session; without one do nothing.

    Args:
        response: The response.
        options: The options of the application.
        login: The token whose end is put off: a logout ends all copies of one login's cookie.
    """
    user_id = session.get("_user_id")
    if user_id is None:
        return

    kept = session.get("_remember_seconds")
    duration = options.cookie_duration if kept is None else timedelta(seconds=kept)
    ends = datetime.now(UTC) + duration
    dated = None if login is None or login.ends is None else login
    token = LoginToken(
        str(user_id),
        time.time_ns() // 1_000 if dated is None else dated.issued,
        max(0, int(ends.timestamp())),
        token_urlsafe(12) if dated is None else dated.number,
    )
    _drop_cookie(response, options)
    g._login_sent = token
    response.set_cookie(
        options.cookie_name,
        sign_login_token(token, key=secret_key()),
        expires=ends,
        **_attributes(options),
    )
    _keep_from_caches(response)


def clear_cookie(response: Any, options: LoginOptions) -> None:
    """Have the browser forget the cookie."""
    _drop_cookie(response, options)
    response.delete_cookie(options.cookie_name, **_attributes(options))
    _keep_from_caches(response)


def sent_already() -> LoginToken | None:
    """Return what the cookie says that this response sets, if a hook that runs after that asks."""
    token: LoginToken | None = g.get("_login_sent")

    return token


def _drop_cookie(response: Any, options: LoginOptions) -> None:
    """Take the cookie away that was set on the response before: RFC 6265 4.1.1, one of a name."""
    g.pop("_login_sent", None)
    cookies, beginning = response.headers.getlist("Set-Cookie"), f"{options.cookie_name}="
    others = [value for value in cookies if not value.startswith(beginning)]
    if len(others) < len(cookies):
        response.headers.setlist("Set-Cookie", others)


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
