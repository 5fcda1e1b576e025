"""Fit a card to published arms: a hierarchical model of log arm means, its full posterior, left-out scores, a new card.

    log observed = log predicted(theta, arm) + departure of the study (conversion, depot) + scatter of the arm
                 + sampling error (SD of the arm / sqrt n) + assay

The study's departures enter through the slope of the prediction, so that they are integrated out exactly and the
likelihood factors by study: leave-one-study-out then follows from one fit by Pareto-smoothed importance sampling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import MissingError
from calcidiol.evaluate.arms import Observation
from calcidiol.evaluate.predict import predict, with_values
from calcidiol.individual import psis
from calcidiol.kinetics import Card

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """Prior of one population parameter: normal on the log scale, or on its own scale when `log` is False."""

    name: str
    center: float
    sd: float
    source: str
    log: bool = True


PRIORS = (
    Prior("vmax", 1.5 * 24, 0.35, "Ocampo-Pelland 1.62 nmol/h; calibration recipe 0.35 (kinetics)"),
    Prior("km", 6.0, 0.6, "Ocampo-Pelland 6.39 nmol/L; recipe 0.6"),
    Prior("clh", 0.012 * 24, 0.35, "Barger-Lux high doses; recipe 0.35"),
    Prior("clo", 0.14 * 24, 0.4, "total D3 clearance 0.2 L/h; recipe 0.4"),
    Prior("q", 0.05 * 24, 0.5, "adipose washout"),
    Prior("v2", 310.0, 0.5, "10 L per kg fat"),
    Prior("kim", np.log(2) / 45.0, 0.7, "half-life 45 d, 10 to over 90 d between studies"),
    Prior("f_im", 0.9, 0.25, "range 0.5-1; recipe 1 (0.25)"),
    Prior("conversion_cancer", 0.8, 0.3, "Hoffer, SUNSHINE 0.55-0.65, one healthy trial as low"),
    Prior("conversion_acute", 0.6, 0.3, "Han 2016: 0.5-0.7"),
    Prior("oral_severe_malabsorption", 0.4, 0.3, "50-75 % lower"),
    Prior("conversion_baseline_exponent", 0.0, 0.5, "no effect as the center", False),
    Prior("between_conversion", 0.20, 0.6, "spread of 42 targets GSD 1.45 in all"),
    Prior("between_depot", 0.40, 0.6, "half-lives 10 to over 90 d"),
    Prior("scatter", 0.18, 0.5, "scatter of like arms: 2,000 IU/d alone GSD 1.23"),
)
"""Population parameters that are fitted; the last three are log SDs between studies and arms."""

ASSAY_SD = 0.07
"""Log SD between assays of different laboratories (VDSP bias 5 %, CV 10 %; project notes on safety 7, R)."""
DEFAULT_N = 25
"""People of an arm whose size is not printed (P: median of the shipped table)."""
DOUBT = 4.0
"""Factor on the scatter variance of a doubtful row (decision 0008, P)."""
WALKERS, STEPS, BURN, THIN = 48, 420, 140, 8


@dataclass(frozen=True)
class Fit:
    """Posterior of the population parameters (internal scale), and what it says of each study."""

    card: Card
    priors: tuple[Prior, ...]
    rows: tuple[Observation, ...]
    draws: Floats
    log_likelihood: Floats
    studies: tuple[str, ...]
    diagnostics: dict[str, Any] = field(default_factory=dict)

    @property
    def mean(self) -> Floats:
        """Posterior mean on the internal (log) scale."""
        return np.asarray(self.draws.mean(axis=0))

    @property
    def covariance(self) -> Floats:
        """Posterior covariance on the internal scale."""
        return np.asarray(np.cov(self.draws.T))

    def card_at(self, x: Floats) -> Card:
        """The card with the parameters of one draw."""
        return card_at(self.card, self.priors, x)


def card_at(card: Card, priors: Sequence[Prior], x: Floats) -> Card:
    """A card with the population parameters x (internal scale); spreads between studies are left aside."""
    values = {
        p.name: float(np.exp(v) if p.log else v)
        for p, v in zip(priors, x, strict=True)
        if not p.name.startswith("between_") and p.name != "scatter"
    }
    return with_values(card, **values)


def start(priors: Sequence[Prior]) -> Floats:
    """Prior centers on the internal scale."""
    return np.array([np.log(p.center) if p.log else p.center for p in priors])


@dataclass(frozen=True)
class Model:
    """The posterior density of a set of rows, ready for a sampler."""

    card: Card
    rows: tuple[Observation, ...]
    priors: tuple[Prior, ...] = PRIORS

    def __post_init__(self) -> None:
        """Prepare what does not depend on the parameters."""
        rows = self.rows
        studies = tuple(sorted({o.study for o in rows}))
        index = np.array([studies.index(o.study) for o in rows])
        log_observed = np.log([float(o.observed or 1.0) for o in rows])
        known: dict[str, Any] = dict(  # noqa: C408
            studies=studies,
            members=[np.flatnonzero(index == s) for s in range(len(studies))],
            log_observed=log_observed,
            sampling=sampling_variance(rows),
            doubt=np.where([o.doubtful for o in rows], DOUBT, 1.0),
            center=start(self.priors),
            width=np.array([p.sd for p in self.priors]),
        )
        base = card_at(self.card, self.priors, known["center"])
        known["slopes"] = slopes(base, rows)
        for name, value in known.items():
            object.__setattr__(self, name, value)

    def study_log_likelihoods(self, x: Floats) -> Floats:
        """Log-likelihood of each study, its departure integrated out."""
        named = {p.name: i for i, p in enumerate(self.priors)}
        tau_s, tau_k, scatter = (np.exp(x[named[k]]) for k in ("between_conversion", "between_depot", "scatter"))
        told: Any = self
        r = told.log_observed - np.log(predict(card_at(self.card, self.priors, x), self.rows))
        g, d = told.slopes
        own = told.sampling + ASSAY_SD**2 + scatter**2 * told.doubt
        out = np.empty(len(told.studies))
        for s, m in enumerate(told.members):
            cov = np.diag(own[m]) + tau_s**2 * np.outer(g[m], g[m]) + tau_k**2 * np.outer(d[m], d[m])
            root = np.linalg.cholesky(cov)
            z = np.linalg.solve(root, r[m])
            out[s] = -0.5 * z @ z - np.log(np.diag(root)).sum() - 0.5 * len(m) * np.log(2 * np.pi)
        return out

    def log_prior(self, x: Floats) -> float:
        """Log prior without its constant."""
        told: Any = self
        return float(-0.5 * (((x - told.center) / told.width) ** 2).sum())

    def __call__(self, x: Floats) -> tuple[float, Floats]:
        """Log posterior and the studies' log-likelihoods (kept by the sampler)."""
        told: Any = self
        if not np.all(np.abs(x - told.center) < 6 * told.width):
            return -np.inf, np.full(len(told.studies), np.nan)
        each = self.study_log_likelihoods(x)
        total = float(each.sum()) + self.log_prior(x)
        return (total if np.isfinite(total) else -np.inf), each


def sampling_variance(rows: Sequence[Observation]) -> Floats:
    """Variance of the log mean of each arm from its SD and size; a CV of 0.35 and 25 people where not printed (P)."""
    out = []
    for o in rows:
        cv = 0.35 if not o.sd or not o.observed else min(o.sd / o.observed, 0.8)
        out.append(cv**2 / (o.n or DEFAULT_N))
    return np.array(out)


def slopes(card: Card, rows: Sequence[Observation], step: float = 0.05) -> tuple[Floats, Floats]:
    """Slope of the log prediction in the study's log conversion and log depot rate."""
    base = np.log(predict(card, rows))
    full = np.full(len(rows), step)
    g = (np.log(predict(card, rows, {"conversion": full})) - base) / step
    im = np.array([o.route == "im" for o in rows], dtype=float)
    d = (np.log(predict(card, rows, {"depot": full * im})) - base) / step
    return g, d


def calibrate(
    card: Card,
    rows: Sequence[Observation],
    *,
    seed: int = 0,
    steps: int = STEPS,
    priors: tuple[Prior, ...] = PRIORS,
    tell: Callable[[str], None] = lambda _: None,
) -> Fit:
    """Sample the posterior of the population parameters with emcee's ensemble sampler.

    Parameters
    ----------
    card
        Card whose structure and other numbers are kept.
    rows
        Rows of `read_arms` with `used` True.
    seed
        Seed of the walkers; the same seed gives the same draws.
    steps
        Steps of each walker, a third of them burn-in.
    tell
        Called with a line of progress now and then.

    Raises
    ------
    MissingError
        The `calibrate` extra is not installed.
    """
    try:
        import emcee
    except ImportError:
        raise MissingError(
            "Fitting needs the extra `calibrate` (emcee). Install it: pip install 'calcidiol[calibrate]'."
        ) from None
    model = Model(card, tuple(rows), priors)
    known: Any = model
    size = len(priors)
    rng = np.random.default_rng(seed)
    mode = _climb(model)
    tell("mode found")
    walkers = mode + 0.15 * known.width * rng.standard_normal((WALKERS, size))
    sampler = emcee.EnsembleSampler(
        WALKERS,
        size,
        model,
        moves=[(emcee.moves.DEMove(), 0.7), (emcee.moves.DESnookerMove(), 0.1), (emcee.moves.StretchMove(), 0.2)],
        blobs_dtype=[("each", float, (len(known.studies),))],
    )
    sampler.random_state = np.random.RandomState(seed).get_state()
    for i, _ in enumerate(sampler.sample(walkers, iterations=steps), 1):
        if i % 50 == 0:
            tell(f"{i} of {steps} steps")
    burn = steps // 3
    chain = sampler.get_chain(discard=burn, thin=THIN, flat=True)
    each = sampler.get_blobs(discard=burn, thin=THIN, flat=True)["each"]
    halves = sampler.get_chain(discard=burn)
    try:
        times = sampler.get_autocorr_time(discard=burn, tol=0)
    except Exception:
        times = np.full(size, np.nan)
    return Fit(
        card,
        priors,
        tuple(rows),
        chain,
        each,
        known.studies,
        {
            "walkers": WALKERS,
            "steps": steps,
            "acceptance": float(np.mean(sampler.acceptance_fraction)),
            "r_hat": {p.name: float(v) for p, v in zip(priors, split_r_hat(halves), strict=True)},
            "autocorrelation": {p.name: float(v) for p, v in zip(priors, times, strict=True)},
            "effective": {
                p.name: float(halves.shape[0] * halves.shape[1] / max(v, 1.0))
                for p, v in zip(priors, times, strict=True)
            },
        },
    )


def split_r_hat(chain: Floats) -> Floats:
    """Split R-hat of each parameter; chain is (steps, walkers, parameters)."""
    half = chain.shape[0] // 2
    parts = np.concatenate([chain[:half], chain[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    return np.asarray(np.sqrt(((half - 1) / half * within + between / half) / within))


def _climb(model: Model) -> Floats:
    """The mode, by quasi-Newton from the prior's center."""
    from scipy.optimize import minimize

    known: Any = model
    u0 = np.zeros(len(known.center))

    def cost(u: Floats) -> float:
        value = model(known.center + u * known.width)[0]
        return 1e6 if not np.isfinite(value) else -value

    found = minimize(cost, u0, method="L-BFGS-B", options={"maxiter": 40, "eps": 1e-3}, bounds=[(-4, 4)] * len(u0))
    return np.asarray(known.center + found.x * known.width)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Prediction of each row from the other studies only; `k_hat` by study tells where a refit would be needed."""

    predicted: Floats
    log_sd: Floats
    k_hat: dict[str, float]
    elpd: float


def leave_one_study_out(fit: Fit, *, most: int = 160, seed: int = 0) -> LeftOut:
    """Leave-one-study-out predictions by Pareto-smoothed importance sampling over the draws.

    Parameters
    ----------
    fit
        A fit with the studies' log-likelihoods at each draw.
    most
        Draws that are predicted from (each is one pass over all rows).
    """
    rng = np.random.default_rng([seed, 55])
    pick = rng.permutation(len(fit.draws))[:most]
    logs = np.stack([np.log(predict(fit.card_at(fit.draws[i]), fit.rows)) for i in pick])
    g, d = slopes(fit.card_at(fit.mean), fit.rows)
    named = {p.name: i for i, p in enumerate(fit.priors)}
    predicted, sd = np.empty(len(fit.rows)), np.empty(len(fit.rows))
    k_hat: dict[str, float] = {}
    elpd = 0.0
    sampling = sampling_variance(fit.rows)
    for s, study in enumerate(fit.studies):
        full, k_hat[study] = psis.smooth(-fit.log_likelihood[:, s])
        elpd += float(np.log(np.sum(full * np.exp(fit.log_likelihood[:, s]))))
        weights = full[pick] / full[pick].sum()
        rows = [i for i, o in enumerate(fit.rows) if o.study == study]
        tau = np.exp(fit.draws[pick][:, [named["between_conversion"], named["between_depot"], named["scatter"]]])
        for i in rows:
            mean = float(weights @ logs[:, i])
            spread = (tau[:, 0] * g[i]) ** 2 + (tau[:, 1] * d[i]) ** 2 + tau[:, 2] ** 2
            own = float(weights @ spread) + sampling[i] + ASSAY_SD**2
            predicted[i] = np.exp(mean)
            sd[i] = np.sqrt(float(weights @ (logs[:, i] - mean) ** 2) + own)
    return LeftOut(predicted, sd, k_hat, elpd)
