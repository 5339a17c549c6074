"""Redirects that the framework makes stay on the host."""

from urllib.parse import urljoin, urlsplit

import pytest

from costrel import Costrel, _mode


def with_folders(app):
    app.get("/<path:name>/", endpoint="folder")(lambda name: name)
    app.get("/", endpoint="root")(lambda: "root")

    return app


@pytest.fixture(params=["native", "alias"])
def app(request):
    before = _mode.flask_defaults()
    if request.param == "alias":
        _mode.use_flask_defaults()
    app = Costrel(__name__)
    _mode.use_flask_defaults(before)

    return with_folders(app)


HOSTILE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "/%5cevil.example",
    "/%5c%5cevil.example",
    "/%2fevil.example",
    "/%2f%2fevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:a=1",
    "/a%0d%0aLocation:%20//evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/@evil.example",
    "/http://evil.example",
    "/a?next=//evil.example",
    "/javascript:alert(1)",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_redirect_for_a_slash_stays_on_the_host(app, client, path):
    response = client(app).get(path, base_url="http://shop.example", headers={"Host": "shop.example"})

    location = response.headers.get("Location", "/")
    assert urlsplit(urljoin("http://shop.example/", location.replace("\\", "/"))).hostname == "shop.example"
    assert not set(location) & set("\r\n\t\x00\\")
    assert "Set-Cookie" not in response.headers


def test_redirect_for_a_slash_is_a_path_and_keeps_the_query(client):
    app = with_folders(Costrel(__name__))

    response = client(app).get("/shop?page=2", headers={"Host": "evil.example"})

    assert response.headers["Location"] == "/shop/?page=2"


def test_application_that_is_mounted_redirects_below_its_mount(client):
    app = with_folders(Costrel(__name__))

    response = client(app).get("/shop", environ_overrides={"SCRIPT_NAME": "/mounted"})

    assert response.headers["Location"] == "/mounted/shop/"
