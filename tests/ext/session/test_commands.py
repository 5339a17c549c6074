"""The commands of the extension."""

from __future__ import annotations

import pytest

from costrel import Costrel
from costrel.ext.session import MemoryStore, Session, StoreError


@pytest.fixture
def app(clock):
    app = Costrel("shop")
    Session(app, store=MemoryStore(clock=clock))

    return app


def run(app, *arguments):
    return app.test_cli_runner().invoke(args=["session", *arguments])


def test_cleanup_deletes_what_is_over(app, clock):
    store = app.session_interface.store
    store.add("session:old", b"{}", ttl_seconds=60)
    clock.now += 60
    store.add("session:new", b"{}", ttl_seconds=60)

    assert run(app, "cleanup").output == "Deleted 1 session.\n"
    assert run(app, "cleanup").output == "Deleted 0 sessions.\n"


def test_delete_user_logs_a_user_out_everywhere(app):
    interface = app.session_interface
    for name in "ab":
        interface.store.add(f"session:{name}", b"{}", ttl_seconds=60, index=interface.index_of_user(7))

    assert run(app, "delete-user", "7").output == "Deleted 2 sessions.\n"
    assert run(app, "delete-user", "7").output == "Deleted 0 sessions.\n"


@pytest.mark.parametrize("arguments", [("cleanup",), ("delete-user", "7")])
def test_a_store_that_is_gone_is_told_in_a_line(app, arguments):
    def fail(*args, **kwargs):
        raise StoreError("the store is gone")

    store = app.session_interface.store
    store.clean_up = store.delete_index = fail

    result = run(app, *arguments)

    assert result.exit_code == 1
    assert result.output == "Error: the store is gone\n"
