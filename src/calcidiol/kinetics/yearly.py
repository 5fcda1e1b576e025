"""The yearly cycle before the first dose, compiled: the same method as `steady.periodic`, for tiles of lanes.

Each harmonic of D3 is solved in its linear part; the remainder of the conversion is evaluated at `POINTS` points of the
year and iterated. With a linear clearance 25(OH)D then follows at once, otherwise by the same iteration.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from calcidiol.kinetics.layout import ROW

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "arcp", "reassoc", "nsz"},
}
POINTS, HARMONICS, HALF = 16, 8, 9
ITERATIONS = 80
CONVERGED = 1e-10
LANES = 64
_ANGLE = 2.0 * np.pi * np.outer(np.arange(HARMONICS), np.arange(POINTS)) / POINTS
COS, SIN = np.cos(_ANGLE), np.sin(_ANGLE)
YEAR_D = 365.25
V1, V2, Q, CLO, VMAX, KM, CLH = (ROW[k] for k in ("v1", "v2", "q", "clo", "vmax", "km", "clh"))
V25, V25P, Q25, CL25 = (ROW[k] for k in ("v25", "v25p", "q25", "cl25"))
HMAX, HC50, HG = (ROW[k] for k in ("hill_clmax", "hill_c50", "hill_g"))
SEASON, PHASE, UNTREATED = ROW["season_amplitude"], ROW["season_phase_d"], ROW["untreated"]

# Rows of the scratch array of a tile: points of the year, harmonics (real, imaginary), lane constants.
(VALUE, REST, EVEN, ODD, RE, IM) = (0, 16 * LANES, 32 * LANES, 41 * LANES, 50 * LANES, 58 * LANES)
(BR, BI, SR, SI, NR, NI) = (66 * LANES, 74 * LANES, 82 * LANES, 90 * LANES, 98 * LANES, 106 * LANES)
(VM_, KM_, SLOPE, CHANGE) = (114 * LANES, 115 * LANES, 116 * LANES, 117 * LANES)
ROWS = 118


@njit(**_OPTIONS)
def _clear(y, n):  # type: ignore[no-untyped-def]
    for j in range(n):
        y[j] = 0.0


@njit(**_OPTIONS)
def _add(y, c, x, n):  # type: ignore[no-untyped-def]
    for j in range(n):
        y[j] += c * x[j]


@njit(**_OPTIONS)
def _fold(even, odd, a, b, n):  # type: ignore[no-untyped-def]
    for j in range(n):
        x, y = a[j], b[j]
        even[j] = x + y
        odd[j] = x - y


@njit(**_OPTIONS)
def _replace(value, change, even, odd, sign, n):  # type: ignore[no-untyped-def]
    for j in range(n):
        old = value[j]
        new = max(even[j] + sign * odd[j], 1e-6 * old)
        value[j] = new
        change[j] = max(change[j], abs(new - old) / old)


@njit(**_OPTIONS)
def _row(w, start, i):  # type: ignore[no-untyped-def]
    return w[start + i * LANES : start + (i + 1) * LANES]


@njit(**_OPTIONS)
def _forward(w, n):  # type: ignore[no-untyped-def]
    """Harmonics of the rows REST: value(t) = sum of RE cos + IM sin."""
    for t in (0, 8):
        _clear(_row(w, EVEN, t), n)
        _add(_row(w, EVEN, t), 1.0, _row(w, REST, t), n)
    for t in range(1, 8):
        _fold(_row(w, EVEN, t), _row(w, ODD, t), _row(w, REST, t), _row(w, REST, 16 - t), n)
    for k in range(HARMONICS):
        scale = 1.0 / 16.0 if k == 0 else 1.0 / 8.0
        re, im = _row(w, RE, k), _row(w, IM, k)
        _clear(re, n)
        _clear(im, n)
        for t in range(HALF):
            _add(re, scale * COS[k, t], _row(w, EVEN, t), n)
        for t in range(1, 8):
            _add(im, scale * SIN[k, t], _row(w, ODD, t), n)


@njit(**_OPTIONS)
def _backward(w, n):  # type: ignore[no-untyped-def]
    """Rows VALUE from the harmonics, and the largest relative change (row CHANGE)."""
    change = _row(w, CHANGE, 0)
    _clear(change, n)
    for t in range(HALF):
        even, odd = _row(w, EVEN, t), _row(w, ODD, t)
        _clear(even, n)
        _clear(odd, n)
        _add(even, 1.0, _row(w, RE, 0), n)
        for k in range(1, HARMONICS):
            _add(even, COS[k, t], _row(w, RE, k), n)
            _add(odd, SIN[k, t], _row(w, IM, k), n)
    for t in range(POINTS):
        at, sign = (t, 1.0) if t <= 8 else (16 - t, -1.0)
        _replace(_row(w, VALUE, t), change, _row(w, EVEN, at), _row(w, ODD, at), sign, n)


@njit(**_OPTIONS)
def _conversion(rest, x, vm, km, slope, n):  # type: ignore[no-untyped-def]
    for j in range(n):
        rest[j] = x[j] * (vm[j] / (km[j] + x[j]) - slope[j])


@njit(**_OPTIONS)
def _solve_harmonics(w, n):  # type: ignore[no-untyped-def]
    """Harmonics of the value: those of the input (rows SR, SI) less those of the remainder, by the linear part."""
    for k in range(HARMONICS):
        o = k * LANES
        for j in range(n):
            # cos and sin parts a, b stand for a - i b.
            re = w[SR + o + j] - w[RE + o + j]
            im = w[IM + o + j] - w[SI + o + j]
            br, bi = w[BR + o + j], w[BI + o + j]
            d = 1.0 / (br * br + bi * bi)
            w[RE + o + j] = (re * br + im * bi) * d
            w[IM + o + j] = -(im * br - re * bi) * d


@njit(**_OPTIONS)
def _linear(w, params, first, n, last, volume, flow, side, fixed):  # type: ignore[no-untyped-def]
    """Linear part of each harmonic, and what the side compartment has of it (rows NR, NI); row `fixed` is the slope."""
    for k in range(HARMONICS):
        omega = 2.0 * math.pi * k / YEAR_D
        for j in range(n):
            i = min(first + j, last)
            q = params[flow, i]
            tau = omega * params[side, i] / q if q > 0.0 else 0.0
            d = 1.0 / (1.0 + tau * tau)
            w[NR + k * LANES + j] = d
            w[NI + k * LANES + j] = -tau * d
            w[BR + k * LANES + j] = w[fixed + j] + q * (1.0 - d)
            w[BI + k * LANES + j] = params[volume, i] * omega + q * tau * d


@njit(**_OPTIONS)
def _read(w, n, day, into, central, beside):  # type: ignore[no-untyped-def]
    """Central and side concentration on a day."""
    for j in range(n):
        into[central * LANES + j] = 0.0
        into[beside * LANES + j] = 0.0
    for k in range(HARMONICS):
        c = math.cos(2.0 * math.pi * k * day / YEAR_D)
        s = math.sin(2.0 * math.pi * k * day / YEAR_D)
        o = k * LANES
        for j in range(n):
            re, im = w[RE + o + j], -w[IM + o + j]
            into[central * LANES + j] += re * c - im * s
            nr, ni = w[NR + o + j], w[NI + o + j]
            into[beside * LANES + j] += (re * nr - im * ni) * c - (re * ni + im * nr) * s


@njit(**_OPTIONS)
def _largest(w, n):  # type: ignore[no-untyped-def]
    top = 0.0
    for j in range(n):
        # A lane that is not finite must not hold up the others.
        if w[CHANGE + j] < 1e300:
            top = max(top, w[CHANGE + j])
    return top


@njit(**_OPTIONS)
def cycle(params, c1, r0, day, state):  # type: ignore[no-untyped-def]
    """Rows 4 to 7 of the state (8, N) on a day of the year; c1 and r0 as from `steady.constant`."""
    lanes = params.shape[1]
    w = np.zeros(ROWS * LANES)
    into = np.zeros(4 * LANES)
    for first in range(0, lanes, LANES):
        count = min(LANES, lanes - first)
        n = (count + 7) // 8 * 8
        last = lanes - 1
        hill = False
        for j in range(n):
            i = min(first + j, last)
            hill = hill or params[HMAX, i] > 0.0
            vm, km = params[VMAX, i], params[KM, i]
            w[VM_ + j] = vm
            w[KM_ + j] = km
            slope = vm * km / ((km + c1[i]) * (km + c1[i]))
            w[SLOPE + j] = slope
            w[CHANGE + j] = params[CLO, i] + params[CLH, i] + slope
        _linear(w, params, first, n, last, V1, Q, V2, CHANGE)
        for k in range(HARMONICS):
            for j in range(n):
                w[SR + k * LANES + j] = 0.0
                w[SI + k * LANES + j] = 0.0
        for j in range(n):
            i = min(first + j, last)
            angle = 2.0 * math.pi * params[PHASE, i] / YEAR_D
            w[SR + j] = r0[i]
            w[SR + LANES + j] = r0[i] * params[SEASON, i] * math.cos(angle)
            w[SI + LANES + j] = r0[i] * params[SEASON, i] * math.sin(angle)
            for t in range(POINTS):
                w[VALUE + t * LANES + j] = c1[i]
        for _ in range(ITERATIONS):
            for t in range(POINTS):
                _conversion(_row(w, REST, t), _row(w, VALUE, t), _row(w, VM_, 0), _row(w, KM_, 0), _row(w, SLOPE, 0), n)
            _forward(w, n)
            _solve_harmonics(w, n)
            _backward(w, n)
            if _largest(w, n) < CONVERGED:
                break
        _read(w, n, day, into, 0, 1)
        for t in range(POINTS):
            for j in range(n):
                x = w[VALUE + t * LANES + j]
                w[REST + t * LANES + j] = x * (w[VM_ + j] / (w[KM_ + j] + x) + params[CLH, min(first + j, last)])
        _forward(w, n)
        for k in range(HARMONICS):
            for j in range(n):
                w[SR + k * LANES + j] = w[RE + k * LANES + j]
                w[SI + k * LANES + j] = w[IM + k * LANES + j]
                w[RE + k * LANES + j] = 0.0
                w[IM + k * LANES + j] = 0.0
        for j in range(n):
            i = min(first + j, last)
            z = (params[UNTREATED, i] / params[HC50, i]) ** params[HG, i]
            w[SLOPE + j] = params[HMAX, i] * z / (1.0 + z) * (1.0 + params[HG, i] / (1.0 + z))
            w[CHANGE + j] = params[CL25, i] + w[SLOPE + j]
            for t in range(POINTS):
                w[VALUE + t * LANES + j] = params[UNTREATED, i]
        _linear(w, params, first, n, last, V25, Q25, V25P, CHANGE)
        for _ in range(ITERATIONS if hill else 1):
            if hill:
                for t in range(POINTS):
                    for j in range(n):
                        i = min(first + j, last)
                        y = w[VALUE + t * LANES + j]
                        z = (y / params[HC50, i]) ** params[HG, i]
                        w[REST + t * LANES + j] = y * (params[HMAX, i] * z / (1.0 + z) - w[SLOPE + j])
                _forward(w, n)
            _solve_harmonics(w, n)
            if hill:
                _backward(w, n)
                if _largest(w, n) < CONVERGED:
                    break
        _read(w, n, day, into, 2, 3)
        for row in range(4):
            for j in range(count):
                state[4 + row, first + j] = into[row * LANES + j]
