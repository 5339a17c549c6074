"""Werkzeug's response, with short ways in and out for a body of text or bytes.

The short ways give what Werkzeug's give; tests compare the two for every
combination. Knows HTTP and WSGI; no application and no configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Self, cast

from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.wsgi import ClosingIterator

from costrel.core.asgi_headers import encode_with, encode_written
from costrel.core.async_response import AsyncBodyResponse
from costrel.core.conditional import ConditionalResponse
from costrel.core.cookies import check_cookie_domain, check_cookie_expires, check_cookie_name
from costrel.core.default_headers import SECURITY_HEADERS
from costrel.core.final_headers import can_join, is_final
from costrel.core.header_rules import Headers, adopt, check_value, clean_headers, mend_location
from costrel.core.inheritance import keeps
from costrel.core.reply_parts import (
    STATUS_LINES,
    content_type_of,
    kept_lengths,
    kept_types,
    length_pair,
    plain_content_type,
)

__all__ = ["PlainResponse", "quick_reply"]

# What a subclass must not replace for the short ways to give its result.
_BUILDING = ("_clean_status", "headers", "response", "set_data", "status", "status_code")
_SENDING = (
    "close",
    "get_app_iter",
    "get_wsgi_headers",
    "get_wsgi_response",
    "headers",
    "is_sequence",
    "iter_encoded",
    "response",
    "status",
    "status_code",
)
# PERF: bound once; looked up at each response they cost 20 ns a name.
_new_headers = cast("Any", Headers.__new__)
_known_line: Callable[[Any], tuple[str, int] | None] = STATUS_LINES.get
_known_type: Callable[[Any], str | None] = kept_types.get
_known_length = kept_lengths.get


class PlainResponse(AsyncBodyResponse, ConditionalResponse):
    """A Werkzeug response that is quick to make and safe to send.

    The arguments are those of Werkzeug's class.
    """

    direct_passthrough: bool = False

    _builds_plainly = True
    _sends_plainly = True
    _is_plain = True
    _headers: WerkzeugHeaders | None = None
    _written: list[tuple[str, str]] | None = None
    """The headers as the constructor wrote them, with ``Vary`` where the session was used, until
    somebody asks for them; only where the class builds and sends plainly."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._sends_plainly = keeps(cls, PlainResponse, _SENDING)
        cls._builds_plainly = cls._sends_plainly and keeps(cls, PlainResponse, _BUILDING)
        cls._is_plain = cls._builds_plainly and keeps(cls, PlainResponse, ("__new__", "__setattr__"))

    def __init__(
        self,
        response: Iterable[bytes] | bytes | Iterable[str] | str | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str]] | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        # PERF: 0.5 µs for text or bytes, against Werkzeug's 3.0. The result is
        # the same; tests compare the two for every combination.
        body: Any = response
        kind = type(body)
        if (
            (kind is str or kind is bytes)
            and headers is None
            and not direct_passthrough
            and self._builds_plainly
            and self.automatically_set_content_length
        ):
            if content_type is None:
                wanted: Any = self.default_mimetype if mimetype is None else mimetype
                media = _known_type(wanted) or content_type_of(wanted)
            else:
                media = plain_content_type(content_type)
            line = _known_line(self.default_status if status is None else status)
            if media is not None and line is not None:
                if kind is str:
                    body = body.encode()
                length = len(body)
                self._headers = None
                self._written = [("Content-Type", media), _known_length(length) or length_pair(length)]
                self._status, self._status_code = line
                self.response = [body]
                self._on_close = []
                return

        if not isinstance(headers, WerkzeugHeaders):
            headers = Headers(headers)
        super().__init__(response, status, adopt(headers), mimetype, content_type, direct_passthrough)

    @property
    def headers(self) -> WerkzeugHeaders:  # pyright: ignore[reportIncompatibleVariableOverride]  # lazy here
        """The headers; what they hold is checked when it is set."""
        kept = self._headers
        if kept is not None:
            return kept

        written = self._written
        if written is not None:
            kept = self._headers = _new_headers(Headers)
            kept._list, kept.settled = written, len(written)
            self._written = None
        else:
            # Werkzeug's ``force_type`` gives a response of its own this class.
            kept = self.__dict__.pop("headers", None)
            kept = self._headers = Headers() if kept is None else kept

        return kept

    @headers.setter
    def headers(self, value: WerkzeugHeaders) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._headers = value
        self._written = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        # PERF: 0.4 µs against Werkzeug's 5.0, for one block of bytes whose
        # headers need no change.
        body = self.response
        headers = self.headers
        checked = type(headers) is Headers and self._sends_plainly
        if checked and type(body) is list and len(body) == 1 and not self._on_close:
            code = self._status_code
            if (
                code >= 200
                and code != 204
                and code != 304
                and type(body[0]) is bytes
                and environ["REQUEST_METHOD"] != "HEAD"
                and is_final(headers._list)
                and not self.autocorrect_location_header
            ):
                start_response(self._status, headers._list.copy())
                return body

        app_iter, status, items = self.get_wsgi_response(environ)
        # SECURITY: what did not go through our Headers is looked at here.
        start_response(status, items if checked else clean_headers(items))

        return app_iter

    def send(
        self, environ: dict[str, Any], start_response: Any, extra: tuple[tuple[str, str], ...]
    ) -> Iterable[bytes]:
        """Answer as a WSGI application, with headers added that are not set yet.

        PERF: one call and one look at the headers instead of two, 0.4 µs
        against the 1.0 of ``add_missing`` and ``__call__``.
        """
        body = self.response
        code = self._status_code
        if (
            type(body) is list
            and len(body) == 1
            and type(body[0]) is bytes
            and not self._on_close
            and (code == 200 or (code > 200 and code != 204 and code != 304))
        ):
            present = self._written
            if present is None and self._sends_plainly:
                headers = self._headers
                if type(headers) is Headers:
                    items = headers._list
                    if (
                        (extra is SECURITY_HEADERS and headers.settled == len(items))
                        or (not extra and headers.settled == -2 - len(items))
                        or (not self.autocorrect_location_header and can_join(items, extra))
                    ):
                        present = items
            if present is not None:
                start_response(self._status, [*present, *extra])
                return body if environ["REQUEST_METHOD"] != "HEAD" else []
        elif (
            type(self._headers) is Headers
            and self._sends_plainly
            and not isinstance(body, (list, tuple))
            and not hasattr(body, "__aiter__")
            and not self.direct_passthrough
            and environ["REQUEST_METHOD"] != "HEAD"
            and (code == 200 or (code > 200 and code != 204 and code != 304))
            and not self.autocorrect_location_header
            and can_join(self._headers._list, extra, is_stream=True)
        ):
            start_response(self._status, [*self._headers._list, *extra])
            return ClosingIterator(self.iter_encoded(), self.close)

        if extra:
            self.add_missing(extra)

        return self(environ, start_response)

    def start_asgi(self, extra: tuple[tuple[str, str], ...]) -> dict[str, Any] | None:
        """Return the ASGI message that starts this response, if ``send`` would take the short way.

        Then the body is ``self.response[0]``, but for HEAD.
        """
        body: Any = self.response
        code = self._status_code
        if (
            type(body) is not list
            or len(body) != 1
            or type(body[0]) is not bytes
            or self._on_close
            or (code != 200 and (code < 200 or code == 204 or code == 304))
        ):
            return None

        present = self._written
        if present is None:
            headers = self._headers
            if not self._sends_plainly or type(headers) is not Headers:
                return None
            present = headers._list
            if (
                not (extra is SECURITY_HEADERS and headers.settled == len(present))
                and not (not extra and headers.settled == -2 - len(present))
                and (self.autocorrect_location_header or not can_join(present, extra))
            ):
                return None
            return {"type": "http.response.start", "status": code, "headers": encode_with(present, extra)}

        return {"type": "http.response.start", "status": code, "headers": encode_written(present, extra)}

    def close(self) -> None:
        """Close the body, and call what ``call_on_close`` registered: all of it, also after an error.

        The last error is raised then, with those before it as its context.
        """
        with ExitStack() as stack:
            for function in reversed(self._on_close):
                stack.callback(function)
            close = getattr(self.response, "close", None)
            if close is not None:
                close()

    def get_wsgi_headers(self, environ: dict[str, Any]) -> WerkzeugHeaders:
        """Return the headers as they are sent; see Werkzeug's method."""
        try:
            return super().get_wsgi_headers(environ)
        except ValueError:
            # Werkzeug parses locations here, and fails at "http://["; and it
            # fails at values that went round our checks.
            self.headers[:] = clean_headers(self.headers)
            for name in ("Location", "Content-Location"):
                if name in self.headers:
                    self.headers[name] = mend_location(self.headers[name])

        return super().get_wsgi_headers(environ)

    @classmethod
    def force_type(cls, response: Any, environ: dict[str, Any] | None = None) -> Self:
        """Turn a response of another class, or a WSGI application, into one of this."""
        forced = super().force_type(response, environ)
        forced.headers = adopt(forced.headers)

        return cast(Self, forced)

    def add_missing(self, headers: Iterable[tuple[str, str]]) -> None:
        """Append those headers that are not set yet.

        Args:
            headers: Names and values, which must be safe to send; they are
                not checked again for every response.

        Example:
            >>> response = PlainResponse("", headers={"X-Frame-Options": "DENY"})
            >>> response.add_missing((("x-frame-options", "SAMEORIGIN"), ("X-More", "1")))
            >>> response.headers["X-Frame-Options"], response.headers["X-More"]
            ('DENY', '1')
        """
        kept = self.headers
        present = kept._list
        # PERF: 0.2 µs; headers as the constructor began them have none of these.
        if headers is SECURITY_HEADERS and type(kept) is Headers and kept.settled == len(present):
            present.extend(headers)
            kept.settled = -2 - len(present)
            return

        names = {name.lower() for name, _ in present}
        present.extend(pair for pair in headers if pair[0].lower() not in names)

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie; see Werkzeug's method for the arguments.

        Raises:
            ValueError: If the name is no RFC 6265 token, or domain or date are none;
                whoever chose it could set further cookies or attributes.
        """
        check_cookie_name(key)
        check_cookie_domain(domain)
        check_cookie_expires(expires)
        super().set_cookie(
            key,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )

    def _clean_status(self, value: str | int | HTTPStatus) -> tuple[str, int]:
        line, code = super()._clean_status(value)

        return check_value(line), code


def quick_reply(cls: Any, body: str | bytes, mimetype: str | None = None) -> Any:
    """Make what ``cls(body, mimetype=mimetype)`` makes, of any class of responses.

    PERF: the constructor's short way without what a call of a class costs, 0.2 µs.

    Example:
        >>> quick_reply(PlainResponse, "{}", "application/json").headers["Content-Type"]
        'application/json'
    """
    if cls.__init__ is _INIT and cls._is_plain and cls.automatically_set_content_length:
        media = _known_type(cls.default_mimetype if mimetype is None else mimetype)
        line = _known_line(cls.default_status)
        if media is not None and line is not None:
            block = body.encode() if type(body) is str else body
            length = len(block)
            response = _new_response(cls)
            response._headers = None
            response._written = [("Content-Type", media), _known_length(length) or length_pair(length)]
            response._status, response._status_code = line
            response.response = [block]
            response._on_close = []
            return response

    return cls(body) if mimetype is None else cls(body, mimetype=mimetype)


_INIT = PlainResponse.__init__
_new_response = cast("Any", PlainResponse.__new__)
