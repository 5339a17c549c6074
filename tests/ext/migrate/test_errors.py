"""The lines that hints tell to type can be typed as they are."""

from __future__ import annotations

import sys

import pytest

from costrel.ext.migrate.errors import line_to_type


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["/usr/bin/costrel", "--app", "shop", "run"], "costrel --app shop db upgrade"),
        (["costrel", "--debug", "-A", "shop:make(1)", "run"], "costrel --app 'shop:make(1)' db upgrade"),
        (["flask", "--app=shop", "run"], "flask --app=shop db upgrade"),
        (["costrel/__main__.py", "--app", "shop", "run"], "costrel --app shop db upgrade"),
        (["costrel", "run"], "costrel db upgrade"),
        (["celery", "-A", "tasks", "worker"], "costrel db upgrade"),
        ([""], "costrel db upgrade"),
    ],
)
def test_line_names_the_application_that_the_command_line_named(monkeypatch, typed, expected):
    monkeypatch.setattr(sys, "argv", typed)

    assert line_to_type("upgrade") == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (
            ["costrel", "--app", "shop", "db", "init", "-d", "other dir"],
            "costrel --app shop db upgrade --directory 'other dir'",
        ),
        (["costrel", "db", "--directory=other", "migrate"], "costrel db upgrade --directory=other"),
        (["costrel", "db", "init", "--directory", "other"], "costrel db upgrade --directory other"),
        (["costrel", "run", "-d", "other"], "costrel db upgrade"),
        (["celery", "db", "-d", "other"], "costrel db upgrade"),
    ],
)
def test_line_names_the_folder_that_the_command_line_named(monkeypatch, typed, expected):
    monkeypatch.setattr(sys, "argv", typed)

    assert line_to_type("upgrade") == expected
