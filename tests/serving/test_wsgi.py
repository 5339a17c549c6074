"""Between a WSGI server and the lifecycle: the context comes, the response goes, the context goes."""

from __future__ import annotations

from io import BytesIO
from wsgiref.validate import validator

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from costrel import Blueprint, Costrel, Response, request, stream_with_context
from costrel._current import current
from costrel.core import app_methods
from costrel.core.app_methods import use_fast_lane


@pytest.fixture(params=[True, False], ids=["fast", "general"])
def _each_lane(request):
    before = bool(app_methods.fast_methods[0])
    use_fast_lane(request.param)
    yield
    use_fast_lane(before)


pytestmark = pytest.mark.usefixtures("_each_lane")


def send(app, path="/", **options):
    return run_wsgi_app(app, EnvironBuilder(path, **options).get_environ())


def test_answer_keeps_to_the_protocol(app):
    app.add_url_rule("/", "index", lambda: "hello", methods=["GET", "POST"])
    app.add_url_rule("/stream", "stream", lambda: stream_with_context(iter("ab")))
    checked = validator(app)

    for method, path in (("GET", "/"), ("HEAD", "/"), ("POST", "/"), ("GET", "/stream"), ("GET", "/none")):
        environ = EnvironBuilder(path, method=method).get_environ()
        body = checked(environ, lambda status, headers, exc_info=None: lambda data: None)
        b"".join(body)
        body.close()


def test_context_is_there_during_the_request_only(app):
    seen = []
    app.add_url_rule("/", "index", lambda: str(seen.append(current.get().request.path)))

    send(app)

    assert seen == ["/"]
    assert current.get(None) is None


def test_request_within_a_request_keeps_the_outer_one(app):
    app.add_url_rule("/inner", "inner", lambda: f"inner {request.path}")

    @app.get("/outer")
    def outer():
        inner = b"".join(send(app, "/inner")[0]).decode()
        return f"{inner}, outer {request.path}"

    assert b"".join(send(app, "/outer")[0]) == b"inner /inner, outer /outer"


def test_two_applications_may_answer_one_another(app):
    other = Costrel("other")
    other.add_url_rule("/", "index", lambda: f"other {request.path}")

    @app.get("/<path:rest>")
    def mounted(rest):
        return other.wsgi_app

    app.add_url_rule("/", "index", mounted, defaults={"rest": ""})

    assert b"".join(send(app, "/")[0]) == b"other /"


@pytest.mark.parametrize("method", ["get", "Get", "options", "post"])
def test_method_in_small_letters_is_the_same_method(app, method):
    app.add_url_rule("/", "index", lambda: request.method)
    environ = EnvironBuilder("/").get_environ()
    environ["REQUEST_METHOD"] = method

    _, status, headers = run_wsgi_app(app, environ)

    assert int(status[:3]) == {"get": 200, "options": 200, "post": 405}[method.lower()]
    assert ("Allow" in headers) is (method != "get" and method != "Get")


@pytest.mark.parametrize(
    "lacking", ["PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "CONTENT_TYPE", "REMOTE_ADDR"]
)
def test_variable_that_a_server_may_leave_out_is_not_needed(app, lacking):
    app.add_url_rule("/", "index", lambda: f"{request.path}{request.args}{request.remote_addr}")
    environ = EnvironBuilder("/").get_environ()
    environ.pop(lacking, None)

    assert run_wsgi_app(app, environ)[1] == "200 OK"


def test_path_that_is_not_utf8_is_answered(app):
    app.add_url_rule("/<name>", "index", lambda name: name)
    environ = EnvironBuilder("/").get_environ()
    environ["PATH_INFO"] = "/\xff\xfe"

    assert int(run_wsgi_app(app, environ)[1][:3]) < 500


def test_path_beyond_ascii_is_decoded(app):
    app.add_url_rule("/ä/<name>", "index", lambda name: name)

    assert b"".join(send(app, "/ä/ö")[0]).decode() == "ö"


def test_error_while_the_response_is_sent_still_ends_the_context(app):
    torn_down = []
    app.teardown_request(torn_down.append)
    app.add_url_rule("/", "index", lambda: "hello")

    def start_response(*args):
        raise OSError("the client is gone")

    with pytest.raises(OSError, match="gone"):
        app(EnvironBuilder("/").get_environ(), start_response)

    assert len(torn_down) == 1
    assert current.get(None) is None


@pytest.mark.parametrize("ending", [KeyboardInterrupt, GeneratorExit])
def test_what_ends_the_process_passes_through_and_ends_the_context(app, ending):
    torn_down = []
    app.teardown_appcontext(lambda exc: torn_down.append(type(exc)))

    @app.get("/")
    def index():
        raise ending

    with pytest.raises(ending):
        send(app)

    assert torn_down == [ending]
    assert current.get(None) is None


def test_uploaded_files_are_closed_with_the_request(app):
    kept = []

    @app.post("/")
    def index():
        kept.append(request.files["file"])
        return ""

    send(app, method="POST", data={"file": (BytesIO(b"a few bytes"), "a.txt")})

    assert kept[0].stream.closed


def test_environment_does_not_keep_the_request(app):
    app.add_url_rule("/", "index", lambda: request.path)
    environ = EnvironBuilder("/").get_environ()

    run_wsgi_app(app, environ)

    assert environ.get("werkzeug.request") is None


def test_debugger_is_given_the_context(app):
    kept = []
    app.add_url_rule("/", "index", lambda: "hello")

    send(app, environ_overrides={"werkzeug.debug.preserve_context": kept.append})

    assert [ctx.request.path for ctx in kept] == ["/"]


def test_redirect_of_a_view_is_sent_as_it_was_made(app):
    app.add_url_rule("/", "index", lambda: Response(status=302, headers={"Location": "/there"}))

    _, status, headers = send(app)

    assert (status, headers["Location"]) == ("302 FOUND", "/there")


def test_converter_may_answer_with_an_error(app):
    from werkzeug.exceptions import Gone
    from werkzeug.routing import BaseConverter

    class Dead(BaseConverter):
        def to_python(self, value):
            raise Gone

    app.url_map.converters["dead"] = Dead
    app.add_url_rule("/<dead:name>", "index", lambda name: name)

    assert send(app, "/x")[1] == "410 GONE"


def test_hook_may_change_where_the_request_goes(app):
    app.add_url_rule("/a", "a", lambda: "a")
    rule = app.url_rule_class("/b", endpoint="b")
    app.url_map.add(rule)
    app.view_functions["b"] = lambda **values: f"b {values}"

    @app.before_request
    def reroute():
        request.url_rule, request.view_args = rule, {"n": 1}

    assert b"".join(send(app, "/a")[0]) == b"b {'n': 1}"


def test_after_hooks_of_the_blueprint_run_that_a_hook_moved_the_request_to():
    app, shop, seen = Costrel("moves"), Blueprint("shop", __name__), []
    shop.after_request(lambda response: seen.append("after") or response)
    shop.teardown_request(lambda error: seen.append("teardown"))
    shop.add_url_rule("/shop", "index", lambda: "shop")
    app.register_blueprint(shop)
    app.add_url_rule("/", "index", lambda: "index")

    @app.before_request
    def move():
        request.url_rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == "shop.index")

    answer = app.test_client().get("/")

    assert (answer.text, seen) == ("shop", ["after", "teardown"])
