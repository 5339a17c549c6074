import pytest

from costrel.core.autoescape import autoescape_for


@pytest.mark.parametrize("flask_defaults", [True, False])
@pytest.mark.parametrize("name", [None, "a.html", "a.htm", "a.xml", "a.xhtml", "a.svg", "dir.txt/a.html"])
def test_markup_is_escaped_always(name, flask_defaults):
    assert autoescape_for(name, flask_defaults=flask_defaults) is True


@pytest.mark.parametrize("flask_defaults", [True, False])
@pytest.mark.parametrize(
    "name", ["mail.txt", "a.csv", "html", "a.html.txt", "mail.txt.j2", "a.json.jinja", "a.js.jinja2"]
)
def test_what_is_not_markup_is_never_escaped(name, flask_defaults):
    assert autoescape_for(name, flask_defaults=flask_defaults) is False


@pytest.mark.parametrize(
    "name",
    [
        "a.html.j2",
        "a.jinja",
        "a.jinja2",
        "a.j2",
        "a.svg.jinja",
        "a.v2.j2",
        "mail.txt/a.j2",
        "A.HTML",
        "a.HTML.J2",
    ],
)
def test_compound_suffixes_are_escaped_unless_flask_decides(name):
    assert autoescape_for(name, flask_defaults=False) is True
    assert autoescape_for(name, flask_defaults=True) is False
