"""The remember cookie: what it looks like, who it logs in, and when it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from costrel import Costrel, request, session
from costrel.errors import ConfigError
from costrel.ext.login import (
    LoginManager,
    current_user,
    decode_cookie,
    encode_cookie,
    login_remembered,
    login_user,
    logout_user,
    user_loaded_from_cookie,
)


def expires(header):
    date = next(part for part in header.split("; ") if part.startswith("Expires=")).partition("=")[2]
    return parsedate_to_datetime(date) - datetime.now(UTC)


def end_session(visitor):
    visitor.delete_cookie("session")


def test_a_remembered_user_is_there_when_the_session_ended(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1?remember")

    end_session(visitor)

    assert visitor.get("/me").text == "Ada"
    assert visitor.get("/fresh").text == "True False"


def test_without_asking_for_it_nobody_is_remembered(client, app, manager, set_cookies):
    visitor = client(app)

    response = visitor.post("/login/1")
    end_session(visitor)

    assert not set_cookies(response)
    assert visitor.get("/me").text == "nobody"


def test_the_cookie_is_kept_from_scripts_other_sites_and_caches(client, app, manager, set_cookies):
    response = client(app).post("/login/1?remember")

    (header,) = set_cookies(response)
    parts = header.split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts)
    assert "Secure" not in parts
    assert "Cookie" in response.headers["Vary"]
    assert response.headers["Cache-Control"] == "private"
    assert timedelta(days=364) < expires(header) < timedelta(days=366)


@pytest.mark.parametrize("looks", [False, True], ids=["unseen", "seen before"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_login_after_the_view_sends_the_cookie_with_this_response(
    client, app, manager, users, set_cookies, is_async, looks
):
    @app.get("/landing")
    def landing():
        return "Ada" if looks and current_user.is_authenticated else "landed"

    @app.get("/alanding")
    async def alanding():
        return landing()

    @app.after_request
    def log_in(response):
        login_user(users["1"], remember=True)
        return response

    visitor = client(app)

    response = visitor.get("/alanding" if is_async else "/landing")

    assert len(set_cookies(response)) == 1
    end_session(visitor)
    assert visitor.get("/me").text == "Ada"


def test_a_logout_after_the_view_clears_the_cookie_with_this_response(client, app, manager, set_cookies):
    @app.after_request
    def log_out(response):
        if request.path == "/public":
            logout_user()
        return response

    visitor = client(app)
    visitor.post("/login/1?remember")

    (header,) = set_cookies(visitor.get("/public"))

    assert "Max-Age=0" in header
    assert visitor.get("/me").text == "nobody"


def test_who_logs_in_in_the_view_and_out_after_it_has_no_cookie(client, app, manager, set_cookies):
    @app.after_request
    def log_out(response):
        if request.path.startswith("/login"):
            logout_user()
        return response

    visitor = client(app)

    visitor.post("/login/1?remember")
    end_session(visitor)

    assert visitor.get("/me").text == "nobody"


def test_who_logs_out_in_the_view_and_in_after_it_is_remembered(client, app, manager, users, set_cookies):
    @app.after_request
    def log_in(response):
        if request.path == "/logout":
            login_user(users["2"], remember=True)
        return response

    visitor = client(app)
    visitor.post("/login/1?remember")

    response = visitor.post("/logout")
    end_session(visitor)

    assert len(set_cookies(response)) == 1
    assert visitor.get("/me").text == "Bob"


@pytest.mark.parametrize("remember", [False, True], ids=["for this session", "remembered"])
def test_who_logs_in_after_another_did_in_the_view_is_the_one_remembered(
    client, app, manager, users, set_cookies, remember
):
    @app.after_request
    def log_in_another(response):
        if request.path == "/login/1":
            login_user(users["2"], remember=remember)
        return response

    visitor = client(app)

    response = visitor.post("/login/1?remember")
    end_session(visitor)

    assert len(set_cookies(response)) == 1
    assert visitor.get("/me").text == ("Bob" if remember else "nobody")


def test_over_https_the_cookie_is_secure(client, app, manager, set_cookies):
    response = client(app).post("/login/1?remember", base_url="https://localhost")

    assert "Secure" in set_cookies(response)[0].split("; ")


def test_the_cookie_is_as_the_configuration_says(client, app, manager, set_cookies):
    app.config.update(
        REMEMBER_COOKIE_NAME="stay",
        REMEMBER_COOKIE_DURATION=60,
        REMEMBER_COOKIE_DOMAIN="localhost.example",
        REMEMBER_COOKIE_PATH="/shop",
        REMEMBER_COOKIE_SECURE=True,
        REMEMBER_COOKIE_HTTPONLY=False,
        REMEMBER_COOKIE_SAMESITE="Strict",
    )

    (header,) = set_cookies(client(app).post("/login/1?remember"), "stay")

    parts = header.split("; ")
    assert {"Domain=localhost.example", "Path=/shop", "Secure", "SameSite=Strict"} <= set(parts)
    assert "HttpOnly" not in parts
    assert timedelta(0) < expires(header) <= timedelta(seconds=61)


def test_a_login_may_have_its_own_duration(client, app, manager, set_cookies):
    (header,) = set_cookies(client(app).post("/login/1?remember&seconds=3600"))

    assert timedelta(minutes=59) < expires(header) <= timedelta(seconds=3601)


def test_a_cookie_that_a_browser_would_have_dropped_is_refused(client, app, manager, set_cookies):
    (header,) = set_cookies(client(app).post("/login/1?remember&seconds=0"))
    thief = client(app)

    thief.set_cookie("remember_token", header.partition("=")[2].partition(";")[0].strip('"'))

    assert thief.get("/me").text == "nobody"


def test_the_cookie_can_be_decoded(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1?remember")
    value = visitor.get_cookie("remember_token").decoded_value

    with app.app_context():
        assert decode_cookie(value) == "1"
        assert decode_cookie(value.replace("1|", "2|", 1)) is None


def test_a_cookie_that_flask_login_set_is_replaced_with_the_next_refresh(client, app, manager):
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    visitor = client(app)
    with app.app_context():
        visitor.set_cookie("remember_token", old := encode_cookie("1"))

    answers = [visitor.get("/me").text for _ in range(2)]
    visitor.delete_cookie("session")

    assert [*answers, visitor.get("/me").text] == ["Ada"] * 3
    assert visitor.get_cookie("remember_token").decoded_value != old


def test_an_unfit_duration_is_refused_at_setup():
    app = Costrel("shop")
    app.config["REMEMBER_COOKIE_DURATION"] = "123"

    with pytest.raises(ConfigError, match=r"must be a datetime\.timedelta, instead got: 123"):
        LoginManager(app)


def test_logging_out_clears_the_cookie_with_the_attributes_it_was_set_with(client, app, manager, set_cookies):
    app.config["REMEMBER_COOKIE_NAME"] = "__Host-stay"
    visitor = client(app)
    visitor.post("/login/1?remember", base_url="https://localhost")

    response = visitor.post("/logout", base_url="https://localhost")

    (header,) = set_cookies(response, "__Host-stay")
    assert "Secure" in header  # a browser takes no other cookie of such a name, not to delete it either
    assert "Max-Age=0" in header
    assert visitor.get("/me", base_url="https://localhost").text == "nobody"


@pytest.mark.parametrize("refreshed", [False, True], ids=["", "refreshed"])
def test_logging_out_clears_the_cookie_though_the_view_empties_the_session_after_that(
    request, client, app, set_cookies, refreshed
):
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = refreshed
    request.getfixturevalue("manager")

    @app.post("/leave")
    def leave():
        logout_user()
        session.clear()
        return "bye"

    visitor = client(app)
    visitor.post("/login/1?remember")

    (header,) = set_cookies(visitor.post("/leave"))

    assert "Max-Age=0" in header
    assert visitor.get("/me").text == "nobody"


@pytest.mark.parametrize(
    "value",
    [
        "foo",
        "1|",
        "1|0000",
        "2|{digest}",
        "1|{digest}0",
        "1|é",
        "|{digest}",
        '"1|{digest}',
        "1%7C{digest}",
        "x" * 8_000,
    ],
)
def test_a_forged_cookie_logs_nobody_in(client, app, manager, value):
    with app.app_context():
        digest = encode_cookie("1").partition("|")[2]
    header = f"remember_token={value.format(digest=digest)}"

    response = client(app, use_cookies=False).get("/me", headers={"Cookie": header.encode().decode("latin1")})

    assert (response.status_code, response.text) == (200, "nobody")
    assert "Set-Cookie" not in response.headers


def test_a_cookie_signed_with_another_key_logs_nobody_in(client, app, manager):
    visitor = client(app)
    with app.app_context():
        visitor.set_cookie("remember_token", encode_cookie("1", key="an attacker's key"))

    assert visitor.get("/me").text == "nobody"


def test_a_cookie_of_the_key_before_is_good_until_that_is_dropped(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1?remember")
    end_session(visitor)

    app.config.update(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=["a key for tests"])
    with_fallback = visitor.get("/me").text
    end_session(visitor)
    app.config["SECRET_KEY_FALLBACKS"] = None
    without = visitor.get("/me").text

    assert (with_fallback, without) == ("Ada", "nobody")


def test_the_cookie_of_somebody_without_an_account_logs_nobody_in(client, app, manager, users):
    visitor = client(app)
    visitor.post("/login/1?remember")
    end_session(visitor)

    del users["1"]
    response = visitor.get("/me")

    assert response.text == "nobody"
    assert "Set-Cookie" not in response.headers


def test_another_users_login_forgets_who_was_remembered(client, app, manager, set_cookies):
    visitor = client(app)
    visitor.post("/login/1?remember")

    response = visitor.post("/login/2")
    end_session(visitor)

    assert "Max-Age=0" in set_cookies(response)[0]
    assert visitor.get("/me").text == "nobody"


def test_logging_in_again_keeps_being_remembered(client, app, manager, set_cookies):
    visitor = client(app)
    visitor.post("/login/1?remember")

    response = visitor.post("/login/1")

    assert not set_cookies(response)


def test_a_login_that_is_remembered_is_announced(client, app, manager, users):
    visitor = client(app)
    visitor.post("/login/1?remember")
    end_session(visitor)
    heard = []

    with user_loaded_from_cookie.connected_to(lambda sender, user: heard.append((sender, user)), sender=app):
        visitor.get("/me")
        visitor.get("/me")

    assert heard == [(app, users["1"])]


def test_a_remembered_login_survives_strong_protection(client, app, manager):
    app.config["SESSION_PROTECTION"] = "strong"
    visitor = client(app)
    visitor.post("/login/1?remember")
    end_session(visitor)

    assert [visitor.get("/me").text for _ in range(3)] == ["Ada"] * 3


def test_whether_somebody_is_remembered_can_be_asked(client, app, manager):
    @app.get("/remembered")
    def remembered():
        return str(login_remembered())

    visitor = client(app)
    before = visitor.get("/remembered").text
    visitor.post("/login/1?remember")

    assert (before, visitor.get("/remembered").text) == ("False", "True")


def test_the_cookie_is_refreshed_with_each_request_if_that_was_set_first(client, users, set_cookies):
    app = Costrel("shop")
    app.config.update(SECRET_KEY="a key for tests", TESTING=True, REMEMBER_COOKIE_REFRESH_EACH_REQUEST=True)
    add_login(app, users)
    visitor, other = client(app), client(app)
    visitor.post("/login?remember")
    other.post("/login")

    (header,) = set_cookies(visitor.get("/public"))

    assert expires(header) > timedelta(days=364)
    assert not set_cookies(other.get("/public"))  # who did not ask for it is not remembered


def test_the_cookie_is_refreshed_with_each_look_at_the_user_if_that_was_set_later(
    client, app, manager, set_cookies
):
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    visitor = client(app)
    visitor.post("/login/1?remember")

    assert not set_cookies(visitor.get("/public"))
    assert len(set_cookies(visitor.get("/me"))) == 1


def test_somebody_elses_cookie_is_not_refreshed(client, app, manager, set_cookies):
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True
    visitor = client(app)
    visitor.post("/login/1")
    with app.app_context():
        visitor.set_cookie("remember_token", encode_cookie("2"))

    assert not set_cookies(visitor.get("/me"))


def test_the_functions_for_cookies_take_a_key(app):
    with app.app_context():
        assert decode_cookie(encode_cookie("7", key="k"), key="k") == "7"
        assert decode_cookie(encode_cookie("7", key="k")) is None
        assert decode_cookie(encode_cookie("佐藤")) == "佐藤"


def test_without_a_secret_key_nothing_is_signed():
    with Costrel("shop").app_context(), pytest.raises(ConfigError) as caught:
        encode_cookie("7")

    assert "SECRET_KEY" in caught.value.hint


def add_login(app, users):
    from costrel import request
    from costrel.ext.login import login_user

    manager = LoginManager(app)
    manager.user_loader(users.get)

    @app.post("/login")
    def login():
        login_user(users["1"], remember="remember" in request.args)
        return ""

    @app.get("/public")
    def public():
        return ""
