"""Draws of a fitted card's population values, one for each lane."""

import numpy as np
import pytest

from calcidiol.errors import UsageError
from calcidiol.evaluate.predict import with_values
from calcidiol.kinetics import Covariates, individual_parameters, load_card

CARD = load_card("two-route-fitted-2026")


def test_moved_lanes_are_the_cards_with_those_values():
    rng = np.random.default_rng(1)
    moves = 0.2 * rng.standard_normal((3, len(CARD.population_effects)))
    effects = 0.3 * rng.standard_normal((3, len(CARD.effects)))
    people = Covariates.reference(CARD, 3).with_(
        cancer=np.array([0.0, 1.0, 0.0]), bmi=np.array([24.0, 27.0, 35.0]), malabsorption=np.array([2.0, 0.0, 0.0])
    )
    together = individual_parameters(CARD, people, effects, moves=moves)
    for i in range(3):
        values = {}
        for name, move in zip(CARD.population_effects, moves[i], strict=True):
            room = "parameters" if name in CARD.numbers["parameters"] else "covariates"
            old = CARD.value(name, room)
            values[name] = old + move if name.endswith("_exponent") else old * np.exp(move)
        alone = individual_parameters(with_values(CARD, **values), people.take(np.array([i])), effects[i : i + 1])
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-12)


def test_no_moves_are_moves_of_zero():
    people = Covariates.reference(CARD, 2)
    zero = np.zeros((2, len(CARD.population_effects)))
    np.testing.assert_array_equal(individual_parameters(CARD, people, moves=zero), individual_parameters(CARD, people))


def test_moves_of_the_wrong_shape_are_refused():
    with pytest.raises(UsageError, match="one column for each of"):
        individual_parameters(CARD, Covariates.reference(CARD, 2), moves=np.zeros((2, 1)))
