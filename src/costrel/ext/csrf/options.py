"""The options of ``CSRFProtect``, under Flask-WTF's keys."""

from __future__ import annotations

from typing import Any

from costrel.ext.csrf.session_tokens import FIELD_NAME, TIME_LIMIT_SECONDS
from costrel.extension import Option, Options, flag, names, seconds, text

__all__ = ["META_NAME", "CSRFOptions"]

META_NAME = "csrf-token"


# Any: what somebody wrote into a configuration.
def _methods(value: Any) -> frozenset[str]:
    return frozenset(name.upper() for name in names(value))


def _key(value: Any) -> str | bytes | None:
    if value is not None and not isinstance(value, str | bytes):
        raise ValueError("must be a text or bytes")

    return value


class CSRFOptions(Options):
    """What can be set of the protection."""

    prefix = "WTF_CSRF_"
    # Read by applications that hand its names to exempt().
    also_known = frozenset({"WTF_CSRF_EXEMPT_LIST"})

    enabled = Option(True, "Check tokens, in forms and in requests. Off in tests only.", read=flag)
    check_default = Option(
        True, "Check every request. If off, views call ``csrf.protect()`` themselves.", read=flag
    )
    methods = Option(
        lambda: frozenset(("POST", "PUT", "PATCH", "DELETE")),
        "The methods whose requests are checked.",
        read=_methods,
    )
    field_name = Option(
        FIELD_NAME, "The name of the form's field, and the key of the secret in the session.", read=text
    )
    headers = Option(
        lambda: ("X-CSRFToken", "X-CSRF-Token"),
        "The headers in which scripts may send the token.",
        read=names,
    )
    meta_name = Option(META_NAME, "The name of the tag that ``csrf_meta()`` makes.", read=text)
    time_limit = Option(
        TIME_LIMIT_SECONDS,
        "How long a token is good for, in seconds or as a ``timedelta``; ``None``: as long as the session.",
        read=seconds,
    )
    ssl_strict = Option(
        True,
        "Over HTTPS, have each request show by ``Sec-Fetch-Site``, ``Origin`` or ``Referer`` that a page of "
        "this origin sent it, or of one in ``TRUSTED_ORIGINS``.",
        read=flag,
    )
    secret_key = Option[str | bytes | None](
        None, "Sign tokens with this key instead of ``SECRET_KEY``.", read=_key
    )
    trust_fetch_metadata = Option(
        False,
        "Accept ``Sec-Fetch-Site: same-origin`` in place of a token. Then whoever can put a form into a page "
        "of this origin can have it sent.",
        read=flag,
    )
