"""Speed of the solver beside its peers at equal error: `python -m benchmarks.solver [--quick]`.

Full card, monthly injections of 100,000 IU for a year, level on every day, one thread, CPU time. The patients are Sobol
points of the card's box. Answers are compared with scipy's DOP853 at 1e-10 before times are: a peer whose answers are
others is not timed. Each peer gets the loosest tolerance with which its largest error is within the aim; our `accuracy`
is the aim itself, in double and, where it is offered, in single precision (the faster one is compared). For numbalsoda
that is the error over the whole domain: the box of `validation.kinetics.box`, with its doses by mouth, injected, of
calcifediol, mixed, near Km and with coinciding rates. The others are told the year only. Our time includes the yearly
steady state before the first dose and the array of answers; the peers are given the steady state.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.stats import qmc
from validation.kinetics.box import DOY, point_set
from validation.kinetics.box import TIMES as BOX_TIMES
from validation.kinetics.reference import reference

from benchmarks.machine import machine
from benchmarks.peers import NUMBALSODA, PEERS, LeftOutError, Peer
from calcidiol.kinetics import Card, Covariates, Schedule, default_card, individual_parameters, solve
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.solving import SINGLE
from calcidiol.kinetics.steady import periodic
from calcidiol.kinetics.streaming import stream

Floats = NDArray[np.float64]
PATIENTS, COMPARED, SLOW, DOMAIN = 10_000, 200, 3, 600
REPEATS = 7
TIMES = np.arange(366.0)
MONTHLY = Schedule.of((28.0 * k, 6500.0, 1) for k in range(13))
AIMS = (1e-3, 2.5e-4, 2.5e-6)
LADDER = (1e-2, *(float(f"{m}e-{e}") for e in range(3, 10) for m in (5, 2, 1)))
"""Tolerances that a peer is tried with."""
AGREED = 1e-6
"""So near to DOP853's a peer's answers have to be at the last of them before its speed is compared."""


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


def blocks(card: Card, p: Floats, aim: float, single: bool = False) -> None:
    """Everybody, block after block into one array."""
    for _ in stream(card, p, MONTHLY, TIMES, accuracy=aim, single=single):
        pass


def written(lanes: int) -> float:
    """CPU seconds of only writing the levels of so many people, to memory that is there already."""
    room = np.empty((len(TIMES), lanes))
    return cpu(lambda: room.fill(1.0))


def ours_on(card: Card, p: Floats, made: list[Schedule], truth: Floats, aim: float, single: bool) -> float:
    """Our largest error on the domain."""
    found = [
        solve(card, p[i : i + 1], made[i], BOX_TIMES, origin_doy=DOY, accuracy=aim, single=single).level[0]
        for i in range(len(p))
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


@dataclass(frozen=True, slots=True)
class Compared:
    """A peer with the loosest tolerance that reaches an accuracy."""

    rtol: float
    error: float
    ns: float


Runs = Callable[[Sequence[float]], list[tuple[Floats, float]]]


def loosest(run: Runs, truth: Floats) -> dict[float, tuple[float, float]]:
    """For each accuracy the loosest tolerance of the ladder that reaches it, and its error.

    First the answers have to agree at all.

    Raises
    ------
    LeftOutError
        At a tight tolerance the peer's answers are others than DOP853's.
    """
    errors = {rtol: _off(level, truth) for rtol, (level, _) in zip(LADDER, run(LADDER), strict=True)}
    if not errors[LADDER[-1]] < AGREED:
        raise LeftOutError(
            f"its answers at rtol = atol = {LADDER[-1]:g} are {errors[LADDER[-1]]:.1e} off DOP853: no speed is compared"
        )
    found = {aim: [(rtol, off) for rtol, off in errors.items() if off <= aim] for aim in AIMS}
    return {aim: enough[0] for aim, enough in found.items() if enough}


def _off(level: Floats, truth: Floats) -> float:
    """Largest relative error; NaN stays NaN, which no comparison lets pass."""
    return float(np.max(np.abs(level / truth - 1)))


def beside(run: Runs, timed: Runs, truth: Floats, days: float) -> dict[float, Compared]:
    """A peer's time at each accuracy (median of 3 runs): tolerances from `run`, times from `timed`."""
    at = loosest(run, truth)
    spent = [cpu_s for _, cpu_s in timed([rtol for rtol, _ in at.values() for _ in range(3)])]
    return {
        aim: Compared(rtol, error, statistics.median(spent[3 * i : 3 * i + 3]) / days * 1e9)
        for i, (aim, (rtol, error)) in enumerate(at.items())
    }


def tell(name: str, over: str, patients: int, found: dict[float, Compared], ours: dict[float, float]) -> None:
    """A line for each accuracy."""
    for aim in AIMS:
        if aim not in found:
            print(f"  {name}, {aim:g}: no tolerance down to {LADDER[-1]:g} reaches it")
            continue
        at = found[aim]
        print(
            f"  {name}, {aim:g}: {at.ns:.0f} ns a patient-day ({patients} patients), rtol = atol = {at.rtol:g}, "
            f"error over {over} {at.error:.1e}; ours is {at.ns / ours[aim]:.0f} times as fast",
            flush=True,
        )


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
    print(
        f"{count} patients of {card.id} x 365 days; errors against DOP853: over {len(box)} points of the box and a year"
    )
    print(f"only writing the levels: {written(count) / days * 1e9:.2f} ns a patient-day")
    ours = {}
    for aim in AIMS:
        ours[aim] = float("inf")
        for single in (False, True) if aim >= SINGLE else (False,):
            year = _off(solve(card, few, MONTHLY, TIMES, accuracy=aim, single=single).level, truth)
            domain = ours_on(card, box, made, box_truth, aim, single)
            if not max(year, domain) <= aim:
                raise ArithmeticError(f"asked {aim:g}, our error is {max(year, domain):.1e}: speed is not compared")
            whole = cpu(partial(solve, card, everybody, MONTHLY, TIMES, accuracy=aim, single=single)) / days * 1e9
            mine = cpu(partial(blocks, card, everybody, aim, single)) / days * 1e9
            ours[aim] = min(ours[aim], mine, whole)
            print(
                f"  calcidiol, {aim:g}, {'single' if single else 'double'} precision: {mine:.2f} ns a patient-day in "
                f"blocks, {whole:.2f} in one array; error over the box {domain:.1e}, over the year {year:.1e}",
                flush=True,
            )
    try:
        found = beside(
            lambda rtols: NUMBALSODA.run(card, box, made, BOX_TIMES, DOY, rtols),
            lambda rtols: NUMBALSODA.run(card, few, MONTHLY, TIMES, 0.0, rtols),
            box_truth,
            len(few) * 365.0,
        )
        tell("numbalsoda", "the box", len(few), found, ours)
    except LeftOutError as why:
        print(f"  numbalsoda is left out: {why}")
    for peer in PEERS:
        some = few[: peer.patients]

        def run(rtols: Sequence[float], peer: Peer = peer, some: Floats = some) -> list[tuple[Floats, float]]:
            return peer.run(card, some, MONTHLY, TIMES, 0.0, rtols)

        try:
            found = beside(run, run, truth[: len(some)], len(some) * 365.0)
            tell(peer.name, "the year", len(some), found, ours)
        except LeftOutError as why:
            print(f"  {peer.name} is left out: {why}", flush=True)

    def lsoda(rtols: Sequence[float]) -> list[tuple[Floats, float]]:
        return [scipy_lsoda(few[:SLOW], rtol) for rtol in rtols]

    found = beside(lsoda, lsoda, truth[:SLOW], SLOW * 365.0)
    tell("scipy LSODA with a Python right-hand side", "the year", SLOW, found, ours)
    tenth = cpu(partial(blocks, card, everybody[: count // 10], 1e-3)) / (days / 10) * 1e9
    all_of = cpu(partial(blocks, card, everybody, 1e-3)) / days * 1e9
    print(f"cost a patient-day of a tenth of the patients over that of all: {tenth / all_of:.2f}")
    print(f"two threads: {threads(card, everybody, 1e-3):.2f} times as fast as one (load on the machine lowers it)")


if __name__ == "__main__":
    main()
