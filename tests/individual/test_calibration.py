"""Simulation-based calibration, small: the large one is validation/individual/calibration.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from records import ON, injection, oral, person, stranger

from calcidiol.individual.calibration import Calibration, calibrate
from calcidiol.individual.virtual import simulate
from calcidiol.kinetics import Card, default_card

CARD = default_card()
DOSED = (oral(50_000, -150, count=8), injection(100_000, -90, count=3))


def with_residual(factor: float) -> Card:
    number = CARD.numbers["residual"]["proportional"]
    room = {**CARD.numbers["residual"], "proportional": replace(number, value=number.value * factor)}
    return replace(CARD, numbers={**CARD.numbers, "residual": room})


@pytest.fixture(scope="module")
def told() -> Calibration:
    parts = [
        (person(doses=DOSED), (-151, -95, -5), "lc-ms"),
        (person(), (-40,), None),
        (stranger(doses=DOSED), (-120, -60), None),
    ]
    return Calibration.join(
        [
            calibrate(simulate(who, CARD, ON, days, n=50, seed=20 + i, assay=assay), CARD, seed=100 * i, draws=1000)
            for i, (who, days, assay) in enumerate(parts)
        ]
    )


def test_the_truth_is_uniform_among_the_draws(told: Calibration) -> None:
    # 8 quantities, 150 patients; honest code fails at one seed in 1,000 (Bonferroni).
    p = {name: told.p_uniform(name) for name in told.positions}
    assert min(p.values()) > 0.001 / len(p), p


def test_every_fit_is_trusted(told: Calibration) -> None:
    assert set(told.status) == {"ok"}


def test_bands_hold_what_they_say(told: Calibration) -> None:
    # Binomial: 150 patients, 90 %: below 121 or all of them at less than one seed in 1,000.
    assert 121 <= 150 * told.coverage("level")[0.90] <= 149
    assert 121 <= 150 * told.coverage("lab")[0.90] <= 149


def test_too_small_an_error_is_caught() -> None:
    wide = simulate(person(), CARD, ON, (-90, -60, -30, -5), n=60, seed=3)
    narrow = calibrate(wide, with_residual(0.3), draws=1000)
    assert narrow.coverage("level")[0.90] < 0.75


def test_virtual_patients_are_the_same_for_the_same_seed_and_have_the_errors_of_the_card() -> None:
    a, b = (simulate(person(), CARD, ON, (-30, -5), n=400, seed=1, assay=None) for _ in range(2))
    assert np.array_equal(a.values, b.values)
    assert a.record(3).labs_of("25ohd")[1].value == a.values[3, 1]
    off = np.log(a.values / a.level)
    both = np.corrcoef(off.T)[0, 1]
    assert 0.2 < both < 0.75, "results of one method share its bias"
