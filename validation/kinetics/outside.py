"""Pin what an outside engine says: numbalsoda's LSODA at 1e-10 on its own statement of the equations.

    python -m benchmarks.environment && python -m validation.kinetics.outside

writes `outside.json`: for each card and schedule the parameters, the doses and the levels. The tests read it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from benchmarks.peers import NUMBALSODA, LeftOutError

from calcidiol.kinetics import Schedule, load_card
from calcidiol.kinetics.layout import NAMES

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
    try:
        NUMBALSODA.program()
    except LeftOutError as why:
        print(f"Not run: {why}.")
        return 0
    sys.path.insert(0, str(ROOT / "tests" / "kinetics"))
    from test_solver import people

    cases = []
    for name in CARDS:
        card = load_card(name)
        p = people(card, 8, seed=21)
        for label, doses in SCHEDULES.items():
            schedule = Schedule.of(doses)
            ((level, _),) = NUMBALSODA.run(card, p, schedule, TIMES, DOY, [RTOL])
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
