"""What the labs told, what they could not tell apart, and whether they fight the prior."""

from __future__ import annotations

import numpy as np
import pytest
from records import ON, injection, lab, oral, person
from scipy.stats import chi2

from calcidiol.individual import fit, population, trust
from calcidiol.individual.reliance import chi_square_above
from calcidiol.individual.virtual import simulate
from calcidiol.kinetics import default_card

CARD = default_card()


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 20])
def test_chi_square_against_scipy(degrees: int) -> None:
    for x in (0.0, 1e-6, 0.3, 2.0, 9.0, 40.0, 900.0):
        assert chi_square_above(x, degrees) == pytest.approx(chi2.sf(x, degrees), rel=1e-10, abs=1e-300)


def ids(one) -> set[str]:  # type: ignore[no-untyped-def]
    return {i for i, _ in trust(one).notes}


def test_no_results() -> None:
    one = trust(population(person(), CARD, ON))
    assert one.labs == 0
    assert one.conflict == 1.0
    assert {i for i, _ in one.notes} == {"trust.no_labs"}


def test_one_result_tells_the_untreated_level_and_nothing_of_the_depot() -> None:
    one = trust(fit(person(lab(31, -10)), CARD, ON))
    assert one.shrinkage["untreated"] < 0.65
    assert all(one.shrinkage[e] > 0.93 for e in ("conversion", "clearance", "bioavailability", "depot"))
    notes = dict(one.notes)
    assert notes["trust.told"]["effects"] == ["untreated"]
    assert set(notes["trust.silent"]["effects"]) == {"conversion", "clearance", "bioavailability", "depot"}


def test_results_after_injections_tell_the_depot() -> None:
    doses = (injection(300_000, -170),)
    rows = [lab(v, d) for v, d in ((30, -171), (34, -150), (40, -120), (52, -80), (60, -40), (62, -5))]
    assert trust(fit(person(*rows, doses=doses), CARD, ON)).shrinkage["depot"] < 0.75


def test_one_result_under_treatment_cannot_tell_level_and_response_apart() -> None:
    one = trust(fit(person(lab(120, -5), doses=(oral(50_000, -80, count=11),)), CARD, ON))
    names = CARD.random_effects
    at = {n: i for i, n in enumerate(names)}
    assert one.matrix[at["untreated"]][at["conversion"]] < -0.3
    assert ("untreated", "conversion") in {(a, b) for a, b, _ in one.correlations}
    tied = [p for i, p in one.notes if i == "trust.tied"]
    assert {"untreated", "conversion"} in [{p["first"], p["second"]} for p in tied]
    assert np.allclose(np.diag(one.matrix), 1)
    assert np.allclose(one.matrix, np.transpose(one.matrix))


def test_a_result_before_and_one_under_treatment_tell_the_level_but_not_why_it_responds() -> None:
    rows = (lab(30, -85), lab(120, -5))
    one = trust(fit(person(*rows, doses=(oral(50_000, -80, count=11),)), CARD, ON))
    assert {"untreated", "conversion"} <= set(dict(one.notes)["trust.told"]["effects"])
    assert ("conversion", "clearance") in {(a, b) for a, b, _ in one.correlations}
    assert ("untreated", "conversion") not in {(a, b) for a, b, _ in one.correlations}


def test_results_that_the_prior_did_not_expect_are_said() -> None:
    odd = fit(person(lab(30, -60), lab(31, -5), doses=(oral(50_000, -59, every=3, count=18),)), CARD, ON)
    assert trust(odd).conflict < 0.01
    assert "trust.surprise" in ids(odd)
    assert "trust.surprise" not in ids(fit(person(lab(50, -60), lab(52, -5)), CARD, ON))


def test_flattening_and_two_modes_are_said() -> None:
    assert "trust.flattened" in ids(fit(person(lab(31, -10)), CARD, ON, flatten=0.5))
    assert "trust.modes" in ids(fit(person(lab(15, -30), lab(160, -29)), CARD, ON))


def test_surprise_is_about_uniform_for_patients_of_the_prior() -> None:
    # 80 patients drawn from the prior: P(fewer than 1 or more than 18 below 0.1) < 0.001 for a uniform law.
    told = simulate(person(doses=(oral(50_000, -120, count=8),)), CARD, ON, (-121, -60, -10), n=80, seed=4)
    p = [fit(told.record(i), CARD, ON, seed=i, draws=1000).conflict for i in range(80)]
    assert 1 <= sum(x < 0.1 for x in p) <= 18
    assert 0.35 < float(np.median(p)) < 0.65
    assert max(p) == pytest.approx(1.0, abs=0.1)
