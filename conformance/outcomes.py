"""Compares what a suite did with what passes on Flask itself. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from environments import CACHE, HERE

__all__ = ["Comparison", "compare", "count", "load", "save"]

Outcomes = dict[str, dict[str, str]]
"""By test: ``outcome`` and, if it did not pass, ``msg``."""


@dataclass(frozen=True)
class Comparison:
    """How a suite did, against the list in ``expected/``."""

    expected: int
    failed: list[tuple[str, str, str]]
    """Test, outcome and message of each that passes on Flask and did not here."""
    missing: list[str]
    """Tests of the list that did not run."""

    @property
    def passed(self) -> int:
        return self.expected - len(self.failed) - len(self.missing)

    @property
    def is_whole(self) -> bool:
        return not self.failed and not self.missing


def compare(expected_name: str, outcomes: Outcomes, differs: Collection[str] = ()) -> Comparison:
    """Hold outcomes against a list in ``expected/``, but for tests that are meant to differ."""
    listed = (HERE / "expected" / f"{expected_name}.txt").read_text().splitlines()
    expected = [test for test in listed if test not in differs]
    failed = [
        (test, outcomes[test]["outcome"], outcomes[test].get("msg", ""))
        for test in sorted(expected)
        if test in outcomes and outcomes[test]["outcome"] != "passed"
    ]

    return Comparison(len(expected), failed, [test for test in expected if test not in outcomes])


def read_report(path: Path) -> Outcomes:
    """Read what the plugin ``outcome_report`` wrote: a line a test."""
    outcomes: Outcomes = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        test = json.loads(line)
        if outcomes.get(test["id"], {}).get("outcome", "passed") in ("passed", "skipped"):
            outcomes[test["id"]] = {key: test[key] for key in ("outcome", "msg") if test[key]}

    return outcomes


def count(outcomes: Outcomes) -> dict[str, int]:
    counts: dict[str, int] = {}
    for test in outcomes.values():
        counts[test["outcome"]] = counts.get(test["outcome"], 0) + 1

    return counts


def save(label: str, suite: str, outcomes: Outcomes) -> None:
    path = CACHE / "results" / f"{suite}.{label}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(outcomes, indent=1, sort_keys=True) + "\n")


def load(label: str, suite: str) -> Outcomes | None:
    path = CACHE / "results" / f"{suite}.{label}.json"

    return json.loads(path.read_text()) if path.exists() else None
