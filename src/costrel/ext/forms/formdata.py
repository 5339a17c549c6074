"""What a request brings, made fit for the fields it is for. Knows no request and no context.

A browser sends texts and files. Anybody else sends what they like: JSON with
lists in lists, a file where a text belongs, half a surrogate pair. Fields and
validators of WTForms expect texts and fail at the rest, so it is replaced here
by a ``Refused`` text, and the field gets an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict
from wtforms import (  # type: ignore[import-untyped]  # WTForms has no types
    BooleanField,
    DateTimeField,
    DecimalField,
    FieldList,
    FileField,
    FloatField,
    FormField,
    IntegerField,
    StringField,
)
from wtforms.fields import SelectFieldBase  # type: ignore[import-untyped]  # as above
from wtforms.fields.core import UnboundField  # type: ignore[import-untyped]  # as above

__all__ = ["Refused", "class_of", "count_values", "fit_to_fields", "from_json"]

_TEXT_FIELDS = (
    BooleanField,
    DateTimeField,
    DecimalField,
    FloatField,
    IntegerField,
    SelectFieldBase,
    StringField,
)
# NUL, which databases refuse; half surrogate pairs, which cannot be encoded.
_UNFIT = re.compile("[\x00\ud800-\udfff]")
# WTForms takes any digit for an index and hands it to int(), which fails at these.
_LONG_NUMBER = re.compile(r"\d{19}")
_INDEX = re.compile(r"[0-9]{1,18}")


class Refused(str):
    """The text in place of a value that a field cannot take.

    Example:
        >>> Refused("") == "" and isinstance(Refused(""), Refused)
        True
    """

    __slots__ = ()


def from_json(body: Mapping[str, Any]) -> ImmutableMultiDict[str, Any]:
    """Read a JSON object as form data: a list is a field that is sent several times.

    Example:
        >>> from_json({"name": "Ada", "tag": ["a", "b"]}).getlist("tag")
        ['a', 'b']
    """
    return ImmutableMultiDict(body)


def count_values(body: Mapping[str, Any]) -> int:
    """Count the fields that a JSON object is as form data.

    Example:
        >>> count_values({"name": "Ada", "tag": ["a", "b"], "none": []})
        4
    """
    return sum(max(len(value), 1) if isinstance(value, list) else 1 for value in body.values())


# Any: values of JSON and of applications; WTForms has no types.
def fit_to_fields(fields: Mapping[str, Any], formdata: Any) -> Any:
    """Replace what the fields cannot take.

    Args:
        fields: The bound fields of the form, by the names they have in HTML.
        formdata: A ``MultiDict``, or what has its ``getlist``.

    Returns:
        The same object if nothing had to be replaced.
    """
    changed: dict[str, list[Any]] = {}
    for name in formdata:
        found = class_of(fields, name)
        if found is None:
            if _breaks_a_list(name):
                changed[name] = []
            continue
        values = formdata.getlist(name)
        fitted = _fit(found, values)
        if fitted is not values:
            changed[name] = fitted
    if not changed:
        return formdata

    result: MultiDict[str, Any] = MultiDict()
    for name in formdata:
        values = changed[name] if name in changed else formdata.getlist(name)
        if values:
            result.setlist(name, values)

    return result


def _breaks_a_list(name: Any) -> bool:
    if not isinstance(name, str):
        return True

    return _LONG_NUMBER.search(name) is not None or (
        not name.isascii() and any(sign.isdigit() and not sign.isdecimal() for sign in name)
    )


def _fit(field_class: type[Any], values: list[Any]) -> list[Any]:
    if issubclass(field_class, FileField):
        if all(isinstance(value, FileStorage) for value in values):
            return values
        return [value for value in values if isinstance(value, FileStorage)]
    for value in values:  # PERF: a loop, and nearly always over one text; all() takes twice as long
        if type(value) is not str or _UNFIT.search(value):
            break
    else:
        return values
    if not issubclass(field_class, _TEXT_FIELDS):
        return values

    keeps_bool = issubclass(field_class, BooleanField)

    return [_as_text(value, keeps_bool=keeps_bool) for value in values if value is not None]


def _as_text(value: Any, *, keeps_bool: bool) -> Any:
    """Return a value as a form would have sent it."""
    if isinstance(value, str):
        return Refused(_UNFIT.sub("\ufffd", value)) if _UNFIT.search(value) else value
    if isinstance(value, bool):
        return value if keeps_bool else str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 10_000):
        return str(value)
    if isinstance(value, int | list | tuple | Mapping | FileStorage):
        return Refused("")

    return value  # an object that the application put there


# Which field a name is for: fields in forms in lists are not bound yet when the data comes.


def class_of(fields: Mapping[str, Any], name: Any) -> type[Any] | None:
    """Return the class of the field that a name of form data is for.

    Args:
        fields: The bound fields of a form, by the names they have in HTML.
        name: ``"email"``, or ``"address-street"`` for a field in a field.

    Returns:
        ``None`` if there is no such field.
    """
    if name in fields:
        return type(fields[name])
    if not isinstance(name, str):
        return None
    for prefix, field in fields.items():
        if isinstance(field, FormField | FieldList) and name.startswith(prefix):
            found = _class_below(_Shape(field), name[len(prefix) :])
            if found is not None:
                return found

    return None


class _Shape:
    """The class of a field, bound or not, and what is in it."""

    def __init__(self, field: Any) -> None:
        is_unbound = isinstance(field, UnboundField)
        self.field_class: type[Any] = field.field_class if is_unbound else type(field)
        if issubclass(self.field_class, FormField):
            wanted, separator = "form_class", "separator"
        elif issubclass(self.field_class, FieldList):
            wanted, separator = "unbound_field", "_separator"
        else:
            return
        if is_unbound:
            self.inner = field.args[0] if field.args else field.kwargs.get(wanted)
            self.separator = field.kwargs.get("separator", "-")
        else:
            self.inner = getattr(field, wanted)
            self.separator = getattr(field, separator)


def _class_below(shape: _Shape, rest: str) -> type[Any] | None:
    """Follow the rest of a name into a field."""
    if not rest:
        return shape.field_class
    if not issubclass(shape.field_class, FormField | FieldList) or not rest.startswith(shape.separator):
        return None

    rest = rest[len(shape.separator) :]
    if issubclass(shape.field_class, FieldList):
        index = _INDEX.match(rest)
        return _class_below(_Shape(shape.inner), rest[index.end() :]) if index else None
    for name, unbound in _unbound_fields(shape.inner):
        if rest.startswith(name):
            found = _class_below(_Shape(unbound), rest[len(name) :])
            if found is not None:
                return found

    return None


def _unbound_fields(form_class: Any) -> Iterator[tuple[str, Any]]:
    for attribute in dir(form_class):
        if not attribute.startswith("_"):
            unbound = getattr(form_class, attribute, None)
            if isinstance(unbound, UnboundField):
                yield unbound.name or attribute, unbound
