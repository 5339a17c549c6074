"""What applications and extensions written for Flask do besides its documented interface.

Each promise here is one that a released extension relies on, or its tests.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from costrel import session
from costrel.globals import request_ctx


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("flask.app", "Rule", "werkzeug.routing"),
        ("flask.app", "request_started", "flask.signals"),
        ("flask.ctx", "_cv_request", "flask.globals"),
        ("flask.helpers", "current_app", "flask.globals"),
        ("flask.json.provider", "http_date", "werkzeug.http"),
        ("flask.sessions", "BadSignature", "itsdangerous"),
        ("flask.testing", "Client", "werkzeug.test"),
        ("flask.views", "request", "flask.globals"),
    ],
)
def test_a_name_that_flasks_module_only_imports_can_be_imported_from_it(module, name, home):
    code = f"import costrel.as_flask\nimport {module} as m, {home} as home\nassert m.{name} is home.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_a_module_or_a_renamed_name_that_flasks_module_imports_can_be_imported_from_it():
    code = (
        "import costrel.as_flask, sys, werkzeug.wrappers\n"
        "from flask.app import cli, click, BaseResponse\n"
        "import flask.cli\n"
        "assert cli is flask.cli and click is sys.modules['click']\n"
        "assert BaseResponse is werkzeug.wrappers.Response\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""


def test_the_session_of_a_context_can_be_replaced_without_being_marked_as_accessed(app):
    with app.test_request_context():
        own = {"kept": "elsewhere"}
        request_ctx._session = own

        assert request_ctx._session is own
        assert session["kept"] == "elsewhere"


def test_the_functions_that_wait_for_a_response_can_be_replaced(app):
    with app.test_request_context() as ctx:
        ctx._after_request_functions = [len]

        assert ctx._after_request_functions == [len]
