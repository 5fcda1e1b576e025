"""What a plan must say of the search as a whole: ids and parameters."""

from __future__ import annotations

from collections.abc import Sequence

from calcidiol.regimen.finals import Finals
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.need import LADDER_IU, ROUND_IU
from calcidiol.regimen.ranking import risk
from calcidiol.regimen.results import Reason, Scored
from calcidiol.safety.verdict import Limits

YEAR_SPENT = 0.8
"""A plan that uses this share of the 12 months' IU in less than this share of the 12 months says so (P)."""
REACHED = 0.5
"""Below this best attainment the plan says that the band is out of reach inside the limits (P)."""


def remarks(
    ranked: Sequence[Scored],
    protocols: Sequence[Scored],
    goal: Goal,
    limits: Limits,
    finals: Finals,
    level: float,
    need_iu: float | None,
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
    if need_iu is None:
        notes.append(("search.need_above", {"low": goal.low, "iu": LADDER_IU[-1]}))
    elif need_iu > 0.0:
        allowed = round(limits.total_365d_iu / 365.0 / ROUND_IU) * ROUND_IU
        notes.append(("search.need", {"low": goal.low, "iu": need_iu, "allowed": allowed}))
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
