"""The alias: what ``import flask`` gives in a process that has it, and in one that has not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"


def run(*arguments, python=sys.executable, **env):
    """Run Python without the folder of the tests on its path, and return what came of it."""
    return subprocess.run(
        [python, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **env},
    )


def answers(code):
    """Run code with the alias; it puts what it wants to tell into the dict ``answer``."""
    script = (
        f"import costrel.as_flask, json\nanswer = {{}}\n{textwrap.dedent(code)}\nprint(json.dumps(answer))"
    )
    done = run("-W", "error", "-c", script)
    assert done.returncode == 0, done.stderr

    return json.loads(done.stdout.splitlines()[-1])


def test_both_names_give_one_module():
    answer = answers("""
        import costrel, flask, sys
        import flask.app, flask.sansio.scaffold, flask.json.tag
        answer["package"] = flask is costrel
        answer["module"] = flask.app is sys.modules["costrel.app"] is sys.modules["flask.app"]
        answer["deep"] = flask.sansio.scaffold is sys.modules["costrel.sansio.scaffold"]
        answer["json"] = flask.json.tag is sys.modules["costrel.json.tag"]
    """)

    assert answer == {"package": True, "module": True, "deep": True, "json": True}


def test_a_module_keeps_the_marks_of_its_own_import():
    answer = answers("""
        import flask.json
        import costrel.json as own
        for mark in ("__name__", "__package__"):
            answer[mark] = getattr(own, mark)
        answer["__spec__"] = own.__spec__.name
        answer["loads itself"] = own.__loader__ is own.__spec__.loader
        answer["__path__"] = own.__path__ == own.__spec__.submodule_search_locations
    """)

    assert answer == {
        "__name__": "costrel.json",
        "__package__": "costrel.json",
        "__spec__": "costrel.json",
        "loads itself": True,
        "__path__": True,
    }


def test_what_flask_loads_is_loaded_under_its_names():
    answer = answers("""
        import flask, sys
        names = ("app", "globals", "wrappers", "sansio.app")
        answer["there"] = [name for name in names if f"flask.{name}" in sys.modules]
    """)

    assert answer["there"] == ["app", "globals", "wrappers", "sansio.app"]


@pytest.mark.parametrize(
    "name",
    ["flask.ext", "flask.ext.login", "flask._current", "flask.core", "flask.as_flask", "flask.nothing"],
)
def test_a_module_that_flask_does_not_have_is_not_found(name):
    done = run("-c", f"import costrel.as_flask\nimport {name}")

    assert f"ModuleNotFoundError: No module named '{'.'.join(name.split('.')[:2])}'" in done.stderr


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("flask", "_request_ctx_stack"),
        ("flask", "Markup"),
        ("flask", "escape"),
        ("flask.globals", "_app_ctx_stack"),
        ("flask.json", "JSONEncoder"),
        ("flask.helpers", "_endpoint_from_view_func"),
    ],
)
def test_a_name_that_went_with_flask_2_stays_away(module, name):
    done = run("-c", f"import costrel.as_flask\nfrom {module} import {name}")

    assert f"ImportError: cannot import name {name!r}" in done.stderr


def test_what_flasks_modules_merely_import_is_there_under_its_names_alone():
    answer = answers("""
        import costrel.blueprints
        answer["before"] = hasattr(costrel.blueprints, "AppGroup")
        from flask.app import Rule
        from flask.cli import AppGroup, click, current_app
        from flask.wrappers import RequestBase
        import flask.blueprints
        answer["after"] = flask.blueprints.AppGroup is AppGroup
        answer["other"] = hasattr(flask.blueprints, "Costrel")
    """)

    assert answer == {"before": False, "after": True, "other": False}


def test_every_incidental_name_is_where_it_is_looked_up():
    answer = answers("""
        import importlib
        from costrel.as_flask.incidental import _NAMES
        answer["lost"] = []
        for module, listed in _NAMES.items():
            for line in listed.strip().splitlines():
                for name in line.partition(": ")[2].split():
                    name = name.partition("=")[0]
                    if not hasattr(importlib.import_module(f"flask.{module}"), name):
                        answer["lost"].append(f"{module}.{name}")
    """)

    assert answer == {"lost": []}


def test_the_version_is_flasks_and_the_attribute_is_deprecated():
    answer = answers("""
        import flask, importlib.metadata, warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer["attribute"] = flask.__version__
        answer["warning"] = [warning.category.__name__ for warning in caught]
        answer["metadata"] = importlib.metadata.version("flask")
    """)

    assert answer == {"attribute": "3.1.3", "warning": ["DeprecationWarning"], "metadata": "3.1.3"}


def test_flask_is_a_distribution_where_none_is_installed():
    done = run(
        "-S",
        "-c",
        "import costrel.as_flask, importlib.metadata as m\n"
        "d = m.distribution('Flask')\n"
        "print(d.metadata['Name'], d.version, [*d.entry_points][0].value, d.files)\n"
        "print(list(m.distributions(name='flask', path=['/nowhere'])))",
    )

    assert done.stdout.splitlines() == ["Flask 3.1.3 flask.cli:main None", "[]"]


def test_a_class_put_in_the_place_of_flask_stays_there():
    answer = answers("""
        import flask
        class Instrumented(flask.Flask): pass
        flask.Flask = Instrumented
        from flask import Flask
        answer["swapped"] = Flask is Instrumented
        answer["own"] = flask.app.Flask is not Instrumented
    """)

    assert answer == {"swapped": True, "own": True}


def test_a_patch_under_flasks_name_reaches_the_implementation():
    answer = answers("""
        from unittest import mock
        import flask
        with mock.patch("flask.templating._render", lambda *arguments: "patched"):
            with flask.Flask("x").app_context():
                answer["text"] = flask.render_template_string("plain")
    """)

    assert answer == {"text": "patched"}


def test_an_application_made_under_the_alias_has_flasks_defaults():
    code = "from {} import Flask; print(Flask('x').config['SESSION_COOKIE_SAMESITE'])"
    aliased = run("-c", "import costrel.as_flask; " + code.format("flask"))
    native = run("-c", code.format("costrel"))

    assert (aliased.stdout.strip(), native.stdout.strip()) == ("None", "Lax")


@pytest.mark.parametrize("order", ["alias first", "tool first"])
def test_a_tool_that_waits_for_a_module_of_flask_is_told(order):
    # What wrapt, New Relic and Datadog do: find, wrap the loader, ask the module for its name.
    tool = """
        class Watched:
            def __init__(self, loader):
                self.loader = loader
            def create_module(self, spec):
                return self.loader.create_module(spec)
            def exec_module(self, module):
                self.loader.exec_module(module)
                seen.append(module.__name__)
        class Tool:
            busy = False
            def find_spec(self, name, path=None, target=None):
                if name not in ("flask", "flask.app", "flask.views") or self.busy:
                    return None
                self.busy = True
                spec = importlib.util.find_spec(name)
                self.busy = False
                spec.loader = Watched(spec.loader)
                return spec
        sys.meta_path.insert(0, Tool())
    """
    first, second = "import costrel.as_flask", textwrap.dedent(tool)
    if order == "tool first":
        first, second = second, first
    done = run(
        "-c",
        f"import importlib.util, sys\nseen = []\n{first}\n{second}\n"
        "import flask, flask.views\nprint(seen, flask.__name__, flask.app.__name__, flask.views.__name__)",
    )

    assert done.stdout.strip() == (
        "['flask.app', 'flask', 'flask.views'] costrel costrel.app costrel.views"
    ), done.stderr


def test_the_package_can_be_loaded_again():
    answer = answers("""
        import importlib, flask
        importlib.reload(flask)
        answer["name"] = flask.Flask.__name__
    """)

    assert answer == {"name": "Flask"}


def test_the_class_of_an_application_bears_flasks_name():
    answer = answers("""
        import pickle
        from flask import Flask
        app = Flask("shop")
        answer["class"] = app.__class__.__name__
        answer["repr"] = repr(app)
        answer["pickled"] = pickle.loads(pickle.dumps(Flask)) is Flask
    """)

    assert answer == {"class": "Flask", "repr": "<Flask 'shop'>", "pickled": True}


def test_python_m_flask_is_the_command():
    done = run(
        "-c",
        "import costrel.as_flask, runpy, sys; sys.argv[1:] = ['--version']\n"
        "runpy.run_module('flask', None, '__main__')",
    )

    assert "Flask 3.1" in done.stdout
    assert "Werkzeug" in done.stdout


def test_python_m_flask_names_itself_in_its_usage():
    done = run(
        "-c",
        "import costrel.as_flask, runpy, sys; sys.argv[1:] = ['--help']\n"
        "runpy.run_module('flask', None, '__main__', alter_sys=True)",
    )

    assert done.stdout.startswith("Usage: python -m flask [OPTIONS]")


def test_activating_loads_none_of_the_core():
    done = run(
        "-c",
        "import sys; before = set(sys.modules); import costrel.as_flask\n"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('importlib')))",
    )

    assert set(json.loads(done.stdout.replace("'", '"'))) <= {
        "__future__",
        "costrel",
        "costrel._mode",
        "costrel.as_flask",
        "costrel.as_flask.finder",
        "costrel.as_flask.incidental",
        "costrel.errors",
        "warnings",
    }


def test_flask_itself_imported_before_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "flask.py").write_text("")
    done = run("-c", "import flask\nimport costrel.as_flask", PYTHONPATH=f"{tmp_path}{os.pathsep}{SOURCE}")

    assert "SetupError: Flask itself is imported already, from" in done.stderr
    assert "python -m costrel.as_flask install" in done.stderr


def test_activating_twice_changes_nothing():
    answer = answers("""
        import sys
        from costrel.as_flask import activate
        before = len(sys.meta_path)
        import flask
        activate()
        answer["more"] = len(sys.meta_path) - before
    """)

    assert answer == {"more": 0}


def test_a_process_without_the_alias_is_left_alone():
    done = run(
        "-c",
        "import sys, costrel.app, costrel.cli\n"
        "names = [name for name in sys.modules if name.partition('.')[0] == 'flask']\n"
        "print(names, len(sys.meta_path))\n",
    )
    bare = run("-c", "import sys; print([], len(sys.meta_path))")

    assert done.stdout == bare.stdout


@pytest.fixture
def environment(tmp_path):
    """The Python of a new environment that has costrel on its path and nothing else."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    (packages,) = (tmp_path / "env").glob("lib/python3*/site-packages")
    (packages / "_costrel.pth").write_text(str(SOURCE))
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "zz_libraries.pth").write_text("\n".join(here))

    return python


def command(python, *arguments):
    return run("-m", "costrel.as_flask", *arguments, python=python, PYTHONPATH="")


def test_installed_it_holds_for_every_process_until_it_is_removed(environment):
    means = ("-c", "import flask; print(flask.__name__)")
    installed = command(environment, "install")

    assert installed.returncode == 0
    assert run(*means, python=environment, PYTHONPATH="").stdout == "costrel\n"
    assert command(environment, "status").stdout.startswith("on: ")

    removed = command(environment, "remove")

    assert "removed: " in removed.stdout
    assert run(*means, python=environment, PYTHONPATH="").stdout != "costrel\n"
    assert command(environment, "status").returncode == 1


def test_installing_and_removing_twice_say_that_nothing_was_to_do(environment):
    command(environment, "install")

    assert "(it did already)" in command(environment, "install").stdout
    assert command(environment, "remove").returncode == 0
    assert "nothing to remove" in command(environment, "remove").stdout


def test_the_output_names_the_file_and_the_way_back(environment):
    shown = command(environment, "install").stdout

    assert "costrel_as_flask.pth" in shown
    assert "undo: python -m costrel.as_flask remove" in shown


def test_a_file_left_behind_by_an_uninstalled_costrel_is_silent(environment):
    command(environment, "install")
    (packages,) = environment.parents[1].glob("lib/python3*/site-packages")
    (packages / "_costrel.pth").unlink()
    (packages / "zz_libraries.pth").unlink()
    done = run("-c", "print('fine')", python=environment, PYTHONPATH="")

    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_outside_of_a_virtual_environment_it_asks_first(tmp_path):
    target = tmp_path / "x.pth"

    # a process of its own, since importing anything of the alias switches it on
    done = run(
        "-c",
        "import pathlib, sys; sys.prefix = sys.base_prefix\n"
        "from costrel.as_flask import pth\n"
        f"pth.install(pathlib.Path({str(target)!r}))",
    )

    assert "SetupError" in done.stderr
    assert "--outside-venv" in done.stderr
    assert not target.exists()


def revived(code):
    script = (
        "import costrel.as_flask.revive, json\n"
        f"answer = {{}}\n{textwrap.dedent(code)}\nprint(json.dumps(answer))"
    )
    done = run("-c", script)
    assert done.returncode == 0, done.stderr

    return json.loads(done.stdout.splitlines()[-1])


def test_revived_names_mean_what_they_meant():
    answer = revived("""
        from flask import Flask, Markup, _app_ctx_stack, _request_ctx_stack, escape
        from werkzeug.security import safe_str_cmp
        from werkzeug.urls import url_decode, url_encode, url_quote
        answer["quote"] = url_quote("a b/ü:")
        answer["encode"] = url_encode({"a": [1, 2], "b": None, "c": "x y"})
        answer["decode"] = url_decode("a=1&a=2").getlist("a")
        answer["same"] = [safe_str_cmp("a", b"a"), safe_str_cmp("a", "b")]
        answer["markup"] = str(escape("<")) == str(Markup("&lt;"))
        with Flask("x").test_request_context("/path"):
            answer["path"] = _request_ctx_stack.top.request.path
            answer["name"] = _app_ctx_stack.top.app.name
        answer["empty"] = _request_ctx_stack.top
    """)

    assert answer == {
        "quote": "a%20b/%C3%BC:",
        "encode": "a=1&a=2&c=x+y",
        "decode": ["1", "2"],
        "same": [True, False],
        "markup": True,
        "path": "/path",
        "name": "x",
        "empty": None,
    }


def test_a_revived_encoder_and_a_first_request_work_in_an_application():
    answer = revived("""
        from flask import Flask, jsonify
        from flask.json import JSONEncoder
        app = Flask("x")
        class Encoder(app.json_encoder):
            def default(self, o):
                return sorted(o) if isinstance(o, set) else super().default(o)
        app.json_encoder = Encoder
        calls = []
        app.before_first_request(lambda: calls.append(1))
        app.get("/")(lambda: jsonify({2, 1}))
        client = app.test_client()
        answer["json"] = [client.get("/").json for _ in range(2)]
        answer["calls"] = calls
    """)

    assert answer == {"json": [[1, 2], [1, 2]], "calls": [1]}


def test_revived_attributes_of_applications_and_blueprints_work():
    answer = revived("""
        from flask import Blueprint, Flask
        app, blueprint, calls = Flask("x"), Blueprint("b", "x"), []
        blueprint.before_app_first_request(lambda: calls.append(1))
        blueprint.get("/")(lambda: "hello")
        app.register_blueprint(blueprint)
        app.config["SESSION_COOKIE_NAME"] = "crumbs"
        answer["cookie"] = app.session_cookie_name
        answer["before"] = app.got_first_request
        client = app.test_client()
        answer["texts"] = [client.get("/").text for _ in range(2)]
        answer["after"] = app.got_first_request
        answer["calls"] = calls
    """)

    assert answer == {
        "cookie": "crumbs",
        "before": False,
        "texts": ["hello", "hello"],
        "after": True,
        "calls": [1],
    }


def test_what_flask_3_has_is_not_replaced_by_a_revived_name():
    answer = revived("""
        import flask.json, werkzeug
        answer["loader"] = type(flask.json.__loader__).__name__
        answer["spec"] = flask.json.__spec__.loader is flask.json.__loader__
        answer["unknown"] = hasattr(werkzeug, "no_such_name")
    """)

    assert answer == {"loader": "SourceFileLoader", "spec": True, "unknown": False}


def test_revival_is_asked_for_when_installing(environment):
    command(environment, "install", "--revive")
    done = run("-c", "from werkzeug.urls import url_quote", python=environment, PYTHONPATH="")

    assert done.returncode == 0
    assert "with names of Flask 2 revived" in command(environment, "status").stdout
    assert "(it did already)" not in command(environment, "install").stdout
    assert run("-c", "from werkzeug.urls import url_quote", python=environment, PYTHONPATH="").returncode == 1
