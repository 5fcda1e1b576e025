"""How probable the results are, given the level: residual and assay error, censored results, a few wild ones.

A result is log-normal around the true level times the bias of its assay. Two in a hundred results are taken to be wild
(a mixed-up tube, a slip of the pen): Student-t with 3 degrees of freedom and three times the scatter, so that one wild
value cannot carry the fit alone, however far off it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.history import Observed

Floats = NDArray[np.float64]
WILD_SHARE = 0.02
WILD_WIDTH = 3.0
"""Share and width of wild results; our choice (P): docs/decisions/0002 shows what it costs and what it saves."""
_ROOT_2PI = float(np.sqrt(2 * np.pi))
_T3 = float(2.0 / (np.pi * np.sqrt(3.0)))
"""Density of the Student-t law with 3 degrees of freedom at its center."""


def log_sd(level: Floats, proportional: float, additive: float) -> Floats:
    """SD of the log result at a level (nmol/L): sqrt(proportional^2 + (additive / level)^2)."""
    return np.sqrt(proportional**2 + (additive / level) ** 2)


def _densities(z: Floats, share: Floats | float) -> tuple[Floats, Floats]:
    """Density of a standardized residual, calm and wild, each times its share."""
    calm = (1.0 - share) * np.exp(-0.5 * np.minimum(z**2, 1400.0)) / _ROOT_2PI
    wild = share * _T3 / WILD_WIDTH / (1.0 + z**2 / (3.0 * WILD_WIDTH**2)) ** 2
    return calm, wild


def log_likelihood(
    observed: Observed,
    level: Floats,
    bias: Floats,
    residual: tuple[float, float],
    wild: Floats | float = WILD_SHARE,
) -> Floats:
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
    wild
        Share of wild results, or how probable it is that each one is wild, (N, L).

    Returns
    -------
    ndarray (N,)
    """
    if not len(observed):
        return np.zeros(level.shape[0])
    return np.asarray(pointwise(observed, level, bias, residual, wild).sum(axis=1))


def pointwise(
    observed: Observed,
    level: Floats,
    bias: Floats,
    residual: tuple[float, float],
    wild: Floats | float = WILD_SHARE,
) -> Floats:
    """Log-likelihood of each result for each draw, (N, L)."""
    r, sd = standardized(observed, level, bias, residual)
    out = np.empty_like(r)
    measured = observed.kind == 0
    share = np.broadcast_to(wild, r.shape)
    calm, odd = _densities(r[:, measured], share[:, measured])
    out[:, measured] = np.log(calm + odd) - np.log(sd[:, measured])
    if not measured.all():
        # P(result < limit) = F(r); P(result > limit) = F(-r), F being the law of the residual.
        beyond = -observed.kind[~measured] * r[:, ~measured]
        out[:, ~measured] = np.log(_share_below(beyond, share[:, ~measured]))
    return out


def _share_below(z: Floats, share: Floats | float) -> Floats:
    """Share of results with a residual below z: normal and wild."""
    from scipy.special import ndtr

    u = z / WILD_WIDTH
    student = 0.5 + (np.arctan(u / np.sqrt(3.0)) + np.sqrt(3.0) * u / (3.0 + u**2)) / np.pi
    told = (1.0 - share) * ndtr(z) + share * np.maximum(student, 1e-12)
    return np.asarray(np.maximum(told, 1e-300))


def face_value(log_value: float, center: Floats, comparator: str, residual: tuple[float, float]) -> Floats:
    """Log-likelihood (N,) of one result around each center (nmol/L), without any allowance for a wild one."""
    sd = log_sd(center, *residual)
    r = (log_value - np.log(center)) / sd
    if comparator:
        from scipy.special import log_ndtr

        return np.asarray(log_ndtr(r if comparator in ("<", "<=") else -r))
    return np.asarray(-0.5 * r**2 - np.log(sd * _ROOT_2PI))


def standardized(
    observed: Observed, level: Floats, bias: Floats, residual: tuple[float, float]
) -> tuple[Floats, Floats]:
    """(log result - log level - bias) / SD, and the SD, each (N, L)."""
    shift = np.zeros_like(level)
    for group in range(bias.shape[1]):
        shift[:, observed.assay == group] = bias[:, [group]]
    center = level * np.exp(shift)
    sd = log_sd(center, *residual)
    return (observed.log_value - np.log(center)) / sd, sd


def pull(
    observed: Observed,
    level: Floats,
    bias: Floats,
    residual: tuple[float, float],
    wild: Floats | float = WILD_SHARE,
) -> tuple[Floats, Floats]:
    """Slope and curvature of minus the log-likelihood of each result in the log level, (N, L) each.

    The curvature is the expected one, which is never negative (for Gauss-Newton steps).
    """
    r, sd = standardized(observed, level, bias, residual)
    # The SD falls as the level rises: d log sd / d log level.
    bend = -(1.0 - (residual[0] / sd) ** 2)
    toward = -(1.0 + r * bend * sd) / sd  # d r / d log level
    odd_share = np.broadcast_to(wild, r.shape)
    calm, odd = _densities(r, odd_share)
    share = calm / (calm + odd)
    tail = 4.0 / 3.0 / WILD_WIDTH**2 / (1.0 + r**2 / (3.0 * WILD_WIDTH**2))
    weight = share + (1.0 - share) * tail
    slope = weight * r * toward + bend
    curve = weight / sd**2 + 2.0 * bend**2
    for j in np.flatnonzero(observed.kind):
        side = -float(observed.kind[j])
        ratio = (calm[:, j] + odd[:, j]) / _share_below(side * r[:, j], odd_share[:, j])
        slope[:, j] = -side * ratio * toward[:, j]
        curve[:, j] = np.maximum(ratio * (ratio + side * r[:, j] * share[:, j]), 1e-3 * ratio**2) * toward[:, j] ** 2
    return slope, curve
