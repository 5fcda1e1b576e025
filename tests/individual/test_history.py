"""What of the past reaches the solver, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from records import IU, ON, injection, lab, oral, person

from calcidiol.individual.history import history, observed
from calcidiol.individual.problem import Problem
from calcidiol.kinetics import default_card

CARD = default_card()


def level_at_lab(who) -> float:  # type: ignore[no-untyped-def]
    from calcidiol.individual.people import people

    problem = Problem(CARD, history(who, ON), observed(who, ON), 161.0)
    one = people(who, CARD, ON, 1, np.random.default_rng(0))
    return float(problem.solve(problem.parameters(np.zeros((1, problem.size)), one), state=False)[0][0, -1])


def test_a_result_of_the_same_day_is_read_before_the_dose() -> None:
    bare = level_at_lab(person(lab(50, -10)))
    assert level_at_lab(person(lab(50, -10), doses=(oral(300_000, -10),))) == pytest.approx(bare, rel=1e-6)
    assert level_at_lab(person(lab(50, -10, hour=20), doses=(oral(300_000, -10),))) > bare + 2
    assert level_at_lab(person(lab(50, -10), doses=(oral(300_000, -11),))) > bare + 5


def test_a_dose_of_day_0_counts_and_stands_after_its_result() -> None:
    who = person(lab(50, 0), doses=(oral(100_000, 0),))
    assert history(who, ON).past.time_d.tolist() == [0.0]
    assert observed(who, ON).time_d.tolist() == [0.0]


def test_doses_after_day_0_are_left_out_unless_asked_for() -> None:
    who = person(doses=(injection(100_000, -28, count=3),))
    assert history(who, ON).past.time_d.tolist() == [-27.5, 0.0]
    later = history(who, ON, ON + timedelta(days=60)).later
    assert later.time_d.tolist() == [28.5]


def test_a_drug_still_taken_runs_to_the_day_before() -> None:
    daily = replace(oral(2000, -10, every=1), count=0, ongoing=True)
    assert len(history(person(doses=(daily,)), ON).past) == daily.taken_until(ON) == 10


def test_ergocalciferol_counts_less_than_cholecalciferol() -> None:
    d3 = oral(50_000, -30)
    d2 = replace(d3, substance="ergocalciferol")
    assert history(person(doses=(d2,)), ON).past.amount_nmol[0] == pytest.approx(0.92 * 50_000 * IU)


def test_active_hormones_do_not_reach_the_solver() -> None:
    assert not len(history(person(doses=(replace(oral(40, -30), substance="calcitriol"),)), ON).past)


def test_a_reported_dose_widens_the_bioavailability_only_by_mouth() -> None:
    at = CARD.random_effects.index("bioavailability")

    def spread(*doses) -> float:  # type: ignore[no-untyped-def]
        who = person(doses=doses)
        return float(Problem(CARD, history(who, ON), observed(who, ON), 161.0).spreads[at])

    assert spread(oral(50_000, -30)) == CARD.spreads[at]
    assert spread(replace(injection(100_000, -30), certain=False)) == CARD.spreads[at]
    assert spread(oral(50_000, -30, certain=False)) == pytest.approx(np.hypot(CARD.spreads[at], 0.30))


def test_results_that_are_no_numbers_are_left_out_and_later_ones_wait() -> None:
    who = person(lab(50, -5), lab(0.0, -4), lab(float("inf"), -3), lab(float("nan"), -2), lab(60, 3))
    assert [x.value for x in observed(who, ON).labs] == [50]


def test_the_method_of_the_newest_result_is_the_last_group() -> None:
    seen = observed(person(lab(50, -9, assay=None), lab(51, -8, assay="immunoassay"), lab(52, -7, assay=None)), ON)
    assert seen.assays == ("immunoassay", "unknown")
    assert seen.assay.tolist() == [1, 0, 1]
    assert observed(person(lab(50, -9, assay=None), lab(52, -7)), ON).assay.tolist() == [0, -1]
