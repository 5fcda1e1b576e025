"""The yearly cycle of a linear clearance at eight points of the year: cheap, and good to 1e-4 of 25(OH)D.

The same method as `yearly`, with three harmonics, written out so that all lanes of a tile go through one loop. Days
count from the lane's own peak of the input, so that its forcing is a cosine.
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
ITERATIONS = 60
LANES = 64
YEAR_D = 365.25
S = math.sqrt(0.5)
V1, V2, Q, CLO, VMAX, KM, CLH = (ROW[k] for k in ("v1", "v2", "q", "clo", "vmax", "km", "clh"))
V25, V25P, Q25, CL25, SEASON = (ROW[k] for k in ("v25", "v25p", "q25", "cl25", "season_amplitude"))

# Rows of a tile: values at the points, harmonics (cosine and sine parts), their linear answer, what moves a lane.
(X0, X1, X2, X3, X4, X5, X6, X7, A0, A1, A2, A3, B1, B2, B3, G0, R1, R2, R3, I1, I2, I3,
 VM, KM_, SLOPE, INPUT, SWING, SCALE, LIVE, CLH_, VOLUME, FLOW, SIDE, BASE, COS, SIN) = (
    i * LANES for i in range(36)
)  # fmt: skip
ROWS = 36


@njit(**_OPTIONS)
def _load(w, params, c1, r0, first, n, last):  # type: ignore[no-untyped-def]
    for j in range(n):
        i = min(first + j, last)
        vm, km, x = params[i, VMAX], params[i, KM], c1[i]
        slope = vm * km / ((km + x) * (km + x))
        w[VM + j] = vm
        w[KM_ + j] = km
        w[SLOPE + j] = slope
        w[CLH_ + j] = params[i, CLH]
        w[INPUT + j] = r0[i]
        w[SWING + j] = r0[i] * params[i, SEASON]
        w[SCALE + j] = 1.0 / x
        w[VOLUME + j] = params[i, V1]
        w[FLOW + j] = params[i, Q]
        w[SIDE + j] = params[i, V2] / params[i, Q] if params[i, Q] > 0.0 else 0.0
        w[BASE + j] = params[i, CLO] + params[i, CLH] + slope
        w[X0 + j] = x


@njit(**_OPTIONS)
def _load_25(w, params, first, n, last):  # type: ignore[no-untyped-def]
    for j in range(n):
        i = min(first + j, last)
        w[VOLUME + j] = params[i, V25]
        w[FLOW + j] = params[i, Q25]
        w[SIDE + j] = params[i, V25P] / params[i, Q25] if params[i, Q25] > 0.0 else 0.0
        w[BASE + j] = params[i, CL25]


@njit(**_OPTIONS)
def _begin(w, n):  # type: ignore[no-untyped-def]
    for j in range(n):
        x = w[X0 + j]
        w[X1 + j] = x
        w[X2 + j] = x
        w[X3 + j] = x
        w[X4 + j] = x
        w[X5 + j] = x
        w[X6 + j] = x
        w[X7 + j] = x
        w[A0 + j] = x
        w[A1 + j] = 0.0
        w[A2 + j] = 0.0
        w[A3 + j] = 0.0
        w[B1 + j] = 0.0
        w[B2 + j] = 0.0
        w[B3 + j] = 0.0
        w[LIVE + j] = 1.0


@njit(**_OPTIONS)
def _linear(w, n):  # type: ignore[no-untyped-def]
    """Answer of the linear part to a unit of each harmonic: real and imaginary part."""
    omega = 2.0 * math.pi / YEAR_D
    for j in range(n):
        q, v, base = w[FLOW + j], w[VOLUME + j], w[BASE + j]
        tau = omega * w[SIDE + j]
        w[G0 + j] = 1.0 / base
        d = q / (1.0 + tau * tau)
        re, im = base + q - d, v * omega + d * tau
        f = 1.0 / (re * re + im * im)
        w[R1 + j] = re * f
        w[I1 + j] = -im * f
        tau2 = 2.0 * tau
        d = q / (1.0 + tau2 * tau2)
        re, im = base + q - d, 2.0 * v * omega + d * tau2
        f = 1.0 / (re * re + im * im)
        w[R2 + j] = re * f
        w[I2 + j] = -im * f
        tau3 = 3.0 * tau
        d = q / (1.0 + tau3 * tau3)
        re, im = base + q - d, 3.0 * v * omega + d * tau3
        f = 1.0 / (re * re + im * im)
        w[R3 + j] = re * f
        w[I3 + j] = -im * f


@njit(**_OPTIONS)
def _again(w, n, tolerance):  # type: ignore[no-untyped-def]
    """One pass: the remainder at the points, its harmonics, their linear answer, the points again.

    A lane that has settled stays as it is, whatever its company needs.
    """
    for j in range(n):
        vm, km, slope = w[VM + j], w[KM_ + j], w[SLOPE + j]
        x0, x1, x2, x3 = w[X0 + j], w[X1 + j], w[X2 + j], w[X3 + j]
        x4, x5, x6, x7 = w[X4 + j], w[X5 + j], w[X6 + j], w[X7 + j]
        r0 = x0 * (vm / (km + x0) - slope)
        r1 = x1 * (vm / (km + x1) - slope)
        r2 = x2 * (vm / (km + x2) - slope)
        r3 = x3 * (vm / (km + x3) - slope)
        r4 = x4 * (vm / (km + x4) - slope)
        r5 = x5 * (vm / (km + x5) - slope)
        r6 = x6 * (vm / (km + x6) - slope)
        r7 = x7 * (vm / (km + x7) - slope)
        e1, e2, e3, o1, o2, o3 = r1 + r7, r2 + r6, r3 + r5, r1 - r7, r2 - r6, r3 - r5
        c0 = w[INPUT + j] - 0.125 * (r0 + r4 + e1 + e2 + e3)
        c1 = w[SWING + j] - 0.25 * (r0 - r4 + S * (e1 - e3))
        c2 = -0.25 * (r0 + r4 - e2)
        c3 = -0.25 * (r0 - r4 - S * (e1 - e3))
        s1 = -0.25 * (S * (o1 + o3) + o2)
        s2 = -0.25 * (o1 - o3)
        s3 = -0.25 * (S * (o1 + o3) - o2)
        live = w[LIVE + j]
        a0, a1, a2, a3 = w[A0 + j], w[A1 + j], w[A2 + j], w[A3 + j]
        b1, b2, b3 = w[B1 + j], w[B2 + j], w[B3 + j]
        a0 += live * (c0 * w[G0 + j] - a0)
        a1 += live * (c1 * w[R1 + j] + s1 * w[I1 + j] - a1)
        a2 += live * (c2 * w[R2 + j] + s2 * w[I2 + j] - a2)
        a3 += live * (c3 * w[R3 + j] + s3 * w[I3 + j] - a3)
        b1 += live * (s1 * w[R1 + j] - c1 * w[I1 + j] - b1)
        b2 += live * (s2 * w[R2 + j] - c2 * w[I2 + j] - b2)
        b3 += live * (s3 * w[R3 + j] - c3 * w[I3 + j] - b3)
        w[A0 + j] = a0
        w[A1 + j] = a1
        w[A2 + j] = a2
        w[A3 + j] = a3
        w[B1 + j] = b1
        w[B2 + j] = b2
        w[B3 + j] = b3
        least = 1e-6 * x0
        far, near, odd = S * (a1 - a3), a1 + a3, S * (b1 + b3)
        y0, y4 = max(a0 + a2 + near, least), max(a0 + a2 - near, least)
        y1, y7 = max(a0 + far + odd + b2, least), max(a0 + far - odd - b2, least)
        y2, y6 = max(a0 - a2 + b1 - b3, least), max(a0 - a2 - b1 + b3, least)
        y3, y5 = max(a0 - far + odd - b2, least), max(a0 - far - odd + b2, least)
        w[X0 + j] = y0
        w[X1 + j] = y1
        w[X2 + j] = y2
        w[X3 + j] = y3
        w[X4 + j] = y4
        w[X5 + j] = y5
        w[X6 + j] = y6
        w[X7 + j] = y7
        change = max(max(abs(y0 - x0), abs(y2 - x2)), max(abs(y4 - x4), abs(y6 - x6)))
        change = max(change, max(max(abs(y1 - x1), abs(y3 - x3)), max(abs(y5 - x5), abs(y7 - x7))))
        w[LIVE + j] = live if change * w[SCALE + j] > tolerance else 0.0


@njit(**_OPTIONS)
def _formed(w, n):  # type: ignore[no-untyped-def]
    """Harmonics of 25(OH)D that what is formed of D3 drives."""
    for j in range(n):
        vm, km, clh = w[VM + j], w[KM_ + j], w[CLH_ + j]
        x0, x1, x2, x3 = w[X0 + j], w[X1 + j], w[X2 + j], w[X3 + j]
        x4, x5, x6, x7 = w[X4 + j], w[X5 + j], w[X6 + j], w[X7 + j]
        r0 = x0 * (vm / (km + x0) + clh)
        r1 = x1 * (vm / (km + x1) + clh)
        r2 = x2 * (vm / (km + x2) + clh)
        r3 = x3 * (vm / (km + x3) + clh)
        r4 = x4 * (vm / (km + x4) + clh)
        r5 = x5 * (vm / (km + x5) + clh)
        r6 = x6 * (vm / (km + x6) + clh)
        r7 = x7 * (vm / (km + x7) + clh)
        e1, e2, e3, o1, o2, o3 = r1 + r7, r2 + r6, r3 + r5, r1 - r7, r2 - r6, r3 - r5
        c1, s1 = 0.25 * (r0 - r4 + S * (e1 - e3)), 0.25 * (S * (o1 + o3) + o2)
        c2, s2 = 0.25 * (r0 + r4 - e2), 0.25 * (o1 - o3)
        c3, s3 = 0.25 * (r0 - r4 - S * (e1 - e3)), 0.25 * (S * (o1 + o3) - o2)
        w[A0 + j] = 0.125 * (r0 + r4 + e1 + e2 + e3) * w[G0 + j]
        w[A1 + j] = c1 * w[R1 + j] + s1 * w[I1 + j]
        w[A2 + j] = c2 * w[R2 + j] + s2 * w[I2 + j]
        w[A3 + j] = c3 * w[R3 + j] + s3 * w[I3 + j]
        w[B1 + j] = s1 * w[R1 + j] - c1 * w[I1 + j]
        w[B2 + j] = s2 * w[R2 + j] - c2 * w[I2 + j]
        w[B3 + j] = s3 * w[R3 + j] - c3 * w[I3 + j]


@njit(**_OPTIONS)
def _read(w, n, state, row, first, count):  # type: ignore[no-untyped-def]
    """Central concentration on the day, and that beside it, which follows with its own delay."""
    omega = 2.0 * math.pi / YEAR_D
    for j in range(n):
        c1, s1 = w[COS + j], w[SIN + j]
        c2, s2 = c1 * c1 - s1 * s1, 2.0 * s1 * c1
        c3, s3 = c1 * c2 - s1 * s2, s1 * c2 + c1 * s2
        p1 = w[A1 + j] * c1 + w[B1 + j] * s1
        p2 = w[A2 + j] * c2 + w[B2 + j] * s2
        p3 = w[A3 + j] * c3 + w[B3 + j] * s3
        q1 = w[A1 + j] * s1 - w[B1 + j] * c1
        q2 = w[A2 + j] * s2 - w[B2 + j] * c2
        q3 = w[A3 + j] * s3 - w[B3 + j] * c3
        t = omega * w[SIDE + j]
        central = w[A0 + j] + p1 + p2 + p3
        beside = w[A0 + j] + (p1 + t * q1) / (1.0 + t * t)
        beside += (p2 + 2.0 * t * q2) / (1.0 + 4.0 * t * t) + (p3 + 3.0 * t * q3) / (1.0 + 9.0 * t * t)
        w[R1 + j] = central
        w[R2 + j] = beside
    for j in range(count):
        state[row, first + j] = w[R1 + j]
        state[row + 1, first + j] = w[R2 + j]


@njit(**_OPTIONS)
def _moving(w, n):  # type: ignore[no-untyped-def]
    moving = 0.0
    for j in range(n):
        moving += w[LIVE + j]
    return moving > 0.0


@njit(**_OPTIONS)
def cycle(params, c1, r0, wave, day, tolerance, state):  # type: ignore[no-untyped-def]
    """Rows 4 to 7 of the state (8, N) on a day of the year; c1 and r0 as from `steady.constant`.

    `params` is (N, P); `wave` holds cosine and sine of the phase of the season, (2, N).
    """
    lanes = params.shape[0]
    w = np.zeros(ROWS * LANES)
    angle = 2.0 * math.pi * day / YEAR_D
    cos, sin = math.cos(angle), math.sin(angle)
    for first in range(0, lanes, LANES):
        count = min(LANES, lanes - first)
        n = (count + 7) // 8 * 8
        last = lanes - 1
        _load(w, params, c1, r0, first, n, last)
        for j in range(n):
            i = min(first + j, last)
            w[COS + j] = cos * wave[0, i] + sin * wave[1, i]
            w[SIN + j] = sin * wave[0, i] - cos * wave[1, i]
        _begin(w, n)
        _linear(w, n)
        for _ in range(ITERATIONS):
            _again(w, n, tolerance)
            if not _moving(w, n):
                break
        _read(w, n, state, 4, first, count)
        _load_25(w, params, first, n, last)
        _linear(w, n)
        _formed(w, n)
        _read(w, n, state, 6, first, count)
