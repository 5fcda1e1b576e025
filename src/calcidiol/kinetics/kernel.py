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

# No NaN and no infinity flags: a lane that fails must be seen, not optimized away.
_FAST = {"contract", "arcp", "reassoc", "nsz"}
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": _FAST}
LANES = 64

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


def _make(saturable: bool) -> Any:
    """The kernel, with or without a saturable clearance of 25(OH)D (its powers cost more than all the rest)."""

    @njit(**_OPTIONS)
    def advance(p, w, x, h, u0, u1, u2, c0, c1_, c2_, s0, s1, s2, n):  # type: ignore[no-untyped-def]
        # p: parameters, w: lane constants, x: states; one Runge-Kutta step of length h for n lanes.
        h2 = 0.5 * h
        h6 = h / 6.0
        for j in range(n):
            v1 = w[0, j]
            r0 = w[4, j]
            ra = w[5, j]
            vm = p[VMAX, j]
            km = p[KM, j]
            ch = p[CLH, j]
            co = p[CLO, j]
            q = p[Q, j]
            k2 = w[1, j]
            v3 = w[2, j]
            q3 = p[Q25, j]
            k4 = w[3, j]
            cl = p[CL25, j]
            a = x[4, j]
            b = x[5, j]
            c = x[6, j]
            d = x[7, j]
            i0 = u0[j] + r0 + ra * (w[6, j] * s0[0] + w[7, j] * s0[1])
            i1 = u1[j] + r0 + ra * (w[6, j] * s1[0] + w[7, j] * s1[1])
            i2 = u2[j] + r0 + ra * (w[6, j] * s2[0] + w[7, j] * s2[1])
            f = a * (vm / (km + a) + ch)
            a1 = (i0 - co * a - f - q * (a - b)) * v1
            b1 = k2 * (a - b)
            if saturable:
                z = (c / p[HC50, j]) ** p[HG, j]
                f -= p[HMAX, j] * z / (1.0 + z) * c
            e1 = (f + c0[j] - cl * c - q3 * (c - d)) * v3
            d1 = k4 * (c - d)
            aa = a + h2 * a1
            bb = b + h2 * b1
            cc = c + h2 * e1
            dd = d + h2 * d1
            f = aa * (vm / (km + aa) + ch)
            a2 = (i1 - co * aa - f - q * (aa - bb)) * v1
            b2 = k2 * (aa - bb)
            if saturable:
                z = (cc / p[HC50, j]) ** p[HG, j]
                f -= p[HMAX, j] * z / (1.0 + z) * cc
            e2 = (f + c1_[j] - cl * cc - q3 * (cc - dd)) * v3
            d2 = k4 * (cc - dd)
            aa = a + h2 * a2
            bb = b + h2 * b2
            cc = c + h2 * e2
            dd = d + h2 * d2
            f = aa * (vm / (km + aa) + ch)
            a3 = (i1 - co * aa - f - q * (aa - bb)) * v1
            b3 = k2 * (aa - bb)
            if saturable:
                z = (cc / p[HC50, j]) ** p[HG, j]
                f -= p[HMAX, j] * z / (1.0 + z) * cc
            e3 = (f + c1_[j] - cl * cc - q3 * (cc - dd)) * v3
            d3 = k4 * (cc - dd)
            aa = a + h * a3
            bb = b + h * b3
            cc = c + h * e3
            dd = d + h * d3
            f = aa * (vm / (km + aa) + ch)
            a4 = (i2 - co * aa - f - q * (aa - bb)) * v1
            b4 = k2 * (aa - bb)
            if saturable:
                z = (cc / p[HC50, j]) ** p[HG, j]
                f -= p[HMAX, j] * z / (1.0 + z) * cc
            e4 = (f + c2_[j] - cl * cc - q3 * (cc - dd)) * v3
            d4 = k4 * (cc - dd)
            x[4, j] = a + h6 * (a1 + 2.0 * (a2 + a3) + a4)
            x[5, j] = b + h6 * (b1 + 2.0 * (b2 + b3) + b4)
            x[6, j] = c + h6 * (e1 + 2.0 * (e2 + e3) + e4)
            x[7, j] = d + h6 * (d1 + 2.0 * (d2 + d3) + d4)

    @njit(**_OPTIONS)
    def depot(x, i, rate, decay, share, u0, u1, u2, n):  # type: ignore[no-untyped-def]
        # Exact inflow from one depot at the start, middle and end of a step; the depot is left as at the end.
        for j in range(n):
            g = x[i, j]
            k = rate[j] * share
            half = decay[j]
            u0[j] += k * g
            g *= half
            u1[j] += k * g
            g *= half
            u2[j] += k * g
            x[i, j] = g

    @njit(**_OPTIONS)
    def run(
        params,
        state,
        lane_from,
        lane_to,
        event_d,
        event_nmol,
        event_into,
        event_from,
        lengths,
        length_id,
        unique,
        events,
        outputs,
        step_from,
        start_d,
        origin_doy,
        peak_from,
        each,
        want_d3,
        level,
        d3,
        peak,
        final,
    ):  # type: ignore[no-untyped-def]
        """All schedules (or, with `each`, the schedule of each lane) for the lanes [lane_from, lane_to)."""
        n_all = lane_to - lane_from
        x = np.empty((8, LANES))
        w = np.empty((8, LANES))
        p = np.empty((params.shape[0], LANES))
        u0 = np.empty(LANES)
        u1 = np.empty(LANES)
        u2 = np.empty(LANES)
        c0 = np.empty(LANES)
        c1 = np.empty(LANES)
        c2 = np.empty(LANES)
        s0 = np.empty(2)
        s1 = np.empty(2)
        s2 = np.empty(2)
        top = np.empty(LANES)
        decay = np.empty((unique.shape[0], 4, LANES))
        schedules = 1 if each else event_from.shape[0] - 1
        year = 2.0 * math.pi / YEAR_D
        width = 1 if each else LANES
        for first in range(lane_from, lane_from + n_all, width):
            n = min(width, lane_to - first)
            for r in range(params.shape[0]):
                for j in range(n):
                    p[r, j] = params[r, first + j]
            for j in range(n):
                w[0, j] = 1.0 / p[V1, j]
                w[1, j] = p[Q, j] / p[V2, j]
                w[2, j] = 1.0 / p[V25, j]
                w[3, j] = p[Q25, j] / p[V25P, j]
                w[4, j] = state[8, first + j]
                w[5, j] = state[8, first + j] * p[SEASON, j]
                w[6, j] = math.cos(year * p[PHASE, j])
                w[7, j] = math.sin(year * p[PHASE, j])
            if not each:
                for i in range(unique.shape[0]):
                    for j in range(n):
                        h2 = 0.5 * unique[i]
                        decay[i, 0, j] = math.exp(-p[KA, j] * h2)
                        decay[i, 1, j] = math.exp(-p[KIM, j] * h2)
                        decay[i, 2, j] = math.exp(-p[KIM2, j] * h2)
                        decay[i, 3, j] = math.exp(-p[KC, j] * h2)
            for k0 in range(schedules):
                k = first if each else k0
                row = 0 if each else k0
                for i in range(8):
                    for j in range(n):
                        x[i, j] = state[i, first + j]
                for j in range(n):
                    top[j] = -1.0
                t = start_d
                oral = False
                im = False
                cal = False
                for j in range(n):
                    if x[0, j] > 0.0:
                        oral = True
                    if x[1, j] + x[2, j] > 0.0:
                        im = True
                    if x[3, j] > 0.0:
                        cal = True
                s2[0] = math.cos(year * (origin_doy + t))
                s2[1] = math.sin(year * (origin_doy + t))
                for s in range(step_from[k], step_from[k + 1]):
                    h = lengths[s]
                    if h > 0.0:
                        hid = length_id[s]
                        if each:
                            h2 = 0.5 * h
                            decay[0, 0, 0] = math.exp(-p[KA, 0] * h2)
                            decay[0, 1, 0] = math.exp(-p[KIM, 0] * h2)
                            decay[0, 2, 0] = math.exp(-p[KIM2, 0] * h2)
                            decay[0, 3, 0] = math.exp(-p[KC, 0] * h2)
                            hid = 0
                        s0[0] = s2[0]
                        s0[1] = s2[1]
                        s1[0] = math.cos(year * (origin_doy + t + 0.5 * h))
                        s1[1] = math.sin(year * (origin_doy + t + 0.5 * h))
                        s2[0] = math.cos(year * (origin_doy + t + h))
                        s2[1] = math.sin(year * (origin_doy + t + h))
                        for j in range(n):
                            u0[j] = 0.0
                            u1[j] = 0.0
                            u2[j] = 0.0
                            c0[j] = 0.0
                            c1[j] = 0.0
                            c2[j] = 0.0
                        if oral:
                            depot(x, 0, p[KA], decay[hid, 0], 1.0, u0, u1, u2, n)
                        if im:
                            depot(x, 1, p[KIM], decay[hid, 1], 1.0, u0, u1, u2, n)
                            depot(x, 2, p[KIM2], decay[hid, 2], 1.0, u0, u1, u2, n)
                        if cal:
                            depot(x, 3, p[KC], decay[hid, 3], 1.0, c0, c1, c2, n)
                        advance(p, w, x, h, u0, u1, u2, c0, c1, c2, s0, s1, s2, n)
                        t += h
                        if t >= peak_from:
                            for j in range(n):
                                top[j] = max(top[j], x[6, j])
                    e = events[s]
                    if e >= 0:
                        amount = event_nmol[event_from[k] + e]
                        into = event_into[event_from[k] + e]
                        if into == 0:
                            oral = True
                            for j in range(n):
                                x[0, j] += amount * p[FO, j]
                        elif into == 1:
                            im = True
                            for j in range(n):
                                x[1, j] += amount * p[FI, j] * p[FAST, j]
                                x[2, j] += amount * p[FI, j] * (1.0 - p[FAST, j])
                        else:
                            cal = True
                            for j in range(n):
                                x[3, j] += amount * p[FC, j]
                    o = outputs[s]
                    if o >= 0:
                        for j in range(n):
                            level[row, first + j, o] = x[6, j]
                        if want_d3:
                            for j in range(n):
                                d3[row, first + j, o] = x[4, j]
                        if t >= peak_from:
                            for j in range(n):
                                top[j] = max(top[j], x[6, j])
                for j in range(n):
                    peak[row, first + j] = top[j]
                if final.shape[0] > 0:
                    for i in range(8):
                        for j in range(n):
                            final[row, i, first + j] = x[i, j]

    return run


run_linear = _make(False)
run_saturable = _make(True)
