"""How good a regimen is for one patient: probabilities over draws of the patient, each with its Monte-Carlo error.

Everything here is arithmetic on trajectories (K regimens x N draws x W weeks) that one call of the solver made. The
draws may carry weights, which is how a hypothetical next result is looked at without solving again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def score(
    found: Course,
    goal: Goal,
    effective: float,
    *,
    untreated: Course | None = None,
    weights: Array | None = None,
) -> Table:
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
    weights
        Weights of the draws, (N,); None means equal.
    """
    w = np.full(found.peak.shape[1], 1.0 / found.peak.shape[1]) if weights is None else weights / weights.sum()
    n = min(effective, float(1.0 / np.sum(w * w)) * (effective / len(w) if weights is not None else 1.0))
    inside = (found.weeks >= goal.week_from) & (found.weeks <= goal.week_to)
    levels = found.level[:, :, inside]
    share = np.mean((levels >= goal.low) & (levels <= goal.high), axis=2)
    attainment = share @ w
    spread = np.sqrt(np.maximum((share * share) @ w - attainment * attainment, 0.0))
    risks = [above(found, limit, untreated) @ w for limit in (goal.excess, goal.ceiling)]
    return Table(
        attainment=attainment,
        attainment_error=spread / np.sqrt(n),
        shortfall=np.mean(np.maximum(goal.low - levels, 0.0), axis=2) @ w,
        excess=risks[0],
        excess_error=error_of(risks[0], n),
        ceiling=risks[1],
        ceiling_error=error_of(risks[1], n),
        effective=n,
    )


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
