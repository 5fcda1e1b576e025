"""How other versions of FHIR betray themselves: by types, profiles and fields that R4 does not have."""

from __future__ import annotations

import re
from collections.abc import Iterable

from calcidiol.errors import RecordError
from calcidiol.patient.fhir import Kind
from calcidiol.patient.gather import tidy

__all__ = ["refuse_other_versions", "refuse_type"]

_OTHER_VERSION = re.compile(r"hl7\.org/fhir/(DSTU2|STU3|R4B|R5|R6|1\.0|3\.0|4\.3|5\.0|6\.0)\b", re.I)
_OLD_TYPES = {
    "MedicationOrder": "DSTU2",
    "DiagnosticOrder": "DSTU2",
    "ProcedureRequest": "STU3",
    "ReferralRequest": "STU3",
    "DeviceUseRequest": "DSTU2",
    "MedicationUsage": "R5",
    "BodySite": "STU3",
    "Sequence": "STU3",
}
_MARKS: dict[tuple[str, str], str] = {
    ("Patient", "animal"): "STU3",
    ("Observation", "comment"): "STU3",
    ("Observation", "comments"): "DSTU2",
    ("Observation", "related"): "STU3",
    ("Observation", "context"): "STU3",
    ("Observation", "triggeredBy"): "R5",
    ("Observation", "instantiatesCanonical"): "R5",
    ("Observation", "bodyStructure"): "R5",
    ("Condition", "context"): "STU3",
    ("Condition", "assertedDate"): "STU3",
    ("Condition", "participant"): "R5",
    ("Condition", "patient"): "DSTU2",
    ("MedicationRequest", "context"): "STU3",
    ("MedicationRequest", "medication"): "R5",
    ("MedicationRequest", "reported"): "R5",
    ("MedicationRequest", "reason"): "R5",
    ("MedicationStatement", "taken"): "STU3",
    ("MedicationStatement", "wasNotTaken"): "DSTU2",
    ("MedicationStatement", "medication"): "R5",
    ("MedicationStatement", "adherence"): "R5",
    ("MedicationAdministration", "notGiven"): "STU3",
    ("MedicationAdministration", "prescription"): "STU3",
    ("MedicationAdministration", "medication"): "R5",
    ("MedicationAdministration", "occurenceDateTime"): "R5",
    ("MedicationAdministration", "occurencePeriod"): "R5",
    ("AllergyIntolerance", "assertedDate"): "STU3",
    ("AllergyIntolerance", "participant"): "R5",
    ("Procedure", "notDone"): "STU3",
    ("Procedure", "context"): "STU3",
    ("Procedure", "occurrenceDateTime"): "R5",
    ("Procedure", "occurrencePeriod"): "R5",
    ("Procedure", "reason"): "R5",
    ("Procedure", "reported"): "R5",
    ("Medication", "isBrand"): "STU3",
    ("Medication", "package"): "STU3",
    ("Medication", "marketingAuthorizationHolder"): "R5",
}
"""Top-level fields that only another version of FHIR has."""


def refuse_other_versions(name: str, where: str, kind: str, names: Iterable[str]) -> None:
    """Refuse a record with a field that only another version of FHIR has.

    Raises
    ------
    RecordError
        Names the field and the version.
    """
    for field in names:
        version = _MARKS.get((kind, field))
        if version:
            raise RecordError(
                f"{name} looks like FHIR {version}: {where} has the field `{field}`, which R4 does not have. "
                "FHIR R4 (4.0.1) is read; export the record as R4."
            )


def refuse_type(name: str, kind: Kind) -> None:
    """Refuse a record with a type or a profile that only another version of FHIR has.

    Raises
    ------
    RecordError
        Names the version.
    """
    old = _OLD_TYPES.get(kind.resourceType)
    if old is None and kind.meta is not None:
        match = next((m for p in kind.meta.profile if (m := _OTHER_VERSION.search(p))), None)
        old = match[1] if match else None
    if old is not None:
        raise RecordError(
            f"{name} looks like FHIR {old} ({tidy(kind.resourceType, 40)}). FHIR R4 (4.0.1) is read; "
            "export the record as R4."
        )
