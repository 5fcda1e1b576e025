"""Certainty: where it starts, and what moves it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from calcidiol.evidence.certainty import certainty
from calcidiol.evidence.load import load
from calcidiol.evidence.record import CERTAINTIES, DOMAINS, Claim, Ledger, Study

LEDGER = load()
TRIAL = LEDGER.studies["VIDA2018_INC"]


def claim(**changes: Any) -> Claim:
    base = dataclasses.replace(LEDGER.claims["C09"], group="", judged=(), start="", supporting=(), contradicting=())
    return dataclasses.replace(base, **changes)


def study(study_id: str, **changes: Any) -> Study:
    return dataclasses.replace(TRIAL, **{"study_id": study_id, "family": study_id, **changes})


def grade(one: Claim, *studies: Study) -> Any:
    ledger = Ledger({s.study_id: s for s in studies}, {}, LEDGER.groups)
    return certainty(dataclasses.replace(one, supporting=tuple(s.study_id for s in studies)), ledger)


def moves(found: Any) -> dict[str, int]:
    return {step.domain: step.move for step in found.steps if step.move}


def test_every_claim_has_its_steps_with_reasons() -> None:
    for one in LEDGER.claims.values():
        found = certainty(one, LEDGER)
        assert found.level in CERTAINTIES
        assert all(step.reason for step in found.steps)
        if found.design != "none":
            assert {step.domain for step in found.steps} >= set(DOMAINS) - {"dose response"}
            total = CERTAINTIES.index(found.start) + sum(step.move for step in found.steps)
            assert CERTAINTIES[min(max(total, 0), 3)] == found.level


def test_design_sets_the_start() -> None:
    precise = {"ci_low": 0.9, "ci_high": 1.1, "estimate": 1.0, "risk_of_bias": "low"}
    assert grade(claim(), study("A", **precise)).level == "high"
    cohort = grade(claim(), study("A", kind="cohort", design="cohort", **precise))
    assert (cohort.start, cohort.design) == ("low", "cohorts")
    prognosis = grade(claim(question="prognosis"), study("A", kind="cohort", design="cohort", **precise))
    assert prognosis.start == "high"
    assert grade(claim()).level == "very low"


def test_a_cell_experiment_says_little_about_patients() -> None:
    cells = study("A", kind="cell", design="in vitro")
    about_cells = claim(question="mechanism", population="cell models", kind="mechanistic")
    assert grade(about_cells, cells).level == "high"
    assert grade(claim(question="treatment", population="patients with cancer"), cells).level == "very low"


def test_each_domain_lowers() -> None:
    low = {"ci_low": 0.9, "ci_high": 1.1, "estimate": 1.0, "risk_of_bias": "low"}
    assert moves(grade(claim(), study("A", **{**low, "risk_of_bias": "high"}))) == {"risk of bias": -1}
    assert moves(grade(claim(), study("A", **{**low, "ci_low": 0.5, "ci_high": 2.0}))) == {"imprecision": -1}
    patients = claim(population="patients with cancer")
    healthy = study("A", cancer_type="none", outcome_key="fatigue", **low)
    assert moves(grade(patients, healthy)) == {"indirectness": -1}
    one, two = study("A", **low), study("B", **low)
    ledger = Ledger({"A": one, "B": two}, {}, LEDGER.groups)
    split = certainty(claim(supporting=("A",), contradicting=("B",)), ledger)
    assert moves(split) == {"inconsistency": -1}


def test_inconsistency_and_imprecision_come_from_the_pool() -> None:
    found = certainty(LEDGER.claims["C09"], LEDGER)
    by = {step.domain: step for step in found.steps}
    assert "I2 0 %" in by["inconsistency"].reason
    assert by["imprecision"].computed
    hypercalcemia = certainty(dataclasses.replace(LEDGER.claims["C29"], judged=()), LEDGER)
    assert moves(hypercalcemia)["inconsistency"] == -1  # I2 far above 50 %


def test_silent_trials_count_as_publication_bias() -> None:
    found = certainty(LEDGER.claims["C01"], LEDGER)
    step = next(s for s in found.steps if s.domain == "publication bias")
    assert step.move == -1
    assert "3 of 5 trials" in step.reason


def test_a_judgment_replaces_the_computed_step_and_is_marked() -> None:
    found = certainty(LEDGER.claims["C02"], LEDGER)
    step = next(s for s in found.steps if s.domain == "inconsistency")
    assert (step.computed, step.move) == (False, 0)


@pytest.mark.parametrize(
    ("claim_id", "level"), [("C09", "high"), ("C26", "very low"), ("C66", "high"), ("C74", "high")]
)
def test_levels_of_known_claims(claim_id: str, level: str) -> None:
    assert certainty(LEDGER.claims[claim_id], LEDGER).level == level
