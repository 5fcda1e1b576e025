"""Pin what an outside engine says: numbalsoda's LSODA at 1e-10 on its own statement of the equations.

    CALCIDIOL_PEERS=<python with numbalsoda> python -m validation.kinetics.outside

writes `outside.json`: for each card and schedule the parameters, the doses and the levels. The tests read it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from calcidiol.kinetics import Schedule, load_card
from calcidiol.kinetics.layout import NAMES
from calcidiol.kinetics.steady import periodic

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CARDS = ("two-route-2026", "two-route-fitted-2026", "huang-you-2021")
RTOL = 1e-10
DOY = 40.0
TIMES = np.array([0.5, 2.0, 7.0, 14.0, 28.3, 45.0, 60.0, 90.0, 150.0])
SCHEDULES = {
    "im": [(28.3 * i, 6500.0, 1) for i in range(3)],
    "oral": [(0.2, 19500.0, 0), *((7.0 * i + 1.5, 3250.0, 0) for i in range(12))],
    "calcifediol and daily": [(float(d), 130.0, 0) for d in range(60)] + [(float(d) + 0.5, 50.0, 2) for d in range(30)],
}


def main() -> int:
    """Ask the outside engine and write its answers."""
    peer = os.environ.get("CALCIDIOL_PEERS")
    if not peer:
        print("Not run: CALCIDIOL_PEERS names no Python with numbalsoda (benchmarks/requirements.txt).")
        return 0
    sys.path.insert(0, str(ROOT / "tests" / "kinetics"))
    from test_solver import people

    cases = []
    for name in CARDS:
        card = load_card(name)
        p = people(card, 8, seed=21)
        for label, doses in SCHEDULES.items():
            schedule = Schedule.of(doses)
            begin = min(float(TIMES[0]), float(schedule.time_d[0]))
            state, mean_input = periodic(p, DOY + begin)
            with tempfile.TemporaryDirectory() as folder:
                problem, answer = f"{folder}/problem.npz", f"{folder}/answer.npz"
                np.savez(
                    problem, names=np.array(NAMES), parameters=p, mean_input=mean_input, doy=DOY, state=state,
                    saturable=card.structure == "saturable-clearance", times=TIMES, days=schedule.time_d,
                    nmol=schedule.amount_nmol, into=schedule.into,
                )  # fmt: skip
                script = str(ROOT / "benchmarks" / "peer_numbalsoda.py")
                subprocess.run([peer, script, problem, answer, str(RTOL)], check=True)
                level = np.load(answer)["level"]
            cases.append(
                {"card": name, "schedule": label, "doses": doses, "parameters": p.tolist(), "level": level.tolist()}
            )
    told = {
        "engine": "numbalsoda LSODA",
        "rtol": RTOL,
        "doy": DOY,
        "times_d": TIMES.tolist(),
        "names": NAMES,
        "cases": cases,
    }
    (HERE / "outside.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
    print(f"{len(cases)} cases written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
