"""An error in the terminal is at most eight lines, and they are about the developer's own code."""

from __future__ import annotations

import json
import logging
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, TemplateSyntaxError, UndefinedError
from werkzeug.exceptions import InternalServerError, NotFound

from costrel.debug.frames import find_place, is_own_file
from costrel.debug.terminal import DevelopmentFormatter, describe, summarise
from costrel.errors import ConfigError


@pytest.fixture
def fail_in(tmp_path, monkeypatch):
    """Run a text as a file of the developer's, and return the error it raises."""
    monkeypatch.chdir(tmp_path)

    def run(text, name="shop.py"):
        file = tmp_path / name
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        try:
            exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), {"__name__": "shop"})
        except BaseException as error:
            # The frame of this function is not the developer's.
            return error.with_traceback(error.__traceback__.tb_next)
        raise AssertionError("it did not fail")

    return run


def test_the_message_the_line_and_a_caret_are_shown(fail_in):
    error = fail_in("""\
        def find(users):

            wanted = "bob"
            return users[wanted]

        find({})
    """)

    assert summarise(error) == [
        "KeyError: 'bob'",
        "  shop.py:4 in find",
        "    1 | def find(users):",
        "    2 |",
        '    3 |     wanted = "bob"',
        "  > 4 |     return users[wanted]",
        "                   ^^^^^^^^^^^^^",
        "  1 more frame hidden (1 of yours); '--traceback full' shows all",
    ]


def test_frames_of_libraries_are_counted_and_not_shown(fail_in):
    error = fail_in("import json\njson.loads('{')\n")

    lines = summarise(error)

    assert lines[1] == "  shop.py:2"
    assert lines[-1].endswith("more frames hidden; '--traceback full' shows all")


def test_the_caret_stands_below_wide_characters_and_tabs(fail_in):
    error = fail_in("if True:\n\tx = '火腿' + 1\n")

    lines = summarise(error)
    source, caret = lines[-2:]

    assert source == "  > 2 |     x = '火腿' + 1"
    # Each of the two characters takes two columns.
    assert caret == " " * len("  > 2 |     x = ") + "^" * len("'xxxx' + 1")


def test_a_call_over_several_lines_is_marked_to_the_end_of_the_first(fail_in):
    error = fail_in("x = int(\n    'a'\n)\n")

    assert "  > 1 | x = int(" in summarise(error)
    assert "            ^^^^" in summarise(error)


def test_an_error_behind_the_error_is_told_in_one_line(fail_in):
    error = fail_in("""\
        try:
            int("a")
        except ValueError as error:
            raise KeyError("b") from error
    """)

    assert "  caused by ValueError: invalid literal for int() with base 10: 'a' (shop.py:2)" in summarise(
        error
    )


def test_an_error_while_handling_another_says_so(fail_in):
    error = fail_in("""\
        try:
            int("a")
        except ValueError:
            {}["b"]
    """)

    assert summarise(error)[-1].startswith("  raised while handling ValueError: ")


def test_a_group_tells_its_first_error(fail_in):
    error = fail_in("raise ExceptionGroup('several', [ValueError('one'), KeyError('two')])")

    assert "  first of 2: ValueError: one" in summarise(error)


def test_a_syntax_error_is_where_the_parser_stopped(fail_in):
    error = fail_in("x = 1\nif x\n    y = 2\n")

    assert summarise(error) == [
        "SyntaxError: expected ':'",
        "  shop.py:2",
        "    1 | x = 1",
        "  > 2 | if x",
        "            ^",
        "    3 |     y = 2",
    ]


@pytest.fixture
def template(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def render(text):
        (tmp_path / "page.html").write_text(text)
        Environment(loader=FileSystemLoader(tmp_path)).get_template("page.html").render(user={})

    return render


def test_an_undefined_name_shows_the_templates_line_and_the_name(template):
    with pytest.raises(UndefinedError) as caught:
        template("<h1>\n{{ usr.name }}\n</h1>")

    assert summarise(caught.value)[:4] == [
        "jinja2.exceptions.UndefinedError: 'usr' is undefined",
        "  page.html:2",
        "    1 | <h1>",
        "  > 2 | {{ usr.name }}",
    ]
    assert summarise(caught.value)[4].strip() == "^^^"


def test_a_templates_syntax_error_shows_the_templates_line(template):
    with pytest.raises(TemplateSyntaxError) as caught:
        template("<h1>\n{% if %}\n</h1>")

    assert summarise(caught.value)[1:4] == ["  page.html:2", "    1 | <h1>", "  > 2 | {% if %}"]


def test_the_hint_of_an_error_is_always_shown(fail_in):
    error = fail_in("""\
        from costrel.errors import ConfigError
        raise ConfigError("line one\\n\\nline two\\nline three\\nline four\\nfive\\nsix", hint="Do this.")
    """)

    lines = summarise(error)

    assert lines[:2] == ["ConfigError: line one", "  hint: Do this."]
    assert len(lines) <= 8


@given(st.text(), st.text())
def test_no_error_takes_more_than_eight_lines_and_none_sends_control_characters(message, hint):
    try:
        try:
            raise ConfigError(message, hint=hint)
        except ConfigError as inner:
            raise ValueError(message) from inner
    except ValueError as error:
        for shown in (error, error.__cause__):
            lines = summarise(shown)
            assert len(lines) <= 8
            assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for line in lines for c in line)


def test_an_error_that_cannot_be_shown_is_named_all_the_same():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    assert summarise(Odd())[0].endswith("Odd: (its message cannot be shown)")


def test_endless_recursion_is_summarised(fail_in):
    assert len(summarise(fail_in("def f():\n    return f()\nf()"))) <= 8


@pytest.mark.parametrize(
    ("filename", "module", "own"),
    [
        ("/home/ada/shop/views.py", "shop.views", True),
        ("/home/ada/.venv/lib/python3.12/site-packages/shop/views.py", "shop.views", False),
        ("/checkout/werkzeug/src/werkzeug/serving.py", "werkzeug.serving", False),
        (json.__file__, "json", False),
        ("<frozen importlib._bootstrap>", "importlib._bootstrap", False),
        ("<string>", "dataclasses", False),
        ("<stdin>", "__main__", True),
    ],
)
def test_own_files_are_those_of_no_library(filename, module, own):
    assert is_own_file(filename, module) is own


def test_an_error_that_was_never_raised_has_no_place():
    assert find_place(ValueError()) is None
    assert summarise(ValueError("x")) == ["ValueError: x"]


def test_all_frames_are_shown_when_asked_for(fail_in, monkeypatch):
    error = fail_in("import json\njson.loads('{')\n")
    monkeypatch.setenv("COSTREL_TRACEBACK", "full")

    assert describe(error).startswith("Traceback (most recent call last):")
    assert "decoder.py" in describe(error)


def record(error):
    info = (type(error), error, error.__traceback__)
    return logging.LogRecord("shop", logging.ERROR, "", 0, "it failed", (), info)


def test_the_log_has_the_summary_and_the_record_keeps_its_error(fail_in):
    made = record(fail_in("import json\njson.loads('{')\n"))

    text = DevelopmentFormatter(logging.Formatter("%(levelname)s %(message)s")).format(made)

    assert text.startswith("ERROR it failed\njson.decoder.JSONDecodeError: ")
    assert "Traceback" not in text
    # Another handler still writes all of it.
    assert "Traceback (most recent call last)" in logging.Formatter().format(made)


def test_an_error_of_the_client_is_logged_without_traceback():
    assert DevelopmentFormatter().format(record(NotFound())) == "it failed"
    assert "InternalServerError" in DevelopmentFormatter().format(record(InternalServerError()))


def test_a_record_without_error_is_left_as_it_is():
    made = logging.LogRecord("shop", logging.INFO, "", 0, "hello %s", ("ada",), None)

    assert DevelopmentFormatter().format(made) == "hello ada"


def test_a_record_whose_error_is_gone_is_no_error():
    made = logging.LogRecord("shop", logging.INFO, "", 0, "hello", (), (None, None, None))

    assert DevelopmentFormatter().format(made) == "hello"
    assert sys.exc_info() == (None, None, None)
