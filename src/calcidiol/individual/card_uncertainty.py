"""What the card does not know of a clinic that nobody has seen: the one place where its uncertainty enters a fit.

A fitted card says twice how unsure it is. `between_studies` is how far whole studies depart from it in an effect: the
next patient comes from a study (clinic) that was in no data set, so that the person's own spread and that of studies
add up in the same random effect: their variances do, a Student law of studies counting with its own. The posterior
covariance of the population values is drawn, one set of values for each draw of the patient, like a covariate that the
record lacks; results then weigh those draws with the rest.

`between_studies.scatter` is left out: it is about an arm's level as a laboratory measured it, and a patient's results
have residual error and assay bias of their own. Factors of places and products (`between_studies.conversion_...`) are
about arms, too; no patient gets them. Cards that were not fitted say nothing of the kind, and nothing is added. See
docs/decisions/0020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics import Card

Floats = NDArray[np.float64]
FEWEST_DEGREES = 2.5
"""A Student law with fewer degrees of freedom counts as one with so many: at 2 its variance is infinite (P)."""


def spreads(card: Card) -> Floats:
    """SD of each random effect of a patient of an unseen clinic, log scale, (E,): people and studies together.

    Examples
    --------
    >>> from calcidiol.kinetics import load_card
    >>> load_card("two-route-2026").spreads[1], spreads(load_card("two-route-2026"))[1]
    (np.float64(0.25), np.float64(0.25))
    """
    between = card.numbers["between_studies"]
    of_studies = np.array([between[name].value if name in between else 0.0 for name in card.random_effects])
    if "degrees_of_freedom" in between:
        degrees = max(between["degrees_of_freedom"].value, FEWEST_DEGREES)
        of_studies = of_studies * np.sqrt(degrees / (degrees - 2.0))
    return np.asarray(np.hypot(card.spreads, of_studies))


def moves(card: Card, n: int, rng: np.random.Generator) -> Floats:
    """How far `n` draws of the population values lie from the card's, (n, K), for `individual_parameters`."""
    size = len(card.population_effects)
    if not size:
        return np.zeros((n, 0))
    return np.asarray(rng.standard_normal((n, size)) @ np.linalg.cholesky(card.covariance).T)
