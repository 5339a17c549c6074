"""In debug mode, common mistakes are explained."""

import io
import logging

import pytest
from jinja2 import DictLoader
from werkzeug.routing import RequestRedirect

from costrel import Blueprint, Costrel
from costrel.debughelpers import (
    DebugFilesKeyError,
    FormDataRoutingRedirect,
    UnexpectedUnicodeError,
    attach_enctype_error_multidict,
    explain_template_loading_attempts,
)
from costrel.wrappers import Request


def form_request(path="/upload", **options):
    options.setdefault("data", {"photo": "cup.jpg"})
    with Costrel(__name__).test_request_context(path, method="POST", **options) as ctx:
        return ctx.request


def test_file_sent_as_a_name_is_explained():
    request = form_request()
    attach_enctype_error_multidict(request)

    with pytest.raises(DebugFilesKeyError) as caught:
        request.files["photo"]

    text = str(caught.value)
    assert "no file contents were transmitted" in text
    assert "This was submitted: 'cup.jpg'" in text
    assert 'enctype="multipart/form-data"' in text
    assert isinstance(caught.value, KeyError)


def test_field_that_was_not_sent_at_all_stays_a_bad_request():
    request = form_request()
    attach_enctype_error_multidict(request)

    with pytest.raises(KeyError) as caught:
        request.files["other"]

    assert not isinstance(caught.value, DebugFilesKeyError)


def test_file_that_was_sent_is_still_found():
    request = form_request(data={"photo": (io.BytesIO(b"x"), "cup.jpg")})
    attach_enctype_error_multidict(request)

    assert request.files["photo"].filename == "cup.jpg"
    request.close()


def test_redirect_that_loses_form_data_names_the_right_address():
    request = Request(
        {"REQUEST_METHOD": "POST", "PATH_INFO": "/user", "HTTP_HOST": "shop", "wsgi.url_scheme": "http"}
    )
    request.routing_exception = RequestRedirect("http://shop/user/")
    text = str(FormDataRoutingRedirect(request))

    assert "A request was sent to 'http://shop/user'" in text
    assert "canonical URL 'http://shop/user/'" in text
    assert "ends with a slash" in text
    assert "307 or 308" in text


def test_unicode_error_is_both_an_assertion_and_a_unicode_error():
    assert issubclass(UnexpectedUnicodeError, AssertionError)
    assert issubclass(UnexpectedUnicodeError, UnicodeError)


class Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


@pytest.fixture
def records():
    logger = logging.getLogger("template_shop")
    handler = Records()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.texts
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_search_for_a_template_is_told_step_by_step(records):
    app = Costrel("template_shop")
    admin = Blueprint("admin", "shop.admin")
    found = ("source", "/srv/shop/a.html", None)
    explain_template_loading_attempts(
        app,
        "a.html",
        [(DictLoader({}), app, None), (DictLoader({}), admin, found), (DictLoader({}), admin, found)],
    )

    assert len(records) == 1
    lines = records[0].splitlines()
    assert lines[0] == "Locating template 'a.html':"
    assert lines[1] == "    1: trying loader of application 'template_shop'"
    assert "    2: trying loader of blueprint 'admin' (shop.admin)" in lines
    assert "       class: jinja2.loaders.DictLoader" in lines
    assert "       -> no match" in lines
    assert "       -> found ('/srv/shop/a.html')" in lines
    assert lines[-1].startswith("Warning: more than one loader")


def test_template_found_nowhere_is_an_error_that_names_the_blueprint(records):
    app = Costrel("template_shop")
    shop = Blueprint("shop", __name__)

    @shop.get("/")
    def index():
        explain_template_loading_attempts(app, "none.html", [(DictLoader({}), shop, None)])
        return ""

    app.register_blueprint(shop)
    app.test_client().get("/")

    assert "Error: the template could not be found." in records[0]
    assert "belongs to the blueprint 'shop'" in records[0]
