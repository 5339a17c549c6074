"""Reads JSON text: orjson where it reads as the standard library does, else the latter.

Knows no provider. The differences that are kept out: integers beyond 64 bits
(orjson makes floats of them), lone surrogates, UTF-16 and UTF-32, messages.
"""

from __future__ import annotations

import json
import math
from typing import Any

from costrel.json._engine import orjson

__all__ = ["read"]

# Integers of 18 digits fit 64 bits, all of 20 do not.
_LONG_RUN = 19
_ZEROS = b"0" * _LONG_RUN
_DIGITS_TO_ZERO = bytes(ord("0") if ord("0") <= byte <= ord("9") else ord(" ") for byte in range(256))


def read(source: str | bytes | bytearray, kwargs: dict[str, Any]) -> Any:
    """Read one JSON text.

    NaN and infinities are refused, since other parsers cannot read them.

    Args:
        source: Text, or bytes in UTF-8, UTF-16 or UTF-32.
        kwargs: As for ``json.loads``.

    Raises:
        json.JSONDecodeError: If it is no JSON, or nested too deeply.
    """
    if orjson is not None and not kwargs:
        raw = _utf8(source)
        if raw is not None and not _has_long_number(raw):
            try:
                return orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                if "depth limit" in error.msg or "ecursion" in error.msg:
                    raise _too_deep() from None
            # It may be good JSON all the same; and if not, the message is the usual one.

    return _read_standard(source, kwargs)


def _utf8(source: Any) -> bytes | None:
    if type(source) is bytes:
        return source
    if isinstance(source, str):
        try:
            return source.encode()
        except UnicodeEncodeError:
            return None

    return None


def _has_long_number(raw: bytes) -> bool:
    """Tell whether so many digits follow each other that an integer may exceed 64 bits.

    PERF: every sixth byte is looked at first (0.5 µs a kilobyte; a regular
    expression takes 9): in a run of 19 digits that hits at least three times.
    """
    if len(raw) < _LONG_RUN or b"000" not in raw[::6].translate(_DIGITS_TO_ZERO):
        return False

    return _ZEROS in raw.translate(_DIGITS_TO_ZERO)


def _read_standard(source: Any, kwargs: dict[str, Any]) -> Any:
    if "cls" not in kwargs:
        kwargs.setdefault("parse_constant", _refuse)
        kwargs.setdefault("parse_float", _finite)
    try:
        return json.loads(source, **kwargs)
    except RecursionError:
        raise _too_deep() from None


def _refuse(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is not JSON", "", 0)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise json.JSONDecodeError("a number is too large", "", 0)

    return value


def _too_deep() -> json.JSONDecodeError:
    return json.JSONDecodeError("nested too deeply", "", 0)
