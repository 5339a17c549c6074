"""The options of the login extension: keys, defaults, meanings. Knows no request."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from typing import Any, ClassVar

from costrel.errors import ConfigError
from costrel.ext.login.config import (
    AUTH_HEADER_NAME,
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SAMESITE,
    COOKIE_SECURE,
    USE_SESSION_FOR_NEXT,
)
from costrel.extension import Option, Options, choice, flag, text

__all__ = ["LoginOptions", "read_mode"]

read_mode = choice("basic", "strong", None, False)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(seconds=value)

    raise ConfigError(
        f"REMEMBER_COOKIE_DURATION must be a datetime.timedelta, instead got: {value}",
        hint="Seconds as a whole number will do too.",
    )


def _flag_or_none(value: Any) -> bool | None:
    return None if value is None else flag(value)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else text(value)


class LoginOptions(Options):
    """The options of ``LoginManager``, with Flask-Login's keys."""

    prefix: ClassVar[str] = "REMEMBER_COOKIE_"

    cookie_name = Option(
        COOKIE_NAME, "The name of the cookie that remembers a user.", key="REMEMBER_COOKIE_NAME", read=text
    )
    cookie_duration: Option[timedelta] = Option(
        COOKIE_DURATION,
        "How long a browser keeps it: a timedelta or whole seconds. The server asks for no date: a copy of "
        "the cookie is good until the key changes.",
        key="REMEMBER_COOKIE_DURATION",
        read=_duration,
    )
    cookie_domain: Option[str | None] = Option(
        None,
        "The domain whose subdomains get it too; none: only this host.",
        key="REMEMBER_COOKIE_DOMAIN",
        read=_text_or_none,
    )
    cookie_path = Option("/", "The path it is for.", key="REMEMBER_COOKIE_PATH", read=text)
    cookie_secure: Option[bool | None] = Option(
        COOKIE_SECURE,
        "Whether it goes over HTTPS only; None: if the request came over it.",
        key="REMEMBER_COOKIE_SECURE",
        read=_flag_or_none,
    )
    cookie_httponly = Option(
        COOKIE_HTTPONLY, "Whether scripts are kept from it.", key="REMEMBER_COOKIE_HTTPONLY", read=flag
    )
    cookie_samesite: Option[str | None] = Option(
        COOKIE_SAMESITE,
        'Whether requests from other sites bring it along: "Strict", "Lax", "None", or None for what the '
        "browser thinks.",
        key="REMEMBER_COOKIE_SAMESITE",
        read=choice("Strict", "Lax", "None", None),
    )
    refresh_each_request = Option(
        False,
        "Whether each response puts the end of a remembered login off. Set it before init_app: each request "
        "costs something then.",
        key="REMEMBER_COOKIE_REFRESH_EACH_REQUEST",
        read=flag,
    )
    session_protection: Option[str | bool | None] = Option(
        "basic",
        'What becomes of a session that comes from another browser or address: "basic" makes the login not '
        'fresh, "strong" ends it, None does nothing. Goes before the attribute of the manager.',
        key="SESSION_PROTECTION",
        read=read_mode,
    )
    use_session_for_next = Option(
        USE_SESSION_FOR_NEXT,
        "Whether the page that was asked for is kept in the session, not in the URL of the login page.",
        key="USE_SESSION_FOR_NEXT",
        read=flag,
    )
    force_host_for_redirects: Option[str | None] = Option(
        None,
        "The host of the login page's URL, whatever host the request names.",
        key="FORCE_HOST_FOR_REDIRECTS",
        read=_text_or_none,
    )
    login_disabled = Option(
        False,
        "Whether login_required and fresh_login_required let everybody in. For tests only.",
        key="LOGIN_DISABLED",
        read=flag,
    )
    auth_header_name = Option(
        AUTH_HEADER_NAME,
        "The header whose value a header_loader gets.",
        key="AUTH_HEADER_NAME",
        read=text,
    )

    def __init__(self, config: MutableMapping[str, Any], given: Mapping[str, Any] | None = None) -> None:
        was_chosen = "SESSION_PROTECTION" in config or "session_protection" in (given or {})
        super().__init__(config, given)
        if not was_chosen:  # then the attribute of the manager says it
            del config["SESSION_PROTECTION"]

    def session_protection_is_set(self) -> bool:
        """Tell whether the configuration says how sessions are protected."""
        return "SESSION_PROTECTION" in self.config
