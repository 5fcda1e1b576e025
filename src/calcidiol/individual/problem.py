"""One patient's problem: from standardized unknowns to parameters, levels at the labs, and the log posterior.

The unknowns of a draw are one row `x` (E + A,): the random effects of the card in units of their spread, then the log
bias of each assay group. Covariates that the record lacks are a further part of each draw, taken from their own
distribution (`people`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.card_uncertainty import spreads
from calcidiol.individual.history import History, Observed
from calcidiol.individual.likelihood import log_likelihood
from calcidiol.individual.people import People, repeat, table
from calcidiol.kinetics import Card, State, individual_parameters, solve
from calcidiol.kinetics.layout import ROW

Floats = NDArray[np.float64]


def bent(z: Floats) -> Floats:
    """Standardized log untreated level with the heavier low tail that people have: z - bend (z + 1)^2 below z = -1."""
    room = table()["low_tail"]
    below = np.minimum(z + float(room["from_sd"]), 0.0)
    return np.asarray(z - float(room["bend"]) * below**2)


@dataclass(frozen=True)
class Problem:
    """One patient: card, doses, results; `doy` is the day of the year of day 0, `flatten` the weight of the prior."""

    card: Card
    history: History
    observed: Observed
    doy: float
    flatten: float = 1.0

    @property
    def effects(self) -> int:
        """Number of random effects, E."""
        return len(self.card.effects)

    @property
    def size(self) -> int:
        """Number of unknowns, E + A."""
        return self.effects + len(self.observed.assays)

    @cached_property
    def spreads(self) -> Floats:
        """SD of each effect on the log scale, (E,): of people and studies; doses by mouth that are only reported widen
        the bioavailability."""
        told = spreads(self.card)
        if self.history.uncertain_oral and "bioavailability" in self.card.random_effects:
            at = self.card.random_effects.index("bioavailability")
            told[at] = np.hypot(told[at], float(table()["adherence"]["log_sd"]))
        return told

    @cached_property
    def prior_sd(self) -> Floats:
        """Prior SD of the unknowns, (E + A,); a flattened prior is wider in the effects, not in the assays' bias."""
        biases = np.full(self.size - self.effects, self.card.assay_bias)
        return np.concatenate([np.full(self.effects, self.flatten**-0.5), biases])

    @property
    def level_at(self) -> int | None:
        """Place of the untreated level among the effects."""
        names = self.card.random_effects
        return names.index("untreated") if "untreated" in names else None

    def shift(self, who: People) -> Floats:
        """How far the covariates alone move what each effect acts on, in spreads from the mean, (N, E)."""
        told = np.zeros((len(who.level), self.effects))
        middle = individual_parameters(self.card, who.covariates, None)
        for k, effect in enumerate(self.card.effects):
            moved = who.level if k == self.level_at else middle[:, ROW[effect.acts_on[0]]]
            log = np.log(np.maximum(moved, 1e-300))
            told[:, k] = (log - log.mean()) / self.spreads[k]
        return told

    def slopes_in_moves(self, x: Floats, center: People) -> Floats:
        """Slopes of the log levels at the results in the card's population values, (L, K), at unknowns x (E + A,)."""
        count = len(self.card.population_effects)
        if not count:
            return np.zeros((len(self.observed), 0))
        step = 0.5 * np.sqrt(np.diag(self.card.covariance))
        who = replace(repeat(center, 2 * count), moves=np.concatenate([np.diag(step), -np.diag(step)]))
        level, _ = self.solve(self.parameters(np.tile(x, (2 * count, 1)), who), state=False)
        fine = np.isfinite(level) & (level > 0)
        log = np.log(np.where(fine, level, 1.0))
        told = ((log[:count] - log[count:]) / (2.0 * step[:, None])).T
        return np.asarray(np.where((fine[:count] & fine[count:]).T, told, 0.0))

    def parameters(self, x: Floats, who: People) -> Floats:
        """Solver parameters (N, P) of the unknowns x (N, E + A) of these people."""
        eta = x[:, : len(self.card.effects)].copy()
        at = self.level_at
        if at is not None:
            eta[:, at] = bent(eta[:, at])
        eta *= self.spreads[: eta.shape[1]]
        if at is not None:
            eta[:, at] += np.log(who.level / self.card.value("untreated"))
        return individual_parameters(self.card, who.covariates, eta, moves=who.moves)

    def solve(self, parameters: Floats, *, state: bool, after: Floats | None = None) -> tuple[Floats, State | None]:
        """Level at the labs (N, L), and the state on day 0 with all doses up to then in it.

        `after` are the parameters (N, P) from day 0 on, where they are not the same.
        """
        times = self.observed.time_d
        past = times <= 0
        if not state and past.all():
            return self._run(parameters, times, state=False)
        level, now = self._run(parameters, np.append(times[past], 0.0), state=True)
        level = level[:, :-1]
        if not past.all():
            assert now is not None
            start, later = State(now.values, 0.0), self.history.later
            then = parameters if after is None else after
            rest = solve(self.card, then, later, times[~past], origin_doy=self.doy, start=start)
            level = np.column_stack([level, rest.level])
        return level, now

    def _run(self, parameters: Floats, times: Floats, *, state: bool) -> tuple[Floats, State | None]:
        wanted = ("level", "state") if state else ("level",)
        told = solve(self.card, parameters, self.history.past, times, origin_doy=self.doy, want=wanted)
        return np.asarray(told.level), told.state

    def log_prior(self, x: Floats) -> Floats:
        """Log prior density of the unknowns, (N,)."""
        sd = self.prior_sd
        told = -0.5 * ((x / sd) ** 2).sum(axis=1) - np.log(sd).sum() - 0.5 * self.size * np.log(2 * np.pi)
        return np.asarray(told)

    def log_likelihood(self, x: Floats, level: Floats) -> Floats:
        """Log-likelihood of all results, (N,); minus infinity where the level is not finite."""
        fine = np.asarray((np.isfinite(level) & (level > 0)).all(axis=1))
        safe = np.where(fine[:, None], level, 1.0)
        told = log_likelihood(self.observed, safe, x[:, self.effects :], self.card.residual)
        return np.where(fine, told, -np.inf)
