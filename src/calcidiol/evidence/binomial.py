"""Pooling of shares by the exact binomial likelihood with a random intercept (a generalized linear mixed model).

Counts need no correction for zero events, which a logit or a Freeman-Tukey transform of small groups would: the
events of study i are binomial with logit p_i = mu + sigma z_i, z_i standard normal, and (mu, sigma) have the largest
marginal likelihood, by adaptive Gauss-Hermite quadrature. This is `rma.glmm(measure="PLO")` of metafor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calcidiol.evidence.estimate import SIGNIFICANCE, Array, chi2_tail, t_quantile, z_quantile

NODES = 31
LOG_SIGMA = (-7.0, 2.5)
"""Bounds of the logarithm of the between-study standard deviation on the logit scale; outside them there is no mode."""


@dataclass(frozen=True, slots=True)
class BinomialFit:
    """Mean on the logit scale with its interval; `q` is the likelihood-ratio statistic of heterogeneity."""

    mean: float
    se: float
    ci_low: float
    ci_high: float
    pi_low: float
    pi_high: float
    tau2: float
    i2: float
    q: float
    q_p: float
    weights: Array


def exact_interval(events: int, denominator: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval of a share.

    Examples
    --------
    >>> [round(x, 4) for x in exact_interval(0, 37)]
    [0.0, 0.0949]
    """
    from scipy.special import betaincinv

    half = SIGNIFICANCE / 2.0
    low = 0.0 if events == 0 else float(betaincinv(events, denominator - events + 1, half))
    high = 1.0 if events == denominator else float(betaincinv(events + 1, denominator - events, 1.0 - half))
    return low, high


@dataclass(frozen=True, slots=True)
class _Point:
    """The marginal log-likelihood (without the binomial coefficients) at one (mu, log sigma), and its slopes."""

    value: float
    d_mu: float
    d_log_sigma: float
    d2_mu: float


def _likelihood(mu: float, log_sigma: float, e: Array, n: Array, rule: tuple[Array, Array]) -> _Point:
    """Adaptive Gauss-Hermite quadrature; the slopes are posterior means over the same nodes."""
    sigma = math.exp(log_sigma)
    z = np.zeros_like(e)
    reach = min(2.0, 2.0 / sigma)  # the logistic bends within this distance; a longer step may swing
    for _ in range(200):  # the mode of each study's integrand, concave in z
        p = 1.0 / (1.0 + np.exp(-(mu + sigma * z)))
        curvature = 1.0 + sigma * sigma * n * p * (1.0 - p)
        step = (sigma * (e - n * p) - z) / curvature
        z = z + np.clip(step, -reach, reach)
        if np.max(np.abs(step)) < 1e-10:
            break
    p = 1.0 / (1.0 + np.exp(-(mu + sigma * z)))
    width = 1.0 / np.sqrt(1.0 + sigma * sigma * n * p * (1.0 - p))
    nodes, log_weights = rule
    at = z[:, None] + math.sqrt(2.0) * width[:, None] * nodes
    eta = mu + sigma * at
    terms = e[:, None] * eta - n[:, None] * np.logaddexp(0.0, eta) - 0.5 * at * at + nodes * nodes + log_weights
    peak = terms.max(axis=1)
    mass = np.exp(terms - peak[:, None])
    total = mass.sum(axis=1)
    value = float(np.sum(peak + np.log(total) + np.log(width) - 0.5 * math.log(math.pi)))
    share = mass / total[:, None]
    p = 1.0 / (1.0 + np.exp(-eta))
    excess = e[:, None] - n[:, None] * p
    mean = np.sum(share * excess, axis=1)
    spread = np.sum(share * excess * excess, axis=1) - mean * mean
    inner = np.sum(share * n[:, None] * p * (1.0 - p), axis=1)
    return _Point(value, float(mean.sum()), float(np.sum(share * excess * sigma * at)), float(np.sum(spread - inner)))


def fit_binomial(events: Array, denominators: Array, interval: str) -> BinomialFit | None:
    """Fit the model to at least two studies of which not all have no event, nor all only events.

    Parameters
    ----------
    events, denominators
        Counts, shape (k,).
    interval
        ``hk``: t on k - 1 degrees of freedom (the variance factor of Hartung and Knapp does not exist here); ``wald``:
        normal.

    Returns
    -------
    BinomialFit or None
        None where the data do not tell the between-study variance: fewer than two studies with events, or fewer than
        two with people who had none, or a likelihood without a mode.
    """
    e, n = np.asarray(events, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    k = e.size
    if min(int(np.sum(e > 0)), int(np.sum(e < n))) < 2:
        return None
    nodes, weights = np.polynomial.hermite.hermgauss(NODES)
    rule = (nodes, np.log(weights))
    share = float(e.sum() / n.sum())
    mu0 = math.log(share / (1.0 - share))
    common = float(np.sum(e * mu0 - n * np.logaddexp(0.0, mu0)))
    information = n * share * (1.0 - share)
    # slope of the likelihood in sigma^2 at zero: at or below it, the mode is the common share
    slope = float(np.sum((e - n * share) ** 2 - information))
    mode: tuple[float, float, float] | None = (mu0, 0.0, float(1.0 / math.sqrt(information.sum())))
    if slope > 0.0:
        mode = _maximize(mu0, e, n, rule)
    if mode is None:
        return None
    mu, sigma, se = mode
    tau2 = sigma * sigma
    corrected = np.where((e == 0) | (e == n), 0.5, 0.0)
    v = 1.0 / (e + corrected) + 1.0 / (n - e + corrected)
    w0 = 1.0 / v
    typical = (k - 1) * w0.sum() / (w0.sum() ** 2 - (w0**2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(e > 0, e * np.log(e / n), 0.0) + np.where(e < n, (n - e) * np.log1p(-e / n), 0.0)
    q = 2.0 * (float(own.sum()) - common)
    t = t_quantile(k - 1)
    critical = t if interval == "hk" else z_quantile()
    half = t * math.sqrt(tau2 + se * se)
    w = 1.0 / (v + tau2)
    return BinomialFit(
        mean=mu,
        se=se,
        ci_low=mu - critical * se,
        ci_high=mu + critical * se,
        pi_low=mu - half,
        pi_high=mu + half,
        tau2=tau2,
        i2=float(100.0 * tau2 / (typical + tau2)),
        q=q,
        q_p=chi2_tail(q, k - 1),
        weights=100.0 * w / w.sum(),
    )


def _maximize(mu0: float, e: Array, n: Array, rule: tuple[Array, Array]) -> tuple[float, float, float] | None:
    """The mode (mu, sigma) and the standard error of mu, or None where there is no mode within the bounds.

    For a fixed sigma the likelihood is concave in mu, and Newton's method finds its best mu; along that ridge the slope
    in log sigma is bracketed and then solved. No mode means that the data do not tell the spread.
    """
    best = mu0

    def ridge(log_sigma: float) -> tuple[float, float]:
        nonlocal best
        mu = best
        for _ in range(60):
            point = _likelihood(mu, log_sigma, e, n, rule)
            step = -point.d_mu / point.d2_mu if point.d2_mu < 0 else math.copysign(1.0, point.d_mu)
            mu += max(-2.0, min(2.0, step))
            if abs(step) < 1e-10 * (1.0 + abs(mu)):
                break
        best = mu
        return point.d_log_sigma, mu

    raw = np.log((e + 0.5) / (n - e + 0.5))
    low = math.log(max(float(np.std(raw)) / 2.0, 0.05))
    slope = ridge(low)[0]
    direction = 1.0 if slope > 0 else -1.0
    high, other = low, slope
    while other * direction > 0.0:
        low, slope = high, other
        high += 0.5 * direction
        if not LOG_SIGMA[0] < high < LOG_SIGMA[1]:
            return None
        other = ridge(high)[0]
    for _ in range(100):  # false position with halving (Illinois), inside the bracket
        middle = (low * other - high * slope) / (other - slope)
        found, mu = ridge(middle)
        if found * other < 0.0:
            low, slope = high, other
        else:
            slope *= 0.5
        high, other = middle, found
        if abs(found) < 1e-9 or abs(high - low) < 1e-12:
            break
    h = 1e-5
    up, down = _likelihood(mu, middle + h, e, n, rule), _likelihood(mu, middle - h, e, n, rule)
    d2_mu = _likelihood(mu, middle, e, n, rule).d2_mu
    cross = (up.d_mu - down.d_mu) / (2.0 * h)
    d2_log_sigma = (up.d_log_sigma - down.d_log_sigma) / (2.0 * h)
    determinant = d2_mu * d2_log_sigma - cross * cross
    if determinant <= 0.0 or d2_log_sigma >= 0.0:
        return None
    return mu, math.exp(middle), math.sqrt(-d2_log_sigma / determinant)
