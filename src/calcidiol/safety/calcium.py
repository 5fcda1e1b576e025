"""Calcium: the correction for albumin, and every way to read the calcium of the day.

Payne 1973 (BMJ 4:643): corrected = total + 0.02 mmol/L for each g/L of albumin below 40. In 6,549 patients the
correction was no better than the plain total for free calcium, and worse with eGFR below 60 (Lian 2018, BMJ Open
8:e017703). So both are kept and the worse one decides; an ionized calcium decides too, beside them.
"""

from __future__ import annotations

from calcidiol.safety.seen import DIGITS, Seen

PER_G_PER_L = 0.02
NORMAL_ALBUMIN_G_PER_L = 40.0


def payne(calcium_mmol_per_l: float, albumin_g_per_l: float) -> float:
    """Total calcium corrected for albumin, mmol/L.

    Parameters
    ----------
    calcium_mmol_per_l
        Total calcium as measured, not yet corrected.
    albumin_g_per_l
        Albumin in g/L.

    Examples
    --------
    >>> payne(2.3, 25.0)
    2.6

    References
    ----------
    Payne RB et al. Interpretation of serum calcium in patients with abnormal serum proteins. BMJ 1973;4:643.
    """
    return round(calcium_mmol_per_l + PER_G_PER_L * (NORMAL_ALBUMIN_G_PER_L - albumin_g_per_l), DIGITS)


def uncorrected(corrected_mmol_per_l: float, albumin_g_per_l: float) -> float:
    """The measured total calcium behind a value that was corrected by `payne`, mmol/L.

    Examples
    --------
    >>> uncorrected(2.6, 25.0)
    2.3
    """
    return round(corrected_mmol_per_l - PER_G_PER_L * (NORMAL_ALBUMIN_G_PER_L - albumin_g_per_l), DIGITS)


def corrected(calcium: Seen, albumin: Seen) -> Seen:
    """`payne` for values that may be bounded only; keeps day and limits of the calcium."""
    lo = payne(calcium.lo, albumin.hi) if albumin.hi != float("inf") else 0.0
    return Seen(
        max(lo, 0.0),
        payne(calcium.hi, albumin.lo),
        calcium.when,
        calcium.low,
        calcium.high,
        calcium.lo_open or albumin.hi_open,
        calcium.hi_open or albumin.lo_open,
        "corrected",
    )
