"""Random-effects estimation: between-study variance by REML, DL or PM, and intervals for the mean.

One linear model serves the pool (an intercept) and the meta-regression (more columns): effects ``y`` with known
sampling variances ``v``, design ``X`` (k, p), ``y = X b + u + e`` with ``u ~ N(0, tau2)``. Definitions are those of the
R package metafor (`rma.uni`, `predict.rma`), which is the oracle of the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import SolverError, UsageError

Array = NDArray[np.float64]
Method = Literal["REML", "DL", "PM"]
Interval = Literal["hk", "wald"]

METHODS: tuple[Method, ...] = ("REML", "DL", "PM")
INTERVALS: tuple[Interval, ...] = ("hk", "wald")
SIGNIFICANCE = 0.05
"""Two-sided; every interval of the room is a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted random-effects model, on the working scale (log for ratios, logit for proportions).

    Attributes
    ----------
    coef, se
        Coefficients and their standard errors, shape (p,); `se` carries the variance factor of Hartung and Knapp where
        the interval is ``hk``.
    ci_low, ci_high
        95 % interval of each coefficient, shape (p,).
    pi_low, pi_high
        95 % prediction interval of the mean effect of a new study; NaN unless p = 1 and k > 1.
    tau2, i2, q
        Between-study variance; I2 in percent; Cochran's Q (for p > 1 the residual heterogeneity).
    factor
        The plain variance factor of Hartung and Knapp (1 is neutral); `applied` is max(1, factor) for ``hk``.
    weights
        Share of each study in percent, shape (k,), adding to 100.
    """

    coef: Array
    se: Array
    ci_low: Array
    ci_high: Array
    pi_low: float
    pi_high: float
    tau2: float
    i2: float
    q: float
    q_p: float
    df: int
    factor: float
    applied: float
    covariance: Array
    weights: Array


def t_quantile(df: int) -> float:
    """Two-sided 95 % quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 1.0 - SIGNIFICANCE / 2.0))


def z_quantile() -> float:
    """Two-sided 95 % quantile of the normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(1.0 - SIGNIFICANCE / 2.0))


def chi2_tail(value: float, df: int) -> float:
    """Upper tail of the chi-square distribution; 1 for no degrees of freedom."""
    if df < 1:
        return 1.0
    from scipy.special import chdtrc

    return float(chdtrc(df, value))


def _weighted(y: Array, v: Array, X: Array, tau2: float) -> tuple[Array, Array, Array, float]:
    """Coefficients, their unscaled covariance, weights and the weighted residual sum of squares at one tau2."""
    w = 1.0 / (v + tau2)
    covariance = np.asarray(np.linalg.inv((X.T * w) @ X), dtype=np.float64)
    coef = covariance @ ((X.T * w) @ y)
    residual = y - X @ coef
    return coef, covariance, w, float(np.sum(w * residual * residual))


def _projection(v: Array, X: Array, tau2: float) -> Array:
    """The matrix P of restricted likelihood, (k, k)."""
    w = 1.0 / (v + tau2)
    XtW = X.T * w
    return np.diag(w) - XtW.T @ np.linalg.solve(XtW @ X, XtW)


def tau2_dl(y: Array, v: Array, X: Array) -> float:
    """DerSimonian and Laird: the method of moments with inverse-variance weights."""
    k, p = X.shape
    q = _weighted(y, v, X, 0.0)[3]
    return max(0.0, float((q - (k - p)) / np.trace(_projection(v, X, 0.0))))


def tau2_pm(y: Array, v: Array, X: Array) -> float:
    """Paule and Mandel: the tau2 at which the weighted residual sum of squares equals its degrees of freedom."""
    k, p = X.shape

    def excess(tau2: float) -> float:
        return _weighted(y, v, X, tau2)[3] - float(k - p)

    if excess(0.0) <= 0.0:
        return 0.0
    high = max(float(np.var(y)), float(v.max()))
    while excess(high) > 0.0:
        high *= 4.0
    low = 0.0
    for _ in range(200):  # Newton from below: the excess falls steadily and is convex in tau2, so it cannot overshoot
        w = 1.0 / (v + low)
        coef, _, _, q = _weighted(y, v, X, low)
        slope = float(np.sum(w * w * (y - X @ coef) ** 2))
        step = low + (q - float(k - p)) / slope
        if not low < step <= high:
            break
        if step - low <= 1e-14 * step:
            return step
        low = step
    return low


def tau2_reml(y: Array, v: Array, X: Array) -> float:
    """Restricted maximum likelihood from the estimate of Hedges, as metafor starts it.

    Newton's steps where the likelihood is curved downward, Fisher scoring elsewhere; a step that would lower the
    likelihood is halved, so that the iteration can neither run away nor creep.
    """
    k, p = X.shape
    residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    hat = X @ np.linalg.solve(X.T @ X, X.T)
    tau2 = max(0.0, float((residual @ residual - np.sum(v * (1.0 - np.diag(hat)))) / (k - p)))

    value = _restricted(y, v, X, tau2)
    for _ in range(500):
        P = _projection(v, X, tau2)
        Py = P @ y
        slope = 0.5 * float(Py @ Py - np.trace(P))
        expected = 0.5 * float(np.sum(P * P))
        observed = float(Py @ P @ Py) - expected
        if tau2 == 0.0 and slope <= 0.0:
            return 0.0
        step = slope / (observed if observed > 0.1 * expected else expected)
        new = max(0.0, tau2 + step)
        new_value = _restricted(y, v, X, new)
        while new_value < value and abs(new - tau2) > 1e-15 * (1.0 + tau2):
            step /= 2.0
            new = max(0.0, tau2 + step)
            new_value = _restricted(y, v, X, new)
        change, tau2, value = abs(new - tau2), new, max(value, new_value)
        if change <= 1e-12 * (1e-2 + tau2):
            return tau2
    raise SolverError(
        f"REML did not settle on a between-study variance for k = {k} studies after 500 steps. "
        "Use --method DL or --method PM, which need no iteration of this kind."
    )


def _restricted(y: Array, v: Array, X: Array, tau2: float) -> float:
    """Restricted log-likelihood without its constants."""
    _, covariance, w, rss = _weighted(y, v, X, tau2)
    return 0.5 * (float(np.sum(np.log(w))) + float(np.linalg.slogdet(covariance)[1]) - rss)


_TAU2 = {"REML": tau2_reml, "DL": tau2_dl, "PM": tau2_pm}


def check_method(method: str) -> Method:
    """The method of that name, or a UsageError."""
    for known in METHODS:
        if method == known:
            return known
    raise UsageError(f"Method {method!r} is not known; use one of {', '.join(METHODS)}.")


def check_interval(interval: str) -> Interval:
    """The interval of that name, or a UsageError."""
    for known in INTERVALS:
        if interval == known:
            return known
    raise UsageError(f"Interval {interval!r} is not known; use one of {', '.join(INTERVALS)}.")


def fit(
    y: Array,
    v: Array,
    X: Array | None = None,
    *,
    method: Method = "REML",
    interval: Interval = "hk",
    floor: bool = True,
) -> Fit:
    """Fit the random-effects model.

    Parameters
    ----------
    y, v
        Effects and sampling variances on the working scale, shape (k,); variances above 0.
    X
        Design matrix (k, p); a column of ones when left out.
    method
        ``REML``, ``DL`` or ``PM``.
    interval
        ``hk`` (Hartung-Knapp, t on k - p degrees of freedom) or ``wald`` (normal).
    floor
        With ``hk``: use max(1, q) as the variance factor (default) or the plain q.

    Raises
    ------
    UsageError
        For an unknown method or interval, an effect that is no number, a variance that is none or not above 0, or fewer
        studies than coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> one = fit(np.log([0.8, 0.9, 1.1]), np.array([0.01, 0.02, 0.04]), method="DL", interval="wald")
    >>> round(float(np.exp(one.coef[0])), 3)
    0.869

    References
    ----------
    DerSimonian and Laird 1986; Paule and Mandel 1982; Viechtbauer 2005 (REML); Knapp and Hartung 2003; IntHout 2014.
    """
    method, interval = check_method(method), check_interval(interval)
    y = np.asarray(y, dtype=np.float64)
    v = np.asarray(v, dtype=np.float64)
    wrong = ~(np.isfinite(y) & np.isfinite(v) & (v > 0))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise UsageError(
            f"Study {i + 1} of {y.size} has the effect {y[i]:g} with the variance {v[i]:g}; "
            "a pool needs a number with a variance above 0. Leave it out, or give its interval."
        )
    X = np.ones((y.size, 1)) if X is None else np.asarray(X, dtype=np.float64)
    k, p = X.shape
    if k < p or np.linalg.matrix_rank(X) < p:
        raise UsageError(
            f"{k} studies cannot support {p} coefficients; name fewer moderators, or one that varies between studies."
        )
    df = k - p
    tau2 = 0.0 if df == 0 else float(_TAU2[method](y, v, X))
    coef, covariance, w, rss = _weighted(y, v, X, tau2)
    q = _weighted(y, v, X, 0.0)[3] if df else 0.0
    factor = rss / df if df else 1.0
    applied = (max(1.0, factor) if floor else factor) if interval == "hk" and df else 1.0
    covariance = applied * covariance
    se = np.sqrt(np.diag(covariance))
    critical = t_quantile(df) if interval == "hk" and df else z_quantile()
    pi_low = pi_high = float("nan")
    if p == 1 and df:
        half = t_quantile(df) * float(np.sqrt(tau2 + covariance[0, 0]))
        pi_low, pi_high = float(coef[0]) - half, float(coef[0]) + half
    typical = df / float(np.trace(_projection(v, X, 0.0))) if df else 0.0
    return Fit(
        coef=coef,
        se=se,
        ci_low=coef - critical * se,
        ci_high=coef + critical * se,
        pi_low=pi_low,
        pi_high=pi_high,
        tau2=tau2,
        i2=100.0 * tau2 / (typical + tau2) if df else 0.0,
        q=q,
        q_p=chi2_tail(q, df),
        df=df,
        factor=factor,
        applied=applied,
        covariance=covariance,
        weights=100.0 * w / w.sum(),
    )
