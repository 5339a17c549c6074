from __future__ import annotations

from decimal import Decimal

import pytest
from wtforms import DecimalField, FieldList, FloatField, FormField, IntegerField, StringField
from wtforms.validators import NumberRange, Optional

from costrel.ext.forms.settling import leaves


@pytest.fixture
def numbers(plain_form):
    class Inner(plain_form):
        count = IntegerField()

    class Numbers(plain_form):
        count = IntegerField(validators=[Optional(), NumberRange(min=0)])
        price = DecimalField(validators=[Optional()])
        weight = FloatField(validators=[Optional()])
        more = FieldList(IntegerField())
        inner = FormField(Inner)

    return Numbers


def submitted(app, form_class, data):
    with app.test_request_context(method="POST", data=data):
        form = form_class()
        form.validate()

        return form


@pytest.mark.parametrize("text", ["NaN", "-nan", "sNaN", "Infinity", "-inf", "1E+999999999", "1E-999999999"])
def test_a_decimal_one_cannot_reckon_with_is_refused(app, numbers, text):
    form = submitted(app, numbers, {"price": text})

    assert form.errors == {"price": ["Not a valid decimal value."]}
    assert form.price.data is None


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999"])
def test_a_float_that_is_not_finite_is_refused(app, numbers, text):
    assert submitted(app, numbers, {"weight": text}).errors == {"weight": ["Not a valid float value."]}


@pytest.mark.parametrize("text", ["9" * 309, "-" + "9" * 309, "9" * 5_000, "1.5", "1e3", "½"])
def test_an_integer_beyond_all_others_is_refused(app, numbers, text):
    for name in ("count", "more-0", "inner-count"):
        form = submitted(app, numbers, {name: text, "inner-count": text})

        assert "Not a valid integer value." in str(form.errors)


def test_large_numbers_below_the_limit_are_taken(app, numbers):
    form = submitted(
        app, numbers, {"count": "9" * 308, "price": "1E+308", "weight": "1e308", "inner-count": "1"}
    )

    assert form.errors == {}
    assert (form.count.data, form.price.data, form.weight.data) == (int("9" * 308), Decimal("1E+308"), 1e308)


@pytest.mark.parametrize("text", ["sNaN", "NaN", "Infinity", "9" * 400])
def test_a_range_does_not_fail_at_what_was_refused(app, plain_form, text):
    class Ranged(plain_form):
        price = DecimalField(validators=[NumberRange(min=0)])
        count = IntegerField(validators=[NumberRange(min=0)])

    form = submitted(app, Ranged, {"price": text, "count": text})

    assert [form.errors[name][0] for name in form.errors] == [
        "Not a valid decimal value.",
        "Not a valid integer value.",
    ]


def test_a_form_may_ask_for_them(app, numbers):
    class Open(numbers):
        class Meta:
            finite_numbers = False

        price = DecimalField()

    form = submitted(app, Open, {"price": "Infinity", "inner-count": "1"})

    assert form.errors == {}
    assert form.price.data == Decimal("Infinity")


def test_a_default_of_the_application_is_not_judged(app, numbers):
    with app.test_request_context():
        assert numbers(price=Decimal("Infinity")).price.data == Decimal("Infinity")


def test_a_refused_text_is_an_error_even_if_the_field_is_optional(app, plain_form):
    class Note(plain_form):
        text = StringField(validators=[Optional()])

    with app.test_request_context(method="POST", json={"text": {"a": 1}}):
        form = Note()

        assert not form.validate()
        assert form.errors == {"text": ["Invalid input."]}


def test_leaves_are_the_fields_with_a_value(app, numbers):
    with app.test_request_context(method="POST", data={"more-0": "1", "more-7": "2"}):
        assert [field.name for field in leaves(numbers())] == [
            "count", "price", "weight", "more-0", "more-1", "inner-count",
        ]  # fmt: skip
