"""The plan of steps: fine after a dose, longer with the time since, the same for all lanes of a schedule.

Every step length is ``base x 2^level``. Between two doses the part beyond whole days (the base) is walked first in
halves, quarters and so on; whole days follow in powers of two. So few different lengths occur, and all lengths of one
base come out of one chain of doublings (`propagator`). Outputs inside a step are interpolated; where that is not wanted
the plan stops at outputs too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
LEVELS = 19
"""Levels -14 to 4 of a base; level `TOP` is the base itself."""
TOP = 14
SAME_D = 1e-9
"""Times nearer than this are the same instant."""
LONG_AGO_D = 1e6


@njit(**_OPTIONS)
def _put(plan, count, h, gap, level, output, event):  # type: ignore[no-untyped-def]
    """Write one step; the plan is doubled where it is full."""
    if count >= plan.shape[0]:
        larger = np.empty((2 * plan.shape[0], 5))
        larger[:count] = plan
        plan = larger
    plan[count, 0] = h
    plan[count, 1] = gap
    plan[count, 2] = level
    plan[count, 3] = output
    plan[count, 4] = event
    return plan


@njit(**_OPTIONS)
def _typical(held, days, ka, kim, loss):  # type: ignore[no-untyped-def]
    """Depots and D3 above the untreated amount (nmol) of the typical person some days on, without storage."""
    oral, im, central = held
    if days <= 0.0:
        return held
    gone = np.exp(-loss * days)
    left_oral, left_im = np.exp(-ka * days), np.exp(-kim * days)
    central *= gone
    central += oral * ka * _between(left_oral, gone, ka, loss, days) + im * kim * _between(
        left_im, gone, kim, loss, days
    )
    return oral * left_oral, im * left_im, central


@njit(**_OPTIONS)
def _between(left, gone, rate, loss, days):  # type: ignore[no-untyped-def]
    return (left - gone) / (loss - rate) if abs(loss - rate) > 1e-6 else days * gone


@njit(**_OPTIONS)
def plan_all(event_d, event_nmol, event_into, event_from, out_d, start_d, stop_at_outputs, control):  # type: ignore[no-untyped-def]
    """Steps of many schedules, one behind the other.

    Parameters
    ----------
    event_d, event_into, event_from
        Dose times and depots of all schedules; schedule k has the events ``event_from[k]`` to ``event_from[k + 1]``.
    event_nmol
        What is given.
    out_d
        Output times, rising; the last one ends the plan.
    control
        Longest step; shortest that is ever needed (d); factor of the power law below (d^0.25), and what the time since
        an injection counts in it (1); then, for doses by mouth, injections and calcifediol, longest step right after
        one (d) and its growth with the time since (1); emptying of the depots by mouth and injected, and of D3 (1/d);
        D3 at Km (nmol); last, what the three depots hold at the start (nmol), as if given just now.

    Notes
    -----
    After a dose the conversion bends in the time tau in which D3 rises by Km, so the larger the dose the sooner; from
    then on it bends ever more slowly. A step may be as long as ``factor x (tau + time since)^0.75``, and not longer
    than the absorption and the distribution of D3 allow (the line ``cap + growth x time since``). Where D3 already
    stands high, from the doses before, the conversion is nearly saturated: it bends u times as slowly and by the u-th
    part, u being (Km + what the typical person has of D3) / Km.

    Returns
    -------
    plan, gap_base, step_from
        Rows of the plan: length (0 where only outputs and doses are read), gap, level, and the first output and first
        event that are not yet done after the step. `gap_base` holds the base of each gap; gap 0 has the base 1 d.
    """
    (
        longest,
        shortest,
        factor,
        pace_im,
        cap_oral,
        growth_oral,
        cap_im,
        growth_im,
        cap_25,
        growth_25,
        ka,
        kim,
        loss,
        half,
        oral0,
        im0,
        cal0,
    ) = control
    schedules = event_from.shape[0] - 1
    step_from = np.zeros(schedules + 1, np.int64)
    plan = np.empty((1024, 5))
    bases = np.ones(256)
    gaps = 1
    count = 0
    m = out_d.shape[0]
    end = out_d[m - 1]
    for k in range(schedules):
        t = start_d
        e, n = event_from[k], event_from[k + 1]
        o = 0
        since_oral, since_im, since_25 = LONG_AGO_D, LONG_AGO_D, LONG_AGO_D
        age_oral, age_im = LONG_AGO_D, LONG_AGO_D
        held = (oral0, im0, 0.0)
        looked = t
        if oral0 > 0.0:
            since_oral, age_oral = 0.0, half / (ka * oral0)
        if im0 > 0.0:
            since_im, age_im = 1.0, pace_im + half / (kim * im0)
        if cal0 > 0.0:
            since_25 = 0.0
        first = True
        while True:
            before = o
            while o < m and out_d[o] <= t + SAME_D:
                o += 1
            given = e
            while e < n and event_d[e] <= t + SAME_D:
                amount = event_nmol[e]
                if amount > 0.0 and event_into[e] == 2:
                    since_25 = 0.0
                elif amount > 0.0:
                    oral, im, central = _typical(held, event_d[e] - looked, ka, kim, loss)
                    looked = event_d[e]
                    u = 1.0 + central / half
                    u *= np.cbrt(u)
                    if event_into[e] == 1:
                        since_im = 0.0
                        age_im = min(age_im, u * half / (kim * amount))
                        held = (oral, im + amount, central)
                    else:
                        since_oral = 0.0
                        age_oral = min(age_oral, u * half / (ka * amount))
                        held = (oral + amount, im, central)
                e += 1
            if first:
                plan = _put(plan, count, 0.0, 0, TOP, o, e)
                count += 1
                first = False
            elif o > before or e > given:
                plan[count - 1, 3] = o
                plan[count - 1, 4] = e
            if t >= end - SAME_D:
                break
            stop = end
            if e < n and event_d[e] < stop:
                stop = event_d[e]
            if stop_at_outputs and o < m and out_d[o] < stop:
                stop = out_d[o]
            whole = np.floor(stop - t + SAME_D)
            base = stop - t - whole
            gap = 0
            if base <= SAME_D:
                base = 0.0
            else:
                if base < 0.5 and whole >= 1.0:
                    base += 1.0
                    whole -= 1.0
                if gaps >= bases.shape[0]:
                    more = np.empty(2 * gaps)
                    more[:gaps] = bases
                    bases = more
                gap = gaps
                bases[gap] = np.round(base, 10)
                gaps += 1
            at = t
            for part in range(2):
                left = base if part == 0 else whole
                unit = base if part == 0 else 1.0
                highest = TOP if part == 0 else LEVELS - 1
                while left > 1e-6 * unit and left > 0.0:
                    root = np.sqrt(min(age_oral, age_im))
                    allowed = max(shortest, factor * root * np.sqrt(root))
                    allowed = min(allowed, cap_oral + growth_oral * since_oral, cap_im + growth_im * since_im)
                    allowed = min(allowed, cap_25 + growth_25 * since_25, longest)
                    level = highest
                    h = unit * 2.0 ** (level - TOP)
                    while level > 0 and (h > allowed * 1.000001 or h > left * 1.000001):
                        level -= 1
                        h *= 0.5
                    at += h
                    left -= h
                    while o < m and out_d[o] < at - SAME_D:
                        o += 1
                    plan = _put(plan, count, h, gap if part == 0 else 0, level, o, e)
                    count += 1
                    since_oral += h
                    since_im += h
                    since_25 += h
                    age_oral += h
                    age_im += pace_im * h
            t = stop
        step_from[k + 1] = count
    return plan[:count].copy(), bases[:gaps].copy(), step_from
