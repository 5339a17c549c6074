"""Whatever is sent, a view with a form answers with the form, a 400 or a 413, and never with a 500."""

from __future__ import annotations

import functools
import itertools
import json

import pytest
import wtforms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wtforms import (
    BooleanField,
    ColorField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    DecimalRangeField,
    EmailField,
    FieldList,
    FloatField,
    FormField,
    HiddenField,
    IntegerField,
    IntegerRangeField,
    MonthField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
    TimeField,
    URLField,
    WeekField,
)
from wtforms.validators import (
    URL,
    UUID,
    AnyOf,
    DataRequired,
    Email,
    EqualTo,
    InputRequired,
    IPAddress,
    Length,
    MacAddress,
    NoneOf,
    NumberRange,
    Optional,
    Regexp,
)

from costrel import Costrel, render_template_string
from costrel.ext.forms import FlaskForm, Forms
from costrel.ext.forms.file import FileAllowed, FileField, FileRequired, FileSize, MultipleFileField

CHOICES = [SelectChoice("1", "One"), SelectChoice("2", "Two")]


def strip(value):
    return value.strip() if value is not None else None


class Part(wtforms.Form):
    text = StringField(filters=[strip], validators=[Length(max=5)])
    count = IntegerField(validators=[Optional(), NumberRange(0, 10)])
    more = FieldList(DecimalField(validators=[NumberRange(0)]))


class Everything(FlaskForm):
    class Meta:
        csrf = False

    text = StringField(filters=[strip], validators=[InputRequired(), Length(1, 9), Regexp("[a-z]+")])
    area = TextAreaField(filters=[strip], validators=[NoneOf(["x"]), Length(max=9)])
    email = EmailField(filters=[strip], validators=[Email()])
    url = URLField(validators=[URL()])
    tel = TelField(validators=[AnyOf(["1"])])
    uuid = StringField(validators=[UUID()])
    mac = StringField(validators=[MacAddress()])
    ip = StringField(validators=[IPAddress(ipv6=True)])
    password = PasswordField(validators=[DataRequired(), Length(min=8)])
    again = PasswordField(validators=[EqualTo("password")])
    hidden = HiddenField(filters=[strip])
    color = ColorField()
    count = IntegerField(validators=[NumberRange(0, 10)])
    range = IntegerRangeField(validators=[NumberRange(0, 10)])
    price = DecimalField(validators=[NumberRange(0, 10)])
    part_price = DecimalRangeField(validators=[Optional(), NumberRange(0, 10)])
    weight = FloatField(validators=[NumberRange(0, 10)])
    day = DateField(validators=[Optional()])
    month = MonthField()
    week = WeekField()
    time = TimeField()
    moment = DateTimeLocalField()
    one = SelectField(choices=CHOICES)
    number = SelectField(choices=CHOICES, coerce=int)
    radio = RadioField(choices=CHOICES)
    several = SelectMultipleField(choices=CHOICES, coerce=int)
    agreed = BooleanField(validators=[InputRequired()])
    photo = FileField(validators=[FileRequired(), FileAllowed(["png"]), FileSize(10)])
    photos = MultipleFileField(validators=[FileAllowed(["png"]), FileSize(10)])
    part = FormField(Part)
    parts = FieldList(FormField(Part), max_entries=3)
    words = FieldList(StringField(filters=[strip], validators=[Length(max=5)]))


NAMES = [
    name
    for name, field in vars(Everything).items()
    if hasattr(field, "field_class") and name not in ("part", "parts", "words")
]
NAMES += [
    "part-text",
    "part-count",
    "part-more-0",
    "parts-0-text",
    "parts-7-more-1",
    "parts-²-text",
    "words-0",
    "words-\N{ARABIC-INDIC DIGIT ONE}",
    "part",
    "parts",
    "words",
]
TEXTS = [
    "",
    " ",
    "x",
    "\0",
    "a\0b",
    "\ud800",
    "é\udfff",
    "9" * 400,
    "9" * 5_000,
    "-" * 9,
    "NaN",
    "sNaN",
    "-Infinity",
    "1e999",
    "1E+999999999",
    "0E-999999999",
    "0x10",
    "1_0",
    "٣",
    "²",
    "0000-01-01",
    "9999-12-31",
    "10000-01-01",
    "9999-W53",
    "0000-W00",
    "0001-W00",
    "9999-12-31T23:59:59",
    "24:00",
    "http://[",
    "http://\u2100.com",
    "http://a:99999999",
    "http://" + "a" * 300,
    "a@" + "b" * 300,
    "@",
    "a@[::1]",
    "a@\u2100",
    "%s%d%(x)s",
    "{0}{x}",
    "{" * 9,
    "<script>",
    "#12345g",
    "fe80::1%eth0",
    "1" * 17,
]


@functools.cache
def make_app():
    app = Costrel("malformed")
    app.config.update(
        SECRET_KEY="a key for tests", TESTING=True, PROPAGATE_EXCEPTIONS=True, MAX_FORM_PARTS=200
    )
    Forms(app)

    @app.post("/")
    def view():
        form = Everything()
        done = form.validate_on_submit()
        page = render_template_string("{{ render_form(form) }}", form=form)
        return page, 200 if done else 422

    @app.post("/async")
    async def aview():
        form = Everything()
        return {"valid": await form.avalidate_on_submit(), "errors": form.errors}

    return app


@pytest.fixture(scope="module")
def app():
    return make_app()


def answer_of(browser, **sent):
    """Post to both views; an exception in one would end the test."""
    statuses = {browser.post(path, **sent).status_code for path in ("/", "/async")}

    assert statuses <= {200, 400, 413, 415, 422}
    return statuses


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_every_field_takes_every_text(app, client, text):
    browser = client(app)

    sendable = text.encode("utf-8", "replace").decode()

    as_json = browser.post("/", data=json.dumps(dict.fromkeys(NAMES, text)), content_type="application/json")
    twice = browser.post("/async", data={name: [sendable, sendable] for name in NAMES})

    assert as_json.status_code in (400, 422)  # what is no JSON is a 400
    assert twice.json["valid"] is False


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        1e308,
        [],
        {},
        [[]],
        [{}],
        {"a": {"b": []}},
        [None, 1],
        ["1", {"a": 1}],
        ["a", "b"],
    ],
    ids=str,
)
def test_every_field_takes_every_type_of_json(app, client, value):
    body = json.dumps(dict.fromkeys(NAMES, value))

    assert 422 in answer_of(client(app), data=body, content_type="application/json")


@pytest.mark.parametrize(
    "body", [b"", b"[", b"5", b"null", b'"x"', b"[1]", b"\xff", b'{"a":' * 5_000, b'{"text": NaN}']
)
def test_a_body_that_is_no_json_object_is_a_400(app, client, body):
    assert answer_of(client(app), data=body, content_type="application/json") == {400}


def multipart(*parts):
    lines = itertools.chain.from_iterable(("--x", head, "", body) for head, body in parts)

    return {
        "data": "\r\n".join([*lines, "--x--", ""]).encode(),
        "content_type": "multipart/form-data; boundary=x",
    }


def test_a_file_where_a_text_is_expected_and_a_text_where_a_file_is(app, client):
    files = [(f'Content-Disposition: form-data; name="{name}"; filename="a.png"', "data") for name in NAMES]
    texts = [(f'Content-Disposition: form-data; name="{name}"', "data") for name in ("photo", "photos")]
    browser = client(app)

    assert 422 in answer_of(browser, **multipart(*files))
    assert 422 in answer_of(browser, **multipart(*files, *texts))
    assert 422 in answer_of(browser, **multipart(*texts))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "\0", "a\0.png", ".png", "CON", "x" * 5_000 + ".png", "é.PNG"]
)
def test_names_of_files_are_only_names(app, client, name):
    part = (f'Content-Disposition: form-data; name="photo"; filename="{name}"', "data")

    answer_of(client(app), **multipart(part))


def test_too_many_fields_are_a_413(app, client):
    assert answer_of(client(app), data={f"words-{number}": "x" for number in range(250)}) == {413}
    assert answer_of(
        client(app), **multipart(*[('Content-Disposition: form-data; name="words-0"', "x")] * 250)
    ) == {413}


@pytest.mark.parametrize("count", [200, 201])
@pytest.mark.parametrize("as_list", [False, True])
def test_too_many_values_of_json_are_a_413_too(app, client, count, as_list):
    body = {"words-0": ["x"] * count} if as_list else {f"words-{number}": "x" for number in range(count)}

    answer = client(app).post("/async", json=body)

    assert answer.status_code == (200 if count == 200 else 413)


def test_too_long_a_field_and_too_long_a_body_are_a_413(app, client):
    browser = client(app)

    assert answer_of(browser, data={"text": "x" * 600_000}) == {413}
    assert answer_of(
        browser, **multipart(('Content-Disposition: form-data; name="text"', "x" * 600_000))
    ) == {413}
    assert answer_of(browser, data=b"x" * 17_000_000, content_type="application/x-www-form-urlencoded") == {
        413
    }


@pytest.mark.parametrize(
    "body", ["", "--x", "--x\r\n", "--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x--\r\n"]
)
def test_a_body_that_is_cut_short_is_no_500(app, client, body):
    answer_of(client(app), data=body.encode(), content_type="multipart/form-data; boundary=x")


def test_a_list_of_forms_has_at_most_its_entries(app, client):
    answer = client(app).post("/async", data={f"parts-{number}-text": "toolong" for number in range(60)})

    assert len(answer.json["errors"]["parts"]) == 3


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(TEXTS)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6))
def test_anything_may_be_sent_at_once(body):
    answer_of(make_app().test_client(), data=json.dumps(body), content_type="application/json")
