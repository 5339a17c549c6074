"""``Recaptcha``: valid if the captcha's service says that it was solved. Asks it in sync and async code."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from wtforms.validators import ValidationError  # type: ignore[import-untyped]  # WTForms has no types

from costrel.errors import ConfigError
from costrel.ext.forms.recaptcha import http
from costrel.ext.forms.recaptcha.verification import DEFAULT_SERVER, Verify, ask_service, messages_of
from costrel.globals import current_app, request

__all__ = ["Recaptcha", "RecaptchaKeyError", "http"]  # the last for tests that were written for Flask-WTF

_NAME = "g-recaptcha-response"
# Google's have up to 2,000 characters or so; no need to hand on what cannot be one.
_MAX_RESPONSE = 16_384


class RecaptchaKeyError(ConfigError, RuntimeError):
    """A key for the captcha is not set."""


class Recaptcha:
    """Refuse a form whose captcha was not solved.

    It asks nobody, and everything is valid, if ``RECAPTCHA_ENABLED`` is off,
    or while the application is being tested, unless ``RECAPTCHA_VERIFY`` is set.

    Args:
        message: What visitors read if it was not solved.
    """

    def __init__(self, message: str | None = None) -> None:
        self.message = "The response parameter is missing." if message is None else message

    # Any: WTForms has no types.
    def __call__(self, form: Any, field: Any) -> Any:
        """Look at a field; an async ``RECAPTCHA_VERIFY`` has to be waited for."""
        response = self._response(field)
        if response is None:
            return None

        if _is_async(current_app.config.get("RECAPTCHA_VERIFY")):
            return self.acall(form, field)  # which validate() does not wait for, but explains
        answer = _verify(response)
        if inspect.isawaitable(answer):
            close = getattr(answer, "close", None)
            if close is not None:
                close()  # or Python complains that nobody waited for it
            return self.acall(form, field)

        return self._judge(answer, field)

    async def acall(self, form: Any, field: Any) -> None:
        """Do the same without holding the event loop up."""
        response = self._response(field)
        if response is None:
            return

        if _is_async(current_app.config.get("RECAPTCHA_VERIFY")):
            answer = _verify(response)
        else:
            answer = await asyncio.to_thread(_verify, response)
        if inspect.isawaitable(answer):
            answer = await answer
        self._judge(answer, field)

    def _response(self, field: Any) -> str | None:
        """Return what there is to verify; ``None`` if nothing has to be.

        Raises:
            ValidationError: If nothing was sent.
        """
        config = current_app.config
        if not config.get("RECAPTCHA_ENABLED", True):
            return None
        if current_app.testing and config.get("RECAPTCHA_VERIFY") is None:
            return None

        sent: Any = request.get_json() if request.is_json else request.form
        response = sent.get(_NAME) if isinstance(sent, Mapping) else None
        if not isinstance(response, str) or not 0 < len(response) <= _MAX_RESPONSE:
            raise ValidationError(field.gettext(self.message))

        return response

    def _judge(self, answer: Any, field: Any) -> None:
        """Raise what an answer means for the field.

        Raises:
            ValidationError: If the captcha was not solved.
        """
        if isinstance(answer, Mapping):
            if answer.get("success") is True:
                return
            for message in messages_of(answer):
                raise ValidationError(field.gettext(message))

        field.recaptcha_error = "incorrect-captcha-sol"
        raise ValidationError(field.gettext(self.message))


def _is_async(verify: Any) -> bool:
    return inspect.iscoroutinefunction(verify) or inspect.iscoroutinefunction(
        getattr(type(verify), "__call__", None)  # noqa: B004  # whether it is async, not whether it is there
    )


def _verify(response: str) -> Any:
    """Ask whoever is to be asked.

    Raises:
        RecaptchaKeyError: If the service is to be asked, and there is no key for it.
    """
    config = current_app.config
    secret = config.get("RECAPTCHA_PRIVATE_KEY")
    verify = cast("Verify | None", config.get("RECAPTCHA_VERIFY"))
    if verify is None:
        if not secret:
            raise RecaptchaKeyError(
                "No RECAPTCHA_PRIVATE_KEY config set",
                hint="The captcha's service gives you one for your site.",
            )
        verify = partial(ask_service, server=config.get("RECAPTCHA_VERIFY_SERVER") or DEFAULT_SERVER)

    return verify(secret or "", response, request.remote_addr)
