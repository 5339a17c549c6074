"""The application's own address, ``BASE_URL``, taken apart. Knows no request and no configuration."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from werkzeug.exceptions import SecurityError

from costrel.core.hosts import read_host
from costrel.errors import ConfigError

__all__ = ["BaseURL", "read_base_url"]

_EXAMPLE = 'Write scheme, host and, if it has one, path: BASE_URL = "https://shop.example/app".'


class BaseURL(NamedTuple):
    """Scheme, host and path."""

    scheme: str
    host: str
    root: str


def read_base_url(value: Any) -> BaseURL:
    """Take an address apart.

    Args:
        value: As it is configured, for example ``"https://shop.example/app"``.

    Raises:
        ConfigError: If it is no whole address of a website, or has more than
            scheme, host and path.

    Example:
        >>> read_base_url("https://shop.example:443/app/")
        BaseURL(scheme='https', host='shop.example', root='/app')
    """
    if not isinstance(value, str):
        raise ConfigError(f"BASE_URL must be a text, got {value!r}", hint=_EXAMPLE)

    return _read(value)


@lru_cache(maxsize=16)
def _read(text: str) -> BaseURL:
    try:
        url = urlsplit(text)
    except ValueError:
        raise _refusal(text, "it is no address") from None
    if url.scheme not in ("http", "https"):
        raise _refusal(text, "it does not begin with 'http://' or 'https://'")
    if "@" in url.netloc:
        # Not shown: it may be a password.
        raise ConfigError("BASE_URL has a user name or password in it", hint=_EXAMPLE)
    if "?" in text or "#" in text:
        raise _refusal(text, "it has a query or a fragment")
    if not text.isprintable() or " " in text or "\\" in text or ".." in url.path.split("/"):
        raise _refusal(text, "it has characters or '..' that do not belong there")
    try:
        host = read_host(url.scheme, url.netloc)
    except SecurityError:
        host = ""
    if not host:
        raise _refusal(text, f"{url.netloc!r} is no host")

    return BaseURL(url.scheme, host, quote(url.path.rstrip("/"), safe="/%:@!$&'()*+,;=~") or "/")


def _refusal(text: str, reason: str) -> ConfigError:
    return ConfigError(f"BASE_URL {text!r} cannot be used: {reason}", hint=_EXAMPLE)
