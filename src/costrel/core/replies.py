"""What a view may return, and the response it becomes. Pure but for the classes it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NoReturn

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from costrel.core.error_replies import error_parts, error_reply
from costrel.core.plain_response import PlainResponse

__all__ = ["make_response", "split_reply"]


def split_reply(rv: Any) -> tuple[Any, Any, Any]:
    """Split a view's value into body, status and headers.

    Example:
        >>> split_reply(("made", 201))
        ('made', 201, None)

    Raises:
        TypeError: If a tuple has another form than those of the message.
    """
    if not isinstance(rv, tuple):
        return rv, None, None
    if len(rv) == 3:
        return rv
    if len(rv) == 2:
        body, second = rv
        if isinstance(second, Headers | dict | tuple | list):
            return body, None, second
        return body, second, None

    raise TypeError(
        "The view function did not return a valid response tuple. The tuple must have the form"
        " (body, status, headers), (body, status), or (body, headers)."
    )


def make_response(
    rv: Any,
    *,
    response_class: type[Any],
    to_json: Callable[[Any], Any],
    environ: Any,
    view: Callable[[], tuple[str, str]],
) -> Any:
    """Turn a view's value into a response.

    Args:
        rv: What the view returned.
        response_class: The application's response class.
        to_json: Makes a response of a mapping or a list.
        environ: The WSGI environment, for a body that is a WSGI callable.
        view: Names the view and the place where it is defined, for the message of an error.

    Raises:
        TypeError: If the value is of no kind that a view may return.
    """
    try:
        body, status, headers = split_reply(rv)
    except TypeError as error:
        raise TypeError(f"{error}{_place(view()[1])}") from None
    if body is None:
        name, place = view()
        raise TypeError(
            f"The view function for {name} did not return a valid response. The function either returned"
            f" None or ended without a return statement.{_place(place)}"
        )

    if not isinstance(body, response_class):
        if isinstance(body, (str, bytes, bytearray, Iterator, AsyncIterator)):
            # The class sets what it was given, so that a status decides about the default headers.
            body = response_class(body, status=status, headers=headers)
            status = headers = None
        elif isinstance(body, dict | list):
            body = to_json(body)
        elif (
            isinstance(body, HTTPException)
            and _is_made_plainly(response_class)
            and (page := error_reply(body)) is not None
        ):
            body = response_class(page, body.code, content_type="text/html; charset=utf-8")
        elif (
            isinstance(body, HTTPException)
            and _is_made_plainly(response_class)
            and (parts := error_parts(body, environ)) is not None
        ):
            body = response_class(*parts)
        elif isinstance(body, BaseResponse) or callable(body):
            try:
                body = response_class.force_type(body, environ)
            except TypeError as error:
                _refuse(body, view(), error)
        else:
            _refuse(body, view(), None)

    if status is not None:
        if isinstance(status, str | bytes | bytearray):
            body.status = status
        else:
            body.status_code = status
    if headers:
        body.headers.update(headers)

    return body


def _is_made_plainly(response_class: type[Any]) -> bool:
    """Tell whether a class leaves it to costrel's how it is made.

    An error page is Werkzeug's, which gets the class afterwards: a constructor of the class's own
    is for what views return.
    """
    return response_class.__init__ is PlainResponse.__init__ and response_class._is_plain


def _refuse(body: Any, view: tuple[str, str], cause: BaseException | None) -> NoReturn:
    name, place = view
    # What Werkzeug said of a WSGI callable that failed stands before it, as in Flask.
    raise TypeError(
        f"{f'{cause}{chr(10)}' if cause else ''}The view function for {name} did not return a valid response."
        " The return type must be a string, dict, list, tuple with headers or status, Response instance, or"
        f" WSGI callable, but it was a {type(body).__name__}.{_place(place)}"
    ) from cause


def _place(place: str) -> str:
    """Write where the view is, on a line of its own."""
    return f"\n  the view: {place}" if place else ""
