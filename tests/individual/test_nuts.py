"""Our posteriors against NUTS: the same laws, equations restated in JAX (validation/individual/nuts.py).

The sampler's output is pinned; our side is fitted again here, every case.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from records import VALIDATION, load

PINNED = json.loads((VALIDATION / "nuts.json").read_text())["cases"]
CASES = load("cases")
AGREE = load("agree")
FEWEST = 20


def compared(row: dict) -> tuple[np.ndarray, np.ndarray]:
    """Difference of means and of SDs, each in combined Monte-Carlo errors."""
    told = CASES.ours(row["case"])
    assert told["status"] == "ok"
    assert told["effective"] >= 5000
    means, sds = AGREE.differences(row, told)
    return means, sds


def test_the_pinned_sampler_is_to_be_trusted() -> None:
    assert len(PINNED) >= FEWEST
    assert {len(CASES.patient(row["case"])[0].labs_of("25ohd")) for row in PINNED} == {1, 2, 3, 4}
    for row in PINNED:
        assert min(row["effective"]) >= 5000, row["case"]
        assert max(row["r_hat"]) < 1.01, row["case"]
        assert row["divergent"] == 0, row["case"]


@pytest.mark.parametrize("row", PINNED, ids=lambda r: str(r["case"]))
def test_means_and_sds_agree(row: dict) -> None:
    # 21 cases x 2 x 6 or 7 numbers: honest code passes 3.5 errors at about 7 seeds in 8; these are fixed.
    mean, sd = compared(row)
    assert np.abs(mean).max() < AGREE.ERRORS, mean
    assert np.abs(sd).max() < AGREE.ERRORS, sd
