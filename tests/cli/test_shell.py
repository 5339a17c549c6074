"""The shell knows what one wants to try in it."""

from __future__ import annotations

from costrel import Costrel, url_for
from costrel.cli import FlaskGroup
from costrel.cli.shell import shell_names


def test_the_names_to_try_are_there(app):
    with app.test_request_context():
        names = shell_names(app)

    assert set(names) >= {"app", "client", "current_app", "g", "request", "url_for"}
    assert names["app"] is app
    assert names["url_for"] is url_for


def test_the_applications_own_names_win(app):
    app.shell_context_processor(lambda: {"client": "mine", "Item": int})

    with app.app_context():
        names = shell_names(app)

    assert (names["client"], names["Item"]) == ("mine", int)


def test_lines_run_inside_of_the_application(command):
    app = Costrel("shop")
    app.add_url_rule("/items", "items", lambda: "no items")

    result = command(
        "shell",
        group=FlaskGroup(create_app=lambda: app),
        input="print(url_for('items'), client.get('/items').text, current_app.name)\n",
    )

    assert "/items no items shop" in result.output
    assert "App: shop" in result.output + result.stderr


def test_the_startup_file_is_run(command, project, monkeypatch):
    monkeypatch.setenv("PYTHONSTARTUP", str(project("startup.py", "answer = app.name * 2")))

    result = command("shell", group=FlaskGroup(create_app=lambda: Costrel("shop")), input="print(answer)\n")

    assert "shopshop" in result.output
