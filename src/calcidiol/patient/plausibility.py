"""What a person should look at in a record before a plan is made of it.

Three levels: a note is shown, a caution is shown in front, a stop makes the record unusable until a person confirms
the value. A value stops the plan only when it is impossible in its own unit and plausible in another (house rule 3).
What a person confirmed is shown as confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date

from calcidiol.patient import agreement, staleness, values
from calcidiol.patient.record import Finding, Patient

__all__ = ["plausible"]

_CHECKS: tuple[Callable[[Patient, date], Iterator[Finding]], ...] = (
    values.mixed_up_units,
    values.unlikely_values,
    values.level_jumps,
    values.weight_jumps,
    staleness.missing_or_stale,
    staleness.out_of_time,
    agreement.calcium,
    agreement.body,
    agreement.sex_and_age,
    agreement.doses,
    agreement.conditions,
    agreement.labs,
)
_ORDER = {"stop": 0, "caution": 1, "note": 2}


def plausible(patient: Patient, on: date, confirmed: Collection[str] = ()) -> tuple[Finding, ...]:
    """Findings about a record, the gravest first.

    Parameters
    ----------
    patient
        A record as `read` made it.
    on
        The day of the plan: ages of labs are counted back from it, and what lies after it is in the future.
    confirmed
        Keys (`Finding.key`) of what a person has checked.

    Returns
    -------
    tuple of Finding
        A finding of level ``"stop"`` that is not confirmed makes the record unusable. Each key occurs once.

    Examples
    --------
    >>> from calcidiol.patient import read
    >>> record = "patient: {sex: male, age: 60}\\nlabs: [{test: calcium, value: 9.4 mmol/L, date: 2026-11-18}]"
    >>> [f.key for f in plausible(read(record), date(2026, 11, 21)) if f.level == "stop"]
    ['unit_trap:labs[0]']
    """
    told: dict[str, Finding] = {}
    for finding in patient.remarks:
        told.setdefault(finding.key, finding)
    for check in _CHECKS:
        for finding in check(patient, on):
            told.setdefault(finding.key, finding)
    wanted = set(confirmed)
    rows = [replace(f, confirmed=True) if f.key in wanted else f for f in told.values()]
    return tuple(sorted(rows, key=lambda f: _ORDER[f.level]))
