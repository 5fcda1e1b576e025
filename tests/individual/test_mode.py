"""The mode: the same from anywhere, where an outside optimizer finds it, and two of them when results contradict."""

from __future__ import annotations

import numpy as np
import pytest
from records import ON, injection, lab, oral, person, stranger
from scipy.optimize import minimize

from calcidiol.individual.history import history, observed
from calcidiol.individual.mode import modes
from calcidiol.individual.people import people, repeat, typical
from calcidiol.individual.problem import Problem
from calcidiol.kinetics import default_card

CARD = default_card()
DOSED = (oral(50_000, -150, count=8), injection(100_000, -90, count=3))
WHO = {
    "one result": person(lab(31, -20)),
    "three results and doses": person(lab(31, -150), lab(70, -95), lab(88, -5), doses=DOSED),
    "immunoassay": person(lab(31, -150, assay=None), lab(70, -95, assay=None), lab(60, -5), doses=DOSED),
    "censored": person(lab(25, -150, comparator="<"), lab(150, -5, comparator=">"), doses=DOSED),
    "flat": person(lab(20, -150), lab(140, -95), lab(100, -5), doses=DOSED),
    "nothing known": stranger(lab(31, -150, assay=None), lab(70, -5), doses=DOSED),
}


def made(who, flatten: float = 1.0):  # type: ignore[no-untyped-def]
    problem = Problem(CARD, history(who, ON), observed(who, ON), 161.0, flatten)
    return problem, typical(people(who, CARD, ON, 64, np.random.default_rng(1)))


@pytest.mark.parametrize("name", WHO)
def test_very_different_starts_arrive_at_the_same_mode(name: str) -> None:
    problem, center = made(WHO[name])
    far = np.random.default_rng(5).uniform(-2.5, 2.5, (6, problem.size)) * problem.prior_sd
    found = [modes(problem, center, begin=row[None])[0] for row in far]
    best = max(found, key=lambda m: m.log_posterior)
    near = [m for m in found if best.log_posterior - m.log_posterior < 0.05]
    assert len(near) >= 5
    for m in near:
        assert m.x / problem.prior_sd == pytest.approx(best.x / problem.prior_sd, abs=0.03)


@pytest.mark.parametrize(
    ("name", "flatten"),
    [("three results and doses", 1.0), ("three results and doses", 0.3), ("immunoassay", 1.0), ("censored", 1.0)],
)
def test_no_outside_optimizer_finds_a_better_one(name: str, flatten: float) -> None:
    problem, center = made(WHO[name], flatten)

    def cost(x: np.ndarray) -> float:
        level, _ = problem.solve(problem.parameters(x[None], repeat(center, 1)), state=False)
        return -float(problem.log_prior(x[None])[0] + problem.log_likelihood(x[None], level)[0])

    ours = modes(problem, center)[0]
    theirs = minimize(cost, np.zeros(problem.size), method="Nelder-Mead", options={"maxfev": 3000, "adaptive": True})
    assert cost(ours.x) <= theirs.fun + 2e-3
    assert ours.x / problem.prior_sd == pytest.approx(theirs.x / problem.prior_sd, abs=0.08)


def test_contradicting_results_have_two_modes() -> None:
    problem, center = made(person(lab(15, -30), lab(160, -29)))
    found = sorted(float(m.x[0]) for m in modes(problem, center))
    assert len(found) >= 2
    assert found[0] < -0.8
    assert found[-1] > 0.8


def test_without_results_the_mode_is_that_of_the_prior() -> None:
    problem, center = made(person())
    (only,) = modes(problem, center)
    assert not only.x.any()
    assert np.diag(only.covariance) == pytest.approx(np.ones(5))
