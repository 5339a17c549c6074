"""``routes`` leads from a URL to the line of the application that answers it."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from costrel import Costrel
from costrel.cli import FlaskGroup
from costrel.sockets import WebSocketView
from costrel.views import MethodView

HERE = Path(__file__)
ITEMS = '@app.get("/items")'
CHAT = '@shop.websocket("/chat/<room>")'


def line_of(text):
    """Find a line of this file."""
    return next(n for n, line in enumerate(HERE.read_text().splitlines(), 1) if line.strip() == text)


def noisy(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


@pytest.fixture
def shop(monkeypatch):
    monkeypatch.chdir(HERE.parent)
    app = Costrel("shop", static_folder=None)

    @app.get("/items")
    def items():
        return ""

    @app.route("/buy/<int:item>", methods=["POST", "PUT"])
    @noisy
    async def buy(item):
        return ""

    class Basket(MethodView):
        async def get(self):
            return ""

    app.add_url_rule("/basket", view_func=Basket.as_view("basket"))

    return app


@pytest.fixture
def routes(command):
    return lambda app, *args: command("routes", *args, group=FlaskGroup(create_app=lambda: app)).output


def test_each_route_has_its_view_and_whether_it_is_async(shop, routes):
    rows = [line.split() for line in routes(shop).splitlines()]

    assert rows[0] == ["Endpoint", "Methods", "Rule", "View", "Kind"]
    assert rows[2:] == [
        ["basket", "GET", "/basket", f"test_routes.py:{line_of('class Basket(MethodView):')}", "async"],
        ["buy", "POST,", "PUT", "/buy/<int:item>", f"test_routes.py:{line_of('@noisy') - 1}", "async"],
        ["items", "GET", "/items", f"test_routes.py:{line_of(ITEMS)}", "sync"],
    ]


def test_websockets_are_shown_as_such(shop, routes):
    class Feed(WebSocketView):
        pass

    @shop.websocket("/chat/<room>")
    def chat(ws, room):
        pass

    shop.add_websocket("/feed", view_func=Feed.as_view("feed"))

    rows = [line.split() for line in routes(shop, "--filter", "WS").splitlines()]

    chat_line, feed_line = line_of(CHAT), line_of("class Feed(WebSocketView):")
    assert rows[2:] == [
        ["chat", "WS", "/chat/<room>", f"test_routes.py:{chat_line}", "websocket", "sync"],
        ["feed", "WS", "/feed", f"test_routes.py:{feed_line}", "websocket", "async"],
    ]


def test_head_and_options_are_shown_when_asked_for(shop, routes):
    assert "OPTIONS" not in routes(shop)
    assert "GET, HEAD, OPTIONS" in routes(shop, "--all-methods")


@pytest.mark.parametrize("text", ["BUY", "put", "/buy/"])
def test_the_filter_looks_at_all_columns(shop, routes, text):
    shown = routes(shop, "--filter", text)

    assert "/buy/" in shown
    assert "/items" not in shown


def test_a_filter_that_matches_nothing_says_so(shop, routes):
    assert routes(shop, "--filter", "xyz") == "No routes match 'xyz'.\n"


def test_programs_read_json(shop, routes):
    shown = json.loads(routes(shop, "--json", "--sort", "rule"))

    assert [route["rule"] for route in shown] == ["/basket", "/buy/<int:item>", "/items"]
    assert shown[1]["methods"] == ["POST", "PUT"]
    assert shown[1]["kind"] == "async"


def test_match_is_the_order_in_which_rules_are_tried(shop, routes):
    tried = [rule.endpoint for rule in shop.url_map.iter_rules()]

    assert [route["endpoint"] for route in json.loads(routes(shop, "--json", "-s", "match"))] == tried


def test_what_the_framework_serves_is_marked(routes):
    assert "(costrel)" in routes(Costrel("shop"))


def test_an_application_without_routes_says_so(routes):
    assert routes(Costrel("shop", static_folder=None)) == "No routes were registered.\n"


@pytest.mark.parametrize(
    ("options", "rule", "title"), [({}, "subdomain", "Subdomain"), ({"host_matching": True}, "host", "Host")]
)
def test_subdomains_and_hosts_have_a_column_where_they_are_used(routes, options, rule, title):
    app = Costrel("shop", static_folder=None, **options)
    app.add_url_rule("/", endpoint="a", **{rule: "shop.example"})

    assert title in routes(app)


def test_a_view_that_is_an_object_is_named_by_its_type(routes):
    class View:
        def __call__(self):
            return ""

    app = Costrel("shop", static_folder=None)
    app.add_url_rule("/", endpoint="a", view_func=View())

    assert "View" in routes(app).splitlines()[2]
