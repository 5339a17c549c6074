"""Threads of one process that migrate at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from costrel.ext.migrate import stamp, upgrade


def test_threads_of_one_process_migrate_one_after_the_other(make_shop, url_of):
    shops = [make_shop(url_of("sqlite")) for _ in range(4)]
    shops[0].run("init")
    shops[0].write("0001", "op.create_table('guest', sa.Column('id', sa.Integer, primary_key=True))")
    shops[0].write("0002", "op.add_column('guest', sa.Column('name', sa.String))", after="0001")
    together = threading.Barrier(len(shops))

    def bring_up_to_date(shop):
        with shop.app.app_context():
            together.wait()
            upgrade(revision="0001")
            stamp(revision="0001")
            upgrade()

    with ThreadPoolExecutor(len(shops)) as pool:
        list(pool.map(bring_up_to_date, shops))

    assert [shop.columns("guest") for shop in shops] == [["id", "name"]] * len(shops)
