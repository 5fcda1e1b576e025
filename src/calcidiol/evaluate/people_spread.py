"""How much people differ, from the SDs that published arms print.

The spreads of the random effects of a card started as assumptions. One factor on all of them (but the untreated
level's, which is the arm's own) is told by the printed CVs of levels under treatment:

    log printed CV = log predicted CV(factor of the study) + sampling error of an SD
    log factor of a study = log median + between studies * normal

A factor of 1 says that the card's people differ as those of the studies do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcidiol.evaluate.arms import Observation
from calcidiol.evaluate.predict import Panel, with_values
from calcidiol.kinetics import Card

Floats = NDArray[np.float64]

WITHIN_LAB = 0.10
"""CV of one result within an arm: one laboratory, so without its bias (VDSP limit 10 %, project
notes on safety 7, R)."""
PRIOR_SD = 0.3
"""Log SD of the prior of the median factor around 1, the assumed spreads (recipe of the kinetics notes, P)."""
BETWEEN_SD = 0.5
"""Scale of the half-normal prior of the factor's log SD between studies (P: weak)."""
ROUNDING = 0.10
"""Log SD of a printed SD beside its sampling error: rounding, skew, SDs read off graphs (P)."""
FREEDOM = 4.0
"""Degrees of freedom of a printed SD's error (P, as of the means): some are standard errors by mistake."""
DEFAULT_N = 25
"""People of an arm whose size is not printed (P: median of the shipped table)."""
FACTORS = np.geomspace(0.1, 3.0, 18)
"""Factors at which the arms are solved; between them the log-likelihood is interpolated."""


@dataclass(frozen=True, slots=True)
class PeopleSpread:
    """Factor on the spreads between people: what the printed SDs ask for.

    `median` over studies with its posterior log SD `median_sd`, `between` (log SD between studies), and how many
    `levels` of how many `studies` told it.
    """

    median: float
    median_sd: float
    between: float
    levels: int
    studies: int


def spread_of_people(card: Card, rows: Sequence[Observation]) -> PeopleSpread | None:
    """The factor on a card's spreads between people that the printed SDs ask for.

    Parameters
    ----------
    card
        Card whose spreads count as 1.
    rows
        Rows of `read_arms` with `used` True; those without an SD say nothing.

    Returns
    -------
    PeopleSpread or None
        None where no row prints an SD.

    Examples
    --------
    >>> from calcidiol.evaluate.arms import read_arms
    >>> from calcidiol.kinetics import load_card
    >>> rows = [o for o in read_arms() if o.used]
    >>> 0.4 < spread_of_people(load_card("two-route-fitted-2026"), rows).median < 1.0
    True
    """
    told = [o for o in rows if o.sd and o.observed]
    if not told:
        return None
    median, between = np.linspace(-1.6, 0.9, 101), np.linspace(0.01, 1.2, 60)
    log_posterior = -0.5 * (median[:, None] / PRIOR_SD) ** 2 - 0.5 * (between / BETWEEN_SD) ** 2
    names = [o.study for o in told]
    own = _log_likelihood(card, told)
    for study in sorted(set(names)):
        of_study = own[[name == study for name in names]].sum(axis=0)
        log_posterior += _over_studies(of_study, median, between)
    weight = np.exp(log_posterior - log_posterior.max())
    weight /= weight.sum()
    center = float((weight * median[:, None]).sum())
    return PeopleSpread(
        median=float(np.exp(center)),
        median_sd=float(np.sqrt((weight * (median[:, None] - center) ** 2).sum())),
        between=float((weight * between).sum()),
        levels=len(told),
        studies=len(set(names)),
    )


def _log_likelihood(card: Card, rows: Sequence[Observation]) -> Floats:
    """Log-likelihood of each printed CV at each of the factors, (R, F)."""
    printed = np.log([float(o.sd or 1.0) / float(o.observed or 1.0) for o in rows])
    error = np.sqrt([1.0 / (2.0 * max((o.n or DEFAULT_N) - 1.0, 1.0)) + ROUNDING**2 for o in rows])
    predicted = []
    for factor in FACTORS:
        levels = Panel(with_spread(card, float(factor)), tuple(rows)).levels()[0]
        predicted.append(np.log(np.hypot(levels.std(axis=1) / levels.mean(axis=1), WITHIN_LAB)))
    z = (printed - np.array(predicted)) / error
    return np.asarray(-0.5 * (FREEDOM + 1.0) * np.log1p(z**2 / FREEDOM)).T


def _over_studies(of_study: Floats, median: Floats, between: Floats) -> Floats:
    """Log-likelihood of a study for each median and each spread between studies, its own factor integrated out, (M, B).

    `of_study` is its log-likelihood at each of the factors; between them it is interpolated, beyond them it is flat.
    """
    z, weight = np.polynomial.hermite_e.hermegauss(15)
    at = median[:, None, None] + between[None, :, None] * z
    told = np.exp(np.interp(at, np.log(FACTORS), of_study - of_study.max()))
    return np.asarray(np.log(told @ (weight / weight.sum())))


def with_spread(card: Card, factor: float) -> Card:
    """The card with every spread between people but the untreated level's times a factor."""
    spreads = {f"spread_{e.name}": e.spread * factor for e in card.effects if e.name != "untreated"}
    return with_values(card, **spreads)
