"""The symptom diary: scores that were kept over time, and their trend beside the level.

A trend says what was written down. It is no test of a treatment: nobody was blinded, a bad week often comes before the
first entry, and a level that rose at the same time proves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from calcidiol.patient.dates import When
from calcidiol.patient.gather import Gathering, tidy
from calcidiol.patient.numbers import Number, Unreadable
from calcidiol.patient.record import Origin, Patient, Symptom
from calcidiol.terminology.symptoms import OWN_RANGE, SymptomScale, scale_by_name, scales

__all__ = ["Trend", "file_symptom", "trends"]

OWN = "0-10"
FEWEST = 3
"""Scores on different days that a slope needs; with fewer there is no interval."""
PER_DAYS = 30.0
"""A slope is told for so many days."""
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Trend:
    """How one score went.

    `slope` is in points for 30 days (least squares), `low` to `high` its 95 % interval; all three are None with scores
    on fewer than three days. `direction` is ``"better"`` or ``"worse"`` only where the interval leaves out 0, else
    ``"unclear"``; ``"rising"`` or ``"falling"`` on a scale whose meaning is not known. `level_gap_d` is how many days
    the newest 25(OH)D lies from the score nearest to it (negative: before the score); None without one.
    """

    name: str
    scale: str
    n: int
    first: Symptom
    last: Symptom
    slope: float | None
    low: float | None
    high: float | None
    direction: str
    level_on: date | None
    level_gap_d: int | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a plan."""
        return {
            "name": self.name,
            "scale": self.scale,
            "n": self.n,
            "first": {"date": self.first.when.isoformat(), "score": self.first.score},
            "last": {"date": self.last.when.isoformat(), "score": self.last.score},
            "slope_per_30_d": self.slope,
            "low": self.low,
            "high": self.high,
            "direction": self.direction,
            "level_on": None if self.level_on is None else self.level_on.isoformat(),
            "level_gap_d": self.level_gap_d,
        }


def trends(patient: Patient, on: date) -> tuple[Trend, ...]:
    """The trend of each score of the diary up to a day, one for each name and scale, by name.

    Examples
    --------
    >>> here = Origin("symptoms[0]")
    >>> scores = [Symptom("fatigue", s, date(2026, 10, d), here) for s, d in ((8, 1), (6, 11), (4, 21), (2, 31))]
    >>> (told,) = trends(Patient("x", symptoms=tuple(scores)), date(2026, 11, 1))
    >>> told.n, told.slope, told.direction
    (4, -6.0, 'better')
    """
    groups: dict[tuple[str, str], list[Symptom]] = {}
    for one in patient.symptoms:
        if one.when <= on:
            groups.setdefault((one.name, one.scale), []).append(one)
    level = patient.last("25ohd", on)
    return tuple(
        _trend(name, scale, sorted(rows, key=lambda x: x.when), None if level is None else level.when.date())
        for (name, scale), rows in sorted(groups.items())
    )


def _trend(name: str, scale: str, rows: list[Symptom], level: date | None) -> Trend:
    slope, low, high = _slope(rows)
    gap = None if level is None else min(((level - x.when).days for x in rows), key=abs)
    direction = _direction(name, scale, low, high)
    return Trend(name, scale, len(rows), rows[0], rows[-1], slope, low, high, direction, level, gap)


def _slope(rows: list[Symptom]) -> tuple[float | None, float | None, float | None]:
    """Slope in points for 30 days with its interval; several scores of one day all count."""
    days = [float((x.when - rows[0].when).days) / PER_DAYS for x in rows]
    if len(set(days)) < FEWEST:
        return None, None, None
    n = len(rows)
    mean_x, mean_y = sum(days) / n, sum(x.score for x in rows) / n
    spread = sum((x - mean_x) ** 2 for x in days)
    slope = sum((x - mean_x) * (r.score - mean_y) for x, r in zip(days, rows, strict=True)) / spread
    rest = sum((r.score - mean_y - slope * (x - mean_x)) ** 2 for x, r in zip(days, rows, strict=True))
    from scipy.special import stdtrit

    width = float(stdtrit(n - 2, (1.0 + CONFIDENCE) / 2.0)) * math.sqrt(rest / (n - 2) / spread)
    return round(slope, 6), round(slope - width, 6), round(slope + width, 6)


def _direction(name: str, scale: str, low: float | None, high: float | None) -> str:
    """Better or worse where the scale says which; of a scale that is not known only rising or falling."""
    if low is None or high is None or low <= 0.0 <= high:
        return "unclear"
    rising = low > 0.0
    known = (
        scale_by_name(name)
        if scale == OWN
        else next((x for x in scales().values() if not x.own and scale.startswith(x.shown)), None)
    )
    if known is None:
        return "rising" if rising else "falling"
    return "worse" if rising == (known.worse == "high") else "better"


def file_symptom(
    g: Gathering,
    name: str,
    instrument: str,
    version: str,
    number: Number | Unreadable,
    when: When | None,
    where: str,
    *,
    scale: SymptomScale | None = None,
) -> None:
    """File one score, or say why not.

    Parameters
    ----------
    name, instrument, version
        What was scored and by what, as written; an instrument that is empty or ``"0-10"`` is one of our own scales.
    number, when
        The score and its day.
    where
        Where it stood.
    scale
        The scale, where a code said it; else it is looked for by its names.
    """
    own = not instrument or instrument == OWN
    by_name = scale_by_name(name)
    if scale is None and own:
        scale = by_name
    elif scale is None:  # "FACIT-F" on a scale "0-52" is known by its name; "fatigue" on a scale "x" is not ours
        scale = scale_by_name(instrument) or (None if by_name is None or by_name.own else by_name)
    day = None if when is None or when.precision in ("year", "month") else when.day
    if not name or day is None or isinstance(number, Unreadable) or number.comparator:
        g.refuse("symptom", "symptom_incomplete", where, name)
        return
    low, high = OWN_RANGE if own and scale is None else (None, None) if scale is None else (scale.low, scale.high)
    if low is not None and high is not None and not low <= number.value <= high:
        g.refuse("symptom", "symptom_out_of_range", where, f"{name} {number.value:g}")
        return
    shown = instrument if scale is None and not own else (OWN if scale is None else scale.shown)
    title = scale.id if scale is not None and (scale.own or by_name is scale) else name
    if version:
        shown = tidy(f"{shown} {version}", 80)
    g.symptoms.append(Symptom(title, number.value, day, Origin(where, f"{number.value:g}", number.value), shown))
