"""How a pool behaves when studies leave, arrive in order, or are split; and whether small studies differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from calcidiol.errors import UsageError
from calcidiol.evidence.binomial import exact_interval, fit_binomial
from calcidiol.evidence.effect import Effect, Scale, natural
from calcidiol.evidence.estimate import Array, Fit, check_interval, check_method, chi2_tail, fit
from calcidiol.evidence.pool import Pool

SMALL_STUDY = 10
"""Fewest studies for a small-study test (Sterne 2011)."""
PER_COEFFICIENT = 10
"""Fewest studies for each moderator (Cochrane Handbook 10.11.4)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sensitivity analysis, on the natural scale."""

    name: str
    k: int
    estimate: float
    ci_low: float
    ci_high: float
    tau2: float
    i2: float
    q: float

    def to_dict(self) -> dict[str, Any]:
        """The line as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Pools of the levels of a split, and the test of their difference (Q between, with its p value)."""

    by: str
    lines: tuple[Line, ...]
    q_between: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class Regression:
    """A meta-regression on the working scale: change of the effect for one unit of the moderator."""

    moderator: str
    k: int
    slope: float
    se: float
    ci_low: float
    ci_high: float
    tau2: float
    i2: float
    q: float


@dataclass(frozen=True, slots=True)
class Egger:
    """Egger's regression of the standardized effect on precision: its intercept and test."""

    intercept: float
    se: float
    t: float
    df: int
    p: float


def _line(name: str, effects: list[Effect], pooled: Pool) -> Line:
    k = len(effects)
    scale: Scale = pooled.scale
    interval = check_interval(pooled.interval)
    if scale == "proportion":
        events = np.array([e.events or 0 for e in effects], dtype=float)
        people = np.array([e.denominator or 0 for e in effects], dtype=float)
        shares = fit_binomial(events, people, interval) if k > 1 else None
        if shares is None:
            low, high = exact_interval(int(events.sum()), int(people.sum()))
            return Line(name, k, float(events.sum() / people.sum()), low, high, 0.0, 0.0, 0.0)
        low, high = natural(shares.ci_low, scale), natural(shares.ci_high, scale)
        return Line(name, k, natural(shares.mean, scale), low, high, shares.tau2, shares.i2, shares.q)
    one = _fit(effects, pooled)
    low, high = natural(float(one.ci_low[0]), scale), natural(float(one.ci_high[0]), scale)
    return Line(name, k, natural(float(one.coef[0]), scale), low, high, one.tau2, one.i2, one.q)


def _arrays(effects: list[Effect]) -> tuple[Array, Array]:
    return np.array([e.y for e in effects]), np.array([e.v for e in effects])


def _fit(effects: list[Effect], pooled: Pool) -> Fit:
    y, v = _arrays(effects)
    return fit(y, v, method=check_method(pooled.method), interval=check_interval(pooled.interval))


def leave_one_out(pooled: Pool) -> tuple[Line, ...]:
    """The pool without each study in turn; empty below 2 studies."""
    if pooled.k < 2:
        return ()
    effects = list(pooled.effects)
    return tuple(_line(e.study_id, [o for o in effects if o is not e], pooled) for e in effects)


def cumulative(pooled: Pool) -> tuple[Line, ...]:
    """The pool as the studies were published, by year."""
    ordered = sorted(pooled.effects, key=lambda e: e.year)
    return tuple(_line(f"+ {e.study_id}", ordered[: i + 1], pooled) for i, e in enumerate(ordered))


def subgroups(pooled: Pool, by: str, level: Callable[[Effect], str]) -> Subgroups:
    """Pool each level of a split on its own, and test whether they differ.

    Raises
    ------
    UsageError
        For shares, or a split with fewer than two levels.
    """
    if pooled.scale == "proportion":
        raise UsageError(f"{pooled.group}: subgroups are compared for ratios and differences only.")
    levels: dict[str, list[Effect]] = {}
    for effect in pooled.effects:
        levels.setdefault(level(effect), []).append(effect)
    if len(levels) < 2:
        raise UsageError(f"{pooled.group}: all studies have the same {by}; there is nothing to compare.")
    fits = {name: _fit(effects, pooled) for name, effects in levels.items()}
    mean = np.array([f.coef[0] for f in fits.values()])
    w = 1.0 / np.array([f.covariance[0, 0] for f in fits.values()])
    q = float(np.sum(w * (mean - np.sum(w * mean) / w.sum()) ** 2))
    df = len(levels) - 1
    lines = tuple(_line(name, effects, pooled) for name, effects in levels.items())
    return Subgroups(by, lines, q, df, chi2_tail(q, df))


def meta_regression(pooled: Pool, moderator: str, values: Mapping[str, float]) -> Regression:
    """Regress the effects on one moderator.

    Parameters
    ----------
    moderator
        Its name, for the message.
    values
        Study id -> value; studies without one are left out.

    Raises
    ------
    UsageError
        With fewer than 10 studies that have a value.
    """
    effects = [e for e in pooled.effects if e.study_id in values]
    if pooled.scale == "proportion" or len(effects) < PER_COEFFICIENT:
        raise UsageError(
            f"{pooled.group}: a meta-regression needs {PER_COEFFICIENT} studies with a value of {moderator}; "
            f"{len(effects)} have one. Look at subgroups or leave-one-out."
        )
    y, v = _arrays(effects)
    x = np.array([values[e.study_id] for e in effects])
    X = np.column_stack([np.ones_like(x), x])
    one = fit(y, v, X, method=check_method(pooled.method), interval=check_interval(pooled.interval))
    return Regression(
        moderator,
        len(effects),
        float(one.coef[1]),
        float(one.se[1]),
        float(one.ci_low[1]),
        float(one.ci_high[1]),
        one.tau2,
        one.i2,
        one.q,
    )


def egger_test(y: Array, v: Array) -> Egger:
    """Egger's regression, weighted by precision: effect = slope + intercept * standard error."""
    X = np.column_stack([np.ones_like(y), np.sqrt(v)])
    w = 1.0 / v
    inverse = np.linalg.inv((X.T * w) @ X)
    coef = inverse @ ((X.T * w) @ y)
    residual = y - X @ coef
    df = y.size - 2
    s2 = float(np.sum(w * residual**2)) / df
    se = float(np.sqrt(s2 * inverse[1, 1]))
    t = float(coef[1]) / se
    from scipy.special import stdtr

    return Egger(float(coef[1]), se, t, df, float(2.0 * stdtr(df, -abs(t))))


def egger(pooled: Pool) -> Egger | None:
    """Egger's test of a pool, or None below 10 studies or for shares."""
    if pooled.k < SMALL_STUDY or pooled.scale == "proportion":
        return None
    return egger_test(*_arrays(list(pooled.effects)))


def pseudo_interval(pooled: Pool, se: float) -> tuple[float, float]:
    """The 95 % region of a funnel plot at a standard error, on the working scale."""
    one = _fit(list(pooled.effects), pooled)
    half = 1.959963984540054 * se
    return float(one.coef[0]) - half, float(one.coef[0]) + half


_SPLITS: tuple[tuple[str, Callable[[Effect], str]], ...] = (
    ("schedule", lambda e: e.members[0].schedule),
    ("risk of bias", lambda e: max((m.risk_of_bias for m in e.members), key=("low", "some", "high").index)),
)
_MODERATORS: tuple[tuple[str, Callable[[Effect], float | None]], ...] = (
    ("year of publication", lambda e: float(e.year) if e.year else None),
    (
        "dose in 1000 IU a day",
        lambda e: None if e.members[0].dose_iu_day is None else e.members[0].dose_iu_day / 1000.0,
    ),
)


def summary(pooled: Pool) -> dict[str, Any]:
    """Every sensitivity analysis that the number of studies allows, as plain data.

    Leave-one-out and cumulative from 2 studies; subgroups (schedule, risk of bias) where every level has 2 studies;
    Egger's test and meta-regression (year, dose) from 10 studies.
    """
    told: dict[str, Any] = {
        "leave_one_out": [line.to_dict() for line in leave_one_out(pooled)],
        "cumulative": [line.to_dict() for line in cumulative(pooled)] if pooled.k > 1 else [],
        "subgroups": [],
        "meta_regression": [],
        "egger": None,
    }
    if pooled.scale == "proportion":
        return told
    for by, level in _SPLITS:
        counts: dict[str, int] = {}
        for effect in pooled.effects:
            counts[level(effect)] = counts.get(level(effect), 0) + 1
        if "" not in counts and len(counts) > 1 and min(counts.values()) > 1:
            split = subgroups(pooled, by, level)
            lines = [line.to_dict() for line in split.lines]
            told["subgroups"].append({"by": by, "levels": lines, "q": split.q_between, "df": split.df, "p": split.p})
    for name, value in _MODERATORS:
        values = {e.study_id: v for e in pooled.effects if (v := value(e)) is not None}
        if len(values) >= PER_COEFFICIENT and len(set(values.values())) > 1:
            one = meta_regression(pooled, name, values)
            told["meta_regression"].append({slot: getattr(one, slot) for slot in one.__slots__})
    test = egger(pooled)
    if test is not None:
        told["egger"] = {slot: getattr(test, slot) for slot in test.__slots__}
    return told


__all__ = [
    "Egger",
    "Line",
    "Regression",
    "Subgroups",
    "cumulative",
    "egger",
    "egger_test",
    "leave_one_out",
    "meta_regression",
    "pseudo_interval",
    "subgroups",
    "summary",
]
