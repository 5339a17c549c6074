from __future__ import annotations

import re

import pytest
import wtforms
from bs4 import BeautifulSoup
from markupsafe import Markup
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget, html_params

from costrel import render_template_string
from costrel.ext.forms import FlaskForm, Forms
from costrel.ext.forms.file import FileField
from costrel.ext.forms.parts import html_attributes

CHOICES = [SelectChoice("a", "Apple"), SelectChoice("b", "Banana")]


class Address(wtforms.Form):
    street = StringField(validators=[InputRequired()])


class Order(FlaskForm):
    class Meta:
        csrf = False

    key = HiddenField()
    name = StringField(description="As on your card", validators=[InputRequired(), Length(max=40)])
    email = EmailField()
    password = PasswordField()
    count = IntegerField(validators=[NumberRange(1, 9)])
    day = DateField()
    note = TextAreaField()
    fruit = SelectField(choices=CHOICES)
    size = RadioField(choices=CHOICES, description="Choose one", validators=[InputRequired()])
    extras = SelectMultipleField(
        choices=CHOICES,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[InputRequired()],
    )
    agreed = BooleanField("I agree", validators=[InputRequired()])
    address = FormField(Address)
    phones = FieldList(StringField(validators=[Length(min=3)]), min_entries=1)


@pytest.fixture
def app(app):
    Forms(app)
    return app


def page_of(app, form_class=Order, *, submitted=None, template="{{ render_form(form) }}", **kwargs):
    """Render a form, after it was submitted if there is data, and read the page."""
    options = {} if submitted is None else {"method": "POST", "data": submitted}
    with app.test_request_context(**options):
        form = form_class(**kwargs)
        form.validate_on_submit()
        return BeautifulSoup(render_template_string(template, form=form), "html.parser")


def test_every_input_has_a_label(app):
    page = page_of(app)
    labelled = {label["for"] for label in page.select("label")}
    inputs = {tag["id"] for tag in page.select("input:not([type=hidden]), select, textarea")}

    assert inputs
    assert inputs - labelled == set()
    assert all(fieldset.legend.text for fieldset in page.select("fieldset"))


def test_ids_are_there_once_and_what_refers_to_them_finds_them(app):
    page = page_of(app, submitted={"phones-0": "1"})
    ids = [tag["id"] for tag in page.select("[id]")]
    references = [one for tag in page.select("[aria-describedby]") for one in tag["aria-describedby"].split()]
    references += [tag["aria-labelledby"] for tag in page.select("[aria-labelledby]")]
    references += [link["href"].removeprefix("#") for link in page.select("a")]
    references += [label["for"] for label in page.select("label")]

    assert len(ids) == len(set(ids))
    assert set(references) <= set(ids)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("email", "email"),
        ("password", "password"),
        ("count", "number"),
        ("day", "date"),
        ("name", "text"),
        ("agreed", "checkbox"),
    ],
)
def test_inputs_have_their_type(app, name, expected):
    assert page_of(app).select_one(f"#{name}")["type"] == expected


def test_a_field_without_errors_says_nothing_of_them(app):
    page = page_of(app)

    assert page.select("[aria-invalid], .forms-error, .forms-summary, .forms-invalid, [autofocus]") == []
    assert page.select_one("#name")["aria-describedby"] == "name-hint"
    assert page.select_one("#name-hint").text == "As on your card"


def test_an_error_is_tied_to_its_field(app):
    page = page_of(app, submitted={})
    name = page.select_one("#name")

    assert name["aria-invalid"] == "true"
    assert name["aria-describedby"] == "name-hint name-error"
    assert page.select_one("#name-error").text == "This field is required."


def test_what_is_required_says_so(app):
    page = page_of(app)

    assert page.select_one("#name").has_attr("required")
    assert not page.select_one("#email").has_attr("required")
    assert page.select_one("label[for=name] .forms-required")["aria-hidden"] == "true"
    assert page.select_one("label[for=email] .forms-required") is None


def test_the_summary_has_the_focus_and_a_link_to_each_field(app):
    summary = page_of(app, submitted={"phones-0": "1"}).select_one(".forms-summary")
    links = {link["href"]: link.text for link in summary.select("a")}

    assert (summary["role"], summary["tabindex"], summary.has_attr("autofocus")) == ("alert", "-1", True)
    assert links["#name"] == "Name: This field is required."
    assert links["#size-0"] == "Size: This field is required."
    assert links["#address-street"] == "Street: This field is required."
    assert links["#phones-0"] == "Phones-0: Field must be at least 3 characters long."


def test_errors_without_a_field_are_in_the_summary_too(app):
    class Guarded(FlaskForm):
        def validate(self, extra_validators=None):
            super().validate(extra_validators)
            self.form_errors.append("Too late for today.")
            return False

    lines = [line.text for line in page_of(app, Guarded, submitted={}).select(".forms-summary li")]

    assert lines == ["Too late for today.", "The CSRF token is missing."]


def test_radio_buttons_are_a_group(app):
    group = page_of(app, submitted={}).select_one("#size")

    assert (group.name, group["role"], group["aria-required"]) == ("fieldset", "radiogroup", "true")
    assert group["aria-describedby"] == "size-hint size-error"
    assert [option["type"] for option in group.select("input")] == ["radio", "radio"]


def test_of_several_checkboxes_not_each_one_is_required(app):
    page = page_of(app)

    assert [box.has_attr("required") for box in page.select("#extras input")] == [False, False]
    assert page.select_one("#extras").get("role") is None
    assert page.select_one("#agreed").has_attr("required")


def test_what_was_sent_stays_except_passwords(app):
    page = page_of(
        app,
        submitted={"name": "<Ada>", "password": "secret", "size": "b", "fruit": "b", "note": "</textarea>"},
    )

    assert page.select_one("#name")["value"] == "<Ada>"
    assert page.select_one("#password")["value"] == ""
    assert page.select_one("#size-1").has_attr("checked")
    assert page.select_one("#fruit [selected]")["value"] == "b"
    assert page.select_one("#note").text.strip() == "</textarea>"


def test_texts_of_the_application_are_escaped(app):
    class Sharp(FlaskForm):
        class Meta:
            csrf = False

        name = StringField("<b>Name</b>", description="<b>hint</b>")

        def validate_name(self, field):
            raise wtforms.ValidationError("<b>error</b>")

    assert page_of(app, Sharp, submitted={}).select("b") == []


def test_files_set_the_encoding_also_of_a_form_within(app):
    class Part(wtforms.Form):
        photo = FileField()

    class Upload(FlaskForm):
        part = FormField(Part)

    assert page_of(app, Upload).form["enctype"] == "multipart/form-data"
    assert not page_of(app).form.has_attr("enctype")


def test_hidden_fields_and_the_token_are_in_the_form(app):
    class Keyed(FlaskForm):
        key = HiddenField(default="7")

    page = page_of(app, Keyed)

    assert page.select_one("form > #key")["value"] == "7"
    assert page.select_one("form > #csrf_token")["value"]


def test_a_token_does_not_go_into_an_address(app):
    page = page_of(app, FlaskForm, template="{{ render_form(form, method='get') }}")

    assert page.select("#csrf_token") == []


def test_a_form_without_a_button_gets_one(app):
    class Buttons(FlaskForm):
        save = SubmitField("Save")
        drop = SubmitField("Drop")

    def labels(page):
        return [button.get("value") or button.text for button in page.select(".forms-actions > *")]

    assert labels(page_of(app)) == ["Send"]
    assert labels(page_of(app, template="{{ render_form(form, submit='Order') }}")) == ["Order"]
    assert labels(page_of(app, template="{{ render_form(form, submit=false) }}")) == []
    assert labels(page_of(app, Buttons)) == ["Save", "Drop"]


def test_attributes_go_to_the_elements(app):
    form = page_of(
        app,
        template="{{ render_form(form, action='/x', hx_post='/x', hx_target='this', id='order',"
        " novalidate=true) }}",
    ).form
    field = page_of(
        app, template="{{ render_field(form.name, class_='wide', aria_describedby='more', hx_get='/y') }}"
    ).input

    assert (form["action"], form["hx-post"], form["hx-target"], form["id"], form["novalidate"]) == (
        "/x",
        "/x",
        "this",
        "order",
        "",
    )
    assert (field["class"], field["aria-describedby"], field["hx-get"]) == (["wide"], "more name-hint", "/y")


def test_attributes_of_the_field_itself_stay(app):
    class Wide(FlaskForm):
        name = StringField(description="Hint", render_kw={"class_": "wide", "aria_describedby": "own"})

    field = page_of(app, Wide, template="{{ render_field(form.name) }}").input

    assert (field["class"], field["aria-describedby"]) == (["wide"], "own name-hint")


def test_a_prefix_keeps_two_forms_apart(app):
    page = page_of(app, submitted={}, prefix="b")

    assert page.select_one(".forms-summary")["id"] == "b-form-errors"
    assert page.select_one("#b-name")["aria-describedby"] == "b-name-hint b-name-error"


def test_the_summary_can_stand_elsewhere_with_a_title_of_its_own(app):
    template = "{{ render_errors(form, title='Oh!') }}{{ render_form(form, summary=false) }}"
    page = page_of(app, submitted={}, template=template)

    assert page.select_one(".forms-summary-title").text == "Oh!"
    assert page.select("form .forms-summary") == []


def test_titles_and_labels_are_options(app):
    app.config.update(FORMS_ERRORS_TITLE="Bitte korrigieren:", FORMS_SUBMIT_LABEL="Senden")
    page = page_of(app, submitted={})

    assert page.select_one(".forms-summary-title").text == "Bitte korrigieren:"
    assert page.button.text == "Senden"


def test_there_is_no_script_and_no_style_in_the_page(app):
    text = str(page_of(app, submitted={}))

    assert not re.search(r"<script|style=| on[a-z]+=", text)


def test_none_leaves_an_attribute_out():
    assert html_attributes({"action": None, "data_x_y": "1"}) == 'data-x-y="1"'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\"b'<&", 'x="a&#34;b&#39;&lt;&amp;"'),
        (Markup('<b class="c">&amp;'), 'x="<b class=&quot;c&quot;>&amp;"'),
        (True, "x"),
        (False, ""),
        (5, 'x="5"'),
    ],
)
def test_no_value_ends_its_attribute(value, expected):
    assert html_attributes({"x": value}) == expected
    assert html_params(x=value) == expected
