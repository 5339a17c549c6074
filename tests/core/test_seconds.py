"""Timeouts are numbers of seconds, or refused."""

from __future__ import annotations

import pytest

from costrel.core.seconds import check_seconds, check_timeouts
from costrel.errors import ConfigError


@pytest.mark.parametrize("value", [0.001, 1, 30, 86_400.5])
def test_a_number_above_zero_passes(value):
    check_seconds("REQUEST_TIMEOUT", value)


@pytest.mark.parametrize("value", [0, -1, "30", True, float("inf"), float("nan"), None, [30]])
def test_anything_else_is_refused_with_its_value_and_a_remedy(value):
    with pytest.raises(ConfigError) as caught:
        check_seconds("REQUEST_TIMEOUT", value)

    assert f"got {value!r}" in caught.value.problem
    assert "REQUEST_TIMEOUT = 30" in caught.value.hint


@pytest.mark.parametrize("name", ["REQUEST_TIMEOUT", "BODY_TIMEOUT", "BACKGROUND_TASK_SHUTDOWN_TIMEOUT"])
def test_each_timeout_is_looked_at(name):
    with pytest.raises(ConfigError, match=name):
        check_timeouts({name: "soon"})


def test_no_bound_and_no_patience_are_valid():
    check_timeouts({"REQUEST_TIMEOUT": None, "BODY_TIMEOUT": None, "BACKGROUND_TASK_SHUTDOWN_TIMEOUT": 0})
    check_timeouts({})
