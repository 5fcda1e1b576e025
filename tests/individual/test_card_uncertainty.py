"""What the card does not know widens the prior of a patient in a clinic that nobody has seen, in one place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from records import ON, lab, oral, person

from calcidiol.individual import fit, population
from calcidiol.individual.card_uncertainty import moves, spreads
from calcidiol.individual.history import history, observed
from calcidiol.individual.mode import modes
from calcidiol.individual.people import people, repeat, typical
from calcidiol.individual.problem import Problem
from calcidiol.individual.proposal import Proposal
from calcidiol.kinetics import Card, default_card, load_card
from calcidiol.kinetics.card import Number

CARD = default_card()
WEEKLY = (oral(50_000, -84, count=12),)


def certain(card: Card) -> Card:
    """The same card as if its numbers were known exactly and held in every clinic."""
    return replace(
        card,
        numbers={**card.numbers, "between_studies": {}},
        population_effects=(),
        covariance=np.zeros((0, 0)),
    )


def between(**values: float) -> Card:
    room = {name: Number(value, "1", "test", "P") for name, value in values.items()}
    return replace(CARD, numbers={**CARD.numbers, "between_studies": room})


def test_people_and_studies_add_up_in_the_same_effect_and_only_there() -> None:
    own = dict(zip(CARD.random_effects, CARD.spreads, strict=True))
    told = dict(zip(CARD.random_effects, spreads(between(conversion=0.2, depot=0.5, scatter=0.9)), strict=True))
    assert told["conversion"] == pytest.approx(np.hypot(own["conversion"], 0.2))
    assert told["depot"] == pytest.approx(np.hypot(own["depot"], 0.5))
    for name in ("untreated", "clearance", "bioavailability"):
        assert told[name] == own[name]


def test_a_student_law_of_studies_counts_with_its_variance() -> None:
    drawn = 0.2 * np.random.default_rng(0).standard_t(8.0, 400_000)
    at = CARD.random_effects.index("conversion")
    told = spreads(between(conversion=0.2, degrees_of_freedom=8.0))[at]
    assert told**2 - CARD.spreads[at] ** 2 == pytest.approx(drawn.var(), rel=0.02)
    assert np.isfinite(spreads(between(conversion=0.2, degrees_of_freedom=1.0))).all()


def test_cards_that_were_not_fitted_add_nothing() -> None:
    plain = load_card("two-route-2026")
    assert np.array_equal(spreads(plain), plain.spreads)
    assert moves(plain, 7, np.random.default_rng(1)).shape == (7, 0)


def test_population_values_are_drawn_from_their_posterior() -> None:
    drawn = moves(CARD, 40_000, np.random.default_rng(1))
    assert np.cov(drawn.T) == pytest.approx(CARD.covariance, abs=0.03 * float(np.diag(CARD.covariance).max()))


def test_it_widens_the_forecast_of_the_treated_and_leaves_the_untreated_level() -> None:
    def sd(card: Card, *, treated: bool) -> float:
        one = population(person(doses=WEEKLY if treated else ()), card, ON, draws=8000)
        return one.sd(np.log(one.state.values[6])).item()

    assert sd(CARD, treated=True) > 1.05 * sd(certain(CARD), treated=True)
    assert sd(CARD, treated=False) == pytest.approx(sd(certain(CARD), treated=False), rel=0.04)


def test_a_result_under_treatment_takes_most_of_it_away() -> None:
    who = person(lab(30, -85), lab(95, -1), doses=WEEKLY)
    one, sure = fit(who, CARD, ON, seed=1), fit(who, certain(CARD), ON, seed=1)
    assert one.sd(np.log(one.state.values[6])) < 1.25 * sure.sd(np.log(sure.state.values[6]))


def test_the_laws_follow_the_population_values() -> None:
    # At moved population values the mode itself moves; the proposal must say where to, to first order.
    who = person(lab(30, -85), lab(95, -1), doses=WEEKLY)
    problem = Problem(CARD, history(who, ON), observed(who, ON), 161.0)
    center = typical(people(who, CARD, ON, 64, np.random.default_rng(1)))
    law = Proposal.at(modes(problem, center), problem, center)
    move = 0.5 * np.sqrt(np.diag(CARD.covariance)) * np.sign(np.arange(len(CARD.covariance)) % 2 - 0.5)
    there = replace(repeat(center, 1), moves=move[None])
    found = modes(problem, there)[0].x
    told = law.center[0] - law.answer @ move
    assert np.abs(found - told).max() < 0.25 * np.abs(found - law.center[0]).max()
