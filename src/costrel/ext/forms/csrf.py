"""The field with the token, and the names of ``flask_wtf.csrf``. The tokens are ``costrel.ext.csrf``'s."""

from __future__ import annotations

from typing import Any

from wtforms import ValidationError  # type: ignore[import-untyped]  # WTForms has no types
from wtforms.csrf.core import CSRF  # type: ignore[import-untyped]  # as above

from costrel.ext.csrf import (
    CSRFError,
    CSRFProtect,
    csrf_meta_tag,
    generate_csrf,
    logger,
    same_origin,
    validate_csrf,
)
from costrel.globals import current_app, g

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


class FormCSRF(CSRF):  # type: ignore[misc]  # WTForms has no types
    """Gives a form its token field; what ``Meta.csrf_class`` is by default.

    The secret, the time limit and the field's name are those of the form's
    ``Meta``.
    """

    # Any: WTForms has no types.
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
