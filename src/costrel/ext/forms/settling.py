"""What a form knows once its data is in: refused texts and numbers that are none. Knows no request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from wtforms import (  # type: ignore[import-untyped]  # WTForms has no types
    DecimalField,
    FieldList,
    FloatField,
    FormField,
    IntegerField,
)

from costrel.ext.forms.formdata import Refused

__all__ = ["is_refused", "leaves", "settle"]

# The largest power of ten that a float holds: what is beyond fails when it is compared, rounded or written.
_MAX_POWER = 308
_MAX_INTEGER: int = 10**_MAX_POWER


# Any: WTForms has no types.
def leaves(fields: Iterable[Any]) -> Iterator[Any]:
    """Yield the fields of a form that hold a value themselves, also those in forms and lists in it."""
    for field in fields:
        if isinstance(field, FormField):
            yield from leaves(field.form)
        elif isinstance(field, FieldList):
            yield from leaves(field.entries)
        else:
            yield field


def settle(form: Any, *, finite_numbers: bool) -> None:
    """Give fields an error whose data was refused, or is no number to reckon with.

    Args:
        form: A form whose data is in.
        finite_numbers: Refuse NaN, infinities, and numbers beyond 10 to the
            power of 308.
    """
    for field in leaves(form):
        if not field.raw_data:
            continue
        if is_refused(field):
            _add_error(field, "Invalid input.")
        elif finite_numbers and isinstance(field, _NUMBERS) and not _is_usable(field.data):
            field.data = None
            _add_error(field, _NUMBER_ERRORS[next(kind for kind in _NUMBERS if isinstance(field, kind))])


_NUMBER_ERRORS = {
    IntegerField: "Not a valid integer value.",
    DecimalField: "Not a valid decimal value.",
    FloatField: "Not a valid float value.",
}
_NUMBERS = tuple(_NUMBER_ERRORS)


def is_refused(field: Any) -> bool:
    """Tell whether a field was sent something that it cannot take."""
    for value in field.raw_data or ():  # noqa: SIM110  # PERF: any() takes three times as long, and this is asked twice
        if isinstance(value, Refused):
            return True

    return False


def _is_usable(number: Any) -> bool:
    """Tell whether comparing, rounding and writing a number works and is quick.

    Example:
        >>> [_is_usable(number) for number in (7, Decimal("NaN"), Decimal("1E+400"), 10**400, None)]
        [True, False, False, False, True]
    """
    if isinstance(number, Decimal):
        # SECURITY: 1E+999999999 is a short text, but int() of it has a billion digits.
        return bool(number.is_finite() and abs(number.adjusted()) <= _MAX_POWER)
    if isinstance(number, float):
        return math.isfinite(number)
    if isinstance(number, int):
        return abs(number) <= _MAX_INTEGER

    return True


def _add_error(field: Any, message: str) -> None:
    errors = list(field.process_errors)
    told = field.gettext(message)
    if told not in errors:
        errors.append(told)
    field.process_errors = errors
