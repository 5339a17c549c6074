"""The file that sessions lie in by default, with connections and processes that come and go."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
import threading

import pytest

from costrel.ext.session.backends.sqlite import SQLiteStore

OTHER_PROCESS = """
import sys
from costrel.ext.session.backends.sqlite import SQLiteStore

store = SQLiteStore(sys.argv[1])
store.set("there", b"1", ttl_seconds=60)
store.close()
"""


def no_links(*args, **kwargs):
    raise OSError(errno.EPERM, "Operation not permitted")


def test_process_that_ends_leaves_the_log_to_those_that_still_use_it(tmp_path):
    path = tmp_path / "s.sqlite3"
    stores = [SQLiteStore(path), SQLiteStore(path)]
    for number, store in enumerate(stores):
        store.set(f"here{number}", b"1", ttl_seconds=60)
    log = os.stat(f"{path}-wal").st_ino

    subprocess.run([sys.executable, "-c", OTHER_PROCESS, path], check=True)

    assert os.stat(f"{path}-wal").st_ino == log
    assert all(store.get("there") is not None for store in stores)


@pytest.mark.parametrize("link", [os.link, no_links])
def test_threads_that_come_first_at_once_make_one_file(tmp_path, monkeypatch, link):
    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "folder" / "s.sqlite3"
    store, together = SQLiteStore(path), threading.Barrier(4)

    def write(key):
        together.wait()
        store.set(key, b"1", ttl_seconds=60, index="all")

    threads = [threading.Thread(target=write, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.find("all") == ["0", "1", "2", "3"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert {name.name for name in path.parent.iterdir()} == {"s.sqlite3", "s.sqlite3-wal", "s.sqlite3-shm"}


def test_a_store_that_is_gone_has_closed_its_connections(tmp_path):
    path = tmp_path / "s.sqlite3"
    store = SQLiteStore(path)
    store.set("key", b"1", ttl_seconds=60)
    assert os.path.exists(f"{path}-wal")

    del store
    gc.collect()

    assert not os.path.exists(f"{path}-wal")  # SQLite deletes it with the last connection
