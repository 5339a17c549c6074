"""What people type, checked: values to show again, messages, and clean results.

Knows no request and no database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])")
TAG = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
PASSWORD_MIN, PASSWORD_MAX = 10, 200


@dataclass(frozen=True, slots=True)
class NewWalk:
    """A walk that passed every check."""

    title: str
    place: str
    walked_on: str
    distance_km: float | None
    ascent_m: int | None
    body: str
    picture_alt: str
    tags: tuple[str, ...]

    def columns(self) -> tuple[str | float | int | None, ...]:
        """Return all but the tags, in the order of the fields."""
        return (
            self.title,
            self.place,
            self.walked_on,
            self.distance_km,
            self.ascent_m,
            self.body,
            self.picture_alt,
        )


class Form:
    """Typed text by field name, and a message for each field that was refused.

    Example:
        >>> form = Form({"title": "  Up  the hill "}, fields=["title"])
        >>> form.text("title", max_length=5, what="a title")
        ''
        >>> form.errors
        {'title': 'Please use at most 5 characters.'}
        >>> form.values["title"]
        'Up  the hill'
    """

    def __init__(self, source: Mapping[str, Any] | None = None, *, fields: Iterable[str]) -> None:
        source = source or {}
        self.values = {name: clean(source.get(name)) for name in fields}
        self.errors: dict[str, str] = {}

    def text(self, name: str, *, max_length: int, what: str = "") -> str:
        """Read a text; ``what`` names it in the message when it must not be empty."""
        value = self.values[name]
        if what and not value:
            self.errors[name] = f"Please enter {what}."
        elif len(value) > max_length:
            self.errors[name] = f"Please use at most {max_length:,} characters."

        return "" if name in self.errors else value

    def number(self, name: str, *, low: float, high: float, what: str, whole: bool = False) -> float | None:
        """Read a number that may be left out; a decimal comma is understood."""
        value = self.values[name].replace(",", ".")
        if not value:
            return None
        if re.fullmatch(r"\d{1,6}" if whole else r"\d{1,6}(\.\d{1,6})?", value, re.ASCII) is None or not (
            low <= float(value) <= high
        ):
            kind = "a whole number" if whole else "a number"
            self.errors[name] = f"Please enter {what} as {kind} from {low:g} to {high:g}."
            return None

        return float(value)


class WalkForm(Form):
    """The form of a walk, as typed in the browser or sent to the API."""

    FIELDS = ("title", "place", "walked_on", "distance_km", "ascent_m", "body", "picture_alt", "tags")

    def __init__(self, source: Mapping[str, Any] | None = None) -> None:
        super().__init__(source, fields=self.FIELDS)

    def read(self, *, today: date) -> NewWalk | None:
        """Check everything; None when there is at least one message."""
        ascent = self.number("ascent_m", low=0, high=9_000, what="the ascent", whole=True)
        walk = NewWalk(
            title=self.text("title", max_length=120, what="a title"),
            place=self.text("place", max_length=80, what="where you walked"),
            walked_on=self._day("walked_on", today),
            distance_km=self.number("distance_km", low=0.1, high=300, what="the distance"),
            ascent_m=None if ascent is None else int(ascent),
            body=self.text("body", max_length=20_000, what="a few words"),
            picture_alt=self.text("picture_alt", max_length=200),
            tags=self._tags(),
        )

        return None if self.errors else walk

    def _day(self, name: str, today: date) -> str:
        try:
            day = date.fromisoformat(self.values[name])
        except ValueError:
            self.errors[name] = "Please enter a day, such as 2026-05-17."
            return ""
        if day > today:
            self.errors[name] = "This day has not come yet."

        return day.isoformat()

    def _tags(self) -> tuple[str, ...]:
        typed = self.values["tags"].lower().split(",")
        tags = dict.fromkeys(re.sub(r"\s+", "-", tag.strip()) for tag in typed)
        tags.pop("", None)
        if len(tags) > 6:
            self.errors["tags"] = "Please use at most six tags."
        elif any(len(tag) > 24 or TAG.fullmatch(tag) is None for tag in tags):
            self.errors["tags"] = "Tags are letters, digits and hyphens, up to 24 each, with commas between."

        return tuple(tags)


def clean(value: object) -> str:
    """Make text of what was sent: no surrounding space, no unpaired surrogates.

    Example:
        >>> clean(["with kids", "river"])
        'with kids, river'
        >>> clean(None)
        ''
    """
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(clean(item) for item in value)

    # JSON may carry half a surrogate pair, which no database takes.
    return str(value).encode("utf-8", "replace").decode().replace("\x00", "").replace("\r\n", "\n").strip()


def username_problem(username: str) -> str | None:
    """Say what is wrong with a user name, or None."""
    if USERNAME.fullmatch(username) is None:
        return "A name has 2 to 30 small letters, digits or hyphens."

    return None


def password_problem(password: str) -> str | None:
    """Say what is wrong with a new password, or None."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        return f"A password has at least {PASSWORD_MIN} characters (and at most {PASSWORD_MAX})."

    return None
