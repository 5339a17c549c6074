"""Werkzeug's request, worked out attribute by attribute when first asked for.

Knows HTTP and WSGI; no application, no configuration and no routing.
"""

# Attributes take the place of Werkzeug's properties, which pyright does not
# allow and mypy does; a test compares all of them with Werkzeug's.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from werkzeug.datastructures import (
    Accept,
    Authorization,
    FileStorage,
    Headers,
    IfRange,
    ImmutableMultiDict,
    LanguageAccept,
    MIMEAccept,
    MultiDict,
    Range,
)
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.sansio.utils import get_content_length
from werkzeug.wrappers import Request as WerkzeugRequest

from costrel.core import ranges
from costrel.core.body import Body, open_body, read_content_length
from costrel.core.cookies import read_cookies
from costrel.core.current_url import current_url
from costrel.core.form_limits import FormLimits
from costrel.core.forms import FormParser, load_urlencoded
from costrel.core.hosts import check_host
from costrel.core.inheritance import keeps
from costrel.core.lazy import lazy
from costrel.core.pairs import KEEP_INVALID, collect, read_pairs
from costrel.core.request_headers import request_headers
from costrel.core.werkzeug_names import read_accept, read_if_range, read_range

if TYPE_CHECKING:
    from werkzeug.datastructures import CharsetAccept

__all__ = ["LazyRequest"]

A = TypeVar("A", bound=Accept)

MAX_ACCEPT_MEMBERS = 100
_MAX_KEPT = 256
# Content types, and what is accepted, as clients sent them, parsed. Bounded, because clients choose them.
_content_types: dict[str, tuple[str, dict[str, str]]] = {}
_accepted: dict[tuple[type[Accept], str], Accept] = {}

# What a subclass must not replace for the short way to parse a form.
_PARSING = ("form_data_parser_class", "make_form_data_parser", "want_form_data_parsed")


class LazyRequest(WerkzeugRequest):
    """A Werkzeug request that computes nothing until it is asked.

    Args:
        environ: The WSGI environment.
        populate_request: Store the request as ``environ["werkzeug.request"]``.
        shallow: Refuse to read the body, for code in front of the application.
    """

    form_data_parser_class: type[FormDataParser] = FormParser
    shallow: bool = False

    max_form_total_memory_size: int | None = 2_500_000
    """All form fields that are no files, in bytes."""

    _parses_plainly = True
    _may_hold_files = False
    """Whether there is something for ``close`` to close."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._parses_plainly = keeps(cls, LazyRequest, _PARSING)

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

    headers: Headers = request_headers

    @lazy
    def remote_addr(self) -> str | None:
        """The address of the client, or of the last proxy before the server."""
        return cast("str | None", self.environ.get("REMOTE_ADDR"))

    @lazy
    def args(self) -> MultiDict[str, str]:
        """The query string's parameters; bytes that are no UTF-8 stay encoded."""
        text = self.query_string.decode("utf-8", KEEP_INVALID)

        return collect(read_pairs(text), self.parameter_storage_class)

    @lazy
    def full_path(self) -> str:
        """The path and the query string, whose bytes that are no UTF-8 stay encoded."""
        return f"{self.path}?{self.query_string.decode('utf-8', KEEP_INVALID)}"

    @lazy
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies the client sent."""
        header = self.environ.get("HTTP_COOKIE")
        pairs = read_cookies(header) if header else []

        return cast("ImmutableMultiDict[str, str]", collect(pairs, self.dict_storage_class))

    @lazy
    def host(self) -> str:
        """The host the request was made to, with its port if that is unusual.

        Raises:
            SecurityError: If it is malformed or not trusted; an HTTP 400.
        """
        return check_host(self.environ, self.trusted_hosts)

    @lazy
    def url(self) -> str:
        """The whole URL of the request."""
        return current_url(self.scheme, self.host, self.root_path, self.path, self.query_string)

    @lazy
    def base_url(self) -> str:
        """The URL without the query."""
        return current_url(self.scheme, self.host, self.root_path, self.path)

    @lazy
    def root_url(self) -> str:
        """The URL of the application's root."""
        return current_url(self.scheme, self.host, self.root_path)

    @lazy
    def host_url(self) -> str:
        """Scheme and host, with a slash."""
        return current_url(self.scheme, self.host)

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
        if text is None or len(text) > _MAX_KEPT:
            return read_accept(text, kind)

        # PERF: browsers of one kind all send the same, which takes 16 µs to parse; the result is immutable.
        found = _accepted.get((kind, text))
        if found is None:
            if len(_accepted) >= _MAX_KEPT:
                _accepted.clear()
            found = _accepted[kind, text] = read_accept(text, kind)

        return cast(A, found)

    @lazy
    def accept_mimetypes(self) -> MIMEAccept:
        """The mimetypes the client accepts, up to 100 of them."""
        return self._read_accept("HTTP_ACCEPT", MIMEAccept)

    @lazy
    def accept_charsets(self) -> CharsetAccept:
        """The charsets the client accepts."""
        from werkzeug.datastructures import CharsetAccept  # here: Werkzeug 3.2 warns of its use

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
    def authorization(self) -> Authorization | None:
        """The ``Authorization`` header; ``None`` if it is malformed."""
        try:
            return Authorization.from_header(self.environ.get("HTTP_AUTHORIZATION"))
        except ValueError:  # "Basic" and what is no ASCII
            return None

    @lazy
    def if_range(self) -> IfRange:
        """The ``If-Range`` header."""
        try:
            return read_if_range(self.environ.get("HTTP_IF_RANGE"))
        except (OverflowError, IndexError):
            return IfRange()

    @lazy
    def range(self) -> Range | None:
        """The ``Range`` header; ``None`` if it is malformed or has more than 16 ranges."""
        text = self.environ.get("HTTP_RANGE")
        if text is None or text.count(",") >= ranges.MAX_RANGES:
            return None

        return read_range(text)

    # The body.

    @lazy
    def stream(self) -> Body:  # type: ignore[override]  # a stream, but for typing no IO[bytes]
        """The body as a stream that can be read once, within its limits.

        It has ``read`` and ``aread``, ``for`` gives lines, ``async for``
        pieces as they come.

        Raises:
            RequestEntityTooLarge: If the body is longer than allowed, here or
                while reading; it is never cut short instead.
        """
        if self.shallow:
            raise RuntimeError("a request made with shallow=True cannot read from the input stream")

        return open_body(self.environ, self.max_content_length)

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

    @lazy
    def content_length(self) -> int | None:
        """The body's declared length; ``None`` if it is chunked, 0 if it is no number."""
        return get_content_length(
            self.environ.get("CONTENT_LENGTH"), self.environ.get("HTTP_TRANSFER_ENCODING")
        )

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
        if mimetype == "application/x-www-form-urlencoded" and self._parses_plainly:
            self._load_urlencoded()
        else:
            if mimetype == "multipart/form-data":
                from costrel.core.multipart import refuse_two_boundaries  # for cost: 0.5 ms, only uploads

                refuse_two_boundaries(self.environ["CONTENT_TYPE"])
            self._may_hold_files = True
            super()._load_form_data()

    def _load_urlencoded(self) -> None:
        # PERF: what the parser does for this type, without making one. Request
        # and form of ten fields take 16 µs, with Werkzeug's classes 34.
        stream = self._get_stream_for_parsing()
        limits = FormLimits(self.max_form_parts, self.max_form_memory_size, self.max_form_total_memory_size)
        declared = stream.declared_length if isinstance(stream, Body) else read_content_length(self.environ)
        pairs = load_urlencoded(stream, limits, declared)
        storage = self.parameter_storage_class
        # All at once: none of them is there if reading fails.
        self.__dict__.update(stream=stream, form=collect(pairs, storage), files=collect([], storage))


def _decoded(text: str | None) -> str:
    """Undo the way in which WSGI carries bytes as text (PEP 3333)."""
    if not text or text.isascii():
        return text or ""

    return text.encode("latin1").decode("utf-8", "replace")
