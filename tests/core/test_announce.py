"""Sending the signals of the lifecycle."""

from blinker import Signal

from costrel import Costrel
from costrel.core.announce import announce


def test_receivers_get_the_sender_and_the_values():
    app, signal, seen = Costrel("shop"), Signal(), []

    @signal.connect
    def receiver(sender, **values):
        seen.append((sender, values))

    announce(signal, app, response="made")

    assert seen == [(app, {"response": "made"})]


def test_async_receivers_run_to_their_end():
    app, signal, seen = Costrel("shop"), Signal(), []

    @signal.connect
    async def receiver(sender, **values):
        seen.append(values["exc"])

    announce(signal, app, exc=None)

    assert seen == [None]


def test_receivers_of_another_sender_hear_nothing():
    app, signal, seen = Costrel("shop"), Signal(), []

    def receiver(sender):
        seen.append(sender)

    signal.connect(receiver, sender=Costrel("other"))

    announce(signal, app)

    assert seen == []


def test_a_muted_signal_is_not_heard():
    app, signal, seen = Costrel("shop"), Signal(), []

    @signal.connect
    def receiver(sender):
        seen.append(sender)

    with signal.muted():
        announce(signal, app)

    assert seen == []


def test_a_send_that_a_tool_replaced_is_called():
    app, signal, seen = Costrel("shop"), Signal(), []
    signal.send = lambda sender, **values: seen.append((sender, sorted(values)))

    announce(signal, app, exc=None)

    assert seen == [(app, ["_async_wrapper", "exc"])]
