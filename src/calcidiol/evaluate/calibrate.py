"""Fit a card to published arms: full posterior by adaptive importance sampling, and what it says of left-out studies.

The posterior of the population values (`population_model`) is drawn from a multivariate Student law around its mode
that is fitted to the posterior in rounds; the draws of the last round carry Pareto-smoothed weights, whose k-hat and
effective number tell whether they may be trusted. `check_chain` compares them with an MCMC chain (emcee).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import MissingError
from calcidiol.evaluate.arms import Observation
from calcidiol.evaluate.population_model import FREEDOM, PRIORS, Model, Prior, card_at, find_mode
from calcidiol.individual import psis
from calcidiol.kinetics import Card

Floats = NDArray[np.float64]
DRAWS = 8000
"""Draws of the last round: about 4 minutes on one core."""
FIRST_ROUND = 0.25
"""Share of the draws in the round that fits the proposal."""
WORTH = 5.0
"""Draws for each value that the proposal's covariance before a round is worth against the round's own (P)."""
HEAVY = 7.0
"""Degrees of freedom of the proposal: heavier than the posterior."""
CHUNK = 250
"""Draws predicted at once."""
BANDS_FROM = 1000
"""Draws behind the predictive distribution of a left-out row."""


@dataclass(frozen=True)
class Fit:
    """Weighted draws of the population values (internal scale), and what each says of each study and row.

    `log_weight` are raw log importance ratios, `weight` the smoothed ones (sum 1); `log_likelihood` is (N, S),
    `log_predicted` (N, R).
    """

    model: Model
    draws: Floats
    log_weight: Floats
    weight: Floats
    log_likelihood: Floats
    log_predicted: Floats
    slope: tuple[Floats, Floats]
    diagnostics: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> Floats:
        """Posterior mean on the internal (log) scale."""
        return np.asarray(self.weight @ self.draws)

    @property
    def covariance(self) -> Floats:
        """Posterior covariance on the internal scale."""
        return _covariance(self.draws, self.weight)

    @property
    def card(self) -> Card:
        """The card with the posterior means."""
        return card_at(self.model.card, self.model.priors, self.mean)


def _covariance(draws: Floats, weight: Floats) -> Floats:
    off = draws - weight @ draws
    return np.asarray((weight[:, None] * off).T @ off / (1.0 - float(weight @ weight)))


def calibrate(
    card: Card,
    rows: Sequence[Observation],
    *,
    seed: int = 0,
    draws: int = DRAWS,
    priors: tuple[Prior, ...] = PRIORS,
    tell: Callable[[str], None] = lambda _: None,
) -> Fit:
    """The posterior of the population values.

    Parameters
    ----------
    card
        Card whose structure and other numbers are kept.
    rows
        Rows of `read_arms` with `used` True.
    seed
        Seed of the draws; the same seed gives the same draws.
    draws
        Draws of the last round.
    tell
        Called with a line of progress now and then.
    """
    model = Model(card, tuple(rows), priors)
    rng = np.random.default_rng(seed)
    mean, covariance = find_mode(model)
    tell("mode found")
    slope = model.slopes_at(mean)
    for round_, size in enumerate((max(int(FIRST_ROUND * draws), 200), draws), 1):
        x, log_density = _propose(mean, covariance, size, rng)
        log_predicted = in_chunks(model.log_predicted, x, tell)
        each = model.log_likelihoods(log_predicted, x, slope)
        log_weight = each.sum(axis=1) + model.log_prior(x) - log_density
        weight, k_hat = psis.smooth(log_weight)
        effective = 1.0 / float(weight @ weight)
        tell(f"round {round_}: {size} draws, k-hat {k_hat:.2f}, {effective:.0f} effective")
        share = effective / (effective + WORTH * len(mean))
        mean = mean + share * (weight @ x - mean)
        covariance = share * _covariance(x, weight) + (1.0 - share) * covariance
    told = {"draws": draws, "k_hat": float(k_hat), "effective": effective}
    # Draws of no density (too far out, or unsolved in a lane) carry no weight, but would spoil sums and ratios.
    fine = np.isfinite(log_weight)
    return Fit(model, x[fine], log_weight[fine], weight[fine], each[fine], log_predicted[fine], slope, told)


def _propose(mean: Floats, covariance: Floats, size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws of a multivariate Student law and their log density up to a constant."""
    root = np.linalg.cholesky(covariance)
    z = rng.standard_normal((size, len(mean)))
    z *= np.sqrt(HEAVY / rng.chisquare(HEAVY, size))[:, None]
    return mean + z @ root.T, -0.5 * (HEAVY + len(mean)) * np.log1p((z**2).sum(axis=1) / HEAVY)


def in_chunks(predicted: Callable[[Floats], Floats], x: Floats, tell: Callable[[str], None] = lambda _: None) -> Floats:
    """Predictions of many draws, some at a time."""
    parts = []
    for begin in range(0, len(x), CHUNK):
        parts.append(predicted(x[begin : begin + CHUNK]))
        if begin and begin % (8 * CHUNK) == 0:
            tell(f"{begin} of {len(x)} draws")
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Prediction of each row from the other studies only.

    `percentile` is the place of the observation in its predictive distribution (0 to 100), `p05` and `p95` its band;
    `k_hat` by study, of the weights or of the refit; `refitted` names the studies that were fitted anew without.
    """

    predicted: Floats
    p05: Floats
    p95: Floats
    percentile: Floats
    k_hat: dict[str, float]
    elpd: float
    refitted: tuple[str, ...]


def leave_one_study_out(
    fit: Fit, *, seed: int = 0, draws: int = DRAWS // 2, tell: Callable[[str], None] = lambda _: None
) -> LeftOut:
    """Leave-one-study-out predictions by Pareto-smoothed importance sampling; a refit where k-hat passes 0.7.

    Parameters
    ----------
    fit
        A fit with the studies' log-likelihoods at each draw.
    seed
        Seed of the refits and of the draws behind the bands.
    draws
        Draws of a refit.
    """
    model = fit.model
    rng = np.random.default_rng([seed, 55])
    size = len(model.rows)
    predicted, p05, p95, percentile = (np.empty(size) for _ in range(4))
    k_hat: dict[str, float] = {}
    refitted = []
    elpd = 0.0
    for s, study in enumerate(model.studies):
        weight, k_hat[study] = psis.smooth(fit.log_weight - fit.log_likelihood[:, s])
        x, logs, each = fit.draws, fit.log_predicted[:, model.members[s]], fit.log_likelihood[:, s]
        if k_hat[study] > psis.TRUST:
            tell(f"{study}: k-hat {k_hat[study]:.2f}, fitted anew without it")
            refitted.append(study)
            rest = [o for o in model.rows if o.study != study]
            anew = calibrate(model.card, rest, seed=seed, draws=draws, priors=model.priors, tell=tell)
            own = Model(model.card, tuple(o for o in model.rows if o.study == study), model.priors)
            x, weight, k_hat[study] = anew.draws, anew.weight, float(anew.diagnostics["k_hat"])
            logs = in_chunks(own.log_predicted, x)
            fine = np.isfinite(logs).all(axis=1)
            x, logs, weight = x[fine], logs[fine], weight[fine] / weight[fine].sum()
            slope = (fit.slope[0][model.members[s]], fit.slope[1][model.members[s]])
            each = own.log_likelihoods(logs, x, slope)[:, 0]
        elpd += float(np.log(np.sum(weight * np.exp(each))))
        pick = rng.choice(len(x), BANDS_FROM, p=weight)
        scales = model.scales(x[pick])
        for k, i in enumerate(model.members[s]):
            # Of a row nobody has seen; that it is doubtful counts in the fit alone.
            scale = np.sqrt(
                model.fixed_variance[i]
                + (scales[:, 0] * fit.slope[0][i]) ** 2
                + (scales[:, 1] * fit.slope[1][i]) ** 2
                + scales[:, 2] ** 2
            )
            predicted[i] = np.exp(weight @ logs[:, k])
            center = logs[pick, k]
            percentile[i] = 100.0 * _share_below(model.log_observed[i], center, scale)
            p05[i], p95[i] = (np.exp(_quantile(q, center, scale)) for q in (0.05, 0.95))
    return LeftOut(predicted, p05, p95, percentile, k_hat, elpd, tuple(refitted))


def _share_below(at: float, center: Floats, scale: Floats) -> float:
    """Share of a mixture of Student laws below a value."""
    from scipy.special import stdtr

    return float(stdtr(FREEDOM, (at - center) / scale).mean())


def _quantile(share: float, center: Floats, scale: Floats) -> float:
    """Quantile of a mixture of Student laws."""
    from scipy.optimize import brentq

    low, high = float((center - 40 * scale).min()), float((center + 40 * scale).max())
    return float(brentq(lambda at: _share_below(at, center, scale) - share, low, high, xtol=1e-6))


def check_chain(fit: Fit, *, steps: int, walkers: int = 64, seed: int = 0) -> dict[str, Any]:
    """The same posterior by emcee's ensemble sampler, begun at draws of the fit: how far the two agree.

    Returns
    -------
    dict
        ``r_hat`` (largest split R-hat over the values, walkers as chains), ``effective`` (smallest),
        ``mean_off_in_sd`` (largest difference of means in posterior SDs), ``sd_ratio`` (chain over draws: smallest and
        largest), ``acceptance``.

    Raises
    ------
    MissingError
        The `calibrate` extra is not installed.
    """
    emcee = _emcee()
    model = fit.model

    def density(x: Floats) -> Floats:
        prior = model.log_prior(x)
        fine = np.isfinite(prior)
        out = np.full(len(x), -np.inf)
        if fine.any():
            out[fine] = prior[fine] + model.log_likelihoods(model.log_predicted(x[fine]), x[fine], fit.slope).sum(1)
        return out

    rng = np.random.default_rng([seed, 77])
    start = fit.draws[rng.choice(len(fit.draws), walkers, p=fit.weight, replace=False)]
    chain, acceptance = ensemble_chain(density, start, steps, seed)
    times = emcee.autocorr.integrated_time(chain, tol=0, quiet=True)
    flat = chain.reshape(-1, chain.shape[2])
    sd = np.sqrt(np.diag(fit.covariance))
    ratio = flat.std(axis=0) / sd
    return {
        "walkers": walkers,
        "steps": steps,
        "acceptance": acceptance,
        "r_hat": float(split_r_hat(chain).max()),
        "effective": float((len(flat) / np.maximum(times, 1.0)).min()),
        "mean_off_in_sd": float(np.max(np.abs(flat.mean(axis=0) - fit.mean) / sd)),
        "sd_ratio": [float(ratio.min()), float(ratio.max())],
    }


def ensemble_chain(
    density: Callable[[Floats], Floats], start: Floats, steps: int, seed: int = 0
) -> tuple[Floats, float]:
    """A chain of emcee's ensemble by differential evolution, the first fifth dropped, and its acceptance.

    Parameters
    ----------
    density
        Log density of points (N, K), up to a constant.
    start
        Walkers (W, K), near the law that is sought.

    Returns
    -------
    chain : ndarray (steps, W, K)
    acceptance : float
        Share of moves that were taken.
    """
    emcee = _emcee()
    # Not the snooker move: emcee 3.1.6 leaves a normal law of 19 dimensions 7 to 10 % too narrow by it (decision 0010).
    sampler = emcee.EnsembleSampler(*start.shape, density, vectorize=True, moves=emcee.moves.DEMove())
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(start, steps, progress=False)
    return np.asarray(sampler.get_chain(discard=steps // 5)), float(np.mean(sampler.acceptance_fraction))


def _emcee() -> Any:
    try:
        import emcee
    except ImportError:
        raise MissingError(
            "The check by MCMC needs the extra `calibrate` (emcee). Install it: pip install 'calcidiol[calibrate]'."
        ) from None
    return emcee


def split_r_hat(chain: Floats) -> Floats:
    """Split R-hat of each value; chain is (steps, walkers, values)."""
    half = chain.shape[0] // 2
    parts = np.concatenate([chain[:half], chain[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    return np.asarray(np.sqrt(((half - 1) / half * within + between / half) / within))
