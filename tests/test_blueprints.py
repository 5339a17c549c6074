"""A blueprint is a part of an application, registered under a name, a prefix and within others."""

from __future__ import annotations

import pytest

from costrel import Blueprint, Costrel, current_app, render_template, request, url_for


@pytest.fixture
def shop():
    return Blueprint("shop", __name__, url_prefix="/shop")


def show():
    return f"{request.endpoint} {request.blueprint} {request.blueprints}"


def test_endpoint_bears_the_blueprints_name(app, client, shop):
    shop.add_url_rule("/", "index", show)
    app.register_blueprint(shop)

    assert client(app).get("/shop/").text == "shop.index shop ['shop']"
    with app.test_request_context("/shop/"):
        assert url_for(".index") == url_for("shop.index") == "/shop/"


@pytest.mark.parametrize(
    ("prefix", "rule", "path"),
    [
        ("/a", "/b", "/a/b"),
        ("/a/", "/b", "/a/b"),
        ("/a", "b", "/a/b"),
        ("/a", "/", "/a/"),
        ("/a", "", "/a"),
        (None, "/b", "/b"),
        ("/<name>", "/b", "/ada/b"),
    ],
)
def test_prefix_and_rule_are_joined_by_one_slash(app, client, prefix, rule, path):
    blueprint = Blueprint("shop", __name__, url_prefix=prefix)
    blueprint.add_url_rule(rule, "index", lambda **values: "here")
    app.register_blueprint(blueprint)

    assert client(app).get(path).text == "here"


def test_one_blueprint_may_be_registered_under_several_names(app, client, shop):
    shop.add_url_rule("/", "index", show)
    app.register_blueprint(shop)
    app.register_blueprint(shop, name="second", url_prefix="/second")

    assert client(app).get("/second/").text == "second.index second ['second']"
    assert client(app).get("/shop/").text == "shop.index shop ['shop']"


def test_name_taken_by_another_blueprint_is_refused_with_both_places(app):
    first = Blueprint("shop", __name__)
    second = Blueprint("shop", __name__)
    app.register_blueprint(first)

    with pytest.raises(
        ValueError, match="The name 'shop' is already registered for a different blueprint"
    ) as caught:
        app.register_blueprint(second)

    line = test_name_taken_by_another_blueprint_is_refused_with_both_places.__code__.co_firstlineno + 1
    assert f"\n  the first:  {__file__}:{line}\n  the second: {__file__}:{line + 1}" in str(caught.value)
    assert "register_blueprint(..., name='shop_2')" in str(caught.value)


def test_name_taken_by_itself_is_refused(app, shop):
    app.register_blueprint(shop)

    with pytest.raises(
        ValueError, match=r"already registered for this blueprint\. Use 'name=' to provide a unique name"
    ):
        app.register_blueprint(shop)


def test_views_of_two_blueprints_may_have_one_name(app, client):
    for name in ("a", "b"):
        blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")
        blueprint.add_url_rule("/", "index", show)
        app.register_blueprint(blueprint)

    assert client(app).get("/b/").text.startswith("b.index")


def test_nested_blueprints_join_prefixes_and_names(app, client, shop):
    cart = Blueprint("cart", __name__, url_prefix="/cart")
    item = Blueprint("item", __name__)
    item.add_url_rule("/", "index", show)
    cart.register_blueprint(item, url_prefix="/item")
    shop.register_blueprint(cart)
    app.register_blueprint(shop, url_prefix="/other")

    assert client(app).get("/other/cart/item/").text == (
        "shop.cart.item.index shop.cart.item ['shop.cart.item', 'shop.cart', 'shop']"
    )
    assert list(app.blueprints) == ["shop", "shop.cart", "shop.cart.item"]


def test_nested_blueprint_may_be_in_two_places(app, client, shop):
    cart = Blueprint("cart", __name__, url_prefix="/cart")
    cart.add_url_rule("/", "index", show)
    shop.register_blueprint(cart)
    shop.register_blueprint(cart, name="basket", url_prefix="/basket")
    app.register_blueprint(shop)

    assert client(app).get("/shop/basket/").text.startswith("shop.basket.index")


def test_subdomains_of_nested_blueprints_are_joined(client):
    app = Costrel(__name__, subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.example"
    outer = Blueprint("outer", __name__, subdomain="api")
    inner = Blueprint("inner", __name__, subdomain="v1")
    inner.add_url_rule("/", "index", show)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    assert client(app).get("/", base_url="http://v1.api.shop.example").text.startswith("outer.inner.index")


def test_blueprint_is_not_registered_on_itself(shop):
    with pytest.raises(ValueError, match="on itself"):
        shop.register_blueprint(shop)


@pytest.mark.parametrize(("name", "message"), [("", "may not be empty"), ("a.b", "may not contain a dot")])
def test_name_must_be_a_name(name, message):
    with pytest.raises(ValueError, match=message):
        Blueprint(name, __name__)


def test_dots_are_kept_out_of_endpoints(shop):
    def view(): ...

    with pytest.raises(ValueError, match="'endpoint' may not contain a dot"):
        shop.add_url_rule("/", "a.b", view)
    view.__name__ = "a.b"
    with pytest.raises(ValueError, match="'view_func' name may not contain a dot"):
        shop.add_url_rule("/", view_func=view)


@pytest.mark.parametrize("method", ["before_request", "record", "add_url_rule", "register_blueprint"])
def test_setup_after_the_registration_is_refused_by_name(app, shop, method):
    app.register_blueprint(shop)

    with pytest.raises(
        AssertionError, match=f"The setup method '{method}' can no longer be called on the blueprint"
    ):
        getattr(shop, method)(len)


def test_defaults_of_registration_blueprint_and_rule_are_merged_the_nearest_first(app, client):
    blueprint = Blueprint(
        "shop", __name__, url_defaults={"a": "blueprint", "b": "blueprint", "c": "blueprint"}
    )
    blueprint.add_url_rule("/", "index", lambda **values: values, defaults={"c": "rule"})
    app.register_blueprint(blueprint, url_defaults={"b": "registration"})

    assert client(app).get("/").get_json() == {"a": "blueprint", "b": "registration", "c": "rule"}


def test_recorded_functions_see_the_state_of_each_registration(app, shop):
    seen = []
    shop.record(
        lambda state: seen.append((state.url_prefix, state.options.get("own"), state.first_registration))
    )
    shop.record_once(lambda state: seen.append("once"))

    app.register_blueprint(shop, own=1)
    app.register_blueprint(shop, name="again", url_prefix="/again")

    assert seen == [("/shop", 1, True), "once", ("/again", None, False)]


def test_url_functions_of_a_blueprint_concern_its_endpoints_only(app, client, shop):
    @shop.url_value_preprocessor
    def take(endpoint, values):
        values.pop("lang")

    @shop.url_defaults
    def give(endpoint, values):
        values.setdefault("lang", "en")

    shop.add_url_rule("/<lang>/", "index", lambda: url_for(".index"))
    app.add_url_rule("/<lang>/", "index", lambda lang: lang)
    app.register_blueprint(shop)

    assert client(app).get("/shop/de/").text == "/shop/en/"
    assert client(app).get("/de/").text == "de"


def test_hooks_for_the_whole_application(app, client, shop):
    calls = []
    shop.before_app_request(lambda: calls.append("before"))
    shop.after_app_request(lambda response: calls.append("after") or response)
    shop.teardown_app_request(lambda exc: calls.append("teardown"))
    shop.app_url_value_preprocessor(lambda endpoint, values: calls.append("values"))
    shop.app_errorhandler(404)(lambda error: ("none", 404))
    app.register_blueprint(shop)
    app.register_blueprint(shop, name="again", url_prefix="/again")

    assert client(app).get("/nowhere").text == "none"
    assert calls == ["values", "before", "after", "teardown"]


def test_hooks_of_each_name_run_once(app, client, shop):
    calls = []
    shop.before_request(lambda: calls.append(request.blueprint))
    shop.add_url_rule("/", "index", show)
    app.register_blueprint(shop)
    app.register_blueprint(shop, name="again", url_prefix="/again")

    client(app).get("/shop/")
    client(app).get("/again/")

    assert calls == ["shop", "again"]


def test_blueprint_may_be_in_two_applications(client, shop):
    shop.add_url_rule("/", "index", lambda: current_app.name)
    apps = [Costrel("first"), Costrel("second")]
    for app in apps:
        app.register_blueprint(shop)

    assert [client(app).get("/shop/").text for app in apps] == ["first", "second"]


def test_templates_of_a_blueprint_come_after_the_applications(tmp_path, client):
    for folder, files in {
        "app": {"both": "app"},
        "shop": {"both": "shop", "own": "{{ name }}{{ 2|twice }}"},
    }.items():
        (tmp_path / folder).mkdir()
        for name, text in files.items():
            (tmp_path / folder / name).write_text(text)
    app = Costrel(__name__, template_folder=tmp_path / "app")
    shop = Blueprint("shop", __name__, template_folder=str(tmp_path / "shop"))
    shop.context_processor(lambda: {"name": "ada"})
    shop.app_template_filter("twice")(lambda value: value * 2)
    shop.add_url_rule("/", "index", lambda: render_template("both") + render_template("own"))
    app.register_blueprint(shop)

    assert client(app).get("/").text == "appada4"


def test_static_files_and_resources_are_the_blueprints_own(tmp_path, app, client):
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.txt").write_text("static")
    shop = Blueprint("shop", __name__, root_path=str(tmp_path), static_folder="static", url_prefix="/shop")
    app.register_blueprint(shop)

    assert client(app).get("/shop/static/a.txt").text == "static"
    with shop.open_resource("static/a.txt", "r") as file:
        assert file.read() == "static"
    with pytest.raises(ValueError, match="only be opened for reading"):
        shop.open_resource("static/a.txt", "w")


def test_commands_join_the_applications_by_the_blueprints_name(app):
    for name, group in (("own", ...), ("merged", None), ("renamed", "other")):
        blueprint = Blueprint(name, __name__, cli_group=group)
        blueprint.cli.command(f"do-{name}")(lambda: None)
        app.register_blueprint(blueprint)

    assert set(app.cli.commands) == {"own", "do-merged", "other"}
