"""What attackers try with sessions and cookies, over both protocols; and what they can still do."""

from __future__ import annotations

import secrets

import pytest

from costrel import session
from costrel.ext.login import encode_cookie
from costrel.sessions import SecureCookieSession, SessionInterface


class StoredSession(SecureCookieSession):
    """A session on the server, with an id in the cookie."""

    def __init__(self, interface, session_id):
        super().__init__(interface.stored.get(session_id, {}))
        self.interface = interface
        self.id = session_id

    def rotate(self):
        self.interface.stored.pop(self.id, None)
        self.id = secrets.token_hex(8)
        self.modified = True


class StoredSessions(SessionInterface):
    """Keeps sessions in a dict, and takes any id that a browser sends: the worst case."""

    def __init__(self):
        self.stored = {}

    def open_session(self, app, request):
        return StoredSession(self, request.cookies.get("session") or secrets.token_hex(8))

    def save_session(self, app, session, response):
        if session.modified:
            self.stored[session.id] = dict(session)
            response.set_cookie("session", session.id)


@pytest.fixture
def stored(app, manager):
    """The sessions of an application that keeps them on the server."""
    app.session_interface = StoredSessions()

    return app.session_interface.stored


def copied(client, app, visitor):
    thief = client(app)
    for name in ("session", "remember_token"):
        cookie = visitor.get_cookie(name)
        if cookie is not None:
            thief.set_cookie(name, cookie.value)

    return thief


def test_a_planted_session_does_not_become_the_victims(client, app, stored):
    attacker, victim = client(app), client(app)
    attacker.set_cookie("session", "planted")
    victim.set_cookie("session", "planted")

    victim.post("/login/1")

    assert victim.get("/me").text == "Ada"
    assert attacker.get("/me").text == "nobody"
    assert "planted" not in stored


def test_a_planted_session_does_not_become_that_of_a_remembered_victim(client, app, stored):
    attacker, victim = client(app), client(app)
    victim.post("/login/1?remember")
    attacker.set_cookie("session", "planted")
    victim.set_cookie("session", "planted")

    assert victim.get("/me").text == "Ada"
    assert attacker.get("/me").text == "nobody"


def test_a_planted_session_in_a_cookie_stays_nobodys(client, app, manager):
    attacker, victim = client(app), client(app)
    with attacker.session_transaction() as planted:
        planted["mark"] = 1
    victim.set_cookie("session", attacker.get_cookie("session").value)

    victim.post("/login/1")

    assert victim.get("/me").text == "Ada"
    assert attacker.get("/me").text == "nobody"


def test_a_session_on_the_server_is_over_after_logout(client, app, stored):
    visitor = client(app)
    visitor.post("/login/1")
    thief = copied(client, app, visitor)

    visitor.post("/logout")

    assert thief.get("/me").text == "nobody"


def test_a_copy_of_a_session_in_a_cookie_outlives_the_logout(client, app, manager):
    # What the reference page says: the server has no list of what it signed.
    visitor = client(app)
    visitor.post("/login/1")
    thief = copied(client, app, visitor)

    visitor.post("/logout")

    assert visitor.get("/me").text == "nobody"
    assert thief.get("/me").text == "Ada"


def test_an_id_that_changes_with_the_password_ends_all_copies(client, app, manager, users):
    # What the how-to recommends: get_id returns a random text that is kept with the account.
    ada = users.pop("1")
    ada.id = "first"
    users["first"] = ada
    visitor = client(app)
    visitor.post("/login/first?remember")
    thief = copied(client, app, visitor)

    users["second"] = users.pop("first")

    assert thief.get("/me").text == "nobody"


def test_a_cookie_for_another_users_id_cannot_be_made_of_ones_own(client, app, manager):
    attacker = client(app)
    attacker.post("/login/2?remember")
    own = attacker.get_cookie("remember_token").value

    for forged in (own.replace("2|", "1|", 1), "1" + own, own + "|1", "1|" + own):
        attacker.delete_cookie("session")
        attacker.set_cookie("remember_token", forged)
        assert attacker.get("/me").text == "nobody", forged


def test_a_session_signed_by_somebody_else_is_nobodys(client, app, manager):
    attacker = client(app)
    attacker.post("/login/2")
    payload, _, rest = attacker.get_cookie("session").value.partition(".")

    attacker.set_cookie("session", payload[:-2] + "AA." + rest)

    assert attacker.get("/me").text == "nobody"


def test_the_remember_cookie_is_no_session_and_the_session_no_remember_cookie(client, app, manager):
    attacker = client(app)
    attacker.post("/login/2?remember")
    token, signed = attacker.get_cookie("remember_token").value, attacker.get_cookie("session").value

    swapped = client(app)
    swapped.set_cookie("session", token)
    swapped.set_cookie("remember_token", signed)

    assert swapped.get("/me").text == "nobody"


def test_two_browsers_of_one_user_are_logged_out_each_by_itself(client, app, manager):
    at_home, at_work = client(app), client(app)
    at_home.post("/login/1?remember")
    at_work.post("/login/1?remember")

    at_home.post("/logout")

    assert at_home.get("/me").text == "nobody"
    assert at_work.get("/me").text == "Ada"


def test_two_users_in_two_browsers_do_not_meet(client, app, manager):
    first, second = client(app), client(app)
    first.post("/login/1")
    second.post("/login/2")

    assert [first.get("/me").text, second.get("/me").text] * 2 == ["Ada", "Bob"] * 2


def test_logging_in_over_another_login_leaves_nothing_of_that_user(client, app, manager):
    visitor = client(app)
    visitor.post("/login/1?remember")

    visitor.post("/login/2?remember")
    visitor.delete_cookie("session")

    assert visitor.get("/me").text == "Bob"


@pytest.mark.parametrize("user_id", [["1"], {"a": 1}, 1, True, ""])
def test_an_odd_id_in_the_session_is_nobodys(client, app, manager, users, user_id):
    manager.user_loader(lambda user_id: users.get(str(user_id) + "?"))
    visitor = client(app)
    with visitor.session_transaction() as kept:
        kept["_user_id"] = user_id

    assert visitor.get("/me").text == "nobody"


def test_an_empty_id_is_not_signed_into_an_account(client, app, manager):
    visitor = client(app)
    with app.app_context():
        visitor.set_cookie("remember_token", encode_cookie(""))

    assert visitor.get("/me").text == "nobody"


def test_a_failed_login_changes_nothing(client, app, manager):
    @app.post("/fails")
    def fails():
        session["tried"] = True
        return "wrong password", 403

    visitor = client(app)
    visitor.post("/login/1")
    visitor.post("/fails")

    assert visitor.get("/me").text == "Ada"
