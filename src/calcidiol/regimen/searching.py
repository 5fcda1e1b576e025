"""The search: every candidate screened on few draws, the best scored again on fresh ones, one chosen, all explained.

Probabilities that decide are accepted only when estimate + 2 Monte-Carlo errors stays within the limit. The same inputs
and seed give the same answer: nothing is timed, sampled without the seed, or ordered by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.binding import by_limits, by_risk
from calcidiol.regimen.candidates import Candidate, counted, generate, outside
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.protocol import Facts, Protocol, instantiate
from calcidiol.regimen.ranking import explained, preference, risk
from calcidiol.regimen.results import Candidates, Chance, Harm, Reason, Scored
from calcidiol.regimen.score import Table, draws, mark, only_added, tabulate
from calcidiol.regimen.trajectories import Course, Draws, course, plan_of
from calcidiol.safety.verdict import Limits
from calcidiol.terminology.product import Product

if TYPE_CHECKING:
    from calcidiol.individual import Individual

SCREEN_DRAWS = 200
SCREEN_ACCURACY, FINAL_ACCURACY = 1e-2, 5e-3
"""Aimed largest relative error of the level; both far below the Monte-Carlo error of any probability."""
FINAL_DRAWS = 1000
FINALISTS = 60
HORIZON_WEEKS, AFTER_WEEKS = 52, 13
"""Finalists are followed for 13 weeks after the last dose of any of them (a depot peaks within 10), 52 at most."""
SHOWN_WEEKS = (4, 8, 12, 26, 39, 52)
YEAR_SPENT = 0.8
"""A plan that uses this share of the 12 months' IU in less than this share of the 12 months says so (P)."""
REACHED = 0.5
"""Below this best attainment the plan says that the band is out of reach inside the limits (P)."""
HARM_FINALISTS = 5
"""How many finalists the caller's harm limit (calcium) is asked about, in order of preference."""


def seeds(seed: int) -> tuple[int, int, int]:
    """Seeds of the screening, of the finalists and of the policy: three streams from one seed."""
    a, b, c = np.random.SeedSequence([seed, 0x5EA]).generate_state(3)
    return int(a), int(b), int(c)


def search(
    individual: Individual,
    limits: Limits,
    goal: Goal,
    products: Mapping[str, Product],
    protocols: Mapping[str, Protocol],
    on: date,
    seed: int,
    route: str | None = None,
    *,
    weight_kg: float | None = None,
    harm: Callable[[Sequence[Regimen]], Sequence[Harm]] | None = None,
) -> Candidates:
    """Find the regimen that serves the goal best inside the limits.

    Parameters
    ----------
    individual
        The fitted patient; draws are taken with `Individual.resample`.
    limits
        What this patient allows (`safety.limits`).
    goal
        The preference; `goals.default_goal` unless the user says otherwise.
    products, protocols
        The tables.
    on, seed
        Day 0 and the seed.
    route
        ``"oral"`` or ``"im"``: propose only this one.
    weight_kg
        Weight for the loading formulas; None takes the median of the draws' covariates.
    harm
        Called once with few regimens (untreated, the first five finalists, the protocols); returns one `Harm` for each.
        A regimen whose harm is not acceptable, or was not asked about, is not chosen.

    Returns
    -------
    Candidates
        Always with a `best`: when nothing qualifies it is "no vitamin D now", and `binding` says what was in the way.
    """
    screen_seed, final_seed, _ = seeds(seed)
    routes = None if route is None else (route,)
    found = generate(limits, goal, products, on, routes=routes)
    screened = _screen(individual, goal, found, screen_seed)
    facts = Facts(screened.level_now, _weight(individual) if weight_kg is None else weight_kg)
    named = [instantiate(p, on, products, facts) for p in protocols.values()]
    fresh = draws(individual, FINAL_DRAWS, final_seed)
    finals = _Finals.solve(fresh, goal, on, products, screened.first, named)
    if len(screened.second) and not any(s.qualifies for s in finals.generated()):
        finals = _Finals.solve(fresh, goal, on, products, [*screened.first, *screened.second], named)

    scored, count = list(finals.scored), finals.count
    for i in range(count, len(scored)):
        if broken := outside(scored[i].regimen, limits, products, on):
            scored[i] = replace(scored[i], inside=False, qualifies=False, reasons=broken)
    if harm is not None:
        scored = _ask_harm(scored, count, goal, limits, harm)
    ranked = [scored[i] for i in preference(scored[:count], goal, limits)]
    shown = explained([*ranked, *scored[count:]], ranked[0], goal, finals.counts_added)
    ranked, others = shown[:count], shown[count:]
    notes = _notes(ranked, others, goal, limits, finals, facts.level_nmol_per_l)
    treatments = [s for s in ranked if s.kind != "none"]
    binding: tuple[Reason, ...] = ()
    if not any(s.qualifies for s in treatments):
        binding = (
            by_risk(treatments, goal, finals.counts_added)
            if treatments
            else by_limits(limits, goal, products, on, routes)
        )
    return Candidates(
        goal=goal,
        best=ranked[0],
        untreated=next(s for s in ranked if s.kind == "none"),
        best_oral=next((s for s in ranked if s.route == "oral" and s.qualifies), None),
        best_im=next((s for s in ranked if s.route in ("im", "mixed") and s.qualifies), None),
        finalists=tuple(ranked),
        protocols=tuple(others),
        generated=len(found),
        distinct=screened.distinct,
        screen_draws=SCREEN_DRAWS,
        final_draws=len(fresh),
        effective_draws=fresh.effective,
        counts_added=finals.counts_added,
        notes=tuple(notes),
        binding=binding,
        draws=fresh,
        trajectories={s.regimen.name: finals.solved.one(i) for i, s in enumerate(finals.scored)},
    )


def _notes(
    ranked: Sequence[Scored], protocols: Sequence[Scored], goal: Goal, limits: Limits, finals: _Finals, level: float
) -> list[Reason]:
    """What a plan must say of the search as a whole."""
    best, alone = ranked[0], finals.scored[0]
    notes: list[Reason] = []
    if finals.counts_added:
        notes.append(
            ("search.untreated_exceeds", {"excess": alone.excess.p, "ceiling": alone.ceiling.p, "level": level})
        )
    if best.kind == "none":
        treatments = sum(s.qualifies for s in ranked if s.kind != "none")
        notes.append(("search.none_won", {"treatments": treatments}))
    top = max(s.attainment.p for s in ranked if s.qualifies)
    if top < REACHED:
        notes.append(("search.band_out_of_reach", {"best": top, "shortfall": best.shortfall}))
    last = max((run.start.toordinal() + run.every_days * (run.count - 1) for run in best.regimen.runs), default=0.0)
    first = min((run.start.toordinal() for run in best.regimen.runs), default=0)
    if best.burden_iu > YEAR_SPENT * limits.total_365d_iu and last - first < YEAR_SPENT * 365:
        weeks = round((last - first) / 7)
        notes.append(("search.uses_the_year", {"iu": best.burden_iu, "left": limits.total_365d_iu, "weeks": weeks}))
    better = [
        s
        for s in protocols
        if not s.inside
        and s.attainment.p > best.attainment.p + goal.within
        and risk(s, "excess", finals.counts_added).bound <= goal.alpha_excess
        and risk(s, "ceiling", finals.counts_added).bound <= goal.alpha_ceiling
    ]
    if better:
        s = max(better, key=lambda s: s.attainment.p)
        broken = s.reasons[0]
        notes.append(
            (
                "search.limits_cost",
                {
                    "protocol": s.regimen.protocol,
                    "attainment": s.attainment.p,
                    "best": best.attainment.p,
                    "limit": broken[0],
                },
            )
        )
    return notes


@dataclass(frozen=True)
class _Screened:
    first: list[Candidate]
    second: list[Candidate]
    distinct: int
    level_now: float


def _screen(individual: Individual, goal: Goal, found: list[Candidate], seed: int) -> _Screened:
    """Pick the candidates worth fresh draws, "no vitamin D now" first, and the careful ones that follow if none holds.

    Of candidates that are equal up to the end of the goal's weeks only the shortest is taken further. 200 draws cannot
    tell 0.5 % from 1.5 %, so the pick is spread: the best that look safe, the best that might be, the lightest of those
    nearly as good, the best of each route, and the least risky.
    """
    until = goal.week_to * 7
    distinct = _distinct(found, until)
    few = draws(individual, SCREEN_DRAWS, seed)
    solved = course(few, [c.plan(until) for c in distinct], np.arange(goal.week_to + 1), accuracy=SCREEN_ACCURACY)
    alone = solved.one(0)
    marks = mark(solved, goal)
    table = tabulate(marks, few.effective)
    if not bool(table.qualifies(goal)[0]):
        table = tabulate(only_added(marks, solved, goal, alone), few.effective)
    safe, hopeful = table.qualifies(goal, errors=0.0), table.qualifies(goal, errors=-2.0)
    visits = np.array([_visits(c) for c in distinct])
    burden = np.array([_burden(c) for c in distinct])
    rank = np.arange(len(distinct))
    light = np.lexsort((rank, table.shortfall, burden, visits, -table.attainment))
    by_safe = light[np.argsort(~safe[light], kind="stable")]
    by_hope = light[np.argsort(~hopeful[light], kind="stable")]
    best = float(table.attainment[by_safe[0]])
    near = safe & (table.attainment >= best - goal.within - 2.0 * table.attainment_error)
    by_burden = np.lexsort((rank, -table.attainment, burden, visits, ~near))
    by_risk_first = np.lexsort((rank, -table.attainment, table.excess, table.ceiling))
    chosen: dict[int, None] = {0: None}
    for group, most in (
        (by_safe, 20),
        (by_hope, 8),
        (by_burden, 12),
        (by_safe[visits[by_safe] == 0], 6),
        (by_safe[visits[by_safe] > 0], 8),
        (by_risk_first, FINALISTS),
    ):
        _take(chosen, group, min(most, FINALISTS - len(chosen)))
    second: dict[int, None] = dict(chosen)
    _take(second, by_risk_first, FINALISTS)
    return _Screened(
        first=[distinct[i] for i in chosen],
        second=[distinct[i] for i in second if i not in chosen],
        distinct=len(distinct),
        level_now=float(np.median(alone.level[0, :, 0])),
    )


def _distinct(found: Sequence[Candidate], until: int) -> list[Candidate]:
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


def _visits(c: Candidate) -> int:
    return sum(len(days) for phase, days in c.phases() if phase.route == "im")


def _burden(c: Candidate) -> float:
    return sum(len(days) * phase.iu for phase, days in c.phases())


def _weight(individual: Individual) -> float:
    return float(np.median(individual.covariates.weight_kg))


@dataclass(frozen=True)
class _Finals:
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
    ) -> _Finals:
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
        return _Finals(scored, len(picked), counts_added, solved)


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


def _ask_harm(
    scored: Sequence[Scored],
    count: int,
    goal: Goal,
    limits: Limits,
    harm: Callable[[Sequence[Regimen]], Sequence[Harm]],
) -> list[Scored]:
    """Put the caller's harm on the untreated course, the first finalists and the protocols."""
    order = [i for i in preference(scored[:count], goal, limits) if scored[i].qualifies]
    asked = list(dict.fromkeys([0, *order[:HARM_FINALISTS], *range(count, len(scored))]))
    told = [replace(s, qualifies=s.qualifies and (i in asked or s.kind == "none")) for i, s in enumerate(scored)]
    for i, h in zip(asked, harm([scored[i].regimen for i in asked]), strict=True):
        told[i] = replace(told[i], harm=h, qualifies=told[i].qualifies and (h.acceptable or i == 0))
    return told
