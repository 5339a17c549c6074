"""What extensions have to say to the developer when the development server starts."""

from __future__ import annotations

from costrel import Costrel
from costrel.cli.serverlog import development_notes, show_notes
from costrel.extension import Extension


class Noted(Extension):
    name = "noted"

    def development_notes(self, app):
        yield f"{app.name} has no cups"


class Broken(Extension):
    name = "broken"

    def development_notes(self, app):
        raise RuntimeError("no idea")


def test_notes_of_all_extensions_are_told_also_beside_one_that_fails():
    app = Costrel("shop")
    Broken(app)
    Noted(app)

    notes = list(development_notes(app))

    assert notes == [
        "The extension 'broken' could not look for what you should know: no idea",
        "shop has no cups",
    ]


def test_what_is_no_application_has_no_notes(capsys):
    show_notes(lambda environ, start_response: [])

    assert capsys.readouterr().err == ""
