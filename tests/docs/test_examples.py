"""Every example that a page shows is executed here, or is a test file itself and run as one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
# Files that pytest finds by itself, or that are parts of a package another test imports.
RUN_ELSEWHERE = {"guestbook", "how_to/test_application.py", "how_to/alias.py", "how_to/wsgi.py"}


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

    left = {name for name in names if not name.startswith(tuple(RUN_ELSEWHERE))}

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
