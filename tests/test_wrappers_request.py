import inspect
import io
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import EnvironHeaders, MultiDict
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestEntityTooLarge,
    SecurityError,
    UnsupportedMediaType,
)
from werkzeug.formparser import FormDataParser
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from costrel import _current
from costrel.wrappers import Request


def environ_for(body=b"", **environ):
    return {
        "REQUEST_METHOD": "POST",
        "SERVER_NAME": "box",
        "SERVER_PORT": "80",
        "PATH_INFO": "/",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
    } | environ


def posted(body, content_type, **environ):
    return Request(environ_for(body, CONTENT_TYPE=content_type, **environ))


@pytest.fixture
def config():
    """The configuration of an application whose context is the current one."""
    app = SimpleNamespace(config={}, debug=False, json=json)
    token = _current.current.set(SimpleNamespace(app=app, has_request=True))
    yield app.config
    _current.current.reset(token)


@pytest.fixture
def debug(config):
    _current.current.get().app.debug = True


LAZY = ("method", "scheme", "server", "root_path", "path", "query_string", "headers", "remote_addr")
PARSED = (
    *LAZY,
    "args",
    "cookies",
    "mimetype",
    "mimetype_params",
    "content_length",
    "full_path",
    "is_secure",
    "is_json",
)

environs = st.fixed_dictionaries(
    {},
    optional={
        "REQUEST_METHOD": st.sampled_from(["GET", "post", "HEAD"]),
        "wsgi.url_scheme": st.sampled_from(["http", "https", "wss"]),
        "SERVER_NAME": st.sampled_from(["box", "::1", "/run/x.sock"]),
        "SERVER_PORT": st.sampled_from(["80", "", "x", None]),
        "SCRIPT_NAME": st.sampled_from(["", "/app", "/app//", "/\xc3\xa9", "\xff", None]),
        "PATH_INFO": st.sampled_from(["", "/", "//a/b", "a", "/\xc3\xa9", "/\xff", None]),
        "QUERY_STRING": st.sampled_from(["", "a=1&a=2&b", "a=%C3%A9&b=%FF&c=x%26y", "+%2B="]),
        "HTTP_COOKIE": st.sampled_from(["", "a=1; a=2; =x", 'q="\\303\\251"', "\xe9=\xe9"]),
        "CONTENT_TYPE": st.sampled_from(
            ["", "Text/HTML; Charset=utf-8", "application/json", "application/ld+json;a=b", None]
        ),
        "CONTENT_LENGTH": st.sampled_from(["", "0", "12", "-1", "x"]),
        "HTTP_TRANSFER_ENCODING": st.sampled_from(["chunked", "gzip", "gzip, Chunked"]),
        "REMOTE_ADDR": st.just("1.2.3.4"),
    },
)


@given(environs)
def test_attributes_are_those_of_werkzeugs_request(environ):
    theirs, ours = WerkzeugRequest(dict(environ), False), Request(dict(environ), False)

    for name in PARSED:
        if name in ("mimetype", "mimetype_params", "is_json") and environ.get("CONTENT_TYPE", "") is None:
            continue  # Werkzeug fails here
        their_value, our_value = getattr(theirs, name), getattr(ours, name)
        if name == "headers":
            their_value, our_value = list(their_value), list(our_value)
        assert our_value == their_value, name
        assert type(our_value) is type(their_value)
        # The second time it comes from where the first one put it.
        assert getattr(ours, name) is getattr(ours, name) or name in ("mimetype", "full_path")


def test_request_is_werkzeugs_and_takes_its_arguments():
    environ = environ_for()
    request = Request(environ)

    assert isinstance(request, WerkzeugRequest)
    assert environ["werkzeug.request"] is request
    assert isinstance(request.headers, EnvironHeaders)
    theirs = list(inspect.signature(WerkzeugRequest.__init__).parameters)
    assert list(inspect.signature(Request.__init__).parameters) == theirs
    assert "werkzeug.request" not in Request(environ_for(), populate_request=False).environ


def test_shallow_request_does_not_read():
    environ = environ_for(b"a=1", CONTENT_TYPE="application/x-www-form-urlencoded")
    request = Request(environ, shallow=True)

    assert request.shallow
    assert "werkzeug.request" not in environ
    for read in (lambda: request.form, lambda: request.stream, request.get_data):
        with pytest.raises(RuntimeError, match="input stream"):
            read()


def test_subclass_may_override_the_constructor():
    class Mine(Request):
        def __init__(self, environ, populate_request=True, shallow=False):
            super().__init__(environ, populate_request, shallow)
            self.path = "/mine"

    request = Mine(environ_for(PATH_INFO="/theirs"))

    assert request.path == "/mine"
    assert request.url == "http://box/mine"


@pytest.mark.parametrize("name", LAZY)
def test_attributes_can_be_set(name):
    request = Request(environ_for())
    setattr(request, name, "set")

    assert getattr(request, name) == "set"


def test_werkzeugs_ways_to_make_a_request_work():
    request = Request.from_values("/a?b=1", method="POST", json={"c": 2})
    assert (request.path, request.args["b"], request.get_json(), type(request)) == (
        "/a",
        "1",
        {"c": 2},
        Request,
    )

    application = Request.application(lambda request: WerkzeugResponse(request.method))
    assert b"".join(application(EnvironBuilder(method="PUT").get_environ(), lambda *_: None)) == b"PUT"


def test_representation_says_the_url_also_when_it_is_malformed():
    assert repr(Request(environ_for())) == "<Request 'http://box/' [POST]>"
    assert "invalid URL" in repr(Request(environ_for(HTTP_HOST="a b")))


@pytest.mark.parametrize(
    ("endpoint", "blueprint", "blueprints"),
    [(None, None, []), ("index", None, []), ("shop.index", "shop", ["shop"]), ("a.b.c", "a.b", ["a.b", "a"])],
)
def test_endpoint_and_blueprints_come_from_the_rule(endpoint, blueprint, blueprints):
    request = Request(environ_for())
    assert (request.url_rule, request.view_args, request.routing_exception) == (None, None, None)
    if endpoint:
        request.url_rule = Rule("/", endpoint=endpoint)

    assert (request.endpoint, request.blueprint, request.blueprints) == (endpoint, blueprint, blueprints)


LIMITS = {
    "max_content_length": ("MAX_CONTENT_LENGTH", None),
    "max_form_memory_size": ("MAX_FORM_MEMORY_SIZE", 500_000),
    "max_form_total_memory_size": ("MAX_FORM_TOTAL_MEMORY_SIZE", 2_500_000),
    "max_form_parts": ("MAX_FORM_PARTS", 1_000),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limit_is_the_requests_own_else_the_configurations(name, config):
    key, _ = LIMITS[name]
    config[key] = 7
    request = Request(environ_for())
    assert getattr(request, name) == 7

    setattr(request, name, 9)
    assert getattr(request, name) == 9

    setattr(request, name, None)
    assert getattr(request, name) is None


@pytest.mark.parametrize("name", LIMITS)
def test_limit_outside_of_a_context_is_the_default(name):
    assert getattr(Request(environ_for()), name) == LIMITS[name][1]


def test_subclass_may_fix_a_limit(config):
    class Small(Request):
        max_content_length = 3

    config["MAX_CONTENT_LENGTH"] = 100
    with pytest.raises(RequestEntityTooLarge):
        Small(environ_for(b"1234")).get_data()


READERS = {
    "get_data": lambda request: request.get_data(),
    "data": lambda request: request.data,
    "stream": lambda request: request.stream.read(),
    "lines": lambda request: list(request.stream),
    "form": lambda request: request.form,
    "files": lambda request: request.files,
    "values": lambda request: request.values,
    "json": lambda request: request.get_json(force=True),
    "silent json": lambda request: request.get_json(force=True, silent=True),
}
TYPES = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"]


def applies(reader, content_type):
    return not (reader in ("form", "files", "values", "data") and content_type == "application/json")


CASES = [(r, t) for r in READERS for t in TYPES if applies(r, t)]


@pytest.mark.parametrize(("reader", "content_type"), CASES)
def test_chunked_body_over_the_limit_is_413_whoever_reads_it(reader, content_type):
    request = posted(b"x" * 11, content_type, HTTP_TRANSFER_ENCODING="chunked")
    request.environ["wsgi.input_terminated"] = True
    request.max_content_length = 10

    with pytest.raises(RequestEntityTooLarge):
        READERS[reader](request)


@pytest.mark.parametrize(("reader", "content_type"), CASES)
@pytest.mark.parametrize("terminated", [False, True])
def test_body_cut_short_is_400_whoever_reads_it(reader, content_type, terminated):
    request = posted(b"12345", content_type, CONTENT_LENGTH="100")
    if terminated:
        request.environ["wsgi.input_terminated"] = True

    with pytest.raises(BadRequest):
        READERS[reader](request)


@pytest.mark.parametrize(("reader", "content_type"), CASES)
def test_server_that_fails_to_read_is_400_whoever_reads_it(reader, content_type):
    class Broken:
        def read(self, size=-1):
            raise OSError("invalid chunk size")

        readline = read

    request = posted(b"", content_type, CONTENT_LENGTH="5", **{"wsgi.input": Broken()})

    with pytest.raises(BadRequest):
        READERS[reader](request)


def test_urlencoded_form_is_read():
    request = posted(b"a=1&b=%C3%A9&a=2", "application/x-www-form-urlencoded; charset=utf-8")

    assert request.form == MultiDict([("a", "1"), ("b", "é"), ("a", "2")])
    assert type(request.form) is Request.parameter_storage_class
    assert not request.files
    assert request.stream.read() == b""
    assert request.values.getlist("a") == ["1", "2"]


def test_form_is_read_from_data_that_was_kept():
    request = posted(b"a=1", "application/x-www-form-urlencoded")

    assert request.get_data() == b"a=1"
    assert request.form["a"] == "1"


def test_form_without_content_type_is_empty_and_leaves_the_body():
    request = Request(environ_for(b"a=1"))

    assert not request.form
    assert request.get_data() == b"a=1"


@pytest.mark.parametrize(
    ("limit", "value", "body"),
    [
        ("max_form_parts", 1, b"a=1&b=2"),
        ("max_form_memory_size", 3, b"a=1234"),
        ("max_form_total_memory_size", 5, b"a=1&b=2"),
    ],
)
def test_urlencoded_form_over_a_limit_is_413_each_time(limit, value, body):
    request = posted(body, "application/x-www-form-urlencoded")
    setattr(request, limit, value)

    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge):
            request.form
        request.environ["wsgi.input"].seek(0)
        request.__dict__.pop("stream")


def test_own_parser_class_is_used():
    class Upper(FormDataParser):
        def parse(self, stream, mimetype, content_length, options=None):
            return stream, self.cls([("A", stream.read().decode().upper())]), self.cls()

    class Mine(Request):
        form_data_parser_class = Upper

    assert Mine(posted(b"a=1", "application/x-www-form-urlencoded").environ).form["A"] == "A=1"


def test_upload_is_read_and_closed_with_the_request():
    builder = EnvironBuilder(method="POST", data={"title": "é", "file": (io.BytesIO(b"\x00data"), "a.bin")})
    with Request(builder.get_environ()) as request:
        assert request.form["title"] == "é"
        file = request.files["file"]
        assert (file.filename, file.read()) == ("a.bin", b"\x00data")

    assert file.stream.closed
    builder.close()


def test_two_boundaries_are_400():
    with pytest.raises(BadRequest, match="two boundaries"):
        posted(b"x", "multipart/form-data; boundary=a; boundary=b").form


@pytest.mark.usefixtures("debug")
def test_in_debug_mode_a_missing_enctype_is_explained():
    request = posted(b"photo=me.png", "application/x-www-form-urlencoded")

    with pytest.raises(KeyError, match="enctype"):
        request.files["photo"]


def test_json_is_read_once_and_kept():
    request = posted(b'{"a": 1}', "application/json")

    assert request.get_json() == {"a": 1}
    assert request.json is request.get_json()


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded", "text/json"])
def test_json_of_another_content_type_is_415(content_type):
    with pytest.raises(UnsupportedMediaType):
        posted(b"{}", content_type).json

    assert posted(b"{}", content_type).get_json(silent=True) is None
    assert posted(b"{}", content_type).get_json(force=True) == {}


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/problem+json; a=b", "Application/JSON"]
)
def test_json_types_are_json(content_type):
    assert posted(b"{}", content_type).is_json


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", DEEP, b'{"a":' * 50_000])
def test_malformed_or_too_deep_json_is_400(body):
    with pytest.raises(BadRequest) as caught:
        posted(body, "application/json").get_json()

    assert "decode" not in str(caught.value)
    assert posted(body, "application/json").get_json(silent=True) is None


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("body", [b"{", DEEP])
def test_in_debug_mode_malformed_json_is_explained(body):
    with pytest.raises(BadRequest, match="Failed to decode JSON object"):
        posted(body, "application/json").get_json()


def test_malformed_json_may_be_answered_otherwise():
    class Mine(Request):
        def on_json_loading_failed(self, e):
            return {"error": type(e).__name__}

    assert Mine(posted(b"{", "application/json").environ).json["error"].endswith("Error")
    assert Mine(posted(DEEP, "application/json").environ).json["error"].endswith("Error")


@pytest.mark.parametrize("name", ["host", "url", "base_url", "root_url", "host_url", "url_root"])
def test_malformed_host_is_400_wherever_it_is_used(name):
    request = Request(environ_for(HTTP_HOST="evil.example/?x="))

    with pytest.raises(SecurityError):
        getattr(request, name)


def test_trusted_hosts_come_from_the_configuration_or_the_request(config):
    config["TRUSTED_HOSTS"] = [".shop.example"]
    assert Request(environ_for(HTTP_HOST="API.shop.example:5000")).host == "API.shop.example:5000"

    with pytest.raises(SecurityError):
        Request(environ_for(HTTP_HOST="other.example")).host

    request = Request(environ_for(HTTP_HOST="other.example"))
    request.trusted_hosts = ["other.example"]
    assert request.host == "other.example"


@pytest.mark.parametrize(
    "name", ["accept_mimetypes", "accept_charsets", "accept_encodings", "accept_languages"]
)
def test_accept_headers_are_read_up_to_a_hundred_members(name):
    key = {"accept_mimetypes": "HTTP_ACCEPT"}.get(
        name, "HTTP_" + name.upper().replace("ENCODINGS", "ENCODING")
    )
    key = key.replace("CHARSETS", "CHARSET").replace("LANGUAGES", "LANGUAGE")

    assert len(getattr(Request({key: ",".join(["a/b"] * 5_000)}), name)) == 100
    assert len(getattr(Request({key: ",".join(["a/b"] * 100)}), name)) == 100
    assert type(getattr(Request({}), name)) is type(getattr(WerkzeugRequest({}), name))


def test_range_header_has_at_most_sixteen_ranges():
    assert Request({}).range is None
    assert (
        len(Request({"HTTP_RANGE": "bytes=" + ",".join(f"{n * 2}-{n * 2}" for n in range(16))}).range.ranges)
        == 16
    )
    assert Request({"HTTP_RANGE": "bytes=" + ",".join(f"{n * 2}-{n * 2}" for n in range(17))}).range is None


PROPERTIES = sorted(
    name
    for name in dir(Request)
    if not name.startswith("_")
    and not callable(getattr(Request, name, None))
    and name not in ("environ", "json_module")
)
CLIENT_SENT = [
    *(
        "HTTP_ACCEPT",
        "HTTP_ACCEPT_LANGUAGE",
        "HTTP_AUTHORIZATION",
        "HTTP_CACHE_CONTROL",
        "HTTP_COOKIE",
        "HTTP_DATE",
    ),
    *(
        "HTTP_IF_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_IF_RANGE",
        "HTTP_IF_UNMODIFIED_SINCE",
    ),
    *("HTTP_MAX_FORWARDS", "HTTP_PRAGMA", "HTTP_RANGE", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "CONTENT_TYPE"),
    *("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "CONTENT_LENGTH", "QUERY_STRING", "PATH_INFO"),
]
TEXT = st.text(st.characters(max_codepoint=255), max_size=40) | st.lists(
    st.sampled_from(
        [
            ",",
            ";",
            "=",
            '"',
            "\\",
            "q=",
            "*",
            "%",
            "bytes=",
            "-",
            "1",
            "a",
            " ",
            "+9999999999999",
            "GMT",
            "06 Nov 1994",
        ]
    )
).map("".join)


@given(st.dictionaries(st.sampled_from(CLIENT_SENT), TEXT))
def test_no_header_makes_an_error_500(headers):
    request = Request(environ_for() | headers)

    for name in PROPERTIES:
        try:
            getattr(request, name)
        except HTTPException as error:
            if error.code >= 500:
                raise
