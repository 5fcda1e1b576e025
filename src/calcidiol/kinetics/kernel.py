"""The compiled core: many lanes through one plan of steps.

A lane is one set of parameters. Depots empty by their own exponentials, exactly; the four concentrations advance by the
classical fourth-order Runge-Kutta method with the depots' exact inflow at the start, middle and end of each step. Steps
follow the doses and are shared by all lanes of a schedule, so that the inner loops run over lanes and vectorize.

Imported only by `solve`, so that numba is loaded when the first equation has to be solved.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from calcidiol.kinetics.layout import ROW

# No NaN and no infinity flags: a lane that fails must be seen, not optimized away. Every function stands at the top of
# the module: numba cannot find a closure again in its cache.
_FAST = {"contract", "arcp", "reassoc", "nsz"}
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": _FAST}
LANES = 64
"""Lanes of a tile. All that a step reads and writes lies in one array of rows of `LANES`, at constant distances, so
that the compiler can prove that no row overlaps another and uses vector instructions."""
BLOCK = 8
"""Lanes of the innermost loop: one 512-bit vector."""

KA, KIM, KIM2, FAST, KC = (ROW[k] for k in ("ka", "kim", "kim_slow", "im_fast", "kc"))
FO, FI, FC = (ROW[k] for k in ("f_oral", "f_im", "f_calcifediol"))
V1, V2, Q, CLO, VMAX, KM, CLH = (ROW[k] for k in ("v1", "v2", "q", "clo", "vmax", "km", "clh"))
V25, V25P, Q25, CL25 = (ROW[k] for k in ("v25", "v25p", "q25", "cl25"))
HMAX, HC50, HG = (ROW[k] for k in ("hill_clmax", "hill_c50", "hill_g"))
SEASON, PHASE = ROW["season_amplitude"], ROW["season_phase_d"]
YEAR_D = 365.25


@njit(**_OPTIONS)
def plan_steps(event_d, event_into, out_d, start_d, longest_d, finest_d, growth, end_d):  # type: ignore[no-untyped-def]
    """Steps of one schedule: length, event index after it (-1), output index after it (-1), as three arrays.

    After a dose by mouth steps start at `finest_d`, after an injection at four times that, and grow with the time since
    the dose, up to `longest_d`. Steps end at every event and output; a sample at the time of a dose is read first.
    """
    n = event_d.shape[0]
    m = out_d.shape[0]
    size = 16 + n + m
    lengths = np.empty(size)
    events = np.empty(size, np.int64)
    outputs = np.empty(size, np.int64)
    count = 0
    t = start_d
    e = 0
    o = 0
    since_oral = 1e9
    since_im = 1e9
    while True:
        # Everything that happens at this instant: outputs first, then doses.
        while o < m and out_d[o] <= t + 1e-9:
            if count + 2 >= lengths.shape[0]:
                lengths, events, outputs = _larger(lengths, events, outputs)
            lengths[count] = 0.0
            events[count] = -1
            outputs[count] = o
            count += 1
            o += 1
        while e < n and event_d[e] <= t + 1e-9:
            if count + 2 >= lengths.shape[0]:
                lengths, events, outputs = _larger(lengths, events, outputs)
            lengths[count] = 0.0
            events[count] = e
            outputs[count] = -1
            count += 1
            if event_into[e] == 1:
                since_im = 0.0
            else:
                since_oral = 0.0
            e += 1
        if o >= m and e >= n and t >= end_d - 1e-9:
            break
        if o >= m and t >= end_d - 1e-9:
            break
        h = longest_d
        h = min(h, finest_d + growth * since_oral)
        h = min(h, 4.0 * finest_d + growth * since_im)
        to = end_d - t
        if o < m:
            to = min(to, out_d[o] - t)
        if e < n:
            to = min(to, event_d[e] - t)
        # Equal parts up to the next stop, so that few different lengths occur.
        if h >= to:
            h = to
        elif 2.0 * h > to:
            h = 0.5 * to
        if count + 2 >= lengths.shape[0]:
            lengths, events, outputs = _larger(lengths, events, outputs)
        lengths[count] = h
        events[count] = -1
        outputs[count] = -1
        count += 1
        t += h
        since_oral += h
        since_im += h
    return lengths[:count], events[:count], outputs[:count]


@njit(**_OPTIONS)
def _larger(lengths, events, outputs):  # type: ignore[no-untyped-def]
    n = lengths.shape[0]
    a = np.empty(2 * n)
    b = np.empty(2 * n, np.int64)
    c = np.empty(2 * n, np.int64)
    a[:n] = lengths
    b[:n] = events
    c[:n] = outputs
    return a, b, c


@njit(**_OPTIONS)
def plan_all(event_d, event_into, event_from, out_d, start_d, longest_d, finest_d, growth, end_d):  # type: ignore[no-untyped-def]
    """Steps of many schedules, one behind the other; `step_from[k]` is where schedule k begins."""
    k = event_from.shape[0] - 1
    step_from = np.zeros(k + 1, np.int64)
    lengths = np.empty(1024)
    events = np.empty(1024, np.int64)
    outputs = np.empty(1024, np.int64)
    total = 0
    for i in range(k):
        a, b = event_from[i], event_from[i + 1]
        x, y, z = plan_steps(event_d[a:b], event_into[a:b], out_d, start_d, longest_d, finest_d, growth, end_d)
        while total + x.shape[0] > lengths.shape[0]:
            lengths, events, outputs = _larger(lengths, events, outputs)
        lengths[total : total + x.shape[0]] = x
        events[total : total + x.shape[0]] = y
        outputs[total : total + x.shape[0]] = z
        total += x.shape[0]
        step_from[i + 1] = total
    return lengths[:total], events[:total], outputs[:total], step_from


# Rows of the scratch array of a tile, each `LANES` long.
(R_IV1, R_CLO, R_Q, R_VM, R_KM, R_CH, R_K2, R_IV3, R_Q3, R_K4, R_CL, R_HM, R_HC, R_HG, R_IN, R_SEASON, R_COS, R_SIN,
 R_KA, R_KI1, R_KI2, R_KC, R_FO, R_FI, R_FAST, R_FC,
 X_ORAL, X_IM, X_IM2, X_CAL, X_C1, X_C2, X_C25, X_C25P,
 U0, U1, U2, W0, W1, W2, R_TOP) = (i * LANES for i in range(41))  # fmt: skip
ROWS = 41


@njit(**_OPTIONS)
def _advance(z, n, h, s0c, s0s, s1c, s1s, s2c, s2s, saturable):  # type: ignore[no-untyped-def]
    """One Runge-Kutta step of length h for the first n lanes (n a multiple of `BLOCK`).

    `saturable` is None for a linear clearance: numba then drops the powers at compile time, which would keep the loop
    from using vector instructions.
    """
    h2 = 0.5 * h
    h6 = h / 6.0
    for j in range(n):
        v1 = z[R_IV1 + j]
        co = z[R_CLO + j]
        q = z[R_Q + j]
        vm = z[R_VM + j]
        km = z[R_KM + j]
        ch = z[R_CH + j]
        k2 = z[R_K2 + j]
        v3 = z[R_IV3 + j]
        q3 = z[R_Q3 + j]
        k4 = z[R_K4 + j]
        cl = z[R_CL + j]
        r0 = z[R_IN + j]
        ra = z[R_SEASON + j]
        wc = z[R_COS + j]
        ws = z[R_SIN + j]
        a = z[X_C1 + j]
        bb = z[X_C2 + j]
        c = z[X_C25 + j]
        d = z[X_C25P + j]
        i0 = z[U0 + j] + r0 + ra * (wc * s0c + ws * s0s)
        i1 = z[U1 + j] + r0 + ra * (wc * s1c + ws * s1s)
        i2 = z[U2 + j] + r0 + ra * (wc * s2c + ws * s2s)
        g0 = z[W0 + j]
        g1 = z[W1 + j]
        g2 = z[W2 + j]
        f = a * (vm / (km + a) + ch)
        a1 = (i0 - co * a - f - q * (a - bb)) * v1
        b1 = k2 * (a - bb)
        e1 = (f + g0 - cl * c - q3 * (c - d)) * v3
        d1 = k4 * (c - d)
        if saturable is not None:
            y = (c / z[R_HC + j]) ** z[R_HG + j]
            e1 -= z[R_HM + j] * y / (1.0 + y) * c * v3
        p = a + h2 * a1
        r = bb + h2 * b1
        s = c + h2 * e1
        t = d + h2 * d1
        f = p * (vm / (km + p) + ch)
        a2 = (i1 - co * p - f - q * (p - r)) * v1
        b2 = k2 * (p - r)
        e2 = (f + g1 - cl * s - q3 * (s - t)) * v3
        d2 = k4 * (s - t)
        if saturable is not None:
            y = (s / z[R_HC + j]) ** z[R_HG + j]
            e2 -= z[R_HM + j] * y / (1.0 + y) * s * v3
        p = a + h2 * a2
        r = bb + h2 * b2
        s = c + h2 * e2
        t = d + h2 * d2
        f = p * (vm / (km + p) + ch)
        a3 = (i1 - co * p - f - q * (p - r)) * v1
        b3 = k2 * (p - r)
        e3 = (f + g1 - cl * s - q3 * (s - t)) * v3
        d3 = k4 * (s - t)
        if saturable is not None:
            y = (s / z[R_HC + j]) ** z[R_HG + j]
            e3 -= z[R_HM + j] * y / (1.0 + y) * s * v3
        p = a + h * a3
        r = bb + h * b3
        s = c + h * e3
        t = d + h * d3
        f = p * (vm / (km + p) + ch)
        a4 = (i2 - co * p - f - q * (p - r)) * v1
        b4 = k2 * (p - r)
        e4 = (f + g2 - cl * s - q3 * (s - t)) * v3
        d4 = k4 * (s - t)
        if saturable is not None:
            y = (s / z[R_HC + j]) ** z[R_HG + j]
            e4 -= z[R_HM + j] * y / (1.0 + y) * s * v3
        z[X_C1 + j] = a + h6 * (a1 + 2.0 * (a2 + a3) + a4)
        z[X_C2 + j] = bb + h6 * (b1 + 2.0 * (b2 + b3) + b4)
        z[X_C25 + j] = c + h6 * (e1 + 2.0 * (e2 + e3) + e4)
        z[X_C25P + j] = d + h6 * (d1 + 2.0 * (d2 + d3) + d4)


@njit(**_OPTIONS)
def _flow(z, n, state, rate, u, decay, at):  # type: ignore[no-untyped-def]
    """Exact inflow from one depot at the start, middle and end of a step; the depot is left as at the end."""
    for j in range(n):
        g = z[state + j]
        k = z[rate + j]
        half = decay[at + j]
        z[u + j] += k * g
        g *= half
        z[u + LANES + j] += k * g
        g *= half
        z[u + 2 * LANES + j] += k * g
        z[state + j] = g


@njit(**_OPTIONS)
def _load(z, params, state, first, n, padded):  # type: ignore[no-untyped-def]
    """Parameters and lane constants of a tile; the padding repeats the last lane."""
    year = 2.0 * math.pi / YEAR_D
    for j in range(padded):
        i = first + min(j, n - 1)
        z[R_IV1 + j] = 1.0 / params[V1, i]
        z[R_CLO + j] = params[CLO, i]
        z[R_Q + j] = params[Q, i]
        z[R_VM + j] = params[VMAX, i]
        z[R_KM + j] = params[KM, i]
        z[R_CH + j] = params[CLH, i]
        z[R_K2 + j] = params[Q, i] / params[V2, i]
        z[R_IV3 + j] = 1.0 / params[V25, i]
        z[R_Q3 + j] = params[Q25, i]
        z[R_K4 + j] = params[Q25, i] / params[V25P, i]
        z[R_CL + j] = params[CL25, i]
        z[R_HM + j] = params[HMAX, i]
        z[R_HC + j] = params[HC50, i]
        z[R_HG + j] = params[HG, i]
        z[R_IN + j] = state[8, i]
        z[R_SEASON + j] = state[8, i] * params[SEASON, i]
        z[R_COS + j] = math.cos(year * params[PHASE, i])
        z[R_SIN + j] = math.sin(year * params[PHASE, i])
        z[R_KA + j] = params[KA, i]
        z[R_KI1 + j] = params[KIM, i]
        z[R_KI2 + j] = params[KIM2, i]
        z[R_KC + j] = params[KC, i]
        z[R_FO + j] = params[FO, i]
        z[R_FI + j] = params[FI, i]
        z[R_FAST + j] = params[FAST, i]
        z[R_FC + j] = params[FC, i]


@njit(**_OPTIONS)
def _decay(decay, z, padded, i, h):  # type: ignore[no-untyped-def]
    """What is left of each depot after half a step, for the i-th step length."""
    h2 = 0.5 * h
    for j in range(padded):
        decay[(4 * i) * LANES + j] = math.exp(-z[R_KA + j] * h2)
        decay[(4 * i + 1) * LANES + j] = math.exp(-z[R_KI1 + j] * h2)
        decay[(4 * i + 2) * LANES + j] = math.exp(-z[R_KI2 + j] * h2)
        decay[(4 * i + 3) * LANES + j] = math.exp(-z[R_KC + j] * h2)


@njit(**_OPTIONS)
def run(  # type: ignore[no-untyped-def]
    saturable, params, state, event_d, event_nmol, event_into, event_from, lengths, length_id, unique, events, outputs,
    step_from, start_d, origin_doy, peak_from, each, want_d3, level, d3, peak, final,
):  # fmt: skip
    """All schedules for all lanes; with `each`, the schedule of its own for each lane."""
    lanes = params.shape[1]
    z = np.zeros(ROWS * LANES)
    decay = np.empty(unique.shape[0] * 4 * LANES)
    schedules = 1 if each else event_from.shape[0] - 1
    year = 2.0 * math.pi / YEAR_D
    width = 1 if each else LANES
    for first in range(0, lanes, width):
        n = min(width, lanes - first)
        padded = (n + BLOCK - 1) // BLOCK * BLOCK
        _load(z, params, state, first, n, padded)
        if not each:
            for i in range(unique.shape[0]):
                _decay(decay, z, padded, i, unique[i])
        for k0 in range(schedules):
            k = first if each else k0
            row = 0 if each else k0
            oral = False
            im = False
            cal = False
            for i in range(8):
                for j in range(padded):
                    z[X_ORAL + i * LANES + j] = state[i, first + min(j, n - 1)]
            for j in range(padded):
                z[R_TOP + j] = -1.0
                oral = oral or z[X_ORAL + j] > 0.0
                im = im or z[X_IM + j] + z[X_IM2 + j] > 0.0
                cal = cal or z[X_CAL + j] > 0.0
            for j in range(6 * LANES):
                z[U0 + j] = 0.0
            t = start_d
            s2c = math.cos(year * (origin_doy + t))
            s2s = math.sin(year * (origin_doy + t))
            for s in range(step_from[k], step_from[k + 1]):
                h = lengths[s]
                if h > 0.0:
                    at = 4 * length_id[s] * LANES
                    if each:
                        _decay(decay, z, padded, 0, h)
                        at = 0
                    s0c = s2c
                    s0s = s2s
                    s1c = math.cos(year * (origin_doy + t + 0.5 * h))
                    s1s = math.sin(year * (origin_doy + t + 0.5 * h))
                    s2c = math.cos(year * (origin_doy + t + h))
                    s2s = math.sin(year * (origin_doy + t + h))
                    if oral or im:
                        for j in range(3 * LANES):
                            z[U0 + j] = 0.0
                    if oral:
                        _flow(z, padded, X_ORAL, R_KA, U0, decay, at)
                    if im:
                        _flow(z, padded, X_IM, R_KI1, U0, decay, at + LANES)
                        _flow(z, padded, X_IM2, R_KI2, U0, decay, at + 2 * LANES)
                    if cal:
                        for j in range(3 * LANES):
                            z[W0 + j] = 0.0
                        _flow(z, padded, X_CAL, R_KC, W0, decay, at + 3 * LANES)
                    _advance(z, padded, h, s0c, s0s, s1c, s1s, s2c, s2s, saturable)
                    t += h
                    if t >= peak_from:
                        for j in range(padded):
                            z[R_TOP + j] = max(z[R_TOP + j], z[X_C25 + j])
                e = events[s]
                if e >= 0:
                    amount = event_nmol[event_from[k] + e]
                    into = event_into[event_from[k] + e]
                    if into == 0:
                        oral = True
                        for j in range(padded):
                            z[X_ORAL + j] += amount * z[R_FO + j]
                    elif into == 1:
                        im = True
                        for j in range(padded):
                            z[X_IM + j] += amount * z[R_FI + j] * z[R_FAST + j]
                            z[X_IM2 + j] += amount * z[R_FI + j] * (1.0 - z[R_FAST + j])
                    else:
                        cal = True
                        for j in range(padded):
                            z[X_CAL + j] += amount * z[R_FC + j]
                o = outputs[s]
                if o >= 0:
                    for j in range(n):
                        level[row, o, first + j] = z[X_C25 + j]
                    if want_d3:
                        for j in range(n):
                            d3[row, o, first + j] = z[X_C1 + j]
                    if t >= peak_from:
                        for j in range(padded):
                            z[R_TOP + j] = max(z[R_TOP + j], z[X_C25 + j])
            for j in range(n):
                peak[row, first + j] = z[R_TOP + j]
            if final.shape[0] > 0:
                for i in range(8):
                    for j in range(n):
                        final[row, i, first + j] = z[X_ORAL + i * LANES + j]
