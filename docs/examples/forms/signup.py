"""People sign up: a form with an async check, an upload, and a part that htmx replaces."""

from wtforms import BooleanField, EmailField, PasswordField, StringField, ValidationError
from wtforms.validators import EqualTo, InputRequired, Length

from costrel import Costrel, redirect, render_template, request, url_for
from costrel.ext.csrf import CSRFProtect
from costrel.ext.forms import FlaskForm, Forms, render_form
from costrel.ext.forms.file import FileAllowed, FileField, FileSize

csrf = CSRFProtect()
forms = Forms()


class SignupForm(FlaskForm):
    name = StringField(
        description="Others see it.",
        validators=[InputRequired(), Length(min=2, max=40)],
        filters=[lambda name: name and name.strip()],
        render_kw={"autocomplete": "username"},
    )
    email = EmailField(validators=[InputRequired()], render_kw={"autocomplete": "email"})
    password = PasswordField(
        description="At least 12 characters.",
        validators=[InputRequired(), Length(min=12)],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "Password again",
        validators=[EqualTo("password", "The passwords differ.")],
        render_kw={"autocomplete": "new-password"},
    )
    photo = FileField(validators=[FileAllowed(["jpg", "png"]), FileSize(2_000_000)])
    agreed = BooleanField("I agree to the rules", validators=[InputRequired()])

    async def validate_name(self, field):
        if await is_taken(field.data):
            raise ValidationError("This name is taken.")


async def is_taken(name):
    return name == "Ada"  # ask your database here, and have it refuse a second one too


def create_app(**config):
    app = Costrel(__name__)
    app.config.from_prefixed_env()
    app.config.update(config)
    csrf.init_app(app)
    forms.init_app(app)

    @app.route("/", methods=["GET", "POST"])
    async def signup():
        form = SignupForm()
        if await form.avalidate_on_submit():
            return redirect(url_for("welcome", name=form.name.data), 303)

        status = 422 if form.is_submitted() else 200
        if "HX-Request" in request.headers:
            return str(render_form(form, hx_post=url_for("signup"), hx_swap="outerHTML")), status
        return render_template("signup.html", form=form), status

    @app.get("/welcome/<name>")
    def welcome(name):
        return f"Welcome, {name}!"

    return app
