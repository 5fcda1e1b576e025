"""Who is in front of us: one frozen record, every value with its unit and its origin.

All values are canonical (see `calcidiol.quantity`): nmol/L for 25(OH)D, mmol/L for calcium, phosphate and magnesium,
umol/L for creatinine, g/L for albumin, kg, cm. What was received stands beside it in `Origin`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Sex = Literal["female", "male"]
Comparator = Literal["", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stood (`"labs[2]"`, `"Bundle.entry[3].resource"`) and how it was written (`"31 ng/mL"`)."""

    where: str
    received: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """One laboratory result.

    `analyte` is an id of `terminology/labs.toml` (``"25ohd"``, ``"calcium"``, ``"calcium_corrected"``,
    ``"calcium_ionized"``, ``"albumin"``, ``"creatinine"``, ``"egfr"``, ``"phosphate"``, ``"magnesium"``, ``"pth"``,
    ``"1_25_ohd"``, ``"24_25_ohd"``, ``"platelets"``, ``"inr"``, ``"neutrophils"``, ``"urine_calcium_24h"`` ...).
    `low` and `high` are the laboratory's own reference limits. `assay` is ``"lc-ms"``, ``"immunoassay"`` or None.
    `has_time` tells whether `when` has a time of day or only a date (then noon is assumed).
    """

    analyte: str
    value: float
    unit: str
    when: datetime
    origin: Origin
    comparator: Comparator = ""
    low: float | None = None
    high: float | None = None
    assay: str | None = None
    has_time: bool = True
    corrected: bool = False
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenDose:
    """Vitamin D already given or being taken: `count` doses of `amount_nmol`, `every_days` apart from `start`.

    `certain` is False for patient-reported or merely prescribed doses; `ongoing` for a drug that is still taken.
    `iu` is None where IU has no meaning.
    """

    substance: str
    route: str
    amount_nmol: float
    iu: float | None
    start: date
    every_days: float
    count: int
    origin: Origin
    product: str | None = None
    certain: bool = True
    ongoing: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A code; `system` is ``"icd10"``, ``"icd10cm"``, ``"snomed"``, ``"atc"``, ``"rxnorm"`` or ``"text"``."""

    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A diagnosis. `concepts` are ids of `terminology/conditions.toml` that it belongs to (``"lymphoma"``)."""

    codes: tuple[Code, ...]
    text: str
    concepts: tuple[str, ...]
    origin: Origin
    onset: date | None = None
    active: bool = True
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drug:
    """A medicine other than vitamin D. `classes` are ids of `terminology/drugs.toml` (``"thiazide"``)."""

    codes: tuple[Code, ...]
    text: str
    classes: tuple[str, ...]
    origin: Origin
    start: date | None = None
    end: date | None = None
    active: bool = True
    details: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy or intolerance; `substances` are ids of `terminology/excipients` (``"arachis"``, ``"sesame"``)."""

    text: str
    substances: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Procedure:
    """An operation or radiotherapy; `concepts` as for conditions (``"gastrectomy"``, ``"radiotherapy"``)."""

    text: str
    concepts: tuple[str, ...]
    when: date | None
    origin: Origin
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Symptom:
    """A symptom score: our own 0-10 scales, or the total of an external instrument (`name`, `version`)."""

    name: str
    score: float
    when: date
    origin: Origin
    scale: str = "0-10"


@dataclass(frozen=True, slots=True)
class Visit:
    """A date that is due anyway: chemotherapy, blood draw, operation, nadir."""

    kind: str
    when: date
    origin: Origin
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unused:
    """Something in the record that was read but not used, and why (`reason` is a text id)."""

    kind: str
    reason: str
    where: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """One person on one timeline. Everything that is not known is None or empty, never a default."""

    id: str
    sex: Sex | None = None
    birth_date: date | None = None
    age_y: float | None = None
    weight_kg: tuple[Lab, ...] = ()
    height_cm: tuple[Lab, ...] = ()
    labs: tuple[Lab, ...] = ()
    doses: tuple[GivenDose, ...] = ()
    drugs: tuple[Drug, ...] = ()
    conditions: tuple[Condition, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    visits: tuple[Visit, ...] = ()
    latitude_deg: float | None = None
    sun: Literal["avoids", "usual", None] = None
    intake: dict[str, str] = field(default_factory=dict)
    unused: tuple[Unused, ...] = ()
    name: str = ""
    source: str = ""

    def age_on(self, on: date) -> float | None:
        """Age in years on a day; from the birth date, else the age given."""
        if self.birth_date is not None:
            return (on - self.birth_date).days / 365.25
        return self.age_y

    def has(self, concept: str) -> bool:
        """Whether an active condition (or any procedure) belongs to `concept`."""
        return any(c.active and concept in c.concepts for c in self.conditions) or any(
            concept in p.concepts for p in self.procedures
        )

    def takes(self, drug_class: str) -> bool:
        """Whether an active drug belongs to `drug_class`."""
        return any(d.active and drug_class in d.classes for d in self.drugs)

    def labs_of(self, analyte: str, until: date | None = None) -> tuple[Lab, ...]:
        """Results of one analyte in order of time, up to and including the day `until`."""
        rows = [x for x in self.labs if x.analyte == analyte and (until is None or x.when.date() <= until)]
        return tuple(sorted(rows, key=lambda x: x.when))

    def last(self, analyte: str, until: date | None = None) -> Lab | None:
        """The newest result of an analyte up to and including the day `until`."""
        rows = self.labs_of(analyte, until)
        return rows[-1] if rows else None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the record that a person should see.

    `level` is ``"note"``, ``"caution"`` or ``"stop"``; `id` names the text (`report/words`), `item` the value it is
    about (its `Origin.where`), `params` fill the text. `key` is what a person confirms: ``"id:item"``.
    """

    id: str
    level: Literal["note", "caution", "stop"]
    item: str
    params: dict[str, object] = field(default_factory=dict)
    confirmed: bool = False

    @property
    def key(self) -> str:
        """The name by which `--confirm` takes it."""
        return f"{self.id}:{self.item}"
