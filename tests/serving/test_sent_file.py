"""Files by the server's own means: when a path is given away, and when the file is read here after all."""

from __future__ import annotations

import io
import os
import tempfile

import pytest
from werkzeug.test import EnvironBuilder

from costrel import send_file, send_from_directory
from costrel.serving.sent_file import FILE_RANGE, PATHSEND, SentFile, span_of

LENGTH = 300_000
CONTENT = os.urandom(LENGTH)
WHOLE = {PATHSEND: {}}
RANGES = {PATHSEND: {}, FILE_RANGE: {}}


@pytest.fixture
def path(tmp_path):
    """A file that is longer than what is read at once."""
    path = tmp_path / "long.bin"
    path.write_bytes(CONTENT)

    return path


@pytest.fixture(params=["async", "sync"])
def view_of(request):
    """Make a view of either kind out of a function."""

    def make(function):
        async def view():
            return function()

        return view if request.param == "async" else function

    return make


def given_away(answer):
    """What the server was told to send, without the type."""
    return [
        {key: value for key, value in message.items() if key != "type"}
        for message in answer.messages
        if message["type"] == PATHSEND
    ]


async def test_server_that_sends_paths_is_given_one(app, ask, path, view_of):
    app.get("/")(view_of(lambda: send_file(path)))

    answer = await ask(app, "/", extensions=WHOLE)

    assert given_away(answer) == [{"path": str(path)}]
    assert answer.body == b""
    assert answer.headers["content-length"] == str(LENGTH)


async def test_server_that_does_not_is_sent_the_file(app, ask, path, view_of):
    app.get("/")(view_of(lambda: send_file(path)))

    answer = await ask(app, "/")

    assert answer.body == CONTENT
    assert answer.headers["content-length"] == str(LENGTH)


async def test_file_up_to_a_quarter_megabyte_takes_one_piece(app, ask, tmp_path):
    (tmp_path / "middle.bin").write_bytes(CONTENT[:262_144])
    app.get("/")(lambda: send_from_directory(tmp_path, "middle.bin"))

    answer = await ask(app, "/")

    assert [len(message["body"]) for message in answer.messages[1:]] == [262_144]


RANGE = [(b"range", b"bytes=100000-199999")]


@pytest.mark.parametrize(
    ("extensions", "given"),
    [(None, []), (WHOLE, []), (RANGES, [{"start": 100_000, "stop": 200_000}])],
    ids=["no means", "whole files", "ranges"],
)
async def test_range_is_sent_by_who_can(app, ask, path, view_of, extensions, given):
    app.get("/")(view_of(lambda: send_file(path)))

    answer = await ask(app, "/", headers=RANGE, extensions=extensions)

    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes 100000-199999/{LENGTH}"
    assert given_away(answer) == [{"path": str(path), **one} for one in given]
    assert answer.body == (b"" if given else CONTENT[100_000:200_000])


async def test_head_and_known_files_send_nothing(app, ask, path):
    app.get("/")(lambda: send_file(path))

    head = await ask(app, "/", method="HEAD", extensions=RANGES)
    etag = head.headers["etag"].encode()
    known = await ask(app, "/", headers=[(b"if-none-match", etag)], extensions=RANGES)

    assert (head.status, head.body, given_away(head)) == (200, b"", [])
    assert (known.status, known.body, given_away(known)) == (304, b"", [])


async def test_file_that_is_removed_before_it_is_sent_is_sent_all_the_same(app, ask, path):
    @app.get("/")
    def view():
        response = send_file(path)
        path.unlink()
        return response

    answer = await ask(app, "/", extensions=WHOLE)

    assert answer.body == CONTENT
    assert given_away(answer) == []


async def test_file_that_was_replaced_is_sent_as_it_was_opened(app, ask, path):
    @app.get("/")
    def view():
        response = send_file(path)
        path.rename(f"{path}.old")
        path.write_bytes(b"new")
        return response

    assert (await ask(app, "/", extensions=WHOLE)).body == CONTENT


async def test_file_that_a_background_task_may_remove_is_read_here(app, ask, path, view_of):
    def view():
        app.add_background_task(os.remove, path)
        return send_file(path)

    app.get("/")(view_of(view))
    answer = await ask(app, "/", extensions=WHOLE)

    assert answer.body == CONTENT
    assert given_away(answer) == []


def _opened_halfway(path):
    file = path.open("rb")
    file.seek(1_000)
    return file


def _in_memory(path):
    return io.BytesIO(path.read_bytes())


def _temporary(path):
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115  # the response closes it
    file.write(path.read_bytes())
    file.seek(0)
    return file


def _unnamed(path):
    return open(os.open(path, os.O_RDONLY), "rb")


@pytest.mark.parametrize("opened", [_opened_halfway, _in_memory, _temporary, _unnamed])
async def test_file_without_a_path_that_means_the_same_is_read_here(app, ask, path, opened):
    @app.get("/")
    def view():
        return send_file(opened(path), mimetype="text/plain")

    answer = await ask(app, "/", extensions=RANGES)

    assert given_away(answer) == []
    assert answer.body == (CONTENT[1_000:] if opened is _opened_halfway else CONTENT)


@pytest.mark.parametrize("symlinks", [True, False])
async def test_static_file_is_opened_anew_only_where_links_may_lead_anywhere(app, ask, path, symlinks):
    app.static_folder = path.parent
    app.config["STATIC_SYMLINKS"] = symlinks
    app.add_url_rule("/files/<path:filename>", "files", app.send_static_file)

    answer = await ask(app, f"/files/{path.name}", extensions=RANGES)

    assert given_away(answer) == ([{"path": str(path)}] if symlinks else [])
    assert answer.body == (b"" if symlinks else CONTENT)


async def test_length_that_a_view_set_itself_is_kept_to(app, ask, path):
    @app.get("/")
    def view():
        response = send_file(path)
        response.content_length = 10
        return response

    answer = await ask(app, "/", extensions=RANGES)

    assert given_away(answer) == []


async def test_file_is_closed_when_its_path_was_sent(app, ask, path):
    files = []

    @app.get("/")
    def view():
        files.append(path.open("rb"))
        response = send_file(files[0], mimetype="text/plain")
        response.content_length = LENGTH
        return response

    answer = await ask(app, "/", extensions=WHOLE)

    assert len(given_away(answer)) == 1
    assert files[0].closed


def test_relative_path_is_that_of_the_file_that_was_opened(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    with open(path.name, "rb") as file:
        assert span_of(SentFile(file), LENGTH, WHOLE).path == str(path)
        monkeypatch.chdir("/")
        assert span_of(SentFile(file), LENGTH, WHOLE) is None


def test_server_of_wsgi_that_wraps_files_wraps_them(app, path):
    class Wrapper:
        def __init__(self, file, buffer_size=8_192):
            self.file = file

        def close(self):
            self.file.close()

    app.get("/")(lambda: send_file(path))
    environ = {**EnvironBuilder().get_environ(), "wsgi.file_wrapper": Wrapper}

    body = app(environ, lambda status, headers: None)

    assert type(body) is Wrapper
    body.close()
