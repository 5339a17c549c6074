"""Werkzeug's response, answering conditional and range requests by RFC 9110.

The decisions are those of ``core/ranges.py``; this applies them. Knows no
application.
"""

from __future__ import annotations

from typing import Any, Self

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response as WerkzeugResponse

from costrel.core import ranges
from costrel.core.http_time import http_now

__all__ = ["ConditionalResponse"]


class ConditionalResponse(WerkzeugResponse):
    """A Werkzeug response with preconditions evaluated in the RFC's order.

    Werkzeug looks at the range first, takes ranges for HEAD, does not know
    ``If-Unmodified-Since``, and lets a weak ``If-Range`` pass.
    """

    def make_conditional(
        self,
        request_or_environ: Any,
        accept_ranges: bool | str = False,
        complete_length: int | None = None,
    ) -> Self:
        """Answer 304, 412 or a part of the body if the request asks for it.

        Follows RFC 9110 13.2.2. Only GET and HEAD are looked at, and only GET
        for ranges. Set the ``ETag`` or ``Last-Modified`` header before.

        Args:
            request_or_environ: The request or its WSGI environment.
            accept_ranges: Offer ranges; ``True`` stands for ``"bytes"``.
            complete_length: The body's length; without it there are no ranges.

        Raises:
            RequestedRangeNotSatisfiable: If no byte of the body was asked for.
        """
        environ: dict[str, Any] = getattr(request_or_environ, "environ", request_or_environ)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self

        headers = self.headers
        if "Date" not in headers:
            headers["Date"] = http_now()
        if accept_ranges:
            unit = "bytes" if accept_ranges is True else accept_ranges
            if headers.get("Accept-Ranges") != unit:
                headers["Accept-Ranges"] = unit
        decision = 200
        # PERF: dates are parsed only where somebody asks for them, 3 µs each.
        if 200 <= self.status_code < 300 and not ranges.CONDITIONS.isdisjoint(environ):
            decision = ranges.decide(environ, self._validators())
        if decision == 304:
            self.status_code = 304
        elif decision == 412:
            self._refuse_precondition()
        elif self.status_code == 200:
            self._process_range_request(environ, complete_length, accept_ranges)
        if self.automatically_set_content_length and "Content-Length" not in self.headers:
            length = self.calculate_content_length()
            if length is not None:
                self.headers["Content-Length"] = str(length)

        return self

    def _validators(self) -> ranges.Validators:
        get = self.headers.get

        return ranges.Validators(
            get("ETag"), ranges.read_date(get("Last-Modified")), ranges.read_date(get("Date"))
        )

    def _refuse_precondition(self) -> None:
        close = getattr(self.response, "close", None)
        if close is not None:
            self.call_on_close(close)
        self.direct_passthrough = False
        self.status_code = 412
        self.set_data(b"")

    def _process_range_request(
        self, environ: dict[str, Any], complete_length: int | None, accept_ranges: bool | str
    ) -> bool:
        if not accept_ranges:
            return False

        text = environ.get("HTTP_RANGE")
        # 14.2: Range is defined for GET only.
        if text is None or not complete_length or environ["REQUEST_METHOD"] != "GET":
            return False
        if self.accept_ranges != "bytes":
            return False
        if "HTTP_IF_RANGE" in environ and not ranges.if_range_holds(
            environ["HTTP_IF_RANGE"], self._validators()
        ):
            return False

        try:
            span = ranges.pick_range(text, complete_length)
        except ranges.Unsatisfiable:
            raise RequestedRangeNotSatisfiable(complete_length) from None
        if span is None:
            return False

        start, end = span
        self.headers["Content-Length"] = str(end - start)
        self.headers["Content-Range"] = f"bytes {start}-{end - 1}/{complete_length}"
        self.status_code = 206
        body = self.response
        if type(body) is list and len(body) == 1 and type(body[0]) is bytes:
            self.response = [body[0][start:end]]
        else:
            self._wrap_range_response(start, end - start)

        return True
