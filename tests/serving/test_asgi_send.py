"""Sending by ASGI: streams that are left, and what is closed then."""

from __future__ import annotations

import asyncio
import threading

from costrel import g, stream_with_context


async def leave_after_first_piece(app, path, scope_of, before_leaving):
    """Send a request, read one piece of the body, call a function, and be gone."""
    has_piece, is_gone = asyncio.Event(), asyncio.Event()
    waiting = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if waiting:
            return waiting.pop()
        await is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message.get("body"):
            has_piece.set()

    task = asyncio.ensure_future(app.asgi(scope_of(path), receive, send))
    await asyncio.wait_for(has_piece.wait(), 10)
    await before_leaving()
    is_gone.set()
    await asyncio.wait_for(task, 10)


async def test_stream_that_works_in_its_thread_when_the_client_leaves_is_closed_after_the_step(
    app, asgi_scope
):
    works, may_go_on = threading.Event(), threading.Event()
    events = []
    app.teardown_request(lambda error: events.append(f"torn down {g.name}"))

    @app.get("/")
    def view():
        g.name = "pear"

        @stream_with_context
        def body():
            try:
                yield "first"
                works.set()
                assert may_go_on.wait(10)
                events.append("worked")
                yield "second"
            finally:
                events.append("closed")

        return body()

    async def let_it_work():
        await asyncio.to_thread(works.wait, 10)
        asyncio.get_running_loop().call_later(0.05, may_go_on.set)

    await leave_after_first_piece(app, "/", asgi_scope, let_it_work)

    assert events == ["worked", "closed", "torn down pear"]
