"""Predicted arm means: people drawn by a fixed rule around what an arm says of its people, all arms in one solve.

The mean of a population is not the level of the typical person, so sixteen people stand for each arm: untreated level
with the arm's own mean and spread, the other effects with the card's spreads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from calcidiol.evaluate.arms import Observation
from calcidiol.kinetics import Card, Covariates, individual_parameters, solve
from calcidiol.kinetics.card import Number

Floats = NDArray[np.float64]
POINTS = 16
"""People that stand for an arm (P: the error of a 16-point rule is 1-2 % of the mean, far below the scatter)."""
DEFAULT_CV = 0.40
LEAST_CV, MOST_CV = 0.15, 0.70
"""Spread of baselines where an arm prints none, and its bounds (decision 0008, P)."""

STUDY_FACTORS = {
    "conversion_south_asia": ("conversion", "south_asia"),
    "oral_presumed_d2": ("bioavailability", "presumed_d2"),
}
"""Factors of a card that are about a study and not about a person (decision 0010): the random effect that each moves,
and the field of `Population` that says where it holds. A card that does not name one has none."""


def flagged(rows: Sequence[Observation], flag: str) -> Floats:
    """1 where a field of the row's population is true, else 0, (R,)."""
    return np.array([float(getattr(o.population, flag)) for o in rows])


@cache
def normal_points(dimensions: int) -> Floats:
    """A fixed rule of standard normal points, (POINTS, dimensions): Sobol, centered and scaled in each direction."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    z = ndtri(qmc.Sobol(dimensions, seed=7).random(POINTS))
    z = z - z.mean(axis=0)
    return np.asarray(z / np.sqrt((z**2).mean(axis=0)))


def with_values(card: Card, **values: float) -> Card:
    """A card with other numbers, by name: parameters, covariate factors, or ``spread_<effect>``."""
    numbers = {room: dict(table) for room, table in card.numbers.items()}
    effects = list(card.effects)
    for name, value in values.items():
        if name.startswith("spread_"):
            effects = [replace(e, spread=value) if e.name == name[7:] else e for e in effects]
            continue
        for room in ("parameters", "covariates"):
            if name in numbers[room]:
                old = numbers[room][name]
                numbers[room][name] = Number(value, old.unit, old.source, old.tag)
                break
        else:
            raise KeyError(name)
    # One phase of the depot: the slow rate follows the fast one unless it is named.
    if "kim" in values and "kim_slow" not in values and card.value("im_fast") == 1.0:
        old = numbers["parameters"]["kim_slow"]
        numbers["parameters"]["kim_slow"] = Number(values["kim"], old.unit, old.source, old.tag)
    return replace(card, numbers=numbers, effects=tuple(effects))


@dataclass(frozen=True)
class Panel:
    """Rows with the people that stand for them, made once and predicted for any number of draws.

    Parameters
    ----------
    card
        The card; its `single_dose` values are used for single doses where it has any.
    rows
        Rows to predict; each needs a baseline and a dose.
    """

    card: Card
    rows: tuple[Observation, ...]

    @cached_property
    def _people(self) -> tuple[list[Covariates], Floats]:
        """Covariates of the people of each row, and their random effects (R, POINTS, E)."""
        card, rows = self.card, self.rows
        z = normal_points(len(card.effects))
        effects = np.tile(z * card.spreads, (len(rows), 1, 1))
        baseline = np.array([o.baseline for o in rows], dtype=float)
        cv = np.array([DEFAULT_CV if o.baseline_sd is None else o.baseline_sd / (o.baseline or 1.0) for o in rows])
        s = np.sqrt(np.log1p(np.clip(cv, LEAST_CV, MOST_CV) ** 2))
        center = np.log(baseline) - np.where([o.median for o in rows], 0.0, 0.5 * s**2)
        # The spread of the untreated level is the arm's own, not the card's.
        effects[:, :, 0] = center[:, None] + s[:, None] * z[:, 0] - np.log(card.value("untreated"))
        for name, (effect, flag) in STUDY_FACTORS.items():
            factor = card.numbers["between_studies"].get(name)
            if factor is not None:
                effects[:, :, self.effect(effect)] += (flagged(rows, flag) * np.log(factor.value))[:, None]
        everyone = _covariates(card, rows)
        own = [everyone.take(np.arange(i * POINTS, (i + 1) * POINTS)) for i in range(len(rows))]
        return own, effects

    def effect(self, name: str) -> int:
        """Place of a random effect."""
        return self.card.random_effects.index(name)

    def levels(self, moves: Floats | None = None, shifts: Mapping[str, Floats] | None = None) -> Floats:
        """Levels of the people of each row, nmol/L, (D, R, POINTS).

        Parameters
        ----------
        moves
            Draws of the card's population values, (D, K), see `individual_parameters`; None for the card itself.
        shifts
            Log shifts of a whole arm by random effect, each (R,) or (D, R): the study's departure.
        """
        covariates, effects = self._people
        draws = 1 if moves is None else len(moves)
        lanes = None if moves is None else np.repeat(moves, POINTS, axis=0)
        out = np.empty((draws, len(self.rows), POINTS))
        for members in _arms(self.rows):
            first = members[0]
            row = self.rows[first]
            own = np.tile(effects[first], (draws, 1))
            for name, shift in (shifts or {}).items():
                here = np.broadcast_to(shift, (draws, len(self.rows)))[:, first]
                own[:, self.effect(name)] += np.repeat(here, POINTS)
            people = covariates[first].take(np.tile(np.arange(POINTS), draws))
            parameters = individual_parameters(self.card, people, own, moves=lanes, single_dose=row.kind == "single")
            order = sorted(members, key=lambda i: self.rows[i].time_d)
            times = [self.rows[i].time_d for i in order]
            solved = solve(self.card, parameters, row.schedule, times).level.reshape(draws, POINTS, -1)
            out[:, order] = np.moveaxis(solved, 2, 1)
        return out

    def predicted(self, moves: Floats | None = None, shifts: Mapping[str, Floats] | None = None) -> Floats:
        """Predicted mean (or median, where the row is one) of each row, nmol/L, (D, R)."""
        levels = self.levels(moves, shifts)
        median = np.array([o.median for o in self.rows])
        return np.asarray(np.where(median, np.exp(np.log(levels).mean(axis=2)), levels.mean(axis=2)))


def predict(card: Card, rows: Sequence[Observation], shifts: Mapping[str, Floats] | None = None) -> Floats:
    """Predicted mean (or median, where the row is one) of each row by the card itself, nmol/L, shape (R,)."""
    return np.asarray(Panel(card, tuple(rows)).predicted(None, shifts)[0])


def _arms(rows: Sequence[Observation]) -> list[list[int]]:
    """Rows of the same people under the same doses, which one solve serves."""
    groups: dict[object, list[int]] = {}
    for i, o in enumerate(rows):
        doses = (o.route, o.dose_iu, o.every_days, o.count, o.steps)
        groups.setdefault((o.study_id, o.baseline, o.baseline_sd, o.median, o.population, doses), []).append(i)
    return list(groups.values())


def _covariates(card: Card, rows: Sequence[Observation]) -> Covariates:
    reference = card.reference

    def column(get: object, default: float) -> Floats:
        assert callable(get)
        told = [get(o.population) for o in rows]
        return np.repeat(np.array([default if x is None else float(x) for x in told]), POINTS)

    bmi = column(lambda p: p.bmi, reference["bmi"])
    weight = column(lambda p: p.weight_kg, float("nan"))
    # Weight is hardly reported; without it people have the reference adult's height, so that a BMI moves body size as
    # it does in a patient whose weight is known, and the BMI factors are what is left beside size (decision 0008).
    weight = np.where(np.isnan(weight), reference["weight_kg"] * bmi / reference["bmi"], weight)
    base = Covariates.reference(card, len(rows) * POINTS)
    return base.with_(
        bmi=bmi,
        weight_kg=weight,
        age_y=column(lambda p: p.age_y, reference["age_y"]),
        egfr=column(lambda p: p.egfr, reference["egfr"]),
        cancer=column(lambda p: p.cancer, 0.0),
        acute=column(lambda p: p.acute, 0.0),
        malabsorption=column(lambda p: p.malabsorption, 0.0),
        inducer=column(lambda p: p.inducer, 0.0),
    )
