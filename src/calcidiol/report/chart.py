"""The forecast as SVG: bands, target, doses, results, untreated course. The same drawing in HTML and PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 48, 46, 28, 44
NMOL_PER_NG_ML = 2.496
BEFORE_D = 30
"""Days before the plan that are shown when there are results to show."""
FARTHEST_D = 400
"""Results older than this are not drawn; they stand in the table of inputs."""


def svg(plan: Mapping[str, Any], labels: Mapping[str, str], *, themed: bool = True) -> str:
    """Draw a plan's forecast; empty when there is none.

    Parameters
    ----------
    plan
        The plan as plain data.
    labels
        Words of the page (`view.labels`).
    themed
        Colors by CSS class (HTML) or fixed (PDF).
    """
    forecasts = plan.get("forecasts")
    if not forecasts:
        return ""
    one, bare = forecasts["individual"], forecasts["untreated"]
    origin = date.fromisoformat(plan["on"])
    days = [(date.fromisoformat(d) - origin).days for d in one["dates"]]
    labs = [x for x in plan.get("labs", ()) if x.get("value") is not None]
    past = [(date.fromisoformat(x["date"]) - origin).days for x in labs]
    first = first_day(plan)
    shown = [(p, x) for p, x in zip(past, labs, strict=True) if p >= first]
    goal = plan.get("goal") or {"low": 75, "high": 125, "ceiling": 250}
    top = max(1.15 * max(one["level"]["p95"]), 1.2 * goal["high"], *[1.1 * x["value"] for _, x in shown], 100)
    plot = _Plot(first, days[-1], top)
    c = _Colors(themed)
    title = escape(labels.get("chart", ""))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}. {escape(labels.get("chart_alt", ""))}" '
        f'font-family="system-ui, Noto Sans, sans-serif" font-size="12">',
        f"<title>{title}</title>",
    ]
    parts.append(
        f'<rect x="{LEFT}" y="{plot.y(goal["high"]):.1f}" width="{plot.width:.1f}" '
        f'height="{plot.y(goal["low"]) - plot.y(goal["high"]):.1f}" {c("goal")}/>'
    )
    parts += _axes(plot, origin, c)
    parts.append(_area(plot, days, one["level"]["p05"], one["level"]["p95"], c("band90")))
    parts.append(_area(plot, days, one["level"]["p25"], one["level"]["p75"], c("band50")))
    parts.append(_line(plot, days, bare["level"]["p50"], c("untreated")))
    parts.append(_line(plot, days, one["level"]["p50"], c("median")))
    for run in (plan.get("regimen") or {}).get("doses", ()):
        start = (date.fromisoformat(run["start"]) - origin).days
        every = run["every_days"] or 1
        shape = "im" if run["route"] == "im" else "oral"
        for i in range(min(run["count"], 400)):
            day = start + i * every
            if day > days[-1]:
                break
            x = plot.x(day)
            height = 9 if shape == "im" else 5
            if every >= 5 or shape == "im" or i == 0 or i == run["count"] - 1:
                parts.append(f'<path d="M{x:.1f} {plot.bottom} v-{height}" {c("dose_" + shape)}/>')
        if every < 5 and run["count"] > 1 and shape == "oral":
            last = min(start + (run["count"] - 1) * every, days[-1])
            parts.append(f'<path d="M{plot.x(start):.1f} {plot.bottom - 3} H{plot.x(last):.1f}" {c("dose_oral")}/>')
    for day, x in shown:
        parts.append(f'<circle cx="{plot.x(day):.1f}" cy="{plot.y(x["value"]):.1f}" r="4.5" {c("lab")}/>')
    parts.append(_legend(labels, c))
    parts.append("</svg>")
    return "".join(parts)


def first_day(plan: Mapping[str, Any]) -> int:
    """First day of the chart, from the day of the plan: far enough back for the results of the last 400 days."""
    origin = date.fromisoformat(plan["on"])
    past = [(date.fromisoformat(x["date"]) - origin).days for x in plan.get("labs", ()) if x.get("value") is not None]
    return min([-BEFORE_D, *[p for p in past if p >= -FARTHEST_D]]) if past else 0


class _Plot:
    """Days and nmol/L to places on the paper."""

    def __init__(self, first: float, last: float, top: float) -> None:
        self.first, self.last, self.top = first, last, top
        self.width = WIDTH - LEFT - RIGHT
        self.bottom = HEIGHT - BOTTOM

    def x(self, day: float) -> float:
        """Place of a day."""
        return LEFT + self.width * (day - self.first) / (self.last - self.first)

    def y(self, level: float) -> float:
        """Place of a level."""
        return self.bottom - (self.bottom - TOP) * min(max(level, 0.0), self.top) / self.top


class _Colors:
    """Style of each element: a class for the page, fixed colors for print."""

    _FIXED = {
        "goal": 'fill="#d9efdf"',
        "band90": 'fill="#1f5fa8" fill-opacity="0.16"',
        "band50": 'fill="#1f5fa8" fill-opacity="0.26"',
        "median": 'fill="none" stroke="#174a84" stroke-width="2.2"',
        "untreated": 'fill="none" stroke="#666" stroke-width="1.6" stroke-dasharray="5 4"',
        "dose_im": 'stroke="#8a1c5c" stroke-width="2.6" fill="none"',
        "dose_oral": 'stroke="#8a5a00" stroke-width="1.8" fill="none"',
        "lab": 'fill="#fff" stroke="#111" stroke-width="2"',
        "grid": 'stroke="#bbb" stroke-width="0.6" fill="none"',
        "text": 'fill="#333"',
    }

    def __init__(self, themed: bool) -> None:
        self._themed = themed

    def __call__(self, name: str) -> str:
        return f'class="c-{name}"' if self._themed else self._FIXED[name]


def _axes(plot: _Plot, origin: date, c: _Colors) -> list[str]:
    out = []
    step = next(s for s in (10, 25, 50, 100, 200, 500, 1000, 5000) if plot.top / s <= 7 or s == 5000)
    value = 0
    while value <= plot.top:
        y = plot.y(value)
        out.append(f'<path d="M{LEFT} {y:.1f} H{LEFT + plot.width:.1f}" {c("grid")}/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" {c("text")}>{value}</text>')
        right = LEFT + plot.width + 6
        out.append(f'<text x="{right:.1f}" y="{y + 4:.1f}" {c("text")}>{value / NMOL_PER_NG_ML:.0f}</text>')
        value += step
    out.append(f'<text x="{LEFT - 40}" y="{TOP - 14}" {c("text")}>nmol/L</text>')
    out.append(f'<text x="{WIDTH - 2}" y="{TOP - 14}" text-anchor="end" {c("text")}>ng/mL</text>')
    span = plot.last - plot.first
    months = 1 if span < 200 else 2 if span < 430 else 3
    year, month = origin.year, origin.month
    start = date.fromordinal(origin.toordinal() + int(plot.first))
    year, month = start.year, start.month
    while True:
        month += months
        while month > 12:
            month, year = month - 12, year + 1
        day = (date(year, month, 1) - origin).days
        if day > plot.last:
            break
        x = plot.x(day)
        out.append(f'<path d="M{x:.1f} {plot.bottom} v5" {c("grid")}/>')
        out.append(f'<text x="{x:.1f}" y="{plot.bottom + 17}" text-anchor="middle" {c("text")}>{year}-{month:02d}</text>')
    out.append(f'<path d="M{plot.x(0):.1f} {TOP} V{plot.bottom}" {c("grid")}/>')
    return out


def _points(plot: _Plot, days: Sequence[float], values: Sequence[float]) -> str:
    return " ".join(f"{plot.x(d):.1f},{plot.y(v):.1f}" for d, v in zip(days, values, strict=True))


def _line(plot: _Plot, days: Sequence[float], values: Sequence[float], style: str) -> str:
    return f'<polyline points="{_points(plot, days, values)}" {style}/>'


def _area(plot: _Plot, days: Sequence[float], low: Sequence[float], high: Sequence[float], style: str) -> str:
    back = _points(plot, list(reversed(days)), list(reversed(high)))
    return f'<polygon points="{_points(plot, days, low)} {back}" {style}/>'


def _legend(labels: Mapping[str, str], c: _Colors) -> str:
    y = HEIGHT - 10
    parts, x = [], LEFT
    for name, key in (("median", "median"), ("band90", "band90"), ("goal", "target"), ("untreated", "untreated")):
        text = labels.get(key, key)
        if name in ("median", "untreated"):
            parts.append(f'<path d="M{x} {y - 4} h18" {c(name)}/>')
        else:
            parts.append(f'<rect x="{x}" y="{y - 10}" width="18" height="11" {c(name)}/>')
        parts.append(f'<text x="{x + 23}" y="{y}" {c("text")}>{escape(text)}</text>')
        # Wide characters take about twice the room.
        x += 40 + sum(12 if ord(ch) > 0x2E80 else 7 for ch in text)
    return "".join(parts)
