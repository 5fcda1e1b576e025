"""What the next result would mean: for each range of the next 25(OH)D, what to do then.

Nothing here is a canned sentence. The draws of the patient follow the chosen regimen to the day of the sample, are
weighted by how well each agrees with a result in the range, and the search runs again from there on a reduced grid,
inside the limits that the doses given until then leave. All continuations are solved once; a row only weights them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.candidates import NONE, Candidate, counted, generate, grid, policy_grid
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.next_sample import depot_shows_d
from calcidiol.regimen.policy_table import Policy, Row, settings
from calcidiol.regimen.remarks import REACHED
from calcidiol.regimen.results import Candidates, Reason
from calcidiol.regimen.score import Array, Marks, Noise, Table, draws, effective_of, mark, only_added, tabulate
from calcidiol.regimen.screening import SCREEN_ACCURACY
from calcidiol.regimen.searching import seeds
from calcidiol.regimen.text import format
from calcidiol.regimen.trajectories import advance, course, plan_of
from calcidiol.safety.rulebook import knowledge
from calcidiol.safety.verdict import Limits
from calcidiol.terminology.product import Product

if TYPE_CHECKING:
    from calcidiol.individual import Individual

POLICY_DRAWS = 2000


def policy(
    individual: Individual,
    found: Candidates,
    limits: Limits,
    products: Mapping[str, Product],
    on: date,
    seed: int,
    *,
    day: int,
    noise: Noise,
    regimen: Regimen | None = None,
    draws_used: int = POLICY_DRAWS,
) -> Policy:
    """Work out what each range of the next result would mean.

    Parameters
    ----------
    individual, limits, products, on, seed
        As for `search`.
    found
        Its result.
    day
        Days from `on` to the next sample.
    noise
        Error of a laboratory result.
    regimen
        The regimen that is followed until then; the best one unless the gate lowered it.
    draws_used
        Draws that are weighted.
    """
    s = settings()
    regimen = found.best.regimen if regimen is None else regimen
    later = on + timedelta(days=day)
    these = draws(individual, draws_used, seeds(seed)[2])
    rest = remaining(regimen, later, products)
    level, then = advance(these, regimen.schedule(on), day)
    goal = replace(found.goal, week_from=int(s["week_from"]), week_to=int(s["week_to"]))
    left = limits_then(limits, regimen, on, day)
    options = generate(left, goal, products, later, shape=policy_grid())
    until = goal.week_to * 7.0
    plans = [plan_of(rest, later, until), *(c.plan(until) for c in options)]
    solved = course(then, plans, np.arange(goal.week_to + 1), accuracy=SCREEN_ACCURACY)
    marks = mark(solved, goal)
    judge = _Judge(
        goal=goal,
        effective=then.effective,
        planned_iu=_intensity(regimen, later),
        left_iu=left.total_365d_iu,
        rest=rest,
        options=options,
        on=later,
        products=products,
        s=s,
        raw=marks,
        added=only_added(marks, solved, goal, solved.one(1)),
    )
    rows = tuple(
        judge.row(low, high, w)
        for low, high, w in _rows(level * np.exp(these.bias), noise, found.goal, then.effective, s)
    )
    rows = _guarded(rows, regimen, rest, on, day)
    loading_ends, reaches = _loading(regimen, found, on)
    return Policy(
        on=later,
        rows=rows,
        continuations=len(options) + 1,
        loading_ends=loading_ends,
        loading_reaches=reaches,
        stop_from_nmol_per_l=min((r.low for r in rows if r.action == "stop"), default=float(s["hold_nmol_per_l"])),
    )


def limits_then(limits: Limits, regimen: Regimen, on: date, day: int) -> Limits:
    """What the limits leave on a later day, after the doses given until then and with a new level.

    A new level shows the doses by mouth of more than 7 days before it and injections of more than 28 days before it;
    only the others still count for the 90 days (safety, AD03). The 12 months and the wait after an injection count all.
    """
    shape = grid()
    given = [(float(t), run) for run in regimen.runs for t in run.days(on) if t < day]
    oral_d = knowledge().numbers.days("level_shows_oral")
    unseen = sum(counted(run) for t, run in given if day - t < (oral_d if run.route == "oral" else depot_shows_d()))
    waits = [
        on + timedelta(days=math.ceil(t + shape.wait(counted(run)) - 1e-9)) for t, run in given if run.route == "im"
    ]
    free = max([*waits, *([limits.im_from] if limits.im_from is not None else [])], default=None)
    return replace(
        limits,
        total_90d_iu=max(
            min(limits.total_90d_iu, shape.largest_90d_iu) if day < 1 else shape.largest_90d_iu - unseen, 0.0
        ),
        total_365d_iu=max(limits.total_365d_iu - sum(counted(run) for _, run in given), 0.0),
        im_from=free,
    )


def remaining(regimen: Regimen, later: date, products: Mapping[str, Product]) -> Regimen:
    """What is left of a regimen from a day on (a dose due on that day is still to come)."""
    runs = []
    for run in regimen.runs:
        done = int(np.count_nonzero(run.days(later) < -1e-9))
        if done < run.count:
            start = run.start + timedelta(days=math.ceil(run.every_days * done - 1e-9))
            left = run.count - done
            runs.append(replace(run, start=start, count=left, every_days=run.every_days if left > 1 else 0.0))
    return Regimen(format(Regimen("", tuple(runs)), later, products), tuple(runs), regimen.protocol)


@dataclass(frozen=True)
class _Judge:
    """Chooses the continuation of one row; the trajectories are shared by all rows."""

    goal: Goal
    effective: float
    planned_iu: float
    left_iu: float
    rest: Regimen
    options: Sequence[Candidate]
    on: date
    products: Mapping[str, Product]
    s: Mapping[str, Any]

    raw: Marks
    added: Marks

    def row(self, low: float, high: float, weights: Array) -> Row:
        """The row of results in [low, high); `weights` is the chance of such a result in each draw."""
        probability = float(np.mean(weights))
        effective = effective_of(weights, self.effective) if probability > 0.0 else 0.0
        surprising = self._cause(probability, effective, low)
        if effective < 1.0:
            return Row(low, high, probability, effective, "look_for_cause", None, None, None, surprising)
        table = tabulate(self.raw, self.effective, weights)
        if not bool(table.qualifies(self.goal)[1]):
            table = tabulate(self.added, self.effective, weights)
        planned = float(table.attainment[0])
        if effective < self.s["least_effective"]:
            return Row(low, high, probability, effective, "look_for_cause", None, None, planned, surprising)
        if low >= self.s["hold_nmol_per_l"]:
            why = "policy.stop_rule" if low >= self.s["stop_nmol_per_l"] else "policy.hold_rule"
            without = float(table.attainment[1])
            reasons: tuple[Reason, ...] = ((why, {"level": low}),)
            return Row(low, high, probability, effective, "stop", Regimen("none"), without, planned, reasons)
        return self._choose(low, high, probability, effective, table)

    def _cause(self, probability: float, effective: float, low: float) -> tuple[Reason, ...]:
        why: list[Reason] = [("policy.surprising", {"probability": probability, "effective": effective})]
        if low >= self.s["hold_nmol_per_l"]:
            why.append(("policy.hold_rule", {"level": low}))
        return tuple(why)

    def _choose(self, low: float, high: float, probability: float, effective: float, table: Table) -> Row:
        ok = table.qualifies(self.goal)
        ok[1] = True
        pool = np.flatnonzero(ok)
        top = pool[np.lexsort((table.shortfall[pool], -table.attainment[pool]))[0]]
        equal = ok & (table.attainment >= table.attainment[top] - self.goal.within)
        equal &= table.shortfall <= table.shortfall[top] + self.goal.within_shortfall
        planned = float(table.attainment[0])

        far: tuple[Reason, ...] = ()
        if table.attainment[top] < REACHED:
            far = (("policy.band_out_of_reach", {"best": float(table.attainment[top]), "left_iu": self.left_iu}),)

        def row(action: str, regimen: Regimen, i: int, why: Reason) -> Row:
            reached = float(table.attainment[i])
            return Row(low, high, probability, effective, action, regimen, reached, planned, (why, *far))

        keep = table.attainment[0] >= table.attainment[top] - self.s["keep_within"]
        keep &= table.shortfall[0] <= table.shortfall[top] + self.goal.within_shortfall
        if ok[0] and keep:
            why = "policy.plan_still_best" if equal[0] else "policy.plan_good_enough"
            return row("go_on", self.rest, 0, (why, {"attainment": planned, "best": float(table.attainment[top])}))
        chosen = min(
            map(int, np.flatnonzero(equal[1:])), key=lambda i: (self.options[i].visits, self.options[i].burden_iu, i)
        )
        option, i = self.options[chosen], chosen + 1
        regimen = option.regimen(self.on, self.products)
        iu = _first_weeks(option, int(self.s["compared_days"]))
        gain: dict[str, object] = {
            "attainment": float(table.attainment[i]),
            "planned": planned,
            "iu": iu,
            "planned_iu": self.planned_iu,
        }
        if option is NONE:
            return row("stop", Regimen("none"), i, ("policy.enough_without", gain))
        if iu < self.planned_iu * (1.0 - self.s["similar"]):
            why = "policy.less_is_enough" if ok[0] else "policy.plan_too_high"
            return row("step_down", regimen, i, (why, gain))
        if iu > self.planned_iu * (1.0 + self.s["similar"]):
            return row("step_up", regimen, i, ("policy.plan_too_low", gain))
        return row("go_on", regimen, i, ("policy.other_rhythm", gain))


def _rows(
    level: Array, noise: Noise, goal: Goal, effective: float, s: Mapping[str, Any]
) -> list[tuple[float, float, Array]]:
    """Ranges with the chance of a result in each, per draw; `level` is what the laboratory would find on average.

    A range that is no surprise but has too few effective draws joins its neighbor towards the middle, on its own side
    of the hold level.
    """
    edges = sorted({0.0, math.inf, *map(float, s["edges_nmol_per_l"]), round(goal.low, 1), round(goal.high, 1)})
    edges = [e for i, e in enumerate(edges) if i == 0 or e - edges[i - 1] > 1.0]
    sd, center = noise.log_sd(level), np.log(np.maximum(level, 0.1))
    inner = [_normal((math.log(e) - center) / sd) for e in edges[1:-1]]
    below = [np.zeros_like(level), *inner, np.ones_like(level)]
    rows = [(a, b, q - p) for a, b, p, q in zip(edges, edges[1:], below, below[1:], strict=False)]
    middle = float(np.median(level))
    hold = float(s["hold_nmol_per_l"])
    while True:
        for i, (a, b, w) in enumerate(rows):
            p = float(np.mean(w))
            if p < s["surprising_p"] or effective_of(w, effective) >= s["least_effective"]:
                continue
            j = i + 1 if b <= middle else i - 1 if a > middle else (i + 1 if i + 1 < len(rows) and b < hold else i - 1)
            if not 0 <= j < len(rows) or (rows[j][0] >= hold) != (a >= hold):
                continue
            lo, hi = min(i, j), max(i, j)
            rows[lo : hi + 1] = [(rows[lo][0], rows[hi][1], rows[lo][2] + rows[hi][2])]
            break
        else:
            return rows


def _normal(z: Array) -> Array:
    from scipy.special import ndtr

    told: Array = ndtr(z)
    return told


def _guarded(rows: tuple[Row, ...], regimen: Regimen, rest: Regimen, on: date, day: int) -> tuple[Row, ...]:
    """A low level less than 28 days after an injection does not trigger another dose: the depot is still emptying."""
    last = max((float(t) for run in regimen.runs if run.route == "im" for t in run.days(on) if t < day), default=None)
    if last is None or day - last >= depot_shows_d():
        return rows
    why: Reason = ("policy.early_after_injection", {"days": day - last, "needed": depot_shows_d()})
    return tuple(
        replace(r, action="go_on", regimen=rest, attainment=r.planned_attainment, reasons=(*r.reasons, why))
        if r.action == "step_up"
        else r
        for r in rows
    )


def _intensity(regimen: Regimen, later: date) -> float:
    """IU that the plan gives in the 12 weeks from `later` on."""
    days = settings()["compared_days"]
    return sum(
        counted(run) * int(np.count_nonzero((run.days(later) >= 0) & (run.days(later) < days))) for run in regimen.runs
    )


def _first_weeks(option: Candidate, days: int) -> float:
    return sum(phase.iu * int(np.count_nonzero(at < days)) for phase, at in option.phases())


def _loading(regimen: Regimen, found: Candidates, on: date) -> tuple[date | None, float | None]:
    """The day of the last loading dose, and P(level at or above the band's lower end) a week after it."""
    if len(regimen.runs) < 2:
        return None, None
    load = regimen.runs[0]
    last = int(load.days(on)[-1])
    week = min(last // 7 + 1, int(found.draws_weeks[-1]))
    known = found.trajectories.get(regimen.name)
    reaches = None if known is None else float(np.mean(known.at(week)[0] >= found.goal.low))
    return on + timedelta(days=last), reaches
