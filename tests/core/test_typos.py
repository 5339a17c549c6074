"""What is a typo and what is another name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.typos import distance, find_meant

NAMES = ["BINDS", "DATABASE_URI", "ECHO", "ENGINE_OPTIONS", "TRACK_MODIFICATIONS"]

words = st.text("ABC", max_size=7)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("BIND", "BINDS"),
        ("BIDNS", "BINDS"),
        ("DATABASE_URL", "DATABASE_URI"),
        ("DATABSE_URL", "DATABASE_URI"),
        ("ENGINE_OPTION", "ENGINE_OPTIONS"),
        ("TRACK_MODIFCATIONS", "TRACK_MODIFICATIONS"),
    ],
)
def test_a_typo_is_found(typo, meant):
    assert find_meant(typo, NAMES) == meant


@pytest.mark.parametrize(
    "name", ["DATABASE_PASSWORD", "DATABASE_URI_TEST", "TEST_DATABASE_URI", "DATABASE", "HOST", "TECHNO", ""]
)
def test_another_name_is_none(name):
    assert find_meant(name, NAMES) is None


def test_the_nearest_of_several_is_meant():
    assert find_meant("USE_TLS_", ["USE_TL", "USE_TLS"]) == "USE_TLS"


@given(words, words)
def test_distance_is_a_distance(one, other):
    assert distance(one, one) == 0
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))


@given(words, st.data())
def test_a_change_of_one_letter_is_a_distance_of_one(word, data):
    place = data.draw(st.integers(0, len(word)))

    assert distance(word, word[:place] + "X" + word[place:]) == 1
    assert distance(word, word[:place] + word[place + 1 :]) == (place < len(word))
    if place + 1 < len(word) and word[place] != word[place + 1]:
        swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        assert distance(word, swapped) == 1
