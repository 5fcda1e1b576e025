"""Results that are missing, too old, or out of time.

Age limits: project notes on safety, section 5 (screening <= 28 d; calcium, albumin and creatinine <= 7 d on the day
of a session while on chemotherapy or at risk of raised calcium). The numbers of days are our choice (P), anchored to
that schedule.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from calcidiol.patient.record import Finding, Lab, Patient

__all__ = ["AGE_LIMITS_D", "missing_or_stale", "out_of_time"]

AGE_LIMITS_D: dict[str, tuple[int, str]] = {
    "25ohd": (90, "P"),
    "calcium": (28, "P"),
    "creatinine": (28, "P"),
    "albumin": (28, "P"),
    "platelets": (28, "P"),
    "phosphate": (90, "P"),
    "magnesium": (90, "P"),
}
"""Days after which a result is too old for a plan, and the tag of that number."""
REQUIRED = ("25ohd", "calcium", "creatinine")
"""Without these there is no dose (house rule 5)."""
CALCIUM = ("calcium", "calcium_corrected", "calcium_ionized")
SHORT_LIMIT_D = 7
"""Days for calcium and creatinine on chemotherapy or at risk of raised calcium (P, project notes on safety 5)."""
CALCIUM_RISK = (
    "myeloma",
    "bone_metastases",
    "squamous_cancer",
    "renal_cancer",
    "lymphoma",
    "granulomatous",
    "primary_hyperparathyroidism",
)


def oldest(lab: Lab, on: date) -> int:
    """Days since a result, counted from the earliest day it can be of."""
    return (on - lab.when.date()).days


def newest(patient: Patient, analytes: tuple[str, ...], on: date) -> Lab | None:
    """The newest result of any of the analytes up to the day `on`."""
    rows = [x for x in patient.labs if x.analyte in analytes and x.when.date() <= on]
    return max(rows, key=lambda x: x.when) if rows else None


def missing_or_stale(patient: Patient, on: date) -> Iterator[Finding]:
    """What the plan needs and does not have, or has too old."""
    risk = any(patient.has(c) for c in CALCIUM_RISK) or patient.takes("chemotherapy", on)
    for analyte, (limit, tag) in AGE_LIMITS_D.items():
        wanted = CALCIUM if analyte == "calcium" else ("creatinine", "egfr") if analyte == "creatinine" else (analyte,)
        lab = newest(patient, wanted, on)
        required = analyte in REQUIRED
        if lab is None:
            if required or analyte in ("albumin", "phosphate", "platelets"):
                if analyte == "albumin" and newest(patient, ("calcium_corrected", "calcium_ionized"), on):
                    continue
                yield Finding(
                    "lab_missing",
                    "caution" if required else "note",
                    analyte,
                    {"analyte": analyte, "required": required},
                )
            continue
        age = oldest(lab, on)
        told: dict[str, object] = {
            "analyte": lab.analyte,
            "age_d": age,
            "limit_d": limit,
            "tag": tag,
            "date": lab.when.date().isoformat(),
            "required": required,
        }
        if age > limit:
            yield Finding("lab_stale", "caution" if required else "note", lab.origin.where, told)
        elif risk and analyte in ("calcium", "creatinine") and age > SHORT_LIMIT_D:
            yield Finding("lab_stale_for_session", "note", lab.origin.where, told | {"limit_d": SHORT_LIMIT_D})
    if patient.weight_on(on) is None:
        yield Finding("weight_missing", "note", "patient.weight", {})
    if patient.height_on(on) is None:
        yield Finding("height_missing", "note", "patient.height", {})
    if patient.sex is None:
        yield Finding("sex_missing", "note", "patient.sex", {})
    if patient.age_on(on) is None:
        yield Finding("age_missing", "caution", "patient.born", {})


def out_of_time(patient: Patient, on: date) -> Iterator[Finding]:
    """What lies after the day of the plan, before birth or after death."""
    for lab in (*patient.labs, *patient.weight_kg, *patient.height_cm):
        if "undated" in lab.flags:
            continue
        day = lab.when.date()
        told: dict[str, object] = {"analyte": lab.analyte, "date": day.isoformat(), "on": on.isoformat()}
        if day > on:
            yield Finding("lab_future", "caution", lab.origin.where, told)
        if patient.birth_date is not None and day < patient.birth_date:
            yield Finding(
                "lab_before_birth", "caution", lab.origin.where, told | {"born": patient.birth_date.isoformat()}
            )
        if patient.death_date is not None and day > patient.death_date:
            yield Finding(
                "lab_after_death", "caution", lab.origin.where, told | {"died": patient.death_date.isoformat()}
            )
    for dose in patient.doses:
        told = {"text": dose.origin.received, "date": dose.start.isoformat(), "on": on.isoformat()}
        if dose.start > on:
            yield Finding("dose_future", "caution", dose.origin.where, told)
        if patient.birth_date is not None and dose.start < patient.birth_date:
            yield Finding("dose_before_birth", "caution", dose.origin.where, told)
        if patient.death_date is not None and dose.start > patient.death_date:
            yield Finding("dose_after_death", "caution", dose.origin.where, told)
    if patient.birth_date is not None and patient.birth_date > on:
        yield Finding(
            "born_in_future", "stop", "patient.born", {"date": patient.birth_date.isoformat(), "on": on.isoformat()}
        )
    elif patient.birth_date is not None and on - patient.birth_date > timedelta(days=round(120 * 365.25)):
        yield Finding(
            "age_unlikely",
            "caution",
            "patient.born",
            {"date": patient.birth_date.isoformat(), "age": patient.age_on(on) or 0.0},
        )
    if patient.death_date is not None and patient.death_date <= on:
        yield Finding("patient_died", "stop", "patient.died", {"date": patient.death_date.isoformat()})
