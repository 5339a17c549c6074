"""Whatever is sent to whichever address, the answer is never a fault of ours."""

from __future__ import annotations

import json

import pytest
from wayside.testing import WALK

NOT_UTF_8 = "%ff%fe"
NASTY = ["", "0", "-1", "9" * 400, "\x00", "a/../b", "' OR 1=1 --", "{{7*7}}", "ﷺ" * 300]
FORM = "application/x-www-form-urlencoded"
BODIES = [
    (b"", FORM),
    (b"%ff=%fe&csrf_token=%00&title=%ed%a0%80", FORM),
    (b"&".join(b"title=a" for _ in range(2_000)), FORM),
    (b"--x\r\nContent-Disposition: form-data; name", "multipart/form-data; boundary=x"),
    (b"no boundary", "multipart/form-data"),
    (b"\xff\xfe", "application/json"),
    (b"[" * 100_000, "application/json"),
    (b'{"title": 1e999, "tags": {"a": [null]}, "walked_on": {}}', "application/json"),
    (json.dumps({**WALK, "title": "half a pair: \ud83d"}).encode(), "application/json"),
    (b"[]", "application/json"),
    (b"null", "application/json"),
    (b"<xml/>", "text/xml"),
]


@pytest.fixture(params=["wsgi", "asgi"])
def protocol(request):
    return request.param


def addresses(app, value):
    """Return the address of every rule, with a value in place of each variable."""
    for rule in app.url_map.iter_rules():
        if not rule.websocket and rule.endpoint != "feed.stream":
            path = "".join(part if is_text else value for is_text, part in rule._trace)
            yield path.removeprefix("|"), sorted(rule.methods - {"OPTIONS"})


@pytest.fixture
def token(keeper):
    page = keeper.post("/account/tokens", {"label": "script"}).text

    return page.partition("<code>")[2].partition("</code>")[0]


def send_everywhere(person, app, value, **options):
    """Send a request to each address by each method; return those that were answered by a fault."""
    return [
        (method, path, response.status_code)
        for path, methods in addresses(app, value)
        for method in methods
        if (response := person.client.open(path, method=method, **options)).status_code >= 500
    ]


@pytest.mark.parametrize(
    "value", ["1", "0", "9" * 400, "%00", NOT_UTF_8, "%2e%2e%2fwayside.sqlite3", "%F0%9F%9A%B6"]
)
def test_nonsense_in_addresses_is_answered(app, keeper, value):
    keeper.add_walk()

    assert send_everywhere(keeper, app, value) == []


@pytest.mark.parametrize(("body", "mimetype"), BODIES)
def test_nonsense_in_bodies_is_answered(app, keeper, token, body, mimetype):
    keeper.add_walk()
    headers = {"Authorization": f"Bearer {token}"}

    assert send_everywhere(keeper, app, "1", data=body, content_type=mimetype, headers=headers) == []


@pytest.mark.parametrize("value", NASTY)
def test_nonsense_in_every_field_is_refused_or_stored_as_it_is(app, keeper, value):
    keeper.add_walk()
    fields = ("title", "place", "walked_on", "distance_km", "ascent_m", "body", "tags", "picture_alt", "text")
    names = (*fields, "label", "username", "password", "old", "new", "picture", "picture_remove")

    for path, methods in addresses(app, "1"):
        if "POST" in methods and path not in {"/logout", "/walks/1/delete"}:
            assert keeper.post(path, dict.fromkeys(names, value)).status_code < 500, path
    for name in ("page", "q", "tag", "author", "next", "after"):
        assert keeper.get("/", query_string={name: value}).status_code < 500


@pytest.mark.parametrize(
    "cookie", ["", "x", "a" * 4_000, "../../etc/passwd", "\xff", "'; DROP TABLE user; --"]
)
def test_nonsense_in_the_cookie_is_a_visitor(visitor, cookie):
    visitor.client.set_cookie("session", cookie)

    assert "Sign in" in visitor.get("/").text
    assert visitor.get("/account/").location.startswith("/login")
