# ruff: noqa: I001
"""One step for the lanes of a tile.

The linear part of the equations (depots and both pairs of compartments) is solved exactly over the step; what is left
of the saturable conversion (and, where a card has one, of the saturable clearance) is a forcing, taken as the parabola
through its values at the start, middle and end of the step.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.propagator import (
    A11, A12, A21, A31, A33, A34, A43, DD3,
    DD4, ED, F01, F02, F03, F04, FE1, FE2, FE3, FE4, FM1, FM2, FM3, FM4, G03, G04, GE3, GE4, GM3, GM4, H0,
    H1, H2, HE, HM, I1, I3, K0, K1, K2, K3, K4, KD3, KE, KM, L0, LANES, LE, LM, P11, P12,
    P21, P22, P31, P32, P33, P34, P41, P42, P43, P44, RA, RB, RC, RD,
)  # fmt: skip

# No NaN and no infinity flags: a lane that fails must be seen, not optimized away. Every function stands at the top of
# the module: numba cannot find a closure again in its cache.
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "arcp", "reassoc", "nsz"},
}
YEAR_D = 365.25
HILL_SWEEPS = 3
"""Passes over the two unknown values of the saturable clearance in a step; the conversion has two, written out."""
REFERENCE_KM = 1.5
"""The linear part takes the slope of the conversion at the untreated D3 plus this many Km: nearly all of what doses do
lies around it (measured; tag S)."""

KA_, KIM, KIM2, FAST, KC = (ROW[k] for k in ("ka", "kim", "kim_slow", "im_fast", "kc"))
FO, FI, FC = (ROW[k] for k in ("f_oral", "f_im", "f_calcifediol"))
V1, V2, Q, CLO, VMAX, KM_, CLH = (ROW[k] for k in ("v1", "v2", "q", "clo", "vmax", "km", "clh"))
V25, V25P, Q25, CL25 = (ROW[k] for k in ("v25", "v25p", "q25", "cl25"))
HMAX, HC50, HG = (ROW[k] for k in ("hill_clmax", "hill_c50", "hill_g"))
SEASON, PHASE, UNTREATED = ROW["season_amplitude"], ROW["season_phase_d"], ROW["untreated"]

# Constants of a tile behind the rates of its linear part.
(VM, KMV, KN, KF, HM_, HC_, HG_, HN, R0, RCOS, RSIN, FO_, FI1, FI2, FC_) = (i * LANES for i in range(13, 28))
CONSTANTS = 28
# What moves: depots and concentrations, forcings at the three nodes, inflow of the depots, ends of the step.
(XA, XB, XC, XD, X1, X2, X3, X4, N0, NM, N1, M0, MM, M1, Q1, Q2, Q3, Q4, QH, QH3, TOPS,
 V_0, S_0, C_0, V_1, S_1, C_1) = (i * LANES for i in range(27))  # fmt: skip
MOVING = 27


@njit(**_OPTIONS)
def load(c, params, state, first, n, padded):  # type: ignore[no-untyped-def]
    """Constants of a tile; the padding repeats the last lane."""
    year = 2.0 * math.pi / YEAR_D
    for j in range(padded):
        i = first + min(j, n - 1)
        vm, km = params[VMAX, i], params[KM_, i]
        k0 = vm * km / (state[9, i] + (1.0 + REFERENCE_KM) * km) ** 2
        z = (params[UNTREATED, i] / params[HC50, i]) ** params[HG, i]
        kh = params[HMAX, i] * z / (1.0 + z) * (1.0 + params[HG, i] / (1.0 + z))
        kf = params[CLH, i] + k0
        i1, i3 = 1.0 / params[V1, i], 1.0 / params[V25, i]
        c[A11 + j] = -(params[CLO, i] + kf + params[Q, i]) * i1
        c[A12 + j] = params[Q, i] * i1
        c[A21 + j] = params[Q, i] / params[V2, i]
        c[A31 + j] = kf * i3
        c[A33 + j] = -(params[CL25, i] + kh + params[Q25, i]) * i3
        c[A34 + j] = params[Q25, i] * i3
        c[A43 + j] = params[Q25, i] / params[V25P, i]
        c[I1 + j] = i1
        c[I3 + j] = i3
        c[RA + j] = params[KA_, i]
        c[RB + j] = params[KIM, i]
        c[RC + j] = params[KIM2, i]
        c[RD + j] = params[KC, i]
        c[VM + j] = vm
        c[KMV + j] = km
        c[KN + j] = k0
        c[KF + j] = kf
        c[HM_ + j] = params[HMAX, i]
        c[HC_ + j] = 1.0 / params[HC50, i]
        c[HG_ + j] = params[HG, i]
        c[HN + j] = kh
        c[R0 + j] = state[8, i]
        c[RCOS + j] = state[8, i] * params[SEASON, i] * math.cos(year * params[PHASE, i])
        c[RSIN + j] = state[8, i] * params[SEASON, i] * math.sin(year * params[PHASE, i])
        c[FO_ + j] = params[FO, i]
        c[FI1 + j] = params[FI, i] * params[FAST, i]
        c[FI2 + j] = params[FI, i] * (1.0 - params[FAST, i])
        c[FC_ + j] = params[FC, i]


@njit(**_OPTIONS)
def remainder(c, z, n, saturable):  # type: ignore[no-untyped-def]
    """What the linear part leaves of the conversion and the clearance, at the start."""
    for j in range(n):
        x = z[X1 + j]
        z[N0 + j] = x * (c[VM + j] / (c[KMV + j] + x) - c[KN + j])
    if saturable is not None:
        for j in range(n):
            x = z[X3 + j]
            y = max(x * c[HC_ + j], 0.0) ** c[HG_ + j]
            z[M0 + j] = x * (c[HM_ + j] * y / (1.0 + y) - c[HN + j])


@njit(**_OPTIONS)
def inflow(z, k, n, depot, column, left, half, half3, saturable):  # type: ignore[no-untyped-def]
    """Add what one depot brings to the four concentrations; the depot is left as at the end of the step."""
    for j in range(n):
        g = z[depot + j]
        z[Q1 + j] += k[column + j] * g
        z[Q2 + j] += k[column + LANES + j] * g
        z[Q3 + j] += k[column + 2 * LANES + j] * g
        z[Q4 + j] += k[column + 3 * LANES + j] * g
        z[QH + j] += k[half + j] * g
        z[depot + j] = g * k[left + j]
        if saturable is not None:
            z[QH3 + j] += k[half3 + j] * g


@njit(**_OPTIONS)
def inflow_calcifediol(z, k, n, saturable):  # type: ignore[no-untyped-def]
    for j in range(n):
        g = z[XD + j]
        z[Q3 + j] += k[DD3 + j] * g
        z[Q4 + j] += k[DD4 + j] * g
        z[XD + j] = g * k[ED + j]
        if saturable is not None:
            z[QH3 + j] += k[KD3 + j] * g


@njit(**_OPTIONS)
def advance(c, z, k, n, cos0, sin0, cosm, sinm, cos1, sin1, saturable):  # type: ignore[no-untyped-def]
    """One step of the four concentrations.

    `saturable` is None for a linear clearance: numba then drops the powers at compile time, which would keep the loop
    from using vector instructions.
    """
    for j in range(n):
        vm, km, kn = c[VM + j], c[KMV + j], c[KN + j]
        r0, rc, rs = c[R0 + j], c[RCOS + j], c[RSIN + j]
        x1, x2, x3, x4 = z[X1 + j], z[X2 + j], z[X3 + j], z[X4 + j]
        n0 = z[N0 + j]
        s0 = r0 + rc * cos0 + rs * sin0
        sm = r0 + rc * cosm + rs * sinm
        s1 = r0 + rc * cos1 + rs * sin1
        f0 = s0 - n0
        half = k[H1 + j] * x1 + k[H2 + j] * x2 + z[QH + j] + k[H0 + j] * f0 + k[HM + j] * sm + k[HE + j] * s1
        full = k[P11 + j] * x1 + k[P12 + j] * x2 + z[Q1 + j] + k[F01 + j] * f0 + k[FM1 + j] * sm + k[FE1 + j] * s1
        hm, he, gm, ge = k[HM + j], k[HE + j], k[FM1 + j], k[FE1 + j]
        nm = z[NM + j]
        n1 = z[N1 + j]
        x = half - hm * nm - he * n1
        nm = x * (vm / (km + x) - kn)
        x = full - gm * nm - ge * n1
        n1 = x * (vm / (km + x) - kn)
        x = half - hm * nm - he * n1
        nm = x * (vm / (km + x) - kn)
        x = full - gm * nm - ge * n1
        n1 = x * (vm / (km + x) - kn)
        fm = sm - nm
        f1 = s1 - n1
        z[X1 + j] = full - gm * nm - ge * n1
        z[X2 + j] = k[P21 + j] * x1 + k[P22 + j] * x2 + z[Q2 + j] + k[F02 + j] * f0 + k[FM2 + j] * fm + k[FE2 + j] * f1
        y3 = (
            k[P31 + j] * x1 + k[P32 + j] * x2 + k[P33 + j] * x3 + k[P34 + j] * x4 + z[Q3 + j]
            + k[F03 + j] * f0 + k[FM3 + j] * fm + k[FE3 + j] * f1
            + k[G03 + j] * n0 + k[GM3 + j] * nm + k[GE3 + j] * n1
        )  # fmt: skip
        y4 = (
            k[P41 + j] * x1 + k[P42 + j] * x2 + k[P43 + j] * x3 + k[P44 + j] * x4 + z[Q4 + j]
            + k[F04 + j] * f0 + k[FM4 + j] * fm + k[FE4 + j] * f1
            + k[G04 + j] * n0 + k[GM4 + j] * nm + k[GE4 + j] * n1
        )  # fmt: skip
        if saturable is not None:
            hx, hc, hg, hn = c[HM_ + j], c[HC_ + j], c[HG_ + j], c[HN + j]
            m0 = z[M0 + j]
            mid = (
                k[K1 + j] * x1 + k[K2 + j] * x2 + k[K3 + j] * x3 + k[K4 + j] * x4 + z[QH3 + j]
                + k[K0 + j] * f0 + k[KM + j] * fm + k[KE + j] * f1
                + k[L0 + j] * (n0 - m0) + k[LM + j] * nm + k[LE + j] * n1
            )  # fmt: skip
            end = y3 - k[G03 + j] * m0
            mm = z[MM + j]
            m1 = z[M1 + j]
            for _ in range(HILL_SWEEPS):
                x = mid - k[LM + j] * mm - k[LE + j] * m1
                y = max(x * hc, 0.0) ** hg
                mm = x * (hx * y / (1.0 + y) - hn)
                x = end - k[GM3 + j] * mm - k[GE3 + j] * m1
                y = max(x * hc, 0.0) ** hg
                m1 = x * (hx * y / (1.0 + y) - hn)
            y3 = end - k[GM3 + j] * mm - k[GE3 + j] * m1
            y4 -= k[G04 + j] * m0 + k[GM4 + j] * mm + k[GE4 + j] * m1
            z[MM + j] = mm
            z[M1 + j] = m1
        z[X3 + j] = y3
        z[X4 + j] = y4
        z[NM + j] = nm
        z[N1 + j] = n1


@njit(**_OPTIONS)
def guess(z, n, ratio, saturable):  # type: ignore[no-untyped-def]
    """First guess of the remainder at the middle and end of the next step, along its last half step; 0: constant."""
    for j in range(n):
        n1 = z[N1 + j]
        slope = ratio * (n1 - z[NM + j])
        z[N0 + j] = n1
        z[NM + j] = n1 + slope
        z[N1 + j] = n1 + 2.0 * slope
    if saturable is not None:
        for j in range(n):
            m1 = z[M1 + j]
            slope = ratio * (m1 - z[MM + j])
            z[M0 + j] = m1
            z[MM + j] = m1 + slope
            z[M1 + j] = m1 + 2.0 * slope


@njit(**_OPTIONS)
def end(c, z, n, cos, sin, value, slope, bend):  # type: ignore[no-untyped-def]
    """Value, first and second derivative of 25(OH)D of a linear clearance; needs the remainder of now in row N0."""
    for j in range(n):
        x1, x2, x3, x4 = z[X1 + j], z[X2 + j], z[X3 + j], z[X4 + j]
        n0, kn, km, vm = z[N0 + j], c[KN + j], c[KMV + j], c[VM + j]
        i1, i3 = c[I1 + j], c[I3 + j]
        ga, gb, gc, gd = c[RA + j] * z[XA + j], c[RB + j] * z[XB + j], c[RC + j] * z[XC + j], c[RD + j] * z[XD + j]
        s = c[R0 + j] + c[RCOS + j] * cos + c[RSIN + j] * sin
        d1 = c[A11 + j] * x1 + c[A12 + j] * x2 + i1 * (s - n0 + ga + gb + gc)
        d3 = c[A31 + j] * x1 + c[A33 + j] * x3 + c[A34 + j] * x4 + i3 * (n0 + gd)
        d4 = c[A43 + j] * (x3 - x4)
        w = km + x1
        bent = vm * km / (w * w) - kn
        z[value + j] = x3
        z[slope + j] = d3
        z[bend + j] = c[A31 + j] * d1 + c[A33 + j] * d3 + c[A34 + j] * d4 + i3 * (bent * d1 - c[RD + j] * gd)


@njit(**_OPTIONS)
def turn(z, n, h):  # type: ignore[no-untyped-def]
    """Largest level within a step, where it rises at the start and falls at the end."""
    for j in range(n):
        v, w, s, e = z[V_0 + j], z[V_1 + j], h * z[S_0 + j], h * z[S_1 + j]
        turns = s > 0.0 and e < 0.0
        x = s / (s - e) if turns else 0.0
        d = w - v
        top = v + x * (s + x * (3.0 * d - 2.0 * s - e + x * (s + e - 2.0 * d)))
        z[TOPS + j] = max(z[TOPS + j], max(top, w))


@njit(**_OPTIONS)
def between(z, n, out, a0, b0, c0, a1, b1, c1):  # type: ignore[no-untyped-def]
    """Level inside a step from value, slope and curvature at its ends."""
    for j in range(n):
        out[j] = (
            a0 * z[V_0 + j] + b0 * z[S_0 + j] + c0 * z[C_0 + j] + a1 * z[V_1 + j] + b1 * z[S_1 + j] + c1 * z[C_1 + j]
        )


@njit(**_OPTIONS)
def highest(z, n, level):  # type: ignore[no-untyped-def]
    """Keep the largest level of each lane."""
    for j in range(n):
        z[TOPS + j] = max(z[TOPS + j], level[j])
