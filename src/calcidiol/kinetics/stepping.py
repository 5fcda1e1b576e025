# ruff: noqa: I001
"""One step for the lanes of a tile.

The linear part of the equations (depots and both pairs of compartments) is solved exactly over the step; what is left
of the saturable conversion (and, where a card has one, of the saturable clearance) is a forcing, taken as the parabola
through its values at the start, middle and end of the step. Each of the two unknown values is the root of a quadratic
as long as the other stands; two passes over both settle them.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.propagator import (
    A11, A12, A21, A31, A33, A34, A43, BE, BM, CE, CM, DD3,
    DD4, DE, DM, ED, F01, F02, F03, F04, FE1, FE2, FE3, FE4, FM1, FM2, FM3, FM4, G03, G04, GE3, GE4, GM3, GM4, H0,
    H1, H2, HE, HM, I1, I3, K0, K1, K2, K3, K4, KD3, KE, KM, KMV, KN, L0, LANES, LE, LM, P11, P12,
    P21, P22, P31, P32, P33, P34, P41, P42, P43, P44, RA, RB, RC, RD, RE, RM, VM,
)  # fmt: skip

# No NaN and no infinity flags: a lane that fails must be seen, not optimized away. Every function stands at the top of
# the module: numba cannot find a closure again in its cache.
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "arcp", "reassoc", "nsz"},
}
# Functions that are told a row are inlined by numba: a row that is known when compiling cannot be negative, and only
# then does the loop use vector instructions.
HILL_SWEEPS = 3
"""Passes over the two unknown values of the saturable clearance in a step."""
REFERENCE_KM = 8.0
"""The linear part takes the slope of the conversion at the untreated D3 plus this many Km (measured; tag S: at 1.5 the
error after 300,000 IU is up to ten times larger, at 4 and at 16 it is nearly the same)."""

KA_, KIM, KIM2, FAST, KC = (ROW[k] for k in ("ka", "kim", "kim_slow", "im_fast", "kc"))
FO, FI, FC = (ROW[k] for k in ("f_oral", "f_im", "f_calcifediol"))
V1, V2, Q, CLO, VMAX, KM_, CLH = (ROW[k] for k in ("v1", "v2", "q", "clo", "vmax", "km", "clh"))
V25, V25P, Q25, CL25 = (ROW[k] for k in ("v25", "v25p", "q25", "cl25"))
HMAX, HC50, HG = (ROW[k] for k in ("hill_clmax", "hill_c50", "hill_g"))
UNTREATED = ROW["untreated"]

# Constants of a tile behind the rates of its linear part and the law of the conversion.
(HM_, HC_, HG_, HN, R0, RCOS, RSIN, FO_, FI1, FI2, FC_) = (i * LANES for i in range(16, 27))
CONSTANTS = 27
# What moves: depots and concentrations, remainders at the last middle and end, inflow of the depots, extremes; 25(OH)D
# and its slope at the start and the end of the step, and 25(OH)D at its middle.
(XA, XB, XC, XD, X1, X2, X3, X4, NM, N1, MM, M1, Q1, Q2, Q3, Q4, QH, QH3, TOPS, LOWS, VA, SA, VB, SB, V_M) = (
    i * LANES for i in range(25)
)
MOVING = 25


@njit(**_OPTIONS)
def load(c, params, state, wave, first, n, padded, saturable):  # type: ignore[no-untyped-def]
    """Constants of a tile; the padding repeats the last lane. `wave` holds cosine and sine of the season's phase."""
    for j in range(padded):
        i = first + min(j, n - 1)
        vm, km = params[i, VMAX], params[i, KM_]
        k0 = vm * km / (state[9, i] + (1.0 + REFERENCE_KM) * km) ** 2
        kh = 0.0
        if saturable is not None:
            z = (params[i, UNTREATED] / params[i, HC50]) ** params[i, HG]
            kh = params[i, HMAX] * z / (1.0 + z) * (1.0 + params[i, HG] / (1.0 + z))
            c[HM_ + j] = params[i, HMAX]
            c[HC_ + j] = 1.0 / params[i, HC50]
            c[HG_ + j] = params[i, HG]
            c[HN + j] = kh
        kf = params[i, CLH] + k0
        i1, i3 = 1.0 / params[i, V1], 1.0 / params[i, V25]
        c[A11 + j] = -(params[i, CLO] + kf + params[i, Q]) * i1
        c[A12 + j] = params[i, Q] * i1
        c[A21 + j] = params[i, Q] / params[i, V2]
        c[A31 + j] = kf * i3
        c[A33 + j] = -(params[i, CL25] + kh + params[i, Q25]) * i3
        c[A34 + j] = params[i, Q25] * i3
        c[A43 + j] = params[i, Q25] / params[i, V25P]
        c[I1 + j] = i1
        c[I3 + j] = i3
        c[RA + j] = params[i, KA_]
        c[RB + j] = params[i, KIM]
        c[RC + j] = params[i, KIM2]
        c[RD + j] = params[i, KC]
        c[VM + j] = vm
        c[KMV + j] = km
        c[KN + j] = k0
        c[R0 + j] = state[8, i]
        c[RCOS + j] = state[8, i] * wave[0, i]
        c[RSIN + j] = state[8, i] * wave[1, i]
        c[FO_ + j] = params[i, FO]
        c[FI1 + j] = params[i, FI] * params[i, FAST]
        c[FI2 + j] = params[i, FI] * (1.0 - params[i, FAST])
        c[FC_ + j] = params[i, FC]


@njit(**_OPTIONS)
def remainder(c, z, n, saturable):  # type: ignore[no-untyped-def]
    """What the linear part leaves of the conversion and the clearance, at the start."""
    for j in range(n):
        x = z[X1 + j]
        n1 = x * (c[VM + j] / (c[KMV + j] + x) - c[KN + j])
        z[NM + j] = n1
        z[N1 + j] = n1
    if saturable is not None:
        for j in range(n):
            x = z[X3 + j]
            y = max(x * c[HC_ + j], 0.0) ** c[HG_ + j]
            m1 = x * (c[HM_ + j] * y / (1.0 + y) - c[HN + j])
            z[MM + j] = m1
            z[M1 + j] = m1


@njit(inline="always", **_OPTIONS)
def inflow(z, k, n, more, depot, column, left, half, half3):  # type: ignore[no-untyped-def]
    """What one depot brings to the four concentrations; the depot is left as at the end of the step."""
    if more:
        for j in range(n):
            g = z[depot + j]
            z[Q1 + j] += k[column + j] * g
            z[Q2 + j] += k[column + LANES + j] * g
            z[Q3 + j] += k[column + 2 * LANES + j] * g
            z[Q4 + j] += k[column + 3 * LANES + j] * g
            z[QH + j] += k[half + j] * g
            z[QH3 + j] += k[half3 + j] * g
            z[depot + j] = g * k[left + j]
    else:
        for j in range(n):
            g = z[depot + j]
            z[Q1 + j] = k[column + j] * g
            z[Q2 + j] = k[column + LANES + j] * g
            z[Q3 + j] = k[column + 2 * LANES + j] * g
            z[Q4 + j] = k[column + 3 * LANES + j] * g
            z[QH + j] = k[half + j] * g
            z[QH3 + j] = k[half3 + j] * g
            z[depot + j] = g * k[left + j]


@njit(**_OPTIONS)
def inflow_calcifediol(z, k, n, more):  # type: ignore[no-untyped-def]
    """The same of the calcifediol depot, which fills 25(OH)D only."""
    if not more:
        nothing(z, n)
    for j in range(n):
        g = z[XD + j]
        z[Q3 + j] += k[DD3 + j] * g
        z[Q4 + j] += k[DD4 + j] * g
        z[QH3 + j] += k[KD3 + j] * g
        z[XD + j] = g * k[ED + j]


@njit(**_OPTIONS)
def nothing(z, n):  # type: ignore[no-untyped-def]
    """No inflow."""
    for i in range(6):
        for j in range(n):
            z[Q1 + i * LANES + j] = 0.0


@njit(**_OPTIONS)
def advance(c, z, k, n, twice, cos0, sin0, cosm, sinm, cos1, sin1, middle, saturable, single):  # type: ignore[no-untyped-def]
    """One step of the four concentrations.

    `twice` is two times the length of this step over that of the last, 0 where a dose bends the course in between.
    `middle`, `saturable` and `single` are True or None: numba then drops at compile time what is not wanted (25(OH)D at
    the middle of the step; the powers of a saturable clearance, which would keep the loop from using vector
    instructions; a division where numbers are single).
    """
    for j in range(n):
        x1, x2, x3, x4 = z[X1 + j], z[X2 + j], z[X3 + j], z[X4 + j]
        r0, rc, rs = c[R0 + j], c[RCOS + j], c[RSIN + j]
        sm = r0 + rc * cosm + rs * sinm
        s1 = r0 + rc * cos1 + rs * sin1
        n0 = z[N1 + j]
        f0 = r0 + rc * cos0 + rs * sin0 - n0
        half = k[H1 + j] * x1 + k[H2 + j] * x2 + z[QH + j] + k[H0 + j] * f0 + k[HM + j] * sm + k[HE + j] * s1
        full = k[P11 + j] * x1 + k[P12 + j] * x2 + z[Q1 + j] + k[F01 + j] * f0 + k[FM1 + j] * sm + k[FE1 + j] * s1
        # First guess of the remainder at the end: along the last half step.
        n1 = n0 + twice * (n0 - z[NM + j])
        he, gm = k[HE + j], k[FM1 + j]
        bm, cm, dm, rm = k[BM + j], k[CM + j], k[DM + j], k[RM + j]
        be, ce, de, re = k[BE + j], k[CE + j], k[DE + j], k[RE + j]
        f = half - he * n1
        b = bm - f
        nm = (f - (math.sqrt(b * b + cm * f) - b) * dm) * rm
        f = full - gm * nm
        b = be - f
        n1 = (f - (math.sqrt(b * b + ce * f) - b) * de) * re
        f = half - he * n1
        b = bm - f
        nm = (f - (math.sqrt(b * b + cm * f) - b) * dm) * rm
        f = full - gm * nm
        b = be - f
        y1 = (math.sqrt(b * b + ce * f) - b) * de
        n1 = (f - y1) * re
        if single is not None:
            # After a very short step the difference would have no digit left.
            n1 = y1 * (c[VM + j] / (c[KMV + j] + y1) - c[KN + j])
        fm = sm - nm
        f1 = s1 - n1
        z[X1 + j] = y1
        z[NM + j] = nm
        z[N1 + j] = n1
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
        if middle is not None or saturable is not None:
            mid = (
                k[K1 + j] * x1 + k[K2 + j] * x2 + k[K3 + j] * x3 + k[K4 + j] * x4 + z[QH3 + j]
                + k[K0 + j] * f0 + k[KM + j] * fm + k[KE + j] * f1
                + k[L0 + j] * n0 + k[LM + j] * nm + k[LE + j] * n1
            )  # fmt: skip
            if saturable is not None:
                hx, hc, hg, hn = c[HM_ + j], c[HC_ + j], c[HG_ + j], c[HN + j]
                m0 = z[M1 + j]
                rise = twice * (m0 - z[MM + j])
                mm, m1 = m0 + 0.5 * rise, m0 + rise
                mid -= k[L0 + j] * m0
                last = y3 - k[G03 + j] * m0
                for _ in range(HILL_SWEEPS):
                    x = mid - k[LM + j] * mm - k[LE + j] * m1
                    y = max(x * hc, 0.0) ** hg
                    mm = x * (hx * y / (1.0 + y) - hn)
                    x = last - k[GM3 + j] * mm - k[GE3 + j] * m1
                    y = max(x * hc, 0.0) ** hg
                    m1 = x * (hx * y / (1.0 + y) - hn)
                mid -= k[LM + j] * mm + k[LE + j] * m1
                y3 = last - k[GM3 + j] * mm - k[GE3 + j] * m1
                y4 -= k[G04 + j] * m0 + k[GM4 + j] * mm + k[GE4 + j] * m1
                z[MM + j] = mm
                z[M1 + j] = m1
            z[V_M + j] = mid
        z[X3 + j] = y3
        z[X4 + j] = y4


@njit(inline="always", **_OPTIONS)
def end(c, z, n, value, slope, saturable):  # type: ignore[no-untyped-def]
    """25(OH)D and its slope now."""
    for j in range(n):
        x3 = z[X3 + j]
        rate = c[A31 + j] * z[X1 + j] + c[A33 + j] * x3 + c[A34 + j] * z[X4 + j]
        flux = z[N1 + j] + c[RD + j] * z[XD + j]
        if saturable is not None:
            flux -= z[M1 + j]
        z[value + j] = x3
        z[slope + j] = rate + c[I3 + j] * flux


@njit(**_OPTIONS)
def again(z, n):  # type: ignore[no-untyped-def]
    """The end of the last step is the start of this one."""
    for j in range(n):
        z[VA + j] = z[VB + j]
        z[SA + j] = z[SB + j]


# The lower and the higher of two, without a comparison: compilers make a masked store of `min` and `max`, and a masked
# store has to wait for all that was written before it. No number stays no number. `half` is 0.5 in the type of both.
@njit(**_OPTIONS)
def lower(a, b, half):  # type: ignore[no-untyped-def]
    return half * (a + b - abs(a - b))


@njit(**_OPTIONS)
def higher(a, b, half):  # type: ignore[no-untyped-def]
    return half * (a + b + abs(a - b))


@njit(**_OPTIONS)
def turn(z, n, h):  # type: ignore[no-untyped-def]
    """Largest level within a step, where it rises at the start and falls at the end."""
    for j in range(n):
        v, w, s, e = z[VA + j], z[VB + j], h * z[SA + j], h * z[SB + j]
        d = w - v
        # Slope at the middle; the top lies where the slope crosses zero in the half that it changes its sign in.
        m = 1.5 * d - 0.25 * (s + e)
        early = 0.5 * s / (s - m) if m < s else 0.0
        late = 0.5 + 0.5 * m / (m - e) if e < m else 1.0
        x = early if m < 0.0 else late
        x = x if s > 0.0 and e < 0.0 else 0.0
        y = 1.0 - x
        lift = z[V_M + j] - 0.5 * (v + w) - 0.125 * (s - e)
        top = v + x * (s + x * (3.0 * d - 2.0 * s - e + x * (s + e - 2.0 * d))) + 16.0 * x * x * y * y * lift
        z[TOPS + j] = higher(z[TOPS + j], higher(top, w, 0.5), 0.5)


@njit(**_OPTIONS)
def between(z, n, levels, at, stride, weights, o, o_to, counts_from):  # type: ignore[no-untyped-def]
    """Levels at the outputs o to o_to inside a step, from value and slope at its ends and the value at its middle.

    Lane 0 of output o stands at place ``at + o stride``; outputs from `counts_from` on count for the peak.
    """
    kind = z.dtype.type
    half = kind(0.5)
    for i in range(o, o_to):
        a0, b0, am = kind(weights[i, 0]), kind(weights[i, 1]), kind(weights[i, 2])
        a1, b1 = kind(weights[i, 3]), kind(weights[i, 4])
        out = levels[at + i * stride : at + i * stride + n]
        if i >= counts_from:
            for j in range(n):
                x = a0 * z[VA + j] + b0 * z[SA + j] + am * z[V_M + j] + a1 * z[VB + j] + b1 * z[SB + j]
                out[j] = x
                z[LOWS + j] = lower(z[LOWS + j], x, half)
                z[TOPS + j] = higher(z[TOPS + j], x, half)
        else:
            for j in range(n):
                x = a0 * z[VA + j] + b0 * z[SA + j] + am * z[V_M + j] + a1 * z[VB + j] + b1 * z[SB + j]
                out[j] = x
                z[LOWS + j] = lower(z[LOWS + j], x, half)


@njit(inline="always", **_OPTIONS)
def read(z, n, row, out):  # type: ignore[no-untyped-def]
    """One row of the lanes as it stands."""
    for j in range(n):
        out[j] = z[row + j]


@njit(**_OPTIONS)
def extremes(z, n, top):  # type: ignore[no-untyped-def]
    """Keep the lowest level of each lane, and the largest where it counts."""
    half = z.dtype.type(0.5)
    for j in range(n):
        z[LOWS + j] = lower(z[LOWS + j], z[X3 + j], half)
    if top:
        for j in range(n):
            z[TOPS + j] = higher(z[TOPS + j], z[X3 + j], half)
