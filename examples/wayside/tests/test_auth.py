"""Accounts: joining, signing in and out."""

from __future__ import annotations

import pytest
from sqlalchemy import delete
from wayside.models import User, db
from wayside.testing import PASSWORD


def test_joining_signs_in_and_greets(visitor):
    response = visitor.post("/register", {"username": "fern", "password": PASSWORD}, follow_redirects=True)

    assert "Welcome, fern." in response.text
    assert "Sign out" in response.text


def test_first_to_join_becomes_keeper_and_nobody_after(keeper, fern):
    assert keeper.get("/desk").status_code == 200
    assert fern.get("/desk").status_code == 403


@pytest.mark.parametrize("username", ["", "a", "-fern", "fe rn", "<b>", "x" * 31])
def test_malformed_name_is_refused_and_kept_in_the_form(visitor, username):
    response = visitor.post("/register", {"username": username, "password": PASSWORD})

    assert response.status_code == 422
    assert "2 to 30 small letters" in response.text
    assert "<b>" not in response.text


def test_short_password_is_refused(visitor):
    response = visitor.post("/register", {"username": "fern", "password": "123456789"})

    assert response.status_code == 422
    assert "at least 10 characters" in response.text
    assert 'value="fern"' in response.text
    assert "123456789" not in response.text


def test_name_is_taken_whatever_its_capitals(fern, visitor):
    response = visitor.post("/register", {"username": "FERN", "password": PASSWORD})

    assert response.status_code == 422
    assert "This name is taken." in response.text


def test_closed_registration_is_refused(app, visitor):
    app.config["REGISTRATION_OPEN"] = False

    assert visitor.get("/register").status_code == 403
    assert visitor.post("/register", {"username": "fern", "password": PASSWORD}).status_code == 403


def test_right_password_signs_in(fern, visitor):
    response = visitor.post("/login", {"username": "fern", "password": PASSWORD}, follow_redirects=True)

    assert "Sign out" in response.text


@pytest.mark.parametrize(
    ("username", "password"), [("fern", "wrong password"), ("nobody", PASSWORD), ("", "")]
)
def test_wrong_name_and_wrong_password_get_the_same_answer(fern, visitor, username, password):
    response = visitor.post("/login", {"username": username, "password": password})

    assert response.status_code == 422
    assert "Name and password do not fit together." in response.text


def test_signing_in_starts_a_fresh_session(fern, visitor):
    visitor.get("/login")
    with visitor.client.session_transaction() as session:
        session["planted"] = True

    visitor.post("/login", {"username": "fern", "password": PASSWORD})

    with visitor.client.session_transaction() as session:
        assert "planted" not in session


def test_signing_out_ends_the_session(fern):
    fern.post("/logout")

    assert fern.get("/account/").status_code == 302


def test_session_cookie_is_out_of_reach_of_scripts(visitor):
    cookie = visitor.get("/login").headers["Set-Cookie"]

    assert "HttpOnly" in cookie


def test_guarded_page_leads_to_login_and_back(fern, visitor):
    response = visitor.get("/walks/new?from=test")
    assert response.location == "/login?next=%2Fwalks%2Fnew%3Ffrom%3Dtest"

    response = visitor.post(response.location, {"username": "fern", "password": PASSWORD})
    assert response.location == "/walks/new?from=test"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil", "x"]
)
def test_login_never_leads_to_another_site(fern, visitor, target):
    response = visitor.post(
        "/login", {"username": "fern", "password": PASSWORD}, query_string={"next": target}
    )

    assert response.location == "/"


def test_password_can_be_changed_with_the_old_one(fern, visitor):
    fern.post("/account/password", {"old": PASSWORD, "new": "another four words"})

    assert visitor.post("/login", {"username": "fern", "password": PASSWORD}).status_code == 422
    assert visitor.post("/login", {"username": "fern", "password": "another four words"}).status_code == 302


def test_password_is_not_changed_without_the_old_one(fern):
    response = fern.post("/account/password", {"old": "guessed", "new": "another four words"})

    assert response.status_code == 422
    assert "not your present password" in response.text


def test_session_of_a_deleted_account_is_nobody(app, fern):
    with app.app_context():
        db.session.execute(delete(User).where(User.username == "fern"))
        db.session.commit()

    assert fern.get("/account/").location.startswith("/login")
