from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.ranges import Unsatisfiable, Validators, decide, if_range_holds, pick_range, read_date

CHANGED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BEFORE, THEN, AFTER = (
    "Fri, 02 Jan 2026 03:04:04 GMT",
    "Fri, 02 Jan 2026 03:04:05 GMT",
    "Fri, 02 Jan 2026 03:04:06 GMT",
)
STRONG = Validators('"a"', CHANGED, CHANGED + timedelta(hours=1))
WEAK = Validators('W/"a"', CHANGED, CHANGED + timedelta(hours=1))
NONE = Validators()


@pytest.mark.parametrize(
    ("headers", "validators", "status"),
    [
        ({}, STRONG, 200),
        ({"IF_MATCH": '"a"'}, STRONG, 200),
        ({"IF_MATCH": '"b", "a"'}, STRONG, 200),
        ({"IF_MATCH": "*"}, NONE, 200),
        ({"IF_MATCH": '"b"'}, STRONG, 412),
        ({"IF_MATCH": 'W/"a"'}, STRONG, 412),
        ({"IF_MATCH": '"a"'}, WEAK, 412),
        ({"IF_MATCH": '"a"'}, NONE, 412),
        ({"IF_UNMODIFIED_SINCE": BEFORE}, STRONG, 412),
        ({"IF_UNMODIFIED_SINCE": THEN}, STRONG, 200),
        ({"IF_UNMODIFIED_SINCE": "no date"}, STRONG, 200),
        ({"IF_UNMODIFIED_SINCE": BEFORE}, NONE, 200),
        ({"IF_UNMODIFIED_SINCE": BEFORE, "IF_MATCH": '"a"'}, STRONG, 200),
        ({"IF_NONE_MATCH": '"a"'}, STRONG, 304),
        ({"IF_NONE_MATCH": '"b", W/"a"'}, STRONG, 304),
        ({"IF_NONE_MATCH": '"a"'}, WEAK, 304),
        ({"IF_NONE_MATCH": "*"}, NONE, 304),
        ({"IF_NONE_MATCH": '"b"'}, STRONG, 200),
        ({"IF_NONE_MATCH": '"b"', "IF_MODIFIED_SINCE": AFTER}, STRONG, 200),
        ({"IF_NONE_MATCH": '"b"', "IF_MODIFIED_SINCE": AFTER}, Validators(None, CHANGED), 200),
        ({"IF_MODIFIED_SINCE": THEN}, STRONG, 304),
        ({"IF_MODIFIED_SINCE": BEFORE}, STRONG, 200),
        ({"IF_MODIFIED_SINCE": "no date"}, STRONG, 200),
        ({"IF_MODIFIED_SINCE": THEN}, NONE, 200),
        ({"IF_MODIFIED_SINCE": THEN}, Validators(None, CHANGED + timedelta(microseconds=900)), 304),
        ({"IF_MATCH": '"b"', "IF_NONE_MATCH": '"a"'}, STRONG, 412),
        ({"IF_MATCH": '"a"', "IF_NONE_MATCH": '"a"'}, STRONG, 304),
    ],
)
def test_preconditions_are_evaluated_in_the_order_of_the_rfc(headers, validators, status):
    assert decide({f"HTTP_{name}": value for name, value in headers.items()}, validators) == status


@pytest.mark.parametrize(
    ("text", "validators", "holds"),
    [
        (None, NONE, True),
        ('"a"', STRONG, True),
        (' "a" ', STRONG, True),
        ('"b"', STRONG, False),
        ('W/"a"', STRONG, False),
        ('W/"a"', WEAK, False),
        ('"a"', WEAK, False),
        ('"a"', NONE, False),
        (THEN, STRONG, True),
        (AFTER, STRONG, False),
        (BEFORE, STRONG, False),
        (THEN, Validators(None, CHANGED, CHANGED), False),
        (THEN, Validators(None, CHANGED, CHANGED + timedelta(seconds=1)), True),
        (THEN, NONE, False),
        ("nonsense", STRONG, False),
        ("", STRONG, False),
    ],
)
def test_if_range_holds_for_strong_validators_only(text, validators, holds):
    assert if_range_holds(text, validators) is holds


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("bytes=0-4", (0, 5)),
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 10)),
        ("bytes=5-99", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes = 2 - 3", (2, 4)),
        ("bytes=0-1,2-3", (0, 4)),
        ("bytes=4-6,2-5", (2, 7)),
        ("bytes=0-1,50-60", (0, 2)),
        ("bytes=-0,0-1", (0, 2)),
        ("bytes=0-1,5-6", None),
        ("bytes=5-6,0-1", None),
        ("pages=1-2", None),
        ("bytes=0-9999999999999999999", (0, 10)),
    ],
)
def test_range_is_picked(text, span):
    assert pick_range(text, 10) == span


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=a-b",
        "bytes=-",
        "bytes=5-4",
        "bytes=--5",
        "bytes=+1-2",
        "bytes=1_0-",
        "bytes=٣-",
        "bytes=1,2",
        "bytes=10-",
        "bytes=10-20,30-",
        "bytes=-0",
        "bytes=" + "9" * 5_000 + "-",
        "bytes=" + ",".join(["0-1"] * 17),
        "bytes=0-1,",
    ],
)
def test_range_that_is_malformed_excessive_or_beyond_the_end_is_416(text):
    with pytest.raises(Unsatisfiable):
        pick_range(text, 10)


def test_sixteen_ranges_are_not_too_many():
    assert pick_range("bytes=" + ",".join(["0-1"] * 16), 10) == (0, 2)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=16), st.integers(1, 25)
)
def test_picked_range_is_within_the_length_and_covers_what_was_asked(pairs, length):
    spans = [(min(pair), max(pair)) for pair in pairs]
    wanted = {position for first, last in spans for position in range(first, last + 1) if position < length}

    try:
        span = pick_range("bytes=" + ",".join(f"{first}-{last}" for first, last in spans), length)
    except Unsatisfiable:
        assert not wanted
        return

    if span is not None:
        assert 0 <= span[0] < span[1] <= length
        assert set(range(*span)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        "Sun, 06 Nov 1994 08:49:37 +99999999999999",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        ",",
        "0",
        " , ",
    ],
)
def test_what_is_no_date_is_none(text):
    assert read_date(text) is None


@given(st.text(st.characters(max_codepoint=255)) | st.text("0123456789 ,:+-GMTSunNov"))
def test_reading_a_date_never_fails(text):
    read_date(text)
