"""Draw the figures of a run as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from report import TITLES, ratio_text

_LEFT, _RIGHT, _TOP, _ROW, _WIDTH = 112, 78, 74, 30, 860


@dataclass(frozen=True)
class Chart:
    """Whom a picture shows: each framework with its label and its look, costrel's own name, and its rival."""

    series: tuple[tuple[str, str, str], ...]
    own: str
    rival: str


WSGI = Chart(
    (
        ("bareorjson", "bare WSGI (orjson)", "floor"),
        ("falconorjson", "Falcon (orjson)", "diamond"),
        ("bottle", "Bottle", "triangle"),
        ("flask", "Flask", "square"),
    ),
    own="costrel",
    rival="flask",
)
ASGI = Chart(
    (
        ("bare_asgi", "bare ASGI", "floor"),
        ("blacksheep", "BlackSheep", "diamond"),
        ("falcon_asgi", "Falcon", "triangle"),
        ("starlette", "Starlette", "square"),
        ("fastapi", "FastAPI", "wedge"),
        ("quart", "Quart", "cross"),
    ),
    own="costrel_async",
    rival="starlette",
)

# A shape of its own for each, since colour alone does not tell.
_SHAPES = {
    "square": "M-5 -5h10v10h-10z",
    "triangle": "M0 -6l6 11h-12z",
    "wedge": "M0 6l6 -11h-12z",
    "diamond": "M0 -6l6 6l-6 6l-6 -6z",
    "cross": "M-6 -4l2 -2l4 4l4 -4l2 2l-4 4l4 4l-2 2l-4 -4l-4 4l-2 -2l4 -4z",
}
_STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px } .quiet { fill: #59636e; font-size: 12px }
  .grid { stroke: #d1d9e0 } .span { stroke: #b6c0ca; stroke-width: 2 }
  .floor { fill: none; stroke: #59636e; stroke-width: 1.5 }
  .square { fill: #59636e } .triangle { fill: #bc7a00 } .diamond { fill: #8250df }
  .wedge { fill: #0969da } .cross { fill: #cf222e }
  .own { fill: #0a7d4b } .gain { font-weight: 600; fill: #0a7d4b }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #30363d } .span { stroke: #59636e }
    .floor { stroke: #9198a1 } .square { fill: #9198a1 } .triangle { fill: #e3a13a }
    .diamond { fill: #b18cff } .wedge { fill: #58a6ff } .cross { fill: #ff7b72 }
    .own { fill: #3fd28b } .gain { fill: #3fd28b }
  }
"""


def draw(results, chart=WSGI):
    """Return the SVG text: one row a workload, a mark a framework, the cost on a logarithmic axis."""
    shown = {chart.own, *(name for name, _, _ in chart.series)}
    values = [value for row in results.values() for name, value in row.items() if name in shown]
    scale = _Scale(min(values), max(values))
    height = _TOP + _ROW * len(results) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img"'
        f' aria-label="{escape(describe(results, chart))}">',
        f"<style>{_STYLE}</style>",
        _text(
            12, 24, "CPU time of one request, in process (µs, logarithmic: further left is faster)", "title"
        ),
        *_legend(chart),
        *_axis(scale, height),
    ]
    for number, (workload, row) in enumerate(results.items()):
        parts += _row(_TOP + _ROW * number + _ROW // 2, workload, row, scale, chart)

    return "\n".join([*parts, "</svg>", ""])


def describe(results, chart=WSGI):
    """Say in words what the picture shows, for those who do not see it."""
    gains = [
        f"{TITLES.get(workload, workload)} {row[chart.rival] / row[chart.own]:.1f}"
        for workload, row in results.items()
        if chart.rival in row and chart.own in row
    ]
    return f"How many times faster than {_rival(chart)}: {', '.join(gains)}"


def _rival(chart):
    return next(label for name, label, _ in chart.series if name == chart.rival)


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


def _legend(chart):
    parts, x = [], 18
    for label, look in (*((label, look) for _, label, look in chart.series), ("Costrel", "own")):
        parts.append(_mark(look, x, 48))
        parts.append(_text(x + 10, 52, label, "quiet"))
        x += 40 + 7 * len(label)
    parts.append(_text(_WIDTH - 8, 52, f"{_rival(chart)} ÷ Costrel", "quiet", "end"))

    return parts


def _row(y, workload, row, scale, chart):
    parts = [_text(_LEFT, y + 5, TITLES.get(workload, workload), "", "end")]
    if chart.rival in row and chart.own in row:
        own, rival = row[chart.own], row[chart.rival]
        parts.append(
            f'<line class="span" x1="{scale.x(own):.1f}" y1="{y}" x2="{scale.x(rival):.1f}" y2="{y}"/>'
        )
        parts.append(_text(_WIDTH - 8, y + 5, f"{ratio_text(rival / own)}×", "gain", "end"))
    # costrel's mark is the largest, so it goes below those it may cover
    looks = {chart.own: "own"} | {name: look for name, _, look in chart.series}
    parts += [_mark(look, scale.x(row[name]), y) for name, look in looks.items() if name in row]

    return parts


def _mark(look, x, y):
    if look in _SHAPES:
        return f'<path class="{look}" transform="translate({x:.1f} {y})" d="{_SHAPES[look]}"/>'

    return f'<circle class="{look}" cx="{x:.1f}" cy="{y}" r="{7 if look == "own" else 5}"/>'


def _text(x, y, text, style="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'
