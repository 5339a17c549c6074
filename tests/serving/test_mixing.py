"""Sync and async on one path, in all orders, on both protocols: nothing is lost between them."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from itertools import product

import pytest
from werkzeug.routing import BaseConverter

from costrel import (
    Blueprint,
    abort,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    current_app,
    flash,
    g,
    get_flashed_messages,
    got_request_exception,
    has_request_context,
    render_template_string,
    request,
    request_finished,
    request_started,
    request_tearing_down,
    session,
    stream_with_context,
    template_rendered,
)
from costrel.ctx import teardown_this_context
from costrel.serving.threads import in_thread
from costrel.templating import arender_template_string
from costrel.views import MethodView, View

trace: ContextVar[tuple[str, ...]] = ContextVar("trace", default=())


def orders(*names):
    """Every choice of sync and async for the named parts."""
    choices = [dict(zip(names, chosen, strict=True)) for chosen in product((False, True), repeat=len(names))]
    ids = ["".join("a" if is_async else "s" for is_async in choice.values()) for choice in choices]
    return pytest.mark.parametrize("how", choices, ids=ids)


def made(is_async, function):
    """Make a coroutine function of a function, one that waits in the middle, or leave it."""
    if not is_async:
        return function

    async def coroutine_function(*args, **kwargs):
        await asyncio.sleep(0)
        result = function(*args, **kwargs)
        await asyncio.sleep(0)
        return result

    coroutine_function.__name__ = function.__name__
    return coroutine_function


def note(name):
    """Leave a mark in everything that belongs to a request."""
    trace.set((*trace.get(), name))
    g.setdefault("trace", []).append(name)
    session["trace"] = [*session.get("trace", []), name]
    assert current_app.name == request.endpoint.partition(".")[0] or request.path


@orders("first", "second", "view", "after", "teardown")
def test_what_one_step_leaves_the_next_one_finds(app, client, how):
    torn_down = []
    trace.set(())

    def note_preprocess(endpoint, values):
        note("preprocess")

    def note_first():
        note("first")

    def note_second():
        note("second")

    def add_own(response):
        note("own_after")
        return response

    def view():
        note("view")
        after_this_request(made(not how["after"], add_own))
        return ",".join(trace.get())

    def note_after(response):
        note("after")
        response.headers["X-Trace"] = ",".join(trace.get())
        return response

    def tear_down(error):
        torn_down.append((*trace.get(), *g.get("trace", ()), error))

    def tear_down_app(error):
        torn_down.append((current_app.name, len(g.get("trace", ()))))

    app.url_value_preprocessor(made(not how["first"], note_preprocess))
    app.before_request(made(how["first"], note_first))
    app.before_request(made(how["second"], note_second))
    app.after_request(made(how["after"], note_after))
    app.teardown_request(made(how["teardown"], tear_down))
    app.teardown_appcontext(made(not how["teardown"], tear_down_app))
    app.add_url_rule("/", "index", made(how["view"], view))
    before = ["preprocess", "first", "second", "view"]
    steps = [*before, "own_after", "after"]

    some = client(app)
    response = some.get("/")

    assert response.text == ",".join(before)
    assert response.headers["X-Trace"] == ",".join(steps)
    assert torn_down == [(*steps, *steps, None), (app.name, len(steps))]
    with some.session_transaction() as stored:
        assert stored["trace"] == steps


@orders("before", "view", "handler", "after", "teardown")
def test_an_error_is_handled_wherever_it_was_raised(app, client, how):
    seen = []

    def broken():
        g.at = "view"
        raise LookupError("lost")

    def handle(error):
        seen.append((g.before, g.at, str(error)))
        return "handled", 418

    def note_before():
        g.before = "before"

    def note_after(response):
        seen.append(response.status_code)
        return response

    app.before_request(made(how["before"], note_before))
    app.add_url_rule("/", "index", made(how["view"], broken))
    app.register_error_handler(LookupError, made(how["handler"], handle))
    app.after_request(made(how["after"], note_after))
    app.teardown_request(made(how["teardown"], lambda error: seen.append(error)))

    response = client(app).get("/")

    assert (response.status_code, response.text) == (418, "handled")
    assert seen == [("before", "view", "lost"), 418, None]


@orders("view", "teardown", "receiver")
def test_an_error_that_nobody_handles_reaches_the_teardown_and_the_test(app, client, how):
    seen = []

    def broken():
        return 1 // 0

    def heard(sender, exception):
        seen.append((sender.name, type(exception)))

    app.add_url_rule("/", "index", made(how["view"], broken))
    app.teardown_request(made(how["teardown"], lambda error: seen.append(type(error))))
    receiver = made(how["receiver"], heard)

    with got_request_exception.connected_to(receiver, app), pytest.raises(ZeroDivisionError):
        client(app).get("/")
    assert seen == [(app.name, ZeroDivisionError), ZeroDivisionError]

    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    assert client(app).get("/").status_code == 500


@orders("view", "request", "application", "own")
def test_each_teardown_runs_though_others_fail(app, client, how, caplog):
    seen = []

    def failing(name, error_class):
        def tear_down(error):
            seen.append((name, error, current_app.name, has_request_context()))
            raise error_class(name)

        return tear_down

    def view():
        teardown_this_context(made(how["own"], failing("own", OSError)))
        return "done"

    app.add_url_rule("/", "index", made(how["view"], view))
    app.teardown_appcontext(made(how["application"], failing("application", KeyError)))
    app.teardown_request(made(how["request"], failing("first", ValueError)))
    app.teardown_request(made(how["request"], failing("last", TypeError)))

    with pytest.raises(TypeError, match="last"):
        client(app).get("/")

    assert seen == [(name, None, app.name, True) for name in ("last", "first", "application", "own")]
    logged = [record.exc_info[0] for record in caplog.records if record.name == app.logger.name]
    assert logged == [ValueError, KeyError, OSError]
    assert not has_request_context()


@pytest.mark.parametrize("path", ["/user/ada", "/user/adä"])
@pytest.mark.parametrize("matching", ["", "subdomain"])
@orders("view")
def test_a_converter_is_asked_once(app, client, how, path, matching):
    asked = []

    class User(BaseConverter):
        def to_python(self, value):
            asked.append(value)
            return value.upper()

    app.url_map.converters["user"] = User
    app.subdomain_matching = matching == "subdomain"
    app.add_url_rule("/user/<user:name>", "user", made(how["view"], lambda name: name))

    response = client(app).get(path)

    assert (response.status_code, response.text) == (200, path.removeprefix("/user/").upper())
    assert asked == [path.removeprefix("/user/")]


@orders("before", "view")
def test_a_hook_that_answers_is_the_answer(app, client, how):
    called = []
    app.before_request(made(how["before"], lambda: ("hook", 203)))
    app.add_url_rule("/", "index", made(how["view"], lambda: called.append(True) or "view"))

    response = client(app).get("/")

    assert (response.status_code, response.text, called) == (203, "hook", [])


@orders("outer", "inner", "view", "handler", "teardown")
def test_a_blueprints_functions_are_called_with_the_applications(app, client, how):
    seen = []
    shop = Blueprint("shop", __name__, url_prefix="/shop")
    app.before_request(made(how["outer"], lambda: seen.append("app before")))
    shop.before_request(made(how["inner"], lambda: seen.append("shop before")))

    def after(name):
        def function(response):
            seen.append(f"{name} after")
            return response

        return function

    app.after_request(made(how["outer"], after("app")))
    shop.after_request(made(how["inner"], after("shop")))
    app.teardown_request(made(how["teardown"], lambda error: seen.append("app teardown")))
    shop.teardown_request(made(not how["teardown"], lambda error: seen.append("shop teardown")))
    shop.register_error_handler(404, made(how["handler"], lambda error: ("shop has none", 404)))
    shop.add_url_rule("/none", "none", made(how["view"], lambda: abort(404)))
    app.register_blueprint(shop)

    assert client(app).get("/shop/none").text == "shop has none"
    assert seen == [
        *("app before", "shop before", "shop after", "app after"),
        *("shop teardown", "app teardown"),
    ]


@orders("view", "processor", "function")
def test_templates_have_what_processors_and_functions_bring(app, client, how):
    app.context_processor(made(how["processor"], lambda: {"shop": request.path}))
    app.jinja_env.globals["total"] = made(how["function"] and how["view"], lambda: len(g.items))
    source = "{{ shop }} {{ total() }} {{ session.get('user', 'nobody') }}"

    def view():
        g.items = [1, 2]
        return render_template_string(source)

    async def view_later():
        g.items = [1, 2]
        return await arender_template_string(source)

    app.add_url_rule("/page", "page", view_later if how["view"] else view)

    assert client(app).get("/page").text == "/page 2 nobody"


SIGNALS = {
    "pushed": appcontext_pushed,
    "started": request_started,
    "rendered": template_rendered,
    "finished": request_finished,
    "tearing": request_tearing_down,
    "app_tearing": appcontext_tearing_down,
    "popped": appcontext_popped,
}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync view", "async view"])
@pytest.mark.parametrize("receivers", ["sync", "async", "both"])
def test_signals_are_heard_in_order_by_receivers_of_either_kind(app, client, is_async, receivers):
    seen = []

    async def view_later():
        return await arender_template_string("page")

    app.add_url_rule("/", "index", view_later if is_async else lambda: render_template_string("page"))

    def hear(name):
        def receive(sender, **values):
            seen.append((name, current_app.name if name not in ("pushed", "popped") else sender.name))

        return receive

    kept = []
    for name, signal in SIGNALS.items():
        for kind in (False, True):
            if receivers in ("both", "async" if kind else "sync"):
                receiver = made(kind, hear(name))
                kept.append((signal, receiver))
                signal.connect(receiver, app)
    try:
        assert client(app).get("/").text == "page"
    finally:
        for signal, receiver in kept:
            signal.disconnect(receiver, app)

    times = 2 if receivers == "both" else 1
    assert [name for name, _ in seen] == [name for name in SIGNALS for _ in range(times)]
    assert {name for _, name in seen} == {app.name}


@orders("get", "post", "decorator")
def test_a_method_view_may_have_methods_of_either_kind(app, client, how):
    methods = {
        "get": made(how["get"], lambda self: f"get {request.path}"),
        "post": made(how["post"], lambda self: f"post {request.form['a']}"),
    }
    cls = type("Items", (MethodView,), methods)
    if how["decorator"]:
        cls.decorators = [lambda view: lambda **values: view(**values)]
    app.add_url_rule("/items", view_func=cls.as_view("items"))

    assert client(app).get("/items").text == "get /items"
    assert client(app).post("/items", data={"a": "b"}).text == "post b"


@orders("first", "view")
def test_flashed_messages_are_found_by_the_next_request(app, client, how):
    app.add_url_rule("/put", "put", made(how["first"], lambda: flash("saved") or ""))
    app.add_url_rule("/take", "take", made(how["view"], lambda: str(get_flashed_messages())))
    some = client(app)

    some.get("/put")

    assert [some.get("/take").text for _ in range(2)] == ["['saved']", "[]"]


@orders("before", "view", "teardown")
def test_a_stream_has_the_context_to_its_end_and_the_teardown_after(app, client, how):
    events = []

    def pieces():
        yield g.name
        yield request.path
        events.append("end")

    async def pieces_later():
        for piece in pieces():
            await asyncio.sleep(0)
            yield piece

    def note():
        g.name = "before"

    def view():
        return stream_with_context(pieces()) if not how["view"] else pieces_later()

    app.before_request(made(how["before"], note))
    app.teardown_request(made(how["teardown"], lambda error: events.append("teardown")))
    app.add_url_rule("/stream", "stream", made(how["view"], view))

    assert client(app).get("/stream", buffered=True).text == "before/stream"
    assert events == ["end", "teardown"]


def test_a_view_that_does_not_block_is_called_on_the_loop(app):
    threads = {}

    @app.get("/thread")
    def in_thread():
        threads["thread"] = threading.get_ident()
        return ""

    @app.get("/loop", sync_to_thread=False)
    def on_loop():
        threads["loop"] = threading.get_ident()
        return request.path

    @app.get("/async")
    async def awaited():
        threads["async"] = threading.get_ident()
        return ""

    # Over WSGI all three are called in the server's thread, so there is nothing to tell apart.
    some = app.test_client(protocol="asgi")
    assert [some.get(path).text for path in ("/thread", "/loop", "/async")] == ["", "/loop", ""]
    assert threads["thread"] != threads["async"]


def test_a_class_whose_functions_are_all_async_is_called_on_the_loop(app):
    threads = []

    class Whole(MethodView):
        def __init__(self):
            threads.append(threading.get_ident())

        async def get(self):
            return "whole"

        async def post(self):
            return "posted"

    class Plain(View):
        def __init__(self):
            threads.append(threading.get_ident())

        async def dispatch_request(self):
            return "plain"

    class Mixed(MethodView):
        def __init__(self):
            threads.append(threading.get_ident())

        async def get(self):
            return "async"

        def post(self):
            threads.append(threading.get_ident())
            return "sync"

    @app.get("/async")
    async def awaited():
        threads.append(threading.get_ident())
        return ""

    for number, cls in enumerate((Whole, Plain, Mixed)):
        app.add_url_rule(f"/{number}", view_func=cls.as_view(cls.__name__))
    some = app.test_client(protocol="asgi")

    assert [some.get(path).text for path in ("/async", "/0", "/1", "/2")] == ["", "whole", "plain", "async"]
    assert some.post("/2").text == "sync"
    loop, whole, plain, *mixed = threads
    assert whole == plain == loop
    assert loop not in mixed


def test_what_has_no_view_is_answered_on_the_loop_where_all_is_async(app):
    threads = []

    @app.before_request
    async def before():
        threads.append(threading.get_ident())

    @app.errorhandler(405)
    async def wrong_method(error):
        return "wrong method", 405

    @app.errorhandler(KeyError)
    def of_a_view(error):
        raise AssertionError("no view was called")

    @app.get("/")
    async def index():
        return "index"

    some = app.test_client(protocol="asgi")
    statuses = [
        some.open(path, method=method).status_code
        for method, path in (("GET", "/"), ("GET", "/none"), ("POST", "/"), ("OPTIONS", "/"), ("HEAD", "/"))
    ]

    assert statuses == [200, 404, 405, 200, 200]
    assert len(threads) == 5
    assert len(set(threads)) == 1


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_what_has_no_view_is_answered_in_a_thread_where_something_may_block(app, method):
    threads = {}

    @app.get("/")
    async def index():
        threads["loop"] = threading.get_ident()
        return "index"

    @app.errorhandler(404)
    @app.errorhandler(405)
    def missing(error):
        return "missing", error.code

    @app.before_request
    def before():
        threads["before"] = threading.get_ident()

    some = app.test_client(protocol="asgi")
    some.get("/")
    answer = some.open("/none" if method == "GET" else "/", method=method)

    assert (answer.status_code, answer.text) == {
        "POST": (405, "missing"),
        "OPTIONS": (200, ""),
        "GET": (404, "missing"),
    }[method]
    assert threads["before"] != threads["loop"]


@orders("before", "after", "teardown")
def test_a_view_on_the_loop_goes_with_hooks_of_either_kind(app, client, how):
    seen = []
    app.before_request(made(how["before"], lambda: seen.append("before")))
    app.after_request(made(how["after"], lambda response: seen.append("after") or response))
    app.teardown_request(made(how["teardown"], lambda error: seen.append("teardown")))

    @app.get("/", sync_to_thread=False)
    def index():
        seen.append("view")
        return "answer"

    assert client(app).get("/").text == "answer"
    assert seen == ["before", "view", "after", "teardown"]


def test_what_async_code_started_goes_on_with_its_request(app, client):
    done = threading.Event()
    seen = []

    @app.get("/")
    async def index():
        g.name = "of the request"

        async def later():
            await asyncio.sleep(0)
            seen.append((g.name, request.path))
            done.set()

        await asyncio.create_task(later())
        return "answer"

    assert client(app).get("/").text == "answer"
    assert done.wait(10)
    assert seen == [("of the request", "/")]


@orders("outer", "inner")
def test_a_request_within_a_request_has_a_context_of_its_own(app, client, how, protocol):
    app.add_url_rule("/inner", "inner", made(how["inner"], lambda: g.get("name", "nobody") + request.path))

    async def ask():
        return (await app.async_test_client(protocol=protocol).get("/inner")).text

    async def outer_later():
        g.name = "outer"
        return f"{await ask()} {g.name} {request.path}"

    def outer():
        g.name = "outer"
        return f"{app.test_client(protocol=protocol).get('/inner').text} {g.name} {request.path}"

    app.add_url_rule("/outer", "outer", outer_later if how["outer"] else outer)

    assert client(app).get("/outer").text == "nobody/inner outer /outer"


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_the_context_of_a_websocket_is_announced_to_receivers_of_either_kind(app, is_async):
    seen = []

    def heard(name):
        return made(is_async, lambda sender: seen.append((name, sender.name)))

    @app.websocket("/ws")
    async def ws(ws):
        await ws.send(current_app.name)

    pushed, popped = heard("pushed"), heard("popped")
    with (
        appcontext_pushed.connected_to(pushed, app),
        appcontext_popped.connected_to(popped, app),
        app.test_client().websocket("/ws") as connection,
    ):
        assert connection.receive() == app.name

    assert seen == [("pushed", app.name), ("popped", app.name)]


@pytest.mark.parametrize("where", ["application", "blueprint"])
def test_sync_hooks_that_follow_each_other_take_one_hop(app, where, monkeypatch):
    hops, said = [], []
    bp = Blueprint("shop", __name__)
    for number in range(3):
        for owner in (app, bp) if where == "blueprint" else (app,):
            owner.before_request(lambda number=number: said.append(f"before {number}"))

    @app.before_request
    async def between():
        said.append("awaited")

    app.before_request(lambda: said.append("before last"))
    for number in range(2):

        @app.after_request
        def after(response, number=number):
            said.append(f"after {number}")
            return response

    @bp.get("/")
    async def index():
        return "index"

    async def counted(function, *args):
        hops.append(function)
        return await in_thread(function, *args)

    app.register_blueprint(bp)
    monkeypatch.setattr("costrel.serving.asgi_steps.in_thread", counted)
    monkeypatch.setattr("costrel.serving.asgi_general.in_thread", counted)
    some = app.test_client(protocol="asgi")

    assert some.get("/").text == "index"
    first = ["before 0", "before 1", "before 2"]
    inner = first if where == "blueprint" else []
    assert said == [*first, "awaited", "before last", *inner, "after 1", "after 0"]
    assert len(hops) == 3


def test_sync_hook_that_answers_ends_the_hop(app):
    said = []
    app.before_request(lambda: said.append("first"))
    app.before_request(lambda: "answered")
    app.before_request(lambda: said.append("never"))

    @app.get("/")
    async def index():
        return "index"

    assert app.test_client(protocol="asgi").get("/").text == "answered"
    assert said == ["first"]
