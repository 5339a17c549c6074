"""Every example that a page shows is executed here, or is a test file itself and run as one."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from costrel.serving.lifespan import serving

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
# Files that pytest finds by itself, or that are parts of a package another test imports.
RUN_ELSEWHERE = {
    "database_tests",
    "csrf",
    "forms",
    "guestbook",
    "server_sessions",
    "sockets",
    "how_to/test_application.py",
    "how_to/test_protocols.py",
    "how_to/alias.py",
    "how_to/wsgi.py",
}


def load(name):
    path = EXAMPLES / name
    spec = importlib.util.spec_from_file_location(f"example_{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]

    return module


def run_python(code, **environ):
    """Run code in a process of its own: the alias is for good."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr

    return done.stdout.strip()


def test_no_example_is_forgotten():
    source = Path(__file__).read_text(encoding="utf-8")
    names = {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.py")}

    # A folder with tests of its own runs itself.
    tested = {f"{path.parent.relative_to(EXAMPLES)}/" for path in EXAMPLES.rglob("test_*.py")} - {"how_to/"}
    left = {name for name in names if not name.startswith((*RUN_ELSEWHERE, *tested))}

    assert not {name for name in left if f'"{name}"' not in source}


def test_the_first_application_greets():
    client = load("hello/app.py").app.test_client()

    assert client.get("/").text == "Hello, traveller!"
    assert client.get("/greet/Ada").json == {"greeting": "Hello, Ada!"}


def test_the_template_shows_entries_escaped():
    page = load("templates/app.py").app.test_client().get("/").text

    assert "<strong>Ada</strong>" in page
    assert "&lt;b&gt;soup&lt;/b&gt;" in page


def test_the_ported_view_reads_and_writes_notes():
    client = load("how_to/ported.py").app.test_client()

    assert client.get("/notes/1").json == {"text": "Fill the flask.", "self": "/notes/1"}
    assert client.put("/notes/1", json={"text": "Done."}).json == {"text": "Done."}
    assert client.get("/notes/2").status_code == 404


def test_the_proxied_application_believes_one_proxy():
    client = load("how_to/proxied.py").app.test_client()
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7", "X-Forwarded-Proto": "https"}

    assert client.get("/", headers=headers).text == "203.0.113.7 over https"


def test_under_the_alias_an_application_of_flask_is_costrels():
    code = (
        "import runpy; app = runpy.run_path(FILE)['app']; print(app.test_client().get('/').json['served_by'])"
    )

    assert run_python(code.replace("FILE", repr(str(EXAMPLES / "how_to" / "alias.py")))) == "costrel.app"


def test_the_file_for_servers_has_the_guest_book(tmp_path):
    code = "import wsgi; print(wsgi.app.name)"
    folders = os.pathsep.join([str(EXAMPLES / "how_to"), str(EXAMPLES / "guestbook"), *sys.path])

    assert run_python(code, PYTHONPATH=folders) == "guestbook"


@pytest.mark.parametrize("readme", [EXAMPLES / "readme.py"])
def test_the_example_of_the_readme_runs_and_is_shown_whole(readme):
    shown = (EXAMPLES.parents[1] / "README.md").read_text(encoding="utf-8")
    client = load("readme.py").app.test_client()

    assert readme.read_text(encoding="utf-8") in shown
    assert client.get("/users/7").json == {"id": 7, "url": "/users/7"}


SERVER, WORKER, LOOP, EITHER = (
    "the caller's",
    "costrel-worker",
    "costrel-loop",
    "the caller's or costrel-loop",
)


@pytest.mark.parametrize(
    ("path", "wsgi", "asgi"),
    [
        ("/sync", [SERVER], [WORKER]),
        ("/quick", [SERVER], [LOOP]),
        ("/async", [EITHER, LOOP], [LOOP, LOOP]),  # a loop that is busy has no turn to lend
        ("/sync-hook/sync", [SERVER, SERVER], [WORKER, WORKER]),
        ("/sync-hook/async", [SERVER, EITHER, LOOP], [WORKER, LOOP, LOOP]),
        ("/async-hook/sync", [LOOP, SERVER], [LOOP, WORKER]),
    ],
)
def test_code_runs_where_the_page_says(path, wsgi, asgi, protocol):
    places = wsgi if protocol == "wsgi" else asgi

    ran = load("where/app.py").app.test_client(protocol=protocol).get(path).json

    expected = [place.replace("the caller's", threading.current_thread().name) for place in places]
    assert len(ran) == len(expected)
    for key, place in zip(sorted(ran), expected, strict=True):
        assert ran[key].split(",")[0] in place.split(" or ")


async def test_the_feed_sends_what_was_missed_and_what_is_new():
    app = load("streams/feed.py").app
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    left = asyncio.Event()

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        pieces.put_nowait(message.get("body", b""))

    async def post(text):
        messages = [{"type": "http.request", "body": b"text=" + text, "more_body": False}]
        form = (b"content-type", b"application/x-www-form-urlencoded")
        headers = [(b"host", b"localhost"), form, (b"content-length", b"%d" % len(messages[0]["body"]))]
        sent = []

        async def collect(message):
            sent.append(message)

        await app.asgi(scope("POST", "/messages", headers), lambda: asyncio.sleep(0, messages.pop()), collect)
        assert sent[0]["status"] == 201

    def scope(method, path, headers):
        return {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": headers,
        }

    async def until(text):
        seen = b""
        while text not in seen:
            seen += await asyncio.wait_for(pieces.get(), 30)
        return seen

    await post(b"one")
    await post(b"two")
    headers = [(b"host", b"localhost"), (b"last-event-id", b"1")]
    reader = asyncio.ensure_future(app.asgi(scope("GET", "/feed", headers), receive, send))

    seen = await until(b"two")
    await post(b"three")
    assert b"id: 3\ndata: " in await until(b"three")
    assert b"one" not in seen
    left.set()
    await asyncio.wait_for(reader, 30)


def test_uploads_are_digested_as_they_come():
    client = load("streams/uploads.py").app.test_client()

    digests = client.post("/digests", data={"title": "x", "f": (io.BytesIO(b"data"), "f.bin")})

    assert digests.json == {"f.bin": hashlib.sha256(b"data").hexdigest()}
    assert client.put("/length", data=b"x" * 100_000).json == {"length": 100_000}


def test_the_live_example_of_the_readme_is_shown_whole_and_runs(protocol):
    shown = (EXAMPLES.parents[1] / "README.md").read_text(encoding="utf-8")
    client = load("live/readme.py").app.test_client(protocol=protocol)

    assert (EXAMPLES / "live" / "readme.py").read_text(encoding="utf-8") in shown
    assert client.get("/").status_code == 200
    events = client.get("/numbers").iter_events()
    assert [json.loads(event.data)["number"] for event in events] == [0, 1, 2]
    with client.websocket("/echo") as ws:
        ws.send("hello")
        assert ws.receive() == "hello"


async def test_who_is_in_a_room_of_the_chat_gets_what_is_written():
    client = load("live/chat.py").app.async_test_client()

    assert "new WebSocket" in (await client.get("/")).text
    async with client.websocket("/rooms/hall?name=Ada") as ada:
        assert await ada.receive_json() == {"text": "Ada came in"}
        async with client.websocket("/rooms/hall?name=Bob") as bob:
            assert await ada.receive_json() == await bob.receive_json() == {"text": "Bob came in"}
            await ada.send("Hello!")
            assert await bob.receive_json() == await ada.receive_json() == {"text": "Ada: Hello!"}
        assert await ada.receive_json() == {"text": "Bob left"}


async def test_likes_are_shown_as_they_change():
    client = load("live/likes.py").app.async_test_client()

    assert "new EventSource" in (await client.get("/")).text
    response = await client.get("/likes", buffered=False)
    events = response.aiter_events()
    shown = [json.loads((await anext(events)).data)]
    await client.post("/likes")
    shown.append(json.loads((await anext(events)).data))
    await response.aclose()
    assert shown == [{"likes": 0}, {"likes": 1}]


@pytest.mark.parametrize("is_whole", [True, False])
def test_uploads_are_stored_whole_or_not_at_all(tmp_path, protocol, is_whole):
    module = load("streams/store.py")
    module.folder = tmp_path
    client = module.app.test_client(protocol=protocol)
    end = b"\r\n--b--\r\n" if is_whole else b""
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\n' + b"x" * 200_000 + end

    response = client.post("/films", data=body, content_type="multipart/form-data; boundary=b")

    assert response.status_code == (201 if is_whole else 400)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == ([200_000] if is_whole else [])


def test_orders_are_mailed_and_told_after_the_answer(protocol):
    module = load("background/app.py")

    with serving(module.app):
        client = module.app.test_client(protocol=protocol)
        assert client.post("/orders/7", data={"mail": "ada@example.org"}).status_code == 202
    assert module.done == {"mails": 1, "orders": 1, "sweeps": 1}


def test_the_script_makes_costrels_names_of_quarts():
    code = """\
from quart import Quart, render_template, request
from quart import ResponseReturnValue
app = Quart(__name__)
    name = (await request.form)["name"]
    data = await request.get_json()
    await flash("saved")
    async for piece in request.body:
    return await render_template("page.html", name=name)
    return await stream_template("page.html")
    assert await response.get_data() == await response.data == b"x"
"""

    done = subprocess.run(
        ["sed", "-E", "-f", str(EXAMPLES / "how_to" / "from_quart.sed")],
        input=code,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (
        done.stdout
        == """\
from costrel import Costrel, arender_template, request
from costrel.typing import ResponseReturnValue
app = Costrel(__name__)
    name = (request.form)["name"]
    data = request.get_json()
    flash("saved")
    async for piece in request.stream:
    return await arender_template("page.html", name=name)
    return astream_template("page.html")
    assert response.get_data() == response.data == b"x"
"""
    )


def test_the_shop_mails_closes_its_pool_and_bounds_what_is_slow():
    module = load("lifespan/app.py")
    app = module.app

    with serving(app):
        assert app.test_client().post("/orders/7/mail").status_code == 202
    assert module.sent == ["mail for order 7", "pool closed"]
    assert app.test_client().get("/slow").status_code == 504
    with ThreadPoolExecutor() as pool:
        assert pool.submit(module.nightly, "north").result() == "north: https://shop.example/orders/7"
