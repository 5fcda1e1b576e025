"""How much this patient would need: the daily dose by mouth that would hold the level at the lower end of the band.

It is told beside the plan and proposes nothing: the limits may not allow it. It shows what the search under a tight
limit hides, that the same band costs one patient three times the dose of another.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcidiol.kinetics.events import Schedule
from calcidiol.quantity import iu_to_nmol
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.trajectories import Draws, Plan, course

DRAWS = 200
LADDER_IU = (0.0, 1000.0, 2000.0, 4000.0, 7000.0, 10000.0)
"""Daily doses that are followed (IU); between them the level is interpolated."""
WEEKS = 26
"""Time that a daily dose gets to build up (P: 25(OH)D is within a few percent of its steady state then)."""
ROUND_IU = 100.0


def daily_need(draws: Draws, goal: Goal) -> float | None:
    """Daily cholecalciferol by mouth (IU) at which the median level after half a year is at `goal.low`.

    Parameters
    ----------
    draws
        Draws of the patient on day 0; the first `DRAWS` are used.
    goal
        Its lower end is held.

    Returns
    -------
    float or None
        Rounded up to 100 IU; 0 where the level stays there without; None when 10,000 IU are not enough.

    Examples
    --------
    >>> from datetime import date
    >>> from calcidiol.individual import population
    >>> from calcidiol.kinetics import default_card
    >>> from calcidiol.patient.record import Patient
    >>> from calcidiol.regimen import default_goal
    >>> from calcidiol.regimen.score import draws
    >>> who = population(Patient("x", sex="female", age_y=60), default_card(), date(2026, 11, 21))
    >>> need = daily_need(draws(who, 200, 1), default_goal())
    >>> need is None or 500 <= need <= 10_000
    True
    """
    n = min(DRAWS, len(draws))
    few = replace(draws, parameters=draws.parameters[:n], state=draws.state.take(np.arange(n)), bias=draws.bias[:n])
    until = WEEKS * 7.0
    nothing = Schedule.of(())
    plans = [Plan(((0.0, until, iu_to_nmol(iu, "cholecalciferol")),) if iu else (), nothing) for iu in LADDER_IU]
    late = course(few, plans, np.arange(WEEKS + 1), accuracy=1e-2).level[:, :, -4:]
    medians = np.median(late, axis=1).mean(axis=1)
    if medians[0] >= goal.low:
        return 0.0
    if medians[-1] < goal.low:
        return None
    need = np.interp(goal.low, np.maximum.accumulate(medians), LADDER_IU)
    return float(np.ceil(need / ROUND_IU) * ROUND_IU)
