"""The most probable unknowns, from several starts at once, by damped Gauss-Newton.

One call of the solver is one iteration of all starts: its lanes are each start's point and a step up and down along
each effect, so that the derivatives come with the level itself. Assay biases need no lane: the level does not depend
on them.

Where results contradict each other or the prior there are several modes, one for each way of calling some of them
wild. Each start therefore has its own opinion: all results are believed, or one of them, or all, are wild. It holds
for the first iterations and brings the start into that mode's basin; then the real likelihood takes over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.likelihood import WILD_SHARE, log_likelihood, pull
from calcidiol.individual.people import People, repeat
from calcidiol.individual.problem import Problem

Floats = NDArray[np.float64]
STEP = 0.05
"""Step of the central differences, in spreads of the effect."""
ITERATIONS = 30
CLOSE = 1e-6
"""A start has arrived when the next step would gain less than this in log posterior."""
OPINION = 5
"""Iterations for which a start keeps its opinion about which results are wild."""
DOUBTED = 8
"""Only the newest so many results are doubted one by one (P)."""
SURE = 1e-290
"""Share of wild results where all are believed: nothing that a double could tell from 0, but with a logarithm."""
STARTS = 2.0
"""Untreated level of the two outer starts, in spreads from the middle: a contradiction has a mode on either side."""
SAME = 0.05
"""Starts nearer than this, in prior SDs, after the first iterations go on as one."""
APART = 1.0
"""Modes nearer than this (in their own SDs) count as one."""
RARE = 6.0
"""Modes worse than the best by more than this in log evidence are left out."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Unknowns (E + A,), covariance of the local normal law, log posterior density, log evidence (Laplace).

    `gain` (E + A, L): how far the mode moves up when the log level at a result comes out lower by one for another
    reason (Kalman gain of the local normal law).
    """

    x: Floats
    covariance: Floats
    log_posterior: float
    log_evidence: float
    gain: Floats


def opinions(results: int) -> Floats:
    """How probable each result is to be wild to each start, (S, L): none is, all are, each one alone is."""
    doubted = np.eye(results)[-DOUBTED:] if results > 1 else np.empty((0, results))
    told = np.vstack([np.zeros(results), np.ones(results), doubted])
    return np.asarray(np.clip(told, SURE, 1.0 - 1e-12))


def starts(problem: Problem) -> Floats:
    """Two starting points (2, E + A): a low and a high untreated level."""
    told = np.zeros((2, problem.size))
    if problem.level_at is not None:
        told[0, problem.level_at], told[1, problem.level_at] = -STARTS, STARTS
    return told


def modes(problem: Problem, center: People, begin: Floats | None = None) -> tuple[Mode, ...]:
    """The distinct modes of the posterior at the center's covariates, best first.

    Parameters
    ----------
    problem
        Card, past doses and results.
    center
        One person (`people.typical`).
    begin
        Starting points (S, E + A) beside the middle of the prior, where one start of each of the `opinions` begins;
        default `starts`.

    Returns
    -------
    tuple of Mode
        At least one; the prior itself when there are no results.
    """
    if not len(problem.observed):
        return (Mode(np.zeros(problem.size), np.diag(problem.prior_sd**2), 0.0, 0.0, np.zeros((problem.size, 0))),)
    wild = opinions(len(problem.observed))
    x = np.zeros((len(wild), problem.size))
    x, *_ = _climb(problem, center, x, wild, OPINION)
    x = np.vstack([x, starts(problem) if begin is None else np.array(begin, dtype=float)])
    x = x[_distinct(x / problem.prior_sd)]
    size = problem.size
    kept, cost, hessian, toward = _climb(problem, center, x, np.full((len(x), 1), WILD_SHARE), ITERATIONS)
    found: list[Mode] = []
    for row in np.argsort(cost, kind="stable"):
        if not np.isfinite(cost[row]):
            continue
        away = [(kept[row] - m.x) @ np.linalg.solve(m.covariance, kept[row] - m.x) for m in found]
        if any(a < APART**2 for a in away):
            continue
        covariance = np.linalg.inv(hessian[row])
        covariance = 0.5 * (covariance + covariance.T)
        evidence = -cost[row] + 0.5 * float(np.linalg.slogdet(covariance)[1])
        found.append(Mode(kept[row].copy(), covariance, -float(cost[row]), evidence, covariance @ toward[row].T))
    if not found:
        none = np.zeros((size, len(problem.observed)))
        return (Mode(np.zeros(size), np.diag(problem.prior_sd**2), -np.inf, 0.0, none),)
    top = max(m.log_evidence for m in found)
    return tuple(m for m in found if m.log_evidence > top - RARE)


def _distinct(x: Floats) -> list[int]:
    """Rows of x (S, D) that are nowhere near an earlier one."""
    rows: list[int] = []
    for row in range(len(x)):
        if all(np.abs(x[row] - x[other]).max() > SAME for other in rows):
            rows.append(row)
    return rows


def _climb(
    problem: Problem, center: People, x: Floats, wild: Floats, iterations: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Go up from each start: points (S, size), and there the same as `_look` without the gradient."""
    prior = problem.prior_sd**-2
    s, size = x.shape
    x, kept, cost, damping = x.copy(), x.copy(), np.full(s, np.inf), np.full(s, 1e-3)
    gradient, hessian = np.zeros((s, size)), np.repeat(np.diag(prior)[None], s, axis=0)
    toward = np.zeros((s, len(problem.observed), size))
    active = np.ones(s, dtype=bool)
    for _ in range(iterations):
        rows = np.flatnonzero(active)
        value, slope, curve, weighted = _look(problem, center, x[rows], wild[rows], prior)
        # Steps of the solver follow the fastest lane, so that equal points differ by its error; allow for it.
        better = value <= cost[rows] + 1e-4 * (1.0 + np.abs(np.where(np.isfinite(cost[rows]), cost[rows], 0.0)))
        for i, row in enumerate(rows):
            if better[i]:
                kept[row], cost[row], gradient[row], hessian[row] = x[row], value[i], slope[i], curve[i]
                toward[row] = weighted[i]
                damping[row] = max(damping[row] * 0.2, 1e-8)
            else:
                damping[row] = damping[row] * 10.0
            bent_up = hessian[row] + damping[row] * np.diag(np.diag(hessian[row]))
            step = np.linalg.solve(bent_up, gradient[row])
            gain = 0.5 * float(step @ gradient[row])
            if (better[i] and gain < CLOSE) or damping[row] > 1e6:
                active[row] = False
            longest = float(np.abs(step / problem.prior_sd).max())
            x[row] = kept[row] - step * min(1.0, 2.0 / max(longest, 1e-12))
        if not active.any():
            break
    return kept, cost, hessian, toward


def _look(
    problem: Problem, center: People, x: Floats, wild: Floats, prior: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Minus log posterior (S,), its gradient (S, size), Gauss-Newton Hessian (S, size, size), and the slopes of the
    log levels times the weights of the results (S, L, size)."""
    s, size = x.shape
    e = problem.effects
    seen = problem.observed
    lanes = np.repeat(x[:, None], 2 * e + 1, axis=1)
    at = np.arange(e)
    lanes[:, 1 + at, at] += STEP
    lanes[:, 1 + e + at, at] -= STEP
    flat = lanes.reshape(-1, size)
    level, _ = problem.solve(problem.parameters(flat, repeat(center, len(flat))), state=False)
    level = level.reshape(s, 2 * e + 1, -1)
    fine = np.asarray((np.isfinite(level) & (level > 0)).all(axis=(1, 2)))
    level = np.where(fine[:, None, None], level, 1.0)
    middle, bias = level[:, 0], x[:, e:]
    log_level = np.log(level)
    slopes = np.zeros((s, len(seen), size))
    slopes[:, :, :e] = (log_level[:, 1 : 1 + e] - log_level[:, 1 + e :]).transpose(0, 2, 1) / (2 * STEP)
    for group in range(size - e):
        slopes[:, seen.assay == group, e + group] = 1.0
    toward, weight = pull(seen, middle, bias, problem.card.residual, wild)
    cost = -log_likelihood(seen, middle, bias, problem.card.residual, wild) - problem.log_prior(x)
    gradient = np.einsum("slk,sl->sk", slopes, toward) + prior * x
    weighted = slopes * weight[:, :, None]
    hessian = np.einsum("slk,slm->skm", weighted, slopes) + np.diag(prior)
    return np.where(fine, cost, np.inf), gradient, hessian, weighted
