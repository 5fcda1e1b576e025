"""What a fit is: weighted draws of one patient, and equally likely ones for everything that follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError
from calcidiol.individual import psis
from calcidiol.individual.history import TRUSTED_ASSAYS, Observed
from calcidiol.individual.likelihood import face_value
from calcidiol.individual.people import Imputed
from calcidiol.kinetics import Card, Covariates, Schedule, State, solve
from calcidiol.patient.record import Comparator

Floats = NDArray[np.float64]
Kind = Literal["population", "individual", "retrospective"]


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Equally likely draws of a patient: parameters (N, P), the state on day 0, and the noise of a lab.

    `bias` is the log bias of each assay group (N, A), `next_bias` that of the next result (N,): of the newest method,
    or an unknown one when there was no result. `kind` says which forecast is made from it.
    """

    card: Card
    parameters: Floats
    state: State
    bias: Floats
    on: date
    next_bias: Floats = field(default_factory=lambda: np.empty(0))
    kind: Kind = "individual"

    @property
    def origin_doy(self) -> float:
        """Day of the year of day 0."""
        return float(self.on.timetuple().tm_yday)

    @property
    def residual(self) -> tuple[float, float]:
        """Residual error of a lab: proportional (1) and additive (nmol/L)."""
        return self.card.residual

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True, slots=True)
class Individual:
    """Weighted draws of one patient on one day.

    Parameters
    ----------
    effects
        Random effects in units of their spread, (N, E), in the order of `card.random_effects`.
    bias
        Log bias of each assay group, (N, A); the groups are `observed.assays`.
    parameters, state, covariates
        Of each draw: for the solver (N, P), on day 0 with all past doses in it, and what it was drawn from.
    weights
        Sum 1, (N,).
    mode
        Most probable effects and biases at the mean covariates, (E + A,).
    k_hat, ess
        Trust in the weights: below 0.7, and at least 1,000. k-hat is minus infinity for draws of the prior itself.
    status
        ``"ok"``, or the text id of the reason for which the answer is withheld.
    imputed
        Covariates that the record lacks, and how they were drawn.
    level_at_labs
        True level at the labs' times, (N, L).
    flatten
        Weight of the prior.
    spreads
        SD of the effects on the log scale, (E,).
    conflict
        Probability, before any result was seen, of results at least as far from the forecast as these (1: no results).
    modes
        Number of distinct modes.
    next_bias
        Log bias of the next result, (N,).
    kind
        Which of the three forecasts is made from it.
    """

    card: Card
    on: date
    observed: Observed
    effects: Floats
    bias: Floats
    parameters: Floats
    state: State
    covariates: Covariates
    weights: Floats
    mode: Floats
    k_hat: float
    ess: float
    status: str
    imputed: tuple[Imputed, ...]
    level_at_labs: Floats
    next_bias: Floats
    flatten: float = 1.0
    spreads: Floats = field(default_factory=lambda: np.empty(0))
    conflict: float = 1.0
    modes: int = 1
    kind: Kind = "population"

    @property
    def khat(self) -> float:
        """The same as `k_hat`."""
        return self.k_hat

    def resample(self, n: int, seed: int) -> Ensemble:
        """`n` equally likely draws by systematic resampling, in random order."""
        rng = np.random.default_rng([seed, 101])
        at = (rng.random() + np.arange(n)) / n
        rows = np.searchsorted(np.cumsum(self.weights), at * (1.0 - 1e-12))
        rows = rng.permutation(np.minimum(rows, len(self.weights) - 1))
        return Ensemble(
            self.card,
            self.parameters[rows],
            self.state.take(rows),
            self.bias[rows],
            self.on,
            self.next_bias[rows],
            self.kind,
        )

    def reweight(self, log_likelihoods: Floats) -> Individual:
        """The same draws after another result, given its log-likelihood for each draw (N,)."""
        told = np.asarray(log_likelihoods, dtype=float)
        if told.shape != self.weights.shape:
            raise UsageError(
                f"{told.shape} log-likelihoods were given; needed is one for each of {len(self.weights)} draws."
            )
        with np.errstate(divide="ignore"):
            log_weight = np.log(self.weights) + told
        weights, k_hat = psis.smooth(log_weight)
        return replace(self, weights=weights, k_hat=k_hat, ess=psis.effective(weights))

    def after_result(
        self,
        schedule: Schedule,
        day: float,
        value_nmol_per_l: float,
        comparator: Comparator = "",
        assay: str | None = None,
    ) -> Individual:
        """What we would think after one more result: the same draws, weighted again; `ess` says how many agree.

        The result is taken at face value: no allowance for a wild one, so that an unlikely result leaves few draws.

        Parameters
        ----------
        schedule
            Doses from day 0 up to the result.
        day
            Day of the result, 0 or later.
        value_nmol_per_l, comparator
            The result; ``"<"`` or ``">"`` for one beyond a limit.
        assay
            Its method; default that of the newest result.
        """
        if not value_nmol_per_l > 0 or not np.isfinite(value_nmol_per_l):
            raise UsageError(f"the result is {value_nmol_per_l!r}; needed is a positive number of nmol/L.")
        known = self.observed.labs
        method = (known[-1].assay if known else None) if assay is None else assay
        solved = solve(
            self.card, self.parameters, schedule, [day], origin_doy=float(self.on.timetuple().tm_yday), start=self.state
        )
        center = np.where(np.isfinite(solved.level[:, 0]), solved.level[:, 0], 1.0)
        proportional, additive = self.card.residual
        if method not in TRUSTED_ASSAYS:
            if (method or "unknown") in self.observed.assays:
                center = center * np.exp(self.bias[:, self.observed.assays.index(method or "unknown")])
            else:
                proportional = float(np.hypot(proportional, self.card.assay_bias))
        told = face_value(float(np.log(value_nmol_per_l)), center, comparator, (proportional, additive))
        return self.reweight(np.where(np.isfinite(solved.level[:, 0]), told, -np.inf))

    def mean(self, values: Floats) -> Floats:
        """Weighted mean over draws (first axis)."""
        return np.tensordot(self.weights, values, axes=(0, 0))

    def sd(self, values: Floats) -> Floats:
        """Weighted standard deviation over draws (first axis)."""
        return np.asarray(np.sqrt(np.maximum(self.mean(values**2) - self.mean(values) ** 2, 0.0)))
