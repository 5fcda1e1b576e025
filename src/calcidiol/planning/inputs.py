"""What the plan used, what it left aside, and what it had to imagine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.patient.record import Lab, Patient

READ_THROUGH = {"albumin", "creatinine", "potassium", "urate", "bilirubin", "dbp"}
"""Analytes that are read through what is computed from them: corrected calcium, eGFR, signs of tumor lysis, Child-Pugh,
the free hormones of the calcium model."""


CONCEPTS_OF_MODELS = (
    "ascites", "cirrhosis", "encephalopathy", "liver_disease", "child_pugh_c", "bariatric_surgery",
    "vitamin_d_deficiency", "radiotherapy", "lymphedema", "axillary_surgery",
)  # fmt: skip
"""Concepts that are read by Child-Pugh, the fit, the findings and the placement of injections."""


@cache
def analytes_of_rules() -> frozenset[str]:
    """Analytes that some rule, check or monitoring item reads, or what is computed for them."""
    from calcidiol.terminology.labs import labs

    folder = files("calcidiol.safety")
    told = " ".join(
        folder.joinpath(f"{n}.toml").read_text(encoding="utf-8") for n in ("rules", "monitoring", "session")
    )
    words = set(re.findall(r"[a-z0-9_]+", told)) | READ_THROUGH
    return frozenset(words & set(labs()))


@cache
def named_in_rules() -> tuple[frozenset[str], frozenset[str]]:
    """Concepts (of conditions, procedures) and drug classes that something reads: rules, checks, models, placement."""
    from calcidiol import safety
    from calcidiol.individual.people import CANCERS, INDUCERS
    from calcidiol.kinetics.calcium_card import calcium_card
    from calcidiol.safety.hypercalcemia import LOWERS, RAISES, STATES_RAISE
    from calcidiol.safety.language import Flag, Timed
    from calcidiol.terminology.conditions import concepts

    known = safety.knowledge()
    conditions = [r.condition for r in (*known.rules, *known.stops)] + [x.condition for x in known.clashes]
    conditions += [x.condition for x in known.checks if x.condition is not None]
    conditions += [x.condition for x in known.items if x.condition is not None]
    conditions += [x.when for x in known.permitted.values() if x.when is not None]
    said = {s for c in conditions for branch in c.branches(True) for s, _ in branch}
    has = {s.name for s in said if isinstance(s, Flag) and s.kind == "has"}
    takes = {s.name for s in said if (isinstance(s, Flag) and s.kind == "takes") or isinstance(s, Timed)}
    has |= {*CANCERS, *calcium_card().no_basis, *STATES_RAISE, *CONCEPTS_OF_MODELS}
    has |= {name for name, one in concepts().items() if one.malabsorption}
    return frozenset(has), frozenset(takes | {*INDUCERS, *RAISES, *LOWERS, "glucocorticoid", "calcium", "thiazide"})


def used(patient: Patient, on: date, reads: Iterable[str]) -> list[dict[str, Any]]:
    """Each value that an output depends on: name, canonical value and unit, as received, where it stood, its date.

    Parameters
    ----------
    patient
        The record.
    on
        Day of the plan; later results are not used.
    reads
        Analytes that the safety rules read (`safety.reads`); of these the newest result counts. All 25(OH)D results
        count, since each is an observation of the fit.
    """
    rows: list[dict[str, Any]] = []
    for name in ("sex", "birth_date", "age_y", "latitude_deg", "sun"):
        value = getattr(patient, name)
        if value is not None and not (name == "age_y" and patient.birth_date is not None):
            shown = value.isoformat() if isinstance(value, date) else value
            rows.append({"item": name, "name": name, "value": shown, "unit": "", "received": str(shown), "date": None})
    for series in (patient.weight_kg, patient.height_cm):
        past = [x for x in series if x.when.date() <= on]
        if past:
            rows.append(_lab(max(past, key=lambda x: x.when)))
    rows += [_lab(x) for x in patient.labs_of("25ohd", on)]
    for analyte in sorted(set(reads) - {"25ohd"}):
        newest = patient.last(analyte, on)
        if newest is not None:
            rows.append(_lab(newest))
    for dose in patient.doses:
        rows.append(
            {
                "item": dose.origin.where,
                "name": dose.substance,
                "value": dose.iu if dose.iu is not None else dose.amount_nmol,
                "unit": "[iU]" if dose.iu is not None else "nmol",
                "received": dose.origin.received,
                "date": dose.start.isoformat(),
                "route": dose.route,
                "every_days": dose.every_days,
                "count": dose.count,
            }
        )
    has, takes = named_in_rules()
    for condition in patient.conditions:
        if condition.active and has & set(condition.concepts):
            rows.append(_named(condition.origin.where, condition.text, condition.concepts, condition.onset))
    for drug in patient.drugs:
        if drug.active and takes & set(drug.classes):
            rows.append(_named(drug.origin.where, drug.text, drug.classes, drug.start))
    for allergy in patient.allergies:
        if allergy.substances:
            rows.append(_named(allergy.origin.where, allergy.text, allergy.substances, None))
    for procedure in patient.procedures:
        if has & set(procedure.concepts):
            rows.append(_named(procedure.origin.where, procedure.text, procedure.concepts, procedure.when))
    for one in patient.symptoms:
        if one.when <= on:
            rows.append(
                {
                    "item": one.origin.where,
                    "name": one.name,
                    "value": one.score,
                    "unit": one.scale,
                    "received": one.origin.received,
                    "date": one.when.isoformat(),
                }
            )
    for visit in patient.visits:
        if visit.when >= on:
            rows.append(_named(visit.origin.where, visit.text or visit.kind, (visit.kind,), visit.when))
    return rows


def ignored(patient: Patient, on: date) -> list[dict[str, Any]]:
    """What stood in the record and was not used, each with its reason; texts are made later from `text_id`."""
    rows = [
        {
            "item": u.where,
            "kind": u.kind,
            "text_id": u.reason,
            "params": {"text": u.text, "kind": u.kind, **u.params, "count": u.count},
        }
        for u in patient.unused
    ]
    for lab in patient.labs:
        if lab.when.date() > on:
            params = {"analyte": lab.analyte, "date": lab.when.date().isoformat()}
            rows.append({"item": lab.origin.where, "kind": "lab", "text_id": "ignored.after_the_day", "params": params})
    told = {row["item"] for row in rows}
    has, takes = named_in_rules()
    for condition in patient.conditions:
        if condition.origin.where not in told and (not has & set(condition.concepts) or not condition.active):
            reason = "ignored.no_rule_reads_it" if condition.active else "ignored.not_active"
            params = {"text": condition.text}
            rows.append({"item": condition.origin.where, "kind": "condition", "text_id": reason, "params": params})
    for drug in patient.drugs:
        if drug.origin.where not in told and (not takes & set(drug.classes) or not drug.active):
            reason = "ignored.no_rule_reads_it" if drug.active else "ignored.not_active"
            rows.append({"item": drug.origin.where, "kind": "drug", "text_id": reason, "params": {"text": drug.text}})
    return rows


def _lab(lab: Lab) -> dict[str, Any]:
    return {
        "item": lab.origin.where,
        "name": lab.analyte,
        "value": lab.value,
        "comparator": lab.comparator,
        "unit": lab.unit,
        "received": lab.origin.received,
        "date": lab.when.date().isoformat(),
    }


def _named(where: str, text: str, what: tuple[str, ...], when: date | None) -> dict[str, Any]:
    return {
        "item": where,
        "name": text,
        "value": ", ".join(what),
        "unit": "",
        "received": text,
        "date": when.isoformat() if when else None,
    }
