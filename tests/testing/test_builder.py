"""The environment that a test's words become."""

from __future__ import annotations

from datetime import datetime

import pytest

from costrel.testing import EnvironBuilder


def url_of(builder):
    return builder.get_request().url


def test_the_defaults_come_from_the_configuration(app):
    app.config.update(SERVER_NAME="shop.test:8000", APPLICATION_ROOT="/mount", PREFERRED_URL_SCHEME="https")

    assert url_of(EnvironBuilder(app, "/cart")) == "https://shop.test:8000/mount/cart"


def test_without_a_server_name_the_host_is_localhost(app):
    assert url_of(EnvironBuilder(app)) == "http://localhost/"


def test_the_configuration_of_the_port_is_no_part_of_the_path(app):
    assert EnvironBuilder(app, "/a?b=c").get_environ()["PATH_INFO"] == "/a"


def test_a_subdomain_and_a_scheme_go_before_the_configuration(app):
    app.config["SERVER_NAME"] = "shop.test"

    assert url_of(EnvironBuilder(app, "/", subdomain="api", url_scheme="https")) == "https://api.shop.test/"


def test_a_path_that_is_a_url_says_where_the_request_goes(app):
    app.config["SERVER_NAME"] = "shop.test"

    assert url_of(EnvironBuilder(app, "https://other.test/a?b=c")) == "https://other.test/a?b=c"


@pytest.mark.parametrize("part", [{"subdomain": "api"}, {"url_scheme": "https"}])
def test_a_base_url_and_one_of_its_parts_exclude_each_other(app, part):
    with pytest.raises(AssertionError, match="base_url"):
        EnvironBuilder(app, "/", base_url="http://shop.test", **part)


def test_json_is_written_as_the_application_writes_it(app):
    builder = EnvironBuilder(app, "/", json={"when": datetime(2026, 1, 2)})

    assert builder.get_request().json == {"when": "Fri, 02 Jan 2026 00:00:00 GMT"}
