"""Safety's gate, which knows nothing of the search, allows every candidate that the search may propose.

A candidate may need 25(OH)D results planned before some of its doses; without them the gate takes those doses away.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from calcidiol import safety
from calcidiol.patient.record import GivenDose, Lab, Origin, Patient
from calcidiol.regimen import default_goal, generate, outside
from calcidiol.terminology import products

ON = date(2026, 11, 24)
TABLE = products()


def lab(analyte: str, value: float, unit: str, days_ago: int = 3) -> Lab:
    return Lab(analyte, value, unit, datetime(2026, 11, 24) - timedelta(days=days_ago), Origin("labs"))


def patient(seed: int) -> Patient:
    """A woman without contraindication, with up to four runs of past doses."""
    rng = np.random.default_rng(seed)
    doses = []
    for _ in range(rng.integers(0, 5)):
        iu, count = float(rng.choice([1000, 2000, 50_000, 100_000, 300_000])), int(rng.integers(1, 15))
        every = float(rng.choice([1, 7, 28])) if count > 1 else 0.0
        start = ON - timedelta(days=int(rng.integers(1, 500)))
        route = str(rng.choice(["oral", "im"]))
        doses.append(GivenDose("cholecalciferol", route, iu * 0.065, iu, start, every, count, Origin("d")))
    return Patient(
        "x",
        sex="female",
        age_y=60,
        labs=(
            lab("25ohd", float(rng.choice([20, 45, 90])), "nmol/L", int(rng.integers(1, 28))),
            lab("calcium", 2.3, "mmol/L"),
            lab("albumin", 40.0, "g/L"),
            lab("creatinine", 70.0, "umol/L"),
            lab("phosphate", 1.1, "mmol/L"),
        ),
        doses=tuple(doses),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_gate_never_lowers_a_candidate(seed: int) -> None:
    who = patient(seed)
    limits = safety.limits(who, ON, TABLE)
    if limits.refused:
        return
    found = generate(limits, default_goal(), TABLE, ON)
    rng = np.random.default_rng(seed)
    for i in rng.permutation(len(found))[:12]:
        regimen = found[i].regimen(ON, TABLE)
        checks = [point.on for point in safety.checkpoints(who, regimen, ON)]
        verdict = safety.gate(who, regimen, ON, TABLE, checks=checks)
        assert verdict.regimen is not None, regimen.name
        assert verdict.regimen.runs == regimen.runs, regimen.name
        assert outside(regimen, limits, TABLE, ON) == ()


def test_the_patients_above_are_not_all_refused() -> None:
    assert sum(not safety.limits(patient(seed), ON, TABLE).refused for seed in range(12)) >= 4
