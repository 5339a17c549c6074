"""What people type, checked: the forms of the pages, and the same rules for the API.

Knows no database. A form that was refused shows what was typed, and a message
for each field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from werkzeug.datastructures import MultiDict
from wtforms import Form as WTForm
from wtforms import PasswordField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import DateInput, TextArea

from costrel.ext.forms import FlaskForm
from costrel.ext.forms.file import FileField

USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])")
TAG = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
PASSWORD_MIN, PASSWORD_MAX = 10, 200


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


# Fields. Their data is always a text, as it was typed; what it means is the form's.


class Text(StringField):
    """A text; ``what`` names it in the message when it must not be empty."""

    def __init__(
        self, label: str, *, max_length: int, what: str = "", hint: str = "", rows: int = 0, **options: Any
    ) -> None:
        if rows:
            options["widget"] = TextArea()
        super().__init__(label, description=hint, **options)
        self.max_length, self.what, self.rows = max_length, what, rows

    def process_data(self, value: Any) -> None:
        """Take what is stored."""
        self.data = clean(value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was typed."""
        self.data = clean(valuelist[0] if valuelist else None)

    def pre_validate(self, form: WTForm) -> None:
        """Refuse what is missing or too long."""
        if self.what and not self.data:
            raise ValidationError(f"Please enter {self.what}.")
        if len(self.data or "") > self.max_length:
            raise ValidationError(f"Please use at most {self.max_length:,} characters.")


class Quantity(Text):
    """A number that may be left out; a decimal comma is understood."""

    def __init__(
        self, label: str, *, low: float, high: float, what: str, whole: bool = False, **options: Any
    ) -> None:
        super().__init__(label, max_length=40, **options)
        self.low, self.high, self.named, self.whole = low, high, what, whole

    @property
    def number(self) -> float | None:
        """The number, if there is one."""
        return float(self.data.replace(",", ".")) if self.data else None

    def pre_validate(self, form: WTForm) -> None:
        """Refuse what is no number, or out of bounds."""
        if not self.data:
            return
        text, pattern = self.data.replace(",", "."), r"\d{1,6}" if self.whole else r"\d{1,6}(\.\d{1,6})?"
        if re.fullmatch(pattern, text, re.ASCII) is None or not self.low <= float(text) <= self.high:
            kind = "a whole number" if self.whole else "a number"
            raise ValidationError(f"Please enter {self.named} as {kind} from {self.low:g} to {self.high:g}.")


class Day(Text):
    """A day that has come already."""

    widget = DateInput()

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, max_length=10, **options)

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no day, or in the future."""
        try:
            day = date.fromisoformat(self.data or "")
        except ValueError:
            raise ValidationError("Please enter a day, such as 2026-05-17.") from None
        if day > form.today:
            raise ValidationError("This day has not come yet.")


class Tags(Text):
    """Words with commas between."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, max_length=1_000, **options)

    @property
    def names(self) -> tuple[str, ...]:
        """The tags, each once, in the order they were typed."""
        typed = (re.sub(r"\s+", "-", tag.strip()) for tag in (self.data or "").lower().split(","))

        return tuple(dict.fromkeys(tag for tag in typed if tag))

    def pre_validate(self, form: WTForm) -> None:
        """Refuse what is no tag, and more than six."""
        super().pre_validate(form)
        if len(self.names) > 6:
            raise ValidationError("Please use at most six tags.")
        if any(len(tag) > 24 or TAG.fullmatch(tag) is None for tag in self.names):
            raise ValidationError("Tags are letters, digits and hyphens, up to 24 each, with commas between.")


# Forms.


class Form(FlaskForm):
    """What all forms share."""

    @classmethod
    def of(cls, sent: Mapping[str, Any], **options: Any) -> Self:
        """Make the form of what did not come from a page: JSON, a WebSocket, a file."""
        typed = MultiDict({str(name): clean(value) for name, value in sent.items()})

        return cls(formdata=typed, meta={"csrf": False}, **options)

    @property
    def messages(self) -> dict[str, str]:
        """One message for each field that was refused."""
        return {str(name): str(texts[0]) for name, texts in self.errors.items() if texts}


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

    def columns(self) -> dict[str, Any]:
        """Return all but the tags, by column."""
        columns = asdict(self)
        del columns["tags"]

        return columns


class WalkForm(Form):
    """The form of a walk, as typed in the browser or sent to the API."""

    title = Text("Title", max_length=120, what="a title")
    place = Text("Where", max_length=80, what="where you walked")
    walked_on = Day("When")
    distance_km = Quantity("Kilometres", low=0.1, high=300, what="the distance")
    ascent_m = Quantity("Metres climbed", low=0, high=9_000, what="the ascent", whole=True)
    body = Text(
        "How was it?",
        max_length=20_000,
        what="a few words",
        rows=12,
        hint="You can write **bold**, *emphasis*, `code`, [links](https://…), ## headings, - lists"
        " and > quotes.",
    )
    tags = Tags("Tags", hint="With commas between: ridge, with kids, night")
    picture = FileField("Picture")
    picture_alt = Text("What it shows", max_length=200, hint="For people who cannot see it.")

    today = date.max
    """The last day that may be entered."""

    def read(self, *, today: date) -> NewWalk | None:
        """Check everything; None when there is at least one message."""
        self.today = today
        if not self.validate():
            return None

        return NewWalk(
            title=self.title.data or "",
            place=self.place.data or "",
            walked_on=self.walked_on.data or "",
            distance_km=self.distance_km.number,
            ascent_m=None if self.ascent_m.number is None else int(self.ascent_m.number),
            body=self.body.data or "",
            picture_alt=self.picture_alt.data or "",
            tags=self.tags.names,
        )


class CommentForm(Form):
    """A comment under a walk."""

    body = Text("Say something", max_length=2_000, what="a few words", rows=3)


class LineForm(Form):
    """A line on the bench."""

    text = Text("Your line", max_length=280, what="a few words")

    @property
    def line(self) -> str:
        """The line, on one line."""
        return " ".join((self.text.data or "").split())


class TokenForm(Form):
    """A new token for the API."""

    label = Text("What is it for?", max_length=60, what="what the token is for")


class LoginForm(Form):
    """Name and password."""

    username = Text("Name", max_length=200)
    password = PasswordField("Password")


class JoinForm(LoginForm):
    """A new account."""

    def process(self, *args: Any, **kwargs: Any) -> None:
        """Take what was typed; names have no capitals."""
        super().process(*args, **kwargs)
        self.username.data = (self.username.data or "").lower()

    def validate_username(self, field: StringField) -> None:
        """Refuse a malformed name."""
        if problem := username_problem(field.data or ""):
            raise ValidationError(problem)

    def validate_password(self, field: PasswordField) -> None:
        """Refuse a short password."""
        if problem := password_problem(field.data or ""):
            raise ValidationError(problem)


class PasswordForm(Form):
    """A new password; the old one is asked for."""

    old = PasswordField("Present password")
    new = PasswordField("New password")

    def validate_new(self, field: PasswordField) -> None:
        """Refuse a short password."""
        if problem := password_problem(field.data or ""):
            raise ValidationError(problem)


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
