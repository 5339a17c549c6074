"""Refuses forms that were not sent from our own pages.

Each session holds a random token, each form repeats it in a hidden field, and
whoever cannot read our pages cannot know it.
"""

from __future__ import annotations

import secrets

from costrel import Costrel, abort, request, session

FIELD = "csrf_token"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def init_app(app: Costrel) -> None:
    """Check every form, and give templates ``csrf_token()``."""
    app.before_request(protect)
    app.add_template_global(csrf_token)


def csrf_token() -> str:
    """Return this session's token, making it on first use."""
    if FIELD not in session:
        session[FIELD] = secrets.token_urlsafe(24)

    token: str = session[FIELD]
    return token


def protect() -> None:
    """Answer 403 to an unsafe request without the session's token.

    The API needs none: it never looks at the session, only at a header that
    browsers do not send by themselves.
    """
    if request.method in SAFE_METHODS or request.endpoint is None or request.blueprint == "api":
        return

    expected = str(session.get(FIELD, ""))
    sent = request.form.get(FIELD, "")
    if not expected or not secrets.compare_digest(sent.encode(), expected.encode()):
        abort(403, "This form has expired. Go back, reload the page and send it again.")
