"""The search: every candidate screened on few draws, the best scored again on fresh ones, one chosen, all explained.

Probabilities that decide are accepted only when estimate + 2 Monte-Carlo errors stays within the limit. The same inputs
and seed give the same answer: nothing is timed, sampled without the seed, or ordered by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from calcidiol.regimen.binding import by_limits, by_risk
from calcidiol.regimen.candidates import generate, outside
from calcidiol.regimen.finals import FINAL_DRAWS, Finals
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.harm import Ask, limited
from calcidiol.regimen.need import daily_need
from calcidiol.regimen.protocol import Facts, Protocol, instantiate
from calcidiol.regimen.ranking import explained, preference
from calcidiol.regimen.remarks import remarks
from calcidiol.regimen.results import Candidates, Reason
from calcidiol.regimen.score import draws
from calcidiol.regimen.screening import SCREEN_DRAWS, screen
from calcidiol.safety.verdict import Limits
from calcidiol.terminology.product import Product

if TYPE_CHECKING:
    from calcidiol.individual import Individual


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
    harm: Ask | None = None,
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
        Called with few regimens (untreated, protocols, at most five finalists: `regimen.harm`); returns one `Harm` for
        each. A regimen whose harm is not acceptable, or was not asked about, is not chosen.

    Returns
    -------
    Candidates
        Always with a `best`: when nothing qualifies it is "no vitamin D now", and `binding` says what was in the way.

    Examples
    --------
    >>> from datetime import date
    >>> from calcidiol.individual import fit
    >>> from calcidiol.kinetics import default_card
    >>> from calcidiol.patient.record import Patient
    >>> from calcidiol.regimen import default_goal, protocols
    >>> from calcidiol.terminology import products
    >>> on, shelf = date(2026, 11, 21), products()
    >>> who = fit(Patient("x", sex="female", age_y=60), default_card(), on)
    >>> open_limits = Limits(("oral", "im"), tuple(shelf), 300_000, 300_000, 600_000, None, 250)
    >>> found = search(who, open_limits, default_goal(), shelf, protocols(), on, seed=1)
    >>> found.generated > 1000, found.best.qualifies
    (True, True)
    """
    screen_seed, final_seed, _ = seeds(seed)
    routes = None if route is None else (route,)
    found = generate(limits, goal, products, on, routes=routes)
    screened = screen(individual, goal, found, screen_seed)
    facts = Facts(screened.level_now, _weight(individual) if weight_kg is None else weight_kg)
    named = [instantiate(p, on, products, facts) for p in protocols.values()]
    fresh = draws(individual, FINAL_DRAWS, final_seed)
    finals = Finals.solve(fresh, goal, on, products, screened.first, named)
    if len(screened.second) and not any(s.qualifies for s in finals.generated()):
        finals = Finals.solve(fresh, goal, on, products, [*screened.first, *screened.second], named)

    scored, count = list(finals.scored), finals.count
    for i in range(count, len(scored)):
        if broken := outside(scored[i].regimen, limits, products, on):
            scored[i] = replace(scored[i], inside=False, qualifies=False, reasons=broken)
    if harm is not None:
        scored = limited(scored, count, goal, limits, harm)
    ranked = [scored[i] for i in preference(scored[:count], goal, limits)]
    shown = explained([*ranked, *scored[count:]], ranked[0], goal, finals.counts_added)
    ranked, others = shown[:count], shown[count:]
    need = daily_need(fresh, goal)
    notes = remarks(ranked, others, goal, limits, finals, facts.level_nmol_per_l, need)
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
        daily_need_iu=need,
        notes=tuple(notes),
        binding=binding,
        draws=fresh,
        trajectories={s.regimen.name: finals.solved.one(i) for i, s in enumerate(finals.scored)},
    )


def _weight(individual: Individual) -> float:
    return float(np.median(individual.covariates.weight_kg))
