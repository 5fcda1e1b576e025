"""The solver against pinned answers of an outside engine (validation/kinetics/outside.py says how they were made)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calcidiol.kinetics import Schedule, load_card, solve
from calcidiol.kinetics.layout import NAMES

PINNED = json.loads((Path(__file__).parents[2] / "validation/kinetics/outside.json").read_text(encoding="utf-8"))


def test_the_grid_is_whole() -> None:
    assert tuple(PINNED["names"]) == NAMES
    assert len({(c["card"], c["schedule"]) for c in PINNED["cases"]}) == 9
    assert all(np.isfinite(c["level"]).all() for c in PINNED["cases"])


@pytest.mark.parametrize("case", PINNED["cases"], ids=lambda c: f"{c['card']}: {c['schedule']}")
@pytest.mark.parametrize(
    ("accuracy", "tolerance"), [(1e-2, 1e-2), (1e-3, 1e-3), (1e-4, 1e-4), (1e-6, 1e-6), (1e-7, 1e-7)]
)
def test_the_same_levels(case: dict[str, Any], accuracy: float, tolerance: float) -> None:
    solved = solve(
        load_card(case["card"]),
        np.array(case["parameters"]),
        Schedule.of(tuple(d) for d in case["doses"]),
        PINNED["times_d"],
        origin_doy=PINNED["doy"],
        accuracy=accuracy,
    )
    assert (solved.status == 0).all()
    assert solved.level == pytest.approx(np.array(case["level"]), rel=tolerance)
