"""24,25(OH)2D and 1,25(OH)2D as slow followers of 25(OH)D; plausibility only, never used to decide (see the card).

d C24/dt  = k24 (VMR(level) g(eGFR) level - C24),  VMR = vmr_at_75 (level / 75)^exponent
d C125/dt = k125 (b125 S(level) / S(start) - C125), S = level / (level + ks)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.card import Card

Floats = NDArray[np.float64]
_STAGES = ((90.0, 1.0), (60.0, 0.86), (45.0, 0.75), (30.0, 0.57), (15.0, 0.45), (0.0, 0.30))
"""24,25 slope by eGFR relative to normal (de Boer 2014; strata recalled, ratios V)."""


def kidney_factor(egfr: Floats) -> Floats:
    """Share of the normal 24,25(OH)2D at an eGFR (mL/min/1.73 m2)."""
    out = np.full_like(np.asarray(egfr, dtype=float), _STAGES[-1][1])
    for limit, factor in reversed(_STAGES):
        out = np.where(egfr >= limit, factor, out)
    return out


def follow(card: Card, times_d: Floats, level: Floats, egfr: Floats) -> tuple[Floats, Floats]:
    """24,25(OH)2D (nmol/L) and 1,25(OH)2D (pmol/L) along a level.

    Parameters
    ----------
    card
        Holds the rates.
    times_d
        Rising days (M,), a day or less apart for a level that moves fast.
    level
        25(OH)D, nmol/L, (N, M); both start at their balance with the first level.
    egfr
        mL/min/1.73 m2, (N,).
    """

    def v(name: str) -> float:
        return card.value(name, "metabolites")

    ks = np.where(egfr < 15.0, v("ks_dialysis"), v("ks"))[:, None]
    aim24 = v("vmr_at_75") * (level / 75.0) ** v("vmr_exponent") * kidney_factor(egfr)[:, None] * level
    supply = level / (level + ks)
    aim125 = v("b125") * supply / supply[:, :1]
    return _lag(times_d, aim24, v("k24")), _lag(times_d, aim125, v("k125"))


def _lag(times_d: Floats, aim: Floats, rate: float) -> Floats:
    """First-order lag behind an aim that is linear between the times; exact for such an aim."""
    out = np.empty_like(aim)
    out[:, 0] = aim[:, 0]
    for i in range(1, aim.shape[1]):
        h = float(times_d[i] - times_d[i - 1])
        left = np.exp(-rate * h)
        slope = (aim[:, i] - aim[:, i - 1]) / h if h > 0 else np.zeros(len(aim))
        out[:, i] = aim[:, i] - slope / rate + (out[:, i - 1] - aim[:, i - 1] + slope / rate) * left
    return out
