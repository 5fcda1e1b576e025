"""Published counts of hypercalcemia beside what the model predicts for the same regimens.

Nine arms with a countable regimen; none is large enough to say anything about a probability of 1 %, which is the point
of showing them. The virtual people are the reference adult of the default kinetic card with its spreads; their calcium
before treatment is that of 16,075 adults of NHANES 2009-2016 (total calcium, mean 2.350, SD 0.089 mmol/L with survey
weights; S). Its tail is heavier than the normal one taken here: 0.7 % of adults are above 2.60 mmol/L, not 0.3 %.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from calcidiol.kinetics import Covariates, Schedule, default_card, individual_parameters, solve
from calcidiol.kinetics.calcium import CalciumPerson
from calcidiol.kinetics.calcium_card import calcium_card
from calcidiol.kinetics.events import ORAL
from calcidiol.quantity import iu_to_nmol
from calcidiol.safety.hypercalcemia import rises_of, tail

FILE = "hypercalcemia_arms.csv"
PINNED = "hypercalcemia_counts.json"
"""The outcome of `published_counts`, so that a plan need not compute what does not depend on its patient; made again by
``python -m calcidiol.safety.published``."""
MEAN_MMOL_PER_L, SD_MMOL_PER_L = 2.350, 0.089


@dataclass(frozen=True, slots=True)
class Arm:
    """One published arm: how many of `n` had the event, after which doses; `what` is ``"calcium"`` or ``"level"``.

    `extra_calcium_mg` is what was given beside the vitamin D, mg a day (the middle of a printed range).
    """

    study_id: str
    n: int
    events: int
    what: str
    threshold: float
    amount_iu: float
    every_d: float
    count: int
    horizon_d: float
    definition: str
    source: str
    note: str
    extra_calcium_mg: float


@dataclass(frozen=True, slots=True)
class Count:
    """Published and predicted events of an arm.

    `expected` is n times the mean probability that the threshold is passed at any time; `low` and `high` hold 95 % of
    counts of that mean (binomial, and the Monte-Carlo error is smaller). `untreated` is the same without the doses.
    """

    arm: Arm
    expected: float
    low: int
    high: int
    untreated: float

    @property
    def inside(self) -> bool:
        """Whether the published count lies in the predicted range."""
        return self.low <= self.arm.events <= self.high


@cache
def arms() -> tuple[Arm, ...]:
    """The published arms."""
    text = files("calcidiol.safety").joinpath(FILE).read_text("utf-8")
    return tuple(
        Arm(
            row["study_id"], int(row["n"]), int(row["events"]), row["what"], float(row["threshold"]),
            float(row["amount_iu"]), float(row["every_d"]), int(row["count"]), float(row["horizon_d"]),
            row["definition"], row["source"], row["note"], float(row["extra_calcium_mg"]),
        )
        for row in csv.DictReader(text.splitlines())
    )  # fmt: skip


def published_counts(*, seed: int = 0, people: int = 200) -> tuple[Count, ...]:
    """Published counts beside predicted ones.

    Parameters
    ----------
    seed, people
        Seed and number of virtual people an arm.
    """
    rng = np.random.default_rng(seed)
    card = default_card()
    spreads = np.array([e.spread for e in card.effects])
    effects = rng.standard_normal((people, len(spreads))) * spreads
    parameters = individual_parameters(card, Covariates.reference(card, people), effects)
    calcium = calcium_card()
    factor = np.exp(calcium.use["spread_of_rise"] * rng.standard_normal(people))
    found = []
    for arm in arms():
        times = np.arange(0.0, arm.horizon_d + 1.0, 7.0)
        nmol = iu_to_nmol(arm.amount_iu, "cholecalciferol")
        schedule = Schedule.of((k * arm.every_d, nmol, ORAL) for k in range(arm.count))
        given = solve(card, parameters, schedule, times, pairing="one").level
        none = np.repeat(given[:, :1], len(times), axis=1)
        if arm.what == "level":
            p, q = (np.mean(x.max(axis=1) > arm.threshold) for x in (given, none))
        else:
            taking = CalciumPerson(extra_calcium_mg_per_d=arm.extra_calcium_mg)
            rise = [r.max(axis=1) * factor for r in rises_of([none, given], times, taking)]
            z = [(MEAN_MMOL_PER_L + r - arm.threshold) / SD_MMOL_PER_L for r in rise]
            q, p = (float(tail(x).mean()) for x in z)
        low, high = _range(arm.n, float(p))
        found.append(Count(arm, arm.n * float(p), low, high, arm.n * float(q)))
    return tuple(found)


@cache
def pinned_counts() -> tuple[dict[str, Any], ...]:
    """The pinned counts as plain data, for reports: arm, published events, expected, low, high, untreated."""
    rows: list[dict[str, Any]] = json.loads(files("calcidiol.safety").joinpath(PINNED).read_text("utf-8"))["counts"]
    return tuple(rows)


def told(found: Iterable[Count]) -> dict[str, Any]:
    """Counts as plain data, with the card that they were made with."""
    card = default_card()
    return {
        "card": f"{card.id} {card.version}",
        "counts": [
            asdict(c.arm) | {"expected": round(c.expected, 3), "low": c.low, "high": c.high}
            | {"untreated": round(c.untreated, 3), "tag": "S"}
            for c in found
        ],
    }  # fmt: skip


def _range(n: int, p: float) -> tuple[int, int]:
    """Counts between the 2.5 and 97.5 percentile of a binomial."""
    chance = np.array([math.comb(n, k) * p**k * (1.0 - p) ** (n - k) for k in range(n + 1)])
    summed = np.cumsum(chance)
    return int(np.searchsorted(summed, 0.025, side="right")), int(np.searchsorted(summed, 0.975))


if __name__ == "__main__":
    from pathlib import Path

    where = Path(__file__).with_name(PINNED)
    where.write_text(json.dumps(told(published_counts()), indent=1) + "\n", encoding="utf-8")
