"""``Forms``: the options of forms, the macros that render them, and their stylesheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

from markupsafe import Markup

from costrel import Blueprint
from costrel.errors import SetupError
from costrel.ext.forms import parts
from costrel.ext.forms.i18n import translations
from costrel.ext.forms.recaptcha.verification import DEFAULT_SERVER, Verify
from costrel.extension import Extension, Option, Options, flag, names, number, text
from costrel.globals import current_app
from costrel.helpers import url_for

__all__ = ["Forms", "FormsOptions", "forms_stylesheet", "render_errors", "render_field", "render_form"]

_MACROS = "forms/macros.html"
_BLUEPRINT = "costrel_forms"


def _optional_text(value: Any) -> str | None:
    return None if value is None else text(value)


class FormsOptions(Options):
    """The options of ``Forms``. Those of ``flask_wtf`` have its keys."""

    prefix = "RECAPTCHA_"

    i18n_enabled = Option(True, "Messages are in the visitor's language.", key="WTF_I18N_ENABLED", read=flag)
    i18n_languages: Option[tuple[str, ...]] = Option(
        (),
        "The languages of the application, the main one first: ``Accept-Language`` chooses among them "
        "if there is no babel extension. Empty: English.",
        key="WTF_I18N_LANGUAGES",
        read=names,
    )
    # Any: a text, or an object that becomes one late, as translations do.
    errors_title: Option[Any] = Option(
        "Please correct these fields:", "What stands above the summary of errors.", key="FORMS_ERRORS_TITLE"
    )
    submit_label: Option[Any] = Option(
        "Send", "The button of a form that has none.", key="FORMS_SUBMIT_LABEL"
    )
    recaptcha_enabled = Option(
        True,
        "Captchas are shown and verified. Off: they are not there, and always valid.",
        key="RECAPTCHA_ENABLED",
        read=flag,
    )
    recaptcha_public_key: Option[str | None] = Option(
        None, "The site's key, which pages carry.", key="RECAPTCHA_PUBLIC_KEY", read=_optional_text
    )
    recaptcha_private_key: Option[str | None] = Option(
        None,
        "The secret key, which the service is asked with.",
        key="RECAPTCHA_PRIVATE_KEY",
        read=_optional_text,
    )
    recaptcha_verify: Option[Verify | None] = Option(
        None,
        "A function, async or not, that is asked instead of the service; see ``costrel.ext.forms.testing``.",
        key="RECAPTCHA_VERIFY",
    )
    recaptcha_verify_server = Option(
        DEFAULT_SERVER,
        "The address that is asked whether a captcha was solved.",
        key="RECAPTCHA_VERIFY_SERVER",
    )
    recaptcha_timeout = Option(
        5, "How many seconds the service has to answer.", key="RECAPTCHA_TIMEOUT", read=number
    )
    recaptcha_script: Option[str | None] = Option(
        None, "The address of the captcha's script; by default Google's.", key="RECAPTCHA_SCRIPT"
    )
    recaptcha_parameters: Option[Mapping[str, str] | None] = Option(
        None, "What follows the question mark in the script's address.", key="RECAPTCHA_PARAMETERS"
    )
    recaptcha_data_attrs: Option[Mapping[str, str]] = Option(
        dict, "``data-`` attributes of the captcha's element.", key="RECAPTCHA_DATA_ATTRS"
    )
    recaptcha_div_class: Option[str | None] = Option(
        None, 'The class of the captcha\'s element; by default ``"g-recaptcha"``.', key="RECAPTCHA_DIV_CLASS"
    )
    recaptcha_html: Option[str | None] = Option(
        None, "HTML that is shown instead of script and element; trusted as it is.", key="RECAPTCHA_HTML"
    )


class Forms(Extension[FormsOptions]):
    """Renders forms in templates, and knows the options.

    Templates get ``render_form``, ``render_field``, ``render_errors`` and
    ``forms_stylesheet``. A template ``forms/macros.html`` of the application's
    own replaces the macros behind them. Forms work without it.

    Example:
        >>> from costrel import Costrel
        >>> forms = Forms(Costrel("shop"), i18n_languages=["en", "de"])
    """

    name: ClassVar[str] = "forms"
    options_class: ClassVar[type[Any]] = FormsOptions

    def template_globals(self) -> Mapping[str, Any]:
        """Return the functions that templates call, and ``forms_parts``, which the macros are made of."""
        return {
            "forms_parts": _PARTS,
            "forms_stylesheet": forms_stylesheet,
            "render_errors": render_errors,
            "render_field": render_field,
            "render_form": render_form,
        }

    def blueprint(self) -> Blueprint:
        """Return where the macros and the stylesheet are."""
        return Blueprint(
            _BLUEPRINT,
            __name__,
            template_folder="templates",
            static_folder="static",
            static_url_path="/_forms",
        )


# Any: forms and fields, as WTForms has no types; attributes of HTML.


def render_form(form: Any, **options: Any) -> Markup:
    """Render a whole form: summary of errors, hidden fields, fields, buttons.

    Args:
        form: The form.
        **options: ``action``, ``method``, ``submit`` (the label of the button
            of a form that has none; ``False``: no button), ``title`` (of the
            summary), ``summary`` (``False``: none). The rest are attributes of
            the form's element, ``hx_post="/save"``.

    Raises:
        SetupError: If the application has no ``Forms``.
    """
    return _macro("render_form")(form, **options)


def render_field(field: Any, **attributes: Any) -> Markup:
    """Render a field with its label, its description and its errors.

    Args:
        field: The field; also a form or a list of fields within a form.
        **attributes: Of its element.
    """
    return _macro("render_field")(field, **attributes)


def render_errors(form: Any, **options: Any) -> Markup:
    """Render the summary of a form's errors, with links to the fields; nothing if there are none.

    Args:
        form: The form.
        **options: ``title``: what stands above.
    """
    return _macro("render_errors")(form, **options)


def forms_stylesheet() -> Markup:
    """Return the link to the stylesheet, for the head of a page.

    Raises:
        SetupError: If the application has no ``Forms``.
    """
    _require_setup()
    address = url_for(f"{_BLUEPRINT}.static", filename="forms.css")

    return Markup('<link rel="stylesheet" href="{}">').format(address)


def _require_setup() -> None:
    if Forms.name not in current_app.extensions:
        raise SetupError(
            f"forms are rendered by the extension 'forms', which the application {current_app.name!r} lacks",
            hint="Write Forms(app), or forms.init_app(app) in the application's factory.",
        )


def _macro(name: str) -> Callable[..., Markup]:
    _require_setup()
    env: Any = current_app.jinja_env
    if env.is_async:
        # Macros of an async template have to be waited for, and these functions are called in any.
        env = env.overlay(enable_async=False)

    macro: Callable[..., Markup] = getattr(env.get_template(_MACROS).module, name)

    return macro


# Any: a text, or what becomes one.
def _told(key: str) -> Any:
    config = current_app.config
    told: Any = config.get(key)
    if isinstance(told, str) and config.get("WTF_I18N_ENABLED", True):
        return translations.gettext(told)

    return told


_PARTS = SimpleNamespace(
    errors_title=partial(_told, "FORMS_ERRORS_TITLE"),
    submit_label=partial(_told, "FORMS_SUBMIT_LABEL"),
    **{name: getattr(parts, name) for name in parts.__all__},
)
