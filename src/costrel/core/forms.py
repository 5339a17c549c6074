"""Parse form bodies within one set of limits, urlencoded and multipart alike.

Knows no request and no configuration.
"""

from __future__ import annotations

from typing import IO

from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from costrel.core.form_limits import FormLimits
from costrel.core.pairs import collect, read_pairs

__all__ = ["FormParser", "load_urlencoded", "read_urlencoded"]


def read_urlencoded(body: bytes, limits: FormLimits) -> list[tuple[str, str]]:
    """Split an urlencoded body into names and values.

    Raises:
        RequestEntityTooLarge: If it goes beyond a limit.
        UnicodeDecodeError: If the body is not UTF-8.

    Example:
        >>> read_urlencoded(b"name=Ada&age=36", FormLimits(max_parts=2))
        [('name', 'Ada'), ('age', '36')]
    """
    if limits.max_total_bytes is not None and len(body) > limits.max_total_bytes:
        raise RequestEntityTooLarge()
    if limits.max_parts is not None and _count_fields(body, limits.max_parts) > limits.max_parts:
        raise RequestEntityTooLarge()

    pairs = read_pairs(body.decode())
    if limits.max_field_bytes is not None and len(body) > limits.max_field_bytes:
        longest = max((len(value.encode("utf-8", "surrogatepass")) for _, value in pairs), default=0)
        if longest > limits.max_field_bytes:
            raise RequestEntityTooLarge()

    return pairs


def _count_fields(body: bytes, enough: int) -> int:
    """Count the fields, exactly only if there may be more than enough."""
    most = body.count(b"&") + 1
    if most <= enough:
        return most

    # Empty items between two "&" are no fields.
    return sum(1 for item in body.split(b"&") if item)


def load_urlencoded(stream: IO[bytes], limits: FormLimits, declared: int | None) -> list[tuple[str, str]]:
    """Read a stream, already limited, and split what it holds as ``read_urlencoded`` does.

    Args:
        stream: The body.
        limits: What the form may take.
        declared: The body's length from its header, if it has one.
    """
    body = _read_at_most(stream, limits.max_total_bytes, declared)
    try:
        return read_urlencoded(body, limits)
    except UnicodeDecodeError:
        # As Werkzeug: text that cannot be read is an empty form.
        return []


class FormParser(FormDataParser):
    """Werkzeug's form parser with one set of limits for both kinds of form.

    A malformed multipart body is refused with 400, where Werkzeug's parser
    returns an empty form; a form cut short by the network must not look like
    one that was left empty.
    """

    max_total_bytes: int | None = None

    def _limits(self) -> FormLimits:
        return FormLimits(self.max_form_parts, self.max_form_memory_size, self.max_total_bytes)

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Parse a stream that is already limited; see Werkzeug's method."""
        storage = self.cls or ImmutableMultiDict  # no class is named from Werkzeug 3.2 on
        if mimetype == "application/x-www-form-urlencoded":
            pairs = load_urlencoded(stream, self._limits(), content_length)
            return stream, collect(pairs, storage), storage()
        if mimetype == "multipart/form-data":
            from costrel.core.multipart import MultipartReader  # for cost: 0.5 ms, only uploads need it

            parser = MultipartReader(self._limits(), storage=storage, stream_factory=self.stream_factory)
            boundary = (options or {}).get("boundary", "")
            form, files = parser.parse(stream, boundary.encode("utf-8", "surrogatepass"), content_length)
            return stream, form, files

        return stream, storage(), storage()


def _read_at_most(stream: IO[bytes], limit: int | None, declared: int | None) -> bytes:
    if limit is None or (declared is not None and declared <= limit):
        return stream.read()
    if declared is not None:
        raise RequestEntityTooLarge()

    body = b""
    while part := stream.read(limit + 1 - len(body)):
        body += part
        if len(body) > limit:
            raise RequestEntityTooLarge()

    return body
