"""Serving begins once and stops once, by whatever says so: a server, the first request, a test, the end."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import Client

from costrel import Blueprint, Costrel, current_app, g, has_app_context, has_request_context
from costrel.errors import SetupError
from costrel.serving.lifespan import abegin, aend, aserving, begin, end, run_lifespan, serving
from costrel.serving.offload import kept_loop
from costrel.serving.span import inside


@pytest.fixture
def log(app):
    """What went round serving, in order."""
    events = []

    @app.before_serving
    def before():
        events.append(f"before {current_app.name == app.name} {has_request_context()}")

    @app.after_serving
    def after():
        events.append("after")

    return events


@pytest.fixture
def async_log(app, log):
    """The same, with async functions too."""

    @app.while_serving
    async def around():
        async with asyncio.timeout(None):  # refuses to be left in another task than it was entered in
            log.append(asyncio.get_running_loop())
            yield
            await asyncio.sleep(0)
            log.append("around ends")

    return log


BEFORE = "before True False"


class Server:
    """A server that speaks ASGI's lifespan."""

    def __init__(self, app):
        self.app = app
        self.sent = []
        self.messages = asyncio.Queue()

    async def _send(self, message):
        self.sent.append(message)
        self.told.set()

    async def tell(self, kind):
        self.told = asyncio.Event()
        await self.messages.put({"type": f"lifespan.{kind}"})
        await asyncio.wait_for(self.told.wait(), 10)

    async def __aenter__(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self.task = asyncio.create_task(run_lifespan(self.app, scope, self.messages.get, self._send))
        await self.tell("startup")
        return self

    async def __aexit__(self, *exc_info):
        if not self.task.done():
            await self.tell("shutdown")
        await asyncio.wait_for(self.task, 10)


def plain_request(app):
    """Send a request as a server does that knows nothing of lifespan."""
    return Client(app).get("/")


def test_a_server_with_lifespan_is_told_of_the_start_and_of_the_end(app, async_log):
    async def main():
        async with Server(app) as server:
            assert async_log == [BEFORE, asyncio.get_running_loop()]
        return server.sent

    sent = asyncio.run(main())

    assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
    assert async_log[2:] == ["after", "around ends"]


def test_a_start_that_fails_is_logged_and_told(app, log, caplog):
    @app.before_serving
    async def fails():
        raise LookupError("no database")

    async def main():
        async with Server(app) as server:
            pass
        return server.sent

    assert asyncio.run(main()) == [{"type": "lifespan.startup.failed", "message": "LookupError: no database"}]
    assert [(record.levelname, record.exc_info[0]) for record in caplog.records] == [
        ("CRITICAL", LookupError)
    ]
    assert log == [BEFORE]


def test_a_start_that_exits_is_told_as_well(app):
    @app.before_serving
    def leaves():
        raise SystemExit(3)

    async def main():
        async with Server(app) as server:
            pass
        return server.sent[0]["type"]

    assert asyncio.run(main()) == "lifespan.startup.failed"


def test_settings_that_are_not_fit_fail_the_start(app):
    app.config["BASE_URL"] = "shop.example"

    async def main():
        async with Server(app) as server:
            pass
        return server.sent

    (sent,) = asyncio.run(main())
    assert sent["type"] == "lifespan.startup.failed"
    assert "BASE_URL = " in sent["message"]


def test_an_end_that_fails_is_logged_and_told_after_all_was_run(app, caplog):
    events = []

    @app.after_serving
    async def fails():
        raise LookupError("gone")

    app.after_serving(lambda: events.append("after"))

    async def main():
        async with Server(app) as server:
            pass
        return server.sent[-1]

    assert asyncio.run(main()) == {"type": "lifespan.shutdown.failed", "message": "LookupError: gone"}
    assert [record.exc_info[0] for record in caplog.records] == [LookupError]
    assert events == ["after"]


def test_a_server_that_cancels_instead_of_telling_the_end_ends_it(app, async_log):
    async def main():
        server = await Server(app).__aenter__()
        server.task.cancel()
        await asyncio.wait([server.task])

    asyncio.run(main())

    assert async_log[2:] == ["after", "around ends"]


def test_without_lifespan_the_first_request_begins_and_no_other(app, log):
    assert [plain_request(app).status_code for _ in range(3)] == [404, 404, 404]
    assert log == [BEFORE]

    end(app)
    assert log == [BEFORE, "after"]


def test_many_first_requests_begin_once_and_wait_for_it(app):
    events, barrier = [], threading.Barrier(8)

    @app.before_serving
    async def before():
        await asyncio.sleep(0.02)
        events.append("before")

    @app.get("/")
    def index():
        return str(len(events))

    def ask(_):
        barrier.wait(10)
        return plain_request(app).text

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    end(app)

    assert answers == ["1"] * 8


def test_async_functions_run_on_the_loop_of_the_async_views(app, async_log):
    @app.get("/")
    async def index():
        return str(asyncio.get_running_loop() is async_log[1])

    answer = plain_request(app).text
    end(app)

    assert answer == "True"
    assert async_log == [BEFORE, kept_loop(), "after", "around ends"]


def test_without_lifespan_the_first_asgi_request_begins_on_the_servers_loop(app, async_log):
    @app.get("/")
    async def index():
        return str(asyncio.get_running_loop() is async_log[1])

    async def main():
        bodies = await asyncio.gather(*(ask_by_asgi(app) for _ in range(4)))
        assert len(async_log) == 2
        return bodies

    assert asyncio.run(main()) == [b"True"] * 4
    # The loop's end cancelled the task, which was the last chance.
    assert async_log[2:] == ["after", "around ends"]


def test_an_async_view_is_answered_where_only_sync_functions_go_before(app, log):
    @app.get("/")
    async def index():
        return str(len(log))

    assert asyncio.run(ask_by_asgi(app)) == b"1"
    assert log == [BEFORE, "after"]


async def ask_by_asgi(app, path="/"):
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    await app.asgi(scope, receive, send)

    return b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_a_begin_that_fails_is_a_500_and_is_tried_again(app, protocol, caplog):
    app.testing = False
    failures = [LookupError("not yet")]
    events = []

    @app.before_serving
    async def before():
        if failures:
            raise failures.pop()
        events.append("before")

    @app.get("/")
    async def index():
        return "served"

    async def main():
        return [(await ask_by_asgi(app)).decode() for _ in range(2)]

    if protocol == "asgi":
        first, second = asyncio.run(main())
    else:
        first, second = plain_request(app).text, plain_request(app).text
        end(app)

    assert "Internal Server Error" in first
    assert second == "served"
    assert events == ["before"]
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.exc_info[0] for record in errors] == [LookupError]


def test_a_request_that_is_sent_before_serving_does_not_wait_for_itself(app):
    @app.before_serving
    async def warm_up():
        assert (await asyncio.to_thread(plain_request, app)).status_code == 404

    assert plain_request(app).status_code == 404
    end(app)


def test_routes_may_be_added_before_serving_and_not_while(app):
    @app.before_serving
    def before():
        app.add_url_rule("/late", "late", lambda: "late")

    with serving(app):
        assert app.test_client().get("/late").text == "late"
        with pytest.raises(AssertionError, match="first request"):
            app.add_url_rule("/later", "later", lambda: "later")


def test_a_test_client_alone_does_not_begin(app, log):
    client = app.test_client()

    assert [client.get("/").status_code, client.get("/").status_code] == [404, 404]
    assert log == []
    with pytest.raises(AssertionError, match="first request"):
        app.before_serving(print)


def test_a_request_of_a_server_after_one_of_a_test_client_begins(app, log):
    app.test_client().get("/")
    plain_request(app)
    end(app)

    assert log == [BEFORE, "after"]


def test_a_with_block_begins_and_ends_each_time(app, log):
    for _ in range(2):
        with serving(app) as served:
            assert served is app
            app.test_client().get("/")
        app.test_client().get("/")

    assert log == [BEFORE, "after"] * 2


def test_a_block_within_a_block_does_nothing(app, log):
    with serving(app), serving(app):
        pass

    assert log == [BEFORE, "after"]


def test_an_error_in_a_block_ends_serving_and_passes(app, log):
    with pytest.raises(LookupError), serving(app):
        raise LookupError("of the block")

    assert log == [BEFORE, "after"]


def test_errors_of_the_functions_come_out_of_the_block(app):
    @app.after_serving
    async def fails():
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"), serving(app):
        pass


def test_an_async_block_runs_in_its_own_task_and_leaves_no_trace(app, async_log):
    async def main():
        async with aserving(app):
            assert async_log[1] is asyncio.get_running_loop()
            assert not has_app_context()
            assert not inside.get()
        assert not inside.get()

    asyncio.run(main())

    assert async_log[2:] == ["after", "around ends"]


def test_an_async_block_within_another_does_nothing(app, log):
    async def main():
        async with aserving(app), aserving(app):
            assert log == [BEFORE]

    asyncio.run(main())

    assert log == [BEFORE, "after"]


def test_begin_and_end_may_be_awaited(app, async_log):
    async def main():
        await asyncio.gather(abegin(app), abegin(app))
        await aend(app)
        assert async_log[2:] == ["after", "around ends"]

    asyncio.run(main())


def test_beginning_on_the_loop_by_a_synchronous_call_is_refused(app, async_log):
    async def main():
        begin(app)

    with pytest.raises(RuntimeError, match="async with aserving"):
        asyncio.run_coroutine_threadsafe(main(), kept_loop()).result(10)


def test_an_application_may_run_async_functions_in_its_own_way():
    loops = []

    class Own(Costrel):
        def async_to_sync(self, func):
            return lambda *args, **kwargs: asyncio.run(func(*args, **kwargs))

    app = Own("shop")

    @app.before_serving
    async def before():
        loops.append(asyncio.get_running_loop())

    with serving(app):
        assert loops != [kept_loop()]


def test_start_and_end_have_contexts_of_their_own_that_are_torn_down(app):
    torn_down = []

    @app.teardown_appcontext
    async def tell(error):
        torn_down.append(g.get("name"))

    @app.before_serving
    def before():
        g.name = "start"

    @app.after_serving
    async def after():
        assert "name" not in g
        g.name = "end"

    with serving(app):
        assert torn_down == ["start"]
    assert torn_down == ["start", "end"]


def test_an_application_without_functions_serves_all_the_same(app):
    with serving(app):
        assert app.test_client().get("/").status_code == 404

    async def main():
        async with aserving(app), Server(app) as server:
            pass
        return [message["type"] for message in server.sent]

    assert asyncio.run(main()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_a_blueprint_brings_its_own(app):
    events = []
    bp = Blueprint("bp", __name__)

    @bp.before_app_serving
    async def before():
        events.append("before")

    @bp.while_app_serving
    def around():
        events.append("around")
        yield
        events.append("around ends")

    @bp.after_app_serving
    def after():
        events.append("after")

    app.register_blueprint(bp)
    with serving(app):
        pass

    assert events == ["before", "around", "after", "around ends"]


def test_what_has_no_yield_is_refused_on_application_and_blueprint(app):
    for register in (app.while_serving, Blueprint("bp", __name__).while_app_serving):
        with pytest.raises(SetupError, match="needs a generator function"):
            register(lambda: None)
