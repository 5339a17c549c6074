import io
import os
import time

import pytest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, NotFound, RequestedRangeNotSatisfiable
from werkzeug.http import http_date
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from costrel.core.files import folder_response

SMALL = b"0123456789" * 10
LARGE = b"0123456789" * 20_000
HOUR = 3_600
NAMES = [
    *("a.txt", "deep/b.css", "page.html", "archive.tar.gz", "no-suffix"),
    *("ann\xe9e.js", 'q"uo te;.txt', "日本.svg"),
]
ODD_PATHS = ["deep/../a.txt", "./a.txt", "deep//b.css"]


class App:
    root_path = "/"
    response_class = Response

    def __init__(self, **config):
        self.config = config


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in (
        "a.txt",
        "deep/b.css",
        "page.html",
        "archive.tar.gz",
        "no-suffix",
        "ann\xe9e.js",
        'q"uo te;.txt',
        "日本.svg",
    ):
        (tmp_path / name).write_bytes(SMALL)
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "large.bin").write_bytes(LARGE)

    return tmp_path


def ours(folder, name, environ, max_age=None, **options):
    return folder_response(App(), environ, folder, name, max_age=max_age, **options)


def werkzeugs(folder, name, environ, max_age=None, **options):
    return send_from_directory(
        folder, name, environ, max_age=max_age, response_class=Response, _root_path="/", **options
    )


def answer(send, folder, name, max_age=None, method="GET", options=None, **headers):
    """Send a file and return all that goes over the wire, or the error that is raised."""
    environ = create_environ("/", method=method, headers=headers)
    environ["wsgi.file_wrapper"] = FileWrapper
    try:
        response = send(folder, name, environ, max_age, **(options or {}))
    except HTTPException as error:
        return type(error), error.description, list(error.get_headers(environ))
    body, status, head = run_wsgi_app(response, environ)
    body = b"".join(body)
    response.close()

    return status, sorted(head.to_wsgi_list()), body


def both(*args, **kwargs):
    # Twice, because Date and Expires may fall into two seconds.
    for _ in range(3):
        results = answer(ours, *args, **kwargs), answer(werkzeugs, *args, **kwargs)
        if results[0] == results[1]:
            break

    return results


NAMES = [
    "a.txt",
    "deep/b.css",
    "page.html",
    "archive.tar.gz",
    "no-suffix",
    "ann\xe9e.js",
    'q"uo te;.txt',
    "日本.svg",
]


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1-3"}, {"If-Match": '"other"'}])
@pytest.mark.parametrize("mimetype", [None, "text/x-own", "application/json", "image/png; q=1", ""])
@pytest.mark.parametrize("download_name", [None, "ber icht.pdf", "日記.csv", "a.tar.gz", "", 'q"', "n" * 300])
@pytest.mark.parametrize("name", ["a.txt", "archive.tar.gz", "no-suffix"])
def test_download_is_answered_as_werkzeug_answers_it(folder, name, download_name, mimetype, headers):
    for as_attachment in (True, False):
        options = {"as_attachment": as_attachment, "download_name": download_name, "mimetype": mimetype}

        mine, theirs = both(folder, name, options=options, **headers)

        assert mine == theirs


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("max_age", [None, 0, HOUR])
@pytest.mark.parametrize("name", [*NAMES, *ODD_PATHS, "empty.txt", "large.bin"])
def test_file_is_answered_as_werkzeug_answers_it(folder, name, max_age, method):
    mine, theirs = both(folder, name, max_age, method=method)

    assert mine == theirs
    assert mine[0] == "200 OK"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "../x",
        "deep/../../x",
        "deep",
        "none.txt",
        "a.txt/x",
        "a\0.txt",
        "x" * 300,
    ],
)
def test_what_is_no_file_of_the_folder_is_not_found(folder, name):
    mine, theirs = both(folder, name)

    assert mine == theirs
    assert mine[0] is NotFound


def conditions(folder):
    head = ours(folder, "a.txt", create_environ("/")).headers
    etag, modified = head["ETag"], head["Last-Modified"]
    earlier, later = http_date(0), http_date(time.time() + HOUR)

    return [
        {"If-None-Match": etag},
        {"If-None-Match": "W/" + etag},
        {"If-None-Match": f'"other", {etag}'},
        {"If-None-Match": '"other"'},
        {"If-None-Match": "*"},
        {"If-None-Match": '"other"', "If-Modified-Since": later},
        {"If-None-Match": etag, "If-Modified-Since": earlier},
        {"If-None-Match": etag, "Range": "bytes=0-4"},
        {"If-None-Match": etag, "If-Match": '"other"'},
        {"If-Modified-Since": modified},
        {"If-Modified-Since": earlier},
        {"If-Modified-Since": later},
        {"If-Modified-Since": "nonsense"},
        {"If-Match": etag},
        {"If-Match": '"other"'},
        {"Range": "bytes=0-4"},
        {"Range": "bytes=5-"},
        {"Range": "bytes=-5"},
        {"Range": "bytes=0-"},
        {"Range": "bytes=1000-"},
        {"Range": "bytes=0-1,4-5"},
        {"Range": "nonsense"},
        {"Range": "bytes=0-4", "If-Range": etag},
        {"Range": "bytes=0-4", "If-Range": '"other"'},
        {"Range": "bytes=0-4", "If-Range": modified},
        {"Range": "bytes=0-4", "If-Range": earlier},
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("number", range(26))
def test_conditions_and_ranges_are_answered_as_werkzeug_answers_them(folder, number, method):
    headers = conditions(folder)[number]

    mine, theirs = both(folder, "a.txt", method=method, **headers)

    assert mine == theirs


@pytest.mark.parametrize("name", ["large.bin", "empty.txt"])
@pytest.mark.parametrize("asked", ["bytes=0-4", "bytes=150000-", "bytes=-1", "bytes=900000-"])
def test_ranges_of_long_and_empty_files_are_answered_as_werkzeug_answers_them(folder, name, asked):
    mine, theirs = both(folder, name, Range=asked)

    assert mine == theirs


def test_changed_file_gets_a_new_tag_length_and_date(folder):
    before = dict(answer(ours, folder, "a.txt")[1])
    (folder / "a.txt").write_bytes(b"changed")
    os.utime(folder / "a.txt", (1_000_000_000, 1_000_000_000))

    status, head, body = answer(ours, folder, "a.txt")

    after = dict(head)
    assert (status, body) == ("200 OK", b"changed")
    assert after["Content-Length"] == "7"
    assert after["Last-Modified"] == "Sun, 09 Sep 2001 01:46:40 GMT"
    assert after["ETag"] != before["ETag"]
    assert (after, body) == (dict(answer(werkzeugs, folder, "a.txt")[1]), body)


def test_removed_file_is_not_found_any_more(folder):
    answer(ours, folder, "a.txt")
    (folder / "a.txt").unlink()

    assert answer(ours, folder, "a.txt")[0] is NotFound


def test_small_file_is_one_piece_and_closed_already(folder):
    response = ours(folder, "a.txt", create_environ("/"))

    assert response.response == [SMALL]
    assert response.direct_passthrough is True


def test_long_file_goes_through_the_servers_wrapper(folder):
    class Wrapper(FileWrapper):
        pass

    environ = create_environ("/")
    environ["wsgi.file_wrapper"] = Wrapper

    response = ours(folder, "large.bin", environ)

    assert isinstance(response.response, Wrapper)
    assert response.response.file.fileno() > 0
    response.close()
    assert response.response.file.closed


def test_file_is_closed_when_the_range_cannot_be_answered(folder, monkeypatch):
    opened = []
    real = io.FileIO
    monkeypatch.setattr(io, "FileIO", lambda *args: opened.append(real(*args)) or opened[-1])

    with pytest.raises(RequestedRangeNotSatisfiable):
        ours(folder, "large.bin", create_environ("/", headers={"Range": "bytes=900000-"}))

    assert opened[0].closed


def test_no_descriptor_stays_open(folder):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not list descriptors")
    environ = create_environ("/")
    etag = ours(folder, "a.txt", environ).headers["ETag"]
    before = sorted(os.listdir("/proc/self/fd"))

    ours(folder, "a.txt", environ)
    ours(folder, "a.txt", create_environ("/", headers={"If-None-Match": etag}))
    ours(folder, "large.bin", environ).close()
    for name in ("deep", "none", ".."):
        with pytest.raises(NotFound):
            ours(folder, name, environ)

    assert sorted(os.listdir("/proc/self/fd")) == before


def test_function_for_the_age_is_asked_with_the_path(folder):
    asked = []

    response = ours(folder, "a.txt", create_environ("/"), max_age=lambda path: asked.append(path) or HOUR)

    assert asked == [str(folder / "a.txt")]
    assert response.headers["Cache-Control"] == "public, max-age=3600"


def test_server_that_sends_the_file_itself_is_told_its_path(folder):
    app = App(USE_X_SENDFILE=True)

    response = folder_response(app, create_environ("/"), folder, "a.txt", max_age=None)

    assert response.headers["X-Sendfile"] == str(folder / "a.txt")
    assert response.headers["Content-Length"] == str(len(SMALL))


def test_relative_folder_begins_at_the_applications(folder):
    app = App()
    app.root_path = str(folder)

    response = folder_response(app, create_environ("/"), "deep", "b.css", max_age=None)

    assert response.response == [SMALL]


def test_headers_can_be_changed_without_changing_the_next_answer(folder):
    response = ours(folder, "a.txt", create_environ("/"))
    assert isinstance(response.headers, Headers)
    response.headers["Content-Type"] = "text/changed"
    response.headers.add("X-More", "1")

    again = ours(folder, "a.txt", create_environ("/"))

    assert again.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "X-More" not in again.headers


def test_own_response_class_is_used(folder):
    class Own(Response):
        pass

    app = App()
    app.response_class = Own

    assert type(folder_response(app, create_environ("/"), folder, "a.txt", max_age=None)) is Own


def test_default_status_of_an_own_response_class_counts(folder):
    class Own(Response):
        default_status = 202

    app = App()
    app.response_class = Own

    assert folder_response(app, create_environ("/"), folder, "a.txt", max_age=None).status_code == 202


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may read everything")
def test_file_that_may_not_be_read_is_the_operators_mistake(folder):
    (folder / "a.txt").chmod(0)

    with pytest.raises(PermissionError):
        ours(folder, "a.txt", create_environ("/"))


def test_file_cut_while_it_is_read_is_announced_with_what_there_is(folder, monkeypatch):
    real = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: real(fd, size)[:7])

    response = ours(folder, "a.txt", create_environ("/"))

    assert response.headers["Content-Length"] == "7"
    assert io.BytesIO(b"".join(response.response)).getvalue() == SMALL[:7]
