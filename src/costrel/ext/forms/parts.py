"""What the macros ask about fields: kinds, attributes, errors. Values in, values out; knows no request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup, escape
from wtforms import FieldList, FormField  # type: ignore[import-untyped]  # WTForms has no types
from wtforms.csrf.core import CSRFTokenField  # type: ignore[import-untyped]  # as above
from wtforms.fields import SelectFieldBase  # type: ignore[import-untyped]  # as above
from wtforms.widgets import (  # type: ignore[import-untyped]  # as above
    CheckboxInput,
    FileInput,
    HiddenInput,
    ListWidget,
    RadioInput,
    SubmitInput,
)

from costrel.ext.forms.settling import leaves

__all__ = [
    "ErrorLine",
    "attributes_of",
    "described_by",
    "error_id",
    "errors_of",
    "group_attributes",
    "hidden_fields",
    "hint_id",
    "html_attributes",
    "is_multipart",
    "is_required",
    "kind_of",
    "listed_errors",
    "option_attributes",
    "summary_id",
]

_QUOTE = '"'


class ErrorLine(NamedTuple):
    """A line of the summary: which element has an error, and what it is."""

    target: str
    """The element's id; empty if there is none to go to."""
    label: str
    message: str


# Any: forms and fields; WTForms has no types.
def kind_of(field: Any) -> str:
    """Say how a field is laid out.

    Returns:
        ``"hidden"``, ``"submit"``, ``"checkbox"``, ``"choices"`` (radio
        buttons, or several checkboxes), ``"form"``, ``"list"`` or ``"input"``.
    """
    widget = field.widget
    if isinstance(field, FormField):
        return "form"
    if isinstance(field, FieldList):
        return "list"
    if isinstance(widget, HiddenInput):
        return "hidden"
    if isinstance(widget, SubmitInput) or field.type == "ButtonField":
        return "submit"
    if isinstance(widget, CheckboxInput):
        return "checkbox"
    if isinstance(field, SelectFieldBase) and isinstance(widget, ListWidget):
        return "choices"

    return "input"


def hint_id(field: Any) -> str:
    """Return the id of the element with a field's description."""
    return f"{field.id}-hint"


def error_id(field: Any) -> str:
    """Return the id of the element with a field's errors."""
    return f"{field.id}-error"


def errors_of(field: Any) -> list[str]:
    """Return the messages that are the field's own, not those of fields in it."""
    return [message for message in _own_errors(field) if message]


def _own_errors(field: Any) -> Iterator[str]:
    if isinstance(field, FormField):
        yield from (str(message) for message in getattr(field.form, "form_errors", ()))
        return
    for message in field.errors:
        # A list of fields has lists for what is wrong in them, one for each.
        if not isinstance(message, list | tuple | dict):
            yield str(message)


def described_by(field: Any, *others: Any) -> str:
    """Return the ids of what describes a field: what was given, its description, its errors."""
    wanted = [str(other) for other in others if other]
    if field.description:
        wanted.append(hint_id(field))
    if errors_of(field):
        wanted.append(error_id(field))

    return " ".join(wanted)


def is_required(field: Any) -> bool:
    """Tell whether a field has to be filled in."""
    return bool(getattr(field.flags, "required", False))


def attributes_of(field: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a field's element.

    Args:
        field: The field.
        given: What the template says, ``{"class_": "wide", "hx_get": "/"}``.
    """
    attributes = _cleaned(given)
    fixed = _cleaned(getattr(field, "render_kw", None) or {})
    described = described_by(field, fixed.get("aria-describedby"), attributes.pop("aria-describedby", None))
    if described:
        attributes["aria-describedby"] = described
    if errors_of(field):
        attributes["aria-invalid"] = "true"

    return attributes


def group_attributes(field: Any) -> dict[str, Any]:
    """Return the attributes of the element around radio buttons or checkboxes."""
    attributes: dict[str, Any] = {"id": field.id, "aria-describedby": described_by(field) or None}
    if isinstance(field.option_widget, RadioInput):
        attributes["role"] = "radiogroup"
        if is_required(field):
            attributes["aria-required"] = "true"
        if errors_of(field):
            attributes["aria-invalid"] = "true"

    return attributes


def option_attributes(field: Any, option: Any) -> dict[str, Any]:
    """Return the attributes of one of several radio buttons or checkboxes."""
    attributes: dict[str, Any] = {}
    if isinstance(option.widget, CheckboxInput):
        attributes["required"] = False  # one of them is, not each

    return attributes


def listed_errors(form: Any) -> list[ErrorLine]:
    """Return all errors of a form with where they are, in the order of the fields.

    Args:
        form: A form that was validated.
    """
    lines = [ErrorLine("", "", str(message)) for message in getattr(form, "form_errors", ())]
    lines.extend(_lines(form))

    return lines


def _lines(fields: Iterable[Any]) -> Iterator[ErrorLine]:
    for field in fields:
        label = field.label.text if field.label is not None else ""
        for message in errors_of(field):
            yield ErrorLine(_target_of(field), "" if kind_of(field) == "hidden" else label, message)
        if isinstance(field, FormField):
            yield from _lines(field.form)
        elif isinstance(field, FieldList):
            yield from _lines(field.entries)


def _target_of(field: Any) -> str:
    kind = kind_of(field)
    if kind == "hidden":
        return ""
    if kind == "choices":  # to the first button, which can have the focus
        return f"{field.id}-0"

    return str(field.id)


def hidden_fields(form: Any, method: str) -> list[Any]:
    """Return the hidden fields.

    SECURITY: a form that is sent by GET has no token: it would stand in the
    address, in logs, and in the ``Referer`` of the next page.
    """
    return [
        field
        for field in form
        if kind_of(field) == "hidden" and (method.lower() != "get" or not isinstance(field, CSRFTokenField))
    ]


def summary_id(form: Any) -> str:
    """Return the id of the summary of a form's errors."""
    return f"{form._prefix}form-errors"


def is_multipart(form: Any) -> bool:
    """Tell whether a form has files to send."""
    return any(isinstance(field.widget, FileInput) for field in leaves(form))


def html_attributes(given: Mapping[str, Any]) -> Markup:
    """Write attributes: ``hx_post`` is ``hx-post``, ``class_`` is ``class``.

    Example:
        >>> html_attributes({"hx_post": "/save", "class_": "wide", "novalidate": True, "id": None})
        Markup('class="wide" hx-post="/save" novalidate')
    """
    # PERF: 3 µs an attribute less than html_params() of WTForms.
    written: list[str] = []
    for name, value in sorted(_cleaned(given).items()):
        if value is True:
            written.append(escape(name))
        elif value is not False:
            # Markup is not escaped again, but must not end the attribute.
            written.append(f'{escape(name)}="{str(escape(value)).replace(_QUOTE, "&quot;")}"')

    return Markup(" ".join(written))


def _cleaned(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write names as HTML has them, and leave out what is ``None``."""
    cleaned = {}
    for name, value in given.items():
        name = name.rstrip("_")
        if name.startswith(("aria_", "data_", "hx_")):
            name = name.replace("_", "-")
        if value is not None:
            cleaned[name] = value

    return cleaned
