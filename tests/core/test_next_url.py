from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.next_url import encode_controls, safe_next_url


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/basket",
        "/basket?page=2#end",
        "/a%2F%2Fb",
        "/@home",
        "/a?next=//b",
        "/a?u=http://b",
        "/caf\xe9",
        "/a#//b",
    ],
)
def test_path_on_this_site_passes(target):
    assert safe_next_url(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "basket",
        "?page=2",
        "#top",
        "http://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        " //evil.example",
        " /basket",
        "/ /evil.example",
        "/\x00/evil.example",
        "/\x7f",
        "/\x85/evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "//user@evil.example",
        "//user:password@evil.example",
        "http://here.example@evil.example/",
        "http://here.example\\@evil.example/",
        "/\ud800",
        "/a\r\nSet-Cookie: b=c",
    ],
)
def test_target_that_could_leave_this_site_gives_the_default(target):
    assert safe_next_url(target) == "/"
    assert safe_next_url(target, default="/home") == "/home"


@given(st.text(alphabet="/\\.:@?#%ab\t\r\n \x00\xe9", max_size=12))
def test_what_passes_stays_on_the_host_for_every_parser(text):
    result = safe_next_url("/" + text)

    as_browsers_read = result.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")
    assert urlsplit(urljoin("https://here.example/login", as_browsers_read)).netloc == "here.example"
    assert not as_browsers_read.startswith("//")


def test_controls_in_a_location_are_encoded():
    assert encode_controls("/a\r\nb\x00\t c\x7f") == "/a%0D%0Ab%00%09%20c%7F"
    assert encode_controls("/\ud800").isascii()


@pytest.mark.parametrize("location", ["/", "/a?b=c&d=%20#e", "https://example.org/\xe9"])
def test_location_without_controls_stays_as_it_is(location):
    assert encode_controls(location) == location
