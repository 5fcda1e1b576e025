"""Who is in front of us: one frozen record, every value with its unit and its origin.

All values are canonical (see `calcidiol.quantity`): nmol/L for 25(OH)D, mmol/L for calcium, phosphate and magnesium,
umol/L for creatinine, g/L for albumin, kg, cm. What was received stands beside it in `Origin`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

Sex = Literal["female", "male"]
Comparator = Literal["", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value stood (`"labs[2]"`, `"Bundle.entry[3].resource"`) and how it was written (`"31 ng/mL"`).

    For a number `value` and `unit` are what was received, before conversion (`unit` as written).
    """

    where: str
    received: str = ""
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """One laboratory result.

    `analyte` is an id of `terminology/labs.toml` (``"25ohd"``, ``"calcium"``, ``"calcium_corrected"``,
    ``"calcium_ionized"``, ``"albumin"``, ``"creatinine"``, ``"egfr"``, ``"phosphate"``, ``"magnesium"``, ``"pth"``,
    ``"1_25_ohd"``, ``"24_25_ohd"``, ``"platelets"``, ``"inr"``, ``"neutrophils"``, ``"urine_calcium_24h"`` ...).
    `low` and `high` are the laboratory's own reference limits. `assay` is ``"lc-ms"``, ``"immunoassay"`` or None.
    `has_time` tells whether `when` has a time of day or only a date (then noon is assumed). `when` is the wall clock of
    the place that wrote the record, without zone. `flags` are ids: ``"d2_unknown"`` (only 25(OH)D3 was measured),
    ``"d2_added"`` (the sum of D3 and D2), ``"month_only"`` (the day is not known; the first of the month is assumed),
    ``"undated"`` (weight or height without a date), ``"matched_by_text"``, ``"hemolyzed"``, ``"preliminary"``.
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

    `certain` is False for patient-reported or merely prescribed doses; `ongoing` for a drug that is still taken:
    then `count` is 0 and how many doses there were depends on the day (`taken_until`).
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

    def taken_until(self, on: date) -> int:
        """How many of these doses were taken by the day `on`.

        A dose that was given on the day itself counts; of a drug still taken, the dose of the day `on` does not (from
        then on the plan decides).
        """
        days = (on - self.start).days
        if self.ongoing:
            if days <= 0:
                return 0
            if self.every_days <= 0:
                return 1
            taken = int((days - 1e-9) // self.every_days) + 1
            return min(taken, self.count) if self.count else taken
        if days < 0:
            return 0
        if self.every_days <= 0 or self.count <= 1:
            return min(self.count, 1)
        return min(self.count, int((days + 1e-9) // self.every_days) + 1)

    def iu_between(self, first: date, last: date) -> float:
        """IU taken from the day `first` to the day `last`, both included (see `taken_until`); 0 where IU has no
        meaning."""
        if self.iu is None or last < first:
            return 0.0
        return self.iu * (self.taken_until(last) - self.taken_until(first - timedelta(days=1)))


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

    def taken_on(self, on: date) -> bool:
        """Whether it is active and the day lies between its start and end, as far as these are known."""
        return self.active and (self.start is None or self.start <= on) and (self.end is None or self.end >= on)


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
    """Something in the record that was read but not used, and why (`reason` is a text id, `params` fill the text)."""

    kind: str
    reason: str
    where: str
    text: str = ""
    params: dict[str, str] = field(default_factory=dict)
    count: int = 1


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


def _newest(rows: tuple[Lab, ...], on: date) -> float | None:
    known = [x for x in rows if "undated" in x.flags or x.when.date() <= on]
    return max(known, key=lambda x: x.when).value if known else None


def _years(born: date, on: date) -> float:
    """Whole birthdays, and the share of the running year: 18 on the day, not one leap day later."""
    whole = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    last, following = (_birthday(born, born.year + whole + n) for n in (0, 1))
    return whole + (on - last).days / (following - last).days


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:  # born on 29 February
        return date(year, 3, 1)


@dataclass(frozen=True, slots=True)
class Patient:
    """One person on one timeline. Everything that is not known is None or empty, never a default.

    `remarks` are findings made while reading (a lab without a unit, a misspelled key); `plausible` hands them on.
    A weight or height without a date stands at the day of the newest lab and is flagged ``"undated"``: ask
    `weight_on` and `height_on`. `birth_date` is the middle of what a year or a month leaves open, `birth_spread_d`
    the days on either side of it.
    """

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
    death_date: date | None = None
    remarks: tuple[Finding, ...] = ()
    birth_spread_d: int = 0

    def age_on(self, on: date) -> float | None:
        """Age in years on a day; from the birth date, else the age given."""
        if self.birth_date is not None:
            return _years(self.birth_date, on)
        return self.age_y

    def weight_on(self, on: date) -> float | None:
        """The newest body weight in kg known on a day."""
        return _newest(self.weight_kg, on)

    def height_on(self, on: date) -> float | None:
        """The newest body height in cm known on a day."""
        return _newest(self.height_cm, on)

    def has(self, concept: str) -> bool:
        """Whether an active condition (or any procedure) belongs to `concept`."""
        return any(c.active and concept in c.concepts for c in self.conditions) or any(
            concept in p.concepts for p in self.procedures
        )

    def takes(self, drug_class: str, on: date | None = None) -> bool:
        """Whether an active drug belongs to `drug_class`; with `on`, one that is taken on that day."""
        return any(drug_class in d.classes and (d.active if on is None else d.taken_on(on)) for d in self.drugs)

    def labs_of(self, analyte: str, until: date | None = None) -> tuple[Lab, ...]:
        """Results of one analyte in order of time, up to and including the day `until`."""
        rows = [x for x in self.labs if x.analyte == analyte and (until is None or x.when.date() <= until)]
        return tuple(sorted(rows, key=lambda x: x.when))

    def last(self, analyte: str, until: date | None = None) -> Lab | None:
        """The newest result of an analyte up to and including the day `until`."""
        rows = self.labs_of(analyte, until)
        return rows[-1] if rows else None
