"""The session object: a mapping that knows its id and what was done to it."""

from __future__ import annotations

import pytest

from costrel.ext.session import ServerSideSession, StoreError
from costrel.ext.session.server_side import Stored, UnavailableSession
from costrel.sessions import SecureCookieSession


def test_a_session_that_is_only_permanent_is_empty():
    session = ServerSideSession({}, "id", permanent=True)

    assert not session
    assert session.permanent
    session["a"] = 1
    assert session


def test_making_one_is_no_change():
    session = ServerSideSession({"a": 1}, "id", permanent=True)

    assert not session.modified
    assert not session.accessed


def test_a_change_is_noticed():
    session = ServerSideSession({"a": 1}, "id")

    session["b"] = 2

    assert session.modified
    assert session.accessed


def test_clearing_keeps_it_permanent():
    session = ServerSideSession({"a": 1}, "id", permanent=True)

    session.clear()

    assert dict(session) == {"_permanent": True}


def test_rotating_takes_a_new_id_and_keeps_the_content():
    session = ServerSideSession({"a": 1}, "old")

    session.rotate()

    assert session.sid != "old"
    assert len(session.sid) == 43
    assert session["a"] == 1
    assert session.modified


def test_rotating_twice_remembers_the_id_that_is_stored():
    session = ServerSideSession({"a": 1}, "old")
    session._stored = Stored(b"{}", None, b"{}")

    session.rotate()
    session.rotate()

    assert session._moved_from == "old"


def test_rotating_a_cookie_session_does_nothing():
    session = SecureCookieSession({"a": 1})

    session.rotate()

    assert session == {"a": 1}
    assert not session.modified


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session["a"],
        lambda session: session.get("a"),
        lambda session: "a" in session,
        lambda session: bool(session),
        lambda session: len(session),
        lambda session: list(session),
        lambda session: session.items(),
        lambda session: session.pop("a", None),
        lambda session: session.update(a=1),
        lambda session: session.setdefault("a", 1),
        lambda session: session.clear(),
        lambda session: session.rotate(),
        lambda session: session.permanent,
        lambda session: session == {},
        lambda session: dict(session),
        lambda session: session.__setitem__("a", 1),
        lambda session: session.__delitem__("a"),
        lambda session: setattr(session, "permanent", True),
    ],
)
def test_every_use_of_an_unavailable_session_says_so(use):
    with pytest.raises(StoreError, match="gone"):
        use(UnavailableSession("the store is gone"))


def test_an_unavailable_session_can_be_shown():
    assert repr(UnavailableSession("gone")) == "<UnavailableSession>"
