"""A folder to run commands in, and a process that is as it was afterwards."""

from __future__ import annotations

import inspect
import os
import sys

import pytest
from click.testing import CliRunner

import costrel
from costrel.cli import cli

# Until click 8.2 a runner mixed both streams unless it was told otherwise.
SEPARATE = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}


@pytest.fixture(autouse=True)
def unchanged_process():
    """Undo what commands do to their process: variables, the import path, modules."""
    before = set(sys.modules)
    path = sys.path[:]
    variables = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("FLASK_", "COSTREL_")):
            del os.environ[name]
    # Commands that run in a process of their own find the package that is tested, installed or not.
    os.environ["PYTHONPATH"] = os.path.dirname(os.path.dirname(costrel.__file__))
    yield
    os.environ.clear()
    os.environ.update(variables)
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if not name.startswith(("costrel", "werkzeug", "jinja2", "dotenv", "click")):
            del sys.modules[name]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory; called with a file's name and text, it writes that file."""
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def command():
    """Run the ``costrel`` command in this process: ``command("routes", "--json")``."""

    def run(*args, group=cli, **options):
        return CliRunner(**SEPARATE).invoke(group, args, prog_name="costrel", **options)

    return run
