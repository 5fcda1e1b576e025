"""Finals: the candidates that passed the screening and the named protocols, scored on fresh draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.candidates import Candidate, counted
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.results import Chance, Scored
from calcidiol.regimen.score import Table, mark, only_added, tabulate
from calcidiol.regimen.trajectories import Course, Draws, course, plan_of
from calcidiol.terminology.product import Product

FINAL_DRAWS = 1000
FINAL_ACCURACY = 5e-3
"""Aimed largest relative error of the level, far below the Monte-Carlo error of any probability."""
HORIZON_WEEKS, AFTER_WEEKS = 52, 13
"""Finalists are followed for 13 weeks after the last dose of any of them (a depot peaks within 10), 52 at most."""
SHOWN_WEEKS = (4, 8, 12, 26, 39, 52)


@dataclass(frozen=True)
class Finals:
    """Candidates (the first `count`) and protocols, scored on the fresh draws."""

    scored: list[Scored]
    count: int
    counts_added: bool
    solved: Course

    def generated(self) -> list[Scored]:
        return self.scored[1 : self.count]

    @staticmethod
    def solve(
        fresh: Draws,
        goal: Goal,
        on: date,
        products: Mapping[str, Product],
        picked: Sequence[Candidate],
        named: Sequence[Regimen],
    ) -> Finals:
        """Solve and score; "no vitamin D now" stands first and always qualifies."""
        regimens = [*(c.regimen(on, products) for c in picked), *named]
        last = max((float(run.days(on)[-1]) for r in regimens for run in r.runs), default=0.0)
        weeks = np.arange(max(min(int(last / 7.0) + 1 + AFTER_WEEKS, HORIZON_WEEKS), goal.week_to) + 1)
        plans = [c.plan(weeks[-1] * 7.0) for c in picked] + [plan_of(r, on, weeks[-1] * 7.0) for r in named]
        solved = course(fresh, plans, weeks, accuracy=FINAL_ACCURACY)
        marks = mark(solved, goal)
        raw = tabulate(marks, fresh.effective)
        added = tabulate(only_added(marks, solved, goal, solved.one(0)), fresh.effective)
        counts_added = not bool(raw.qualifies(goal)[0])
        ok = (added if counts_added else raw).qualifies(goal)
        ok[0] = True
        scored = [
            _scored(
                i,
                r,
                ("none" if i == 0 else "generated") if i < len(picked) else "protocol",
                raw,
                added,
                bool(ok[i]),
                solved,
                goal,
            )
            for i, r in enumerate(regimens)
        ]
        return Finals(scored, len(picked), counts_added, solved)


def _scored(
    i: int, regimen: Regimen, kind: str, raw: Table, added: Table, qualifies: bool, solved: Course, goal: Goal
) -> Scored:
    routes = sorted({run.route for run in regimen.runs})
    levels = {w: np.sort(solved.at(w)[i]) for w in SHOWN_WEEKS if w <= solved.weeks[-1]}
    ordered = {
        w: (np.searchsorted(x, goal.low), np.searchsorted(x, goal.high, side="right"), len(x))
        for w, x in levels.items()
    }
    reached = np.flatnonzero(np.mean(solved.level[i] >= goal.low, axis=0) >= 0.5)
    weeks_to_band = int(solved.weeks[reached[0]]) if len(reached) else None
    return Scored(
        regimen=regimen,
        kind=kind,
        route="none" if not routes else routes[0] if len(routes) == 1 else "mixed",
        attainment=Chance(float(raw.attainment[i]), float(raw.attainment_error[i])),
        shortfall=float(raw.shortfall[i]),
        excess=Chance(float(raw.excess[i]), float(raw.excess_error[i])),
        ceiling=Chance(float(raw.ceiling[i]), float(raw.ceiling_error[i])),
        added_excess=Chance(float(added.excess[i]), float(added.excess_error[i])),
        added_ceiling=Chance(float(added.ceiling[i]), float(added.ceiling_error[i])),
        in_band={w: float((b - a) / n) for w, (a, b, n) in ordered.items()},
        below_band={w: float(a / n) for w, (a, _, n) in ordered.items()},
        level={w: _percentiles(x) for w, x in levels.items()},
        visits=regimen.visits,
        doses=sum(run.count for run in regimen.runs),
        iu=regimen.total_iu,
        burden_iu=sum(run.count * counted(run) for run in regimen.runs),
        qualifies=qualifies,
        weeks_to_band=weeks_to_band,
    )


def _percentiles(ordered: NDArray[np.float64]) -> tuple[float, float, float]:
    at = np.array([0.05, 0.5, 0.95]) * (len(ordered) - 1)
    low = at.astype(int)
    high = np.minimum(low + 1, len(ordered) - 1)
    a, b, c = ordered[low] + (at - low) * (ordered[high] - ordered[low])
    return float(a), float(b), float(c)
