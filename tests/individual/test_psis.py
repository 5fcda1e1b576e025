"""Smoothed weights against arviz, and what they do with odd weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
from records import VALIDATION, load

from calcidiol.individual import psis

PINNED = json.loads((VALIDATION / "psis.json").read_text())["cases"]
ORACLE = load("psis_oracle")


@pytest.mark.parametrize("case", PINNED, ids=lambda c: str(c["case"]))
def test_agrees_with_arviz(case: dict) -> None:
    weights, k_hat = psis.smooth(ORACLE.log_weights(case["case"]))
    assert k_hat == pytest.approx(case["k_hat"], rel=1e-8)
    assert psis.effective(weights) == pytest.approx(case["effective"], rel=1e-8)
    assert np.sort(weights)[::-1][:5] == pytest.approx(case["top"], rel=1e-8)


def test_the_pinned_cases_lie_on_both_sides_of_the_limit() -> None:
    k = [c["k_hat"] for c in PINNED]
    assert min(k) < 0 < psis.TRUST < max(k)


def test_one_draw_with_all_the_weight_is_not_trusted() -> None:
    log_weight = np.full(1000, -800.0)
    log_weight[3] = 0.0
    weights, k_hat = psis.smooth(log_weight)
    assert not k_hat < psis.TRUST
    assert np.isfinite(weights).all()


def test_equal_weights_stay_equal() -> None:
    weights, k_hat = psis.smooth(np.zeros(500))
    assert np.allclose(weights, 1 / 500)
    assert k_hat < psis.TRUST


def test_impossible_draws_get_no_weight() -> None:
    log_weight = np.random.default_rng(0).standard_normal(1000)
    log_weight[::2] = -np.inf
    weights, _ = psis.smooth(log_weight)
    assert (weights[::2] == 0).all()
    assert weights.sum() == pytest.approx(1)


def test_next_to_no_possible_draw_is_not_trusted() -> None:
    log_weight = np.full(1000, -np.inf)
    log_weight[:10] = 0.0
    assert psis.smooth(log_weight)[1] == np.inf
