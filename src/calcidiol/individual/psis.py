"""Pareto-smoothed importance sampling: weights with a tame tail, and k-hat, which tells whether to trust them.

Vehtari A, Simpson D, Gelman A, Yao Y, Gabry J. Pareto smoothed importance sampling. J Mach Learn Res 2024;25:1-58;
the tail is fitted as in Zhang J, Stephens MA. Technometrics 2009;51:316-325.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TRUST = 0.7
"""k-hat above which weights are not to be trusted (Vehtari 2024)."""


def pareto_fit(excess: Floats) -> tuple[float, float]:
    """Shape k and scale sigma of a generalized Pareto law for sorted positive excesses (Zhang & Stephens 2009)."""
    n = len(excess)
    m = 30 + int(np.sqrt(n))
    b = 1.0 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))
    b = b / (3.0 * excess[int(n / 4 + 0.5) - 1]) + 1.0 / excess[-1]
    k = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-b / k) - k - 1.0)
    weight = 1.0 / np.exp(profile - profile[:, None]).sum(axis=1)
    keep = weight >= 10 * np.finfo(float).eps
    b, weight = b[keep], weight[keep] / weight[keep].sum()
    best = float((b * weight).sum())
    shape = float(np.log1p(-best * excess).mean())
    sigma = -shape / best
    # A weak prior on the shape, worth ten observations at 0.5.
    return (n * shape + 10 * 0.5) / (n + 10), sigma


def smooth(log_weight: Floats) -> tuple[Floats, float]:
    """Normalized smoothed weights and k-hat.

    Parameters
    ----------
    log_weight
        Raw log importance ratios (N,), any constant added.

    Returns
    -------
    weights : ndarray (N,)
        Sum 1.
    k_hat : float
        Infinite when fewer than five draws make the tail or all weight lies on one draw.

    Examples
    --------
    >>> w, k = smooth(np.zeros(1000))
    >>> round(float(w.sum()), 9), k < 0.7
    (1.0, True)
    """
    finite = np.isfinite(log_weight)
    if finite.sum() < 25:
        return np.full(len(log_weight), 1.0 / len(log_weight)), np.inf
    lw = np.where(finite, log_weight, -np.inf) - log_weight[finite].max()
    n = len(lw)
    tail = int(np.ceil(min(0.2 * n, 3.0 * np.sqrt(n))))
    order = np.argsort(lw, kind="stable")
    cut = float(max(lw[order[-tail - 1]], np.log(np.finfo(float).tiny)))
    top = order[-tail:]
    excess = np.exp(lw[top]) - np.exp(cut)
    k = np.inf
    if tail >= 5 and excess[-1] > 0 and excess[int(tail / 4 + 0.5) - 1] > 0:
        k, sigma = pareto_fit(excess)
        if np.isfinite(k):
            at = (np.arange(1, tail + 1) - 0.5) / tail
            quantile = sigma * np.expm1(-k * np.log1p(-at)) / k if abs(k) > 1e-12 else -sigma * np.log1p(-at)
            lw = lw.copy()
            lw[top] = np.minimum(np.log(quantile + np.exp(cut)), 0.0)
    elif np.ptp(lw[finite]) < 1e-9:
        k = -1.0
    w = np.exp(lw - lw.max())
    return w / w.sum(), float(k)


def effective(weights: Floats) -> float:
    """How many independent draws the weights are worth: 1 / sum of squares."""
    return float(1.0 / np.sum(weights**2))
