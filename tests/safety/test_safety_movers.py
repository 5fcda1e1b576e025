"""What moves the forecast, and the forecast without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from safety_people import HERE, ON, base, condition, drug, person

from calcidiol import safety
from calcidiol.individual import fit, forecast, population
from calcidiol.kinetics import default_card, load_card
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import constant
from calcidiol.patient.record import Procedure
from calcidiol.regimen import parse
from calcidiol.safety.movers import CLEARANCE, UPTAKE, movers, without
from calcidiol.terminology import products

CARD = load_card("two-route-2026")
DOSES = parse("oral 2000 IU daily x 180", ON, products()).schedule(ON)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", []),
        ("takes inducing_antiepileptic", [("inducer", CLEARANCE, 1.3, ("DI05",))]),
        ("takes enzyme_inducer", [("inducer", CLEARANCE, 1.3, ("DI05",))]),
        ("takes rifampicin+enzyme_inducer", [("inducer", CLEARANCE, 1.3, ("DI06",))]),
        ("takes inducing_antiandrogen", [("inducer", CLEARANCE, 1.3, ("ON12",))]),
        ("takes glucocorticoid", [("glucocorticoid", CLEARANCE, 1.15, ("DI03",))]),
        ("takes glucocorticoid; takes rifampicin",
         [("inducer", CLEARANCE, 1.3, ("DI06",)), ("glucocorticoid", CLEARANCE, 1.15, ("DI03",))]),
        ("takes rifampicin@-3", []),
        ("takes fat_binder", []),
        ("takes thiazide", []),
        ("has crohn", [("malabsorption", UPTAKE, 0.7, ())]),
        ("has cystic_fibrosis", [("malabsorption", UPTAKE, 0.4, ())]),
        ("had bariatric_surgery", [("malabsorption", UPTAKE, 0.4, ())]),
        ("has obesity", []),
    ],
)  # fmt: skip
def test_what_moves_is_what_the_fit_moves(
    line: str, told: list[tuple[str, tuple[str, ...], float, tuple[str, ...]]]
) -> None:
    found = movers(person(line), ON, CARD)
    assert [(m.covariate, m.parameters, m.factor, m.rules) for m in found] == told
    numbers = CARD.numbers["covariates"]
    for m in found:
        assert (m.source, m.tag) in {(n.source, n.tag) for n in numbers.values()}
        assert set(m.to_dict()) == {"covariate", "parameters", "factor", "by", "rules", "source", "tag"}


def test_the_names_of_the_record_are_told() -> None:
    p = replace(
        base(),
        drugs=(replace(drug("rifampicin"), text="Rifadin 300 mg"),
               replace(drug("inducing_antiepileptic"), text="Tegretol"),
               replace(drug("enzyme_inducer"), text="old", end=ON - timedelta(days=1))),
        conditions=(condition("crohn"), replace(condition("celiac"), active=False)),
        procedures=(Procedure("sleeve", ("bariatric_surgery",), None, HERE),),
    )  # fmt: skip
    by = {m.covariate: m.by for m in movers(p, ON, CARD)}
    assert by == {"inducer": "Rifadin 300 mg, Tegretol", "malabsorption": "crohn, sleeve"}


def test_only_what_moves_is_named() -> None:
    p = replace(
        base(),
        drugs=(replace(drug("glucocorticoid"), text="Prednisone 20 mg"), replace(drug("antiplatelet"), text="Aspirin"),
               replace(drug("rifampicin"), text="Rifadin")),
    )  # fmt: skip
    assert [(m.covariate, m.by) for m in movers(p, ON, CARD)] == [
        ("inducer", "Rifadin"), ("glucocorticoid", "Prednisone 20 mg"),
    ]  # fmt: skip


def test_without_an_inducer_the_same_doses_reach_higher() -> None:
    p = person("takes rifampicin; 25ohd=40")
    draws = fit(p, CARD, ON, seed=1).resample(200, 1)
    found = movers(p, ON, CARD)
    free = without(draws, found)
    times = np.array([0.0, 90.0, 180.0, 360.0])
    with_it, freed = (forecast(x, DOSES, times, 1).level["p50"] for x in (draws, free))
    assert freed[0] == pytest.approx(with_it[0])
    assert np.all(freed[1:] > 1.1 * with_it[1:])
    assert np.allclose(free.parameters[:, ROW["cl25"]] * 1.3, draws.parameters[:, ROW["cl25"]])
    # the input that held the level before is the input that holds the new one
    for before, after in zip(constant(draws.parameters), constant(free.parameters), strict=True):
        assert np.allclose(before, after, rtol=1e-9)


def test_without_poor_uptake_only_doses_by_mouth_reach_higher() -> None:
    p = person("has cystic_fibrosis; 25ohd=40")
    draws = population(p, CARD, ON, seed=1).resample(200, 1)
    free = without(draws, movers(p, ON, CARD))
    times = np.array([0.0, 90.0])
    none = parse("none", ON, products()).schedule(ON)
    assert np.allclose(forecast(draws, none, times, 1).level["p50"], forecast(free, none, times, 1).level["p50"])
    assert forecast(free, DOSES, times, 1).level["p50"][1] > 1.1 * forecast(draws, DOSES, times, 1).level["p50"][1]


def test_without_nothing_nothing_changes() -> None:
    draws = population(base(), default_card(), ON, seed=1).resample(20, 1)
    assert np.array_equal(without(draws, ()).parameters, draws.parameters)
    assert safety.movers(base(), ON, default_card()) == ()
