"""Child-Pugh score, also when a part of it is not known: then between which values it lies."""

from __future__ import annotations

import math

ASCITES = {"none": 1, "mild": 2, "moderate": 3}
ENCEPHALOPATHY = {"none": 1, "1-2": 2, "3-4": 3}


def child_pugh(
    bilirubin_umol_per_l: float | None,
    albumin_g_per_l: float | None,
    inr: float | None,
    ascites: str | None,
    encephalopathy: str | None,
) -> tuple[int, int]:
    """Least and greatest Child-Pugh score that fit; equal when all five parts are known.

    Parameters
    ----------
    bilirubin_umol_per_l, albumin_g_per_l, inr
        Laboratory parts; None when not known.
    ascites, encephalopathy
        ``"none"``, ``"mild"``, ``"moderate"``; ``"none"``, ``"1-2"``, ``"3-4"``; None when not known.

    Examples
    --------
    >>> child_pugh(60.0, 25.0, 2.0, "mild", "none")
    (11, 11)
    >>> child_pugh(20.0, 40.0, None, "none", "none")
    (5, 7)

    References
    ----------
    Pugh RNH et al. Br J Surg 1973;60:646 (limits recalled, tag R).
    """
    parts = [
        _points(bilirubin_umol_per_l, 34.0, 50.0),
        _points(None if albumin_g_per_l is None else -albumin_g_per_l, -35.0, -28.0),
        _points(inr, 1.7, 2.3),
        None if ascites is None else ASCITES[ascites],
        None if encephalopathy is None else ENCEPHALOPATHY[encephalopathy],
    ]
    return sum(1 if p is None else p for p in parts), sum(3 if p is None else p for p in parts)


def child_pugh_class(score: int) -> str:
    """Class A (5-6), B (7-9) or C (10-15).

    Examples
    --------
    >>> child_pugh_class(9), child_pugh_class(10)
    ('B', 'C')
    """
    return "A" if score <= 6 else "B" if score <= 9 else "C"


def _points(value: float | None, second: float, third: float) -> int | None:
    """1 below `second`, 2 from there to `third`, 3 above it; albumin comes with its sign turned (35 is still 2)."""
    if value is None or math.isnan(value):
        return None
    return 1 if value < second else 2 if value <= third else 3
