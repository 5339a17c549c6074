"""Behind trusted proxies a request is what the visitor sent to the outermost; nobody else is believed."""

from __future__ import annotations

import asyncio
import logging

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from costrel import Costrel, request, session, url_for
from costrel.errors import ConfigError

SPOOFED = {
    "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=7.7.7.7;host=evil.example;proto=https",
}
NAMED = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix"]


@pytest.fixture
def app(app):
    app.add_url_rule("/", "index", lambda: {"seen": list(seen())})

    @app.get("/login")
    def login():
        session["user"] = "ada"
        return "in"

    return app


def seen():
    return (
        request.remote_addr,
        request.scheme,
        request.host,
        request.root_path,
        url_for("index", _external=True),
    )


async def by_asgi(app, *, headers=(), peer=("127.0.0.1", 5), **more):
    """Send one request by ASGI and return its status and body."""
    sent = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "server": ("127.0.0.1", 80),
        "client": peer,
        "headers": [(b"host", b"localhost"), *[(k.lower().encode(), v.encode("latin1")) for k, v in headers]],
        **more,
    }

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app.asgi(scope, receive, send)

    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def seen_by_asgi(app, **options):
    import json

    return json.loads(asyncio.run(by_asgi(app, **options))[1])["seen"]


@pytest.mark.parametrize("nothing", [None, 0, []])
def test_without_the_setting_nothing_is_believed(app, client, nothing):
    app.config["TRUSTED_PROXIES"] = nothing

    assert client(app).get("/", headers=SPOOFED).json["seen"] == [
        "127.0.0.1",
        "http",
        "localhost",
        "",
        "http://localhost/",
    ]


def test_address_and_scheme_are_believed_by_default(app, client):
    app.config["TRUSTED_PROXIES"] = 1

    assert client(app).get("/", headers=SPOOFED).json["seen"] == [
        "203.0.113.7",
        "https",
        "localhost",
        "",
        "https://localhost/",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {**SPOOFED, "X-Forwarded-Host": "shop.example", "X-Forwarded-Port": "8443",
         "X-Forwarded-Prefix": "/shop"},
        {**SPOOFED, "X-Forwarded-Host": "a, shop.example:1", "X-Forwarded-Port": "1,8443",
         "X-Forwarded-Prefix": "/b,/shop/"},
    ],
)  # fmt: skip
def test_named_headers_are_believed_too(app, client, headers):
    app.config.update(TRUSTED_PROXIES=["127.0.0.0/8"], TRUSTED_PROXY_HEADERS=NAMED)

    assert client(app).get("/", headers=headers).json["seen"] == [
        "203.0.113.7",
        "https",
        "shop.example:8443",
        "/shop",
        "https://shop.example:8443/shop/",
    ]


def test_forwarded_is_believed_if_named(app, client):
    app.config.update(TRUSTED_PROXIES=1, TRUSTED_PROXY_HEADERS="Forwarded")
    headers = {**SPOOFED, "Forwarded": 'for=6.6.6.6, for="[2001:db8::7]:47";proto=https;host=shop.example'}

    answer = client(app).get("/", headers=headers).json["seen"]

    assert answer == ["2001:db8::7", "https", "shop.example", "", "https://shop.example/"]


def test_usual_port_of_the_scheme_is_not_shown(app, client):
    app.config.update(TRUSTED_PROXIES=1, TRUSTED_PROXY_HEADERS=NAMED)
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}

    assert client(app).get("/", headers=headers).json["seen"][2] == "localhost"


def test_stranger_who_connects_is_believed_nothing(app, client):
    app.config.update(TRUSTED_PROXIES=["10.0.0.0/8"], TRUSTED_PROXY_HEADERS=NAMED)

    assert client(app).get("/", headers=SPOOFED).json["seen"][:4] == ["127.0.0.1", "http", "localhost", ""]


@pytest.mark.parametrize("name", [*NAMED, "Forwarded"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        ",",
        '"',
        "\\",
        "\t",
        "<script>",
        "\xa0",
        "%0d%0aX: y",
        "//evil.example",
        "[",
        "/" * 4_000,
        "for=;;",
        "\x7f",
    ],
)
def test_no_value_is_an_error_or_another_host(app, client, name, value):
    names = "Forwarded" if name == "Forwarded" else NAMED
    app.config.update(TRUSTED_PROXIES=1, TRUSTED_PROXY_HEADERS=names)
    headers = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1", name: value}
    answer = client(app).get("/", headers=headers)

    assert answer.status_code == 200
    assert answer.json["seen"][4].split("/")[2] == "localhost"


def test_host_of_a_proxy_is_held_against_the_trusted_ones(app, client):
    app.config.update(TRUSTED_PROXIES=1, TRUSTED_PROXY_HEADERS=NAMED, TRUSTED_HOSTS=["shop.example"])
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"}

    assert client(app).get("/", headers=headers).status_code == 400
    assert client(app).get("/", headers={**headers, "X-Forwarded-Host": "shop.example"}).status_code == 200


def test_session_cookie_is_secure_if_the_visitor_came_by_https(client):
    app = Costrel(__name__)
    app.config.update(SECRET_KEY="a key for tests", TESTING=True, TRUSTED_PROXIES=1)
    app.add_url_rule("/", "index", lambda: session.update(a=1) or "in")
    headers = {"X-Forwarded-For": "192.0.2.1"}

    assert "Secure" not in client(app).get("/", headers=headers).headers["Set-Cookie"]
    headers["X-Forwarded-Proto"] = "https"
    assert "Secure" in client(app).get("/", headers=headers).headers["Set-Cookie"]


def test_middleware_sees_the_visitor(app, client):
    app.config["TRUSTED_PROXIES"] = 1
    addresses = []
    inner = app.wsgi_app

    def noting(environ, start_response):
        addresses.append(environ["REMOTE_ADDR"])
        return inner(environ, start_response)

    app.wsgi_app = noting
    client(app).get("/", headers=SPOOFED)

    assert addresses == ["203.0.113.7"]


def test_application_that_is_mounted_in_another_is_not_rewritten_twice(app):
    app.config.update(TRUSTED_PROXIES=1, TRUSTED_PROXY_HEADERS=NAMED)
    outer = Costrel("outer")
    outer.config.update(app.config)
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/inner": app})
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Prefix": "/shop"}

    assert outer.test_client().get("/inner/", headers=headers).json["seen"][3] == "/shop/inner"


def test_setting_that_cannot_be_used_is_refused_before_the_first_answer(app, client):
    app.config["TRUSTED_PROXIES"] = "10.0.0.0/8"

    with pytest.raises(ConfigError, match="TRUSTED_PROXIES"):
        client(app).get("/")


def test_setting_that_cannot_be_used_is_an_error_of_the_server_and_nothing_is_believed(app, client, caplog):
    app.config.update(TRUSTED_PROXIES="10.0.0.0/8", TESTING=False)
    caplog.set_level(logging.ERROR)

    assert client(app).get("/", headers=SPOOFED).status_code == 500
    assert "TRUSTED_PROXIES" in caplog.text


def test_scope_of_asgi_is_heard_alike(app):
    app.config.update(TRUSTED_PROXIES=1, TRUSTED_PROXY_HEADERS=NAMED)
    headers = [*SPOOFED.items(), ("X-Forwarded-Host", "shop.example"), ("X-Forwarded-Port", "8443")]
    headers += [("X-Forwarded-Prefix", "/shop")]

    assert seen_by_asgi(app, headers=headers) == [
        "203.0.113.7",
        "https",
        "shop.example:8443",
        "/shop",
        "https://shop.example:8443/shop/",
    ]


def test_scope_of_asgi_is_not_believed_without_the_setting(app):
    assert seen_by_asgi(app, headers=SPOOFED.items())[:4] == ["127.0.0.1", "http", "localhost", ""]


@pytest.mark.parametrize(
    ("proxies", "peer"), [(["127.0.0.1"], ("127.0.0.1", 9)), (["unix"], None), (1, ("10.0.0.1", 9))]
)
def test_async_view_sees_the_visitor_too(app, proxies, peer):
    app.config["TRUSTED_PROXIES"] = proxies

    @app.get("/async")
    async def view():
        return {"seen": list(seen())}

    assert seen_by_asgi(app, headers=SPOOFED.items(), peer=peer, path="/async", raw_path=b"/async")[:2] == [
        "203.0.113.7",
        "https",
    ]


def test_scope_that_a_server_gave_is_left_as_it_was(app):
    app.config["TRUSTED_PROXIES"] = 1
    client = ("10.0.0.1", 9)
    scope = {"type": "http", "headers": [(b"x-forwarded-for", b"192.0.2.1")], "client": client}
    before = dict(scope)

    heard = app._hear_proxies(scope)

    assert (scope, heard["client"]) == (before, ("192.0.2.1", 0))


@pytest.mark.parametrize(
    ("told", "scheme"), [(b"https", "wss"), (b"wss", "wss"), (b"http", "ws"), (b"x", "ws")]
)
def test_websocket_keeps_a_scheme_of_its_own(app, told, scheme):
    app.config["TRUSTED_PROXIES"] = 1
    headers = [(b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", told)]
    scope = {"type": "websocket", "scheme": "ws", "headers": headers, "client": ("10.0.0.1", 9), "path": "/"}

    assert app._hear_proxies(scope)["scheme"] == scheme


def test_lifespan_does_not_settle_whom_to_believe(app):
    assert app._hear_proxies({"type": "lifespan"}) == {"type": "lifespan"}
    app.config["TRUSTED_PROXIES"] = 1

    assert app.test_client().get("/", headers=SPOOFED).json["seen"][0] == "203.0.113.7"
