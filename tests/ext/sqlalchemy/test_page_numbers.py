"""Arithmetic of pages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.ext.sqlalchemy.page_numbers import (
    DEFAULT_LIMIT,
    MAX_OFFSET,
    limit_of,
    page_numbers,
    read_page_args,
)


def test_what_the_view_says_goes_before_what_a_visitor_asks_for():
    assert read_page_args({"page": "3", "per_page": "7"}, page=2, per_page=5) == (2, 5)


def test_a_visitor_gets_a_hundred_at_most_and_a_view_what_it_says():
    assert read_page_args({"per_page": "101"}) == (1, 100)
    assert read_page_args({"per_page": "100"}) == (1, 100)
    assert read_page_args({}, per_page=500) == (1, 500)


def test_a_limit_that_is_said_holds_for_both():
    assert read_page_args({"per_page": "60"}, max_per_page=50) == (1, 50)
    assert read_page_args({}, per_page=60, max_per_page=50) == (1, 50)
    assert read_page_args({"per_page": "5000"}, max_per_page=None) == (1, 5000)


def test_the_limit_of_a_page_is_a_number_or_none():
    assert limit_of(DEFAULT_LIMIT, None) == 100
    assert limit_of(DEFAULT_LIMIT, 500) is None
    assert limit_of(50, 500) == 50
    assert limit_of(None, None) is None


@pytest.mark.parametrize("text", ["0", "-1", "one", "", "1.5", None, []])
def test_what_makes_no_sense_is_none(text):
    assert read_page_args({"page": text, "per_page": text}) == (None, None)


def test_a_page_behind_the_last_row_that_databases_count_is_none():
    assert read_page_args({"page": str(MAX_OFFSET)}, per_page=1) == (MAX_OFFSET, 1)
    assert read_page_args({"page": str(MAX_OFFSET + 1)}, per_page=1) == (None, 1)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (1, [1, 2, 3, 4, 5, None, 14, 15]),
        (6, [1, 2, None, 4, 5, 6, 7, 8, 9, 10, None, 14, 15]),
        (9, [1, 2, None, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        (15, [1, 2, None, 13, 14, 15]),
    ],
)
def test_a_widget_shows_the_edges_and_what_is_around_the_page(page, expected):
    assert list(page_numbers(page, 15)) == expected


def test_no_pages_are_no_numbers():
    assert list(page_numbers(1, 0)) == []


@given(st.integers(1, 60), st.integers(0, 60), *[st.integers(0, 5)] * 4)
def test_numbers_rise_and_a_gap_stands_for_at_least_one(page, pages, left, before, after, right):
    shown = list(
        page_numbers(page, pages, left_edge=left, left_current=before, right_current=after, right_edge=right)
    )

    numbers = [0, *(number for number in shown if number is not None), pages + 1]
    gaps = sum(later - earlier > 1 for earlier, later in pairwise(numbers))
    assert numbers == sorted(set(numbers))
    assert shown.count(None) == gaps
    assert page > pages or page in shown
