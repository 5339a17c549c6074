"""Forms, scripts and htmx send the token; who does not is refused."""

import hmac
import io
import json
import re
import sys
from html import unescape
from pathlib import Path

import pytest


@pytest.fixture
def app(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import shop

    yield shop.create_app(SECRET_KEY="a key for tests", BANK_KEY="the bank's", TESTING=True)
    del sys.modules["shop"]


@pytest.fixture(params=["wsgi", "asgi"])
def client(app, request):
    return app.test_client(protocol=request.param)


def found(page, pattern):
    return unescape(re.search(pattern, page)[1])


def test_form_sends_the_token_in_its_field(client):
    token = found(client.get("/").text, 'name="csrf_token" value="(.+?)"')

    page = client.post("/items", data={"item": "pot", "csrf_token": token}, follow_redirects=True)

    assert "<li>pot</li>" in page.text


def test_htmx_sends_it_in_the_header_that_the_page_names(client):
    headers = json.loads(found(client.get("/").text, "hx-headers='(.+?)'"))

    page = client.post("/items", data={"item": "cup"}, headers={**headers, "HX-Request": "true"})

    assert page.text.strip() == "<li>cup</li>"


def test_scripts_send_what_the_meta_tag_has(client):
    token = found(client.get("/").text, '<meta name="csrf-token" content="(.+?)"')

    answer = client.post("/items", json={"item": "bowl"}, headers={"X-CSRFToken": token})

    assert answer.json == {"items": ["bowl"]}


def test_upload_that_streams_has_it_in_the_header(client):
    token = found(client.get("/").text, '<meta name="csrf-token" content="(.+?)"')

    def upload(**headers):
        return client.post("/photos", data={"photo": (io.BytesIO(b"x" * 10), "a.jpg")}, headers=headers)

    assert upload(**{"X-CSRFToken": token}).json == {"bytes": 10}
    assert upload().status_code == 400


def test_without_a_token_there_is_a_page_and_json_for_scripts(client):
    page = client.post("/items", data={"item": "pot"})
    answer = client.post("/items", json={"item": "pot"}, headers={"Accept": "application/json"})

    assert (page.status_code, answer.status_code) == (400, 400)
    assert "Your form was not sent" in page.text
    assert answer.json["description"] == "The CSRF token is missing."


def test_bank_needs_no_token_but_its_signature(client):
    signature = hmac.new(b"the bank's", b"order 7", "sha256").hexdigest()

    assert client.post("/paid", data="order 7", headers={"X-Signature": signature}).text == "thank you"
    assert client.post("/paid", data="order 8", headers={"X-Signature": signature}).status_code == 403


def test_tests_of_views_may_do_without(app, client):
    app.config["WTF_CSRF_ENABLED"] = False

    assert client.post("/items", json={"item": "pot"}).json == {"items": ["pot"]}
