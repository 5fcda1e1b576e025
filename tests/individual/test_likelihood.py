"""The law of a result: a density, its tail, its censored parts and its slope."""

from __future__ import annotations

import numpy as np
import pytest
from records import ON, lab, person
from scipy.integrate import quad

from calcidiol.individual.history import observed
from calcidiol.individual.likelihood import log_sd, pointwise, pull

RESIDUAL = (0.15, 3.0)


def told(value: float, level: float, comparator: str = "", assay: str | None = "lc-ms", bias: float = 0.0) -> float:
    seen = observed(person(lab(value, 0, comparator=comparator, assay=assay)), ON)
    return float(pointwise(seen, np.array([[level]]), np.full((1, len(seen.assays)), bias), RESIDUAL)[0, 0])


def test_a_density_of_the_log_result() -> None:
    total = quad(lambda y: np.exp(told(float(np.exp(y)), 60.0)), np.log(60) - 40, np.log(60) + 40, points=[np.log(60)])
    assert total[0] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("limit", [15.0, 40.0, 61.0, 90.0])
def test_censored_on_either_side_adds_up_to_one(limit: float) -> None:
    below, above = np.exp(told(limit, 60.0, "<")), np.exp(told(limit, 60.0, ">"))
    assert below + above == pytest.approx(1.0, abs=1e-9)
    mass = quad(
        lambda y: np.exp(told(float(np.exp(y)), 60.0)), np.log(60) - 40, np.log(limit), points=[np.log(limit) - 1]
    )
    assert below == pytest.approx(mass[0], abs=1e-4)


def test_below_a_limit_favors_low_levels() -> None:
    assert told(20.0, 10.0, "<") > told(20.0, 30.0, "<") > told(20.0, 60.0, "<")
    assert told(150.0, 200.0, ">") > told(150.0, 120.0, ">") > told(150.0, 60.0, ">")


def test_a_wild_result_is_outvoted_and_not_impossible() -> None:
    normal = -0.5 * (np.log(600 / 60) / log_sd(np.array(60.0), *RESIDUAL)) ** 2
    assert told(600.0, 60.0) > normal + 50
    assert np.isfinite(told(1e300, 60.0))
    assert np.isfinite(told(1e-300, 60.0))
    assert np.isfinite(told(1e300, 60.0, "<"))
    assert np.isfinite(told(1e300, 60.0, ">"))


def test_bias_belongs_to_methods_that_are_not_trusted() -> None:
    assert told(66.0, 60.0, assay=None, bias=np.log(1.1)) == pytest.approx(told(66.0, 66.0), abs=1e-12)
    assert told(66.0, 60.0, assay="lc-ms", bias=np.log(1.1)) == pytest.approx(told(66.0, 60.0), abs=1e-12)


def test_relative_error_grows_at_low_levels() -> None:
    sd = log_sd(np.array([5.0, 50.0, 500.0]), *RESIDUAL)
    assert sd[0] > 0.6
    assert sd[2] == pytest.approx(0.15, abs=2e-4)


@pytest.mark.parametrize("comparator", ["", "<", ">"])
@pytest.mark.parametrize("value", [8.0, 40.0, 70.0, 400.0])
def test_slope_against_differences(value: float, comparator: str) -> None:
    seen = observed(person(lab(value, 0, comparator=comparator)), ON)
    level, none, step = np.array([[55.0]]), np.zeros((1, 0)), 1e-5
    slope, curve = pull(seen, level, none, RESIDUAL)
    up, down = (pointwise(seen, level * np.exp(s), none, RESIDUAL)[0, 0] for s in (step, -step))
    assert slope[0, 0] == pytest.approx(-(up - down) / (2 * step), rel=1e-5, abs=1e-7)
    assert curve[0, 0] >= 0
