"""The field with the token, and the names of ``flask_wtf.csrf``. The tokens are ``costrel.ext.csrf``'s."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, ValidationError  # type: ignore[import-untyped]  # WTForms has no types
from wtforms.csrf import core  # type: ignore[import-untyped]  # as above

from costrel.ext.csrf import (
    CSRFError,
    CSRFProtect,
    csrf_meta_tag,
    generate_csrf,
    logger,
    same_origin,
    validate_csrf,
)
from costrel.globals import current_app, g, session

__all__ = [
    "CSRFError",
    "CSRFProtect",
    "FormCSRF",
    "csrf_meta_tag",
    "generate_csrf",
    "logger",
    "same_origin",
    "validate_csrf",
]


# Any, here and below: WTForms has no types.
class CSRFTokenField(core.CSRFTokenField):  # type: ignore[misc]  # as above
    """The field of the token.

    A form that was sent is not often shown again, so where a token came with
    it, the next one is made when it is asked for.
    """

    _token: str | None = None

    def process(self, *args: Any, **kwargs: Any) -> None:
        """Take the token that was sent, and make one for the page if the session does not know any."""
        HiddenField.process(self, *args, **kwargs)  # WTForms' own would make one each time
        implementation: Any = self.csrf_impl
        if not (self.raw_data and session.get(implementation.meta.csrf_field_name)):
            # Now, because a page that is streamed comes after the session was saved.
            self._token = implementation.generate_csrf_token(self)

    @property
    def current_token(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # a plain value in WTForms
        """The token that the page carries."""
        if self._token is None:
            self._token = self.csrf_impl.generate_csrf_token(self)

        return self._token


class FormCSRF(core.CSRF):  # type: ignore[misc]  # as above
    """Gives a form its token field; what ``Meta.csrf_class`` is by default.

    The secret, the time limit and the field's name are those of the form's
    ``Meta``.
    """

    field_class = CSRFTokenField

    def setup_form(self, form: Any) -> Any:
        """Return the token field of a form."""
        self.meta = form.meta

        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        """Return the token that the page carries; the session gets its counterpart."""
        return generate_csrf(secret_key=self._secret(), token_key=self.meta.csrf_field_name)

    def validate_csrf_token(self, form: Any, field: Any) -> None:
        """Check the token that was sent, unless ``CSRFProtect`` did so for this request.

        Raises:
            ValidationError: If it is missing, false, or too old.
        """
        if g.get("csrf_valid", False):
            return

        meta = self.meta
        try:
            validate_csrf(field.data, self._secret(), meta.csrf_time_limit, meta.csrf_field_name)
        except ValueError as error:
            logger.info(error.args[0])
            raise ValidationError(field.gettext(error.args[0])) from error

    def _secret(self) -> Any:
        """Return the form's secret; ``None`` for the application's, beside which older ones are good too."""
        secret = self.meta.csrf_secret

        return None if secret == current_app.secret_key else secret


_FlaskFormCSRF = FormCSRF  # Flask-WTF's name, which forms with an own csrf_class derive from
