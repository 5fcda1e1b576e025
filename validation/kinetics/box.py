"""The solver against scipy over the box of a card: `python -m validation.kinetics.box [--points 10000]`.

Sobol points of body size, age, latitude, untreated level (10 to 120 nmol/L) and all random effects (two SD each way),
with six doses of their own at any time of 90 days. Six kinds of cases, in equal shares: by mouth (to 300,000 IU),
injections, calcifediol, all of them mixed, doses that hold D3 near Km, and rates that coincide. Everybody is solved
alone, because company of faster people shortens the steps, and with few samples, because a sample ends a step: both
would hide error. Exit code 1 when any relative error of 25(OH)D is above 1e-3.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc
from validation.kinetics.reference import reference

from calcidiol.kinetics import Card, Covariates, Schedule, individual_parameters, load_card, solve
from calcidiol.kinetics.layout import ROW

Floats = NDArray[np.float64]
LIMIT = 1e-3
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


def group(card_id: str, first: int, count: int, points: int, accuracy: float) -> tuple[Floats, Floats, float]:
    """Relative errors (n, M), kinds, and CPU seconds of one group of points."""
    started = time.process_time()
    card = load_card(card_id)
    p, made, kind = point_set(card, first, count, points)
    ours = np.empty((len(p), len(TIMES)))
    for i in range(len(p)):
        alone = solve(card, p[i : i + 1], made[i], TIMES, origin_doy=DOY, accuracy=accuracy)
        if alone.status.any():
            raise ArithmeticError(f"point {first + i} of the box did not solve.")
        ours[i] = alone.level[0]
    return ours / reference(p, made, TIMES, DOY) - 1, kind, time.process_time() - started


def measure(card_id: str, points: int, seconds: float, processes: int, accuracy: float) -> dict[str, object]:
    """Errors of as many points as the CPU seconds allow, in the order of the sequence."""
    load_card(card_id)
    firsts = list(range(0, points, GROUP))
    errors, kinds, spent = [], [], 0.0
    with ProcessPoolExecutor(processes) as pool:
        waiting = iter(firsts)
        running = {}
        for first in waiting:
            running[pool.submit(group, card_id, first, min(GROUP, points - first), points, accuracy)] = first
            if len(running) < processes:
                continue
            done = next(as_completed(running))
            error, kind, cpu = done.result()
            running.pop(done)
            errors.append(error)
            kinds.append(kind)
            spent += cpu
            if spent > seconds:
                break
        for done in as_completed(running):
            error, kind, cpu = done.result()
            errors.append(error)
            kinds.append(kind)
            spent += cpu
    every = np.abs(np.concatenate(errors))
    worst = every.max(axis=1)
    kind = np.concatenate(kinds)
    return {
        "card": card_id,
        "accuracy": accuracy,
        "points": len(worst),
        "points asked": points,
        "samples": int(every.size),
        "reference": "scipy DOP853, 1e-10",
        "largest": float(worst.max()),
        "percentiles of the largest error of a point": {
            str(q): float(np.percentile(worst, q)) for q in (50, 90, 99, 99.9)
        },
        "largest by kind": {name: float(worst[kind == k].max(initial=0.0)) for k, name in enumerate(KINDS)},
        "points above 1e-3": int((worst > LIMIT).sum()),
        "cpu_seconds": round(spent),
        "machine": platform.machine(),
    }


def main() -> int:
    """Measure, write the file when asked, and say whether the limit held."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--points", type=int, default=10_000)
    ask.add_argument("--seconds", type=float, default=3_000.0, help="CPU seconds after which no new group starts")
    ask.add_argument("--processes", type=int, default=2)
    ask.add_argument("--cards", nargs="+", default=["two-route-2026", "huang-you-2021"])
    ask.add_argument("--accuracy", type=float, default=1e-3)
    ask.add_argument("--write", action="store_true", help="write box.json")
    told = ask.parse_args()
    found = []
    for card in told.cards:
        row = measure(card, told.points, told.seconds / len(told.cards), told.processes, told.accuracy)
        found.append(row)
        print(
            f"box, {card}: {row['points']} of {told.points} points, largest relative error {row['largest']:.2e}, "
            f"{row['points above 1e-3']} above {LIMIT:g}, {row['cpu_seconds']} CPU s",
            flush=True,
        )
        print("  by kind: " + ", ".join(f"{k} {v:.1e}" for k, v in row["largest by kind"].items()), flush=True)
    if told.write:
        (HERE / "box.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(any(row["largest"] > LIMIT for row in found))


if __name__ == "__main__":
    sys.exit(main())
