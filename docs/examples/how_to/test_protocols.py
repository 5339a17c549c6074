import asyncio

import pytest

from costrel import Costrel, WebSocketDisconnect
from costrel.sse import EventStream


def create_app():
    app = Costrel(__name__)
    app.config["TESTING"] = True

    @app.while_serving
    async def prices():
        app.extensions["prices"] = {"cup": 3}
        yield
        del app.extensions["prices"]

    @app.get("/price/<item>")
    async def price(item):
        return {"price": app.extensions["prices"][item]}

    @app.get("/feed")
    async def feed():
        return EventStream(["open", "closed"])

    @app.websocket("/add")
    async def add(ws):
        while True:
            numbers = await ws.receive_json()
            if not numbers:
                await ws.close(4000, "nothing to add")
                return
            await ws.send_json(sum(numbers))

    return app


@pytest.fixture
def app():
    return create_app()


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_prices_are_told_over_both_protocols(app, protocol):
    with app.test_app() as served:
        assert served.test_client(protocol=protocol).get("/price/cup").json == {"price": 3}


def test_events_are_read_one_by_one(app):
    response = app.test_client(protocol="asgi").get("/feed")

    assert [event.data for event in response.iter_events()] == ["open", "closed"]


def test_a_websocket_adds_and_closes(app):
    with app.test_client().websocket("/add") as ws:
        ws.send_json([2, 3])
        assert ws.receive_json() == 5

        ws.send_json([])
        with pytest.raises(WebSocketDisconnect):
            ws.receive()

    assert (ws.close_code, ws.close_reason) == (4000, "nothing to add")


# With pytest-asyncio or anyio, this is an async test, and needs no asyncio.run.
def test_requests_may_be_awaited(app):
    async def main():
        async with app.test_app() as served:
            client = served.test_client()
            answers = await asyncio.gather(*(client.get("/price/cup") for _ in range(3)))

            assert [answer.json["price"] for answer in answers] == [3, 3, 3]
            async with client.websocket("/add") as ws:
                await ws.send_json([1, 1])
                assert await ws.receive_json() == 2

    asyncio.run(main())
