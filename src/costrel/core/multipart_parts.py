"""Read a multipart body part by part, as it comes, without a temporary file. Knows no request.

Written once as generators: each yields when it needs more of the body, and is
sent it; what runs them reads, or awaits. The parsing is that of Werkzeug's
decoder, the limits are those of forms (``core/multipart.py``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Protocol, TypeVar

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    NeedData,
    Preamble,
    State,
)

from costrel.core.form_limits import FormLimits
from costrel.core.multipart import MAX_PART_HEADER_BYTES, check_headers, usable_boundary
from costrel.core.multipart_decoder import Decoder

__all__ = ["Part", "Parts"]

T = TypeVar("T")
# Yields for more of the body, is sent it, returns the result.
_Reading = Generator[None, bytes, T]

_READ_BYTES = 65_536


class ReadableBody(Protocol):
    """What is read from."""

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes."""
        ...

    async def aread(self, size: int, /) -> bytes:
        """Do so without blocking the event loop."""
        ...


class Part:
    """One part of a multipart body: a field, or a file if it has a ``filename``.

    Iterate over it for its data, with ``for`` or ``async for``; what was not
    read when the next part is asked for is skipped.
    """

    def __init__(self, parts: Parts, event: Field | File) -> None:
        self.name: str = event.name
        """The name of the form's field."""
        self.filename: str | None = event.filename if isinstance(event, File) else None
        """The client's name for the file. SECURITY: no path to write to; ``secure_filename`` cleans it."""
        self.headers: Headers = event.headers
        self._parts = parts
        self._bytes = 0
        self._has_ended = False

    def __repr__(self) -> str:
        return f"<Part {self.name!r}{f' of file {self.filename!r}' if self.filename is not None else ''}>"

    @property
    def content_type(self) -> str | None:
        """The part's ``Content-Type``, as the client chose it."""
        return self.headers.get("Content-Type")

    def read(self, max_bytes: int | None = None) -> bytes:
        """Read all that is left of the part.

        Args:
            max_bytes: The most to accept; ``None`` leaves a file to the limit
                of the whole body. A field has its own limit besides.

        Raises:
            RequestEntityTooLarge: If there is more.
        """
        return self._parts._run(self._parts._rest_of(self, max_bytes))

    async def aread(self, max_bytes: int | None = None) -> bytes:
        """Do as ``read`` on an event loop."""
        return await self._parts._arun(self._parts._rest_of(self, max_bytes))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = self._parts._run(self._parts._data_of(self))
        if not data:
            raise StopIteration

        return data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data = await self._parts._arun(self._parts._data_of(self))
        if not data:
            raise StopAsyncIteration

        return data


class Parts:
    """Iterate over the parts of a body, with ``for`` or ``async for``.

    Args:
        body: The body, within its own limits.
        boundary: What parts it, from the content type.
        limits: What the parts may take, as in a form.

    Raises:
        BadRequest: If the boundary is none, here; if the body is malformed, later.
        RequestEntityTooLarge: Later, if a limit is passed.

    Example:
        >>> from werkzeug.test import EnvironBuilder
        >>> from costrel import Request
        >>> form = {"title": "Holiday"}
        >>> builder = EnvironBuilder(method="POST", data=form, content_type="multipart/form-data")
        >>> [(part.name, part.read()) for part in Request(builder.get_environ()).parts()]
        [('title', b'Holiday')]
    """

    def __init__(self, body: ReadableBody, boundary: bytes, limits: FormLimits) -> None:
        if not usable_boundary(boundary):
            raise BadRequest("The multipart form is malformed: its content type names no usable boundary.")

        self._body = body
        self._limits = limits
        self._decoder = Decoder(boundary, max_parts=limits.max_parts)
        self._current: Part | None = None
        self._field_bytes = 0
        self._has_ended = False
        self._has_begun = False
        self._is_running = False

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        part = self._run(self._next_part())
        if part is None:
            raise StopIteration

        return part

    def __aiter__(self) -> AsyncIterator[Part]:
        return self

    async def __anext__(self) -> Part:
        part = await self._arun(self._next_part())
        if part is None:
            raise StopAsyncIteration

        return part

    # The drivers.

    def _run(self, reading: _Reading[T]) -> T:
        self._begin()
        try:
            next(reading)
            while True:
                reading.send(self._body.read(_READ_BYTES))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # StopIteration is not generic
        finally:
            self._is_running = False

    async def _arun(self, reading: _Reading[T]) -> T:
        self._begin()
        try:
            next(reading)
            while True:
                reading.send(await self._body.aread(_READ_BYTES))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # as above
        finally:
            self._is_running = False

    def _begin(self) -> None:
        if self._is_running:
            raise RuntimeError("another task is reading the parts of this body already")
        self._is_running = True

    # What they run.

    def _next_part(self) -> _Reading[Part | None]:
        current = self._current
        while current is not None and not current._has_ended:
            yield from self._data_of(current)
        self._current = None

        while not self._has_ended:
            event = yield from self._next_event()
            if isinstance(event, Epilogue):
                self._has_ended = True
            elif isinstance(event, Preamble):
                if len(event.data) > MAX_PART_HEADER_BYTES:
                    raise RequestEntityTooLarge()
            elif isinstance(event, Field | File):
                check_headers(event.headers)
                if event.name is None:
                    raise BadRequest("The multipart form is malformed: a part has no name.")
                self._current = Part(self, event)
                return self._current

        return None

    def _data_of(self, part: Part) -> _Reading[bytes]:
        """Read some of the part's data; nothing at its end."""
        if part is not self._current:
            raise RuntimeError(
                f"the part {part.name!r} is over: the one after it was asked for\n"
                "  hint: Read each part before you go on to the next."
            )
        while not part._has_ended:
            event = yield from self._next_event()
            assert isinstance(event, Data)
            part._has_ended = not event.more_data
            if part.filename is None:
                self._count_field(part, len(event.data))
            if event.data:
                return bytes(event.data)

        return b""

    def _rest_of(self, part: Part, max_bytes: int | None) -> _Reading[bytes]:
        chunks = []
        count = 0
        while data := (yield from self._data_of(part)):
            count += len(data)
            if max_bytes is not None and count > max_bytes:
                raise RequestEntityTooLarge()
            chunks.append(data)

        return b"".join(chunks)

    def _count_field(self, part: Part, count: int) -> None:
        part._bytes += count
        self._field_bytes += count
        limits = self._limits
        for taken, limit in (
            (part._bytes, limits.max_field_bytes),
            (self._field_bytes, limits.max_total_bytes),
        ):
            if limit is not None and taken > limit:
                raise RequestEntityTooLarge()

    def _next_event(self) -> _Reading[Event]:
        decoder = self._decoder
        while True:
            try:
                event = decoder.next_event()
            except ValueError as error:
                raise BadRequest("The multipart form is malformed.") from error
            if not isinstance(event, NeedData):
                return event

            # Preamble and headers have to be whole before the decoder can read them.
            if (
                decoder.state in (State.PREAMBLE, State.PART)
                and len(decoder.buffer) > 2 * MAX_PART_HEADER_BYTES
            ):
                raise RequestEntityTooLarge()
            if decoder.state is State.EPILOGUE:
                decoder.buffer.clear()  # of no use
            data = yield
            if not data and not self._has_begun:
                return Epilogue(data=b"")  # an empty body, which has no parts
            self._has_begun = True
            decoder.receive_data(data or None)
