"""What templates put into pages: escaped, and each with the token of the answer."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from costrel import g, render_template_string
from costrel.ext.csrf import CSRFProtect, csrf_field, csrf_headers, csrf_meta, csrf_meta_tag, generate_csrf


@pytest.fixture(autouse=True)
def in_request(app):
    CSRFProtect(app)
    with app.test_request_context():
        yield


def attributes_of(html):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(html)
    parser.close()

    return found


def test_all_forms_have_the_token_of_the_answer():
    page = render_template_string(
        "{{ csrf_token() }} {{ csrf_field() }} {{ csrf_meta() }} {{ csrf_meta_tag() }}"
    )

    assert page.count(g.csrf_token) == 4
    assert attributes_of(page)[0] == (
        "input",
        {"type": "hidden", "name": "csrf_token", "value": generate_csrf()},
    )


def test_macros_of_another_template_see_the_token_too(app):
    module = app.jinja_env.from_string("{% macro form() %}{{ csrf_field() }}{% endmacro %}").module

    assert module.form() == csrf_field()


def test_tag_is_named_by_call_configuration_or_default(app):
    assert csrf_meta() == f'<meta name="csrf-token" content="{generate_csrf()}">'
    app.config["WTF_CSRF_META_NAME"] = "from-config"
    assert attributes_of(csrf_meta())[0][1]["name"] == "from-config"
    assert attributes_of(csrf_meta_tag(name="from-call"))[0][1]["name"] == "from-call"


def test_tag_takes_key_and_field(app):
    assert attributes_of(csrf_meta_tag(secret_key="own", token_key="pay"))[0][1]["content"] == g.pay


def test_names_are_escaped(app):
    app.config["WTF_CSRF_FIELD_NAME"] = '"><script>'

    assert "<script>" not in csrf_field()
    assert "<script>" not in csrf_meta_tag(name="'\"><script>")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_headers_survive_an_attribute_whatever_its_quotes(app, quote):
    page = render_template_string(f"<body hx-headers={quote}{{{{ csrf_headers() }}}}{quote}>")

    (found,) = attributes_of(page)
    assert json.loads(found[1]["hx-headers"]) == {"X-CSRFToken": generate_csrf()}


@pytest.mark.parametrize("headers", [["X-Own", "X-Other"], "X-Own"])
def test_headers_have_the_first_name_of_the_configuration(app, headers):
    app.config["WTF_CSRF_HEADERS"] = headers

    assert json.loads(csrf_headers()) == {"X-Own": generate_csrf()}
