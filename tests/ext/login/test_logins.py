"""Logging in and out changes the session, the context and what hangs on them, and nothing else."""

from __future__ import annotations

import pytest

from costrel import session
from costrel.errors import SetupError
from costrel.ext.login import (
    current_user,
    login_fresh,
    login_user,
    logout_user,
    set_login_view,
    user_logged_in,
    user_logged_out,
    user_login_confirmed,
)
from costrel.sessions import SecureCookieSession, SecureCookieSessionInterface


def test_who_logs_in_is_there_until_they_log_out(client, app, manager):
    visitor = client(app)

    said = [visitor.get("/me").text, visitor.post("/login/1").text, visitor.get("/me").text]
    visitor.post("/logout")

    assert said == ["nobody", "True", "Ada"]
    assert visitor.get("/me").text == "nobody"


def test_an_account_that_is_not_active_is_not_logged_in(client, app, manager):
    visitor = client(app)

    assert visitor.post("/login/3").text == "False"
    assert visitor.get("/me").text == "nobody"


def test_an_account_that_is_not_active_can_be_forced_in(app, manager, users):
    with app.test_request_context():
        assert login_user(users["3"], force=True)
        assert current_user.name == "Eve"


def test_a_login_may_be_stale_from_the_start(app, manager, users):
    with app.test_request_context():
        login_user(users["1"], fresh=False)

        assert not login_fresh()


def test_a_duration_that_is_none_leaves_the_session_alone(app, manager, users):
    with app.test_request_context():
        with pytest.raises(TypeError, match=r"duration must be a datetime\.timedelta, instead got: 123"):
            login_user(users["1"], remember=True, duration="123")

        assert not session


def test_the_content_of_the_session_stays(client, app, manager):
    visitor = client(app)
    with visitor.session_transaction() as stored:
        stored["basket"] = ["soup"]

    visitor.post("/login/1")
    visitor.post("/logout")

    with visitor.session_transaction() as stored:
        assert dict(stored) == {"basket": ["soup"]}


def test_logins_are_announced(app, manager, users):
    heard = []

    def hear(name):
        return lambda sender, **more: heard.append((name, sender, more))

    with (
        user_logged_in.connected_to(hear("in"), sender=app),
        user_logged_out.connected_to(hear("out"), sender=app),
        user_login_confirmed.connected_to(hear("confirmed"), sender=app),
        app.test_client() as visitor,
    ):
        visitor.post("/login/1")
        visitor.post("/confirm")
        visitor.post("/logout")

    assert heard == [
        ("in", app, {"user": users["1"]}),
        ("confirmed", app, {}),
        ("out", app, {"user": users["1"]}),
    ]


class Rotating(SecureCookieSession):
    rotated = 0

    def rotate(self):
        self.rotated += 1


def test_the_session_gets_a_new_id_at_each_change_of_rights(app, manager, users):
    class Interface(SecureCookieSessionInterface):
        session_class = Rotating

    app.session_interface = Interface()

    with app.test_request_context():
        login_user(users["1"])
        after_login = session.rotated
        logout_user()

        assert (after_login, session.rotated) == (1, 2)


def test_a_new_csrf_token_comes_with_login_and_logout(app, manager, users):
    class Csrf:
        renewed = 0

        def renew_token(self):
            self.renewed += 1

    csrf = app.extensions["csrf"] = Csrf()

    with app.test_request_context():
        login_user(users["1"])
        after_login = csrf.renewed
        logout_user()

    assert (after_login, csrf.renewed) == (1, 2)


def test_another_kind_of_csrf_protection_is_left_alone(app, manager, users):
    app.extensions["csrf"] = object()

    with app.test_request_context():
        assert login_user(users["1"])


def test_a_confirmed_login_is_fresh_again(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1?remember")
    visitor.delete_cookie("session")

    stale = visitor.get("/fresh").text
    visitor.post("/confirm")

    assert (stale, visitor.get("/fresh").text) == ("True False", "True True")


def test_an_application_without_a_manager_says_what_to_write(app, users):
    with app.test_request_context(), pytest.raises(SetupError) as caught:
        login_user(users["1"])

    assert "LoginManager(app)" in caught.value.hint


def test_login_views_can_be_set_for_blueprints(app, manager):
    class Admin:
        name = "admin"

    with app.app_context():
        set_login_view("enter")
        assert manager.login_view == "enter"

        set_login_view("admin.enter", Admin)
        set_login_view("front")

    assert manager.login_view is None
    assert manager.blueprint_login_views == {None: "front", "admin": "admin.enter"}
