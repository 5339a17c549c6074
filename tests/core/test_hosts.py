import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import SecurityError

from costrel.core import hosts
from costrel.core.hosts import check_host, is_trusted


def environ_for(host, scheme="http"):
    return {"wsgi.url_scheme": scheme, "HTTP_HOST": host}


@pytest.mark.parametrize(
    ("scheme", "header", "host"),
    [
        ("http", "shop.example", "shop.example"),
        ("http", "shop.example:80", "shop.example"),
        ("http", "shop.example:443", "shop.example:443"),
        ("https", "shop.example:443", "shop.example"),
        ("https", "Shop.Example:8443", "Shop.Example:8443"),
        ("http", "shop.example:", "shop.example"),
        ("http", "shop.example.", "shop.example."),
        ("http", "127.0.0.1:5000", "127.0.0.1:5000"),
        ("http", "[::1]:5000", "[::1]:5000"),
        ("http", "[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"),
        ("http", "my_service:8000", "my_service:8000"),
        ("http", f"{'a' * 63}.example", f"{'a' * 63}.example"),
        ("http", "", ""),
    ],
)
def test_well_formed_host_is_returned_without_its_usual_port(scheme, header, host):
    assert check_host(environ_for(header, scheme)) == host
    assert check_host(environ_for(header, scheme)) == host


@pytest.mark.parametrize(
    "header",
    [
        "a:1:2",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "user@a",
        "a\\b",
        "a\tb",
        "a\r\nb",
        "a\x00",
        "<a>",
        '"a"',
        "a,b",
        "a;b",
        "a%2fb",
        "a:0",
        "a:65536",
        "a:99999",
        "a:-1",
        "a:x",
        ":80",
        "xn--0ca1e",
        "a.XN--0.example",
        "..",
        ".a",
        "a..b",
        "[::1",
        "::1",
        "[::1]x",
        "[::1]:1:2",
        "é" * 80,
        "a" * 64,
        f"shop.{'a' * 64}.example:80",
        "a\uff1a1\uff1a2",
        "a\uff0fb",
        "a:٣",
    ],
)
def test_malformed_host_is_refused(header):
    for trusted in (None, [header], ["a"]):
        with pytest.raises(SecurityError):
            check_host(environ_for(header), trusted)


def test_missing_host_header_means_the_servers_own_address():
    assert check_host({"wsgi.url_scheme": "http", "SERVER_NAME": "box", "SERVER_PORT": "80"}) == "box"
    assert check_host({"wsgi.url_scheme": "http", "SERVER_NAME": "::1", "SERVER_PORT": "81"}) == "[::1]:81"
    assert check_host({"wsgi.url_scheme": "http", "SERVER_NAME": "/run/x.sock"}) == ""


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("shop.example", ["shop.example"], True),
        ("SHOP.example:8000", ["shop.Example"], True),
        ("shop.example", ["shop.example:443"], True),
        ("shop.example.", ["shop.example"], True),
        ("api.shop.example", ["shop.example"], False),
        ("api.shop.example", [".shop.example"], True),
        ("shop.example", [".shop.example"], True),
        ("evilshop.example", [".shop.example"], False),
        ("shop.example.evil.example", [".shop.example"], False),
        ("[::1]:5000", ["[::1]"], True),
        ("[::1]", ["[::2]"], False),
        ("xn--bcher-kva.example", ["bücher.example"], True),
        ("shop.example", "shop.example", True),
        ("shop.example", ["", "."], False),
        ("", ["shop.example"], False),
    ],
)
def test_host_is_compared_with_the_trusted_ones(host, trusted, expected):
    assert is_trusted(host, trusted) is expected


def test_one_bad_entry_does_not_hide_the_others():
    assert is_trusted("shop.example", ["é" * 80 + ".example", "shop.example"])


def test_an_empty_list_accepts_every_host_as_werkzeugs_does():
    assert check_host(environ_for("any.example"), []) == "any.example"


def test_host_found_good_without_a_list_is_not_trusted_with_one():
    assert check_host(environ_for("first.example")) == "first.example"

    with pytest.raises(SecurityError):
        check_host(environ_for("first.example"), ["shop.example"])


def test_remembered_hosts_are_bounded():
    for number in range(1_000):
        check_host(environ_for(f"h{number}.example"))

    assert len(hosts._known["http"]) <= 256


@given(st.text(max_size=30))
def test_accepted_host_cannot_leave_its_place_in_a_url(text):
    try:
        host = check_host(environ_for(text))
    except SecurityError:
        return

    assert not set(host) & set("/\\?#@<>\"' \t\r\n\x00,;%")


def test_international_host_is_written_as_it_goes_over_the_wire():
    assert check_host(environ_for("bücher.example:5000")) == "xn--bcher-kva.example:5000"
