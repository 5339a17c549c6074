"""When a session is written, and what happens if another request was faster."""

from __future__ import annotations

import asyncio

import pytest

from costrel.ext.session import MemoryStore, ServerSideSession, StoreError
from costrel.ext.session.records import decode
from costrel.ext.session.serializers import JSONSerializer, make_serializer
from costrel.ext.session.steps import LEFT, MOVED, Rules, Saving, arun, open_stored, run

HOUR = 3_600


class Counting(MemoryStore):
    """Counts its calls, and lets a test come between a request's reading and writing."""

    def __init__(self, **options):
        super().__init__(**options)
        self.calls = []
        self.before_replace = []

    def __getattribute__(self, name):
        if name in ("get", "add", "replace", "move", "delete"):
            object.__getattribute__(self, "calls").append(name)
        return super().__getattribute__(name)

    def replace(self, key, value, **how):
        if self.before_replace:
            self.before_replace.pop()()
        return super().replace(key, value, **how)


@pytest.fixture
def store(clock):
    return Counting(clock=clock)


@pytest.fixture
def rules(clock):
    def make(**changed):
        usual = {
            "now": clock.now,
            "lifetime_seconds": 10 * HOUR,
            "absolute_seconds": None,
            "refreshes": True,
            "refresh_fraction": 0.1,
            "max_bytes": 0,
        }
        return Rules(**{**usual, **changed})

    return make


@pytest.fixture
def requests(store, rules):
    """Open and save sessions as requests do."""

    class Requests:
        def open(self, sid, **changed):
            found = run(open_stored(JSONSerializer(), f"p:{sid}", rules(**changed)), store)
            if not found:
                session = ServerSideSession(sid=f"new-{sid}")
                session.is_late = found is MOVED
                return session
            session = ServerSideSession(found[0], sid=sid)
            session._stored = found[1]
            return session

        def save(self, session, **changed):
            saving = Saving(
                JSONSerializer(), rules(**changed), "p:{}".format, lambda content: content.get("_user_id")
            )
            store.calls.clear()
            return run(saving.save(session), store)

        def new(self, sid, **content):
            return self.save(_changed(ServerSideSession(sid=sid), content))

    return Requests()


def _changed(session, content):
    session.update(content)
    return session


def test_a_new_session_is_added_and_sends_its_cookie(requests, store):
    saved = requests.new("a", n=1)

    assert saved.is_new
    assert saved.sends_cookie
    assert requests.open("a") == {"n": 1}


def test_a_new_session_without_content_is_not_stored(requests, store):
    session = ServerSideSession(sid="a", permanent=True)

    requests.save(session)

    assert store.calls == []


def test_using_a_session_without_changing_it_writes_nothing(requests, store):
    requests.new("a", n=1)
    session = requests.open("a")

    requests.save(session)

    assert store.calls == []


def test_setting_a_key_to_the_value_it_has_writes_nothing(requests, store):
    requests.new("a", n=1)
    session = requests.open("a")

    session["n"] = 1
    requests.save(session)

    assert store.calls == []


def test_a_change_within_a_value_is_written(requests, store):
    requests.new("a", cart=["tea"])
    session = requests.open("a")

    session["cart"].append("jam")
    saved = requests.save(session)

    assert store.calls == ["replace"]
    assert not saved.sends_cookie
    assert requests.open("a")["cart"] == ["tea", "jam"]


def test_a_session_in_use_is_written_when_a_tenth_of_its_life_is_over(requests, store, clock):
    requests.new("a", n=1)
    session = requests.open("a")

    clock.now += HOUR - 1
    requests.save(session)
    assert store.calls == []
    clock.now += 1
    requests.save(session)

    assert store.calls == ["replace"]
    clock.now += 10 * HOUR - 1
    assert requests.open("a") == {"n": 1}
    clock.now += 1
    assert requests.open("a") == {}


def test_a_long_session_in_use_is_written_every_hour(requests, store, clock):
    month = 30 * 24 * HOUR
    requests.new("a", n=1)
    session = requests.open("a", lifetime_seconds=month)

    clock.now += HOUR
    requests.save(session, lifetime_seconds=month)

    assert store.calls == ["replace"]


def test_without_refreshing_a_session_ends_in_its_time_though_it_is_used(requests, store, clock):
    requests.new("a", n=1)
    session = requests.open("a")

    clock.now += 9 * HOUR
    requests.save(session, refreshes=False)

    assert store.calls == []
    clock.now += HOUR
    assert requests.open("a") == {}


def test_the_cookie_of_a_permanent_session_is_sent_again_before_it_ends(requests, clock):
    requests.new("a", n=0, _permanent=True)
    sent = []

    for n in range(1, 9):  # changed every half an hour
        clock.now += HOUR / 2
        session = requests.open("a")
        session["n"] = n
        sent.append(requests.save(session).sends_cookie)

    assert sent == [False, True] * 4


def test_the_cookie_of_another_session_is_sent_once(requests, clock):
    requests.new("a", n=1)

    clock.now += 5 * HOUR
    session = requests.open("a")

    assert not requests.save(session).sends_cookie


def test_the_absolute_life_ends_though_the_session_is_used(requests, store, clock):
    absolute = {"absolute_seconds": 3 * HOUR}
    requests.new("a", n=1)
    for _ in range(2):
        clock.now += HOUR
        requests.save(requests.open("a", **absolute), **absolute)

    clock.now += HOUR - 1
    assert requests.open("a", **absolute) == {"n": 1}
    clock.now += 1

    assert requests.open("a", **absolute) == {}
    assert store.get("p:a") is None


def test_a_shorter_absolute_life_holds_for_sessions_that_are_there(requests, store, clock):
    requests.new("a", n=1)
    clock.now += HOUR

    assert requests.open("a", absolute_seconds=HOUR) == {}
    assert store.get("p:a") is None


def test_two_requests_that_change_different_keys_lose_nothing(requests):
    requests.new("a", n=1)
    one, other = requests.open("a"), requests.open("a")

    one["x"] = 1
    other["y"] = 2
    requests.save(one)
    requests.save(other)

    assert requests.open("a") == {"n": 1, "x": 1, "y": 2}


def test_a_request_that_only_refreshes_keeps_what_another_one_wrote(requests, store, clock):
    requests.new("a", n=1)
    idle, busy = requests.open("a"), requests.open("a")
    clock.now += HOUR

    busy["n"] = 2
    requests.save(busy)
    requests.save(idle)

    assert requests.open("a") == {"n": 2}


def test_a_request_tries_as_often_as_others_are_faster(requests, store):
    requests.new("a", n=0)
    session = requests.open("a")
    session["own"] = 1

    def interfere(number):
        def write():
            entry = store.get("p:a")
            content = JSONSerializer().decode(entry.value)
            content["n"] = number
            store.set("p:a", JSONSerializer().encode(content), ttl_seconds=HOUR)

        return write

    store.before_replace = [interfere(number) for number in (3, 2, 1)]
    requests.save(session)

    assert requests.open("a") == {"n": 3, "own": 1}


def test_a_request_that_never_comes_through_gives_up(requests, store):
    requests.new("a", n=0)
    session = requests.open("a")
    session["own"] = 1
    store.replace = lambda *args, **how: False

    with pytest.raises(StoreError, match="too many requests"):
        requests.save(session)


def test_a_deleted_session_does_not_come_back(requests, store):
    requests.new("a", n=1)
    under_way, logout = requests.open("a"), requests.open("a")
    logout.clear()
    requests.save(logout)

    under_way["n"] = 2
    saved = requests.save(under_way)

    assert saved.stored is None
    assert not saved.sends_cookie
    assert store.get("p:a").value == LEFT


def test_a_logout_wins_over_a_change_that_came_before_it(requests, store):
    requests.new("a", n=1)
    under_way, logout = requests.open("a"), requests.open("a")
    under_way["n"] = 2
    requests.save(under_way)

    logout.clear()
    saved = requests.save(logout)

    assert saved.deleted
    assert store.get("p:a").value == LEFT


def test_rotating_keeps_what_another_request_wrote_meanwhile(requests, store):
    requests.new("a", n=1)
    login, other = requests.open("a"), requests.open("a")
    other["x"] = 1
    requests.save(other)

    login.rotate()
    login["_user_id"] = "7"
    saved = requests.save(login)

    assert saved.is_new
    assert store.get("p:a").value == LEFT
    assert requests.open(login.sid) == {"n": 1, "x": 1, "_user_id": "7"}
    assert store.find("7") == [f"p:{login.sid}"]


def test_of_two_requests_that_rotate_one_has_the_session(requests, store):
    requests.new("a", n=1)
    one, other = requests.open("a"), requests.open("a")
    one.rotate()
    other.rotate()

    first, second = requests.save(one), requests.save(other)

    assert first.sends_cookie
    assert not second.sends_cookie
    assert store.get(f"p:{other.sid}") is None


def test_rotating_a_session_deleted_meanwhile_does_not_bring_it_back(requests, store):
    requests.new("a", _user_id="7")
    session = requests.open("a")
    store.delete_index("7")

    session.rotate()
    saved = requests.save(session)

    assert saved.stored is None
    assert store.find("7") == []


def test_emptying_a_rotated_session_deletes_the_id_that_is_stored(requests, store):
    requests.new("a", n=1)
    session = requests.open("a")

    session.rotate()
    session.clear()
    requests.save(session)

    assert store.get("p:a").value == LEFT


def test_a_session_that_is_there_is_read_and_written_as_if_none_ever_moved(requests, store):
    requests.new("a", n=1)
    store.calls.clear()
    session = requests.open("a")
    assert store.calls == ["get"]

    session["n"] = 2
    requests.save(session)

    assert store.calls == ["replace"]


def test_emptying_a_session_that_got_a_new_id_meanwhile_leaves_the_cookie(requests, store):
    requests.new("a", n=1)
    under_way, login = requests.open("a"), requests.open("a")
    login.rotate()
    requests.save(login)

    under_way.clear()
    saved = requests.save(under_way)

    assert not saved.deleted
    assert requests.open(login.sid) == {"n": 1}


def test_a_logout_that_finds_the_session_gone_drops_the_cookie(requests, store):
    requests.new("a", n=1)
    logout, login = requests.open("a"), requests.open("a")
    login.rotate()
    requests.save(login)

    logout.rotate()
    logout.clear()

    assert requests.save(logout).deleted


def test_emptying_a_session_is_tried_as_often_as_others_are_faster(requests, store):
    requests.new("a", n=0)
    session = requests.open("a")

    def interfere():
        other = requests.open("a")
        other["n"] += 1
        requests.save(other)

    store.before_replace = [interfere]
    session.clear()

    assert requests.save(session).deleted
    assert store.get("p:a").value == LEFT


def test_emptying_a_session_that_never_comes_through_gives_up(requests, store):
    requests.new("a", n=0)
    session = requests.open("a")
    session.clear()
    store.replace = lambda *args, **how: False

    with pytest.raises(StoreError, match="too many requests"):
        requests.save(session)


@pytest.mark.parametrize(("format", "library"), [("json", "json"), ("msgpack", "msgspec")])
def test_what_is_left_is_no_session_for_any_serializer(format, library):
    pytest.importorskip(library)

    assert decode(make_serializer(format), LEFT) is None


def test_a_session_saved_twice_is_written_once(requests, store):
    requests.new("a", l=[])
    session = requests.open("a")
    session["l"].append(1)
    session._stored = requests.save(session).stored

    requests.save(session)
    assert store.calls == []
    session["l"].append(2)
    requests.save(session)

    assert requests.open("a") == {"l": [1, 2]}


def test_async_steps_are_those_of_sync_ones(clock, rules):
    store = MemoryStore(clock=clock)
    store.add("p:a", b'{"n":1}', ttl_seconds=60)

    found = asyncio.run(arun(open_stored(JSONSerializer(), "p:a", rules()), store))

    assert found == run(open_stored(JSONSerializer(), "p:a", rules()), store)
    assert found[0] == {"n": 1}


def test_a_session_saved_twice_keeps_what_another_request_wrote_between(requests):
    requests.new("a", n=1)
    twice, other = requests.open("a"), requests.open("a")
    other["x"] = 1
    requests.save(other)

    twice["y"] = 2
    twice._stored = requests.save(twice).stored
    twice["z"] = 3
    requests.save(twice)

    assert requests.open("a") == {"n": 1, "x": 1, "y": 2, "z": 3}


def test_a_request_that_finds_somebody_logged_in_keeps_the_session_findable(requests, store):
    requests.new("a", n=1)
    under_way, login = requests.open("a"), requests.open("a")
    login["_user_id"] = "7"
    requests.save(login)

    under_way["n"] = 2
    requests.save(under_way)

    assert store.find("7") == ["p:a"]
