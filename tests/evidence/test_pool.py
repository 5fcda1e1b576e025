"""Pools of the ledger's groups: shape, notes and guards."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calcidiol.errors import UsageError
from calcidiol.evidence.binomial import fit_binomial
from calcidiol.evidence.effect import Effect, effect_of, shared_control
from calcidiol.evidence.estimate import fit
from calcidiol.evidence.load import load
from calcidiol.evidence.pool import pool
from calcidiol.evidence.record import Group, Ledger, Study

LEDGER = load()
SAMPLE = LEDGER.studies["VIDA2018_INC"]


def study(study_id: str, estimate: float, low: float, high: float, **changes: Any) -> Study:
    """A study like the sample's, with its own result and patients."""
    new: dict[str, Any] = {"family": study_id, "meta_group": "G", "citation": f"{study_id} 2020", **changes}
    return dataclasses.replace(SAMPLE, study_id=study_id, estimate=estimate, ci_low=low, ci_high=high, **new)


def ledger(*studies: Study, **group: Any) -> Ledger:
    """A ledger of one group G."""
    values: dict[str, Any] = {"title": "t", "scale": "ratio", "outcomes": ("cancer incidence",), **group}
    return Ledger({s.study_id: s for s in studies}, {}, {"G": Group(id="G", **values)})


def test_json_of_a_pool() -> None:
    told = json.loads(json.dumps(pool("CANCER_INCIDENCE_RCT").to_dict(), allow_nan=False))
    needed = "group k method interval measure estimate ci_low ci_high pi_low pi_high tau2 i2 q notes studies"
    assert set(needed.split()) <= set(told)
    assert told["k"] == len(told["studies"]) == 9
    assert told["pi_low"] <= told["ci_low"] < told["estimate"] < told["ci_high"] <= told["pi_high"]
    assert sum(s["weight"] for s in told["studies"]) == pytest.approx(100)
    vital = next(s for s in told["studies"] if s["study_id"] == "VITAL2018_INC")
    assert (vital["estimate"], vital["ci_low"], vital["ci_high"]) == (pytest.approx(0.96), 0.88, 1.06)


def test_a_shared_placebo_group_counts_once() -> None:
    pooled = pool("CANCER_INCIDENCE_RCT")
    joined = next(s for s in pooled.studies if len(s.members) == 2)
    assert joined.members == ("FIND2022_INC1600", "FIND2022_INC3200")
    assert joined.n == 832 + 833 + 830
    note = next(n for n in pooled.notes if n.id == "shared_control")
    assert note.params["covariance"] == pytest.approx(1 / 41)
    alone = pool("CANCER_INCIDENCE_RCT", without=["FIND2022_INC3200"])
    assert alone.k == 9
    assert not [n for n in alone.notes if n.id == "shared_control"]


def test_shared_control_equals_generalized_least_squares() -> None:
    rows = [LEDGER.studies["FIND2022_INC1600"], LEDGER.studies["FIND2022_INC3200"]]
    effects = [e for e in map(effect_of, rows) if e is not None]
    joined, c = shared_control(effects)
    V = np.array([[effects[0].v, c], [c, effects[1].v]])
    w = np.linalg.solve(V, np.ones(2))
    assert joined.v == pytest.approx(1 / w.sum())
    assert joined.y == pytest.approx(w @ [e.y for e in effects] / w.sum())
    assert joined.v > 1 / sum(1 / e.v for e in effects)  # as two studies they would look more precise


def test_a_shared_control_is_found_without_being_marked() -> None:
    arms = [
        study("A1", 0.9, 0.7, 1.157, family="A", intervention="400 IU"),
        study("A2", 0.8, 0.6, 1.067, family="A", intervention="800 IU"),
    ]
    pooled = pool("G", ledger=ledger(*arms, study("B", 1.1, 0.8, 1.5125)))
    assert pooled.k == 2
    assert pooled.studies[0].study_id == "A1+A2"


def test_the_same_people_twice_are_refused() -> None:
    rows = [study("A1", 0.9, 0.7, 1.157, family="A"), study("A2", 0.8, 0.6, 1.067, family="A")]
    with pytest.raises(UsageError, match="A1, A2 count the same people more than once"):
        pool("G", ledger=ledger(*rows))


def test_unknown_names_list_the_near_ones() -> None:
    with pytest.raises(UsageError, match=r"Near: CANCER_MORTALITY_RCT"):
        pool("CANCER_MORTALTY")
    with pytest.raises(UsageError, match=r"Near: VITAL2018_INC"):
        pool("CANCER_INCIDENCE_RCT", without=["VITAL_INC"])
    with pytest.raises(UsageError, match="REML, DL, PM"):
        pool("CANCER_INCIDENCE_RCT", method="ML")
    with pytest.raises(UsageError, match="hk, wald"):
        pool("CANCER_INCIDENCE_RCT", interval="t")


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("CHEMOSENSITISATION_RCT", "opposite kind"),
        ("IM_VS_ORAL_25OHD", "IM_VS_ORAL_25OHD_EARLY"),
        ("IM_VS_ORAL_25OHD_3MO", "opposite kind"),
        ("SAFETY_RCT", "three different harms"),
        ("SUPPORTIVE_RCT", "different things"),
        ("AI_ARTHRALGIA_RCT", "ratios and differences are never pooled"),
        ("POOLED_CHECK", "pools themselves"),
    ],
)
def test_what_is_not_a_pool_says_so(group: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        pool(group)


def test_leaving_out_the_other_kind_makes_a_pool() -> None:
    pooled = pool("AI_ARTHRALGIA_RCT", without=["SHAPIRO2016_AIMSS"])
    assert pooled.k == 2
    assert pooled.scale == "ratio"
    assert pool("CHEMOSENSITISATION_RCT", without=["ASCENT2_2011_OS"]).k == 1


def test_two_trials_on_opposite_sides() -> None:
    down, up = study("A", 0.6, 0.45, 0.8), study("B", 1.5, 1.2, 1.875)
    with pytest.raises(UsageError, match="A and B are of opposite kind"):
        pool("G", ledger=ledger(down, up))
    three = pool("G", ledger=ledger(down, up, study("C", 1.0, 0.8, 1.25)))
    assert "opposite_sides" in [n.id for n in three.notes]


def test_ratios_of_a_rare_end_point_only() -> None:
    rare = ledger(study("A", 0.9, 0.7, 1.157, measure="RR"), study("B", 0.8, 0.6, 1.067, measure="HR"))
    pooled = pool("G", ledger=rare)
    assert pooled.measure == "HR/RR"
    assert "mixed_ratios" in [n.id for n in pooled.notes]
    common = ledger(
        study("A", 0.9, 0.7, 1.157, measure="RR", events_control=800, n_control=2000), study("B", 0.8, 0.6, 1.067)
    )
    with pytest.raises(UsageError, match="A 40%"):
        pool("G", ledger=common)


def test_kinds_of_evidence_stay_apart() -> None:
    rows = ledger(study("A", 0.9, 0.7, 1.157), study("B", 0.8, 0.6, 1.067, kind="cohort", design="cohort"))
    with pytest.raises(UsageError, match="kinds of evidence stay apart"):
        pool("G", ledger=rows)


def test_a_meta_analysis_is_set_aside() -> None:
    rows = ledger(study("A", 0.9, 0.7, 1.157), study("M", 0.8, 0.7, 0.914, design="meta-analysis"))
    pooled = pool("G", ledger=rows)
    assert pooled.k == 1
    assert [n.id for n in pooled.excluded] == ["is_a_pool"]


def test_one_study_is_shown_as_it_is() -> None:
    one = pool("G", ledger=ledger(study("A", 0.8, 0.64, 1.0)))
    assert (one.k, one.pi_low, one.tau2, one.i2, one.q) == (1, None, 0.0, 0.0, 0.0)
    assert one.estimate == pytest.approx(0.8)
    assert (one.ci_low, one.ci_high) == (pytest.approx(0.64), pytest.approx(1.0))
    assert "one_study" in [n.id for n in one.notes]


def test_two_studies_rest_on_one_degree_of_freedom() -> None:
    two = pool("G", ledger=ledger(study("A", 0.8, 0.64, 1.0), study("B", 1.1, 0.88, 1.375)))
    se = (math.log(two.ci_high) - math.log(two.ci_low)) / 2 / 12.706204736
    assert se > 0
    assert "two_studies" in [n.id for n in two.notes]


def test_warning_where_the_plain_factor_would_be_narrower() -> None:
    alike = ledger(*(study(f"S{i}", 0.9 + i / 1000, 0.7, 1.157) for i in range(6)))
    pooled = pool("G", ledger=alike)
    assert "hk_narrower" in [n.id for n in pooled.notes]
    wald = pool("G", interval="wald", ledger=alike)
    assert math.log(pooled.ci_high / pooled.ci_low) > math.log(wald.ci_high / wald.ci_low)
    spread = ledger(*(study(f"S{i}", e, e * 0.9, e / 0.9) for i, e in enumerate((0.5, 0.7, 0.9, 1.2, 1.6))))
    noted = [n.id for n in pool("G", ledger=spread).notes]
    assert not {"hk_narrower", "hk_floor"} & set(noted)


def test_units_are_converted_before_pooling() -> None:
    pooled = pool("IM_VS_ORAL_25OHD_EARLY")
    gupta = next(s for s in pooled.studies if s.study_id == "GUPTA2017_IM_W6")
    assert pooled.unit == "nmol/L"
    assert gupta.estimate == pytest.approx(0.54 * 2.496)
    odd = ledger(study("A", 1.0, 0.5, 1.5, measure="MD", unit="stone"), scale="difference", unit="nmol/L")
    with pytest.raises(UsageError, match="A is given in stone"):
        pool("G", ledger=odd)


def test_one_sided_limit() -> None:
    sunshine = effect_of(LEDGER.studies["SUNSHINE2019_PFS"])
    assert sunshine is not None
    assert math.sqrt(sunshine.v) == pytest.approx(math.log(0.90 / 0.64) / 1.6448536)
    assert "one_sided" in [n.id for n in pool("SURVIVAL_PATIENTS_RCT").notes]


def test_silent_negative_trials_are_named() -> None:
    note = next(n for n in pool("SURVIVAL_PATIENTS_RCT").notes if n.id == "no_effect_negative")
    assert "ILYAD2024_EFS" in note.params["ids"]


def test_counts_give_a_ratio_where_none_was_published() -> None:
    empty: dict[str, Any] = {"estimate": None, "ci_low": None, "ci_high": None, "ci_kind": "", "measure": "RR"}
    row = dataclasses.replace(SAMPLE, events_treat=5, n_treat=50, events_control=10, n_control=50, **empty)
    effect = effect_of(row)
    assert effect is not None
    assert effect.y == pytest.approx(math.log(0.5))
    assert effect.v == pytest.approx(1 / 5 - 1 / 50 + 1 / 10 - 1 / 50)
    zero = effect_of(dataclasses.replace(row, events_treat=0))
    assert zero is not None
    assert zero.y == pytest.approx(math.log((0.5 / 51) / (10.5 / 51)))
    assert effect_of(dataclasses.replace(row, events_treat=0, events_control=0)) is None


def test_shares_without_events() -> None:
    none = {"estimate": 0.0, "ci_low": None, "ci_high": None, "measure": "prop", "events": 0}
    rows = [dataclasses.replace(study(f"S{i}", 1, 0.9, 1.1), denominator=20 + i, **none) for i in range(3)]  # type: ignore[arg-type]
    pooled = pool("G", ledger=ledger(*rows, scale="proportion"))
    assert pooled.estimate == 0.0
    assert pooled.ci_high == pytest.approx(1 - 0.025 ** (1 / 63))
    assert "no_events" in [n.id for n in pooled.notes]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 1.0)), min_size=2, max_size=12),
    st.sampled_from(["REML", "DL", "PM"]),
    st.floats(-1, 1),
    st.floats(0.5, 2),
)
def test_pool_moves_with_its_data(data: list[tuple[float, float]], method: Any, shift: float, scale: float) -> None:
    y, v = np.array([d[0] for d in data]), np.array([d[1] for d in data])
    one = fit(y, v, method=method)
    assert y.min() - 1e-9 <= one.coef[0] <= y.max() + 1e-9
    assert one.tau2 >= 0
    assert 0 <= one.i2 <= 100
    assert one.pi_low <= one.ci_low[0] + 1e-9
    assert one.ci_high[0] <= one.pi_high + 1e-9
    other = fit(scale * y + shift, scale**2 * v, method=method)
    assert other.coef[0] == pytest.approx(scale * one.coef[0] + shift, abs=1e-6)
    assert other.tau2 == pytest.approx(scale**2 * one.tau2, abs=1e-6)
    order = np.argsort(y)
    assert fit(y[order], v[order], method=method).coef[0] == pytest.approx(one.coef[0], abs=1e-8)


def test_effect_label_has_author_and_year() -> None:
    assert Effect("X", (LEDGER.studies["DRAKE2010_DLBCL_OS"],), "HR", 0, 1).label == "Drake 2010 (DLBCL)"


def test_events_in_one_study_only_take_the_sum() -> None:
    pooled = pool("HYPERCALCEMIA_D3")
    assert pooled.method == "exact"
    assert pooled.estimate == pytest.approx(2 / 778)
    assert pooled.ci_high < 0.01
    assert "no_spread" in [n.id for n in pooled.notes]


def test_shares_at_both_ends_have_no_mode_and_say_nothing_odd() -> None:
    ends = fit_binomial(np.array([0.0, 2.0, 35.0]), np.array([97.0, 42.0, 35.0]), "hk")
    assert ends is None
    wide = fit_binomial(np.array([30.0, 39.0, 283.0]), np.array([100.0, 176.0, 283.0]), "hk")
    assert wide is not None
    assert wide.tau2 > 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=9))
def test_shares_of_any_counts(data: list[tuple[int, int]]) -> None:
    events = np.array([float(min(a, a + b)) for a, b in data])
    people = np.array([float(max(a + b, 1)) for a, b in data])
    if 0 < events.sum() < people.sum():
        found = fit_binomial(events, people, "wald")
        if found is not None:
            assert math.isfinite(found.mean)
            assert found.se > 0
            assert found.ci_low < found.mean < found.ci_high
            assert found.pi_low <= found.ci_low
            assert found.weights.sum() == pytest.approx(100)


def test_joined_arms_are_left_out_by_the_name_that_is_shown() -> None:
    shown = [one["study_id"] for one in pool("CANCER_INCIDENCE_RCT").to_dict()["studies"]]
    joined = next(name for name in shown if "+" in name)
    assert pool("CANCER_INCIDENCE_RCT", without=[joined]).k == len(shown) - 1


@pytest.mark.parametrize(
    ("effects", "variances", "said"),
    [
        ([0.1, math.nan], [0.1, 0.1], "Study 2 of 2 has the effect nan"),
        ([0.1, math.inf], [0.1, 0.1], "effect inf"),
        ([0.1, 0.2], [0.0, 0.1], "Study 1 of 2 .* variance 0;"),
        ([0.1, 0.2], [0.1, -1.0], "variance -1"),
        ([], [], "0 studies"),
    ],
)
def test_what_is_no_effect_is_refused(effects: list[float], variances: list[float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        fit(np.array(effects), np.array(variances))


@pytest.mark.parametrize("method", ["REML", "DL", "PM"])
@pytest.mark.parametrize(
    ("effects", "variances"),
    [
        ([0.3] * 5, [0.04] * 5),
        ([0.1, 0.2, 0.3], [1e12, 1e-4, 1e8]),
        ([0.1, 0.2], [1e-14, 1e-14]),
        ([-50.0, 50.0], [1e-4, 1e-4]),
        ([1e6, 2e6, -1e6], [1.0, 2.0, 3.0]),
        ([0.2], [0.01]),
    ],
)
def test_strange_but_lawful_effects_give_numbers(effects: list[float], variances: list[float], method: Any) -> None:
    fitted = fit(np.array(effects), np.array(variances), method=method)
    assert fitted.tau2 >= 0.0
    assert min(effects) - 1e-9 <= fitted.coef[0] <= max(effects) + 1e-9
    assert fitted.ci_low[0] <= fitted.coef[0] <= fitted.ci_high[0]
