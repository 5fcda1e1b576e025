"""How good a regimen is for one patient: probabilities over draws of the patient, each with its Monte-Carlo error.

Everything here is arithmetic on trajectories (K regimens x N draws x W weeks) that one call of the solver made. The
draws may carry weights, which is how a hypothetical next result is looked at without solving again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import Schedule
from calcidiol.regimen.goals import Goal

if TYPE_CHECKING:
    from calcidiol.individual import Individual

Array = NDArray[np.float64]
WEEK_D = 7.0


@dataclass(frozen=True, slots=True)
class Draws:
    """Equally likely draws of the patient on day 0.

    Parameters
    ----------
    card
        Model card.
    parameters
        (N, P), as the solver takes them.
    state
        What is in the body on day 0, all past doses included.
    origin_doy
        Day of the year of day 0.
    effective
        How many independent draws these are worth (no more than N).
    """

    card: Any
    parameters: Array
    state: Any
    origin_doy: float
    effective: float

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True, slots=True)
class Course:
    """Trajectories of K regimens on N draws: level at whole weeks, (K, N, W) nmol/L, and the running peak, (K, N)."""

    weeks: NDArray[np.int64]
    level: Array
    peak: Array

    def at(self, week: int) -> Array:
        """Levels at one week, (K, N)."""
        return self.level[:, :, int(np.searchsorted(self.weeks, week))]

    def one(self, i: int) -> Course:
        """The i-th regimen alone."""
        return Course(self.weeks, self.level[i : i + 1], self.peak[i : i + 1])


@dataclass(frozen=True, slots=True)
class Noise:
    """Error of a laboratory result around the true level: SD = sqrt((proportional x level)^2 + additive^2), nmol/L."""

    proportional: float
    additive: float

    def sd(self, level: Array) -> Array:
        """SD of a result at each level, nmol/L."""
        told: Array = np.sqrt((self.proportional * level) ** 2 + self.additive**2)
        return told

    def log_variance(self, level: float) -> float:
        """Variance of the log result at a level."""
        return self.proportional**2 + (self.additive / max(level, 1.0)) ** 2


def draws(individual: Individual, n: int, seed: int) -> Draws:
    """`n` equally likely draws of the individual, made with `seed`."""
    ensemble = individual.resample(n, seed)
    return Draws(
        card=individual.card,
        parameters=ensemble.parameters,
        state=ensemble.state,
        origin_doy=float(individual.on.timetuple().tm_yday),
        effective=float(min(n, individual.ess)),
    )


def advance(these: Draws, schedule: Schedule, day: int) -> tuple[Array, Draws]:
    """Follow one regimen to a day: the level there, (N,), and the same draws with that day as day 0.

    A dose due on the day itself is not yet given (a sample is drawn first).
    """
    from calcidiol.kinetics import solve

    kept = schedule.time_d < day
    before = Schedule(schedule.time_d[kept], schedule.amount_nmol[kept], schedule.into[kept])
    solution = solve(
        these.card,
        these.parameters,
        before,
        np.array([float(day)]),
        origin_doy=these.origin_doy,
        pairing="one",
        start=these.state,
        want=("level", "state"),
    )
    return solution.level[:, 0], replace(these, state=solution.state, origin_doy=(these.origin_doy + day) % 365.25)


def course(these: Draws, schedules: Sequence[Schedule], weeks: Sequence[int] | NDArray[np.int64]) -> Course:
    """Solve every schedule on every draw; the peak runs from day 0 to the last week."""
    from calcidiol.kinetics import solve

    at = np.asarray(weeks, dtype=np.int64)
    solution = solve(
        these.card,
        these.parameters,
        list(schedules),
        at * WEEK_D,
        origin_doy=these.origin_doy,
        pairing="cross",
        start=these.state,
        want=("level", "peak"),
    )
    return Course(at, solution.level, solution.peak)


@dataclass(frozen=True, slots=True)
class Table:
    """Scores of K regimens: each probability with its Monte-Carlo error, all (K,).

    `shortfall` is the mean over draws and the goal's weeks of what is missing to the band, nmol/L.
    """

    attainment: Array
    attainment_error: Array
    shortfall: Array
    excess: Array
    excess_error: Array
    ceiling: Array
    ceiling_error: Array
    effective: float

    def qualifies(self, goal: Goal, errors: float = 2.0) -> NDArray[np.bool_]:
        """Which regimens keep both risks within the goal, estimate + `errors` Monte-Carlo errors."""
        ok: NDArray[np.bool_] = (self.excess + errors * self.excess_error <= goal.alpha_excess) & (
            self.ceiling + errors * self.ceiling_error <= goal.alpha_ceiling
        )
        return ok


def error_of(p: Array, effective: float) -> Array:
    """Monte-Carlo error of a probability from `effective` draws.

    One success and one failure are added first, so that "never seen" is not "impossible" (Wilson's centre, V).
    """
    moved = (p * effective + 1.0) / (effective + 2.0)
    told: Array = np.sqrt(moved * (1.0 - moved) / effective)
    return told


@dataclass(frozen=True, slots=True)
class Marks:
    """What each draw says of each regimen, (K, N): share of the goal's weeks in the band, nmol/L missing to it, and
    whether it is ever above the two limits."""

    share: Array
    shortfall: Array
    excess: Array
    ceiling: Array


def mark(found: Course, goal: Goal, untreated: Course | None = None) -> Marks:
    """Mark each draw; see `score`."""
    inside = slice(
        int(np.searchsorted(found.weeks, goal.week_from)), int(np.searchsorted(found.weeks, goal.week_to)) + 1
    )
    levels = found.level[:, :, inside]
    return Marks(
        share=np.mean((levels >= goal.low) & (levels <= goal.high), axis=2),
        shortfall=np.mean(np.maximum(goal.low - levels, 0.0), axis=2),
        excess=above(found, goal.excess, untreated),
        ceiling=above(found, goal.ceiling, untreated),
    )


def tabulate(marks: Marks, effective: float, weights: Array | None = None) -> Table:
    """Average the marks over the draws, `weights` (N,) or equal."""
    count = marks.share.shape[1]
    w = np.full(count, 1.0 / count) if weights is None else weights / weights.sum()
    n = effective_of(w, effective)
    attainment = marks.share @ w
    spread = np.sqrt(np.maximum((marks.share * marks.share) @ w - attainment * attainment, 0.0))
    excess, ceiling = marks.excess @ w, marks.ceiling @ w
    return Table(
        attainment=attainment,
        attainment_error=spread / np.sqrt(n),
        shortfall=marks.shortfall @ w,
        excess=excess,
        excess_error=error_of(excess, n),
        ceiling=ceiling,
        ceiling_error=error_of(ceiling, n),
        effective=n,
    )


def effective_of(weights: Array, effective: float) -> float:
    """How many independent draws weighted draws are worth: Kish's number, scaled to what equal ones are worth."""
    return float(weights.sum() ** 2 / np.sum(weights * weights)) * effective / len(weights)


def score(found: Course, goal: Goal, effective: float, *, untreated: Course | None = None) -> Table:
    """Score trajectories against a goal.

    Parameters
    ----------
    found
        Trajectories; the weeks must cover the goal's.
    goal
        Band, weeks, limits.
    effective
        How many independent draws there are at most.
    untreated
        The same draws without any dose. When it is given, only the excess that a regimen adds is counted: a draw
        counts when the regimen takes it above the limit at a time when it would not be there by itself, or higher than
        it would get by itself. Without it every draw that is ever above the limit counts.
    """
    return tabulate(mark(found, goal, untreated), effective)


def above(found: Course, limit: float, untreated: Course | None = None) -> Array:
    """1 where a draw is ever above `limit` (or, with `untreated`, where the regimen adds to that), else 0; (K, N)."""
    if untreated is None:
        return (found.peak > limit).astype(np.float64)
    alone = untreated.peak[0] > limit
    told = found.peak > np.where(alone, untreated.peak[0] + 0.5, limit)
    if alone.any():
        rows = np.flatnonzero(alone)
        late = found.level[:, rows] > limit
        late &= ~(untreated.level[0, rows] > limit)
        told[:, rows] |= late.any(axis=2)
    return told.astype(np.float64)
