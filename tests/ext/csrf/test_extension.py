"""``CSRFProtect`` on applications: what is checked, what is not, and that reading pages costs nothing."""

from __future__ import annotations

import gc
import io
import logging
import sys

import pytest

from costrel import g, request, session
from costrel.core.checks.whole import check_application
from costrel.errors import ConfigError, SetupError
from costrel.ext.csrf import CSRFError, CSRFProtect, generate_csrf

MISSING = "The CSRF token is missing."


def test_extension_is_found_on_the_application(shop):
    assert isinstance(shop.extensions["csrf"], CSRFProtect)
    with pytest.raises(SetupError):
        CSRFProtect(shop)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_unsafe_requests_need_a_token(shop, client, method):
    visitor = client(shop)
    token = visitor.get("/token").text

    assert visitor.open("/buy", method=method).status_code == 400
    assert visitor.open("/buy", method=method, headers={"X-CSRFToken": token}).text == "bought 1"


@pytest.mark.parametrize(
    "sent",
    [
        lambda token: {"headers": {"X-CSRFToken": token}},
        lambda token: {"headers": {"X-CSRF-Token": token}},
        lambda token: {"data": {"csrf_token": token}},
        lambda token: {"data": {"signup-csrf_token": token}},
        lambda token: {"data": {"a-csrf_token": "", "b-csrf_token": token}},
        lambda token: {"data": {"csrf_token": token, "file": (io.BytesIO(b"x"), "x.txt")}},
        lambda token: {"json": {"cups": 2}, "headers": {"X-CSRFToken": token}},
        lambda token: {"data": {"csrf_token": token}, "headers": {"X-CSRFToken": "stale"}},
        lambda token: {"data": {"csrf_token": "stale"}, "headers": {"X-CSRFToken": token}},
    ],
    ids=[
        "header",
        "other header",
        "field",
        "prefix",
        "two prefixes",
        "upload",
        "JSON",
        "old header",
        "old field",
    ],
)
def test_token_is_found_where_pages_and_scripts_send_it(shop, client, sent):
    visitor = client(shop)
    token = visitor.get("/token").text

    assert visitor.post("/buy", **sent(token)).text == "bought 1"


def test_form_and_its_second_tab_and_the_back_button_work(shop, client):
    visitor = client(shop)
    one, two = visitor.get("/token").text, visitor.get("/token").text

    assert one != two
    answers = [visitor.post("/buy", data={"csrf_token": token}).text for token in (one, two, one)]
    assert answers == ["bought 1", "bought 2", "bought 3"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_requests_neither_need_a_token_nor_open_a_session(app, client, either, method):
    CSRFProtect(app)
    app.add_url_rule("/", view_func=either(lambda: "page"), endpoint="page")

    response = client(app).open("/", method=method)

    assert response.status_code == 200
    assert "Vary" not in response.headers
    assert "Set-Cookie" not in response.headers


def test_reading_a_page_calls_not_one_function_more(app, other_app):
    for each in (app, other_app):
        each.add_url_rule("/", view_func=lambda: "page", endpoint="page")
    CSRFProtect(app)

    assert calls_for_a_page(app) == calls_for_a_page(other_app)


def calls_for_a_page(app):
    calls = []
    environ = app.test_request_context("/").environ
    for count in (False, True):  # the first request prepares things
        if count:
            gc.disable()  # what the garbage collector calls is not the request's
            sys.setprofile(lambda frame, event, arg: calls.append(event) if "call" in event else None)
        try:
            list(app.wsgi_app(dict(environ), lambda *_: None))
        finally:
            sys.setprofile(None)
            gc.enable()

    return len(calls)


def test_methods_that_are_safe_can_be_checked_too(app, client, either):
    app.config["WTF_CSRF_METHODS"] = ["get", "POST"]
    CSRFProtect(app)
    app.add_url_rule("/", view_func=either(lambda: "page"), endpoint="page")

    assert client(app).get("/").status_code == 400


@pytest.mark.parametrize("status", [404, 405])
def test_url_that_is_not_there_is_told_so(shop, client, status):
    assert client(shop).post({404: "/missing", 405: "/token"}[status]).status_code == status


@pytest.mark.parametrize(
    "change", [{"WTF_CSRF_ENABLED": False}, {"WTF_CSRF_CHECK_DEFAULT": False}, {"WTF_CSRF_METHODS": []}]
)
def test_configuration_set_after_the_setup_takes_effect(shop, client, change):
    visitor = client(shop)
    assert visitor.post("/buy").status_code == 400

    shop.config.update(change)

    assert visitor.post("/buy").text == "bought 1"


def test_unknown_key_is_refused_with_the_nearest(app):
    app.config["WTF_CSRF_HEADER"] = "X-Own"

    with pytest.raises(ConfigError) as caught:
        CSRFProtect(app)
    assert "WTF_CSRF_HEADERS" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TIME_LIMIT", "an hour"),
        ("METHODS", 7),
        ("SECRET_KEY", 7),
        ("FIELD_NAME", None),
        ("ENABLED", "maybe"),
    ],
)
def test_unfit_value_is_refused_at_setup(app, key, value):
    app.config[f"WTF_CSRF_{key}"] = value

    with pytest.raises(ConfigError, match=f"WTF_CSRF_{key}"):
        CSRFProtect(app)


def test_view_checks_for_itself(shop, csrf, client, either):
    shop.config["WTF_CSRF_CHECK_DEFAULT"] = False

    def checked():
        csrf.protect()
        return f"valid: {g.get('csrf_valid')}"

    shop.add_url_rule("/checked", view_func=either(checked), methods=["GET", "POST"])
    visitor = client(shop)
    token = visitor.get("/token").text

    assert visitor.post("/checked").status_code == 400
    assert visitor.post("/checked", data={"csrf_token": token}).text == "valid: True"
    assert visitor.get("/checked").text == "valid: None"
    assert visitor.post("/buy").text == "bought 1"


def test_hook_of_the_application_decides_who_is_checked(shop, csrf, client):
    shop.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf.exempt(shop.view_functions["buy"])

    @shop.before_request
    def check_browsers():
        if "Authorization" not in request.headers:
            csrf.protect(apply_exemptions=True)

    visitor = client(shop)

    assert visitor.post("/login").status_code == 400
    assert visitor.post("/login", headers={"Authorization": "Bearer x"}).text == "welcome"
    assert visitor.post("/buy").text == "bought 1"
    assert visitor.post("/missing").status_code == 404


def test_subclass_decides_who_is_checked(app, client):
    class Own(CSRFProtect):
        def protect(self, apply_exemptions=False):
            if request.path != "/hook":
                super().protect(apply_exemptions)

    Own(app)
    for path in ("/hook", "/buy"):
        app.add_url_rule(path, path[1:], lambda: "done", methods=["POST"])

    assert client(app).post("/hook").text == "done"
    assert client(app).post("/buy").status_code == 400


def test_refused_request_runs_neither_hooks_nor_views(shop, client):
    called = []
    shop.before_request(lambda: called.append("hook"))
    shop.view_functions["buy"] = lambda: called.append("view")

    assert client(shop).post("/buy").status_code == 400
    assert called == []


def test_url_preprocessors_ran_when_a_handler_answers(shop, client):
    @shop.url_value_preprocessor
    def language(endpoint, values):
        g.language = "en"

    @shop.errorhandler(CSRFError)
    def refused(error):
        return g.language, 400

    assert client(shop).post("/buy").text == "en"


def test_one_instance_serves_two_applications(app, other_app, client):
    csrf = CSRFProtect()
    for each in (app, other_app):
        csrf.init_app(each)
        each.add_url_rule("/buy", view_func=lambda: "bought", endpoint="buy", methods=["POST"])
    other_app.config["WTF_CSRF_ENABLED"] = False

    assert client(app).post("/buy").status_code == 400
    assert client(other_app).post("/buy").text == "bought"


def test_own_names_of_field_and_headers(shop, client):
    shop.config.update(WTF_CSRF_FIELD_NAME="proof", WTF_CSRF_HEADERS="X-Proof")
    visitor = client(shop)
    token = visitor.get("/token").text

    assert 'name="proof"' in visitor.get("/form").text
    assert visitor.post("/buy", data={"proof": token}).text == "bought 1"
    assert visitor.post("/buy", headers={"X-Proof": token}).text == "bought 2"
    assert visitor.post("/buy", headers={"X-CSRFToken": token}, data={"csrf_token": token}).status_code == 400


def test_stream_is_left_to_its_view_and_takes_the_token_in_a_header(shop, client, is_async):
    def store_now():
        return str(sum(len(piece) for part in request.parts() for piece in part))

    async def store_on_loop():
        return str(sum([len(piece) async for part in request.parts() async for piece in part]))

    shop.post("/films", stream_body=True, endpoint="store")(store_on_loop if is_async else store_now)
    visitor = client(shop)
    token = visitor.get("/token").text

    def upload(**headers):
        film = (io.BytesIO(b"x" * 200_000), "film.mkv")
        return visitor.post("/films", data={"csrf_token": token, "film": film}, headers=headers)

    refused = upload()
    assert refused.status_code == 400
    assert "This URL takes it in the header X-CSRFToken only." in refused.text
    assert upload(**{"X-CSRFToken": token}).text == str(200_000 + len(token))


def test_form_is_not_read_where_a_header_has_the_token(shop, client):
    def unread():
        return str("form" in request.__dict__)

    shop.add_url_rule("/unread", view_func=unread, methods=["POST"])
    visitor = client(shop)
    token = visitor.get("/token").text

    assert visitor.post("/unread", data={"a": "b"}, headers={"X-CSRFToken": token}).text == "False"
    assert visitor.post("/unread", data={"csrf_token": token}).text == "True"


def test_form_that_is_too_long_is_told_so(shop, client):
    shop.config["MAX_CONTENT_LENGTH"] = 100

    assert client(shop).post("/buy", data={"x": "x" * 200}).status_code == 413


def test_fetch_metadata_are_no_token_unless_they_are_trusted(shop, client):
    headers = {"Sec-Fetch-Site": "same-origin"}
    visitor = client(shop)
    assert visitor.post("/buy", headers=headers).status_code == 400

    shop.config["WTF_CSRF_TRUST_FETCH_METADATA"] = True

    assert visitor.post("/buy", headers=headers).text == "bought 1"
    assert visitor.post("/buy").status_code == 400
    assert visitor.post("/buy", headers={"Sec-Fetch-Site": "none"}).status_code == 400


def test_renewed_token_that_keeps_leaves_forms_in_other_tabs_working(shop, csrf, client, either):
    def confirm():
        csrf.renew_token(keep_previous=True)
        return generate_csrf()

    shop.add_url_rule("/confirm", view_func=either(confirm), methods=["POST"])
    visitor = client(shop)
    old = visitor.get("/token").text
    new = visitor.post("/confirm", headers={"X-CSRFToken": old}).text

    assert visitor.post("/buy", headers={"X-CSRFToken": old}).text == "bought 1"
    assert visitor.post("/buy", headers={"X-CSRFToken": new}).text == "bought 2"


def test_reason_is_logged_and_no_token(shop, client, caplog):
    caplog.set_level(logging.INFO, "costrel.csrf")

    visitor = client(shop)
    visitor.get("/token")

    visitor.post("/buy", headers={"X-CSRFToken": "a false token"})

    messages = [record.getMessage() for record in caplog.records if record.name == "costrel.csrf"]
    assert messages == ["The CSRF token is invalid."]


async def test_handshakes_of_websockets_are_not_asked_for_a_token(app):
    CSRFProtect(app)

    @app.websocket("/ws")
    async def echo(ws):
        await ws.accept()
        await ws.send(str(session.get("csrf_token")))

    async with app.async_test_client().websocket("/ws") as ws:
        assert await ws.receive() == "None"


def test_check_tells_of_a_protection_that_is_off(app):
    def told():
        return [finding.id for finding in check_application(app)[0]]

    CSRFProtect(app)
    assert "csrf.W001" not in told()

    app.config["WTF_CSRF_ENABLED"] = False

    assert "csrf.W001" in told()
