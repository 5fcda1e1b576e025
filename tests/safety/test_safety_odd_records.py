"""Records as hospitals write them: odd codes, brands, units, denials, other people's diseases (odd_records.json).

Each row is a healthy base record in US units with something added or left out, and what safety has to say of it: the
routes that are left (or `refused`, `unusable`), the rules, the interactions.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from calcidiol import safety
from calcidiol.patient import plausible
from calcidiol.patient.reading import read
from calcidiol.terminology import products

ON = date(2026, 11, 21)
DOCUMENT = json.loads(Path(__file__).with_name("odd_records.json").read_text(encoding="utf-8"))
ROWS = DOCUMENT["rows"]


def bundle(row: dict[str, Any]) -> dict[str, Any]:
    kept = [r for r in DOCUMENT["base"] if r["id"] not in row["without"]]
    resources = [DOCUMENT["patient"] | row["patient"], *kept, *row["add"]]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def test_there_are_many_and_each_has_its_story() -> None:
    assert len({row["story"] for row in ROWS}) == len(ROWS) >= 100


@pytest.mark.parametrize("row", ROWS, ids=[f"R{i:03d}" for i in range(len(ROWS))])
def test_odd_record(row: dict[str, Any]) -> None:
    patient = read(bundle(row), name="odd")
    allowed = safety.limits(patient, ON, products())
    stopped = any(f.level == "stop" for f in plausible(patient, ON))
    routes = "unusable" if stopped else "refused" if allowed.refused else "+".join(allowed.routes)
    assert routes == row["routes"], row["story"]
    assert sorted({f"{r.id} {r.action}" for r in allowed.fired}) == row["rules"]
    assert sorted({i.id for i in safety.interactions(patient, ON)}) == row["interactions"]


def test_a_condition_in_an_unknown_code_system_is_told_as_a_caution() -> None:
    row = next(r for r in ROWS if r["story"] == "ICD9 135 sarcoid")
    patient = read(bundle(row), name="odd")
    (told,) = [f for f in patient.remarks if f.id == "condition_code_unknown"]
    assert told.level == "caution"
    assert told.params["text"] == "http://hl7.org/fhir/sid/icd-9-cm 135"
