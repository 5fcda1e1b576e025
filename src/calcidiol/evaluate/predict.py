"""Predicted arm means: people drawn by a fixed rule around what an arm says of its people, all arms in one solve.

The mean of a population is not the level of the typical person, so sixteen people stand for each arm: untreated level
with the arm's own mean and spread, the other effects with the card's spreads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

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


def predict(
    card: Card, rows: Sequence[Observation], shifts: Mapping[str, Floats] | None = None, *, people: bool = False
) -> Floats:
    """Predicted mean (or median, where the row is one) of each row, nmol/L, shape (R,).

    Parameters
    ----------
    card
        The card; its `single_dose` values are used for single doses where it has any.
    rows
        Rows to predict; each needs a baseline and a dose.
    shifts
        Log shifts of a whole arm by random effect (``{"conversion": (R,), "depot": (R,)}``): the study's departure.
    people
        Give the levels of the people instead, (R, POINTS).
    """
    z = normal_points(len(card.effects))
    n = len(rows)
    everyone = _covariates(card, rows)
    effects = np.tile(z * card.spreads, (n, 1))
    names = list(card.random_effects)
    baseline = np.array([o.baseline for o in rows], dtype=float)
    cv = np.array([DEFAULT_CV if o.baseline_sd is None else o.baseline_sd / (o.baseline or 1.0) for o in rows])
    s = np.sqrt(np.log1p(np.clip(cv, LEAST_CV, MOST_CV) ** 2))
    center = np.log(baseline) - np.where([o.median for o in rows], 0.0, 0.5 * s**2)
    # The spread of the untreated level is the arm's own, not the card's.
    effects[:, 0] = (center[:, None] + s[:, None] * z[:, 0]).ravel() - np.log(card.value("untreated"))
    for name, shift in (shifts or {}).items():
        effects[:, names.index(name)] += np.repeat(shift, POINTS)
    out = np.empty(n * POINTS)
    times = np.array([o.time_d for o in rows])
    single = np.array([o.kind == "single" for o in rows])
    parameters = individual_parameters(card, everyone, effects)
    if card.numbers["single_dose"] and single.any():
        here = np.repeat(single, POINTS)
        parameters[here] = individual_parameters(card, everyone, effects, single_dose=True)[here]
    for members in _arms(rows):
        lanes = slice(members[0] * POINTS, (members[0] + 1) * POINTS)
        order = sorted(members, key=lambda i: times[i])
        solved = solve(card, parameters[lanes], rows[members[0]].schedule, times[order]).level
        for k, i in enumerate(order):
            out[i * POINTS : (i + 1) * POINTS] = solved[:, k]
    levels: Floats = out.reshape(n, POINTS)
    if people:
        return levels
    median = np.array([o.median for o in rows])
    told: Floats = np.where(median, np.exp(np.log(levels).mean(axis=1)), levels.mean(axis=1))
    return told


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
    # Weight is hardly reported; without it the reference adult's weight stands (decision 0008).
    weight = np.where(np.isnan(weight), reference["weight_kg"], weight)
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
