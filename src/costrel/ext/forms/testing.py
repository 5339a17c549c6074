"""For the tests of applications: a captcha that asks nobody."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

__all__ = ["FakeRecaptcha"]


class FakeRecaptcha:
    """Stands for the captcha's service; what ``RECAPTCHA_VERIFY`` is in tests.

    Args:
        accepts: The responses that it takes for solved captchas.

    Example:
        >>> fake = FakeRecaptcha(accepts=["solved"])
        >>> fake("a secret", "solved", "127.0.0.1")
        {'success': True}
        >>> fake.asked
        ['solved']
    """

    def __init__(self, accepts: Collection[str] = ("pass",)) -> None:
        self.accepts = accepts
        self.asked: list[str] = []
        """The responses it was asked about."""

    # Any: an answer as JSON has it.
    def __call__(self, secret: str, response: str, remote_ip: str | None) -> dict[str, Any]:
        """Answer as the service would."""
        self.asked.append(response)
        if response in self.accepts:
            return {"success": True}

        return {"success": False, "error-codes": ["invalid-input-response"]}
