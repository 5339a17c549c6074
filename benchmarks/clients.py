"""Clients that load a server over loopback: many connections in one event loop. Knows no framework.

Each answer is of a known length, so that counting bytes suffices and the client costs little.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import struct
import time

import uvloop

_WEBSOCKET_OPEN = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"


def http_request(method, path, headers=(), body=b""):
    """Write an HTTP/1.1 request down."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    if body and not any(name == "Content-Length" for name, _ in headers):
        lines += f"Content-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def websocket_request(path):
    """Write the request down that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = f"Host: 127.0.0.1\r\n{_WEBSOCKET_OPEN}Sec-WebSocket-Key: {key}\r\n"
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def websocket_frame(text):
    """Return a masked text frame, as clients send it, of less than 126 bytes."""
    mask = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
    return struct.pack("!BB", 0x81, 0x80 | len(text)) + mask + masked


def run(coroutine, *, seconds=120):
    """Run a client to its end; a server that loses an answer must not hang the run."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(coroutine, seconds))


async def fetch(port, request):
    """Send one request on a connection of its own; return status, headers, body and the answer's length."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()

    return int(status.split()[1]), headers, body, len(head) + len(body)


class Connection(asyncio.Protocol):
    """One connection: ``opened`` when the server has greeted it, ``finished`` when it has what it wants."""

    def __init__(self):
        self.opened = asyncio.get_running_loop().create_future()
        self.finished = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc):
        self.fail("the server closed the connection")

    def fail(self, why):
        """Raise in who waits for this connection."""
        for future in (self.opened, self.finished):
            if not future.done():
                future.set_exception(RuntimeError(why))

    def leave(self):
        """Close without a word."""
        for future in (self.opened, self.finished):
            future.cancel()
        self.transport.abort()


class PingPong(Connection):
    """A connection that sends again as soon as it has the whole answer."""

    def __init__(self, ping, pong_length, budget, *, greeting=b""):
        super().__init__()
        self.ping, self.pong_length, self.budget, self.greeting = ping, pong_length, budget, greeting
        self.received = 0

    def connection_made(self, transport):
        self.transport = transport
        if self.greeting:
            transport.write(self.greeting)
        else:
            self.opened.set_result(None)

    def data_received(self, data):
        if not self.opened.done():
            self._greeted(data)
            return
        self.received += len(data)
        if self.received < self.pong_length:
            return
        if self.received > self.pong_length:
            self.fail(f"{self.received} bytes instead of {self.pong_length}: {data[-200:]!r}")
            return
        self.received = 0
        self.next()

    def _greeted(self, data):
        if data.startswith(b"HTTP/1.1 101") and data.endswith(b"\r\n\r\n"):
            self.opened.set_result(None)
        else:
            self.opened.set_exception(RuntimeError(f"no WebSocket: {data!r}"))

    def next(self):
        """Send once more, if any are left to send."""
        if self.budget.left:
            self.budget.left -= 1
            self.transport.write(self.ping)
        elif not self.finished.done():
            self.finished.set_result(None)


class Budget:
    """How many requests the connections of one run still have to send, together."""

    def __init__(self, left):
        self.left = left


async def connect(port, make_protocol, *, into):
    """Open one connection and put its protocol into a list; return once the server has greeted it."""
    _, protocol = await asyncio.get_running_loop().create_connection(make_protocol, "127.0.0.1", port)
    into.append(protocol)
    await protocol.opened


async def ping_pong(port, ping, pong_length, *, times, connections, greeting=b""):
    """Send ``times`` messages, one outstanding on each kept connection; return the seconds that took."""
    budget, opened = Budget(times), []
    try:
        for _ in range(connections):
            await connect(port, lambda: PingPong(ping, pong_length, budget, greeting=greeting), into=opened)
        started = time.perf_counter()
        for protocol in opened:
            protocol.next()
        await asyncio.gather(*(protocol.finished for protocol in opened))
        return time.perf_counter() - started
    finally:
        for protocol in opened:
            protocol.leave()


class Listener(Connection):
    """A connection that reads an event stream and sees to it that no event is missing."""

    _event = re.compile(rb"^id: ?(\d+)\r?$", re.MULTILINE)

    def __init__(self, request, expected):
        super().__init__()
        self.request, self.expected, self.seen, self.rest = request, expected, 0, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.request)
        self.opened.set_result(None)

    def data_received(self, data):
        data = self.rest + data
        cut = data.rfind(b"\n\n") + 2
        if cut < 2:
            self.rest = data
            return
        self.rest = data[cut:]
        numbers = self._event.findall(data[:cut])
        if numbers != self.expected[self.seen : self.seen + len(numbers)]:
            self.fail(f"after event {self.seen} came {numbers[:5]}")
        self.seen += len(numbers)
        if self.seen == len(self.expected) and not self.finished.done():
            self.finished.set_result(None)

    def connection_lost(self, exc):
        self.fail(f"the server closed after {self.seen} events")


async def listen(port, request, *, listeners, events, publish):
    """Open event streams, have ``events`` published, and wait until each listener has had all of them.

    ``publish`` is awaited when all streams are open. Returns what it gave back.
    """
    opened, expected = [], [b"%d" % number for number in range(events)]
    try:
        for _ in range(listeners):
            await connect(port, lambda: Listener(request, expected), into=opened)
        result = await publish()
        await asyncio.gather(*(protocol.finished for protocol in opened))
    finally:
        for protocol in opened:
            protocol.leave()

    return result
