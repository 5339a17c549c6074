"""``url_for`` outside a request, by one setting."""

from __future__ import annotations

import pytest

from costrel import Blueprint, Costrel, url_for
from costrel.errors import ConfigError
from costrel.serving.lifespan import serving


@pytest.fixture
def app(app):
    """An application with a few routes and the setting."""
    app.config["BASE_URL"] = "https://shop.example/app"
    app.add_url_rule(
        "/cups/<int:number>", "cup", lambda number: url_for("cup", number=number, _external=True)
    )

    return app


def test_an_address_is_built_of_scheme_host_and_path(app):
    with app.app_context():
        assert url_for("cup", number=7) == "https://shop.example/app/cups/7"
        assert url_for("cup", number=7, size=2, _anchor="a") == "https://shop.example/app/cups/7?size=2#a"
        assert url_for("cup", number=7, _scheme="http") == "http://shop.example/app/cups/7"
        assert url_for("cup", number=7, _external=False) == "/app/cups/7"
        assert url_for("static", filename="a.css") == "https://shop.example/app/static/a.css"


def test_the_application_builds_it_without_a_context(app):
    assert app.url_for("cup", number=7) == "https://shop.example/app/cups/7"


def test_it_goes_before_the_three_settings_that_it_replaces(app):
    app.config.update(SERVER_NAME="other.example", APPLICATION_ROOT="/x", PREFERRED_URL_SCHEME="http")

    assert app.url_for("cup", number=7) == "https://shop.example/app/cups/7"


def test_inside_a_request_the_requests_host_and_root_are_used(app, client):
    app.config["TRUSTED_HOSTS"] = ["other.example"]

    assert client(app).get("/cups/7", base_url="http://other.example").text == "http://other.example/cups/7"


def test_an_address_without_a_path_and_with_a_port(app):
    app.config["BASE_URL"] = "http://shop.example:8000/"

    assert app.url_for("cup", number=7) == "http://shop.example:8000/cups/7"


def test_it_works_with_subdomains():
    app = Costrel("shop", subdomain_matching=True)
    app.config.update(BASE_URL="https://shop.example", SERVER_NAME="shop.example")
    bp = Blueprint("api", __name__, subdomain="api")
    bp.add_url_rule("/", "index", lambda: "")
    app.register_blueprint(bp)

    assert app.url_for("api.index") == "https://api.shop.example/"


def test_a_background_task_and_what_runs_before_serving_build_whole_addresses(app):
    built = []
    app.before_serving(lambda: built.append(url_for("cup", number=1)))

    with serving(app):
        app.add_background_task(lambda: built.append(url_for("cup", number=2)))

    assert built == ["https://shop.example/app/cups/1", "https://shop.example/app/cups/2"]


def test_a_malformed_one_is_refused_at_the_start(app, client):
    app.config["BASE_URL"] = "shop.example"

    with pytest.raises(ConfigError, match=r"BASE_URL 'shop\.example' cannot be used"):
        client(app).get("/cups/7")


def test_a_malformed_one_is_refused_where_it_is_used(app):
    app.config["BASE_URL"] = "shop.example"

    with pytest.raises(ConfigError, match="BASE_URL"):
        app.url_for("cup", number=7)


def test_without_any_the_error_says_what_to_write(app):
    app.config["BASE_URL"] = None

    with pytest.raises(RuntimeError, match=r"BASE_URL = 'https://shop\.example/app'"):
        app.url_for("cup", number=7)
