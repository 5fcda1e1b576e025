"""A level lower than forecast: told only when the results can tell, and then mostly right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from records import ON, injection, lab, oral, person

from calcidiol.individual import lower_than_forecast, population
from calcidiol.individual.doubt import Doubt, priors
from calcidiol.individual.history import history, observed
from calcidiol.individual.likelihood import log_sd
from calcidiol.individual.lower import REASONS, Comparison, _weighed
from calcidiol.individual.problem import Problem
from calcidiol.individual.sampling import from_prior
from calcidiol.kinetics import default_card
from calcidiol.kinetics.layout import ROW

CARD = default_card()
WEEKLY = (oral(50_000, -200, count=29),)
TWO_METHODS = (-201, -140, -110, -60, -30, -5), ("lc-ms", "lc-ms", "lc-ms", "immunoassay", "lc-ms", "lc-ms")
DENSE = (-201, -120, -100, -88, -80, -60, -40, -20, -5), ("lc-ms",) * 9
FIRST = 3


def problem_of(who, days, methods, first, reason=None):  # type: ignore[no-untyped-def]
    told = replace(who, labs=(*who.labs, *(lab(50.0, d, assay=m) for d, m in zip(days, methods, strict=True))))
    start = ON + timedelta(days=days[first - 1])
    parts = CARD, history(told, start, ON), observed(told, ON, start), float(start.timetuple().tm_yday)
    return Problem(*parts) if reason is None else Doubt(*parts, reason=reason, first=first)


def simulated(kind: str, size: float, design, seed: int):  # type: ignore[no-untyped-def]
    """The record of one person of the prior in whom a reason acts from the result number FIRST on."""
    days, methods = design
    who = person(doses=WEEKLY)
    problem = problem_of(who, days, methods, FIRST)
    usual = population(who, CARD, ON, seed=seed, draws=100).parameters[:1].copy()
    after = usual.copy()
    if kind == "missed":
        after[:, ROW["f_oral"]] *= size
    level = problem.solve(usual, state=False, after=after)[0][0]
    rng = np.random.default_rng([seed, 1])
    bias = {"lc-ms": 0.0, "immunoassay": CARD.assay_bias * rng.standard_normal()}
    new = np.arange(len(days)) >= FIRST
    lowered = new & (np.array([m == methods[FIRST] for m in methods]) if kind == "assay" else kind == "other")
    center = level * np.exp([bias[m] for m in methods]) * np.where(lowered, size, 1.0)
    values = center * np.exp(rng.standard_normal(len(center)) * log_sd(center, *CARD.residual))
    rows = [lab(float(v), d, assay=m) for v, d, m in zip(values, days, methods, strict=True)]
    return replace(who, labs=(*who.labs, *rows))


def compared(record, first: int = FIRST, seed: int = 0) -> Comparison:  # type: ignore[no-untyped-def]
    """As if only the result number `first` had been below its band."""
    count = len(record.labs_of("25ohd"))
    told = lower_than_forecast(record, CARD, ON, seed=seed, fell=[1.0 if i == first else 50.0 for i in range(count)])
    assert told is not None
    return told


@pytest.mark.parametrize(
    ("kind", "size", "design", "least"),
    [("missed", 0.0, DENSE, 4), ("assay", 0.4, TWO_METHODS, 3), ("other", 0.3, TWO_METHODS, 4)],
)
def test_where_the_results_can_tell_the_reason_is_told(kind: str, size: float, design, least: int) -> None:  # type: ignore[no-untyped-def]
    told = Counter(compared(simulated(kind, size, design, seed), seed=seed).told for seed in range(6))
    assert told[kind] >= least, told
    assert told[kind] + told[None] >= 5, f"a wrong reason was told more than once: {told}"


@pytest.mark.parametrize(("kind", "size"), [("missed", 0.2), ("assay", 0.6), ("other", 0.6), ("chance", 1.0)])
def test_a_lone_low_result_does_not_tell_its_reason(kind: str, size: float) -> None:
    days = TWO_METHODS[0]
    alone = days[:4], ("lc-ms",) * 4
    for seed in range(3):
        told = compared(simulated(kind, size, alone, seed), seed=seed)
        assert told.told is None
        assert len(told.together) >= 2
        assert told.results == 1
        assert told.to_dict()["text_id"] == "lower.not_distinguishable"


@pytest.mark.parametrize("reason", [None, *REASONS])
def test_evidence_is_that_of_a_million_guesses(reason: str | None) -> None:
    # The mean likelihood over draws of the prior is the definition; 40,000 draws know it to about 2 %.
    who = person(lab(60, -100), lab(95, -60), lab(55, -30, assay=None), lab(62, -8), doses=WEEKLY)
    parts = (
        CARD, history(who, ON + timedelta(days=-60), ON), observed(who, ON, ON + timedelta(days=-60)), 100.0
    )  # fmt: skip
    problem = Problem(*parts) if reason is None else Doubt(*parts, reason=reason, first=2)
    on = ON + timedelta(days=-60)
    guess = from_prior(problem, who, on, 40_000, 77).log_likelihood
    expected = np.log(np.mean(np.exp(guess - guess.max()))) + guess.max()
    told = _weighed(problem, who, on, 1, 2000)
    assert told.error < 0.06
    assert told.log_evidence == pytest.approx(expected, abs=0.12)


def test_what_no_missed_dose_explains_is_not_missed_doses() -> None:
    # Far below the level that was there before any dose.
    rows = [lab(70, -201), lab(72, -199), lab(150, -120), lab(20, -40), lab(22, -10, assay="immunoassay")]
    told = compared(person(*rows, doses=WEEKLY))
    by = {r.id: r.log_bayes_factor for r in told.reasons}
    assert told.told == "other"
    assert by["other"] - by["missed"] > np.log(20)


def test_reasons_that_cannot_be_are_not_offered() -> None:
    rows = (lab(30, -121), lab(60, -60), lab(25, -5))
    untreated = compared(person(*rows), first=2)
    assert {r.id for r in untreated.reasons} == {"chance", "assay", "other"}
    injected = compared(person(*rows, doses=(injection(300_000, -120),)), first=2)
    assert {r.id for r in injected.reasons} == {"chance", "absorption", "assay", "other"}
    for told in (untreated, injected):
        assert sum(r.prior for r in told.reasons) == pytest.approx(1)
        assert sum(r.probability for r in told.reasons) == pytest.approx(1)
        assert all(r.source and r.tag in "VRPS" for r in told.reasons)


def test_only_a_recent_result_below_its_band_is_asked_about() -> None:
    calm = person(lab(50, -60), lab(52, -30), lab(49, -5))
    assert lower_than_forecast(calm, CARD, ON) is None
    high = person(lab(50, -60), lab(52, -30), lab(140, -5))
    assert lower_than_forecast(high, CARD, ON) is None
    low = person(lab(50, -60), lab(52, -30), lab(17, -5))
    told = lower_than_forecast(low, CARD, ON)
    assert told is not None
    assert (told.lab.value, told.results) == (17, 1)
    assert told.percentile < 5
    old = [lab(50, -400), lab(17, -370), *(lab(50, -300 + 40 * i) for i in range(7))]
    assert lower_than_forecast(person(*old), CARD, ON, fell=[50.0, 1.0, *[50.0] * 7]) is None
    assert lower_than_forecast(person(), CARD, ON) is None


def test_a_run_of_low_results_is_one_question_and_the_answer_is_the_same_each_time() -> None:
    who = person(lab(60, -201), lab(120, -120), lab(50, -60), lab(40, -30), doses=WEEKLY)
    a, b = (lower_than_forecast(who, CARD, ON, seed=3, fell=[50.0, 50.0, 1.0, 2.0]) for _ in range(2))
    assert a is not None
    assert b is not None
    assert (a.lab.value, a.results) == (50, 2)
    assert a.to_dict() == b.to_dict()


def test_a_first_result_after_doses_can_be_asked_about() -> None:
    told = compared(person(lab(9, -5), doses=WEEKLY), first=0)
    assert {r.id for r in told.reasons} == {"chance", *REASONS}


def test_priors_are_stated_and_sum_to_one() -> None:
    room = priors()
    assert sum(room[name]["prior"] for name in ("chance", *REASONS)) == pytest.approx(1)
    assert all(room[name]["source"] and room[name]["tag"] in "VRPS" for name in ("chance", *REASONS))
    assert room["distinguishable"]["value"] == 3.0
