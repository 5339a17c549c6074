"""What a framework costs before and after its requests: import, first answer, memory kept."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
MIB = 2**20

_IMPORT = """
import sys
sys.path[:0] = {folders!r}
{statement}
print(int(open("/proc/self/statm").read().split()[1]) * 4096)
"""


def import_cost(frameworks, *, runs=8):
    """Return CPU milliseconds and MiB of importing each, above those of Python itself."""
    import drivers

    costs = {name: [] for name in ["python", *frameworks]}
    for _ in range(runs + 1):  # the first round writes the bytecode
        for name, found in costs.items():
            folders, statement = [], "pass"
            if name != "python":
                adapter = drivers.load(name)
                folders = [adapter.PATH_PREPEND] if hasattr(adapter, "PATH_PREPEND") else []
                statement = getattr(adapter, "STATEMENT", f"import {adapter.IMPORT}")
            found.append(_run(_IMPORT.format(folders=folders, statement=statement)))
    least = {
        name: (min(cpu for cpu, _ in found[1:]), min(rss for _, rss in found[1:]))
        for name, found in costs.items()
    }
    base_cpu, base_rss = least.pop("python")

    return {
        name: {"cpu_ms": (cpu - base_cpu) * 1e3, "rss_mib": (rss - base_rss) / MIB}
        for name, (cpu, rss) in least.items()
    }


def _run(code):
    # an environment that keeps Python from writing bytecode would have a checkout compiled each time
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", code], cwd=HERE, env=environ, **pipes)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"failed: {code}")

    return usage.ru_utime + usage.ru_stime, int(output)


def memory(framework, *, requests):
    """Return the MiB of a fresh process after a tenth of the requests, and after all of them."""
    command = [sys.executable, str(HERE / "footprint.py"), framework, str(requests)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=HERE).stdout)

    return {name: value / MIB if name.startswith("rss") else value for name, value in found.items()}


def _serve_many(framework, requests):
    """Answer requests that never repeat: a cache keyed by what clients send would grow."""
    import logging

    import drivers
    from workloads import Workload

    logging.disable(logging.CRITICAL)
    started = time.perf_counter()
    app = drivers.load(framework).make_app("session")
    driver = drivers.Driver(app, Workload("/", lambda *_: True))
    driver.check()
    first_ms = (time.perf_counter() - started) * 1e3
    paths = ("/users/{}/posts/a-{}", "/missing/{}/{}", "/", "/session")
    rss = []
    for number in range(requests):
        driver.environ["PATH_INFO"] = paths[number % 4].format(number, number)
        driver.environ["HTTP_COOKIE"] = f"session=forged{number}; other={number}"
        driver.environ["HTTP_HOST"] = f"host-{number}.example"
        driver.environ["QUERY_STRING"] = f"page={number}"
        driver.run(1)
        if number + 1 in (requests // 10, requests):
            rss.append(_rss())
    print(json.dumps({"rss_early": rss[0], "rss_late": rss[1], "first_ms": first_ms}))


def _rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


if __name__ == "__main__":
    _serve_many(sys.argv[1], int(sys.argv[2]))
