"""``FlaskForm.Meta``: where a form has its settings, its data and its translations from."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from werkzeug.datastructures import CombinedMultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from wtforms.meta import DefaultMeta  # type: ignore[import-untyped]  # WTForms has no types

from costrel import has_request_context
from costrel.ext.forms.csrf import FormCSRF
from costrel.ext.forms.formdata import count_values, fit_to_fields, from_json
from costrel.ext.forms.i18n import catalog_of_request, translations
from costrel.globals import current_app, request, session

__all__ = ["AUTO", "SUBMIT_METHODS", "Meta", "is_submitted"]

SUBMIT_METHODS: Final = frozenset(("POST", "PUT", "PATCH", "DELETE"))
"""The methods of a request that submits a form."""

AUTO: Final = object()
"""Stands for "what the request brings" as ``formdata``."""


def is_submitted() -> bool:
    """Tell whether there is a request, and it submits a form."""
    return has_request_context() and request.method in SUBMIT_METHODS


# Any: WTForms has no types.
class Meta(DefaultMeta):  # type: ignore[misc]  # WTForms has no types
    """The settings of a form. A form's inner ``class Meta`` overrides them.

    Those about CSRF are read from the configuration when a form is made.
    """

    csrf_class = FormCSRF
    """What makes and checks the token."""

    finite_numbers = True
    """Number fields refuse NaN, infinities, and numbers beyond 10 to the power of 308."""

    validate_concurrently = False
    """``avalidate`` works on all fields at the same time.

    A field's own validators keep their order. Off by default, because
    validators of several fields may share a database session, and some look
    at the errors of a field before them.
    """

    _parent_form: Any = None

    @cached_property
    def csrf(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  # a plain value in WTForms
        """Whether the form has a token: ``WTF_CSRF_ENABLED``.

        A form within a form has none if the outer one has.
        """
        parent = self._parent_form
        if parent is not None and parent.meta.csrf:
            return False

        return bool(current_app.config.get("WTF_CSRF_ENABLED", True))

    @property
    def csrf_context(self) -> Any:
        """The session, for a ``csrf_class`` of your own."""
        return session

    @cached_property
    def csrf_secret(self) -> Any:
        """What tokens are signed with: ``WTF_CSRF_SECRET_KEY``, else ``SECRET_KEY``."""
        return current_app.config.get("WTF_CSRF_SECRET_KEY") or current_app.secret_key

    @cached_property
    def csrf_field_name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # as above
        """The name of the token's field, and its key in the session: ``WTF_CSRF_FIELD_NAME``."""
        name: str = current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")

        return name

    @cached_property
    def csrf_time_limit(self) -> Any:
        """How many seconds a token is good for: ``WTF_CSRF_TIME_LIMIT``; ``None``: as long as the session."""
        return current_app.config.get("WTF_CSRF_TIME_LIMIT", 3600)

    def wrap_formdata(self, form: Any, formdata: Any) -> Any:
        """Return the data of a form: what the request brings if none is given.

        Raises:
            BadRequest: If the request brings JSON that is no object.
            RequestEntityTooLarge: If that has more values than ``MAX_FORM_PARTS``.
        """
        if formdata is AUTO:
            formdata = _submitted_data()
        formdata = super().wrap_formdata(form, formdata)
        if formdata is None or self._parent_form is not None:
            return formdata  # the outer form's data is fit already

        return fit_to_fields({field.name: field for field in form}, formdata)

    def get_translations(self, form: Any) -> Any:
        """Return what translates the messages: see ``costrel.ext.forms.i18n``.

        ``locales`` of the form go first.
        """
        if self.locales or not current_app.config.get("WTF_I18N_ENABLED", True):
            return super().get_translations(form)

        if has_request_context():
            return catalog_of_request()  # PERF: once for a form, and not at each message of each field

        return translations


def _submitted_data() -> Any:
    if not is_submitted():
        return None
    if request.files:
        both: Any = (request.files, request.form)  # of two types, which nothing minds
        return CombinedMultiDict(both)
    if request.form:
        return request.form
    if not request.is_json:
        return None

    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequest("A form sent as JSON must be an object.")
    if request.max_form_parts is not None and count_values(body) > request.max_form_parts:
        raise RequestEntityTooLarge  # as for other forms: a list of fields makes one for each

    return from_json(body)
