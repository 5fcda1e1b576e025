"""What a search tells: scores of each regimen, the choice, and why the others lost. Frozen, and free of sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.trajectories import Course, Draws

Reason = tuple[str, dict[str, object]]
"""Id of a text and its parameters."""


@dataclass(frozen=True, slots=True)
class Chance:
    """A probability (0 to 1) and its Monte-Carlo error."""

    p: float
    error: float

    @property
    def bound(self) -> float:
        """Estimate + 2 errors: what is held against a limit."""
        return self.p + 2.0 * self.error

    def to_dict(self) -> dict[str, float]:
        """As plain data."""
        return {"p": self.p, "error": self.error}


@dataclass(frozen=True, slots=True)
class Harm:
    """The caller's probability of harm (calcium) of one regimen; None where it was not computed, with the reason."""

    probability: float | None
    error: float = 0.0
    limit: float = 0.01
    reason: str = ""

    @property
    def bound(self) -> float:
        """Estimate + 2 errors: what is held against the limit; 0 where it was not computed."""
        return 0.0 if self.probability is None else self.probability + 2.0 * self.error

    @property
    def acceptable(self) -> bool:
        """Whether the bound is within the limit; what was not computed is left to the hard rules."""
        return self.bound <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"probability": self.probability, "error": self.error, "limit": self.limit, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Scored:
    """One regimen with its scores on the fresh draws, and why it won or lost.

    Parameters
    ----------
    regimen, kind, route
        `kind` is ``"none"``, ``"generated"`` or ``"protocol"``; `route` is ``"none"``, ``"oral"``, ``"im"`` or
        ``"mixed"``.
    attainment, shortfall
        Mean over the goal's weeks of P(level in the band), and of the nmol/L missing to the band.
    excess, ceiling
        P(ever above `Goal.excess`), P(ever above `Goal.ceiling`) up to 13 weeks after the last dose, 52 weeks at most.
    added_excess, added_ceiling
        The same, counting only what the regimen adds to the untreated course.
    weeks_to_band
        First week at which half of the draws are at or above `Goal.low`; None when that does not happen.
    in_band, below_band, level
        At the weeks shown: P(in band), P(below), and the level's p05, p50, p95 in nmol/L.
    visits, doses, iu, burden_iu
        Injections, single doses, IU; in `burden_iu` calcifediol counts as well (`safety.exposure.counted_iu`).
    inside, qualifies
        Whether the regimen stays inside the patient's limits; whether it may be chosen.
    reasons
        Why it won or lost.
    harm, pareto
        The caller's probability of harm, if asked; whether no other regimen beats this one.
    """

    regimen: Regimen
    kind: str
    route: str
    attainment: Chance
    shortfall: float
    excess: Chance
    ceiling: Chance
    added_excess: Chance
    added_ceiling: Chance
    in_band: dict[int, float]
    below_band: dict[int, float]
    level: dict[int, tuple[float, float, float]]
    visits: int
    doses: int
    iu: float
    burden_iu: float
    qualifies: bool
    inside: bool = True
    reasons: tuple[Reason, ...] = ()
    harm: Harm | None = None
    pareto: bool = False
    weeks_to_band: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain data (the regimen by its name)."""
        return {
            "name": self.regimen.name,
            "protocol": self.regimen.protocol,
            "kind": self.kind,
            "route": self.route,
            "attainment": self.attainment.to_dict(),
            "shortfall": self.shortfall,
            "excess": self.excess.to_dict(),
            "ceiling": self.ceiling.to_dict(),
            "added_excess": self.added_excess.to_dict(),
            "added_ceiling": self.added_ceiling.to_dict(),
            "weeks_to_band": self.weeks_to_band,
            "in_band": {str(k): v for k, v in self.in_band.items()},
            "below_band": {str(k): v for k, v in self.below_band.items()},
            "level": {str(k): {"p05": v[0], "p50": v[1], "p95": v[2]} for k, v in self.level.items()},
            "visits": self.visits,
            "doses": self.doses,
            "iu": self.iu,
            "burden_iu": self.burden_iu,
            "qualifies": self.qualifies,
            "inside": self.inside,
            "pareto": self.pareto,
            "harm": None if self.harm is None else self.harm.to_dict(),
            "reasons": told(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the search found.

    `best` is the choice; its regimen has no runs when "no vitamin D now" won. `finalists` are in order of preference,
    `protocols` in the order of the table. `notes` are what the plan must show; `binding` says what would have to give
    way when no treatment qualifies. `daily_need_iu` is `need.daily_need`.

    `draws` and `trajectories` (by regimen name) are the fresh draws and the courses of
    finalists and protocols on them, for what looks further (next sample, policy).
    """

    goal: Goal
    best: Scored
    untreated: Scored
    best_oral: Scored | None
    best_im: Scored | None
    finalists: tuple[Scored, ...]
    protocols: tuple[Scored, ...]
    generated: int
    distinct: int
    screen_draws: int
    final_draws: int
    effective_draws: float
    counts_added: bool
    daily_need_iu: float | None
    notes: tuple[Reason, ...]
    binding: tuple[Reason, ...]
    draws: Draws = field(repr=False)
    trajectories: dict[str, Course] = field(repr=False)

    @property
    def draws_weeks(self) -> NDArray[np.int64]:
        """Weeks of the trajectories."""
        return self.course_of(self.best).weeks

    def course_of(self, scored: Scored) -> Course:
        """The course of one regimen on the fresh draws, (1, N, weeks)."""
        return self.trajectories[scored.regimen.name]

    @property
    def pareto(self) -> tuple[Scored, ...]:
        """Regimens that no other beats in attainment, excess, visits and IU at once, best attainment first."""
        kept = [s for s in (*self.finalists, *self.protocols) if s.pareto]
        return tuple(sorted(kept, key=lambda s: (-s.attainment.p, s.visits, s.burden_iu, s.regimen.name)))

    def to_dict(self) -> dict[str, Any]:
        """Everything that a plan shows of the search, as plain data."""
        return {
            "goal": self.goal.to_dict(),
            "generated": self.generated,
            "distinct": self.distinct,
            "screen_draws": self.screen_draws,
            "final_draws": self.final_draws,
            "effective_draws": self.effective_draws,
            "counts_added": self.counts_added,
            "daily_need_iu": self.daily_need_iu,
            "best": self.best.to_dict(),
            "untreated": self.untreated.to_dict(),
            "best_oral": None if self.best_oral is None else self.best_oral.to_dict(),
            "best_im": None if self.best_im is None else self.best_im.to_dict(),
            "pareto": [s.to_dict() for s in self.pareto],
            "protocols": [s.to_dict() for s in self.protocols],
            "runners_up": [s.to_dict() for s in self.finalists[1:6]],
            "notes": told(self.notes),
            "binding": told(self.binding),
        }


def told(reasons: tuple[Reason, ...]) -> list[dict[str, Any]]:
    """Reasons as plain data: the text id and its parameters."""
    return [{"text_id": i, "params": dict(p)} for i, p in reasons]
