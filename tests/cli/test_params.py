"""Certificates and lists of paths are checked before anything is served."""

from __future__ import annotations

import os
import ssl
import sys

import click
import pytest

from costrel.cli import run_command


def params(*args):
    return run_command.make_context("run", list(args)).params


@pytest.mark.parametrize("order", [("cert", "key"), ("key", "cert")])
def test_certificate_and_key_are_joined_in_either_order(order):
    files = {"cert": __file__, "key": os.path.join(os.path.dirname(__file__), "conftest.py")}

    given = params(*(part for name in order for part in (f"--{name}", files[name])))

    assert given["cert"] == (files["cert"], files["key"])


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--cert", __file__], 'Required when using "--cert"'),
        (["--key", __file__], '"--cert" must also be specified'),
        (["--cert", "adhoc", "--key", __file__], '"adhoc"'),
        (["--cert", "no-such-file"], "does not exist"),
        (["--cert", "click"], "does not exist"),
    ],
)
def test_what_does_not_fit_is_refused(args, told):
    with pytest.raises(click.BadParameter, match=told):
        params(*args)


def test_an_ssl_context_is_imported_by_name_and_needs_no_key(monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    monkeypatch.setitem(sys.modules, "my_context", context)

    assert params("--cert", "my_context")["cert"] is context
    with pytest.raises(click.BadParameter, match="SSLContext"):
        params("--cert", "my_context", "--key", __file__)


def test_adhoc_needs_the_library_that_makes_certificates(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(click.BadParameter, match="pip install cryptography"):
        params("--cert", "adhoc")


def test_lists_of_paths_are_separated_as_in_path():
    assert params("--extra-files", os.pathsep.join(["a", "b"]))["extra_files"] == ["a", "b"]


def test_lists_of_paths_come_from_variables_too(command, project, monkeypatch):
    project("app.py", "from costrel import Costrel\napp = Costrel('hello')\n")
    served = {}
    monkeypatch.setattr(
        "costrel.cli.run_simple", lambda *args, **options: served.update(options), raising=False
    )
    monkeypatch.setenv("COSTREL_RUN_EXTRA_FILES", os.pathsep.join(["a", "b"]))

    command("run", "--port", "0")

    assert served["extra_files"] == ["a", "b"]
