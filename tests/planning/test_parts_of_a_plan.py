"""Parts that planning puts together: calcium as a limit, checkpoints, placement, diary, movers, a low level."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import calcidiol as cd
from calcidiol import regimen as regimens
from calcidiol import safety
from calcidiol.kinetics import default_card
from calcidiol.patient.record import Drug, Lab, Origin, Patient, Symptom, Visit
from calcidiol.planning.answer import Plan
from calcidiol.planning.build import _judged
from calcidiol.planning.calcemia import Calcemia
from calcidiol.planning.person import Person, fitted
from calcidiol.report.words import Words
from calcidiol.terminology import products

ON = date(2026, 11, 21)
EXAMPLES = Path(__file__).parents[2] / "examples"
HERE = Origin("x")


@cache
def record(name: str) -> Patient:
    return cd.read(next(p for p in EXAMPLES.iterdir() if p.stem == name))


def told(plan: Plan) -> dict[str, Any]:
    return plan.to_dict(Words("en").say)


@cache
def person(name: str) -> Person:
    return fitted(record(name), default_card(), ON, 0)


def test_calcium_lowers_what_is_chosen_and_more_is_accepted_on_request() -> None:
    patient = record("thiazide-and-digoxin")
    strict = told(cd.plan(patient, on=ON))
    wide = told(cd.plan(patient, on=ON, goal=regimens.goal(**regimens.accepted(["calcium=50%"]))))
    assert strict["calcium"]["excess"] + 2 * strict["calcium"]["mc_error"] <= 0.01
    assert wide["calcium"]["excess"] > 0.01
    assert strict["regimen"]["total_iu"] < 0.7 * wide["regimen"]["total_iu"]
    assert any(r["text_id"] == "lost.harm" for a in strict["alternatives"] for r in a["why_not"])
    # no row of the policy table may give more in all than the regimen that keeps the limit
    left = {
        float(r["params"]["left_iu"])
        for row in strict["next_result"]["rows"]
        for r in row["reasons"]
        if "left_iu" in r["params"]
    }
    assert left
    assert max(left) <= strict["regimen"]["total_iu"]
    assert strict["goal"]["alpha_calcium"] == 0.01


def test_calcium_is_asked_of_the_doses_and_not_of_their_name() -> None:
    """A regimen that was lowered or moved afterwards may keep its name."""
    who = person("thiazide-and-digoxin")
    calcemia = Calcemia(record("thiazide-and-digoxin"), ON, who.shown, 0, 0.01)
    large = regimens.parse("oral 10000 IU daily x 182", ON, products())
    small = replace(regimens.parse("oral 400 IU daily x 182", ON, products()), name=large.name)
    (first,) = calcemia.ask([large])
    (second,) = calcemia.ask([small])
    assert first.probability is not None
    assert second.probability is not None
    assert first.probability > 2.0 * second.probability
    shown = calcemia.told(small)
    assert shown is not None
    assert shown["excess"] == pytest.approx(second.probability)


def test_a_regimen_that_passes_the_90_day_total_has_its_result_planned_and_the_gate_told() -> None:
    patient = record("simple-deficiency")
    asked = regimens.parse("oral 50000 IU every 7 d x 8", ON, products())
    verdict, _ = _judged(patient, asked, ON, products(), person("simple-deficiency"))
    assert verdict.regimen is not None
    assert verdict.regimen.runs == asked.runs
    assert "HL09" in {r.id for r in verdict.rules}
    alone = safety.gate(patient, asked, ON, products())
    assert alone.regimen is not None
    assert alone.regimen.total_iu < asked.total_iu


def test_injections_move_out_of_the_nadir_and_the_plan_says_why() -> None:
    patient = record("simple-deficiency")
    busy = replace(patient, visits=(Visit("nadir", ON + timedelta(days=1), HERE),))
    asked = regimens.parse("im 100000 IU every 28 d x 2", ON, products())
    verdict, said = _judged(busy, asked, ON, products(), person("simple-deficiency"))
    assert verdict.regimen is not None
    assert verdict.regimen.runs[0].start > ON
    assert "place.moved" in {p.text_id for p in said}
    free, nothing = _judged(patient, asked, ON, products(), person("simple-deficiency"))
    assert free.regimen is not None
    assert free.regimen.runs[0].start == ON
    assert "place.moved" not in {p.text_id for p in nothing}


def test_an_inducer_is_shown_with_and_without() -> None:
    drug = Drug((), "carbamazepine 400 mg", ("inducing_antiepileptic", "enzyme_inducer"), HERE)
    plan = told(cd.plan(replace(record("simple-deficiency"), drugs=(drug,)), on=ON))
    assert [m["covariate"] for m in plan["movers"]] == ["inducer"]
    with_it, free = (plan["forecasts"][k]["level"]["p50"] for k in ("individual", "without_interactions"))
    assert with_it[0] == pytest.approx(free[0])
    assert free[26] > 1.05 * with_it[26]
    assert "without_interactions" not in told(cd.plan(record("ckd-4"), on=ON))["forecasts"]


def test_the_diary_stands_beside_the_level() -> None:
    days = [ON - timedelta(days=d) for d in (60, 40, 20, 5)]
    scores = tuple(Symptom("fatigue", s, d, HERE) for s, d in zip((8.0, 6.0, 4.0, 2.0), days, strict=True))
    plan = told(cd.plan(replace(record("simple-deficiency"), symptoms=scores), on=ON))
    (series,) = plan["symptoms"]["series"]
    assert series["text_id"] == "symptom.falling"
    assert [p["score"] for p in series["points"]] == [8.0, 6.0, 4.0, 2.0]
    assert series["points"][-1]["level"] is not None  # a result within 45 days of the last score
    assert series["points"][0]["level"] is None or plan["labs"][0]["date"] < days[1].isoformat()
    assert plan["symptoms"]["notes"][0]["text_id"] == "symptom.not_causal"


def test_a_level_below_its_forecast_is_explained_and_one_inside_is_not() -> None:
    low = told(cd.plan(record("gastrectomy"), on=ON))["lower_than_forecast"]
    assert low["percentile"] < 5.0
    assert sum(e["probability"] for e in low["explanations"]) == pytest.approx(1.0)
    assert {e["id"] for e in low["explanations"]} <= {"chance", "missed_doses", "absorption", "assay", "model"}
    assert (low["text_id"] == "lower.likely") == (low["params"]["factor"] >= low["params"]["threshold"]) or (
        low["text_id"] == "lower.not_distinguishable"
    )
    assert told(cd.plan(record("simple-deficiency"), on=ON))["lower_than_forecast"] is None


def test_a_lighter_prior_follows_the_result_more() -> None:
    """One result far above the card's people: with a flattened prior the fit lies nearer to it."""
    high = Lab("25ohd", 170.0, "nmol/L", datetime(2026, 11, 18), HERE)
    patient = replace(
        record("simple-deficiency"), labs=(*(x for x in record("simple-deficiency").labs if x.analyte != "25ohd"), high)
    )
    full, flat = (cd.forecast(patient, "none", on=ON, flatten=w)["forecasts"]["individual"] for w in (1.0, 0.3))
    assert flat["level"]["p50"][0] > 1.02 * full["level"]["p50"][0]
