"""The tutorial's form behind a login: as short as it says, and its three commands do what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "board"
PAGE = (ROOT / "docs" / "tutorial" / "login.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", PAGE.partition("Install what it needs")[2], re.MULTILINE)[:3]


@pytest.fixture
def folder(tmp_path):
    """A new folder with the files that the page shows, and no others."""
    for name in re.findall(r"examples/board/(\S+)", PAGE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(EXAMPLE / name, tmp_path / name)

    return tmp_path


def start(command, folder, *more):
    """Start one of the page's commands, as this Python has it."""
    return subprocess.Popen(
        [sys.executable, "-m", *shlex.split(command), *more],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_application_has_at_most_35_lines_of_python():
    lines = (EXAMPLE / "board.py").read_text(encoding="utf-8").splitlines()

    assert sum(1 for line in lines if line.strip()) <= 35
    assert "It is 35 lines of Python and three commands." in PAGE
    assert max(map(len, lines)) <= 110


def test_the_first_command_names_extras_that_there_are():
    install, *_ = COMMANDS
    named = re.fullmatch(r"pip install 'costrel\[([a-z,]+)\]'", install)[1].split(",")

    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    code = (EXAMPLE / "board.py").read_text(encoding="utf-8")

    assert set(named) <= set(extras)
    assert f"from costrel.ext import {', '.join(named)}\n" in code


@pytest.mark.servers
def test_the_other_commands_make_the_tables_and_serve_the_board(folder):
    _, init_db, run = COMMANDS

    made = start(init_db, folder)
    assert "note, user" in made.communicate()[0]
    assert made.returncode == 0

    server = start(run, folder, "--port", "0")
    try:
        address = next(found[1] for line in server.stdout if (found := re.search(r"on (http://\S+)", line)))
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        page = post(browser, f"{address}/sign-in", name="Ada", password="correct horse battery")
        assert "Notice board</h1>" in page
        assert "Soup at six." in post(browser, f"{address}/", text="Soup at six.")
    finally:
        server.terminate()
        server.communicate()


def post(browser, address, **data):
    """Load a page and send its form; return the page that comes then."""
    page = read(browser, address)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]

    return read(browser, address, urlencode({"csrf_token": token, **data}).encode())


def read(browser, address, data=None):
    with browser.open(address, data, timeout=60) as response:
        return response.read().decode()
