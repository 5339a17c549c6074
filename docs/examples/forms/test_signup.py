"""Visitors sign up in sync and async servers; what is wrong is told, with and without htmx."""

import io
import re
import sys
from html import unescape
from pathlib import Path

import pytest

GOOD = {
    "name": " Grace ",
    "email": "g@example.org",
    "password": "correct horse",
    "again": "correct horse",
    "agreed": "y",
}


@pytest.fixture
def app(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import signup

    yield signup.create_app(SECRET_KEY="a key for tests", TESTING=True)
    del sys.modules["signup"]


@pytest.fixture(params=["wsgi", "asgi"])
def send(app, request):
    """Load the page, and send its form with the token in it."""
    client = app.test_client(protocol=request.param)

    def post(headers=None, **data):
        token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get("/").text)[1]
        return client.post("/", data={"csrf_token": token, **data}, headers=headers)

    return post


def errors_of(page):
    return [unescape(line) for line in re.findall(r'<li><a href="[^"]+">([^<]+)</a>', page)]


def test_a_good_form_is_taken(send):
    answer = send(**GOOD, photo=(io.BytesIO(b"data"), "me.PNG"))

    assert (answer.status_code, answer.location) == (303, "/welcome/Grace")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": "Ada"}, "Name: This name is taken."),
        ({"name": ""}, "Name: This field is required."),
        ({"password": "short", "again": "short"}, "Password: Field must be at least 12 characters long."),
        ({"again": "another horse"}, "Password again: The passwords differ."),
        (
            {"photo": (io.BytesIO(b"data"), "me.exe")},
            "Photo: File does not have an approved extension: jpg, png",
        ),
    ],
)
def test_what_is_wrong_is_told(send, changed, expected):
    photo = changed.get("photo")
    if photo:
        changed = {"photo": (io.BytesIO(photo[0].getvalue()), photo[1])}

    answer = send(**{**GOOD, **changed})

    assert answer.status_code == 422
    assert errors_of(answer.text) == [expected]
    assert "<title>Error: Sign up</title>" in answer.text


def test_htmx_gets_the_form_alone(send):
    answer = send(headers={"HX-Request": "true"}, **{**GOOD, "name": "Ada"})

    assert answer.text.startswith("<form")
    assert 'hx-post="/"' in answer.text


def test_a_page_by_hand_has_the_same_parts(app):
    with app.test_request_context():
        import signup

        from costrel import render_template

        page = render_template("by_hand.html", form=signup.SignupForm())

    assert "autofocus" in page
    assert 'name="csrf_token"' in page
    assert 'aria-describedby="name-hint"' in page
    assert '<label for="email">Email</label> <input autocomplete="email" class="wide"' in page
