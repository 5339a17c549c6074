"""The examples of the pages on WebSockets do what the pages say."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "sockets"


def load(name):
    spec = importlib.util.spec_from_file_location(f"example_sockets_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    return module.app


def test_the_chat_is_for_those_who_are_logged_in(connect, run, Refused):
    app = load("chat")
    cookies = []
    for name in ("Ada", "Bob"):
        client = app.test_client()
        client.post(f"/login/{name}")
        cookies.append({"Cookie": f"session={client.get_cookie('session').value}"})

    async def main():
        with pytest.raises(Refused) as caught:
            await connect("/rooms/hall", to=app).open()
        async with connect("/rooms/hall", cookies[0], to=app) as ada:
            said = [await ada.receive()]
            async with connect("/rooms/hall", cookies[1], to=app) as bob:
                said += [await bob.receive(), await ada.receive()]
                await bob.send("hello")
                said += [await bob.receive(), await ada.receive()]
        return caught.value.status, [json.loads(text) for text in said]

    both = {"by": "Bob", "text": "hello"}
    assert run(main) == (401, [{"joined": "Ada"}, {"joined": "Bob"}, {"joined": "Bob"}, both, both])


def test_the_handler_from_quart_answers(connect, run):
    async def main():
        async with connect("/ws/hall", to=load("ported_from_quart")) as client:
            await client.send_json([1])
            return json.loads(await client.receive())

    assert run(main) == {"room": "hall", "echo": [1]}


def test_the_feed_ends_with_its_client(connect, run):
    app = load("feed")
    client = app.async_test_client()

    async def main():
        async with connect("/news", to=app) as listener:
            await listener.send("here I am")
            while not listener.to_app.empty():
                await asyncio.sleep(0)
            counts = [(await client.post("/news/rain")).json["listeners"]]
            news = await listener.receive()
            await listener.leave(1_001)
            await listener.done()
            counts.append((await client.post("/news/sun")).json["listeners"])
        return news, counts

    assert run(main) == ("rain", [1, 0])


@pytest.mark.parametrize("path", ["/blocking", "/class"])
def test_the_other_styles_echo(connect, run, path):
    async def main():
        async with connect(path, to=load("styles")) as client:
            await client.send("x")
            return await client.receive()

    assert run(main) == "x"
