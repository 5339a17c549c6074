"""Draw the figures of a run as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

import math
from html import escape

from report import TITLES

_LEFT, _RIGHT, _TOP, _ROW, _WIDTH = 112, 78, 74, 30, 860
_SERIES = (
    ("bareorjson", "bare WSGI (orjson)"),
    ("falconorjson", "Falcon (orjson)"),
    ("bottle", "Bottle"),
    ("flask", "Flask"),
)

_STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px } .quiet { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0 } .span { stroke: #b6c0ca; stroke-width: 2 }
  .bareorjson { fill: none; stroke: #59636e; stroke-width: 1.5 }
  .flask { fill: #59636e } .bottle { fill: #bc7a00 } .falcon, .falconorjson { fill: #8250df }
  .costrel { fill: #0a7d4b } .gain { font-weight: 600; fill: #0a7d4b }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #30363d } .span { stroke: #59636e }
    .bareorjson { stroke: #9198a1 } .flask { fill: #9198a1 } .bottle { fill: #e3a13a }
    .falcon, .falconorjson { fill: #b18cff } .costrel { fill: #3fd28b } .gain { fill: #3fd28b }
  }
"""


def draw(results):
    """Return the SVG text: one row a workload, a mark a framework, the cost on a logarithmic axis."""
    values = [value for row in results.values() for value in row.values()]
    scale = _Scale(min(values), max(values))
    height = _TOP + _ROW * len(results) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img"'
        f' aria-label="{escape(describe(results))}">',
        f"<style>{_STYLE}</style>",
        _text(
            12, 24, "CPU time of one request, in process (µs, logarithmic: further left is faster)", "title"
        ),
        *_legend(),
        *_axis(scale, height),
    ]
    for number, (workload, row) in enumerate(results.items()):
        parts += _row(_TOP + _ROW * number + _ROW // 2, workload, row, scale)

    return "\n".join([*parts, "</svg>", ""])


def describe(results):
    """Say in words what the picture shows, for those who do not see it."""
    gains = [
        f"{TITLES.get(workload, workload)} {row['flask'] / row['costrel']:.1f}"
        for workload, row in results.items()
        if "flask" in row and "costrel" in row
    ]
    return f"How many times faster than Flask: {', '.join(gains)}"


class _Scale:
    """Microseconds to pixels."""

    def __init__(self, least, most):
        self.low, self.high = math.floor(math.log10(least) * 2) / 2, math.log10(most) + 0.05

    def x(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return _LEFT + 14 + share * (_WIDTH - _LEFT - _RIGHT - 28)

    def ticks(self):
        steps = [10**power * factor for power in range(-1, 5) for factor in (1, 3)]
        return [step for step in steps if self.low <= math.log10(step) <= self.high]


def _axis(scale, height):
    parts = []
    for tick in scale.ticks():
        x = scale.x(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - 30}"/>')
        parts.append(_text(x, height - 12, f"{tick:,g}", "quiet", "middle"))

    return parts


def _legend():
    parts, x = [], 18
    for name, label in (*_SERIES, ("costrel", "Costrel")):
        parts.append(_mark(name, x, 48))
        parts.append(_text(x + 10, 52, label, "quiet"))
        x += 40 + 7 * len(label)
    parts.append(_text(_WIDTH - 8, 52, "Flask ÷ Costrel", "quiet", "end"))

    return parts


def _row(y, workload, row, scale):
    parts = [_text(_LEFT, y + 5, TITLES.get(workload, workload), "", "end")]
    if "flask" in row and "costrel" in row:
        parts.append(
            f'<line class="span" x1="{scale.x(row["costrel"]):.1f}" y1="{y}" '
            f'x2="{scale.x(row["flask"]):.1f}" y2="{y}"/>'
        )
        gain = row["flask"] / row["costrel"]
        parts.append(_text(_WIDTH - 8, y + 5, f"{gain:.1f}×" if gain < 10 else f"{gain:.0f}×", "gain", "end"))
    # costrel's mark is the largest, so it goes below those it may cover
    for name, _ in (("costrel", ""), *_SERIES):
        if name in row:
            parts.append(_mark(name, scale.x(row[name]), y))

    return parts


def _mark(name, x, y):
    """A shape of its own for each, since colour alone does not tell."""
    if name == "flask":
        return f'<rect class="{name}" x="{x - 5:.1f}" y="{y - 5}" width="10" height="10"/>'
    if name == "bottle":
        return f'<path class="{name}" d="M{x:.1f} {y - 6}l6 11h-12z"/>'
    if name.startswith("falcon"):
        return f'<path class="{name}" d="M{x:.1f} {y - 6}l6 6l-6 6l-6 -6z"/>'

    return f'<circle class="{name}" cx="{x:.1f}" cy="{y}" r="{7 if name == "costrel" else 5}"/>'


def _text(x, y, text, style="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'
