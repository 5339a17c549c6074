"""The application without requests: names, folders, configuration, templates' functions, error policy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.exceptions import BadRequest, BadRequestKeyError, NotFound

from costrel import Costrel, _mode, url_for


@pytest.fixture
def flask_defaults():
    """Make applications as under the alias."""
    before = _mode.flask_defaults()
    _mode.use_flask_defaults()
    yield
    _mode.use_flask_defaults(before)


SAFER = {
    "CROSS_ORIGIN_CHECK": (True, False),
    "MAX_CONTENT_LENGTH": (16 * 1024 * 1024, None),
    "RELATIVE_REDIRECTS": (True, False),
    "SECURITY_HEADERS": (True, False),
    "SESSION_COOKIE_SAMESITE": ("Lax", None),
    "SESSION_COOKIE_SECURE": (None, False),
    "STATIC_DOTFILES": (False, True),
    "STATIC_SYMLINKS": (False, True),
}


def test_defaults_are_safe():
    config = Costrel(__name__).config

    assert {key: config[key] for key in SAFER} == {key: safe for key, (safe, _) in SAFER.items()}


@pytest.mark.usefixtures("flask_defaults")
def test_defaults_under_the_alias_are_flasks():
    config = Costrel(__name__).config

    assert {key: config[key] for key in SAFER} == {key: flask for key, (_, flask) in SAFER.items()}


def test_applications_do_not_share_their_configuration():
    first, second = Costrel(__name__), Costrel(__name__)

    first.config["OWN"] = 1

    assert "OWN" not in second.config
    assert "OWN" not in Costrel.default_config


def test_defaults_of_a_subclass_count():
    class Own(Costrel):
        default_config = {**Costrel.default_config, "OWN": 1}

    assert Own(__name__).config["OWN"] == 1


def test_name_is_the_modules(monkeypatch):
    import sys

    assert Costrel("shop.web").name == "shop.web"

    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/srv/run_shop.py", raising=False)
    assert Costrel("__main__").name == "run_shop"


def test_instance_folder_must_be_absolute(tmp_path):
    assert Costrel(__name__, instance_path=str(tmp_path)).instance_path == str(tmp_path)
    with pytest.raises(ValueError, match="must be absolute"):
        Costrel(__name__, instance_path="instance")


def test_configuration_may_be_relative_to_the_instance_folder(tmp_path):
    (tmp_path / "own.cfg").write_text("OWN = 1")
    app = Costrel(__name__, instance_path=str(tmp_path), instance_relative_config=True)

    assert app.config.from_pyfile("own.cfg")
    assert app.config["OWN"] == 1
    with app.open_instance_resource("own.cfg", "r") as file:
        assert file.read() == "OWN = 1"


@pytest.mark.parametrize("lifetime", [60, timedelta(minutes=1)])
def test_lifetime_is_seconds_or_a_timedelta(app, lifetime):
    app.config["PERMANENT_SESSION_LIFETIME"] = lifetime

    assert app.permanent_session_lifetime == timedelta(minutes=1)


@pytest.mark.parametrize("kind", ["filter", "test", "global"])
def test_functions_for_templates_are_registered_in_three_ways(app, kind):
    def own(): ...

    decorate, add = getattr(app, f"template_{kind}"), getattr(app, f"add_template_{kind}")
    assert decorate(own) is decorate()(own) is decorate("named")(own) is own
    add(own, "added")

    table = getattr(app.jinja_env, {"filter": "filters", "test": "tests", "global": "globals"}[kind])
    assert table["own"] is table["named"] is table["added"] is own


def test_debug_mode_reloads_templates_unless_told_otherwise(app):
    assert not app.jinja_env.auto_reload
    app.debug = True
    assert app.config["DEBUG"]
    assert app.jinja_env.auto_reload


@pytest.mark.parametrize(
    ("settings", "error", "trapped"),
    [
        ({}, NotFound(), False),
        ({}, BadRequestKeyError(), False),
        ({"TRAP_HTTP_EXCEPTIONS": True}, NotFound(), True),
        ({"TRAP_BAD_REQUEST_ERRORS": True}, NotFound(), False),
        ({"TRAP_BAD_REQUEST_ERRORS": True}, BadRequest(), True),
        ({"DEBUG": True}, BadRequestKeyError(), True),
        ({"DEBUG": True}, BadRequest(), False),
        ({"DEBUG": True, "TRAP_BAD_REQUEST_ERRORS": False}, BadRequestKeyError(), False),
    ],
    ids=str,
)
def test_settings_decide_what_is_trapped(app, settings, error, trapped):
    app.config.update(settings)

    assert app.trap_http_exception(error) is trapped


def test_url_defaults_go_from_the_outside_in(app):
    calls = []
    app.url_default_functions = {
        name: [lambda endpoint, values, name=name: calls.append(name)]
        for name in (None, "shop", "shop.cart", "other")
    }

    app.inject_url_defaults("shop.cart.index", {})

    assert calls == [None, "shop", "shop.cart"]


def test_shell_names_are_collected(app):
    app.shell_context_processor(lambda: {"own": 1})

    names = app.make_shell_context()

    assert names["app"] is app
    assert names["own"] == 1


def test_aborter_may_know_more_codes(app):
    class Own(NotFound):
        code = 499

    app.aborter.mapping[499] = Own

    with pytest.raises(Own):
        app.aborter(499)


def test_anchor_is_quoted(app):
    app.add_url_rule("/", "index", lambda: "")

    with app.test_request_context():
        assert url_for("index", _anchor="x y#z") == "/#x%20y#z"
    with app.test_request_context(), pytest.raises(ValueError, match="'_external' must be True"):
        url_for("index", _scheme="https", _external=False)
