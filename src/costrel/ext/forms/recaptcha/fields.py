"""``RecaptchaField``: shows the captcha, and is valid when it was solved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wtforms.fields import Field  # type: ignore[import-untyped]  # WTForms has no types

from costrel.ext.forms.recaptcha.validators import Recaptcha
from costrel.ext.forms.recaptcha.widgets import RecaptchaWidget

__all__ = ["RecaptchaField"]


class RecaptchaField(Field):  # type: ignore[misc]  # WTForms has no types
    """A captcha. Needs ``RECAPTCHA_PUBLIC_KEY`` and ``RECAPTCHA_PRIVATE_KEY``.

    Args:
        label: Its label.
        validators: By default ``Recaptcha()``.
        nonce: For the script tag, under a Content Security Policy; or a
            function that returns it when the page is rendered.
        **kwargs: WTForms' own arguments.
    """

    widget = RecaptchaWidget()

    recaptcha_error: str | None = None
    """``"incorrect-captcha-sol"`` if the service refused what was sent."""

    # Any: WTForms has no types.
    def __init__(
        self,
        label: str = "",
        validators: Sequence[Any] | None = None,
        nonce: str | Callable[[], str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.nonce = nonce
        super().__init__(label, list(validators or [Recaptcha()]), **kwargs)
