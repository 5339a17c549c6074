"""Views that no request reaches are found, and rules that only look alike are not."""

from __future__ import annotations

import pytest

from costrel import Blueprint, Costrel
from costrel.core.checks.routes import find_in_routes


def found(app):
    return list(find_in_routes(app.url_map.iter_rules(), app.view_functions))


def app_with(*routes, **options):
    app = Costrel("shop", static_folder=None, **options)
    for number, (rule, rest) in enumerate(routes):
        app.add_url_rule(rule, f"view{number}", lambda **values: "", **rest)

    return app


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("/a", {}), ("/a", {})),
        (("/<one>", {}), ("/<other>", {})),
        (("/<one>/b", {}), ("/<string:other>/b", {})),
        (("/<int:one>", {}), ("/<int:other>", {})),
        (("/a", {"methods": ["GET", "POST"]}), ("/a", {"methods": ["POST", "PUT"]})),
        (("/<path:p>", {}), ("/<path:q>", {})),
    ],
)
def test_rule_that_another_stands_in_front_of_is_found(first, second):
    (finding,) = found(app_with(first, second))

    assert finding.id == "routes.W001"
    assert "'view1'" in finding.text.partition("never reached")[0]
    assert "'view0'" in finding.text.partition("comes first")[0].partition("never reached")[2]
    assert "test_routes.py" in finding.text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("/a", {"methods": ["GET"]}), ("/a", {"methods": ["POST"]})),
        (("/a", {}), ("/a/", {})),
        (("/<int:a>", {}), ("/<a>", {})),
        (("/<int(min=3):a>", {}), ("/<int:a>", {})),
        (("/<any(a, b):x>", {}), ("/<any(c, d):x>", {})),
        (("/<a>", {}), ("/<path:a>", {})),
        (("/a", {"subdomain": "x"}), ("/a", {"subdomain": "y"})),
        (("/a", {}), ("/a", {"websocket": True})),
        (("/a", {}), ("/a", {"build_only": True})),
        (("/a", {}), ("/b", {"redirect_to": "/a"})),
    ],
)
def test_rules_that_differ_are_not_found(first, second):
    assert found(app_with(first, second, subdomain_matching=True)) == []


def test_method_that_is_not_reached_is_named():
    (finding,) = found(app_with(("/a", {"methods": ["GET", "POST"]}), ("/a", {"methods": ["POST", "PUT"]})))

    assert "never reached for POST:" in finding.text


def test_two_rules_of_one_view_are_no_fault():
    app = Costrel("shop", static_folder=None)
    app.add_url_rule("/<a>", "view", lambda **values: "")
    app.add_url_rule("/<b>", "view")

    assert found(app) == []


def test_rule_without_a_view_is_found():
    app = Costrel("shop")
    app.add_url_rule("/a", "missing")
    (finding,) = found(app)

    assert finding.id == "routes.E001"
    assert "@app.endpoint('missing')" in finding.hint


def test_view_without_a_rule_is_found():
    app = Costrel("shop")
    app.endpoint("lost")(lambda: "")
    (finding,) = found(app)

    assert finding.id == "routes.W002"
    assert "'lost'" in finding.text


def test_blueprints_and_static_files_are_no_fault():
    app = Costrel("shop")
    for name in ("one", "two"):
        blueprint = Blueprint(name, __name__, url_prefix=f"/{name}", static_folder="static")
        blueprint.get("/<id>", endpoint="show")(lambda id: id)
        app.register_blueprint(blueprint)

    assert found(app) == []
