"""The options of the login extension: keys, defaults, meanings. Knows no request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from costrel.errors import ConfigError
from costrel.ext.login.config import (
    AUTH_HEADER_NAME,
    COOKIE_DURATION,
    COOKIE_HTTPONLY,
    COOKIE_NAME,
    COOKIE_SAMESITE,
    COOKIE_SECURE,
    PROTECTION,
    USE_SESSION_FOR_NEXT,
)
from costrel.extension import Option, Options, choice, flag, text

__all__ = ["LoginOptions", "Protection", "text_or_none"]

Protection = Literal["basic", "strong", False] | None
"""What becomes of a session that comes from another browser or address."""

_PROTECTION = "SESSION_PROTECTION"

_read_protection: Callable[[Any], Protection] = choice("basic", "strong", None, False)


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


def text_or_none(name: str, value: Any) -> str | None:
    """Return an argument that must be a text or ``None``.

    Raises:
        ConfigError: If it is something else, such as a view itself.
    """
    try:
        return _text_or_none(value)
    except ValueError as error:
        raise ConfigError(
            f"{name} {error}, got {value!r}",
            hint=f'Give the name of the view, or a URL: {name}="sign_in".',
        ) from None


class LoginOptions(Options):
    """The options of ``LoginManager``, with Flask-Login's keys."""

    prefix: ClassVar[str] = "REMEMBER_COOKIE_"

    cookie_name = Option(
        COOKIE_NAME, "The name of the cookie that remembers a user.", key="REMEMBER_COOKIE_NAME", read=text
    )
    cookie_duration: Option[timedelta] = Option(
        COOKIE_DURATION,
        "How long a browser keeps it and the server takes it: a timedelta or whole seconds.",
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
    session_protection: Option[Protection] = Option(
        PROTECTION,
        'What becomes of a session that comes from another browser or address: "basic" makes the login not '
        'fresh, "strong" ends it, None does nothing. Goes before the argument and attribute of the manager.',
        key=_PROTECTION,
        read=_read_protection,
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
        self._attribute: Callable[[], Any] | None = None
        is_configured = _PROTECTION in config
        super().__init__(config, given)
        if not is_configured:  # then the attribute of the manager says it
            del config[_PROTECTION]

    def follow(self, attribute: Callable[[], Any]) -> None:
        """Take session protection from the manager, where the configuration says nothing about it.

        Args:
            attribute: Returns what the manager's attribute is now.

        Raises:
            ConfigError: If there is no such protection.
        """
        self._attribute = attribute
        _ = self.session_protection  # refused at the setup, not in a request

    def _default_of(self, option: Option[Any]) -> Any:
        if option.key == _PROTECTION and self._attribute is not None:
            return self._attribute()

        return super()._default_of(option)

    def _origin_of(self, key: str) -> str:
        if key == _PROTECTION and self._attribute is not None and key not in self.config:
            return "default" if self._attribute() == PROTECTION else "code"

        return super()._origin_of(key)
