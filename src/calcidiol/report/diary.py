"""The symptom diary as SVG: scores over time on our 0-10 scales, measured 25(OH)D beside them on its own axis."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from html import escape
from typing import Any

from calcidiol.report.chart import CALCIUM, PRINT, Frame, Scale, months
from calcidiol.report.words import Words

OWN = "0-10"
TOP = 10.0
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2", "1 2", "12 4")
"""One pattern a scale, so that the lines can be told apart without color."""


def diary(plan: Mapping[str, Any], w: Words, *, frame: Frame = CALCIUM, font: str | None = None) -> str:
    """Draw the scores of our own scales; empty when no scale has two of them.

    Parameters
    ----------
    plan
        The plan as plain data; its `symptoms` part is drawn.
    w
        Words of a language.
    frame
        Size of the drawing.
    font
        Family for print, which also fixes the colors; None draws with CSS classes for the page.
    """
    series = [s for s in (plan.get("symptoms") or {}).get("series") or () if s["scale"] == OWN and len(s["points"]) > 1]
    if not series:
        return ""
    origin = date.fromisoformat(plan["on"])
    rows = -(-len(series) // 2)
    frame = Frame(frame.width, frame.height + 18 * rows + 18, frame.left, 44, frame.top, frame.bottom + 18 * rows + 18,
                  frame.letter)  # fmt: skip
    days = [(date.fromisoformat(p["date"]) - origin).days for s in series for p in s["points"]]
    first, last = min(days), max(max(days), min(days) + 30)
    levels = {p["date"]: p["level"] for s in series for p in s["points"] if p.get("level") is not None}
    highest = max([100.0, *levels.values()])
    top = 25.0 * math.ceil(highest / 25.0)
    at, right_at = Scale(frame, first, last, TOP), Scale(frame, first, last, top)

    def c(name: str) -> str:
        return PRINT[name] if font is not None else f'class="c-{name}"'

    family = f' font-family="{escape(font, quote=True)}"' if font else ""
    edge = frame.left + at.width
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-label="{escape(w.say("ui.symptoms_alt"), quote=True)}" font-size="{frame.letter}"{family}>',
        f'<text x="2" y="{frame.top - 10}" {c("text")}>{escape(w.say("ui.score"))}</text>',
        f'<text x="{frame.width - 2}" y="{frame.top - 10}" text-anchor="end" {c("text")}>25(OH)D, nmol/L</text>',
    ]
    for value in range(0, 11, 2):
        y = at.y(value)
        parts.append(f'<path d="M{frame.left} {y:.1f} H{edge:.1f}" {c("grid")}/>')
        parts.append(f'<text x="{frame.left - 6}" y="{y + 4:.1f}" text-anchor="end" {c("text")}>{value}</text>')
        parts.append(f'<text x="{edge + 6:.1f}" y="{y + 4:.1f}" {c("text")}>{value * top / TOP:.0f}</text>')
    parts += months(at, origin, c)
    for day, level in sorted(levels.items()):
        x = at.x((date.fromisoformat(day) - origin).days)
        parts.append(f'<circle cx="{x:.1f}" cy="{right_at.y(level):.1f}" r="4" {c("lab")}/>')
    legend = frame.floor + 34 + 22
    for i, s in enumerate(series):
        dash = f' stroke-dasharray="{DASHES[i % len(DASHES)]}"' if DASHES[i % len(DASHES)] else ""
        points = " ".join(
            f"{at.x((date.fromisoformat(p['date']) - origin).days):.1f},{at.y(p['score']):.1f}" for p in s["points"]
        )
        parts.append(f'<polyline points="{points}" {c("median")}{dash}/>')
        x, y = frame.left + (i % 2) * frame.width / 2.2, legend + 18 * (i // 2)
        name = w.name("symptom_scale", s["name"])
        parts.append(f'<path d="M{x:.1f} {y - 4} h26" {c("median")}{dash}/>')
        parts.append(f'<text x="{x + 32:.1f}" y="{y}" {c("text")}>{escape(name)}</text>')
    if levels:
        y = legend + 18 * rows
        parts.append(f'<circle cx="{frame.left + 13}" cy="{y - 4}" r="4" {c("lab")}/>')
        parts.append(f'<text x="{frame.left + 32}" y="{y}" {c("text")}>25(OH)D</text>')
    return "".join([*parts, "</svg>"])
