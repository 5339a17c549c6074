"""Findings have ids that stay, come in the order of their weight, and can be silenced."""

from __future__ import annotations

import pytest

from costrel.core.checks.finding import Finding, Level, collect
from costrel.errors import SetupError


@pytest.mark.parametrize(
    ("id", "level"),
    [("mail.I001", Level.INFO), ("security.W004", Level.WARNING), ("my-ext.deep.E999", Level.ERROR)],
)
def test_level_is_said_by_the_id(id, level):
    assert Finding(id, "something").level is level


@pytest.mark.parametrize(
    "id", ["", "W001", "mail.X001", "mail.W1", "mail.W0011", "Mail.W001", "mail W001", ".W001"]
)
def test_id_of_another_form_is_refused(id):
    with pytest.raises(SetupError) as caught:
        Finding(id, "something")

    assert repr(id) in caught.value.problem
    assert "three digits" in caught.value.hint


def test_gravest_comes_first():
    found = [Finding(id, "x") for id in ("a.I001", "b.W002", "b.W001", "z.E001")]

    told, silenced = collect([lambda app: found], None)

    assert [finding.id for finding in told] == ["z.E001", "b.W001", "b.W002", "a.I001"]
    assert silenced == []


def test_silenced_findings_are_apart():
    found = [Finding("a.W001", "x"), Finding("a.W002", "x")]

    told, silenced = collect([lambda app: found], None, silenced=["a.W001"])

    assert ([finding.id for finding in told], [finding.id for finding in silenced]) == (
        ["a.W002"],
        ["a.W001"],
    )


def test_check_that_fails_is_a_finding_and_the_others_run():
    def broken(app):
        yield Finding("a.W001", "before it broke")
        raise ValueError("a bug")

    told, _ = collect([broken, lambda app: None, lambda app: [Finding("b.W001", app)]], "shop")

    assert [finding.id for finding in told] == ["checks.E001", "a.W001", "b.W001"]
    assert "broken failed: ValueError: a bug" in told[0].text
