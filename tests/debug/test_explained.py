"""What somebody knows of an error stands before the error, and never hides it."""

from __future__ import annotations

import pytest
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client

from costrel import Costrel
from costrel.debug.explained import draw_page, explain
from costrel.debug.terminal import summarise
from costrel.debug.wiring import explain_errors
from costrel.errors import Explanation

pytestmark = pytest.mark.usefixtures("keeps_log_format")

NO_CUPS = Explanation("No cups", "Wash <some> first.", commands=("wash --all",), details=("cup 1", "cup 2"))


@pytest.fixture
def app():
    app = Costrel("shop")
    app.debug = True

    @app.explain_error
    def cups(error):
        return NO_CUPS if isinstance(error, LookupError) else None

    @app.get("/")
    def index():
        raise LookupError("cup")

    @app.get("/other")
    def other():
        raise ValueError("something else")

    return app


@pytest.fixture
def ask(app):
    def send(path, accept, host="localhost:5000"):
        served = DebuggedApplication(explain_errors(app, host="127.0.0.1", page=True), evalex=False)
        return Client(served).get(path, headers={"Accept": accept}, environ_overrides={"HTTP_HOST": host})

    return send


def test_browser_gets_the_cure_as_a_page(ask):
    response = ask("/", "text/html")

    assert response.status_code == 500
    assert "<h1>No cups</h1><p>Wash &lt;some&gt; first.</p>" in response.text
    assert "<pre class=type>wash --all</pre>" in response.text
    assert "<li>cup 1</li><li>cup 2</li>" in response.text
    assert response.text.index("<li>cup 2") < response.text.index("wash --all")
    assert "<p class=error>LookupError: cup</p>" in response.text


def test_page_of_an_explanation_without_commands_tells_nobody_to_type():
    page = draw_page(Explanation("No cups", "Wash some."), LookupError("cup"))

    assert "Wash some." in page
    assert "Type in a terminal" not in page


def test_program_gets_the_cure_as_a_line(ask):
    response = ask("/", "*/*")

    assert response.text.splitlines()[:2] == [
        "LookupError: cup",
        "  hint: No cups. Wash <some> first. Type: wash --all",
    ]


def test_terminal_tells_the_cure(ask, capsys):
    ask("/", "application/json")

    assert "  hint: No cups. Wash <some> first. Type: wash --all" in capsys.readouterr().err.splitlines()


def test_error_that_nobody_explains_is_left_to_the_debugger(ask):
    response = ask("/other", "text/html")

    assert "No cups" not in response.text
    assert "Werkzeug" in response.text


def test_stranger_is_told_nothing(ask):
    response = ask("/", "text/html", host="evil.example")

    assert "cup" not in response.text.lower()


def test_explainer_that_fails_hides_neither_the_error_nor_the_next_one():
    error = LookupError("cup")

    def broken(error):
        raise RuntimeError("broken explainer")

    found = explain(error, [broken, lambda error: NO_CUPS])

    assert found is NO_CUPS
    assert "broken explainer" in summarise(error)[1]


def test_first_explanation_counts():
    error = LookupError("cup")
    second = Explanation("Second", "Never told.")

    assert explain(error, [lambda error: None, lambda error: NO_CUPS, lambda error: second]) is NO_CUPS
    assert len(error.__notes__) == 1


def test_line_without_commands_is_the_hint():
    assert Explanation("No cups", "Wash some.").line == "No cups. Wash some."
