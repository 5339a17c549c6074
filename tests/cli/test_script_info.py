"""A command gets its application once, from where it was told, inside of a context."""

from __future__ import annotations

import os

import click
import pytest
from click.testing import CliRunner

from costrel import Costrel, current_app
from costrel.cli import AppGroup, FlaskGroup, NoAppException, ScriptInfo, with_appcontext

HELLO = "from costrel import Costrel\napp = Costrel('hello')\nother = Costrel('other')\n"


@pytest.mark.parametrize("file", ["wsgi.py", "app.py"])
def test_the_usual_files_are_found(project, file):
    project(file, HELLO)
    info = ScriptInfo()

    app = info.load_app()

    assert app.name == "hello"
    assert info.load_app() is app
    assert info.found_in == file


@pytest.mark.parametrize(("path", "name"), [("hello", "hello"), ("hello.py:other", "other")])
def test_the_named_application_is_loaded(project, path, name):
    project("hello.py", HELLO)

    assert ScriptInfo(app_import_path=path).load_app().name == name


def test_nothing_to_serve_is_told_with_what_was_looked_for_and_a_line_to_type(project, tmp_path):
    project("shop.py", HELLO)

    with pytest.raises(NoAppException) as caught:
        ScriptInfo().load_app()

    assert caught.value.message.splitlines() == [
        f"Could not locate an application: no 'wsgi.py' or 'app.py' in {tmp_path}",
        "  shop.py seems to make one.",
        "  hint: Name its module: 'costrel --app shop run', or set COSTREL_APP=shop (FLASK_APP works too).",
    ]


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("0", False), (None, False)])
def test_the_debug_flag_of_the_environment_reaches_the_application(monkeypatch, value, debug):
    if value:
        monkeypatch.setenv("COSTREL_DEBUG", value)

    assert ScriptInfo(create_app=lambda: Costrel("x")).load_app().debug is debug


def test_the_debug_flag_may_be_left_to_the_application():
    def create_app():
        app = Costrel("x")
        app.debug = True
        return app

    assert ScriptInfo(create_app=create_app, set_debug_flag=False).load_app().debug
    assert not ScriptInfo(create_app=create_app).load_app().debug


def test_with_appcontext_gives_a_plain_command_a_context():
    @click.command()
    @with_appcontext
    def show():
        click.echo(current_app.name)

    result = CliRunner().invoke(show, obj=ScriptInfo(create_app=lambda: Costrel("inside")))

    assert result.output == "inside\n"


def test_commands_of_a_group_and_of_its_groups_have_a_context():
    @click.group(cls=AppGroup)
    def top():
        pass

    @top.group()
    def below():
        pass

    @below.command()
    def show():
        click.echo(current_app.name)

    result = CliRunner().invoke(top, ["below", "show"], obj=ScriptInfo(create_app=lambda: Costrel("inside")))

    assert result.output == "inside\n"


def test_a_command_can_do_without_the_application():
    def create_app():
        raise RuntimeError("must not be called")

    group = AppGroup("top")

    @group.command(with_appcontext=False)
    def show():
        click.echo("alone")

    assert CliRunner().invoke(group, ["show"], obj=ScriptInfo(create_app=create_app)).output == "alone\n"


def test_the_context_of_the_application_is_not_entered_twice():
    app = Costrel("once")
    group = FlaskGroup(create_app=lambda: app)
    popped = []
    app.teardown_appcontext(lambda error: popped.append(error))

    @app.cli.command()
    def show():
        click.echo(current_app.name)

    assert CliRunner().invoke(group, ["show"]).output == "once\n"
    assert popped == [None]


def test_app_run_does_nothing_while_a_command_looks_for_the_application(project):
    project("app.py", "from costrel import Costrel\napp = Costrel('hello')\napp.run()\n")
    os.environ["FLASK_RUN_FROM_CLI"] = "true"

    assert ScriptInfo().load_app().name == "hello"
