"""The map counts what changes."""

from __future__ import annotations

import pytest
from werkzeug.routing import UnicodeConverter

from costrel.routing import Map, Rule


def test_adding_a_rule_counts():
    urls = Map()
    before = urls.version

    urls.add(Rule("/x", endpoint="x"))

    assert urls.version > before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("converters", {"default": UnicodeConverter}),
        ("default_subdomain", "www"),
        ("host_matching", True),
        ("merge_slashes", False),
        ("redirect_defaults", False),
        ("sort_key", len),
        ("sort_parameters", True),
        ("strict_slashes", False),
    ],
)
def test_setting_an_option_later_counts_and_is_kept(name, value):
    urls = Map()
    before = urls.version

    setattr(urls, name, value)

    assert urls.version > before
    assert getattr(urls, name) == value


def test_setting_something_else_does_not_count():
    urls = Map([Rule("/x", endpoint="x")])
    before = urls.version

    urls.note = "mine"
    next(urls.iter_rules()).provide_automatic_options = True

    assert urls.version == before


def test_change_in_place_takes_effect_once_the_map_is_told():
    urls = Map([Rule("/x", endpoint="x", methods=["GET"])])
    assert urls.table.match("POST", "/x") is None

    next(urls.iter_rules()).methods.add("POST")
    urls.changed()

    assert urls.table.match("POST", "/x") is not None


def test_table_and_builder_stay_the_same_objects():
    urls = Map()
    table, builder = urls.table, urls.urls

    urls.add(Rule("/x", endpoint="x"))

    assert urls.table is table
    assert urls.urls is builder
