"""The solver against closed form, an independent integrator, mass balance, and itself in other pairings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.stats import qmc

from calcidiol.errors import UsageError
from calcidiol.kinetics import Card, Covariates, Schedule, individual_parameters, load_card, solve
from calcidiol.kinetics.closed_form import linear_level
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import clearance_25, periodic

CARD = load_card("two-route-2026")


def people(card: Card, n: int, seed: int, width: float = 1.0) -> np.ndarray:
    """Parameters spread over the box of a card: body size, untreated level and all effects."""
    u = qmc.Sobol(9, seed=seed).random_base2(max(n - 1, 1).bit_length())[:n]
    base = Covariates.reference(card, n).with_(
        weight_kg=45 + 85 * u[:, 0], bmi=18 + 25 * u[:, 1], age_y=20 + 65 * u[:, 2], latitude_deg=-60 + 120 * u[:, 3]
    )
    effects = (u[:, 4:9] - 0.5) * 4 * card.spreads * width
    effects[:, 0] = np.log(10 + 110 * u[:, 4]) - np.log(card.value("untreated"))
    return individual_parameters(card, base, effects)


def outside(card: Card, p: np.ndarray, schedule: Schedule, times: np.ndarray, doy: float) -> np.ndarray:
    """The same equations by scipy's DOP853, restarted at every dose."""
    q = {name: p[i] for name, i in ROW.items()}
    begin = min(times[0], schedule.time_d[0])
    state, mean_input = periodic(p[None], doy + begin)
    y = state[:, 0].copy()

    def rhs(t: float, y: np.ndarray) -> Any:
        season = 1 + q["season_amplitude"] * np.cos(2 * np.pi * (doy + t - q["season_phase_d"]) / 365.25)
        form = y[4] * (q["vmax"] / (q["km"] + y[4]) + q["clh"])
        absorbed = q["ka"] * y[0] + q["kim"] * y[1] + q["kim_slow"] * y[2]
        cl = float(clearance_25(p[None], np.array([y[6]]))[0])
        return [
            -q["ka"] * y[0],
            -q["kim"] * y[1],
            -q["kim_slow"] * y[2],
            -q["kc"] * y[3],
            (absorbed + mean_input[0] * season - q["clo"] * y[4] - form - q["q"] * (y[4] - y[5])) / q["v1"],
            q["q"] * (y[4] - y[5]) / q["v2"],
            (form + q["kc"] * y[3] - cl * y[6] - q["q25"] * (y[6] - y[7])) / q["v25"],
            q["q25"] * (y[6] - y[7]) / q["v25p"],
        ]

    out = np.full(len(times), np.nan)
    now = begin
    stops = sorted(
        [(float(t), 0, i) for i, t in enumerate(times)] + [(float(t), 1, i) for i, t in enumerate(schedule.time_d)]
    )
    for time, is_dose, i in stops:
        if time > now:
            y = solve_ivp(rhs, (now, time), y, method="DOP853", rtol=1e-10, atol=1e-9).y[:, -1]
            now = time
        if not is_dose:
            out[i] = y[6]
        else:
            amount, into = schedule.amount_nmol[i], schedule.into[i]
            if into == 0:
                y[0] += amount * q["f_oral"]
            elif into == 1:
                y[1] += amount * q["f_im"] * q["im_fast"]
                y[2] += amount * q["f_im"] * (1 - q["im_fast"])
            else:
                y[3] += amount * q["f_calcifediol"]
    return out


MIXED = Schedule.of(
    [(0.37, 3250.0, 0), (5.0, 6500.0, 1), (9.9, 3250.0, 0), (33.3, 19500.0, 1), (40.1, 39000.0, 0), (41.0, 400.0, 2)]
)
TIMES = np.array([0.2, 1.0, 2.5, 5.0, 9.95, 20.0, 40.5, 41.2, 47.0, 60.0, 90.0])


@pytest.mark.parametrize("card_id", ["two-route-2026", "huang-you-2021"])
def test_against_scipy_over_the_box(card_id: str) -> None:
    card = load_card(card_id)
    p = people(card, 32, seed=3)
    ours = solve(card, p, MIXED, TIMES, origin_doy=40.0).level
    theirs = np.array([outside(card, row, MIXED, TIMES, 40.0) for row in p])
    # Levels here pass 1,500 nmol/L after 600,000 IU at once; the aim is 1e-3 of the level.
    assert np.max(np.abs(ours / theirs - 1)) < 1e-3


def test_tight_accuracy_is_tight() -> None:
    p = people(CARD, 8, seed=4)
    ours = solve(CARD, p, MIXED, TIMES, origin_doy=40.0, accuracy=1e-6).level
    theirs = np.array([outside(CARD, row, MIXED, TIMES, 40.0) for row in p])
    assert np.max(np.abs(ours / theirs - 1)) < 5e-6


def test_linear_limit_in_closed_form() -> None:
    p = people(CARD, 16, seed=5)
    p[:, ROW["vmax"]] = 0.0
    p[:, ROW["season_amplitude"]] = 0.0
    # Rates that coincide must not matter: depots as fast as each other and as the disposition.
    p[:4, ROW["kim_slow"]] = p[:4, ROW["kim"]] = p[:4, ROW["ka"]]
    ours = solve(CARD, p, MIXED, TIMES, accuracy=1e-7).level
    theirs = np.array([linear_level(row, MIXED, TIMES) for row in p])
    assert np.max(np.abs(ours / theirs - 1)) < 1e-6


def test_nothing_is_lost_or_made() -> None:
    # Without any clearance the D3 of a dose ends as 25(OH)D, mole for mole.
    p = people(CARD, 8, seed=6)
    p[:, ROW["season_amplitude"]] = 0.0
    p[:, ROW["clo"]] = 1e-12
    untreated = solve(CARD, p, Schedule.of(()), [0.0], want=("state",)).state
    for name in ("cl25",):
        p[:, ROW[name]] = 1e-14
    assert untreated is not None
    dosed = solve(
        CARD, p, Schedule.of([(0.0, 6500.0, 1)]), [0.0, 60.0], want=("state",), start=untreated, accuracy=1e-7
    ).state
    bare = solve(CARD, p, Schedule.of(()), [0.0, 60.0], want=("state",), start=untreated, accuracy=1e-7).state
    assert dosed is not None
    assert bare is not None
    more = dosed.values - bare.values
    volumes = [1, 1, 1, 1, *(p[:, ROW[v]] for v in ("v1", "v2", "v25", "v25p"))]
    total = sum(v * row for v, row in zip(volumes, more, strict=True))
    assert total == pytest.approx(6500.0 * p[:, ROW["f_im"]], rel=1e-8)


def test_pairings_agree() -> None:
    p = people(CARD, 70, seed=7)
    others = [MIXED, Schedule.of(()), Schedule.of((d, 130.0, 0) for d in range(60)), Schedule.of([(3.0, 6500.0, 1)])]
    times = np.arange(0.0, 91.0, 7.0)
    cross = solve(CARD, p, others, times, pairing="cross")
    for k, schedule in enumerate(others):
        one = solve(CARD, p, schedule, times)
        assert cross.level[k] == pytest.approx(one.level, rel=1e-12)
        assert cross.peak[k] == pytest.approx(one.peak, rel=1e-12)
    each = solve(CARD, p[:4], others, times, pairing="each")
    for k in range(4):
        # A lane alone may take other steps than in a crowd: the same to the aimed accuracy.
        assert each.level[k] == pytest.approx(cross.level[k, k], rel=1e-3)


def test_going_on_from_a_state_is_the_same() -> None:
    p = people(CARD, 20, seed=8)
    whole = solve(CARD, p, MIXED, [30.0, 60.0, 90.0], origin_doy=100.0, accuracy=1e-6)
    cut = MIXED.time_d < 30.0
    first = Schedule(MIXED.time_d[cut], MIXED.amount_nmol[cut], MIXED.into[cut])
    rest = Schedule(MIXED.time_d[~cut], MIXED.amount_nmol[~cut], MIXED.into[~cut])
    half = solve(CARD, p, first, [30.0], origin_doy=100.0, want=("state",), accuracy=1e-6)
    again = solve(CARD, p, rest, [30.0, 60.0, 90.0], origin_doy=100.0, start=half.state, accuracy=1e-6)
    assert again.level == pytest.approx(whole.level, rel=1e-5)


def test_a_sample_at_the_time_of_a_dose_is_drawn_first() -> None:
    p = people(CARD, 3, seed=9)
    with_dose = solve(CARD, p, Schedule.of([(10.0, 39000.0, 2)]), [10.0]).level
    without = solve(CARD, p, Schedule.of(()), [10.0]).level
    assert with_dose == pytest.approx(without)


def test_before_the_first_dose_the_year_repeats() -> None:
    p = people(CARD, 24, seed=10)
    years = solve(CARD, p, Schedule.of(()), np.arange(0.0, 731.0, 30.4375), origin_doy=15.0, accuracy=1e-6).level
    assert years[:, 12:24] == pytest.approx(years[:, :12], rel=2e-4)
    # A long integration from the constant state ends on the same cycle.
    state, mean = periodic(p, 15.0)
    assert np.isfinite(state).all()
    assert (mean > 0).all()


def test_south_is_half_a_year_later() -> None:
    card = CARD
    for latitude in (50.0, -50.0):
        c = Covariates.reference(card).with_(latitude_deg=latitude)
        p = individual_parameters(card, c)
        level = solve(card, p, Schedule.of(()), np.arange(0.0, 365.0), origin_doy=0.0).level[0]
        peak = int(np.argmax(level))
        assert np.ptp(level) > 5.0
        assert (200 < peak < 275) if latitude > 0 else (peak < 92 or peak > 350)


def test_lanes_fail_alone() -> None:
    p = people(CARD, 5, seed=11)
    p[1, ROW["v1"]] = -1.0
    p[3, ROW["clo"]] = np.nan
    solved = solve(CARD, p, MIXED, TIMES)
    assert list(solved.status) == [0, 1, 0, 1, 0]
    assert np.isnan(solved.level[[1, 3]]).all()
    alone = solve(CARD, p[[0, 2, 4]], MIXED, TIMES)
    assert solved.level[[0, 2, 4]] == pytest.approx(alone.level, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 39_000), st.sampled_from([0, 1, 2])), max_size=12),
    st.integers(0, 10_000),
)
def test_levels_stay_positive_and_finite(doses: list[tuple[float, float, int]], seed: int) -> None:
    p = people(CARD, 8, seed=seed, width=1.5)
    solved = solve(CARD, p, Schedule.of(doses), np.arange(0.0, 400.0, 10.0))
    assert (solved.status == 0).all()
    assert (solved.level > 0).all()
    assert (solved.peak >= solved.level.max(axis=1) - 1e-9).all()


def test_more_dose_is_more_level() -> None:
    p = people(CARD, 16, seed=12)
    low = solve(CARD, p, Schedule.of([(0.0, 3250.0, 1)]), [30.0, 90.0]).level
    high = solve(CARD, p, Schedule.of([(0.0, 6500.0, 1)]), [30.0, 90.0]).level
    assert (high > low).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"times_d": [3.0, 1.0]}, "rising"),
        ({"times_d": []}, "empty"),
        ({"pairing": "some"}, "pairing"),
        ({"accuracy": 1.0}, "accuracy"),
        ({"parameters": np.zeros((2, 3))}, "shape"),
        ({"schedule": [MIXED, MIXED], "pairing": "one"}, "schedules"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, Any], says: str) -> None:
    given = {"parameters": people(CARD, 2, seed=1), "schedule": MIXED, "times_d": [1.0], **change}
    with pytest.raises(UsageError, match=says):
        solve(CARD, given.pop("parameters"), given.pop("schedule"), given.pop("times_d"), **given)
