# ruff: noqa: I001
"""The compiled core: many lanes through one plan of steps.

A lane is one set of parameters. Steps follow the doses and are shared by all lanes of a schedule, so that the inner
loops run over lanes and vectorize. The coefficients of a step length are made once for a tile of lanes and serve all
its schedules. Imported only by `solve`, so that numba is loaded when the first equation has to be solved.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from calcidiol.kinetics.propagator import (
    COEFFICIENTS, DA1, DB1, DC1, EA, EB, EC, HA, HB, HC, KA3, KB3, KC3, LANES, RESPONSE, chain,
)  # fmt: skip
from calcidiol.kinetics.steps import LEVELS
from calcidiol.kinetics.stepping import (
    C_0, C_1, CONSTANTS, FC_, FI1, FI2, FO_, M0, M1, MM, MOVING, N0, N1, NM, Q1, S_0, S_1, TOPS, V_0, V_1, X1, X3,
    XA, XB, XC, XD, YEAR_D, advance, between, end, guess, highest, inflow, inflow_calcifediol, load, remainder, turn,
)  # fmt: skip

# No NaN and no infinity flags: a lane that fails must be seen, not optimized away. Every function stands at the top of
# the module: numba cannot find a closure again in its cache.
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "arcp", "reassoc", "nsz"},
}
BLOCK = 8
"""Lanes of the innermost loop: one 512-bit vector."""
SHARED_BASES = 24
"""Up to this many different gaps their coefficients are kept for all schedules; beyond, made where they are used."""


@njit(**_OPTIONS)
def _start(z, state, first, n, padded):  # type: ignore[no-untyped-def]
    for i in range(8):
        for j in range(padded):
            z[XA + i * LANES + j] = state[i, first + min(j, n - 1)]
    for j in range(padded):
        z[TOPS + j] = -1.0


@njit(**_OPTIONS)
def _any(z, row, n):  # type: ignore[no-untyped-def]
    for j in range(n):  # noqa: SIM110
        if z[row + j] != 0.0:
            return True
    return False


@njit(**_OPTIONS)
def _give(c, z, n, amount, into):  # type: ignore[no-untyped-def]
    for j in range(n):
        if into == 0:
            z[XA + j] += amount * c[FO_ + j]
        elif into == 1:
            z[XB + j] += amount * c[FI1 + j]
            z[XC + j] += amount * c[FI2 + j]
        else:
            z[XD + j] += amount * c[FC_ + j]


@njit(**_OPTIONS)
def run(  # type: ignore[no-untyped-def]
    saturable, params, state, lane_from, schedule_from, event_d, event_nmol, event_into, event_from, plan,
    gap_base, gap_of, step_from, out_d, start_d, origin_doy, peak_from, refine, want_d3, level, d3, peak, final,
):  # fmt: skip
    """Groups of lanes through their schedules.

    Group g has the lanes ``lane_from[g]`` to ``lane_from[g + 1]`` and the schedules ``schedule_from[g]`` to
    ``schedule_from[g + 1]``; its rows in the outputs count from 0.
    """
    year = 2.0 * math.pi / YEAR_D
    c = np.zeros(CONSTANTS * LANES)
    z = np.zeros(MOVING * LANES)
    response = np.zeros(RESPONSE * LANES)
    bases = gap_base.shape[0]
    slot_of = np.full((bases, LEVELS), -1, np.int64)
    seen = np.zeros(bases, np.bool_)
    used_base = np.zeros(bases, np.int64)
    used = 0
    groups = lane_from.shape[0] - 1
    table = np.zeros((1, COEFFICIENTS * LANES))
    for g in range(groups):
        k_from, k_to = schedule_from[g], schedule_from[g + 1]
        # Which lengths the schedules of this group use, and of which gaps.
        for i in range(used):
            slot_of[used_base[i]] = -1
            seen[used_base[i]] = False
        used = 0
        for s in range(step_from[k_from], step_from[k_to]):
            if plan[s, 0] > 0.0:
                b = gap_of[np.int64(plan[s, 1])]
                if not seen[b]:
                    seen[b] = True
                    used_base[used] = b
                    used += 1
                slot_of[b, np.int64(plan[s, 2])] = 0
        # Whole days (base 0) always keep their slots; the others share one set of slots where they are too many.
        shared = used <= SHARED_BASES
        slots = 0
        most = 0
        for i in range(LEVELS):
            if slot_of[0, i] >= 0:
                slot_of[0, i] = slots
                slots += 1
        kept = slots
        for u in range(used):
            b = used_base[u]
            if b > 0:
                at = slots if shared else kept
                for i in range(LEVELS):
                    if slot_of[b, i] >= 0:
                        slot_of[b, i] = at
                        at += 1
                if shared:
                    slots = at
                else:
                    most = max(most, at - kept)
        if table.shape[0] < slots + most:
            table = np.zeros((slots + most, COEFFICIENTS * LANES))
        for first in range(lane_from[g], lane_from[g + 1], LANES):
            n = min(LANES, lane_from[g + 1] - first)
            padded = (n + BLOCK - 1) // BLOCK * BLOCK
            load(c, params, state, first, n, padded)
            for u in range(used):
                b = used_base[u]
                if shared or b == 0:
                    chain(c, response, padded, gap_base[b], slot_of[b], table)
            for k in range(k_from, k_to):
                row = k - k_from
                made = -1
                _start(z, state, first, n, padded)
                oral = _any(z, XA, padded)
                im = _any(z, XB, padded)
                im2 = _any(z, XC, padded)
                cal = _any(z, XD, padded)
                remainder(c, z, padded, saturable)
                for j in range(padded):
                    z[NM + j] = z[N0 + j]
                    z[N1 + j] = z[N0 + j]
                    z[MM + j] = z[M0 + j]
                    z[M1 + j] = z[M0 + j]
                for j in range(6 * LANES):
                    z[Q1 + j] = 0.0
                t = start_d
                o = 0
                e = event_from[k]
                known = False
                cos1 = math.cos(year * (origin_doy + t))
                sin1 = math.sin(year * (origin_doy + t))
                for s in range(step_from[k], step_from[k + 1]):
                    h = plan[s, 0]
                    o_to = np.int64(plan[s, 3])
                    e_to = np.int64(plan[s, 4])
                    if h > 0.0:
                        b = gap_of[np.int64(plan[s, 1])]
                        if b > 0 and not shared and made != b:
                            chain(c, response, padded, gap_base[b], slot_of[b], table)
                            made = b
                        co = table[slot_of[b, np.int64(plan[s, 2])]]
                        cos0, sin0 = cos1, sin1
                        cosm = math.cos(year * (origin_doy + t + 0.5 * h))
                        sinm = math.sin(year * (origin_doy + t + 0.5 * h))
                        cos1 = math.cos(year * (origin_doy + t + h))
                        sin1 = math.sin(year * (origin_doy + t + h))
                        within = saturable is None and o < o_to and out_d[o] < t + h - 1e-9
                        top = t + h >= peak_from
                        bounded = saturable is None and refine and top and h > 0.2
                        if (within or bounded) and not known:
                            end(c, z, padded, cos0, sin0, V_0, S_0, C_0)
                        elif within or bounded:
                            for j in range(3 * LANES):
                                z[V_0 + j] = z[V_1 + j]
                        if oral or im or im2 or cal:
                            for j in range(6 * LANES):
                                z[Q1 + j] = 0.0
                            if oral:
                                inflow(z, co, padded, XA, DA1, EA, HA, KA3, saturable)
                            if im:
                                inflow(z, co, padded, XB, DB1, EB, HB, KB3, saturable)
                            if im2:
                                inflow(z, co, padded, XC, DC1, EC, HC, KC3, saturable)
                            if cal:
                                inflow_calcifediol(z, co, padded, saturable)
                        advance(c, z, co, padded, cos0, sin0, cosm, sinm, cos1, sin1, saturable)
                        # Along the last half step, unless a dose bends the course.
                        ratio = 0.0
                        if e == e_to and s + 1 < step_from[k + 1]:
                            ratio = plan[s + 1, 0] / h
                        guess(z, padded, ratio, saturable)
                        known = within or bounded
                        if known:
                            end(c, z, padded, cos1, sin1, V_1, S_1, C_1)
                        while o < o_to and out_d[o] < t + h - 1e-9:
                            x = (out_d[o] - t) / h
                            y = 1.0 - x
                            # Quintic Hermite: value, slope and curvature at both ends.
                            a0 = y * y * y * (1.0 + x * (3.0 + 6.0 * x))
                            b0 = h * x * y * y * y * (1.0 + 3.0 * x)
                            c0 = 0.5 * h * h * x * x * y * y * y
                            a1 = x * x * x * (1.0 + y * (3.0 + 6.0 * y))
                            b1 = -h * y * x * x * x * (1.0 + 3.0 * y)
                            c1 = 0.5 * h * h * y * y * x * x * x
                            between(z, n, level[row, o, first : first + n], a0, b0, c0, a1, b1, c1)
                            if top and out_d[o] >= peak_from:
                                highest(z, n, level[row, o, first : first + n])
                            o += 1
                        t += h
                        if bounded:
                            turn(z, padded, h)
                        elif top:
                            for j in range(padded):
                                z[TOPS + j] = max(z[TOPS + j], z[X3 + j])
                    while o < o_to:
                        for j in range(n):
                            level[row, o, first + j] = z[X3 + j]
                        if want_d3:
                            for j in range(n):
                                d3[row, o, first + j] = z[X1 + j]
                        if t >= peak_from:
                            for j in range(padded):
                                z[TOPS + j] = max(z[TOPS + j], z[X3 + j])
                        o += 1
                    while e < e_to:
                        into = event_into[e]
                        _give(c, z, padded, event_nmol[e], into)
                        oral = oral or into == 0
                        im = im or into == 1
                        im2 = im2 or (into == 1 and _any(z, XC, padded))
                        cal = cal or into == 2
                        known = False
                        e += 1
                for j in range(n):
                    peak[row, first + j] = z[TOPS + j]
                if final.shape[0] > 0:
                    for i in range(8):
                        for j in range(n):
                            final[row, i, first + j] = z[XA + i * LANES + j]
