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
    CONSTANTS, FC_, FI1, FI2, FO_, LOWS, MOVING, SA, SB, TOPS, VA, VB, X1, X3, XA, XB, XC, XD,
    advance, again, between, end, extremes, inflow, inflow_calcifediol, load, nothing, read, remainder, turn,
)  # fmt: skip

# No NaN and no infinity flags: a lane that fails must be seen, not optimized away. Every function stands at the top of
# the module: numba cannot find a closure again in its cache.
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "arcp", "reassoc", "nsz"},
}
BLOCK, BLOCK_SINGLE = 8, 16
"""Lanes of the innermost loop: one 512-bit vector."""
SHARED_BASES = 24
"""Up to this many different gaps their coefficients are kept for all schedules; beyond, made where they are used."""
EMPTY_NMOL = 1e-9
"""A depot with less than this in every lane of a tile is taken as empty: D3 would change by less than 1e-10 nmol/L."""
TURNING_D = 0.2
"""Peaks inside steps longer than this are looked for."""
YEAR_D = 365.25


@njit(**_OPTIONS)
def _aligned(size, like):  # type: ignore[no-untyped-def]
    """Zeros that start on a cache line: a vector across two lines is read and written at half the speed."""
    wide = np.zeros(size + 16, like.dtype)
    off = ((-wide.ctypes.data) & 63) // like.itemsize
    return wide[off : off + size]


@njit(**_OPTIONS)
def _start(z, state, first, n, padded):  # type: ignore[no-untyped-def]
    for i in range(8):
        for j in range(padded):
            z[XA + i * LANES + j] = state[i, first + min(j, n - 1)]
    for j in range(padded):
        z[TOPS + j] = -1.0
        z[LOWS + j] = z[X3 + j]


@njit(**_OPTIONS)
def _filled(z, row, n):  # type: ignore[no-untyped-def]
    most = 0.0
    for j in range(n):
        most = max(most, abs(z[row + j]))
    return most > EMPTY_NMOL


@njit(**_OPTIONS)
def _held(state, row, first, to):  # type: ignore[no-untyped-def]
    for i in range(first, to):  # noqa: SIM110
        if state[row, i] != 0.0:
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
def _seasons(plan, s_from, s_to, doy, waves):  # type: ignore[no-untyped-def]
    """Cosine and sine of the day of the year at the middle and end of the steps of one schedule."""
    year = 2.0 * math.pi / YEAR_D
    t = doy
    for s in range(s_from, s_to):
        h = plan[s, 0]
        waves[s, 0] = math.cos(year * (t + 0.5 * h))
        waves[s, 1] = math.sin(year * (t + 0.5 * h))
        t += h
        waves[s, 2] = math.cos(year * t)
        waves[s, 3] = math.sin(year * t)


@njit(**_OPTIONS)
def _weights(plan, s_from, s_to, out_d, start_d, weights):  # type: ignore[no-untyped-def]
    """Weights of value and slope at the start, value at the middle, value and slope at the end of the step around each
    output: the cubic through the ends, lifted to meet the middle."""
    t = start_d
    o = 0
    for s in range(s_from, s_to):
        h = plan[s, 0]
        o_to = np.int64(plan[s, 3])
        while o < o_to:
            x = (out_d[o] - t) / h if h > 0.0 else 1.0
            y = 1.0 - x
            lift = 16.0 * x * x * y * y
            weights[o, 0] = y * y * (1.0 + 2.0 * x) - 0.5 * lift
            weights[o, 1] = h * (x * y * y - 0.125 * lift)
            weights[o, 2] = lift
            weights[o, 3] = x * x * (1.0 + 2.0 * y) - 0.5 * lift
            weights[o, 4] = h * (0.125 * lift - x * x * y)
            o += 1
        t += h


@njit(**_OPTIONS)
def run(  # type: ignore[no-untyped-def]
    saturable, single, like, params, state, wave, lane_from, schedule_from, event_d, event_nmol, event_into, event_from,
    plan, gap_base, gap_of, step_from, out_d, start_d, origin_doy, peak_from, refine, want_d3, level, d3, peak, low,
    final,
):  # fmt: skip
    """Groups of lanes through their schedules.

    Group g has the lanes ``lane_from[g]`` to ``lane_from[g + 1]`` and the schedules ``schedule_from[g]`` to
    ``schedule_from[g + 1]``; its rows in the outputs count from 0. The steps are taken in the type of `like`; `single`
    is True where that is float32, or None. The coefficients of a step are made in float64 always.
    """
    kind = like.dtype.type
    block = BLOCK
    if single is not None:
        block = BLOCK_SINGLE
    year = 2.0 * math.pi / YEAR_D
    rates = _aligned(CONSTANTS * LANES, params)
    c = _aligned(CONSTANTS * LANES, like)
    z = _aligned(MOVING * LANES, like)
    response = _aligned(RESPONSE * LANES, params)
    bases = gap_base.shape[0]
    slot_of = np.full((bases, LEVELS), -1, np.int64)
    seen = np.zeros(bases, np.bool_)
    used_base = np.zeros(bases, np.int64)
    used = 0
    groups = lane_from.shape[0] - 1
    table = _aligned(COEFFICIENTS * LANES, like).reshape(1, COEFFICIENTS * LANES)
    waves = np.empty((plan.shape[0], 4))
    outputs, lanes = out_d.shape[0], params.shape[0]
    levels, d3s = level.reshape(-1), d3.reshape(-1)
    counts_from = np.searchsorted(out_d, peak_from)
    weights = np.empty((level.shape[0], outputs, 5))
    for g in range(groups):
        k_from, k_to = schedule_from[g], schedule_from[g + 1]
        # Which lengths the schedules of this group use, of which gaps, and which depots.
        for i in range(used):
            slot_of[used_base[i]] = -1
            seen[used_base[i]] = False
        used = 0
        for k in range(k_from, k_to):
            _seasons(plan, step_from[k], step_from[k + 1], origin_doy + start_d, waves)
            _weights(plan, step_from[k], step_from[k + 1], out_d, start_d, weights[k - k_from])
        for s in range(step_from[k_from], step_from[k_to]):
            if plan[s, 0] > 0.0:
                b = gap_of[np.int64(plan[s, 1])]
                if not seen[b]:
                    seen[b] = True
                    used_base[used] = b
                    used += 1
                slot_of[b, np.int64(plan[s, 2])] = 0
        has_oral = _held(state, 0, lane_from[g], lane_from[g + 1])
        has_im = _held(state, 1, lane_from[g], lane_from[g + 1])
        has_slow = _held(state, 2, lane_from[g], lane_from[g + 1])
        has_cal = _held(state, 3, lane_from[g], lane_from[g + 1])
        injected = False
        for e in range(event_from[k_from], event_from[k_to]):
            has_oral = has_oral or event_into[e] == 0
            has_cal = has_cal or event_into[e] == 2
            injected = injected or event_into[e] == 1
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
            room = (slots + most) * COEFFICIENTS * LANES
            table = _aligned(room, like).reshape(slots + most, COEFFICIENTS * LANES)
        for first in range(lane_from[g], lane_from[g + 1], LANES):
            n = min(LANES, lane_from[g + 1] - first)
            padded = (n + block - 1) // block * block
            load(rates, params, state, wave, first, n, padded, saturable)
            c[:] = rates
            fast = has_im or (injected and _filled(c, FI1, padded))
            slow = has_slow or (injected and _filled(c, FI2, padded))
            for u in range(used):
                b = used_base[u]
                if shared or b == 0:
                    chain(rates, response, padded, gap_base[b], slot_of[b], table, has_oral, fast, slow, has_cal)
            for k in range(k_from, k_to):
                row = k - k_from
                made = -1
                _start(z, state, first, n, padded)
                oral = _filled(z, XA, padded)
                im = _filled(z, XB, padded)
                im2 = _filled(z, XC, padded)
                cal = _filled(z, XD, padded)
                remainder(c, z, padded, saturable)
                nothing(z, padded)
                quiet = True
                t = start_d
                last = 0.0
                o = 0
                e = event_from[k]
                known = False
                cos1 = kind(math.cos(year * (origin_doy + t)))
                sin1 = kind(math.sin(year * (origin_doy + t)))
                for s in range(step_from[k], step_from[k + 1]):
                    h = plan[s, 0]
                    o_to = np.int64(plan[s, 3])
                    e_to = np.int64(plan[s, 4])
                    if h > 0.0:
                        b = gap_of[np.int64(plan[s, 1])]
                        if b > 0 and not shared and made != b:
                            chain(
                                rates, response, padded, gap_base[b], slot_of[b], table, has_oral, fast, slow, has_cal
                            )
                            made = b
                        co = table[slot_of[b, np.int64(plan[s, 2])]]
                        cos0, sin0 = cos1, sin1
                        cosm, sinm = kind(waves[s, 0]), kind(waves[s, 1])
                        cos1, sin1 = kind(waves[s, 2]), kind(waves[s, 3])
                        top = t + h >= peak_from
                        within = o < o_to and out_d[o] < t + h - 1e-9
                        bounded = refine and top and h > TURNING_D
                        if within or bounded:
                            if known:
                                again(z, padded)
                            else:
                                end(c, z, padded, VA, SA, saturable)
                        if oral or im or im2 or cal:
                            more = False
                            if oral:
                                inflow(z, co, padded, more, XA, DA1, EA, HA, KA3)
                                more = True
                            if im:
                                inflow(z, co, padded, more, XB, DB1, EB, HB, KB3)
                                more = True
                            if im2:
                                inflow(z, co, padded, more, XC, DC1, EC, HC, KC3)
                                more = True
                            if cal:
                                inflow_calcifediol(z, co, padded, more)
                            quiet = False
                            if h > 0.9:
                                oral = oral and _filled(z, XA, padded)
                                im = im and _filled(z, XB, padded)
                                im2 = im2 and _filled(z, XC, padded)
                                cal = cal and _filled(z, XD, padded)
                        elif not quiet:
                            nothing(z, padded)
                            quiet = True
                        twice = kind(2.0 * h / last if last > 0.0 else 0.0)
                        if within or bounded:
                            advance(
                                c, z, co, padded, twice, cos0, sin0, cosm, sinm, cos1, sin1, True, saturable, single
                            )
                        else:
                            advance(
                                c, z, co, padded, twice, cos0, sin0, cosm, sinm, cos1, sin1, None, saturable, single
                            )
                        last = h
                        known = within or bounded
                        if known:
                            end(c, z, padded, VB, SB, saturable)
                        if within:
                            inner = o
                            while inner < o_to and out_d[inner] < t + h - 1e-9:
                                inner += 1
                            at = row * outputs * lanes + first
                            between(z, n, levels, at, lanes, weights[row], o, inner, counts_from)
                            o = inner
                        t += h
                        extremes(z, padded, top)
                        if bounded:
                            turn(z, padded, h)
                    while o < o_to:
                        at = (row * outputs + o) * lanes + first
                        read(z, n, X3, levels[at : at + n])
                        if want_d3:
                            read(z, n, X1, d3s[at : at + n])
                        extremes(z, padded, t >= peak_from)
                        o += 1
                    while e < e_to:
                        into = event_into[e]
                        _give(c, z, padded, event_nmol[e], into)
                        oral = oral or into == 0
                        im = im or (into == 1 and fast)
                        im2 = im2 or (into == 1 and slow)
                        cal = cal or into == 2
                        known = False
                        last = 0.0
                        e += 1
                for j in range(n):
                    peak[row, first + j] = z[TOPS + j]
                    low[row, first + j] = z[LOWS + j]
                if final.shape[0] > 0:
                    for i in range(8):
                        for j in range(n):
                            final[row, i, first + j] = z[XA + i * LANES + j]
