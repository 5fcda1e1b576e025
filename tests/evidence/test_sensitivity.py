"""Sensitivity analyses ask for enough studies, and say so."""

from __future__ import annotations

import pytest

from calcidiol.errors import UsageError
from calcidiol.evidence.pool import pool
from calcidiol.evidence.sensitivity import cumulative, egger, leave_one_out, meta_regression, subgroups, summary


def test_small_study_tests_only_from_ten_studies() -> None:
    assert egger(pool("CANCER_INCIDENCE_RCT")) is None  # 9 studies once the shared control is joined
    assert egger(pool("HEM_OS_LOW25OHD")) is not None
    assert summary(pool("HEM_OS_LOW25OHD"))["egger"]["df"] == 8


def test_meta_regression_needs_ten_studies() -> None:
    pooled = pool("CANCER_MORTALITY_RCT")
    with pytest.raises(UsageError, match="needs 10 studies"):
        meta_regression(pooled, "dose", {s.study_id: 1.0 for s in pooled.studies})


def test_daily_and_intermittent_doses_are_compared() -> None:
    told = summary(pool("CANCER_MORTALITY_RCT"))
    split = next(s for s in told["subgroups"] if s["by"] == "schedule")
    levels = {level["name"]: level for level in split["levels"]}
    assert levels["daily"]["estimate"] < levels["intermittent"]["estimate"]
    assert levels["daily"]["k"] + levels["intermittent"]["k"] == 6


def test_a_split_without_levels_says_so() -> None:
    with pytest.raises(UsageError, match="all studies have the same design"):
        subgroups(pool("CANCER_MORTALITY_RCT"), "design", lambda e: e.members[0].design)


def test_cumulative_goes_by_year_and_ends_with_the_pool() -> None:
    pooled = pool("CANCER_MORTALITY_RCT")
    lines = cumulative(pooled)
    assert [line.k for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[0].name == "+ TRIVEDI2003_MORT"
    assert lines[-1].estimate == pytest.approx(pooled.estimate)


def test_leaving_one_out_of_shares_and_of_one() -> None:
    assert len(leave_one_out(pool("HYPERCALCEMIA_DOSE"))) == 7
    assert leave_one_out(pool("IM_VS_ORAL_25OHD_6MO")) == ()
