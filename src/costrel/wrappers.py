"""The request and the response: Werkzeug's classes, doing less and doing it later.

A request keeps the WSGI environment and works each thing out when it is first
asked for. A response of text or bytes builds its header list directly; all
else goes through Werkzeug's constructor. Which bodies, hosts, headers and
ranges are acceptable is decided in ``core``; this module only applies it.

350 lines, because Flask has both classes in the module of this name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import IO, Any, Self, TypeVar, cast

from werkzeug import wrappers as werkzeug_wrappers
from werkzeug.datastructures import (
    Accept,
    CharsetAccept,
    EnvironHeaders,
    FileStorage,
    IfRange,
    ImmutableMultiDict,
    LanguageAccept,
    MIMEAccept,
    MultiDict,
    Range,
)
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.exceptions import BadRequest, HTTPException, RequestedRangeNotSatisfiable
from werkzeug.formparser import FormDataParser
from werkzeug.http import (
    http_date,
    parse_accept_header,
    parse_if_range_header,
    parse_options_header,
    parse_range_header,
)
from werkzeug.routing import Rule

from costrel import json
from costrel._current import current
from costrel._missing import MISSING
from costrel.core import ranges
from costrel.core.body import open_body
from costrel.core.cookies import check_cookie_domain, check_cookie_name, read_cookies
from costrel.core.forms import FormParser, refuse_two_boundaries
from costrel.core.header_rules import Headers, adopt, check_value, clean_headers, is_plain_path, mend_location
from costrel.core.hosts import check_host
from costrel.core.lazy import lazy
from costrel.core.pairs import KEEP_INVALID, collect, read_pairs
from costrel.core.reply_parts import STATUS_LINES, content_type_of, plain_content_type

__all__ = ["Request", "Response"]

A = TypeVar("A", bound=Accept)

MAX_ACCEPT_MEMBERS = 100
_MAX_KEPT = 256
# Content types that clients sent, parsed. Bounded, because clients choose them.
_content_types: dict[str, tuple[str, dict[str, str]]] = {}


def _config(key: str, fallback: Any) -> Any:
    ctx = current.get(None)

    return fallback if ctx is None else ctx.app.config.get(key, fallback)


class _Limit:
    """A limit that a request may set for itself; else the configuration has it."""

    def __init__(self, key: str, fallback: int | None, meaning: str) -> None:
        self.key = key
        self.fallback = fallback
        self.__doc__ = (
            f"{meaning} More is refused with 413.\n\n"
            f"The configuration has it as ``{key}``; a view may set another one for its request before it"
            " reads the body. ``None`` means that there is no limit."
        )

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = f"_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self

        value = instance.__dict__.get(self.slot, MISSING)
        return _config(self.key, self.fallback) if value is MISSING else value

    def __set__(self, instance: Any, value: int | None) -> None:
        instance.__dict__[self.slot] = value


class Request(werkzeug_wrappers.Request):
    """The request of a view: Werkzeug's, with what routing found out.

    To use another class, set ``app.request_class`` to a subclass.

    Args:
        environ: The WSGI environment.
        populate_request: Store the request as ``environ["werkzeug.request"]``.
        shallow: Refuse to read the body, for code in front of the application.
    """

    json_module: Any = json
    form_data_parser_class: type[FormDataParser] = FormParser
    shallow: bool = False

    url_rule: Rule | None = None
    """The rule that matched; its ``methods`` are those the URL takes."""

    view_args: dict[str, Any] | None = None
    """The view's arguments from the URL; ``None`` if nothing matched."""

    routing_exception: HTTPException | None = None
    """What will be raised because the URL did not match."""

    max_content_length: int | None = cast(
        "int | None", _Limit("MAX_CONTENT_LENGTH", None, "The longest body, in bytes.")
    )
    max_form_memory_size: int | None = cast(
        "int | None",
        _Limit("MAX_FORM_MEMORY_SIZE", 500_000, "The longest form field that is no file, in bytes."),
    )
    max_form_total_memory_size: int | None = cast(
        "int | None",
        _Limit("MAX_FORM_TOTAL_MEMORY_SIZE", 2_500_000, "All form fields that are no files, in bytes."),
    )
    max_form_parts: int | None = cast(  # type: ignore[assignment]  # Werkzeug infers int
        "int | None", _Limit("MAX_FORM_PARTS", 1_000, "The most fields and files in a form.")
    )

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        # PERF: Werkzeug's constructor computes eight attributes, 1.6 µs; each
        # is computed below when it is asked for.
        self.environ = environ
        if shallow:
            self.shallow = True
        elif populate_request:
            environ["werkzeug.request"] = self

    # What Werkzeug's constructor sets.

    @lazy
    def method(self) -> str:
        """The method in upper case, such as ``"GET"``."""
        method: str = self.environ.get("REQUEST_METHOD", "GET")
        return method.upper()

    @lazy
    def scheme(self) -> str:
        """``"http"`` or ``"https"``."""
        return cast(str, self.environ.get("wsgi.url_scheme", "http"))

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        """The server's address; without a port for a Unix socket."""
        name = self.environ.get("SERVER_NAME")
        if name is None:
            return None

        try:
            return name, int(self.environ.get("SERVER_PORT", ""))
        except (TypeError, ValueError):
            return name, None

    @lazy
    def root_path(self) -> str:
        """The prefix the application is mounted under, without a slash at its end."""
        return _decoded(self.environ.get("SCRIPT_NAME")).rstrip("/")

    @lazy
    def path(self) -> str:
        """The path after ``root_path``, decoded, with one slash at its start."""
        return "/" + _decoded(self.environ.get("PATH_INFO")).lstrip("/")

    @lazy
    def query_string(self) -> bytes:
        """What follows the ``?``, as it was sent."""
        text: str = self.environ.get("QUERY_STRING", "")
        return text.encode("latin1")

    @lazy
    def headers(self) -> EnvironHeaders:
        """The request's headers."""
        return EnvironHeaders(self.environ)

    @lazy
    def remote_addr(self) -> str | None:
        """The address of the client, or of the last proxy before the server."""
        return cast("str | None", self.environ.get("REMOTE_ADDR"))

    # What routing found out.

    @property
    def endpoint(self) -> str | None:
        """The endpoint that matched; ``None`` before and without a match."""
        rule = self.url_rule

        return None if rule is None else rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The name the endpoint's blueprint is registered under, if it has one."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None

        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """The blueprint's name and those it is nested in, innermost first.

        Example:
            >>> request = Request({})
            >>> request.url_rule = Rule("/", endpoint="admin.users.edit")
            >>> request.blueprints
            ['admin.users', 'admin']
        """
        name = self.blueprint or ""
        names = []
        while name:
            names.append(name)
            name = name.rpartition(".")[0]

        return names

    # Parsed parts.

    @lazy
    def args(self) -> MultiDict[str, str]:
        """The query string's parameters; bytes that are no UTF-8 stay encoded."""
        text = self.query_string.decode("utf-8", KEEP_INVALID)

        return collect(read_pairs(text), self.parameter_storage_class)

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies the client sent."""
        header = self.environ.get("HTTP_COOKIE")
        pairs = read_cookies(header) if header else []

        return cast("ImmutableMultiDict[str, str]", collect(pairs, self.dict_storage_class))

    @lazy
    def trusted_hosts(self) -> list[str] | None:  # type: ignore[override]  # lazy() returns its type
        """Hosts to answer to, by default those of ``TRUSTED_HOSTS``."""
        return cast("list[str] | None", _config("TRUSTED_HOSTS", None))

    @lazy
    def host(self) -> str:
        """The host the request was made to, with its port if that is unusual.

        Raises:
            SecurityError: If it is malformed or not trusted; an HTTP 400.
        """
        return check_host(self.environ, self.trusted_hosts)

    def _parse_content_type(self) -> None:
        if "_parsed_content_type" in self.__dict__:
            return

        text = self.environ.get("CONTENT_TYPE") or ""
        parsed = _content_types.get(text)
        if parsed is None:
            parsed = parse_options_header(text)
            # Parameters are a dict that the application may change.
            if not parsed[1] and len(_content_types) < _MAX_KEPT:
                _content_types[text] = parsed
        self._parsed_content_type = parsed[0], dict(parsed[1])

    def _read_accept(self, key: str, kind: type[A]) -> A:
        text = self.environ.get(key)
        # Choosing among n members for m offers takes n times m steps.
        if text is not None and text.count(",") >= MAX_ACCEPT_MEMBERS:
            text = ",".join(text.split(",", MAX_ACCEPT_MEMBERS)[:MAX_ACCEPT_MEMBERS])

        return parse_accept_header(text, kind)

    @lazy
    def accept_mimetypes(self) -> MIMEAccept:
        """The mimetypes the client accepts, up to 100 of them."""
        return self._read_accept("HTTP_ACCEPT", MIMEAccept)

    @lazy
    def accept_charsets(self) -> CharsetAccept:
        """The charsets the client accepts."""
        return self._read_accept("HTTP_ACCEPT_CHARSET", CharsetAccept)

    @lazy
    def accept_encodings(self) -> Accept:
        """The content encodings the client accepts."""
        return self._read_accept("HTTP_ACCEPT_ENCODING", Accept)

    @lazy
    def accept_languages(self) -> LanguageAccept:
        """The languages the client accepts."""
        return self._read_accept("HTTP_ACCEPT_LANGUAGE", LanguageAccept)

    @lazy
    def date(self) -> datetime | None:
        """The ``Date`` header; ``None`` if it is no date."""
        return ranges.read_date(self.environ.get("HTTP_DATE"))

    @lazy
    def if_modified_since(self) -> datetime | None:
        """The ``If-Modified-Since`` header; ``None`` if it is no date."""
        return ranges.read_date(self.environ.get("HTTP_IF_MODIFIED_SINCE"))

    @lazy
    def if_unmodified_since(self) -> datetime | None:
        """The ``If-Unmodified-Since`` header; ``None`` if it is no date."""
        return ranges.read_date(self.environ.get("HTTP_IF_UNMODIFIED_SINCE"))

    @lazy
    def if_range(self) -> IfRange:
        """The ``If-Range`` header."""
        try:
            return parse_if_range_header(self.environ.get("HTTP_IF_RANGE"))
        except (OverflowError, IndexError):
            return IfRange()

    @lazy
    def range(self) -> Range | None:
        """The ``Range`` header; ``None`` if it is malformed or has more than 16 ranges."""
        text = self.environ.get("HTTP_RANGE")
        if text is None or text.count(",") >= ranges.MAX_RANGES:
            return None

        return parse_range_header(text)

    # The body.

    @lazy
    def stream(self) -> IO[bytes]:
        """The body as a stream that can be read once, within its limits.

        Raises:
            RequestEntityTooLarge: If the body is longer than allowed, here or
                while reading; it is never cut short instead.
        """
        if self.shallow:
            raise RuntimeError("a request made with shallow=True cannot read from the input stream")

        return cast("IO[bytes]", open_body(self.environ, self.max_content_length))

    @lazy
    def form(self) -> ImmutableMultiDict[str, str]:
        """The fields of the submitted form."""
        self._load_form_data()

        return cast("ImmutableMultiDict[str, str]", self.__dict__["form"])

    @lazy
    def files(self) -> ImmutableMultiDict[str, FileStorage]:
        """The files of the submitted form."""
        self._load_form_data()

        return cast("ImmutableMultiDict[str, FileStorage]", self.__dict__["files"])

    def make_form_data_parser(self) -> FormDataParser:
        """Create the form's parser with this request's limits."""
        parser = super().make_form_data_parser()
        if isinstance(parser, FormParser):
            parser.max_total_bytes = self.max_form_total_memory_size

        return parser

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return

        mimetype = self.mimetype
        if mimetype == "multipart/form-data":
            refuse_two_boundaries(self.environ["CONTENT_TYPE"])
        super()._load_form_data()
        if mimetype != "multipart/form-data" and _is_debug() and not self.files:
            # Imported here for cost: only debug mode explains.
            from costrel.debughelpers import attach_enctype_error_multidict

            attach_enctype_error_multidict(self)

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body as JSON.

        Args:
            force: Do so whatever the content type. A page of another site can
                then send the body in a plain form, without the browser asking.
            silent: Return ``None`` for another content type or malformed JSON.
            cache: Keep the result for later calls.

        Raises:
            UnsupportedMediaType: If the content type is not that of JSON.
            BadRequest: If the body is no JSON, or nested too deeply.
        """
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            if silent:
                return None
            return self.on_json_loading_failed(ValueError("the document is nested too deeply"))

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Answer for a body that is no JSON; override it to do otherwise.

        Only in debug mode does the answer say what was wrong.

        Args:
            e: The decoder's error, ``None`` if the content type is not JSON's.
        """
        if e is None or _is_debug():
            return super().on_json_loading_failed(e)

        raise BadRequest() from e


def _is_debug() -> bool:
    ctx = current.get(None)

    return ctx is not None and bool(ctx.app.debug)


def _decoded(text: str | None) -> str:
    """Undo the way in which WSGI carries bytes as text (PEP 3333)."""
    if not text or text.isascii():
        return text or ""

    return text.encode("latin1").decode("utf-8", "replace")


# What a subclass must not replace for the short paths to give its result.
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
# Headers that the exit need not look at, as views write them.
_INERT = frozenset(
    {
        "Access-Control-Allow-Origin",
        "Cache-Control",
        "Content-Disposition",
        "Content-Security-Policy",
        "Content-Type",
        "Cross-Origin-Opener-Policy",
        "Date",
        "ETag",
        "Referrer-Policy",
        "Set-Cookie",
        "Strict-Transport-Security",
        "Vary",
        "X-Content-Type-Options",
        "X-Frame-Options",
    }
)


class Response(werkzeug_wrappers.Response):
    """The response of a view: Werkzeug's, of type ``text/html`` by default.

    To use another class, set ``app.response_class`` to a subclass.
    """

    default_mimetype: str | None = "text/html"
    json_module: Any = json
    autocorrect_location_header = False
    direct_passthrough: bool = False

    _builds_plainly = True
    _sends_plainly = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._builds_plainly = _keeps(cls, _BUILDING)
        cls._sends_plainly = _keeps(cls, _SENDING)

    def __init__(
        self,
        response: Iterable[bytes] | bytes | Iterable[str] | str | None = None,
        status: int | str | HTTPStatus | None = None,
        headers: Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str]] | None = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        # PERF: 0.8 µs for text or bytes, against Werkzeug's 3.0. The result is
        # the same; tests compare the two for every combination.
        if headers is None and not direct_passthrough and self._builds_plainly:
            kind = type(response)
            if (kind is str or kind is bytes) and self.automatically_set_content_length:
                if content_type is None:
                    media = content_type_of(self.default_mimetype if mimetype is None else mimetype)  # type: ignore[arg-type]  # None gives None
                else:
                    media = plain_content_type(content_type)
                line = STATUS_LINES.get(self.default_status if status is None else status)
                if media is not None and line is not None:
                    body = response.encode() if kind is str else response  # type: ignore[union-attr]  # see kind
                    self.headers = kept = _new_headers(Headers)
                    kept._list = [("Content-Type", media), ("Content-Length", str(len(body)))]  # type: ignore[arg-type]
                    self._status, self._status_code = line
                    self.response = [body]  # type: ignore[list-item]
                    self._on_close = []
                    return

        if not isinstance(headers, WerkzeugHeaders):
            headers = Headers(headers)  # type: ignore[arg-type]  # Werkzeug's own argument
        super().__init__(response, status, adopt(headers), mimetype, content_type, direct_passthrough)

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
                and _is_final(headers._list)
                and not self.autocorrect_location_header
            ):
                start_response(self._status, headers._list.copy())
                return body

        app_iter, status, items = self.get_wsgi_response(environ)
        # SECURITY: what did not go through our Headers is looked at here.
        start_response(status, items if checked else clean_headers(items))

        return app_iter

    def get_wsgi_headers(self, environ: dict[str, Any]) -> WerkzeugHeaders:
        """Return the headers as they are sent; see Werkzeug's method."""
        try:
            return super().get_wsgi_headers(environ)
        except ValueError:
            # Werkzeug parses locations here, and fails at "http://[".
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
            >>> response = Response("", headers={"X-Frame-Options": "DENY"})
            >>> response.add_missing((("x-frame-options", "SAMEORIGIN"), ("X-More", "1")))
            >>> response.headers["X-Frame-Options"], response.headers["X-More"]
            ('DENY', '1')
        """
        present = self.headers._list
        # PERF: 0.2 µs; what the constructor built holds these two only.
        if len(present) == 2 and present[0][0] == "Content-Type" and present[1][0] == "Content-Length":
            present.extend(headers)
            return

        names = {name.lower() for name, _ in present}
        present.extend(pair for pair in headers if pair[0].lower() not in names)

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # Werkzeug has a plain attribute
        """A longer cookie header gives a warning; ``MAX_COOKIE_SIZE`` of the configuration."""
        return cast(int, _config("MAX_COOKIE_SIZE", 4_093))

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
            ValueError: If the name is no RFC 6265 token or the domain no name;
                whoever chose it could set further cookies or attributes.
        """
        check_cookie_name(key)
        check_cookie_domain(domain)
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

    # Conditional and range requests.

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

        self.headers.setdefault("Date", http_date())
        decision = ranges.decide(environ, self._validators()) if 200 <= self.status_code < 300 else 200
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

        self.accept_ranges = "bytes" if accept_ranges is True else accept_ranges
        text = environ.get("HTTP_RANGE")
        # 14.2: Range is defined for GET only.
        if text is None or not complete_length or environ["REQUEST_METHOD"] != "GET":
            return False
        if self.accept_ranges != "bytes" or not ranges.if_range_holds(
            environ.get("HTTP_IF_RANGE"), self._validators()
        ):
            return False

        try:
            span = ranges.pick_range(text, complete_length)
        except ranges.Unsatisfiable:
            raise RequestedRangeNotSatisfiable(complete_length) from None
        if span is None:
            return False

        start, end = span
        self.content_length = end - start
        self.content_range = f"bytes {start}-{end - 1}/{complete_length}"  # type: ignore[assignment]  # its setter takes text
        self.status_code = 206
        self._wrap_range_response(start, end - start)

        return True


_new_headers = cast("Any", Headers.__new__)


def _keeps(cls: type, names: Iterable[str]) -> bool:
    """Tell whether a subclass left these attributes as they are here."""
    return all(getattr(cls, name, None) is getattr(Response, name, None) for name in names)


def _is_final(headers: list[tuple[str, str]]) -> bool:
    """Tell whether Werkzeug's exit would send these headers unchanged."""
    has_length = False
    for name, value in headers:
        if name in _INERT:
            continue
        if name == "Content-Length":
            has_length = True
            continue
        lower = name.lower()
        if lower == "content-length":
            has_length = True
        elif lower in ("location", "content-location") and not is_plain_path(value):
            return False

    return has_length
