"""CSRF protection: what changes something is done only for pages of this site.

The API is that of ``flask_wtf.csrf``. A page carries a token that belongs to
the visitor's session, and what it sends must have it.

Example:
    >>> from costrel import Costrel
    >>> app = Costrel("shop")
    >>> app.secret_key = "a key for the example"
    >>> csrf = CSRFProtect(app)
    >>> @app.get("/")
    ... def cart():
    ...     return generate_csrf()
    >>> @app.post("/buy")
    ... def buy():
    ...     return "bought"
    >>> client = app.test_client()
    >>> token = client.get("/").text
    >>> client.post("/buy", headers={"X-CSRFToken": token}).text
    'bought'
    >>> "The CSRF token is missing." in client.post("/buy").text
    True
"""

from __future__ import annotations

from costrel.ext.csrf.errors import CSRFError, NoSecretKeyError, TokenError
from costrel.ext.csrf.extension import CSRFProtect
from costrel.ext.csrf.extension import logger as logger  # what tests written for Flask-WTF look at
from costrel.ext.csrf.markup import csrf_field, csrf_headers, csrf_meta, csrf_meta_tag
from costrel.ext.csrf.options import CSRFOptions
from costrel.ext.csrf.origins import same_origin
from costrel.ext.csrf.session_tokens import generate_csrf, validate_csrf

__all__ = [
    "CSRFError",
    "CSRFOptions",
    "CSRFProtect",
    "NoSecretKeyError",
    "TokenError",
    "csrf_field",
    "csrf_headers",
    "csrf_meta",
    "csrf_meta_tag",
    "generate_csrf",
    "same_origin",
    "validate_csrf",
]
