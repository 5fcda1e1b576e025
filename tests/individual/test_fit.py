"""The fit: deterministic, never silent about its trouble, and moved by what should move it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import ON, injection, lab, oral, person, size, stranger

from calcidiol.errors import UsageError, WithheldError
from calcidiol.individual import fit, population, retrospective
from calcidiol.individual.likelihood import log_sd
from calcidiol.individual.psis import TRUST
from calcidiol.kinetics import Schedule, default_card, load_card
from calcidiol.kinetics.layout import NAMES, ROW

CARD = default_card()
DOSED = (oral(50_000, -150, count=8), injection(100_000, -90, count=3))
THREE = (lab(31, -150), lab(70, -95), lab(88, -5))


def band(one, share: float = 0.9) -> float:  # type: ignore[no-untyped-def]
    """Width of the band of the log level on day 0."""
    now = np.log(one.resample(4000, 9).state.values[6])
    low, high = np.quantile(now, [0.5 - share / 2, 0.5 + share / 2])
    return float(high - low)


def now(one) -> float:  # type: ignore[no-untyped-def]
    return float(np.exp(one.mean(np.log(one.state.values[6]))))


def untreated(one) -> float:  # type: ignore[no-untyped-def]
    return float(np.exp(one.mean(np.log(one.parameters[:, ROW["untreated"]]))))


def test_shapes_and_sums() -> None:
    one = fit(person(*THREE, doses=DOSED), CARD, ON)
    n = len(one.weights)
    assert one.effects.shape == (n, 5)
    assert one.parameters.shape == (n, len(NAMES))
    assert one.state.values.shape == (8, n)
    assert one.level_at_labs.shape == (n, 3)
    assert one.weights.sum() == pytest.approx(1)
    assert (one.status, one.kind) == ("ok", "individual")
    assert one.khat == one.k_hat < TRUST
    assert one.ess >= 1000


def test_same_seed_same_result_other_seed_other_draws() -> None:
    who = stranger(*THREE, doses=DOSED)
    a, b, c = fit(who, CARD, ON, seed=3), fit(who, CARD, ON, seed=3), fit(who, CARD, ON, seed=4)
    assert np.array_equal(a.parameters, b.parameters)
    assert np.array_equal(a.weights, b.weights)
    assert np.array_equal(a.resample(500, 1).parameters, b.resample(500, 1).parameters)
    assert not np.array_equal(a.effects, c.effects)
    assert now(a) == pytest.approx(now(c), rel=0.02)


def test_without_results_it_is_the_population() -> None:
    who = person(doses=DOSED)
    one, same = fit(who, CARD, ON, seed=2), population(person(*THREE, doses=DOSED), CARD, ON, seed=2)
    assert one.kind == same.kind == "population"
    assert np.array_equal(one.parameters, same.parameters)
    assert np.ptp(one.weights) == 0
    assert one.effects.mean(axis=0) == pytest.approx(np.zeros(5), abs=0.08)
    assert one.effects.std(axis=0) == pytest.approx(np.ones(5), abs=0.05)


def test_results_narrow_the_band() -> None:
    who = person(lab(40, -60), lab(45, -30), lab(42, -5))
    widths = [band(fit(who, CARD, ON, labs=n)) for n in range(4)]
    assert widths[0] > 1.5 * widths[1] > 1.5 * 1.2 * widths[3]


def test_what_is_unknown_of_the_patient_widens_the_band() -> None:
    known = band(population(person(doses=DOSED), CARD, ON, draws=8000))
    weight = band(population(person(doses=DOSED, weight_kg=()), CARD, ON, draws=8000))
    all_of_it = band(population(stranger(doses=DOSED), CARD, ON, draws=8000))
    # What is unknown adds to the square of the width, whatever else is uncertain.
    assert weight**2 > known**2 + 0.10
    assert all_of_it**2 > known**2 + 0.15


def test_a_method_with_unknown_bias_widens_the_band_and_more_results_of_it_do_not_remove_that() -> None:
    days = range(-100, 0, 8)
    sure = fit(person(*(lab(50, d) for d in days)), CARD, ON)
    unsure = fit(person(*(lab(50, d, assay=None) for d in days)), CARD, ON)
    assert band(unsure) > 1.8 * band(sure)
    # 0.15 of bias cannot be averaged out; a single result has it besides its residual.
    assert unsure.sd(np.log(unsure.state.values[6])) > 0.10
    assert unsure.bias.shape[1] == 1
    assert sure.bias.shape[1] == 0


def test_a_trusted_result_tells_the_bias_of_the_other_method() -> None:
    # Normal theory for two unknowns (log level, bias) and 2 n results; what is left of the prior pulls the bias to 0.
    scatter = float(log_sd(np.array([60.0]), *CARD.residual)[0])
    for n, close in ((6, 0.03), (30, 0.03)):
        days = np.linspace(-60.0, -1.0, n).round().astype(int).tolist()
        rows = [lab(80, d, assay="immunoassay", hour=8) for d in days] + [lab(60, d, hour=20) for d in days]
        one = fit(person(*rows), CARD, ON)
        prior = np.diag([CARD.spreads[0] ** -2, CARD.assay_bias**-2])
        seen = n / scatter**2 * np.array([[2.0, 1.0], [1.0, 1.0]])
        before = now(population(person(), CARD, ON))
        toward = n / scatter**2 * np.array([np.log(80 / before) + np.log(60 / before), np.log(80 / before)])
        level, bias = np.linalg.solve(prior + seen, toward)
        assert float(one.mean(one.bias)[0]) == pytest.approx(bias, abs=close)
        assert np.log(now(one) / before) == pytest.approx(level, abs=close)
    assert bias == pytest.approx(np.log(80 / 60), abs=0.04), "many results leave nothing of the prior"


def test_a_censored_result_says_less_than_a_number() -> None:
    below = fit(person(lab(25, -5, comparator="<")), CARD, ON)
    number = fit(person(lab(25, -5)), CARD, ON)
    assert now(below) < now(population(person(), CARD, ON)) * 0.6
    assert band(below) > 1.2 * band(number)
    above = fit(person(lab(150, -5, comparator=">")), CARD, ON)
    assert now(above) > 125


def test_a_flattened_prior_lets_the_results_speak_and_is_kept() -> None:
    who = person(lab(15, -5))
    full, flat = fit(who, CARD, ON), fit(who, CARD, ON, flatten=0.25)
    assert abs(np.log(now(flat) / 15)) < abs(np.log(now(full) / 15))
    assert flat.flatten == 0.25
    for wrong in (0.0, 0.05, 1.5, float("nan")):
        with pytest.raises(UsageError, match="flatten"):
            fit(who, CARD, ON, flatten=wrong)
    with pytest.raises(UsageError, match="draws"):
        fit(who, CARD, ON, draws=10)


@pytest.mark.parametrize("value", [8.0, 12.0, 20.0, 60.0, 110.0, 150.0])
def test_the_prior_is_wide_enough_for_levels_from_8_to_150(value: float) -> None:
    one = fit(person(lab(value, -40), lab(value, -5)), CARD, ON)
    assert one.status == "ok"
    low, high = np.quantile(one.resample(4000, 1).state.values[6], [0.05, 0.95])
    assert low < value < high


def test_one_wild_result_does_not_carry_the_fit() -> None:
    calm = [lab(v, d) for v, d in ((48, -120), (52, -90), (50, -60), (47, -30))]
    wild = [*calm[:2], lab(250, -70), *calm[2:]]
    before, after = fit(person(*calm), CARD, ON), fit(person(*wild), CARD, ON)
    assert now(after) == pytest.approx(now(before), rel=0.06)
    assert after.status == "ok"


def test_two_results_that_contradict_each_other_leave_both_possible() -> None:
    one = fit(person(lab(15, -30), lab(160, -29)), CARD, ON)
    assert one.status == "ok"
    assert one.modes >= 2
    b = one.parameters[:, ROW["untreated"]]
    assert one.mean(b < 40) > 0.02
    assert one.mean(b > 80) > 0.02
    assert one.conflict < 0.01


def test_past_doses_are_told_apart_from_the_untreated_level() -> None:
    alone = fit(person(lab(90, -5)), CARD, ON)
    dosed = fit(person(lab(90, -5), doses=(oral(50_000, -80, count=11),)), CARD, ON)
    assert untreated(dosed) < 0.7 * untreated(alone)
    assert now(dosed) == pytest.approx(90, rel=0.12)


def test_reported_doses_leave_more_open() -> None:
    sure = population(person(doses=(oral(50_000, -80, count=11),)), CARD, ON)
    said = population(person(doses=(oral(50_000, -80, count=11, certain=False),)), CARD, ON)
    assert band(said) > 1.03 * band(sure)


def test_retrospective_sees_what_comes_after() -> None:
    who = person(lab(31, -30), lab(220, 50), doses=(oral(50_000, 0, count=8),))
    one, back = fit(who, CARD, ON), retrospective(who, CARD, ON)
    assert (one.kind, back.kind) == ("individual", "retrospective")
    assert len(one.observed) == 1
    assert len(back.observed) == 2
    at = CARD.random_effects.index("conversion")
    assert back.mean(back.effects[:, at]) > one.mean(one.effects[:, at]) + 0.1
    same = retrospective(replace(who, labs=who.labs[:2]), CARD, ON, seed=0)
    assert now(same) == pytest.approx(now(one), rel=1e-3)


def test_a_result_of_the_future_changes_nothing_before() -> None:
    who = person(*THREE, doses=DOSED)
    more = person(*THREE, lab(300, 30), doses=(*DOSED, oral(50_000, 20, count=5)))
    assert np.array_equal(fit(who, CARD, ON).weights, fit(more, CARD, ON).weights)


def test_the_next_result_weighs_like_a_fit_with_it() -> None:
    plan = tuple(oral(50_000, 7 * i) for i in range(8))
    who = person(lab(31, -30), doses=())
    schedule = Schedule.of((7.0 * i, 50_000 * 0.065, 0) for i in range(8))
    after = fit(who, CARD, ON, draws=16000).after_result(schedule, 56.5, 120.0)
    later = person(lab(31, -30), lab(120, 56), doses=plan)
    again = fit(later, CARD, ON + timedelta(days=57), draws=16000)
    assert after.ess > 500
    assert after.mean(after.effects) == pytest.approx(again.mean(again.effects), abs=0.12)
    assert after.sd(after.effects) == pytest.approx(again.sd(again.effects), abs=0.08)
    with pytest.raises(UsageError, match="nmol/L"):
        after.after_result(schedule, 56.5, -1.0)


def test_an_unlikely_next_result_is_backed_by_few_draws() -> None:
    one = fit(person(lab(31, -30)), CARD, ON)
    none = Schedule.of(())
    usual, odd = one.after_result(none, 30.0, 31.0), one.after_result(none, 30.0, 400.0)
    assert odd.ess < 0.3 * usual.ess
    low = one.after_result(none, 30.0, 20.0, "<")
    assert low.mean(np.log(low.parameters[:, ROW["untreated"]])) < one.mean(np.log(one.parameters[:, ROW["untreated"]]))
    with pytest.raises(UsageError, match="log-likelihoods"):
        one.reweight(np.zeros(3))


def test_too_few_effective_draws_are_withheld_with_the_reason() -> None:
    one = fit(person(*THREE, doses=DOSED), CARD, ON, draws=100, enough=1e6)
    assert one.status == "withheld.draws"


def test_nothing_that_can_be_solved_is_an_error_that_says_so() -> None:
    broken = replace(CARD, numbers={**CARD.numbers, "parameters": {**CARD.numbers["parameters"], "clh": _zero("clh")}})
    with pytest.raises(WithheldError, match="No draw"):
        fit(person(lab(50, -5)), broken, ON)


def _zero(name: str):  # type: ignore[no-untyped-def]
    return replace(CARD.numbers["parameters"][name], value=0.0)


def test_other_cards_can_be_fitted() -> None:
    other = load_card("huang-you-2021")
    one = fit(person(lab(45, -30), lab(70, -5), doses=(oral(2000, -60, every=1, count=60),)), other, ON)
    assert one.status == "ok"
    assert now(one) == pytest.approx(66, rel=0.2)


VALUES = st.floats(1.0, 900.0)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            VALUES, st.integers(-700, 0), st.sampled_from(["", "", "", "<", ">"]), st.sampled_from(["lc-ms", None])
        ),
        min_size=1,
        max_size=6,
    ),
    doses=st.lists(
        st.tuples(st.sampled_from(["oral", "im"]), st.sampled_from([1000, 50_000, 300_000]), st.integers(-600, 0)),
        max_size=3,
    ),
    known=st.booleans(),
    weight=st.floats(30, 200),
)
def test_any_results_give_finite_draws_or_a_reason(rows, doses, known, weight) -> None:  # type: ignore[no-untyped-def]
    labs = [lab(v, d, comparator=c, assay=a) for v, d, c, a in rows]
    given_ = tuple(oral(iu, d) if route == "oral" else injection(iu, d) for route, iu, d in doses)
    who = person(*labs, doses=given_, weight_kg=size("weight", weight)) if known else stranger(*labs, doses=given_)
    one = fit(who, CARD, ON, draws=1000)
    assert one.weights.sum() == pytest.approx(1)
    assert (one.weights >= 0).all()
    used = one.weights > 0
    assert np.isfinite(one.state.values[:, used]).all()
    assert (one.state.values[6, used] > 0).all()
    assert one.status in ("ok", "withheld.k_hat", "withheld.draws", "withheld.mode")
    assert (one.status == "ok") == (one.k_hat < TRUST and one.ess >= 250) or one.status == "withheld.mode"
