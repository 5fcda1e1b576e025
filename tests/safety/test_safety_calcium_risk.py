"""Calcium as a second forecast: the excess over the untreated patient, and when there is none."""

from __future__ import annotations

import math
import tomllib
from importlib import resources

import numpy as np
import pytest
from safety_people import ON, base, person

from calcidiol import safety
from calcidiol.errors import UsageError
from calcidiol.kinetics.calcium_card import calcium_card
from calcidiol.safety.hypercalcemia import KNOTS, calcium_risk, excess_probability
from calcidiol.safety.published import arms, pinned_counts, published_counts
from calcidiol.safety.published import told as as_data
from calcidiol.terminology.conditions import concepts

TIMES = np.arange(0, 365, 7.0)
N = 300


def draws(seed: int = 1) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    start = 40 * rng.lognormal(0, 0.3, (N, 1))
    rise = rng.lognormal(0, 0.3, (N, 1)) * (1 - np.exp(-TIMES / 60))
    return start * np.ones_like(TIMES), {"small": start + 40 * rise, "large": start + 200 * rise}


UNTREATED, LEVELS = draws()


def risk(line: str, **more: object) -> safety.CalciumRisk:
    return calcium_risk(person(line), ON, TIMES, UNTREATED, LEVELS, **more)  # type: ignore[arg-type]


def test_more_vitamin_d_more_risk_and_the_excess_is_over_untreated() -> None:
    got = risk("calcium=2.45")
    assert got.status == "computed"
    small, large = got.options["small"], got.options["large"]
    for o in (small, large):
        assert o.excess == pytest.approx(o.probability - o.untreated)  # type: ignore[operator]
        assert o.mc_error is not None
        assert 0 < o.mc_error < o.excess  # type: ignore[operator]
        assert len(o.p50) == len(got.times_d)
        assert np.all(o.p05 < o.p50)
        assert np.all(o.p50 < o.p95)
        assert np.min(o.p95 - o.p05) >= 0.2 - 1e-9
    assert small.untreated == large.untreated
    assert small.excess < large.excess  # type: ignore[operator]
    assert small.largest_rise < large.largest_rise


def test_untreated_against_untreated_is_exactly_nothing() -> None:
    got = calcium_risk(person("calcium=2.55"), ON, TIMES, UNTREATED, {"none": UNTREATED})
    assert got.options["none"].excess == 0.0
    assert got.options["none"].mc_error == 0.0
    assert got.options["none"].acceptable is True


def test_a_repletion_below_60_neither_harms_nor_protects() -> None:
    low = np.full_like(UNTREATED, 20.0)
    got = calcium_risk(person("calcium=2.55"), ON, TIMES, low, {"x": low + 35.0 * TIMES / 364})
    assert got.options["x"].largest_rise == pytest.approx(0.0, abs=2e-4)
    assert abs(got.options["x"].excess) < 1e-3  # type: ignore[arg-type]


def test_acceptable_needs_estimate_plus_two_errors() -> None:
    got = risk("calcium=2.45")
    for o in got.options.values():
        assert o.acceptable == (o.excess + 2 * o.mc_error <= 0.01)  # type: ignore[operator]
    option = got.options["small"]
    edge = option.excess + 2 * option.mc_error  # type: ignore[operator]
    assert risk("calcium=2.45", alpha=edge).options["small"].acceptable is True
    assert risk("calcium=2.45", alpha=edge * 0.999).options["small"].acceptable is False
    assert got.alpha == 0.01


def test_the_worse_calcium_and_the_lower_limit_are_taken() -> None:
    assert risk("calcium=2.30; albumin=30").measured == 2.5
    assert risk("calcium=2.30; high calcium=2.5").upper_limit == 2.5
    assert risk("calcium=>2.4").measured == 2.4
    assert risk("calcium=2.30; calcium_corrected=2.35; high calcium_corrected=2.48").upper_limit == 2.48
    assert risk("calcium=2.30; calcium_corrected=2.35; high calcium=2.48").upper_limit == 2.48


def test_what_moves_it_is_told_and_moves_it() -> None:
    words = {
        n: tomllib.loads(resources.files("calcidiol.report").joinpath(f"words/safety.{n}.toml").read_text("utf-8"))
        for n in ("en", "zh-Hant")
    }
    plain = risk("calcium=2.45; creatinine=55").options["large"].excess
    for line, note, rises in (
        ("takes thiazide", "calcium.thiazide", True),
        ("egfr=35", "calcium.egfr", True),
        ("takes calcium:900", "calcium.intake", True),
        ("dbp=150", "calcium.dbp", True),
        ("takes calcium", "calcium.direction_up", None),
        ("takes lithium", "calcium.direction_up", None),
        ("has immobilized", "calcium.direction_up", None),
        ("pth=9", "calcium.pth", None),
        ("takes glucocorticoid", "calcium.not_credited", False),
    ):
        got = risk("calcium=2.45; creatinine=55; " + line)
        (told,) = got.notes
        assert told.text_id == note
        for w in words.values():
            assert w[note].format(**told.params)
        if rises is None:
            assert got.spread > 0.0608  # type: ignore[operator]
        elif rises:
            assert got.options["large"].excess > plain, line  # type: ignore[operator]
        else:
            assert got.options["large"].excess == plain
    for line, note in (("egfr=90", False), ("egfr=89", True), ("albumin=35", False), ("albumin=34.9", True)):
        assert bool(risk("creatinine=50; calcium=2.3; " + line).notes) == note, line
    low = risk("calcium=2.30; creatinine=55; albumin=34")
    assert low.notes[0].text_id == "calcium.albumin"


@pytest.mark.parametrize("concept", calcium_card().no_basis)
def test_no_probability_where_the_model_has_no_basis(concept: str) -> None:
    assert concept in concepts()
    got = risk(f"has {concept}")
    assert got.status == "exploratory"
    assert got.reasons == (concept,)
    for o in got.options.values():
        assert (o.probability, o.untreated, o.excess, o.mc_error, o.acceptable) == (None,) * 5
        assert np.all(np.isfinite(o.p50))
    assert excess_probability(LEVELS["small"], UNTREATED, TIMES, person(f"has {concept}"), ON) is None


def test_without_a_calcium_nothing_is_said() -> None:
    assert risk("no calcium").status == "not_known"
    assert (risk("no calcium").alpha, risk("no calcium", alpha=0.02).alpha) == (0.01, 0.02)
    assert risk("no calcium").reasons == ("calcium",)
    assert excess_probability(LEVELS["small"], UNTREATED, TIMES, person("no calcium"), ON) is None
    empty = np.empty((0, len(TIMES)))
    assert calcium_risk(base(), ON, TIMES, empty, {"x": empty}).status == "not_known"


def test_the_short_form_is_the_long_one() -> None:
    got = excess_probability(LEVELS["large"], UNTREATED, TIMES, person("calcium=2.45"), ON, seed=4)
    alone = calcium_risk(person("calcium=2.45"), ON, TIMES, UNTREATED, {"x": LEVELS["large"]}, seed=4).options["x"]
    assert got == (alone.excess, alone.mc_error)


def test_weights_count_and_the_seed_decides() -> None:
    order = np.argsort(LEVELS["large"].max(axis=1))
    heavy = np.zeros(N)
    heavy[order[-30:]] = 1.0
    light = np.zeros(N)
    light[order[:30]] = 1.0
    high = risk("calcium=2.45", weights=heavy).options["large"].excess
    low = risk("calcium=2.45", weights=light).options["large"].excess
    assert high > 2 * low  # type: ignore[operator]
    assert risk("", seed=3).options["large"].excess == risk("", seed=3).options["large"].excess
    assert risk("", seed=3).options["large"].excess != risk("", seed=4).options["large"].excess


def test_the_monte_carlo_error_is_honest() -> None:
    """Spread of the estimate over 30 seeds, against the error that it names (beyond 1.6 with p < 0.001)."""
    told = [risk("calcium=2.45", seed=s, draws=60, weights=np.ones(N)).options["large"] for s in range(30)]
    spread = float(np.std([o.excess for o in told], ddof=1))  # type: ignore[arg-type]
    named = float(np.mean([o.mc_error for o in told]))  # type: ignore[arg-type]
    assert spread < 1.6 * named


def test_a_daily_course_is_thinned_on_the_unsafe_side() -> None:
    days = np.arange(0, 364, 1.0)
    level = np.full((20, len(days)), 60.0)
    spike = level.copy()
    spike[:, 100:104] = 500.0
    got = calcium_risk(person("calcium=2.45"), ON, days, level, {"spike": spike})
    assert len(got.times_d) == KNOTS
    assert got.options["spike"].largest_rise > 0.02


def test_draws_that_cannot_be_followed_are_left_out_and_counted() -> None:
    assert risk("").failed == 0
    with pytest.raises(UsageError, match="shape"):
        calcium_risk(base(), ON, TIMES, UNTREATED, {"x": LEVELS["small"][:10]})


def test_one_draw_has_no_error_and_is_not_accepted() -> None:
    one = calcium_risk(base(), ON, TIMES, UNTREATED[:1], {"x": LEVELS["small"][:1]})
    assert one.options["x"].mc_error == math.inf
    assert one.options["x"].acceptable is False


def test_published_counts_stand_beside_the_predicted_ones() -> None:
    told = published_counts(people=60)
    assert len(told) == len(arms()) == 9
    for c in told:
        assert 0 <= c.low <= c.expected + 1 <= c.high + 2
        assert c.untreated <= c.expected
        assert c.arm.source
    assert all(c.inside for c in told)
    by_id = {c.arm.study_id: c for c in told}
    assert 0.5 < by_id["chandrajay2014"].expected < 4.0
    assert by_id["chandrajay2014"].untreated == pytest.approx(161 * 0.0025, abs=0.15)
    assert by_id["bischoff2010"].high >= 1
    assert (by_id["nh2016_100kx4"].expected, by_id["nh2016_100kx4"].untreated) == (0.0, 0.0)
    assert sum(c.expected for c in told) < 8  # none of these arms can tell 1 % from nothing


def test_the_pinned_counts_are_those_of_the_code() -> None:
    """They are made again when the default card changes: python -m calcidiol.safety.published."""
    now = as_data(published_counts())["counts"]
    assert len(now) == len(pinned_counts())
    for new, old in zip(now, pinned_counts(), strict=True):
        assert new["study_id"] == old["study_id"]
        for name in ("expected", "low", "high", "untreated"):
            assert new[name] == pytest.approx(old[name], rel=0.02, abs=0.02), new["study_id"]
