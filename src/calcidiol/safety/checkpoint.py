"""The 90-day total and the 25(OH)D that has to come before it is passed: a checkpoint.

More than 300,000 IU in 90 days are a HOLD without a newer 25(OH)D. A regimen may therefore pass that total only with a
25(OH)D planned in between: the dose that passes it is given once that result is there, and not on the same day. A
result shows a dose by mouth only some days after it, one from a depot some weeks after it (`numbers.toml`,
`level_shows_*`); what it cannot show yet goes on counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Patient
from calcidiol.safety import exposure
from calcidiol.safety.exposure import Intake
from calcidiol.safety.facts import Facts
from calcidiol.safety.numbers import Numbers
from calcidiol.safety.rulebook import Knowledge
from calcidiol.safety.rulebook import knowledge as shipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLACK = 1e-6
"""Relative slack of comparisons of IU: rounding, not permission."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A 25(OH)D that must be there before a dose: sampled on `on`, before the dose of `dose`, `iu` in its 90 days."""

    on: date
    dose: date
    iu: float


class QuarterTotal:
    """IU of 90 days that no 25(OH)D shows; days are asked for and added in order of time.

    `checks` are the days of results that are only planned: they show doses to those who ask on a later day.
    """

    def __init__(self, facts: Facts, checks: Iterable[date] = ()) -> None:
        self._lags = tuple(timedelta(days=facts.numbers.days(name) - 1) for name in _SHOWS)
        self._hidden_from = (date.min, date.min)
        level = facts.of("25ohd")
        if level and level[0].when is not None:
            self._shown_by(level[0].when)
        self._checks = sorted(day for day in checks if day >= facts.on)
        self._oral = _Running([x for x in facts.given if not x.depot])
        self._depot = _Running([x for x in facts.given if x.depot])

    def add(self, dose: Intake) -> None:
        """Count a dose from its day on."""
        (self._depot if dose.depot else self._oral).add(dose)

    def check(self, day: date) -> None:
        """Plan one more 25(OH)D, later than all others."""
        self._checks.append(day)

    def at(self, day: date) -> float:
        """IU that count on a day."""
        while self._checks and self._checks[0] < day:
            self._shown_by(self._checks.pop(0))
        first = day - _WINDOW
        oral, depot = self._hidden_from
        return self._oral.since(max(first, oral)) + self._depot.since(max(first, depot))

    def with_check(self, check: date, day: date) -> float:
        """IU that would count on a day if a 25(OH)D were sampled on `check`; nothing is changed."""
        first = day - _WINDOW
        oral, depot = (max(first, check - lag) for lag in self._lags)
        return self._oral.look(oral) + self._depot.look(depot)

    def _shown_by(self, day: date) -> None:
        """From a result of a day on: the first days that it does not show, of doses by mouth and of depots."""
        oral, depot = (day - lag for lag in self._lags)
        self._hidden_from = (max(oral, self._hidden_from[0]), max(depot, self._hidden_from[1]))


_SHOWS = ("level_shows_oral", "level_shows_depot")
_WINDOW = timedelta(days=exposure.QUARTER_D - 1)


class _Running:
    """A sum of doses since a day that only moves on."""

    def __init__(self, doses: list[Intake]) -> None:
        self._doses = doses
        self._first = 0
        self._sum = sum(x.iu for x in doses)

    def add(self, dose: Intake) -> None:
        self._doses.append(dose)
        self._sum += dose.iu

    def since(self, day: date) -> float:
        while self._first < len(self._doses) and self._doses[self._first].day < day:
            self._sum -= self._doses[self._first].iu
            self._first += 1
        return self._sum

    def look(self, day: date) -> float:
        return sum(x.iu for x in self._doses[self._first :] if x.day >= day)


def checkpoints(
    patient: Patient, regimen: Regimen, on: date, knowledge: Knowledge | None = None
) -> tuple[Checkpoint, ...]:
    """The fewest 25(OH)D results, each as late as it may be, with which a regimen keeps inside the 90-day total.

    Parameters
    ----------
    patient
        The record; doses given and the newest 25(OH)D up to `on` count.
    regimen
        What is meant to be given.
    on
        Day of the plan.
    knowledge
        Rules; the shipped ones when None.

    Returns
    -------
    tuple of Checkpoint
        In order of time; empty when no dose passes the total. A sample is planned a week before the dose that waits for
        it (`check_before_dose`), later where a week before it could not show enough. A dose that no result could free
        has none: the gate takes it away.

    Examples
    --------
    >>> from calcidiol.kinetics.events import DoseRun
    >>> day = date(2026, 11, 24)
    >>> weekly = DoseRun(day, 7.0, 8, "", "cholecalciferol", "oral", 50_000, "[iU]", 50_000, 3250.0)
    >>> (one,) = checkpoints(Patient("x"), Regimen("", (weekly,)), day)
    >>> one.on.isoformat(), one.dose.isoformat(), one.iu
    ('2026-12-29', '2027-01-05', 350000)
    """
    known = knowledge or shipped()
    limit = known.numbers["largest_90d_iu"] * (1 + SLACK)
    total = QuarterTotal(Facts(patient, on, known.numbers))
    found: list[Checkpoint] = []
    for dose in sorted(_intakes(regimen), key=lambda x: x.day):
        iu = total.at(dose.day) + dose.iu
        if iu > limit:
            sample = _sample(total, dose, on, known.numbers, limit)
            if sample is None:
                continue
            total.check(sample)
            found.append(Checkpoint(sample, dose.day, iu))
        total.add(dose)
    return tuple(found)


def _intakes(regimen: Regimen) -> Iterable[Intake]:
    for run in regimen.runs:
        iu = exposure.counted_iu(run.iu, run.amount_nmol, run.substance)
        for k in range(run.count):
            yield Intake(run.start + timedelta(days=int(run.every_days * k + 1e-9)), iu, run.route != "oral")


def _sample(total: QuarterTotal, dose: Intake, on: date, numbers: Numbers, limit: float) -> date | None:
    """The day of a 25(OH)D that frees a dose; the first that shows enough, no sooner than a week before the dose."""
    for before in range(numbers.days("check_before_dose"), 0, -1):
        day = dose.day - timedelta(days=before)
        if day >= on and total.with_check(day, dose.day) + dose.iu <= limit:
            return day
    return None


def checkable(oral_iu: NDArray[np.float32], depot_iu: NDArray[np.float32], left_iu: float) -> NDArray[np.bool_]:
    """Which of many regimens keep inside the 90-day total when every 25(OH)D that they need is planned.

    For the search: what it lets through, `gate` allows with `checkpoints` as its `checks` (this limit alone is meant).

    Parameters
    ----------
    oral_iu, depot_iu
        Planned IU of each regimen on each day from the day of the plan on, (regimens, days).
    left_iu
        `Limits.total_90d_iu`: what may be given before the doses of the record are shown by a result.

    Returns
    -------
    array of bool, (regimens,)

    Examples
    --------
    >>> import numpy as np
    >>> weekly, none = np.zeros((1, 90)), np.zeros((1, 90))
    >>> weekly[0, :56:7] = 50_000
    >>> bool(checkable(weekly, none, 300_000.0)[0]), bool(checkable(none, weekly * 6, 300_000.0)[0])
    (True, False)
    """
    import numpy as np

    numbers = shipped().numbers
    days = oral_iu.shape[1]
    sums = []
    for planned, name in zip((oral_iu, depot_iu), _SHOWS, strict=True):
        summed = np.zeros((len(planned), days + 1))
        np.cumsum(planned, axis=1, out=summed[:, 1:])
        # a result of the day before shows what is `lag` days older than itself: `lag` + 1 days remain, the day included
        first = np.maximum(np.arange(days) - numbers.days(name), 0)
        sums.append((summed[:, 1:] - summed[:, first], summed))
    limit = numbers["largest_90d_iu"] * (1 + SLACK)
    early = min(numbers.days("level_shows_depot") + 1, days)
    calm: NDArray[np.bool_] = (sums[0][0] + sums[1][0]).max(axis=1) <= limit
    begin: NDArray[np.bool_] = sums[0][1][:, early] + sums[1][1][:, early] <= left_iu * (1 + SLACK)
    return calm & begin
