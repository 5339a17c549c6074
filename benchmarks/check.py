"""Check that adapters answer every workload rightly, without measuring: python check.py FRAMEWORK ..."""

from __future__ import annotations

import logging
import os
import sys

import measure
from measure import Task
from workloads import MAIN


def wrong_answers(framework):
    """Return what is wrong, one line a workload; what a framework cannot do is not wrong."""
    found = []
    for workload in MAIN:
        try:
            driver = measure.make_driver(framework, Task(workload))
        except LookupError:
            continue
        try:
            driver.check()
            driver.check()  # the first request is unlike those after it
        except AssertionError as error:
            found.append(f"{framework}, {workload}: {error}")
        finally:
            driver.close()

    return found


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("BENCH_LOOP", "asyncio")
    wrong = [line for framework in sys.argv[1:] for line in wrong_answers(framework)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(bool(wrong))
