"""Vitamin D already given: IU by day, totals of the last 90 days and 12 months, injections and the wait after them.

Everything counts: certain or not, D3 or D2, by whatever route. Calcifediol has no IU; for these sums it counts as 2.5
times its weight in vitamin D3 (EFSA 2023, V: calcidiol monohydrate x 2.5), 100 IU for 1 ug. A dose given on the day
itself counts; of a drug still taken, the dose of the day does not (from then on the plan decides).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from calcidiol.patient.record import GivenDose, Patient
from calcidiol.quantity import MOLAR_MASS

IU_PER_UG_CALCIFEDIOL = 100.0
"""IU counted for 1 ug of calcifediol: 40 IU/ug x 2.5 (EFSA Journal 2023, PMID 37560437, V)."""

QUARTER_D, YEAR_D = 90, 365
"""Lengths of the two windows, days; a window of n days is its last day and the n - 1 days before it."""


@dataclass(frozen=True, slots=True)
class Intake:
    """`iu` IU taken or planned on a day; `depot` when it was not by mouth."""

    day: date
    iu: float
    depot: bool


def counted_iu(iu: float | None, amount_nmol: float, substance: str) -> float:
    """IU that a dose counts for.

    Examples
    --------
    >>> counted_iu(50_000.0, 3250.0, "cholecalciferol")
    50000.0
    >>> round(counted_iu(None, 25.0 / 0.40064, "calcifediol"))
    2500
    """
    if iu is not None:
        return iu
    mass = MOLAR_MASS.get(substance, MOLAR_MASS["calcifediol"])
    per_ug = IU_PER_UG_CALCIFEDIOL if substance not in ("cholecalciferol", "ergocalciferol") else 40.0
    return amount_nmol * mass * 1e-3 * per_ug


def past(patient: Patient, on: date, days: int = YEAR_D, depot_only: bool = False) -> list[Intake]:
    """Doses (or only those of a depot) of the last `days` days up to and including `on`, oldest first."""
    first = on - timedelta(days=days - 1)
    found: list[Intake] = []
    for dose in patient.doses:
        if dose.route != "oral" or not depot_only:
            found.extend(_of(dose, first, on))
    return sorted(found, key=lambda x: x.day)


def _of(dose: GivenDose, first: date, on: date) -> Iterable[Intake]:
    taken = dose.taken_until(on)
    iu = counted_iu(dose.iu, dose.amount_nmol, dose.substance)
    depot = dose.route != "oral"
    every = max(dose.every_days, 0.0)
    begin = 0
    if every > 0.0 and dose.start < first:
        begin = max(0, math.ceil((first - dose.start).days / every - 1e-9) - 1)
    for i in range(begin, taken):
        day = dose.start + timedelta(days=int(every * i + 1e-9))
        if day >= first:
            yield Intake(day, iu, depot)


def total(doses: Iterable[Intake], last: date, days: int) -> float:
    """IU in the window of `days` days that ends on `last`."""
    first = last - timedelta(days=days - 1)
    return sum(x.iu for x in doses if first <= x.day <= last)


def unseen_by_level(doses: Iterable[Intake], level_on: date | None, oral_d: int, depot_d: int) -> list[Intake]:
    """Doses that a 25(OH)D of the day `level_on` could not show yet, or that were given after it.

    A level shows a dose by mouth only `oral_d` days after it, one from a depot `depot_d` days after it.
    """
    if level_on is None:
        return list(doses)
    return [x for x in doses if (level_on - x.day).days < (depot_d if x.depot else oral_d)]


def wait_days(iu: float, days: float, per_iu: float) -> int:
    """Whole days to wait for the next injection after one of `iu` IU.

    Examples
    --------
    >>> wait_days(300_000, 84, 300_000), wait_days(50_000, 84, 300_000), wait_days(1.0, 84, 300_000)
    (84, 14, 1)
    """
    return math.ceil(days * iu / per_iu - 1e-9)


def injections_by_day(doses: Iterable[Intake]) -> dict[date, float]:
    """IU on each day of doses that are all injections; those of the same day add up."""
    found: dict[date, float] = {}
    for x in doses:
        found[x.day] = found.get(x.day, 0.0) + x.iu
    return dict(sorted(found.items()))


def free_from(injections: Iterable[Intake], days: float, per_iu: float) -> date | None:
    """First day on which an injection may follow all given ones; None when there was none."""
    ends = [day + timedelta(days=wait_days(iu, days, per_iu)) for day, iu in injections_by_day(injections).items()]
    return max(ends, default=None)
