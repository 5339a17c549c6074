"""Views as classes answer like functions."""

import asyncio
import functools

import pytest

from costrel import request
from costrel.views import MethodView, View


def test_class_answers_with_the_variables_of_its_rule(app, client):
    class Hello(View):
        """Says hello."""

        def __init__(self, greeting, mark="!"):
            self.greeting, self.mark = greeting, mark

        def dispatch_request(self, name):
            return f"{self.greeting} {name}{self.mark}"

    view = Hello.as_view("hello", "Hi", mark="?")
    app.add_url_rule("/<name>", view_func=view)

    assert client(app).get("/ada").text == "Hi ada?"
    assert (view.__name__, view.__doc__, view.__module__) == ("hello", "Says hello.", __name__)
    assert view.view_class is Hello


def test_each_http_method_has_its_function(app, client):
    class Cups(MethodView):
        def get(self):
            return "GET"

        def post(self):
            return "POST"

    app.add_url_rule("/", view_func=Cups.as_view("cups"))
    client = client(app)

    assert client.get("/").text == "GET"
    assert client.post("/").text == "POST"
    assert client.put("/").status_code == 405
    assert sorted(client.options("/").allow) == ["GET", "HEAD", "OPTIONS", "POST"]


def test_head_is_answered_by_get_or_by_its_own(app, client):
    class Get(MethodView):
        def get(self):
            return "body", {"X-By": "get"}

    class Head(Get):
        def head(self):
            return "", {"X-By": "head"}

    app.add_url_rule("/get", view_func=Get.as_view("get"))
    app.add_url_rule("/head", view_func=Head.as_view("head"))

    assert client(app).head("/get").headers["X-By"] == "get"
    assert client(app).head("/head").headers["X-By"] == "head"


def test_async_functions_are_awaited(app, client):
    class Async(MethodView):
        async def get(self):
            return "awaited"

    class AsyncView(View):
        async def dispatch_request(self):
            return "awaited too"

    app.add_url_rule("/m", view_func=Async.as_view("m"))
    app.add_url_rule("/v", view_func=AsyncView.as_view("v"))

    assert client(app).get("/m").text == "awaited"
    assert client(app).get("/v").text == "awaited too"


def test_methods_follow_from_functions_and_bases():
    class Read(MethodView):
        def get(self): ...

    class Write(MethodView):
        methods = ["PROPFIND"]

    class Both(Read, Write):
        def delete(self): ...

    class Chosen(Both):
        methods = ["GET"]

    assert Both.methods == {"GET", "DELETE", "PROPFIND"}
    assert Chosen.methods == ["GET"]
    assert MethodView.methods is None


def test_method_without_a_function_is_named(app):
    class Cups(MethodView):
        methods = ["GET", "PUT"]

        def get(self): ...

    app.add_url_rule("/", view_func=Cups.as_view("cups"))

    with pytest.raises(AssertionError, match=r"Unimplemented method 'PUT': Cups has no function put\(\)"):
        app.test_client().put("/")


def test_decorators_wrap_from_the_inside_out():
    seen = []

    def note(name):
        def decorate(view):
            seen.append((name, view.__name__))
            return lambda **values: view(**values)

        return decorate

    class Decorated(View):
        decorators = [note("first"), note("second")]

    view = Decorated.as_view("decorated")

    assert [name for name, _ in seen] == ["first", "second"]
    assert seen[0] == ("first", "decorated")
    assert view.__name__ == "decorated"


@pytest.mark.parametrize("is_outside", [False, True], ids=["decorators", "around as_view"])
def test_async_decorator_awaits_a_class_with_async_functions(app, client, is_outside):
    def decorate(view):
        @functools.wraps(view)
        async def decorated(**values):
            return f"{request.method}: {await view(**values)}"

        return decorated

    class Mixed(MethodView):
        decorators = [] if is_outside else [decorate]

        async def get(self, name):
            return f"async {name}"

        def post(self, name):
            return f"sync {name}"

    class Whole(View):
        decorators = [] if is_outside else [decorate]

        async def dispatch_request(self, name):
            return f"whole {name}"

    for cls in (Mixed, Whole):
        view = cls.as_view(cls.__name__)
        path = f"/{cls.__name__}/<name>"
        app.add_url_rule(path, cls.__name__, decorate(view) if is_outside else view)

    assert client(app).get("/Mixed/a").text == "GET: async a"
    assert client(app).post("/Mixed/b").text == "POST: sync b"
    assert client(app).get("/Whole/c").text == "GET: whole c"


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_sync_decorator_has_the_result_of_an_async_function_also_within_a_running_loop(app, protocol):
    def decorate(view):
        return lambda **values: view(**values).upper()

    class Shout(MethodView):
        decorators = [decorate]

        async def get(self):
            return "aloud"

    app.add_url_rule("/", view_func=Shout.as_view("shout"))

    async def main():
        return app.test_client(protocol=protocol).get("/").text

    assert asyncio.run(main()) == "ALOUD"


def test_async_decorator_calls_a_class_of_sync_functions(app, client):
    def decorate(view):
        async def decorated():
            return view().upper()

        return decorated

    class Shout(MethodView):
        decorators = [decorate]

        def get(self):
            return "aloud"

    app.add_url_rule("/", view_func=Shout.as_view("shout"))

    assert client(app).get("/").text == "ALOUD"


@pytest.mark.parametrize(("every_request", "made"), [(True, 2), (False, 1)])
def test_instance_is_made_per_request_or_once(app, client, every_request, made):
    instances = []

    class Counted(View):
        init_every_request = every_request

        def __init__(self):
            instances.append(self)

        def dispatch_request(self):
            return ""

    app.add_url_rule("/", view_func=Counted.as_view("counted"))
    browser = client(app)
    browser.get("/")
    browser.get("/")

    assert len(instances) == made


def test_class_of_a_view_can_be_replaced(app, client):
    class Real(View):
        def dispatch_request(self):
            return "real"

    class Fake(View):
        def dispatch_request(self):
            return "fake"

    view = Real.as_view("real")
    view.view_class = Fake
    app.add_url_rule("/", view_func=view)

    assert client(app).get("/").text == "fake"


def test_options_can_be_left_to_the_class(app, client):
    class Silent(View):
        provide_automatic_options = False

        def dispatch_request(self):
            return ""

    app.add_url_rule("/", view_func=Silent.as_view("silent"))

    assert client(app).options("/").status_code == 405
