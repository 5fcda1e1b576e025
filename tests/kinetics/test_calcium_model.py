"""The calcium model: published baseline, our couplings, the solver against Radau, and what it may be used for."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from calcidiol.errors import KnowledgeError, SolverError, UsageError
from calcidiol.kinetics import calcium_kernel as kernel
from calcidiol.kinetics.calcium import (
    CalciumPerson,
    baseline,
    equilibrium,
    lane_parameters,
    residuals,
    simulate,
)
from calcidiol.kinetics.calcium_card import calcium_card, parse_calcium_card

LEVELS = np.array([25, 40, 60, 100, 150, 250, 300, 375, 500, 750, 920, 1500.0])
TEN_YEARS = {  # mmol/L, computed by this solver at tolerance 1e-4 and pinned (S)
    "a": [2.3849, 2.3635, 2.3501, 2.3587, 2.3719, 2.3946, 2.4069, 2.4299, 2.4914, 2.7583, 3.1526, 3.9726],
    "b": [2.3862, 2.3651, 2.3501, 2.3581, 2.3711, 2.3944, 2.4083, 2.4379, 2.5277, 2.8506, 3.1016, 3.4345],
}
ONE_YEAR_GIVEN = [2.38, 2.36, 2.35, 2.36, 2.37, 2.40, 2.41, 2.43, 2.49, 2.76, 3.15, 3.96]
PTH_GIVEN = [90, 50, 36, 31, 29, 25, 24, 21, 16, 8, 5, 3]
CALCITRIOL_GIVEN = [71, 81, 90, 100, 104, 102, 99, 93, 82, 59, 44, 20]


@pytest.mark.parametrize("coupling", ["a", "b"])
def test_baseline_residuals(coupling: str) -> None:
    """Safety.md 10.1: below 0.002/h at the published start values."""
    assert np.abs(residuals(CalciumPerson(), coupling, 60.0)).max() < 0.002


@pytest.mark.parametrize("coupling", ["a", "b"])
def test_steady_states_at_ten_years_are_pinned(coupling: str) -> None:
    got = equilibrium(LEVELS, lane_parameters(CalciumPerson(), coupling))[:, 5] / 14.0
    assert got == pytest.approx(TEN_YEARS[coupling], abs=3e-4)


def test_the_given_table_is_that_of_one_year() -> None:
    state = equilibrium(LEVELS, lane_parameters(CalciumPerson(), "a"), years=1.0)
    assert state[:, 5] / 14.0 == pytest.approx(ONE_YEAR_GIVEN, abs=0.016)
    assert state[:, 0] / 14.0 * 9.4 == pytest.approx(PTH_GIVEN, rel=0.12)
    assert state[:, 3] / 14.0 == pytest.approx(CALCITRIOL_GIVEN, rel=0.02)


def test_half_the_filtration() -> None:
    state = equilibrium(np.array([60.0, 250, 375, 600]), lane_parameters(CalciumPerson(egfr=50), "a"), years=1.0)
    assert state[:, 5] / 14.0 == pytest.approx([2.38, 2.44, 2.48, 2.65], abs=0.006)


def test_the_cipriani_bolus() -> None:
    """The anchor of the fit: PTH and 1,25(OH)2D ratios after 600,000 IU by mouth (project notes on safety 10.3)."""
    par = lane_parameters(CalciumPerson(), "a")
    start = equilibrium(np.array([39.4]), par, years=1.0)[0]
    knots, level = np.array([0, 3, 15, 30, 60, 90.0]), np.array([39.4, 193, 175, 156, 125, 105])

    def at(days: float) -> np.ndarray:
        times = np.unique(np.concatenate([knots[knots < days], [days]]))
        return simulate(np.interp(times, knots, level), times, par, start, tolerance=1e-3).end[0]

    assert at(3)[3] / start[3] == pytest.approx(2.00, abs=0.08)
    assert at(3)[0] / start[0] == pytest.approx(0.68, abs=0.06)
    assert at(30)[0] / start[0] == pytest.approx(0.76, abs=0.06)
    assert at(60)[3] / start[3] == pytest.approx(1.26, abs=0.06)


def _right_side(par, times_h, level):  # type: ignore[no-untyped-def]
    dy, jac = np.empty(12), np.empty((12, 12))

    def call(t, y, want):  # type: ignore[no-untyped-def]
        d = np.interp(t, times_h, level)
        f25, phi = kernel.free_hormones(d, par)
        kernel.slopes(y, par, d, f25, phi, dy, jac, want)
        return jac.copy() if want else dy.copy()

    return lambda t, y: call(t, y, False), lambda t, y: call(t, y, True)


def test_the_jacobian_is_that_of_the_slopes() -> None:
    rng = np.random.default_rng(1)
    for k in range(40):
        person = CalciumPerson(
            egfr=rng.uniform(15, 120), albumin_g_per_l=rng.uniform(20, 45), urine=rng.uniform(0.6, 1)
        )
        par = lane_parameters(person, "ab"[k % 2])
        y, d = baseline() * rng.uniform(0.7, 1.4, 12), rng.uniform(20, 1200)
        slope, jacobian = _right_side(par, [0.0, 1.0], [d, d])
        by_steps = np.empty((12, 12))
        for j in range(12):
            up, down = y.copy(), y.copy()
            up[j] += 1e-6 * y[j]
            down[j] -= 1e-6 * y[j]
            by_steps[:, j] = (slope(0, up) - slope(0, down)) / (2e-6 * y[j])
        assert jacobian(0, y) == pytest.approx(by_steps, rel=1e-4, abs=1e-6)


TIMES = np.arange(0, 365, 7.0)
COURSES = {
    "loading": 40 + 80 * (1 - np.exp(-TIMES / 60)),
    "bolus": 40 + 150 * np.exp(-TIMES / 40) * (TIMES >= 7),
    "intoxication": 100 + 700 * TIMES / 364,
    "hump": 60 + 400 * np.exp(-(((TIMES - 80) / 40) ** 2)),
}


@pytest.mark.parametrize("coupling", ["a", "b"])
@pytest.mark.parametrize("name", COURSES)
def test_the_solver_against_radau(name: str, coupling: str) -> None:
    level = COURSES[name]
    par = lane_parameters(CalciumPerson(), coupling)
    start = equilibrium(level[:1], par)[0]
    slope, jacobian = _right_side(par, TIMES * 24, level)
    exact = solve_ivp(
        slope, (0, TIMES[-1] * 24), start, "Radau", TIMES * 24, jac=jacobian, rtol=1e-8, atol=1e-8, max_step=168
    )
    got = simulate(level, TIMES, par, start)
    assert got.status[0] == 0
    assert got.calcium_mmol_per_l[0] == pytest.approx(exact.y[5] / 14.0, abs=1.2e-3)
    finer = simulate(level, TIMES, par, start, tolerance=1e-4)
    assert finer.calcium_mmol_per_l[0] == pytest.approx(exact.y[5] / 14.0, abs=5e-5)


def test_lanes_do_not_depend_on_each_other() -> None:
    par = lane_parameters(CalciumPerson(), "a")
    together = simulate(np.stack(list(COURSES.values())), TIMES, par, baseline())
    for i, level in enumerate(COURSES.values()):
        alone = simulate(level, TIMES, par, baseline())
        assert np.array_equal(alone.calcium_mmol_per_l[0], together.calcium_mmol_per_l[i])


def test_more_25ohd_above_baseline_means_more_calcium() -> None:
    for coupling in ("a", "b"):
        got = equilibrium(np.geomspace(65, 1500, 30), lane_parameters(CalciumPerson(), coupling))[:, 5]
        assert np.all(np.diff(got) > 0)


def test_what_moves_the_model_moves_it_the_right_way() -> None:
    level = np.array([300.0])

    def ca(**changed: float) -> float:
        return float(equilibrium(level, lane_parameters(CalciumPerson(**changed), "a"))[0, 5] / 14)

    assert ca(urine=0.67) > ca()
    assert ca(extra_calcium_mg_per_d=1000.0) > ca()
    assert ca(egfr=30.0) > ca()
    assert ca(albumin_g_per_l=25.0) > ca()
    assert ca(dbp_mol_per_l=2.5e-6) > ca()


def test_nonsense_is_refused() -> None:
    par = lane_parameters(CalciumPerson(), "a")
    with pytest.raises(UsageError, match="coupling"):
        lane_parameters(CalciumPerson(), "z")
    with pytest.raises(UsageError, match="rising"):
        simulate(np.ones((1, 3)), np.array([0.0, 1, 1]), par, baseline())
    with pytest.raises(UsageError, match="rising"):
        simulate(np.ones((1, 3)), np.array([0.0, 1]), par, baseline())
    for bad in (np.nan, 0.0, -1.0, np.inf):
        with pytest.raises(UsageError, match="finite"):
            simulate(np.array([[60.0, bad]]), np.array([0.0, 1]), par, baseline())
    with pytest.raises(SolverError):
        simulate(np.array([[60.0, 60.0]]), np.array([0.0, 1]), par * np.nan, baseline())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rho = 185.0", "", "'rho'"),
        ("rho = 185.0", 'rho = "many"', "'rho'"),
        ("[coupling.b]", "[other.b]", "at least two"),
        ('id = "calcium-2026"', "", "'id'"),
        ('[use]\ntag = "P"', "[use]", "'tag'"),
        ("[use]", "[use", "not a TOML"),
    ],
)
def test_an_incomplete_card_is_refused(old: str, new: str, says: str) -> None:
    text = files("calcidiol.kinetics").joinpath("cards/calcium-2026.toml").read_text("utf-8")
    with pytest.raises(KnowledgeError, match="here") as told:
        parse_calcium_card(text.replace(old, new, 1), "here")
    assert says in str(told.value)


def test_the_card_says_what_is_published_and_what_is_ours() -> None:
    card = calcium_card()
    assert (card.tags["published"], card.tags["shared"], card.tags["use"]) == ("V", "P", "P")
    assert "our calibration" in card.not_published
    assert {
        "granulomatous",
        "lymphoma",
        "hypercalcemia",
        "primary_hyperparathyroidism",
        "myeloma",
        "bone_metastases",
    } <= set(card.no_basis)
