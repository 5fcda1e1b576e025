"""The spread between people that printed SDs ask for."""

from dataclasses import replace

import numpy as np
import pytest

from calcidiol.evaluate.arms import Observation, read_arms
from calcidiol.evaluate.people_spread import WITHIN_LAB, spread_of_people, with_spread
from calcidiol.evaluate.predict import Panel
from calcidiol.kinetics import Card, load_card


@pytest.fixture(scope="module")
def card() -> Card:
    return load_card("two-route-fitted-2026")


def printing(card: Card, factor: float, rows: list[Observation]) -> list[Observation]:
    """The same rows with the SDs that people of this spread would print."""
    levels = Panel(with_spread(card, factor), tuple(rows)).levels()[0]
    cv = np.hypot(levels.std(axis=1) / levels.mean(axis=1), WITHIN_LAB)
    return [replace(o, sd=float(c * (o.observed or 1.0)), n=400) for o, c in zip(rows, cv, strict=True)]


@pytest.mark.parametrize("truth", [0.6, 1.0, 1.4])
def test_a_known_factor_is_found_again(card: Card, truth: float) -> None:
    rows = printing(card, truth, [o for o in read_arms() if o.used])
    told = spread_of_people(card, rows)
    assert told is not None
    # The prior (log SD 0.3) draws by less than a tenth once 54 studies speak.
    assert told.median == pytest.approx(truth, rel=0.1)
    assert told.between < 0.1


def test_one_sd_that_is_a_standard_error_does_not_decide(card: Card) -> None:
    rows = printing(card, 1.0, [o for o in read_arms() if o.used])
    rows[0] = replace(rows[0], sd=float(rows[0].sd or 1.0) / 20)
    told = spread_of_people(card, rows)
    assert told is not None
    assert told.median == pytest.approx(1.0, rel=0.1)


def test_few_sds_leave_more_open_than_many(card: Card) -> None:
    rows = [o for o in read_arms() if o.used and o.sd]
    few, many = spread_of_people(card, rows[:3]), spread_of_people(card, rows)
    assert few is not None
    assert many is not None
    assert few.median_sd > many.median_sd
    assert (many.levels, many.studies) == (len(rows), len({o.study for o in rows}))


def test_no_sd_says_nothing(card: Card) -> None:
    assert spread_of_people(card, [replace(o, sd=None) for o in read_arms() if o.used]) is None


def test_the_untreated_level_keeps_its_spread(card: Card) -> None:
    wide = with_spread(card, 2.0)
    assert wide.spreads[0] == card.spreads[0]
    assert np.allclose(wide.spreads[1:], 2.0 * card.spreads[1:])
