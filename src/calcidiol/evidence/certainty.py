"""How sure we are: GRADE, step by step, each step with its reason.

The start comes from the question and the best kind of evidence that is linked to the claim (`data/grade.toml`). The
steps are computed from the studies and their pool; where a person judged a domain (`data/judged.csv`), that judgment
replaces the computed one and is marked so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from calcidiol.errors import UsageError
from calcidiol.evidence.load import DATA
from calcidiol.evidence.pool import Pool, pool
from calcidiol.evidence.record import CERTAINTIES, DOMAINS, Certainty, Claim, Ledger, Step, Study
from calcidiol.evidence.sensitivity import egger

_PATIENTS = re.compile(r"patient|cancer|malignan|leuk|lymphom|myelom|haematolog|hematolog|chemo|treatment", re.I)
_CELLS = re.compile(r"cell|lines|model|blasts", re.I)
_EXPERIMENTS = ("cell", "animal")


@lru_cache(maxsize=1)
def rules() -> Mapping[str, Any]:
    """The table of starts and thresholds."""
    return tomllib.loads((DATA / "grade.toml").read_text(encoding="utf-8"))


def certainty(claim: Claim, ledger: Ledger) -> Certainty:
    """The certainty of a claim's verdict.

    Parameters
    ----------
    claim, ledger
        A claim and the ledger that holds its studies.

    Returns
    -------
    Certainty
        Level, start, design of the body of evidence, and the steps.

    References
    ----------
    Guyatt et al. 2011, GRADE guidelines 1 to 9; Iorio et al. 2015 (prognosis).
    """
    studies = [ledger.studies[i] for i in (*claim.supporting, *claim.contradicting)]
    if not studies:
        start = claim.start or "very low"
        steps = tuple(s for s in claim.judged if s.domain == "start") or (_step("start", 0, "no_study"),)
        return Certainty(start, start, "none", steps)
    start, body = _body(claim, studies)
    pooled = _pool_of(claim, body, ledger)
    judged = {step.domain: step for step in claim.judged}
    computed = (
        _bias(body),
        _inconsistency(claim, body, pooled),
        _indirectness(claim, body),
        _imprecision(claim, body, pooled),
        _publication(pooled),
        _large_effect(body, pooled),
    )
    by_domain = {step.domain: step for step in computed} | judged
    steps = tuple(by_domain[domain] for domain in DOMAINS if domain in by_domain)
    if claim.start:
        start = claim.start
    moves = sum(step.move for step in steps)
    level = CERTAINTIES[min(max(CERTAINTIES.index(start) + moves, 0), len(CERTAINTIES) - 1)]
    return Certainty(level, start, _design(body), steps)


@lru_cache(maxsize=1)
def step_texts() -> Mapping[str, str]:
    """Reasons of the computed steps in English: id -> text with parameters."""
    texts: Mapping[str, str] = tomllib.loads((DATA / "steps.toml").read_text(encoding="utf-8"))
    return texts


def _step(domain: str, move: int, name: str, **params: Any) -> Step:
    """A computed step with its reason in words."""
    return Step(domain, move, step_texts()[name].format(**params), True, name, params)


def _design(body: list[Study]) -> str:
    names = {
        "trial": "randomized trials",
        "cohort": "cohorts",
        "uncontrolled": "uncontrolled series",
        "cell": "cell experiments",
        "animal": "animal experiments",
        "pharmacokinetic": "pharmacokinetic studies",
        "guideline": "guidelines",
    }
    return names[body[0].kind]


def _body(claim: Claim, studies: list[Study]) -> tuple[str, list[Study]]:
    """The best kind of evidence among the linked studies for this question, and its studies."""
    starts = rules()[claim.question]

    def rank(study: Study) -> tuple[int, int]:
        level = starts[study.kind]
        if study.kind == "pharmacokinetic" and study.design not in ("RCT", "meta-analysis"):
            level = "low"
        order = list(starts).index(study.kind)
        return CERTAINTIES.index(level), -order

    if claim.question == "mechanism" and not _CELLS.search(claim.population):
        # a claim about people: what was measured in people comes before what was seen in cells
        people = [s for s in studies if s.kind not in _EXPERIMENTS]
        studies = people or studies
    best = max(rank(s) for s in studies)
    kind = next(s.kind for s in studies if rank(s) == best)
    return CERTAINTIES[best[0]], [s for s in studies if s.kind == kind and rank(s)[0] == best[0]]


def _pool_of(claim: Claim, body: list[Study], ledger: Ledger) -> Pool | None:
    if not claim.group:
        return None
    try:
        pooled = pool(claim.group, ledger=ledger)
    except UsageError:
        return None
    kinds = {member.kind for effect in pooled.effects for member in effect.members}
    return pooled if body[0].kind in kinds else None


def _bias(body: list[Study]) -> Step:
    grades = [s.risk_of_bias for s in body]
    high, low = grades.count("high"), grades.count("low")
    move = -1 if 2 * high >= len(body) and high else 0
    return _step("risk of bias", move, "bias", high=high, low=low, total=len(body))


def _inconsistency(claim: Claim, body: list[Study], pooled: Pool | None) -> Step:
    threshold = rules()["thresholds"]["i2"]
    if pooled is not None and pooled.k > 1:
        name = "i2" if pooled.pi_low is None or pooled.pi_high is None else "i2_prediction"
        move = -1 if pooled.i2 >= threshold else 0
        return _step("inconsistency", move, name, i2=pooled.i2, k=pooled.k, low=pooled.pi_low, high=pooled.pi_high)
    ids = {s.study_id for s in body}
    for_, against = len(ids & set(claim.supporting)), len(ids & set(claim.contradicting))
    if for_ and against:
        return _step("inconsistency", -1, "disagree", supporting=for_, contradicting=against)
    return _step("inconsistency", 0, "one_study" if len(body) == 1 else "same_way", k=len(body))


def _indirectness(claim: Claim, body: list[Study]) -> Step:
    kind = body[0].kind
    about_cells = bool(_CELLS.search(claim.population)) and not _PATIENTS.search(claim.population)
    if kind in _EXPERIMENTS and not about_cells and claim.question != "mechanism":
        return _step("indirectness", -2, "outside_body")
    if kind in _EXPERIMENTS and not about_cells:
        return _step("indirectness", -1, "experiments")
    if _PATIENTS.search(claim.population) and kind not in _EXPERIMENTS:
        patients = sum(not _without_cancer(s) for s in body)
        return _step("indirectness", 0 if patients else -1, "in_patients", count=patients, total=len(body))
    return _step("indirectness", 0, "direct")


def _without_cancer(study: Study) -> bool:
    """Whether the people of a study had no cancer (trials of prevention count cancers in people who had none)."""
    prevention = ("cancer incidence", "cancer mortality", "colorectal", "hematologic malignancy")
    return study.cancer_type.lower() in ("", "none") or study.outcome_key.startswith(prevention)


def _imprecision(claim: Claim, body: list[Study], pooled: Pool | None) -> Step:
    limits = rules()["thresholds"]
    if pooled is not None and pooled.scale == "ratio":
        events = [(m.events_treat or 0) + (m.events_control or 0) for effect in pooled.effects for m in effect.members]
        crosses = pooled.ci_low < 1.0 < pooled.ci_high
        wide = crosses and (pooled.ci_low <= limits["benefit"] or pooled.ci_high >= limits["harm"])
        few = 0 < sum(events) < limits["events"]
        move, name = -(int(wide) + int(wide and few)), "interval_events" if sum(events) else "interval"
        return _step("imprecision", move, name, low=pooled.ci_low, high=pooled.ci_high, events=sum(events))
    if pooled is not None and pooled.scale == "difference":
        crosses = pooled.ci_low < 0.0 < pooled.ci_high
        people = sum(s.n or 0 for s in pooled.studies)
        move = -1 if crosses or people < limits["people_pharmacokinetics"] else 0
        numbers = {"low": pooled.ci_low, "high": pooled.ci_high, "unit": pooled.unit, "people": people}
        return _step("imprecision", move, "interval_people", **numbers)
    if body[0].kind in _EXPERIMENTS:
        return _step("imprecision", 0, "no_interval")
    sized = [s for s in body if s.estimate is not None and s.ci_low is not None and s.ci_high is not None]
    if body[0].kind == "uncontrolled" or claim.question == "prevalence":
        people = sum(s.denominator or s.n_treat or 0 for s in body)
        move = -1 if people < limits["people"] and claim.question != "prevalence" else 0
        return _step("imprecision", move, "people", people=people)
    if not sized:
        return _step("imprecision", -1, "no_effect_size")
    open_ = [s for s in sized if _uncertain(s, limits)]
    move = -1 if 2 * len(open_) > len(sized) else 0
    return _step("imprecision", move, "open_intervals", count=len(open_), total=len(sized))


def _uncertain(study: Study, limits: Mapping[str, float]) -> bool:
    low, high = study.ci_low, study.ci_high
    if low is None or high is None:
        return True
    if study.scale == "ratio":
        return low < 1.0 < high and (low <= limits["benefit"] or high >= limits["harm"])
    return low < 0.0 < high


def _publication(pooled: Pool | None) -> Step:
    if pooled is not None:
        test = egger(pooled)
        if test is not None:
            return _step("publication bias", -1 if test.p < 0.1 else 0, "egger", k=pooled.k, p=test.p)
        silent = [note for note in pooled.notes if note.id == "no_effect_negative"]
        if silent and 2 * silent[0].params["count"] >= silent[0].params["total"]:
            count, total = silent[0].params["count"], silent[0].params["total"]
            return _step("publication bias", -1, "unpublished", count=count, total=total)
        return _step("publication bias", 0, "too_few", k=pooled.k)
    return _step("publication bias", 0, "not_tested")


def _large_effect(body: list[Study], pooled: Pool | None) -> Step:
    if pooled is None or pooled.scale != "ratio" or body[0].kind != "cohort":
        return _step("large effect", 0, "cohorts_only")
    large = rules()["thresholds"]["large"]
    size = max(pooled.estimate, 1.0 / pooled.estimate)
    excluded = not pooled.ci_low <= 1.0 <= pooled.ci_high
    move = 1 if size >= large and excluded else 0
    return _step("large effect", move, "ratio", ratio=pooled.estimate, large=large)
