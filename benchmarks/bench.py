"""Run the benchmarks: tables to the terminal and RESULTS.md, figures to results.json, a picture to speed.svg.

make bench                       everything, about ten minutes
make bench ARGS="--only main"    the thirteen workloads
make bench ARGS="--only main --workloads plain,json --rounds 5 --dry"    a look, nothing written
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform

import footprint
import measure
import picture
import report
import servers
from measure import Task
from workloads import MAIN

HERE = pathlib.Path(__file__).resolve().parent
FRAMEWORKS = ("bare", "bareorjson", "flask", "bottle", "falcon", "falconorjson", "costrel")
PAIR = ("flask", "costrel")
SECTIONS = ("main", "everything", "routing", "url_for", "footprint", "servers")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas: %(default)s")
    parser.add_argument("--workloads", default=",".join(MAIN), help="with commas")
    parser.add_argument("--frameworks", default=",".join(FRAMEWORKS), help="with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=100_000, help="for the memory figures")
    parser.add_argument("--dry", action="store_true", help="write no files")
    return parser.parse_args()


def about():
    names = ("Flask", "Werkzeug", "falcon", "bottle", "granian", "gunicorn", "waitress")
    versions = ", ".join(f"{name.capitalize()} {importlib.metadata.version(name)}" for name in names)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": versions,
    }


def run_section(name, options):
    """Measure one section; each returns what ``report`` shows under its name."""
    frameworks, rounds = options.frameworks.split(","), options.rounds
    workloads = options.workloads.split(",")
    if name == "main":
        return {
            workload: measure.compare(Task(workload), frameworks, rounds=rounds) for workload in workloads
        }
    if name == "everything":
        tasks = [Task(workload, "everything") for workload in workloads]
        return {task.workload: measure.compare(task, PAIR, rounds=rounds) for task in tasks}
    if name == "routing":
        tasks = [Task("routes_10"), Task("routes"), Task("routes_10k")]
        return {task.workload: measure.compare(task, PAIR, rounds=rounds) for task in tasks}
    if name == "url_for":
        tasks = [Task("url_for static"), Task("url_for with an argument")]
        return {task.workload: measure.compare(task, PAIR, rounds=rounds) for task in tasks}
    if name == "servers":
        wanted = [framework for framework in ("bare", *PAIR, "falcon") if framework in frameworks]
        return {
            server: servers.compare(server, wanted, rounds=min(rounds, 3), requests=4_000)
            for server in servers.SERVERS
        }

    return run_footprint(frameworks, options.requests)


def run_footprint(frameworks, requests):
    found = footprint.import_cost([name for name in frameworks if not name.endswith(("bare", "orjson"))])
    for framework in PAIR:
        if framework in found:
            found[framework] |= footprint.memory(framework, requests=requests)

    return {"requests": requests, "frameworks": found}


def main():
    options = arguments()
    stored = HERE / "results.json"
    run = json.loads(stored.read_text()) if stored.exists() and not options.dry else {}
    run["about"] = about()
    for section in options.only.split(","):
        run[section] = run_section(section, options)
        run = {name: run[name] for name in ("about", *SECTIONS) if name in run}
        if not options.dry:
            write(run)  # after each section: what was measured stays, if a later one fails
    print(report.page(run))


def write(run):
    """Write the figures, the page and the picture."""
    (HERE / "results.json").write_text(json.dumps(run, indent=1) + "\n")
    (HERE / "RESULTS.md").write_text(report.page(run))
    if run.get("main"):
        (HERE / "speed.svg").write_text(picture.draw(run["main"]))
        write_readme(report.summary(run))


def write_readme(summary):
    """Put the figures of this run between their marks in the README."""
    readme = HERE.parent / "README.md"
    before, mark, rest = readme.read_text().partition("<!-- figures: written by make bench -->\n")
    _, end, after = rest.partition("<!-- end of figures -->\n")
    readme.write_text(f"{before}{mark}\n{summary}\n\n{end}{after}")


if __name__ == "__main__":
    main()
