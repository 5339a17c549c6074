"""The sessions of a user: who has which, and log out everywhere."""

from __future__ import annotations

import pytest

from costrel import Costrel, session
from costrel.ext.session import MemoryStore, Session


def make_app(store, **config):
    app = Costrel("shop")
    app.config.update(TESTING=True, SESSION_COOKIE_SECURE=False, **config)
    sessions = Session(app, store=store)

    @app.get("/login/<user>")
    def login(user):
        session.rotate()
        session["_user_id"] = user
        return "welcome"

    @app.get("/get")
    def get():
        return dict(session)

    @app.get("/everywhere/<user>/<int:keep>")
    def everywhere(user, keep):
        return str(sessions.delete_user(user, keep_current=bool(keep)))

    @app.get("/async/everywhere/<user>/<int:keep>")
    async def async_everywhere(user, keep):
        return str(await sessions.adelete_user(user, keep_current=bool(keep)))

    @app.get("/list/<user>")
    def listed(user):
        return {"sessions": [shown(info) for info in sessions.list_user(user)]}

    @app.get("/async/list/<user>")
    async def async_listed(user):
        return {"sessions": [shown(info) for info in await sessions.alist_user(user)]}

    @app.get("/delete/<user>/<id>")
    def delete(user, id):
        return str(sessions.delete(user, id))

    @app.get("/async/delete/<user>/<id>")
    async def async_delete(user, id):
        return str(await sessions.adelete(user, id))

    @app.get("/revoke/<token>")
    def revoke(token):
        session.revoke(token, seconds=3_600)
        return "revoked"

    @app.get("/async/revoke/<token>")
    async def async_revoke(token):
        session.revoke(token, seconds=3_600)
        return "revoked"

    @app.get("/count")
    def count():
        sessions.change(lambda stored: stored.update(n=stored.get("n", 0) + 1))
        return str(session["n"])

    @app.get("/async/count")
    async def async_count():
        await sessions.achange(lambda stored: stored.update(n=stored.get("n", 0) + 1))
        return str(session["n"])

    return app


def shown(info):
    return {
        "id": info.id,
        "ip": info.ip,
        "agent": info.agent,
        "current": info.is_current,
        "times": [time.isoformat() for time in (info.created, info.last_seen)],
    }


@pytest.fixture(params=["", "/async"])
def way(request):
    """Whether the views are async."""
    return request.param


@pytest.fixture
def app(make_store, store_kind, prefix):
    app = make_app(make_store(store_kind), SESSION_KEY_PREFIX=prefix)
    with app.test_app():
        yield app


def logged_in(app, user, **options):
    browser = app.test_client(**options)
    browser.get(f"/login/{user}")

    return browser


def user_of(browser):
    return browser.get("/get").json.get("_user_id")


def test_logging_out_everywhere_ends_the_user_s_sessions_and_no_others(app, way):
    phone, laptop, other = (logged_in(app, user) for user in "771")

    assert phone.get(f"{way}/everywhere/7/0").text == "2"

    assert [user_of(browser) for browser in (phone, laptop, other)] == [None, None, "1"]


def test_the_session_of_the_request_can_stay(app, way):
    phone, laptop = logged_in(app, "7"), logged_in(app, "7")

    assert phone.get(f"{way}/everywhere/7/1").text == "1"

    assert [user_of(browser) for browser in (phone, laptop)] == ["7", None]


def test_tokens_are_revoked_one_by_one_or_all_of_a_user(app, way):
    def are_revoked():
        ask = app.session_interface.is_revoked
        return [ask(token, user_id=user_id, issued=1) for token, user_id in (("a", 7), ("b", "7"), ("c", 8))]

    browser = app.test_client()
    seen = [are_revoked()]
    browser.get(f"{way}/revoke/a")
    seen.append(are_revoked())
    browser.get(f"{way}/everywhere/7/0")
    seen.append(are_revoked())

    assert seen == [[False, False, False], [True, False, False], [True, True, False]]
    assert not app.session_interface.is_revoked("b", user_id="7", issued=2**62)


# From here on the store makes no difference.


@pytest.fixture
def memory_app():
    return make_app(MemoryStore(), SESSION_TRACK_CLIENTS=True)


def test_an_administrator_s_own_session_stays(memory_app, client, way):
    admin, user = client(memory_app), logged_in(memory_app, "7")
    admin.get("/login/1")

    assert admin.get(f"{way}/everywhere/7/0").text == "1"

    assert [user_of(browser) for browser in (admin, user)] == ["1", None]


def test_who_logs_out_everywhere_can_log_in_again_in_the_same_request(memory_app, client):
    sessions = memory_app.extensions["session"]

    @memory_app.get("/password")
    def change_password():
        sessions.delete_user("7")
        session.rotate()
        session["_user_id"] = "7"
        return "changed"

    phone, laptop = client(memory_app), logged_in(memory_app, "7")
    phone.get("/login/7")
    before = phone.get_cookie("session").value

    phone.get("/password")

    assert phone.get_cookie("session").value != before
    assert [user_of(browser) for browser in (phone, laptop)] == ["7", None]


def test_a_request_under_way_does_not_undo_it(memory_app, client):
    sessions = memory_app.extensions["session"]

    @memory_app.get("/slow")
    def slow():
        session["late"] = 1
        return str(run_elsewhere(memory_app, sessions))

    browser = client(memory_app)
    browser.get("/login/7")

    assert browser.get("/slow").text == "1"

    assert browser.get("/get").json == {"_permanent": True}
    assert memory_app.session_interface.store.find(memory_app.session_interface.index_of_user("7")) == []


def run_elsewhere(app, sessions):
    """Log the user out as another process would: outside of the request."""
    from concurrent.futures import ThreadPoolExecutor

    def log_out():
        with app.app_context():
            return sessions.delete_user("7")

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(log_out).result()


def test_ids_of_users_are_compared_as_text(memory_app):
    logged_in(memory_app, "7")

    with memory_app.app_context():
        assert memory_app.extensions["session"].delete_user(7) == 1


def test_who_logs_in_as_somebody_else_is_no_longer_found_under_the_first_name(memory_app, client):
    @memory_app.get("/become/<user>")
    def become(user):  # without a new id
        session["_user_id"] = user
        return "done"

    browser = client(memory_app)
    browser.get("/login/7")
    browser.get("/become/8")

    with memory_app.app_context():
        assert memory_app.extensions["session"].delete_user("7") == 0
    assert user_of(browser) == "8"


def test_another_key_can_say_whose_a_session_is():
    app = make_app(MemoryStore(), SESSION_USER_KEY="owner")

    @app.get("/own")
    def own():
        session["owner"] = 7
        return "yours"

    browser = app.test_client()
    browser.get("/own")

    with app.app_context():
        assert app.extensions["session"].delete_user(7) == 1


def test_a_user_s_sessions_are_listed_with_where_they_began(memory_app, client, way):
    phone, laptop = client(memory_app), client(memory_app)
    phone.get("/login/7", headers={"User-Agent": "Phone/1 " + "x" * 500})
    laptop.get("/login/7", headers={"User-Agent": "Laptop/2"})

    listed = laptop.get(f"{way}/list/7").json["sessions"]

    assert sorted(one["agent"][:8] for one in listed) == ["Laptop/2", "Phone/1 "]
    assert max(len(one["agent"]) for one in listed) == 200
    assert {one["ip"] for one in listed} == {"127.0.0.1"}
    assert [one["agent"] for one in listed if one["current"]] == ["Laptop/2"]


def test_what_is_listed_does_not_give_sessions_away(memory_app, client):
    browser = client(memory_app)
    browser.get("/login/7")

    text = browser.get("/list/7").text

    assert browser.get_cookie("session").value not in text
    assert len(browser.get("/list/7").json["sessions"][0]["id"]) == 16


def test_nothing_of_the_client_is_kept_unless_asked_for(client):
    app = make_app(MemoryStore())
    browser = client(app)
    browser.get("/login/7")

    (one,) = browser.get("/list/7").json["sessions"]

    assert (one["ip"], one["agent"]) == ("", "")


def test_one_session_of_a_user_can_be_ended(memory_app, client, way):
    phone, laptop = client(memory_app), client(memory_app)
    phone.get("/login/7")
    laptop.get("/login/7")
    (other,) = [one for one in laptop.get("/list/7").json["sessions"] if not one["current"]]

    assert laptop.get(f"{way}/delete/8/{other['id']}").text == "False"
    assert laptop.get(f"{way}/delete/7/{other['id']}").text == "True"
    assert laptop.get(f"{way}/delete/7/{other['id']}").text == "False"

    assert [user_of(browser) for browser in (phone, laptop)] == [None, "7"]


def test_ending_the_session_of_the_request_logs_it_out(memory_app, client, way):
    browser = client(memory_app)
    browser.get("/login/7")
    (own,) = browser.get("/list/7").json["sessions"]

    browser.get(f"{way}/delete/7/{own['id']}")

    assert user_of(browser) is None
    assert browser.get_cookie("session") is None


def test_a_change_at_once_is_there_for_the_request_and_the_next(memory_app, client, way):
    browser = client(memory_app)

    assert [browser.get(f"{way}/count").text for _ in range(3)] == ["1", "2", "3"]
    assert browser.get("/get").json["n"] == 3


def test_a_change_at_once_leaves_the_request_s_own_changes_to_the_end(memory_app, client):
    sessions = memory_app.extensions["session"]

    @memory_app.get("/both")
    def both():
        session["own"] = 1
        sessions.change(lambda stored: stored.update(n=stored["n"] + 1))
        return dict(session)

    browser = client(memory_app)
    browser.get("/count")
    browser.get("/count")

    assert browser.get("/both").json == {"_permanent": True, "n": 3, "own": 1}
    assert browser.get("/get").json == {"_permanent": True, "n": 3, "own": 1}
