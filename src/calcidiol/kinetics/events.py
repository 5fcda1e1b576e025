"""Doses on a timeline: runs of equal doses, regimens, and the arrays the solver reads.

One rule for ties: a dose and a sample at the same instant are read sample first, dose after (a trough is drawn before
the injection). Times are days from an origin that the caller chooses; the origin's day of the year carries the season.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Route = Literal["oral", "im"]
Substance = Literal["cholecalciferol", "ergocalciferol", "calcifediol"]

ORAL, IM, CALCIFEDIOL = 0, 1, 2
"""Compartment into which a dose is put, as the solver numbers them."""


@dataclass(frozen=True, slots=True)
class DoseRun:
    """A run of equal doses of one product: `count` times, `every_days` apart, from `start`.

    Parameters
    ----------
    start
        Day of the first dose.
    every_days
        Days between doses; 0 when `count` is 1.
    count
        Number of doses, 1 or more.
    product
        Product id in the product table.
    substance, route
        What is given, and how.
    amount, unit
        One dose as it is written on an order (`50000`, `"[iU]"`; `20`, `"ug"`).
    iu
        One dose in IU; None where IU has no meaning (calcifediol).
    amount_nmol
        One dose in nmol of the substance.
    volume_ml
        Volume of one dose where the product is a liquid.
    """

    start: date
    every_days: float
    count: int
    product: str
    substance: Substance
    route: Route
    amount: float
    unit: str
    iu: float | None
    amount_nmol: float
    volume_ml: float | None = None

    @property
    def total_iu(self) -> float:
        """IU of the whole run; 0 where IU has no meaning."""
        return 0.0 if self.iu is None else self.iu * self.count

    def days(self, origin: date) -> NDArray[np.float64]:
        """Days from `origin` at which the doses are given."""
        first = float((self.start - origin).days)
        return first + self.every_days * np.arange(self.count, dtype=float)


@dataclass(frozen=True, slots=True)
class Regimen:
    """What is given from now on: a name and its runs; no runs means no vitamin D."""

    name: str
    runs: tuple[DoseRun, ...] = ()
    protocol: str | None = None

    @property
    def total_iu(self) -> float:
        """IU of all runs together."""
        return sum(run.total_iu for run in self.runs)

    @property
    def largest_iu(self) -> float:
        """The largest single dose, IU."""
        return max((run.iu or 0.0 for run in self.runs), default=0.0)

    @property
    def visits(self) -> int:
        """Clinic visits for injections."""
        return sum(run.count for run in self.runs if run.route == "im")

    def schedule(self, origin: date) -> Schedule:
        """The same doses as the solver reads them, days counted from `origin`."""
        return Schedule.of(
            (time, run.amount_nmol, compartment(run.substance, run.route))
            for run in self.runs
            for time in run.days(origin)
        )


def compartment(substance: str, route: str) -> int:
    """Number of the depot into which a dose of this substance by this route is put."""
    if substance == "calcifediol":
        return CALCIFEDIOL
    return IM if route == "im" else ORAL


@dataclass(frozen=True, slots=True)
class Schedule:
    """Dose events sorted by time: days, nmol, compartment. Equal (time, compartment) pairs are added up."""

    time_d: NDArray[np.float64]
    amount_nmol: NDArray[np.float64]
    into: NDArray[np.int64]

    @staticmethod
    def of(events: Iterable[tuple[float, float, int]]) -> Schedule:
        """Build from (day, nmol, compartment) triples in any order."""
        merged: dict[tuple[float, int], float] = {}
        for time, amount, into in events:
            merged[float(time), int(into)] = merged.get((float(time), int(into)), 0.0) + float(amount)
        keys = sorted(merged)
        return Schedule(
            np.array([t for t, _ in keys], dtype=np.float64),
            np.array([merged[k] for k in keys], dtype=np.float64),
            np.array([i for _, i in keys], dtype=np.int64),
        )

    @staticmethod
    def join(parts: Sequence[Schedule]) -> Schedule:
        """One schedule with the events of all parts."""
        return Schedule.of(
            (float(t), float(a), int(i)) for s in parts for t, a, i in zip(s.time_d, s.amount_nmol, s.into, strict=True)
        )

    def __len__(self) -> int:
        return len(self.time_d)
