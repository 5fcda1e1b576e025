"""The solver against scipy over the box of a card: `python -m validation.kinetics.box [--points 10000]`.

Sobol points of body size, age, latitude, untreated level (10 to 120 nmol/L) and all random effects (two SD each way),
with six doses of their own at any time of 90 days. Six kinds of cases, in equal shares: by mouth (to 300,000 IU),
injections, calcifediol, all of them mixed, doses that hold D3 near Km, and rates that coincide. Everybody is solved
alone, because company of faster people shortens the steps, and with few samples, because a sample ends a step: both
would hide error. Exit code 1 when any relative error of 25(OH)D is above the accuracy asked.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc
from validation.kinetics.reference import reference

from calcidiol.kinetics import Card, Covariates, Schedule, individual_parameters, load_card, solve
from calcidiol.kinetics.layout import ROW

Floats = NDArray[np.float64]
Group = tuple[Floats, Floats, float]
DOSES = 6
GROUP = 200
KINDS = ("by mouth", "injections", "calcifediol", "mixed", "D3 near Km", "rates coincide")
TIMES = np.array([0.25, 1.5, 4.0, 9.0, 17.0, 30.0, 47.0, 71.0, 92.5, 120.0])
DOY = 40.0
HERE = Path(__file__).parent


def point_set(card: Card, first: int, count: int, points: int, seed: int = 1) -> tuple[Floats, list[Schedule], Floats]:
    """Parameters, schedules and kinds of the points first to first + count of the sequence."""
    sequence = qmc.Sobol(9 + 3 * DOSES, seed=seed)
    u = sequence.random_base2(max(points - 1, 1).bit_length())[first : first + count]
    n = len(u)
    who = Covariates.reference(card, n).with_(
        weight_kg=45 + 85 * u[:, 0], bmi=18 + 25 * u[:, 1], age_y=20 + 65 * u[:, 2], latitude_deg=-60 + 120 * u[:, 3]
    )
    effects = (u[:, 4:9] - 0.5) * 4 * card.spreads
    effects[:, 0] = np.log(10 + 110 * u[:, 4]) - np.log(card.value("untreated"))
    p = individual_parameters(card, who, effects)
    kind = (np.arange(first, first + n)) % len(KINDS)
    when, size, route = u[:, 9::3], u[:, 10::3], u[:, 11::3]
    made = []
    for i in range(n):
        days = np.sort(90.0 * when[i])
        nmol = 65.0 * 10 ** (2.5 * size[i])  # 1,000 to 316,000 IU
        into = np.zeros(DOSES, dtype=int)
        if kind[i] == 1:
            into[:] = 1
        elif kind[i] == 2:
            into[:] = 2
            nmol = 25.0 * 10 ** (2.0 * size[i])  # 10 ug to 1 mg
        elif kind[i] == 3:
            into = np.minimum((3 * route[i]).astype(int), 2)
            nmol = np.where(into == 2, 25.0 * 10 ** (2.0 * size[i]), nmol)
        elif kind[i] == 4:
            # Six doses by mouth, each what is lost until the next while D3 stands at Km.
            q = {name: p[i, r] for name, r in ROW.items()}
            rate = (q["clo"] + q["clh"]) * q["km"] + 0.5 * q["vmax"]
            nmol = rate * np.diff(np.append(days, 92.0)) / q["f_oral"] * (0.7 + 0.6 * size[i])
        else:
            into = (route[i] > 0.5).astype(int)
        made.append(Schedule(days, nmol, into.astype(np.int64)))
    alike = kind == 5
    p[alike, ROW["kim"]] = p[alike, ROW["kim_slow"]] = (p[alike, ROW["clh"]] + p[alike, ROW["clo"]]) / p[
        alike, ROW["v1"]
    ]
    half = np.flatnonzero(alike)[::2]
    p[half, ROW["ka"]] = p[half, ROW["kim"]]
    p[half, ROW["kc"]] = p[half, ROW["cl25"]] / p[half, ROW["v25"]]
    return p, made, kind


def group(
    card_id: str, first: int, count: int, points: int, aims: Sequence[float], keep: str | None, single: bool
) -> Group:
    """Largest relative error of each point for each aim (aims, n), kinds, and CPU seconds of one group of points."""
    started = time.process_time()
    card = load_card(card_id)
    p, made, kind = point_set(card, first, count, points)
    truth = told(card_id, p, made, f"{card_id}-{points}-{first}-{count}", keep)
    worst = np.empty((len(aims), len(p)))
    for a, aim in enumerate(aims):
        for i in range(len(p)):
            alone = solve(card, p[i : i + 1], made[i], TIMES, origin_doy=DOY, accuracy=aim, single=single)
            if alone.status.any():
                raise ArithmeticError(f"point {first + i} of the box did not solve.")
            worst[a, i] = np.abs(alone.level[0] / truth[i] - 1).max()
    return worst, kind, time.process_time() - started


def told(card_id: str, p: Floats, made: list[Schedule], name: str, keep: str | None) -> Floats:
    """What DOP853 says, kept in a folder when one is named: it takes nearly all of the time."""
    file = Path(keep) / f"{name}.npz" if keep else None
    if file and file.is_file():
        with np.load(file) as kept:
            if np.array_equal(kept["parameters"], p):
                return np.asarray(kept["truth"])
    truth = reference(p, made, TIMES, DOY)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, parameters=p, truth=truth)
    return truth


def measure(
    card_id: str, points: int, seconds: float, processes: int, aims: Sequence[float], keep: str | None, single: bool
) -> dict[str, object]:
    """Errors of as many points as the CPU seconds allow, in the order of the sequence."""
    load_card(card_id)
    waiting = iter(range(0, points, GROUP))
    found: list[Group] = []
    with ProcessPoolExecutor(processes) as pool:
        running: set[Future[Group]] = set()
        while True:
            while len(running) < processes and sum(g[2] for g in found) <= seconds:
                first = next(waiting, None)
                if first is None:
                    break
                running.add(pool.submit(group, card_id, first, min(GROUP, points - first), points, aims, keep, single))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            found += [future.result() for future in done]
    every = np.concatenate([g[0] for g in found], axis=1)
    kind = np.concatenate([g[1] for g in found])
    return {
        "card": card_id,
        "points": every.shape[1],
        "points asked": points,
        "samples of a point": len(TIMES),
        "reference": "scipy DOP853, 1e-10",
        "precision of the steps": "single" if single else "double",
        "aims": [_outcome(aim, every[a], kind) for a, aim in enumerate(aims)],
        "cpu_seconds": round(sum(g[2] for g in found)),
        "machine": platform.machine(),
    }


def _outcome(aim: float, worst: Floats, kind: Floats) -> dict[str, object]:
    return {
        "accuracy": aim,
        "largest": float(worst.max()),
        "percentiles of the largest error of a point": {
            str(q): float(np.percentile(worst, q)) for q in (50, 90, 99, 99.9)
        },
        "largest by kind": {name: float(worst[kind == k].max(initial=0.0)) for k, name in enumerate(KINDS)},
        "points above": int((worst > aim).sum()),
    }


def main() -> int:
    """Measure, write the file when asked, and say whether every accuracy held."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--points", type=int, default=10_000)
    ask.add_argument("--seconds", type=float, default=3_000.0, help="CPU seconds after which no new group starts")
    ask.add_argument("--processes", type=int, default=2)
    ask.add_argument("--cards", nargs="+", default=["two-route-fitted-2026", "two-route-2026", "huang-you-2021"])
    ask.add_argument("--accuracy", type=float, nargs="+", default=[1e-3, 2.5e-4, 2.5e-6])
    ask.add_argument("--single", action="store_true", help="steps in single precision (accuracies from 2.5e-4 on)")
    ask.add_argument("--keep", help="folder in which the answers of DOP853 are kept for the next time")
    ask.add_argument("--write", action="store_true", help="write box.json")
    asked = ask.parse_args()
    found = []
    held = True
    for card in asked.cards:
        seconds = asked.seconds / len(asked.cards)
        row = measure(card, asked.points, seconds, asked.processes, asked.accuracy, asked.keep, asked.single)
        found.append(row)
        print(f"box, {card}: {row['points']} of {asked.points} points, {row['cpu_seconds']} CPU s", flush=True)
        for at in row["aims"]:
            held &= at["points above"] == 0
            print(
                f"  asked {at['accuracy']:g}: largest relative error {at['largest']:.2e}, {at['points above']} above; "
                "by kind: " + ", ".join(f"{k} {v:.1e}" for k, v in at["largest by kind"].items()),
                flush=True,
            )
    if asked.write:
        (HERE / "box.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
