"""Explains common mistakes in debug mode. Knows applications and blueprints by their attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.routing import RequestRedirect

from costrel import _current
from costrel.core.contracts import Application
from costrel.logging import SEVERAL_LINES

if TYPE_CHECKING:
    from jinja2.loaders import BaseLoader

__all__ = [
    "DebugFilesKeyError",
    "FormDataRoutingRedirect",
    "UnexpectedUnicodeError",
    "attach_enctype_error_multidict",
    "explain_template_loading_attempts",
]


class UnexpectedUnicodeError(AssertionError, UnicodeError):
    """Text was given where bytes are needed, or the other way round."""


class DebugFilesKeyError(KeyError, AssertionError):
    """``request.files`` was asked for a file that came as a form field.

    Args:
        request: The request.
        key: The name of the field.
    """

    def __init__(self, request: Any, key: str) -> None:
        sent = ", ".join(repr(str(name)) for name in request.form.getlist(key))
        self.msg = (
            f"request.files has no {key!r}, but request.form has: the form was sent as"
            f" {request.mimetype!r}, so no file contents were transmitted, only the name of the file."
            '\n  hint: Write <form method="post" enctype="multipart/form-data">.'
        )
        if sent:
            self.msg += f"\n\nThe browser sent the file's name instead. This was submitted: {sent}"
        super().__init__(self.msg)

    def __str__(self) -> str:
        # KeyError would show its repr, all on one line.
        return self.msg


class FormDataRoutingRedirect(AssertionError):
    """A form was sent to an address that redirects in a way that loses its data.

    Args:
        request: The request; its ``routing_exception`` is the redirect.
    """

    def __init__(self, request: Any) -> None:
        redirect = request.routing_exception
        target = redirect.new_url if isinstance(redirect, RequestRedirect) else "?"
        lines = [
            f"A request was sent to {request.url!r}, but routing redirects to the canonical URL {target!r}."
        ]
        if target.partition("?")[0].endswith(f"{request.path}/"):
            lines.append("The rule ends with a slash, and the request's address does not.")
        lines.append(
            f"Browsers drop the form data when they follow this {getattr(redirect, 'code', 'redirect')}."
            f"\n  hint: Send the {request.method} to the canonical URL, with url_for() for example;"
            " or let routing redirect with 307 or 308."
            "\n\nThis error is only raised in debug mode."
        )
        super().__init__("\n".join(lines))


def attach_enctype_error_multidict(request: Any) -> None:
    """Make ``request.files[key]`` explain a form without ``enctype``.

    Args:
        request: The request; the class of its ``files`` is replaced.
    """
    plain: Any = type(request.files)

    class FilesWithExplanation(plain):  # type: ignore[misc]  # its base is known only now
        def __getitem__(self, key: str) -> Any:
            try:
                return super().__getitem__(key)
            except KeyError as error:
                if key not in request.form:
                    raise
                raise DebugFilesKeyError(request, key).with_traceback(error.__traceback__) from None

    FilesWithExplanation.__name__ = plain.__name__
    FilesWithExplanation.__module__ = plain.__module__
    request.files.__class__ = FilesWithExplanation


def explain_template_loading_attempts(
    app: Application,
    template: str,
    attempts: Iterable[tuple[BaseLoader, Any, tuple[str, str | None, Any] | None]],
) -> None:
    """Log where a template was looked for, and where it was found.

    Args:
        app: The application; the explanation goes to its logger.
        template: The template's name.
        attempts: Loader, whose it is (application or blueprint), and what it found.
    """
    lines = [f"Locating template {template!r}:"]
    found = 0
    for number, (loader, owner, result) in enumerate(attempts, 1):
        lines.append(f"{number:5}: trying loader of {_owner_name(owner)}")
        lines.append(f"       class: {type(loader).__module__}.{type(loader).__name__}")
        lines.extend(f"       {line}" for line in _loader_settings(loader))
        if result is None:
            lines.append("       -> no match")
        else:
            found += 1
            lines.append(f"       -> found ({result[1] or '<string>'!r})")

    blueprint = _blueprint_of_request()
    if found == 0:
        lines.append("Error: the template could not be found.")
    elif found > 1:
        lines.append("Warning: more than one loader has a template of this name; the first is used.")
    if blueprint is not None and found != 1:
        lines.append(
            f"  The template was looked up from an endpoint that belongs to the blueprint {blueprint!r}."
        )
        lines.append("  Is it in the template folder of that blueprint or of the application?")
        lines.append("  See https://flask.palletsprojects.com/blueprints/#templates")

    # The names are the developer's, so its lines may stay lines.
    app.logger.info("\n".join(lines), extra={SEVERAL_LINES: True})


def _owner_name(owner: Any) -> str:
    if hasattr(owner, "wsgi_app"):
        return f"application {owner.import_name!r}"
    if hasattr(owner, "import_name"):
        return f"blueprint {owner.name!r} ({owner.import_name})"

    return repr(owner)


def _loader_settings(loader: BaseLoader) -> Iterator[str]:
    """Show what a loader was made with, as far as it can be read."""
    for name, value in sorted(vars(loader).items()):
        if name.startswith("_"):
            continue
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            yield f"{name}:"
            yield from (f"  - {item}" for item in value)
        elif isinstance(value, str | int | float | bool):
            yield f"{name}: {value!r}"


def _blueprint_of_request() -> str | None:
    ctx = _current.current.get(None)
    if ctx is None or not ctx.has_request:
        return None

    return ctx.request.blueprint  # type: ignore[no-any-return]  # the request's class is the application's
