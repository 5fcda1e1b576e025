"""Simulation-based calibration, large: `nice python validation/individual/calibration.py 1800 > calibration.json`.

Six kinds of records, one to four results, with and without doses, covariates and a trusted method.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from typing import Any

import numpy as np

from calcidiol.individual.calibration import Calibration, calibrate
from calcidiol.individual.virtual import simulate
from calcidiol.kinetics import default_card
from calcidiol.patient.record import Condition, GivenDose, Lab, Origin, Patient

ON = date(2026, 6, 10)
HERE = Origin("virtual")
ORAL = GivenDose("cholecalciferol", "oral", 3250.0, 50000, date(2026, 1, 5), 7, 8, HERE)
IM = GivenDose("cholecalciferol", "im", 6500.0, 100000, date(2026, 3, 10), 28, 3, HERE)
LOAD = GivenDose("cholecalciferol", "im", 19500.0, 300000, date(2026, 1, 5), 0, 1, HERE)
SAID = GivenDose("cholecalciferol", "oral", 130.0, 2000, date(2026, 2, 1), 1, 120, HERE, certain=False)


def _size(name: str, value: float) -> tuple[Lab, ...]:
    return (Lab(name, value, "", datetime(2026, 1, 1, 12), HERE),)


def known(doses: tuple[GivenDose, ...], weight: float, cancer: bool) -> Patient:
    """Everything known."""
    return Patient(
        "x",
        sex="male",
        age_y=66,
        latitude_deg=48.0,
        sun="usual",
        weight_kg=_size("weight", weight),
        height_cm=_size("height", 174.0),
        labs=_size("egfr", 70.0),
        conditions=(Condition((), "cancer", ("cancer",), HERE),) if cancer else (),
        doses=doses,
    )


KINDS: tuple[tuple[str, Patient, tuple[int, ...], str | None], ...] = (
    ("one result, untreated", known((), 80, True), (-20,), None),
    ("two results, weekly by mouth", known((ORAL,), 60, True), (-157, -60), "lc-ms"),
    ("three results, by mouth and injections", known((ORAL, IM), 110, True), (-157, -95, -9), "lc-ms"),
    ("four results, a large injection, reported drops", known((LOAD, SAID), 70, False), (-157, -120, -60, -5), None),
    ("one result, nothing else known, injections", Patient("x", doses=(IM,)), (-10,), None),
    ("three results, nothing else known", Patient("x", doses=(ORAL, IM)), (-157, -95, -9), "immunoassay"),
)


def main(patients: int) -> None:
    """Print a table and JSON."""
    card = default_card()
    each = -(-patients // len(KINDS))
    parts, told = [], []
    for i, (name, who, days, assay) in enumerate(KINDS):
        part = calibrate(simulate(who, card, ON, days, n=each, seed=50 + i, assay=assay), card, seed=10_000 * i)
        parts.append(part)
        told.append(_row(name, part))
        print(told[-1], file=sys.stderr, flush=True)
    told.append(_row("all", Calibration.join(parts)))
    json.dump({"card": card.id, "version": card.version, "rows": told}, sys.stdout, indent=1)


def _row(name: str, part: Calibration) -> dict[str, Any]:
    return {
        "records": name,
        "patients": len(part.status),
        "not_ok": sum(s != "ok" for s in part.status),
        "k_hat_p99": float(np.quantile(part.k_hat, 0.99)),
        "effective_p01": float(np.quantile(part.effective, 0.01)),
        "p_uniform": {k: round(part.p_uniform(k), 4) for k in part.positions},
        "coverage": {k: {f"{s:.2f}": round(c, 4) for s, c in part.coverage(k).items()} for k in part.positions},
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1800)
