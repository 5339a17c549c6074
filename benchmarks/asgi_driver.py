"""Call an ASGI application in process, as a server would. Knows no framework."""

from __future__ import annotations

import asyncio
import os
import time

from workloads import Workload

_PIECE = 65_536  # how much of a body a server hands over at once
_STARTUP_SECONDS = 20


def new_loop():
    """Make the event loop that BENCH_LOOP names: uvloop, as on most servers, or asyncio's own."""
    if os.environ.get("BENCH_LOOP") == "asyncio":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


class Receive:
    """Hands over the body piece by piece, then waits for the client to go, as a server does."""

    __slots__ = ("gone", "loop", "pieces", "position")

    def __init__(self, pieces, loop):
        self.pieces, self.loop, self.position, self.gone = pieces, loop, 0, None

    async def __call__(self):
        position = self.position
        if position < len(self.pieces):
            self.position = position + 1
            more = position + 1 < len(self.pieces)
            return {"type": "http.request", "body": self.pieces[position], "more_body": more}
        if self.gone is None:
            self.gone = self.loop.create_future()
        await self.gone
        return {"type": "http.disconnect"}

    def disconnect(self):
        """Let go who waits for the client to leave."""
        if self.gone is not None and not self.gone.done():
            self.gone.set_result(None)


class Driver:
    """One application and one request, to be run any number of times."""

    def __init__(self, app, workload: Workload):
        self.app, self.workload = app, workload
        body = workload.body
        self.pieces = [body[at : at + _PIECE] for at in range(0, len(body), _PIECE)] or [b""]
        self.loop, self.state = new_loop(), {}
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self.scope = self._scope("")
        if workload.variant == "session":
            # the measured request brings a session along, as those of a visitor do
            _, headers, _ = self.once()
            self.scope = self._scope(headers["set-cookie"].split(";")[0])

    async def _start(self):
        messages, started = asyncio.Queue(), self.loop.create_future()
        self.messages = messages
        messages.put_nowait({"type": "lifespan.startup"})

        async def send(message):
            if not started.done():
                started.set_result(message)

        async def live():
            scope = {
                "type": "lifespan",
                "asgi": {"version": "3.0", "spec_version": "2.0"},
                "state": self.state,
            }
            try:
                await self.app(scope, messages.get, send)
            except Exception as error:
                # an application without lifespan raises, and servers go on without one
                if not started.done():
                    started.set_result({"type": "lifespan.unsupported", "message": repr(error)})

        self.lifespan = self.loop.create_task(live())
        message = await asyncio.wait_for(started, _STARTUP_SECONDS)
        if message["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the application did not start: {message}")

    def close(self):
        """Shut the application down, and the loop."""
        self.messages.put_nowait({"type": "lifespan.shutdown"})
        self.loop.run_until_complete(asyncio.wait({self.lifespan}, timeout=_STARTUP_SECONDS))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _scope(self, cookie):
        headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in self.workload.headers(cookie)
        ]
        path = self.workload.path
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 51514),
            "scheme": "http",
            "root_path": "",
            "headers": headers,
            "method": self.workload.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
        }

    def _fresh_scope(self):
        # each request has a scope and a list of headers of its own: applications write into both
        scope = dict(self.scope)
        scope["headers"] = list(scope["headers"])
        scope["state"] = dict(self.state)

        return scope

    def once(self):
        """Send one request and return status, headers and body."""
        return self.loop.run_until_complete(self._once())

    async def _once(self):
        start, body = {}, []

        async def send(message):
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.append(message.get("body", b""))

        receive = Receive(self.pieces, self.loop)
        await self.app(self._fresh_scope(), receive, send)
        receive.disconnect()
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]
        }

        return start["status"], headers, b"".join(body)

    def check(self):
        """Send one request and refuse a wrong answer: a fast error page is no result."""
        status, headers, body = self.once()
        if not self.workload.check(status, headers, body):
            raise AssertionError(f"wrong answer: {status} {headers} {body[:200]!r}")

    def run(self, count):
        """Send requests as fast as they go; return the CPU seconds that took, in all threads."""
        return self.loop.run_until_complete(self._run(count))

    async def _run(self, count):
        app, pieces, loop, fresh_scope = self.app, self.pieces, self.loop, self._fresh_scope

        async def send(message):
            return None

        started = time.process_time()
        for _ in range(count):
            receive = Receive(pieces, loop)
            await app(fresh_scope(), receive, send)
            if receive.gone is not None:
                receive.disconnect()

        return time.process_time() - started
