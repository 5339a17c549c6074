"""``extensions`` shows what an application is extended with, for people and for programs."""

from __future__ import annotations

import json

import pytest

APP = """
from datetime import timedelta
from costrel import Costrel
from costrel.extension import Extension, Option, Options, number, seconds, text

class MailOptions(Options):
    prefix = "MAIL_"
    server = Option("localhost", "The host that takes mails, as a name or an address.", read=text)
    port = Option(25, "The server's TCP port.", read=number)
    password = Option(None, "What to sign in with.")
    timeout = Option(timedelta(seconds=90), "How long to wait.", read=seconds)
    url = Option(None, "Where it is.")

class Mail(Extension[MailOptions]):
    name = "mail"
    options_class = MailOptions

app = Costrel("shop")
app.config.update(MAIL_PASSWORD="s3cret", MAIL_URL="smtp://ada:s3cret@mail.example")
Mail(app, port=587)
app.extensions["legacy"] = {"a": 1}
"""


@pytest.fixture
def shop(project):
    return lambda more="": project("app.py", APP + more)


def test_table_has_values_and_where_they_come_from(shop, command):
    shop()
    result = command("extensions")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "legacy: builtins.dict",
        "  No options that are known here.",
        "",
        "mail: app.Mail",
        "  MAIL_SERVER    'localhost'                    default",
        "  MAIL_PORT      587                            code",
        "  MAIL_PASSWORD  '***'                          config",
        "  MAIL_TIMEOUT   '0:01:30'                      default",
        "  MAIL_URL       'smtp://ada:***@mail.example'  config",
    ]


def test_no_secret_is_shown(shop, command):
    shop()

    for arguments in ((), ("--json",), ("mail",)):
        output = command("extensions", *arguments).output
        assert "***" in output
        assert "s3cret" not in output


def test_one_is_shown_with_what_its_options_mean(shop, command):
    shop()
    lines = command("extensions", "mail").stdout.splitlines()

    assert lines[0] == "mail: app.Mail"
    assert lines[1].split() == ["MAIL_SERVER", "'localhost'", "default"]
    assert lines[2] == "      The host that takes mails, as a name or an address."
    assert not any("legacy" in line for line in lines)


def test_all_are_shown_so_when_asked_for(shop, command):
    shop()
    output = command("extensions", "--verbose").stdout

    assert "The server's TCP port." in output
    assert "legacy" in output


def test_only_what_was_set_is_shown_when_asked_for(shop, command):
    shop()
    output = command("extensions", "--set").stdout

    assert "MAIL_PORT" in output
    assert "MAIL_SERVER" not in output


def test_programs_read_json(shop, command):
    shop()
    legacy, mail = json.loads(command("extensions", "--json").stdout)

    assert (legacy["name"], legacy["options"]) == ("legacy", [])
    assert mail["distribution"] is None
    assert mail["options"][1] == {
        "key": "MAIL_PORT",
        "value": 587,
        "origin": "code",
        "doc": "The server's TCP port.",
        "problem": "",
    }
    assert mail["options"][3]["value"] == "0:01:30"


def test_extension_of_costrel_names_its_version(project, command):
    project("app.py", "from costrel import Costrel\nfrom costrel.ext.sqlite import SQLite\n")
    with open("app.py", "a", encoding="utf-8") as file:
        file.write("app = Costrel('shop')\nSQLite(app)\n")

    assert "sqlite: costrel.ext.sqlite." in (output := command("extensions").stdout)
    assert "(costrel " in output.splitlines()[0]


def test_value_that_cannot_be_used_is_told(shop, command):
    shop("app.config['MAIL_PORT'] = 'many'\n")
    result = command("extensions", "mail")

    assert result.exit_code == 0
    assert "      MAIL_PORT must be a whole number, got 'many'" in result.stdout.splitlines()


def test_long_value_is_cut_in_the_table_and_whole_elsewhere(shop, command):
    shop("app.config['MAIL_SERVER'] = 'x' * 200\n")

    assert "x" * 60 not in command("extensions").stdout
    assert "…" in command("extensions").stdout
    assert "x" * 200 in command("extensions", "mail").stdout


def test_control_characters_do_not_reach_the_terminal(shop, command):
    shop("app.config['MAIL_SERVER'] = '\\x1b[31mred'\n")

    assert "\x1b" not in command("extensions").stdout


def test_unknown_name_is_told_with_the_nearest(shop, command):
    shop()
    result = command("extensions", "mial")

    assert result.exit_code == 1
    assert "no extension 'mial'. Did you mean 'mail'?" in result.stderr


def test_application_without_extensions_says_so(project, command):
    project("app.py", "from costrel import Costrel\napp = Costrel('shop')\n")

    assert command("extensions").stdout == "The application has no extensions.\n"
    assert "It has none at all." in command("extensions", "mail").stderr


def test_commands_of_extensions_are_listed_and_a_broken_one_does_not_take_help_away(shop, command):
    shop("class Broken(Extension):\n    name = 'broken'\n    commands = 'no_such_module:fix'\nBroken(app)\n")
    listed = command()

    assert "fix" in listed.output
    assert "(Cannot be loaded: No module named 'no_such_module')" in " ".join(listed.output.split())
    assert isinstance(command("fix").exception, ModuleNotFoundError)
