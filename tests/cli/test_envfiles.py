"""Variables are read from files, and what is set already stays."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel import _mode
from costrel.cli import load_dotenv
from costrel.cli.envfiles import parse_env


@pytest.fixture(params=["python-dotenv", "built in"])
def reader(request, monkeypatch):
    """Read with python-dotenv and without it."""
    if request.param == "built in":
        monkeypatch.setitem(sys.modules, "dotenv", None)


@pytest.mark.usefixtures("reader")
def test_env_goes_before_the_other_files_and_the_environment_before_all(project, monkeypatch):
    project(".costrelenv", "A=costrelenv\nB=costrelenv\nC=costrelenv\nD=costrelenv")
    project(".flaskenv", "A=flaskenv\nB=flaskenv\nC=flaskenv")
    project(".env", "A=env\nB=env\n")
    monkeypatch.setenv("A", "set")

    assert load_dotenv()
    assert [os.environ[name] for name in "ABCD"] == ["set", "env", "flaskenv", "costrelenv"]


@pytest.mark.usefixtures("reader")
def test_a_named_file_goes_before_the_default_ones(project):
    project(".env", "A=env")
    project("mine", "A='火腿'")

    load_dotenv("mine")

    assert os.environ["A"] == "火腿"


@pytest.mark.usefixtures("reader")
def test_a_file_that_is_not_there_reads_nothing(project):
    project(".env", "A=env")

    assert not load_dotenv("no-such-file", load_defaults=False)
    assert "A" not in os.environ


def test_files_above_the_working_directory_are_found(project, tmp_path, monkeypatch):
    project(".env", "A=above")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    assert load_dotenv()
    assert os.environ["A"] == "above"


@pytest.mark.parametrize("variable", ["COSTREL_SKIP_DOTENV", "FLASK_SKIP_DOTENV"])
def test_reading_can_be_turned_off(project, command, monkeypatch, variable):
    project(".env", "A=env")
    monkeypatch.setenv(variable, "1")

    command("routes")

    assert "A" not in os.environ


def test_under_flasks_defaults_files_need_python_dotenv(project, monkeypatch, capsys):
    project(".env", "A=env")
    monkeypatch.setitem(sys.modules, "dotenv", None)
    _mode.use_flask_defaults()
    try:
        assert not load_dotenv()
    finally:
        _mode.use_flask_defaults(False)

    assert "Install python-dotenv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1", {"A": "1"}),
        ("export A = 1 # comment", {"A": "1"}),
        ("A=a#b", {"A": "a#b"}),
        ("A='a # $B \\n'", {"A": "a # $B \\n"}),
        ('A="a\\nb \\" c"', {"A": 'a\nb " c'}),
        ('A="two\nlines"\nB=2', {"A": "two\nlines", "B": "2"}),
        ("A=1\nB=${A}2${NO_SUCH:-3}", {"A": "1", "B": "123"}),
        ("# comment\n\nnonsense\nA=\nB=2", {"A": "", "B": "2"}),
    ],
)
def test_lines_mean_what_they_mean_elsewhere(text, values):
    dotenv = pytest.importorskip("dotenv")
    from io import StringIO

    assert parse_env(text) == values
    assert {k: v for k, v in dotenv.dotenv_values(stream=StringIO(text)).items() if v is not None} == values


@given(st.text())
def test_any_text_can_be_read(text):
    parse_env(text)
