import pickle

import jinja2
import pytest

from costrel.core.missing_template import MissingTemplate, MissingTemplates


def folder(tmp_path, *names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    return jinja2.FileSystemLoader(tmp_path)


def test_message_begins_with_the_name_and_says_where_it_was_looked_for(tmp_path):
    error = MissingTemplate("idnex.html", lambda: [("application 'shop'", folder(tmp_path, "index.html"))])

    assert str(error).splitlines() == [
        "idnex.html",
        "  looked in:",
        f"    {tmp_path} (application 'shop')",
        "  hint: Did you mean 'index.html'?",
    ]
    assert error.name == "idnex.html"
    assert isinstance(error, jinja2.TemplateNotFound)


def test_folder_that_is_not_there_is_named_as_such(tmp_path):
    loader = jinja2.FileSystemLoader(tmp_path / "templates")

    text = str(MissingTemplate("a.html", lambda: [("application 'shop'", loader)]))

    assert f"{tmp_path / 'templates'}, which does not exist, (application 'shop')" in text
    assert "Did you mean" not in text


def test_without_any_folder_the_hint_says_so():
    assert "has a template folder" in str(MissingTemplate("a.html", list))


def test_loader_that_cannot_list_is_named_by_its_class():
    loader = jinja2.FunctionLoader(lambda name: None)

    assert "FunctionLoader (blueprint 'b')" in str(
        MissingTemplate("a.html", lambda: [("blueprint 'b'", loader)])
    )


def test_several_names_are_explained_together(tmp_path):
    error = MissingTemplates(
        ["none.html", "idnex.html"], lambda: [("the app", folder(tmp_path, "index.html"))]
    )

    assert str(error).splitlines() == [
        "none of the templates given were found: none.html, idnex.html",
        "  looked in:",
        f"    {tmp_path} (the app)",
        "  hint: Did you mean 'index.html'?",
    ]
    assert isinstance(error, jinja2.TemplatesNotFound)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_explanation_costs_nothing_until_it_is_read():
    def places():
        raise AssertionError("asked")

    with pytest.raises(jinja2.TemplateNotFound):
        raise MissingTemplate("a.html", places)


def test_error_can_be_sent_to_another_process(tmp_path):
    error = MissingTemplate("a.html", lambda: [("application 'shop'", folder(tmp_path))])

    copy = pickle.loads(pickle.dumps(error))

    assert str(copy) == str(error)
    assert copy.name == "a.html"
