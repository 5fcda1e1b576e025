"""What will happen: bands of the level, and of the next lab result, over dates.

Three forecasts never share a name: population (no labs), individual (labs up to the day of the plan), retrospective
(all labs). Each is made by the same function from the ensemble of that name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.fitting import Ensemble, Individual, fit
from calcidiol.individual.likelihood import log_sd
from calcidiol.kinetics import Card, Schedule, solve
from calcidiol.patient.record import Lab, Patient

Floats = NDArray[np.float64]
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bands of the level and of a lab at given days (M,), nmol/L, and the draws behind them (N, M)."""

    on: date
    times_d: Floats
    level: dict[str, Floats]
    lab: dict[str, Floats]
    draws: Floats

    @property
    def dates(self) -> tuple[date, ...]:
        """The calendar days of the bands."""
        return tuple(self.on + timedelta(days=float(t)) for t in self.times_d)


def forecast(ensemble: Ensemble, schedule: Schedule, times_d: Floats, seed: int = 0) -> Forecast:
    """Follow a schedule from day 0 and give the bands.

    Parameters
    ----------
    ensemble
        Equally likely draws (`Individual.resample`).
    schedule
        Doses from day 0 on.
    times_d
        Days at which the bands are wanted, 0 or later, rising.
    seed
        Seed of the noise in the band of the lab.
    """
    times = np.asarray(times_d, dtype=float)
    solved = solve(
        ensemble.card,
        ensemble.parameters,
        schedule,
        times,
        origin_doy=ensemble.origin_doy,
        start=ensemble.state,
    )
    level = solved.level
    rng = np.random.default_rng([seed, 303])
    # The next lab is taken to be of the method of the last ones: a bias that the labs share stays in the band.
    bias = ensemble.bias[:, -1] if ensemble.bias.shape[1] else np.zeros(len(level))
    center = level * np.exp(bias)[:, None]
    lab = center * np.exp(rng.standard_normal(level.shape) * log_sd(center, *ensemble.card.residual))
    return Forecast(ensemble.on, times, _bands(level), _bands(lab), level)


def _bands(values: Floats) -> dict[str, Floats]:
    told = np.quantile(values, list(QUANTILES.values()), axis=0)
    return dict(zip(QUANTILES, told, strict=True))


def percentiles(patient: Patient, card: Card, on: date, *, seed: int = 0, draws: int = 1000) -> tuple[float, ...]:
    """At which percentile of its own forecast each 25(OH)D result falls, made from the results before it only.

    Returns one number (0 to 100) for each result up to `on`, in order of time; NaN where a result is censored or the
    forecast had to be withheld.
    """
    labs = tuple(x for x in patient.labs_of("25ohd", on) if x.value > 0)
    return tuple(_percentile(patient, card, labs, i, seed, draws) for i in range(len(labs)))


def _percentile(patient: Patient, card: Card, labs: tuple[Lab, ...], i: int, seed: int, draws: int) -> float:
    lab = labs[i]
    if lab.comparator:
        return float("nan")
    day = lab.when.date()
    before: Individual = fit(patient, card, day, seed=seed, labs=i, draws=draws)
    if not np.isfinite(before.k_hat) or before.ess < 50:
        return float("nan")
    ensemble = before.resample(1000, seed)
    rng = np.random.default_rng([seed, 404, i])
    level = ensemble.state.values[6]
    # A method not seen before brings its own unknown bias.
    fresh = 0.0 if lab.assay == "lc-ms" else card.assay_bias
    if lab.assay != "lc-ms" and (lab.assay or "unknown") in before.observed.assays:
        group = before.observed.assays.index(lab.assay or "unknown")
        level, fresh = level * np.exp(ensemble.bias[:, group]), 0.0
    sd = np.hypot(log_sd(level, *card.residual), fresh)
    drawn = np.log(level) + sd * rng.standard_normal(len(level))
    return float(100.0 * np.mean(drawn < np.log(lab.value)))
