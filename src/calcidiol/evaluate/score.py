"""Figures of agreement between predicted and observed levels, with intervals by bootstrap over studies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BANDS = (50, 80, 90)
RESAMPLES = 1000


def figures(predicted: Floats, observed: Floats, percentile: Floats) -> dict[str, float]:
    """The figures of one set of rows.

    Parameters
    ----------
    predicted, observed
        Levels, nmol/L, shape (n,).
    percentile
        Place of each observation in its own predictive distribution, 0 to 100.

    Returns
    -------
    dict
        ``n``; ``gmr`` geometric mean of predicted/observed; ``gsd`` geometric standard deviation of that ratio;
        ``within_1_25``, ``within_1_5`` share of ratios within these folds; ``coverage_50/80/90`` share of observations
        inside the central band.
    """
    log_ratio = np.log(predicted / observed)
    n = len(log_ratio)
    out = {
        "n": n,
        "gmr": float(np.exp(log_ratio.mean())) if n else float("nan"),
        "gsd": float(np.exp(log_ratio.std(ddof=1))) if n > 1 else float("nan"),
        "within_1_25": float(np.mean(np.abs(log_ratio) <= np.log(1.25))) if n else float("nan"),
        "within_1_5": float(np.mean(np.abs(log_ratio) <= np.log(1.5))) if n else float("nan"),
    }
    for band in BANDS:
        inside = np.abs(percentile - 50.0) <= band / 2
        out[f"coverage_{band}"] = float(np.mean(inside)) if n else float("nan")
    return out


def with_intervals(
    predicted: Floats, observed: Floats, percentile: Floats, studies: Sequence[str], seed: int
) -> dict[str, Any]:
    """`figures` with 95 % intervals from resampling whole studies, since arms of one study are not independent."""
    told: dict[str, Any] = {k: _plain(v) for k, v in figures(predicted, observed, percentile).items()}
    names = sorted(set(studies))
    told["studies"] = len(names)
    if len(names) < 3:
        return told
    members = [np.flatnonzero(np.asarray(studies) == name) for name in names]
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        for key, value in figures(predicted[rows], observed[rows], percentile[rows]).items():
            drawn.setdefault(key, []).append(value)
    told["interval_95"] = {
        key: [float(x) for x in np.nanpercentile(values, [2.5, 97.5])] for key, values in drawn.items() if key != "n"
    }
    return told


def _plain(value: float) -> float | None:
    """NaN has no place in JSON: a figure that cannot be given is null."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
