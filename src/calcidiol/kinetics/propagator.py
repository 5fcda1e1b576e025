"""The linear part of the equations, solved exactly over each step length by doubling.

D3 central and store (1, 2) and 25(OH)D central and peripheral (3, 4) obey x' = A x + depots + forcing. For a short time
the response is a Taylor series; two responses over h make the one over 2 h. Nothing is divided by a difference of
rates, so rates may coincide. The forcing is a parabola through its values at the start, middle and end of the step.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from calcidiol.kinetics.steps import LEVELS, TOP

LANES = 64
"""Lanes of a tile. All that a step reads and writes lies in rows of `LANES`, at constant distances, so that the
compiler can prove that no row overlaps another and uses vector instructions."""

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "arcp", "reassoc", "nsz"},
}
TERMS = 8
SMALL = 0.125
"""Largest rate x time of the Taylor series: its first neglected term is below 3e-14."""

# Response over h, in rows. P: what is left of the states; D: what a unit in a depot brings (and E what is left of it);
# W: what a unit forcing (t/h)^m brings, W1 into D3, W3 into 25(OH)D.
(P11, P12, P21, P22, P31, P32, P41, P42, P33, P34, P43, P44,
 DA1, DA2, DA3, DA4, EA, DB1, DB2, DB3, DB4, EB, DC1, DC2, DC3, DC4, EC, DD3, DD4, ED,
 W01, W02, W03, W04, W11, W12, W13, W14, W21, W22, W23, W24, V03, V04, V13, V14, V23, V24) = (
    i * LANES for i in range(48)
)  # fmt: skip
# Behind them the running terms of the series.
T1, T2, T3, T4, U1, U2, U3, U4, Y3, Y4, Z3, Z4, FAST = (i * LANES for i in range(48, 61))
RESPONSE = 61
# Coefficients of a step: the 30 rows above, then the weights of the forcing at the three nodes, then the row of D3 at
# the middle of the step, then that of 25(OH)D at the middle, then what solves for D3 at the middle and at the end.
(F01, F02, F03, F04, FM1, FM2, FM3, FM4, FE1, FE2, FE3, FE4, G03, G04, GM3, GM4, GE3, GE4,
 H1, H2, HA, HB, HC, H0, HM, HE, K1, K2, K3, K4, KA3, KB3, KC3, KD3, K0, KM, KE, L0, LM, LE,
 BM, CM, DM, RM, BE, CE, DE, RE) = (i * LANES for i in range(30, 78))  # fmt: skip
COEFFICIENTS = 78

# Rates of the linear part and the law of the conversion, in rows of the tile's constants.
(A11, A12, A21, A31, A33, A34, A43, I1, I3, RA, RB, RC, RD, VM, KMV, KN) = (i * LANES for i in range(16))


@njit(**_OPTIONS)
def series(rates, r, n, h, oral, im, slow, cal):  # type: ignore[no-untyped-def]
    """Response over a very short h, by Taylor series, for the first n lanes."""
    for j in range(n):
        f1, f3 = h * rates[I1 + j], h * rates[I3 + j]
        # Columns of A^k h^k / k!, started from each unit vector.
        r[T1 + j], r[T2 + j], r[T3 + j], r[T4 + j] = 1.0, 0.0, 0.0, 0.0
        r[U1 + j], r[U2 + j], r[U3 + j], r[U4 + j] = 0.0, 1.0, 0.0, 0.0
        r[Y3 + j], r[Y4 + j], r[Z3 + j], r[Z4 + j] = 1.0, 0.0, 0.0, 1.0
        r[P11 + j], r[P21 + j], r[P31 + j], r[P41 + j] = 1.0, 0.0, 0.0, 0.0
        r[P12 + j], r[P22 + j], r[P32 + j], r[P42 + j] = 0.0, 1.0, 0.0, 0.0
        r[P33 + j], r[P43 + j], r[P34 + j], r[P44 + j] = 1.0, 0.0, 0.0, 1.0
        r[W01 + j], r[W02 + j], r[W03 + j], r[W04 + j] = f1, 0.0, 0.0, 0.0
        r[W11 + j], r[W12 + j], r[W13 + j], r[W14 + j] = 0.5 * f1, 0.0, 0.0, 0.0
        r[W21 + j], r[W22 + j], r[W23 + j], r[W24 + j] = f1 / 3.0, 0.0, 0.0, 0.0
        r[V03 + j], r[V04 + j], r[V13 + j], r[V14 + j], r[V23 + j], r[V24 + j] = f3, 0.0, 0.5 * f3, 0.0, f3 / 3.0, 0.0
    for k in range(1, TERMS + 1):
        _term(rates, r, n, h, k)
    if oral:
        _depot(rates, r, n, h, RA, DA1, EA)
    if im:
        _depot(rates, r, n, h, RB, DB1, EB)
    if slow:
        _depot(rates, r, n, h, RC, DC1, EC)
    if cal:
        _depot_25(rates, r, n, h)


@njit(**_OPTIONS)
def _term(rates, r, n, h, k):  # type: ignore[no-untyped-def]
    """The k-th term of the series."""
    f = h / k
    # Integral of A^k (h - t)^k / k! (t/h)^m over the step: A^k h^(k+1) m! / (k + m + 1)!
    s0 = h / (k + 1.0)
    s1 = s0 / (k + 2.0)
    s2 = 2.0 * s1 / (k + 3.0)
    for j in range(n):
        a11, a12, a21, a31 = rates[A11 + j], rates[A12 + j], rates[A21 + j], rates[A31 + j]
        a33, a34, a43 = rates[A33 + j], rates[A34 + j], rates[A43 + j]
        i1, i3 = rates[I1 + j], rates[I3 + j]
        x1, x2, x3, x4 = r[T1 + j], r[T2 + j], r[T3 + j], r[T4 + j]
        y1, y2, y3, y4 = r[U1 + j], r[U2 + j], r[U3 + j], r[U4 + j]
        u3, u4, v3, v4 = r[Y3 + j], r[Y4 + j], r[Z3 + j], r[Z4 + j]
        x1, x2, x3, x4 = (
            f * (a11 * x1 + a12 * x2), f * a21 * (x1 - x2),
            f * (a31 * x1 + a33 * x3 + a34 * x4), f * a43 * (x3 - x4),
        )  # fmt: skip
        y1, y2, y3, y4 = (
            f * (a11 * y1 + a12 * y2), f * a21 * (y1 - y2),
            f * (a31 * y1 + a33 * y3 + a34 * y4), f * a43 * (y3 - y4),
        )  # fmt: skip
        u3, u4 = f * (a33 * u3 + a34 * u4), f * a43 * (u3 - u4)
        v3, v4 = f * (a33 * v3 + a34 * v4), f * a43 * (v3 - v4)
        r[T1 + j], r[T2 + j], r[T3 + j], r[T4 + j] = x1, x2, x3, x4
        r[U1 + j], r[U2 + j], r[U3 + j], r[U4 + j] = y1, y2, y3, y4
        r[Y3 + j], r[Y4 + j], r[Z3 + j], r[Z4 + j] = u3, u4, v3, v4
        r[P11 + j] += x1
        r[P21 + j] += x2
        r[P31 + j] += x3
        r[P41 + j] += x4
        r[P12 + j] += y1
        r[P22 + j] += y2
        r[P32 + j] += y3
        r[P42 + j] += y4
        r[P33 + j] += u3
        r[P43 + j] += u4
        r[P34 + j] += v3
        r[P44 + j] += v4
        x1, x2, x3, x4 = i1 * x1, i1 * x2, i1 * x3, i1 * x4
        u3, u4 = i3 * u3, i3 * u4
        r[W01 + j] += s0 * x1
        r[W02 + j] += s0 * x2
        r[W03 + j] += s0 * x3
        r[W04 + j] += s0 * x4
        r[W11 + j] += s1 * x1
        r[W12 + j] += s1 * x2
        r[W13 + j] += s1 * x3
        r[W14 + j] += s1 * x4
        r[W21 + j] += s2 * x1
        r[W22 + j] += s2 * x2
        r[W23 + j] += s2 * x3
        r[W24 + j] += s2 * x4
        r[V03 + j] += s0 * u3
        r[V04 + j] += s0 * u4
        r[V13 + j] += s1 * u3
        r[V14 + j] += s1 * u4
        r[V23 + j] += s2 * u3
        r[V24 + j] += s2 * u4


@njit(**_OPTIONS)
def _depot_25(rates, r, n, h):  # type: ignore[no-untyped-def]
    """What a unit in the calcifediol depot brings over a very short h."""
    for j in range(n):
        a33, a34, a43 = rates[A33 + j], rates[A34 + j], rates[A43 + j]
        k0 = rates[RD + j]
        x3, x4, g = 0.0, 0.0, 1.0
        d3, d4, e = 0.0, 0.0, 1.0
        inflow = k0 * rates[I3 + j]
        for k in range(1, 10):
            f = h / k
            x3, x4, g = f * (a33 * x3 + a34 * x4 + inflow * g), f * a43 * (x3 - x4), -f * k0 * g
            d3 += x3
            d4 += x4
            e += g
        r[DD3 + j] = d3
        r[DD4 + j] = d4
        r[ED + j] = e


@njit(**_OPTIONS)
def _depot(rates, r, n, h, rate, column, left):  # type: ignore[no-untyped-def]
    """What a unit in a depot brings to the four concentrations over a very short h."""
    for j in range(n):
        a11, a12, a21, a31 = rates[A11 + j], rates[A12 + j], rates[A21 + j], rates[A31 + j]
        a33, a34, a43 = rates[A33 + j], rates[A34 + j], rates[A43 + j]
        k0 = rates[rate + j]
        inflow = k0 * rates[I1 + j]
        x1, x2, x3, x4, g = 0.0, 0.0, 0.0, 0.0, 1.0
        d1, d2, d3, d4, e = 0.0, 0.0, 0.0, 0.0, 1.0
        for k in range(1, 10):
            f = h / k
            x1, x2, x3, x4, g = (
                f * (a11 * x1 + a12 * x2 + inflow * g),
                f * a21 * (x1 - x2),
                f * (a31 * x1 + a33 * x3 + a34 * x4),
                f * a43 * (x3 - x4),
                -f * k0 * g,
            )
            d1 += x1
            d2 += x2
            d3 += x3
            d4 += x4
            e += g
        r[column + j] = d1
        r[column + LANES + j] = d2
        r[column + 2 * LANES + j] = d3
        r[column + 3 * LANES + j] = d4
        r[left + j] = e


@njit(**_OPTIONS)
def _double_depot(r, n, column):  # type: ignore[no-untyped-def]
    for j in range(n):
        x1, x2 = r[column + j], r[column + LANES + j]
        x3, x4 = r[column + 2 * LANES + j], r[column + 3 * LANES + j]
        left = r[column + 4 * LANES + j]
        r[column + j] = r[P11 + j] * x1 + r[P12 + j] * x2 + left * x1
        r[column + LANES + j] = r[P21 + j] * x1 + r[P22 + j] * x2 + left * x2
        r[column + 2 * LANES + j] = r[P31 + j] * x1 + r[P32 + j] * x2 + r[P33 + j] * x3 + r[P34 + j] * x4 + left * x3
        r[column + 3 * LANES + j] = r[P41 + j] * x1 + r[P42 + j] * x2 + r[P43 + j] * x3 + r[P44 + j] * x4 + left * x4
        r[column + 4 * LANES + j] = left * left


@njit(**_OPTIONS)
def double(r, n, oral, im, slow, cal):  # type: ignore[no-untyped-def]
    """Response over 2 h from that over h, in place."""
    if oral:
        _double_depot(r, n, DA1)
    if im:
        _double_depot(r, n, DB1)
    if slow:
        _double_depot(r, n, DC1)
    if cal:
        for j in range(n):
            x3, x4, left = r[DD3 + j], r[DD4 + j], r[ED + j]
            r[DD3 + j] = r[P33 + j] * x3 + r[P34 + j] * x4 + left * x3
            r[DD4 + j] = r[P43 + j] * x3 + r[P44 + j] * x4 + left * x4
            r[ED + j] = left * left
    for j in range(n):
        a, b, c, d = r[P11 + j], r[P12 + j], r[P21 + j], r[P22 + j]
        e, f, g, h = r[P31 + j], r[P32 + j], r[P41 + j], r[P42 + j]
        p, q, s, t = r[P33 + j], r[P34 + j], r[P43 + j], r[P44 + j]
        x1, x2, x3, x4 = r[W01 + j], r[W02 + j], r[W03 + j], r[W04 + j]
        y1, y2, y3, y4 = r[W11 + j], r[W12 + j], r[W13 + j], r[W14 + j]
        z1, z2, z3, z4 = r[W21 + j], r[W22 + j], r[W23 + j], r[W24 + j]
        r[W01 + j] = a * x1 + b * x2 + x1
        r[W02 + j] = c * x1 + d * x2 + x2
        r[W03 + j] = e * x1 + f * x2 + p * x3 + q * x4 + x3
        r[W04 + j] = g * x1 + h * x2 + s * x3 + t * x4 + x4
        r[W11 + j] = 0.5 * (a * y1 + b * y2 + x1 + y1)
        r[W12 + j] = 0.5 * (c * y1 + d * y2 + x2 + y2)
        r[W13 + j] = 0.5 * (e * y1 + f * y2 + p * y3 + q * y4 + x3 + y3)
        r[W14 + j] = 0.5 * (g * y1 + h * y2 + s * y3 + t * y4 + x4 + y4)
        r[W21 + j] = 0.25 * (a * z1 + b * z2 + x1 + 2.0 * y1 + z1)
        r[W22 + j] = 0.25 * (c * z1 + d * z2 + x2 + 2.0 * y2 + z2)
        r[W23 + j] = 0.25 * (e * z1 + f * z2 + p * z3 + q * z4 + x3 + 2.0 * y3 + z3)
        r[W24 + j] = 0.25 * (g * z1 + h * z2 + s * z3 + t * z4 + x4 + 2.0 * y4 + z4)
        x3, x4, y3, y4, z3, z4 = r[V03 + j], r[V04 + j], r[V13 + j], r[V14 + j], r[V23 + j], r[V24 + j]
        r[V03 + j] = p * x3 + q * x4 + x3
        r[V04 + j] = s * x3 + t * x4 + x4
        r[V13 + j] = 0.5 * (p * y3 + q * y4 + x3 + y3)
        r[V14 + j] = 0.5 * (s * y3 + t * y4 + x4 + y4)
        r[V23 + j] = 0.25 * (p * z3 + q * z4 + x3 + 2.0 * y3 + z3)
        r[V24 + j] = 0.25 * (s * z3 + t * z4 + x4 + 2.0 * y4 + z4)
        r[P11 + j] = a * a + b * c
        r[P12 + j] = a * b + b * d
        r[P21 + j] = c * a + d * c
        r[P22 + j] = c * b + d * d
        r[P31 + j] = e * a + f * c + p * e + q * g
        r[P32 + j] = e * b + f * d + p * f + q * h
        r[P41 + j] = g * a + h * c + s * e + t * g
        r[P42 + j] = g * b + h * d + s * f + t * h
        r[P33 + j] = p * p + q * s
        r[P34 + j] = p * q + q * t
        r[P43 + j] = s * p + t * s
        r[P44 + j] = s * q + t * t


@njit(**_OPTIONS)
def _copy(r, k, n, row, onto, rows):  # type: ignore[no-untyped-def]
    for i in range(rows):
        for j in range(n):
            k[onto + i * LANES + j] = r[row + i * LANES + j]


@njit(**_OPTIONS)
def _middle(rates, r, k, n, oral, im, slow, cal):  # type: ignore[no-untyped-def]
    """Rows of the middle of a step, from the response over its half."""
    if oral:
        _copy(r, k, n, DA1, HA, 1)
        _copy(r, k, n, DA3, KA3, 1)
    if im:
        _copy(r, k, n, DB1, HB, 1)
        _copy(r, k, n, DB3, KB3, 1)
    if slow:
        _copy(r, k, n, DC1, HC, 1)
        _copy(r, k, n, DC3, KC3, 1)
    if cal:
        _copy(r, k, n, DD3, KD3, 1)
    for j in range(n):
        k[H1 + j] = r[P11 + j]
        k[H2 + j] = r[P12 + j]
        x, y, z = r[W01 + j], 0.5 * r[W11 + j], 0.25 * r[W21 + j]
        k[H0 + j] = x - 3.0 * y + 2.0 * z
        k[HM + j] = 4.0 * (y - z)
        k[HE + j] = 2.0 * z - y
        k[K1 + j] = r[P31 + j]
        k[K2 + j] = r[P32 + j]
        k[K3 + j] = r[P33 + j]
        k[K4 + j] = r[P34 + j]
        x, y, z = r[W03 + j], 0.5 * r[W13 + j], 0.25 * r[W23 + j]
        k[K0 + j] = x - 3.0 * y + 2.0 * z
        k[KM + j] = 4.0 * (y - z)
        k[KE + j] = 2.0 * z - y
        x, y, z = r[V03 + j], 0.5 * r[V13 + j], 0.25 * r[V23 + j]
        k[L0 + j] = x - 3.0 * y + 2.0 * z
        k[LM + j] = 4.0 * (y - z)
        k[LE + j] = 2.0 * z - y
    _root(rates, k, n, HM, BM)


@njit(**_OPTIONS)
def _whole(rates, r, k, n, oral, im, slow, cal):  # type: ignore[no-untyped-def]
    """Rows of the end of a step, from the response over it."""
    _copy(r, k, n, P11, P11, 12)
    if oral:
        _copy(r, k, n, DA1, DA1, 5)
    if im:
        _copy(r, k, n, DB1, DB1, 5)
    if slow:
        _copy(r, k, n, DC1, DC1, 5)
    if cal:
        _copy(r, k, n, DD3, DD3, 3)
    for i in range(4):
        o = i * LANES
        for j in range(n):
            x, y, z = r[W01 + o + j], r[W11 + o + j], r[W21 + o + j]
            k[F01 + o + j] = x - 3.0 * y + 2.0 * z
            k[FM1 + o + j] = 4.0 * (y - z)
            k[FE1 + o + j] = 2.0 * z - y
    for i in range(2):
        o = i * LANES
        for j in range(n):
            x, y, z = r[V03 + o + j], r[V13 + o + j], r[V23 + o + j]
            k[G03 + o + j] = x - 3.0 * y + 2.0 * z
            k[GM3 + o + j] = 4.0 * (y - z)
            k[GE3 + o + j] = 2.0 * z - y
    _root(rates, k, n, FE1, BE)


@njit(**_OPTIONS)
def _root(rates, k, n, weight, into):  # type: ignore[no-untyped-def]
    """What solves x + w x (vm / (km + x) - kn) = f for x: the positive root of a quadratic in x, without a division."""
    for j in range(n):
        vm, km, w = rates[VM + j], rates[KMV + j], k[weight + j]
        a = 1.0 - w * rates[KN + j]
        k[into + j] = a * km + w * vm
        k[into + LANES + j] = 4.0 * a * km
        k[into + 2 * LANES + j] = 0.5 / a
        k[into + 3 * LANES + j] = 1.0 / w


@njit(**_OPTIONS)
def _fastest(rates, r, n, oral, im, slow, cal):  # type: ignore[no-untyped-def]
    """The fastest rate of a tile."""
    a, b, c, d = 1.0 * oral, 1.0 * im, 1.0 * slow, 1.0 * cal
    for j in range(n):
        m = _larger(_larger(-rates[A11 + j], rates[A21 + j]), _larger(-rates[A33 + j], rates[A43 + j]))
        m = _larger(
            m, _larger(_larger(a * rates[RA + j], b * rates[RB + j]), _larger(c * rates[RC + j], d * rates[RD + j]))
        )
        r[FAST + j] = m
    fastest = 0.0
    for j in range(n):
        fastest = max(fastest, r[FAST + j])
    return fastest


@njit(**_OPTIONS)
def _larger(a, b):  # type: ignore[no-untyped-def]
    """The larger of two without a comparison, which would keep the loop from using vector instructions."""
    return 0.5 * (a + b + abs(a - b))


@njit(**_OPTIONS)
def chain(rates, r, n, base, slots, coefficients, oral, im, slow, cal):  # type: ignore[no-untyped-def]
    """Coefficients of all lengths ``base x 2^(level - TOP)`` that have a slot (``slots[level] >= 0``).

    Only the depots that are named have their rows made.
    """
    fastest = _fastest(rates, r, n, oral, im, slow, cal)
    lowest = 0
    while lowest < LEVELS - 1 and slots[lowest] < 0:
        lowest += 1
    highest = LEVELS - 1
    while highest > 0 and slots[highest] < 0:
        highest -= 1
    # Half of the shortest step is needed too, for its middle.
    level = lowest - 1
    h = base * 2.0 ** (level - TOP)
    while fastest * h > SMALL and level > -60:
        level -= 1
        h *= 0.5
    series(rates, r, n, h, oral, im, slow, cal)
    while level < highest:
        if level + 1 >= 0 and slots[level + 1] >= 0:
            _middle(rates, r, coefficients[slots[level + 1]], n, oral, im, slow, cal)
        double(r, n, oral, im, slow, cal)
        level += 1
        if level >= 0 and slots[level] >= 0:
            _whole(rates, r, coefficients[slots[level]], n, oral, im, slow, cal)
