"""The caller's harm (calcium) as a limit of the search: about whom it is asked, and what follows.

The harm is dear to compute, so it is asked about the untreated course, the named protocols and few finalists. The best
by mouth and the best with injections come first. When the preferred one is not acceptable, the questions that are left
find how much lower the level has to stay: harm rises with the highest level and bends upward, so each question goes to
where a straight line between what failed and what passed meets the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.ranking import preference
from calcidiol.regimen.results import Harm, Scored
from calcidiol.safety.verdict import Limits

Ask = Callable[[Sequence[Regimen]], Sequence[Harm]]

FINALISTS = 5
"""About how many finalists the harm is asked at most, beside the untreated course and the protocols."""


def limited(scored: Sequence[Scored], count: int, goal: Goal, limits: Limits, ask: Ask) -> list[Scored]:
    """The same regimens with their harm; one that is not acceptable, or was not asked about, may not be chosen.

    Parameters
    ----------
    scored
        The untreated course, the finalists (`count` of them in all), the protocols.
    count
        How many of `scored` may be chosen.
    goal, limits
        As for `search`.
    ask
        Harm of each regimen given.
    """
    known: dict[int, Harm] = {}

    def put(rows: Sequence[int]) -> None:
        new = [i for i in dict.fromkeys(rows) if i not in known]
        known.update(zip(new, ask([scored[i].regimen for i in new]), strict=True))

    order = [i for i in preference(scored[:count], goal, limits) if scored[i].qualifies]
    treatments = [i for i in order if scored[i].kind != "none"]
    other = [i for i in treatments if (scored[i].route == "oral") != (scored[treatments[0]].route == "oral")]
    firsts = [*treatments[:1], *other[:1]]
    put([0, *firsts, *range(count, len(scored))])
    steps = _lower(treatments, scored)
    if treatments and order[0] == treatments[0] and not known[treatments[0]].acceptable:
        low, high = 0, len(steps)  # steps[low] is not acceptable; steps[high] is, or is the end: nothing given
        for last in reversed(range(FINALISTS - len(firsts))):
            if high - low < 2:
                break
            upper = (height(scored[steps[low]]), known[steps[low]])
            ground = (height(scored[0]), Harm(0.0))
            lower = (height(scored[steps[high]]), known[steps[high]]) if high < len(steps) else ground
            aim = _crossing(upper, lower)
            between = range(low + 1, high)
            probe = next((i for i in between if height(scored[steps[i]]) <= aim), high - 1)
            if not last and high == len(steps):
                probe = high - 1
            put([steps[probe]])
            low, high = (low, probe) if known[steps[probe]].acceptable else (probe, high)
    told = []
    for i, one in enumerate(scored):
        harm = known.get(i)
        fine = one.kind == "none" or (harm is not None and harm.acceptable)
        told.append(replace(one, harm=harm, qualifies=one.qualifies and fine))
    return told


def height(s: Scored) -> float:
    """Highest level that one draw in twenty passes, over the weeks shown, nmol/L."""
    return max(p95 for _, _, p95 in s.level.values())


def _crossing(upper: tuple[float, Harm], lower: tuple[float, Harm]) -> float:
    """Level at which a straight line between two regimens meets the limit; a harm that bends upward stays below it."""
    (more, too_high), (less, fine) = upper, lower
    span = too_high.bound - fine.bound
    return less + (more - less) * (too_high.limit - fine.bound) / span if span > 0.0 else less


def _lower(order: Sequence[int], scored: Sequence[Scored]) -> list[int]:
    """Of regimens in order of preference those whose level stays lower than that of every one before them."""
    steps: list[int] = []
    for i in order:
        if not steps or height(scored[i]) < height(scored[steps[-1]]):
            steps.append(i)
    return steps
