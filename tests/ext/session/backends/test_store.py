"""What holds for every store: the contract of ``Store``, sync and async."""

from __future__ import annotations

import asyncio

import pytest

SELF_CLEANING = ("redis", "memcached", "cachelib")
WITH_CLOCK = ("memory", "file", "sqlite", "sqlalchemy-sqlite", "sqlalchemy-postgresql", "sqlalchemy-mariadb")
VALUE = b'{"text":"\xc3\xa9","zero":"\x00"}\n\xff'


class Awaited:
    """A store whose async methods are called by the names of the sync ones."""

    def __init__(self, store):
        self.store = store
        self.runner = asyncio.Runner()

    def __getattr__(self, name):
        method = getattr(self.store, f"a{name}")
        return lambda *args, **kwargs: self.runner.run(method(*args, **kwargs))


@pytest.fixture(params=["sync", "async"])
def store(request, make_store, store_kind):
    made = make_store(store_kind)
    if request.param == "sync":
        yield made
    else:
        awaited = Awaited(made)
        yield awaited
        awaited.close()
        awaited.runner.close()


def put(store, key, value=VALUE, index=None):
    assert store.add(key, value, ttl_seconds=60, index=index)


def test_what_is_written_is_read_byte_for_byte(store, prefix):
    store.set(prefix + "a", VALUE, ttl_seconds=60)

    assert store.get(prefix + "a").value == VALUE
    assert store.get(prefix + "b") is None


def test_add_writes_only_where_nothing_is(store, prefix):
    first = store.add(prefix + "a", b"1", ttl_seconds=60)
    second = store.add(prefix + "a", b"2", ttl_seconds=60)

    assert (first, second) == (True, False)
    assert store.get(prefix + "a").value == b"1"


def test_set_writes_over_what_is_there(store, prefix):
    put(store, prefix + "a", b"1")

    store.set(prefix + "a", b"2", ttl_seconds=60)

    assert store.get(prefix + "a").value == b"2"


def test_replace_writes_if_there_is_what_was_read(store, prefix):
    put(store, prefix + "a", b"1")
    read = store.get(prefix + "a")

    first = store.replace(prefix + "a", b"2", version=read.version, ttl_seconds=60)
    second = store.replace(prefix + "a", b"3", version=read.version, ttl_seconds=60)

    assert (first, second) == (True, False)
    assert store.get(prefix + "a").value == b"2"


def test_replace_writes_nothing_where_nothing_is(store, prefix):
    put(store, prefix + "a", b"1")
    read = store.get(prefix + "a")
    store.delete(prefix + "a")

    assert not store.replace(prefix + "a", b"2", version=read.version, ttl_seconds=60)
    assert store.get(prefix + "a") is None


def test_move_deletes_one_key_and_writes_the_other(store, prefix):
    put(store, prefix + "a", b"1", index=prefix + "i")
    read = store.get(prefix + "a")

    moved = store.move(
        prefix + "a", prefix + "b", b"2", version=read.version, ttl_seconds=60, index=prefix + "i"
    )

    assert moved
    assert store.get(prefix + "a") is None
    assert store.get(prefix + "b").value == b"2"
    assert store.find(prefix + "i") == [prefix + "b"]


def test_move_leaves_behind_what_it_is_given(store, prefix):
    put(store, prefix + "a", b"1", index=prefix + "i")
    read = store.get(prefix + "a")

    moved = store.move(
        prefix + "a",
        prefix + "b",
        b"2",
        version=read.version,
        ttl_seconds=60,
        index=prefix + "i",
        left=b"left",
        left_seconds=30,
    )

    assert moved
    assert store.get(prefix + "a").value == b"left"
    assert store.get(prefix + "b").value == b"2"
    assert store.find(prefix + "i") == [prefix + "b"]
    assert not store.move(prefix + "a", prefix + "c", b"3", version=read.version, ttl_seconds=60)


def test_move_does_nothing_if_something_else_is_there(store, prefix):
    put(store, prefix + "a", b"1")
    read = store.get(prefix + "a")
    store.set(prefix + "a", b"other", ttl_seconds=60)

    assert not store.move(prefix + "a", prefix + "b", b"2", version=read.version, ttl_seconds=60)
    assert store.get(prefix + "a").value == b"other"
    assert store.get(prefix + "b") is None


def test_delete_tells_whether_there_was_something(store, prefix):
    put(store, prefix + "a")

    assert store.delete(prefix + "a")
    assert not store.delete(prefix + "a")


def test_an_index_finds_its_keys_and_no_others(store, prefix):
    put(store, prefix + "a", index=prefix + "one")
    put(store, prefix + "b", index=prefix + "one")
    put(store, prefix + "c", index=prefix + "two")
    put(store, prefix + "d")

    assert store.find(prefix + "one") == [prefix + "a", prefix + "b"]
    assert store.find(prefix + "two") == [prefix + "c"]
    assert store.find(prefix + "three") == []


def test_a_key_has_the_index_it_was_written_with_last(store, prefix):
    put(store, prefix + "a", index=prefix + "one")

    read = store.get(prefix + "a")
    store.replace(prefix + "a", b"2", version=read.version, ttl_seconds=60, index=prefix + "two")
    assert store.find(prefix + "one") == []
    assert store.find(prefix + "two") == [prefix + "a"]

    store.set(prefix + "a", b"3", ttl_seconds=60)
    assert store.find(prefix + "two") == []


def test_a_deleted_key_is_in_no_index(store, prefix):
    put(store, prefix + "a", index=prefix + "one")
    store.delete(prefix + "a")

    put(store, prefix + "a")

    assert store.find(prefix + "one") == []


def test_delete_index_deletes_its_keys_but_those_to_keep(store, prefix):
    for name in "abc":
        put(store, prefix + name, index=prefix + "one")
    put(store, prefix + "d", index=prefix + "two")

    count = store.delete_index(prefix + "one", keep=(prefix + "b",))

    assert count == 2
    assert store.find(prefix + "one") == [prefix + "b"]
    assert store.get(prefix + "a") is None
    assert store.get(prefix + "d") is not None


def test_what_has_no_end_stays(store, prefix):
    store.set(prefix + "a", b"1", ttl_seconds=None, index=prefix + "i")

    assert store.get(prefix + "a").value == b"1"
    assert store.clean_up() == 0
    assert store.find(prefix + "i") == [prefix + "a"]


def test_a_closed_store_opens_again(store, prefix):
    put(store, prefix + "a", b"1")

    store.close()

    assert store.get(prefix + "a").value == b"1"


def test_a_key_cannot_lead_out_of_the_store(store, prefix):
    for key in ("../../etc/passwd", "/etc/passwd", "..", "a/b\\c", "%2e%2e"):
        put(store, prefix + key, key.encode())

    assert store.get(prefix + "../../etc/passwd").value == b"../../etc/passwd"
    assert store.get(prefix + "..").value == b".."


@pytest.mark.parametrize("store_kind", WITH_CLOCK)
def test_what_is_over_is_gone_for_every_method(make_store, store_kind, prefix, clock):
    store = make_store(store_kind, clock=clock)
    put(store, "a", b"1", index="i")
    read = store.get("a")

    clock.now += 59
    assert store.get("a").value == b"1"
    clock.now += 1

    assert store.get("a") is None
    assert store.find("i") == []
    assert not store.replace("a", b"2", version=read.version, ttl_seconds=60)
    assert not store.move("a", "b", b"2", version=read.version, ttl_seconds=60)
    assert store.add("a", b"new", ttl_seconds=60)
    assert store.get("a").value == b"new"


@pytest.mark.parametrize("store_kind", WITH_CLOCK)
def test_cleaning_up_deletes_what_is_over_and_nothing_else(make_store, store_kind, clock):
    store = make_store(store_kind, clock=clock)
    put(store, "old", index="i")
    store.set("for ever".replace(" ", "-"), b"1", ttl_seconds=None)
    clock.now += 60
    put(store, "new", index="i")

    assert store.clean_up() == 1
    assert store.clean_up() == 0
    assert store.get("new") is not None
    assert store.get("for-ever") is not None
    assert store.find("i") == ["new"]


def test_of_many_who_add_at_once_one_wins(make_store, store_kind, prefix, at_once):
    if store_kind == "cachelib":
        return  # takes turns by a lock of the process, tested with the others below

    store = make_store(store_kind)

    won = at_once(*[lambda n=n: store.add(prefix + "a", b"%d" % n, ttl_seconds=60) for n in range(6)])

    assert sorted(won) == [False] * 5 + [True]
    assert store.get(prefix + "a").value == b"%d" % won.index(True)


def test_of_many_who_replace_at_once_one_wins(make_store, store_kind, prefix, at_once):
    store = make_store(store_kind)
    put(store, prefix + "a", b"start", index=prefix + "i")
    version = store.get(prefix + "a").version

    def replace(number):
        return store.replace(
            prefix + "a", b"%d" % number, version=version, ttl_seconds=60, index=prefix + "i"
        )

    won = at_once(*[lambda n=n: replace(n) for n in range(6)])

    assert sorted(won) == [False] * 5 + [True]
    assert store.get(prefix + "a").value == b"%d" % won.index(True)


def test_a_counter_by_replace_counts_everybody(make_store, store_kind, prefix, at_once):
    store = make_store(store_kind)
    put(store, prefix + "n", b"0")

    def count():
        for _ in range(5):
            while True:
                entry = store.get(prefix + "n")
                value = b"%d" % (int(entry.value) + 1)
                if store.replace(prefix + "n", value, version=entry.version, ttl_seconds=60):
                    break

    at_once(count, count, count, count)

    assert store.get(prefix + "n").value == b"20"


@pytest.mark.parametrize("store_kind", WITH_CLOCK)
def test_what_a_move_leaves_is_over_in_its_time(make_store, store_kind, clock):
    store = make_store(store_kind, clock=clock)
    put(store, "a", b"1")
    store.move("a", "b", b"2", version=store.get("a").version, ttl_seconds=60, left=b"left", left_seconds=10)

    clock.now += 10

    assert store.get("a") is None
    assert store.clean_up() == 1
    assert store.get("b").value == b"2"


def test_memory_forgets_what_many_moves_leave(make_store, clock):
    store = make_store("memory", clock=clock)
    put(store, "0")

    for number in range(5_000):
        clock.now += 1
        version = store.get(f"{number}").version
        store.move(
            f"{number}", f"{number + 1}", b"", version=version, ttl_seconds=60, left=b"l", left_seconds=10
        )

    assert len(store._rows) < 2_000
