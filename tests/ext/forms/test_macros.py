"""Where the macros are: in templates of all kinds, replaced by an application's own, and their stylesheet."""

from __future__ import annotations

import re

import pytest
from jinja2 import DictLoader
from wtforms import StringField
from wtforms.validators import InputRequired

from costrel import Costrel, arender_template_string, render_template_string
from costrel.errors import SetupError
from costrel.ext.forms import FlaskForm, Forms, forms_stylesheet, render_form

CALLED = "{{ render_form(form) }}"
IMPORTED = "{% from 'forms/macros.html' import render_form %}{{ render_form(form) }}"


class Order(FlaskForm):
    class Meta:
        csrf = False

    name = StringField(validators=[InputRequired()])


@pytest.fixture
def app(app):
    Forms(app)
    return app


def page_of(app, template=CALLED):
    with app.test_request_context(method="POST"):
        form = Order()
        form.validate()
        return render_template_string(template, form=form)


def test_macros_can_be_imported_and_replaced(app):
    assert page_of(app, IMPORTED) == page_of(app)
    assert 'name="name"' in page_of(app)

    app.jinja_env.loader = DictLoader(
        {"forms/macros.html": "{% macro render_form(form) %}mine{% endmacro %}"}
    )

    assert page_of(app) == page_of(app, IMPORTED) == "mine"


async def test_async_templates_render_the_same(app):
    expected = page_of(app)
    with app.test_request_context(method="POST"):
        form = Order()
        form.validate()

        assert await arender_template_string(CALLED, form=form) == expected
        assert await arender_template_string(IMPORTED, form=form) == expected


def test_an_environment_that_is_async_itself_renders_the_same(app):
    other = Costrel("async")
    other.secret_key = "a key for tests"
    other.jinja_options = {**other.jinja_options, "enable_async": True}
    Forms(other)

    assert page_of(other) == page_of(app)


def test_the_stylesheet_is_served(app, client):
    @app.get("/")
    def view():
        return render_template_string("{{ forms_stylesheet() }}")

    browser = client(app)
    page = browser.get("/").text
    address = re.fullmatch(r'<link rel="stylesheet" href="(/_forms/forms\.css)">', page)[1]
    with browser.get(address) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/css")
        assert "light-dark(" in answer.text
        assert "http" not in answer.text


def test_one_extension_serves_several_applications(app):
    forms = Forms()
    for name in ("a", "b"):
        other = Costrel(name)
        forms.init_app(other)
        assert "render_form" in other.jinja_env.globals


@pytest.mark.parametrize("call", [lambda: render_form(Order()), lambda: forms_stylesheet()])
def test_an_application_without_the_extension_is_told_so(call):
    with Costrel("bare").test_request_context(), pytest.raises(SetupError, match="'bare' lacks") as caught:
        call()

    assert "Forms(app)" in caught.value.hint
