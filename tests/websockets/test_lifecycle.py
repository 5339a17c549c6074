"""Hooks run in order, refusals are HTTP responses, errors are logged once, and teardown runs exactly once."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import pytest
from werkzeug.exceptions import Forbidden

from costrel import Blueprint, WebSocketDisconnect, abort, g, got_request_exception, request, websocket
from costrel.serving.websocket import close_websockets


@pytest.fixture
def production(app):
    """The application as it serves: errors are answered, not raised."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


@pytest.fixture
def events(app):
    """What the hooks of the application and the blueprint ``bp`` did, in order."""
    found = []
    bp = Blueprint("bp", __name__, url_prefix="/bp")
    for scope, name in ((app, "app"), (bp, "bp")):
        scope.before_websocket(lambda name=name: found.append(f"before {name}"))
        scope.after_websocket(lambda response, name=name: found.append(f"after {name}"))
        scope.teardown_websocket(lambda error, name=name: found.append(f"teardown {name} {error!r}"))
    app.teardown_appcontext(lambda error: found.append("gone"))

    @bp.websocket("/ws")
    async def ws(ws):
        found.append("handler")
        async for message in ws:
            await ws.send(message)

    app.register_blueprint(bp)
    return found


def test_hooks_run_in_the_order_of_requests(app, events, connect, run):
    async def main():
        async with connect("/bp/ws") as client:
            await client.send("x")
            await client.receive()

    run(lambda: _accepting(app, main))

    assert events == [
        "before app",
        "before bp",
        "handler",
        "after bp",
        "after app",
        "teardown bp None",
        "teardown app None",
        "gone",
    ]


async def _accepting(app, main):
    """Have a hook accept, so that the client need not speak first."""

    async def accept():
        await websocket.accept()

    app.before_websocket_funcs["bp"].append(accept)
    return await main()


def test_hooks_of_requests_are_not_run(app, connect, run):
    app.before_request(lambda: abort(500))
    app.teardown_request(lambda error: abort(500))

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send("hello")

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == "hello"


@pytest.mark.parametrize("is_async", [True, False])
def test_a_value_of_a_hook_refuses_with_a_real_response(app, connect, run, Refused, is_async):
    called = []

    def refuse():
        return {"error": "not you"}, 402, {"X-Why": "fee"}

    async def refuse_async():
        return refuse()

    app.before_websocket(refuse_async if is_async else refuse)
    app.websocket("/ws")(lambda ws: called.append("handler"))

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws").open()
        return caught.value

    refused = run(main)

    assert (refused.status, refused.headers["x-why"]) == (402, "fee")
    assert app.json.loads(refused.body) == {"error": "not you"}
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["x-content-type-options"] == "nosniff"
    assert not called


def test_a_value_of_a_handler_that_did_not_accept_is_a_response_too(app, connect, run, Refused):
    @app.websocket("/ws")
    async def ws(ws):
        return "full", 503

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws").open()
        return caught.value.status, caught.value.body

    assert run(main) == (503, b"full")


def test_abort_before_accept_goes_to_the_error_handlers(app, connect, run, Refused):
    @app.errorhandler(403)
    def forbidden(error):
        return f"no entry to {request.path}", 403

    @app.websocket("/ws")
    async def ws(ws):
        abort(403)

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws").open()
        return caught.value.status, caught.value.body

    assert run(main) == (403, b"no entry to /ws")


def test_a_handler_of_a_blueprint_answers_for_its_sockets(app, connect, run, Refused):
    bp = Blueprint("bp", __name__)

    @bp.errorhandler(KeyError)
    async def missing(error):
        return "by the blueprint", 410

    @bp.websocket("/ws")
    async def ws(ws):
        raise KeyError("x")

    app.register_blueprint(bp)

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws").open()
        return caught.value.status, caught.value.body

    assert run(main) == (410, b"by the blueprint")


def test_a_server_without_the_extension_refuses_by_a_close(app, connect, run, Refused):
    app.before_websocket(lambda: abort(401))
    app.websocket("/ws")(lambda ws: None)

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws", can_refuse=False).open()
        return caught.value.close_code

    assert run(main) == 1_008


def test_an_unknown_path_is_a_real_404(app, connect, run, Refused):
    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/none").open()
        return caught.value.status

    assert run(main) == 404


def test_close_before_accept_refuses(app, connect, run, Refused):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.close()

    async def main():
        with pytest.raises(Refused):
            await connect("/ws").open()

    run(main)


def test_a_handler_that_returns_closes_with_1000(app, connect, run, Closed):
    @app.websocket("/silent")
    async def silent(ws):
        pass

    async def main():
        async with connect("/silent") as client:
            return await client.closed()

    assert run(main) == 1_000


@pytest.mark.parametrize("is_async", [True, False])
def test_an_error_after_accept_is_1011_and_logged_once(production, connect, run, caplog, is_async, events):
    seen = []
    app = production

    @got_request_exception.connect_via(app)
    def note(sender, exception):
        seen.append(type(exception))

    def fail(ws):
        ws.receive()
        raise LookupError("a secret")

    async def fail_async(ws):
        await ws.receive()
        raise LookupError("a secret")

    app.add_websocket("/ws", "fails", fail_async if is_async else fail)

    async def main():
        async with connect("/ws") as client:
            await client.send("x")
            message = await client.message()
            await client.done()
        return message

    message = run(main)

    assert (message["code"], message["reason"]) == (1_011, "")
    assert seen == [LookupError]
    assert [record.getMessage() for record in caplog.records] == ["Exception on /ws [GET]"]
    assert events == ["before app", "teardown app LookupError('a secret')", "gone"]


def test_an_error_before_accept_is_a_500_and_logged_once(production, connect, run, caplog, Refused):
    @production.websocket("/ws")
    async def ws(ws):
        raise LookupError("a secret")

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/ws").open()
        return caught.value

    refused = run(main)

    assert refused.status == 500
    assert b"secret" not in refused.body
    assert len(caplog.records) == 1


def test_in_tests_an_error_reaches_who_waits_for_the_connection(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        raise LookupError("shown")

    async def main():
        client = connect("/ws")
        await client.open()
        assert await client.closed() == 1_011
        await client.done()

    with pytest.raises(LookupError, match="shown"):
        run(main)


def test_an_exit_in_a_handler_does_not_stop_the_worker(production, connect, run):
    @production.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        raise SystemExit(3)

    async def main():
        async with connect("/ws") as client:
            return await client.closed()

    assert run(main) == 1_011


@pytest.mark.parametrize(
    ("raised", "code"), [(Forbidden(), 1_008), (LookupError(), 1_011)], ids=["http", "other"]
)
def test_an_error_after_accept_has_the_code_of_its_kind(production, connect, run, raised, code):
    @production.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        raise raised

    async def main():
        async with connect("/ws") as client:
            return await client.closed()

    assert run(main) == code


@pytest.mark.parametrize(
    ("message", "code"),
    [(None, None), ("bad", 1_007), ('{"do": "forbidden"}', 1_008), ('{"do": "fail"}', 1_011)],
    ids=["client left", "no json", "http", "fault"],
)
def test_what_a_task_group_raises_counts_as_what_is_in_it(production, connect, run, caplog, message, code):
    ended = []

    @production.teardown_websocket
    def torn_down(error):
        ended.append(error)

    @production.websocket("/ws")
    async def ws(ws):
        async def read():
            request = await ws.receive_json()
            if request["do"] == "forbidden":
                abort(403)
            raise LookupError(request["do"])

        async def write():
            try:
                await asyncio.Event().wait()
            finally:
                raise WebSocketDisconnect()

        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
            outer.create_task(write())
            inner.create_task(read())

    async def main():
        async with connect("/ws") as client:
            if message is None:
                await client.leave(1_001)
                return await client.done()
            await client.send(message)
            return await client.closed()

    assert run(main) == code
    assert len(caplog.records) == (code == 1_011)
    assert [isinstance(error, ExceptionGroup) for error in ended] == [code == 1_011]
    if code is None:
        assert ended == [None]


def test_an_error_of_an_after_hook_is_reported(production, connect, run, caplog):
    @production.after_websocket
    def after(response):
        raise LookupError("after")

    @production.websocket("/ws")
    async def ws(ws):
        await ws.send("x")

    async def main():
        async with connect("/ws") as client:
            return await client.closed()

    assert run(main) == 1_011
    assert len(caplog.records) == 1


def test_teardown_runs_once_when_the_client_leaves(app, events, connect, run):
    async def main():
        client = connect("/bp/ws")
        await client.open(wait=False)
        await client.leave(1_006)
        await client.done()

    run(main)

    assert [event for event in events if "teardown" in event or event == "gone"] == [
        "teardown bp None",
        "teardown app None",
        "gone",
    ]


def test_teardown_runs_once_when_the_server_cancels(app, events, connect, run):
    async def main():
        client = connect("/bp/ws")
        await client.open()
        client.task.cancel()
        message = await client.from_app.get()
        with pytest.raises(asyncio.CancelledError):
            await client.task
        return message

    assert run(lambda: _accepting(app, main))["code"] == 1_012
    assert [event for event in events if "teardown" in event or event == "gone"] == [
        "teardown bp CancelledError()",
        "teardown app CancelledError()",
        "gone",
    ]


def test_teardown_waits_for_the_thread_of_a_handler_whose_connection_is_cancelled(app, connect, run):
    events, is_torn_down = [], threading.Event()

    @app.websocket("/thread")
    def thread(ws):
        ws.accept()
        try:
            ws.receive()
        except WebSocketDisconnect:
            events.append(f"torn down: {is_torn_down.wait(0.2)}")

    @app.teardown_appcontext
    def tear_down(error):
        is_torn_down.set()

    async def main():
        client = connect("/thread")
        await client.open()
        client.task.cancel()
        await asyncio.sleep(0)
        client.task.cancel()
        await asyncio.wait((client.task,))

    run(main)

    assert events == ["torn down: False"]
    assert is_torn_down.is_set()


def test_a_cancelled_connection_is_closed_with_1012(app, connect, run):
    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()
        await asyncio.Event().wait()

    async def main():
        client = connect("/ws")
        await client.open()
        client.task.cancel()
        code = await client.closed()
        with pytest.raises(asyncio.CancelledError):
            await client.task
        return code

    assert run(main) == 1_012


def test_a_client_that_left_before_the_application_came_is_no_connection(app, events, connect, run):
    async def main():
        client = connect("/bp/ws")
        await client.leave()
        await client.open(wait=False)
        await client.done()

    run(main)

    assert events == []


@pytest.mark.parametrize("is_async", [True, False])
def test_closing_all_ends_handlers_that_wait(app, connect, run, is_async):
    ended = []

    async def handle(ws):
        await ws.accept()
        async for _ in ws:
            pass
        ended.append(ws.close_code)

    def handle_in_thread(ws):
        ws.accept()
        for _ in ws:
            pass
        ended.append(ws.close_code)

    app.add_websocket("/ws", "ws", handle if is_async else handle_in_thread)

    async def main():
        async with connect("/ws") as one, connect("/ws") as two:
            await _until_receiving(one, two)
            assert close_websockets(app) == 2
            codes = [await one.closed(), await two.closed()]
            await one.done()
            await two.done()
        assert close_websockets(app) == 0
        return codes

    assert run(main) == [1_012, 1_012]
    assert ended == [1_012, 1_012]


def test_a_thread_that_is_busy_elsewhere_does_not_keep_its_client_waiting(app, connect, run):
    go_on = threading.Event()
    seen = []

    @app.websocket("/ws")
    def ws(ws):
        ws.accept()
        go_on.wait(10)
        try:
            ws.send("too late")
        except WebSocketDisconnect as error:
            seen.append(error.code)

    async def main():
        async with connect("/ws") as client:
            close_websockets(app)
            code = await client.closed()
            go_on.set()
            await client.done()
        return code

    assert run(main) == 1_012
    assert seen == [1_012]


async def _until_receiving(*clients):
    """Wait until the handlers took a message, so that they wait for the next."""
    for client in clients:
        await client.send("x")
        while client.to_app.qsize():
            await asyncio.sleep(0)
        await asyncio.sleep(0)


def test_a_handler_with_tasks_of_its_own_is_ended_whole(app, connect, run):
    ended = []

    @app.websocket("/ws")
    async def ws(ws):
        await ws.accept()

        async def read():
            async for message in ws:
                await ws.send(message)

        async def tick():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("tick")

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(tick())

    async def main():
        async with connect("/ws") as client:
            await client.send("x")
            await client.receive()
            close_websockets(app, 1_001)
            return await client.closed()

    assert run(main) == 1_001
    assert ended == ["tick"]


def test_a_hook_sees_the_same_g_as_the_handler_and_the_teardown(app, connect, run):
    seen = []
    app.before_websocket(lambda: setattr(g, "name", "Ada"))
    app.teardown_websocket(lambda error: seen.append((g.name, threading.current_thread().name)))

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send(g.name)

    async def main():
        async with connect("/ws") as client:
            return await client.receive()

    assert run(main) == "Ada"
    assert seen[0][0] == "Ada"


def test_a_raising_teardown_does_not_keep_the_others_from_running(production, connect, run):
    ran = []
    production.teardown_websocket(lambda error: ran.append("first registered"))

    @production.teardown_websocket
    async def fail(error):
        raise LookupError("teardown")

    @production.websocket("/ws")
    async def ws(ws):
        await ws.accept()

    async def main():
        client = connect("/ws")
        await client.open()
        await client.done()

    with pytest.raises(LookupError, match="teardown"):
        run(main)
    assert ran == ["first registered"]


def test_a_refusal_by_a_handler_is_no_error_for_teardown_functions(app, connect, run, Refused, events):
    @app.websocket("/ws")
    async def ws(ws):
        abort(403)

    async def main():
        with pytest.raises(Refused):
            await connect("/ws").open()

    run(main)

    assert events == ["before app", "after app", "teardown app None", "gone"]


def test_an_error_before_accept_is_one_for_teardown_functions(production, connect, run, Refused, events):
    @production.websocket("/ws")
    async def ws(ws):
        raise LookupError("x")

    async def main():
        with pytest.raises(Refused):
            await connect("/ws").open()

    run(main)

    assert events == ["before app", "after app", "teardown app LookupError('x')", "gone"]


def test_a_value_of_a_hook_that_accepted_closes_with_1008(app, connect, run):
    @app.before_websocket
    async def accept():
        await websocket.accept()
        return "too late"

    app.websocket("/ws")(lambda ws: None)

    async def main():
        async with connect("/ws") as client:
            return await client.closed()

    assert run(main) == 1_008


@pytest.mark.parametrize("path", ["/echo", "/thread", "/fail", "/refuse", "/none"])
def test_an_ended_connection_needs_no_garbage_collector(production, connect, run, Refused, path):
    seen = []
    app = production
    app.before_websocket(lambda: seen.append(weakref.ref(websocket._get_current_object())))

    @app.websocket("/echo")
    async def echo(ws):
        await app.groups["all"].join(ws)
        async for message in ws:
            await ws.send(message)

    @app.websocket("/thread")
    def thread(ws):
        for message in ws:
            ws.send(message)

    @app.websocket("/fail")
    async def fail(ws):
        await ws.receive()
        raise LookupError("x")

    @app.websocket("/refuse")
    async def refuse(ws):
        abort(403)

    async def main():
        client = connect(path)
        await client.open(wait=False)
        await client.send("x")
        await client.leave()
        await client.done()
        client.task = None

    app.log_exception = lambda exc_info: None  # pytest keeps what is logged
    gc.collect()
    gc.disable()
    try:
        run(main)
        for started in threading.enumerate():
            if started.name == "costrel-websocket":
                started.join(10)
        # A worker thread may not have come back yet from the last thing it did for the connection.
        deadline = time.monotonic() + 10
        while any(ws() is not None for ws in seen) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        left = [ws() for ws in seen if ws() is not None]
    finally:
        gc.enable()

    assert left == []
    assert len(seen) == (path != "/none")
