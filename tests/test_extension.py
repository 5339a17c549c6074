"""The base of extensions: construction, setup on one and many applications, and what it registers."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from costrel import Blueprint, Costrel, _mode, current_app
from costrel.checks import Finding
from costrel.core.checks.whole import check_application
from costrel.errors import ConfigError, ContextError, SetupError
from costrel.extension import (
    Extension,
    MissingLibraryError,
    Option,
    Options,
    SecondSetupError,
    require_library,
    text,
)
from costrel.serving.lifespan import aserving, serving


class GreetOptions(Options):
    prefix = "GREET_"
    word = Option("Hello", "What visitors are greeted with.", read=text)


class Greet(Extension[GreetOptions]):
    """Greets."""

    name = "greet"
    options_class = GreetOptions

    def setup(self, app, options):
        app.add_url_rule("/greet", "greet", lambda: options.word)

    def template_globals(self):
        return {"greeting": lambda: self.options_of().word}


class Wave(Extension):
    """Needs the other one."""

    name = "wave"
    requires = ("greet",)


# Setup.


def test_it_is_set_up_by_its_constructor(app, client):
    greet = Greet(app, word="Good day")

    assert app.extensions["greet"] is greet
    assert client(app).get("/greet").text == "Good day"


def test_it_is_set_up_by_init_app(app, client):
    Greet(word="Good day").init_app(app)

    assert client(app).get("/greet").text == "Good day"


def test_one_instance_serves_many_applications_each_with_its_options(client):
    greet = Greet(word="Hi")
    first, second = Costrel("first"), Costrel("second")
    second.config["GREET_WORD"] = "Moin"
    greet.init_app(first)
    greet.init_app(second)
    first.add_url_rule("/page", "page", lambda: first.jinja_env.from_string("{{ greeting() }}").render())
    second.add_url_rule("/page", "page", lambda: second.jinja_env.from_string("{{ greeting() }}").render())

    assert [client(app).get("/greet").text for app in (first, second)] == ["Hi", "Moin"]
    assert [client(app).get("/page").text for app in (first, second)] == ["Hi", "Moin"]
    assert greet.options_of(first).word == "Hi"


def test_what_setup_returns_lies_in_the_applications_table(app):
    class Stateful(Greet):
        def setup(self, app, options):
            return ["state"]

    stateful = Stateful(app)

    assert app.extensions["greet"] is stateful.state_of(app)
    assert stateful.state_of(app) == ["state"]


def test_current_application_is_the_default_of_what_is_asked_for(app):
    greet = Greet(app)

    with app.app_context():
        assert greet.options_of().word == "Hello"
        assert greet.state_of() is greet
    with pytest.raises(ContextError):
        greet.options_of()


def test_the_proxy_stands_for_the_application(app):
    kept = []

    class Keeping(Greet):
        def setup(self, app, options):
            kept.append(app)

    with app.app_context():
        Keeping(current_app)

    assert kept[0] is app
    assert type(kept[0]) is Costrel


def test_it_is_the_same_under_the_alias(client):
    before = _mode.flask_defaults()
    _mode.use_flask_defaults()
    try:
        app = Costrel("ported")
        app.config["GREET_WORD"] = "Moin"
        Greet(app)

        assert client(app).get("/greet").text == "Moin"
        with pytest.raises(ConfigError, match="GREET_WROD is no option"):
            other = Costrel("other")
            other.config["GREET_WROD"] = "Moin"
            Greet(other)
    finally:
        _mode.use_flask_defaults(before)


# What setup refuses, before anything is changed.


def test_second_setup_is_refused(app):
    Greet(app)

    with pytest.raises(SecondSetupError, match="a 'Greet' instance has already been registered") as caught:
        Greet(app)
    assert isinstance(caught.value, RuntimeError)
    assert "app.extensions['greet']" in caught.value.hint


def test_what_it_requires_must_be_there(app):
    with pytest.raises(SetupError) as caught:
        Wave(app)
    assert caught.value.problem == "the extension 'wave' needs 'greet', which is not set up"
    assert "costrel.ext.greet" in caught.value.hint

    Greet(app)
    Wave(app)


def test_unknown_key_is_refused_with_the_nearest(app):
    app.config["GREET_WROD"] = "Moin"

    with pytest.raises(ConfigError) as caught:
        Greet(app)
    assert caught.value.hint == "Did you mean GREET_WORD?"
    assert "greet" not in app.extensions
    assert "GREET_WORD" not in app.config


def test_unknown_argument_is_refused_before_there_is_an_application():
    with pytest.raises(ConfigError) as caught:
        Greet(wrod="Moin")

    assert caught.value.problem == "'wrod' is no option of Greet"
    assert caught.value.hint == "Did you mean word?"


def test_unfit_argument_is_refused_at_setup(app):
    with pytest.raises(ConfigError, match="GREET_WORD must be a text, got 7"):
        Greet(app, word=7)


@pytest.mark.parametrize("value", ["shop", {}, object()])
def test_what_is_no_application_is_refused(value):
    with pytest.raises(SetupError) as caught:
        Greet(value)

    assert type(value).__qualname__ in caught.value.problem
    assert "Greet(app)" in caught.value.hint


def test_setup_after_the_first_request_is_refused(app, client):
    client(app).get("/")

    with pytest.raises(AssertionError, match=r"'Greet\.init_app' can no longer be called"):
        Greet(app)
    assert "greet" not in app.extensions


def test_who_is_not_set_up_says_so(app):
    greet = Greet()

    with pytest.raises(SetupError) as caught:
        greet.options_of(app)
    assert app.name in caught.value.problem
    assert ".init_app(app)" in caught.value.hint


def test_setup_that_failed_may_be_tried_again(app, client):
    app.config["GREET_WORD"] = 7
    greet = Greet()
    with pytest.raises(ConfigError):
        greet.init_app(app)

    app.config["GREET_WORD"] = "Moin"
    greet.init_app(app)

    assert client(app).get("/greet").text == "Moin"


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"name": "Greet"}, "must be a word in lower case, got 'Greet'"),
        ({"name": "a-b"}, "must be a word in lower case, got 'a-b'"),
        ({"name": "wave", "requires": "greet"}, "requires must be a tuple, got 'greet'"),
        ({"name": "wave", "options_class": dict}, "must be a subclass of Options"),
    ],
)
def test_class_that_says_what_cannot_be_is_refused(attributes, problem):
    with pytest.raises(SetupError, match=problem):
        type("Bad", (Extension,), attributes)


# What it registers.


def test_its_blueprint_is_served(app, client):
    class Served(Extension):
        name = "served"

        def blueprint(self):
            bp = Blueprint("served", __name__)
            bp.add_url_rule("/served", "index", lambda: "by an extension")
            return bp

    Served(app)

    assert client(app).get("/served").text == "by an extension"


def test_templates_see_its_globals_also_if_they_were_used_before(app):
    template = app.jinja_env.from_string("{{ greeting() }}")
    Greet(app)

    with app.app_context():
        assert template.render() == "Hello"


def test_global_of_the_application_goes_before_its_own(app):
    app.jinja_env.globals["greeting"] = lambda: "mine"
    Greet(app)

    assert app.jinja_env.from_string("{{ greeting() }}").render() == "mine"


def test_two_that_give_templates_one_name_are_refused(app):
    class Other(Extension):
        name = "other"

        def template_globals(self):
            return {"greeting": str}

    Greet(app)

    with pytest.raises(SetupError, match="'greet' and 'other' both give templates a 'greeting'"):
        Other(app)


def test_two_that_have_one_command_are_refused(app):
    class First(Extension):
        name = "first"
        commands = "first.commands:db"

    class Second(Extension):
        name = "second"
        commands = "second.commands:db"

    First(app)

    with pytest.raises(SetupError, match="'first' and 'second' both have commands named 'db'"):
        Second(app)


class Pool(Extension):
    """Opens and closes."""

    name = "pool"

    def __init__(self, app=None):
        self.told = []
        super().__init__(app)

    def open(self, app):
        self.told.append(("open", app.name))

    async def close(self, app):
        self.told.append(("close", app.name))


def test_it_is_opened_before_and_closed_after_serving(app):
    pool = Pool(app)
    assert pool.told == []

    with serving(app):
        assert pool.told == [("open", app.name)]

    assert pool.told == [("open", app.name), ("close", app.name)]


async def test_it_is_opened_and_closed_on_an_event_loop_too(app):
    pool = Pool(app)

    async with aserving(app):
        pass

    assert [what for what, _ in pool.told] == ["open", "close"]


def test_one_that_opens_nothing_registers_nothing_for_serving(app):
    Greet(app)

    assert not app.before_serving_funcs
    assert not app.after_serving_funcs


def test_it_tells_what_is_unwise(app):
    class Careful(Extension):
        name = "careful"

        def check(self, app):
            yield Finding("careful.W001", "somebody was careless")

    Careful(app)

    findings, _ = check_application(app)
    assert "careful.W001" in [finding.id for finding in findings]


def test_what_is_set_after_the_setup_and_wrong_is_found(app):
    Greet(app)
    app.config.update(GREET_WROD="Moin", GREET_WORD=7)

    findings = {finding.id: finding for finding in check_application(app)[0]}

    assert findings["greet.W901"].hint == "Did you mean GREET_WORD?"
    assert findings["greet.E901"].text == "GREET_WORD must be a text, got 7"


def test_a_setting_of_the_application_s_own_stops_nothing_and_is_told(app):
    app.config["GREET_CUSTOMERS"] = True
    Greet(app)

    findings = {finding.id: finding for finding in check_application(app)[0]}

    assert findings["greet.W902"].text == "GREET_CUSTOMERS is no option of greet: it has no effect"
    assert 'SILENCED_CHECKS = ["greet.W902"]' in findings["greet.W902"].hint
    assert "greet.W901" not in findings


def test_its_commands_are_imported_when_they_are_used(app, monkeypatch):
    import types

    module = types.ModuleType("shop_greetings")
    module.greet_all = click.Command("greet-all", callback=lambda: click.echo("Hello, all!"))
    monkeypatch.setitem(sys.modules, "shop_greetings", module)

    class Commanding(Extension):
        name = "commanding"
        commands = "shop_greetings:greet_all"

    for group in ("after", "before"):
        app = Costrel(group)
        if group == "before":
            app.cli  # makes it
        Commanding(app)

        result = app.test_cli_runner().invoke(args=["greet-all"])

        assert result.output == "Hello, all!\n"


# Libraries that are not there.


def test_library_that_is_there_is_accepted():
    require_library("json", extra="json")


def test_missing_library_names_its_extra():
    with pytest.raises(MissingLibraryError) as caught:
        require_library("no_such_library", extra="sqlalchemy")

    assert isinstance(caught.value, ModuleNotFoundError)
    assert caught.value.name == "no_such_library"
    assert "pip install 'costrel[sqlalchemy]'" in str(caught.value)


def test_library_that_lacks_another_one_says_which(tmp_path, monkeypatch):
    (tmp_path / "half_a_library.py").write_text("import no_such_library", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="no_such_library") as caught:
        require_library("half_a_library", extra="half")
    assert not isinstance(caught.value, MissingLibraryError)


def test_application_without_extensions_does_not_load_the_base():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from costrel import Costrel; Costrel('x').test_client().get('/')\n"
        "print(*(name for name in sys.modules if name.startswith(('costrel.ext', 'costrel.core.extension'))))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
