#!/usr/bin/env python3
"""Run Flask's own tests, and those of extensions, on costrel through the name ``flask``.

    run.py                      all suites
    run.py flask flask-login    these
    run.py flask --pytest -k session -x

The exit status is 1 when a test that passes on Flask does not pass here. See README.md.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from environments import CACHE, HERE, environment, source
from outcomes import compare, count, load, read_report, save, Outcomes
from suites import SUITES, Suite

# What the tests of others would take from this process, and must not.
_FOREIGN = ("PYTEST_", "FLASK_", "COSTREL_", "COVERAGE", "VIRTUAL_ENV", "PIP_", "PYTHONPATH", "PYTHONHOME")
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


_MOST_LINES = 40
"""How many tests are listed of those that do not pass; beyond that it is one cause, mostly."""


def run(suite: Suite, venv: Path, *, alias: bool, more: list[str], label: str) -> Outcomes:
    """Run a suite in a copy of its source, print a line, and return what each test did."""
    work = CACHE / "work" / f"{suite.name}.{label}"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source(suite), work, symlinks=True)
    if alias:
        rename(suite, work)
    report = CACHE / "reports" / f"{suite.name}.{label}.jsonl"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)

    started = time.monotonic()
    with report.with_suffix(".log").open("w") as log:
        ended = _wait(_start(suite, venv, work, report, log, alias=alias, more=more), suite)
    outcomes = read_report(report)
    counts = count(outcomes)
    print(
        f"{suite.name:18} {label:11} "
        + ", ".join(f"{number} {what}" for what, number in sorted(counts.items())),
        f"in {time.monotonic() - started:.0f} s" + ("" if ended else ", STOPPED: it took too long"),
        flush=True,
    )
    if not outcomes:
        print(report.with_suffix(".log").read_text()[-1000:])
    save(label, suite.name, outcomes)

    return outcomes


def rename(suite: Suite, work: Path) -> None:
    """Change the prefixes of imports in a suite's copy, and take away the package it is the suite of."""
    for package, name in suite.renamed:
        for folder in (work / package, work / "src" / package):
            shutil.rmtree(folder, ignore_errors=True)
        for file in work.rglob("*.py"):
            text = file.read_text("utf-8")
            file.write_text(re.sub(rf"\b{package}\b", name, text), "utf-8")


def _start(suite, venv, work, report, log, *, alias, more):
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(_FOREIGN) and key not in _CERTIFICATES
    }
    folder = work / suite.folder
    env |= {
        "PATH": f"{venv}/bin{os.pathsep}{env['PATH']}",
        "VIRTUAL_ENV": str(venv),
        "PYTHONPATH": os.pathsep.join([str(HERE / "plugins"), *([] if folder == work else [str(folder)])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OUTCOME_REPORT": str(report),
        **suite.environment,
    }
    for chosen in ("COSTREL_FAST_LANE", "COSTREL_TEST_PROTOCOL"):
        if os.environ.get(chosen):
            env[chosen] = os.environ[chosen]
    command = [
        *(str(venv / "bin/python"), "-m", "pytest", *(("-p", "require_alias") if alias else ())),
        *("-p", "outcome_report", "-q", "--no-header", "--tb=short", "--timeout=60"),
        *("--continue-on-collection-errors", *suite.arguments, *suite.tests, *more),
    ]

    return subprocess.Popen(
        command, cwd=folder, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
    )


def _wait(process: subprocess.Popen, suite: Suite) -> bool:
    """Wait for a suite's end, or end it with all it started; tell which it was."""
    try:
        process.wait(timeout=suite.timeout_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False

    return True


def show(suite: Suite, outcomes: Outcomes) -> bool:
    """Print what differs from Flask, and tell whether nothing does but what is meant to."""
    result = compare(suite.expected_name, outcomes, suite.differs)
    print(f"{suite.name:18} {result.passed} of the {result.expected} that pass on Flask")
    for test, reason in suite.differs.items():
        print(f"   differs {test}  | {reason}")
    lines = [
        f"{outcome:7} {test}  | {message.splitlines()[0][:140] if message else ''}"
        for test, outcome, message in result.failed
    ]
    lines += [f"not run {test}" for test in result.missing]
    for line in lines[:_MOST_LINES]:
        print(f"   {line}")
    if len(lines) > _MOST_LINES:
        print(f"   ... and {len(lines) - _MOST_LINES} more")
    for test, found in outcomes.items():
        if test.startswith("COLLECT ") and found["outcome"] == "error":
            print(f"   {test}: {found.get('msg', '')[-300:]}")

    return result.is_whole


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suites", nargs="*", help=f"all, or some of: {', '.join(SUITES)}")
    parser.add_argument(
        "--impl", choices=["costrel", "flask"], default="costrel", help="what 'import flask' means"
    )
    parser.add_argument("--costrel-path", type=Path, default=HERE.parent, help="the project to install")
    parser.add_argument("--python", default="", help="the interpreter to run on, as python3.13")
    parser.add_argument("--label", help="the name of the results, the implementation's by default")
    parser.add_argument("--fresh", action="store_true", help="build the environments again")
    parser.add_argument("--list", action="store_true", help="list the suites and stop")
    parser.add_argument("--diff", action="store_true", help="compare the last results and run nothing")
    parser.add_argument(
        "--prepare", action="store_true", help="build environments, fetch sources, and run nothing"
    )
    parser.add_argument(
        "--pytest", nargs=argparse.REMAINDER, default=[], help="arguments for pytest, at the end"
    )
    options = parser.parse_args()
    names = list(SUITES) if options.suites in ([], ["all"]) else options.suites
    if unknown := [name for name in names if name not in SUITES]:
        parser.error(f"unknown suite {unknown[0]!r}; there are: {', '.join(SUITES)}")
    options.suites = [SUITES[name] for name in names]
    options.label = options.label or f"{options.impl}{Path(options.python).name.removeprefix('python')}"

    return options


def main() -> int:
    options = _read_arguments()
    costrel = options.costrel_path.resolve() if options.impl == "costrel" else None
    all_whole = True
    for suite in options.suites:
        if options.list:
            print(suite.name, *(suite.release or ()))
        elif options.diff:
            outcomes = load(options.label, suite.name)
            all_whole &= outcomes is not None and show(suite, outcomes)
        else:
            venv = environment(suite, costrel=costrel, python=options.python, fresh=options.fresh)
            if options.prepare:
                source(suite)
                continue
            outcomes = run(suite, venv, alias=costrel is not None, more=options.pytest, label=options.label)
            all_whole &= show(suite, outcomes)

    return 0 if all_whole or options.impl == "flask" else 1


if __name__ == "__main__":
    sys.exit(main())
