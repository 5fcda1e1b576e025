"""The typed records of the ledger: studies, claims, groups, concentrations, and the steps of a certainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["trial", "uncontrolled", "cohort", "cell", "animal", "pharmacokinetic", "guideline"]
KINDS: tuple[Kind, ...] = ("trial", "uncontrolled", "cohort", "cell", "animal", "pharmacokinetic", "guideline")
DESIGNS = ("RCT", "meta-analysis", "cohort", "case series", "in vitro", "animal", "guideline")
MEASURES = ("HR", "RR", "OR", "MD", "SMD", "prop")
RATIOS = ("HR", "RR", "OR")
DIFFERENCES = ("MD", "SMD")
TAGS = ("V", "R", "P", "S")
VERDICTS = ("supported", "overstated", "unsupported", "contradicted")
CERTAINTIES = ("very low", "low", "moderate", "high")
BIAS = ("low", "some", "high")
QUESTIONS = ("treatment", "safety", "pharmacokinetics", "prognosis", "prevalence", "mechanism", "protocol")
DOMAINS = (
    "risk of bias",
    "inconsistency",
    "indirectness",
    "imprecision",
    "publication bias",
    "large effect",
    "dose response",
)


@dataclass(frozen=True, slots=True)
class Study:
    """One result of one study, as published.

    Ratios stand on their own scale; `week` is the time of a measurement; `schedule` is ``daily`` or ``intermittent``
    and `dose_iu_day` the mean dose a day of a trial; `people` names the patients of the study that the row counts
    (empty: all), `control` the control group that rows share; `checked` says where the numbers were seen.
    """

    study_id: str
    citation: str
    doi: str
    pmid: str
    design: str
    kind: Kind
    family: str
    people: str
    control: str
    population: str
    cancer_type: str
    n_treat: int | None
    n_control: int | None
    intervention: str
    comparator: str
    outcome: str
    outcome_key: str
    measure: str
    unit: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    ci_kind: str
    p: str
    events_treat: int | None
    events_control: int | None
    events: int | None
    denominator: int | None
    week: float | None
    schedule: str
    dose_iu_day: float | None
    followup: str
    risk_of_bias: str
    risk_of_bias_note: str
    tag: str
    partly: bool
    meta_group: str
    notes: str
    checked: str

    @property
    def scale(self) -> Literal["ratio", "difference", "proportion", "none"]:
        """Which kind of number the effect is."""
        if self.measure in RATIOS:
            return "ratio"
        if self.measure in DIFFERENCES:
            return "difference"
        return "proportion" if self.measure == "prop" else "none"

    def to_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Group:
    """What may be pooled together, and what its numbers mean.

    `outcomes` are the outcome keys that belong together; `weeks` limits the time of measurement; `refusal` says why the
    members are not a pool.
    """

    id: str
    title: str
    scale: str
    outcomes: tuple[str, ...] = ()
    source: str = ""
    weeks: tuple[float, float] | None = None
    unit: str = ""
    benefit: str = ""
    refusal: str = ""
    instead: tuple[str, ...] = ()
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a certainty: the domain, how far it moves, why, and whether it was computed or judged.

    `text_id` and `params` name the reason of a computed step in every language; a judged one has none.
    """

    domain: str
    move: int
    reason: str
    computed: bool
    text_id: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The step as plain data."""
        return {"domain": self.domain, "move": self.move, "reason": self.reason, "computed": self.computed}


@dataclass(frozen=True, slots=True)
class Certainty:
    """A level of certainty with the steps that led there."""

    level: str
    start: str
    design: str
    steps: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """The certainty as plain data."""
        return {
            "level": self.level,
            "start": self.start,
            "design": self.design,
            "steps": [step.to_dict() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a source document, in our words, with what the evidence says.

    `question` decides what the best design is; `group` is the pool that answers it; `trials_beside` are trials of
    treatment that are always shown with a claim of prognosis; `judged` are steps of the certainty that a person set,
    and `start` a level that no study of the ledger gives (textbook physiology). `verdict` is the one after the second
    reading; `first_verdict` the one before; `second_reading` says why they differ, or what was checked.
    """

    claim_id: str
    document: str
    claim: str
    kind: str
    question: str
    population: str
    cited_reference: str
    summary: str
    supporting: tuple[str, ...]
    contradicting: tuple[str, ...]
    trials_beside: tuple[str, ...]
    group: str
    verdict: str
    first_verdict: str
    suggested_certainty: str
    second_reading: str
    judged: tuple[Step, ...] = ()
    start: str = ""


@dataclass(frozen=True, slots=True)
class Concentration:
    """What a cell or animal experiment used, beside what a patient reaches (nmol/L of the named compound)."""

    study_id: str
    compound: str
    low_nmol_l: float
    high_nmol_l: float
    effect: str
    reference_id: str
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Reach:
    """A concentration that patients reach (nmol/L)."""

    id: str
    compound: str
    setting: str
    low_nmol_l: float
    high_nmol_l: float
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """All records, by id, in the order of their files."""

    studies: Mapping[str, Study]
    claims: Mapping[str, Claim]
    groups: Mapping[str, Group]
    concentrations: Mapping[str, Concentration] = field(default_factory=dict)
    reach: Mapping[str, Reach] = field(default_factory=dict)
