"""Small things that a patient would notice: what is named, what adds up, what a bounded result may and may not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

import numpy as np
import pytest
from safety_people import HERE, ON, base, drug, person

from calcidiol import safety
from calcidiol.kinetics import load_card
from calcidiol.patient.record import Patient, Procedure
from calcidiol.regimen import parse as parse_regimen
from calcidiol.safety.checkpoint import checkable
from calcidiol.safety.deficiency import deficiency_risk
from calcidiol.safety.facts import Facts
from calcidiol.safety.hypercalcemia import calcium_risk, excess_probability
from calcidiol.safety.language import parse
from calcidiol.safety.movers import movers
from calcidiol.safety.numbers import Numbers
from calcidiol.safety.rulebook import FILES, read
from calcidiol.terminology import products

NUMBERS: Numbers = safety.knowledge().numbers
TEXTS = {name: resources.files("calcidiol.safety").joinpath(name).read_text("utf-8") for name in FILES}
TIMES = np.arange(0, 365, 7.0)


def fired(line: str) -> set[str]:
    return {f"{f.id} {f.action}" for f in safety.limits(person(line), ON, products()).fired}


# --- which route is preferred, and what a session knows ---------------------------------------------------------------


@pytest.mark.parametrize("line", ["platelets=45", "has immobilized", "inr=1.6", "has cachexia"])
def test_where_the_needle_is_the_worse_choice_the_mouth_is_preferred(line: str) -> None:
    assert safety.limits(person(line), ON, products()).preferred_route == "oral"


@pytest.mark.parametrize("line", ["", "platelets=20", "platelets=45; no calcium"])
def test_no_route_is_preferred_without_a_choice(line: str) -> None:
    assert safety.limits(person(line), ON, products()).preferred_route is None


def test_a_session_carries_the_rules_that_stopped_it() -> None:
    got = safety.session_before(person("platelets=20; calcium=2.7"), ON, products())
    assert {r.id for r in got.rules} == {"CI16", "CI01"}


# --- names as the record writes them ----------------------------------------------------------------------------------


def test_an_operation_is_named_as_the_record_names_it() -> None:
    operated = replace(base(), procedures=(Procedure("Billroth II 2019", ("gastrectomy",), date(2019, 5, 1), HERE),))
    assert Facts(operated, ON, NUMBERS).text_of("gastrectomy") == "Billroth II 2019"
    nameless = replace(base(), procedures=(Procedure("", ("gastrectomy",), None, HERE),))
    assert Facts(nameless, ON, NUMBERS).text_of("gastrectomy") == "gastrectomy"


def test_only_the_drugs_of_the_day_are_named() -> None:
    now, later = drug("thiazide"), replace(drug("thiazide"), text="indapamide", start=ON + timedelta(days=1))
    told = safety.interactions(replace(base(), drugs=(now, later)), ON)
    assert [i.params["drug"] for i in told] == ["thiazide"]


def test_two_drugs_of_one_interaction_are_both_named() -> None:
    one, two = replace(drug("thiazide"), text="HCT"), replace(drug("thiazide"), text="indapamide")
    (told,) = safety.interactions(replace(base(), drugs=(one, two)), ON)
    assert told.params["drug"] == "HCT, indapamide"
    both = replace(base(), drugs=(replace(drug("anticoagulant"), text="warfarin"), drug("antiplatelet")))
    assert [i.params["drug"] for i in safety.interactions(both, ON)] == ["warfarin, antiplatelet"]


def test_a_mover_names_the_drug_that_moves_and_no_other() -> None:
    patient = replace(
        base(), drugs=(replace(drug("thiazide"), text="HCT"), replace(drug("glucocorticoid"), text="Dexa"))
    )
    (mover,) = movers(patient, ON, load_card("two-route-2026"))
    assert "Dexa" in str(mover.to_dict())
    assert "HCT" not in str(mover.to_dict())


def test_every_interaction_told_has_the_source_of_its_rule() -> None:
    sources = {c.text_id: c.source for c in safety.knowledge().clashes}
    classes = {c for clash in safety.knowledge().clashes for c in clash.classes}
    told = safety.interactions(replace(base(egfr=20.0), drugs=tuple(drug(c) for c in sorted(classes))), ON)
    assert len(told) > 30
    assert all(i.source == sources[i.effect_id] for i in told)


# --- bounded results --------------------------------------------------------------------------------------------------


def test_a_bounded_egfr_on_denosumab_is_told_on_the_unsafe_side() -> None:
    ids = {i.effect_id for i in safety.interactions(person("takes denosumab; no creatinine; egfr=<35"), ON)}
    assert "interaction.DI10.kidney" in ids
    ids = {i.effect_id for i in safety.interactions(person("takes denosumab; no creatinine; egfr=>35"), ON)}
    assert "interaction.DI10.kidney" not in ids


def test_a_bounded_creatinine_is_no_baseline_for_a_fall() -> None:
    assert "AD10 HOLD" in fired("takes platinum; creatinine=85; creatinine+=60@30")
    assert "AD10 HOLD" not in fired("takes platinum; creatinine=85; creatinine+=>60@30")


# --- what adds up -----------------------------------------------------------------------------------------------------


def test_two_things_of_unknown_size_widen_the_calcium_band_more_than_one() -> None:
    levels = {"x": np.full((40, len(TIMES)), 90.0)}
    start = np.full((40, len(TIMES)), 60.0)

    def width(line: str) -> float:
        o = calcium_risk(person(line), ON, TIMES, start, levels).options["x"]
        return float(np.mean(o.p95 - o.p05))

    none, one, two = (width(x) for x in ("", "takes lithium", "takes lithium; takes calcium"))
    assert none < one < two


def test_only_the_proportions_of_the_weights_count() -> None:
    rng = np.random.default_rng(3)
    start = 40 * rng.lognormal(0, 0.3, (60, 1)) * np.ones_like(TIMES)
    more = {"x": start + 150 * rng.lognormal(0, 0.6, (60, 1))}
    weights = rng.random(60)
    patient = person("calcium=2.45")
    got = [calcium_risk(patient, ON, TIMES, start, more, w).options["x"].excess for w in (weights, 7 * weights)]
    assert got[0] == pytest.approx(got[1], rel=1e-9)
    asked = [excess_probability(more["x"], start, TIMES, patient, ON, w) for w in (weights, weights[::-1].copy())]
    assert asked[0] == pytest.approx((got[0], asked[0][1]), rel=1e-9)  # type: ignore[index]
    assert asked[0][0] != pytest.approx(asked[1][0], rel=1e-6)  # type: ignore[index]


# --- who should be measured -------------------------------------------------------------------------------------------


def risk(line: str, **intake: str) -> safety.DeficiencyRisk:
    return deficiency_risk(replace(person(line), intake=intake), ON)


def present(line: str, item: str, **intake: str) -> bool | None:
    return next(x.present for x in risk(line, **intake).items if x.id == item)


def test_an_operation_on_stomach_or_gut_is_a_risk_whatever_its_name() -> None:
    for name in ("gi_surgery", "gastrectomy", "bariatric_surgery", "short_bowel"):
        assert present(f"had {name}", "gi_surgery") is True, name
    assert present("", "gi_surgery") is False


def test_an_answer_no_is_an_answer() -> None:
    assert present("", "low_activity", activity="low") is True
    assert present("", "low_activity", activity="usual") is False
    assert present("", "low_activity") is None


def test_usual_sun_and_no_answer_are_two_things() -> None:
    def points(**fields: object) -> tuple[float, float]:
        told = deficiency_risk(replace(Patient("x", sex="male", age_y=60.0), **fields), ON)  # type: ignore[arg-type]
        return told.points_low, told.points_high

    assert points(sun="usual")[1] < points()[1]  # a known answer leaves less open
    assert points(intake={"skin": "very_fair"})[0] > points(intake={"skin": "light"})[0]


def test_leukemia_is_a_cancer_where_the_advice_is_given() -> None:
    clean = Patient("x", sex="male", age_y=60.0)
    ill = replace(clean, conditions=person("has hematologic_cancer").conditions)
    assert deficiency_risk(ill, ON).advice != deficiency_risk(clean, ON).advice


def test_a_known_level_is_told_with_its_day() -> None:
    told = risk("25ohd@10=40").to_dict()["level"]
    assert told == {"date": (ON - timedelta(days=10)).isoformat(), "nmol_per_l": 40.0}
    assert risk("no 25ohd").to_dict()["level"] is None


# --- the rule language ------------------------------------------------------------------------------------------------


def test_a_distance_to_a_limit_may_be_in_another_unit() -> None:
    other, own = parse("calcium > high - 0.4 mg/dL", "here"), parse("calcium > high - 0.0998053 mmol/L", "here")
    assert other.number == pytest.approx(own.number, abs=1e-6)  # type: ignore[attr-defined]


def test_a_rule_may_use_the_sentence_of_another() -> None:
    text = TEXTS["rules.toml"].replace('when = "age < 18 a"', 'when = "age < 18 a"\ntext = "rule.LB10"')
    known = read({**TEXTS, "rules.toml": text})
    assert next(r for r in known.rules if r.id == "CI24").text_id == "rule.LB10"


# --- totals that move on ----------------------------------------------------------------------------------------------


def test_the_year_moves_on_dose_by_dose() -> None:
    """1,600 IU a day is 584,000 IU in any 365 days and never reaches 600,000, however long it goes on."""
    asked = parse_regimen("oral 1600 IU daily x 450", ON, products())
    assert safety.gate(base(), asked, ON, products()).regimen == asked


def test_late_depots_too_close_for_a_result_between_them_do_not_pass() -> None:
    none, depot = np.zeros((3, 120)), np.zeros((3, 120))
    depot[0, [40, 60]] = 200_000.0  # 400,000 IU before any result could show the first
    depot[1, [40, 60]] = 150_000.0
    depot[2, [40, 80]] = 200_000.0  # the first is shown before the second
    assert checkable(none, depot, 300_000.0).tolist() == [False, True, True]
    assert checkable(depot, none, 300_000.0).tolist() == [True, True, True]  # by mouth a week is enough


def test_a_session_asks_what_a_bounded_result_may_need() -> None:
    asked = {i.id for i in safety.session_before(person("no creatinine; egfr=<35"), ON, products()).items}
    assert "S06" in asked  # an ionized calcium, since eGFR may be below 30


def test_the_highest_of_two_levels_of_a_day_is_the_one_that_is_told() -> None:
    for line in ("25ohd=260; 25ohd+=300@3", "25ohd=300; 25ohd+=260@3"):
        (hard,) = (f for f in safety.limits(person(line), ON, products()).fired if f.id == "HL05")
        assert hard.params["value"] == 300.0


def test_what_was_given_is_taken_from_what_may_be_given() -> None:
    allowed = safety.limits(person("dose im 100000@200; 25ohd@5=40"), ON, products())
    assert allowed.total_365d_iu == pytest.approx(500_000.0)
    assert allowed.total_90d_iu == pytest.approx(300_000.0)
