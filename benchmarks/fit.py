"""Time of one fit (mode, draws, diagnostics), warm, one thread, CPU time. `python benchmarks/fit.py`.

Figure to reach: at most 50 ms with three results. mapbayr needs 170-250 ms for the mode alone.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import platform
import statistics
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from calcidiol.individual import fit, percentiles, population, trust
from calcidiol.individual.history import history, observed
from calcidiol.individual.mode import modes
from calcidiol.individual.people import people, typical
from calcidiol.individual.problem import Problem
from calcidiol.kinetics import default_card
from calcidiol.patient.record import Condition, GivenDose, Lab, Origin, Patient

ON = date(2026, 6, 10)
HERE = Origin("bench")
REPEATS = 15


def patient(results: int, known: bool = True) -> Patient:
    """A woman with cancer, weekly capsules, then injections, and up to four results."""
    rows = ((31.0, -157), (70.0, -98), (88.0, -9), (82.0, -2))[:results]
    labs = tuple(
        Lab("25ohd", v, "nmol/L", datetime(2026, 6, 10, 12) + timedelta(days=d), HERE, assay="immunoassay")
        for v, d in rows
    )
    doses = (
        GivenDose("cholecalciferol", "oral", 3250.0, 50000, date(2026, 1, 5), 7, 8, HERE),
        GivenDose("cholecalciferol", "im", 6500.0, 100000, date(2026, 3, 10), 28, 3, HERE),
    )

    def size(name: str, value: float) -> tuple[Lab, ...]:
        return (Lab(name, value, "", datetime(2026, 1, 1, 12), HERE),)

    cancer = (Condition((), "cancer", ("cancer",), HERE),)
    if not known:
        return Patient("x", labs=labs, doses=doses, conditions=cancer)
    return Patient(
        "x", sex="female", age_y=60, latitude_deg=25.0, sun="usual", weight_kg=size("weight", 60.0),
        height_cm=size("height", 160.0), labs=(*labs, *size("egfr", 80.0)), doses=doses, conditions=cancer,
    )  # fmt: skip


def cpu_ms(run: Callable[[int], object]) -> tuple[float, float]:
    """Median and worst CPU milliseconds of a call, after two to warm up."""
    run(0)
    run(1)
    told = []
    for seed in range(REPEATS):
        start = time.process_time()
        run(seed)
        told.append(1e3 * (time.process_time() - start))
    return statistics.median(told), max(told)


def machine() -> str:
    """What it ran on."""
    model = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")][:1]
    return f"{(model or [platform.processor()])[0].split(':')[-1].strip()}, Python {platform.python_version()}"


def main() -> None:
    """Print the table."""
    card = default_card()
    print(f"{machine()}; CPU ms of a warm call, one thread, median (worst) of {REPEATS}")

    def mode_of(who: Patient) -> Callable[[int], object]:
        def run(seed: int) -> object:
            problem = Problem(card, history(who, ON), observed(who, ON), 161.0)
            return modes(problem, typical(people(who, card, ON, 64, np.random.default_rng(seed))))

        return run

    def whole(who: Patient) -> Callable[[int], object]:
        return lambda seed: trust(fit(who, card, ON, seed=seed))

    rows: list[tuple[str, Callable[[int], object]]] = [
        ("mode only, 3 results (all starts, covariance included)", mode_of(patient(3))),
        ("fit, no result", lambda s: population(patient(0), card, ON, seed=s)),
        ("fit, 1 result", whole(patient(1))),
        ("fit, 3 results", whole(patient(3))),
        ("fit, 4 results", whole(patient(4))),
        ("fit, 3 results, nothing else known", whole(patient(3, known=False))),
        ("percentiles of 4 results", lambda s: percentiles(patient(4), card, ON, seed=s)),
    ]
    for name, run in rows:
        middle, worst = cpu_ms(run)
        print(f"{name:55s} {middle:7.1f} ({worst:.1f})")
    one = fit(patient(3), card, ON)
    print(f"3 results: k-hat {one.k_hat:.2f}, {one.ess:.0f} effective of {len(one.weights)} draws, {one.status}")


if __name__ == "__main__":
    main()
