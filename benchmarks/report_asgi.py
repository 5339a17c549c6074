"""Turn the figures of a run over ASGI into a page of tables. Knows nothing of how they were measured."""

from __future__ import annotations

import report

NAMES = {
    "bare_asgi": "bare ASGI",
    "quart": "Quart",
    "fastapi": "FastAPI",
    "litestar": "Litestar",
    "starlette": "Starlette",
    "falcon_asgi": "Falcon",
    "blacksheep": "BlackSheep",
    "bare_rsgi": "bare RSGI",
    "starlette_threads": "Starlette",
    "flask": "Flask, sync",
    "flask_async": "Flask, async",
    "costrel": "Costrel, sync",
    "costrel_async_wsgi": "**Costrel, async**",
    "costrel_threads": "**Costrel**",
    "costrel_async": "**Costrel**",
    "costrel_rsgi": "**Costrel**",
}
# At most so many times what the bare callable takes.
WANTED = {
    "plain": 3.5,
    "json": 2.0,
    "param": 2.5,
    "routes": 2.5,
    "hooks": 3.5,
    "form": 1.5,
    "jsonpost": 1.4,
    "template": 1.15,
    "static": 15,
    "upload": 1.1,
    "notfound": 8,
    "bigjson": 0.3,
}


def page(run):
    """Return the whole of RESULTS-asgi.md."""
    parts = ["# Benchmark results over ASGI", _about(run)]
    if run.get("main"):
        parts += ["## Async views, in process, CPU µs per request", times(run["main"])]
        parts += ["## How many times the bare ASGI callable", to_bare(run["main"]), places(run["main"])]
    if run.get("asyncio"):
        parts += ["## On asyncio's own loop, CPU µs per request", times(run["asyncio"])]
    if run.get("threads"):
        parts += ["## Sync views under ASGI, in a worker thread, CPU µs per request", times(run["threads"])]
    if run.get("under_wsgi"):
        parts += [
            "## Async views under WSGI, CPU µs per request",
            "In *awaits* the view is suspended once, `await asyncio.sleep(0)`; in the others nothing waits.",
            times(run["under_wsgi"]),
        ]
    for server, results in run.get("wire", {}).items():
        parts += [f"## On {server}, server CPU µs per request (requests a second)", over_the_wire(results)]
    if any(run.get(section) for section in ("websocket", "idle", "events", "endurance")):
        parts += ["## Connections that stay, on uvicorn", live(run)]

    return "\n\n".join(parts) + "\n"


def _about(run):
    about = run["about"]
    return (
        f"Measured {about['date']} on Python {about['python']}, {about['cores']} cores, "
        f"by `make bench-asgi`; {about['versions']}.\n"
        "In process on uvloop; the least of interleaved rounds in separate processes, answers checked.\n"
        "Compare figures of this run with each other, not with those of another run or machine; "
        "differences under 15 % are noise."
    )


def times(results):
    """One row a framework, one column a workload."""
    return report.table(results, lambda row, name: row.get(name), report.number, NAMES)


def to_bare(results):
    """The same, as multiples of the bare callable's time, with what is wanted of costrel in the last row."""

    def ratio(row, framework):
        if framework not in row or "bare_asgi" not in row:
            return None
        return row[framework] / row["bare_asgi"]

    table = report.table(
        results, ratio, lambda value: f"{value:.2f}" if value < 10 else f"{value:.0f}", NAMES
    )
    wanted = [f"{WANTED[workload]:g}" if workload in WANTED else "–" for workload in results]

    return f"{table}\n{report.line(['wanted, at most', *wanted])}"


def places(results):
    """Say where costrel is first, and who is before it where it is not."""
    first, later, above = [], [], []
    for workload, row in results.items():
        peers = {name: value for name, value in row.items() if not name.startswith(("bare", "costrel"))}
        if "costrel_async" not in row or not peers:
            continue
        title, best = report.TITLES.get(workload, workload), min(peers, key=peers.get)
        if row["costrel_async"] <= peers[best]:
            first.append(title)
        else:
            later.append(f"{title} ({NAMES[best]}, {row['costrel_async'] / peers[best]:.2f} times)")
        if "bare_asgi" in row and row["costrel_async"] > WANTED.get(workload, 1e9) * row["bare_asgi"]:
            above.append(title)

    return "\n".join(
        f"- {text}: {', '.join(found) or 'none'}."
        for text, found in (
            ("Costrel is first of the frameworks in", first),
            ("Another is faster in", later),
            ("Above what is wanted", above),
        )
    )


def over_the_wire(results):
    """One row a framework: microseconds of the server, and requests a second beside them."""

    def text(found):
        return f"{report.number(found['cpu_us'])} ({found['per_second']:,.0f})"

    return report.table(results, lambda row, name: row.get(name), text, NAMES)


def live(run):
    """WebSocket messages, silent connections and events, one row a framework."""
    columns = {
        "µs per message": ("websocket", lambda found: report.number(found["cpu_us"])),
        "messages a second": ("websocket", lambda found: f"{found['per_second']:,.0f}"),
        "KiB per silent connection": ("idle", lambda found: f"{found['kib']:.1f}"),
        "… of which open": ("idle", lambda found: f"{found['connections']:,}"),
        "µs per event": ("events", lambda found: report.number(found["cpu_us"])),
        "events delivered": ("events", lambda found: f"{found['delivered']:,}"),
        "… in the long run": ("endurance", lambda found: f"{found['delivered']:,}"),
        "listeners": ("events", lambda found: f"{found['listeners']:,}"),
    }
    lines = report.head(columns)
    for name in NAMES:
        cells = [
            text(run[section][name]) if name in run.get(section, {}) else "–"
            for section, text in columns.values()
        ]
        if set(cells) != {"–"}:
            lines.append(report.line([NAMES[name], *cells]))
    note = (
        "WebSocket messages of 32 bytes, echoed over 32 connections; each listener had every event, in order."
    )

    return "\n".join([note, "", *lines])
