"""HL7's official R4 examples: each is a patient or a sentence, and what it becomes is pinned."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from calcidiol.errors import RecordError
from calcidiol.patient import plausible, read

FOLDER = Path(__file__).with_name("fhir-examples")
EXPECTED = FOLDER / "expected.json"
FILES = sorted(p for p in FOLDER.glob("*.json") if p != EXPECTED)


def told(path: Path) -> object:
    """What a file becomes, in short."""
    try:
        patient = read(path)
    except RecordError as error:
        return {"refused": str(error)}
    found = plausible(patient, date(2026, 11, 21))
    return {
        "id": patient.id,
        "sex": patient.sex,
        "born": patient.birth_date and patient.birth_date.isoformat(),
        "labs": [[x.analyte, round(x.value, 6), x.when.isoformat()] for x in patient.labs],
        "body": [[x.analyte, round(x.value, 6)] for x in (*patient.weight_kg, *patient.height_cm)],
        "doses": [[d.substance, d.iu, d.start.isoformat()] for d in patient.doses],
        "drugs": [[d.text[:60], list(d.classes)] for d in patient.drugs],
        "conditions": [[c.text[:60], list(c.concepts), c.active] for c in patient.conditions],
        "procedures": [[p.text[:60], list(p.concepts)] for p in patient.procedures],
        "allergies": [[a.text[:60], list(a.substances)] for a in patient.allergies],
        "visits": len(patient.visits),
        "unused": sorted({f"{u.kind}: {u.reason}" for u in patient.unused}),
        "findings": sorted({f.id for f in found}),
    }


def test_there_are_enough() -> None:
    assert len(FILES) >= 50
    assert sum(p.stat().st_size for p in FILES) < 1_500_000


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_official_example(path: Path) -> None:
    assert json.loads(json.dumps(told(path))) == json.loads(EXPECTED.read_text(encoding="utf-8"))[path.stem]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_refusals_are_sentences(path: Path) -> None:
    outcome = told(path)
    assert isinstance(outcome, dict)
    if "refused" in outcome:
        assert path.name in outcome["refused"]
        assert outcome["refused"].endswith(".")


if __name__ == "__main__":
    EXPECTED.write_text(
        json.dumps({p.stem: told(p) for p in FILES}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
