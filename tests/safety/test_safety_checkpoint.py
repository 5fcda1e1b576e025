"""More than 300,000 IU in 90 days: only with a 25(OH)D in between, in the record or planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safety_people import ON, base, dose, lab

from calcidiol import safety
from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Patient
from calcidiol.regimen import parse
from calcidiol.safety import exposure
from calcidiol.terminology import products

TABLE = products()
TEXTS = (
    "oral 50000 IU every 7 d x 8",
    "oral 50000 IU every 7 d x 12",
    "oral 4000 IU daily x 150",
    "oral 10000 IU daily x 60",
    "im 300000 IU every 84 d x 2",
    "im 100000 IU every 28 d x 6",
    "im 300000 IU once then oral 800 IU daily x 180",
    "oral 50000 IU every 7 d x 6 then oral 2000 IU daily x 100",
)


def regimen(text: str) -> Regimen:
    return parse(text, ON, TABLE)


def day(n: int) -> date:
    return ON + timedelta(days=n)


def planned(asked: Regimen) -> list[tuple[date, float, bool]]:
    return sorted(
        (r.start + timedelta(days=int(r.every_days * k + 1e-9)), float(r.iu or r.amount * 100.0), r.route != "oral")
        for r in asked.runs
        for k in range(r.count)
    )


def unseen(doses: list[tuple[date, float, bool]], results: list[tuple[date, date]], on: date) -> float:
    """IU of the 90 days up to `on` that no result shows, counted in the plainest way.

    A result is the day of its sample and the first day on which it is known.
    """
    return sum(
        iu
        for d, iu, depot in doses
        if 0 <= (on - d).days < 90
        and not any((r - d).days >= (28 if depot else 7) for r, known in results if known <= on)
    )


def test_weekly_50000_stops_at_300000_and_passes_with_a_result_in_between() -> None:
    asked = regimen("oral 50000 IU every 7 d x 8")
    without = safety.gate(base(), asked, ON, TABLE)
    assert without.status == "reduced"
    assert without.regimen is not None
    assert without.regimen.total_iu == 300_000
    assert [(f.id, f.action) for f in without.rules] == [("HL06", "HOLD")]
    assert without.rules[0].params == {"iu": 350_000.0, "limit": 300_000.0, "when": day(42).isoformat()}
    with_it = safety.gate(base(), asked, ON, TABLE, checks=(day(41),))
    assert with_it.status == "allowed"
    assert with_it.regimen == asked
    (told,) = with_it.rules
    assert (told.id, told.action) == ("HL09", "WARN")
    assert told.params == {
        "iu": 350_000.0,
        "limit": 300_000.0,
        "when": day(42).isoformat(),
        "check": day(41).isoformat(),
    }


@pytest.mark.parametrize(
    ("check", "doses"),
    [(-1, 6), (0, 6), (6, 6), (7, 7), (13, 7), (14, 8), (41, 8), (42, 7), (48, 7), (49, 6), (60, 6)],
)
def test_a_planned_result_frees_what_it_can_show_for_the_days_after_it(check: int, doses: int) -> None:
    """The dose of its own day waits; a dose of less than 7 days before it is not shown by it."""
    got = safety.gate(base(), regimen("oral 50000 IU every 7 d x 8"), ON, TABLE, checks=(day(check),)).regimen
    assert got is not None
    assert sum(r.count for r in got.runs) == doses


def test_a_depot_needs_28_days_to_be_shown() -> None:
    asked = regimen("im 300000 IU every 84 d x 2")
    for check, doses in ((27, 1), (28, 2), (83, 2), (84, 1)):
        got = safety.gate(base(), asked, ON, TABLE, checks=(day(check),)).regimen
        assert got is not None
        assert sum(r.count for r in got.runs) == doses


def test_doses_of_the_record_are_freed_by_a_planned_result_as_well() -> None:
    patient = replace(base(), doses=(dose("oral", 280_000.0, 2),))
    asked = regimen("oral 50000 IU once")
    late = Regimen("x", tuple(replace(r, start=day(10)) for r in asked.runs))
    assert safety.gate(patient, asked, ON, TABLE, checks=(day(0),)).status == "refused"
    assert safety.gate(patient, late, ON, TABLE).status == "refused"
    assert safety.gate(patient, late, ON, TABLE, checks=(day(4),)).status == "refused"
    assert safety.gate(patient, late, ON, TABLE, checks=(day(5),)).status == "allowed"
    (point,) = safety.checkpoints(patient, late, ON)
    assert (point.on, point.dose, point.iu) == (day(5), day(10), 330_000.0)


def test_a_hold_of_the_record_is_not_freed_by_a_plan() -> None:
    patient = replace(base(), doses=(dose("oral", 300_001.0, 2),))
    got = safety.gate(patient, regimen("oral 800 IU daily x 30"), ON, TABLE, checks=tuple(day(n) for n in range(30)))
    assert got.status == "refused"
    assert "AD03" in {f.id for f in got.rules}


def test_the_hard_limits_stand_whatever_is_planned() -> None:
    every_day = tuple(day(n) for n in range(400))
    year = safety.gate(base(), regimen("oral 50000 IU every 7 d x 20"), ON, TABLE, checks=every_day)
    assert year.regimen is not None
    assert year.regimen.total_iu == 600_000
    assert "HL03" in {f.id for f in year.rules}
    too_soon = safety.gate(base(), regimen("im 300000 IU every 28 d x 2"), ON, TABLE, checks=every_day)
    assert too_soon.regimen is not None
    assert too_soon.regimen.total_iu == 300_000


def test_checkpoints_are_few_and_late() -> None:
    found = safety.checkpoints(base(), regimen("oral 4000 IU daily x 150"), ON)
    assert [((c.on - ON).days, (c.dose - ON).days, c.iu) for c in found] == [(68, 75, 304_000.0), (130, 137, 304_000.0)]
    assert safety.checkpoints(base(), regimen("oral 3300 IU daily x 180"), ON) == ()
    assert safety.checkpoints(base(), Regimen("none"), ON) == ()


def test_a_checkpoint_comes_later_where_a_week_before_shows_too_little() -> None:
    asked = regimen("oral 25000 IU every 1 d x 20")
    found = safety.checkpoints(base(), asked, ON)
    assert [((c.on - ON).days, (c.dose - ON).days) for c in found] == [(7, 12), (8, 13), (9, 14), (10, 15), (11, 16),
                                                                        (12, 17), (13, 18), (14, 19)]  # fmt: skip


def test_a_dose_that_no_result_could_free_has_no_checkpoint() -> None:
    asked = regimen("im 300000 IU once then oral 800 IU daily x 60")
    found = safety.checkpoints(base(), asked, ON)
    first = found[0]
    assert (first.on - ON).days >= 28
    got = safety.gate(base(), asked, ON, TABLE, checks=[c.on for c in found])
    assert got.regimen is not None
    assert min(r.start for r in got.regimen.runs if r.route == "oral") == first.dose
    assert "HL06" in {f.id for f in got.rules}


def test_monitoring_lists_the_result_that_a_dose_waits_for() -> None:
    asked = regimen("oral 50000 IU every 7 d x 8")
    own = [m for m in safety.monitoring(base(), asked, ON) if m.rule == "HL09"]
    assert [(m.on, m.labs, m.mandatory, m.reason_id) for m in own] == [
        (day(35), ("25ohd", "calcium", "albumin"), True, "monitor.checkpoint")
    ]
    assert own[0].params == {"days": 35, "labs": own[0].labs, "dose": day(42).isoformat(), "iu": 350_000.0}
    told = safety.gate(base(), asked, ON, TABLE, checks=(day(38),))
    assert [m.on for m in safety.monitoring(base(), asked, ON, rules=told.rules) if m.rule == "HL09"] == [day(38)]
    cut = safety.gate(base(), asked, ON, TABLE)
    assert cut.regimen is not None
    missed = [m for m in safety.monitoring(base(), cut.regimen, ON, rules=cut.rules) if m.rule == "HL09"]
    assert [(m.on, m.params["dose"]) for m in missed] == [(day(35), day(42).isoformat())]
    assert [m for m in safety.monitoring(base(), regimen("oral 800 IU daily x 90"), ON) if m.rule == "HL09"] == []


def test_a_result_of_the_record_counts_like_a_planned_one() -> None:
    patient = replace(base(), doses=(dose("oral", 250_000.0, 20),), labs=(*base().labs, lab("25ohd", 60.0, 1)))
    assert safety.limits(patient, ON, TABLE).total_90d_iu == 300_000
    assert safety.checkpoints(patient, regimen("oral 50000 IU every 7 d x 6"), ON) == ()
    assert len(safety.checkpoints(patient, regimen("oral 50000 IU every 7 d x 7"), ON)) == 1


@st.composite
def records(draw: st.DrawFn) -> Patient:
    """People with doses of the last year and a 25(OH)D somewhere between."""
    doses = tuple(
        dose(
            draw(st.sampled_from(["oral", "im"])),
            draw(st.sampled_from([800.0, 4000.0, 50_000.0, 100_000.0, 200_000.0])),
            draw(st.integers(1, 120)),
            draw(st.sampled_from([0.0, 1.0, 7.0])),
            draw(st.booleans()),
            draw(st.integers(1, 20)),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    others = tuple(x for x in base().labs if x.analyte != "25ohd")
    return replace(base(), doses=doses, labs=(*others, lab("25ohd", 45.0, draw(st.integers(0, 60)))))


@settings(max_examples=80, deadline=None)
@given(records(), st.sampled_from(TEXTS), st.lists(st.integers(-5, 200), max_size=4))
def test_no_dose_passes_300000_unseen_and_checks_only_ever_add(patient: Patient, text: str, when: list[int]) -> None:
    asked = regimen(text)
    checks = tuple(day(n) for n in when)
    without = safety.gate(patient, asked, ON, TABLE)
    got = safety.gate(patient, asked, ON, TABLE, checks=checks)
    if got.regimen is None:
        assert without.regimen is None
        return
    level = next(x for x in patient.labs if x.analyte == "25ohd").when.date()
    results = [(level, level), *((c, c + timedelta(days=1)) for c in checks if c >= ON)]
    before = [(x.day, x.iu, x.depot) for x in exposure.past(patient, ON)]
    kept = planned(got.regimen)
    for at, _, _ in kept:
        assert unseen([*before, *(d for d in kept if d[0] <= at)], results, at) <= 300_000 * (1 + 1e-6)
    asked_doses = planned(asked)
    assert all(asked_doses.count(d) >= kept.count(d) for d in kept)
    again = safety.gate(patient, got.regimen, ON, TABLE, checks=checks)
    assert again.regimen == got.regimen
    assert {f.id for f in again.rules} <= {f.id for f in got.rules}


@settings(max_examples=60, deadline=None)
@given(records(), st.sampled_from(TEXTS))
def test_the_checkpoints_free_what_can_be_freed(patient: Patient, text: str) -> None:
    """With its checkpoints a regimen meets the 90-day limit only at doses that no result could free."""
    if safety.limits(patient, ON, TABLE).refused:
        return
    asked = regimen(text)
    found = safety.checkpoints(patient, asked, ON)
    assert all(ON <= c.on < c.dose for c in found)
    assert [c.on for c in found] == sorted(c.on for c in found)
    best = safety.gate(patient, asked, ON, TABLE, checks=[c.on for c in found])
    everything = safety.gate(patient, asked, ON, TABLE, checks=[day(n) for n in range(400)])
    assert best.regimen == everything.regimen


@pytest.mark.parametrize("seed", range(40))
def test_what_the_search_may_keep_the_gate_allows(seed: int) -> None:
    """`checkable` on arrays agrees with the gate: what it lets through is not met by HL06."""
    rng = np.random.default_rng(seed)
    patient = base()
    left = 300_000.0
    if seed % 2:
        patient = replace(patient, doses=(dose("oral", float(rng.choice([50_000, 250_000])), 2),))
        left = safety.limits(patient, ON, TABLE).total_90d_iu
    text = str(rng.choice(np.array(TEXTS)))
    asked = regimen(text)
    oral, depot = np.zeros((1, 365)), np.zeros((1, 365))
    for at, iu, is_depot in planned(asked):
        (depot if is_depot else oral)[0, (at - ON).days] += iu
    checks = [c.on for c in safety.checkpoints(patient, asked, ON)]
    met = {f.id for f in safety.gate(patient, asked, ON, TABLE, checks=checks).rules}
    if safety.checkable(oral, depot, left)[0]:
        assert "HL06" not in met
    elif left == 300_000.0:
        assert "HL06" in met


def test_a_check_that_is_due_nearby_goes_with_the_result_that_a_dose_waits_for() -> None:
    """One blood draw instead of two, within the days that the check allows; where it stood is told."""
    found = safety.monitoring(base(), regimen("oral 50000 IU every 7 d x 8"), ON)
    moved = [m for m in found if m.params.get("visit") == "checkpoint"]
    assert {(m.on, m.params["moved_from"]) for m in moved} == {(day(35), day(28).isoformat())}
    assert day(28) not in {m.on for m in found}
