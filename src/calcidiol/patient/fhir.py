"""FHIR R4 resources as far as they are read, as typed structs (msgspec)."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

__all__ = [
    "Administration",
    "AllergyIntolerance",
    "Appointment",
    "Bundle",
    "Concept",
    "Dispense",
    "Dosage",
    "Entry",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Parameter",
    "Parameters",
    "Person",
    "Problem",
    "Quantity",
    "Ratio",
    "Reference",
    "Report",
    "Specimen",
    "Surgery",
]


class Coding(Struct, gc=False):
    """One code."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(Struct, gc=False):
    """CodeableConcept."""

    coding: list[Coding] = []
    text: str | None = None

    def words(self) -> str:
        """Its text, else the text of its first coding that has one."""
        return self.text or next((c.display for c in self.coding if c.display), "") or ""

    def all_words(self) -> str:
        """Text and all displays, each once."""
        seen: dict[str, None] = {}
        for text in (self.text, *(c.display for c in self.coding)):
            if text:
                seen[text] = None
        return "; ".join(seen)


class Quantity(Struct, forbid_unknown_fields=True, gc=False):
    """Quantity. `value` may be text in records of careless systems; it is read as a number or reported."""

    value: float | str | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None
    id: str | None = None
    extension: Any = None
    _value: Any = None
    _comparator: Any = None
    _unit: Any = None
    _code: Any = None
    _system: Any = None


class Period(Struct, gc=False):
    """Period."""

    start: str | None = None
    end: str | None = None


class Reference(Struct, gc=False):
    """Reference; `type` may stand where `reference` is missing."""

    reference: str | None = None
    type: str | None = None
    identifier: Any = None
    display: str | None = None


class Meta(Struct, gc=False):
    """Version, and profiles (which betray other FHIR versions)."""

    versionId: str | None = None  # noqa: N815
    lastUpdated: str | None = None  # noqa: N815
    profile: list[str] = []


class Range(Struct, gc=False):
    """Limits of a result."""

    low: Quantity | None = None
    high: Quantity | None = None
    type: Concept | None = None
    text: str | None = None


class Ratio(Struct, gc=False):
    """Two quantities: the strength of an ingredient, calcium over creatinine."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Component(Struct, gc=False):
    """Part of a panel."""

    code: Concept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueInteger: int | None = None  # noqa: N815
    valueCodeableConcept: Concept | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueRange: Any = None  # noqa: N815
    valueRatio: Ratio | None = None  # noqa: N815
    dataAbsentReason: Concept | None = None  # noqa: N815
    interpretation: list[Concept] = []
    referenceRange: list[Range] = []  # noqa: N815


class Note(Struct, gc=False):
    """Annotation."""

    text: str | None = None


class Repeat(Struct, forbid_unknown_fields=True, gc=False):
    """Timing.repeat."""

    id: str | None = None
    extension: Any = None
    boundsDuration: Quantity | None = None  # noqa: N815
    boundsRange: Any = None  # noqa: N815
    boundsPeriod: Period | None = None  # noqa: N815
    count: int | None = None
    countMax: int | None = None  # noqa: N815
    duration: Any = None
    durationMax: Any = None  # noqa: N815
    durationUnit: str | None = None  # noqa: N815
    frequency: int | None = None
    frequencyMax: int | None = None  # noqa: N815
    period: float | None = None
    periodMax: float | None = None  # noqa: N815
    periodUnit: str | None = None  # noqa: N815
    dayOfWeek: list[str] = []  # noqa: N815
    timeOfDay: list[str] = []  # noqa: N815
    when: list[str] = []
    offset: Any = None


class Timing(Struct, forbid_unknown_fields=True, gc=False):
    """Timing."""

    id: str | None = None
    extension: Any = None
    event: list[str] = []
    repeat: Repeat | None = None
    code: Concept | None = None
    _event: Any = None


class Rate(Struct, gc=False):
    """Dosage.doseAndRate."""

    doseQuantity: Quantity | None = None  # noqa: N815
    doseRange: Any = None  # noqa: N815


class Dosage(Struct, forbid_unknown_fields=True, gc=False):
    """Dosage."""

    id: str | None = None
    extension: Any = None
    modifierExtension: Any = None  # noqa: N815
    sequence: int | None = None
    text: str | None = None
    additionalInstruction: Any = None  # noqa: N815
    patientInstruction: str | None = None  # noqa: N815
    timing: Timing | None = None
    asNeededBoolean: bool | None = None  # noqa: N815
    asNeededCodeableConcept: Any = None  # noqa: N815
    site: Any = None
    route: Concept | None = None
    method: Any = None
    doseAndRate: list[Rate] = []  # noqa: N815
    maxDosePerPeriod: Any = None  # noqa: N815
    maxDosePerAdministration: Any = None  # noqa: N815
    maxDosePerLifetime: Any = None  # noqa: N815


class GivenDosage(Struct, gc=False):
    """MedicationAdministration.dosage."""

    text: str | None = None
    site: Concept | None = None
    route: Concept | None = None
    dose: Quantity | None = None


class Ingredient(Struct, gc=False):
    """Part of a Medication."""

    itemCodeableConcept: Concept | None = None  # noqa: N815
    strength: Ratio | None = None


class Resource(Struct, gc=False):
    """What every resource has."""

    id: str | None = None
    meta: Meta | None = None
    contained: list[Raw] = []


class Medication(Resource, gc=False):
    """Medication."""

    code: Concept | None = None
    form: Concept | None = None
    ingredient: list[Ingredient] = []


class HumanName(Struct, gc=False):
    """A name."""

    text: str | None = None
    family: str | None = None
    given: list[str] = []
    use: str | None = None


class Person(Resource, gc=False):
    """Patient."""

    name: list[HumanName] = []
    gender: str | None = None
    birthDate: str | None = None  # noqa: N815
    deceasedBoolean: bool | None = None  # noqa: N815
    deceasedDateTime: str | None = None  # noqa: N815
    address: Any = None


class Observation(Resource, gc=False):
    """Observation."""

    status: str | None = None
    category: list[Concept] = []
    code: Concept | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815
    effectiveTiming: Any = None  # noqa: N815
    issued: str | None = None
    valueQuantity: Quantity | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueInteger: int | None = None  # noqa: N815
    valueCodeableConcept: Concept | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueRange: Any = None  # noqa: N815
    valueRatio: Ratio | None = None  # noqa: N815
    dataAbsentReason: Concept | None = None  # noqa: N815
    interpretation: list[Concept] = []
    note: list[Note] = []
    method: Concept | None = None
    specimen: Reference | None = None
    focus: list[Reference] = []
    hasMember: list[Reference] = []  # noqa: N815
    referenceRange: list[Range] = []  # noqa: N815
    component: list[Component] = []


class Problem(Resource, gc=False):
    """Condition."""

    clinicalStatus: Any = None  # noqa: N815
    verificationStatus: Any = None  # noqa: N815
    code: Concept | None = None
    severity: Concept | None = None
    bodySite: list[Concept] = []  # noqa: N815
    subject: Reference | None = None
    onsetDateTime: str | None = None  # noqa: N815
    onsetPeriod: Period | None = None  # noqa: N815
    abatementDateTime: str | None = None  # noqa: N815
    abatementPeriod: Any = None  # noqa: N815
    abatementAge: Any = None  # noqa: N815
    abatementRange: Any = None  # noqa: N815
    abatementString: str | None = None  # noqa: N815
    recordedDate: str | None = None  # noqa: N815
    stage: Any = None


class Supply(Struct, gc=False):
    """MedicationRequest.dispenseRequest."""

    validityPeriod: Period | None = None  # noqa: N815
    expectedSupplyDuration: Quantity | None = None  # noqa: N815
    numberOfRepeatsAllowed: int | None = None  # noqa: N815


class MedicationRequest(Resource, gc=False):
    """MedicationRequest."""

    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None  # noqa: N815
    reportedBoolean: bool | None = None  # noqa: N815
    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    subject: Reference | None = None
    authoredOn: str | None = None  # noqa: N815
    dosageInstruction: list[Dosage] = []  # noqa: N815
    dispenseRequest: Supply | None = None  # noqa: N815


class MedicationStatement(Resource, gc=False):
    """MedicationStatement."""

    status: str | None = None
    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    subject: Reference | None = None
    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    dateAsserted: str | None = None  # noqa: N815
    informationSource: Reference | None = None  # noqa: N815
    dosage: list[Dosage] = []


class Dispense(Resource, gc=False):
    """MedicationDispense."""

    status: str | None = None
    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    subject: Reference | None = None
    daysSupply: Quantity | None = None  # noqa: N815
    whenPrepared: str | None = None  # noqa: N815
    whenHandedOver: str | None = None  # noqa: N815
    dosageInstruction: list[Dosage] = []  # noqa: N815


class Administration(Resource, gc=False):
    """MedicationAdministration."""

    status: str | None = None
    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    subject: Reference | None = None
    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    dosage: GivenDosage | None = None


class Reaction(Struct, gc=False):
    """AllergyIntolerance.reaction."""

    substance: Concept | None = None


class AllergyIntolerance(Resource, gc=False):
    """AllergyIntolerance."""

    clinicalStatus: Any = None  # noqa: N815
    verificationStatus: Any = None  # noqa: N815
    code: Concept | None = None
    patient: Reference | None = None
    reaction: list[Reaction] = []


class Surgery(Resource, gc=False):
    """Procedure."""

    status: str | None = None
    code: Concept | None = None
    subject: Reference | None = None
    performedDateTime: str | None = None  # noqa: N815
    performedPeriod: Period | None = None  # noqa: N815
    bodySite: list[Concept] = []  # noqa: N815


class Report(Resource, gc=False):
    """DiagnosticReport: read for the time of results that have none of their own."""

    status: str | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    result: list[Reference] = []


class Specimen(Resource, gc=False):
    """Specimen: read to tell blood from urine."""

    type: Concept | None = None


class Participant(Struct, gc=False):
    """Who comes to an appointment."""

    actor: Reference | None = None


class Appointment(Resource, gc=False):
    """Appointment."""

    status: str | None = None
    serviceType: list[Concept] = []  # noqa: N815
    appointmentType: Concept | None = None  # noqa: N815
    description: str | None = None
    start: str | None = None
    participant: list[Participant] = []


class Request(Struct, gc=False):
    """Bundle.entry.request."""

    method: str | None = None


class Entry(Struct, gc=False):
    """Bundle.entry."""

    fullUrl: str | None = None  # noqa: N815
    resource: Raw = Raw()
    request: Request | None = None


class Bundle(Struct, gc=False):
    """Bundle."""

    resourceType: str = ""  # noqa: N815
    type: str | None = None
    meta: Meta | None = None
    entry: list[Entry] = []


class Parameter(Struct, gc=False):
    """Parameters.parameter: a resource, or parts with resources."""

    resource: Raw = Raw()
    part: list[Parameter] = []


class Parameters(Struct, gc=False):
    """Parameters."""

    parameter: list[Parameter] = []


class Kind(Struct, gc=False):
    """Type and id of a resource, read before the rest of it."""

    resourceType: str = ""  # noqa: N815
    id: str | None = None
    meta: Meta | None = None
