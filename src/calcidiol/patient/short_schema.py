"""The JSON Schema of the short form, made from the same names that the reader reads.

It is published as `record.schema.json` beside this file (`python -m calcidiol.patient.short_schema` writes it anew; a
test sees that the two agree).
"""

from __future__ import annotations

from typing import Any

from calcidiol.patient.short import LAB_KEYS, PATIENT_KEYS, SECTIONS, SYMPTOM_KEYS, VISIT_KEYS
from calcidiol.patient.short_medical import ALLERGY_KEYS, CONDITION_KEYS, DOSE_KEYS, DRUG_KEYS, PROCEDURE_KEYS

__all__ = ["schema"]

_DATE = {
    "type": "string",
    "pattern": r"^\d{4}(-\d{2}(-\d{2}([T ].+)?)?)?$|^\d{4}[/.]\d{1,2}[/.]\d{1,2}$|^\d{4}年\d{1,2}月\d{1,2}日$",
}
_NUMBER = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": r"^\s*(<|>|<=|>=|≤|≥)?\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"},
    ]
}
_AMOUNT = {
    "anyOf": [{"type": "number"}, {"type": "string"}],
    "description": 'a number, or a number with its unit such as "31 nmol/L"',
}
_TEXT = {"anyOf": [{"type": "string"}, {"type": "number"}]}
_CODES = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_YES = {"anyOf": [{"type": "boolean"}, {"type": "string"}]}
_MEASURE = {
    "anyOf": [
        {"type": "string", "description": 'with its unit: "68 kg"'},
        {"$ref": "#/$defs/measure"},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/measure"}]}},
    ]
}
_BY_NAME: dict[str, dict[str, Any]] = {
    "value": _AMOUNT,
    "low": _AMOUNT,
    "high": _AMOUNT,
    "score": _NUMBER,
    "date": _DATE,
    "when": _DATE,
    "start": _DATE,
    "end": _DATE,
    "from": _DATE,
    "to": _DATE,
    "since": _DATE,
    "until": _DATE,
    "on": _DATE,
    "onset": _DATE,
    "born": _DATE,
    "birth_date": _DATE,
    "birthdate": _DATE,
    "died": _DATE,
    "age": _AMOUNT,
    "latitude": _AMOUNT,
    "icd10": _CODES,
    "icd10cm": _CODES,
    "snomed": _CODES,
    "atc": _CODES,
    "rxnorm": _CODES,
    "weight": _MEASURE,
    "height": _MEASURE,
    "bmi": _MEASURE,
    "active": _YES,
    "ongoing": _YES,
    "pregnant": _YES,
    "breastfeeding": _YES,
    "certain": _YES,
    "resolved": {},
    "details": {"type": "object"},
    "flags": {"type": "array", "items": {"type": "string"}},
    "sex": {"enum": ["female", "male", "f", "m", "woman", "man", "女", "男"]},
    "gender": {"enum": ["female", "male", "f", "m", "woman", "man", "女", "男"]},
    "sun": {"enum": ["avoids", "usual", "low", "normal", "none", "moderate", "high", "yes", "no"]},
    "comparator": {"enum": ["<", "<=", ">", ">="]},
}


def _object(names: tuple[str, ...], need: tuple[tuple[str, ...], ...] = ()) -> dict[str, Any]:
    """A mapping with these names and no others; of each tuple in `need` at least one name has to be there."""
    made: dict[str, Any] = {
        "type": "object",
        "properties": {n: _BY_NAME.get(n, _TEXT) for n in names},
        "additionalProperties": False,
    }
    if need:
        made["allOf"] = [{"anyOf": [{"required": [n]} for n in group]} for group in need]
    return made


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the short form.

    It is stricter than the reader: what the reader reports as not used (an unknown name, a lab without a unit) is not
    valid here.

    Examples
    --------
    >>> schema()["title"]
    'calcidiol record, short form'
    """
    bare_number = {"properties": {"value": {"type": "number"}}, "required": ["value"]}
    labs = _object(LAB_KEYS, (("test", "name", "loinc"), ("value",), ("date", "when")))
    rows = {
        "labs": {"anyOf": [{"type": "string"}, labs | {"if": bare_number, "then": {"required": ["unit"]}}]},
        "doses": {"anyOf": [{"type": "string"}, _object(DOSE_KEYS)]},
        "drugs": {"anyOf": [{"type": "string"}, _object(DRUG_KEYS, (("name", "text", "drug", "atc", "rxnorm"),))]},
        "conditions": {
            "anyOf": [{"type": "string"}, _object(CONDITION_KEYS, (("text", "name", "icd10", "icd10cm", "snomed"),))]
        },
        "allergies": {"anyOf": [{"type": "string"}, _object(ALLERGY_KEYS, (("text", "name", "substance", "snomed"),))]},
        "procedures": {"anyOf": [{"type": "string"}, _object(PROCEDURE_KEYS, (("text", "name", "snomed", "icd10"),))]},
        "symptoms": _object(SYMPTOM_KEYS, (("name", "symptom"), ("score", "value"), ("date", "when"))),
        "visits": _object(VISIT_KEYS, (("date", "when"),)),
    }
    sections: dict[str, Any] = {}
    for name, meaning in SECTIONS.items():
        if meaning == "patient":
            sections[name] = {"$ref": "#/$defs/patient"}
        elif meaning == "intake":
            sections[name] = {"type": "object", "additionalProperties": {"anyOf": [_TEXT, {"type": "boolean"}]}}
        else:
            item = {"$ref": f"#/$defs/{meaning}"}
            sections[name] = {"anyOf": [{"type": "array", "items": item}, item]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "calcidiol record, short form",
        "description": "One patient's record as a person types it, in YAML or JSON. Every lab carries its unit.",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "minProperties": 1,
        "$defs": {
            "patient": _object(PATIENT_KEYS),
            "measure": _object(("value", "unit", "date", "when"), (("value",),)),
            **rows,
        },
    }


def main() -> None:
    """Write the schema anew."""
    import json
    from pathlib import Path

    text = json.dumps(schema(), indent=1, ensure_ascii=False)
    Path(__file__).with_name("record.schema.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
