"""pytest plugin: write a line of JSON for each test as it ends, to the file ``$OUTCOME_REPORT``.

Each line is written at once, so that a hang or a crash keeps what ran before.
Imports nothing that the tests are about.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

_running: dict[str, dict[str, str]] = {}


def _write(test: str, outcome: str, message: str) -> None:
    with Path(os.environ["OUTCOME_REPORT"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": test, "outcome": outcome, "msg": message}) + "\n")


def _message(report) -> str:
    details = getattr(report, "longrepr", None)
    if isinstance(details, tuple):  # of a skipped test: path, line, reason
        return str(details[-1])[:300]
    crash = getattr(details, "reprcrash", None)
    if crash is not None:
        return str(crash.message)[:300]

    return str(details or "").strip()[-300:]


def pytest_runtest_logreport(report) -> None:
    test = _running.setdefault(report.nodeid, {"outcome": "", "msg": ""})
    expected_to_fail = hasattr(report, "wasxfail")
    if report.when == "call":
        test["outcome"] = report.outcome
        if expected_to_fail:
            test["outcome"] = "xfailed" if report.skipped else "xpassed"
    elif report.failed:  # setting up or tearing down
        test["outcome"] = "error"
    elif report.skipped and not test["outcome"]:
        test["outcome"] = "xfailed" if expected_to_fail else "skipped"
    if not report.passed and not test["msg"]:
        test["msg"] = _message(report)
    if report.when == "teardown":
        _running.pop(report.nodeid)
        _write(report.nodeid, test["outcome"] or "error", test["msg"])


def pytest_collectreport(report) -> None:
    if not report.passed:
        outcome = "error" if report.failed else "skipped"
        _write(f"COLLECT {report.nodeid}", outcome, _message(report))


def pytest_sessionfinish(session, exitstatus) -> None:
    for test, found in _running.items():
        _write(test, "error", found["msg"] or "ended without a report")
