"""What a plan calls used, is used: change it, and an output or a finding changes. Nothing that decides is left untold.

A whole plan takes seconds, so the parts are asked that a plan is made of: findings, covariates and history of the fit,
everything that safety says, the trends of the diary.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

import calcidiol as cd
from calcidiol import safety
from calcidiol.individual.history import history, observed
from calcidiol.individual.people import people
from calcidiol.kinetics import load_card
from calcidiol.kinetics.calcium_card import calcium_card
from calcidiol.patient import plausible
from calcidiol.patient.diary import trends
from calcidiol.patient.record import Patient
from calcidiol.patient.short import read_short
from calcidiol.planning import inputs
from calcidiol.regimen import parse
from calcidiol.safety.facts import DERIVED, Facts
from calcidiol.safety.hypercalcemia import _person
from calcidiol.terminology import products
from calcidiol.terminology.labs import labs

ON = date(2026, 11, 24)
REGIMEN = "im 100000 IU every 28 d x 2 then oral 2000 IU daily x 60"
RECORD: dict[str, Any] = {
    "patient": {
        "id": "x", "sex": "female", "born": "1961-04-02", "weight": "68 kg", "height": "164 cm", "latitude": 48.1,
        "sun": "usual",
    },
    "labs": [
        {"test": "25(OH)D", "value": 31, "unit": "nmol/L", "date": "2026-11-18"},
        {"test": "25(OH)D", "value": 24, "unit": "nmol/L", "date": "2026-05-18"},
        {"test": "calcium", "value": 2.46, "unit": "mmol/L", "date": "2026-11-20", "high": 2.55},
        {"test": "albumin", "value": 41, "unit": "g/L", "date": "2026-11-20"},
        {"test": "creatinine", "value": 70, "unit": "umol/L", "date": "2026-11-20"},
        {"test": "phosphate", "value": 1.1, "unit": "mmol/L", "date": "2026-11-20"},
    ],
    "doses": [
        {"product": "cholecalciferol", "route": "im", "dose": "100000 IU", "date": "2026-06-01"},
        "1000 IU daily since 2026-03-01",
    ],
    "conditions": [{"text": "breast cancer", "icd10": "C50.9"}, "kidney stones in the past", "crohn disease"],
    "drugs": ["letrozole 2.5 mg daily", "carbamazepine", {"name": "apixaban", "start": "2026-01-01"}],
    "allergies": ["sesame"],
    "procedures": [{"text": "gastrectomy", "date": "2020-01-01"}],
    "symptoms": [{"name": "fatigue", "score": 6, "date": "2026-11-17"}],
    "visits": [{"kind": "operation", "date": "2026-11-25"}],
}  # fmt: skip
CARD = load_card("two-route-2026")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.name not in ("origin", "where")}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value if isinstance(value, int | str | bool | type(None)) else str(value)


def outputs(patient: Patient) -> str:
    """Everything that a plan is made of, for one patient, as text."""
    asked = parse(REGIMEN, ON, products())
    verdict = safety.gate(patient, asked, ON, products())
    parts = [
        plausible(patient, ON),
        people(patient, CARD, ON, 2, np.random.default_rng(0)),
        observed(patient, ON),
        history(patient, ON),
        safety.limits(patient, ON, products()),
        verdict,
        safety.interactions(patient, ON),
        safety.movers(patient, ON, CARD),
        safety.monitoring(patient, asked, ON, rules=verdict.rules),
        safety.stop_rules(patient, ON),
        safety.session_before(patient, ON, products()),
        safety.place(patient, asked, ON),
        _person(Facts(patient, ON, safety.knowledge().numbers), calcium_card()),
        trends(patient, ON),
        [name for name in calcium_card().no_basis if patient.has(name)],
    ]
    return json.dumps(_plain(parts), sort_keys=True)


def changed(path: tuple[str | int, ...], value: Any) -> Patient:
    """The record with one field changed."""
    document = json.loads(json.dumps(RECORD))
    node = document
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return read_short(document, "x", "x")


BASE = read_short(RECORD, "x", "x")
FIELDS: list[tuple[tuple[str | int, ...], Any]] = [
    (("patient", "sex"), "male"),
    (("patient", "born"), "1950-04-02"),
    (("patient", "weight"), "90 kg"),
    (("patient", "height"), "150 cm"),
    (("patient", "latitude"), 22.3),
    (("patient", "sun"), "avoids"),
    (("labs", 0, "value"), 36),
    (("labs", 0, "date"), "2026-11-10"),
    (("labs", 1, "value"), 29),
    (("labs", 1, "assay"), "lc-ms"),
    (("labs", 2, "value"), 2.7),
    (("labs", 2, "high"), 2.455),
    (("labs", 2, "date"), "2026-10-01"),
    (("labs", 3, "value"), 20),
    (("labs", 4, "value"), 190),
    (("labs", 5, "value"), 2.0),
    (("doses", 0, "dose"), "200000 IU"),
    (("doses", 0, "date"), "2026-11-01"),
    (("doses", 0, "route"), "oral"),
    (("doses", 1), "4000 IU daily since 2026-03-01"),
    (("doses", 1), "1000 IU weekly since 2026-03-01"),
    (("conditions", 0), "healthy"),
    (("conditions", 1), "psoriasis"),
    (("conditions", 2), "psoriasis"),
    (("drugs", 0), "hydrochlorothiazide 25 mg daily"),
    (("drugs", 1), "paracetamol"),
    (("drugs", 2, "start"), "2027-01-01"),
    (("allergies", 0), "pollen"),
    (("procedures", 0, "text"), "appendectomy"),
    (("symptoms", 0, "score"), 3),
    (("symptoms", 0, "date"), "2026-11-01"),
    (("visits", 0, "date"), "2027-06-01"),
    (("visits", 0, "kind"), "holiday"),
]


@pytest.mark.parametrize(("path", "value"), FIELDS, ids=lambda x: ".".join(map(str, x)) if isinstance(x, tuple) else "")
def test_every_field_of_a_record_counts(path: tuple[str | int, ...], value: Any) -> None:
    assert outputs(changed(path, value)) != outputs(BASE)


def test_what_the_plan_calls_used_is_what_the_fields_above_change() -> None:
    """Each row of `used` stands for a field that the test above changes."""
    told = {row["item"] for row in inputs.used(BASE, ON, inputs.analytes_of_rules())}
    places = {
        "birth_date" if p[:2] == ("patient", "born") else "latitude_deg" if p[:2] == ("patient", "latitude")
        else f"patient.{p[1]}" if p[0] == "patient" and p[1] in ("weight", "height")
        else str(p[1]) if p[0] == "patient" else f"{p[0]}[{p[1]}]"
        for p, _ in FIELDS
    }  # fmt: skip
    assert told == places
    plan = cd.plan(BASE, on=ON)
    assert {row["item"] for row in plan.body["inputs"]["used"]} == told


CONTEXT: dict[str, tuple[tuple[str, float], ...]] = {
    "potassium": (("urate", 600.0),),
    "urate": (("potassium", 7.0),),
    "bilirubin": (("inr", 1.2),),
}
"""What else has to be in the record for a result to decide."""
DISEASES = "cirrhosis; acute leukemia; lymphoma"


def with_lab(name: str, value: float, *others: tuple[str, float]) -> Patient:
    document = json.loads(json.dumps(RECORD))
    document["conditions"] += DISEASES.split("; ")
    document["drugs"] += ["daunorubicin", "warfarin", "hydrochlorothiazide"]
    synonyms = {"egfr": "creatinine", "25ohd": "25(OH)D"}
    new = {name, synonyms.get(name, name), *(n for n, _ in others)}
    kept = [x for x in document["labs"] if x["test"] not in new]
    rows = [{"test": n, "value": v, "unit": labs()[n].unit, "date": "2026-11-20"} for n, v in ((name, value), *others)]
    return read_short({**document, "labs": kept + rows}, "x", "x")


HAS, TAKES = inputs.named_in_rules()


@pytest.mark.parametrize("name", sorted(HAS))
def test_every_concept_that_counts_as_used_moves_something(name: str) -> None:
    def having(patient: Patient, *names: str) -> Patient:
        return replace(patient, conditions=tuple(replace(BASE.conditions[0], concepts=(n,)) for n in names))

    clean = replace(BASE, conditions=(), procedures=(), doses=())
    liver = with_lab("bilirubin", 60.0, ("inr", 1.4), ("albumin", 20.0))
    liver = replace(liver, conditions=(), procedures=(), drugs=())
    given = replace(clean, drugs=(replace(BASE.drugs[0], classes=("chemotherapy",), start=ON),))
    told = {
        "ascites": (liver, "cirrhosis"),
        "encephalopathy": (liver, "cirrhosis"),
        "liver_disease": (liver, "ascites"),
        "cirrhosis": (liver, "ascites"),
        "hyperphosphatemia": (replace(clean, labs=tuple(x for x in clean.labs if x.analyte != "phosphate")),),
        "secondary_hyperparathyroidism": (clean, "hyperparathyroidism"),
        "vitamin_d_deficiency": (with_lab("25ohd", 140.0),),
    }
    base, *others = told.get(name, (clean,))
    pairs = [(having(base, *others, name), having(base, *others))]
    pairs += [(having(given, name), given), (having(replace(clean, age_y=80.0, birth_date=None), name), replace(
        clean, age_y=80.0, birth_date=None))]  # fmt: skip
    past = replace(clean, procedures=(replace(BASE.procedures[0], concepts=(name,)),))
    pairs.append((past, clean))
    assert any(outputs(a) != outputs(b) for a, b in pairs), f"{name} counts as used and moves nothing"


@pytest.mark.parametrize("name", sorted(TAKES))
def test_every_drug_class_that_counts_as_used_moves_something(name: str) -> None:
    clean = replace(BASE, drugs=(), doses=())
    some = replace(clean, drugs=(replace(BASE.drugs[0], classes=(name,), start=ON),))
    assert outputs(some) != outputs(clean), f"{name} counts as used and moves nothing"


def test_what_nothing_reads_is_left_aside_and_said() -> None:
    document = json.loads(json.dumps(RECORD))
    document["conditions"].append("psoriasis")
    document["drugs"].append("paracetamol")
    patient = read_short(document, "x", "x")
    told = [row["item"] for row in inputs.ignored(patient, ON)]
    assert sorted(told) == ["conditions[3]", "drugs[3]"]
    used = {row["item"] for row in inputs.used(patient, ON, inputs.analytes_of_rules())}
    assert not used & set(told)


@pytest.mark.parametrize("name", sorted(inputs.analytes_of_rules()))
def test_every_analyte_that_counts_as_used_moves_something(name: str) -> None:
    low, high = labs()[name].possible
    low, high = max(low, 0.01 * high), 0.95 * high
    others = CONTEXT.get(name, ())
    middle = outputs(with_lab(name, (low + high) / 2, *others))
    said = {outputs(with_lab(name, value, *others)) for value in (low, high)} | {middle}
    unread = json.dumps(_plain(plausible(with_lab(name, low), ON)))
    assert len(said) > 1, unread


def test_no_analyte_that_moves_something_is_left_out_of_the_used() -> None:
    reads = inputs.analytes_of_rules()
    for name in sorted(set(labs()) - reads - {"weight", "height", "bmi"}):
        low, high = labs()[name].possible
        first, second = (with_lab(name, value) for value in (max(low, 0.05 * high), 0.9 * high))
        for part in (safety.limits, safety.stop_rules):
            same = _plain(part(first, ON, products()) if part is safety.limits else part(first, ON)) == _plain(
                part(second, ON, products()) if part is safety.limits else part(second, ON)
            )
            assert same, f"{name} moves {part.__name__} and is not among the used"
        who = [_person(Facts(p, ON, safety.knowledge().numbers), calcium_card())[0] for p in (first, second)]
        assert who[0] == who[1], f"{name} moves the calcium model and is not among the used"


def test_results_after_the_day_do_not_count() -> None:
    later = json.loads(json.dumps(RECORD))
    day = (ON + timedelta(days=3)).isoformat()
    later["labs"].append({"test": "calcium", "value": 3.1, "unit": "mmol/L", "date": day})
    patient = read_short(later, "x", "x")
    assert safety.limits(patient, ON, products()) == safety.limits(BASE, ON, products())
    assert [r["text_id"] for r in inputs.ignored(patient, ON)].count("ignored.after_the_day") == 1


def test_derived_fields_are_made_of_what_counts_as_used() -> None:
    assert set(DERIVED) & set(labs()) == set()
    assert replace(BASE, labs=()) != BASE
