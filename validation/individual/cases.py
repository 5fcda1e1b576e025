"""Virtual patients for the comparison with NUTS: twenty-one records, one to four results, several kinds of past doses.

    python validation/individual/cases.py > validation/individual/cases.json     (in the project's environment)

prints what the restated equations need, for all cases or for those whose numbers follow: parameters at the middle of
the prior, doses, results, spreads. The results were drawn once; from then on they are read from that file, so that
both sides see the same ones.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from calcidiol.individual.fitting import fit
from calcidiol.individual.history import history, observed
from calcidiol.individual.people import people
from calcidiol.individual.problem import Problem
from calcidiol.individual.virtual import simulate, with_results
from calcidiol.kinetics import Card, load_card
from calcidiol.kinetics.layout import NAMES
from calcidiol.patient.record import Condition, GivenDose, Lab, Origin, Patient

HERE = Path(__file__).parent
PINNED = HERE / "cases.json"
ON = date(2026, 6, 10)
DAYS = ([-12], [-160, -40], [-160, -75, -12], [-160, -100, -60, -5])
COUNT = 21
MORE = {5: ("<", 25.0), 10: (">", 150.0)}
"""Cases whose newest result is censored."""


def card() -> Card:
    """The card as it was when the outside sampler ran."""
    return load_card(HERE / "card.toml")


def doses(kind: int) -> tuple[GivenDose, ...]:
    """None, weekly by mouth, monthly injections, or a loading dose and then daily drops of which one is not sure."""
    here = Origin("doses[0]")
    iu = 65.0 / 1000.0
    return (
        (),
        (GivenDose("cholecalciferol", "oral", 50000 * iu, 50000, date(2026, 1, 20), 7, 8, here),),
        (GivenDose("cholecalciferol", "im", 100000 * iu, 100000, date(2026, 2, 1), 28, 3, here),),
        (
            GivenDose("cholecalciferol", "im", 300000 * iu, 300000, date(2026, 1, 5), 0, 1, here),
            GivenDose("cholecalciferol", "oral", 14000 * iu, 14000, date(2026, 3, 1), 7, 12, here, certain=False),
        ),
    )[kind]


def patient(case: int) -> tuple[Patient, str | None]:
    """The record of a case, results and all, and the method of its results."""
    rng = np.random.default_rng([7, case])
    female = case % 2 == 0

    def size(name: str, value: float) -> tuple[Lab, ...]:
        return (Lab(name, value, "", datetime(2026, 1, 1, 12), Origin(name)),)

    who = Patient(
        f"case-{case}",
        sex="female" if female else "male",
        age_y=float(rng.integers(25, 85)),
        latitude_deg=float(rng.choice([25.0, 52.0, -34.0])),
        sun="avoids" if case % 3 == 0 else "usual",
        weight_kg=size("weight", float(rng.uniform(45, 110))),
        height_cm=size("height", float(rng.uniform(155, 185))),
        labs=size("egfr", float(rng.uniform(35, 110))),
        conditions=(Condition((), "cancer", ("cancer",), Origin("c")),) if case % 4 else (),
        doses=doses((case + case // 4) % 4),
    )
    assay = "lc-ms" if case % 3 else None
    days = DAYS[case % 4]
    if PINNED.exists():
        values = np.exp(json.loads(PINNED.read_text(encoding="utf-8"))[case]["lab_log"])
        told = with_results(who, ON, days, values, assay)
    else:
        told = simulate(who, card(), ON, days, n=1, seed=1000 + case, assay=assay).record(0)
    if case in MORE:
        comparator, value = MORE[case]
        rows = [replace(x, comparator=comparator, value=value) if x is _newest(told) else x for x in told.labs]
        told = replace(told, labs=tuple(rows))
    return told, assay


def _newest(told: Patient) -> Lab:
    return told.labs_of("25ohd")[-1]


def ours(case: int, draws: int = 12000, enough: float = 5000.0) -> dict[str, Any]:
    """Means, SDs and effective draws of our side."""
    who, _ = patient(case)
    one = fit(who, card(), ON, seed=case, draws=draws, enough=enough)
    x = np.column_stack([one.effects, one.bias, np.log(one.state.values[6])])
    return {
        "case": case,
        "status": one.status,
        "k_hat": one.k_hat,
        "effective": one.ess,
        "mean": one.mean(x).tolist(),
        "sd": one.sd(x).tolist(),
    }


def exported(case: int) -> dict[str, Any]:
    """What the restated equations need."""
    who, assay = patient(case)
    model = card()
    seen, past = observed(who, ON), history(who, ON)
    problem = Problem(model, past, seen, float(ON.timetuple().tm_yday))
    one = people(who, model, ON, 1, np.random.default_rng(0))
    assert not one.imputed, "every covariate of these records is known"
    middle = problem.parameters(np.zeros((1, problem.size)), one)[0]
    # Where to start and how to scale: any linear map leaves the posterior as it is, a good one makes NUTS quick.
    pilot = fit(who, model, ON, seed=900 + case)
    x = np.column_stack(
        [pilot.effects, pilot.bias / model.assay_bias if pilot.bias.shape[1] else np.zeros(len(pilot.weights))]
    )
    center = pilot.mean(x)
    spread = (x - center).T @ ((x - center) * pilot.weights[:, None])
    if not pilot.bias.shape[1]:
        spread[-1, -1] = 1.0
    return {
        "case": case,
        "assay": assay,
        "center": center.tolist(),
        "root": np.linalg.cholesky(spread).tolist(),
        "parameters": dict(zip(NAMES, middle.tolist(), strict=True)),
        "effects": [[e.name, float(s), list(e.acts_on)] for e, s in zip(model.effects, problem.spreads, strict=True)],
        "baseline_exponent": model.value("conversion_baseline_exponent", "covariates"),
        "residual": list(model.residual),
        "assay_bias": model.assay_bias,
        "doy": problem.doy,
        "dose_time": past.past.time_d.tolist(),
        "dose_nmol": past.past.amount_nmol.tolist(),
        "dose_into": past.past.into.tolist(),
        "lab_time": seen.time_d.tolist(),
        "lab_log": seen.log_value.tolist(),
        "lab_kind": seen.kind.tolist(),
        "lab_biased": (seen.assay >= 0).tolist(),
    }


if __name__ == "__main__":
    chosen = [int(word) for word in sys.argv[1:]] or range(COUNT)
    print(json.dumps([exported(i) for i in chosen], indent=1))
