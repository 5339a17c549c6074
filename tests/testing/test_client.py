"""The test client: what it sends, what it keeps, what it leaves behind."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import EnvironBuilder, create_environ
from werkzeug.wrappers import Request as WerkzeugRequest

from costrel import Costrel, current_app, g, redirect, request, session
from costrel.sessions import SessionInterface


@pytest.fixture
def app(app):
    """An application that tells what it was sent."""

    @app.route("/echo", methods=["GET", "POST"])
    def echo():
        return {
            "method": request.method,
            "url": request.url,
            "agent": request.headers.get("User-Agent", ""),
            "address": request.remote_addr,
            "form": request.form,
        }

    @app.get("/first")
    def first():
        g.seen = "first"
        return redirect("/second")

    @app.get("/second")
    def second():
        return g.get("seen", "second")

    @app.get("/count")
    def count():
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    return app


def test_the_response_reads_json_as_the_application_does(app, client):
    assert client(app).get("/echo").json["method"] == "GET"


def test_a_request_says_who_it_is_from(app, client):
    sent = client(app).get("/echo").json

    assert sent["address"] == "127.0.0.1"
    assert sent["agent"].startswith("Werkzeug/")


def test_the_environment_of_the_client_is_the_base_of_each_request(app, client):
    some = client(app)
    some.environ_base["REMOTE_ADDR"] = "192.0.2.1"

    assert some.get("/echo").json["address"] == "192.0.2.1"
    assert some.get("/echo", environ_base={"REMOTE_ADDR": "192.0.2.2"}).json["address"] == "192.0.2.2"


@pytest.mark.parametrize(
    "make",
    [
        lambda: EnvironBuilder("/echo", method="POST", data={"a": "b"}),
        lambda: create_environ("/echo", method="POST", data={"a": "b"}),
        lambda: WerkzeugRequest(create_environ("/echo", method="POST", data={"a": "b"})),
    ],
    ids=["builder", "environment", "request"],
)
def test_what_werkzeug_makes_can_be_sent_and_stays_as_it_is(app, client, make):
    given = make()
    before = dict(given) if isinstance(given, dict) else dict(getattr(given, "environ", {}))

    sent = client(app).open(given).json

    assert sent["form"] == {"a": "b"}
    assert sent["agent"].startswith("Werkzeug/")
    assert (given if isinstance(given, dict) else getattr(given, "environ", {})).keys() == before.keys()


def test_files_given_to_a_request_are_closed_after_it(app, client):
    file = io.BytesIO(b"content")
    client(app).post("/echo", data={"file": (file, "name.txt")})

    assert file.closed


def test_cookies_are_kept_between_requests(app, client):
    some = client(app)

    assert [some.get("/count").text for _ in range(3)] == ["1", "2", "3"]


def test_a_client_without_cookies_keeps_none(app, client):
    some = client(app, use_cookies=False)

    assert [some.get("/count").text for _ in range(2)] == ["1", "1"]


def test_redirects_are_followed_and_remembered(app, client):
    response = client(app).get("/first", follow_redirects=True)

    assert response.text == "second"
    assert [step.status_code for step in response.history] == [302]


def test_a_redirect_that_keeps_the_method_keeps_the_body(app, client):
    app.post("/moved")(lambda: redirect("/echo", 308))

    assert client(app).post("/moved", data={"a": "b"}, follow_redirects=True).json["form"] == {"a": "b"}


def test_in_a_block_the_last_request_stays_at_hand(app, client):
    with client(app) as some:
        some.get("/first")

        assert (request.path, g.seen, current_app.name) == ("/first", "first", app.name)

        some.get("/second")

        assert request.path == "/second"
        assert "seen" not in g


def test_after_redirects_it_is_the_one_that_was_not_redirected(app, client):
    with client(app) as some:
        some.get("/first", follow_redirects=True)

        assert request.path == "/second"


def test_after_the_block_nothing_is_left(app, client):
    with client(app) as some:
        some.get("/count")

    with pytest.raises(RuntimeError, match="Working outside of request context"):
        request.path


def test_without_a_block_nothing_is_left_either(app, client):
    client(app).get("/count")

    with pytest.raises(RuntimeError, match="Working outside of application context"):
        current_app.name


def test_blocks_of_two_clients_may_be_nested_and_of_one_not(app, client):
    with client(app) as outer, client(app) as inner:
        outer.get("/first")
        inner.get("/second")

        assert request.path == "/second"
        with pytest.raises(RuntimeError, match="Cannot nest client invocations"), inner:
            pass


def test_an_error_in_the_block_leaves_no_context(app, client):
    with pytest.raises(ZeroDivisionError), client(app) as some:
        some.get("/count")
        1 / 0

    with pytest.raises(RuntimeError, match="Working outside of request context"):
        request.path


def test_the_session_can_be_written_before_and_read_after_a_request(app, client):
    some = client(app)
    with some.session_transaction() as stored:
        stored["count"] = 41

    assert some.get("/count").text == "42"
    with some.session_transaction() as stored:
        assert stored["count"] == 42


def test_the_session_of_another_host_can_be_written(app, client):
    some = client(app)
    with some.session_transaction(base_url="http://other.test") as stored:
        stored["count"] = 41

    assert some.get("/count").text == "1"
    assert some.get("/count", base_url="http://other.test").text == "42"


def test_a_session_needs_cookies(app, client):
    with (
        pytest.raises(TypeError, match="Cookies are disabled"),
        client(app, use_cookies=False).session_transaction(),
    ):
        pass


def test_a_session_interface_that_opens_nothing_is_told_apart(app, client):
    class Nothing(SessionInterface):
        def open_session(self, app, request):
            return None

    app.session_interface = Nothing()

    with (
        pytest.raises(RuntimeError, match="Session backend did not open a session"),
        client(app).session_transaction(),
    ):
        pass


def test_an_error_in_a_session_transaction_stores_nothing(app, client):
    some = client(app)
    with pytest.raises(ZeroDivisionError), some.session_transaction() as stored:
        stored["count"] = 1 / 0

    assert some.get("/count").text == "1"


def test_a_session_transaction_in_a_block_leaves_the_request_at_hand(app, client):
    with client(app) as some:
        some.get("/second")
        with some.session_transaction() as stored:
            stored["count"] = 1

        assert request.path == "/second"


def test_a_class_of_ones_own_is_used():
    from costrel.testing import FlaskClient

    class Client(FlaskClient):
        def __init__(self, *args, authentication=None, **kwargs):
            super().__init__(*args, **kwargs)
            self.authentication = authentication

        def open(self, *args, **kwargs):
            kwargs.setdefault("headers", {})["Authorization"] = self.authentication
            return super().open(*args, **kwargs)

    app = Costrel(__name__)
    app.test_client_class = Client
    app.get("/")(lambda: request.headers["Authorization"])

    assert app.test_client(authentication="Bearer x").get("/").text == "Bearer x"
