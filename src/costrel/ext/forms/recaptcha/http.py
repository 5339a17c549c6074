"""The one request that a captcha's service is sent. Tests may replace ``urlopen``, as in ``flask_wtf``."""

from __future__ import annotations

from typing import NamedTuple

from costrel.globals import current_app

__all__ = ["Reply", "urlopen"]

_MAX_REPLY_BYTES = 65_536
_TIMEOUT_SECONDS = 5


class Reply(NamedTuple):
    """What the service answered."""

    code: int
    body: bytes

    def read(self) -> bytes:
        """Return the body, at most 64 KiB of it."""
        return self.body


def urlopen(url: str, data: bytes) -> Reply:
    """Post a form, and wait for the answer, each time for ``RECAPTCHA_TIMEOUT`` seconds at most.

    Args:
        url: The service's address.
        data: The form.

    Raises:
        OSError: If the service cannot be reached, is too slow, or answers with an error.
    """
    from urllib import request  # for cost: 20 ms, only captchas need it
    from urllib.error import HTTPError  # as above

    timeout_seconds = current_app.config.get("RECAPTCHA_TIMEOUT") or _TIMEOUT_SECONDS
    try:
        with request.urlopen(url, data, timeout=timeout_seconds) as reply:
            return Reply(reply.status, reply.read(_MAX_REPLY_BYTES))
    except HTTPError as error:
        error.close()
        raise
