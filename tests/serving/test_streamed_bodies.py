"""Bodies read piece by piece and part by part, in sync and async views, over both protocols."""

from __future__ import annotations

import asyncio
import io

import pytest

from costrel import request

FORM = (
    b'--limes\r\nContent-Disposition: form-data; name="title"\r\n\r\nHoliday\r\n'
    b'--limes\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'
    + b"0"
    * 200_000
    + b"\r\n"
    b"--limes--\r\n"
)
FORM_TYPE = "multipart/form-data; boundary=limes"


@pytest.fixture(params=["wsgi", "asgi"])
def post(request):
    """Send a body and return the answer's status and text: ``await post(app, b"…", content_type)``."""

    async def by_wsgi(app, body, content_type="text/plain"):
        response = await asyncio.to_thread(
            app.test_client().post, "/", data=body, headers={"Content-Type": content_type}
        )
        return response.status_code, response.text

    async def by_asgi(app, body, content_type="text/plain"):
        headers = [(b"content-type", content_type.encode())]
        ask = request.getfixturevalue("ask")
        answer = await ask(app, "/", method="POST", headers=headers, body=body)
        return answer.status, answer.body.decode()

    return by_wsgi if request.param == "wsgi" else by_asgi


STREAMED = pytest.mark.parametrize("stream_body", [True, False])


def add_view(app, view, stream_body=True):
    app.add_url_rule("/", "index", view, methods=["POST"], stream_body=stream_body)


@STREAMED
async def test_async_view_reads_the_body_piece_by_piece(app, post, stream_body):
    async def view():
        return str(sum([len(piece) async for piece in request.stream]))

    add_view(app, view, stream_body)

    assert await post(app, b"x" * 300_000) == (200, "300000")


@STREAMED
async def test_async_view_reads_the_body_at_once(app, post, stream_body):
    async def view():
        first = await request.stream.aread(1)
        return (first + await request.stream.aread()).decode()

    add_view(app, view, stream_body)

    assert await post(app, b"hello") == (200, "hello")


@STREAMED
async def test_sync_view_reads_the_body_in_blocks(app, post, stream_body):
    def view():
        return b"".join(iter(lambda: request.stream.read(2), b"")).decode()

    add_view(app, view, stream_body)

    assert await post(app, b"hello") == (200, "hello")


@pytest.mark.parametrize("way", ["pieces", "all"])
async def test_body_over_the_limit_is_413_in_an_async_view(app, post, way):
    async def view():
        if way == "all":
            return await request.stream.aread()
        return b"".join([piece async for piece in request.stream])

    app.config["MAX_CONTENT_LENGTH"] = 10
    add_view(app, view)

    assert (await post(app, b"x" * 11))[0] == 413
    assert await post(app, b"x" * 10) == (200, "x" * 10)


async def read_parts_async():
    found = {}
    async for part in request.parts():
        if part.filename is None:
            found[part.name] = (await part.aread()).decode()
        else:
            found[part.filename] = sum([len(piece) async for piece in part])

    return found


def read_parts_sync():
    found = {}
    for part in request.parts():
        found[part.filename or part.name] = (
            part.read().decode() if part.filename is None else sum(map(len, part))
        )

    return found


@STREAMED
@pytest.mark.parametrize("view", [read_parts_async, read_parts_sync])
async def test_upload_is_read_part_by_part(app, post, stream_body, view):
    add_view(app, view, stream_body)

    status, text = await post(app, FORM, FORM_TYPE)

    assert status == 200
    assert app.json.loads(text) == {"title": "Holiday", "a.bin": 200_000}


async def test_limits_of_forms_hold_for_parts(app, post):
    app.config["MAX_FORM_MEMORY_SIZE"] = 3
    add_view(app, read_parts_async)

    assert (await post(app, FORM, FORM_TYPE))[0] == 413


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (FORM, "multipart/form-data", 400),
        (FORM, FORM_TYPE + "; boundary=other", 400),
        (FORM[:-20], FORM_TYPE, 400),
    ],
)
@pytest.mark.parametrize("view", [read_parts_async, read_parts_sync])
async def test_what_is_no_multipart_form_is_refused(app, post, body, content_type, status, view):
    add_view(app, view)

    assert (await post(app, body, content_type))[0] == status


async def test_parts_can_be_made_of_data_that_was_read(app, post):
    async def view():
        request.get_data()
        return await read_parts_async()

    add_view(app, view, stream_body=False)

    assert (await post(app, FORM, FORM_TYPE))[0] == 200


def test_parts_and_the_form_exclude_each_other(app):
    options = {"method": "POST", "content_type": FORM_TYPE, "content_length": len(FORM)}
    with app.test_request_context(input_stream=io.BytesIO(FORM), **options):
        assert request.form["title"] == "Holiday"
        with pytest.raises(RuntimeError, match=r"parts\(\) would read"):
            request.parts()

    with app.test_request_context(input_stream=io.BytesIO(FORM), **options):
        assert next(request.parts()).name == "title"
        assert next(request.parts()).name == "f"
        with pytest.raises(RuntimeError, match="nothing left for form"):
            _ = request.files
