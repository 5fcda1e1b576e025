"""The forecast as SVG: bands, target, doses, results, untreated course. The same drawing in HTML and PDF."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from calcidiol.report.course import differs
from calcidiol.report.tables import NG_PER_ML

BEFORE_D = 14
"""Days before the plan that are shown when there are results to show."""
FARTHEST_D = 400
"""Results older than this are not drawn; they stand in the table of results."""
TWO_SIDED_90 = 1.645
"""Standard deviations to either side of a result that hold 90 %."""
PRINT = {
    "goal": 'fill="#dcefe2"',
    "edge": 'fill="none" stroke="#5f9b78" stroke-width="0.8"',
    "ceiling": 'fill="none" stroke="#9b1c1c" stroke-width="1" stroke-dasharray="2 3"',
    "band90": 'fill="#1f5fa8" fill-opacity="0.17"',
    "band50": 'fill="#1f5fa8" fill-opacity="0.28"',
    "median": 'fill="none" stroke="#174a84" stroke-width="2.4"',
    "untreated": 'fill="none" stroke="#555" stroke-width="1.6" stroke-dasharray="5 4"',
    "without": 'fill="none" stroke="#8a5a00" stroke-width="1.8" stroke-dasharray="1.5 3"',
    "im": 'fill="#8a1c5c"',
    "oral": 'fill="#8a5a00"',
    "lab": 'fill="#ffffff" stroke="#111111" stroke-width="2"',
    "error": 'fill="none" stroke="#111111" stroke-width="1.3"',
    "grid": 'fill="none" stroke="#cccccc" stroke-width="0.7"',
    "now": 'fill="none" stroke="#777777" stroke-width="1"',
    "text": 'fill="#333333"',
}
"""Colors and strokes for print; the page has its own, by class."""
MOST_MARKS = 120
"""Doses drawn one by one; runs with more, and daily ones, are drawn as a bar."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of the drawing and of its margins, in its own units."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    letter: int

    @property
    def floor(self) -> int:
        """Height of the line at zero."""
        return self.height - self.bottom


WIDE = Frame(width=720, height=350, left=44, right=40, top=30, bottom=66, letter=13)
FLAT = Frame(width=720, height=312, left=44, right=40, top=30, bottom=66, letter=13)
CALCIUM = Frame(width=560, height=230, left=40, right=14, top=24, bottom=46, letter=13)
NARROW = Frame(width=360, height=380, left=38, right=32, top=30, bottom=116, letter=12)


class Scale:
    """Days and levels to places on the drawing."""

    def __init__(self, frame: Frame, first: float, last: float, top: float, base: float = 0.0) -> None:
        self.frame, self.first, self.last, self.top, self.base = frame, first, last, top, base
        self.width = frame.width - frame.left - frame.right

    def x(self, day: float) -> float:
        """Place of a day."""
        return self.frame.left + self.width * (day - self.first) / (self.last - self.first)

    def y(self, level: float) -> float:
        """Place of a level; beyond the top it stays at the edge."""
        height = self.frame.floor - self.frame.top
        return self.frame.floor - height * (min(max(level, self.base), self.top) - self.base) / (self.top - self.base)


def scale(plan: Mapping[str, Any], frame: Frame) -> Scale:
    """The scale of a plan's chart: back to its results, up to a year ahead, high enough for bands and results."""
    one = plan["forecasts"]["individual"]
    origin = date.fromisoformat(plan["on"])
    labs = [(d, v) for d, v, _ in _labs(plan, origin)]
    first = min([-BEFORE_D, *[d - 7 for d, _ in labs]]) if labs else 0
    goal = plan.get("goal") or {}
    top = max(1.08 * max(one["level"]["p95"]), 1.2 * goal.get("high", 125.0), *[1.15 * v for _, v in labs], 60.0)
    last = (date.fromisoformat(one["dates"][-1]) - origin).days
    return Scale(frame, first, last, top)


def svg(plan: Mapping[str, Any], labels: Mapping[str, str], *, frame: Frame = WIDE, font: str | None = None) -> str:
    """Draw a plan's forecast; empty when there is none.

    Parameters
    ----------
    plan
        The plan as plain data.
    labels
        Words of the report (`View.labels`).
    frame
        `WIDE` or `NARROW`.
    font
        Family for print, which also fixes the colors; None draws with CSS classes for the page.
    """
    if not plan.get("forecasts"):
        return ""
    one, bare = plan["forecasts"]["individual"], plan["forecasts"]["untreated"]
    free = _free(plan)
    treated = bool((plan.get("regimen") or {}).get("doses"))
    origin = date.fromisoformat(plan["on"])
    days = [(date.fromisoformat(d) - origin).days for d in one["dates"]]
    at, c = scale(plan, frame), _Style(font)
    title = labels["chart"] if treated else labels["chart_untreated"]
    family = f' font-family="{escape(font, quote=True)}"' if font else ""
    results = _labs(plan, origin)
    legend, height = _legend(plan, frame, labels, c, treated, bool(results))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {height}" role="img" '
        f'aria-label="{escape(title + ". " + labels["chart_alt"], quote=True)}" font-size="{frame.letter}"{family}>',
        *_goal(plan.get("goal") or {}, at, labels, c),
        *_axes(at, origin, labels, c),
        _area(at, days, one["level"], "p05", "p95", c("band90")),
        _area(at, days, one["level"], "p25", "p75", c("band50")) if "p25" in one["level"] else "",
        _line(at, days, bare["level"]["p50"], c("untreated")) if treated else "",
        _line(at, days, free["level"]["p50"], c("without")) if free else "",
        _line(at, days, one["level"]["p50"], c("median")),
        *_doses(plan, at, origin, c),
    ]
    for day, value, error in results:
        x, reach = at.x(day), TWO_SIDED_90 * error
        if error:
            parts.append(f'<path d="M{x:.1f} {at.y(value - reach):.1f} V{at.y(value + reach):.1f}" {c("error")}/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{at.y(value):.1f}" r="4" {c("lab")}/>')
    return "".join([*parts, *legend, "</svg>"])


def _free(plan: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The forecast without what moves it, where it can be told from the one with it."""
    free = plan["forecasts"].get("without_interactions")
    same_days = free and free["dates"] == plan["forecasts"]["individual"]["dates"]
    return free if same_days and differs(plan["forecasts"]) else None


def _labs(plan: Mapping[str, Any], origin: date) -> list[tuple[int, float, float]]:
    """Day, level and SD of the results that are drawn (SD 0 when the plan does not give it)."""
    told = []
    for x in plan.get("labs") or ():
        day = (date.fromisoformat(x["date"]) - origin).days
        if x.get("value") is not None and day >= -FARTHEST_D:
            told.append((day, float(x["value"]), float(x.get("sd") or 0.0)))
    return told


class _Style:
    """Style of each element: a class for the page, fixed colors for print."""

    def __init__(self, font: str | None) -> None:
        self._fixed = font is not None

    def __call__(self, name: str) -> str:
        return PRINT[name] if self._fixed else f'class="c-{name}"'


def _goal(goal: Mapping[str, Any], at: Scale, labels: Mapping[str, str], c: _Style) -> list[str]:
    if not goal:
        return []
    low, high, left, right = at.y(goal["low"]), at.y(goal["high"]), at.frame.left, at.frame.left + at.width
    text = f"{labels['target']} {goal['low']:.0f}\u2013{goal['high']:.0f}"
    parts = [
        f'<rect x="{left}" y="{high:.1f}" width="{at.width:.1f}" height="{low - high:.1f}" {c("goal")}/>',
        f'<path d="M{left} {high:.1f} H{right:.1f} M{left} {low:.1f} H{right:.1f}" {c("edge")}/>',
        f'<text x="{right - 5:.1f}" y="{high + at.frame.letter + 2:.1f}" text-anchor="end" {c("text")}>'
        f"{escape(text)}</text>",
    ]
    if goal["ceiling"] < at.top:
        y = at.y(goal["ceiling"])
        parts.append(f'<path d="M{left} {y:.1f} H{right:.1f}" {c("ceiling")}/>')
        told = f"{labels['ceiling']} {goal['ceiling']:.0f}"
        parts.append(f'<text x="{right - 5:.1f}" y="{y - 4:.1f}" text-anchor="end" {c("text")}>{escape(told)}</text>')
    return parts


def _axes(at: Scale, origin: date, labels: Mapping[str, str], c: _Style) -> list[str]:
    f, out = at.frame, []
    right = f.left + at.width
    step = next((s for s in (25, 50, 100, 200, 500, 1000) if at.top / s <= 7), 5000)
    for value in range(0, int(at.top) + 1, step):
        y = at.y(value)
        out.append(f'<path d="M{f.left} {y:.1f} H{right:.1f}" {c("grid")}/>')
        out.append(f'<text x="{f.left - 6}" y="{y + 4:.1f}" text-anchor="end" {c("text")}>{value}</text>')
        out.append(f'<text x="{right + 6:.1f}" y="{y + 4:.1f}" {c("text")}>{value / NG_PER_ML:.0f}</text>')
    out.append(f'<text x="2" y="{f.top - 14}" {c("text")}>nmol/L</text>')
    out.append(f'<text x="{f.width - 2}" y="{f.top - 14}" text-anchor="end" {c("text")}>ng/mL</text>')
    out += months(at, origin, c)
    if at.first < 0:
        out.append(f'<path d="M{at.x(0):.1f} {f.top} V{f.floor}" {c("now")}/>')
        out.append(
            f'<text x="{at.x(0):.1f}" y="{f.top - 4}" text-anchor="middle" {c("text")}>{escape(labels["today"])}</text>'
        )
    return out


def months(at: Scale, origin: date, c: Callable[[str], str]) -> list[str]:
    """Months under the axis, as many as there is room for."""
    f, out = at.frame, []
    span = at.last - at.first
    months = next(m for m in (1, 2, 3, 6, 12, 24) if span / 30.4 / m <= at.width / 58 or m == 24)
    start = date.fromordinal(origin.toordinal() + int(at.first))
    year, month = start.year, start.month
    while True:
        month += 1
        if month > 12:
            month, year = 1, year + 1
        day = (date(year, month, 1) - origin).days
        if day > at.last - 4:
            break
        if (month - 1) % min(months, 12):
            continue
        x = at.x(day)
        out.append(f'<path d="M{x:.1f} {f.floor} v5" {c("grid")}/>')
        out.append(f'<text x="{x:.1f}" y="{f.floor + 34}" text-anchor="middle" {c("text")}>{year}-{month:02d}</text>')
    return out


def _doses(plan: Mapping[str, Any], at: Scale, origin: date, c: _Style) -> list[str]:
    """Injections as triangles, doses by mouth as ticks, daily runs as a bar, all under the axis."""
    out, y = [], at.frame.floor
    for run in (plan.get("regimen") or {}).get("doses", ()):
        start, every = (date.fromisoformat(run["start"]) - origin).days, run["every_days"] or 1
        kind = "im" if run["route"] == "im" else "oral"
        last = min(start + (run["count"] - 1) * every, at.last)
        if kind == "oral" and run["count"] > 1 and (every < 5 or run["count"] > MOST_MARKS):
            width = max(at.x(last) - at.x(start), 2.0)
            out.append(f'<rect x="{at.x(start):.1f}" y="{y + 8}" width="{width:.1f}" height="5" {c(kind)}/>')
            continue
        for i in range(min(run["count"], MOST_MARKS)):
            day = start + i * every
            if day > at.last:
                break
            x = at.x(day)
            if kind == "im":
                out.append(f'<path d="M{x:.1f} {y + 2} l5 11 h-10 z" {c(kind)}/>')
            else:
                out.append(f'<rect x="{x - 1.5:.1f}" y="{y + 3}" width="3" height="10" {c(kind)}/>')
    return out


def _points(at: Scale, days: Sequence[float], values: Sequence[float]) -> str:
    return " ".join(f"{at.x(d):.1f},{at.y(v):.1f}" for d, v in zip(days, values, strict=True))


def _line(at: Scale, days: Sequence[float], values: Sequence[float], style: str) -> str:
    return f'<polyline points="{_points(at, days, values)}" {style}/>'


def _area(
    at: Scale, days: Sequence[float], band: Mapping[str, Sequence[float]], low: str, high: str, style: str
) -> str:
    back = _points(at, list(reversed(days)), list(reversed(band[high])))
    return f'<polygon points="{_points(at, days, band[low])} {back}" {style}/>'


def _legend(
    plan: Mapping[str, Any], f: Frame, labels: Mapping[str, str], c: _Style, treated: bool, results: bool
) -> tuple[list[str], int]:
    """The legend in as many rows as it needs, and the height of the drawing with it."""
    routes = {run["route"] for run in (plan.get("regimen") or {}).get("doses", ())}
    items = [("median", "median"), ("band50", "band50"), ("band90", "band90")]
    items += [("untreated", "untreated_mark")] if treated else []
    items += [("without", "without_mark")] if _free(plan) else []
    items += [("lab", "result_mark")] if results else []
    items += [("im", "injection_mark")] if "im" in routes else []
    items += [("oral", "oral_mark")] if "oral" in routes else []
    widths = [40 + sum(1.0 if ord(ch) > 0x2E80 else 0.5 for ch in labels[key]) * f.letter for _, key in items]
    line = f.letter + 7
    rows: list[list[tuple[str, str, float]]] = [[]]
    x = 6.0
    for (kind, key), width in zip(items, widths, strict=True):
        if x + width > f.width and rows[-1]:
            rows.append([])
            x = 6.0
        rows[-1].append((kind, key, x))
        x += width
    parts: list[str] = []
    top = f.floor + 34 + line + 4
    for r, row in enumerate(rows):
        y = top + r * line
        for kind, key, x in row:
            parts.append(_sample(kind, x, y - 4, c))
            parts.append(f'<text x="{x + 23:.1f}" y="{y}" {c("text")}>{escape(labels[key])}</text>')
    return parts, max(f.height, top + (len(rows) - 1) * line + 8)


def _sample(kind: str, x: float, y: float, c: _Style) -> str:
    if kind in ("median", "untreated", "without"):
        return f'<path d="M{x:.1f} {y} h18" {c(kind)}/>'
    if kind == "lab":
        return f'<circle cx="{x + 9:.1f}" cy="{y}" r="4" {c(kind)}/>'
    if kind == "im":
        return f'<path d="M{x + 9:.1f} {y - 6} l5 11 h-10 z" {c(kind)}/>'
    return f'<rect x="{x:.1f}" y="{y - 5}" width="18" height="10" {c(kind)}/>'


def calcium(
    course: Mapping[str, Any], on: str, labels: Mapping[str, str], *, frame: Frame = CALCIUM, font: str | None = None
) -> str:
    """Draw the calcium forecast of a plan (its `calcium` part), mmol/L; empty when there is no course.

    Parameters
    ----------
    course
        `dates`, `p05`, `p50`, `p95`, `upper_limit_mmol_per_l`, `exploratory`.
    on
        Day of the plan.
    labels, frame, font
        As for `svg`.
    """
    if not course.get("dates"):
        return ""
    c, origin = _Style(font), date.fromisoformat(on)
    days = [(date.fromisoformat(d) - origin).days for d in course["dates"]]
    limit = course.get("upper_limit_mmol_per_l")
    values = [*course["p05"], *course["p95"], *([limit] if limit else [])]
    base, top = math.floor(10 * min(values) - 0.5) / 10, math.ceil(10 * max(values) + 0.5) / 10
    at = Scale(frame, days[0], days[-1], top, base)
    right = frame.left + at.width
    family = f' font-family="{escape(font, quote=True)}"' if font else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(labels["calcium_alt"], quote=True)}" font-size="{frame.letter}"{family}>',
        f'<text x="2" y="{frame.top - 10}" {c("text")}>mmol/L</text>',
    ]
    step = 0.1 if top - base <= 0.65 else 0.2
    for i in range(round((top - base) / step) + 1):
        y = at.y(base + i * step)
        parts.append(f'<path d="M{frame.left} {y:.1f} H{right:.1f}" {c("grid")}/>')
        told = f"{base + i * step:.1f}"
        parts.append(f'<text x="{frame.left - 6}" y="{y + 4:.1f}" text-anchor="end" {c("text")}>{told}</text>')
    parts += months(at, origin, c)
    parts.append(_area(at, days, course, "p05", "p95", c("band90")))
    parts.append(_line(at, days, course["p50"], c("untreated" if course.get("exploratory") else "median")))
    if limit:
        y = at.y(limit)
        parts.append(f'<path d="M{frame.left} {y:.1f} H{right:.1f}" {c("ceiling")}/>')
        told = f"{labels['calcium_limit']} {limit:.2f}"
        parts.append(f'<text x="{right - 5:.1f}" y="{y - 4:.1f}" text-anchor="end" {c("text")}>{escape(told)}</text>')
    if course.get("exploratory"):
        parts.append(
            f'<text x="{frame.left + 6}" y="{frame.top + 14}" {c("text")}>{escape(labels["exploratory"])}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)
