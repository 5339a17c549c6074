"""Asking a captcha's service whether it was solved. Knows no form and no visitor's request."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from costrel.ext.forms.recaptcha import http

__all__ = ["DEFAULT_SERVER", "Verify", "ask_service", "messages_of"]

DEFAULT_SERVER = "https://www.google.com/recaptcha/api/siteverify"

_MESSAGES = {
    "missing-input-secret": "The secret parameter is missing.",
    "invalid-input-secret": "The secret parameter is invalid or malformed.",
    "missing-input-response": "The response parameter is missing.",
    "invalid-input-response": "The response parameter is invalid or malformed.",
}

logger = logging.getLogger("costrel.forms")


class Verify(Protocol):
    """A function, async or not, that says whether a captcha was solved: ``RECAPTCHA_VERIFY``."""

    # Any: the answer or an awaitable of it, as JSON has it.
    def __call__(self, secret: str, response: str, remote_ip: str | None) -> Any:
        """Return the service's answer: ``{"success": True}``, or ``False`` with ``"error-codes"``.

        Args:
            secret: ``RECAPTCHA_PRIVATE_KEY``.
            response: What the captcha put into the form.
            remote_ip: The visitor's address.
        """


def ask_service(secret: str, response: str, remote_ip: str | None, *, server: str) -> Mapping[str, Any]:
    """Ask the service over HTTP. If it cannot be reached, the captcha counts as not solved.

    Args:
        secret: The application's key.
        response: What the captcha put into the form.
        remote_ip: The visitor's address.
        server: The address to ask.
    """
    asked = {"secret": secret, "response": response}
    if remote_ip:
        asked["remoteip"] = remote_ip
    try:
        reply = http.urlopen(server, urlencode(asked).encode())
        if reply.code != 200:
            raise OSError(f"it answered with {reply.code}")
        answer = json.loads(reply.read())
    except (OSError, ValueError) as error:  # URLError is an OSError
        logger.warning("the captcha service %s did not answer: %s", server, error)
        return {"success": False}

    return answer if isinstance(answer, dict) else {"success": False}


def messages_of(answer: Mapping[str, Any]) -> list[str]:
    """Return what an answer's error codes mean, for those that are known.

    Example:
        >>> messages_of({"success": False, "error-codes": ["invalid-input-response", "else"]})
        ['The response parameter is invalid or malformed.']
    """
    codes = answer.get("error-codes")

    if not isinstance(codes, list):
        return []

    return [_MESSAGES[code] for code in codes if isinstance(code, str) and code in _MESSAGES]
