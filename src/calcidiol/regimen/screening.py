"""Screening: all candidates on few draws, to find those worth fresh ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calcidiol.regimen.candidates import Candidate
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.score import draws, mark, only_added, tabulate
from calcidiol.regimen.trajectories import course

if TYPE_CHECKING:
    from calcidiol.individual import Individual

SCREEN_DRAWS = 200
SCREEN_ACCURACY = 1e-2
"""Aimed largest relative error of the level, far below the Monte-Carlo error of any probability."""
FINALISTS = 60
STEPS, LOWER = 12, 0.8
"""Steps of the rise of the highest level among the finalists, each at most this part of the one before (P)."""


@dataclass(frozen=True)
class Screened:
    """Candidates for fresh draws, those that follow if none of them qualifies, and the level now (nmol/L, median)."""

    first: list[Candidate]
    second: list[Candidate]
    distinct: int
    level_now: float


def screen(individual: Individual, goal: Goal, found: list[Candidate], seed: int) -> Screened:
    """Pick the candidates worth fresh draws, "no vitamin D now" first, and the careful ones that follow if none holds.

    Of candidates that are equal up to the end of the goal's weeks only the shortest is taken further. 200 draws cannot
    tell 0.5 % from 1.5 %, so the pick is spread: the best that look safe, the best that might be, the lightest of those
    nearly as good, the best of each route, the best of each lower step of the highest level (for a limit that only a
    lower one meets), and the least risky.
    """
    until = goal.week_to * 7
    ones = distinct(found, until)
    few = draws(individual, SCREEN_DRAWS, seed)
    solved = course(few, [c.plan(until) for c in ones], np.arange(goal.week_to + 1), accuracy=SCREEN_ACCURACY)
    alone = solved.one(0)
    marks = mark(solved, goal)
    table = tabulate(marks, few.effective)
    if not bool(table.qualifies(goal)[0]):
        table = tabulate(only_added(marks, solved, goal, alone), few.effective)
    safe, hopeful = table.qualifies(goal, errors=0.0), table.qualifies(goal, errors=-2.0)
    visits = np.array([c.visits for c in ones])
    burden = np.array([c.burden_iu for c in ones])
    rank = np.arange(len(ones))
    light = np.lexsort((rank, table.shortfall, burden, visits, -table.attainment))
    by_safe = light[np.argsort(~safe[light], kind="stable")]
    by_hope = light[np.argsort(~hopeful[light], kind="stable")]
    best = float(table.attainment[by_safe[0]])
    near = safe & (table.attainment >= best - goal.within - 2.0 * table.attainment_error)
    by_burden = np.lexsort((rank, -table.attainment, burden, visits, ~near))
    by_risk_first = np.lexsort((rank, -table.attainment, table.excess, table.ceiling))
    highest = np.quantile(solved.peak, 0.95, axis=1)
    steps = _steps(highest - highest[0], by_safe)
    chosen: dict[int, None] = {0: None}
    for group, most in (
        (by_safe, 16),
        (by_hope, 8),
        (by_burden, 10),
        (by_safe[visits[by_safe] == 0], 5),
        (by_safe[visits[by_safe] > 0], 7),
        (steps, STEPS),
        (by_risk_first, FINALISTS),
    ):
        _take(chosen, group, min(most, FINALISTS - len(chosen)))
    second: dict[int, None] = dict(chosen)
    _take(second, by_risk_first, FINALISTS)
    return Screened(
        first=[ones[i] for i in chosen],
        second=[ones[i] for i in second if i not in chosen],
        distinct=len(ones),
        level_now=float(np.median(alone.level[0, :, 0])),
    )


def _steps(rise: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The best in `order`, then the best of those with at most `LOWER` of its rise, and so on."""
    chosen: list[int] = []
    most = np.inf
    for i in order:
        if 0.0 < rise[i] <= most:
            chosen.append(int(i))
            most = LOWER * rise[i]
    return np.array(chosen, dtype=np.int64)


def distinct(found: Sequence[Candidate], until: int) -> list[Candidate]:
    """One candidate, the shortest, of each set that gives the same doses before day `until`."""
    pairs: dict[tuple[int, int], Candidate] = {}
    rest: list[Candidate] = []
    for candidate in found:
        if candidate.duration_d >= until:
            pairs.setdefault((id(candidate.load), id(candidate.maintenance)), candidate)
        else:
            rest.append(candidate)
    keys: dict[tuple[object, ...], Candidate] = {}
    order = {id(c): i for i, c in enumerate(found)}
    for candidate in sorted([*rest, *pairs.values()], key=lambda c: order[id(c)]):
        keys.setdefault(candidate.key(until), candidate)
    return list(keys.values())


def _take(chosen: dict[int, None], group: NDArray[np.int64], most: int) -> None:
    """Add up to `most` of `group` that are not yet chosen."""
    fresh: Iterable[int] = (int(i) for i in group if int(i) not in chosen)
    for _, i in zip(range(most), list(fresh), strict=False):
        chosen[i] = None
