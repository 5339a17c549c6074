"""Over HTTPS a request shows where it comes from."""

from __future__ import annotations

import pytest

from costrel.ext.csrf import same_origin
from costrel.ext.csrf.origins import find_foreign

HOST = "shop.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"},
        {"Origin": "https://shop.example"},
        {"Origin": "https://shop.example:443"},
        {"Origin": "https://app.example"},
        {"Referer": "https://shop.example/cart?id=1"},
        {"Referer": "https://SHOP.example"},
        {"Referer": "https://app.example/x"},
    ],
)
def test_own_and_trusted_pages_are_known(headers):
    assert find_foreign(headers, host=HOST, trusted=["https://app.example"]) is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_what_the_browser_says_goes_before_all_else(site):
    headers = {"Sec-Fetch-Site": site, "Referer": "https://shop.example/", "Origin": "https://shop.example"}

    assert find_foreign(headers, host=HOST) == "The request was sent by another site."


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://shop.example",
        "https://shop.example:8443",
        "https://www.shop.example",
        "https://shop.example.evil.example",
        "https://shop.example@evil.example",
        "https://evil.example",
        "https://[",
        "https://shop.example:port",
        "shop.example",
    ],
)
def test_other_origins_are_foreign_as_origin_and_as_referrer(origin):
    assert find_foreign({"Origin": origin}, host=HOST) == "The origin does not match the host."
    assert find_foreign({"Referer": origin}, host=HOST) == "The referrer does not match the host."
    assert find_foreign({"Referer": f"{origin}/https://shop.example/"}, host=HOST) is not None


def test_good_referrer_does_not_outweigh_a_foreign_origin():
    headers = {"Origin": "null", "Referer": "https://shop.example/"}

    assert find_foreign(headers, host=HOST) == "The origin does not match the host."


def test_a_request_that_shows_nothing_is_told():
    assert find_foreign({}, host=HOST) == "The referrer header is missing."


def test_port_of_the_host_counts():
    headers = {"Origin": "https://localhost:8443"}

    assert find_foreign(headers, host="localhost:8443") is None
    assert find_foreign(headers, host="localhost") is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://a.example/y?z", True),
        ("http://a.example:80", "http://a.example", True),
        ("http://a.example", "https://a.example", False),
        ("https://a.example:444", "https://a.example", False),
        ("https://a.example", "https://b.example", False),
    ],
)
def test_origins_are_scheme_host_and_port(one, other, same):
    assert same_origin(one, other) is same
    assert same_origin(other, one) is same
