"""Candidates never break a limit, whatever the limits are."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcidiol.errors import KnowledgeError
from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.candidates import NONE, Candidate, generate, grid, load_grid, outside, policy_grid
from calcidiol.regimen.goals import default_goal, goal
from calcidiol.regimen.text import parse
from calcidiol.safety.exposure import counted_iu
from calcidiol.safety.rulebook import knowledge
from calcidiol.safety.verdict import Limits
from calcidiol.terminology import products

ON = date(2026, 11, 21)
TABLE = products()
OPEN = Limits(("oral", "im"), tuple(TABLE), 300_000.0, 300_000.0, 600_000.0, None, 250.0)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    routes = draw(st.sampled_from([("oral", "im"), ("oral",), ("im",), ()]))
    kept = tuple(k for k in TABLE if draw(st.integers(0, 3)))
    return Limits(
        routes=routes,
        products=kept,
        largest_single_iu=draw(st.sampled_from([0.0, 4_000.0, 50_000.0, 100_000.0, 300_000.0])),
        total_90d_iu=draw(st.sampled_from([0.0, 50_000.0, 150_000.0, 300_000.0])),
        total_365d_iu=draw(st.sampled_from([0.0, 100_000.0, 400_000.0, 600_000.0])),
        im_from=draw(st.sampled_from([None, ON, ON + timedelta(days=30), ON + timedelta(days=84)])),
        ceiling_nmol_per_l=250.0,
        daily_only=draw(st.booleans()),
    )


def broken(regimen: Regimen, limits: Limits) -> list[str]:
    """The limits that a regimen breaks, worked out dose by dose and by another way than the search's."""
    told = []
    doses = sorted(
        (
            run.start + timedelta(days=int(run.every_days * i + 1e-9)),
            run.iu or 100.0 * run.amount,
            run.route == "im",
        )
        for run in regimen.runs
        for i in range(run.count)
    )
    for run in regimen.runs:
        product = TABLE[run.product]
        if run.route not in limits.routes or run.product not in limits.products or product.route != run.route:
            told.append("route or product")
        if not product.gives(run.amount) or run.amount > product.max_single_amount:
            told.append("product's dose")
        if run.count > 1 and run.every_days < product.min_days:
            told.append("product's interval")
        if counted_iu(run.iu, run.amount_nmol, run.substance) > min(limits.largest_single_iu, 300_000.0):
            told.append("single dose")
        if limits.daily_only and run.every_days != 1:
            told.append("daily only")
    for first, _, _ in doses:
        # a result of the day before shows doses by mouth of 7 days, and depots of 28 days, before itself
        unseen = sum(iu for day, iu, depot in doses if 0 <= (first - day).days <= (28 if depot else 7))
        year = sum(iu for day, iu, _ in doses if 0 <= (day - first).days < 365)
        if unseen > 300_000.0 or year > 600_000.0:
            told.append("house totals")
    if sum(iu for day, iu, _ in doses if (day - ON).days <= 28) > limits.total_90d_iu:
        told.append("90 days")
    if sum(iu for _, iu, _ in doses) > limits.total_365d_iu:
        told.append("12 months")
    injected = [(day, iu) for day, iu, depot in doses if depot]
    if injected and limits.im_from is not None and injected[0][0] < limits.im_from:
        told.append("wait")
    for (a, iu), (b, _) in pairwise(injected):
        if (b - a).days < 84 * iu / 300_000.0 - 1e-9:
            told.append("interval of injections")
    return told


@settings(max_examples=40, deadline=None)
@given(limits(), st.integers(0, 2**31))
def test_no_candidate_breaks_a_limit(limits: Limits, seed: int) -> None:
    everything = goal(substances=("cholecalciferol", "calcifediol"))
    found = generate(limits, everything, TABLE, ON)
    assert found[0] is NONE
    rng = np.random.default_rng(seed)
    for i in rng.permutation(len(found))[:25]:
        regimen = found[i].regimen(ON, TABLE)
        assert broken(regimen, limits) == [], regimen.name
        assert outside(regimen, limits, TABLE, ON) == ()


def test_the_open_grid_is_wide_enough_and_stable() -> None:
    found = generate(OPEN, default_goal(), TABLE, ON)
    assert len(found) > 1000
    assert found == generate(OPEN, default_goal(), TABLE, ON)
    names = [c.regimen(ON, TABLE).name for c in found]
    assert len(set(names)) == len(names)
    routes = {phase.route for c in found for phase, _ in c.phases()}
    assert routes == {"oral", "im"}
    assert {c.duration_d for c in found if c.maintenance} == {182, 224, 273, 315, 364}


def test_nothing_left_leaves_no_vitamin_d() -> None:
    assert generate(Limits((), (), 0.0, 0.0, 0.0, None, 250.0), default_goal(), TABLE, ON) == [NONE]
    assert NONE.regimen(ON, TABLE).name == "none"


def test_a_wait_moves_the_first_injection() -> None:
    later = Limits(("im",), tuple(TABLE), 300_000.0, 300_000.0, 600_000.0, ON + timedelta(days=40), 250.0)
    first = {int(c.regimen(ON, TABLE).runs[0].days(ON)[0]) for c in generate(later, default_goal(), TABLE, ON)[1:]}
    assert first == {40}


def test_equal_keys_mean_equal_doses() -> None:
    found = generate(OPEN, default_goal(), TABLE, ON)
    by_key: dict[object, Candidate] = {}
    for c in found:
        other = by_key.setdefault(c.key(182), c)
        a, b = c.regimen(ON, TABLE).schedule(ON), other.regimen(ON, TABLE).schedule(ON)
        keep_a, keep_b = a.time_d < 182, b.time_d < 182
        assert np.array_equal(a.time_d[keep_a], b.time_d[keep_b])
        assert np.array_equal(a.amount_nmol[keep_a], b.amount_nmol[keep_b])
    assert len(by_key) < len(found)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("none", []),
        ("im 100000 IU every 28 d x 3", []),
        ("im 300000 IU every 28 d x 2", ["outside.total_90d", "outside.im_interval"]),
        ("im 600000 IU once", ["outside.single_dose", "outside.total_90d"]),
        ("im 200000 IU every 14 d x 2", ["outside.total_90d", "outside.im_interval"]),
        ("oral 60001 IU once", ["outside.product"]),
        ("oral 50000 IU every 7 d x 8", []),  # a 25(OH)D stands before the dose that passes 300,000 IU
        ("oral 50000 IU daily x 7", ["outside.total_90d"]),  # no result could show these in time
        ("oral 2000 IU daily x 365", ["outside.total_365d"]),
        ("oral 4000 IU daily x 75", []),
        ("oral calcifediol 266 ug every 28 d x 7", []),
    ],
)
def test_what_a_typed_regimen_breaks(text: str, ids: list[str]) -> None:
    assert [
        i
        for i, _ in outside(parse(text, ON, TABLE), OPEN, TABLE, ON)
        if i != "outside.product" or "outside.product" in ids
    ] == ids


def test_the_house_limits_are_those_of_safety() -> None:
    numbers = knowledge().numbers
    for shape in (grid(), policy_grid()):
        assert shape.largest_90d_iu == numbers["largest_90d_iu"]
        assert shape.largest_365d_iu == numbers["largest_365d_iu"]
        assert shape.wait(300_000.0) == numbers["wait_days"] * 300_000.0 / numbers["wait_per_iu"]


def test_an_incomplete_grid_is_refused() -> None:
    with pytest.raises(KnowledgeError):
        load_grid({"durations_d": [182]})
