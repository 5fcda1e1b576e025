"""Plots are well-formed, carry their numbers, and can be read without seeing them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol import evidence
from calcidiol.errors import UsageError
from calcidiol.evidence.svg import Axis

SVG = "{http://www.w3.org/2000/svg}"
POOLS = (
    "CANCER_INCIDENCE_RCT",
    "HYPERCALCEMIA_DOSE",
    "IM_VS_ORAL_25OHD_EARLY",
    "IM_VS_ORAL_25OHD_6MO",
    "IM_VS_ORAL_AUC",
)


def words(svg: str) -> str:
    return " ".join("".join(e.itertext()) for e in ElementTree.fromstring(svg).iter(f"{SVG}text"))


@pytest.mark.parametrize("group", POOLS)
def test_forest(group: str) -> None:
    pooled = evidence.pool(group)
    root = ElementTree.fromstring(evidence.forest(pooled))
    assert root.find(f"{SVG}title").text == pooled.title  # type: ignore[union-attr]
    told = words(evidence.forest(pooled))
    for study in pooled.studies:
        assert study.label in told
    assert f"k = {pooled.k}" in told
    described = root.find(f"{SVG}desc").text  # type: ignore[union-attr]
    assert described
    assert f"{pooled.k} studies" in described


def test_cumulative_leave_one_out_and_funnel() -> None:
    pooled = evidence.pool("HEM_OS_LOW25OHD")
    assert "BORCHMANN2019_OS" in words(evidence.cumulative_plot(pooled))
    assert "without BORCHMANN2019_OS" in words(evidence.leave_one_out_plot(pooled))
    funnel = evidence.funnel(pooled)
    assert funnel.count("<circle") == pooled.k
    assert "Egger's test" in words(funnel)
    assert "need 10 studies" in words(evidence.funnel(evidence.pool("CANCER_MORTALITY_RCT")))
    with pytest.raises(UsageError, match="misleads"):
        evidence.funnel(evidence.pool("HYPERCALCEMIA_DOSE"))
    with pytest.raises(UsageError, match="one study"):
        evidence.leave_one_out_plot(evidence.pool("IM_VS_ORAL_25OHD_6MO"))


def test_a_claim_keeps_kinds_apart_and_names_the_contrast() -> None:
    told = words(evidence.forest_of_claim(evidence.show("C16")))
    assert "Cohorts (association)" in told
    assert "Trials" in told
    assert "low v higher" in told
    assert "high v low" in told
    empty = words(evidence.forest_of_claim(evidence.show("C37")))
    assert "nothing can be drawn" in empty


@given(st.floats(0.05, 0.9), st.floats(1.1, 20), st.floats(0.01, 50))
def test_axis_holds_values_and_ticks(low: float, high: float, value: float) -> None:
    axis = Axis(low, high, 100, 200, log=True)
    assert 100 <= axis.at(value) <= 200
    assert axis.outside(value) == (value > high) - (value < low)
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in axis.ticks())
    linear = Axis(-high, high, 0, 10, log=False)
    assert len(linear.ticks()) >= 2
