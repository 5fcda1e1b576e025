"""The card's equations once more, for scipy's DOP853, many people side by side with doses of their own.

Nothing of the kernel is used; the periodic start comes from `steady.periodic`, which has tests of its own.

Every person has the same number of stops (doses and samples), at times of their own. Between two stops each person's
time runs from 0 to 1 in a common variable, so that one call integrates all of them. DOP853 controls the root mean
square of the error over all components; the tolerance is divided by the root of their number, so that no single
component may be worse than asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853

from calcidiol.kinetics.events import Schedule
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import periodic

Floats = NDArray[np.float64]
YEAR_D = 365.25


def reference(p: Floats, schedules: list[Schedule], times: Floats, doy: float, tolerance: float = 1e-10) -> Floats:
    """25(OH)D in nmol/L, (N, M), of N people with a schedule each (all with equally many doses)."""
    n, m = len(p), len(times)
    q = {name: p[:, i] for name, i in ROW.items()}
    doses = len(schedules[0])
    begin = np.array([min(times[0], s.time_d[0]) if doses else times[0] for s in schedules])
    starts = [periodic(p[i : i + 1], doy + begin[i]) for i in range(n)]
    y = np.concatenate([s for s, _ in starts], axis=1)
    mean_input = np.concatenate([r for _, r in starts])

    def slopes(t: Floats, y: Floats) -> Floats:
        oral, fast, slow, cal, c1, c2, c25, c25p = y
        season = 1 + q["season_amplitude"] * np.cos(2 * np.pi * (doy + t - q["season_phase_d"]) / YEAR_D)
        formed = c1 * (q["vmax"] / (q["km"] + c1) + q["clh"])
        absorbed = q["ka"] * oral + q["kim"] * fast + q["kim_slow"] * slow
        power = (np.maximum(c25, 0.0) / q["hill_c50"]) ** q["hill_g"]
        cleared = (q["cl25"] + q["hill_clmax"] * power / (1 + power)) * c25
        to_store, aside = q["q"] * (c1 - c2), q["q25"] * (c25 - c25p)
        return np.array(
            [
                -q["ka"] * oral,
                -q["kim"] * fast,
                -q["kim_slow"] * slow,
                -q["kc"] * cal,
                (absorbed + mean_input * season - q["clo"] * c1 - formed - to_store) / q["v1"],
                to_store / q["v2"],
                (formed + q["kc"] * cal - cleared - aside) / q["v25"],
                aside / q["v25p"],
            ]
        )

    # Stops of each person in time; at equal times the sample comes before the dose.
    when = np.concatenate(
        [np.broadcast_to(times, (n, m)), np.array([s.time_d for s in schedules]).reshape(n, doses)], axis=1
    )
    order = np.argsort(when, axis=1, kind="stable")
    amount = np.array([s.amount_nmol for s in schedules]).reshape(n, doses)
    into = np.array([s.into for s in schedules]).reshape(n, doses)
    out = np.full((n, m), np.nan)
    tight = tolerance / np.sqrt(y.size)
    now = begin
    people = np.arange(n)
    for stop in range(m + doses):
        what = order[:, stop]
        span = when[people, what] - now
        if span.max() > 0:
            y = _across(slopes, y, now, span, tight)
            now = when[people, what]
        sampled = what < m
        out[people[sampled], what[sampled]] = y[6, sampled]
        given = people[~sampled]
        which = what[~sampled] - m
        nmol, depot = amount[given, which], into[given, which]
        y[0, given] += np.where(depot == 0, nmol * q["f_oral"][given], 0.0)
        injected = np.where(depot == 1, nmol * q["f_im"][given], 0.0)
        y[1, given] += injected * q["im_fast"][given]
        y[2, given] += injected * (1 - q["im_fast"][given])
        y[3, given] += np.where(depot == 2, nmol * q["f_calcifediol"][given], 0.0)
    return out


def _across(slopes: Any, y: Floats, now: Floats, span: Floats, tolerance: float) -> Floats:
    """Everybody from their stop to their next, in the common variable 0 to 1."""
    shape = y.shape
    solver = DOP853(
        lambda s, x: (span * slopes(now + s * span, x.reshape(shape))).ravel(),
        0.0, y.ravel(), 1.0, rtol=tolerance, atol=10 * tolerance,
    )  # fmt: skip
    while solver.status == "running":
        solver.step()
    if solver.status != "finished":
        raise ArithmeticError("DOP853 did not finish.")
    return solver.y.reshape(shape)
