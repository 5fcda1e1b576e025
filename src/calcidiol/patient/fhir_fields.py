"""How strictly resources are read: every field that R4 has is known, any other is told.

A field that R4 does not know is never passed over: it may be a misspelled one that carried a value, or the mark of
another FHIR version. Quantity, Dosage and Timing are as strict (`fhir.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from calcidiol.patient.fhir import (
    Administration,
    AllergyIntolerance,
    Appointment,
    Dispense,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Person,
    Problem,
    Report,
    Resource,
    Surgery,
)

__all__ = ["decode", "known_fields"]

_COMMON = "resourceType implicitRules language text extension modifierExtension identifier _id _implicitRules _language"
_FIELDS: dict[str, tuple[type[Resource], str]] = {
    "Patient": (
        Person,
        "active telecom maritalStatus multipleBirthBoolean multipleBirthInteger photo contact communication "
        "generalPractitioner "
        "managingOrganization link _active _gender _birthDate _deceasedBoolean _deceasedDateTime",
    ),
    "Observation": (
        Observation,
        "basedOn partOf encounter performer valueSampledData valueTime valueDateTime valuePeriod bodySite device "
        "derivedFrom _status _effectiveDateTime _effectiveInstant _issued _valueString _valueInteger "
        "_valueBoolean _valueDateTime",
    ),
    "Condition": (
        Problem,
        "category encounter onsetAge onsetRange onsetString recorder asserter evidence note _onsetDateTime "
        "_onsetString "
        "_abatementDateTime _abatementString _recordedDate",
    ),
    "MedicationRequest": (
        MedicationRequest,
        "statusReason category priority reportedReference encounter supportingInformation requester performer "
        "performerType recorder "
        "reasonCode reasonReference instantiatesCanonical instantiatesUri basedOn groupIdentifier "
        "courseOfTherapyType insurance note "
        "substitution priorPrescription detectedIssue eventHistory _status _intent _authoredOn _priority _doNotPerform "
        "_reportedBoolean _instantiatesUri _instantiatesCanonical",
    ),
    "MedicationStatement": (
        MedicationStatement,
        "basedOn partOf statusReason category context derivedFrom reasonCode reasonReference note _status "
        "_effectiveDateTime "
        "_dateAsserted",
    ),
    "MedicationDispense": (
        Dispense,
        "partOf statusReasonCodeableConcept statusReasonReference category context supportingInformation performer "
        "location authorizingPrescription type quantity destination receiver note substitution detectedIssue "
        "eventHistory _status _whenPrepared _whenHandedOver",
    ),
    "MedicationAdministration": (
        Administration,
        "instantiates partOf statusReason category context supportingInformation performer reasonCode "
        "reasonReference request device "
        "note eventHistory _status _effectiveDateTime _instantiates",
    ),
    "AllergyIntolerance": (
        AllergyIntolerance,
        "type category criticality encounter onsetDateTime onsetAge onsetPeriod onsetRange onsetString "
        "recordedDate recorder asserter "
        "lastOccurrence note _type _category _criticality _onsetDateTime _recordedDate _lastOccurrence",
    ),
    "Procedure": (
        Surgery,
        "instantiatesCanonical instantiatesUri basedOn partOf statusReason category encounter performedString "
        "performedAge "
        "performedRange recorder asserter performer location reasonCode reasonReference outcome report complication "
        "complicationDetail followUp note focalDevice usedReference usedCode _status _performedDateTime "
        "_performedString",
    ),
    "DiagnosticReport": (
        Report,
        "basedOn category code encounter issued performer resultsInterpreter specimen imagingStudy media conclusion "
        "conclusionCode presentedForm _status _effectiveDateTime _issued _conclusion",
    ),
    "Medication": (Medication, "status manufacturer amount batch _status"),
    "Appointment": (
        Appointment,
        "cancelationReason serviceCategory specialty reasonCode reasonReference priority supportingInformation "
        "end minutesDuration slot "
        "created comment patientInstruction basedOn requestedPeriod _status _description _start _end",
    ),
}


def known_fields(kind: str) -> frozenset[str]:
    """All top-level fields that R4 has for a resource type that we read."""
    return _KNOWN[kind]


def _strict(kind: str, base: type[Resource], others: str) -> type[Struct]:
    own = set(base.__struct_fields__)
    extra = [(name, Raw, Raw()) for name in f"{_COMMON} {others}".split() if name not in own]
    return msgspec.defstruct(f"{kind}Strict", extra, bases=(base,), forbid_unknown_fields=True, gc=False)


_KNOWN = {
    k: frozenset((*base.__struct_fields__, *_COMMON.split(), *others.split())) for k, (base, others) in _FIELDS.items()
}
_STRICT = {k: msgspec.json.Decoder(_strict(k, base, others)) for k, (base, others) in _FIELDS.items()}
_LENIENT: dict[str, msgspec.json.Decoder[Any]] = {k: msgspec.json.Decoder(base) for k, (base, _) in _FIELDS.items()}
_NAMES = msgspec.json.Decoder(dict[str, Raw])


def decode(kind: str, raw: Raw) -> tuple[Any, tuple[str, ...]]:
    """A resource of a type that we read, and the names of its fields that R4 does not have.

    Raises
    ------
    msgspec.MsgspecError
        When a field that we use has the wrong shape.
    """
    try:
        return _STRICT[kind].decode(raw), ()
    except msgspec.ValidationError as error:
        if "unknown field" not in str(error) or "` - at `" in str(error):
            raise
    names = _NAMES.decode(raw)
    return _LENIENT[kind].decode(raw), tuple(n for n in names if n not in _KNOWN[kind])
