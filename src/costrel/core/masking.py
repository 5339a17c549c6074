"""Hides secrets before values are shown. Pure: names and values in, texts out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

__all__ = ["MASK", "is_secret_name", "mask", "mask_text", "mask_url_passwords"]

MASK = "***"

_SECRET_NAME = r"(?i)SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|APIKEY|_KEYS?$|^KEY$"

# A name and its value as they stand in texts: NAME=value, 'NAME': 'value', name="value".
# Possessive, so that a long word is looked at once. "KEY" alone says too little in a text.
_ASSIGNMENT = r"""(?<!\w)(\w++)(["']?(?:=|:[ ]?)["']?)([^\s"',;&()\[\]{}]++)"""
_SECRET_IN_TEXT = r"(?i)SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|API_?KEY"

_WORD = r"\S+"
_PORT = r"[0-9]+/"

# Deeper than any configuration is, and well above a value that holds itself.
_MAX_DEPTH = 8


def is_secret_name(name: str) -> bool:
    """Tell by its name whether a setting holds a secret.

    Example:
        >>> is_secret_name("MAIL_PASSWORD"), is_secret_name("MAIL_PORT")
        (True, False)
    """
    return _compiled(_SECRET_NAME).search(name) is not None


def mask_url_passwords(text: str) -> str:
    """Replace the passwords of the URLs in a text.

    Example:
        >>> mask_url_passwords("postgresql://ada:s3cret@db/shop")
        'postgresql://ada:***@db/shop'
    """
    if "://" not in text or "@" not in text:
        return text

    return _compiled(_WORD).sub(lambda word: _mask_one_url(word[0]), text)


def _mask_one_url(word: str) -> str:
    """Mask up to the last "@": people do write unquoted "/" and "@" in passwords."""
    scheme, _, rest = word.partition("://")
    userinfo, at, place = rest.rpartition("@")
    user, colon, password = userinfo.partition(":")
    # "host/path:…@" and "host:80/…@" have no password, only an "@" in the path.
    if not (at and colon) or "/" in user or _compiled(_PORT).match(password):
        return word

    return f"{scheme}://{user}:{MASK}@{place}"


def mask_text(text: str) -> str:
    """Replace what looks like a secret in a text for a log.

    Example:
        >>> mask_text("no answer from redis://:s3cret@cache/0 with api_token=abc")
        'no answer from redis://:***@cache/0 with api_token=***'
    """
    text = mask_url_passwords(text)
    if _compiled(_SECRET_IN_TEXT).search(text) is None:
        return text

    return _compiled(_ASSIGNMENT).sub(_mask_assignment, text)


def _mask_assignment(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    if _compiled(_SECRET_IN_TEXT).search(name) is None or value in ("None", "True", "False"):
        return found[0]

    return f"{name}{between}{MASK}"


def mask(name: Any, value: Any) -> Any:
    """Return the value of a setting as it may be shown.

    What is empty stays, because "not set" is no secret and often the mistake
    that is being looked for. Mappings and lists are masked within.

    Args:
        name: The setting's name; one that is not a string says nothing.
        value: Its value; it is never changed.

    Example:
        >>> mask("SECRET_KEY", "abc"), mask("SECRET_KEY", None), mask("DB", {"PASSWORD": "x"})
        ('***', None, {'PASSWORD': '***'})
    """
    return _masked(name, value, _MAX_DEPTH)


def _masked(name: Any, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(name, str) and is_secret_name(name):
        return MASK if value or value == 0 else value
    if isinstance(value, str):
        return mask_url_passwords(value)
    if depth and isinstance(value, Mapping):
        return {key: _masked(key, inner, depth - 1) for key, inner in value.items()}
    if depth and type(value) in (list, tuple, set, frozenset):
        return type(value)(_masked("", inner, depth - 1) for inner in value)

    return value


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # for cost: 0.3 ms for all of them, only records and representations need them
    return re.compile(pattern)
