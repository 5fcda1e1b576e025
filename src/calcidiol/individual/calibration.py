"""Is the posterior honest? Where the truth of virtual patients falls among the draws of their fits.

Simulation-based calibration (Talts S, Betancourt M, Simpson D, Vehtari A, Gelman A. 2018, arXiv:1804.06788): over
patients drawn from the prior the position of the truth among the weighted draws is uniform between 0 and 1, for every
quantity. It checks the code that fits, not the card.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.bands import noise
from calcidiol.individual.fitting import DRAWS, fit
from calcidiol.individual.likelihood import log_sd
from calcidiol.individual.virtual import Virtual
from calcidiol.kinetics import Card
from calcidiol.kinetics.layout import ROW

Floats = NDArray[np.float64]
SHARES = (0.50, 0.80, 0.90, 0.95)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Positions (N,) of the truth among the draws by name of the quantity, and the diagnostics of each fit.

    Quantities: each random effect, ``"untreated_level"`` (with the covariates in it), ``"level"`` on day 0, and
    ``"lab"``, one more result on day 0 by the same method.
    """

    positions: dict[str, Floats]
    k_hat: Floats
    effective: Floats
    status: tuple[str, ...]

    def coverage(self, name: str) -> dict[float, float]:
        """Share of patients whose truth lies in the central 50, 80, 90 and 95 % band."""
        u = self.positions[name]
        return {s: float(np.mean(np.abs(u - 0.5) <= 0.5 * s)) for s in SHARES}

    def p_uniform(self, name: str) -> float:
        """Kolmogorov-Smirnov probability of such positions if they are uniform."""
        from scipy.stats import kstest

        return float(kstest(self.positions[name], "uniform").pvalue)

    @staticmethod
    def join(parts: list[Calibration]) -> Calibration:
        """All patients of the parts together."""
        return Calibration(
            {k: np.concatenate([p.positions[k] for p in parts]) for k in parts[0].positions},
            np.concatenate([p.k_hat for p in parts]),
            np.concatenate([p.effective for p in parts]),
            tuple(s for p in parts for s in p.status),
        )


def calibrate(told: Virtual, card: Card, *, seed: int = 0, draws: int = DRAWS) -> Calibration:
    """Fit every virtual patient and find the truth among the draws; withheld fits count like the others."""
    names = (*card.random_effects, "untreated_level", "level", "lab")
    n = len(told.values)
    found = {name: np.empty(n) for name in names}
    k_hat, effective, status = np.empty(n), np.empty(n), []
    rng = np.random.default_rng([seed, 606])
    for i in range(n):
        one = fit(told.record(i), card, told.on, seed=seed + i, draws=draws)
        w = one.weights
        for k, name in enumerate(card.random_effects):
            found[name][i] = w[one.effects[:, k] < told.person.effects[i, k]].sum()
        row = ROW["untreated"]
        found["untreated_level"][i] = w[one.parameters[:, row] < told.person.parameters[i, row]].sum()
        level, true = one.state.values[6], told.person.state.values[6, i]
        found["level"][i] = w[level < true].sum()
        center, real = level * np.exp(one.next_bias), np.array(true * np.exp(told.bias[i]))
        seen = real * np.exp(noise(rng, ()) * log_sd(real, *card.residual))
        drawn = center * np.exp(noise(rng, center.shape) * log_sd(center, *card.residual))
        found["lab"][i] = w[drawn < seen].sum()
        k_hat[i], effective[i] = one.k_hat, one.ess
        status.append(one.status)
    return Calibration(found, k_hat, effective, tuple(status))
