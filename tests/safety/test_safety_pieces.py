"""What the parts of the safety room tell, field by field: hard limits, placement, schemes, notes on calcium."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

import numpy as np
import pytest
from safety_people import HERE, ON, base, condition, dose, drug, person

from calcidiol import safety
from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.kinetics.calcium_card import calcium_card
from calcidiol.kinetics.events import DoseRun, Regimen
from calcidiol.patient.record import Allergy, Patient, Procedure, Visit
from calcidiol.quantity import iu_to_nmol, ug_to_nmol
from calcidiol.regimen import parse
from calcidiol.safety import check, exposure, language, numbers, placement, published, renal, status, watch
from calcidiol.safety.allowed import allergens
from calcidiol.safety.checkpoint import QuarterTotal, checkable
from calcidiol.safety.facts import Facts
from calcidiol.safety.hypercalcemia import _person
from calcidiol.terminology import products

TABLE = products()
NUMBERS = safety.knowledge().numbers


def facts(line: str) -> Facts:
    return Facts(person(line), ON, NUMBERS)


def day(n: int) -> str:
    return (ON + timedelta(days=n)).isoformat()


def run(product: str, amount: float, start: int = 0, every: float = 0.0, count: int = 1) -> DoseRun:
    p = TABLE[product]
    unit = p.strength_unit
    iu = amount if unit == "[iU]" else None
    nmol = iu_to_nmol(amount, p.substance) if iu is not None else ug_to_nmol(amount, p.substance)
    return DoseRun(ON + timedelta(days=start), every, count, product, p.substance, p.route, amount, unit, iu, nmol,
                   p.volume(amount))  # fmt: skip


def told(patient: Patient, *runs: DoseRun, peak: check.Peak | None = None) -> dict[str, dict[str, object]]:
    """Parameters of each rule that the gate tells, by id."""
    return {f.id: f.params for f in safety.gate(patient, Regimen("x", runs), ON, TABLE, peak=peak).rules}


# --- hard limits ------------------------------------------------------------------------------------------------------


def test_what_a_hard_limit_tells() -> None:
    capsule = "invita-d3-50000-capsule"
    name = TABLE[capsule].name
    assert told(base(), replace(run(capsule, 50_000.0), product="")) == {
        "HL01": {"product": "-", "amount": 50_000.0, "unit": "[iU]", "limit": 0}
    }
    assert told(base(), run(capsule, 70_000.0)) == {
        "HL01": {"product": name, "amount": 70_000.0, "unit": "[iU]", "limit": TABLE[capsule].max_single_amount}
    }
    im = next(k for k, p in TABLE.items() if p.route == "im" and p.gives(300_000))
    assert told(base(), run(im, 600_000.0))["HL02"] == {
        "iu": 600_000.0, "limit": 300_000.0, "product": TABLE[im].name,
    }  # fmt: skip
    assert told(base(), run(im, 100_000.0, 0, 10.0, 2))["HL04"] == {
        "when": day(10), "earliest": day(28), "iu": 100_000.0,
    }  # fmt: skip
    weekly = next(k for k, p in TABLE.items() if p.route == "oral" and p.min_days == 7)
    assert told(base(), run(weekly, TABLE[weekly].smallest_amount, 0, 3.0, 2)) == {
        "HL08": {"product": TABLE[weekly].name, "days": 7, "when": day(3)}
    }
    year = replace(base(), doses=(dose("oral", 300_000.0, 200), dose("oral", 280_000.0, 150)))
    assert told(year, run(capsule, 50_000.0)) == {"HL03": {"iu": 630_000.0, "limit": 600_000.0, "when": day(0)}}
    assert told(base(), run(capsule, 50_000.0, 0, 7.0, 2), peak=lambda r: 30.0 + 123.456 * len(r.runs)) == {}
    assert told(base(), run(capsule, 50_000.0, 0, 7.0, 2), peak=lambda r: 30.0 + 223.456 * len(r.runs)) == {
        "HL07": {"value": 253.5, "unit": "nmol/L", "limit": 250.0}
    }


def test_comparisons_of_the_gate_have_a_millionth_of_slack_and_no_more() -> None:
    capsule = "invita-d3-50000-capsule"
    asked = (run(capsule, 50_000.0, 0, 7.0, 2),)
    for above, ids in ((0.5e-6, set()), (2e-6, {"HL07"})):
        limit = 250.0 * (1.0 + above)
        assert set(told(base(), *asked, peak=lambda r, x=limit: x if r.runs else 0.0)) == ids
    exact = check.SLACK
    assert exact == 1e-6
    assert told(base(), *asked, peak=lambda r: 250.0 * (1 + exact) if r.runs else 0.0) == {}


def test_a_limit_that_is_met_exactly_holds() -> None:
    six = run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 6)
    assert told(base(), six) == {}
    twelve = tuple(run("invita-d3-50000-capsule", 50_000.0, 91 * k, 7.0, 6) for k in range(2))
    assert told(base(), *twelve) == {}
    assert set(told(base(), *twelve, run("invita-d3-50000-capsule", 50_000.0, 182))) == {"HL03"}


def test_calcifediol_is_limited_in_its_own_unit() -> None:
    name = next(k for k, p in TABLE.items() if p.substance == "calcifediol" and p.gives(266))
    patient = replace(base(), age_y=80.0, conditions=(condition("falls"),))  # no single dose above 100,000 IU
    asked = Regimen("x", (run(name, 266.0, 0, 30.0, 2),))
    assert safety.gate(patient, asked, ON, TABLE).regimen == asked
    pregnant = replace(base(), age_y=30.0, conditions=(condition("pregnancy"),))  # at most 4,000 IU: 40 ug
    assert safety.gate(pregnant, asked, ON, TABLE).regimen is None


def test_doses_that_tell_iu_are_counted_by_it() -> None:
    assert exposure.counted_iu(123.0, 1e9, "cholecalciferol") == 123.0
    assert exposure.counted_iu(None, 65.0, "ergocalciferol") == pytest.approx(65.0 * 396.65e-3 * 40.0, rel=1e-3)


@pytest.mark.parametrize(
    ("start", "every", "days"), [(400, 7.0, 365), (364, 1.0, 365), (365, 1.0, 365), (91, 30.5, 90)]
)
def test_past_doses_are_those_of_the_window(start: int, every: float, days: int) -> None:
    patient = replace(base(), doses=(dose("oral", 1000.0, start, every, True),))
    got = [x.day for x in exposure.past(patient, ON, days)]
    begin = ON - timedelta(days=start)
    all_days = [begin + timedelta(days=int(every * k + 1e-9)) for k in range(2000)]
    first = ON - timedelta(days=days - 1)
    assert got == [d for d in all_days if first <= d < ON]


def test_an_allergy_without_words_is_told_by_its_substance() -> None:
    nameless = Allergy("", ("sesame", "moon dust"), HERE)
    assert allergens(Facts(replace(base(), allergies=(nameless,)), ON, NUMBERS)) == {
        "sesame": "sesame", "moon dust": "moon dust",
    }  # fmt: skip
    peanut = Allergy("Erdnuss", ("arachis",), HERE)
    told_ = allergens(Facts(replace(base(), allergies=(peanut, nameless)), ON, NUMBERS))
    assert set(told_.values()) == {"Erdnuss", "sesame", "moon dust"}
    assert told_["soya"] == "Erdnuss"


def test_a_permission_is_kept_where_its_own_condition_holds() -> None:
    patient = replace(person("takes denosumab"), doses=(dose("oral", 300_000.0, 3),))
    (fired,) = safety.gate(patient, parse("oral 1000 IU daily x 5", ON, TABLE), ON, TABLE).rules
    assert fired.permitted == ("permitted.bone_agent",)
    (fired,) = safety.gate(
        replace(base(), doses=(dose("oral", 300_000.0, 3),)), parse("oral 1000 IU daily x 5", ON, TABLE), ON, TABLE
    ).rules
    assert fired.permitted == ()


def test_the_90_day_total_moves_on_day_by_day() -> None:
    patient = replace(base(), doses=(dose("oral", 100.0, 89), dose("im", 1000.0, 20), dose("oral", 10.0, 4)),
                      labs=tuple(replace(x, when=x.when - timedelta(days=97)) if x.analyte == "25ohd" else x
                                 for x in base().labs))  # fmt: skip
    total = QuarterTotal(Facts(patient, ON, NUMBERS), (ON + timedelta(days=3), ON - timedelta(days=1)))
    assert [total.at(ON + timedelta(days=n)) for n in (0, 1, 3, 4, 5, 90)] == [
        1110.0,
        1010.0,
        1010.0,
        1000.0,
        1000.0,
        0.0,
    ]
    again = QuarterTotal(Facts(patient, ON, NUMBERS))
    assert again.with_check(ON + timedelta(days=8), ON + timedelta(days=9)) == 0.0
    assert again.with_check(ON + timedelta(days=7), ON + timedelta(days=8)) == 1000.0
    assert again.with_check(ON + timedelta(days=2), ON + timedelta(days=3)) == 1010.0
    assert again.at(ON) == 1110.0


def test_arrays_of_regimens_each_have_their_own_answer() -> None:
    oral, depot = np.zeros((4, 120)), np.zeros((4, 120))
    depot[0, [0, 84]] = 300_000.0  # each shown before the next
    depot[1, [0, 28]] = 160_000.0  # 28 days later the first is not shown yet
    oral[2, 28] = depot[2, 0] = 150_001.0
    oral[3, 29], depot[3, 0] = 300_000.0, 300_000.0
    assert checkable(oral, depot, 300_000.0).tolist() == [True, False, False, True]
    assert checkable(oral, depot, 299_999.0).tolist() == [False, False, False, False]
    oral, depot = np.zeros((3, 120)), np.zeros((3, 120))
    depot[0, [40, 60]] = 160_000.0
    oral[1, 60], depot[1, 50] = 160_000.0, 160_000.0
    oral[2, [60, 68]], depot[2, 50] = 150_000.0, 150_000.0  # shown one after the other
    assert checkable(oral, depot, 300_000.0).tolist() == [False, False, True]
    late = np.zeros((1, 120))
    late[0, 29] = 300_000.0
    assert checkable(late, np.zeros((1, 120)), 0.0).tolist() == [True]
    late[0, 28] = 1.0
    assert checkable(late, np.zeros((1, 120)), 0.0).tolist() == [False]
    assert checkable(np.full((1, 10), 30_000.0), np.zeros((1, 10)), 300_000.0).tolist() == [True]


# --- placement and monitoring -----------------------------------------------------------------------------------------


def placed(*visits: tuple[str, int], procedures: tuple[Procedure, ...] = ()) -> list[dict[str, object]]:
    patient = replace(
        base(), visits=tuple(Visit(k, ON + timedelta(days=d), HERE) for k, d in visits), procedures=procedures
    )
    asked = Regimen("x", (run(next(k for k, p in TABLE.items() if p.route == "im" and p.gives(50_000)), 50_000.0),))
    return [{"id": p.text_id, "tag": p.tag, **p.params} for p in safety.place(patient, asked, ON)[1]]


def test_why_an_injection_is_placed_where_it_is() -> None:
    assert placed(("operation", 0)) == [
        {"id": "place.moved", "tag": "P", "from": day(0), "to": day(3), "why": "operation"}
    ]
    assert placed(("nadir", 0)) == [{"id": "place.moved", "tag": "P", "from": day(0), "to": day(4), "why": "nadir"}]
    assert placed(("chemotherapy", -14)) == [
        {"id": "place.moved", "tag": "P", "from": day(0), "to": day(1), "why": "nadir"}
    ]
    everywhere = tuple(("nadir", d) for d in range(0, 20, 3))
    assert placed(*everywhere) == [{"id": "place.unavoidable", "tag": "P", "days": day(0), "why": "nadir"}]
    assert placed(("bone_agent", 0))[-1] == {"id": "place.bone_agent", "tag": "P", "when": day(0)}
    assert placed(("bone_agent", 365))[-1]["when"] == day(365)
    assert placed(("bone_agent", 366)) == placed(("bone_agent", -1)) == []
    assert placed(("blood_draw", 0)) == [{"id": "place.with_visit", "tag": "P", "days": day(0), "visit": "blood_draw"}]


def test_sites_are_named_as_the_record_names_them() -> None:
    left = Procedure("mastectomy", ("axillary_surgery",), None, HERE, {"side": "left arm"})
    hip = Procedure("irradiation", ("radiotherapy",), None, HERE, {"site": "right hip", "side": "right"})
    plain = Procedure("axillary dissection", ("axillary_surgery",), None, HERE)
    assert placed(procedures=(left, hip, plain)) == [
        {"id": "place.site_irradiated", "tag": "R", "site": "right hip"},
        {"id": "place.site_lymphedema", "tag": "R", "site": "left arm, axillary dissection"},
    ]


def test_constants_of_placement() -> None:
    assert (placement.HORIZON_D, placement.LATEST_D, placement.NADIR_AROUND_D) == (365, 14, 3)
    assert (placement.NADIR_AFTER_CHEMO_D, placement.PROCEDURE_AROUND_D) == ((7, 14), 2)


def test_a_check_moves_to_the_nearest_draw_and_a_tie_goes_to_the_earlier() -> None:
    def moved(*days: int) -> tuple[date, str]:
        return watch._move([(ON + timedelta(days=d), "labs") for d in days], ON + timedelta(days=10), 3)

    assert moved() == (ON + timedelta(days=10), "")
    assert moved(14) == (ON + timedelta(days=10), "")
    assert moved(13) == (ON + timedelta(days=13), "labs")
    assert moved(7, 14) == (ON + timedelta(days=7), "labs")
    assert moved(8, 12) == (ON + timedelta(days=8), "labs")
    assert moved(12, 10) == (ON + timedelta(days=10), "labs")


def test_a_visit_of_the_past_draws_no_blood() -> None:
    asked = parse("oral 1000 IU daily x 90", ON, TABLE)
    for days, kind in ((28, "labs"), (27, "labs"), (-1, "")):
        patient = replace(base(), visits=(Visit("labs", ON + timedelta(days=days), HERE),))
        (week4,) = [m for m in safety.monitoring(patient, asked, ON) if m.rule == "M02"]
        assert week4.params.get("visit", "") == kind
    today = replace(person("takes thiazide"), visits=(Visit("labs", ON, HERE),))
    asked = parse("oral 1000 IU daily x 90", ON - timedelta(days=6), TABLE)
    assert [m.on for m in safety.monitoring(today, asked, ON) if m.rule == "M01"] == [ON]


def test_a_visit_is_due_within_days_on_both_sides() -> None:
    p = Facts(replace(base(), visits=(Visit("imaging", ON, HERE),)), ON, NUMBERS)
    for before, after, n, said in ((2, 3, 2, True), (2, 3, 3, False), (2, 3, -3, True), (2, 3, -4, False)):
        there = Facts(replace(base(), visits=(Visit("imaging", ON - timedelta(days=n), HERE),)), ON, NUMBERS)
        assert there.visit_within("imaging", before, after) is said
    assert p.visit_within("imaging", 0, 0)


def test_interactions_without_a_day_are_those_of_the_newest_day_of_the_record() -> None:
    later = replace(drug("thiazide"), start=ON + timedelta(days=30))
    found = safety.interactions(replace(base(), drugs=(later, drug("digoxin"))))
    assert {i.id for i in found} == {"DI01", "DI04"}
    early = replace(drug("thiazide"), end=ON - timedelta(days=4))
    assert safety.interactions(replace(base(), drugs=(early,))) == ()
    both = replace(base(), drugs=(replace(drug("thiazide"), text="A"), replace(drug("thiazide"), text="B"),
                                  replace(drug("thiazide"), text="A")))  # fmt: skip
    (one,) = safety.interactions(both, ON)
    assert one.drug == one.params["drug"] == "A, B"
    assert safety.interactions(Patient("x", drugs=(drug("digoxin"),)))


# --- facts and words --------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_record_on_that_day() -> None:
    later = replace(drug("thiazide"), text="later", start=ON + timedelta(days=1))
    p = replace(
        base(),
        drugs=(later, replace(drug("thiazide"), text="now")),
        procedures=(Procedure("Whipple", ("gi_surgery",), None, HERE), Procedure("", ("gastrectomy",), None, HERE)),
    )
    seen = Facts(p, ON, NUMBERS)  # fmt: skip
    assert seen.drug_of("thiazide") == "now"
    assert (seen.text_of("gi_surgery"), seen.text_of("gastrectomy")) == ("Whipple", "gastrectomy")


def test_child_pugh_without_an_albumin_is_an_interval() -> None:
    (score,) = facts("has cirrhosis; bilirubin=10; inr=1.0; no albumin").of("child_pugh")
    assert (score.lo, score.hi) == (5.0, 7.0)


def test_the_fall_of_egfr() -> None:
    (fall,) = facts("egfr=60; egfr+=80@50; no creatinine").of("egfr_fall")
    assert (fall.lo, fall.hi, fall.when) == (25.0, 25.0, ON - timedelta(days=3))
    assert facts("egfr=90; egfr+=80@50; no creatinine").of("egfr_fall")[0].hi == pytest.approx(0.0)
    assert facts("no egfr; no creatinine").of("egfr_fall") == ()
    assert facts("egfr=<15; egfr+=45@50; no creatinine").of("egfr_fall")[0].lo == pytest.approx(66.666667)
    assert facts("creatinine=0.5; no age").of("egfr_fall") == ()


def test_the_ratio_of_creatinine_is_a_number_whatever_the_laboratory_wrote() -> None:
    for line in ("creatinine=>300", "creatinine=<20", "creatinine=>300; creatinine+=80@30"):
        (ratio,) = facts(line).of("creatinine_ratio")
        assert not math.isnan(ratio.lo)
        assert not math.isnan(ratio.hi)
    assert facts("creatinine=>300; creatinine+=80@30").of("creatinine_ratio")[0].lo == 3.75


def test_the_clearance_of_creatinine_carries_its_day() -> None:
    person_ = replace(person("creatinine=106.104; age=70"), weight_kg=(replace(base().weight_kg[0], value=60.0),))
    (one,) = Facts(person_, ON, NUMBERS).of("creatinine_clearance")
    assert one.lo == pytest.approx(41.3, abs=0.05)
    assert (one.when, one.how) == (ON - timedelta(days=3), "cockcroft-gault")
    both = Facts(replace(person_, sex=None), ON, NUMBERS).of("creatinine_clearance")
    assert [round(x.lo / one.lo, 6) for x in both] == [1.0, round(1 / 0.85, 6)]


def test_kidney_formulas_refuse_what_is_not_positive() -> None:
    for values in ((0.0, 60.0, 70.0), (80.0, 0.0, 70.0), (80.0, 60.0, 0.0)):
        with pytest.raises(UsageError, match="above 0"):
            renal.cockcroft_gault(*values, True)


@pytest.mark.parametrize(
    ("text", "line", "seen"),
    [
        ("calcium > high", "calcium=2.7",
         {"item": "calcium", "value": 2.7, "unit": "mmol/L", "limit": 2.6, "how": "measured", "when": day(-3),
          "seen": f"calcium 2.7 mmol/L (> 2.6, {day(-3)})"}),
        ("calcium > high", "calcium=2.5; albumin=20",
         {"item": "calcium", "value": 2.9, "unit": "mmol/L", "limit": 2.6, "how": "corrected", "when": day(-3),
          "seen": f"calcium 2.9 mmol/L (> 2.6, corrected, {day(-3)})"}),
        ("platelets < 30 10*9/L", "platelets=<40",
         {"item": "platelets", "value": "<40", "unit": "10*9/L", "limit": 30.0, "how": "measured", "when": day(-3),
          "seen": f"platelets <40 x 10^9/L (< 30, {day(-3)})"}),
        ("child_pugh >= 5 1", "has cirrhosis; bilirubin=10; inr=1.0",
         {"item": "child_pugh", "value": 5.0, "unit": "1", "limit": 5.0, "how": "child-pugh",
          "seen": "Child-Pugh score 5 (>= 5, child-pugh)"}),
        ("inr is unknown", "", {"item": "inr", "seen": "INR: ?"}),
        ("calcium is older than 2 d", "",
         {"item": "calcium", "days": 3, "limit_days": 2.0, "when": day(-3), "seen": f"calcium: {day(-3)} (3 d > 2 d)"}),
        ("has lymphoma", "has lymphoma", {"diagnosis": "lymphoma", "concept": "lymphoma", "seen": "lymphoma"}),
        ("takes lithium", "takes lithium", {"drug": "lithium", "class": "lithium", "seen": "lithium"}),
        ("allergic to sesame", "allergy sesame", {"allergy": "sesame", "seen": "sesame"}),
        ("started chemotherapy within 6 d", "takes chemotherapy@2", {"drug": "chemotherapy", "seen": "chemotherapy"}),
        ("due nadir within 2 d", "visit nadir@1", {"visit": "nadir", "seen": "nadir"}),
        ("sex is female", "", {}),
        ("has lymphoma", "", {}),
    ],
)  # fmt: skip
def test_what_a_condition_saw(text: str, line: str, seen: dict[str, object]) -> None:
    assert language.parse(text, "here").seen(facts(line)) == seen


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("25ohd", "nmol/L"), ("egfr", "mL/min/1.73 m2"), ("urine_calcium_24h", "mmol/24 h"), ("platelets", "x 10^9/L"),
        ("vitamin_d_90d", "IU"), ("age", "y"), ("inr", ""), ("ca_x_po4", "mmol2/L2"), ("creatinine", "umol/L"),
    ],
)  # fmt: skip
def test_units_in_a_sentence(name: str, unit: str) -> None:
    assert language.plain_unit(name) == unit


def test_what_a_stop_rule_says_before_a_result() -> None:
    assert language.parse("calcium > high", "x").told(facts("high calcium=2.55")) == {  # type: ignore[attr-defined]
        "item": "calcium", "limit": 2.55, "unit": "mmol/L",
    }  # fmt: skip
    assert language.parse("calcium < low", "x").told(facts("no calcium"))["limit"] == 2.15  # type: ignore[attr-defined]
    minus = language.parse("calcium > high - 0.05 mmol/L", "x")
    assert minus.told(facts(""))["limit"] == 2.55  # type: ignore[attr-defined]
    plus = language.parse("calcium > high + 0.05 mmol/L", "x")
    assert plus.told(facts(""))["limit"] == 2.65  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "reachable"),
    [
        ("age > 20 a and age < 21 a", True), ("age >= 20 a and age <= 20 a", True),
        ("age > 20 a and age <= 20 a", False),
        ("age >= 20 a and age < 20 a", False), ("age > 20 a and age > 30 a and age < 30 a", False),
        ("age >= 20 a and age > 20 a and age <= 20 a", False), ("age <= 20 a and age < 20 a and age >= 20 a", False),
        ("age > 20 a and age >= 20 a and age <= 20 a", False), ("age < 20 a and age <= 20 a and age >= 20 a", False),
        ("not age > 20 a and age >= 20 a", True), ("not age >= 20 a and age > 20 a", False),
    ],
)  # fmt: skip
def test_intervals_that_cannot_be_are_found(text: str, reachable: bool) -> None:
    if reachable:
        language.parse(text, "here")
    else:
        with pytest.raises(KnowledgeError, match="at once"):
            language.parse(text, "here")


def test_a_span_of_no_days_is_possible() -> None:
    assert language.parse("calcium is older than 0 d", "here").truth(facts("")) == 3


def test_numbers_of_the_room_are_bounded() -> None:
    table = tomllib.loads(resources.files("calcidiol.safety").joinpath("numbers.toml").read_text("utf-8"))
    for value, fine in ((1e12, False), (9e11, True), (0, False), (True, False), ("1", False)):
        table["hard"]["wait_days"]["value"] = value
        if fine:
            assert numbers.read(table)["wait_days"] == value
        else:
            with pytest.raises(KnowledgeError, match="wait_days"):
                numbers.read(table)
    table["hard"]["wait_days"] = {"unit": "d", "source": "s", "tag": "P", "note": "n"}
    with pytest.raises(KnowledgeError, match=r"\[hard\.wait_days\] needs value, unit, source and tag"):
        numbers.read(table)


def test_every_scheme_is_read_as_it_is_written() -> None:
    table = tomllib.loads(resources.files("calcidiol.safety").joinpath("schemes.toml").read_text("utf-8"))["scheme"]
    assert [*status.schemes()] == [*table]
    for id_, row in table.items():
        one = status.schemes()[id_]
        for key in ("name", "source", "tag"):
            assert getattr(one, key) == row[key]
        for key in ("severe_below", "deficient_below", "insufficient_below", "high_above"):
            assert getattr(one, key) == row.get(key)
        assert one.target == (tuple(float(x) for x in row["target"]) if "target" in row else None)
        assert one.id == id_
    row = {"name": "n", "source": "s", "tag": "P", "deficient_below": 50}
    for key in ("name", "source", "tag"):
        with pytest.raises(KnowledgeError, match=r"\[scheme\.x\] needs name, source and tag"):
            status.read_schemes({"x": {k: v for k, v in row.items() if k != key}})
    with pytest.raises(UsageError, match="known: project, ES2011, "):
        status.classify(50.0, "WHO")


# --- calcium as a forecast --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "egfr", "albumin", "dbp", "intake", "urine", "notes", "widened"),
    [
        ("no creatinine; no albumin", 100.0, 40.0, None, 0.0, 1.0, [], 0),
        ("egfr=50.26; no creatinine", 50.26, 40.0, None, 0.0, 1.0, [("calcium.egfr", {"egfr": 50.3}, "V")], 0),
        ("egfr=2; no creatinine", 5.0, 40.0, None, 0.0, 1.0, [("calcium.egfr", {"egfr": 5.0}, "V")], 0),
        ("egfr=150; no creatinine", 130.0, 40.0, None, 0.0, 1.0, [], 0),
        ("egfr=90; no creatinine", 90.0, 40.0, None, 0.0, 1.0, [], 0),
        ("albumin=35", None, 35.0, None, 0.0, 1.0, [], 0),
        ("albumin=34", None, 34.0, None, 0.0, 1.0, [("calcium.albumin", {"albumin": 34.0}, "V")], 0),
        ("takes thiazide", None, 40.0, None, 0.0, 0.67,
         [("calcium.thiazide", {"factor": 0.67, "drug": "thiazide"}, "V")], 0),
        ("takes calcium:500", None, 40.0, None, 500.0, 1.0, [("calcium.intake", {"mg": 500.0}, "V")], 0),
        ("takes calcium", None, 40.0, None, 0.0, 1.0, [("calcium.direction_up", {"what": "calcium"}, "P")], 1),
        ("takes calcium:500; takes calcium", None, 40.0, None, 500.0, 1.0,
         [("calcium.intake", {"mg": 500.0}, "V"), ("calcium.direction_up", {"what": "calcium"}, "P")], 1),
        ("takes lithium; takes retinoid", None, 40.0, None, 0.0, 1.0,
         [("calcium.direction_up", {"what": "lithium"}, "P"), ("calcium.direction_up", {"what": "retinoid"}, "P")], 2),
        ("has immobilized", None, 40.0, None, 0.0, 1.0, [("calcium.direction_up", {"what": "immobilized"}, "P")], 1),
        ("pth=8", None, 40.0, None, 0.0, 1.0, [("calcium.pth", {}, "P")], 1),
        ("takes bisphosphonate", None, 40.0, None, 0.0, 1.0,
         [("calcium.not_credited", {"what": "bisphosphonate"}, "P")], 0),
    ],
)  # fmt: skip
def test_what_moves_the_calcium_model(
    line: str, egfr: float | None, albumin: float, dbp: float | None, intake: float, urine: float,
    notes: list[tuple[str, dict[str, object], str]], widened: int,
) -> None:  # fmt: skip
    who, said, wide = _person(facts(line), calcium_card())
    if egfr is not None:
        assert who.egfr == egfr
    assert who.albumin_g_per_l == albumin
    assert who.dbp_mol_per_l == dbp
    assert (who.extra_calcium_mg_per_d, who.urine) == (intake, pytest.approx(urine))
    assert [(n.text_id, n.params, n.tag) for n in said if n.text_id != "calcium.egfr" or egfr is not None] == notes
    assert wide == widened


def test_the_binding_protein_is_told_in_micromoles() -> None:
    who, said, _ = _person(facts("dbp=290.123"), calcium_card())
    (note,) = [n for n in said if n.text_id == "calcium.dbp"]
    assert who.dbp_mol_per_l is not None
    assert note.params == {"dbp_umol_per_l": round(who.dbp_mol_per_l * 1e6, 2)}
    assert note.tag == "V"


def test_published_counts_repeat_with_their_seed_and_the_range_is_the_binomial_one() -> None:
    from scipy.stats import binom

    a, b = (published.published_counts(seed=3, people=20) for _ in range(2))
    assert [c.expected for c in a] == [c.expected for c in b]
    for n, p in ((50, 0.1), (200, 0.01), (1000, 0.5)):
        assert published._range(n, p) == (binom.ppf(0.025, n, p), binom.ppf(0.975, n, p))


def test_published_counts_name_their_card() -> None:
    from calcidiol.kinetics import default_card

    told_ = published.told(published.published_counts(seed=3, people=5))
    card = default_card()
    assert told_["card"] == f"{card.id} {card.version}"
