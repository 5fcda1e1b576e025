"""Which regimen is preferred, which are beaten by none, and why each lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calcidiol.regimen.goals import Goal
from calcidiol.regimen.results import Chance, Reason, Scored
from calcidiol.safety.verdict import Limits


def preference(found: Sequence[Scored], goal: Goal, limits: Limits) -> list[int]:
    """Order of preference, as indexes into `found`.

    Regimens that qualify come first, those of the preferred route before others if any treatment of that route
    qualifies. Within `goal.within` of the best attainment (and no more than `goal.within_shortfall` nmol/L further
    below the band) fewer visits win, then fewer IU, then fewer doses. After them by attainment. Equal ones by name, so
    that the order never depends on chance.
    """

    def preferred(s: Scored) -> bool:
        return limits.preferred_route is None or s.route in ("none", limits.preferred_route)

    pool = [i for i, s in enumerate(found) if s.qualifies]
    narrow = [i for i in pool if preferred(found[i])]
    if any(found[i].kind != "none" for i in narrow):
        pool = narrow
    top = min(pool, key=lambda i: (-found[i].attainment.p, found[i].shortfall), default=0)
    equal = {i for i in pool if as_good(found[i], found[top], goal)}

    def key(i: int) -> tuple[object, ...]:
        s = found[i]
        if i in equal:
            return 0, 0.0, s.visits, s.burden_iu, s.doses, -s.attainment.p, s.regimen.name
        group = 1 if i in pool else 2 if s.qualifies else 3
        return group, -s.attainment.p, s.visits, s.burden_iu, s.doses, 0.0, s.regimen.name

    return sorted(range(len(found)), key=key)


def as_good(s: Scored, top: Scored, goal: Goal) -> bool:
    """Whether `s` counts as no worse than the regimen with the best attainment."""
    return s.attainment.p >= top.attainment.p - goal.within and s.shortfall <= top.shortfall + goal.within_shortfall


def risk(s: Scored, name: str, counts_added: bool) -> Chance:
    """The chance that is held against the limit `name` (``"excess"`` or ``"ceiling"``)."""
    if name == "excess":
        return s.added_excess if counts_added else s.excess
    return s.added_ceiling if counts_added else s.ceiling


def explained(found: Sequence[Scored], best: Scored, goal: Goal, counts_added: bool) -> list[Scored]:
    """Mark the Pareto set and say of each regimen why it won or lost against `best`."""
    top = max((s for s in found if s.qualifies), key=lambda s: s.attainment.p, default=best)
    made = []
    for s in found:
        why = (
            [("search.chosen", {"attainment": s.attainment.p})]
            if s is best
            else _lost(s, best, top, goal, counts_added)
        )
        beaten = any(beats(o, s) for o in found)
        made.append(replace(s, reasons=(*s.reasons, *why), pareto=not beaten))
    return made


def _lost(s: Scored, best: Scored, top: Scored, goal: Goal, counts_added: bool) -> list[Reason]:
    why: list[Reason] = []
    for name, level, alpha in (
        ("ceiling", goal.ceiling, goal.alpha_ceiling),
        ("excess", goal.excess, goal.alpha_excess),
    ):
        chance = risk(s, name, counts_added)
        if chance.bound > alpha and s.kind != "none":
            why.append(
                (f"lost.{name}", {"probability": chance.p, "error": chance.error, "limit": alpha, "level": level})
            )
    if s.harm is not None and not s.harm.acceptable and s.kind != "none":
        why.append(("lost.harm", {"probability": s.harm.probability, "error": s.harm.error, "limit": s.harm.limit}))
    if why or not s.inside:
        return why
    if not s.qualifies:
        return [("lost.not_asked", {})]
    if s.attainment.p < top.attainment.p - goal.within:
        return [("lost.attainment", {"attainment": s.attainment.p, "best": best.attainment.p, "top": top.attainment.p})]
    if s.shortfall > top.shortfall + goal.within_shortfall:
        return [("lost.shortfall", {"shortfall": s.shortfall, "best": best.shortfall})]
    if s.visits > best.visits:
        return [("lost.visits", {"visits": s.visits, "best": best.visits})]
    if s.burden_iu > best.burden_iu:
        return [("lost.iu", {"iu": s.burden_iu, "best": best.burden_iu})]
    if s.doses > best.doses:
        return [("lost.doses", {"doses": s.doses, "best": best.doses})]
    if s.visits < best.visits or s.burden_iu < best.burden_iu:
        return [("lost.route", {"route": s.route, "best": best.route})]
    return [("lost.order", {"attainment": s.attainment.p, "best": best.attainment.p})]


def beats(a: Scored, b: Scored) -> bool:
    """Whether a is at least as good as b in attainment, excess, visits and IU, and better in one of them."""
    if (a.attainment.p < b.attainment.p) or a.excess.p > b.excess.p or a.visits > b.visits or a.burden_iu > b.burden_iu:
        return False
    return (
        a.attainment.p > b.attainment.p or a.excess.p < b.excess.p or a.visits < b.visits or a.burden_iu < b.burden_iu
    )
