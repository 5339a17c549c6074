"""Remember cookies that were copied before a logout, where sessions lie on the server."""

from __future__ import annotations

import pytest

from costrel.ext.login import encode_cookie
from costrel.ext.session import Session


@pytest.fixture(params=["manager", "async_manager"])
def sessions(request, app):
    """Sessions in memory, for both kinds of loaders."""
    app.config["SESSION_COOKIE_SECURE"] = False
    sessions = Session(app, type="memory")
    manager = request.getfixturevalue(request.param)

    @app.post("/everywhere/<user_id>")
    def everywhere(user_id):
        return str(sessions.delete_user(user_id))

    @app.post("/alogout")
    async def alogout():
        from costrel.ext.login import logout_user

        logout_user()
        return "bye"

    assert manager is app.login_manager
    return sessions


@pytest.fixture
def remembered(client, app, sessions):
    """Make a browser whose user is remembered."""

    def make(user_id="1"):
        visitor = client(app)
        visitor.post(f"/login/{user_id}?remember")
        return visitor

    return make


@pytest.fixture
def copied(client, app):
    """Make another browser with a copy of the remember cookie, or of one that was read before."""

    def make(visitor=None, value=None):
        thief = client(app)
        thief.set_cookie("remember_token", value or visitor.get_cookie("remember_token").value)
        return thief

    return make


@pytest.mark.parametrize("logout", ["/logout", "/alogout"])
def test_a_copy_of_the_cookie_is_worth_nothing_after_the_logout(remembered, copied, logout):
    visitor = remembered()
    value = visitor.get_cookie("remember_token").value

    before = copied(value=value).get("/me").text
    visitor.post(logout)
    thief = copied(value=value)

    assert before == "Ada"
    assert [thief.get(path).text for path in ("/me", "/ame")] == ["nobody", "nobody"]


def test_a_cookie_that_is_worth_nothing_is_cleared(remembered, copied, set_cookies):
    visitor = remembered()
    value = visitor.get_cookie("remember_token").value
    visitor.post("/logout")

    (header,) = set_cookies(copied(value=value).get("/me"))

    assert "Max-Age=0" in header


def test_other_logins_of_the_user_stay(remembered, copied):
    phone, laptop = remembered(), remembered()

    phone.post("/logout")

    assert copied(laptop).get("/me").text == "Ada"


def test_copies_from_before_a_refresh_go_with_the_logout_too(app, remembered, copied):
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    visitor = remembered()
    first = visitor.get_cookie("remember_token").value
    visitor.get("/me")

    visitor.post("/logout")

    assert copied(value=first).get("/me").text == "nobody"


def test_a_login_replaces_the_cookie_and_its_copies(remembered, copied):
    visitor = remembered()
    first = visitor.get_cookie("remember_token").value

    visitor.post("/login/1?remember")

    assert copied(value=first).get("/me").text == "nobody"
    assert copied(visitor).get("/me").text == "Ada"


def test_another_users_login_takes_the_copies_away(remembered, copied):
    visitor = remembered()
    first = visitor.get_cookie("remember_token").value

    visitor.post("/login/2")

    assert copied(value=first).get("/me").text == "nobody"


def test_a_login_that_asks_for_no_cookie_leaves_the_one_there_is(remembered, copied):
    visitor = remembered()

    visitor.post("/login/1")

    assert copied(visitor).get("/me").text == "Ada"


def test_logging_out_everywhere_ends_the_cookies_of_that_user_and_no_others(remembered, copied):
    phone, laptop, other = remembered(), remembered(), remembered("2")

    phone.post("/everywhere/1")

    assert [copied(one).get("/me").text for one in (phone, laptop, other)] == ["nobody", "nobody", "Bob"]


def test_who_logged_out_everywhere_can_be_remembered_again(remembered, copied):
    visitor = remembered()
    visitor.post("/everywhere/1")

    visitor.post("/login/1?remember")

    assert copied(visitor).get("/me").text == "Ada"


def test_a_cookie_that_flask_login_set_ends_with_its_logout(app, remembered, copied):
    with app.app_context():
        value = encode_cookie("1")
    visitor = copied(value=value)

    before = visitor.get("/me").text
    visitor.post("/logout")

    assert (before, copied(value=value).get("/me").text) == ("Ada", "nobody")


def test_what_is_kept_of_a_cookie_is_kept_no_longer_than_the_cookie(app, sessions, remembered):
    app.config["REMEMBER_COOKIE_DURATION"] = 3_600
    remembered().post("/logout")

    rows = app.session_interface.store._rows
    (kept,) = [row for key, row in rows.items() if key.startswith("session:revoked:")]
    assert 0 < kept.expires_at - app.session_interface.store._clock() <= 3_600


def test_a_request_that_comes_late_after_a_fresh_login_leaves_its_session_to_the_browser(
    remembered, client, app
):
    visitor, late = remembered(), client(app)
    for name in ("session", "remember_token"):
        late.set_cookie(name, visitor.get_cookie(name).value)
    visitor.post("/login/1")

    response = late.get("/me")

    assert response.text == "Ada"
    assert "Set-Cookie" not in response.headers
    assert visitor.get("/me").text == "Ada"
