"""Dates as FHIR and people write them: with and without time and zone, whole or partial.

The wall clock of the place that wrote the record is kept and the zone is dropped: what counts here is the day on which
something happened to the patient. The zone is used once, to see that two results are one.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

__all__ = ["SPREAD_D", "When", "middle", "read_date"]

_FHIR = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|z|[+-]\d{2}:?\d{2})?)?)?)?"
)
_SLASHED = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日")


class When(Struct, frozen=True, gc=False):
    """A point of time as it was written.

    `precision` is ``"year"``, ``"month"``, ``"day"`` or ``"time"``; `at` is the wall clock (noon where only a day is
    known, the first day where only a month or a year is known); `instant` is the same with its zone, where one was
    written.
    """

    at: datetime
    precision: Literal["year", "month", "day", "time"]
    instant: datetime | None = None

    @property
    def day(self) -> date:
        """The day."""
        return self.at.date()


SPREAD_D = {"year": 184, "month": 16}
"""Days on either side of the middle of a year or a month."""


def middle(when: When) -> date:
    """The middle of the year or month that is known; the day where that is known."""
    if when.precision == "year":
        return when.at.replace(month=7).date()
    return when.at.replace(day=15).date() if when.precision == "month" else when.day


YEARS = (1850, 2200)
"""Years outside these are slips of the pen (P)."""


def _quick(text: str) -> When | None:
    """The two usual forms, read by the standard library; None for all others."""
    size = len(text)
    if (
        size < 10
        or text[4] != "-"
        or text[7] != "-"
        or not (size == 10 or (size >= 19 and text[10] == "T" and text[13] == ":"))
    ):
        return None
    try:
        at = datetime.fromisoformat(text)
        if size == 10:
            return When(at.replace(hour=12), "day")
        if at.tzinfo is None:
            return When(at.replace(microsecond=0), "time")
        return When(at.replace(tzinfo=None, microsecond=0), "time", at)
    except (ValueError, OverflowError):
        return None


def read_date(value: object) -> When | None:
    """Read a date; None when it is not one (``"2026-02-30"``, ``"21.11.26"``) or its year is not of this age (`YEARS`).

    Examples
    --------
    >>> read_date("2026-11-18T08:30:00+08:00").at
    datetime.datetime(2026, 11, 18, 8, 30)
    >>> read_date("2026-11").precision
    'month'
    """
    when = _read(value)
    return when if when is not None and YEARS[0] <= when.at.year <= YEARS[1] else None


def _read(value: object) -> When | None:
    if isinstance(value, datetime):
        try:
            instant = value if value.tzinfo else None
        except OverflowError:
            return None
        return When(value.replace(tzinfo=None, microsecond=0), "time", instant)
    if isinstance(value, date):
        return When(datetime(value.year, value.month, value.day, 12), "day")
    if not isinstance(value, str):
        return None
    text = value.strip()
    quick = _quick(text)
    if quick is not None:
        return quick
    slashed = _SLASHED.fullmatch(text)
    if slashed:
        y, m, d = (x for x in slashed.groups() if x is not None)
        text = f"{y}-{int(m):02}-{int(d):02}"
    match = _FHIR.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        if month is None:
            return When(datetime(int(year), 1, 1, 12), "year")
        if day is None:
            return When(datetime(int(year), int(month), 1, 12), "month")
        if hour is None:
            return When(datetime(int(year), int(month), int(day), 12), "day")
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), min(int(second or 0), 59))
        instant = None
        if zone:
            offset = "+00:00" if zone in "Zz" else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
            instant = datetime.fromisoformat(at.isoformat() + offset)
        return When(at, "time", instant)
    except (ValueError, OverflowError):
        return None
