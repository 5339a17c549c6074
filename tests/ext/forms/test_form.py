from __future__ import annotations

import io
from datetime import timedelta

import pytest
import wtforms
from markupsafe import Markup
from wtforms import FormField, HiddenField, IntegerField, StringField
from wtforms.csrf.session import SessionCSRF
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from costrel import g, render_template_string
from costrel.ext.forms import FlaskForm, Form
from costrel.ext.forms.file import FileField
from costrel.sessions import SecureCookieSessionInterface


def test_data_comes_from_the_form_of_the_request(client, answers, name_form):
    browser = client(answers(name_form))

    assert browser.post("/", data={"name": "Ada"}).json == {"data": {"name": "Ada"}}
    assert browser.put("/", data={"name": "Ada"}).json == {"data": {"name": "Ada"}}


def test_data_comes_from_a_json_object(client, answers, name_form):
    assert client(answers(name_form)).post("/", json={"name": "Ada"}).json == {"data": {"name": "Ada"}}


def test_data_comes_from_files_and_texts_together(client, answers, plain_form):
    class UploadForm(plain_form):
        title = StringField()
        photo = FileField()

    app = answers(
        UploadForm, lambda form: [form.title.data, form.photo.data.filename, form.photo.data.read().decode()]
    )

    answer = client(app).post("/", data={"title": "Tea", "photo": (io.BytesIO(b"leaves"), "tea.png")})

    assert answer.json == {"data": ["Tea", "tea.png", "leaves"]}


def test_a_get_request_submits_nothing(client, answers, name_form):
    answer = client(answers(name_form)).get("/?name=Ada")

    assert (answer.status_code, answer.json) == (200, {"errors": {}})


def test_what_is_given_goes_before_the_request(app, name_form):
    with app.test_request_context("/?name=query", method="POST", data={"name": "body"}) as ctx:
        assert name_form(None).name.data is None
        assert name_form(ctx.request.args).name.data == "query"
        assert name_form(data={"name": "default"}).name.data == "body"


def test_a_form_outside_of_a_request_is_not_submitted(app, name_form):
    with app.app_context():
        form = name_form()

        assert not form.is_submitted()
        assert not form.validate_on_submit()


def test_form_is_another_name_of_flask_form():
    assert Form is FlaskForm


def test_a_token_is_needed_and_the_one_of_the_page_is_taken(app, client):
    @app.route("/", methods=["GET", "POST"])
    def view():
        form = FlaskForm()
        return (
            "sent"
            if form.validate_on_submit()
            else str(form.errors.get("csrf_token") or form.csrf_token.current_token)
        )

    browser = client(app)
    token = browser.get("/").text

    assert browser.post("/", data={"csrf_token": token}).text == "sent"
    assert browser.post("/").text == "['The CSRF token is missing.']"
    assert browser.post("/", data={"csrf_token": token[:-1] + "?"}).text == "['The CSRF token is invalid.']"
    assert client(app).post("/", data={"csrf_token": token}).text == "['The CSRF tokens do not match.']"


def test_a_token_is_good_under_a_key_that_was_replaced(app):
    with app.test_request_context() as ctx:
        token = FlaskForm().csrf_token.current_token
        session = dict(ctx.session)

    app.config.update(SECRET_KEY="a new key for tests", SECRET_KEY_FALLBACKS=["a key for tests"])
    with app.test_request_context("/", method="POST", data={"csrf_token": token}) as ctx:
        ctx.session.update(session)

        assert FlaskForm().validate()


def test_the_configuration_sets_the_token(app):
    app.config.update(WTF_CSRF_FIELD_NAME="proof", WTF_CSRF_SECRET_KEY="another key", WTF_CSRF_TIME_LIMIT=60)

    with app.test_request_context():
        form = FlaskForm()

        assert "proof" in form
        assert (form.meta.csrf_secret, form.meta.csrf_time_limit) == ("another key", 60)
        app.config["WTF_CSRF_ENABLED"] = False
        assert "proof" not in FlaskForm()
        assert "proof" in FlaskForm(meta={"csrf": True})


def test_a_request_that_was_checked_already_is_not_checked_again(app):
    with app.test_request_context(method="POST"):
        g.csrf_valid = True

        assert FlaskForm().validate()


def test_a_refused_token_is_logged(app, caplog):
    caplog.set_level("INFO", "costrel.csrf")

    with app.test_request_context(method="POST"):
        FlaskForm().validate()

    assert caplog.messages == ["The CSRF token is missing."]


def test_a_form_in_a_form_needs_no_token_of_its_own(app):
    class Address(FlaskForm):
        street = StringField()

    class Order(FlaskForm):
        address = FormField(Address)

    class Loose(wtforms.Form):
        address = FormField(Address)

    with app.test_request_context():
        assert "csrf_token" not in Order().address.form
        assert "csrf_token" in Order()
        assert "csrf_token" in Loose().address.form


def test_a_form_without_a_token_leaves_the_session_alone(app, client, name_form):
    opened = []

    class Counting(SecureCookieSessionInterface):
        opens_late = True

        def open_session(self, app, request):
            opened.append(request.path)
            return super().open_session(app, request)

    app.session_interface = Counting()

    @app.post("/")
    def view():
        return str(name_form().validate())

    assert client(app).post("/", data={"name": "Ada"}).text == "True"
    assert opened == []


def test_hidden_tag_renders_what_is_hidden(app):
    class Hiding(FlaskForm):
        key = HiddenField()
        count = IntegerField(widget=HiddenInput())
        name = StringField()

    with app.test_request_context():
        form = Hiding()
        everything, some = form.hidden_tag(), form.hidden_tag("count", form.key, "name", "nowhere")

    assert isinstance(everything, Markup)
    assert all(f'name="{name}"' in everything for name in ("csrf_token", "key", "count"))
    assert 'name="name"' not in everything
    assert [name for name in ("csrf_token", "count", "key") if f'name="{name}"' in some] == ["count", "key"]
    assert some.count("\n") == 1


def test_a_form_is_rendered_by_a_template_without_any_setup(app):
    class Greeting(FlaskForm):
        name = StringField()

    with app.test_request_context():
        page = render_template_string(
            "{{ form.hidden_tag() }}{{ form.name.label }}{{ form.name }}", form=Greeting()
        )

    assert 'name="csrf_token"' in page
    assert '<label for="name">Name</label><input id="name" name="name" type="text" value="">' in page


def test_a_class_further_on_validates_in_its_own_way(app):
    class Strict(wtforms.Form):
        def validate(self, extra_validators=None):
            return super().validate(extra_validators) and self["name"].data != "nobody"

    class Greeting(FlaskForm, Strict):
        class Meta:
            csrf = False

        name = StringField()

    with app.test_request_context(method="POST", data={"name": "nobody"}):
        assert not Greeting().validate()
    with app.test_request_context(method="POST", data={"name": "Ada"}):
        assert Greeting().validate()


def test_extra_validators_and_methods_of_the_form_come_last(app, plain_form):
    told = []

    class Greeting(plain_form):
        name = StringField(validators=[lambda form, field: told.append("field's")])

        def validate_name(self, field):
            told.append("form's")

    given = {"name": [lambda form, field: told.append("given")]}
    with app.test_request_context(method="POST"):
        Greeting().validate(given)
        Greeting().validate(given)

    assert told == ["field's", "given", "form's"] * 2


@pytest.mark.parametrize("data", [{}, {"name": " "}, {"name": "much too long"}])
def test_errors_are_wtforms_own(app, plain_form, data):
    class Theirs(wtforms.Form):
        name = StringField(validators=[InputRequired(), Length(max=5)])

    class Ours(plain_form):
        name = StringField(validators=[InputRequired(), Length(max=5)])

    with app.test_request_context(method="POST", data=data) as ctx:
        theirs, ours = Theirs(ctx.request.form), Ours()

        assert (ours.validate(), ours.errors) == (theirs.validate(), theirs.errors)


def test_a_csrf_class_of_ones_own_gets_the_session(app, client):
    class Own(FlaskForm):
        class Meta:
            csrf_class = SessionCSRF
            csrf_secret = b"a secret of its own"
            csrf_time_limit = timedelta(minutes=5)

    @app.route("/", methods=["GET", "POST"])
    def view():
        form = Own()
        return str(form.validate()) if form.is_submitted() else form.csrf_token.current_token

    browser = client(app)
    token = browser.get("/").text

    assert browser.post("/", data={"csrf_token": token}).text == "True"
    assert client(app).post("/", data={"csrf_token": token}).text == "False"


def test_the_next_token_is_made_when_it_is_asked_for(app, client):
    @app.route("/page", methods=["GET", "POST"])
    def view():
        form = FlaskForm()
        made = "csrf_token" in g
        return {"made": made, "valid": form.validate(), "token": form.csrf_token.current_token}

    browser = client(app)
    first = browser.get("/page").json
    second = browser.post("/page", data={"csrf_token": first["token"]}).json
    third = browser.post("/page", data={"csrf_token": second["token"]}).json
    other = client(app).post("/page", data={"csrf_token": first["token"]}).json

    assert (first["made"], second["made"], third["made"], other["made"]) == (True, False, False, True)
    assert (second["valid"], third["valid"], other["valid"]) == (True, True, False)
