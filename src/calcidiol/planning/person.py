"""The person a plan is about: the fitted patient, the same without labs, and the draws that every band shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from calcidiol.kinetics import Card, Regimen, Schedule
from calcidiol.patient.record import Patient

if TYPE_CHECKING:
    from calcidiol.individual import Ensemble, Forecast, Individual
    from calcidiol.regimen import Goal
    from calcidiol.safety.movers import Mover

WEEKS = 52
"""Horizon of a plan's forecasts, weeks."""
SHOWN_DRAWS = 1000
"""Draws behind every band that is shown (P): the Monte-Carlo error of p05 is then about 3 % of the band."""
PEAK_SHARE = 0.80
"""The gate's forecast peak is the level that one in five draws exceeds, like the goal's accepted excess (P)."""


@dataclass(frozen=True, slots=True)
class Person:
    """The fitted patient, the same without labs, and the draws that are shown."""

    individual: Individual
    population: Individual
    shown: Ensemble
    shown_population: Ensemble
    day: date

    def peak(self, regimen: Regimen) -> float:
        """Forecast peak of a regimen, nmol/L."""
        from calcidiol.kinetics import solve

        solved = solve(
            self.shown.card,
            self.shown.parameters,
            regimen.schedule(self.day),
            np.arange(0.0, WEEKS * 7 + 1, 7.0),
            origin_doy=self.shown.origin_doy,
            start=self.shown.state,
        )
        return float(np.quantile(solved.peak, PEAK_SHARE))

    def forecasts(self, regimen: Regimen | None, seed: int, weeks: int = WEEKS) -> dict[str, Any]:
        """Population, individual and untreated bands; without a regimen the first two are untreated as well."""
        from calcidiol.individual import forecast as bands

        times = _grid(weeks)
        schedule = Schedule.of(()) if regimen is None else regimen.schedule(self.day)
        return {
            "population": _band(bands(self.shown_population, schedule, times, seed)),
            "individual": _band(bands(self.shown, schedule, times, seed)),
            "untreated": _band(bands(self.shown, Schedule.of(()), times, seed)),
        }

    def without(self, found: Iterable[Mover], regimen: Regimen, seed: int, weeks: int = WEEKS) -> dict[str, Any]:
        """The individual band of a regimen if these medicines and diseases did not move the parameters."""
        from calcidiol.individual import forecast as bands
        from calcidiol.safety import without

        return _band(bands(without(self.shown, found), regimen.schedule(self.day), _grid(weeks), seed))

    def probabilities(self, regimen: Regimen, goal: Goal) -> dict[str, Any]:
        """P(in band), P(below), P(above) by week and over the goal's weeks, each with its Monte-Carlo error."""
        from calcidiol.kinetics import solve

        weeks = np.arange(0, WEEKS + 1)
        solved = solve(
            self.shown.card,
            self.shown.parameters,
            regimen.schedule(self.day),
            weeks * 7.0,
            origin_doy=self.shown.origin_doy,
            start=self.shown.state,
        )
        n = min(float(len(self.shown)), self.individual.ess)

        def chance(each: Any) -> dict[str, float]:
            p = float(np.mean(each))
            return {"value": p, "mc_error": float(np.sqrt(max(p * (1 - p), 0.25 / n) / n))}

        inside = (solved.level >= goal.low) & (solved.level <= goal.high)
        over = slice(goal.week_from, goal.week_to + 1)
        return {
            "in_band": chance(inside[:, over].mean(axis=1)),
            "weeks": [goal.week_from, goal.week_to],
            "above_high": chance(solved.peak > goal.excess),
            "above_ceiling": chance(solved.peak > goal.ceiling),
            "by_week": [
                {
                    "week": int(w),
                    "in_band": float(inside[:, w].mean()),
                    "below": float((solved.level[:, w] < goal.low).mean()),
                    "above": float((solved.level[:, w] > goal.high).mean()),
                }
                for w in (4, 8, 12, 26, 52)
            ],
        }


def fitted(patient: Patient, card: Card, day: date, seed: int, flatten: float = 1.0) -> Person:
    """Fit the patient with and without labs, and draw what is shown."""
    from calcidiol.individual import fit, population

    individual = fit(patient, card, day, seed=seed, flatten=flatten)
    without = population(patient, card, day, seed=seed) if len(individual.observed) else individual
    return Person(individual, without, individual.resample(SHOWN_DRAWS, seed), without.resample(SHOWN_DRAWS, seed), day)


def _grid(weeks: int) -> Any:
    """Days of a forecast: every second day for two weeks, then weekly."""
    return np.unique(np.concatenate([np.arange(0.0, 15.0, 2.0), np.arange(0.0, weeks * 7.0 + 1.0, 7.0)]))


def _band(one: Forecast) -> dict[str, Any]:
    return {
        "dates": [d.isoformat() for d in one.dates],
        "level": {k: v.tolist() for k, v in one.level.items()},
        "lab": {k: v.tolist() for k, v in one.lab.items()},
    }
