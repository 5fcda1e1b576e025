"""How far to trust the fit: what the labs moved, what they could not tell apart, whether they fight the prior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.likelihood import log_sd
from calcidiol.individual.problem import Problem

if TYPE_CHECKING:
    from calcidiol.individual.draws import Individual

Floats = NDArray[np.float64]
TOLD = 0.8
"""Posterior over prior SD below which the labs said something about an effect (P)."""
TIED = 0.35
"""Correlation above which two effects could not be told apart (P). Before the results no two effects are correlated;
one result under treatment ties the untreated level to the conversion by -0.40, one before and one under treatment tie
the conversion to the clearance by 0.41 (S, default card)."""
CONFLICT = 2.5
"""Posterior mean of an effect, in prior SDs, from which data and prior disagree (P)."""
SURPRISE = 0.01
"""Probability of such results before they were seen, below which data and prior disagree (P)."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the labs could and could not tell; `notes` are text ids with parameters.

    `shrinkage` is the ratio of posterior to prior SD of each effect, `mean` its posterior mean in prior SDs,
    `correlations` the pairs that are tied, `conflict` the probability of such results before they were seen.
    """

    labs: int
    k_hat: float
    ess: float
    shrinkage: dict[str, float]
    mean: dict[str, float]
    correlations: tuple[tuple[str, str, float], ...]
    notes: tuple[tuple[str, dict[str, object]], ...]
    conflict: float = 1.0
    modes: int = 1
    matrix: tuple[tuple[float, ...], ...] = ()


def trust(individual: Individual) -> Trust:
    """Ratio of posterior to prior SD of each effect, strong correlations, prior-data conflict."""
    names = individual.card.random_effects
    w = individual.weights
    mean = w @ individual.effects
    centered = individual.effects - mean
    cov = centered.T @ (centered * w[:, None])
    sd = np.sqrt(np.maximum(np.diag(cov), 1e-300))
    prior_sd = individual.flatten**-0.5
    shrink = {name: float(s / prior_sd) for name, s in zip(names, sd, strict=True)}
    correlation = cov / np.outer(sd, sd)
    tied = tuple(
        (names[i], names[j], float(correlation[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(correlation[i, j]) >= TIED
    )
    notes: list[tuple[str, dict[str, object]]] = []
    if not len(individual.observed):
        notes.append(("trust.no_labs", {}))
        tied = ()
    else:
        told = [n for n in names if shrink[n] < TOLD]
        silent = [n for n in names if shrink[n] >= TOLD]
        if told:
            notes.append(("trust.told", {"effects": told}))
        if silent:
            notes.append(("trust.silent", {"effects": silent}))
        notes += [("trust.tied", {"first": a, "second": b, "correlation": c}) for a, b, c in tied]
        for name, m in zip(names, mean, strict=True):
            if abs(m) >= CONFLICT:
                notes.append(("trust.conflict", {"effect": name, "sds": float(m)}))
        if individual.conflict < SURPRISE:
            notes.append(("trust.surprise", {"probability": individual.conflict}))
        if individual.modes > 1:
            notes.append(("trust.modes", {"count": individual.modes}))
    if individual.flatten != 1.0:
        notes.append(("trust.flattened", {"weight": individual.flatten}))
    return Trust(
        labs=len(individual.observed),
        k_hat=individual.k_hat,
        ess=individual.ess,
        shrinkage=shrink,
        mean={name: float(m) for name, m in zip(names, mean, strict=True)},
        correlations=tied,
        notes=tuple(notes),
        conflict=individual.conflict,
        modes=individual.modes,
        matrix=tuple(tuple(float(c) for c in row) for row in correlation),
    )


def prior_data_conflict(problem: Problem, level: Floats, log_ratio: Floats) -> float:
    """Prior predictive probability of results at least as far off as those seen (Box 1980), normal on the log scale.

    Parameters
    ----------
    problem
        Card and results.
    level
        Level at the labs (N, L) of draws from any law that covers the prior.
    log_ratio
        Log of prior over that law, (N,).

    Notes
    -----
    The mean and covariance of the log levels under the prior come from the draws, the noise of the results and the
    assays' biases are added, and the squared distance is held against chi-square. Censored results are left out.
    """
    seen = problem.observed
    used = seen.kind == 0
    if not used.any():
        return 1.0
    w = np.exp(log_ratio - log_ratio.max())
    w /= w.sum()
    y = np.log(level[:, used])
    center = w @ y
    cov = (y - center).T @ ((y - center) * w[:, None])
    group = seen.assay[used]
    same = (group[:, None] == group[None]) & (group[:, None] >= 0)
    cov += same * problem.card.assay_bias**2
    cov += np.diag(log_sd(np.exp(center), *problem.card.residual) ** 2)
    off = seen.log_value[used] - center
    return chi_square_above(float(off @ np.linalg.solve(cov, off)), int(used.sum()))


def chi_square_above(x: float, degrees: int) -> float:
    """P(chi-square > x), by Q(a + 1, h) = Q(a, h) + h^a exp(-h) / Gamma(a + 1); scipy.stats loads too slowly for this.

    Examples
    --------
    >>> round(chi_square_above(3.841, 1), 3), round(chi_square_above(9.210, 2), 3)
    (0.05, 0.01)
    """
    h = 0.5 * x
    if h <= 0:
        return 1.0
    a, told = (0.5, math.erfc(math.sqrt(h))) if degrees % 2 else (1.0, math.exp(-h))
    while a < 0.5 * degrees:
        told += math.exp(a * math.log(h) - h - math.lgamma(a + 1.0))
        a += 1.0
    return min(told, 1.0)
