import io
import pickle
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response as WerkzeugResponse
from werkzeug.wsgi import FileWrapper

from costrel import _current, redirect, request_finished, session
from costrel.wrappers import Response


class Reference(WerkzeugResponse):
    default_mimetype = "text/html"


def environ_for(method="GET", **headers):
    environ = EnvironBuilder(method=method).get_environ()
    return environ | {f"HTTP_{name}": value for name, value in headers.items()}


def answer(response, method="GET"):
    body, status, headers = run_wsgi_app(response, environ_for(method))
    return b"".join(body), status, list(headers)


ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "response": st.sampled_from(
            [
                "",
                "text",
                "é",
                b"",
                b"bytes",
                bytearray(b"array"),
                None,
                Markup("<b>"),
                ["a", b"b"],
                [b"one"],
                ("t",),
                [],
            ]
        ),
        "status": st.sampled_from(
            [
                None,
                200,
                201,
                204,
                205,
                304,
                404,
                418,
                599,
                100,
                "200 OK",
                "404",
                "299 Fine",
                HTTPStatus.CREATED,
            ]
        ),
        "headers": st.sampled_from(
            [
                None,
                {},
                {"X-A": "1", "Content-Type": "text/x"},
                [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
                {"Location": "/é"},
                {"location": "/plain?a=1"},
                {"Location": "http://other.example/x"},
                {"Content-Location": "/é"},
                {"Content-Length": "3"},
                {"content-length": "3"},
            ]
        ),
        "mimetype": st.sampled_from(
            [None, "", "text/plain", "application/json", "application/xml", "image/svg+xml", "text/x; a=b"]
        ),
        "content_type": st.sampled_from([None, "", "text/css", "text/plain; charset=latin-1"]),
        "direct_passthrough": st.booleans(),
    },
)


@given(ARGUMENTS, st.sampled_from(["GET", "HEAD", "POST"]))
def test_response_is_answered_as_werkzeugs_is(arguments, method):
    if arguments.get("direct_passthrough") and any(
        isinstance(item, str) for item in arguments.get("response") or ()
    ):
        arguments["direct_passthrough"] = False

    theirs, ours = Reference(**arguments), Response(**arguments)

    assert list(ours.headers) == list(theirs.headers)
    assert (ours.status, ours.status_code) == (theirs.status, theirs.status_code)
    assert list(ours.response) == list(theirs.response)
    assert answer(ours, method) == answer(theirs, method)


CHANGES = {
    "set_data": lambda r: r.set_data("new"),
    "data": lambda r: setattr(r, "data", b"new"),
    "status": lambda r: setattr(r, "status", "201 Made"),
    "status_code": lambda r: setattr(r, "status_code", 404),
    "no content": lambda r: setattr(r, "status_code", 204),
    "add": lambda r: r.headers.add("X-A", 1),
    "replace": lambda r: r.headers.set("Content-Type", "text/x"),
    "no length": lambda r: r.headers.remove("Content-Length"),
    "mimetype": lambda r: setattr(r, "mimetype", "text/x"),
    "cookie": lambda r: r.set_cookie("a", "é;", path="/x;y", httponly=True, samesite="lax"),
    "delete cookie": lambda r: r.delete_cookie("a"),
    "freeze": lambda r: r.freeze(),
    "etag": lambda r: r.add_etag(),
    "cache": lambda r: setattr(r.cache_control, "max_age", 3),
    "vary": lambda r: r.vary.add("Cookie"),
    "stream": lambda r: r.stream.write(b"more"),
    "sequence": lambda r: r.make_sequence(),
    "append": lambda r: r.response.append("é"),
    "generator": lambda r: setattr(r, "response", (part for part in ["a", b"b"])),
    "location": lambda r: setattr(r, "location", "/é"),
    "length": lambda r: setattr(r, "content_length", 2),
    "other headers": lambda r: setattr(r, "headers", Headers([("X-A", "1"), ("Content-Length", "3")])),
}


@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=4), st.sampled_from(["GET", "HEAD"]))
def test_changed_response_is_answered_as_werkzeugs_is(names, method):
    theirs, ours = Reference("text"), Response("text")
    for name in names:
        outcomes = []
        for response in (theirs, ours):
            try:
                CHANGES[name](response)
            except (AttributeError, RuntimeError, TypeError) as error:
                outcomes.append(type(error))
        assert outcomes in ([], outcomes[:1] * 2)

    assert ours.is_streamed == theirs.is_streamed
    assert ours.is_sequence == theirs.is_sequence
    assert answer(ours, method) == answer(theirs, method)


def test_response_is_werkzeugs():
    response = Response("text")

    assert isinstance(response, WerkzeugResponse)
    assert repr(response) == "<Response 4 bytes [200 OK]>"
    assert response.get_data(as_text=True) == "text"
    assert response.direct_passthrough is False
    assert pickle.loads(pickle.dumps(response)).data == b"text"


def test_json_of_a_response_is_read():
    assert Response('{"a": 1}', mimetype="application/json").json == {"a": 1}


def test_all_that_waits_for_the_end_is_called_though_some_of_it_fails():
    called = []

    def stream():
        try:
            yield "a"
        finally:
            raise ZeroDivisionError

    response = Response(stream())
    response.call_on_close(lambda: called.append("first"))
    response.call_on_close(lambda: [].pop())
    response.call_on_close(lambda: called.append("last"))
    next(iter(response.response))

    with pytest.raises(IndexError) as caught:
        response.close()

    assert called == ["first", "last"]
    assert type(caught.value.__context__) is ZeroDivisionError


def test_callbacks_run_when_the_response_ends():
    closed = []
    response = Response("text")
    response.call_on_close(lambda: closed.append(1))

    body = response(environ_for(), lambda *_: None)
    assert closed == []
    body.close()
    assert closed == [1]


def test_sent_headers_are_a_copy():
    response = Response("text")
    sent = []
    response(environ_for(), lambda status, headers: sent.append(headers))
    sent[0].append(("X-Server", "1"))

    assert "X-Server" not in response.headers


HOOKS = {
    "get_wsgi_headers": lambda self, environ: Headers([("X-Mine", "1")]),
    "get_app_iter": lambda self, environ: [b"mine"],
    "get_wsgi_response": lambda self, environ: ([b"mine"], "299 Mine", []),
    "iter_encoded": lambda self: iter([b"mine"]),
    "status": property(lambda self: "299 Mine", lambda self, value: setattr(self, "_status_code", 299)),
    "status_code": property(lambda self: 204, lambda self, value: None),
    "is_sequence": property(lambda self: False),
    "set_data": lambda self, value: setattr(self, "response", [b"mine"]),
    "default_status": 404,
    "default_mimetype": None,
    "automatically_set_content_length": False,
}


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("body", ["text", b"text", ["text"]])
def test_hooks_of_a_subclass_and_of_a_mixin_take_effect(name, body):
    mixin = type("Mixin", (), {name: HOOKS[name]})
    theirs = type("Theirs", (mixin, Reference), {})(body)

    for cls in (type("Mine", (Response,), {name: HOOKS[name]}), type("Mixed", (mixin, Response), {})):
        assert answer(cls(body)) == answer(theirs)


def test_close_of_a_subclass_is_called():
    closed = []

    class Mine(Response):
        def close(self):
            closed.append(1)

    Mine("text")(environ_for(), lambda *_: None).close()

    assert closed == [1]


def test_class_defaults_may_be_changed_later():
    class Mine(Response):
        pass

    Mine("a")
    Mine.default_mimetype = "text/plain"
    Mine.default_status = 201

    assert (Mine("a").content_type, Mine("a").status) == ("text/plain; charset=utf-8", "201 CREATED")


def test_forced_type_is_a_response_whose_headers_are_checked():
    response = Response.force_type(WerkzeugResponse("x"))

    assert type(response) is Response
    with pytest.raises(ValueError):
        response.headers["X"] = "\x00"


def test_wsgi_application_is_made_a_response():
    def application(environ, start_response):
        start_response("299 Fine", [("X-A", "1")])
        return [b"app"]

    response = Response.force_type(application, environ_for())

    assert (response.data, response.status_code, response.headers["X-A"]) == (b"app", 299, "1")


def test_response_works_with_werkzeugs_client():
    assert Client(Response("text"), Response).get("/").text == "text"


def test_remembered_content_types_are_bounded():
    for number in range(1_000):
        Response("", mimetype=f"text/x-{number}")
        Response("", content_type=f"text/x-{number}")

    assert Response("", mimetype="text/x-999").content_type == "text/x-999; charset=utf-8"


DEFAULTS = (("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "SAMEORIGIN"))


@pytest.mark.parametrize(
    ("headers", "frame_options"),
    [(None, "SAMEORIGIN"), ({"X-A": "1"}, "SAMEORIGIN"), ({"x-frame-options": "DENY"}, "DENY")],
)
def test_missing_headers_are_added_and_present_ones_kept(headers, frame_options):
    response = Response("text", headers=headers)
    response.add_missing(DEFAULTS)

    assert response.headers.getlist("X-Frame-Options") == [frame_options]
    assert response.headers.getlist("X-Content-Type-Options") == ["nosniff"]


# Header safety.


@pytest.mark.parametrize("bad", ["\r", "\n", "\x00", "\r\nSet-Cookie: a=1"])
@pytest.mark.parametrize(
    "make",
    [
        lambda bad: Response("", content_type="text/x" + bad),
        lambda bad: Response("", mimetype="text/x" + bad),
        lambda bad: Response("", mimetype="image/x" + bad),
        lambda bad: Response("", headers={"X-A": "x" + bad + "y"}),
        lambda bad: Response("", headers={"X" + bad + "A": "x"}),
        lambda bad: Response("", status="200 OK" + bad + "x"),
        lambda bad: setattr(Response(""), "status", "200 O" + bad + "K"),
        lambda bad: setattr(Response(""), "mimetype", "text/x" + bad),
        lambda bad: Response("").headers.add("X-A", bad),
        lambda bad: Response("").set_cookie("a" + bad, "x"),
        lambda bad: Response("").set_cookie("a", domain="x" + bad),
        lambda bad: Response("").set_cookie("a", expires="x" + bad),
    ],
)
def test_value_that_would_end_a_header_is_refused_when_set(make, bad):
    with pytest.raises(ValueError):
        make(bad)


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_a_visitor_sends_the_answer_is_safe_and_no_error(text, path):
    response = Response("", 302)
    response.location = text
    response.headers.set("Content-Disposition", "attachment", filename=text)
    response.set_cookie("a", text, path=path)

    for name, value in answer(response)[2]:
        assert not set(name + value) & set("\r\n\x00")


@pytest.mark.parametrize(
    "location", ["http://[", "//[", "http://a:b", "http://" + "a" * 64, "//" + "é" * 64, "http://a:99999"]
)
def test_location_that_is_no_url_is_sent_as_a_path(location):
    headers = dict(answer(Response("", 302, {"Location": location}))[2])

    assert headers["Location"].startswith("/")
    assert not headers["Location"].startswith("//")


@pytest.mark.parametrize(
    "location",
    ["////evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "\n//\\evil.example"],
)
def test_location_of_slashes_and_backslashes_stays_on_the_host(location):
    headers = dict(answer(Response("", 302, {"Location": location}))[2])

    assert headers["Location"].startswith("/")
    assert headers["Location"][1] not in "/\\"


def test_what_goes_round_the_checks_is_cleaned_at_the_exit():
    response = Response("text")
    response.headers = Headers()
    response.headers._list.extend([("X-A", "1\r\nX-B: 2\x00"), ("X\r\nC", "3")])

    assert dict(answer(response)[2]) == {"X-A": "1  X-B: 2 ", "Content-Length": "4"}


@pytest.mark.parametrize("path", ["/a;b", "/a\r\nb", "/a b"])
def test_cookie_path_is_encoded(path):
    response = Response("")
    response.set_cookie("a", "1", path=path)

    assert response.headers["Set-Cookie"].count(";") == 1
    assert " b" not in response.headers["Set-Cookie"]


def test_cookie_size_limit_is_the_configurations():
    assert Response("").max_cookie_size == 4_093

    app = SimpleNamespace(config={"MAX_COOKIE_SIZE": 10})
    token = _current.current.set(SimpleNamespace(app=app))
    try:
        with pytest.warns(UserWarning, match="too large"):
            Response("").set_cookie("a", "x" * 20)
    finally:
        _current.current.reset(token)


# Conditional and range requests.

CHANGED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def conditional(method="GET", *, status=200, etag='"a"', length=10, stream=False, **headers):
    body = FileWrapper(io.BytesIO(b"0123456789")) if stream else b"0123456789"
    response = Response(body, status, direct_passthrough=stream)
    response.headers["Last-Modified"] = "Fri, 02 Jan 2026 03:04:05 GMT"
    if etag:
        response.headers["ETag"] = etag
    response.make_conditional(environ_for(method, **headers), accept_ranges=True, complete_length=length)
    return response


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("headers", "status", "body", "content_range"),
    [
        ({}, 200, b"0123456789", None),
        ({"RANGE": "bytes=2-4"}, 206, b"234", "bytes 2-4/10"),
        ({"RANGE": "bytes=-99"}, 206, b"0123456789", "bytes 0-9/10"),
        ({"RANGE": "bytes=8-"}, 206, b"89", "bytes 8-9/10"),
        ({"RANGE": "bytes=0-1,2-3"}, 206, b"0123", "bytes 0-3/10"),
        ({"RANGE": "bytes=0-1,8-9"}, 200, b"0123456789", None),
        ({"RANGE": "pages=1"}, 200, b"0123456789", None),
        ({"RANGE": "bytes=2-4", "IF_RANGE": '"a"'}, 206, b"234", "bytes 2-4/10"),
        ({"RANGE": "bytes=2-4", "IF_RANGE": '"b"'}, 200, b"0123456789", None),
        ({"RANGE": "bytes=2-4", "IF_RANGE": 'W/"a"'}, 200, b"0123456789", None),
        ({"RANGE": "bytes=2-4", "IF_RANGE": "Fri, 02 Jan 2026 03:04:05 GMT"}, 206, b"234", "bytes 2-4/10"),
        ({"RANGE": "bytes=2-4", "IF_RANGE": "Sat, 03 Jan 2026 03:04:05 GMT"}, 200, b"0123456789", None),
        ({"RANGE": "bytes=2-4", "IF_NONE_MATCH": '"a"'}, 304, b"", None),
        ({"RANGE": "bytes=2-4", "IF_UNMODIFIED_SINCE": "Thu, 01 Jan 2026 03:04:05 GMT"}, 412, b"", None),
        ({"RANGE": "bytes=99-", "IF_MATCH": '"b"'}, 412, b"", None),
        ({"IF_MODIFIED_SINCE": "Fri, 02 Jan 2026 03:04:05 GMT"}, 304, b"", None),
    ],
)
def test_conditional_request_is_answered(stream, headers, status, body, content_range):
    response = conditional(stream=stream, **headers)
    sent, _, sent_headers = answer(response)

    assert (response.status_code, sent) == (status, body)
    assert dict(sent_headers).get("Content-Range") == content_range
    if status in (200, 206) and not stream:
        assert dict(sent_headers)["Content-Length"] == str(len(body))


def test_weak_tag_of_ours_holds_no_range():
    assert conditional(etag='W/"a"', RANGE="bytes=0-1", IF_RANGE='W/"a"').status_code == 200


def test_range_is_ignored_for_other_methods():
    for method in ("HEAD", "POST"):
        response = conditional(method, RANGE="bytes=0-1")
        assert response.status_code == 200
        assert "Content-Range" not in response.headers
        assert dict(answer(response, method)[2])["Content-Length"] == "10"


def test_preconditions_count_only_for_what_succeeds():
    assert conditional(status=404, IF_NONE_MATCH='"a"', RANGE="bytes=0-1").status_code == 404
    assert conditional(status=201, IF_NONE_MATCH='"a"').status_code == 304
    assert conditional("POST", IF_NONE_MATCH='"a"').status_code == 200


@pytest.mark.parametrize(
    "text", ["bytes=10-", "bytes=5-4", "nonsense", "bytes=-0", "bytes=" + "0-1," * 16 + "0-1"]
)
def test_range_that_cannot_be_given_is_416_with_the_length(text):
    with pytest.raises(RequestedRangeNotSatisfiable) as caught:
        conditional(RANGE=text)

    assert ("Content-Range", "bytes */10") in caught.value.get_headers()


def test_empty_body_and_unknown_length_have_no_ranges():
    assert conditional(length=0, RANGE="bytes=0-").status_code == 200
    assert conditional(length=None, RANGE="bytes=0-").status_code == 200


def test_ranges_are_offered_only_when_asked_for():
    response = Response("0123456789")
    response.make_conditional(environ_for(RANGE="bytes=0-1"))
    assert (response.status_code, response.accept_ranges) == (200, None)

    response.make_conditional(environ_for(RANGE="bytes=0-1"), accept_ranges="none", complete_length=10)
    assert (response.status_code, response.accept_ranges) == (200, "none")


@pytest.mark.parametrize(("condition", "status"), [("IF_NONE_MATCH", 304), ("IF_MATCH", 412)])
def test_ranges_are_offered_where_the_body_is_not_sent_too(condition, status):
    response = Response("0123456789", headers={"ETag": '"x"'})
    value = {304: '"x"', 412: '"other"'}[status]
    response.make_conditional(environ_for(**{condition: value}), accept_ranges=True, complete_length=10)

    assert (response.status_code, response.accept_ranges) == (status, "bytes")


def test_file_is_closed_when_its_precondition_fails():
    file = io.BytesIO(b"0123456789")
    response = Response(FileWrapper(file), direct_passthrough=True)
    response.make_conditional(environ_for(IF_MATCH='"other"'))

    response(environ_for(), lambda *_: None).close()

    assert response.status_code == 412
    assert file.closed


def test_date_just_now_is_too_weak_for_a_range():
    now = datetime.now(UTC)
    response = Response("0123456789")
    response.last_modified = response.date = now
    environ = environ_for(RANGE="bytes=0-1", IF_RANGE=response.headers["Last-Modified"])
    assert response.make_conditional(environ, accept_ranges=True, complete_length=10).status_code == 200

    response.date = now + timedelta(seconds=1)
    assert response.make_conditional(environ, accept_ranges=True, complete_length=10).status_code == 206


@pytest.mark.parametrize("added", [False, True])
def test_a_response_whose_headers_were_all_taken_says_its_length(app, client, added):
    app.config["SECURITY_HEADERS"] = added

    @app.get("/")
    def index():
        return redirect("/there")

    @app.after_request
    def take_all(response):
        response.headers.clear()
        return response

    response = client(app).get("/")

    assert response.headers["Content-Length"] == str(len(response.data))


def test_a_response_that_lost_its_length_gets_it_again_beside_a_session(app, client):
    app.secret_key = "the key of this test"

    @app.get("/")
    def index():
        session.get("user")
        return "hello"

    @app.after_request
    def change(response):
        response.headers["X-Page"] = "1"
        del response.headers["Content-Length"]
        return response

    response = client(app).get("/")

    assert response.headers["Content-Length"] == "5"
    assert response.headers["Vary"] == "Cookie"


@pytest.mark.parametrize("name", ["Content-Length", "X-Frame-Options", "X-Page"])
def test_a_receiver_of_the_last_signal_may_change_what_is_sent(app, client, name):
    @app.get("/")
    def index():
        return "hello"

    def change(sender, response):
        del response.headers[name]
        response.headers["X-Late"] = "1"

    @app.after_request
    def mark(response):
        response.headers["X-Page"] = "1"
        return response

    with request_finished.connected_to(change, app):
        response = client(app).get("/")

    assert response.headers["Content-Length"] == "5"
    assert response.headers["X-Late"] == "1"
    assert [key for key, _ in response.headers].count("X-Content-Type-Options") == 1
    assert ("X-Frame-Options" in response.headers) == (name != "X-Frame-Options")
    assert ("X-Page" in response.headers) == (name != "X-Page")
