"""Templates rendered on an event loop: async functions, processors and receivers, and all else as ever."""

from __future__ import annotations

import asyncio
import threading

import jinja2
import pytest

from costrel import (
    Blueprint,
    Costrel,
    arender_template,
    arender_template_string,
    astream_template,
    astream_template_string,
    before_render_template,
    g,
    render_template,
    render_template_string,
    request,
    session,
    template_rendered,
)
from costrel.errors import ContextError


@pytest.fixture
def app(app):
    """The application, with templates."""
    app.jinja_options = {"loader": jinja2.DictLoader(TEMPLATES)}

    return app


TEMPLATES = {
    "page.html": (
        "{% extends 'frame.html' %}{% from 'macros.html' import shout with context %}"
        "{% block body %}{{ find() }},{% for x in count() %}{{ x }}{% endfor %},{{ shout(row.name) }},"
        "{{ request.path }},{{ g.seen }},{{ session.get('x') }}{% endblock %}"
    ),
    "frame.html": "[{% block body %}{% endblock %}{% include 'more.html' %}]",
    "more.html": ",{{ find() }}",
    "macros.html": "{% macro shout(text) %}{{ text|upper }}!{{ request.method }}{% endmacro %}",
    "plain.html": "Hello {{ name }}!",
}
EXPECTED = "[&lt;found&gt;,012,&lt;B&gt;!GET,/page,1,2,&lt;found&gt;]"


async def find():
    await asyncio.sleep(0)
    return "<found>"


async def count():
    for number in range(3):
        await asyncio.sleep(0)
        yield number


def add_page(app, make):
    @app.get("/page")
    async def page():
        g.seen, session["x"] = 1, 2
        rv = make("page.html", find=find, count=count, row={"name": "<b>"})
        return rv if hasattr(rv, "__aiter__") else await rv


@pytest.mark.parametrize("make", [arender_template, astream_template])
def test_template_calls_async_functions_and_everything_else_is_as_ever(app, client, make):
    add_page(app, make)

    assert client(app).get("/page").text == EXPECTED


@pytest.mark.parametrize("make", [arender_template, astream_template])
async def test_so_it_does_by_asgi(app, make):
    async def receive():
        return {"type": "http.request"} if not sent else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    add_page(app, make)
    sent = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/page",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    await app.asgi_app(scope, receive, send)

    assert b"".join(message.get("body", b"") for message in sent).decode() == EXPECTED


async def test_string_is_rendered(app):
    with app.app_context():
        text = await arender_template_string("{{ find() }}<{{ x }}>", find=find, x="&")
        pieces = [piece async for piece in astream_template_string("{{ find() }}-{{ x }}", find=find, x=1)]

    assert text == "&lt;found&gt;<&amp;>"
    assert "".join(pieces) == "&lt;found&gt;-1"


async def test_context_processors_are_awaited_or_called_beside_the_loop(app):
    blueprint = Blueprint("shop", __name__)

    @app.context_processor
    async def of_app():
        await asyncio.sleep(0)
        return {"a": "app", "b": "app", "c": "app"}

    @blueprint.context_processor
    def of_blueprint():
        threads.append(threading.current_thread())
        return {"b": request.endpoint, "c": "blueprint"}

    threads = []
    blueprint.add_url_rule("/", "index", lambda: "")
    app.register_blueprint(blueprint)
    with app.test_request_context("/"):
        text = await arender_template_string("{{ a }} {{ b }} {{ c }}", c="own")

    assert text == "app shop.index own"
    assert threads[0] is not threading.current_thread()


async def test_overridden_update_template_context_counts_here_too():
    class Shop(Costrel):
        def update_template_context(self, context):
            super().update_template_context(context)
            context["more"] = "more"

    app = Shop("shop")

    @app.context_processor
    async def processor():
        return {"a": "async"}

    with app.app_context():
        assert await arender_template_string("{{ a }} {{ more }}") == "async more"


async def test_override_in_the_style_of_flask_32_counts_here_too():
    class Shop(Costrel):
        def update_template_context(self, ctx, context):
            super().update_template_context(ctx, context)
            context["path"] = ctx.request.path

    with Shop("shop").test_request_context("/page"):
        assert await arender_template_string("{{ path }}") == "/page"
        pieces = [piece async for piece in astream_template_string("{{ path }}")]

    assert pieces == ["/page"]


async def test_receivers_are_told_the_async_ones_too(app):
    async def awaited(sender, template, context, **extra):
        await asyncio.sleep(0)
        told.append(("before", template.name, context["name"]))

    def called(sender, template, context, **extra):
        told.append(("after", template.name, context["name"]))

    told = []
    before = before_render_template.connected_to(awaited, app)
    after = template_rendered.connected_to(called, app)
    with before, after, app.app_context():
        await arender_template("plain.html", name="Ada")
        _ = [piece async for piece in astream_template(["none.html", "plain.html"], name="Eve")]

    assert told == [(when, "plain.html", name) for name in ("Ada", "Eve") for when in ("before", "after")]


async def test_filters_globals_and_settings_are_those_of_the_environment(app):
    with app.app_context():
        assert await arender_template_string("{{ 1 }}") == "1"
        app.template_filter("twice")(lambda text: text * 2)
        app.jinja_env.globals["shop"] = "Wayside"
        assert await arender_template_string("{{ 'a'|twice }} {{ shop }}") == "aa Wayside"

        app.jinja_env.variable_start_string = "<<"
        app.jinja_env.variable_end_string = ">>"
        assert await arender_template_string("<< 1 >>") == "1"


async def test_templates_are_compiled_once(app):
    with app.app_context():
        await arender_template("plain.html", name="")
        env = app.jinja_env.for_async()
        await arender_template("plain.html", name="")

    assert app.jinja_env.for_async() is env
    assert env.for_async() is env
    assert len(env.cache) == 1


async def test_environment_of_another_class_will_do(app):
    class Own(jinja2.Environment):
        def __init__(self, app, **options):
            super().__init__(**options)

    app.jinja_environment = Own
    with app.app_context():
        assert await arender_template("plain.html", name="Ada") == "Hello Ada!"
        assert await arender_template_string("{{ find() }}", find=find) == "&lt;found&gt;"


async def test_synchronous_rendering_works_in_async_code_too(app):
    with app.app_context():
        assert render_template("plain.html", name="Ada") == "Hello Ada!"


def test_environment_that_is_async_by_its_options_renders_synchronously_on_the_kept_loop(app):
    async def which():
        loops.append(asyncio.get_running_loop())
        return "x"

    loops = []
    app.jinja_options = {"enable_async": True}
    with app.app_context():
        assert [render_template_string("{{ which() }}", which=which) for _ in range(2)] == ["x", "x"]

    assert loops[0] is loops[1]


async def test_error_in_a_template_is_raised_and_the_stream_torn_down(app):
    with app.app_context():
        with pytest.raises(jinja2.UndefinedError):
            await arender_template_string("{{ nothing.more }}")
        with pytest.raises(jinja2.TemplateNotFound):
            await arender_template("none.html")


@pytest.mark.parametrize(
    "call",
    [arender_template, arender_template_string, astream_template, astream_template_string],
)
async def test_outside_of_a_context_says_so(call):
    with pytest.raises(ContextError, match=rf"{call.__name__}\(\)"):
        await call("x")
