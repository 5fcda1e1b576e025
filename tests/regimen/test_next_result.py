"""When to measure next, and what each result would mean."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from card_patient import ON, CardPatient

from calcidiol.errors import UsageError
from calcidiol.kinetics.events import Schedule
from calcidiol.regimen import Candidates, default_goal, search
from calcidiol.regimen.next_sample import depot_shows_d, next_sample
from calcidiol.regimen.policy import Policy, limits_then, policy, remaining
from calcidiol.regimen.score import Noise
from calcidiol.regimen.text import parse
from calcidiol.safety.verdict import Limits
from calcidiol.terminology import products

TABLE = products()
OPEN = Limits(("oral", "im"), tuple(TABLE), 300_000.0, 300_000.0, 600_000.0, None, 250.0)
NOISE = Noise(0.12, 3.0)


@cache
def found(level: float, route: str | None = None, cv: float = 0.2) -> tuple[CardPatient, Candidates]:
    patient = CardPatient(level, cv=cv)
    return patient, search(patient, OPEN, default_goal(), TABLE, {}, ON, 1, route)


def table(level: float, day: int, text: str | None = None, route: str | None = None) -> Policy:
    patient, told = found(level, route)
    regimen = None if text is None else parse(text, ON, TABLE)
    return policy(patient, told, OPEN, TABLE, ON, 1, day=day, noise=NOISE, regimen=regimen)


def test_the_rows_cover_everything_once() -> None:
    told = table(30.0, 84)
    assert told.rows[0].low == 0
    assert math.isinf(told.rows[-1].high)
    assert all(a.high == b.low for a, b in zip(told.rows, told.rows[1:], strict=False))
    assert sum(r.probability for r in told.rows) == pytest.approx(1.0)
    assert told.row_of(80.0).low <= 80.0 < told.row_of(80.0).high
    json.loads(json.dumps(told.to_dict(), allow_nan=False))


def test_few_effective_draws_look_for_a_cause() -> None:
    for r in table(30.0, 84).rows:
        assert (r.action == "look_for_cause") == (r.effective < 200)


def test_nothing_is_given_at_the_hold_level() -> None:
    told = table(30.0, 84)
    for r in told.rows:
        if r.low >= 125:
            assert r.action in ("stop", "look_for_cause")
            assert r.regimen is None or not r.regimen.runs
            assert any(i in ("policy.hold_rule", "policy.stop_rule") for i, _ in r.reasons)
    assert told.stop_from_nmol_per_l <= 125


def test_the_table_is_computed_and_differs_between_patients() -> None:
    low, high = table(20.0, 84, "oral 2000 IU daily x 182"), table(60.0, 84, "oral 2000 IU daily x 182")
    assert [r.action for r in low.rows] != [r.action for r in high.rows]
    assert [round(r.probability, 2) for r in low.rows] != [round(r.probability, 2) for r in high.rows]


def test_a_low_result_steps_up_and_a_high_one_down() -> None:
    told = table(30.0, 84, "oral 1000 IU daily x 182")
    assert told.row_of(45.0).action == "step_up"
    too_much = table(30.0, 84, "oral 4000 IU daily x 182")
    assert too_much.row_of(115.0).action in ("step_down", "stop")


def test_an_early_low_level_after_an_injection_does_not_trigger_another_dose() -> None:
    for level in (15.0, 30.0, 50.0):
        for day in (7, 14, 21):
            for r in table(level, day, "im 300000 IU once").rows:
                assert r.action != "step_up", (level, day, r)
    late = table(15.0, 112, "im 300000 IU once")
    assert any(r.action == "step_up" for r in late.rows)


def test_no_injection_before_the_wait_is_over() -> None:
    for r in table(15.0, 56, "im 300000 IU once").rows:
        for run in () if r.regimen is None else r.regimen.runs:
            if run.route == "im":
                assert run.start >= ON + timedelta(days=84)


def test_what_the_limits_leave_later() -> None:
    given = parse("im 100000 IU once then oral 2000 IU daily x 100", ON, TABLE)
    left = limits_then(OPEN, given, ON, 35)
    assert left.im_from == ON + timedelta(days=28)
    assert left.total_365d_iu == 600_000 - 100_000 - 2000 * 34
    assert left.total_90d_iu == 300_000 - 2000 * 6  # the newest oral doses are not yet in a level
    soon = limits_then(OPEN, given, ON, 14)
    assert soon.total_90d_iu == 300_000 - 100_000 - 2000 * 6


def test_what_is_left_of_a_regimen() -> None:
    regimen = parse("im 50000 IU every 14 d x 3 then oral 2000 IU daily x 10", ON, TABLE)
    rest = remaining(regimen, ON + timedelta(days=14), TABLE)
    assert rest.name == "im 50000 IU every 14 d x 2 then oral 2000 IU daily x 10"
    assert remaining(regimen, ON, TABLE).runs == regimen.runs
    assert remaining(regimen, ON + timedelta(days=400), TABLE).runs == ()


def test_loading_ends_is_told() -> None:
    told = table(30.0, 84, "oral 50000 IU every 7 d x 4 then oral 1000 IU daily x 150")
    assert told.loading_ends == ON + timedelta(days=21)
    assert table(30.0, 84, "oral 1000 IU daily x 182").loading_ends is None


def test_the_next_sample_gains_most_and_waits_for_a_depot() -> None:
    _, told = found(30.0, "im")
    sample = next_sample(told, ON, NOISE)
    assert sample.shrinks == max(sample.by_day.values())
    assert 0.0 < sample.shrinks < 1.0
    injected = [float(t) for run in told.best.regimen.runs for t in run.days(ON)]
    for day in sample.by_day:
        before = [t for t in injected if t < day]
        assert day in injected or not before or day - max(before) >= depot_shows_d()
    assert sample.left_out
    assert {i for i, _ in sample.left_out.values()} == {"sample.left_out.depot"}


def test_more_error_gains_less_and_later_weeks_say_more_than_early_ones() -> None:
    _, told = found(30.0, "oral")
    good, poor = next_sample(told, ON, NOISE), next_sample(told, ON, Noise(0.4, 10.0))
    assert poor.shrinks < good.shrinks
    assert good.by_day[14] < good.by_day[70]


def test_a_draw_that_is_due_anyway_is_taken_and_a_nadir_is_avoided() -> None:
    _, told = found(30.0, "oral")
    free = next_sample(told, ON, NOISE)
    due = next_sample(told, ON, NOISE, due=[ON + timedelta(days=free.day - 3)])
    assert due.day == free.day - 3
    assert due.reasons[0][0] == "sample.due_anyway"
    avoided = next_sample(told, ON, NOISE, avoid=[free.on])
    assert avoided.day != free.day
    assert avoided.left_out[free.day][0] == "sample.left_out.avoid"


def test_injections_already_given_count_too() -> None:
    _, told = found(60.0, "oral")
    sample = next_sample(told, ON, NOISE, given=[(-7.0, 300_000.0)])
    assert min(sample.by_day) >= 21


def test_weeks_that_make_no_sense() -> None:
    _, told = found(30.0, "oral")
    for weeks in ([], [0], [99]):
        with pytest.raises(UsageError):
            next_sample(told, ON, NOISE, weeks=weeks)


def test_only_bad_dates_say_so() -> None:
    _, told = found(30.0, "oral")
    sample = next_sample(told, ON, NOISE, weeks=[3], given=[(0.0, 300_000.0)])
    assert sample.day == 21
    assert ("sample.no_good_date", {}) in sample.reasons


def test_an_unknown_method_says_less() -> None:
    _, told = found(30.0, "oral")
    bias = 0.15 * np.random.default_rng(1).standard_normal(len(told.draws))
    unknown = replace(told, draws=replace(told.draws, bias=bias))
    assert next_sample(unknown, ON, NOISE).shrinks < next_sample(told, ON, NOISE).shrinks


def test_past_doses_are_in_the_draws() -> None:
    patient = CardPatient(30.0, past=Schedule.of([(-30.0, 19499.0, 1)]))
    told = search(patient, OPEN, default_goal(), TABLE, {}, ON, 1)
    without = search(CardPatient(30.0), OPEN, default_goal(), TABLE, {}, ON, 1)
    assert told.best.iu < without.best.iu
    assert np.isfinite(told.untreated.attainment.p)


def test_a_result_that_a_later_dose_needs_is_not_later() -> None:
    _, told = found(30.0, "oral")
    free = next_sample(told, ON, NOISE)
    needed = ON + timedelta(days=free.day - 7)
    sample = next_sample(told, ON, NOISE, needed=needed)
    assert sample.on <= needed
    assert max(sample.by_day) == (needed - ON).days
    if sample.on == needed:
        assert sample.reasons == (("sample.needed", {"on": needed.isoformat()}),)
