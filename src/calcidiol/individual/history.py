"""The past as the solver reads it: known doses and 25(OH)D results, days counted from the day of the plan (day 0)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.people import table
from calcidiol.kinetics.events import ORAL, Schedule, compartment
from calcidiol.patient.record import GivenDose, Lab, Patient

Floats = NDArray[np.float64]
KNOWN_SUBSTANCES = ("cholecalciferol", "ergocalciferol", "calcifediol")
TRUSTED_ASSAYS = ("lc-ms",)
"""Methods whose bias is taken as zero; any other, and an unknown one, shares a bias among its results."""


@dataclass(frozen=True, slots=True)
class Observed:
    """25(OH)D results (L,): day, log result, kind (0 measured, -1 below, +1 above), assay group (-1 trusted).

    The group of the newest result, if it has one, is the last of `assays`: the next result is most like that one.
    """

    labs: tuple[Lab, ...]
    time_d: Floats
    log_value: Floats
    kind: NDArray[np.int64]
    assay: NDArray[np.int64]
    assays: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labs)


@dataclass(frozen=True, slots=True)
class History:
    """Doses up to day 0 (`past`), after it (`later`, only for a retrospective fit), and whether uptake was certain."""

    past: Schedule
    later: Schedule
    uncertain_oral: bool


def history(patient: Patient, on: date, until: date | None = None) -> History:
    """Every known dose before `on`; a dose of the day itself that is recorded as given counts too.

    Doses are put at noon; a result without a time of day is drawn at noon too and is read before the dose. Day 0 is
    the start of the day `on`, and what was given on it stands at its very beginning.

    Parameters
    ----------
    patient, on
        The record, and the day that becomes day 0.
    until
        Doses recorded after `on` and up to this day become `later`; None leaves them out.
    """
    known = [d for d in patient.doses if d.substance in KNOWN_SUBSTANCES]
    past = [e for dose in known for e in _events(dose, on, 0, dose.taken_until(on))]
    later: list[tuple[float, float, int]] = []
    if until is not None and until > on:
        later = [e for dose in known for e in _events(dose, on, dose.taken_until(on), dose.taken_until(until))]
    return History(
        past=Schedule.of((min(t, 0.0), amount, into) for t, amount, into in past),
        later=Schedule.of((max(t, 0.0), amount, into) for t, amount, into in later),
        uncertain_oral=any(not d.certain and compartment(d.substance, d.route) == ORAL for d in known),
    )


def past_schedule(patient: Patient, on: date) -> Schedule:
    """The known doses up to `on` (see `history`)."""
    return history(patient, on).past


def _events(dose: GivenDose, on: date, first: int, last: int) -> Iterator[tuple[float, float, int]]:
    begin = (dose.start - on).days + 0.5
    into = compartment(dose.substance, dose.route)
    amount = dose.amount_nmol
    if dose.substance == "ergocalciferol":
        amount *= float(table()["ergocalciferol"]["relative_exposure"])
    return ((begin + i * dose.every_days, amount, into) for i in range(first, last))


def observed(patient: Patient, on: date | None, day_0: date | None = None, *, first: int | None = None) -> Observed:
    """25(OH)D results up to and including `on` (None: all), in order of time.

    Parameters
    ----------
    patient
        The record.
    on
        Last day of the results.
    day_0
        The day from which times count; default `on`. Results of that day or before stand at 0 at the latest.
    first
        Only the first so many results.
    """
    zero = on if day_0 is None else day_0
    assert zero is not None
    labs = tuple(x for x in patient.labs_of("25ohd", on) if 0 < x.value < np.inf)[:first]
    names = list(dict.fromkeys(x.assay or "unknown" for x in reversed(labs) if x.assay not in TRUSTED_ASSAYS))[::-1]
    days = np.array([(x.when.date() - zero).days + (x.when.hour * 60 + x.when.minute) / 1440.0 for x in labs])
    upto = np.array([x.when.date() <= zero for x in labs], dtype=bool)
    return Observed(
        labs=labs,
        time_d=np.where(upto, np.minimum(days, 0.0), days).astype(float),
        log_value=np.log([x.value for x in labs]) if labs else np.empty(0),
        kind=np.array([_kind(x) for x in labs], dtype=np.int64),
        assay=np.array(
            [-1 if x.assay in TRUSTED_ASSAYS else names.index(x.assay or "unknown") for x in labs], dtype=np.int64
        ),
        assays=tuple(names),
    )


def _kind(lab: Lab) -> int:
    return -1 if lab.comparator in ("<", "<=") else 1 if lab.comparator in (">", ">=") else 0
