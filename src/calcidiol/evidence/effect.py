"""From a published result to an effect with a variance on the working scale, and back.

Ratios work on the log scale, proportions on the logit scale, differences in the unit of their group.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from calcidiol.errors import UsageError
from calcidiol.evidence.record import Study

Scale = Literal["ratio", "difference", "proportion"]
Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
Z_ONE_SIDED = 1.6448536269514722
NMOL_PER_NG_ML = 2.496
"""nmol/L of 25(OH)D in 1 ng/mL (400.64 g/mol)."""
CORRELATION_SHARED = 0.5
"""Correlation of two differences against one control when its variance is not known: equal arms. Our choice (P)."""

_UNITS = {
    ("ng/mL", "nmol/L"): NMOL_PER_NG_ML,
    ("nmol/L", "ng/mL"): 1.0 / NMOL_PER_NG_ML,
    ("ng/mL*d", "nmol/L*d"): NMOL_PER_NG_ML,
    ("nmol/L*d", "ng/mL*d"): 1.0 / NMOL_PER_NG_ML,
}


@dataclass(frozen=True, slots=True)
class Effect:
    """One study's effect, ready to be pooled.

    `y`, `v` stand on the working scale; `members` are the rows behind it (more than one where arms share a control).
    """

    study_id: str
    members: tuple[Study, ...]
    measure: str
    y: float
    v: float
    events: int | None = None
    denominator: int | None = None

    @property
    def year(self) -> int:
        """Year of publication, from the id or the citation; 0 where neither has one."""
        found = re.search(r"(19|20)\d\d", self.study_id) or re.search(r"(19|20)\d\d", self.members[0].citation)
        return int(found.group()) if found else 0

    @property
    def label(self) -> str:
        """Short name for a plot: first author and year."""
        author = re.split(r"[ ,]", self.members[0].citation, maxsplit=1)[0]
        extra = self.members[0].people
        return f"{author} {self.year}" + (f" ({extra})" if extra else "")


def working(value: float, scale: Scale) -> float:
    """To the working scale."""
    if scale == "ratio":
        return math.log(value)
    if scale == "proportion":
        return math.log(value / (1.0 - value))
    return value


def natural(value: float, scale: Scale) -> float:
    """From the working scale back to a ratio, share or difference."""
    if scale == "ratio":
        return math.exp(min(value, 700.0))
    if scale == "proportion":
        return 1.0 / (1.0 + math.exp(-value)) if value > -700 else 0.0
    return float(value)


def published_interval(effect: Effect, scale: Scale, unit: str) -> tuple[float, float] | None:
    """The two-sided interval as published, in the unit of the group; None for joined arms or other intervals."""
    study = effect.members[0]
    if len(effect.members) > 1 or study.ci_low is None or study.ci_high is None:
        return None
    factor = unit_factor(study.unit, unit, study.study_id) if scale == "difference" else 1.0
    return factor * study.ci_low, factor * study.ci_high


def unit_factor(unit: str, to: str, study_id: str) -> float:
    """Factor from the unit of a row to the unit of its group.

    Raises
    ------
    UsageError
        When the two units are not known to convert.
    """
    if unit == to or not to:
        return 1.0
    try:
        return _UNITS[unit, to]
    except KeyError:
        raise UsageError(
            f"{study_id} is given in {unit or 'an unnamed unit'}, its group in {to}: there is no conversion. "
            "Leave it out with --without, or give its unit in studies.csv."
        ) from None


def effect_of(study: Study, unit: str = "") -> Effect | None:
    """The effect of a ratio or difference, or None where the row has no estimate whose precision is known.

    A one-sided 95 % limit gives its standard error with 1.645; an estimate with an exact p value and no interval gives
    it as |effect| / z(p); two counts without a published ratio give the log ratio, with one half added to all cells
    when one is zero and no effect when both arms have no event.

    References
    ----------
    Cochrane Handbook 6.3.2 (from p values) and 10.4.4.2 (zero cells).
    """
    if study.scale not in ("ratio", "difference"):
        return None
    if study.estimate is None:
        return _from_counts(study)
    scale: Scale = "ratio" if study.scale == "ratio" else "difference"
    factor = unit_factor(study.unit, unit, study.study_id) if scale == "difference" else 1.0
    y = working(study.estimate, scale)
    if study.ci_low is not None and study.ci_high is not None:
        se = (working(study.ci_high, scale) - working(study.ci_low, scale)) / (2.0 * Z)
    elif (limit := study.ci_high if study.ci_high is not None else study.ci_low) is not None:
        se = abs(working(limit, scale) - y) / Z_ONE_SIDED
    elif (z := _z_of_p(study.p)) is not None and y != 0.0:
        se = abs(y) / z
    else:
        return None
    return Effect(study.study_id, (study,), study.measure, factor * y, (factor * se) ** 2)


def _z_of_p(p: str) -> float | None:
    """The normal quantile of a two-sided p value; None where it is not an exact number ("<0.001", "NS")."""
    try:
        value = float(p)
    except ValueError:
        return None
    if not 0.0 < value < 0.9:
        return None
    from scipy.special import ndtri

    return float(ndtri(1.0 - value / 2.0))


def _from_counts(study: Study) -> Effect | None:
    a, n1, c, n2 = study.events_treat, study.n_treat, study.events_control, study.n_control
    if study.measure not in ("RR", "OR") or a is None or c is None or not n1 or not n2 or a + c == 0:
        return None
    cells = [float(a), float(n1 - a), float(c), float(n2 - c)]
    if min(cells) == 0:
        cells = [cell + 0.5 for cell in cells]
    e1, f1, e2, f2 = cells
    if study.measure == "OR":
        y, v = math.log(e1 * f2 / (f1 * e2)), 1 / e1 + 1 / f1 + 1 / e2 + 1 / f2
    else:
        y = math.log((e1 / (e1 + f1)) / (e2 / (e2 + f2)))
        v = 1 / e1 - 1 / (e1 + f1) + 1 / e2 - 1 / (e2 + f2)
    return Effect(study.study_id, (study,), study.measure, y, v)


def shared_control(effects: list[Effect]) -> tuple[Effect, float]:
    """One effect from arms that were compared with the same control group, and the covariance that was used.

    The two contrasts are correlated through the control. Their covariance is the control's share of the variance (1/e
    for hazard ratios, 1/e - 1/n for risk ratios, 1/e + 1/(n - e) for odds ratios; half of the smaller variance where
    the control's events are not known), and the arms are joined by generalized least squares, so that the control
    counts once.

    References
    ----------
    Gleser and Olkin 1994; Cochrane Handbook 23.3.4.
    """
    smallest = min(e.v for e in effects)
    first = effects[0].members[0]
    e, n = first.events_control, first.n_control
    covariance = CORRELATION_SHARED * smallest
    if e and n and first.scale == "ratio":
        covariance = {"RR": 1 / e - 1 / n, "OR": 1 / e + 1 / max(n - e, 1)}.get(first.measure, 1 / e)
    covariance = min(covariance, 0.95 * smallest)
    # the inverse of diag(d) + c 11' in closed form: the control part only widens the variance
    own = [e.v - covariance for e in effects]
    total = sum(1.0 / d for d in own)
    y = sum(effect.y / d for effect, d in zip(effects, own, strict=True)) / total
    joined = Effect(
        study_id="+".join(e.study_id for e in effects),
        members=tuple(m for e in effects for m in e.members),
        measure=effects[0].measure,
        y=y,
        v=1.0 / total + covariance,
    )
    return joined, covariance
