"""Whoever signs in reads the board and pins notes; everybody else is sent to sign in."""

import re
import sys
from html import unescape
from pathlib import Path

import pytest

PASSWORD = "correct horse battery"


@pytest.fixture
def app(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import board

    board.app.config.update(TESTING=True, SQLITE_DATABASE=":memory:")
    with board.app.app_context():
        board.db.init_db()

    yield board.app
    del sys.modules["board"]


@pytest.fixture(params=["wsgi", "asgi"])
def browser(app, request):
    """Make visitors: each has its own cookies, and sends the forms of the pages that it has loaded."""
    return lambda: Visitor(app.test_client(protocol=request.param))


class Visitor:
    def __init__(self, client):
        self.client = client

    def read(self, path="/"):
        return self.client.get(path, follow_redirects=True).text

    def send(self, path, **data):
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', self.read(path))[1]
        return self.client.post(path, data={"csrf_token": token, **data})

    def sign_in(self, name, password=PASSWORD):
        return self.send("/sign-in", name=name, password=password)


def errors_of(response):
    return [unescape(line) for line in re.findall(r'<li><a href="[^"]+">([^<]+)</a>', response.text)]


def test_who_has_not_signed_in_is_sent_to_do_so(browser):
    response = browser().client.get("/")

    assert (response.status_code, response.location) == (302, "/sign-in?next=%2F")


def test_note_is_pinned_and_everybody_who_signed_in_reads_it(browser):
    ada, grace = browser(), browser()
    ada.sign_in("Ada")
    grace.sign_in("Grace")

    assert ada.send("/", text="<b>Soup</b> at six.").location == "/"

    assert "<strong>Ada</strong>" in grace.read()
    assert "&lt;b&gt;Soup&lt;/b&gt; at six." in grace.read()


def test_account_is_there_the_next_time_and_has_one_password(browser):
    browser().sign_in("Ada")

    wrong = browser().sign_in("ada", "another password")
    right = browser().sign_in("ada")

    assert "This is not the password of ada." in wrong.text
    assert right.location == "/"


@pytest.mark.parametrize(
    ("name", "password", "expected"),
    [
        ("A", PASSWORD, "Name: Field must be between 2 and 40 characters long."),
        ("Ada", "short", "Password: Field must be between 10 and 200 characters long."),
    ],
)
def test_account_that_is_too_short_is_told_so(browser, name, password, expected):
    assert errors_of(browser().sign_in(name, password)) == [expected]


@pytest.mark.parametrize("text", ["", "x" * 201])
def test_note_that_is_empty_or_too_long_is_told_so_and_not_kept(browser, text):
    ada = browser()
    ada.sign_in("Ada")

    response = ada.send("/", text=text)

    assert errors_of(response) == ["Your note: Field must be between 1 and 200 characters long."]
    assert "Nobody has pinned anything yet." in ada.read()


def test_who_signs_out_is_out_and_a_link_cannot_do_it(browser):
    ada = browser()
    ada.sign_in("Ada")

    assert ada.client.get("/sign-out").status_code == 405
    assert "Notice board</h1>" in ada.read()
    assert ada.client.post("/sign-out").location == "/"
    assert "Sign in</h1>" in ada.read()


def test_form_of_another_site_pins_nothing(browser):
    ada = browser()
    ada.sign_in("Ada")

    ada.client.post("/", data={"text": "forged"})
    foreign = ada.client.post("/sign-out", headers={"Sec-Fetch-Site": "cross-site"})

    assert foreign.status_code == 403
    assert "Nobody has pinned anything yet." in ada.read()


@pytest.mark.parametrize("text", ["'); DROP TABLE note; --", "' OR '1'='1"])
def test_sql_in_a_field_is_text(browser, text):
    ada = browser()
    ada.sign_in(text)
    ada.send("/", text=text)

    assert unescape(ada.read()).count(text) == 3  # on the button, and the note with its author
