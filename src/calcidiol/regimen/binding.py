"""When no treatment qualifies: which limit is in the way, and the smallest change that would let one in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from calcidiol.regimen.candidates import Candidate, generate
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.next_sample import depot_shows_d
from calcidiol.regimen.ranking import risk
from calcidiol.regimen.results import Reason, Scored
from calcidiol.safety.verdict import Limits
from calcidiol.terminology.product import Product

RESOLUTION = 0.01
"""Accepted risks are told up to the next percent: a draw of a thousand may fall on the other side of a level when the
search is run again with other candidates beside it, and a relaxation that is named has to work (P)."""


def told_up(bound: float) -> float:
    """A risk rounded up to `RESOLUTION`.

    >>> told_up(0.1331)
    0.14
    """
    return math.ceil(bound / RESOLUTION - 1e-9) * RESOLUTION


def by_risk(treated: Sequence[Scored], goal: Goal, counts_added: bool) -> tuple[Reason, ...]:
    """Each accepted risk that would have to rise for a treatment to qualify, and to what, the others held."""
    alphas = {"excess": goal.alpha_excess, "ceiling": goal.alpha_ceiling}
    bounds = {name: [risk(s, name, counts_added).bound for s in treated] for name in alphas}
    harms = [s.harm is None or s.harm.acceptable for s in treated]
    told: list[Reason] = []
    for name, other in (("excess", "ceiling"), ("ceiling", "excess")):
        free = [
            mine for mine, theirs, fine in zip(bounds[name], bounds[other], harms, strict=True)
            if fine and theirs <= alphas[other]
        ]  # fmt: skip
        if free and min(free) > alphas[name]:
            told.append((f"binding.{name}", {"limit": alphas[name], "needed": told_up(min(free))}))
    asked = [
        s.harm
        for s in treated
        if s.harm is not None
        and s.harm.probability is not None
        and all(risk(s, name, counts_added).bound <= alpha for name, alpha in alphas.items())
    ]
    if asked and not any(h.acceptable for h in asked):
        needed = min(h.bound for h in asked)
        told.append(("binding.harm", {"limit": asked[0].limit, "needed": needed}))
    if not told and treated:
        needs = min(
            zip(bounds["excess"], bounds["ceiling"], strict=True),
            key=lambda x: max(x[0] - alphas["excess"], x[1] - alphas["ceiling"]),
        )
        told.append(
            (
                "binding.both",
                {
                    "excess": alphas["excess"],
                    "excess_needed": told_up(needs[0]),
                    "ceiling": alphas["ceiling"],
                    "ceiling_needed": told_up(needs[1]),
                },
            )
        )
    return tuple(told)


def by_limits(
    limits: Limits, goal: Goal, products: Mapping[str, Product], on: date, routes: Sequence[str] | None
) -> tuple[Reason, ...]:
    """Each limit lifted alone: does that let a candidate in, and what is the least that would do?

    Nothing is proposed by this: safety decides about its limits.
    """
    wider = {
        "largest_single_iu": replace(limits, largest_single_iu=float("inf")),
        "total_90d_iu": replace(limits, total_90d_iu=float("inf")),
        "total_365d_iu": replace(limits, total_365d_iu=float("inf")),
        "routes": replace(limits, routes=("oral", "im")),
        "products": replace(limits, products=tuple(products)),
        "daily_only": replace(limits, daily_only=False),
        "route_asked": limits,
    }
    told: list[Reason] = []
    for name, lifted in wider.items():
        found = generate(lifted, goal, products, on, routes=None if name == "route_asked" else routes)[1:]
        if found:
            limit = routes if name == "route_asked" else getattr(limits, name)
            told.append((f"binding.{name}", {"limit": _plain(limit), "needed": _least(name, found, limits)}))
    return tuple(told)


def _least(name: str, found: Sequence[Candidate], limits: Limits) -> object:
    if name == "largest_single_iu":
        return min(max(phase.iu for phase, _ in c.phases()) for c in found)
    if name.startswith("total"):
        days = depot_shows_d() + 1 if name == "total_90d_iu" else 365  # until a new 25(OH)D shows every dose
        return min(sum(phase.iu * int(np.sum(d < days)) for phase, d in c.phases()) for c in found)
    if name in ("routes", "route_asked"):
        return sorted(
            {phase.route for c in found for phase, _ in c.phases()}
            - (set(limits.routes) if name == "routes" else set())
        )
    return None


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
