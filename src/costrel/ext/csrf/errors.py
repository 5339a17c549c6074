"""What is raised for a token that is refused: to those who check one, and to visitors."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from markupsafe import escape
from werkzeug.exceptions import BadRequest
from werkzeug.http import parse_options_header

from costrel import Request, json
from costrel.errors import ConfigError

__all__ = ["CSRFError", "NoSecretKeyError", "TokenError", "token_error"]

_REASON = "CSRF validation failed."


class TokenError(ValueError):
    """A token was refused; its text is the reason.

    In a process that uses WTForms it is one of WTForms' ``ValidationError``
    too, which is what code written for Flask-WTF catches.
    """

    @property
    def reason(self) -> str:
        """Why, in one short sentence for the visitor."""
        return str(self)


class NoSecretKeyError(ConfigError, RuntimeError):
    """There is nothing to sign tokens with."""


class CSRFError(BadRequest):
    """A request was refused because it did not prove that it comes from a page of this site.

    An HTTP error, for which a handler can be registered:
    ``@app.errorhandler(CSRFError)``. Without one it is a short page, or JSON
    for a client that asks for it.

    Args:
        description: The reason, as visitors see it.
        response: Send this response instead.

    Example:
        >>> error = CSRFError("The CSRF token has expired.")
        >>> error.code, error.reason
        (400, 'The CSRF token has expired.')
    """

    description = _REASON

    @property
    def reason(self) -> str:
        """Why, in one short sentence for the visitor."""
        return self.description or _REASON

    hint = ""
    """What its developer can do about it, on the page if not empty; it is in debug mode."""

    # Any, here and below: Werkzeug hands an environment, and a scope it has no type for.
    def get_body(self, environ: Any = None, scope: Any = None) -> str:
        """Return the page, or the same as JSON."""
        if _wants_json(environ or {}):
            body = {"code": self.code, "name": self.name, "description": self.reason}
            return json.dumps({**body, "hint": self.hint} if self.hint else body) + "\n"

        hint = f"<p><em>{escape(self.hint)}</em></p>\n" if self.hint else ""
        return (
            "<!doctype html>\n<html lang=en>\n<meta name=viewport content='width=device-width'>\n"
            "<meta name=color-scheme content='light dark'>\n"
            f"<title>{self.code} {escape(self.name)}</title>\n<h1>{escape(self.name)}</h1>\n"
            f"<p>{escape(self.reason)}</p>\n"
            "<p>Nothing was changed. Go back, load the page again, and send it once more.</p>\n"
            f"{hint}"
        )

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers of the page."""
        kind = "application/json" if _wants_json(environ or {}) else "text/html; charset=utf-8"

        return [("Content-Type", kind)]


def token_error(reason: str) -> TokenError:
    """Return the error for a token that is refused.

    Args:
        reason: One short sentence for the visitor.

    Example:
        >>> token_error("The CSRF token is missing.").reason
        'The CSRF token is missing.'
    """
    # Not imported: who catches WTForms' error has imported WTForms.
    wtforms = sys.modules.get("wtforms.validators")
    cls = TokenError if wtforms is None else _combined(wtforms.ValidationError)

    return cls(reason)


@lru_cache(maxsize=1)
def _combined(validation_error: type[ValueError]) -> type[TokenError]:
    return type("TokenError", (TokenError, validation_error), {"__module__": __name__})


def _wants_json(environ: Any) -> bool:
    """Tell whether JSON is the better answer: preferred, or sent by a client that takes anything."""
    kinds = ["text/html", "application/json"]
    if parse_options_header(environ.get("CONTENT_TYPE"))[0] == "application/json":
        kinds.reverse()
    accept = Request(environ, populate_request=False).accept_mimetypes

    return accept.best_match(kinds, default=kinds[0]) == "application/json"
