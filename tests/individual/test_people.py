"""What is unknown of a patient is drawn, named, and conditioned on what is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from records import ON, person, size, stranger

from calcidiol.individual.people import people, table
from calcidiol.individual.problem import bent
from calcidiol.kinetics import default_card
from calcidiol.patient.record import Condition, Origin, Procedure

CARD = default_card()


def drawn(who, n: int = 4000):  # type: ignore[no-untyped-def]
    return people(who, CARD, ON, n, np.random.default_rng(1))


def test_nothing_is_imputed_when_all_is_known() -> None:
    told = drawn(person(), 10)
    assert told.imputed == ()
    assert np.ptp(told.covariates.weight_kg) == 0
    assert np.ptp(told.level) == 0


def test_everything_imputed_is_named_with_source_and_tag() -> None:
    told = drawn(stranger())
    assert {i.name for i in told.imputed} == {"age", "sex", "weight", "height", "latitude", "sun", "egfr"}
    assert all(i.source and i.tag in "VRPS" for i in told.imputed)
    assert told.covariates.weight_kg.std() > 10
    assert told.covariates.bmi.std() > 4


@pytest.mark.parametrize("sex", ["female", "male"])
@pytest.mark.parametrize("age", [25.0, 50.0, 75.0, 95.0, 16.0])
def test_body_size_follows_sex_and_age(sex: str, age: float) -> None:
    told = drawn(person(sex=sex, age_y=age, weight_kg=(), height_cm=())).covariates
    row = next(r for r in table()["people"] if r["sex"] == sex and r["age_from"] <= min(max(age, 18), 80) < r["age_to"])
    assert np.log(told.weight_kg).mean() == pytest.approx(row["log_weight_kg"]["mean"], abs=0.02)
    height = 100 * np.sqrt(told.weight_kg / told.bmi)
    assert np.corrcoef(np.log(told.weight_kg), np.log(height))[0, 1] == pytest.approx(row["correlation"], abs=0.06)


def test_a_known_weight_conditions_the_height() -> None:
    heavy = drawn(person(weight_kg=size("weight", 120.0), height_cm=())).covariates
    light = drawn(person(weight_kg=size("weight", 45.0), height_cm=())).covariates
    assert np.median(120 / heavy.bmi) > np.median(45 / light.bmi)
    assert (heavy.weight_kg == 120).all()


def test_the_newest_weight_known_by_that_day_is_used() -> None:
    old, new = size("weight", 70.0)[0], size("weight", 60.0)[0]
    later = type(new)("weight", 60.0, "", new.when.replace(year=2027), Origin("w"))
    assert drawn(person(weight_kg=(old, later)), 1).covariates.weight_kg[0] == 70.0


def test_impossible_sizes_are_unknown_and_never_crash() -> None:
    told = drawn(person(weight_kg=size("weight", 0.0), height_cm=size("height", -3.0), age_y=900.0), 50)
    assert {"weight", "height", "age"} <= {i.name for i in told.imputed}
    assert np.isfinite(told.level).all()


def test_cancer_lowers_the_prior_level_and_obesity_too() -> None:
    usual = drawn(person(), 1).level[0]
    assert drawn(person(cancer=True), 1).level[0] == pytest.approx(0.70 * usual)
    assert drawn(person(weight_kg=size("weight", 110.0)), 1).level[0] < 0.85 * usual


def test_bypass_counts_as_severe_malabsorption() -> None:
    surgery = (Procedure("bypass", ("bariatric_surgery",), date(2020, 1, 1), Origin("p")),)
    resected = (Procedure("gastrectomy", ("gastrectomy",), date(2020, 1, 1), Origin("p")),)
    over = (Condition((), "x", ("short_bowel",), Origin("c"), active=False),)
    assert drawn(person(procedures=surgery), 1).covariates.malabsorption[0] == 2
    assert drawn(person(procedures=resected), 1).covariates.malabsorption[0] == 1
    assert drawn(person(conditions=over), 1).covariates.malabsorption[0] == 0


def test_the_low_tail_of_the_untreated_level_is_that_of_nhanes() -> None:
    # Quantiles of the residual of log 25(OH)D, printed by scripts/nhanes beside the table.
    z = np.array([-3.090, -2.326, -1.960, -1.645])
    assert 0.45 * bent(z) == pytest.approx([-1.69, -1.19, -0.95, -0.76], abs=0.03)
    assert 0.45 * z[0] > -1.45, "an unbent law would miss the lowest ones"
    assert (np.diff(bent(np.linspace(-8, 8, 200))) > 0).all()
    assert (bent(np.array([-1.0, 0.0, 3.0])) == [-1.0, 0.0, 3.0]).all()
