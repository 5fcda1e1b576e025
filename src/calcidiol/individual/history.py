"""The past as the solver reads it: known doses and 25(OH)D results, days counted from the day of the plan (day 0)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import Schedule, compartment
from calcidiol.patient.record import Lab, Patient

Floats = NDArray[np.float64]
KNOWN_SUBSTANCES = ("cholecalciferol", "ergocalciferol", "calcifediol")


@dataclass(frozen=True, slots=True)
class Observed:
    """25(OH)D results (L,): day, log result, kind (0 measured, -1 below, +1 above), assay group (-1 trusted)."""

    labs: tuple[Lab, ...]
    time_d: Floats
    log_value: Floats
    kind: NDArray[np.int64]
    assay: NDArray[np.int64]
    assays: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labs)

    def before(self, count: int) -> Observed:
        """The first `count` results."""
        return Observed(
            self.labs[:count],
            self.time_d[:count],
            self.log_value[:count],
            self.kind[:count],
            self.assay[:count],
            self.assays,
        )


TRUSTED_ASSAYS = ("lc-ms",)
"""Methods whose bias is taken as zero; any other, and an unknown one, shares a bias among its results."""


def past_schedule(patient: Patient, on: date) -> Schedule:
    """Every known dose before `on`; a dose of the day itself that is recorded as given counts too.

    Doses are put at noon, a result without a time of day is drawn at noon too and is read before the dose.
    """
    events: list[tuple[float, float, int]] = []
    for dose in patient.doses:
        if dose.substance not in KNOWN_SUBSTANCES:
            continue
        first = (dose.start - on).days + 0.5
        into = compartment(dose.substance, dose.route)
        count = dose.taken_until(on)
        events += [(first + i * dose.every_days, dose.amount_nmol, into) for i in range(count)]
    # Day 0 is the start of the day of the plan; what was given on it stands at its very beginning.
    return Schedule.of((min(t, 0.0), amount, into) for t, amount, into in events)


def observed(patient: Patient, on: date) -> Observed:
    """25(OH)D results up to and including `on`, in order of time."""
    labs = tuple(x for x in patient.labs_of("25ohd", on) if x.value > 0)
    names: list[str] = []
    group = []
    for lab in labs:
        if lab.assay in TRUSTED_ASSAYS:
            group.append(-1)
            continue
        name = lab.assay or "unknown"
        if name not in names:
            names.append(name)
        group.append(names.index(name))
    midnight = [(x.when.date() - on).days + (x.when.hour * 60 + x.when.minute) / 1440.0 for x in labs]
    return Observed(
        labs=labs,
        time_d=np.minimum(np.array(midnight, dtype=float), 0.0),
        log_value=np.log([x.value for x in labs]) if labs else np.empty(0),
        kind=np.array([-1 if x.comparator in ("<", "<=") else 1 if x.comparator in (">", ">=") else 0 for x in labs]),
        assay=np.array(group, dtype=np.int64),
        assays=tuple(names),
    )
