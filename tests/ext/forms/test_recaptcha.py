from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from costrel.ext.forms import AsyncValidatorError, FlaskForm, Forms, Recaptcha, RecaptchaField
from costrel.ext.forms.recaptcha.validators import RecaptchaKeyError, http
from costrel.ext.forms.recaptcha.verification import DEFAULT_SERVER
from costrel.ext.forms.testing import FakeRecaptcha

MISSING = "The response parameter is missing."
INVALID = "The response parameter is invalid or malformed."
SOLVED = {"g-recaptcha-response": "pass"}


class CaptchaForm(FlaskForm):
    class Meta:
        csrf = False

    captcha = RecaptchaField()


@pytest.fixture
def app(app):
    app.config.update(RECAPTCHA_PUBLIC_KEY="public", RECAPTCHA_PRIVATE_KEY="private")
    return app


@pytest.fixture
def fake(app):
    app.config["RECAPTCHA_VERIFY"] = FakeRecaptcha()
    return app.config["RECAPTCHA_VERIFY"]


@pytest.fixture
def service(app):
    """Run a captcha service, and give what it was asked; its answer is ``service.answer``."""

    class Service(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            server.asked.append({name: values[0] for name, values in asked.items()})
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.answer)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Service)
    server.asked, server.status, server.answer = [], 200, b'{"success": true}'
    app.testing = False
    app.config["RECAPTCHA_VERIFY_SERVER"] = f"http://127.0.0.1:{server.server_port}/verify"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def errors(app, form_class=CaptchaForm, **sent):
    with app.test_request_context(method="POST", **(sent or {"data": SOLVED})):
        form = form_class()
        form.validate()
        return list(form.captcha.errors)


async def aerrors(app, form_class=CaptchaForm):
    with app.test_request_context(method="POST", data=SOLVED):
        form = form_class()
        await form.avalidate()
        return list(form.captcha.errors)


def rendered(app, field=None, **attributes):
    class Form(FlaskForm):
        class Meta:
            csrf = False

        captcha = field or RecaptchaField()

    with app.test_request_context():
        return str(Form().captcha(**attributes))


def test_a_solved_captcha_is_taken_and_another_refused(app, fake):
    assert errors(app) == []
    assert errors(app, json=SOLVED) == []
    assert errors(app, data={"g-recaptcha-response": "forged"}) == [INVALID]
    assert fake.asked == ["pass", "pass", "forged"]


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"g-recaptcha-response": ""}},
        {"data": {"other": "pass"}},
        {"data": {"g-recaptcha-response": "x" * 16_385}},
        {"json": {"g-recaptcha-response": ["pass"]}},
        {"json": {"g-recaptcha-response": None}},
    ],
)
def test_what_can_be_no_captcha_is_refused_without_asking(app, fake, sent):
    assert errors(app, **sent) == [MISSING]
    assert fake.asked == []


def test_tests_of_applications_need_none(app):
    assert errors(app, data={}) == []


def test_it_can_be_switched_off(app, fake):
    app.config["RECAPTCHA_ENABLED"] = False

    assert errors(app, data={}) == []
    assert rendered(app) == "<!-- recaptcha disabled -->"


async def test_async_validation_asks_too(app, fake):
    assert await aerrors(app) == []

    async def verify(secret, response, remote_ip):
        return {"success": (secret, response) == ("private", "pass")}

    app.config["RECAPTCHA_VERIFY"] = verify

    assert await aerrors(app) == []


async def test_async_validation_does_not_hold_the_loop_up(app):
    threads = []
    app.config["RECAPTCHA_VERIFY"] = lambda *args: (
        threads.append(threading.current_thread()) or {"success": True}
    )

    assert await aerrors(app) == []
    assert threads != [threading.current_thread()]


def test_an_async_verifier_has_to_be_waited_for(app):
    async def verify(secret, response, remote_ip):
        return {"success": True}

    app.config["RECAPTCHA_VERIFY"] = verify

    with pytest.raises(AsyncValidatorError, match="Recaptcha of the field 'captcha' is async"):
        errors(app)


async def test_the_service_is_asked_over_http(app, service):
    asked = {"secret": "private", "response": "pass", "remoteip": "127.0.0.1"}

    with app.test_request_context(method="POST", data=SOLVED, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert CaptchaForm().validate()
        assert await CaptchaForm().avalidate()
    assert service.asked == [asked, asked]


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, {"success": False, "error-codes": ["invalid-input-response"]}, INVALID),
        (
            200,
            {"success": False, "error-codes": ["invalid-input-secret"]},
            "The secret parameter is invalid or malformed.",
        ),
        (200, {"success": False, "error-codes": ["timeout-or-duplicate"]}, MISSING),
        (200, {"success": False}, MISSING),
        (200, {"success": "yes"}, MISSING),
        (200, {"error-codes": 5}, MISSING),
        (200, [True], MISSING),
        (500, {"success": True}, MISSING),
    ],
)
def test_only_a_clear_yes_counts(app, service, status, answer, expected):
    service.status, service.answer = status, json.dumps(answer).encode()

    assert errors(app) == [expected]


def test_an_answer_that_is_no_json_counts_as_no(app, service, caplog):
    service.answer = b"<html>"

    assert errors(app) == [MISSING]
    assert "did not answer" in caplog.text
    assert "private" not in caplog.text


def test_a_service_that_is_away_counts_as_no(app, caplog):
    app.testing = False
    app.config["RECAPTCHA_VERIFY_SERVER"] = "http://127.0.0.1:1/verify"

    assert errors(app) == [MISSING]
    assert "did not answer" in caplog.text


def test_a_service_that_is_too_slow_counts_as_no(app, caplog):
    app.testing = False
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        app.config["RECAPTCHA_VERIFY_SERVER"] = f"http://127.0.0.1:{silent.getsockname()[1]}/verify"
        app.config["RECAPTCHA_TIMEOUT"] = 0.05

        assert errors(app) == [MISSING]

    assert "did not answer" in caplog.text


@pytest.mark.parametrize(("code", "expected"), [(200, []), (400, [MISSING])])
def test_what_sends_the_request_can_be_replaced(app, monkeypatch, code, expected):
    asked = []

    def urlopen(url, data):
        asked.append((url, parse_qs(data.decode())["response"]))
        return SimpleNamespace(code=code, read=lambda: '{"success": true}')

    app.testing = False
    monkeypatch.setattr(http, "urlopen", urlopen)

    assert errors(app) == expected
    assert asked == [(DEFAULT_SERVER, ["pass"])]


def test_a_message_of_ones_own_is_shown(app, service):
    class Form(FlaskForm):
        class Meta:
            csrf = False

        captcha = RecaptchaField(validators=[Recaptcha("Are you a robot?")])

    service.answer = b"{}"

    assert errors(app, Form) == ["Are you a robot?"]


def test_missing_keys_are_named(app):
    app.testing = False
    app.config.update(RECAPTCHA_PUBLIC_KEY=None, RECAPTCHA_PRIVATE_KEY=None)

    with pytest.raises(RuntimeError, match="RECAPTCHA_PRIVATE_KEY"):
        errors(app)
    with pytest.raises(RecaptchaKeyError, match="RECAPTCHA_PUBLIC_KEY"):
        rendered(app)


def test_the_page_has_the_script_and_the_element(app):
    assert rendered(app) == (
        '\n<script async defer src="https://www.google.com/recaptcha/api.js"></script>\n'
        '<div class="g-recaptcha" data-sitekey="public" id="captcha"></div>\n'
    )


def test_options_change_what_the_page_has(app):
    Forms(
        app,
        recaptcha_script="https://hcaptcha.com/1/api.js",
        recaptcha_parameters={"hl": "de", "x": "1"},
        recaptcha_div_class="h-captcha",
        recaptcha_data_attrs={"theme": "dark"},
    )

    assert rendered(
        app, RecaptchaField(nonce=lambda: '"><script>'), aria_label="Captcha", data_theme="light"
    ) == (
        '\n<script async defer nonce="&#34;&gt;&lt;script&gt;" '
        'src="https://hcaptcha.com/1/api.js?hl=de&amp;x=1"></script>\n'
        '<div aria-label="Captcha" class="h-captcha" data-sitekey="public"'
        ' data-theme="light" id="captcha"></div>\n'
    )


def test_html_of_the_application_replaces_it(app):
    app.config["RECAPTCHA_HTML"] = "<b>custom</b>"

    assert rendered(app) == "<b>custom</b>"


def test_it_works_over_both_protocols(app, client, fake):
    @app.post("/sync")
    def sync_view():
        return str(CaptchaForm().validate())

    @app.post("/async")
    async def async_view():
        return str(await CaptchaForm().avalidate())

    browser = client(app)

    assert [browser.post(path, data=SOLVED).text for path in ("/sync", "/async")] == ["True", "True"]
    assert [browser.post(path).text for path in ("/sync", "/async")] == ["False", "False"]
