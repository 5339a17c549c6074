"""Whatever stands in a URL, the answer is no error of the server."""

import pytest

from costrel import helpers, request


@pytest.fixture
def app(app):
    app.testing = False
    app.get("/int/<int:value>", endpoint="int")(lambda value: str(value))
    app.get("/float/<float:value>", endpoint="float")(lambda value: str(value))
    app.get("/uuid/<uuid:value>", endpoint="uuid")(lambda value: str(value))
    app.get("/bounded/<int(max=10):value>", endpoint="bounded")(lambda value: str(value))
    app.get("/page", endpoint="page")(lambda: str(request.args.get("number", 0, type=int)))

    return app


@pytest.mark.parametrize(
    "path",
    [
        "/int/" + "9" * 5_000,
        "/bounded/" + "9" * 5_000,
        "/int/-1",
        "/int/+1",
        "/int/1_000",
        "/int/0x10",
        "/int/1e3",
        "/uuid/" + "9" * 5_000,
        "/uuid/{12345678-1234-5678-1234-567812345678}",
        "/int/%00",
        "/int/1%00",
        "/%ff%fe",
        "/%ed%a0%80",
        "/" + "a/" * 5_000,
        "/" + "%2f" * 5_000,
    ],
)
def test_value_that_is_none_is_404(app, client, path):
    assert client(app).get(path).status_code == 404


@pytest.mark.parametrize("number", ["9" * 5_000, "x", "", "\x00", "1_0" * 3_000])
def test_number_in_the_query_that_is_none_is_the_default(app, client, number):
    assert client(app).get("/page", query_string={"number": number}).text == "0"


def test_header_of_a_proxy_is_ignored_until_it_is_configured(app, client):
    @app.get("/who")
    def who():
        return f"{request.remote_addr} {request.host} {request.scheme} {request.script_root}"

    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-Ip": "6.6.6.6",
        "Forwarded": "for=6.6.6.6;host=evil.example;proto=https",
        "X-Original-Url": "/int/1",
        "X-Rewrite-Url": "/int/1",
        "X-Http-Method-Override": "DELETE",
    }

    assert client(app).get("/who", headers=forged).text == "127.0.0.1 localhost http "


def test_what_is_remembered_of_endpoints_is_bounded():
    for number in range(5_000):
        helpers._split_blueprint_path(f"a.{number}")

    assert helpers._split_blueprint_path.cache_info().currsize <= 1_024
