"""How good a regimen is for one patient: probabilities over draws of the patient, each with its Monte-Carlo error.

Everything here is arithmetic on trajectories (K regimens x N draws x W weeks) that one call of the solver made. The
draws may carry weights, which is how a hypothetical next result is looked at without solving again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import SolverError
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.trajectories import Course, Draws

if TYPE_CHECKING:
    from calcidiol.individual import Individual

Array = NDArray[np.float64]
UNSOLVED = 0.01
"""Share of draws that may fail to solve before the search is refused (P)."""
HIGHER = 0.5
"""A regimen takes a draw higher than it gets by itself when its peak is this much above, nmol/L (solver error)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Error of a laboratory result around the true level, on the log scale as in `individual.likelihood`.

    `proportional` (1) and `additive` (nmol/L) are the card's residual. The bias of the method is in the draws
    (`Draws.bias`).
    """

    proportional: float
    additive: float

    def log_sd(self, level: Array) -> Array:
        """SD of the log result at each level (nmol/L)."""
        told: Array = np.sqrt(self.proportional**2 + (self.additive / np.maximum(level, 1.0)) ** 2)
        return told


def noise(individual: Individual) -> Noise:
    """The error of this patient's next result, beside the bias of its method."""
    return Noise(*individual.card.residual)


def draws(individual: Individual, n: int, seed: int) -> Draws:
    """`n` equally likely draws of the individual, made with `seed`; draws without a finite state are left out.

    Raises
    ------
    SolverError
        More than one in a hundred draws has no finite state.
    """
    ensemble = individual.resample(n, seed)
    parameters, state = ensemble.parameters, ensemble.state
    bias = ensemble.next_bias
    solved = np.isfinite(state.values).all(axis=0) & np.isfinite(parameters).all(axis=1)
    if not solved.all():
        if np.mean(solved) < 1.0 - UNSOLVED:
            raise SolverError(
                f"{n - int(solved.sum())} of {n} draws of this patient have no finite state on day 0; at most "
                f"{UNSOLVED:.0%} may fail. Check the record's weight, doses and levels, or use another card."
            )
        rows = np.flatnonzero(solved)
        parameters, state, bias = parameters[rows], state.take(rows), bias[rows]
    return Draws(
        card=individual.card,
        parameters=parameters,
        state=state,
        origin_doy=float(individual.on.timetuple().tm_yday),
        effective=float(min(len(parameters), individual.ess)),
        bias=bias,
    )


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


def mark(found: Course, goal: Goal) -> Marks:
    """Mark each draw; the weeks of `found` must cover the goal's. Every draw that is ever above a limit counts,
    and so does one that could not be solved (NaN): what is not known is not taken as safe.
    """
    inside = slice(
        int(np.searchsorted(found.weeks, goal.week_from)), int(np.searchsorted(found.weeks, goal.week_to)) + 1
    )
    levels = found.level[:, :, inside]
    missing = np.nan_to_num(goal.low - levels, copy=False, nan=goal.low)
    return Marks(
        share=np.mean((levels >= goal.low) & (levels <= goal.high), axis=2),
        shortfall=np.mean(np.maximum(missing, 0.0, out=missing), axis=2),
        excess=(~(found.peak <= goal.excess)).astype(np.float64),
        ceiling=(~(found.peak <= goal.ceiling)).astype(np.float64),
    )


def only_added(marks: Marks, found: Course, goal: Goal, untreated: Course) -> Marks:
    """The same marks, counting only the excess that a regimen adds to the untreated course of each draw.

    A draw counts when the regimen takes it above the limit at a time when it would not be there by itself, or higher
    than it would get by itself.
    """
    return replace(
        marks,
        excess=_added(marks.excess, found, goal.excess, untreated),
        ceiling=_added(marks.ceiling, found, goal.ceiling, untreated),
    )


def _added(above: Array, found: Course, limit: float, untreated: Course) -> Array:
    rows = np.flatnonzero(untreated.peak[0] > limit)
    if not len(rows):
        return above
    late = found.level[:, rows] > limit
    late &= ~(untreated.level[0, rows] > limit)
    told = above.copy()
    told[:, rows] = late.any(axis=2) | (found.peak[:, rows] > untreated.peak[0, rows] + HIGHER)
    return told


def tabulate(marks: Marks, effective: float, weights: Array | None = None) -> Table:
    """Average the marks over the draws, `weights` (N,) or equal."""
    count = marks.share.shape[1]
    w = np.full(count, 1.0 / count) if weights is None else weights / weights.sum()
    n = effective_of(w, effective)
    attainment = marks.share @ w
    spread = np.sqrt(np.maximum((marks.share * marks.share) @ w - attainment * attainment, 0.0))
    # Weights sum to 1 only up to rounding.
    excess, ceiling = np.minimum(marks.excess @ w, 1.0), np.minimum(marks.ceiling @ w, 1.0)
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
