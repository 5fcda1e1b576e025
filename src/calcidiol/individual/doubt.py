"""One patient's problem with one more unknown: a reason for results lower than forecast, from a given result on.

The unknown is standard normal and comes last among the random effects; what it does is in the priors of the reason
(`data/lower.toml`). The first column after the solver's parameters carries it to the solver's call.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.history import TRUSTED_ASSAYS
from calcidiol.individual.people import People
from calcidiol.individual.problem import Problem
from calcidiol.kinetics import State
from calcidiol.kinetics.events import CALCIFEDIOL, IM, ORAL
from calcidiol.kinetics.layout import ROW
from calcidiol.patient.record import Lab

Floats = NDArray[np.float64]


@cache
def priors() -> dict[str, Any]:
    """The reasons, how probable each is beforehand, and the laws of their unknowns, with source and tag."""
    return tomllib.loads(files("calcidiol.individual").joinpath("data/lower.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Doubt(Problem):
    """The problem if `reason` acts from the result number `first` on; day 0 is the day of the result before it."""

    reason: str = "missed"
    first: int = 0

    @property
    def effects(self) -> int:
        """Number of random effects, the reason's unknown included."""
        return len(self.card.effects) + 1

    @cached_property
    def spreads(self) -> Floats:
        """SD of each effect on the log scale; the reason's unknown is in units of its own."""
        return np.append(super().spreads, 1.0)

    def parameters(self, x: Floats, who: People) -> Floats:
        """Solver parameters and the reason's unknown, (N, P + 1)."""
        return np.column_stack([super().parameters(x, who), x[:, self.effects - 1]])

    def solve(self, parameters: Floats, *, state: bool, after: Floats | None = None) -> tuple[Floats, State | None]:
        """Level at the labs (N, L) as the results see it, and the state on day 0."""
        before, z = parameters[:, :-1], parameters[:, -1]
        size = self.size_of(z)
        if self.reason == "missed":
            after = before.copy()
            after[:, [ROW["f_oral"], ROW["f_calcifediol"]]] *= size[:, None]
        elif self.reason == "absorption":
            before = before.copy()
            before[:, ROW["f_oral"]] *= size
            before[:, [ROW["kim"], ROW["kim_slow"]]] *= self._uniform(z, "depot_factor")[:, None]
        level, now = super().solve(before, state=state, after=after)
        if self.reason in ("assay", "other"):
            level = np.where(self.doubted, level * size[:, None], level)
        return level, now

    def size_of(self, z: Floats) -> Floats:
        """What the unknown means, (N,): share of the doses taken, uptake or reading over the usual one."""
        if self.reason == "missed":
            return self._uniform(z, "share_taken")
        if self.reason == "absorption":
            return self._uniform(z, "oral_factor")
        from scipy.special import ndtr, ndtri

        # Half-normal: the quantile of the upper half, a smooth and rising function of the unknown.
        return np.asarray(np.exp(float(priors()[self.reason]["log_sd"]) * ndtri(0.5 * ndtr(-z))))

    def _uniform(self, z: Floats, name: str) -> Floats:
        """Standard normal to a uniform law, on the log scale for factors of the uptake."""
        from scipy.special import ndtr

        low, high = (float(priors()[self.reason][name][end]) for end in ("low", "high"))
        if name == "share_taken":
            return np.asarray(low + (high - low) * ndtr(z))
        return np.asarray(np.exp(np.log(low) + np.log(high / low) * ndtr(z)))

    @property
    def doubted(self) -> NDArray[np.bool_]:
        """The results that the reason lowers, (L,): the new ones; of an assay, those of the low result's method."""
        labs = self.observed.labs
        new = np.arange(len(labs)) >= self.first
        if self.reason == "other":
            return new
        return np.asarray(new & [_method(x) == _method(labs[self.first]) for x in labs], dtype=bool)

    @property
    def applies(self) -> bool:
        """Whether the reason can be one for this patient: no dose can be missed where none was due."""
        past, later = self.history.past, self.history.later
        if self.reason == "missed":
            due = later.into[later.time_d < self.observed.time_d.max()]
            return bool(np.isin(due, (ORAL, CALCIFEDIOL)).any())
        if self.reason == "absorption":
            return bool(np.isin([*past.into, *later.into], (ORAL, IM)).any())
        return True


def _method(lab: Lab) -> str:
    return "trusted" if lab.assay in TRUSTED_ASSAYS else lab.assay or "unknown"
