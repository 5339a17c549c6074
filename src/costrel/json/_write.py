"""Writes JSON text as ``json.dumps`` would, most of it by orjson. Knows no provider.

What orjson spells otherwise is written by the standard library instead. Two
things are decided here and not as there: NaN and infinities become ``null``,
because no other parser reads them; and an enum member is written as its value.
"""

from __future__ import annotations

import json
import math
import re
from json import encoder as _encoder_module
from typing import Any

from costrel.json._engine import orjson
from costrel.json._values import default

__all__ = ["write", "write_bytes", "write_with"]

# The C encoder of the standard library, which type checkers are not told of.
_standard: Any = _encoder_module

_DEL = 0x7F
_DOT = 0x2E
_MINUS = 0x2D
_NON_ASCII = re.compile("[^\x00-\x7e]+")  # the other way round it takes 2 ms to compile

# orjson writes 0.00001 and 1e-6, where Python writes 1e-05 and 1e-06.
# PERF: what is looked for stands first, as literal text, and the digit around it
# after: 1 µs a kilobyte; the other way round it is 25.
_WITHOUT_EXPONENT = re.compile(rb"0\.0000(?<![0-9]0\.0000)")
_SHORT_EXPONENT = re.compile(rb"e-(?<=[0-9]e-)[1-9](?![0-9])")

# PERF: looking for such numbers takes 50 µs in 100 kB, and writing it 120.
_MAX_BYTES_COMPARED = 65_536
_SHORT = 1_000


def _plain(value: Any) -> Any:
    """Turn a subclass of a JSON type into what the standard library writes for it."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return dict(value.items())
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)

    return default(value)


_dump: Any = orjson and orjson.dumps
_AS_IT_IS: int = (
    orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_APPEND_NEWLINE
    if orjson
    else 0
)
_SORTED: int = _AS_IT_IS | orjson.OPT_SORT_KEYS if orjson else 0
_INDENT: int = orjson.OPT_INDENT_2 if orjson else 0


def write_bytes(obj: Any, sort_keys: bool, ensure_ascii: bool, indent: bool) -> bytes | None:
    """Write JSON and a line feed, compact or indented by two, if orjson can.

    Returns:
        ``None`` where only the standard library writes the right thing, or
        raises the right error.
    """
    if _dump is None:
        return None

    options = _SORTED if sort_keys else _AS_IT_IS
    if indent:
        options |= _INDENT
    try:
        out: bytes = _dump(obj, _plain, options)
    except TypeError:
        # Keys that are no strings, lone surrogates, integers beyond 64 bits, deep
        # nesting, circles, or a value that cannot be written: not told apart.
        return None

    # PERF: in a short answer a single byte is looked for in 10 ns, several in 70, and by "in" in 140.
    length = len(out)
    if (
        (_MINUS in out and (length > _SHORT or out.find(b"e-") >= 0))
        or (_DOT in out and (length > _SHORT or out.find(b"0.0000") >= 0))
    ) and _has_small_number(out):
        return None
    if ensure_ascii and (not out.isascii() or _DEL in out):
        return _NON_ASCII.sub(_escape, out.decode()).encode("ascii")

    return out


def _has_small_number(out: bytes) -> bool:
    if len(out) > _MAX_BYTES_COMPARED:
        return False

    return _SHORT_EXPONENT.search(out) is not None or _WITHOUT_EXPONENT.search(out) is not None


def _escape(run: re.Match[str]) -> str:
    # UTF-16, since JSON writes characters beyond 16 bits as two surrogates.
    return "\\u" + run[0].encode("utf-16-be").hex("\\", 2).replace("\\", "\\u")


def _encoder(*, sort_keys: bool, ensure_ascii: bool, compact: bool) -> Any:
    """Make what ``json.dumps`` makes anew at every call.

    PERF: 1.0 µs for a small dict instead of 2.8. Without the record of open
    containers, which threads cannot share; a circle becomes a RecursionError.
    """
    if _standard.c_make_encoder is None:
        return None  # Another interpreter than CPython.

    text = _standard.encode_basestring_ascii if ensure_ascii else _standard.encode_basestring
    key_separator, item_separator = (":", ",") if compact else (": ", ", ")

    # Arguments: open containers, default, strings, indent, separators, sort_keys, skipkeys, allow_nan.
    return _standard.c_make_encoder(
        None, default, text, None, key_separator, item_separator, sort_keys, False, False
    )


_ENCODERS = {
    (sort_keys, ensure_ascii, compact): _encoder(
        sort_keys=sort_keys, ensure_ascii=ensure_ascii, compact=compact
    )
    for sort_keys in (True, False)
    for ensure_ascii in (True, False)
    for compact in (True, False)
}


def write(obj: Any, *, sort_keys: bool, ensure_ascii: bool, compact: bool) -> str:
    """Write JSON on one line, with our ``default``, by the standard library.

    Args:
        obj: The object.
        sort_keys: As in ``json.dumps``.
        ensure_ascii: As in ``json.dumps``.
        compact: No space after colons and commas.
    """
    encode = _ENCODERS[sort_keys, ensure_ascii, compact]
    if encode is not None:
        try:
            return "".join(encode(obj, 0))
        except (ValueError, RecursionError):
            pass  # NaN, a circle, or too deep: done or told by the way below

    separators = (",", ":") if compact else None
    settings = {
        "default": default,
        "sort_keys": sort_keys,
        "ensure_ascii": ensure_ascii,
        "separators": separators,
    }

    return write_with(obj, settings)


def write_with(obj: Any, settings: dict[str, Any]) -> str:
    """Write JSON with any settings of ``json.dumps``; NaN becomes ``null``."""
    if "allow_nan" in settings:
        return json.dumps(obj, **settings)

    try:
        return json.dumps(obj, allow_nan=False, **settings)
    except ValueError as error:
        if "Out of range float" not in str(error):
            raise

    convert = settings.get("default")
    if convert is not None:
        settings = {**settings, "default": lambda value: _finite(convert(value))}

    return json.dumps(_finite(obj), **settings)


def _finite(value: Any) -> Any:
    """Replace NaN and infinities by ``None``, in as deep a copy as that takes."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]

    return value
