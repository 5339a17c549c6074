"""Run the benchmarks over ASGI: tables to the terminal and RESULTS-asgi.md, a picture to speed-asgi.svg.

make bench-asgi                       everything, about fifteen minutes
make bench-asgi ARGS="--only main"    the thirteen workloads, in process
make bench-asgi ARGS="--only main --workloads plain,json --rounds 5 --dry"    a look, nothing written
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform

import measure
import picture
import report_asgi
import wire
from measure import Task
from workloads import MAIN

HERE = pathlib.Path(__file__).resolve().parent
FRAMEWORKS = (
    "bare_asgi",
    "blacksheep",
    "falcon_asgi",
    "starlette",
    "litestar",
    "fastapi",
    "quart",
    "costrel_async",
)
LIVE_SECTIONS = ("websocket", "idle", "events", "endurance")
SECTIONS = ("main", "asyncio", "threads", "under_wsgi", "wire", *LIVE_SECTIONS)
FEW = ("plain", "json", "param")
LIVE = ("bare_asgi", "blacksheep", "starlette", "costrel_async")
PACKAGES = (
    *("blacksheep", "falcon", "starlette", "litestar", "fastapi", "quart", "flask"),
    *("uvicorn", "granian", "uvloop", "websockets"),
)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas: %(default)s")
    parser.add_argument("--workloads", default=",".join(MAIN), help="with commas")
    parser.add_argument("--frameworks", default=",".join(FRAMEWORKS), help="with commas")
    parser.add_argument("--servers", default=",".join(wire.SERVERS), help="with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=20_000, help="on servers, per round")
    parser.add_argument("--connections", type=int, default=5_000, help="silent ones, held open")
    parser.add_argument("--listeners", type=int, default=500, help="to an event stream, at once")
    parser.add_argument("--events", type=int, default=10_000, help="to each listener, in the long run")
    parser.add_argument("--dry", action="store_true", help="write no files")
    return parser.parse_args()


def about():
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": versions,
    }


def in_process(workloads, frameworks, rounds):
    return {name: measure.compare(Task(name), frameworks, rounds=rounds) for name in workloads}


def run_section(name, options):
    """Measure one section; each returns what ``report_asgi`` shows under its name."""
    frameworks, rounds = options.frameworks.split(","), options.rounds
    workloads = options.workloads.split(",")
    few = [workload for workload in FEW if workload in workloads]
    if name == "main":
        return in_process(workloads, frameworks, rounds)
    if name == "asyncio":
        os.environ["BENCH_LOOP"] = "asyncio"
        try:
            return in_process(few, frameworks, rounds)
        finally:
            del os.environ["BENCH_LOOP"]
    if name == "threads":
        wanted = [found for found in (*FEW, "template", "static", "bigjson") if found in workloads]
        return in_process(wanted, ("starlette_threads", "costrel_threads"), rounds)
    if name == "under_wsgi":
        wanted = [found for found in (*FEW, "hooks", "form", "template") if found in workloads]
        pairs = ("flask", "flask_async", "costrel", "costrel_async_wsgi")
        suspended = in_process(["awaits"], ("flask_async", "costrel_async_wsgi"), rounds)
        return in_process(wanted, pairs, rounds) | suspended
    if name == "wire":
        servers = options.servers.split(",")
        return {server: run_server(server, few, frameworks, options) for server in servers}

    return run_live(name, [framework for framework in LIVE if framework in frameworks], options)


def run_server(server, workloads, frameworks, options):
    if wire.SERVERS[server] == "rsgi":
        frameworks = ["bare_rsgi", *(["costrel_rsgi"] if "costrel_async" in frameworks else [])]
    limits = {"rounds": min(options.rounds, 3), "count": options.requests}
    with wire.serving(server, frameworks) as running:
        return {workload: wire.requests(server, workload, running, **limits) for workload in workloads}


def run_live(name, frameworks, options):
    """Measure connections that stay; the long run is costrel's alone."""
    limits = {"rounds": min(options.rounds, 3), "count": options.requests}
    short = {"listeners": options.listeners, "count": max(1, options.events // 25)}
    long = {"listeners": options.listeners, "count": options.events}
    if name == "endurance":
        frameworks = [framework for framework in frameworks if framework.startswith("costrel")]
    with wire.serving("uvicorn", frameworks, "live") as running:
        if name == "websocket":
            return wire.messages(running, **limits)
        if name == "idle":
            return wire.idle(running, connections=options.connections)

        return wire.events(running, **(long if name == "endurance" else short))


def main():
    options = arguments()
    stored = HERE / "results-asgi.json"
    run = json.loads(stored.read_text()) if stored.exists() and not options.dry else {}
    run["about"] = about()
    for section in options.only.split(","):
        found = run_section(section, options)
        # each server is a comparison of its own, and may be measured alone
        run[section] = run.get(section, {}) | found if section == "wire" else found
        run = {name: run[name] for name in ("about", *SECTIONS) if name in run}
        if not options.dry:
            write(run)  # after each section: what was measured stays, if a later one fails
    print(report_asgi.page(run))


def write(run):
    """Write the figures, the page and the picture."""
    (HERE / "results-asgi.json").write_text(json.dumps(run, indent=1) + "\n")
    (HERE / "RESULTS-asgi.md").write_text(report_asgi.page(run))
    if run.get("main"):
        (HERE / "speed-asgi.svg").write_text(picture.draw(run["main"], picture.ASGI))


if __name__ == "__main__":
    main()
