"""This patient's parameters: the mode, then weighted draws around it, then whether they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual import psis
from calcidiol.individual.history import Observed, observed, past_schedule
from calcidiol.individual.likelihood import WILD_SHARE, WILD_WIDTH, log_likelihood, standardized
from calcidiol.individual.people import Imputed, People, people
from calcidiol.kinetics import Card, Covariates, Schedule, State, individual_parameters, solve
from calcidiol.patient.record import Patient

Floats = NDArray[np.float64]
DRAWS = 4000
ROUNDS = 4
ENOUGH = 1000.0
"""Effective draws below which an answer is withheld (issue of the spine; house rule)."""
TAIL = 7.0
"""Degrees of freedom of the proposal: heavier than the posterior, light enough to be efficient (measured, S)."""
WIDER = 1.15
PRIOR_SHARE = 0.10
"""Share of the proposal that is the prior itself, so that no region of the prior is ever missed."""
STEP = 0.02
DAMPING = 1e-3
ITERATIONS = 25


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Equally likely draws of a patient: parameters (N, P), the state on day 0, and the noise of a lab."""

    card: Card
    parameters: Floats
    state: State
    bias: Floats
    on: date

    @property
    def origin_doy(self) -> float:
        """Day of the year of day 0."""
        return float(self.on.timetuple().tm_yday)

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
        Most probable effects at the mean covariates, (E + A,).
    k_hat, ess
        Trust in the weights: below 0.7, and at least 1,000.
    status
        ``"ok"``, or the text id of the reason for which the answer is withheld.
    level_at_labs
        True level at the labs' times, (N, L).
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
    flatten: float = 1.0

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
        return Ensemble(self.card, self.parameters[rows], self.state.take(rows), self.bias[rows], self.on)

    def reweight(self, log_likelihoods: Floats) -> Individual:
        """The same draws after another result, given its log-likelihood for each draw."""
        lw = np.log(np.maximum(self.weights, 1e-300)) + log_likelihoods
        weights, k_hat = psis.smooth(lw)
        return replace(self, weights=weights, k_hat=k_hat, ess=psis.effective(weights))

    def mean(self, values: Floats) -> Floats:
        """Weighted mean over draws (first axis)."""
        return np.tensordot(self.weights, values, axes=(0, 0))


def fit(
    patient: Patient,
    card: Card,
    on: date,
    *,
    seed: int = 0,
    flatten: float = 1.0,
    labs: int | None = None,
    draws: int = DRAWS,
) -> Individual:
    """Fit a patient's random effects to the 25(OH)D results up to the day `on`.

    Parameters
    ----------
    patient, card, on
        The record, the model, and the day that becomes day 0.
    seed
        Seed of all draws.
    flatten
        Weight of the prior, 0.1 to 1: 1 is the card's prior, less lets the labs speak louder; the plan says so.
    labs
        Use only the first so many results (0: the population forecast); None uses all.
    draws
        Draws of the first round; rounds are doubled until k-hat < 0.7 and 1,000 draws are effective.

    Returns
    -------
    Individual
        With `status` other than ``"ok"`` when the draws cannot be trusted.

    Examples
    --------
    >>> from datetime import date
    >>> from calcidiol.kinetics import default_card
    >>> from calcidiol.patient.record import Patient
    >>> one = fit(Patient("x", sex="female", age_y=60), default_card(), date(2026, 11, 21))
    >>> one.status
    'ok'
    """
    history = past_schedule(patient, on)
    found = observed(patient, on)
    if labs is not None:
        found = found.before(labs)
    doy = float(on.timetuple().tm_yday)
    problem = _Problem(card, history, found, doy, flatten)
    typical = people(patient, card, on, 64, np.random.default_rng([seed, 1]))
    center = _mean_person(typical)
    mode, cov = _mode(problem, center) if len(found) else (np.zeros(problem.size), np.eye(problem.size) / flatten)
    size = draws
    best: Individual | None = None
    for turn in range(ROUNDS if len(found) else 1):
        made = _draw(problem, patient, on, mode, cov, size, np.random.default_rng([seed, 2, turn]))
        if best is None or made.ess >= best.ess or made.k_hat < best.k_hat:
            best = made
        if made.k_hat < psis.TRUST and made.ess >= ENOUGH:
            break
        # Learn the proposal from the weighted draws; keep some of the old width while the weights are poor.
        both = np.column_stack([made.effects, made.bias])
        mean = made.weights @ both
        spread = (both - mean).T @ ((both - mean) * made.weights[:, None])
        trust = min(1.0, made.ess / 200.0)
        mode, cov = trust * mean + (1 - trust) * mode, trust * spread * 1.1 + (1 - trust) * cov * 1.5
        cov = 0.5 * (cov + cov.T) + 1e-6 * np.eye(len(cov))
        size = min(2 * size, 32000)
    assert best is not None
    status = "ok"
    if not best.k_hat < psis.TRUST:
        status = "withheld.k_hat"
    elif best.ess < ENOUGH:
        status = "withheld.draws"
    return replace(best, status=status, mode=mode)


def population(patient: Patient, card: Card, on: date, *, seed: int = 0, draws: int = DRAWS) -> Individual:
    """The same patient without the 25(OH)D results: covariates, past doses and the prior only."""
    return fit(patient, card, on, seed=seed, labs=0, draws=draws)


@dataclass(frozen=True, slots=True)
class _Problem:
    card: Card
    history: Schedule
    observed: Observed
    doy: float
    flatten: float

    @property
    def effects(self) -> int:
        return len(self.card.effects)

    @property
    def size(self) -> int:
        return self.effects + len(self.observed.assays)

    def parameters(self, x: Floats, who: People) -> Floats:
        """Solver parameters of draws x (N, E + A) of these people."""
        eta = x[:, : self.effects] * self.card.spreads
        eta[:, 0] += np.log(who.level / self.card.value("untreated"))
        return individual_parameters(self.card, who.covariates, eta)

    def level(self, parameters: Floats, *, state: bool) -> tuple[Floats, State | None]:
        """Level at the labs (N, L) and the state on day 0."""
        times = np.append(self.observed.time_d, 0.0)
        solved = solve(
            self.card,
            parameters,
            self.history,
            times,
            origin_doy=self.doy,
            want=("level", "state") if state else ("level",),
        )
        return solved.level[:, :-1], solved.state

    def log_prior(self, x: Floats) -> Floats:
        """Log prior of standardized effects and biases, without its constant."""
        e = self.effects
        bias = x[:, e:] / self.card.assay_bias
        return -0.5 * (self.flatten * (x[:, :e] ** 2).sum(axis=1) + (bias**2).sum(axis=1))


def _mean_person(who: People) -> People:
    mean = {name: np.array([getattr(who.covariates, name).mean()]) for name in Covariates.__dataclass_fields__}
    return People(Covariates(**mean), np.exp([np.log(who.level).mean()]), who.imputed)


def _repeat(who: People, n: int) -> People:
    rows = np.zeros(n, dtype=np.int64)
    return People(who.covariates.take(rows), who.level[rows], who.imputed)


def _mode(problem: _Problem, center: People) -> tuple[Floats, Floats]:
    """Most probable effects and their covariance at the mean covariates, by damped Gauss-Newton.

    Each iteration is one call of the solver: the lanes are the point and one step along each effect.
    """
    e, size = problem.effects, problem.size
    seen = problem.observed
    prior = np.concatenate([np.full(e, problem.flatten), np.full(size - e, problem.card.assay_bias**-2)])
    who = _repeat(center, e + 1)
    x = np.zeros(size)
    damping = DAMPING
    best = np.inf
    kept = (x, np.diag(prior))
    for _ in range(ITERATIONS):
        lanes = np.repeat(x[None], e + 1, axis=0)
        lanes[1:, :e] += STEP * np.eye(e)
        level, _ = problem.level(problem.parameters(lanes, who), state=False)
        bias = np.repeat(x[None, e:], e + 1, axis=0)
        if not np.isfinite(level).all():
            x = 0.5 * (x + kept[0])
            continue
        cost = float(
            -log_likelihood(seen, level[:1], bias[:1], problem.card.residual)[0] - problem.log_prior(x[None])[0]
        )
        if cost <= best + 1e-9:
            done = best - cost < 1e-7 * (1.0 + abs(cost))
            best = cost
            r, sd = standardized(seen, level, bias, problem.card.residual)
            slope = np.zeros((len(seen), size))
            slope[:, :e] = (np.log(level[1:]) - np.log(level[:1])).T / STEP
            for group in range(size - e):
                slope[seen.assay == group, e + group] = 1.0
            weight, pull = _pull(seen, r[0])
            slope /= sd[0][:, None]
            hessian = slope.T @ (weight[:, None] * slope) + np.diag(prior)
            gradient = -slope.T @ pull + prior * x
            kept = (x, hessian)
            damping = max(damping * 0.3, 1e-6)
            if done and np.abs(gradient).max() < 1e-4:
                break
        else:
            x, hessian = kept
            damping *= 8.0
            if damping > 1e6:
                break
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), gradient)
        x = x - np.clip(step, -1.5, 1.5)
    x, hessian = kept
    return x, np.linalg.inv(hessian)


def _pull(seen: Observed, r: Floats) -> tuple[Floats, Floats]:
    """Weight (curvature) and pull (minus the slope) of each result's log-likelihood in its standardized residual."""
    calm = (1 - WILD_SHARE) * np.exp(-0.5 * r**2)
    wild = WILD_SHARE / WILD_WIDTH * np.exp(-0.5 * (r / WILD_WIDTH) ** 2)
    share = calm / np.maximum(calm + wild, 1e-300)
    weight = share + (1 - share) / WILD_WIDTH**2
    pull = weight * r
    censored = seen.kind != 0
    if censored.any():
        from scipy.special import log_ndtr

        side = -seen.kind[censored].astype(float)
        z = r[censored] * side
        ratio = np.exp(-0.5 * z**2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
        # The residual falls as the level rises: d log Phi(side r)/d r = side ratio.
        pull[censored] = -side * ratio
        weight[censored] = np.maximum(ratio * (ratio + z), 1e-3)
    return weight, pull


def _draw(
    problem: _Problem, patient: Patient, on: date, mode: Floats, cov: Floats, n: int, rng: np.random.Generator
) -> Individual:
    """Importance sampling: most draws from a wide Student law at the mode, some from the prior."""
    card, e, size = problem.card, problem.effects, problem.size
    prior_sd = np.concatenate([np.full(e, problem.flatten**-0.5), np.full(size - e, card.assay_bias)])
    seen = problem.observed
    who = people(patient, card, on, n, rng)
    if not len(seen):
        x = rng.standard_normal((n, size)) * prior_sd
        log_weight = np.zeros(n)
    else:
        root = np.linalg.cholesky(cov * WIDER**2)
        heavy = rng.standard_normal((n, size)) / np.sqrt(rng.chisquare(TAIL, n) / TAIL)[:, None]
        x = mode + heavy @ root.T
        from_prior = rng.random(n) < PRIOR_SHARE
        x[from_prior] = (rng.standard_normal((n, size)) * prior_sd)[from_prior]
        z = np.linalg.solve(root, (x - mode).T)
        from math import lgamma, pi

        log_t = (
            lgamma(0.5 * (TAIL + size))
            - lgamma(0.5 * TAIL)
            - 0.5 * size * np.log(TAIL * pi)
            - np.log(np.diag(root)).sum()
            - 0.5 * (TAIL + size) * np.log1p((z**2).sum(axis=0) / TAIL)
        )
        log_prior = problem.log_prior(x) - 0.5 * size * np.log(2 * pi) - np.log(prior_sd).sum()
        log_q = np.logaddexp(np.log1p(-PRIOR_SHARE) + log_t, np.log(PRIOR_SHARE) + log_prior)
        log_weight = log_prior - log_q
    parameters = problem.parameters(x.copy(), who)
    level, state = problem.level(parameters, state=True)
    assert state is not None
    ok = np.isfinite(level).all(axis=1) & np.isfinite(state.values).all(axis=0)
    if len(seen):
        safe = np.where(ok[:, None], level, 1.0)
        log_weight = log_weight + log_likelihood(seen, safe, x[:, e:], card.residual)
    log_weight = np.where(ok, log_weight, -np.inf)
    weights, k_hat = psis.smooth(log_weight)
    if not len(seen) and ok.all():
        weights, k_hat = np.full(n, 1.0 / n), -1.0
    return Individual(
        card=card,
        on=on,
        observed=seen,
        effects=x[:, :e],
        bias=x[:, e:],
        parameters=parameters,
        state=State(state.values, 0.0),
        covariates=who.covariates,
        weights=weights,
        mode=mode,
        k_hat=k_hat,
        ess=psis.effective(weights),
        status="ok",
        imputed=who.imputed,
        level_at_labs=level,
        flatten=problem.flatten,
    )
