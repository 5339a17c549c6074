"""Commands run in a test know the application under test."""

from __future__ import annotations

import click

from costrel import current_app
from costrel.cli import ScriptInfo, with_appcontext
from costrel.testing import FlaskCliRunner


def test_the_applications_commands_are_found_by_name(app):
    @app.cli.command("hello")
    @click.argument("name")
    def hello(name):
        click.echo(f"{current_app.name} greets {name}")

    assert app.test_cli_runner().invoke(args=["hello", "ada"]).output == f"{app.name} greets ada\n"


def test_a_command_of_its_own_gets_the_application_too(app):
    @click.command()
    @with_appcontext
    def show():
        click.echo(current_app.name)

    assert app.test_cli_runner().invoke(show).output == f"{app.name}\n"


def test_an_object_that_is_given_goes_before(app):
    asked = []
    info = ScriptInfo(create_app=lambda: asked.append(1) or app)

    @click.command()
    @with_appcontext
    def show():
        pass

    app.test_cli_runner().invoke(show, obj=info)

    assert asked == [1]


def test_a_class_of_ones_own_is_used(app):
    class Runner(FlaskCliRunner):
        pass

    app.test_cli_runner_class = Runner

    assert type(app.test_cli_runner()) is Runner
