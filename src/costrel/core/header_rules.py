"""What a response header may hold: never CR, LF or NUL, and no name but a token.

``Headers`` refuses at the moment of setting, so that the developer sees the
line at fault; ``clean_headers`` is the last gate, at the exit. Values that
come from users by their nature (a redirect's target, a file's name) are
cleaned instead, because a visitor must not be able to cause an error 500.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from werkzeug.datastructures import Headers as WerkzeugHeaders

from costrel.core.default_headers import SECURITY_HEADERS

__all__ = [
    "Headers",
    "adopt",
    "check_value",
    "clean_file_name",
    "clean_headers",
    "clean_location",
    "is_plain_path",
    "mend_location",
]

# RFC 9110 5.1 and 5.6.2: a field name is a token.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSAFE = re.compile(r"[\r\n\x00]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@/%-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/%?-]+)?")
_LOCATIONS = frozenset({"location", "content-location"})
# What the exit looks at, and what costrel adds by itself.
_SPECIAL = _LOCATIONS | {"content-type", "content-length"} | {name.lower() for name, _ in SECURITY_HEADERS}


def check_value(value: Any) -> str:
    """Return a header value as text.

    Raises:
        ValueError: If it has a CR, LF or NUL. With one of them, whoever chose
            the value could add headers or a whole response.
    """
    text = value if isinstance(value, str) else str(value)
    if _UNSAFE.search(text) is not None:
        raise ValueError(
            f"Header values must not contain newline characters (CR, LF) or NUL, got {text[:100]!r}"
        )

    return text


def check_name(name: str) -> None:
    """Refuse a header name that is no token.

    Raises:
        ValueError: If it is not.
    """
    if _TOKEN.fullmatch(name) is None:
        raise ValueError(f"a header name must be an RFC 9110 token, got {name!r}")


def clean_location(url: str) -> str:
    r"""Make a redirect target safe to send, whoever chose it.

    Control characters are percent-encoded. Browsers take backslashes for
    slashes and drop slashes in excess, so ``/\host`` and ``///host`` would
    leave the site although they look like paths; they are made paths.
    ``//host`` as a developer writes it stays: it says another host.

    Example:
        >>> clean_location("/next\r\nSet-Cookie: a=1")
        '/next%0D%0ASet-Cookie: a=1'
        >>> clean_location("/\\evil.example"), clean_location("////evil.example")
        ('/evil.example', '/evil.example')
    """
    if _CONTROL.search(url) is not None:
        # Browsers strip leading controls and spaces before they look.
        url = _CONTROL.sub(lambda match: f"%{ord(match[0]):02X}", url.lstrip("\t\n\r\x0b\x0c "))
    start = url.lstrip(" ")
    slashes = len(start) - len(start.lstrip("/\\"))
    if slashes and (slashes > 2 or "\\" in start[:slashes]):
        return "/" + start[slashes:]

    return url


def is_plain_path(url: str) -> bool:
    """Tell whether a location is a path that needs no encoding at all.

    Example:
        >>> is_plain_path("/posts/1?page=2"), is_plain_path("//host"), is_plain_path("/é")
        (True, False, False)
    """
    return _PLAIN_PATH.fullmatch(url) is not None


def mend_location(url: str) -> str:
    """Make a path out of what is no URL, so that it can be sent.

    Example:
        >>> mend_location("http://[")
        '/http%3A//%5B'
    """
    return "/" + quote(url, safe="/?&=%").lstrip("/")


def clean_file_name(name: str) -> str:
    r"""Take control characters out of a name for ``Content-Disposition``.

    Example:
        >>> clean_file_name("re\r\nport.pdf")
        'report.pdf'
    """
    return _CONTROL.sub("", name) if _CONTROL.search(name) is not None else name


def clean_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers that are safe to send, at the exit.

    Only what went round ``Headers`` can be unsafe here, and the response is
    decided by now: an unsafe value loses the characters, an unsafe name goes.
    """
    return [
        (name, _UNSAFE.sub(" ", value) if _UNSAFE.search(value) is not None else value)
        for name, value in headers
        if _TOKEN.fullmatch(name) is not None
    ]


class Headers(WerkzeugHeaders):
    """Werkzeug's headers, which refuse what must never be sent."""

    settled: int = -1
    """How many headers there are if they are those a plain response begins with (its type and its
    length) and others that were only appended and need no look at the exit; ``-2 - count``
    if those of every response are among them already; -1 if not known to be so."""

    def add(self, key: str, value: Any, /, **kwargs: Any) -> None:
        """Add a header; see Werkzeug's method.

        Raises:
            ValueError: If the name or value cannot be sent.
        """
        lower_name(key)
        self.settled = -1
        super().add(key, _fit(key, value), **_clean_options(kwargs))

    def set(self, key: str, value: Any, /, **kwargs: Any) -> None:
        """Replace a header; see Werkzeug's method.

        Raises:
            ValueError: If the name or value cannot be sent.
        """
        lower_name(key)
        self.settled = -1
        super().set(key, _fit(key, value), **_clean_options(kwargs))

    def __setitem__(self, key: Any, value: Any) -> None:
        # PERF: 0.2 µs for the first header that a view or hook sets, against Werkzeug's 1.5.
        if type(key) is str and type(value) is str and value.isprintable():
            lower = _known_name(key) or lower_name(key)
            items = self._list
            count = len(items)
            if (
                self.settled == count
                and lower not in _SPECIAL
                and (count == 2 or all(name.lower() != lower for name, _ in items[2:]))
            ):
                items.append((key, value))
                self.settled = count + 1
            else:
                self._replace(key, lower, _fit(key, value) if lower in _LOCATIONS else value)
        elif type(key) is str:
            self._replace(key, lower_name(key), _fit(key, value))
        elif isinstance(key, str):
            self.set(key, value)
        elif isinstance(key, slice):
            self.settled = -1
            super().__setitem__(key, [self._fit_pair(name, item) for name, item in value])
        else:
            self.settled = -1
            super().__setitem__(key, self._fit_pair(*value))

    def _replace(self, key: str, lower: str, value: str) -> None:
        """Put a header in the place of the first of its name, and drop the others."""
        items = self._list
        length = len(key)
        self.settled = -1
        for index, (name, _) in enumerate(items):
            if len(name) == length and name.lower() == lower:
                items[index + 1 :] = [pair for pair in items[index + 1 :] if pair[0].lower() != lower]
                items[index] = (key, value)
                return

        items.append((key, value))

    def _fit_pair(self, name: str, value: Any) -> tuple[str, str]:
        check_name(name)

        return name, _fit(name, value)

    def __eq__(self, other: object) -> bool:
        # Werkzeug compares within one class only; this one stands for its own.
        if not isinstance(other, WerkzeugHeaders):
            return NotImplemented

        return {(k.lower(), v) for k, v in self} == {(k.lower(), v) for k, v in other}

    __hash__ = None  # mutable, as Werkzeug's


_MAX_KNOWN_NAMES = 512
_lower_names: dict[str, str] = {}
_known_name = _lower_names.get


def lower_name(name: str) -> str:
    """Check a header's name and return it in lower case; names are few, so they are remembered.

    Raises:
        ValueError: If it is no token.
    """
    lower = _lower_names.get(name)
    if lower is None:
        check_name(name)
        lower = name.lower()
        if len(_lower_names) < _MAX_KNOWN_NAMES:
            _lower_names[name] = lower

    return lower


def _fit(name: str, value: Any) -> str:
    if isinstance(value, str) and name.lower() in _LOCATIONS:
        value = clean_location(value)

    return check_value(value)


def _clean_options(options: dict[str, Any]) -> dict[str, Any]:
    """Clean a header's parameters: file names come from users."""
    return {key: clean_file_name(item) if isinstance(item, str) else item for key, item in options.items()}


def adopt(headers: WerkzeugHeaders) -> WerkzeugHeaders:
    """Turn a plain Werkzeug ``Headers`` into one that refuses, in place.

    In place, because a response keeps the very object that it is given and
    callers rely on that. A subclass of another kind is left as it is;
    ``clean_headers`` looks after it at the exit.

    Raises:
        ValueError: If it already holds what cannot be sent.
    """
    if type(headers) is WerkzeugHeaders:
        headers._list[:] = [(name, _fit(name, value)) for name, value in headers._list]
        for name, _ in headers._list:
            lower_name(name)
        headers.__class__ = Headers

    return headers
