"""Single values that cannot be, or hardly, and series that jump."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from calcidiol.patient.gather import mixed_up
from calcidiol.patient.record import Finding, Lab, Patient
from calcidiol.terminology.labs import labs

__all__ = ["level_jumps", "mixed_up_units", "unlikely_values", "weight_jumps"]

OLD_DAYS = 365
"""A mixed-up unit in a result older than this, with a newer one there, is a caution and no stop (P)."""
LEVEL_RATIO = 2.1
"""25(OH)D this many times off its neighbors is looked at (P): ng/mL taken for nmol/L is a factor of 2.5, less assay
noise."""
LEVEL_RATIO_MOST = 3.0
"""Farther off than this is no slip of the unit (P)."""
NMOL_PER_100000_IU = 60.0
"""Largest rise of 25(OH)D that 100,000 IU are taken to explain (P; van Groningen 2010 saw a mean of 29 nmol/L, V)."""
NEIGHBOR_DAYS = 400
"""Levels farther apart than this are not compared (P)."""
WEIGHT_SHARE_PER_MONTH = 0.15
"""A change of weight by more than this share within 60 days is looked at (P)."""


def _all(patient: Patient) -> tuple[Lab, ...]:
    return (*patient.labs, *patient.weight_kg, *patient.height_cm)


def mixed_up_units(patient: Patient, on: date) -> Iterator[Finding]:
    """Values that cannot be in their own unit and would be usual in another."""
    rows = _all(patient)
    for lab in rows:
        item = labs()[lab.analyte]
        low, high = item.possible
        if low <= lab.value <= high or lab.origin.value is None:
            continue
        other = mixed_up(item, lab.origin.value, lab.origin.unit or "1")
        if other is None:
            continue
        newer = any(x.analyte == lab.analyte and x.when > lab.when and x.when.date() <= on for x in rows)
        grave = item.decides and not (newer and (on - lab.when.date()).days > OLD_DAYS)
        yield Finding(
            "unit_trap",
            "stop" if grave else "caution",
            lab.origin.where,
            {
                "analyte": lab.analyte,
                "value": lab.origin.value,
                "unit": lab.origin.unit,
                "other_unit": other,
                "date": lab.when.date().isoformat(),
            },
        )


def unlikely_values(patient: Patient, on: date) -> Iterator[Finding]:
    """Values that can be, but seldom are."""
    for lab in _all(patient):
        item = labs()[lab.analyte]
        low, high = item.plausible
        if low <= lab.value <= high or not item.possible[0] <= lab.value <= item.possible[1]:
            continue
        if lab.comparator in ("<", "<=") and lab.value <= low:
            continue
        other = mixed_up(item, lab.origin.value, lab.origin.unit or "1") if lab.origin.value is not None else None
        yield Finding(
            "lab_unlikely",
            "caution",
            lab.origin.where,
            {
                "analyte": lab.analyte,
                "value": lab.origin.value if lab.origin.value is not None else lab.value,
                "unit": lab.origin.unit or lab.unit,
                "low": low,
                "high": high,
                "canonical_unit": lab.unit,
                "other_unit": other or "",
                "date": lab.when.date().isoformat(),
            },
        )


def level_jumps(patient: Patient, on: date) -> Iterator[Finding]:
    """A 25(OH)D about 2.5 times off the patient's other levels, in a way that no dose explains.

    It is compared with the median of the other levels within 400 days. Up: the vitamin D given in the 180 days before
    would have to explain it. Down: only a level that fell below half of all its neighbors, with no injection or stop
    between, is told.
    """
    rows = [x for x in patient.labs if x.analyte == "25ohd" and not x.comparator and x.when.date() <= on]
    for lab in rows:
        others = sorted(x.value for x in rows if x is not lab and abs((x.when - lab.when).days) <= NEIGHBOR_DAYS)
        if not others or lab.value <= 0 or min(others) <= 0:
            continue
        usual = (
            others[len(others) // 2]
            if len(others) % 2
            else (others[len(others) // 2 - 1] * others[len(others) // 2]) ** 0.5
        )
        ratio = lab.value / usual
        size = max(ratio, 1 / ratio)
        if not LEVEL_RATIO <= size <= LEVEL_RATIO_MOST:
            continue
        if len(others) == 1:
            # of two levels the newer one is asked about
            other = next(x for x in rows if x is not lab and abs((x.when - lab.when).days) <= NEIGHBOR_DAYS)
            if other.when > lab.when:
                continue
        if ratio > 1 and ratio * usual - usual <= _explained(patient, lab):
            continue
        if ratio < 1 and any(_explained(patient, x) > 0 for x in rows if x is not lab):
            continue
        yield Finding(
            "level_off",
            "caution",
            lab.origin.where,
            {
                "value": lab.origin.value if lab.origin.value is not None else lab.value,
                "unit": lab.origin.unit or lab.unit,
                "value_nmol_l": lab.value,
                "usual_nmol_l": usual,
                "ratio": size,
                "direction": "above" if ratio > 1 else "below",
                "date": lab.when.date().isoformat(),
            },
        )


def _explained(patient: Patient, lab: Lab) -> float:
    """Largest rise in nmol/L that the vitamin D of the 180 days before a sample is taken to explain."""
    day = lab.when.date()
    total = 0.0
    for dose in patient.doses:
        if dose.iu is not None:
            total += dose.iu_between(day - timedelta(days=180), day)
        else:
            # calcifediol: three times as effective by weight (P), 40 IU per ug of D3
            taken = dose.taken_until(day) - dose.taken_until(day - timedelta(days=181))
            total += taken * dose.amount_nmol * 400.64e-3 * 40.0 * 3.0
    return total / 100_000.0 * NMOL_PER_100000_IU


def weight_jumps(patient: Patient, on: date) -> Iterator[Finding]:
    """Weights that changed faster than bodies do."""
    rows = [x for x in patient.weight_kg if "undated" not in x.flags and x.when.date() <= on and _possible(x)]
    for before, after in pairwise(rows):
        days = (after.when - before.when).days
        share = abs(after.value - before.value) / before.value
        if days <= 60 and share > WEIGHT_SHARE_PER_MONTH:
            yield Finding(
                "weight_jump",
                "caution",
                after.origin.where,
                {
                    "before_kg": before.value,
                    "after_kg": after.value,
                    "days": days,
                    "date": after.when.date().isoformat(),
                },
            )


def _possible(lab: Lab) -> bool:
    low, high = labs()[lab.analyte].possible
    return low <= lab.value <= high
