"""How a record is read: days, units, what is impossible, what steps in for what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from safety_people import HERE, ON, base, condition, dose, drug, lab, person

from calcidiol import safety
from calcidiol.patient.record import Code, Condition, Drug, GivenDose, Patient, Procedure
from calcidiol.safety import exposure
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import parse
from calcidiol.terminology import products

NUMBERS = safety.knowledge().numbers


def facts(p: Patient) -> Facts:
    return Facts(p, ON, NUMBERS)


def values(p: Patient, name: str) -> list[float]:
    return sorted(x.lo for x in facts(p).of(name))


def fired(p: Patient) -> set[str]:
    return {f.id for f in safety.limits(p, ON, products()).fired}


def with_lab(p: Patient, **changed: object) -> Patient:
    return replace(p, labs=tuple(replace(x, **changed) if x.analyte == "calcium" else x for x in p.labs))  # type: ignore[arg-type]


def test_a_result_after_the_day_is_not_there_and_of_the_day_is() -> None:
    late = lab("calcium", 2.9, -1)
    p = replace(base(), labs=(*base().labs, late))
    assert values(p, "calcium") == [2.3, 2.3]
    today = replace(base(), labs=(*base().labs, lab("calcium", 2.9, 0)))
    assert max(values(today, "calcium")) == 2.9
    night = replace(late, when=late.when.replace(hour=0) - timedelta(minutes=1))
    assert max(values(replace(base(), labs=(*base().labs, night)), "calcium")) == 2.9


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 9.4, 0.0])
def test_what_cannot_be_true_makes_the_field_unknown_and_no_older_value_steps_in(value: float) -> None:
    p = replace(base(), labs=(*base().labs, lab("calcium", value, 0)))
    assert values(p, "calcium") == []
    assert "LB01" in fired(p)


def test_a_wrong_unit_makes_the_field_unknown_and_another_one_is_converted() -> None:
    assert values(with_lab(base(), unit="furlong"), "calcium") == []
    assert values(with_lab(base(), unit="mg/dL", value=10.0), "calcium")[0] == pytest.approx(2.495, abs=0.001)
    negative = replace(base(), labs=(*base().labs, lab("calcium", -1.0, 0, "<")))
    assert values(negative, "calcium") == []


def test_an_own_limit_that_cannot_be_one_is_not_taken() -> None:
    for high, expected in ((float("nan"), 2.6), (0.0, 2.6), (2.55, 2.55), (2.75, 2.75), (2.9, 2.6), (10.2, 2.6)):
        assert {x.high for x in facts(with_lab(base(), high=high)).of("calcium")} == {expected}
    assert next(x.high for x in facts(person("alt=30; high alt=40")).of("alt")) == 40


def test_calcium_is_corrected_once() -> None:
    p = person("no calcium; calcium_corrected=2.5; albumin=25")
    assert values(p, "calcium") == [2.5]
    flagged = replace(
        base(), labs=tuple(replace(x, corrected=x.analyte == "calcium") for x in person("albumin=25").labs)
    )
    assert values(flagged, "calcium") == [2.3]
    both = person("calcium_corrected=2.55; albumin=30")
    assert values(both, "calcium") == [2.3, 2.5, 2.55]


def test_albumin_of_another_day_corrects_within_28_days() -> None:
    assert values(person("albumin@31=25"), "calcium") == [2.3, 2.6]
    assert values(person("albumin@32=25"), "calcium") == [2.3]
    assert values(person("albumin@5=30; albumin+=25@20"), "calcium") == [2.3, 2.5]


def test_an_impossible_plain_calcium_is_not_replaced_by_a_corrected_one() -> None:
    p = person("calcium=9.9; calcium_corrected=2.4")
    assert values(p, "calcium") == []


def test_egfr_is_read_both_ways_and_the_worse_decides() -> None:
    assert len(values(person("egfr=40"), "egfr")) == 2
    assert "CI06" in fired(person("egfr=40"))
    assert values(person("egfr@7=20"), "egfr") == values(base(), "egfr")
    assert len(values(person("no sex"), "egfr")) == 2
    assert values(person("no age"), "egfr") == []
    assert values(person("egfr=400; creatinine=70"), "egfr") == []
    assert values(person("creatinine=1"), "egfr") == []
    low = facts(person("creatinine=>200")).of("egfr")[0]
    assert low.lo == 0.0
    assert low.hi < 30
    high = facts(person("creatinine=<60")).of("egfr")[0]
    assert high.hi == float("inf")


def test_creatinine_clearance() -> None:
    assert values(base(), "creatinine_clearance") == [pytest.approx(83.5, abs=0.2)]
    assert values(person("sex=male"), "creatinine_clearance") == [pytest.approx(98.3, abs=0.2)]
    assert len(values(person("no sex"), "creatinine_clearance")) == 2
    assert values(person("no age"), "creatinine_clearance") == []
    assert values(replace(base(), weight_kg=()), "creatinine_clearance") == []
    assert values(person("creatinine=>90"), "creatinine_clearance") == []


def test_weight_without_a_date_counts_and_of_the_future_does_not() -> None:
    undated = replace(base(), weight_kg=(lab("weight", 60.0, -9, flags=("undated",)),))
    assert values(undated, "weight") == [60.0]
    assert values(replace(base(), weight_kg=(lab("weight", 60.0, -9),)), "weight") == []


def test_age_of_nonsense_is_not_known() -> None:
    for age in (float("nan"), -1.0, float("inf")):
        assert "LB10" in fired(replace(base(), age_y=age))


def test_urine_calcium_per_weight_is_computed() -> None:
    assert values(person("urine_calcium_24h=7.4"), "urine_calcium_weight") == [
        pytest.approx(7.4 * 40.078 / 70, abs=1e-3)
    ]
    assert "CI02" in fired(person("urine_calcium_24h=7.4"))
    assert values(replace(person("urine_calcium_24h=7.4"), weight_kg=()), "urine_calcium_weight") == []
    assert values(base(), "urine_calcium_weight") == []


def ends(p: Patient, name: str) -> list[tuple[float, float]]:
    return sorted((x.lo, x.hi) for x in facts(p).of(name))


def test_products_and_ratios_have_both_ends() -> None:
    assert ends(person("calcium=2.5; phosphate=1.2; no albumin"), "ca_x_po4") == [(3.0, 3.0)]
    assert ends(person("calcium=2.5; phosphate=<1.2; no albumin"), "ca_x_po4") == [(0.0, 3.0)]
    assert ends(person("calcium=>2.5; phosphate=1.2; no albumin"), "ca_x_po4") == [(3.0, float("inf"))]
    assert ends(person("creatinine=90; creatinine+=60@60"), "creatinine_ratio") == [(1.5, 1.5)]
    assert ends(person("creatinine=90; creatinine+=60@5"), "creatinine_rise_48h") == [(30.0, 30.0)]
    assert ends(person("creatinine=90; creatinine+=60@6"), "creatinine_rise_48h") == [(0.0, 0.0)]
    assert ends(person("no creatinine; egfr=70; egfr+=100@90"), "egfr_fall") == [(30.0, 30.0)]
    assert ends(person("no creatinine; egfr=70; egfr+=100@91"), "egfr_fall") == [(0.0, 0.0)]
    assert ends(person("urine_calcium_24h=<7"), "urine_calcium_weight") == [(0.0, pytest.approx(4.008, abs=1e-3))]
    assert ends(person("has cirrhosis; bilirubin=20"), "child_pugh") == [(5.0, 7.0)]
    assert ends(person("has liver_disease; inr=1.1; has ascites; has encephalopathy"), "child_pugh") == [(8.0, 10.0)]
    assert ends(base(), "child_pugh") == []
    assert min(x.when for x in facts(person("phosphate@9=1.2")).of("ca_x_po4")) == ON - timedelta(days=9)  # type: ignore[type-var]


def test_signs_of_tumor_lysis_are_counted_at_their_limits_and_within_7_days() -> None:
    for line, signs in (
        ("urate=476", 1), ("urate=475.9", 0), ("potassium=6", 1), ("potassium=5.9", 0), ("phosphate=1.45", 1),
        ("phosphate=1.44", 0), ("calcium=1.75; no albumin", 1), ("calcium=1.76; no albumin", 0), ("urate@7=480", 1),
        ("urate@8=480", 0), ("urate=480; potassium=6.5; phosphate=1.6", 3),
    ):  # fmt: skip
        assert values(person(line), "tls_criteria") == [float(signs)], line


def test_calcium_intake() -> None:
    assert values(base(), "calcium_intake") == []
    assert values(person("takes calcium:500; takes calcium:600"), "calcium_intake") == [1100.0]
    partly = facts(person("takes calcium:600; takes calcium")).of("calcium_intake")[0]
    assert (partly.lo, partly.hi) == (600.0, float("inf"))
    assert "CI22" in fired(person("takes calcium:600; takes calcium"))


def test_earlier_calcium_is_that_of_90_days() -> None:
    assert values(person("calcium+=2.55@90"), "calcium_before") == [2.3, 2.55]
    assert values(person("calcium+=2.55@91; calcium_corrected@90=2.6"), "calcium_before") == [2.3, 2.6]
    assert values(person("calcium_corrected@91=2.6"), "calcium_before") == [2.3]


def test_creatinine_history() -> None:
    assert values(person("no creatinine; egfr=80"), "creatinine_ratio") == []
    assert values(person("no creatinine; egfr=80"), "creatinine_rise_48h") == []
    assert values(person("no creatinine"), "egfr_fall") == []
    assert values(person("creatinine=105; creatinine+=70@60"), "creatinine_ratio") == [1.5]
    assert values(person("creatinine=<100; creatinine+=70@60"), "creatinine_ratio") == [0.0]
    assert values(person("egfr=70; egfr+=100@30; no creatinine"), "egfr_fall") == [30.0]
    assert values(person("no age; egfr=70; egfr+=100@30"), "egfr_fall") == [30.0]
    assert values(person("creatinine=70; creatinine+=<20@30"), "egfr_fall") == [0.0]


def test_a_level_shows_doses_only_after_a_while() -> None:
    for line, seen in (
        ("dose oral 1000@10", True), ("dose oral 1000@9", False), ("dose im 1000@31", True), ("dose im 1000@30", False),
        ("dose oral 1000@1", False), ("dose oral 1000@40; no 25ohd", False),
    ):  # fmt: skip
        assert values(person(line), "vitamin_d_90d") == [0.0 if seen else 1000.0], line


def test_exposure_counts_days_of_the_window() -> None:
    p = replace(base(), doses=(dose("oral", 1000.0, 400, 1.0, True),))
    assert values(p, "vitamin_d_365d") == [364_000.0]
    assert values(replace(p, doses=(dose("oral", 1000.0, 364),)), "vitamin_d_365d") == [1000.0]
    assert values(replace(p, doses=(dose("oral", 1000.0, 365),)), "vitamin_d_365d") == [0.0]
    assert values(replace(p, doses=(dose("oral", 1000.0, -3),)), "vitamin_d_365d") == [0.0]
    assert values(replace(p, doses=(dose("oral", 1000.0, 730, 10.0, count=40),)), "vitamin_d_365d") == [3000.0]
    weekly = replace(p, doses=(dose("oral", 1000.0, 0, 7.0, count=4),))
    assert values(weekly, "vitamin_d_365d") == [1000.0]


def test_calcifediol_and_unknown_substances_count() -> None:
    assert exposure.counted_iu(None, 10.0 / 0.40064, "calcifediol") == pytest.approx(1000)
    assert exposure.counted_iu(None, 25.0 / 0.38464, "cholecalciferol") == pytest.approx(1000)
    assert exposure.counted_iu(None, 10.0 / 0.40064, "mystery") == pytest.approx(1000)


def test_injections_of_one_day_add_up() -> None:
    p = replace(base(), doses=(dose("im", 100_000.0, 10), dose("im", 200_000.0, 10)))
    assert safety.limits(p, ON, products()).im_from == ON + timedelta(days=74)
    other = replace(base(), doses=(replace(dose("im", 100_000.0, 10), route="sc"),))
    assert safety.limits(other, ON, products()).im_from == ON + timedelta(days=18)
    assert safety.limits(replace(base(), doses=(dose("im", 3_000_000.0, 500),)), ON, products()).im_from is not None


def test_conditions_that_are_over_or_to_come_do_not_count() -> None:
    c = condition("lymphoma")
    for gone in (replace(c, active=False), replace(c, onset=ON + timedelta(days=1))):
        assert "CI08" not in fired(replace(base(), conditions=(gone,)))
    assert "CI08" in fired(replace(base(), conditions=(replace(c, onset=ON),)))
    later = Procedure("radiotherapy", ("radiotherapy",), ON + timedelta(days=3), HERE)
    assert "CI20" not in fired(replace(base(), procedures=(later,)))


def test_what_was_written_is_told() -> None:
    coded = Condition((Code("icd10", "C85.9"),), "", ("lymphoma",), HERE)
    told = [f for f in safety.limits(replace(base(), conditions=(coded,)), ON, products()).fired if f.id == "CI08"]
    assert "C85.9" in str(told[0].params["seen"])
    bare = replace(coded, codes=())
    assert facts(replace(base(), conditions=(bare,))).text_of("lymphoma") == "lymphoma"
    assert facts(base()).text_of("lymphoma") == "lymphoma"
    pill = Drug((Code("atc", "H05BX02"),), "", ("active_vitamin_d",), HERE)
    assert facts(replace(base(), drugs=(pill,))).drug_of("active_vitamin_d") == "H05BX02"
    assert facts(replace(base(), drugs=(replace(pill, codes=()),))).drug_of("active_vitamin_d") == "active_vitamin_d"
    assert facts(base()).drug_of("active_vitamin_d") == "active_vitamin_d"


def test_the_value_that_is_told_is_the_worst_one() -> None:
    def told(line: str, rule: str) -> object:
        return next(f for f in safety.limits(person(line), ON, products()).fired if f.id == rule).params["value"]

    assert told("calcium=2.7; calcium+=2.9@3", "CI01") == 2.9
    fired_rules = safety.limits(person("calcium=2.4; albumin=20"), ON, products()).fired
    seen = {f.id: f.params["seen"] for f in fired_rules}
    assert seen["CI01"] == f"calcium 2.8 mmol/L (> 2.6, corrected, {(ON - timedelta(days=3)).isoformat()})"
    seen = {f.id: f.params["seen"] for f in safety.limits(person("platelets=20"), ON, products()).fired}
    assert seen["CI16"] == f"platelets 20 x 10^9/L (< 30, {(ON - timedelta(days=3)).isoformat()})"
    assert told("calcium=1.8; calcium+=1.7@3", "CI21") == 1.7
    assert told("platelets=20; platelets+=10@3", "CI16") == 10
    assert told("25ohd=260; 25ohd+=300@3", "CI04") == 300


def test_permissions_follow_what_is_left() -> None:
    def permitted(line: str, rule: str) -> tuple[str, ...]:
        return next(f for f in safety.limits(person(line), ON, products()).fired if f.id == rule).permitted

    assert "permitted.bone_agent" in permitted("no calcium; takes denosumab", "LB01")
    assert "permitted.bone_agent" not in permitted("no calcium", "LB01")
    assert "permitted.bone_agent" not in permitted("takes denosumab; has lymphoma; 1_25_ohd=200; no creatinine", "LB03")
    assert "permitted.oral" in permitted("platelets=20", "CI16")
    assert "permitted.oral" not in permitted("platelets=20; no calcium", "CI16")
    assert "permitted.bone_agent" in permitted("platelets=20; takes bisphosphonate; no calcium", "CI16")


def test_an_allergy_crosses() -> None:
    allowed = safety.limits(person("allergy soya"), ON, products())
    assert {f.params["substance"] for f in allowed.fired if f.id == "CI15"} == {"soya", "arachis"}
    assert all(products()[k].vehicle not in ("arachis", "soya", "unknown") for k in allowed.products)
    assert "CI14" not in fired(person("allergy fish"))
    assert {"CI14", "CI15"} <= fired(person("allergy gelatin; allergy sesame; allergy fish"))
    pairs = {
        f.id: f.params["substance"]
        for f in safety.limits(person("allergy gelatin; allergy sesame"), ON, products()).fired
    }
    assert pairs == {"CI14": "gelatin", "CI15": "sesame"}


def test_statements_that_no_rule_uses_yet() -> None:
    p = person("takes chemotherapy@3; visit nadir@-2; allergy sesame; sex=male")
    for text, expected in (
        ("started chemotherapy within 3 d", 3), ("started chemotherapy within 2 d", 0), ("due nadir within 2 d", 3),
        ("due nadir within 1 d", 0), ("allergic to sesame", 3), ("allergic to olive", 0), ("sex is male", 3),
        ("sex is unknown", 0), ("calcium > high + 0.1 mmol/L", 0), ("calcium > low - 0.1 mmol/L", 3),
        ("calcium_ionized > high", 1), ("alt > 40 U/L", 1), ("inr is older than 3 d", 1),
    ):  # fmt: skip
        condition_ = parse(text, "test")
        assert condition_.truth(facts(p)) == expected, text
        assert isinstance(condition_.seen(facts(p)), dict) if not text.startswith("inr") else True
    assert parse("due nadir within 2 d", "test").seen(facts(p)) == {"visit": "nadir", "seen": "nadir"}
    assert parse("due nadir within 1 d", "test").seen(facts(p)) == {}
    assert parse("allergic to sesame", "test").seen(facts(p)) == {"allergy": "sesame", "seen": "sesame"}
    unlimited = replace(p, labs=(*p.labs, lab("calcium", 2.3, 0, high=None)))
    assert parse("calcium > high", "test").truth(facts(unlimited)) == 0


def test_the_whole_is_small_enough_to_read_a_thousand_results() -> None:
    """Not a timing: the record is read once, and only the newest day of an analyte is kept."""
    rows = tuple(lab("calcium", 2.3, 3 + i) for i in range(1000))
    p = replace(base(), labs=(*base().labs, *rows), drugs=(drug("thiazide"),) * 50)
    assert len(facts(p).of("calcium")) == 2


def test_a_given_dose_of_unknown_iu_is_counted_by_its_amount() -> None:
    d = GivenDose("cholecalciferol", "im", 19500.0, None, ON - timedelta(days=5), 0.0, 1, HERE)
    assert values(replace(base(), doses=(d,)), "vitamin_d_365d")[0] == pytest.approx(300_000, rel=1e-3)
