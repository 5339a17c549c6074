import logging
import os

import jinja2
import pytest
from jinja2 import TemplateNotFound, TemplatesNotFound

from costrel import (
    Blueprint,
    Costrel,
    before_render_template,
    g,
    render_template,
    render_template_string,
    request,
    session,
    stream_template,
    stream_template_string,
    template_rendered,
    templating,
)
from costrel.templating import DispatchingJinjaLoader


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "hello.html").write_text("Hello {{ name }}!")
    (folder / "mail.txt").write_text("Hello {{ name }}!")
    (folder / "base.html").write_text("[{% block body %}{% endblock %}]")
    (folder / "page.html").write_text("{% extends 'base.html' %}{% block body %}{{ name }}{% endblock %}")
    app = Costrel(__name__, root_path=str(tmp_path))
    app.config.update(SECRET_KEY="a key for tests", TESTING=True)

    return app


def write(app, name, text):
    path = f"{app.root_path}/templates/{name}"
    with open(path, "w") as file:
        file.write(text)


# Rendering


def test_template_is_rendered_with_its_values(app):
    with app.app_context():
        assert render_template("hello.html", name="Ada") == "Hello Ada!"
        assert render_template("page.html", name="Ada") == "[Ada]"
        assert render_template_string("{{ a }}-{{ b }}", a=1, b=2) == "1-2"


def test_first_template_of_a_list_that_exists_is_taken(app):
    with app.app_context():
        assert render_template(["none.html", "hello.html"], name="Ada") == "Hello Ada!"
        with pytest.raises(jinja2.TemplatesNotFound, match=r"none\.html, nor\.html"):
            render_template(["none.html", "nor.html"])


def test_template_object_is_rendered_as_it_is(app):
    with app.app_context():
        assert render_template(app.jinja_env.get_template("hello.html"), name="Ada") == "Hello Ada!"


def test_values_are_escaped_by_the_name(app):
    with app.app_context():
        assert render_template("hello.html", name="<b>") == "Hello &lt;b&gt;!"
        assert render_template("mail.txt", name="<b>") == "Hello <b>!"
        assert render_template_string("{{ name }}", name="<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("call", [lambda: render_template("hello.html"), lambda: render_template_string("x")])
def test_rendering_outside_of_a_context_says_so(call):
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        call()


# What templates see


def test_request_session_and_g_are_seen_also_in_macros(app, client):
    write(app, "_m.html", "{% macro show() %}{{ request.path }} {{ session.x }} {{ g.y }}{% endmacro %}")
    write(app, "all.html", "{% from '_m.html' import show with context %}{{ show() }}|{{ config.TESTING }}")
    write(app, "plain.html", "{% import '_m.html' as m %}{{ m.show() }}")

    @app.get("/<name>")
    def index(name):
        session["x"] = "s"
        g.y = "g"
        return render_template(name)

    assert client(app).get("/all.html").text == "/all.html s g|True"
    assert client(app).get("/plain.html").text == "/plain.html s g"


def test_processor_gives_the_real_request_and_g(app):
    with app.test_request_context("/x"):
        values = templating._default_template_ctx_processor()

        assert values["request"] is request._get_current_object()
        assert values["g"] is g._get_current_object()
    with app.app_context():
        assert set(templating._default_template_ctx_processor()) == {"g"}
    assert templating._default_template_ctx_processor() == {}


def test_page_that_does_not_touch_the_session_does_not_open_it(app, client):
    app.add_url_rule("/no", "no", lambda: render_template_string("x"))
    app.add_url_rule("/yes", "yes", lambda: render_template_string("{{ session.x }}"))

    assert "Vary" not in client(app).get("/no").headers
    assert client(app).get("/yes").headers["Vary"] == "Cookie"


def test_without_a_request_templates_still_render(app):
    with app.app_context():
        g.x = 1
        assert render_template_string("{{ g.x }} {{ config.TESTING }}") == "1 True"


def test_context_processors_add_and_own_values_win(app):
    app.context_processor(lambda: {"a": "processor", "b": "processor"})

    with app.test_request_context():
        assert render_template_string("{{ a }} {{ b }}", b="own") == "processor own"


def test_overridden_update_template_context_counts():
    class App(Costrel):
        def update_template_context(self, *args):
            super().update_template_context(*args)
            args[-1]["extra"] = "added"

    with App(__name__).app_context():
        assert render_template_string("{{ extra }}") == "added"


def test_overridden_update_template_context_may_be_in_the_style_of_flask_32():
    class App(Costrel):
        def update_template_context(self, ctx, context):
            super().update_template_context(ctx, context)
            context["extra"] = ctx.request.path if ctx.has_request else "no request"

    app = App(__name__)

    with app.app_context():
        assert render_template_string("{{ extra }}") == "no request"
    with app.test_request_context("/page"):
        assert render_template_string("{{ extra }}") == "/page"
        assert "".join(stream_template_string("{{ extra }}")) == "/page"


def test_filters_tests_and_globals_added_later_are_seen(app):
    app.template_filter("shout")(lambda text: text.upper())
    app.template_test("loud")(lambda text: text.isupper())
    app.template_global("greet")(lambda: "hi")

    with app.app_context():
        assert render_template_string("{{ greet() | shout }} {{ greet() is loud }}") == "HI False"


# Strings are compiled once


def test_string_is_compiled_once(app):
    with app.app_context():
        render_template_string("{{ x }}", x=1)
        first = app.jinja_env._compiled_string("{{ x }}")

        assert app.jinja_env._compiled_string("{{ x }}") is first
        assert render_template_string("{{ x }}", x=2) == "2"


def test_changed_setting_compiles_strings_anew(app):
    source = "{{ x }}\n<< x >>"
    with app.app_context():
        assert render_template_string(source, x="<") == "&lt;\n<< x >>"

        app.jinja_env.variable_start_string, app.jinja_env.variable_end_string = "<<", ">>"
        assert render_template_string(source, x="<") == "{{ x }}\n&lt;"

        app.jinja_env.autoescape = False
        assert render_template_string(source, x="<") == "{{ x }}\n<"


def test_extension_added_later_compiles_strings_anew(app):
    source = "{% for x in [1, 2] %}{{ x }}{% if x == 1 %}{% continue %}{% endif %}!{% endfor %}"
    with app.app_context():
        with pytest.raises(jinja2.TemplateSyntaxError):
            render_template_string(source)

        app.jinja_env.add_extension("jinja2.ext.loopcontrols")

        assert render_template_string(source) == "12!"


def test_overlay_has_strings_of_its_own(app):
    env = app.jinja_env
    first = env._compiled_string("{{ x }}")
    other = env.overlay(autoescape=False)

    assert other._compiled_string("{{ x }}") is not first
    assert other._compiled_string("{{ x }}").render(x="<") == "<"
    assert env._compiled_string("{{ x }}") is first


def test_kept_strings_are_bounded(app):
    for number in range(1_000):
        app.jinja_env._compiled_string(f"{number}")
    long = "x" * 40_000

    assert len(app.jinja_env._from_strings) <= 256
    assert app.jinja_env._compiled_string(long) is not app.jinja_env._compiled_string(long)


def test_environment_of_another_class_renders_strings_too(app):
    app.jinja_env = jinja2.Environment(autoescape=True)

    with app.app_context():
        assert render_template_string("{{ x }}", x="<") == "&lt;"


# Streaming


def test_template_is_streamed_in_pieces(app, client):
    write(app, "long.html", "{% for i in range(n) %}{{ i }}{{ request.path }};{% endfor %}")
    app.add_url_rule("/", "index", lambda: stream_template("long.html", n=3))
    app.add_url_rule("/s", "string", lambda: stream_template_string("{{ request.path }}{{ x }}", x=1))

    assert client(app).get("/").text == "0/;1/;2/;"
    assert client(app).get("/s").text == "/s1"
    with app.test_request_context():
        pieces = stream_template("long.html", n=3)
        assert next(pieces) == "0"
        pieces.close()


def test_template_is_streamed_without_a_request(app):
    with app.app_context():
        assert "".join(stream_template_string("{{ x }}", x="<")) == "&lt;"


# Signals


@pytest.mark.parametrize("stream", [False, True])
def test_signals_tell_of_template_and_context(app, stream):
    seen = []

    def before(sender, template, context, **extra):
        context["added"] = "by the receiver"
        seen.append(("before", sender, template.name, context["name"]))

    def after(sender, template, context, **extra):
        seen.append(("after", sender, template.name, context["name"]))

    with (
        before_render_template.connected_to(before, app),
        template_rendered.connected_to(after, app),
        app.test_request_context(),
    ):
        write(app, "added.html", "{{ name }} {{ added }}")
        text = (
            "".join(stream_template("added.html", name="x"))
            if stream
            else render_template("added.html", name="x")
        )

    assert text == "x by the receiver"
    assert seen == [("before", app, "added.html", "x"), ("after", app, "added.html", "x")]


# Finding templates


def blueprint(app, name, **templates):
    folder = f"{app.root_path}/{name}"
    os.makedirs(folder)
    for template, text in templates.items():
        with open(f"{folder}/{template}.html", "w") as file:
            file.write(text)
    bp = Blueprint(name, __name__, root_path=app.root_path, template_folder=name)
    app.register_blueprint(bp)


def test_application_goes_before_its_blueprints(app):
    blueprint(app, "admin", hello="of the blueprint", own="also")

    with app.app_context():
        assert render_template("hello.html", name="Ada") == "Hello Ada!"
        assert render_template("own.html") == "also"
        assert {"hello.html", "own.html", "mail.txt"} <= set(app.jinja_env.list_templates())


@pytest.mark.parametrize("explained", [False, True])
def test_order_of_the_loaders_can_be_overridden_as_in_flask(app, explained):
    class BlueprintsFirst(DispatchingJinjaLoader):
        def _iter_loaders(self, template):
            yield from reversed([*super()._iter_loaders(template)])

    app.config["EXPLAIN_TEMPLATE_LOADING"] = explained
    app.create_global_jinja_loader = lambda: BlueprintsFirst(app)
    blueprint(app, "admin", hello="of the blueprint")

    with app.app_context():
        assert render_template("hello.html") == "of the blueprint"
        assert "hello.html" in app.jinja_env.list_templates()
        with pytest.raises(TemplateNotFound, match="looked in"):
            render_template("helo.html")


def test_unknown_template_says_where_it_was_looked_for_and_what_is_near(app):
    blueprint(app, "admin", own="x")

    with app.app_context(), pytest.raises(TemplateNotFound) as caught:
        render_template("helo.html")

    assert str(caught.value).splitlines() == [
        "helo.html",
        "  looked in:",
        f"    {app.root_path}/templates (application {app.name!r})",
        f"    {app.root_path}/admin (blueprint 'admin')",
        "  hint: Did you mean 'hello.html'?",
    ]
    assert caught.value.name == "helo.html"


def test_several_unknown_templates_say_where_they_were_looked_for_and_what_is_near(app):
    with app.app_context(), pytest.raises(TemplatesNotFound) as caught:
        render_template(["none.html", "helo.html"])

    assert str(caught.value).splitlines() == [
        "none of the templates given were found: none.html, helo.html",
        "  looked in:",
        f"    {app.root_path}/templates (application {app.name!r})",
        "  hint: Did you mean 'hello.html'?",
    ]
    assert caught.value.templates == ["none.html", "helo.html"]


def test_empty_list_of_templates_is_named_as_such(app):
    with app.app_context(), pytest.raises(TemplatesNotFound, match="an empty list"):
        render_template([])


def test_template_included_that_may_be_missing_costs_no_search(app, monkeypatch):
    monkeypatch.setattr(templating.DispatchingJinjaLoader, "_places", lambda self: pytest.fail("searched"))

    with app.app_context():
        assert render_template_string("a{% include 'none.html' ignore missing %}b") == "ab"


def test_loading_is_explained_if_asked_for(app, caplog):
    app.config["EXPLAIN_TEMPLATE_LOADING"] = True
    app.logger.propagate = True
    blueprint(app, "admin", hello="of the blueprint")

    with app.app_context(), caplog.at_level(logging.INFO):
        assert render_template("hello.html", name="Ada") == "Hello Ada!"
        with pytest.raises(TemplateNotFound, match="helo"):
            render_template("helo.html")

    assert "trying loader of application" in caplog.text
    assert "trying loader of blueprint 'admin'" in caplog.text
    assert "could not be found" in caplog.text


def test_changed_template_is_read_again_only_if_asked_for(app):
    with app.app_context():
        app.jinja_env.auto_reload = False
        render_template("hello.html", name="")
        write(app, "hello.html", "Bye {{ name }}!")
        os.utime(f"{app.root_path}/templates/hello.html", (1, 1))

        assert render_template("hello.html", name="Ada") == "Hello Ada!"
        app.jinja_env.auto_reload = True
        assert render_template("hello.html", name="Ada") == "Bye Ada!"


def test_own_loader_replaces_the_applications(app):
    env = templating.Environment(app, loader=jinja2.DictLoader({"a": "b"}))

    assert env.app is app
    assert env.get_template("a").render() == "b"


def test_environment_class_of_an_application_can_be_chosen_as_in_flask():
    class Own(templating.Environment):
        pass

    class Shop(Costrel):
        jinja_environment = Own

    app = Costrel("x")
    assert app.jinja_environment is Costrel.jinja_environment is templating.Environment
    assert type(Shop("x").jinja_env) is Own

    app.jinja_environment = Own
    assert type(app.jinja_env) is Own
    assert type(Costrel("x").jinja_env) is templating.Environment


def test_module_answers_for_the_classes_it_loads_late_and_for_no_others():
    for name in templating.__all__:
        assert getattr(templating, name) is not None

    with pytest.raises(AttributeError, match="Enviroment"):
        templating.Enviroment
