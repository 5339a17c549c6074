"""One publisher, many subscribers, in memory: what every application's event stream reads from."""

from __future__ import annotations

import asyncio

_QUEUED = 100
_queues: set[asyncio.Queue] = set()


def text(number):
    """Return what an event carries."""
    return f"event number {number}"


def subscribers():
    """Count those who are listening now."""
    return len(_queues)


async def subscribe():
    """Yield the numbers that are published from now on, until the publisher is done."""
    queue = asyncio.Queue(_QUEUED)
    _queues.add(queue)
    try:
        while (number := await queue.get()) is not None:
            yield number
    finally:
        _queues.discard(queue)


async def publish(count):
    """Hand ``count`` numbers to each subscriber; who is slow slows the publisher, and loses nothing."""
    for number in [*range(count), None]:
        for queue in [*_queues]:
            await queue.put(number)
        await asyncio.sleep(0)
