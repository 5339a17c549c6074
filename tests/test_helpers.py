import gc
import io

import pytest
from werkzeug.exceptions import Gone, NotFound
from werkzeug.http import parse_options_header
from werkzeug.utils import send_file as werkzeug_send_file
from werkzeug.wrappers import Response as PlainResponse

from costrel import (
    Blueprint,
    Costrel,
    Response,
    abort,
    flash,
    get_flashed_messages,
    get_template_attribute,
    helpers,
    make_response,
    message_flashed,
    redirect,
    request,
    send_file,
    send_from_directory,
    session,
    stream_template_string,
    stream_with_context,
    url_for,
)
from costrel.errors import ContextError


@pytest.fixture
def torn_down(app):
    """The errors that the teardown functions of the request and of the context were given."""
    seen = []
    app.teardown_request(lambda error: seen.append(("request", error)))
    app.teardown_appcontext(lambda error: seen.append(("app", error)))

    return seen


# Outside of a context


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: url_for("index"), "url_for()"),
        (lambda: make_response("x"), "make_response()"),
        (lambda: flash("x"), "flash()"),
        (get_flashed_messages, "get_flashed_messages()"),
        (lambda: send_file("x"), "send_file()"),
        (lambda: send_from_directory("x", "y"), "send_from_directory()"),
        (lambda: stream_with_context(iter(())), "stream_with_context()"),
        (lambda: get_template_attribute("a", "b"), "get_template_attribute()"),
    ],
)
def test_use_outside_of_a_context_names_the_function_and_the_line(call, name):
    with pytest.raises(RuntimeError, match="Working outside of") as caught:
        call()

    assert isinstance(caught.value, ContextError)
    assert name in str(caught.value)
    assert "with app." in str(caught.value)


def test_redirect_and_abort_work_without_an_application():
    response = redirect("/a\r\nX-Evil: 1", 303, Response=PlainResponse)

    assert response.status_code == 303
    assert "\n" not in response.headers["Location"]
    with pytest.raises(NotFound):
        abort(404)


# What the application overrides counts


def test_url_for_asks_the_application():
    class App(Costrel):
        def url_for(self, endpoint, **values):
            return f"{endpoint} {sorted(item for item in values.items() if item[1] is not None)}"

    with App(__name__).app_context():
        assert url_for("a", _anchor="b", x=1) == "a [('_anchor', 'b'), ('x', 1)]"


@pytest.mark.parametrize(
    "location", ["/a\r\nSet-Cookie: b=c", "/\x00", "/\x7f\t", "//x\n", "/\ud800", "/caf\xe9?\u65e5"]
)
def test_redirect_to_any_text_makes_a_header_and_never_a_500(app, client, location):
    app.add_url_rule("/", "index", lambda: redirect(location))

    response = client(app).get("/")

    assert response.status_code == 302
    assert "Set-Cookie" not in response.headers
    assert response.headers["Location"].isprintable()


def test_redirect_asks_the_application():
    class App(Costrel):
        def redirect(self, location, code=302):
            return f"{code} {location}"

    with App(__name__).app_context():
        assert redirect("/x", 307) == "307 /x"


def test_abort_asks_the_applications_aborter(app):
    app.aborter.mapping[499] = Gone

    with app.app_context(), pytest.raises(Gone):
        abort(499)


def test_abort_raises_also_if_the_aborter_does_not(app):
    app.aborter = lambda code: None

    with app.app_context(), pytest.raises(NotFound):
        abort(404)


def test_make_response_takes_what_a_view_may_return(app):
    with app.test_request_context():
        assert make_response().status_code == 200
        assert make_response("made", 201).status_code == 201
        assert make_response(("made", 201, {"X-A": "b"})).headers["X-A"] == "b"
        assert isinstance(make_response({"a": 1}), Response)


def test_template_attribute_is_a_macro_or_a_variable(app, tmp_path):
    (tmp_path / "m.html").write_text("{% macro hi(name) %}Hi {{ name }}{% endmacro %}{% set x = 5 %}")
    app.template_folder = str(tmp_path)

    with app.app_context():
        assert get_template_attribute("m.html", "hi")("<you>") == "Hi &lt;you&gt;"
        assert get_template_attribute("m.html", "x") == 5


# Messages


def test_messages_wait_for_the_next_page_and_go_with_it(app, client):
    @app.get("/set")
    def put():
        flash("first")
        flash("second", "error")
        return ""

    @app.get("/get")
    def take():
        return repr([get_flashed_messages(), get_flashed_messages(with_categories=True)])

    visitor = client(app)
    visitor.get("/set")

    assert visitor.get("/get").text == repr(
        [["first", "second"], [("message", "first"), ("error", "second")]]
    )
    assert visitor.get("/get").text == repr([[], []])


def test_messages_are_filtered_by_category(app):
    with app.test_request_context():
        for category in ("a", "b", "c"):
            flash(f"of {category}", category)

        assert get_flashed_messages(category_filter=["a", "c"]) == ["of a", "of c"]
        assert get_flashed_messages(True, ["b"]) == [("b", "of b")]
        assert get_flashed_messages() == ["of a", "of b", "of c"]


def test_flash_assigns_so_that_any_session_notices(app):
    with app.test_request_context():
        session["_flashes"] = []
        before = session["_flashes"]
        flash("x")

        assert before == []
        assert session.modified


def test_signal_tells_of_each_message(app):
    seen = []

    def note(sender, **values):
        seen.append((sender, values["message"], values["category"]))

    with message_flashed.connected_to(note, app), app.test_request_context():
        flash("hello", "info")

    assert seen == [(app, "hello", "info")]


# Files


def test_file_of_the_applications_folder_is_sent(app, tmp_path):
    app.root_path = str(tmp_path)
    (tmp_path / "a.txt").write_text("content")

    with app.test_request_context():
        response = send_file("a.txt")
        response.direct_passthrough = False

        assert response.get_data() == b"content"
        assert response.headers["Cache-Control"] == "no-cache"
        assert isinstance(response, Response)
        response.close()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Range": "bytes=2-5"},
        {"Range": "bytes=99-"},
        {"If-None-Match": "*"},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("name", ["a.txt", ".hidden", "ä b.tar.gz", "folder/x"])
def test_a_file_as_it_is_is_sent_as_werkzeug_sends_it(app, client, tmp_path, headers, method, name):
    (tmp_path / "folder").mkdir()
    path = tmp_path / name
    path.write_text("content of a file")

    @app.route("/ours", methods=["GET", "POST"])
    def ours():
        return send_file(path)

    @app.route("/werkzeug", methods=["GET", "POST"])
    def werkzeug():
        return werkzeug_send_file(path, request.environ, conditional=True, response_class=Response)

    some = client(app)
    sent, expected = (some.open(url, method=method, headers=headers) for url in ("/ours", "/werkzeug"))

    assert (sent.status_code, sent.data) == (expected.status_code, expected.data)
    for answer in (sent, expected):
        answer.close()
        answer.headers.pop("Date", None)  # a second may pass
    assert sorted(sent.headers) == sorted(expected.headers)


def test_a_type_that_would_be_a_second_header_is_an_error(app, tmp_path):
    (tmp_path / "a.txt").write_text("a")

    with app.test_request_context(), pytest.raises(ValueError, match="newline"):
        send_file(tmp_path / "a.txt", mimetype="text/plain\r\nX-Other: 1")
    with app.test_request_context(), pytest.raises(ValueError, match="newline"):
        send_from_directory(tmp_path, "a.txt", mimetype="text/plain\nX-Other: 1")


@pytest.mark.parametrize(("name", "error"), [("none.txt", FileNotFoundError), ("", IsADirectoryError)])
def test_a_path_that_is_no_file_is_an_error_of_the_developer(app, tmp_path, name, error):
    with app.test_request_context(), pytest.raises(error):
        send_file(tmp_path / name)


def test_open_file_needs_a_name_or_a_type(app):
    with app.test_request_context():
        with pytest.raises(TypeError, match="MIME type"):
            send_file(io.BytesIO(b"x"))
        with pytest.raises(TypeError, match="attachment"):
            send_file(io.BytesIO(b"x"), mimetype="text/plain", as_attachment=True)

        assert send_file(io.BytesIO(b"x"), download_name="a.csv").mimetype == "text/csv"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain.txt", "plain.txt"),
        ('say "hi".txt', 'say "hi".txt'),
        ("ann\xe9e.txt", "ann\xe9e.txt"),
        ("日本.txt", "日本.txt"),
        ("a;b=c.txt", "a;b=c.txt"),
        ("a\r\nSet-Cookie: b=c.txt", "a__Set-Cookie: b=c.txt"),
        ("a\x00.txt", "a_.txt"),
        ("a\udcff.txt", "a_.txt"),
    ],
)
def test_any_download_name_makes_a_header_and_never_a_500(app, client, name, expected):
    @app.get("/")
    def download():
        return send_file(io.BytesIO(b"x"), as_attachment=True, download_name=name)

    response = client(app).get("/")

    assert response.status_code == 200
    kind, options = parse_options_header(response.headers["Content-Disposition"])
    assert (kind, options["filename"]) == ("attachment", expected)
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["a.txt/", "a.txt/.", "./a.txt"])
def test_download_is_named_after_the_file_that_a_path_means(app, tmp_path, path):
    (tmp_path / "a.txt").write_text("x")

    with app.test_request_context():
        response = send_from_directory(tmp_path, path, as_attachment=True)
        response.close()

    assert response.headers["Content-Disposition"] == "attachment; filename=a.txt"
    assert response.mimetype == "text/plain"


def test_line_break_in_the_name_of_a_file_on_disk_does_no_harm(app, client, tmp_path):
    (tmp_path / "a\nb.txt").write_text("x")
    app.add_url_rule("/file", "file", lambda: send_file(tmp_path / "a\nb.txt"))
    app.add_url_rule("/dir", "dir", lambda: send_from_directory(tmp_path, "a\nb.txt"))
    app.add_url_rule("/named", "named", lambda: send_from_directory(tmp_path, "a\nb.txt", as_attachment=True))

    for path in ("/file", "/dir", "/named"):
        with client(app).get(path) as response:
            assert response.status_code == 200
            assert "filename=a_b.txt" in response.headers["Content-Disposition"]


def test_age_comes_from_the_application_unless_given(app, tmp_path):
    (tmp_path / "a.txt").write_text("x")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3_600

    with app.test_request_context():
        for send in (
            lambda **options: send_file(tmp_path / "a.txt", **options),
            lambda **options: send_from_directory(tmp_path, "a.txt", **options),
            lambda **options: send_from_directory(tmp_path, "a.txt", mimetype="text/x", **options),
        ):
            with send() as response:
                assert response.cache_control.max_age == 3_600
            with send(max_age=5) as response:
                assert response.cache_control.max_age == 5


def test_directory_is_never_left(app, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.txt").write_text("x")

    with app.test_request_context():
        for name in ("../secret.txt", "/etc/passwd", "none.txt", "", "."):
            with pytest.raises(NotFound):
                send_from_directory(tmp_path / "in", name)
            with pytest.raises(NotFound):
                send_from_directory(tmp_path / "in", name, as_attachment=True)


# Streams


def test_stream_keeps_the_request_until_its_end(app, client, torn_down):
    @app.get("/")
    def index():
        def generate():
            yield "hello "
            yield request.args["name"]
            yield f" {len(torn_down)}"

        return stream_with_context(generate())

    response = client(app).get("/?name=ada")

    assert response.text == "hello ada 0"
    assert torn_down == [("request", None), ("app", None)]


def test_stream_function_is_decorated_and_keeps_its_arguments(app, client):
    @stream_with_context
    def generate(greeting, *, end):
        """Greet."""
        yield greeting
        yield request.args["name"]
        yield end

    app.add_url_rule("/", "index", lambda: Response(generate("hi ", end="!")))

    assert client(app).get("/?name=ada").text == "hi ada!"
    assert generate.__name__ == "generate"
    assert generate.__doc__ == "Greet."


def test_session_and_after_request_hooks_work_with_a_stream(app, client):
    @app.get("/")
    def index():
        session["n"] = 1
        return stream_with_context(str(session["n"]) for _ in range(3))

    app.after_request(lambda response: response.headers.add("X-After", "1") or response)

    response = client(app).get("/")

    assert response.text == "111"
    assert response.headers["X-After"] == "1"
    assert "session=" in response.headers["Set-Cookie"]


def call(app, path="/"):
    """Call an application as a server does; return the body's iterator."""
    environ = Costrel(__name__).test_request_context(path).request.environ

    return app.wsgi_app(environ, lambda status, headers, exc_info=None: None)


def test_client_that_leaves_ends_the_stream_and_the_request_once(app, torn_down):
    closed = []

    @app.get("/")
    def index():
        def generate():
            try:
                while True:
                    yield request.path
            finally:
                closed.append(request.path)

        return stream_with_context(generate())

    body = call(app)
    assert next(iter(body)) == b"/"
    assert torn_down == []

    body.close()
    body.close()

    assert closed == ["/"]
    assert torn_down == [("request", None), ("app", None)]


def test_abandoned_stream_leaves_nothing_on_the_thread_and_is_torn_down(app, torn_down):
    app.add_url_rule("/", "index", lambda: stream_with_context(request.path for _ in range(9)))
    body = call(app)
    next(iter(body))

    with pytest.raises(RuntimeError, match="outside"):
        request.path
    del body
    gc.collect()

    assert torn_down == [("request", None), ("app", None)]


def test_stream_that_nobody_reads_is_torn_down(app, client, torn_down):
    app.add_url_rule("/", "index", lambda: stream_with_context(request.path for _ in range(9)))

    assert client(app).head("/").status_code == 200

    assert torn_down == [("request", None), ("app", None)]


def test_error_in_a_stream_reaches_the_teardown(app, torn_down):
    @app.get("/")
    def index():
        def generate():
            yield "x"
            raise LookupError("broken")

        return stream_with_context(generate())

    body = call(app)
    with pytest.raises(LookupError):
        list(body)
    body.close()

    assert [(kind, type(error)) for kind, error in torn_down] == [
        ("request", LookupError),
        ("app", LookupError),
    ]


@pytest.fixture
def without_collector():
    """What a test asks for happens without the garbage collector, or not at all."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def pieces():
    yield "x"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("propagate", [False, True])
def test_stream_that_is_not_sent_for_an_error_does_not_keep_the_teardown_waiting(
    app, client, torn_down, without_collector, propagate, is_async
):
    @app.after_request
    def fail(response):
        raise LookupError("broken")

    async def aindex():
        return stream_with_context(pieces())

    app.add_url_rule("/", "index", aindex if is_async else lambda: stream_with_context(iter("abc")))
    app.config["PROPAGATE_EXCEPTIONS"] = propagate
    try:
        client(app).get("/")
    except LookupError:
        assert propagate

    assert [(kind, type(error)) for kind, error in torn_down] == [
        ("request", LookupError),
        ("app", LookupError),
    ]


def test_stream_of_an_error_page_is_sent_before_the_teardown(app, client, torn_down):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.add_url_rule("/", "index", lambda: stream_with_context(iter("abc")))

    @app.after_request
    def fail(response):
        if response.status_code == 200:
            raise LookupError("broken")
        return response

    @app.errorhandler(500)
    def page(error):
        return stream_with_context(f"{request.path}{len(torn_down)}" for _ in range(2)), 500

    assert client(app).get("/").text == "/0/0"
    gc.collect()
    assert len(torn_down) == 2


def test_two_streams_at_once_see_their_own_request(app, torn_down):
    app.add_url_rule("/<x>", "x", lambda x: stream_with_context(request.view_args["x"] for _ in range(3)))

    pairs = list(zip(call(app, "/a"), call(app, "/b"), strict=True))

    assert pairs == [(b"a", b"b")] * 3
    gc.collect()
    assert len(torn_down) == 4


def test_streamed_template_sees_the_request(app, client, torn_down):
    app.add_url_rule(
        "/", "index", lambda: stream_template_string("{{ request.args.x }}{{ n }}", n=len(torn_down))
    )

    assert client(app).get("/?x=1").text == "10"
    assert len(torn_down) == 2


def test_stream_of_an_inner_app_context_keeps_the_request_around_it(app, client, torn_down):
    @app.get("/")
    def index():
        with app.app_context():
            return stream_with_context(f"{request.path}{len(torn_down)}" for _ in range(1))

    response = client(app).get("/")

    assert response.text == "/1"  # the inner context's own
    assert torn_down[-2:] == [("request", None), ("app", None)]


@pytest.mark.parametrize("value", [None, 5])
def test_what_cannot_be_streamed_is_refused(app, value):
    with app.test_request_context(), pytest.raises(TypeError, match="takes a generator or a function"):
        stream_with_context(value)


# Names and paths


def test_blueprint_path_is_split_from_the_inside():
    assert helpers._split_blueprint_path("a") == ["a"]
    assert helpers._split_blueprint_path("a.b.c") == ["a.b.c", "a.b", "a"]


def test_static_file_of_a_blueprint_is_sent(app, client, tmp_path):
    (tmp_path / "a.css").write_text("a {}")
    app.register_blueprint(
        Blueprint("b", __name__, static_folder=str(tmp_path), url_prefix="/b", static_url_path="/s")
    )

    assert client(app).get("/b/s/a.css").text == "a {}"
