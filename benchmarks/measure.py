"""Measure in process: one worker per framework, rounds interleaved, so that noise falls on all alike.

CPU time, not wall time, and the minimum of the rounds: the machine may be shared.
Compare figures of one run with each other, never with those of another run.
"""

from __future__ import annotations

import json
import logging
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass, replace

HERE = pathlib.Path(__file__).resolve().parent
_SECONDS_A_ROUND = 0.02


@dataclass(frozen=True)
class Task:
    """What one worker measures: a workload by name, perhaps in another variant of the application."""

    workload: str
    variant: str = ""


def make_driver(framework, task):
    import drivers
    from workloads import WORKLOADS

    adapter = drivers.load(framework)
    if task.workload in adapter.UNSUPPORTED:
        raise LookupError(adapter.UNSUPPORTED[task.workload])
    if task.workload.startswith("url_for"):
        return drivers.UrlFor(adapter, with_argument=task.workload.endswith("argument"))
    workload = WORKLOADS[task.workload]
    if task.variant:
        workload = replace(workload, variant=task.variant)

    if getattr(adapter, "PROTOCOL", "wsgi") == "asgi":
        import asgi_driver

        return asgi_driver.Driver(adapter.make_app(workload.variant), workload)

    return drivers.Driver(adapter.make_app(workload.variant), workload)


def calibrate(driver):
    """Find how many requests fill a round."""
    count = 5
    while (seconds := driver.run(count)) < _SECONDS_A_ROUND / 4 and count < 200_000:
        count *= 3

    return max(5, int(count * _SECONDS_A_ROUND / max(seconds, 1e-9)))


def work(framework, task):
    """Be a worker: answer each line ``go`` with the CPU microseconds of one request."""
    logging.disable(logging.CRITICAL)
    protocol = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a chatty framework must not write into the protocol
    try:
        driver = make_driver(framework, task)
        for _ in range(4):
            driver.check()
        count = calibrate(driver)
        driver.run(count)
    except LookupError as error:
        print(json.dumps({"skipped": str(error)}), file=protocol, flush=True)
        return
    print(json.dumps({"count": count}), file=protocol, flush=True)
    for _line in sys.stdin:
        print(json.dumps(driver.run(count) / count * 1e6), file=protocol, flush=True)


def begin(framework, task):
    command = [sys.executable, str(HERE / "measure.py"), framework, task.workload, task.variant]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    # the same hash seed for all: dict layouts differ by it, and with them the figures
    return subprocess.Popen(command, cwd=HERE, env={**os.environ, "PYTHONHASHSEED": "0"}, **pipes)


def compare(task, frameworks, *, rounds):
    """Return the least CPU microseconds per request of each framework that can do the task."""
    workers = {}
    for framework in frameworks:
        worker = begin(framework, task)
        answer = json.loads(worker.stdout.readline() or "null")
        if answer is None:
            raise RuntimeError(f"{framework} failed at {task.workload}; its traceback is above")
        if "count" in answer:
            workers[framework] = worker
            continue
        print(f"{'':16} {'':10} {answer['skipped']}: left out", file=sys.stderr)
        worker.stdin.close()
        worker.wait()
    times = {framework: [] for framework in workers}
    for _ in range(rounds):
        for framework, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            times[framework].append(json.loads(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    result = {framework: min(found) for framework, found in times.items()}
    shown = "  ".join(f"{framework} {value:.1f}" for framework, value in result.items())
    print(f"{task.workload:>16} {task.variant:10} {shown}", file=sys.stderr, flush=True)

    return result


if __name__ == "__main__":
    work(sys.argv[1], Task(sys.argv[2], sys.argv[3]))
