"""What the tests of forms share: forms without a token, and a view that answers with what a form found."""

from __future__ import annotations

import pytest
from wtforms import StringField
from wtforms.validators import InputRequired

from costrel.ext.forms import FlaskForm


class PlainForm(FlaskForm):
    """A form without a token."""

    class Meta:
        csrf = False


class NameForm(PlainForm):
    name = StringField(validators=[InputRequired()])


@pytest.fixture
def name_form():
    return NameForm


@pytest.fixture
def plain_form():
    return PlainForm


@pytest.fixture
def answers(app):
    """Give the application a view that answers with the errors of a form, or what ``show`` makes of it."""

    def add(form_class, show=lambda form: {name: str(value) for name, value in form.data.items()}):
        @app.route("/", methods=["GET", "POST", "PUT"])
        def view():
            form = form_class()
            if form.validate_on_submit():
                return {"data": show(form)}
            return {"errors": form.errors}, 422 if form.is_submitted() else 200

        return app

    return add
