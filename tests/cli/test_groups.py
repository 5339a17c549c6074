"""The command lists what it has, finds commands wherever they come from, and names the nearest one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest

from costrel import Costrel
from costrel.cli import CostrelGroup, FlaskGroup, cli, plugins

APP = """\
from costrel import Costrel
app = Costrel("shop")

@app.cli.command()
def restock():
    "Fill the shelves."
    print("restocked", app.debug)
"""


def test_the_group_has_both_names():
    assert CostrelGroup is FlaskGroup


def test_help_lists_the_built_in_commands_and_loads_no_application(project, command):
    project("app.py", "raise SystemExit('the application was loaded')")

    result = command("--help")

    assert result.exit_code == 0
    for name in ("routes", "run", "shell"):
        assert f"\n  {name} " in result.output
    assert "'costrel' alone lists the commands of the application as well." in result.output


def test_the_command_alone_lists_the_applications_commands_too(project, command):
    project("app.py", APP)

    assert re.search(r"\n  restock +Fill the shelves\.\n", command().output)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError"),
        ("if", "SyntaxError"),
    ],
)
def test_the_built_in_commands_are_listed_when_the_application_fails(project, command, text, told):
    project("app.py", text)

    result = command()

    assert told in result.stderr
    assert "app.py:1" in result.stderr
    assert "Run a development server." in result.output


def test_a_custom_group_lists_the_commands_of_its_factory_in_help(command):
    app = Costrel("shop")

    @app.cli.command()
    def restock():
        """Fill the shelves."""

    assert "Fill the shelves." in command("--help", group=FlaskGroup(create_app=lambda: app)).output


def test_a_command_of_the_application_runs(project, command):
    project("app.py", APP)

    assert command("restock").output == "restocked False\n"
    assert command("--debug", "restock").output == "restocked True\n"


@pytest.mark.parametrize("variable", ["COSTREL_APP", "FLASK_APP"])
def test_the_application_is_named_by_a_variable(project, command, monkeypatch, variable):
    project("shop.py", APP)
    monkeypatch.setenv(variable, "shop")

    assert command("restock").output == "restocked False\n"


def test_costrels_variable_goes_before_flasks(project, command, monkeypatch):
    project("shop.py", APP)
    monkeypatch.setenv("FLASK_APP", "no_such_module")
    monkeypatch.setenv("COSTREL_APP", "shop")

    assert command("restock").exit_code == 0


@pytest.mark.parametrize("prefix", ["COSTREL", "FLASK"])
def test_options_of_the_applications_commands_are_read_from_variables(command, monkeypatch, prefix):
    app = Costrel("shop")

    @app.cli.command()
    @click.option("--count", default=1)
    def restock(count):
        click.echo(count)

    monkeypatch.setenv(f"{prefix}_RESTOCK_COUNT", "7")

    assert command("restock", group=FlaskGroup(create_app=lambda: app)).output == "7\n"


@pytest.mark.parametrize(
    ("typed", "nearest"), [("rotes", "routes"), ("restok", "restock"), ("shel", "shell")]
)
def test_an_unknown_command_is_told_with_the_nearest_one(project, command, typed, nearest):
    project("app.py", APP)

    result = command(typed)

    assert result.exit_code == 2
    assert f"No such command '{typed}'. Did you mean '{nearest}'?" in result.stderr


def test_an_unknown_command_without_application_tells_both(project, command):
    result = command("missing")

    assert result.exit_code == 2
    assert "Could not locate an application" in result.stderr
    assert "FLASK_APP" in result.stderr
    assert "No such command 'missing'." in result.stderr


def test_an_env_file_may_name_the_application(project, command):
    project("shop.py", APP)
    project("settings.txt", "COSTREL_APP=shop\n")

    assert command("--env-file", "settings.txt", "restock").exit_code == 0


def test_version_names_costrel_and_what_it_stands_on(command):
    lines = command("--version").output.splitlines()

    assert [line.split()[0] for line in lines] == ["Python", "Costrel", "Werkzeug"]


@pytest.fixture
def plugin(project, monkeypatch):
    """Install a command as a package would, by an entry point."""

    def install(text, group="costrel.commands"):
        project("plugin_module.py", text)
        project("greeter-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
        project("greeter-1.0.dist-info/entry_points.txt", f"[{group}]\ngreet = plugin_module:greet\n")
        monkeypatch.syspath_prepend(os.getcwd())

    return install


GREET = "import click\n@click.command()\ndef greet():\n    'Greet.'\n    click.echo('hello')\n"


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_commands_of_installed_packages_are_found(plugin, command, group):
    plugin(GREET, group)

    assert command("greet", group=FlaskGroup()).output == "hello\n"


def test_help_lists_a_plugin_without_loading_it(plugin, command):
    plugin("raise SystemExit('the plugin was loaded')")

    assert re.search(r"\n  greet +From greeter\.\n", command("--help", group=FlaskGroup()).output)


def test_a_plugin_written_for_flask_is_told_with_the_alias(plugin, command, monkeypatch):
    plugin("import flask", "flask.commands")
    monkeypatch.setitem(sys.modules, "flask", None)

    result = command("greet", group=FlaskGroup())

    assert "'greet' of 'plugin_module' was written for Flask" in result.stderr
    assert "costrel --as-flask greet" in result.stderr


def run_python(*args, **options):
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=60, **options)


def test_help_needs_neither_the_framework_nor_its_libraries():
    code = """
import sys
from costrel.cli import cli
cli.main(["--help"], prog_name="costrel", standalone_mode=False)
heavy = "costrel.app werkzeug jinja2 ssl http http.server asyncio orjson".split()
print([name for name in heavy if name in sys.modules])
"""
    assert run_python("-c", code).stdout.splitlines()[-1] == "[]"


def test_the_package_is_the_command():
    result = run_python("-m", "costrel", "--help")

    assert result.returncode == 0
    assert result.stdout.startswith("Usage: python -m costrel ")
    assert "\x1b" not in result.stdout


def test_as_flask_lets_an_application_of_flask_run(project):
    project("app.py", APP.replace("costrel", "flask").replace("Costrel", "Flask"))

    result = run_python("-m", "costrel", "--as-flask", "restock")

    assert (result.stdout, result.stderr) == ("restocked False\n", "")


def test_the_command_of_this_module_is_named_costrel():
    assert cli.name == "costrel"
