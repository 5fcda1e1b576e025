"""How far to trust the fit: what the labs moved, what they could not tell apart, whether they fight the prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.fitting import Individual

Floats = NDArray[np.float64]
TOLD = 0.8
"""Posterior over prior SD below which the labs said something about an effect (P)."""
TIED = 0.6
"""Correlation above which two effects could not be told apart (P)."""
CONFLICT = 2.5
"""Posterior mean of an effect, in prior SDs, from which data and prior disagree (P)."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the labs could and could not tell; `notes` are text ids with parameters."""

    labs: int
    k_hat: float
    ess: float
    shrinkage: dict[str, float]
    mean: dict[str, float]
    correlations: tuple[tuple[str, str, float], ...]
    notes: tuple[tuple[str, dict[str, object]], ...]


def trust(individual: Individual) -> Trust:
    """Ratio of posterior to prior SD of each effect, strong correlations, prior-data conflict."""
    names = individual.card.random_effects
    w = individual.weights
    mean = w @ individual.effects
    centered = individual.effects - mean
    cov = centered.T @ (centered * w[:, None])
    sd = np.sqrt(np.diag(cov))
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
    )
