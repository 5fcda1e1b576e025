"""How probable the results are, given the level: residual and assay error, censored results, a few wild ones.

A result is log-normal around the true level times the bias of its assay. Two in a hundred results are taken to be five
times as scattered (a mixed-up tube, a slip of the pen), so that one wild value cannot carry the fit alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.history import Observed

Floats = NDArray[np.float64]
WILD_SHARE = 0.02
WILD_WIDTH = 5.0
"""Share and width of wild results; our choice (P): rare enough not to widen the bands, wide enough to be outvoted."""
_ROOT_2PI = float(np.sqrt(2 * np.pi))


def log_sd(level: Floats, proportional: float, additive: float) -> Floats:
    """SD of the log result at a level (nmol/L): sqrt(proportional^2 + (additive / level)^2)."""
    return np.sqrt(proportional**2 + (additive / level) ** 2)


def log_likelihood(observed: Observed, level: Floats, bias: Floats, residual: tuple[float, float]) -> Floats:
    """Log-likelihood of all results for each draw.

    Parameters
    ----------
    observed
        L results.
    level
        True level at their times, nmol/L, (N, L).
    bias
        Log bias of each assay group, (N, A).
    residual
        Proportional and additive error of the card.

    Returns
    -------
    ndarray (N,)
    """
    if not len(observed):
        return np.zeros(level.shape[0])
    return pointwise(observed, level, bias, residual).sum(axis=1)


def pointwise(observed: Observed, level: Floats, bias: Floats, residual: tuple[float, float]) -> Floats:
    """Log-likelihood of each result for each draw, (N, L)."""
    r, sd = standardized(observed, level, bias, residual)
    out = np.empty_like(r)
    measured = observed.kind == 0
    z = r[:, measured]
    calm = np.exp(-0.5 * z**2)
    wild = np.exp(-0.5 * (z / WILD_WIDTH) ** 2) / WILD_WIDTH
    density = (1 - WILD_SHARE) * calm + WILD_SHARE * wild
    out[:, measured] = np.log(np.maximum(density, 1e-300)) - np.log(sd[:, measured] * _ROOT_2PI)
    if not measured.all():
        from scipy.special import log_ndtr

        # P(result < limit) = Phi(r); P(result > limit) = Phi(-r).
        side = -observed.kind[~measured]
        out[:, ~measured] = log_ndtr(r[:, ~measured] * side)
    return out


def standardized(
    observed: Observed, level: Floats, bias: Floats, residual: tuple[float, float]
) -> tuple[Floats, Floats]:
    """(log result - log level - bias) / SD, and the SD, each (N, L)."""
    shift = np.zeros_like(level)
    for group in range(bias.shape[1]):
        shift[:, observed.assay == group] = bias[:, [group]]
    sd = log_sd(level * np.exp(shift), *residual)
    return (observed.log_value - np.log(level) - shift) / sd, sd
