"""From a card, covariates and random effects to the solver's parameters, for any number of people at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError
from calcidiol.kinetics.card import Card
from calcidiol.kinetics.layout import NAMES, PARAMETERS, ROW

Floats = NDArray[np.float64]
HALF_YEAR_D = 182.625
REFERENCE_ADULT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Covariates:
    """What the model knows of each person, arrays of shape (N,).

    Parameters
    ----------
    weight_kg, bmi, age_y, egfr
        kg, kg/m2, years, mL/min/1.73 m2.
    female
        1 for women, 0 for men, in between for an unknown share.
    latitude_deg, avoids_sun
        Degrees north (south negative) and 0 or 1: they set amplitude and phase of the season.
    cancer, acute, inducer, glucocorticoid, liver_failure
        0 or 1 (a share is allowed): cancer; acute severe illness; enzyme inducer; chronic glucocorticoid; Child-Pugh C.
    malabsorption
        0 none, 1 mild, 2 severe.
    """

    weight_kg: Floats
    bmi: Floats
    age_y: Floats
    female: Floats
    latitude_deg: Floats
    avoids_sun: Floats
    cancer: Floats
    acute: Floats
    malabsorption: Floats
    inducer: Floats
    glucocorticoid: Floats
    egfr: Floats
    liver_failure: Floats

    @staticmethod
    def reference(card: Card, n: int = 1) -> Covariates:
        """`n` times the reference adult of a card, without season."""
        filled = {f.name: np.full(n, card.reference.get(f.name, 0.0)) for f in fields(Covariates)}
        return Covariates(**filled)

    def with_(self, **changes: Floats | float) -> Covariates:
        """The same people with some covariates replaced; numbers stand for everybody."""
        n = len(self)
        return replace(self, **{k: np.broadcast_to(np.asarray(v, float), (n,)).copy() for k, v in changes.items()})

    def take(self, rows: NDArray[np.int64]) -> Covariates:
        """The people of these rows."""
        return Covariates(**{f.name: getattr(self, f.name)[rows] for f in fields(Covariates)})

    def __len__(self) -> int:
        return len(self.weight_kg)


def fat_kg(weight_kg: Floats, bmi: Floats, age_y: Floats, female: Floats) -> Floats:
    """Fat mass: body fat % = 1.2 BMI + 0.23 age - 10.8 (men) - 5.4 (Deurenberg 1991; R), 5 to 60 %."""
    percent = np.clip(1.2 * bmi + 0.23 * age_y - 10.8 * (1.0 - female) - 5.4, 5.0, 60.0)
    return weight_kg * percent / 100.0


def _moved(card: Card, n: int, moves: Floats | None) -> dict[str, Floats]:
    """The columns of `moves` by name."""
    if moves is None:
        return {}
    if moves.shape != (n, len(card.population_effects)):
        raise UsageError(
            f"moves have the shape {moves.shape}; needed is ({n}, {len(card.population_effects)}): one row a person, "
            f"one column for each of {', '.join(card.population_effects) or 'none (the card was not fitted)'}."
        )
    return {name: moves[:, k] for k, name in enumerate(card.population_effects)}


def individual_parameters(
    card: Card,
    covariates: Covariates,
    effects: Floats | None = None,
    *,
    moves: Floats | None = None,
    single_dose: bool = False,
) -> Floats:
    """Parameters of each person in the order of `layout.NAMES` and its units.

    Parameters
    ----------
    card
        The model card.
    covariates
        N people.
    effects
        Random effects on the log scale, shape (N, E), in the order of `card.random_effects`; None for the typical
        person. The effect "untreated" multiplies the card's typical untreated level.
    moves
        How far the population values of each person's draw lie from the card's, shape (N, K), in the order of
        `card.population_effects`: log scale, exponents on their own. None for the card's own values. A draw of the
        fitted card's uncertainty is ``z @ numpy.linalg.cholesky(card.covariance).T`` with z standard normal.
    single_dose
        Use the card's values for single doses where it has any (Huang & You 2021).

    Returns
    -------
    ndarray, shape (N, P)

    Examples
    --------
    >>> from calcidiol.kinetics import Covariates, default_card
    >>> card = default_card()
    >>> individual_parameters(card, Covariates.reference(card)).shape
    (1, 25)
    """
    n = len(covariates)
    c = covariates
    p = np.empty((n, len(NAMES)))
    for i, name in enumerate(NAMES):
        p[:, i] = card.value(name)
    if single_dose:
        for name, number in card.numbers["single_dose"].items():
            p[:, ROW[name]] = number.value

    moved = _moved(card, n, moves)
    for name in moved:
        if name in ROW:
            p[:, ROW[name]] *= np.exp(moved[name])
    if "kim" in moved and card.value("im_fast") == 1.0:
        # One phase of the depot: the slow rate follows the fast one.
        p[:, ROW["kim_slow"]] *= np.exp(moved["kim"])

    def factor(name: str) -> Any:
        told = card.value(name, "covariates")
        if name not in moved:
            return told
        return told + moved[name] if name.endswith("_exponent") else told * np.exp(moved[name])

    ref = card.reference
    size = c.weight_kg / ref["weight_kg"]
    slow, wide = size ** factor("clearance_exponent"), size ** factor("volume_exponent")
    for name, unit in PARAMETERS.items():
        if unit in ("L/d", "nmol/d"):
            p[:, ROW[name]] *= slow
        elif unit == "L" and name != "v2":
            p[:, ROW[name]] *= wide
    if card.value("volume_exponent", "covariates"):
        one = np.ones(1)
        reference_fat = fat_kg(ref["weight_kg"] * one, ref["bmi"] * one, ref["age_y"] * one, ref["female"] * one)
        p[:, ROW["v2"]] *= fat_kg(c.weight_kg, c.bmi, c.age_y, c.female) / reference_fat

    conversion = np.where(
        c.bmi >= 30, factor("conversion_obese"), np.where(c.bmi >= 25.0 + 1e-9, factor("conversion_overweight"), 1.0)
    )
    conversion = conversion * factor("conversion_cancer") ** c.cancer * factor("conversion_acute") ** c.acute
    clearance = factor("clearance_inducer") ** c.inducer * factor("clearance_glucocorticoid") ** c.glucocorticoid
    clearance = clearance * np.where(
        c.egfr < 15, factor("clearance_kidney_failure"), np.where(c.egfr < 60, factor("clearance_ckd"), 1.0)
    )
    p[:, ROW["f_oral"]] *= np.where(
        c.malabsorption >= 2,
        factor("oral_severe_malabsorption"),
        np.where(c.malabsorption >= 1, factor("oral_mild_malabsorption"), 1.0),
    )
    p[:, ROW["vmax"]] *= factor("conversion_liver_failure") ** c.liver_failure

    if effects is not None:
        if effects.shape != (n, len(card.effects)):
            raise UsageError(
                f"effects have the shape {effects.shape}; needed is ({n}, {len(card.effects)}): one row a person, one "
                f"column for each of {', '.join(card.random_effects)}."
            )
        for k, effect in enumerate(card.effects):
            times = np.exp(effects[:, k])
            for name in effect.acts_on:
                p[:, ROW[name]] *= times
    untreated = p[:, ROW["untreated"]]
    # People with a low untreated level respond less than their level alone explains (0 in cards that do not say so).
    conversion = conversion * (untreated / card.value("untreated")) ** factor("conversion_baseline_exponent")
    for name in ("vmax", "clh"):
        p[:, ROW[name]] *= conversion
    for name in ("cl25", "hill_clmax"):
        p[:, ROW[name]] *= clearance

    full = card.value("full_latitude", "season")
    amplitude = card.value("amplitude_high_latitude", "season") * np.minimum(np.abs(c.latitude_deg) / full, 1.0)
    amplitude = amplitude * card.value("avoids_sun", "season") ** c.avoids_sun
    p[:, ROW["season_amplitude"]] = amplitude
    p[:, ROW["season_phase_d"]] += np.where(c.latitude_deg < 0, HALF_YEAR_D, 0.0)
    return p
