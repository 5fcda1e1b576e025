"""The most probable unknowns, from several starts at once, by damped Gauss-Newton.

One call of the solver is one iteration of all starts: its lanes are each start's point and a step up and down along
each effect, so that the derivatives come with the level itself. Assay biases need no lane: the level does not depend
on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.likelihood import log_likelihood, pull
from calcidiol.individual.people import People, repeat
from calcidiol.individual.problem import Problem

Floats = NDArray[np.float64]
STEP = 0.05
"""Step of the central differences, in spreads of the effect."""
ITERATIONS = 30
CLOSE = 1e-6
"""A start has arrived when the next step would gain less than this in log posterior."""
STARTS = 2.0
"""Untreated level of the two outer starts, in spreads from the middle: a contradiction has a mode on either side."""
APART = 1.0
"""Modes nearer than this (in their own SDs) count as one."""
RARE = 6.0
"""Modes worse than the best by more than this in log evidence are left out."""


@dataclass(frozen=True, slots=True)
class Mode:
    """Unknowns (E + A,), covariance of the local normal law, log posterior density, log evidence (Laplace)."""

    x: Floats
    covariance: Floats
    log_posterior: float
    log_evidence: float


def starts(problem: Problem) -> Floats:
    """Three starting points (3, E + A): the middle of the prior, and a low and a high untreated level."""
    told = np.zeros((3, problem.size))
    if problem.level_at is not None:
        told[1, problem.level_at], told[2, problem.level_at] = -STARTS, STARTS
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
        Starting points (S, E + A); default `starts`.

    Returns
    -------
    tuple of Mode
        At least one; the prior itself when there are no results.
    """
    prior = problem.prior_sd**-2
    if not len(problem.observed):
        return (Mode(np.zeros(problem.size), np.diag(problem.prior_sd**2), 0.0, 0.0),)
    x = starts(problem) if begin is None else np.array(begin, dtype=float)
    s, size = x.shape
    cost = np.full(s, np.inf)
    damping = np.full(s, 1e-3)
    kept, gradient, hessian = x.copy(), np.zeros((s, size)), np.repeat(np.diag(prior)[None], s, axis=0)
    active = np.ones(s, dtype=bool)
    for _ in range(ITERATIONS):
        rows = np.flatnonzero(active)
        value, slope, curve = _look(problem, center, x[rows], prior)
        # Steps of the solver follow the fastest lane, so that equal points differ by its error; allow for it.
        better = value <= cost[rows] + 1e-4 * (1.0 + np.abs(np.where(np.isfinite(cost[rows]), cost[rows], 0.0)))
        for i, row in enumerate(rows):
            if better[i]:
                kept[row], cost[row], gradient[row], hessian[row] = x[row], value[i], slope[i], curve[i]
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
        found.append(Mode(kept[row].copy(), covariance, -float(cost[row]), evidence))
    if not found:
        return (Mode(np.zeros(size), np.diag(problem.prior_sd**2), -np.inf, 0.0),)
    top = max(m.log_evidence for m in found)
    return tuple(m for m in found if m.log_evidence > top - RARE)


def _look(problem: Problem, center: People, x: Floats, prior: Floats) -> tuple[Floats, Floats, Floats]:
    """Minus log posterior (S,), its gradient (S, size) and Gauss-Newton Hessian (S, size, size)."""
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
    toward, weight = pull(seen, middle, bias, problem.card.residual)
    cost = -log_likelihood(seen, middle, bias, problem.card.residual) - problem.log_prior(x)
    gradient = np.einsum("slk,sl->sk", slopes, toward) + prior * x
    hessian = np.einsum("slk,sl,slm->skm", slopes, weight, slopes) + np.diag(prior)
    return np.where(fine, cost, np.inf), gradient, hessian
