"""The hard limits hold for any record and any regimen; the gate only lowers, and its answer passes unchanged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safety_people import HERE, ON, base, condition, dose, drug, lab

from calcidiol import safety
from calcidiol.errors import UsageError
from calcidiol.kinetics.events import DoseRun, Regimen
from calcidiol.patient.record import Allergy, GivenDose, Patient
from calcidiol.quantity import iu_to_nmol, ug_to_nmol
from calcidiol.terminology import products

TABLE = products()
CONCEPTS = ["immobilized", "falls", "sarcoidosis", "pregnancy", "fever", "ckd_4", "cachexia", "obesity"]


def run(product: str, amount: float, days: int, every: float, count: int) -> DoseRun:
    p = TABLE[product]
    iu = amount if p.strength_unit == "[iU]" else None
    nmol = iu_to_nmol(amount, p.substance) if iu is not None else ug_to_nmol(amount, p.substance)
    start = ON + timedelta(days=days)
    return DoseRun(start, every, count, product, p.substance, p.route, amount, p.strength_unit, iu, nmol)  # type: ignore[arg-type]


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    runs = []
    for _ in range(draw(st.integers(1, 3))):
        product = draw(st.sampled_from(sorted(TABLE)))
        p = TABLE[product]
        amount = p.smallest_amount * draw(st.integers(1, 12))
        if draw(st.integers(0, 9)) == 0:
            amount *= draw(st.sampled_from([0.37, 25.0]))
        count = draw(st.integers(1, 40))
        every = draw(st.sampled_from([1.0, 3.5, 7.0, 14.0, 28.0, 84.0]))
        runs.append(run(product, amount, draw(st.integers(0, 120)), every, count))
    return Regimen("made", tuple(runs))


@st.composite
def people(draw: st.DrawFn) -> Patient:
    p = base(**{"25ohd": draw(st.sampled_from([20.0, 60.0, 124.0, 126.0, 249.0, 250.0, 400.0]))})
    if draw(st.booleans()):
        p = replace(p, labs=(*p.labs, lab("25ohd", draw(st.floats(5, 500)), draw(st.integers(0, 60)))))
    given_before: list[GivenDose] = []
    for _ in range(draw(st.integers(0, 4))):
        given_before.append(
            dose(
                draw(st.sampled_from(["oral", "im"])),
                draw(st.sampled_from([1000.0, 50_000.0, 100_000.0, 300_000.0, 600_000.0])),
                draw(st.integers(0, 500)),
                draw(st.sampled_from([0.0, 7.0, 28.0])),
                draw(st.booleans()),
                draw(st.integers(1, 6)),
            )
        )
    concepts = draw(st.lists(st.sampled_from(CONCEPTS), max_size=2, unique=True))
    drugs = (drug("anticoagulant"),) if draw(st.booleans()) else ()
    return replace(
        p, doses=tuple(given_before), conditions=tuple(condition(c) for c in concepts), drugs=drugs,
        age_y=draw(st.sampled_from([19.0, 45.0, 75.0])),
    )  # fmt: skip


def days_of(doses: tuple[GivenDose, ...]) -> list[tuple[date, float, bool]]:
    """Past doses, day by day, counted in the plainest way."""
    found = []
    for d in doses:
        for i in range(d.taken_until(ON)):
            found.append((d.start + timedelta(days=int(d.every_days * i + 1e-9)), d.iu or 0.0, d.route != "oral"))
    return found


def planned(regimen: Regimen) -> list[tuple[date, float, bool]]:
    return [
        (r.start + timedelta(days=int(r.every_days * i + 1e-9)), r.iu or r.amount * 100.0, r.route != "oral")
        for r in regimen.runs
        for i in range(r.count)
    ]


@settings(max_examples=250, deadline=None)
@given(people(), regimens())
def test_hard_limits_hold_for_any_record_and_regimen(patient: Patient, asked: Regimen) -> None:
    verdict = safety.gate(patient, asked, ON, TABLE)
    newest = max((x for x in patient.labs if x.analyte == "25ohd"), key=lambda x: x.when.date())
    highest = max(x.value for x in patient.labs if x.analyte == "25ohd" and x.when.date() == newest.when.date())
    if highest >= 250.0:
        assert verdict.status == "refused"
        assert "HL05" in {f.id for f in verdict.rules}
    got = verdict.regimen
    if got is None:
        assert verdict.status == "refused"
        return
    assert got.runs
    for r in got.runs:
        p = TABLE[r.product]
        assert r.amount <= p.max_single_amount * (1 + 1e-9)
        assert p.gives(r.amount)
        assert (r.iu or r.amount * 100.0) <= 300_000 * (1 + 1e-6)
        same = sorted(x.start + timedelta(days=int(x.every_days * i + 1e-9)) for x in got.runs for i in range(x.count)
                      if x.product == r.product)  # fmt: skip
        assert all((b - a).days >= int(p.min_days) for a, b in pairwise(same))
    new = planned(got)
    everything = days_of(patient.doses) + new
    for day, _, _ in new:
        assert sum(iu for d, iu, _ in everything if 0 <= (day - d).days < 365) <= 600_000 * (1 + 1e-6)
        assert sum(iu for d, iu, _ in new if 0 <= (day - d).days < 90) <= 300_000 * (1 + 1e-6)
    depot: dict[date, float] = {}
    for d, iu, im in everything:
        if im:
            depot[d] = depot.get(d, 0.0) + iu
    for day in {d for d, _, im in new if im}:
        for before, iu in depot.items():
            if before < day:
                assert (day - before).days >= 84 * iu / 300_000 - 1e-6
    # lower, never higher
    assert got.largest_iu <= asked.largest_iu * (1 + 1e-12)
    assert got.total_iu <= asked.total_iu * (1 + 1e-12)
    assert {r.route for r in got.runs} <= {r.route for r in asked.runs}
    assert len(new) <= len(planned(asked))
    # idempotent
    again = safety.gate(patient, got, ON, TABLE)
    assert again.regimen == got
    assert {f.id for f in again.rules} <= {f.id for f in verdict.rules}


@settings(max_examples=60, deadline=None)
@given(people(), regimens())
def test_what_the_limits_say_the_gate_holds(patient: Patient, asked: Regimen) -> None:
    allowed = safety.limits(patient, ON, TABLE)
    got = safety.gate(patient, asked, ON, TABLE).regimen
    if allowed.refused:
        assert got is None
    if got is not None:
        assert {r.route for r in got.runs} <= set(allowed.routes)
        assert {r.product for r in got.runs} <= set(allowed.products)
        assert got.largest_iu <= allowed.largest_single_iu * (1 + 1e-6)
        new = planned(got)
        assert sum(iu for d, iu, _ in new if (d - ON).days < 365) <= 600_000 * (1 + 1e-6)
        if allowed.im_from is not None:
            assert all(d >= allowed.im_from for d, _, im in new if im)
        if allowed.daily_only:
            assert all(r.every_days <= 1.0 and r.count > 1 for r in got.runs if r.route == "oral")


def test_a_limit_of_totals_is_never_wider_than_the_gate() -> None:
    """What `limits` leaves for 90 and 365 days passes the gate in full."""
    patient = replace(base(), doses=(dose("im", 150_000.0, 20), dose("im", 200_000.0, 250)))
    allowed = safety.limits(patient, ON, TABLE)
    assert allowed.total_90d_iu == 150_000
    assert allowed.total_365d_iu == 250_000
    assert allowed.im_from == ON + timedelta(days=22)
    asked = Regimen("x", (run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 3),))
    assert safety.gate(patient, asked, ON, TABLE).regimen == asked
    more = Regimen("x", (run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 4),))
    assert safety.gate(patient, more, ON, TABLE).status == "reduced"


def test_a_product_that_is_not_in_the_table_is_not_given() -> None:
    good = run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 3)
    for bad in (replace(good, product=""), replace(good, product="nothing"), replace(good, route="im")):
        verdict = safety.gate(base(), Regimen("x", (bad,)), ON, TABLE)
        assert verdict.status == "refused"
    assert safety.gate(base(), Regimen("x", (replace(good, product=""),)), ON, TABLE).rules[0].id == "HL01"
    assert safety.gate(base(), Regimen("x", (replace(good, count=0),)), ON, TABLE).regimen is None


@pytest.mark.parametrize(
    "lie",
    [{"iu": 1000.0}, {"iu": None}, {"amount_nmol": 1.0}, {"unit": "ug"}, {"substance": "ergocalciferol"},
     {"every_days": -7.0}, {"every_days": float("nan")}, {"amount": float("nan")}],
)  # fmt: skip
def test_a_dose_that_says_two_things_is_not_given(lie: dict[str, object]) -> None:
    run_ = replace(run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 3), **lie)  # type: ignore[arg-type]
    assert safety.gate(base(), Regimen("x", (run_,)), ON, TABLE).status == "refused"


def test_calcifediol_with_an_iu_is_not_given() -> None:
    product = next(k for k, p in TABLE.items() if p.substance == "calcifediol")
    good = run(product, TABLE[product].smallest_amount, 0, 30.0, 2)
    assert safety.gate(base(), Regimen("x", (good,)), ON, TABLE).regimen is not None
    assert safety.gate(base(), Regimen("x", (replace(good, iu=1000.0),)), ON, TABLE).regimen is None


def test_a_product_is_not_given_more_often_than_its_label_says() -> None:
    product, p = next((k, p) for k, p in TABLE.items() if p.route == "oral" and p.min_days == 7)
    asked = Regimen("x", (run(product, p.smallest_amount, 0, 1.0, 15),))
    got = safety.gate(base(), asked, ON, TABLE)
    assert [f.id for f in got.rules] == ["HL08"]
    assert got.regimen is not None
    assert [(r.start - ON).days for r in got.regimen.runs] == [0, 7, 14]
    assert (
        safety.gate(base(), replace(asked, runs=(replace(asked.runs[0], every_days=7.0),)), ON, TABLE).status
        == "allowed"
    )


def test_a_product_that_the_patient_may_not_have_is_taken_away() -> None:
    patient = replace(base(), allergies=(Allergy("gelatin", ("gelatin",), HERE),))
    capsule = run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 3)
    drops = run("calciferol-d3-verfora-drops", 1000.0, 0, 1.0, 30)
    got = safety.gate(patient, Regimen("x", (capsule, drops)), ON, TABLE)
    assert got.regimen == Regimen("x", (drops,))
    assert got.status == "reduced"
    assert safety.gate(patient, Regimen("x", (capsule,)), ON, TABLE).status == "refused"


def test_a_dose_that_no_product_gives_is_lowered_to_one_that_it_gives() -> None:
    odd = run("invita-d3-50000-capsule", 70_000.0, 0, 7.0, 2)
    verdict = safety.gate(base(), Regimen("x", (odd,)), ON, TABLE)
    assert verdict.status == "reduced"
    assert verdict.regimen is not None
    assert verdict.regimen.runs[0].iu == 50_000
    assert verdict.regimen.runs[0].amount_nmol == pytest.approx(iu_to_nmol(50_000, "cholecalciferol"))
    assert [f.id for f in verdict.rules] == ["HL01"]
    small = run("invita-d3-50000-capsule", 10_000.0, 0, 7.0, 2)
    assert safety.gate(base(), Regimen("x", (small,)), ON, TABLE).regimen is None


def test_a_single_dose_above_300000_is_named_as_such() -> None:
    product = next(k for k, p in TABLE.items() if p.route == "im" and p.gives(300_000))
    verdict = safety.gate(base(), Regimen("x", (run(product, 600_000.0, 0, 0.0, 1),)), ON, TABLE)
    assert {"HL01", "HL02"} <= {f.id for f in verdict.rules}
    assert verdict.regimen is None or verdict.regimen.largest_iu <= 300_000


def test_a_regimen_that_starts_before_the_day_is_an_error() -> None:
    with pytest.raises(UsageError, match="before the day"):
        safety.gate(base(), Regimen("x", (run("invita-d3-50000-capsule", 50_000.0, -1, 7.0, 3),)), ON, TABLE)


def _peak(per_dose: float, untreated: float = 30.0) -> safety.check.Peak:  # type: ignore[name-defined]
    return lambda r: untreated + per_dose * sum(x.count for x in r.runs)


def test_the_ceiling_takes_doses_from_the_end() -> None:
    asked = Regimen("x", (run("invita-d3-50000-capsule", 50_000.0, 0, 14.0, 6),))
    assert safety.gate(base(), asked, ON, TABLE, peak=_peak(30.0)).regimen == asked
    lowered = safety.gate(base(), asked, ON, TABLE, peak=_peak(60.0))
    assert lowered.regimen is not None
    assert lowered.regimen.runs[0].count == 3
    assert [f.id for f in lowered.rules] == ["HL07"]
    assert lowered.status == "reduced"
    again = safety.gate(base(), lowered.regimen, ON, TABLE, peak=_peak(60.0))
    assert again.regimen == lowered.regimen
    assert safety.gate(base(), asked, ON, TABLE, peak=_peak(500.0)).status == "refused"
    assert safety.gate(base(), asked, ON, TABLE, peak=_peak(10.0, untreated=260.0)).status == "refused"
    assert safety.gate(base(), Regimen("none"), ON, TABLE, peak=_peak(500.0)).status == "allowed"


def test_the_ceiling_of_the_patient_is_the_lowest_that_fired() -> None:
    patient = replace(base(), conditions=(condition("sarcoidosis"),))
    asked = Regimen("x", (run("invita-d3-800-capsule", 800.0, 0, 1.0, 60),))
    got = safety.gate(patient, asked, ON, TABLE, peak=_peak(1.0))
    assert got.regimen is not None
    assert got.regimen.runs[0].count == 45
    assert got.regimen.total_iu < asked.total_iu


def test_a_lowered_regimen_never_peaks_above_what_was_asked() -> None:
    """Even a forecast that (wrongly) rises when doses are taken away does not get through."""
    asked = Regimen("x", (run("invita-d3-50000-capsule", 50_000.0, 0, 7.0, 8),))
    levels = {8: 100.0, 6: 140.0, 5: 130.0, 4: 99.0, 3: 90.0, 2: 80.0, 1: 70.0, 0: 30.0, 7: 100.0}
    got = safety.gate(base(), asked, ON, TABLE, peak=lambda r: levels[sum(x.count for x in r.runs)])
    assert got.regimen is not None
    assert levels[got.regimen.runs[0].count] <= 100.0


def test_several_runs_are_cut_in_order_of_time() -> None:
    asked = Regimen(
        "x", (run("invita-d3-800-capsule", 800.0, 60, 1.0, 5), run("invita-d3-50000-capsule", 50_000.0, 0, 14.0, 3))
    )
    got = safety.gate(base(), asked, ON, TABLE, peak=lambda r: 30.0 + 60.0 * sum(x.count for x in r.runs))
    assert got.regimen is not None
    assert [(r.product, r.count) for r in got.regimen.runs] == [("invita-d3-50000-capsule", 3)]


def test_calcifediol_counts_and_is_limited() -> None:
    product = next(k for k, p in TABLE.items() if p.substance == "calcifediol")
    p = TABLE[product]
    asked = Regimen("x", (run(product, p.max_single_amount, 0, 3.0, 100),))
    got = safety.gate(base(), asked, ON, TABLE)
    assert got.regimen is not None
    assert 0 < sum(r.amount * r.count * 100.0 for r in got.regimen.runs) <= 600_000 < p.max_single_amount * 10_000
    patient = replace(base(), conditions=(condition("pregnancy"),))
    assert safety.gate(patient, asked, ON, TABLE).regimen is None
    patient = replace(base(), doses=(GivenDose("calcifediol", "oral", ug_to_nmol(3500, "calcifediol"), None,
                                               ON - timedelta(days=1), 0.0, 1, base().labs[0].origin),))  # fmt: skip
    assert "AD03" in {f.id for f in safety.limits(patient, ON, TABLE).fired}


def test_a_gap_splits_a_run() -> None:
    asked = Regimen("x", (run("colecalciferol-1000-colonis", 4000.0, 0, 1.0, 300),))
    got = safety.gate(base(), asked, ON, TABLE)
    assert got.regimen is not None
    assert len(got.regimen.runs) > 1
    assert got.regimen.runs[0].count == 75
    assert got.regimen.runs[1].start == ON + timedelta(days=90)
