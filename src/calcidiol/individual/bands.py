"""What will happen: bands of the level, and of the next lab result, over dates.

Three forecasts never share a name: population (no labs), individual (labs up to the day of the plan), retrospective
(all labs). Each is made by the same function from the ensemble of that name, and carries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.draws import Ensemble, Kind
from calcidiol.individual.fitting import fit
from calcidiol.individual.history import TRUSTED_ASSAYS
from calcidiol.individual.likelihood import WILD_SHARE, WILD_WIDTH, log_sd
from calcidiol.kinetics import Card, Schedule, solve
from calcidiol.patient.record import Lab, Patient

Floats = NDArray[np.float64]
QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
FEWEST = 50.0
"""Effective draws below which no percentile is told (P)."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Bands of the level and of a lab at given days (M,), nmol/L, the draws behind them (N, M), and which forecast."""

    on: date
    times_d: Floats
    level: dict[str, Floats]
    lab: dict[str, Floats]
    draws: Floats
    kind: Kind = "individual"

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

    Returns
    -------
    Forecast
        The band of the lab has residual and assay error in it. The next lab is taken to be of the newest method: a
        bias that earlier results share stays in the band, and an unknown one widens it.
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
    level = solved.level[solved.status == 0]
    bias = ensemble.next_bias if len(ensemble.next_bias) else np.zeros(len(solved.level))
    center = level * np.exp(bias[solved.status == 0])[:, None]
    rng = np.random.default_rng([seed, 303])
    lab = center * np.exp(noise(rng, level.shape) * log_sd(center, *ensemble.card.residual))
    return Forecast(ensemble.on, times, _bands(level), _bands(lab), level, ensemble.kind)


def noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Standardized errors of lab results as the likelihood has them: normal, and a few wild ones."""
    calm = rng.standard_normal(shape)
    wild = WILD_WIDTH * rng.standard_t(3.0, shape)
    return np.where(rng.random(shape) < WILD_SHARE, wild, calm)


def _bands(values: Floats) -> dict[str, Floats]:
    told = np.quantile(values, list(QUANTILES.values()), axis=0)
    return dict(zip(QUANTILES, told, strict=True))


def percentiles(patient: Patient, card: Card, on: date, *, seed: int = 0, draws: int = 1000) -> tuple[float, ...]:
    """At which percentile of its own forecast each 25(OH)D result falls, made from the results before it only.

    Returns one number (0 to 100) for each result up to `on`, in order of time; NaN where a result is censored or the
    forecast had to be withheld.
    """
    labs = tuple(x for x in patient.labs_of("25ohd", on) if 0 < x.value < np.inf)
    return tuple(_percentile(patient, card, labs, i, seed, draws) for i in range(len(labs)))


def _percentile(patient: Patient, card: Card, labs: tuple[Lab, ...], i: int, seed: int, draws: int) -> float:
    lab = labs[i]
    if lab.comparator:
        return float("nan")
    before = fit(patient, card, lab.when.date(), seed=seed, labs=i, draws=draws, enough=FEWEST)
    if before.status != "ok":
        return float("nan")
    ensemble = before.resample(1000, seed)
    rng = np.random.default_rng([seed, 404, i])
    level = ensemble.state.values[6]
    if lab.assay not in TRUSTED_ASSAYS:
        name = lab.assay or "unknown"
        if name in before.observed.assays:
            level = level * np.exp(ensemble.bias[:, before.observed.assays.index(name)])
        else:
            # A method not seen before brings its own unknown bias.
            level = level * np.exp(card.assay_bias * rng.standard_normal(len(level)))
    drawn = np.log(level) + log_sd(level, *card.residual) * noise(rng, level.shape)
    return float(100.0 * np.mean(drawn < np.log(lab.value)))
