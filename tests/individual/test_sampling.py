"""Rounds that learn: the posterior is that of plain guessing, hard cases included; a third round is seldom needed."""

from __future__ import annotations

import numpy as np
import pytest
from records import ON, injection, lab, oral, person, stranger

from calcidiol.individual import psis
from calcidiol.individual.history import history, observed
from calcidiol.individual.mode import modes
from calcidiol.individual.people import people, typical
from calcidiol.individual.problem import Problem
from calcidiol.individual.proposal import Proposal
from calcidiol.individual.sampling import Weighted, drawn, from_law, from_prior
from calcidiol.kinetics import default_card

CARD = default_card()
DOSED = (oral(50_000, -150, count=8), injection(100_000, -90, count=3))
HARD = {
    "contradiction": person(lab(15, -30), lab(160, -29)),
    "one wild among three": person(lab(45, -150), lab(290, -95), lab(60, -5), doses=DOSED),
    "far above the prior": person(lab(315, -5, assay=None)),
    "below a limit, then far above": person(lab(25, -150, comparator="<"), lab(150, -5, comparator=">"), doses=DOSED),
    "nothing known, two methods": stranger(lab(20, -120, assay=None), lab(95, -5, assay="lc-ms"), doses=DOSED),
}


def started(name: str, seed: int = 1) -> tuple[Problem, Proposal]:
    who = HARD[name]
    problem = Problem(CARD, history(who, ON), observed(who, ON), 161.0)
    center = typical(people(who, CARD, ON, 64, np.random.default_rng([seed, 1])))
    return problem, Proposal.at(modes(problem, center), problem, center)


@pytest.mark.parametrize("name", HARD)
def test_the_posterior_is_that_of_plain_guessing(name: str) -> None:
    problem, law = started(name)
    told = drawn(problem, HARD[name], ON, law, draws=4000, wanted=1000, seed=5)
    assert told.k_hat < psis.TRUST
    assert told.ess >= 1000
    guess = from_prior(problem, HARD[name], ON, 60_000, 99)
    weight = np.exp(guess.log_likelihood - guess.log_likelihood.max())
    weight /= weight.sum()
    few = psis.effective(weight)
    assert few > 200
    for ours, theirs in ((told.sample.state[6], guess.state[6]), *zip(told.sample.x.T, guess.x.T, strict=True)):
        a, b = (np.log(v) if (v > 0).all() else v for v in (ours, theirs))
        mean, other = told.weights @ a, weight @ b
        sd, spread = np.sqrt(told.weights @ (a - mean) ** 2), np.sqrt(weight @ (b - other) ** 2)
        error = spread * np.sqrt(1 / few + 1 / told.ess)
        assert abs(mean - other) < 4.0 * error
        assert sd == pytest.approx(spread, rel=0.12)


def test_most_hard_cases_need_no_third_round() -> None:
    rounds = []
    for name in HARD:
        for seed in (1, 2):
            problem, law = started(name, seed)
            rounds.append(len(drawn(problem, HARD[name], ON, law, draws=4000, wanted=1000, seed=seed).sample.laws))
    assert sum(r == 2 for r in rounds) >= 8, rounds


def test_all_draws_of_all_rounds_count_and_the_second_round_is_the_better_one() -> None:
    problem, law = started("one wild among three")
    who = HARD["one wild among three"]
    first = from_law(problem, who, ON, law, 1000, 3, 0)
    alone = Weighted.of(first)
    learned = law.beside(np.zeros(problem.size), np.diag(problem.prior_sd)).learned(first.moved, alone.weights)
    second = from_law(problem, who, ON, learned, 1000, 3, 1)
    both = Weighted.of(first.joined(second))
    assert len(both.weights) == 2000
    assert both.ess > 1.5 * alone.ess
    assert Weighted.of(second).ess > alone.ess
    assert both.weights[:1000].sum() == pytest.approx(0.5, abs=0.15)


def test_a_density_integrates_to_one() -> None:
    # The mean of proposal over prior under draws of the prior is the integral of the proposal.
    problem, law = started("contradiction")
    guess = from_prior(problem, HARD["contradiction"], ON, 60_000, 7)
    moved = guess.x + problem.shift(guess.who) @ law.follow.T + guess.who.moves @ law.answer.T
    ratio = np.exp(law.log_density(moved, guess.log_prior) - guess.log_prior)
    assert ratio.mean() == pytest.approx(1.0, abs=4.0 * ratio.std() / np.sqrt(len(ratio)))
    assert ratio.std() / np.sqrt(len(ratio)) < 0.05
