"""What is exempt from the check: views, their classes, blueprints, and nothing that only looks like them."""

from __future__ import annotations

from costrel import Blueprint
from costrel.views import MethodView


def test_exempt_views_are_not_checked(shop, csrf, client, either):
    def marked():
        return "marked"

    def named():
        return "named"

    def wrapped():
        return "wrapped"

    outer = either(csrf.exempt(wrapped))
    outer.__wrapped__ = wrapped
    shop.add_url_rule("/marked", view_func=csrf.exempt(either(marked)), methods=["POST"])
    shop.add_url_rule("/named", view_func=either(named), methods=["POST"])
    shop.add_url_rule("/wrapped", view_func=outer, methods=["POST"])
    assert csrf.exempt(f"{__name__}.named") == f"{__name__}.named"
    visitor = client(shop)

    assert [visitor.post(f"/{name}").text for name in ("marked", "named", "wrapped")] == [
        "marked",
        "named",
        "wrapped",
    ]
    assert visitor.post("/buy").status_code == 400


def test_exemption_stands_above_the_route_or_below_it(shop, csrf, client):
    @csrf.exempt
    @shop.post("/above")
    def above():
        return "above"

    @shop.post("/below")
    @csrf.exempt
    def below():
        return "below"

    assert [client(shop).post(path).text for path in ("/above", "/below")] == ["above", "below"]


def test_function_of_the_same_name_is_not_exempt(shop, csrf, client):
    def make(text):
        def view():
            return text

        return view

    shop.add_url_rule("/one", "one", csrf.exempt(make("one")), methods=["POST"])
    shop.add_url_rule("/two", "two", make("two"), methods=["POST"])

    assert client(shop).post("/one").text == "one"
    assert client(shop).post("/two").status_code == 400


def test_view_classes_are_exempt_by_decorators_or_themselves(shop, csrf, client):
    class ByDecorators(MethodView):
        decorators = (csrf.exempt,)

        def post(self):
            return "done"

    @csrf.exempt
    class Itself(MethodView):
        def post(self):
            return "done"

    class Derived(Itself):
        pass

    for view in (ByDecorators, Itself, Derived):
        shop.add_url_rule(f"/{view.__name__}", view_func=view.as_view(view.__name__.lower()))

    assert client(shop).post("/ByDecorators").text == "done"
    assert client(shop).post("/Itself").text == "done"
    assert client(shop).post("/Derived").status_code == 400


def test_blueprint_is_exempt_and_those_in_it_are_not(shop, csrf, client, either):
    api = Blueprint("api", __name__, url_prefix="/api")
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    for blueprint in (api, inner):
        blueprint.add_url_rule("/", "index", either(lambda: "done"), methods=["POST"])
    api.register_blueprint(inner)
    assert csrf.exempt(api) is api
    shop.register_blueprint(api)

    assert client(shop).post("/api/").text == "done"
    assert client(shop).post("/api/inner/").status_code == 400
    csrf.exempt(inner)
    assert client(shop).post("/api/inner/").text == "done"
