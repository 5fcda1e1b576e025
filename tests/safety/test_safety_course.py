"""Interactions, monitoring, the session of the day, placement: what comes beside the verdict."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

import pytest
from safety_people import HERE, ON, base, condition, person

from calcidiol import safety
from calcidiol.individual.people import INDUCERS
from calcidiol.kinetics import load_card
from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Patient, Procedure, Visit
from calcidiol.regimen import parse
from calcidiol.terminology import products

TABLE = products()
WORDS = {
    name: tomllib.loads(resources.files("calcidiol.report").joinpath(f"words/safety.{name}.toml").read_text("utf-8"))
    for name in ("en", "zh-Hant")
}
IM = parse("im 100000 IU every 28 d x 3", ON, TABLE)
ORAL = parse("oral 2000 IU daily x 180", ON, TABLE)


def said(text_id: str, params: dict[str, object]) -> None:
    for words in WORDS.values():
        assert words[text_id].format(**params)


@pytest.mark.parametrize("clash", safety.knowledge().clashes, ids=lambda c: c.text_id)
def test_every_interaction_is_found_by_each_of_its_classes(clash: safety.rulebook.Clash) -> None:  # type: ignore[name-defined]
    for drug_class in clash.classes:
        p = person(f"takes {drug_class}; egfr=25")
        found = [i for i in safety.interactions(p, ON) if i.effect_id == clash.text_id]
        assert len(found) == 1
        assert found[0].drug == drug_class.replace("_", " ")
        assert found[0].moves == dict(clash.moves)
        said(found[0].effect_id, found[0].params)
        assert not [i for i in safety.interactions(base(), ON) if i.effect_id == clash.text_id]


def test_moves_of_two_inducers_are_not_multiplied() -> None:
    p = person("takes rifampicin; takes inducing_antiepileptic; takes thiazide")
    found = safety.interactions(p, ON)
    assert safety.moved(found) == {"CL25": 1.3}
    assert {i.params["size"] for i in found} == {"known"}
    assert safety.moved(safety.interactions(person("takes lithium"), ON)) == {}
    assert safety.interactions(person("takes lithium"), ON)[0].params["size"] == "direction only"
    assert safety.moved(safety.interactions(person("takes glucocorticoid; takes rifampicin"), ON)) == {"CL25": 1.3}


def test_what_an_interaction_says_to_move_is_what_the_forecast_moves() -> None:
    numbers = load_card("two-route-2026").numbers["covariates"]
    for clash in safety.knowledge().clashes:
        name = "clearance_glucocorticoid" if clash.id == "DI03" else "clearance_inducer"
        assert all(factor == numbers[name].value for factor in clash.moves.values()), clash.text_id
    movers = {c for clash in safety.knowledge().clashes if clash.moves for c in clash.classes}
    assert movers == {*INDUCERS, "efavirenz", "glucocorticoid"}


def test_a_drug_of_the_future_or_the_past_does_not_interact() -> None:
    p = person("takes thiazide@-5")
    assert safety.interactions(p, ON) == ()
    assert safety.interactions(p, ON + timedelta(days=5))
    over = replace(p, drugs=(replace(p.drugs[0], start=None, end=ON - timedelta(days=1)),))
    assert safety.interactions(over, ON) == ()
    assert safety.interactions(p)
    assert safety.interactions(replace(p, labs=(), drugs=(replace(p.drugs[0], start=None),)))


@pytest.mark.parametrize("check", safety.knowledge().checks, ids=lambda c: c.id)
def test_every_check_has_its_days_and_text(check: safety.rulebook.Check) -> None:  # type: ignore[name-defined]
    line = {
        "M01": "takes thiazide", "M06": "takes chemotherapy", "M07": "takes warfarin", "M08": "takes denosumab",
        "M09": "takes denosumab; egfr=25", "M10": "takes rifampicin", "M11": "takes efavirenz", "M12": "takes retinoid",
        "M13": "has stones_history", "M14": "takes arsenic_trioxide",
    }.get(check.id, "")  # fmt: skip
    rows = [m for m in safety.monitoring(person(line), IM, ON) if m.rule == check.id]
    expected = 3 if check.after == "each_im" else check.count
    assert len(rows) == expected
    first = IM.runs[0].start
    if check.after != "each_im":
        assert [(m.on - first).days for m in rows] == [check.days + k * check.every_days for k in range(check.count)]
    else:
        assert [m.on for m in rows] == [ON, *(first + timedelta(days=28 * k - 2) for k in (1, 2))]
    for m in rows:
        said(m.reason_id, m.params)
        assert m.source
        assert m.labs == check.labs
    if line:
        assert not [m for m in safety.monitoring(base(), IM, ON) if m.rule == check.id]


def test_calcium_after_denosumab_is_counted_from_denosumab() -> None:
    def due(visits: str) -> int:
        (check,) = (m for m in safety.monitoring(person(f"takes denosumab; {visits}"), IM, ON) if m.rule == "M08")
        return (check.on - ON).days

    assert due("visit bone_agent@-20; visit bone_agent@-48; visit chemotherapy@-60") == 20 + 12
    assert due("visit bone_agent@5; visit bone_agent@-23") == 12 - 5  # given 5 days ago
    assert due("visit bone_agent@12; visit bone_agent@-16") == 0
    assert due("visit bone_agent@13; visit bone_agent@-15") == 15 + 12  # that check is over
    assert due("visit bone_agent@13") == due("") == (IM.runs[0].start - ON).days + 12


def test_nothing_given_nothing_monitored_and_oral_has_no_session() -> None:
    assert safety.monitoring(base(), Regimen("none"), ON) == ()
    assert not [m for m in safety.monitoring(base(), ORAL, ON) if m.rule in ("M05", "M06", "M07")]
    assert [m for m in safety.monitoring(base(), ORAL, ON) if not m.mandatory]


def test_a_regimen_that_began_before_is_monitored_from_today() -> None:
    began = parse("im 100000 IU every 28 d x 3", ON - timedelta(days=30), TABLE)
    rows = safety.monitoring(base(), began, ON)
    assert min(m.on for m in rows) >= ON
    assert "M02" not in {m.rule for m in rows}


def test_a_check_moves_to_a_draw_that_is_due_and_is_never_dropped() -> None:
    due = ON + timedelta(days=28)
    p = replace(base(), visits=(Visit("blood_draw", due + timedelta(days=3), HERE), Visit("imaging", due, HERE)))
    row = next(m for m in safety.monitoring(p, ORAL, ON) if m.rule == "M02")
    assert row.on == due + timedelta(days=3)
    assert row.params["moved_from"] == due.isoformat()
    assert row.params["visit"] == "blood_draw"
    same = replace(base(), visits=(Visit("chemotherapy", due, HERE),))
    row = next(m for m in safety.monitoring(same, ORAL, ON) if m.rule == "M02")
    assert (row.on, row.params["visit"]) == (due, "chemotherapy")
    assert len(safety.monitoring(p, ORAL, ON)) == len(safety.monitoring(base(), ORAL, ON))


def test_stop_rules_have_limits_and_texts() -> None:
    rules = safety.stop_rules(base(), ON)
    assert [r.id for r in rules] == [f"ST{i:02d}" for i in range(1, 7)]
    for r in rules:
        said(r.text_id, r.params)
        said(r.lifted_by, r.params)
    limits = {r.id: r.params["limit"] for r in rules}
    assert (limits["ST01"], limits["ST03"], limits["ST04"], limits["ST06"]) == (2.62, 125.0, 250.0, 1.45)
    assert {r.id: r.params for r in safety.stop_rules(person("no phosphate"), ON)}["ST06"]["limit"] == 1.45
    assert {r.id: r.params for r in safety.stop_rules(person("high phosphate=1.4"), ON)}["ST06"]["limit"] == 1.4


def session(line: str) -> safety.Session:
    return safety.session_before(person(line), ON, TABLE)


def test_a_session_is_open_until_the_results_are_there() -> None:
    got = session("")
    assert got.status == "open"
    state = {i.id: i.status for i in got.items}
    assert (state["S01"], state["S03"], state["S07"], state["S08"]) == ("cleared", "cleared", "missing", "ask")
    assert session("temperature@0=36.8").status == "cleared"
    assert session("temperature@0=36.8; calcium@8=2.3").status == "open"
    for i in got.items:
        said(i.text_id, i.params)


def test_a_session_stops_for_a_rule_and_for_the_wait() -> None:
    assert session("temperature@0=36.8; platelets=20").status == "stopped"
    assert session("temperature@0=38.5").status == "stopped"
    waiting = session("temperature@0=36.8; dose im 100000@10")
    assert waiting.status == "stopped"
    item = next(i for i in waiting.items if i.id == "S16")
    assert item.params == {"earliest": (ON + timedelta(days=18)).isoformat(), "days": 18}
    said(item.text_id, item.params)


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ("has myeloma", "S02"), ("takes chemotherapy", "S04"), ("takes warfarin", "S05"), ("has paraprotein", "S06"),
        ("had radiotherapy", "S11"), ("age=30", "S12"), ("takes digoxin", "S13"), ("takes antiplatelet", "S14"),
    ],
)  # fmt: skip
def test_a_session_asks_what_the_patient_needs(line: str, item: str) -> None:
    assert item in {i.id for i in session(line).items}
    assert item not in {i.id for i in session("").items}


def test_site_and_volume_are_asked_before_the_needle() -> None:
    asked = [i.id for i in session("").items]
    assert asked[0] == "S17"  # the right patient and product first
    assert "S23" in asked


def test_a_session_tells_what_the_record_holds() -> None:
    items = {i.id: i.params for i in session("takes chemotherapy; albumin=30; platelets@5=>100; no neutrophils").items}
    assert items["S01"]["found"] == (
        "calcium 2.3 mmol/L (2026-11-21); calcium 2.5 mmol/L (2026-11-21, corrected); albumin 30 g/L (2026-11-21)"
    )
    assert items["S04"]["found"] == "platelets >100 x 10^9/L (2026-11-19); neutrophils, absolute: ?"
    assert items["S04"]["missing"] == ("platelets", "neutrophils")
    assert "found" not in items["S08"]
    assert session("allergy sesame; allergy arachis").items[-1].params["allergies"] == "sesame, arachis"
    assert session("").items[-1].params["allergies"] == "-"
    same = {i.id: i.params for i in session("calcium+=2.3@3").items}["S01"]["found"]
    assert str(same).count("calcium 2.3 ") == 1


def test_after_the_session() -> None:
    got = safety.session_after(person("takes antiplatelet; dose im 100000@0"), IM, ON)
    assert got.status == "done"
    assert [i.id for i in got.items] == ["S21", "S22", "S24", "S25", "S26"]
    assert {m.rule for m in got.monitoring} >= {"M02", "M03"}
    assert (
        min(m.on for m in safety.session_after(base(), parse("im 100000 IU every 28 d x 2", ON, TABLE), ON).monitoring)
        > ON
    )
    assert got.stop_rules
    for i in got.items:
        said(i.text_id, i.params)
    assert "S24" not in {i.id for i in safety.session_after(base(), IM, ON).items}


def with_visits(*visits: tuple[str, int]) -> Patient:
    return replace(base(), visits=tuple(Visit(kind, ON + timedelta(days=d), HERE) for kind, d in visits))


def starts(r: Regimen) -> list[date]:
    return [run.start for run in r.runs]


def test_injections_are_placed_away_from_the_nadir_and_only_later() -> None:
    placed, why = safety.place(with_visits(("nadir", 1)), IM, ON)
    assert starts(placed) == [ON + timedelta(days=5)]
    assert why[0].text_id == "place.moved"
    assert why[0].params["why"] == "nadir"
    assert placed.runs[0].count == 3
    assert safety.gate(base(), placed, ON, TABLE).regimen == placed


def test_a_cycle_has_its_nadir_in_days_7_to_14_unless_one_is_named() -> None:
    placed, why = safety.place(with_visits(("chemotherapy", -8)), IM, ON)
    assert starts(placed) == [ON + timedelta(days=7)]
    named, _ = safety.place(with_visits(("chemotherapy", -8), ("nadir", -20)), IM, ON)
    assert named == IM
    for one in why:
        said(one.text_id, one.params)


def test_when_every_day_is_bad_it_says_so() -> None:
    placed, why = safety.place(with_visits(*(("nadir", d) for d in range(-2, 90, 3))), IM, ON)
    assert placed == IM
    assert [w.text_id for w in why] == ["place.unavoidable"]
    said(why[0].text_id, why[0].params)


def test_an_operation_is_avoided_and_a_visit_is_used() -> None:
    placed, why = safety.place(with_visits(("operation", 0), ("clinic", 5)), IM, ON)
    assert starts(placed) == [ON + timedelta(days=5)]
    assert [w.text_id for w in why] == ["place.moved", "place.with_visit"]
    for one in why:
        said(one.text_id, one.params)
    same, _ = safety.place(with_visits(("clinic", 5)), IM, ON)
    assert same == IM


def test_every_injection_of_a_run_has_its_own_day() -> None:
    placed, why = safety.place(with_visits(("clinic", 28), ("clinic", 56), ("clinic", 27)), IM, ON)
    assert placed == IM
    days = [(ON + timedelta(days=d)).isoformat() for d in (28, 56)]
    assert why[0].params == {"days": ", ".join(days), "visit": "clinic"}
    edge, _ = safety.place(with_visits(("nadir", 28 + 3)), IM, ON)
    assert starts(edge) == [ON + timedelta(days=7)]
    beyond, _ = safety.place(with_visits(("nadir", 28 + 4)), IM, ON)
    assert beyond == IM


def test_sites_and_bone_agents_are_named() -> None:
    p = replace(
        with_visits(("bone_agent", 20)),
        procedures=(Procedure("left breast", ("radiotherapy",), None, HERE, {"side": "left"}),),
        conditions=(condition("lymphedema"),),
    )
    _, why = safety.place(p, IM, ON)
    told = {w.text_id: w.params for w in why}
    assert told["place.site_irradiated"] == {"site": "left"}
    assert told["place.site_lymphedema"] == {"site": "lymphedema"}
    assert told["place.bone_agent"] == {"when": (ON + timedelta(days=20)).isoformat()}
    for one in why:
        said(one.text_id, one.params)
    assert safety.place(p, ORAL, ON) == (ORAL, ())
