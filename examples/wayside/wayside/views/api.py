"""The JSON API under ``/api``: reading is open, writing needs a token."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized, UnprocessableEntity

from costrel import Blueprint, abort, current_app, g, request, url_for
from costrel.typing import ResponseReturnValue

from .. import uploads
from ..forms import NewWalk, WalkForm
from ..identity import csrf, may_change
from ..models import Walk, db
from ..records import comments, users, walks
from .walks import find_or_404, today

bp = Blueprint("api", __name__, url_prefix="/api")
# It never looks at the session, only at a header that browsers do not send by themselves.
csrf.exempt(bp)

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)


class Invalid(UnprocessableEntity):
    """A 422 that carries a message for each refused field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("Some fields were refused.")
        self.errors = errors


def token_required(view: Callable[P, R]) -> Callable[P, R]:
    """Find the account by ``Authorization: Bearer <token>``, or answer 401."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        sent = request.authorization
        token = sent.token if sent is not None and sent.type == "bearer" else None
        g.api_user = users.by_token(db.session(), token) if token else None
        if g.api_user is None:
            raise Unauthorized(
                "Send a token from your account page.", www_authenticate=WWWAuthenticate("bearer")
            )

        return view(*args, **kwargs)

    return guarded


@bp.get("/walks")
def index() -> ResponseReturnValue:
    """List walks: ``?page=``, ``?q=``, ``?tag=``, ``?author=``."""
    args = request.args
    which = walks.Filter(args.get("q", "")[:100], tag=args.get("tag", ""), author=args.get("author", ""))
    size = current_app.config["WALKS_PER_PAGE"]
    page = walks.page(db.session(), which, number=args.get("page", 1, type=int), size=size)
    if page is None:
        abort(404, "There is no page of that number.")

    return {
        "walks": [as_json(walk) for walk in page.items],
        "page": page.number,
        "pages": page.pages,
        "total": page.total,
    }


@bp.get("/walks/<id:walk_id>")
def show(walk_id: int) -> ResponseReturnValue:
    """Give one walk with its comments."""
    under = comments.under(db.session(), walk_id)
    said = [{"author": c.author.username, "body": c.body, "created_at": c.created_at} for c in under]

    return {**as_json(find_or_404(walk_id)), "comments": said}


@bp.post("/walks")
@token_required
def create() -> ResponseReturnValue:
    """Add a walk."""
    walk_id = walks.add(db.session(), read_walk(), author_id=g.api_user.id)
    location = url_for("api.show", walk_id=walk_id)

    return as_json(find_or_404(walk_id)), 201, {"Location": location}


@bp.put("/walks/<id:walk_id>")
@token_required
def replace(walk_id: int) -> ResponseReturnValue:
    """Overwrite a walk, all but its picture."""
    walk = find_to_change(walk_id)
    walks.replace(db.session(), walk, read_walk(), picture=walk.picture)

    return as_json(find_or_404(walk_id))


@bp.delete("/walks/<id:walk_id>")
@token_required
def delete(walk_id: int) -> ResponseReturnValue:
    """Delete a walk."""
    walk = find_to_change(walk_id)
    picture = walk.picture
    walks.delete(db.session(), walk)
    uploads.remove(picture, folder=Path(current_app.config["PICTURES"]))

    return "", 204


def find_to_change(walk_id: int) -> Walk:
    """Return the walk if the token's owner may change it."""
    walk = find_or_404(walk_id)
    if not may_change(g.api_user, walk):
        abort(403, "Only its author may change this walk.")

    return walk


def read_walk() -> NewWalk:
    """Check the JSON body with the same rules as the form in the browser."""
    sent = request.get_json()
    if not isinstance(sent, dict):
        abort(400, "Send a JSON object.")
    form = WalkForm.of(sent)
    walk = form.read(today=today())
    if walk is None:
        raise Invalid(form.messages)

    return walk


def as_json(walk: Walk) -> dict[str, Any]:
    """Choose what the API tells about a walk."""
    names = ("id", "title", "place", "walked_on", "distance_km", "ascent_m", "body")
    picture = url_for("pictures.show", name=walk.picture) if walk.picture else None

    return {
        **{name: getattr(walk, name) for name in names},
        "author": walk.author.username,
        "tags": [tag.name for tag in walk.tags],
        "picture": picture,
    }
