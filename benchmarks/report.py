"""Turn the figures of a run into a page of tables. Knows nothing of how they were measured."""

from __future__ import annotations

NAMES = {
    "bare": "bare WSGI",
    "bareorjson": "bare WSGI, orjson",
    "flask": "Flask",
    "bottle": "Bottle",
    "falcon": "Falcon",
    "falconorjson": "Falcon, orjson",
    "costrel": "**Costrel**",
}
TITLES = {
    "routes": "300 routes",
    "notfound": "404",
    "static": "static 10K",
    "upload": "upload 1M",
    "bigjson": "bigjson 100K",
}


def page(run):
    """Return the whole of RESULTS.md."""
    parts = ["# Benchmark results", _about(run)]
    if run.get("main"):
        parts += ["## In process, CPU µs per request", times(run["main"])]
        parts += ["## How many times faster than Flask", ratios(run["main"])]
    if run.get("everything"):
        parts += [
            "## With hooks, signals, a session and an error handler in play",
            "Before, after and teardown hooks, three signal receivers, a session read and an error handler, "
            "in Flask and in Costrel alike.",
            times(run["everything"]),
            ratios(run["everything"]),
        ]
    if run.get("routing"):
        parts += ["## A dynamic route among many, CPU µs per request", times(run["routing"])]
    if run.get("url_for"):
        parts += ["## `url_for` in a request, CPU µs per call", times(run["url_for"])]
    if run.get("servers"):
        parts += ["## On real servers, `plain`, server CPU µs per request", times(run["servers"])]
    if run.get("footprint"):
        parts += ["## Footprint", footprint(run["footprint"])]

    return "\n\n".join(parts) + "\n"


def summary(run):
    """Return what the README says of a run."""
    about = run["about"]
    shown = {
        workload: {name: row[name] for name in ("flask", "bottle", "falconorjson", "costrel") if name in row}
        for workload, row in run["main"].items()
    }
    lines = [
        f"Times faster than Flask, in one run ({about['date']}, Python {about['python']}, {about['cores']} "
        "shared cores, in process):",
        "",
        ratios(shown),
        "",
    ]
    if run.get("everything"):
        gains = [row["flask"] / row["costrel"] for row in run["everything"].values()]
        lines.append(
            f"- With hooks, signal receivers, a session and an error handler in play: {min(gains):.1f} to "
            f"{max(gains):.1f} times, by workload."
        )
    if run.get("routing"):
        few, many = (run["routing"][name]["costrel"] for name in ("routes_10", "routes_10k"))
        lines.append(f"- A route among 10 takes {few:.1f} µs, one among 10,000 {many:.1f} µs.")
    if run.get("url_for"):
        row = run["url_for"]["url_for static"]
        lines.append(f"- `url_for` takes {row['costrel']:.1f} µs, Flask's {row['flask']:.1f} µs.")
    if run.get("footprint"):
        row, flask = (run["footprint"]["frameworks"][name] for name in ("costrel", "flask"))
        lines.append(
            f"- Importing it takes {row['cpu_ms']:.0f} ms and {row['rss_mib']:.1f} MiB, Flask "
            f"{flask['cpu_ms']:.0f} ms and {flask['rss_mib']:.1f} MiB. Over {run['footprint']['requests']:,} "
            f"requests that never repeat, memory grew by {row['rss_late'] - row['rss_early']:.2f} MiB."
        )
    if run.get("servers"):
        costs = [f"{name} {row['flask'] / row['costrel']:.1f}" for name, row in run["servers"].items()]
        lines.append(f"- On real servers, most of the time is the server's: {', '.join(costs)} times.")

    return "\n".join(lines)


def _about(run):
    about = run["about"]
    return (
        f"Measured {about['date']} on Python {about['python']}, {about['cores']} cores, "
        f"by `make bench`; {about['versions']}.\n"
        "The least of interleaved rounds in separate processes, answers checked first.\n"
        "Compare figures of this run with each other, not with those of another run or machine; "
        "differences under 15 % are noise."
    )


def times(results):
    """One row a framework, one column a workload."""
    return _table(results, lambda row, framework: row.get(framework), number)


def ratios(results):
    """The same, as multiples of Flask's speed."""

    def ratio(row, framework):
        if framework not in row or "flask" not in row:
            return None
        return row["flask"] / row[framework]

    return _table(results, ratio, ratio_text)


def _table(results, value_of, text_of):
    return table(results, value_of, text_of, NAMES)


def table(results, value_of, text_of, names):
    """One row a name that has a figure, one column a workload; ``value_of`` finds what a cell shows."""
    present = [name for name in names if any(name in row for row in results.values())]
    lines = head(results)
    for framework in present:
        values = [value_of(row, framework) for row in results.values()]
        lines.append(line([names[framework], *("–" if v is None else text_of(v) for v in values)]))

    return "\n".join(lines)


def head(results):
    """Return the first two lines of a table, with the workloads' titles."""
    titles = ["", *(TITLES.get(workload, workload) for workload in results)]
    return [line(titles), line(["---", *["--:"] * len(results)])]


def footprint(found):
    """Import, first request and memory, one row a framework."""
    titles = ["", "import, CPU ms", "import, MiB", "app and first request, ms", "MiB after 10 %", "after all"]
    lines = [line(titles), line(["---", *["--:"] * 5])]
    for framework, row in found["frameworks"].items():
        cells = [f"{row['cpu_ms']:.0f}", f"{row['rss_mib']:.1f}"]
        if "rss_late" in row:
            cells += [f"{row['first_ms']:.1f}", f"{row['rss_early']:.2f}", f"{row['rss_late']:.2f}"]
        lines.append(line([NAMES[framework], *cells, *["–"] * (5 - len(cells))]))
    note = f"Import is above Python's own; memory is the process's over {found['requests']:,} requests."

    return "\n".join([note + " No two requests are alike.", "", *lines])


def ratio_text(value):
    """Write a ratio with as many digits as it deserves."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def line(cells):
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def number(value):
    """Write microseconds with as many digits as they deserve."""
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"
