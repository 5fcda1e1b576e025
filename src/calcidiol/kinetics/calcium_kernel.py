"""The equations of the calcium model, their Jacobian, and the stepping of many lanes (numba; imported lazily).

Twelve states a lane, in the order of `STATES`, in hours, mmol and pmol. The system is stiff: phosphate and PTH move
within minutes, gland capacity and cell phosphate over months, and 25(OH)D drives all of it over weeks. Each step solves
one linear system with the exact Jacobian (ROS2: second order, L-stable, two stages, one factorization), so that the
step follows the weeks and not the minutes. The 25(OH)D of a step is that of its middle; steps end at the knots of the
forcing.

ROS2: Verwer, Spee, Blom, Hundsdorfer, SIAM J Sci Comput 1999;20:1456.
"""

# mypy: disable-error-code="misc,no-untyped-call,untyped-decorator"
from __future__ import annotations

import math
from typing import Any

import numba as nb
import numpy as np

STATES = (
    "pth", "gland", "capacity", "calcitriol", "hydroxylase", "calcium", "gut_calcium", "gut_effect", "gut_phosphate",
    "phosphate", "cell_phosphate", "induction",
)  # fmt: skip
N = len(STATES)

PARAMETERS = (
    "gfr", "oral_calcium", "urine", "albumin", "dbp", "base_agonism", "rho", "er", "h", "xr", "g", "tau", "km", "s",
    "d0", "k_dbp_25", "k_alb_25", "k_dbp_125", "k_alb_125", "feedback_from", "feedback_scale",
)  # fmt: skip
"""Parameters of a lane, in order: L/h, mmol/h, factor, mol/L, mol/L, pmol/L, then the coupling and the constants."""

_V = 14.0
_C0 = 32.90 / _V
_P0 = 53.90 / _V
_T0 = 1.58471
_TK = _T0 * (0.9 - 0.105929) / 0.105929
_A, _SMALL_A, _NS = 6249.09, 96.25, 11.7387
_KN = (_A - _SMALL_A) * _C0**_NS / (_A - 385.0) - _C0**_NS
_YM = 12.5033
_D50 = (3.2029 / 3.1029) * 90.0**_YM - 90.0**_YM
_YP = 0.111241
_GP = (1.54865**_YP + _P0**_YP) / _P0**_YP
_KP = 1.54865**_YP
_YE = 8.25229
_KE = 1.3021**_YE
_ME = 0.52493 * (1.2**_YE + _KE) / (1.52493 * 1.2**_YE)
_JB = 88.0 / 24.0
_RMAX6 = (0.3 * 6.0 * _C0 - 0.149997) * (1.57322 + _C0) / _C0
_GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
_LIMIT_STEPS = 20000

jit: Any = nb.njit(cache=True, fastmath=False, error_model="numpy")


@jit
def free_hormones(d_nmol: float, par: Any) -> tuple[float, float]:
    """Free 25(OH)D (pmol/L) and the free fraction of calcitriol, at a total 25(OH)D in nmol/L."""
    t = d_nmol * 1e-9
    k = par[15]
    a = k * (1.0 + par[16] * par[3])
    b = k * par[4] - k * t + par[16] * par[3] + 1.0
    x = (-b + math.sqrt(b * b + 4.0 * a * t)) / (2.0 * a)
    dbp = par[4] / (1.0 + k * x)
    return x * 1e12, 1.0 / (1.0 + par[18] * par[3] + par[17] * dbp)


@jit
def slopes(y: Any, par: Any, d_nmol: float, f25: float, phi: float, dy: Any, jac: Any, want: bool) -> None:
    """Time derivatives `dy` (per hour), and with `want` the Jacobian `jac`."""
    p, gl, m, bt, hy, ca = y[0] / _V, y[1], y[2], y[3] / _V, y[4], y[5]
    c, t, r, fg, e, i, ind = ca / _V, y[6], y[7], y[8], y[9] / _V, y[10], y[11]
    p, c, e = max(p, 1e-9), max(c, 1e-6), max(e, 1e-6)
    x = (bt * phi + f25 / par[6]) / par[5]
    xb = phi / (par[5] * _V)
    de = 90.0 * x
    deb = 90.0 * xb
    # secretion of PTH
    cn = c**_NS
    sec = _A - (_A - _SMALL_A) * cn / (cn + _KN)
    dy[0] = sec * (gl / 0.5) * m - 100.0 / _V * y[0]
    # gland pool
    ratio = (_C0 / c) ** 0.9
    th = math.tanh(par[13] * (de - 90.0 * ratio))
    up = 0.01 * (0.85 * (1.0 + th) + 0.15)
    um = 0.01 * (0.85 * (1.0 - th) + 0.15)
    dy[1] = (1.0 - gl) * um - gl * up
    # gland capacity
    dm = de**_YM
    dy[2] = 0.0001604 * (4.1029 - 3.2029 * dm / (dm + _D50) - m)
    # calcitriol
    km = par[12]
    sub = d_nmol / (d_nmol + km) * (par[14] + km) / par[14]
    dy[3] = hy * sub - 0.10 * ind * y[3]
    # hydroxylase
    pp = p**_YP
    gp = _GP * pp / (_KP + pp)
    if e <= 1.2:
        fe, fed = 1.0, 0.0
    else:
        en = e**_YE
        fe = 1.52493 - _ME * 1.52493 * en / (en + _KE)
        fed = -_ME * 1.52493 * _YE * en / e * _KE / (en + _KE) ** 2
    dy[4] = 6.3 * gp * fe - 0.05 * hy
    # kidney
    gfr, gfrc = par[0], 0.0
    if c > par[19]:
        u = (c - par[19]) / par[20]
        gfr = par[0] / (1.0 + u * u)
        gfrc = -par[0] * 2.0 * u / par[20] / (1.0 + u * u) ** 2
    hold = c / (1.57322 + c)
    pth = 1.06147 * p / (p + 0.06147 * _P0)
    net = gfr * (0.3 * c - _RMAX6 / 6.0 * hold * pth)
    act = (2.0 - 2.0 * de / (de + 90.0)) * par[2]
    ju = act * net
    flows = ju > 0.0
    if not flows:
        ju = 0.0
    # gut
    w = de / (90.0 + de)
    ja = 0.9 * t * t / (t + _TK) * (r / 0.5) / (t + 0.75) + 0.0495 * t
    r4 = r**4
    fa = 0.909359 * r4 / (r4 + 0.31640625)
    # bone
    xe = x - 1.0
    if xe > 0.0:
        xh = xe ** par[8]
        kh = par[9] ** par[8]
        jo = _JB * (1.0 + par[7] * xh / (kh + xh))
    else:
        xh, kh = 0.0, 1.0
        jo = _JB
    ji = _JB * ca / 32.90
    dy[5] = jo - ji - ju + ja
    dy[6] = par[1] * fa - ja
    dy[7] = (0.003 + 0.034 * w) * (1.0 - r) - (0.037 - 0.034 * w) * r
    dy[8] = 0.7 * 10.5 / 24.0 - 0.365 * fg
    lost = 0.88 * gfr * (e - 1.142)
    wasting = lost > 0.0
    if not wasting:
        lost = 0.0
    dy[9] = 0.464 * (jo - ji) - lost + 0.365 * fg - 51.8 * e + 0.019268 * i
    dy[10] = 51.8 * e - 0.019268 * i
    xg = x ** par[10]
    dy[11] = (xg - ind) / par[11]
    if not want:
        return
    jac[:, :] = 0.0
    jac[0, 0] = -100.0 / _V
    jac[0, 1] = sec / 0.5 * m
    jac[0, 2] = sec * gl / 0.5
    jac[0, 5] = -(_A - _SMALL_A) * _NS * cn / c * _KN / (cn + _KN) ** 2 * gl / 0.5 * m / _V
    slope = (1.0 - th * th) * par[13]
    jac[1, 1] = -um - up
    jac[1, 3] = -0.0085 * slope * deb
    jac[1, 5] = -0.0085 * slope * 81.0 * ratio / c / _V
    jac[2, 2] = -0.0001604
    jac[2, 3] = -0.0001604 * 3.2029 * _YM * dm / de * _D50 / (dm + _D50) ** 2 * deb
    jac[3, 3] = -0.10 * ind
    jac[3, 4] = sub
    jac[3, 11] = -0.10 * y[3]
    jac[4, 0] = 6.3 * fe * _GP * _YP * pp / p * _KP / (_KP + pp) ** 2 / _V
    jac[4, 4] = -0.05
    jac[4, 9] = 6.3 * gp * fed / _V
    if flows:
        jac[5, 0] = act * gfr * _RMAX6 / 6.0 * hold * 1.06147 * 0.06147 * _P0 / (p + 0.06147 * _P0) ** 2 / _V
        jac[5, 3] = par[2] * 180.0 / (de + 90.0) ** 2 * deb * net
        held = _RMAX6 / 6.0 * pth * 1.57322 / (1.57322 + c) ** 2
        jac[5, 5] = -act * (gfrc * (0.3 * c - _RMAX6 / 6.0 * hold * pth) + gfr * (0.3 - held)) / _V
    bone = 0.0
    if xe > 0.0:
        bone = _JB * par[7] * par[8] * xh / xe * kh / (kh + xh) ** 2 * xb
    jac[5, 3] += bone
    jac[5, 5] -= _JB / 32.90
    head = 0.9 * t * t / ((t + _TK) * (t + 0.75))
    jat = (0.9 * t * (2.0 * _TK * 0.75 + t * (_TK + 0.75)) / ((t + _TK) * (t + 0.75)) ** 2) * (r / 0.5) + 0.0495
    jac[5, 6] = jat
    jac[5, 7] = head / 0.5
    jac[6, 6] = -jat
    jac[6, 7] = par[1] * 0.909359 * 4.0 * r**3 * 0.31640625 / (r4 + 0.31640625) ** 2 - head / 0.5
    jac[7, 3] = 0.034 * 90.0 / (90.0 + de) ** 2 * deb
    jac[7, 7] = -0.040
    jac[8, 8] = -0.365
    jac[9, 3] = 0.464 * bone
    jac[9, 5] = -0.464 * _JB / 32.90
    jac[9, 8] = 0.365
    jac[9, 9] = -51.8 / _V
    if wasting:
        jac[9, 5] -= 0.88 * gfrc * (e - 1.142) / _V
        jac[9, 9] -= 0.88 * gfr / _V
    jac[9, 10] = 0.019268
    jac[10, 9] = 51.8 / _V
    jac[10, 10] = -0.019268
    jac[11, 3] = par[10] * xg / x * xb / par[11]
    jac[11, 11] = -1.0 / par[11]


@jit
def _factor(a: Any, order: Any) -> bool:
    """LU with partial pivoting, in place; False when singular."""
    for k in range(N):
        best = k
        for row in range(k + 1, N):
            if abs(a[row, k]) > abs(a[best, k]):
                best = row
        order[k] = best
        if best != k:
            for col in range(N):
                a[k, col], a[best, col] = a[best, col], a[k, col]
        if not abs(a[k, k]) > 0.0:
            return False
        inverse = 1.0 / a[k, k]
        for row in range(k + 1, N):
            if a[row, k] != 0.0:
                a[row, k] *= inverse
                f = a[row, k]
                for col in range(k + 1, N):
                    a[row, col] -= f * a[k, col]
    return True


@jit
def _back(a: Any, order: Any, v: Any) -> None:
    """Solve with the factors, in place."""
    for k in range(N):
        best = order[k]
        if best != k:
            v[k], v[best] = v[best], v[k]
    for k in range(N):
        for row in range(k + 1, N):
            v[row] -= a[row, k] * v[k]
    for k in range(N - 1, -1, -1):
        for col in range(k + 1, N):
            v[k] -= a[k, col] * v[col]
        v[k] /= a[k, k]


@jit
def course(start: Any, par: Any, level: Any, times_h: Any, tolerance: float, out: Any, end: Any, status: Any) -> None:
    """Calcium (mmol/L) of each lane at each time.

    `start` (L, 12), `par` (L, P), `level` (L, T) nmol/L at `times_h` (T,), linear between; results in `out` (L, T) and
    `end` (L, 12); `status` 0 ok, 1 too many steps, 2 no number.
    """
    y, y2, k1, k2 = np.empty(N), np.empty(N), np.empty(N), np.empty(N)
    jac, a, order = np.empty((N, N)), np.empty((N, N)), np.empty(N, np.int64)
    for lane in range(start.shape[0]):
        y[:] = start[lane]
        out[lane, 0] = y[5] / _V
        status[lane] = 0
        step = 6.0
        steps = 0
        for knot in range(1, times_h.shape[0]):
            t, stop = times_h[knot - 1], times_h[knot]
            slope = (level[lane, knot] - level[lane, knot - 1]) / (stop - t)
            while t < stop - 1e-9:
                steps += 1
                h = min(step, stop - t)
                d = level[lane, knot - 1] + slope * (t + 0.5 * h - times_h[knot - 1])
                f25, phi = free_hormones(d, par[lane])
                slopes(y, par[lane], d, f25, phi, k1, jac, True)
                for row in range(N):
                    for col in range(N):
                        a[row, col] = -_GAMMA * h * jac[row, col]
                    a[row, row] += 1.0
                if steps > _LIMIT_STEPS or not _factor(a, order):
                    status[lane] = 1
                    break
                _back(a, order, k1)
                for row in range(N):
                    y2[row] = y[row] + h * k1[row]
                slopes(y2, par[lane], d, f25, phi, k2, jac, False)
                for row in range(N):
                    k2[row] -= 2.0 * k1[row]
                _back(a, order, k2)
                worst = 0.0
                low = False
                for row in range(N):
                    y2[row] = y[row] + h * (1.5 * k1[row] + 0.5 * k2[row])
                    worst = max(worst, abs(0.5 * h * (k1[row] + k2[row])) / (abs(y[row]) + 1e-6))
                    low = low or not y2[row] > 0.0
                if low or not worst < 1e6:
                    if h < 1e-6:
                        status[lane] = 2
                        break
                    step = 0.25 * h
                    continue
                grow = 0.9 * math.sqrt(tolerance / max(worst, 1e-12))
                if worst > tolerance:
                    step = h * max(0.2, grow)
                    continue
                t += h
                y[:] = y2
                step = max(step, h) * min(4.0, max(0.5, grow)) if h < step else h * min(4.0, max(0.5, grow))
            if status[lane] != 0:
                out[lane, knot:] = np.nan
                break
            out[lane, knot] = y[5] / _V
        end[lane] = y
