"""What views call: URLs, redirects, messages, files, streams.

Each function asks the current context for its application and leaves the
decision to it, so that an application's overrides count.
"""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from werkzeug import utils
from werkzeug.exceptions import NotFound
from werkzeug.exceptions import abort as abort_plainly

from costrel._current import current, outside_app_context, require_context, require_request
from costrel.core.downloads import clean_download_name
from costrel.core.files import MaxAge, folder_response
from costrel.core.flags import get_debug_flag, get_load_dotenv
from costrel.core.next_url import encode_controls, safe_next_url
from costrel.core.root_path import get_root_path
from costrel.core.streams import AsyncContextStream, ContextStream
from costrel.signals import message_flashed

if TYPE_CHECKING:
    from costrel.wrappers import Response

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "get_load_dotenv",
    "get_root_path",
    "get_template_attribute",
    "make_response",
    "redirect",
    "safe_next_url",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]

T = TypeVar("T")


@overload
def stream_with_context(generator_or_function: Iterable[T]) -> Iterator[T]: ...
@overload
def stream_with_context(generator_or_function: AsyncIterable[T]) -> AsyncIterator[T]: ...
@overload
def stream_with_context(generator_or_function: Callable[..., Iterable[T]]) -> Callable[..., Iterator[T]]: ...
@overload
def stream_with_context(
    generator_or_function: Callable[..., AsyncIterable[T]],
) -> Callable[..., AsyncIterator[T]]: ...
def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request's context while its response is streamed.

    Teardown functions run once, when the stream has ended or was given up.

    Args:
        generator_or_function: A generator, async or not, or, as a decorator,
            a function that returns one.

    Example:
        >>> from costrel import Costrel, request
        >>> app = Costrel("example")
        >>> @app.get("/")
        ... def export():
        ...     return stream_with_context(f"{row}{request.args['end']}" for row in range(3))
        >>> app.test_client().get("/?end=;").text
        '0;1;2;'

    Raises:
        ContextError: If there is no context to keep.
    """
    if not isinstance(generator_or_function, Iterable | AsyncIterable):
        if not callable(generator_or_function):
            raise TypeError(
                "stream_with_context() takes a generator or a function that returns one,"
                f" not {type(generator_or_function).__name__!r}"
            )
        return _streaming(generator_or_function)

    # Any: which request a context belongs to is no part of the Protocol.
    ctx: Any = require_context("stream_with_context()")
    # NOTE: of an app context inside of a request, the request is what must be kept.
    ctx = ctx._request_scope or ctx
    if isinstance(generator_or_function, AsyncIterable):
        return AsyncContextStream(ctx, generator_or_function)

    return ContextStream(ctx, generator_or_function)


def _streaming(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def start(*args: Any, **kwargs: Any) -> Any:
        return stream_with_context(function(*args, **kwargs))

    return start


def make_response(*args: Any) -> Response:
    """Make a response of what a view may return, to set headers on it.

    Example:
        >>> from costrel import Costrel
        >>> with Costrel("example").test_request_context():
        ...     response = make_response("made", 201)
        >>> response.headers["X-Parachutes"] = "open"
        >>> response.status
        '201 CREATED'
    """
    app = require_context("make_response()").app
    if not args:
        return app.response_class()  # type: ignore[no-any-return]  # of the application's class

    return app.make_response(args[0] if len(args) == 1 else args)  # type: ignore[no-any-return]  # of the application's class


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Build the URL of an endpoint.

    Args:
        endpoint: A view's name; with a dot in front, one of the blueprint
            that handles this request.
        _anchor: What comes after ``#``.
        _method: Take the rule for this method, if there are several.
        _scheme: ``"https"`` and the like; makes the URL absolute.
        _external: Whether it has scheme and host. Default: not inside of a
            request.
        values: The rule's variables; the rest becomes the query.

    Raises:
        BuildError: If no rule fits, unless a handler of the application for
            such errors answers.
    """
    ctx = current.get(None)
    if ctx is None:
        raise outside_app_context("url_for()")

    url: str = ctx.app.url_for(
        endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values
    )
    return url


def redirect(location: str, code: int = 302, Response: type[Any] | None = None) -> Response:  # noqa: N803
    """Answer with a redirect.

    Args:
        location: Where to. SECURITY: if it came from the visitor, pass it
            through ``safe_next_url`` first, or others send people from your
            pages to theirs.
        code: The status; 303 makes the next request a ``GET``.
        Response: The class to use where there is no application; an
            application uses its own.
    """
    if isinstance(location, str):
        location = encode_controls(location)
    ctx = current.get(None)
    if ctx is not None:
        return ctx.app.redirect(location, code=code)  # type: ignore[no-any-return]  # of the application's class

    return utils.redirect(location, code=code, Response=Response)  # type: ignore[return-value]  # likewise


# Any: what an HTTPException may be given depends on its code.
def abort(code: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the HTTP error of a code, or answer at once with a response.

    Args:
        code: A status, or a response.
        args: For the error, such as its description.
        kwargs: For the error, such as ``response``.
    """
    ctx = current.get(None)
    if ctx is not None:
        ctx.app.aborter(code, *args, **kwargs)

    abort_plainly(code, *args, **kwargs)


def get_template_attribute(template_name: str, attribute: str) -> Any:
    """Return a macro or a variable that a template exports.

    Example:
        >>> from costrel import Costrel
        >>> from jinja2 import DictLoader
        >>> app = Costrel("example")
        >>> app.jinja_env.loader = DictLoader({"m.html": "{% macro hi(name) %}Hi {{ name }}{% endmacro %}"})
        >>> with app.app_context():
        ...     print(get_template_attribute("m.html", "hi")("<Ada>"))
        Hi &lt;Ada&gt;
    """
    app = require_context("get_template_attribute()").app

    return getattr(app.jinja_env.get_template(template_name).module, attribute)


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page, which takes it with ``get_flashed_messages``.

    Args:
        message: What to say.
        category: Free; ``"error"``, ``"info"`` and ``"warning"`` are usual.
    """
    ctx = require_request("flash()")
    session = ctx.session
    # NOTE: assigned, not appended: a session without tracking of changes must see it.
    session["_flashes"] = [*session.get("_flashes", ()), (category, message)]
    if message_flashed.receivers:
        app = ctx.app
        message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the messages out of the session; the same ones again in the same request.

    Args:
        with_categories: Return pairs of category and message.
        category_filter: Only these categories.
    """
    ctx = require_request("get_flashed_messages()")
    flashes = ctx.flashes
    if flashes is None:
        session = ctx.session
        flashes = ctx.flashes = session.pop("_flashes") if "_flashes" in session else []
    if category_filter:
        flashes = [pair for pair in flashes if pair[0] in category_filter]
    if with_categories:
        return list(flashes)

    return [message for _, message in flashes]


def send_file(
    path_or_file: os.PathLike[str] | str | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
) -> Response:
    """Answer with a file, of a path or an open one.

    Args:
        path_or_file: A path, relative to the application's root, or a file
            opened in binary mode. SECURITY: never a path that the visitor
            had a say in; that is what ``send_from_directory`` is for.
        mimetype: Default: by the name.
        as_attachment: Have the browser save it.
        download_name: What it is called there. Default: as in the path.
        conditional: Answer conditions and ranges.
        etag: Whether to make a tag, or the tag.
        last_modified: Default: the path's.
        max_age: Seconds it may be cached, or a function of the path. Default:
            what ``app.get_send_file_max_age`` says.
    """
    if (
        isinstance(path_or_file, (str, os.PathLike))
        and last_modified is None
        and conditional is True
        and etag is True
    ):
        response = _plain_file_response(
            os.fspath(path_or_file),
            max_age=max_age,
            mimetype=mimetype,
            as_attachment=as_attachment,
            download_name=download_name,
        )
        if response is not None:
            return response  # type: ignore[no-any-return]  # of the application's class

    return utils.send_file(  # type: ignore[return-value]  # likewise
        **_prepare_send_file_kwargs(
            path_or_file=path_or_file,
            mimetype=mimetype,
            as_attachment=as_attachment,
            download_name=_name_for(path_or_file, download_name),
            conditional=conditional,
            etag=etag,
            last_modified=last_modified,
            max_age=max_age,
        )
    )


# Any: the options are those of ``send_file``, under one name there.
def _plain_file_response(path: str, **options: Any) -> Any:
    """Answer with a regular file; ``None`` for what else a path may name, which is an error.

    PERF: 15 µs for a small file, against 90.
    """
    directory, name = os.path.split(path)
    try:
        return _respond_with_file(directory, name, "send_file()", **options)
    except NotFound:
        return None


def _respond_with_file(
    directory: os.PathLike[str] | str,
    name: str,
    used: str,
    *,
    max_age: MaxAge = None,
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
) -> Any:
    """Answer with a file of a directory.

    Args:
        directory: The directory, relative to the application's root.
        name: The file's.
        used: The function that was called, for the message outside of a request.
        max_age: Seconds it may be cached, or a function of the path; ``None``
            leaves it to the application.
        mimetype: As for ``send_file``.
        as_attachment: As for ``send_file``.
        download_name: As for ``send_file``.

    Raises:
        NotFound: If there is no such regular file in the directory.
    """
    ctx = require_request(used)
    if max_age is None:
        max_age = ctx.app.get_send_file_max_age

    return folder_response(
        ctx.app,
        ctx.request.environ,
        directory,
        name,
        max_age=max_age,
        mimetype=mimetype,
        as_attachment=as_attachment,
        download_name=download_name,
    )


_PLAIN_OPTIONS = frozenset(("as_attachment", "download_name", "max_age", "mimetype"))


# Any: the options are those of ``send_file``, under one name there.
def send_from_directory(
    directory: os.PathLike[str] | str, path: os.PathLike[str] | str, **kwargs: Any
) -> Response:
    """Answer with a file below a directory; the way out of it is closed.

    Args:
        directory: The directory, relative to the application's root.
            SECURITY: never anything that the visitor had a say in.
        path: What the visitor asked for.
        kwargs: Options of ``send_file``.

    Raises:
        NotFound: If there is no such regular file in the directory.
    """
    if kwargs.keys() <= _PLAIN_OPTIONS:
        return _respond_with_file(  # type: ignore[no-any-return]  # of the application's class
            directory, os.fspath(path), "send_from_directory()", **kwargs
        )

    name = _name_for(path, kwargs.get("download_name"))

    return utils.send_from_directory(  # type: ignore[return-value]  # likewise
        directory, path, **_prepare_send_file_kwargs(**{**kwargs, "download_name": name})
    )


def _name_for(path_or_file: Any, download_name: str | None) -> str | None:
    """Clean the name of a download; without one, the path's own decides."""
    if download_name is None and isinstance(path_or_file, (str, os.PathLike)):
        # Of "report.pdf/" too; a folder's path never gets as far as a response.
        download_name = os.path.basename(os.path.normpath(os.fspath(path_or_file)))

    return download_name if download_name is None else clean_download_name(download_name)


def _prepare_send_file_kwargs(**kwargs: Any) -> dict[str, Any]:
    """Add to the options what the application and the request say."""
    ctx = require_request("send_file()")
    app = ctx.app
    if kwargs.get("max_age") is None:
        kwargs["max_age"] = app.get_send_file_max_age
    kwargs.update(
        environ=ctx.request.environ,
        use_x_sendfile=app.config["USE_X_SENDFILE"],
        response_class=app.response_class,
        _root_path=app.root_path,
    )

    return kwargs


@functools.lru_cache(maxsize=1_024)  # bounded: url_for() may be given a visitor's endpoint
def _split_blueprint_path(name: str) -> list[str]:
    """Name a blueprint and those around it, the innermost first.

    Example:
        >>> _split_blueprint_path("shop.admin")
        ['shop.admin', 'shop']
    """
    names = [name]
    while "." in name:
        name = name.rpartition(".")[0]
        names.append(name)

    return names
