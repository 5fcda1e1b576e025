"""Small SVG pieces: text, lines and boxes that a screen reader can follow."""

from __future__ import annotations

import math
from html import escape

FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif"
INK, QUIET, RULE, MARK, BAND = "#1b1f24", "#57606a", "#d0d7de", "#0b5cad", "#9ec5ea"


def text(
    x: float, y: float, words: str, *, anchor: str = "start", size: float = 13, color: str = INK, bold: bool = False
) -> str:
    """A line of text; `y` is its baseline."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}" fill="{color}"{weight}>'
        f"{escape(words)}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, *, color: str = INK, width: float = 1, dash: str = "") -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width:g}"'
        f"{dashed}/>"
    )


def box(x: float, y: float, side: float, *, color: str = MARK) -> str:
    """A square around a center."""
    return (
        f'<rect x="{x - side / 2:.1f}" y="{y - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}" fill="{color}"/>'
    )


def dot(x: float, y: float, *, radius: float = 4, color: str = MARK) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{color}"/>'


def shape(points: list[tuple[float, float]], *, color: str = MARK, fill: bool = True) -> str:
    """A polygon."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    paint = f'fill="{color}"' if fill else f'fill="none" stroke="{color}"'
    return f'<polygon points="{joined}" {paint}/>'


def document(width: float, height: float, title: str, description: str, parts: list[str], *, name: str) -> str:
    """A whole picture with a title and a description for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-labelledby="{name}-title {name}-desc" font-family="{FONT}">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


class Axis:
    """A horizontal axis from values to pixels, logarithmic for ratios."""

    def __init__(self, low: float, high: float, left: float, right: float, *, log: bool) -> None:
        self.log = log
        self.low, self.high = (math.log(low), math.log(high)) if log else (low, high)
        if self.high <= self.low:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self.left, self.right = left, right

    def at(self, value: float) -> float:
        """Pixel of a value, held inside the axis."""
        v = math.log(value) if self.log and value > 0 else (self.low if self.log else value)
        share = min(max((v - self.low) / (self.high - self.low), 0.0), 1.0)
        return self.left + share * (self.right - self.left)

    def outside(self, value: float) -> int:
        """-1 below the axis, 1 above it, 0 on it."""
        v = math.log(value) if self.log and value > 0 else (-math.inf if self.log else value)
        return (v > self.high + 1e-12) - (v < self.low - 1e-12)

    def ticks(self) -> list[float]:
        """Round values on the axis, about five."""
        if self.log:
            steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100)
            inside = [s for s in steps if self.low - 1e-9 <= math.log(s) <= self.high + 1e-9]
            while len(inside) > 7:
                keep = {1} | set(inside[::2])
                inside = [s for s in inside if s in keep]
                if len(inside) > 7 and 1 in inside:
                    inside = inside[::2]
            return [float(s) for s in inside] or [math.exp(self.low), math.exp(self.high)]
        span = self.high - self.low
        step = 10 ** math.floor(math.log10(span / 4))
        step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 6)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]
