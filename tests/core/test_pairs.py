from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from costrel.core.pairs import KEEP_INVALID, collect, read_pairs

query_text = st.lists(
    st.sampled_from(
        [
            "&",
            "=",
            "+",
            "%",
            "%26",
            "%3D",
            "%3d",
            "%2B",
            "%C3%A9",
            "%C3",
            "%A9",
            "%e2%82",
            "%zz",
            "a",
            "é",
            ";",
            " ",
        ]
    )
).map("".join)


@given(query_text | st.text(max_size=30))
@example("a=%E2%82&b=%AC")
@example("%=41&%2=6")
def test_pairs_are_those_of_the_standard_library(text):
    assert read_pairs(text) == parse_qsl(text, keep_blank_values=True, errors=KEEP_INVALID)


def test_encoded_separators_belong_to_the_value():
    assert read_pairs("a=1%262&b%3D=3") == [("a", "1&2"), ("b=", "3")]


@pytest.mark.parametrize("storage", [MultiDict, ImmutableMultiDict])
@given(pairs=st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3))))
def test_collecting_is_what_the_storage_class_does(storage, pairs):
    collected = collect(pairs, storage)

    assert type(collected) is storage
    assert collected == storage(pairs)
    assert list(collected.lists()) == list(storage(pairs).lists())


def test_without_a_storage_class_it_is_the_usual_one():
    assert type(collect([("a", "1")])) is ImmutableMultiDict
