"""What is written for values that JSON has no type for. Knows no provider."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from datetime import date
from typing import Any

from werkzeug.http import http_date

__all__ = ["default"]


def default(o: Any) -> Any:
    """Turn a value into one that JSON can hold.

    Dates become HTTP dates, UUIDs and decimals strings, dataclasses objects,
    enum members their value; what has ``__html__`` is written as that text.

    Raises:
        TypeError: If there is no way to write it.

    Example:
        >>> import decimal
        >>> default(decimal.Decimal("0.10"))
        '0.10'
    """
    if isinstance(o, date):
        return http_date(o)

    from decimal import Decimal  # for cost: 1 ms, only values of no JSON type need it

    if isinstance(o, Decimal | uuid.UUID):
        return str(o)
    if dataclasses.is_dataclass(o) and not isinstance(o, type):
        return dataclasses.asdict(o)
    html = getattr(o, "__html__", None)
    if html is not None:
        return str(html())
    if isinstance(o, enum.Enum):
        return o.value

    error = TypeError(f"Object of type {type(o).__name__} is not JSON serializable")
    error.add_note("  hint: Pass a dict or a list made of it, or handle its type in app.json.default.")
    raise error
