"""The linear limit in closed form: without saturation and season the equations are linear and have an exact answer.

Used to check the solver, never by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import CALCIFEDIOL, IM, ORAL, Schedule
from calcidiol.kinetics.layout import ROW
from calcidiol.kinetics.steady import constant

Floats = NDArray[np.float64]


def linear_level(p: Floats, schedule: Schedule, times_d: Floats) -> Floats:
    """25(OH)D at the times, nmol/L, for one set of parameters with ``vmax = 0``, no Hill clearance and no season.

    The nine states (four depots, two D3, two 25(OH)D and the constant input) obey x' = A x; each interval between doses
    is one matrix exponential.
    """
    from scipy.linalg import expm

    def v(name: str) -> float:
        return float(p[ROW[name]])

    a = np.zeros((9, 9))
    for i, rate in enumerate(("ka", "kim", "kim_slow", "kc")):
        a[i, i] = -v(rate)
    for i, rate in enumerate(("ka", "kim", "kim_slow")):
        a[4, i] = v(rate) / v("v1")
    a[4, 4] = -(v("clo") + v("clh") + v("q")) / v("v1")
    a[4, 5] = v("q") / v("v1")
    a[5, 4], a[5, 5] = v("q") / v("v2"), -v("q") / v("v2")
    a[6, 3] = v("kc") / v("v25")
    a[6, 4] = v("clh") / v("v25")
    a[6, 6], a[6, 7] = -(v("cl25") + v("q25")) / v("v25"), v("q25") / v("v25")
    a[7, 6], a[7, 7] = v("q25") / v("v25p"), -v("q25") / v("v25p")
    c1, mean_input = constant(p[None])
    a[4, 8] = float(mean_input[0]) / v("v1")
    x = np.zeros(9)
    x[4] = x[5] = c1[0]
    x[6] = x[7] = v("untreated")
    x[8] = 1.0
    out = np.empty(len(times_d))
    now = min(float(times_d[0]), float(schedule.time_d[0]) if len(schedule) else np.inf)
    stops = [(float(t), 0, i) for i, t in enumerate(times_d)] + [
        (float(t), 1, i) for i, t in enumerate(schedule.time_d)
    ]
    for time, is_dose, i in sorted(stops):
        x = expm(a * (time - now)) @ x
        now = time
        if not is_dose:
            out[i] = x[6]
            continue
        amount, into = float(schedule.amount_nmol[i]), int(schedule.into[i])
        if into == ORAL:
            x[0] += amount * v("f_oral")
        elif into == IM:
            x[1] += amount * v("f_im") * v("im_fast")
            x[2] += amount * v("f_im") * (1 - v("im_fast"))
        elif into == CALCIFEDIOL:
            x[3] += amount * v("f_calcifediol")
    return out
