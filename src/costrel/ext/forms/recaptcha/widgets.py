"""``RecaptchaWidget``: the script of the captcha's service, and the element it fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from wtforms.widgets import html_params  # type: ignore[import-untyped]  # WTForms has no types

from costrel.ext.forms.recaptcha.validators import RecaptchaKeyError
from costrel.globals import current_app

__all__ = ["RecaptchaWidget"]

_DEFAULT_SCRIPT = "https://www.google.com/recaptcha/api.js"
_DEFAULT_CLASS = "g-recaptcha"


# Any: attributes in HTML; WTForms has no types.
class RecaptchaWidget:
    """Renders a captcha, by the ``RECAPTCHA_*`` options."""

    def recaptcha_html(
        self, public_key: str, nonce: str | Callable[[], str] | None = None, **attributes: Any
    ) -> Markup:
        """Return the script and the element, or ``RECAPTCHA_HTML``.

        Args:
            public_key: The site's key.
            nonce: For the script tag; or a function that returns it.
            **attributes: Of the element; they go before those of the configuration.
        """
        config = current_app.config
        if config.get("RECAPTCHA_HTML"):
            return Markup(config["RECAPTCHA_HTML"])  # the application's own, trusted

        source = config.get("RECAPTCHA_SCRIPT") or _DEFAULT_SCRIPT
        if config.get("RECAPTCHA_PARAMETERS"):
            source = f"{source}?{urlencode(config['RECAPTCHA_PARAMETERS'])}"
        script = {"src": source, "async": True, "defer": True}
        if callable(nonce):
            nonce = nonce()
        if nonce:
            script["nonce"] = nonce

        return Markup("\n<script {}></script>\n<div {}></div>\n").format(
            html_params(**script), html_params(**_element(public_key, attributes))
        )

    def __call__(self, field: Any, error: Any = None, **attributes: Any) -> Markup:
        """Render the field.

        Raises:
            RecaptchaKeyError: If ``RECAPTCHA_PUBLIC_KEY`` is not set.
        """
        config = current_app.config
        if not config.get("RECAPTCHA_ENABLED", True):
            return Markup("<!-- recaptcha disabled -->")

        public_key = config.get("RECAPTCHA_PUBLIC_KEY")
        if not public_key:
            raise RecaptchaKeyError(
                "RECAPTCHA_PUBLIC_KEY config not set",
                hint="The captcha's service gives you one for your site.",
            )

        return self.recaptcha_html(public_key, nonce=field.nonce, **{"id": field.id, **attributes})


def _element(public_key: str, attributes: dict[str, Any]) -> dict[str, Any]:
    config = current_app.config
    data = {**(config.get("RECAPTCHA_DATA_ATTRS") or {}), "sitekey": public_key}

    return {
        "class": config.get("RECAPTCHA_DIV_CLASS") or _DEFAULT_CLASS,
        **{f"data-{name}": value for name, value in data.items()},
        **attributes,
    }
