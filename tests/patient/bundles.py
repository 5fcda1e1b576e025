"""Small FHIR R4 Bundles for the tests."""

from __future__ import annotations

from typing import Any

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def person(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1961-04-02"} | fields


def result(
    code: str = "17861-6", value: Any = 9.4, unit: str | None = "mg/dL", id: str = "o1", **fields: Any
) -> dict[str, Any]:
    q: dict[str, Any] = {"value": value, "system": UCUM}
    if unit is not None:
        q |= {"unit": unit, "code": unit}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-18T08:30:00+08:00",
        "valueQuantity": q,
    } | fields


def coded(kind: str, text: str, id: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": id, "code": {"text": text}, "subject": {"reference": "Patient/p1"}} | fields


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def given(id: str = "m1", iu: float = 300000, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": id,
        "status": "completed",
        "medicationCodeableConcept": {"text": "cholecalciferol injection"},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-06-01",
        "dosage": {"dose": {"value": iu, "unit": "IU", "code": "[iU]"}, "route": {"coding": [{"code": "78421000"}]}},
    } | fields


def order(text: str = "cholecalciferol 1000 IU tablet", id: str = "r1", **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-06-01",
    } | fields


def bundle(
    *resources: dict[str, Any], kind: str = "collection", patient: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The resources with a patient before them; the patient's full URL is ``urn:uuid:p``."""
    first = person() if patient is None else patient
    entries = [{"fullUrl": "urn:uuid:p", "resource": first}] if first else []
    entries += [
        {"fullUrl": f"http://server/fhir/{r['resourceType']}/{r.get('id', '')}", "resource": r} for r in resources
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}
