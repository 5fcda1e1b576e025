"""Virtual patients: people drawn from the prior of a record, with results drawn from the likelihood.

A fit turned round: a person is drawn (random effects, unknown covariates, bias of the assay), the level follows, and
results get their errors. A fit of such results has a known truth, which is what calibration needs.
Patients drawn from our own card validate the code, not the card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.bands import noise
from calcidiol.individual.draws import Individual
from calcidiol.individual.fitting import population
from calcidiol.individual.history import TRUSTED_ASSAYS, history, observed
from calcidiol.individual.likelihood import log_sd
from calcidiol.individual.problem import Problem
from calcidiol.kinetics import Card
from calcidiol.patient.record import Lab, Origin, Patient

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Virtual:
    """N people of one record with L results each.

    Parameters
    ----------
    patient, on, days
        The record without results, day 0, and the days of the results from it (0 or earlier, at noon).
    assay
        Method of all results; one that is not trusted has a bias of its own in each person.
    person
        The people: `population` draws of the record.
    bias
        Log bias of the assay, (N,).
    level, values
        True level and result, nmol/L, (N, L).
    """

    patient: Patient
    on: date
    days: tuple[int, ...]
    assay: str | None
    person: Individual
    bias: Floats
    level: Floats
    values: Floats

    def record(self, i: int) -> Patient:
        """The record of person i with their results."""
        return with_results(self.patient, self.on, self.days, self.values[i], self.assay)


def with_results(
    patient: Patient, on: date, days: Sequence[int], values: Floats | Sequence[float], assay: str | None
) -> Patient:
    """A record with 25(OH)D results (nmol/L) at noon of the given days from `on`."""
    labs = tuple(
        Lab(
            "25ohd",
            float(value),
            "nmol/L",
            datetime.combine(on, time(12)) + timedelta(days=int(day)),
            Origin(f"labs[{i}]"),
            assay=assay,
            has_time=False,
        )
        for i, (day, value) in enumerate(zip(days, values, strict=True))
    )
    return replace(patient, labs=(*(x for x in patient.labs if x.analyte != "25ohd"), *labs))


def simulate(
    patient: Patient, card: Card, on: date, days: Sequence[int], *, n: int, seed: int, assay: str | None = "lc-ms"
) -> Virtual:
    """Draw `n` people of a record and results on the given days (0 or earlier).

    Examples
    --------
    >>> from calcidiol.kinetics import default_card
    >>> who = Patient("x", sex="female", age_y=60)
    >>> simulate(who, default_card(), date(2026, 11, 21), [-30, 0], n=5, seed=1).values.shape
    (5, 2)
    """
    bare = with_results(patient, on, (), (), assay)
    person = population(bare, card, on, seed=seed, draws=max(n, 100))
    asked = observed(with_results(bare, on, days, [50.0] * len(days), assay), on)
    problem = Problem(card, history(bare, on), asked, float(on.timetuple().tm_yday))
    level, _ = problem.solve(person.parameters[:n], state=False)
    rng = np.random.default_rng([seed, 505])
    bias = np.zeros(n) if assay in TRUSTED_ASSAYS else card.assay_bias * rng.standard_normal(n)
    center = level * np.exp(bias)[:, None]
    values = center * np.exp(noise(rng, level.shape) * log_sd(center, *card.residual))
    return Virtual(bare, on, tuple(int(d) for d in days), assay, person, bias, level, values)
