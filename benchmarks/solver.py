"""Speed of the solver beside its peers at equal error: `python -m benchmarks.solver [--quick]`.

Full card, monthly injections of 100,000 IU for a year, level on every day, one thread, CPU time. The patients are Sobol
points of the card's box. Answers are compared with scipy's DOP853 at 1e-10 before times are. Equal error means over the
whole domain: the box of `validation.kinetics.box`, with its doses by mouth, injected, of calcifediol, mixed, near Km
and with coinciding rates. numbalsoda gets the loosest tolerance with which its largest error there is within the aim;
our `accuracy` is the aim itself. Our time includes the yearly steady state before the first dose and the array of
answers; the peers are given the steady state.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.stats import qmc
from validation.kinetics.box import DOY, point_set
from validation.kinetics.box import TIMES as BOX_TIMES
from validation.kinetics.reference import reference

from benchmarks.machine import machine
from benchmarks.peers import peer, python_with
from calcidiol.kinetics import Card, Covariates, Schedule, default_card, individual_parameters, solve
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import periodic
from calcidiol.kinetics.streaming import stream

Floats = NDArray[np.float64]
PATIENTS, COMPARED, SLOW, DOMAIN = 10_000, 200, 3, 600
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


def cpu(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median CPU seconds of a call, warm."""
    spent = []
    for _ in range(repeats + 1):
        started = time.process_time()
        call()
        spent.append(time.process_time() - started)
    return statistics.median(spent[1:])


def blocks(card: Card, p: Floats, aim: float) -> None:
    """Everybody, block after block into one array."""
    for _ in stream(card, p, MONTHLY, TIMES, accuracy=aim):
        pass


def written(lanes: int) -> float:
    """CPU seconds of only writing the levels of so many people, to memory that is there already."""
    room = np.empty((len(TIMES), lanes))
    return cpu(lambda: room.fill(1.0))


def ours_on(card: Card, p: Floats, made: list[Schedule], truth: Floats, aim: float) -> float:
    """Our largest error on the domain."""
    found = [
        solve(card, p[i : i + 1], made[i], BOX_TIMES, origin_doy=DOY, accuracy=aim).level[0] for i in range(len(p))
    ]
    return float(np.max(np.abs(np.array(found) / truth - 1)))


def threads(card: Card, p: Floats, aim: float) -> float:
    """How much sooner two threads are done than one, each with half of the people (wall clock, best of five)."""
    halves = (p[: len(p) // 2], p[len(p) // 2 :])
    best = [float("inf"), float("inf")]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            started = time.perf_counter()
            for half in halves:
                blocks(card, half, aim)
            best[0] = min(best[0], time.perf_counter() - started)
            started = time.perf_counter()
            list(pool.map(lambda half: blocks(card, half, aim), halves))
            best[1] = min(best[1], time.perf_counter() - started)
    return best[0] / best[1]


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
    box, made, _ = point_set(card, 0, DOMAIN // 4 if quick else DOMAIN, 10_000)
    box_truth = reference(box, made, BOX_TIMES, DOY)
    days = count * 365.0
    print(machine())
    print(f"{count} patients of {card.id} x 365 days; errors: largest of {len(box)} points of the box, and of the year")
    print(f"only writing the levels: {written(count) / days * 1e9:.2f} ns a patient-day")
    program = python_with("numbalsoda")
    if program is None:
        print("numbalsoda is not installed: set CALCIDIOL_PEERS (benchmarks/requirements.txt); left out.")
    for aim in AIMS:
        year = float(np.max(np.abs(solve(card, few, MONTHLY, TIMES, accuracy=aim).level / truth - 1)))
        domain = ours_on(card, box, made, box_truth, aim)
        whole = cpu(partial(solve, card, everybody, MONTHLY, TIMES, accuracy=aim)) / days * 1e9
        mine = cpu(partial(blocks, card, everybody, aim)) / days * 1e9
        print(
            f"aim {aim:g}: calcidiol {mine:.2f} ns a patient-day in blocks, {whole:.2f} in one array; "
            f"error {domain:.1e} (year {year:.1e})",
            flush=True,
        )
        if program is None:
            continue
        for rtol in LADDER:
            if rtol > 20 * aim:
                continue
            level, _ = peer(program, "numbalsoda", card, box, made, BOX_TIMES, DOY, rtol)
            off = float(np.max(np.abs(level / box_truth - 1)))
            if off <= aim:
                break
        runs = [peer(program, "numbalsoda", card, few, MONTHLY, TIMES, 0.0, rtol) for _ in range(3)]
        theirs = statistics.median(spent for _, spent in runs) / (len(few) * 365.0) * 1e9
        of_year = float(np.max(np.abs(runs[0][0] / truth - 1)))
        print(
            f"  numbalsoda rtol = atol = {rtol:g}: {theirs:.0f} ns a patient-day ({len(few)} patients, median of 3), "
            f"error {off:.1e} (year {of_year:.1e}); ratio {theirs / min(mine, whole):.0f}",
            flush=True,
        )
    for name, module, count_of, tolerances in (
        ("diffrax", "diffrax", len(few), (1e-3, 1e-4, 1e-6)),
        ("roadrunner", "antimony, roadrunner", 20, (1e-4, 1e-6)),
    ):
        there = python_with(module)
        if there is None:
            print(f"{name} is not installed: set CALCIDIOL_PEERS (benchmarks/requirements.txt); left out.")
            continue
        for rtol in tolerances:
            level, spent = peer(there, name, card, few[:count_of], MONTHLY, TIMES, 0.0, rtol)
            off = float(np.max(np.abs(level / truth[:count_of] - 1)))
            print(
                f"{name}, rtol = atol = {rtol:g}: {spent / (count_of * 365.0) * 1e9:.0f} ns a patient-day "
                f"({count_of} patients), error over the year {off:.1e}",
                flush=True,
            )
    level, spent = scipy_lsoda(few[:SLOW], 1e-4)
    off = float(np.max(np.abs(level / truth[:SLOW] - 1)))
    print(
        f"scipy LSODA in Python, rtol = atol = 1e-4: {spent / (SLOW * 365.0) * 1e9:.0f} ns a patient-day "
        f"(of {SLOW} patients), error {off:.1e}"
    )
    tenth = cpu(partial(blocks, card, everybody[: count // 10], 1e-3)) / (days / 10) * 1e9
    all_of = cpu(partial(blocks, card, everybody, 1e-3)) / days * 1e9
    print(f"cost a patient-day of a tenth of the patients over that of all: {tenth / all_of:.2f}")
    print(f"two threads: {threads(card, everybody, 1e-3):.2f} times as fast as one (load on the machine lowers it)")


if __name__ == "__main__":
    main()
