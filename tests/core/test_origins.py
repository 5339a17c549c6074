"""Whether a browser sent a request on behalf of another site: by Sec-Fetch-Site, then by Origin."""

from __future__ import annotations

import pytest

from costrel.core.origins import SAFE_METHODS, is_cross_origin

HERE = "shop.example"


def asked(method="POST", **headers):
    names = {"site": "HTTP_SEC_FETCH_SITE", "origin": "HTTP_ORIGIN", "host": "HTTP_HOST"}
    environ = {names[name]: value for name, value in headers.items()}

    return {"REQUEST_METHOD": method, "HTTP_HOST": HERE, **environ}


@pytest.mark.parametrize("method", sorted(SAFE_METHODS))
def test_safe_methods_pass_from_everywhere(method):
    assert not is_cross_origin(asked(method, site="cross-site", origin="https://evil.example"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "INVENTED"])
def test_unsafe_methods_of_another_site_are_cross_origin(method):
    assert is_cross_origin(asked(method, site="cross-site", origin="https://evil.example"))


@pytest.mark.parametrize(
    ("headers", "crosses"),
    [
        ({}, False),
        ({"site": "same-origin"}, False),
        ({"site": "none"}, False),
        ({"site": "same-site"}, True),
        ({"site": "cross-site"}, True),
        ({"site": "anything"}, True),
        ({"origin": f"https://{HERE}"}, False),
        ({"origin": f"http://{HERE}"}, False),
        ({"origin": f"https://{HERE}:8443"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://sub.shop.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://[broken"}, True),
        ({"origin": ""}, False),
        ({"site": "same-origin", "origin": "https://evil.example"}, False),
        ({"site": "cross-site", "origin": f"https://{HERE}"}, True),
    ],
    ids=str,
)
def test_fetch_metadata_decides_before_the_origin(headers, crosses):
    assert is_cross_origin(asked(**headers)) is crosses


def test_trusted_origin_may_cross_and_only_that_one():
    trusted = ["https://app.example"]

    assert not is_cross_origin(asked(site="cross-site", origin="https://app.example"), trusted)
    assert not is_cross_origin(asked(origin="https://app.example"), trusted)
    assert is_cross_origin(asked(origin="http://app.example"), trusted)
    assert is_cross_origin(asked(origin="https://app.example.evil.example"), trusted)
    assert is_cross_origin(asked(site="cross-site"), trusted)
