"""``check`` tells what it finds, for people and for programs, and fails from a level on."""

from __future__ import annotations

import json

import pytest

SETTLED = """
from costrel import Costrel
app = Costrel("shop")
app.config.update(
    SECRET_KEY="d2b1f0a8c96e47f3a5b4c3d2e1f00918", TRUSTED_HOSTS=["shop.example"], TRUSTED_PROXIES=1
)
"""


@pytest.fixture
def settled(project):
    return lambda more="": project("app.py", SETTLED + more)


def test_application_without_a_finding_passes(settled, command):
    settled()
    result = command("check", "--fail-level", "info")

    assert (result.exit_code, result.output) == (0, "Found nothing.\n")


def test_findings_are_told_with_level_id_and_hint(settled, command):
    settled("app.config['CROSS_ORIGIN_CHECK'] = False\napp.config['SESSION_COOKIE_PARTITIONED'] = True\n")
    result = command("check")

    lines = result.output.splitlines()
    assert lines[0].startswith("error security.E005: SESSION_COOKIE_PARTITIONED is on")
    assert lines[1] == "  hint: Set SESSION_COOKIE_SECURE = True."
    assert lines[2].startswith("warning security.W010: CROSS_ORIGIN_CHECK is off")
    assert lines[-1] == "Found 1 error, 1 warning."
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("level", "status"), [(None, 0), ("error", 0), ("warning", 1), ("info", 1), ("never", 0)]
)
def test_it_fails_from_the_level_on(settled, command, level, status):
    settled("app.config['CROSS_ORIGIN_CHECK'] = False\n")

    assert command("check", *(["--fail-level", level] if level else [])).exit_code == status


def test_level_is_read_from_the_environment(settled, command, monkeypatch):
    settled("app.config['CROSS_ORIGIN_CHECK'] = False\n")
    monkeypatch.setenv("COSTREL_CHECK_FAIL_LEVEL", "warning")

    assert command("check").exit_code == 1


def test_programs_read_json(settled, command):
    settled(
        "app.config.update(CROSS_ORIGIN_CHECK=False, STATIC_SYMLINKS=True)\n"
        "app.config['SILENCED_CHECKS'] = ['security.W017']\n"
    )
    report = json.loads(command("check", "--json", "--fail-level", "warning").stdout)

    assert report["failed"]
    assert report["silenced"] == 1
    assert [(each["id"], each["level"]) for each in report["findings"]] == [("security.W010", "warning")]
    assert set(report["findings"][0]) == {"id", "level", "text", "hint"}


def test_silenced_findings_are_counted(settled, command):
    settled("app.config.update(STATIC_SYMLINKS=True, SILENCED_CHECKS=['security.W017'])\n")

    assert command("check").output == "Found nothing (1 silenced).\n"


def test_what_matters_in_production_can_be_left_out(settled, command):
    settled("app.config['CROSS_ORIGIN_CHECK'] = False\n")

    assert command("check", "--no-deploy").output == "Found nothing.\n"


def test_debug_mode_is_an_error(settled, command):
    settled()

    assert "security.E001" in command("--debug", "check").output


def test_checks_of_the_application_are_run(settled, command):
    settled(
        "from costrel.checks import Finding\n"
        "@app.check\n"
        "def look(app):\n"
        "    return [Finding('mail.E001', 'no mail server')]\n"
    )
    result = command("check")

    assert result.output == "error mail.E001: no mail server.\nFound 1 error.\n"
    assert result.exit_code == 1


def test_fault_of_the_application_is_told_as_by_run(project, command):
    project("app.py", "1 / 0\n")
    result = command("check")

    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr


def test_command_of_an_application_of_flask_keeps_its_name(project):
    import os
    import subprocess
    import sys

    project(
        "app.py",
        "from flask import Flask\napp = Flask('shop')\n"
        "@app.cli.command('check')\ndef check():\n    print('mine')\n",
    )
    command = [sys.executable, "-m", "costrel", "--as-flask", "check"]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))

    assert done.stdout == "mine\n", done.stderr
