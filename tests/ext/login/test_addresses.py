"""The way to the login page and back stays on the site."""

from __future__ import annotations

import pytest

from costrel import redirect, session
from costrel.ext.login import login_required, login_url, make_next_param, next_url
from costrel.ext.login.addresses import MAX_NEXT_CHARS

LEAVING = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "http://evil.example",
    "https:evil.example",
    "http:///evil.example",
    "//user@evil.example",
    "http://localhost@evil.example/",
    "https://localhost.evil.example",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "/.//evil.example",
    "/\x00/evil.example",
    "/a\r\nSet-Cookie: a=b",
    "",
]


@pytest.fixture
def sending(app, manager):
    """An application whose login view sends people where they say."""
    manager.login_view = "enter"

    @app.route("/enter", methods=["GET", "POST"])
    def enter():
        return redirect(next_url("/home"))

    @app.get("/secret")
    @login_required
    def secret():
        return "secret"

    return app


@pytest.mark.parametrize("target", LEAVING)
def test_a_target_off_the_site_is_not_followed(client, sending, target):
    visitor = client(sending)

    in_url = visitor.get("/enter", query_string={"next": target})
    in_form = visitor.post("/enter", data={"next": target})

    assert in_url.location == "/home"
    assert in_form.location == "/home"


@pytest.mark.parametrize(
    "target", ["/basket", "/basket?page=2#end", "/%2Fevil.example", "/a:b", "/?next=//evil.example"]
)
def test_a_target_on_the_site_is_followed(client, sending, target):
    visitor = client(sending)

    response = visitor.get("/enter", query_string={"next": target})

    assert response.location == target


def test_a_target_that_is_encoded_twice_stays_on_the_site(client, sending):
    response = client(sending).get("/enter?next=%252F%252Fevil.example")

    assert response.location == "/home"


def test_a_target_that_is_too_long_is_not_followed(client, sending):
    visitor = client(sending)
    longest = "/" + "a" * (MAX_NEXT_CHARS - 1)

    assert visitor.post("/enter", data={"next": longest}).location == longest
    assert visitor.post("/enter", data={"next": longest + "a"}).location == "/home"


def test_without_a_target_the_default_is_taken(client, sending):
    assert client(sending).get("/enter").location == "/home"


def test_the_page_that_was_asked_for_comes_back(client, sending):
    visitor = client(sending)

    refused = visitor.get("/secret?a=1&b=2")
    back = visitor.get(refused.location)

    assert refused.location == "/enter?next=%2Fsecret%3Fa%3D1%26b%3D2"
    assert back.location == "/secret?a=1&b=2"


def test_a_very_long_address_is_left_out(client, sending):
    refused = client(sending).get("/secret?" + "a" * MAX_NEXT_CHARS)

    assert refused.location == "/enter"


def test_the_target_may_lie_in_the_session(client, sending):
    sending.config["USE_SESSION_FOR_NEXT"] = True
    visitor = client(sending)

    refused = visitor.get("/secret")

    assert refused.location == "/enter"
    assert visitor.get("/enter").location == "/secret"
    assert visitor.get("/enter").location == "/home"  # it was taken out


def test_a_target_planted_in_the_session_is_not_followed(client, sending):
    sending.config["USE_SESSION_FOR_NEXT"] = True
    visitor = client(sending)
    with visitor.session_transaction() as stored:
        stored["next"] = "//evil.example"

    assert visitor.get("/enter").location == "/home"


def test_without_the_setting_the_session_is_not_asked(client, sending):
    visitor = client(sending)
    with visitor.session_transaction() as stored:
        stored["next"] = "/secret"

    assert visitor.get("/enter").location == "/home"


def test_a_path_that_begins_with_two_slashes_names_no_host():
    target = make_next_param("/login", "http://localhost//evil.example/a?b=c")

    assert target == "/evil.example/a?b=c"


def test_the_address_is_shortened_only_for_a_login_page_of_the_same_site():
    here = "http://localhost/profile"

    assert make_next_param("/login", here) == "/profile"
    assert make_next_param("http://localhost/login", here) == "/profile"
    assert make_next_param("https://localhost/login", here) == here
    assert make_next_param("http://accounts.localhost/login", here) == here


def test_the_url_of_a_login_page_keeps_its_own_arguments(app, manager):
    with app.test_request_context():
        assert login_url("/login?a=b", "/x") == "/login?a=b&next=%2Fx"
        assert login_url("public", "/x", "n") == "/public?n=%2Fx"
        assert login_url("public") == "/public"


def test_the_host_of_the_login_page_can_be_fixed(app, manager):
    app.config["FORCE_HOST_FOR_REDIRECTS"] = "good.example"

    with app.test_request_context(base_url="http://bad.example"):
        assert login_url("/login", "/x") == "//good.example/login?next=%2Fx"


def test_next_is_read_in_async_views(client, app, manager):
    @app.post("/aenter")
    async def aenter():
        session["seen"] = True
        return redirect(next_url())

    assert client(app).post("/aenter", data={"next": "/basket"}).location == "/basket"
