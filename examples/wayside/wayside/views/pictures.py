"""Serves uploaded pictures."""

from __future__ import annotations

from costrel import Blueprint, Response, abort, current_app, send_from_directory

from ..uploads import MIMETYPES

bp = Blueprint("pictures", __name__)


@bp.get("/pictures/<name>")
def show(name: str) -> Response:
    """Send a picture, of a kind we accept and as nothing else.

    SECURITY: the fixed type, ``nosniff`` and an empty policy keep a file that
    pretends to be a picture from running as a page.
    """
    mimetype = MIMETYPES.get(name.rpartition(".")[2])
    if mimetype is None:
        abort(404)

    # A stored name is never used again, so browsers may keep the file.
    response = send_from_directory(
        current_app.config["PICTURES"], name, mimetype=mimetype, max_age=31_536_000
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"

    return response
