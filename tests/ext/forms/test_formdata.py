from __future__ import annotations

import io

import pytest
import wtforms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms import BooleanField, FieldList, FileField, FormField, IntegerField, StringField
from wtforms.fields import Field

from costrel.ext.forms.formdata import Refused, class_of, fit_to_fields, from_json


class Tags(Field):
    """A field of an application's own, which takes whatever JSON has."""


class Address(wtforms.Form):
    street = StringField()
    photo = FileField()
    phones = FieldList(IntegerField())


class Order(wtforms.Form):
    name = StringField()
    count = IntegerField()
    agreed = BooleanField()
    photo = FileField()
    tags = Tags()
    address = FormField(Address)
    others = FieldList(FormField(Address), separator=".")


def fields_of(form):
    return {field.name: field for field in form}


FIELDS = fields_of(Order())


def fitted(**body):
    return fit_to_fields(FIELDS, from_json(body))


def test_what_a_browser_sends_is_handed_on_as_it_is():
    data = MultiDict([("name", "Ada"), ("name", "Bob"), ("unknown", "\0")])

    assert fit_to_fields(FIELDS, data) is data


def test_numbers_and_booleans_of_json_are_texts():
    data = fitted(name=5, count=7.5)

    assert (data["name"], data["count"]) == ("5", "7.5")
    assert fitted(name=True)["name"] == "true"


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_stays_one_for_a_checkbox(value):
    assert fitted(agreed=value)["agreed"] is value


def test_null_is_a_field_that_was_not_sent():
    assert "name" not in fitted(name=None)


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], [{"a": 1}], pytest.param(10**5_000, id="huge")])
def test_structures_are_refused_where_a_text_is_expected(value):
    found = fitted(name=value)["name"]

    assert isinstance(found, Refused)
    assert found == ""


@pytest.mark.parametrize("value", [{"a": 1}, [[1]], 5, None])
def test_a_field_of_the_applications_own_gets_what_was_sent(value):
    assert fitted(tags=[value]).getlist("tags") == [value]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", pytest.param("a\udfffb", id="low")])  # two halves
def test_characters_that_cannot_be_kept_are_refused_and_replaced(text):
    found = fitted(name=text)["name"]

    assert isinstance(found, Refused)
    assert found == "a\ufffdb"


def test_a_list_is_a_field_that_was_sent_several_times():
    assert fitted(name=["Ada", "Bob"]).getlist("name") == ["Ada", "Bob"]


def test_a_file_is_refused_where_a_text_is_expected_and_the_other_way_round():
    upload = FileStorage(io.BytesIO(b"data"), "tea.png")

    data = fit_to_fields(FIELDS, MultiDict({"name": upload, "photo": "tea.png", "others.0-photo": "tea.png"}))

    assert isinstance(data["name"], Refused)
    assert "photo" not in data
    assert "others.0-photo" not in data
    assert fit_to_fields(FIELDS, MultiDict({"photo": upload}))["photo"] is upload


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("name", StringField),
        ("address", FormField),
        ("address-street", StringField),
        ("address-photo", FileField),
        ("address-phones-0", IntegerField),
        ("others.3-street", StringField),
        ("others.3-phones-12", IntegerField),
        ("others", FieldList),
        ("others.3", FormField),
        ("others-3-street", None),
        ("others.x-street", None),
        ("others.²-street", None),
        ("address-nowhere", None),
        ("address-street-0", None),
        ("names", None),
        ("", None),
    ],
)
def test_a_name_leads_to_its_field(name, expected):
    assert class_of(FIELDS, name) is expected


@pytest.mark.parametrize("name", ["others.²-street", "others." + "9" * 5_000 + "-street"])
def test_an_index_that_is_no_number_is_left_out(name):
    data = fit_to_fields(FIELDS, MultiDict({name: "x", "name": "Ada"}))

    assert dict(data) == {"name": "Ada"}
    assert Order(data).others.entries == []


def test_form_field_made_by_a_function_is_no_obstacle():
    class Late(wtforms.Form):
        inner = FormField(lambda **kwargs: Address(**kwargs))

    data = MultiDict({"inner-street": "Main"})

    assert fit_to_fields(fields_of(Late()), data) is data


SIGNS = ["a", "0", " ", "é", "\0", "\ud800", "\udfff", "\U0001f600"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.sampled_from(SIGNS)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["name", "count", "address-street", "others.0-street", "others.1-phones-0"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, JSON))
def test_whatever_is_sent_a_text_field_sees_texts_that_can_be_encoded(body):
    data = fit_to_fields(FIELDS, from_json(body))

    for name in data:
        for value in data.getlist(name):
            value.encode()
            assert "\0" not in value
