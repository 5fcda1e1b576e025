"""Pooling of shares by the exact binomial likelihood with a random intercept (a generalized linear mixed model).

Counts need no correction for zero events, which a logit or a Freeman-Tukey transform of small groups would: the
events of study i are binomial with logit p_i = mu + sigma z_i, z_i standard normal, and (mu, sigma) have the largest
marginal likelihood, by adaptive Gauss-Hermite quadrature. This is `rma.glmm(measure="PLO")` of metafor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calcidiol.errors import SolverError
from calcidiol.evidence.estimate import SIGNIFICANCE, Array, chi2_tail, t_quantile, z_quantile

NODES = 31


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


def _log_likelihood(mu: float, sigma: float, e: Array, n: Array, rule: tuple[Array, Array]) -> float:
    """Marginal log-likelihood without the binomial coefficients."""
    if sigma == 0.0:
        return float(np.sum(e * mu - n * np.logaddexp(0.0, mu)))
    z = np.zeros_like(e)
    for _ in range(100):  # the mode of each study's integrand, concave in z
        p = 1.0 / (1.0 + np.exp(-(mu + sigma * z)))
        curvature = 1.0 + sigma * sigma * n * p * (1.0 - p)
        step = (sigma * (e - n * p) - z) / curvature
        z = z + np.clip(step, -2.0, 2.0)
        if np.max(np.abs(step)) < 1e-12:
            break
    p = 1.0 / (1.0 + np.exp(-(mu + sigma * z)))
    width = 1.0 / np.sqrt(1.0 + sigma * sigma * n * p * (1.0 - p))
    nodes, log_weights = rule
    at = z[:, None] + math.sqrt(2.0) * width[:, None] * nodes
    eta = mu + sigma * at
    log_f = e[:, None] * eta - n[:, None] * np.logaddexp(0.0, eta) - 0.5 * at * at
    terms = log_f + nodes * nodes + log_weights
    peak = terms.max(axis=1)
    inner = peak + np.log(np.sum(np.exp(terms - peak[:, None]), axis=1))
    return float(np.sum(inner + np.log(width) - 0.5 * math.log(math.pi)))


def _derivatives(x: Array, f0: float, value: object) -> tuple[Array, Array]:
    """Gradient and Hessian of a smooth function of two variables by central differences."""
    h = 1e-4 * np.maximum(1.0, np.abs(x))
    call = value if callable(value) else None
    assert call is not None
    gradient, hessian = np.zeros(2), np.zeros((2, 2))
    for i in range(2):
        step = np.zeros(2)
        step[i] = h[i]
        up, down, up2, down2 = call(x + step), call(x - step), call(x + 2 * step), call(x - 2 * step)
        gradient[i] = (8 * (up - down) - (up2 - down2)) / (12 * h[i])
        hessian[i, i] = (-up2 + 16 * up - 30 * f0 + 16 * down - down2) / (12 * h[i] ** 2)
    a, b = np.array([h[0], h[1]]), np.array([h[0], -h[1]])
    hessian[0, 1] = hessian[1, 0] = (call(x + a) + call(x - a) - call(x + b) - call(x - b)) / (4 * h[0] * h[1])
    return gradient, hessian


def fit_binomial(events: Array, denominators: Array, interval: str) -> BinomialFit:
    """Fit the model to at least two studies of which not all have no event, nor all only events.

    Parameters
    ----------
    events, denominators
        Counts, shape (k,).
    interval
        ``hk``: t on k - 1 degrees of freedom (the variance factor of Hartung and Knapp does not exist here); ``wald``:
        normal.
    """
    e, n = np.asarray(events, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    k = e.size
    nodes, weights = np.polynomial.hermite.hermgauss(NODES)
    rule = (nodes, np.log(weights))
    share = float(e.sum() / n.sum())
    mu0 = math.log(share / (1.0 - share))
    common = _log_likelihood(mu0, 0.0, e, n, rule)
    information = n * share * (1.0 - share)
    # slope of the likelihood in sigma^2 at zero: at or below it, the mode is the common share
    slope = float(np.sum((e - n * share) ** 2 - information))
    if slope <= 0.0:
        mu, sigma, se = mu0, 0.0, float(1.0 / math.sqrt(information.sum()))
    else:
        mu, sigma, se = _maximize(mu0, e, n, rule)
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
        i2=100.0 * tau2 / (typical + tau2),
        q=q,
        q_p=chi2_tail(q, k - 1),
        weights=100.0 * w / w.sum(),
    )


def _maximize(mu0: float, e: Array, n: Array, rule: tuple[Array, Array]) -> tuple[float, float, float]:
    """Newton's method in (mu, log sigma), damped; returns mu, sigma and the standard error of mu."""

    def value(x: Array) -> float:
        return _log_likelihood(float(x[0]), math.exp(float(x[1])), e, n, rule)

    raw = np.log((e + 0.5) / (n - e + 0.5))
    x = np.array([mu0, math.log(max(float(np.std(raw)) / 2.0, 0.1))])
    f = value(x)
    for _ in range(200):
        gradient, hessian = _derivatives(x, f, value)
        eigenvalues, vectors = np.linalg.eigh(-hessian)
        step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(eigenvalues), 1e-6))
        step *= min(1.0, 2.0 / float(np.max(np.abs(step)) + 1e-300))
        while np.max(np.abs(step)) > 1e-13 and value(x + step) < f - 1e-12 * abs(f):
            step /= 2.0
        x = x + step
        f = value(x)
        if np.max(np.abs(step)) < 1e-9:
            break
    else:
        raise SolverError("The mixed model of the shares did not settle after 200 steps; leave out a study.")
    sigma = math.exp(float(x[1]))
    hessian = _derivatives(x, f, value)[1]
    return float(x[0]), sigma, float(math.sqrt(np.linalg.inv(-hessian)[0, 0]))
