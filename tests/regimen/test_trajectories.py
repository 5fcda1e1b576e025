"""The fast way of following many regimens agrees with the solver dose by dose."""

from __future__ import annotations

import numpy as np
import pytest
from card_patient import ON, CardPatient

from calcidiol.kinetics import Schedule, cards, solve
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import constant
from calcidiol.regimen.score import draws
from calcidiol.regimen.text import parse
from calcidiol.regimen.trajectories import Draws, Plan, advance, course, plan_of, with_input
from calcidiol.terminology import products

TABLE = products()
WEEKS = np.arange(31)
TEXTS = [
    "none",
    "oral 400 IU daily x 182",
    "oral 2000 IU daily x 182",
    "oral 10000 IU daily x 28 then oral 1000 IU daily x 90",
    "oral 50000 IU every 7 d x 4 then oral 2000 IU daily x 140",
    "im 100000 IU every 28 d x 3 then oral 1000 IU daily x 60",
    "im 300000 IU once",
    "im 50000 IU every 14 d x 3 then im 50000 IU every 28 d x 4",
    "oral 2000 IU daily x 90 + im 100000 IU once from day 30",
    "oral 1000 IU daily x 60 + oral 800 IU daily x 100 from day 10",
    "oral calcifediol 20 ug daily x 90",
    "oral 5000 IU daily x 5",
]


@pytest.fixture(scope="module")
def patient() -> CardPatient:
    return CardPatient(40.0, cv=0.3, past=Schedule.of([(-40.0, 6500.0, 1), (-3.0, 3250.0, 0)]), latitude_deg=50.0)


def test_all_ways_agree_with_the_solver(patient: CardPatient) -> None:
    these = draws(patient, 64, 3)
    regimens = [parse(t, ON, TABLE) for t in TEXTS]
    fast = course(these, [plan_of(r, ON, 210.0) for r in regimens], WEEKS)
    exact = solve(
        these.card, these.parameters, [r.schedule(ON) for r in regimens], WEEKS * 7.0,
        origin_doy=these.origin_doy, pairing="cross", start=these.state, accuracy=1e-5,
    )  # fmt: skip
    off = np.abs(fast.level / exact.level - 1.0)
    assert off[:, :, 4:].max() < 0.01
    assert off[:, :, 1:].max() < 0.04  # a daily dose was just due when the sample is drawn
    assert np.abs((fast.level / exact.level - 1.0)[:, :, 4:].mean(axis=(1, 2))).max() < 0.0015
    assert np.abs(fast.peak / exact.peak - 1.0).max() < 0.02  # a peak between two steps
    assert not np.allclose(fast.level[0], fast.level[1], rtol=0.02)


def test_the_order_of_the_plans_does_not_matter(patient: CardPatient) -> None:
    these = draws(patient, 8, 3)
    plans = [plan_of(parse(t, ON, TABLE), ON, 210.0) for t in TEXTS]
    order = np.random.default_rng(1).permutation(len(plans))
    one, two = course(these, plans, WEEKS), course(these, [plans[i] for i in order], WEEKS)
    assert np.allclose(one.level[order], two.level, rtol=1e-9)
    alone = course(these, plans[3:4], WEEKS)
    assert np.allclose(alone.level[0], one.level[3], rtol=1e-9)


def test_at_day_zero_it_is_the_state(patient: CardPatient) -> None:
    these = draws(patient, 8, 3)
    now = course(these, [plan_of(parse("none", ON, TABLE), ON, 0.0)], np.arange(1))
    assert np.allclose(now.level[0, :, 0], these.state.values[6])
    assert np.allclose(now.peak[0], these.state.values[6])


def test_going_on_from_a_later_day_is_going_on(patient: CardPatient) -> None:
    these = draws(patient, 32, 5)
    regimen = parse("im 100000 IU every 28 d x 3", ON, TABLE)
    whole = course(these, [plan_of(regimen, ON, 210.0)], np.arange(13))
    level, then = advance(these, regimen.schedule(ON), 28)
    assert np.allclose(level, whole.at(4)[0], rtol=2e-3)
    rest = parse("im 100000 IU every 28 d x 2", ON, TABLE)
    after = course(then, [plan_of(rest, ON, 56.0)], np.arange(9))
    assert np.allclose(after.level[0], whole.level[0, :, 4:], rtol=3e-3)


@pytest.mark.parametrize("card", list(cards()))
def test_a_raised_input_keeps_the_season(card: str) -> None:
    from calcidiol.kinetics import Covariates, individual_parameters

    p = individual_parameters(cards()[card], Covariates.reference(cards()[card], 3))
    p[:, ROW["season_amplitude"]] = 0.3
    raised = with_input(p, 130.0)
    before, after = constant(p)[1], constant(raised)[1]
    assert np.allclose(after - before, 130.0 * p[:, ROW["f_oral"]], rtol=1e-6)
    assert np.allclose(after * raised[:, ROW["season_amplitude"]], before * 0.3, rtol=1e-9)


def test_short_runs_and_injections_stay_events() -> None:
    plan = plan_of(parse("oral 5000 IU daily x 5 + im 100000 IU every 28 d x 2", ON, TABLE), ON, 20.0)
    assert plan.inputs == ()
    assert len(plan.events) == 6  # the second injection lies after day 20
    assert isinstance(plan, Plan)


@pytest.mark.parametrize("name", list(cards()))
def test_a_steady_input_stands_for_daily_doses_on_every_card(name: str) -> None:
    from calcidiol.kinetics import Covariates, individual_parameters

    card, n = cards()[name], 16
    effects = 0.3 * np.random.default_rng(1).standard_normal((n, len(card.random_effects)))
    parameters = individual_parameters(card, Covariates.reference(card, n), effects)
    state = solve(card, parameters, Schedule.of([]), [0.0], want=("state",)).state
    these = Draws(card, parameters, state, 320.0, float(n), np.zeros(n))
    regimen = parse("oral 3000 IU daily x 120", ON, TABLE)
    fast = course(these, [plan_of(regimen, ON, 140.0)], np.arange(21))
    exact = solve(
        card, parameters, regimen.schedule(ON), np.arange(21) * 7.0, start=state, origin_doy=320.0, accuracy=1e-4
    )
    assert np.abs(fast.level[0] / exact.level - 1.0)[:, 4:].max() < 0.01
    assert np.abs(fast.peak[0] / exact.peak - 1.0).max() < 0.01
