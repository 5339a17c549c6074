"""A session that comes from elsewhere is worth less, or nothing."""

from __future__ import annotations

import pytest

from costrel import Costrel
from costrel.errors import ConfigError
from costrel.ext.login import LoginManager, current_user, session_protected

ELSEWHERE = {"User-Agent": "stolen/1.0"}


def stolen(client, app, visitor):
    """Make a client with another browser's cookies."""
    thief = client(app)
    for name in ("session", "remember_token"):
        cookie = visitor.get_cookie(name)
        if cookie is not None:
            thief.set_cookie(name, cookie.value)

    return thief


def test_basic_protection_makes_a_stolen_session_stale(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1")

    thief = stolen(client, app, visitor)

    assert thief.get("/fresh", headers=ELSEWHERE).text == "True False"
    assert visitor.get("/fresh").text == "True True"


def test_strong_protection_makes_a_stolen_session_void(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    visitor.post("/login/1")

    thief = stolen(client, app, visitor)

    assert thief.get("/me", headers=ELSEWHERE).text == "nobody"
    assert thief.get("/me").text == "nobody"  # the thief's copy is void for good
    assert visitor.get("/me").text == "Ada"


def test_strong_protection_looks_at_the_address_too(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    visitor.post("/login/1")

    there = visitor.get("/me", environ_overrides={"REMOTE_ADDR": "203.0.113.9"})

    assert there.text == "nobody"


def test_a_header_that_anybody_can_send_is_no_address(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    visitor.post("/login/1", headers={"X-Forwarded-For": "10.1.1.1"})

    thief = stolen(client, app, visitor)
    there = thief.get(
        "/me", headers={"X-Forwarded-For": "127.0.0.1"}, environ_overrides={"REMOTE_ADDR": "203.0.113.9"}
    )

    assert there.text == "nobody"


def test_strong_protection_forgets_the_remember_cookie_of_a_stolen_session(client, app, manager, set_cookies):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    visitor.post("/login/1?remember")

    thief = stolen(client, app, visitor)
    response = thief.get("/me", headers=ELSEWHERE)

    assert response.text == "nobody"
    assert "Max-Age=0" in set_cookies(response)[0]


def test_strong_protection_makes_a_permanent_session_stale_only(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    with visitor.session_transaction() as stored:
        stored.permanent = True
    visitor.post("/login/1")

    assert visitor.get("/fresh", headers=ELSEWHERE).text == "True False"


def test_what_else_is_in_a_void_session_stays(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    visitor.post("/login/1")
    with visitor.session_transaction() as stored:
        stored["basket"] = 1

    visitor.get("/me", headers=ELSEWHERE)

    with visitor.session_transaction() as stored:
        assert dict(stored) == {"basket": 1}


@pytest.mark.parametrize("off", [None, False])
def test_without_protection_any_browser_will_do(client, app, manager, off):
    app.config["SESSION_PROTECTION"] = off
    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/fresh", headers=ELSEWHERE).text == "True True"


def test_the_attribute_of_the_manager_counts_where_the_configuration_says_nothing(client, app, manager):
    manager.session_protection = "strong"
    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/me", headers=ELSEWHERE).text == "nobody"


def listed(manager, app):
    (option,) = [one for one in manager.options_of(app).listed() if one.name == "session_protection"]

    return option.value, option.origin


def test_the_argument_is_the_attribute(client, app, users):
    manager = LoginManager(app, session_protection="strong")
    manager.user_loader(users.get)
    app.add_url_rule("/", view_func=lambda: str(current_user.is_authenticated))
    visitor, seen = client(app), []

    for mode in (manager.session_protection, None):
        manager.session_protection = mode
        with visitor.session_transaction() as stored:
            stored.update(_user_id="1", _id="another browser")
        seen.append(visitor.get("/").text)

    assert seen == ["False", "True"]


def test_what_protects_sessions_is_listed_with_its_origin(app):
    manager = LoginManager(app)

    seen = [listed(manager, app)]
    manager.session_protection = "strong"
    seen.append(listed(manager, app))
    app.config["SESSION_PROTECTION"] = None
    seen.append(listed(manager, app))

    assert seen == [("basic", "default"), ("strong", "code"), (None, "config")]


def test_the_configuration_goes_before_the_attribute(client, app, manager):
    manager.session_protection = "strong"
    app.config["SESSION_PROTECTION"] = "basic"
    visitor = client(app)
    visitor.post("/login/1")

    assert visitor.get("/me", headers=ELSEWHERE).text == "Ada"


def test_a_mode_that_is_none_is_refused():
    app = Costrel("shop")
    app.config["SESSION_PROTECTION"] = "storng"

    with pytest.raises(ConfigError, match="SESSION_PROTECTION"):
        LoginManager(app)


def test_an_argument_that_protects_nothing_known_is_refused():
    with pytest.raises(ConfigError, match="storng"):
        LoginManager(Costrel("shop"), session_protection="storng")


def test_a_session_of_nobody_is_not_touched(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    with visitor.session_transaction() as stored:
        stored["basket"] = 1
    heard = []

    with session_protected.connected_to(heard.append, sender=app):
        response = visitor.get("/me", headers=ELSEWHERE)

    assert not heard
    assert "Set-Cookie" not in response.headers


def test_protection_is_announced(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1")
    heard = []

    with session_protected.connected_to(heard.append, sender=app):
        visitor.get("/me", headers=ELSEWHERE)

    assert heard == [app]
