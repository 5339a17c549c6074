import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from costrel.core.downloads import clean_download_name, disposition


@pytest.mark.parametrize(
    "name", ["a.txt", 'say "hi".txt', "ann\xe9e.txt", "日本.txt", "a;b.txt", "%41.txt", "a\\b"]
)
def test_sendable_name_stays_as_it_is(name):
    assert clean_download_name(name) == name


@pytest.mark.parametrize("bad", ["\r", "\n", "\x00", "\x1f", "\x7f", "\ud800", chr(0xDCFF)])
def test_what_no_header_carries_becomes_an_underscore(bad):
    assert clean_download_name(f"a{bad}b.txt") == "a_b.txt"


def test_name_outside_of_ascii_is_written_both_ways():
    assert disposition("inline", "année.txt") == "inline; filename=annee.txt; filename*=UTF-8''ann%C3%A9e.txt"


@given(st.text(min_size=1, max_size=20))
def test_every_name_makes_a_header_that_holds_it(name):
    value = disposition("inline", name)

    Headers([("Content-Disposition", value)])  # would refuse a line break
    assert value.encode("latin-1")
    kind, options = parse_options_header(value)
    assert kind == "inline"
    assert set(options) == {"filename"}
