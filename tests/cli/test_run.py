"""``run`` serves the application, explains its errors in debug mode, and outlives its faults."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from costrel.cli.logfilter import TerminalFilter
from costrel.debug.answers import ErrorAnswers
from costrel.debug.terminal import DevelopmentFormatter
from costrel.logging import default_handler

HELLO = "from costrel import Costrel\napp = Costrel('hello')\n"


@pytest.fixture
def served(monkeypatch, project):
    """What the server was started with, instead of serving."""
    calls = []
    monkeypatch.setattr(
        "costrel.cli.run_simple",
        lambda host, port, app, **options: calls.append((host, port, app, options)),
        raising=False,
    )
    monkeypatch.setattr(default_handler, "formatter", default_handler.formatter)
    log = logging.getLogger("werkzeug")
    monkeypatch.setattr(log, "filters", log.filters[:])
    project("app.py", HELLO)

    return calls


def test_the_application_itself_is_served_outside_of_debug_mode(served, command):
    result = command("run", "--port", "0")

    host, port, app, options = served[0]
    assert (host, port, app.name) == ("127.0.0.1", 0, "hello")
    assert (options["use_reloader"], options["use_debugger"], options["threaded"]) == (False, False, True)
    assert not isinstance(default_handler.formatter, DevelopmentFormatter)
    assert result.output == " * Serving Costrel app 'app.py'\n * Debug mode: off\n"


@pytest.mark.parametrize("args", [("--debug", "run"), ("run", "--debug")])
def test_debug_mode_turns_on_reloader_debugger_and_explanations(served, command, args):
    result = command(*args, "--port", "0")

    _, _, app, options = served[0]
    assert (options["use_reloader"], options["use_debugger"]) == (True, True)
    assert isinstance(app, ErrorAnswers)
    assert app.page
    assert isinstance(default_handler.formatter, DevelopmentFormatter)
    assert " * Debug mode: on" in result.output


def test_each_part_of_debug_mode_can_be_turned_off(served, command):
    command("run", "--debug", "--no-reload", "--no-debugger", "--without-threads", "--port", "0")

    _, _, app, options = served[0]
    assert (options["use_reloader"], options["use_debugger"], options["threaded"]) == (False, False, False)
    assert not app.page


@pytest.mark.parametrize("prefix", ["COSTREL", "FLASK"])
def test_options_are_read_from_variables(served, command, monkeypatch, prefix):
    monkeypatch.setenv(f"{prefix}_RUN_PORT", "0")
    monkeypatch.setenv(f"{prefix}_RUN_HOST", "localhost")
    monkeypatch.setenv(f"{prefix}_DEBUG", "1")

    command("run")

    host, port, _, options = served[0]
    assert (host, port, options["use_debugger"]) == ("localhost", 0, True)


def test_the_command_line_goes_before_the_variables(served, command, monkeypatch):
    monkeypatch.setenv("COSTREL_DEBUG", "1")

    command("run", "--no-debug", "--port", "0")

    assert not served[0][3]["use_debugger"]


def test_full_tracebacks_are_asked_for_by_an_option(served, command):
    command("run", "--traceback", "full", "--port", "0")

    assert os.environ["COSTREL_TRACEBACK"] == "full"


def test_a_fault_at_the_start_is_told_by_its_line(served, project, command):
    project("app.py", "x = 1\nx.nothing\n")

    result = command("run")

    assert result.exit_code == 1
    assert served == []
    assert result.stderr.splitlines() == [
        "Error: The application could not be loaded.",
        "",
        "AttributeError: 'int' object has no attribute 'nothing'",
        "  app.py:2",
        "    1 | x = 1",
        "  > 2 | x.nothing",
        "        ^^^^^^^^^",
        result.stderr.splitlines()[-1],
    ]
    assert re.fullmatch(
        r"  \d+ more frames hidden; '--traceback full' shows all", result.stderr.splitlines()[-1]
    )


def test_settings_that_must_not_be_served_are_refused(served, project, command):
    project("app.py", HELLO + "app.config['SECRET_KEY_FALLBACKS'] = 'old'\n")

    result = command("run", "--port", "0")

    assert (result.exit_code, served) == (1, [])
    assert "SECRET_KEY_FALLBACKS must be a list of keys, got one str\n  hint: Write" in result.stderr


def test_a_fault_after_a_change_is_served_until_it_is_mended(served, project, command, monkeypatch):
    project("app.py", "if")
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")

    result = command("run")

    app = served[0][2]
    with pytest.raises(SyntaxError):
        app({}, None)
    assert "app.py:1" in result.stderr
    assert " * Debug mode" not in result.output


def test_the_log_has_no_colours_where_it_is_no_terminal(capsys):
    record = logging.LogRecord("werkzeug", 20, "", 0, "\x1b[1m%s\x1b[0m", ("\x1b[33mGET /\x1b[0m",), None)

    assert TerminalFilter(sys.stderr).filter(record)
    assert record.getMessage() == "GET /"


def test_the_log_keeps_its_colours_in_a_terminal(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    record = logging.LogRecord("werkzeug", 20, "", 0, "\x1b[1mGET\x1b[0m", (), None)

    assert TerminalFilter(Terminal()).filter(record)
    assert record.getMessage() == "\x1b[1mGET\x1b[0m"


@pytest.fixture
def start(project):
    """Start the real server; called with arguments, it returns its address and its process."""
    started = []

    def run(*args, text=HELLO):
        project("app.py", text)
        process = subprocess.Popen(
            [sys.executable, "-m", "costrel", "run", "--port", "0", *args],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        for line in process.stderr:
            if match := re.search(r"Running on (http://\S+)", line):
                return match[1], process
        raise AssertionError("the server did not start")

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def read(address, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


BROKEN = HELLO + "\n\n@app.get('/')\ndef index():\n    return {}['cup']\n"


@pytest.mark.servers
def test_a_views_error_is_short_for_programs_and_a_page_for_browsers(start):
    address, process = start("--debug", "--no-reload", text=BROKEN)

    status, text = read(address)
    page_status, page = read(address, Accept="text/html")
    hidden = read(address, Accept="text/html", Host="evil.example")

    assert (status, page_status, hidden[0]) == (500, 500, 500)
    assert text.startswith("KeyError: 'cup'\n  app.py:7 in index\n")
    assert len(text.splitlines()) <= 8
    assert "<!doctype html>" in page.lower()
    assert "cup" not in hidden[1]
    process.terminate()
    log = process.communicate(timeout=30)[1]
    assert "Traceback (most recent call last)" not in log
    assert log.count("KeyError: 'cup'") == 3
    assert "\x1b" not in log


@pytest.mark.servers
def test_nothing_is_explained_outside_of_debug_mode(start):
    address, _ = start(text=BROKEN)

    status, page = read(address)

    assert status == 500
    assert "cup" not in page
