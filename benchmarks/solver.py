"""Speed of the solver beside its peers at equal error: `python -m benchmarks.solver [--quick]`.

Full card, monthly injections of 100,000 IU for a year, level on every day, one thread, CPU time. The patients are
Sobol points of the card's box. First the answers are compared with scipy's DOP853 at 1e-10; a peer gets the loosest
tolerance with which its largest relative error is within the aim. Our time includes the yearly steady state before the
first dose and the array of answers; the peers are given the steady state.
"""

from __future__ import annotations

import statistics
import sys
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.stats import qmc
from validation.kinetics.reference import reference

from benchmarks.machine import machine
from benchmarks.peers import numbalsoda, python_with
from calcidiol.kinetics import Card, Covariates, Schedule, default_card, individual_parameters, solve
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import periodic

Floats = NDArray[np.float64]
PATIENTS, COMPARED, SLOW = 10_000, 200, 3
REPEATS = 7
TIMES = np.arange(366.0)
MONTHLY = Schedule.of((28.0 * k, 6500.0, 1) for k in range(13))
AIMS = (1e-3, 2.5e-4, 2.5e-6)
LADDER = tuple(float(f"{m}e-{e}") for e in range(2, 10) for m in (5, 2, 1))


def people(card: Card, n: int) -> Floats:
    """Parameters of n people of the box."""
    u = qmc.Sobol(9, seed=1).random_base2((n - 1).bit_length())[:n]
    who = Covariates.reference(card, n).with_(
        weight_kg=45 + 85 * u[:, 0], bmi=18 + 25 * u[:, 1], age_y=20 + 65 * u[:, 2], latitude_deg=-60 + 120 * u[:, 3]
    )
    effects = (u[:, 4:9] - 0.5) * 4 * card.spreads
    effects[:, 0] = np.log(10 + 110 * u[:, 4]) - np.log(card.value("untreated"))
    return individual_parameters(card, who, effects)


def ours(card: Card, p: Floats, aim: float) -> float:
    """Median CPU seconds for everybody, warm."""
    spent = []
    for _ in range(REPEATS + 1):
        started = time.process_time()
        solve(card, p, MONTHLY, TIMES, accuracy=aim)
        spent.append(time.process_time() - started)
    return statistics.median(spent[1:])


def scipy_lsoda(p: Floats, rtol: float) -> tuple[Floats, float]:
    """scipy's LSODA with the right-hand side in Python, for a few patients."""

    def slopes(q: dict[str, float], mean_input: float, t: float, y: Floats) -> list[float]:
        season = 1 + q["season_amplitude"] * np.cos(2 * np.pi * (t - q["season_phase_d"]) / 365.25)
        formed = y[4] * (q["vmax"] / (q["km"] + y[4]) + q["clh"])
        absorbed = q["ka"] * y[0] + q["kim"] * y[1] + q["kim_slow"] * y[2]
        store, aside = q["q"] * (y[4] - y[5]), q["q25"] * (y[6] - y[7])
        return [
            -q["ka"] * y[0], -q["kim"] * y[1], -q["kim_slow"] * y[2], -q["kc"] * y[3],
            (absorbed + mean_input * season - q["clo"] * y[4] - formed - store) / q["v1"], store / q["v2"],
            (formed + q["kc"] * y[3] - q["cl25"] * y[6] - aside) / q["v25"], aside / q["v25p"],
        ]  # fmt: skip

    state, mean_input = periodic(p, 0.0)
    out = np.empty((len(p), len(TIMES)))
    started = time.process_time()
    for i in range(len(p)):
        q = {name: float(p[i, r]) for name, r in ROW.items()}
        y, right = state[:, i].copy(), partial(slopes, q, float(mean_input[i]))
        out[i, 0] = y[6]
        for day in MONTHLY.time_d:
            y[1] += 6500.0 * q["f_im"] * q["im_fast"]
            y[2] += 6500.0 * q["f_im"] * (1 - q["im_fast"])
            until = day + 28.0 if day < MONTHLY.time_d[-1] else TIMES[-1]
            grid = TIMES[(day < TIMES) & (until >= TIMES)]
            found = solve_ivp(right, (day, grid[-1]), y, "LSODA", grid, rtol=rtol, atol=rtol).y
            out[i, grid.astype(int)] = found[6]
            y = found[:, -1].copy()
    return out, time.process_time() - started


def main() -> None:
    """Print the table."""
    quick = "--quick" in sys.argv
    card = default_card()
    count = 1_000 if quick else PATIENTS
    everybody = people(card, count)
    # Compared: a sample over the whole sequence, so that its spread is the spread of all.
    few = everybody[:: max(count // COMPARED, 1)][:COMPARED]
    truth = reference(few, [MONTHLY] * len(few), TIMES, 0.0)
    days = count * 365.0
    print(machine())
    print(f"{count} patients of {card.id} x 365 days; largest relative error over {len(few)} of them, every day")
    program = python_with("numbalsoda")
    if program is None:
        print("numbalsoda is not installed: set CALCIDIOL_PEERS (benchmarks/requirements.txt); left out.")
    for aim in AIMS:
        error = float(np.max(np.abs(solve(card, few, MONTHLY, TIMES, accuracy=aim).level / truth - 1)))
        cpu = ours(card, everybody, aim)
        mine = cpu / days * 1e9
        print(f"aim {aim:g}: calcidiol {cpu:.3f} CPU s, {mine:.2f} ns a patient-day, error {error:.1e}", flush=True)
        if program is None:
            continue
        for rtol in LADDER:
            if rtol > 20 * aim:
                continue
            level, spent = numbalsoda(program, card, few, MONTHLY, TIMES, 0.0, rtol)
            off = np.abs(level / truth - 1)
            if np.isfinite(off).all() and off.max() <= aim:
                break
        runs = [spent] + [numbalsoda(program, card, few, MONTHLY, TIMES, 0.0, rtol)[1] for _ in range(2)]
        theirs = statistics.median(runs) / (len(few) * 365.0) * 1e9
        print(
            f"  numbalsoda rtol = atol = {rtol:g}: {theirs:.0f} ns a patient-day ({len(few)} patients, median of 3), "
            f"error {off.max():.1e}; ratio {theirs / mine:.0f}",
            flush=True,
        )
    level, spent = scipy_lsoda(few[:SLOW], 1e-4)
    off = float(np.max(np.abs(level / truth[:SLOW] - 1)))
    print(
        f"scipy LSODA in Python, rtol = atol = 1e-4: {spent / (SLOW * 365.0) * 1e9:.0f} ns a patient-day "
        f"(of {SLOW} patients), error {off:.1e}"
    )


if __name__ == "__main__":
    main()
