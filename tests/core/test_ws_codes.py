"""Close codes and reasons are those that RFC 6455 lets a server send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.core.ws_codes import check_close, code_for_status, is_sendable, short_reason


@pytest.mark.parametrize("code", [1_004, 1_005, 1_006, 1_015, 999, 1_016, 2_999, 5_000])
def test_codes_that_stand_for_no_close_frame_are_not_sent(code):
    assert not is_sendable(code)
    with pytest.raises(ValueError, match=str(code)):
        check_close(code, "")


@pytest.mark.parametrize("code", [1_000, 1_001, 1_012, 3_000, 4_999])
def test_codes_for_servers_and_applications_are_sent(code):
    check_close(code, "x" * 123)
    with pytest.raises(ValueError, match="123"):
        check_close(code, "x" * 124)


@given(st.text())
def test_a_short_reason_always_fits_and_is_the_beginning(text):
    reason = short_reason(text.encode("utf-8", "ignore").decode())

    check_close(1_000, reason)
    assert text.encode("utf-8", "ignore").decode().startswith(reason)


STATUSES = [(400, 1_008), (413, 1_009), (499, 1_008), (500, 1_011), (None, 1_011)]


@pytest.mark.parametrize(("status", "code"), STATUSES)
def test_a_status_has_the_code_of_its_meaning(status, code):
    assert code_for_status(status) == code
