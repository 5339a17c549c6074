"""What an application does not use, its start and its first request do not load.

Told by modules, not by time: each of those named here costs 0.2 to 40 ms of every start.
"""

import json
import subprocess
import sys

import pytest

START = "from costrel import Costrel; app = Costrel('shop')"
PLAIN_REQUEST = """
import io
app.add_url_rule("/", "index", lambda: "hello")
environ = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "",
    "SERVER_NAME": "shop.example", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
}
answer = app(environ, lambda status, headers, exc_info=None: None)
assert b"".join(answer) == b"hello"
"""

# By what needs them. Modules that Werkzeug's requests and responses import are no choice of ours.
UNUSED = {
    "the development server and the test client": "http.server ssl werkzeug.serving werkzeug.test",
    "templates": "jinja2 costrel._environment costrel.core.rendering",
    "the command line": "argparse click costrel.cli dotenv importlib.metadata",
    "async views": "asyncio concurrent.futures costrel.serving.offload",
    "signed sessions": "itsdangerous costrel.core.signing",
    "uploads": "costrel.core.multipart",
    "explanations": "costrel.debug costrel.debughelpers costrel.routing.suggest werkzeug.debug",
    "tests": "costrel.testing unittest",
    "values of no JSON type": "decimal",
    "nothing": "pathlib subprocess xml",
}


def loaded_by(code):
    code = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    # isolated, so that no plugin of this environment's own start loads anything; its paths are handed over
    start = f"import sys; sys.path[:] = {sys.path!r}\n"
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", start + code], check=True, capture_output=True)

    return set(json.loads(answer.stdout))


@pytest.fixture(scope="module")
def before():
    return loaded_by("")


@pytest.fixture(scope="module", params=[START, START + PLAIN_REQUEST], ids=["start", "first request"])
def loaded(request, before):
    return loaded_by(request.param) - before


@pytest.mark.parametrize("needed_for", sorted(UNUSED))
def test_what_is_not_used_is_not_loaded(loaded, needed_for):
    assert loaded.isdisjoint(UNUSED[needed_for].split())


def test_first_request_finds_nearly_all_it_needs_loaded(before):
    started, answered = loaded_by(START), loaded_by("import io\n" + START + PLAIN_REQUEST)

    assert len(answered - started) <= 3, sorted(answered - started)


@pytest.mark.parametrize(
    ("use", "module"),
    [
        ("app.jinja_env", "jinja2"),
        ("import werkzeug; werkzeug.Client", "werkzeug.test"),
        ("app.cli", "click"),
        ("app.secret_key = 'k'; app.session_interface.get_signing_serializer(app)", "itsdangerous"),
    ],
)
def test_what_is_used_is_loaded_then(use, module):
    assert module in loaded_by(f"{START}\n{use}")
