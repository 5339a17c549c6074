"""``serve`` settles what serves the application and how, says so, and refuses what cannot be served."""

from __future__ import annotations

import json
import os
import socket

import pytest

from costrel.core.servers import SERVERS
from costrel.serving.target import PLAN

APP = """
from costrel import Costrel
app = Costrel("shop")
app.config.update(SECRET_KEY="d2b1f0a8c96e47f3a5b4c3d2e1f00918", TRUSTED_HOSTS=["shop.example"])
"""
ASYNC = "@app.get('/feed')\nasync def feed(): ...\n"


@pytest.fixture
def installed(monkeypatch):
    """Choose which servers are there."""

    def choose(*names):
        monkeypatch.setattr(
            "costrel.cli.serve.find_spec",
            lambda name: object() if name.partition(".")[0] in names else None,
        )

    choose(*SERVERS)
    return choose


@pytest.fixture
def plan(monkeypatch, project, command, installed):
    """Run the command up to where the server would take over; return the result and the plan."""
    started = []
    monkeypatch.setattr("os.execv", lambda program, command: started.append(command))
    project("app.py", APP)

    def run(*args, port="0"):
        result = command("serve", "--bind", f"127.0.0.1:{port}", *args)
        return result, json.loads(os.environ.pop(PLAN)) if started else None

    return run


def test_synchronous_application_is_served_by_wsgi(plan):
    result, settled = plan()

    assert (settled["server"], settled["interface"], settled["workers"], settled["threads"]) == (
        "granian",
        "wsgi",
        1,
        8,
    )
    assert result.stderr.splitlines()[-1] == (
        " * Serving 'shop' by granian (WSGI) at http://127.0.0.1:0 with 1 worker, 8 threads each:"
        " all of the application is synchronous"
    )


def test_asynchronous_application_is_served_by_asgi(plan, project):
    project("app.py", APP + ASYNC)
    result, settled = plan("--workers", "2")

    assert (settled["interface"], settled["workers"], settled["threads"]) == ("asgi", 2, 0)
    assert result.stderr.endswith("with 2 workers: the application has async view 'feed'\n")


def test_options_are_handed_on(plan, tmp_path):
    (tmp_path / "cert.pem").touch()
    (tmp_path / "key.pem").touch()
    tls = ["--certfile", "cert.pem", "--keyfile", "key.pem"]
    _, settled = plan("--server", "gunicorn", "--threads", "3", "--log-level", "error", "--access-log",
                      "--graceful-timeout", "7", *tls)  # fmt: skip

    assert settled["server"] == "gunicorn"
    assert (settled["threads"], settled["log_level"], settled["access_log"]) == (3, "error", True)
    assert settled["graceful_seconds"] == 7
    assert settled["certfile"] == str(tmp_path / "cert.pem")


def test_workers_are_read_from_the_environment(plan, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert plan()[1]["workers"] == 4

    monkeypatch.setenv("COSTREL_SERVE_WORKERS", "3")
    assert plan()[1]["workers"] == 3


def test_application_is_named_to_the_workers_as_it_was_to_the_command(plan, project):
    assert plan()[1]["app"] == ""

    project("shop.py", "from app import app\ndef create_app(n):\n    return app\n")
    os.environ["COSTREL_APP"] = "shop:create_app(1)"
    assert plan()[1]["app"] == "shop:create_app(1)"


def test_without_a_server_it_says_what_to_install(plan, installed):
    installed()
    result, settled = plan()

    assert settled is None
    assert result.stderr == (
        "Error: no server for production is installed\n  hint: pip install 'costrel[serve]'\n"
    )


def test_grave_finding_is_not_served(plan, project):
    project("app.py", APP + "app.config['TESTING'] = True\n")
    result, settled = plan()

    assert settled is None
    assert result.exit_code == 1
    assert "error security.E002: TESTING is on" in result.stderr
    assert "--no-check" in result.stderr
    assert plan("--no-check")[1]["checked"] is False


def test_lesser_finding_is_told_and_served(plan, project):
    project("app.py", APP + "app.config['STATIC_SYMLINKS'] = True\n")
    result, settled = plan()

    assert settled["checked"] is True
    assert "warning security.W017" in result.stderr
    assert "security.I" not in result.stderr


def test_level_from_which_on_it_is_not_served_can_be_chosen(plan, project):
    project("app.py", APP + "app.config['STATIC_SYMLINKS'] = True\n")

    assert plan("--fail-level", "warning")[1] is None


def test_server_that_confuses_headers_is_left_out_behind_proxies(plan, project):
    project("app.py", APP + "app.config['TRUSTED_PROXIES'] = 1\n")

    assert plan()[1]["server"] == "gunicorn"
    result, settled = plan("--server", "granian", "--interface", "wsgi")
    assert settled["interface"] == "wsgi"
    assert "X_Forwarded_For as X-Forwarded-For" in result.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--server", "waitress", "--workers", "2"], "waitress has one process only"),
        (["--server", "uvicorn", "--threads", "2"], "uvicorn has no --threads under ASGI"),
        (["--certfile", "app.py"], "belong together"),
        (["--server", "waitress", "--certfile", "app.py", "--keyfile", "app.py"], "waitress speaks no TLS"),
        (["--bind", "a:b"], "an address must look like"),
        (["--workers", "0"], "0 is not in the range"),
        (["--server", "apache"], "apache"),
        (["--server", "uvicorn", "--interface", "wsgi"], "uvicorn does not speak WSGI"),
    ],
)
def test_options_that_do_not_fit_are_refused(plan, args, told):
    result, settled = plan(*args)

    assert settled is None
    assert told in result.stderr


def test_old_gunicorn_is_not_asked_for_asgi(plan, monkeypatch):
    monkeypatch.setattr(
        "costrel.cli.serve.find_spec", lambda name: None if name == "gunicorn.workers.gasgi" else object()
    )
    result, settled = plan("--server", "gunicorn", "--interface", "asgi")

    assert settled is None
    assert "pip install --upgrade gunicorn" in result.stderr


def test_taken_port_is_told_with_the_option_for_another(plan):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        result, settled = plan(port=sock.getsockname()[1])

    assert settled is None
    assert "is in use by" in result.stderr
    assert "'--bind 127.0.0.1:" in result.stderr


def test_unix_socket_that_is_in_use_is_not_taken_away(plan, tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        sock.listen()
        result, settled = plan("--bind", "unix:s")

        assert settled is None
        assert (tmp_path / "s").exists()
    assert "Address already in use" in result.stderr


def test_unix_socket_of_a_dead_server_is_taken_away(plan, tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))

    assert plan("--bind", "unix:s")[1]["unix"] == "s"
    assert not (tmp_path / "s").exists()


def test_file_that_is_no_socket_is_never_taken_away(plan, tmp_path):
    (tmp_path / "s").write_text("mine")

    assert plan("--bind", "unix:s")[1] is None
    assert (tmp_path / "s").read_text() == "mine"


def test_missing_folder_of_a_socket_is_told(plan):
    assert "there is no folder" in plan("--bind", "unix:no/such/s")[0].stderr


def test_group_of_commands_with_a_factory_names_it_to_the_workers(command, project, installed, monkeypatch):
    import sys

    from costrel.cli import CostrelGroup

    monkeypatch.setattr("os.execv", lambda program, command: None)
    project("shop.py", APP + "def create_app():\n    return app\n")
    monkeypatch.syspath_prepend(os.getcwd())
    from shop import create_app

    args = ("serve", "--bind", "127.0.0.1:0")
    command(*args, group=CostrelGroup(create_app=create_app))
    assert json.loads(os.environ[PLAN])["app"] == "shop:create_app"

    result = command(*args, group=CostrelGroup(create_app=lambda: create_app()))
    assert result.exit_code == 1
    assert "The workers cannot import" in result.stderr
    del sys.modules["shop"]
