"""The handler that answers an error: code before class, blueprint before application, nearest class first."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import Forbidden, HTTPException, NotFound

from costrel.core.handlers import find_handler


class Missing(LookupError):
    pass


def spec(*entries):
    """Build an ``error_handler_spec`` of ``(scope, code, class)``; the handler is the entry itself."""
    table = {}
    for entry in entries:
        scope, code, cls = entry
        table.setdefault(scope, {}).setdefault(code, {})[cls] = entry

    return table


APP_404 = (None, 404, NotFound)
SHOP_404 = ("shop", 404, NotFound)
CART_404 = ("shop.cart", 404, NotFound)
APP_HTTP = (None, None, HTTPException)
SHOP_HTTP = ("shop", None, HTTPException)
APP_EXCEPTION = (None, None, Exception)
APP_LOOKUP = (None, None, LookupError)
APP_MISSING = (None, None, Missing)
SHOP_LOOKUP = ("shop", None, LookupError)


@pytest.mark.parametrize(
    ("handlers", "error", "code", "found"),
    [
        ([APP_404, APP_HTTP], NotFound(), 404, APP_404),
        ([APP_404, SHOP_HTTP], NotFound(), 404, APP_404),
        ([APP_404, SHOP_404, CART_404], NotFound(), 404, CART_404),
        ([APP_404, SHOP_404], NotFound(), 404, SHOP_404),
        ([APP_HTTP, SHOP_HTTP], NotFound(), 404, SHOP_HTTP),
        ([APP_404, APP_EXCEPTION], Forbidden(), 403, APP_EXCEPTION),
        ([APP_404], Forbidden(), 403, None),
        ([APP_LOOKUP, APP_MISSING, APP_EXCEPTION], Missing(), None, APP_MISSING),
        ([APP_LOOKUP, APP_EXCEPTION], Missing(), None, APP_LOOKUP),
        ([SHOP_LOOKUP, APP_MISSING], Missing(), None, SHOP_LOOKUP),
        ([APP_404], Missing(), None, None),
        ([], Missing(), None, None),
    ],
    ids=str,
)
def test_nearest_handler_answers(handlers, error, code, found):
    assert find_handler(spec(*handlers), error, code=code, blueprints=["shop.cart", "shop"]) is found


def test_looking_for_a_handler_adds_nothing_to_the_tables():
    from collections import defaultdict

    table = defaultdict(lambda: defaultdict(dict))
    table[None][404][NotFound] = "handler"

    find_handler(table, Forbidden(), code=403, blueprints=["shop"])

    assert dict(table) == {None: {404: {NotFound: "handler"}}}
