"""The manager as an extension: setup, options, what it costs, what it warns of."""

from __future__ import annotations

import subprocess
import sys

import pytest

from costrel import Blueprint, Costrel, get_flashed_messages, render_template_string
from costrel.errors import ConfigError, SetupError
from costrel.ext.login import (
    AnonymousUserMixin,
    FlaskLoginClient,
    LoginManager,
    UserMixin,
    current_user,
    fresh_login_required,
    login_required,
)


def make_app(**config):
    app = Costrel("shop")
    app.config.update(SECRET_KEY="a key for tests", TESTING=True, **config)

    return app


def findings(app):
    return {finding.id for finding in app.login_manager.check(app)}


def test_an_application_has_its_manager_under_both_names():
    app = make_app()

    manager = LoginManager(app)

    assert app.login_manager is manager
    assert app.extensions["login"] is manager


def test_a_second_manager_is_refused():
    app = make_app()
    LoginManager(app)

    with pytest.raises(SetupError):
        LoginManager(app)


def test_one_manager_serves_many_applications(client, users):
    manager = LoginManager()
    manager.user_loader(users.get)
    apps = [make_app(SESSION_PROTECTION=mode) for mode in ("basic", "strong")]
    texts = []
    for app in apps:
        manager.init_app(app)
        app.add_url_rule("/", view_func=login_required(lambda: "secret"))
        visitor = client(app)
        with visitor.session_transaction() as stored:
            stored.update(_user_id="1", _id="another browser")
        texts.append(visitor.get("/").status_code)

    assert texts == [200, 401]


def test_without_loaders_that_wait_no_request_is_touched():
    app = make_app()
    manager = LoginManager(app)
    manager.user_loader(lambda user_id: None)

    hooks = [app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs]
    hooks += [app.before_websocket_funcs, app.url_value_preprocessors]
    assert not any(functions for table in hooks for functions in table.values())
    assert not app.teardown_appcontext_funcs


def test_a_request_that_does_not_look_runs_no_line_of_the_extension():
    app = make_app()
    LoginManager(app).user_loader(lambda user_id: None)
    app.add_url_rule("/", view_func=lambda: "hello")
    visitor = app.test_client(protocol="wsgi")  # in this thread
    visitor.get("/")
    called = []

    def note(frame, event, argument):
        if "costrel/ext/login/" in frame.f_code.co_filename:
            called.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        visitor.get("/")
    finally:
        sys.setprofile(None)

    assert not called


def test_an_unknown_key_is_refused_with_the_nearest():
    app = make_app(REMEMBER_COOKIE_NAEM="x")

    with pytest.raises(ConfigError) as caught:
        LoginManager(app)

    assert "REMEMBER_COOKIE_NAME" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("REMEMBER_COOKIE_SAMESITE", "lax-ish"),
        ("REMEMBER_COOKIE_NAME", None),
        ("REMEMBER_COOKIE_SECURE", "perhaps"),
        ("REMEMBER_COOKIE_DOMAIN", True),
        ("LOGIN_DISABLED", "perhaps"),
    ],
)
def test_an_unfit_value_is_refused(key, value):
    with pytest.raises(ConfigError, match=key):
        LoginManager(make_app(**{key: value}))


def test_options_may_be_arguments():
    app = make_app()
    LoginManager(app, cookie_name="stay")

    assert app.config["REMEMBER_COOKIE_NAME"] == "stay"


def test_what_is_an_attribute_may_be_an_argument(client):
    app = make_app()
    manager = LoginManager(
        app,
        login_view="sign_in",
        login_message="Who are you?",
        login_message_category="info",
        refresh_view="sign_in",
        needs_refresh_message="Once more, please.",
        needs_refresh_message_category="warning",
        localize_callback=str.upper,
        id_attribute="key",
    )
    manager.user_loader({"7": UserMixin()}.get)
    app.add_url_rule("/sign-in", "sign_in", lambda: str(get_flashed_messages(with_categories=True)))
    app.add_url_rule("/secret", view_func=login_required(lambda: "secret"))
    app.add_url_rule("/vault", "vault", fresh_login_required(lambda: "gold"))
    visitor = client(app)

    refused = visitor.get("/secret")
    told = visitor.get("/sign-in").text
    with visitor.session_transaction() as stored:
        stored.update(_user_id="7", _fresh=False)

    assert refused.headers["Location"] == "/sign-in?next=%2Fsecret"
    assert told == "[('info', 'WHO ARE YOU?')]"
    assert visitor.get("/vault").headers["Location"] == "/sign-in?next=%2Fvault"
    assert visitor.get("/sign-in").text == "[('warning', 'ONCE MORE, PLEASE.')]"
    assert manager.id_attribute == "key"


def test_blueprints_may_have_login_views_from_the_start(client):
    app = make_app()
    manager = LoginManager(app, login_view="/enter", blueprint_login_views={"staff": "/staff/enter"})
    manager.user_loader(lambda user_id: None)
    staff = Blueprint("staff", __name__, url_prefix="/staff")
    staff.add_url_rule("/", view_func=login_required(lambda: "secret"))
    app.register_blueprint(staff)
    app.add_url_rule("/", view_func=login_required(lambda: "secret"))

    assert client(app).get("/staff/").headers["Location"] == "/staff/enter?next=%2Fstaff%2F"
    assert client(app).get("/").headers["Location"] == "/enter?next=%2F"


def test_who_nobody_is_may_be_said_at_once(client):
    app = make_app()
    LoginManager(app, anonymous_user=lambda: "a guest").user_loader(lambda user_id: None)
    app.add_url_rule("/", view_func=lambda: str(current_user))

    assert client(app).get("/").text == "a guest"


@pytest.mark.parametrize("name", ["login_view", "refresh_view"])
def test_a_login_view_that_is_no_text_is_refused(name):
    with pytest.raises(ConfigError, match=name) as caught:
        LoginManager(make_app(), **{name: lambda: "log in"})

    assert "name of the view" in caught.value.hint


def test_an_argument_that_means_nothing_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="cookie_nam'") as caught:
        LoginManager(cookie_nam="stay")

    assert "cookie_name" in caught.value.hint


def test_templates_see_the_user_unless_that_is_switched_off():
    template = "{{ current_user is defined }}"
    with_user, without = make_app(), make_app()
    LoginManager(with_user).user_loader(lambda user_id: None)
    LoginManager(without, add_context_processor=False)

    said = []
    for app in (with_user, without):
        with app.test_request_context():
            said.append(render_template_string(template))

    assert said == ["True", "False"]


def test_the_older_name_of_init_app_warns():
    app = make_app()

    with pytest.warns(DeprecationWarning, match="init_app"):
        LoginManager().setup_app(app)

    assert "login" in app.extensions


def test_a_manager_can_be_told_its_class_of_users():
    manager = LoginManager[AnonymousUserMixin](make_app())

    assert manager.name == "login"


def test_the_check_finds_what_lets_people_in():
    app = make_app(LOGIN_DISABLED=True, REMEMBER_COOKIE_SECURE=False)
    app.testing = False
    LoginManager(app)
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True

    assert findings(app) == {"login.E001", "login.E002", "login.W003", "login.W004"}


@pytest.mark.parametrize(
    "views",
    [
        {"login_view": "sign_on"},
        {"refresh_view": "sign_on"},
        {"blueprint_login_views": {"staff": "sign_on"}},
    ],
)
def test_the_check_finds_a_login_view_that_does_not_exist(views):
    app = make_app()
    LoginManager(app, **views).user_loader(lambda user_id: None)
    app.add_url_rule("/sign-in", "sign_in", lambda: "")

    (finding,) = app.login_manager.check(app)

    assert finding.id == "login.E005"
    assert "'sign_in'" in finding.hint


@pytest.mark.parametrize("view", ["sign_in", "/enter", "https://accounts.example/", ".enter", None])
def test_the_check_finds_nothing_in_login_views_that_may_exist(view):
    app = make_app()
    LoginManager(app, login_view=view).user_loader(lambda user_id: None)
    app.add_url_rule("/sign-in", "sign_in", lambda: "")

    assert not findings(app)


def test_the_check_leaves_views_alone_that_the_application_builds_itself():
    app = make_app()
    LoginManager(app, login_view="elsewhere").user_loader(lambda user_id: None)
    app.url_build_error_handlers.append(lambda error, endpoint, values: "/elsewhere")

    assert not findings(app)


def test_the_check_finds_nothing_in_a_sound_application():
    app = make_app()
    LoginManager(app).user_loader(lambda user_id: None)

    assert not findings(app)


def test_a_client_can_be_somebodys(client, app, manager, users):
    app.config["SESSION_PROTECTION"] = None
    app.test_client_class = FlaskLoginClient

    assert client(app).get("/me").text == "nobody"
    assert client(app, user=users["1"]).get("/fresh").text == "True True"
    assert client(app, user=users["1"], fresh_login=False).get("/fresh").text == "True False"


async def test_an_async_client_can_be_somebodys(app, async_manager, users):
    app.test_client_class = FlaskLoginClient

    response = await app.async_test_client(user=users["2"]).get("/ame")

    assert response.text == "Bob"


def test_users_import_from_the_modules_they_know():
    from costrel.ext.login import config, login_manager, mixins, signals, test_client, utils

    assert login_manager.LoginManager is LoginManager
    assert test_client.FlaskLoginClient is FlaskLoginClient
    assert mixins.AnonymousUserMixin is AnonymousUserMixin
    assert utils.login_required is login_required
    assert config.COOKIE_NAME == "remember_token"
    assert signals.user_logged_in.name == "logged-in"


def test_the_modules_are_loaded_with_the_package():
    code = "import costrel.ext.login as login; login.utils.login_user, login.login_manager, login.test_client"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_signal_of_the_past_warns():
    from costrel.ext import login

    with pytest.warns(DeprecationWarning, match="user_loaded_from_request"):
        assert login.user_loaded_from_header.name == "loaded-from-header"
    with pytest.raises(AttributeError, match="nothing_such"):
        login.nothing_such  # raises


def test_an_application_over_wsgi_loads_no_event_loop_and_no_test_client():
    code = (
        "import sys\n"
        "from costrel import Costrel\n"
        "from costrel.ext.login import LoginManager\n"
        "LoginManager(Costrel('shop'))\n"
        "print({'asyncio', 'costrel.testing', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
