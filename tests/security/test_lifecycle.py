"""However a request ends, it is torn down once, and nothing of it is left for the next."""

import gc
import io
import threading

import pytest

from costrel import Response, abort, g, request, session, stream_with_context
from costrel._current import current
from costrel.wrappers import Request


@pytest.fixture
def app(app):
    app.testing = False
    calls = app.calls = []
    pieces = app.pieces = []

    @app.teardown_request
    def first(error):
        calls.append(("request", type(error).__name__))

    @app.teardown_appcontext
    def second(error):
        calls.append(("app", type(error).__name__))

    @app.get("/<kind>")
    def view(kind):
        return KINDS[kind]()

    @app.get("/stream/<kind>")
    def stream(kind):
        def generate():
            try:
                for number in range(3):
                    pieces.append(request.path)
                    yield str(number)
                    if kind == "fails" and number:
                        raise ZeroDivisionError
            finally:
                pieces.append("closed")

        return stream_with_context(generate())

    return app


def fail():
    raise ZeroDivisionError


def leave():
    raise SystemExit(3)


KINDS = {
    "fine": lambda: "fine",
    "fails": fail,
    "exits": leave,
    "none": lambda: None,
    "aborts": lambda: abort(418),
}
EXACTLY_ONCE = [("request", "NoneType"), ("app", "NoneType")]


def start(app, path):
    """Call the application as a server does, and return its body unread."""
    environ = Request.from_values(path).environ

    return app(environ, lambda status, headers, exc_info=None: None)


@pytest.mark.parametrize("kind", ["fine", "aborts", "unknown/path"])
def test_request_is_torn_down_once(app, client, kind):
    client(app).get(f"/{kind}")

    assert app.calls == EXACTLY_ONCE
    assert current.get(None) is None


@pytest.mark.parametrize(
    ("kind", "error"), [("fails", "ZeroDivisionError"), ("exits", "RuntimeError"), ("none", "TypeError")]
)
def test_request_that_fails_is_a_500_and_torn_down_once_with_its_error(app, client, kind, error):
    assert client(app).get(f"/{kind}").status_code == 500
    assert app.calls == [("request", error), ("app", error)]
    assert current.get(None) is None


def test_every_teardown_runs_although_one_raises(app, client):
    @app.teardown_request
    def broken(error):
        raise ValueError("first")

    @app.teardown_appcontext
    def broken_too(error):
        raise KeyError("second")

    with pytest.raises((ValueError, KeyError)):
        client(app).get("/fine")

    assert app.calls == EXACTLY_ONCE
    assert current.get(None) is None


def test_keyboard_interrupt_stops_the_server_and_is_torn_down(app, client):
    @app.before_request
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client(app).get("/fine")

    assert [kind for kind, _ in app.calls] == ["request", "app"]
    assert current.get(None) is None


def test_stream_is_torn_down_once_after_its_last_piece(app):
    body = start(app, "/stream/fine")
    assert app.calls == []
    assert b"".join(body) == b"012"
    body.close()

    assert app.pieces == ["/stream/fine"] * 3 + ["closed"]
    assert app.calls == EXACTLY_ONCE


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_client_that_leaves_ends_stream_and_request_once(app, taken):
    body = start(app, "/stream/fine")
    for _ in range(taken):
        next(iter(body))
    body.close()
    body.close()

    assert app.pieces.count("closed") == (taken > 0)
    assert app.calls == EXACTLY_ONCE
    assert current.get(None) is None


def test_stream_that_the_server_forgets_to_close_is_torn_down_all_the_same(app):
    body = start(app, "/stream/fine")
    next(iter(body))
    assert current.get(None) is None
    del body
    gc.collect()

    assert app.calls == EXACTLY_ONCE


def test_stream_that_fails_is_torn_down_once_with_its_error(app):
    body = start(app, "/stream/fails")
    with pytest.raises(ZeroDivisionError):
        list(body)
    body.close()

    assert app.calls == [("request", "ZeroDivisionError"), ("app", "ZeroDivisionError")]


def test_abandoned_stream_does_not_poison_the_next_request_of_its_thread(app, client):
    abandoned = start(app, "/stream/fine")
    next(iter(abandoned))

    assert client(app).get("/fine").status_code == 200
    assert [kind for kind, _ in app.calls] == ["request", "app"]
    abandoned.close()
    assert [kind for kind, _ in app.calls] == ["request", "app"] * 2


def test_server_that_refuses_the_answer_leaves_no_context(app):
    def start_response(status, headers, exc_info=None):
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        app(Request.from_values("/fine").environ, start_response)

    assert [kind for kind, _ in app.calls] == ["request", "app"]
    assert current.get(None) is None


def test_uploaded_files_are_closed_also_when_the_view_fails(app, client):
    seen = []

    @app.post("/upload")
    def upload():
        seen.append(request.files["f"].stream)
        raise ZeroDivisionError

    client(app).post("/upload", data={"f": (io.BytesIO(b"x"), "f.bin")})

    assert seen[0].closed


def test_threads_never_see_each_others_request(app, client):
    meeting = threading.Barrier(4, timeout=30)
    mixed_up = []

    @app.get("/meet/<who>")
    def meet(who):
        g.who = session["who"] = who
        for _ in range(5):
            meeting.wait()
            mixed_up.extend({g.who, session["who"], request.view_args["who"], request.args["who"]} - {who})
        return Response(who)

    def visit(who):
        mixed_up.extend({client(app).get(f"/meet/{who}?who={who}").text} - {who})

    threads = [threading.Thread(target=visit, args=(f"visitor-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert mixed_up == []
