"""Both cards against the check values of their sources, within 0.5 %."""

import numpy as np
import pytest

from calcidiol.kinetics import Covariates, Schedule, individual_parameters, load_card, solve
from calcidiol.kinetics.metabolites import follow

NMOL_PER_IU = 25.0 / 384.64
NMOL_PER_UG = 1000.0 / 384.64


def level(card_id: str, base: float, doses: list[tuple[float, float, int]], days: list[float]) -> np.ndarray:
    card = load_card(card_id)
    effects = np.zeros((1, 5))
    effects[0, 0] = np.log(base / card.value("untreated"))
    p = individual_parameters(card, Covariates.reference(card), effects)
    return solve(card, p, Schedule.of(doses), days).level[0]


def test_daily_oral_from_50() -> None:
    doses = [(day, 1000 * NMOL_PER_IU, 0) for day in range(400)]
    assert level("two-route-2026", 50, doses, [30, 90, 180]) == pytest.approx([70.17, 81.78, 85.14], rel=5e-3)


def test_weekly_oral_from_25() -> None:
    doses = [(7 * i, 50_000 * NMOL_PER_IU, 0) for i in range(8)]
    assert level("two-route-2026", 25, doses, [28, 56, 84]) == pytest.approx([102.22, 133.49, 84.47], rel=5e-3)


def test_single_injection_from_30() -> None:
    doses = [(0.0, 300_000 * NMOL_PER_IU, 1)]
    assert level("two-route-2026", 30, doses, [14, 45, 90, 180]) == pytest.approx(
        [66.13, 92.65, 91.01, 65.12], rel=5e-3
    )


def test_baseline_50_holds_the_published_input() -> None:
    from calcidiol.kinetics.steady import constant

    card = load_card("two-route-2026")
    c1, r0 = constant(individual_parameters(card, Covariates.reference(card)))
    assert c1[0] == pytest.approx(5.943, rel=5e-3)
    assert r0[0] / 24 == pytest.approx(1.508, rel=5e-3)


@pytest.mark.parametrize(
    ("base", "ug", "days", "expected"),
    [
        (10, 20, [30, 90, 180, 360], [21.65, 46.48, 69.87, 73.96]),
        (50, 20, [30, 90, 180, 360], [60.46, 72.21, 75.21, 75.45]),
        (50, 100, [30, 90, 180, 360], [94.67, 120.16, 124.84, 125.25]),
        (30, 1250, [30, 60, 120], [582.87, 926.6, 1228.3]),
    ],
)
def test_huang_you_2021(base: float, ug: float, days: list[float], expected: list[float]) -> None:
    doses = [(day, ug * NMOL_PER_UG, 0) for day in range(400)]
    assert level("huang-you-2021", base, doses, days) == pytest.approx(expected, rel=5e-3)


def test_calcifediol_raises_as_barger_lux_measured() -> None:
    # Barger-Lux 1998: 10/20/50 ug/d for 4 weeks, +40/+76/+206 nmol/L; the model is within 4 %.
    for ug, measured in ((10, 40.0), (20, 76.0), (50, 206.0)):
        doses = [(day, ug * 1000 / 400.64, 2) for day in range(28)]
        rise = level("two-route-2026", 67, doses, [28.0])[0] - 67
        assert rise == pytest.approx(measured, rel=0.08)


def test_metabolites_on_4000_iu_a_day() -> None:
    card = load_card("two-route-2026")
    p = individual_parameters(card, Covariates.reference(card))
    days = np.arange(0.0, 366.0)
    daily = Schedule.of((day, 4000 * NMOL_PER_IU, 0) for day in range(365))
    c24, c125 = follow(card, days, solve(card, p, daily, days).level, np.array([90.0]))
    assert c24[0, 0] == pytest.approx(3.5, abs=0.1)
    assert c24[0, -1] == pytest.approx(13.0, abs=0.5)
    assert c125[0, 0] == pytest.approx(90.0)
    assert c125[0, -1] == pytest.approx(106.0, abs=1.5)
