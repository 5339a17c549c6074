"""Error pages for people, problem messages for programs."""

from __future__ import annotations

import json

from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.wrappers import Response

from costrel import Costrel, render_template, request
from costrel.ext.csrf import CSRFError

WORDS = {
    400: ("That did not arrive in one piece", "The request could not be read. Go back and try again."),
    403: ("No way through here", "You do not have permission to do this."),
    404: ("Nothing on this path", "The page has moved, or was never here."),
    405: ("Not from this side", "This address cannot be used in that way."),
    413: (
        "Too much for one rucksack",
        "What you sent is too large. Go back: your text is still there, and choose a smaller picture.",
    ),
    500: ("A bridge is out", "Something went wrong on our side. It has been noted; please try again later."),
}


def init_app(app: Costrel) -> None:
    """Answer every HTTP error, unhandled exceptions (500) included."""
    app.register_error_handler(CSRFError, say_expired)
    app.register_error_handler(HTTPException, show)


def say_expired(error: CSRFError) -> Response:
    """Answer to a form that our own pages did not send, or not lately."""
    return show(Forbidden("This form has expired. Go back, reload the page and send it again."))


def show(error: HTTPException) -> Response:
    """Answer in the form the client reads, keeping headers such as ``Allow``."""
    response = error.get_response()
    if error.response is not None:
        return response

    code = error.code or 500
    if request.path.startswith("/api/"):
        return _problem(response, code, error)

    title, words = WORDS.get(code, (error.name, error.description or ""))
    # An abort() with its own text knows better than the general sentence.
    if code != 500 and error.description != type(error).description:
        words = error.description or words
    response.data = render_template("error.html", code=code, title=title, words=words)
    response.content_type = "text/html; charset=utf-8"

    return response


def _problem(response: Response, code: int, error: HTTPException) -> Response:
    # RFC 9457: problem details.
    problem = {"type": "about:blank", "title": error.name, "status": code, "detail": error.description}
    if errors := getattr(error, "errors", None):
        problem["errors"] = errors
    response.data = json.dumps(problem)
    response.content_type = "application/problem+json"

    return response
