"""Plots of agreement as SVG text: observed against predicted by route, coverage of bands, percentiles (PIT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COLORS = {"oral": "#174a84", "im": "#8a1c5c"}
NAMES = {"oral": "by mouth", "im": "intramuscular"}
TICKS = (25, 50, 100, 200, 400, 800)
LOWEST, HIGHEST = 20.0, 900.0
"""Levels at the borders of a scatter plot, nmol/L."""
NOMINAL = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
"""Central bands, %, whose coverage is drawn."""
BINS = 10


def _svg(width: int, height: int, label: str, body: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' role='img' "
        f"aria-label='{escape(label, quote=True)}' font-family='system-ui, sans-serif'>"
        f"<rect width='{width}' height='{height}' fill='#fff'/>{body}</svg>"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "middle", size: int = 11) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}'>{escape(words)}</text>"


def observed_against_predicted(rows: Sequence[Mapping[str, Any]]) -> str:
    """Published level against its prediction on log axes, one panel a route.

    Parameters
    ----------
    rows
        Each with ``study_id``, ``route`` (oral or im), ``observed`` and ``predicted``, nmol/L.

    Examples
    --------
    >>> observed_against_predicted([{"study_id": "a", "route": "im", "observed": 60, "predicted": 70}])[:4]
    '<svg'
    """
    size, left, foot = 330, 46, 44
    low, high = np.log(LOWEST), np.log(HIGHEST)
    routes = [r for r in COLORS if any(row["route"] == r for row in rows)]
    body = []
    for k, route in enumerate(routes):
        begin = k * (size + left)

        def x(value: float, begin: int = begin) -> float:
            return float(begin + left + size * (np.clip(np.log(value), low, high) - low) / (high - low))

        def y(value: float) -> float:
            return float(24 + size - size * (np.clip(np.log(value), low, high) - low) / (high - low))

        here = [row for row in rows if row["route"] == route]
        body.append(_text(begin + left + size / 2, 16, f"{NAMES[route]} (n = {len(here)})", size=13))
        body.append(f"<rect x='{begin + left}' y='24' width='{size}' height='{size}' fill='none' stroke='#bbb'/>")
        for factor, dash in ((1.0, ""), (1.25, "4 4"), (0.8, "4 4"), (1.5, "1 4"), (1 / 1.5, "1 4")):
            a, b = max(LOWEST, LOWEST / factor), min(HIGHEST, HIGHEST / factor)
            body.append(
                f"<path d='M{x(a):.1f} {y(a * factor):.1f} L{x(b):.1f} {y(b * factor):.1f}' stroke='#888' "
                f"stroke-dasharray='{dash}' fill='none'/>"
            )
        for v in TICKS:
            body.append(_text(x(v), 24 + size + 16, str(v)))
            body.append(_text(begin + left - 5, y(v) + 4, str(v), anchor="end"))
        for row in here:
            told = f"{row['study_id']}: {row['observed']:.0f} observed, {row['predicted']:.0f} predicted"
            body.append(
                f"<circle cx='{x(row['predicted']):.1f}' cy='{y(row['observed']):.1f}' r='4' fill='{COLORS[route]}' "
                f"fill-opacity='.6'><title>{escape(told)}</title></circle>"
            )
        body.append(_text(begin + left + size / 2, 24 + size + 34, "predicted, nmol/L"))
        turn = f"translate({begin + 11} {24 + size / 2:.0f}) rotate(-90)"
        body.append(f"<g transform='{turn}'>{_text(0, 0, 'observed, nmol/L')}</g>")
    return _svg(max(len(routes), 1) * (size + left) + 12, size + 24 + foot, "Observed against predicted", "".join(body))


def coverage(groups: Mapping[str, Floats]) -> str:
    """Share of observations inside each central band against what the band says, a line for each group.

    Parameters
    ----------
    groups
        Percentiles (0 to 100) of the observations in their own predictions, by the name of the group.
    """
    size, left = 330, 46
    colors = ("#222222", COLORS["oral"], COLORS["im"], "#8a6d1c")

    def at(share: float) -> float:
        return size * share / 100.0

    body = [
        f"<rect x='{left}' y='10' width='{size}' height='{size}' fill='none' stroke='#bbb'/>",
        f"<path d='M{left} {10 + size} L{left + size} 10' stroke='#888' stroke-dasharray='4 4'/>",
    ]
    for v in (0, 25, 50, 75, 100):
        body.append(_text(left + at(v), 10 + size + 16, str(v)))
        body.append(_text(left - 5, 14 + size - at(v), str(v), anchor="end"))
    for color, (name, percentile) in zip(colors, groups.items(), strict=False):
        inside = [100.0 * float(np.mean(np.abs(percentile - 50.0) <= band / 2)) for band in NOMINAL]
        points = " ".join(f"{left + at(b):.1f},{10 + size - at(v):.1f}" for b, v in zip(NOMINAL, inside, strict=True))
        body.append(f"<polyline points='{points}' fill='none' stroke='{color}' stroke-width='2'/>")
        row = list(groups).index(name)
        body.append(f"<path d='M{left + 14} {28 + 18 * row} h18' stroke='{color}' stroke-width='2'/>")
        body.append(_text(left + 38, 32 + 18 * row, f"{name} (n = {len(percentile)})", anchor="start"))
    body.append(_text(left + size / 2, size + 42, "central band, %"))
    body.append(
        f"<g transform='translate(11 {10 + size / 2:.0f}) rotate(-90)'>{_text(0, 0, 'observations inside, %')}</g>"
    )
    return _svg(left + size + 12, size + 54, "Coverage of the bands", "".join(body))


def percentiles(values: Floats) -> str:
    """Histogram of percentiles (PIT); even when the predictions are honest."""
    counts, _ = np.histogram(values, bins=BINS, range=(0, 100))
    top = max(int(counts.max()), 1)
    body = [
        f"<rect x='{30 + 36 * i}' y='{120 - 100 * c / top:.1f}' width='32' height='{100 * c / top:.1f}' "
        f"fill='{COLORS['oral']}'><title>{BINS * i}-{BINS * i + BINS} %: {c}</title></rect>"
        for i, c in enumerate(counts)
    ]
    level = 120 - 100 * (len(values) / BINS) / top
    body.append(f"<path d='M30 {level:.1f} H390' stroke='#888' stroke-dasharray='4 4'/>")
    body += [_text(30 + 36 * i, 136, str(BINS * i)) for i in range(0, BINS + 1, 2)]
    body.append(_text(208, 152, "percentile of the observation in its prediction"))
    return _svg(404, 160, "Histogram of percentiles", "".join(body))
