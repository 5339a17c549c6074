"""What takes too long is cancelled, and the visitor told."""

from __future__ import annotations

import asyncio

import pytest
from werkzeug.exceptions import GatewayTimeout, RequestTimeout

from costrel.core.drive import is_async
from costrel.core.on_loop import mark_on_loop, may_run_on_loop
from costrel.core.timeouts import body_within, bounded, seconds_for, within

SOON = 0.005


async def never():
    await asyncio.Event().wait()


def test_what_ends_in_time_gives_its_result():
    async def work():
        await asyncio.sleep(0)
        return 7

    assert asyncio.run(within(10, work())) == 7


def test_what_takes_longer_is_cancelled_and_cleans_up_before_the_error_is_there():
    events = []

    async def work():
        try:
            await never()
        finally:
            await asyncio.sleep(0)
            events.append("cleaned up")

    with pytest.raises(GatewayTimeout, match=r"0\.005 seconds"):
        asyncio.run(within(SOON, work()))

    assert events == ["cleaned up"]


def test_a_body_that_takes_longer_is_the_clients_fault():
    with pytest.raises(RequestTimeout):
        asyncio.run(body_within(SOON, never()))


def test_a_timeout_of_its_own_passes_as_it_is():
    async def work():
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        asyncio.run(within(10, work()))


def test_being_cancelled_from_outside_is_no_timeout():
    async def main():
        task = asyncio.create_task(within(10, never()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


class Rule:
    timeout_seconds = None


@pytest.mark.parametrize(
    ("own", "configured", "expected"),
    [(None, None, None), (None, 5, 5), (2, 5, 2), (2, None, 2), (0, 5, None)],
)
def test_the_rules_bound_goes_before_the_configured_one(own, configured, expected):
    rule = Rule()
    rule.timeout_seconds = own

    assert seconds_for(rule, {"REQUEST_TIMEOUT": configured}) == expected


def test_a_foreign_rule_and_a_foreign_configuration_have_no_bound():
    assert seconds_for(object(), {}) is None


def test_a_bounded_view_stays_of_its_kind():
    async def view():
        await never()

    @mark_on_loop
    def quick(name):
        return name

    assert is_async(bounded(view, SOON))
    assert may_run_on_loop(bounded(quick, SOON))
    assert bounded(quick, SOON)(name="ada") == "ada"
    with pytest.raises(GatewayTimeout):
        asyncio.run(bounded(view, SOON)())


def test_a_view_that_turns_out_to_be_async_is_bounded():
    def view():
        return never()

    with pytest.raises(GatewayTimeout):
        asyncio.run(bounded(view, SOON)())
