"""Values that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from calcidiol.patient.past import last_day
from calcidiol.patient.record import Finding, GivenDose, Lab, Patient

__all__ = ["body", "calcium", "conditions", "doses", "labs", "sex_and_age"]

CORRECTION_GAP_MMOL_L = 0.10
"""A reported corrected calcium farther than this from the one computed from calcium and albumin is told (P; rounding
and other formulas stay below it)."""
IONIZED_SHARE = (0.35, 0.65)
"""Ionized calcium outside this share of total calcium is told (P; about half is usual)."""
LARGEST_DAILY_IU = 10_000.0
"""A daily dose above this is told (project notes on safety 1.2: 10,000 IU/d under care, R)."""
WINDOW_D = 2


def calcium(patient: Patient, on: date) -> Iterator[Finding]:
    """Corrected against uncorrected, ionized against total, and calcium without albumin."""
    total = patient.last("calcium", on)
    corrected = patient.last("calcium_corrected", on)
    ionized = patient.last("calcium_ionized", on)
    albumin = patient.last("albumin", on)
    if (
        total is not None
        and corrected is not None
        and albumin is not None
        and _near(total, corrected)
        and _near(total, albumin)
    ):
        expected = total.value + 0.02 * (40.0 - albumin.value)
        if abs(expected - corrected.value) > CORRECTION_GAP_MMOL_L:
            yield Finding(
                "calcium_correction_differs",
                "caution",
                corrected.origin.where,
                {"reported_mmol_l": corrected.value, "computed_mmol_l": expected, "albumin_g_l": albumin.value},
            )
    if total is not None and ionized is not None and _near(total, ionized) and total.value > 0:
        share = ionized.value / total.value
        if not IONIZED_SHARE[0] <= share <= IONIZED_SHARE[1]:
            yield Finding(
                "calcium_ionized_differs",
                "caution",
                ionized.origin.where,
                {"ionized_mmol_l": ionized.value, "total_mmol_l": total.value, "share": share},
            )
    if total is not None and albumin is None and corrected is None and ionized is None:
        yield Finding("calcium_without_albumin", "note", total.origin.where, {"value": total.value})
    elif total is not None and albumin is not None and corrected is None and not _near(total, albumin, days=7):
        yield Finding(
            "albumin_other_day",
            "note",
            albumin.origin.where,
            {"days": abs((total.when.date() - albumin.when.date()).days)},
        )


def _near(a: Lab, b: Lab, days: int = WINDOW_D) -> bool:
    return abs((a.when.date() - b.when.date()).days) <= days


def body(patient: Patient, on: date) -> Iterator[Finding]:
    """BMI against weight and height, and heights that differ."""
    weight, height = patient.weight_on(on), patient.height_on(on)
    bmi = patient.last("bmi", on)
    if weight is not None and height is not None and height > 0:
        computed = weight / (height / 100.0) ** 2
        if bmi is not None and abs(computed / bmi.value - 1.0) > 0.10:
            yield Finding("bmi_differs", "caution", bmi.origin.where, {"reported": bmi.value, "computed": computed})
        if not 11.0 <= computed <= 75.0 and 60.0 <= height <= 260.0 and 20.0 <= weight <= 450.0:
            yield Finding(
                "bmi_unlikely", "caution", "patient.weight", {"bmi": computed, "weight_kg": weight, "height_cm": height}
            )
    rows = [x.value for x in patient.height_cm if x.when.date() <= on or "undated" in x.flags]
    if rows and max(rows) - min(rows) > 6.0:
        yield Finding("height_differs", "caution", "patient.height", {"lowest_cm": min(rows), "highest_cm": max(rows)})


def sex_and_age(patient: Patient, on: date) -> Iterator[Finding]:
    """Pregnancy of a man or at 70, prostate cancer of a woman, an age that disagrees with the birth date."""
    age = patient.age_on(on)
    for concept in ("pregnancy", "lactation"):
        if patient.has(concept):
            if patient.sex == "male":
                yield Finding("sex_contradicts", "caution", concept, {"concept": concept, "sex": "male"})
            elif age is not None and age > 58:
                yield Finding("age_contradicts", "caution", concept, {"concept": concept, "age": age})
    for concept, sex in (("prostate_cancer", "female"), ("ovarian_cancer", "male")):
        if patient.has(concept) and patient.sex == sex:
            yield Finding("sex_contradicts", "caution", concept, {"concept": concept, "sex": sex})
    if patient.birth_date is not None and patient.age_y is not None:
        born = (on - patient.birth_date).days / 365.25
        if abs(born - patient.age_y) > 2.0:
            yield Finding("age_differs", "caution", "patient.age", {"stated": patient.age_y, "from_birth_date": born})


def doses(patient: Patient, on: date) -> Iterator[Finding]:
    """Doses that are very frequent, overlap, or are reported and not documented."""
    oral = [d for d in patient.doses if d.route == "oral" and d.every_days > 0 and d.iu is not None]
    for dose in patient.doses:
        if (
            dose.iu is not None
            and dose.every_days > 0
            and dose.iu / dose.every_days > LARGEST_DAILY_IU
            and _lasting(dose, on) > 14
        ):
            yield Finding(
                "dose_rate_high",
                "caution",
                dose.origin.where,
                {
                    "text": dose.origin.received,
                    "iu_per_day": dose.iu / dose.every_days,
                    "limit_iu_per_day": LARGEST_DAILY_IU,
                },
            )
        if not dose.certain:
            yield Finding("dose_uncertain", "note", dose.origin.where, {"text": dose.origin.received})
    for i, a in enumerate(oral):
        for b in oral[i + 1 :]:
            if _overlap(a, b, on):
                yield Finding(
                    "dose_overlap",
                    "note",
                    b.origin.where,
                    {"text": b.origin.received, "other": a.origin.received, "other_item": a.origin.where},
                )


def _end(dose: GivenDose, on: date) -> date:
    return last_day(dose) or on


def _lasting(dose: GivenDose, on: date) -> int:
    return (min(_end(dose, on), on) - dose.start).days


def _overlap(a: GivenDose, b: GivenDose, on: date) -> bool:
    return (
        a.start <= _end(b, on)
        and b.start <= _end(a, on)
        and min(_end(a, on), _end(b, on)) - max(a.start, b.start) >= timedelta(days=1)
    )


def conditions(patient: Patient, on: date) -> Iterator[Finding]:
    """Diagnoses against results: recorded hypercalcemia with a normal calcium, a deficiency with a high level."""
    level = patient.last("25ohd", on)
    if patient.has("vitamin_d_deficiency") and level is not None and level.value > 125.0:
        yield Finding("deficiency_with_high_level", "note", level.origin.where, {"value_nmol_l": level.value})
    value = patient.last("calcium", on)
    if patient.has("hypercalcemia") and value is not None and value.value < 2.2:
        yield Finding("hypercalcemia_with_low_calcium", "caution", value.origin.where, {"value_mmol_l": value.value})
    for condition in patient.conditions:
        if condition.onset is not None and condition.onset > on:
            yield Finding(
                "condition_future",
                "note",
                condition.origin.where,
                {"text": condition.text, "date": condition.onset.isoformat()},
            )


def labs(patient: Patient, on: date) -> Iterator[Finding]:
    """Two results of one analyte at one time that differ, a changed assay, eGFR against creatinine, limits the wrong
    way round."""
    seen: dict[tuple[str, object], Lab] = {}
    for lab in patient.labs:
        moment = (lab.analyte, lab.when)
        other = seen.setdefault(moment, lab)
        if other is not lab and lab.value != other.value:
            yield Finding(
                "labs_differ",
                "caution",
                lab.origin.where,
                {
                    "analyte": lab.analyte,
                    "value": lab.value,
                    "other": other.value,
                    "unit": lab.unit,
                    "other_item": other.origin.where,
                    "date": lab.when.date().isoformat(),
                },
            )
        if lab.low is not None and lab.high is not None and lab.low > lab.high:
            yield Finding(
                "limits_reversed",
                "caution",
                lab.origin.where,
                {"analyte": lab.analyte, "low": lab.low, "high": lab.high},
            )
        if lab.low is not None and "interpreted_high" in lab.flags and lab.value < lab.low:
            yield Finding("interpretation_differs", "caution", lab.origin.where, _told(lab) | {"said": "high"})
        if lab.high is not None and "interpreted_low" in lab.flags and lab.value > lab.high:
            yield Finding("interpretation_differs", "caution", lab.origin.where, _told(lab) | {"said": "low"})
        for flag in lab.flags:
            if flag in (
                "hemolyzed",
                "preliminary",
                "d2_unknown",
                "matched_by_text",
                "issued_time",
                "report_time",
                "month_only",
                "unit_taken_as",
            ):
                yield Finding(
                    f"lab_{flag}",
                    "caution" if flag == "hemolyzed" else "note",
                    lab.origin.where,
                    {"analyte": lab.analyte},
                )
    levels = [x for x in patient.labs_of("25ohd", on) if x.assay is not None]
    for before, after in pairwise(levels):
        if before.assay != after.assay:
            yield Finding(
                "assay_changed", "note", after.origin.where, {"before": before.assay or "", "after": after.assay or ""}
            )


def _told(lab: Lab) -> dict[str, object]:
    return {"analyte": lab.analyte, "value": lab.value, "unit": lab.unit, "low": lab.low, "high": lab.high}
