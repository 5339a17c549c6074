"""Forms: WTForms with Flask-WTF's form class, async validators, and macros that render accessible pages.

``FlaskForm`` needs no setup. ``Forms(app)`` adds ``render_form`` and
``render_field`` to templates, and the options.

Example:
    >>> from costrel import Costrel
    >>> from wtforms import StringField
    >>> from wtforms.validators import InputRequired
    >>> class GreetForm(FlaskForm):
    ...     name = StringField(validators=[InputRequired()])
    >>> app = Costrel("shop")
    >>> app.secret_key = "a secret of your own"
    >>> app.config["WTF_CSRF_ENABLED"] = False
    >>> @app.route("/", methods=["GET", "POST"])
    ... def greet():
    ...     form = GreetForm()
    ...     return f"Hello, {form.name.data}!" if form.validate_on_submit() else form.errors
    >>> app.test_client().post("/", data={"name": "Ada"}).text
    'Hello, Ada!'
"""

from costrel.extension import require_library

require_library("wtforms", extra="forms")

from costrel.ext.forms.csrf import CSRFProtect  # noqa: E402  # after the look for the library
from costrel.ext.forms.extension import (  # noqa: E402
    Forms,
    FormsOptions,
    forms_stylesheet,
    render_errors,
    render_field,
    render_form,
)
from costrel.ext.forms.form import FlaskForm, Form  # noqa: E402
from costrel.ext.forms.recaptcha import Recaptcha, RecaptchaField, RecaptchaWidget  # noqa: E402
from costrel.ext.forms.validation import AsyncValidatorError  # noqa: E402

__all__ = [
    "AsyncValidatorError",
    "CSRFProtect",
    "FlaskForm",
    "Form",
    "Forms",
    "FormsOptions",
    "Recaptcha",
    "RecaptchaField",
    "RecaptchaWidget",
    "forms_stylesheet",
    "render_errors",
    "render_field",
    "render_form",
]
