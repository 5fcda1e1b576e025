"""Speed and quality of the regimen search: `python -m benchmarks.search`.

Speed: CPU time in a warm process on the example patients. Quality: the regimen chosen by screening on 200 draws and
scoring 60 finalists, against scoring every distinct candidate on the same 1,000 draws.
"""

from __future__ import annotations

import platform
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

ON = date(2026, 11, 24)
REPEATS = 7


def patients() -> dict[str, Any]:
    """The example records that can be planned, fitted, with their limits."""
    import calcidiol as cd
    from calcidiol import safety
    from calcidiol.individual import fit
    from calcidiol.kinetics import default_card
    from calcidiol.terminology import products

    found = {}
    for path in sorted((Path(__file__).parent.parent / "examples").iterdir()):
        patient = cd.read(path)
        limits = safety.limits(patient, ON, products())
        if not limits.refused:
            found[path.stem] = (fit(patient, default_card(), ON, seed=1), limits)
    return found


def speed(individual: Any, limits: Any) -> dict[str, float]:
    """Median CPU seconds of each step."""
    from calcidiol.regimen import default_goal, generate, protocols, search
    from calcidiol.regimen.next_sample import next_sample
    from calcidiol.regimen.policy import policy
    from calcidiol.regimen.score import noise
    from calcidiol.terminology import products

    table, wanted = products(), default_goal()
    rows: dict[str, list[float]] = {"generate": [], "search": [], "next sample": [], "policy": []}
    for _ in range(REPEATS + 1):
        start = time.process_time()
        generate(limits, wanted, table, ON)
        made = time.process_time()
        found = search(individual, limits, wanted, table, protocols(), ON, 1)
        searched = time.process_time()
        sample = next_sample(found, ON, noise(individual))
        sampled = time.process_time()
        policy(individual, found, limits, table, ON, 1, day=sample.day, noise=noise(individual))
        done = time.process_time()
        for name, spent in zip(rows, (made - start, searched - made, sampled - searched, done - sampled), strict=True):
            rows[name].append(spent)
    return {name: statistics.median(times[1:]) for name, times in rows.items()}


def quality(individual: Any, limits: Any) -> dict[str, Any]:
    """What the screening costs: attainment and rank of the choice among all distinct candidates."""
    from calcidiol.regimen import default_goal, generate, protocols, search
    from calcidiol.regimen.finals import FINAL_DRAWS
    from calcidiol.regimen.score import draws, mark, tabulate
    from calcidiol.regimen.screening import distinct
    from calcidiol.regimen.searching import seeds
    from calcidiol.regimen.trajectories import course
    from calcidiol.terminology import products

    table, wanted = products(), default_goal()
    found = search(individual, limits, wanted, table, protocols(), ON, 1)
    every = distinct(generate(limits, wanted, table, ON), wanted.week_to * 7)
    weeks = np.arange(40)
    fresh = draws(individual, FINAL_DRAWS, seeds(1)[1])
    scores = tabulate(mark(course(fresh, [c.plan(273.0) for c in every], weeks), wanted), fresh.effective)
    ok = scores.qualifies(wanted)
    ok[0] = True
    best = float(scores.attainment[ok].max())
    top = int(np.flatnonzero(ok)[np.argmax(scores.attainment[ok])])
    equal = ok & (scores.attainment >= best - wanted.within)
    equal &= scores.shortfall <= scores.shortfall[top] + wanted.within_shortfall
    lightest = min((every[i].visits, every[i].burden_iu) for i in map(int, np.flatnonzero(equal)))
    return {
        "candidates": found.generated,
        "distinct": len(every),
        "chosen": found.best.regimen.name,
        "attainment": found.best.attainment.p,
        "best of finalists": max(s.attainment.p for s in found.finalists if s.qualifies),
        "best of all": best,
        "burden chosen": (found.best.visits, found.best.burden_iu),
        "lightest of all": lightest,
    }


def main() -> None:
    """Print both tables."""
    print(f"{platform.machine()}, {platform.processor() or 'processor not named'}, Python {platform.python_version()}")
    people = patients()
    print("\nCPU ms, warm, median of", REPEATS)
    for name, (individual, limits) in people.items():
        print(f"{name:28}", "  ".join(f"{k} {v * 1e3:6.1f}" for k, v in speed(individual, limits).items()))
    print("\nScreening against scoring every candidate")
    for name, (individual, limits) in people.items():
        row = quality(individual, limits)
        print(f"{name:28} {row['candidates']:5d} generated, {row['distinct']:4d} distinct; attainment:", end=" ")
        print(", ".join(f"{k} {row[k]:.3f}" for k in ("attainment", "best of finalists", "best of all")), end="; ")
        print(f"visits and IU: chosen {row['burden chosen']}, lightest of all {row['lightest of all']}")


if __name__ == "__main__":
    main()
