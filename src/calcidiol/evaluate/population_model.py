"""The hierarchical model of published arm means: priors, likelihood by study, and its mode.

    log observed = log predicted(theta, arm) + departure of the study (conversion, depot) + scatter of the arm
                 + sampling error (SD of the arm / sqrt n) + assay

All deviations of one study together follow a Student law, so that a study far off does not pull the others. Its
departures enter through the slope of the prediction and are integrated out; the likelihood factors by study.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calcidiol.evaluate.arms import Observation
from calcidiol.evaluate.predict import STUDY_FACTORS, Panel, flagged, with_values
from calcidiol.kinetics import Card

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prior:
    """Prior of one population value: normal on the log scale, or on its own scale when `log` is False."""

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
    Prior("f_im", 1.0, 0.35, "kinetics: 1.0, range 0.5-1; may exceed 1, for it is relative to the uptake by mouth"),
    Prior(
        "conversion_overweight", 0.94, 0.10, "beside body size: Ekwaru 2014 -8.0 nmol/L, Veugelers 2015 dose ratio 1.44"
    ),
    Prior("conversion_obese", 0.84, 0.15, "beside body size: Ekwaru 2014 -19.8 nmol/L, Veugelers 2015 dose ratio 2.34"),
    Prior("conversion_cancer", 0.8, 0.3, "Hoffer, SUNSHINE 0.55-0.65, one healthy trial as low"),
    Prior("conversion_acute", 0.6, 0.3, "Han 2016: 0.5-0.7"),
    Prior("oral_severe_malabsorption", 0.4, 0.3, "50-75 % lower"),
    Prior("conversion_baseline_exponent", 0.0, 0.5, "no effect as the center", False),
    Prior("conversion_south_asia", 1.0, 0.2, "no effect as the center; Mo 2019: Asian trials need 2.8 times the dose"),
    Prior("oral_presumed_d2", 0.85, 0.2, "between no effect and the half of Heaney 2011 (R), for some may be D3"),
    Prior("between_conversion", 0.20, 0.6, "spread of 42 targets GSD 1.45 in all"),
    Prior("between_depot", 0.40, 0.6, "half-lives 10 to over 90 d"),
    Prior("scatter", 0.18, 0.5, "scatter of like arms: 2,000 IU/d alone GSD 1.23"),
)
"""Population values that are fitted. The last three are log scales between studies and between arms."""
SCALES = ("between_conversion", "between_depot", "scatter")
OF_STUDIES = (*STUDY_FACTORS, *SCALES)
"""Values that are about studies, not about people: they stand in the card's `between_studies`."""
FREEDOM = 4.0
"""Degrees of freedom of a study's deviations (P: left-out score at 4 and 6 better than at 3, 8, 50 and the normal
law; decision 0010)."""

ASSAY_SD = 0.07
"""Log SD between assays of different laboratories (VDSP bias 5 %, CV 10 %; project notes on safety 7, R)."""
DEFAULT_N = 25
"""People of an arm whose size is not printed (P: median of the shipped table)."""
DOUBT = 4.0
"""Factor on the scatter variance of a doubtful row (decision 0008, P)."""
FARTHEST = 6.0
"""Prior SDs from the center beyond which the density counts as zero."""


def sampling_variance(rows: Sequence[Observation]) -> Floats:
    """Variance of the log mean of each arm from its SD and size; a CV of 0.35 and 25 people where not printed (P)."""
    out = []
    for o in rows:
        cv = 0.35 if not o.sd or not o.observed else min(o.sd / o.observed, 0.8)
        out.append(cv**2 / (o.n or DEFAULT_N))
    return np.array(out)


def slopes(panel: Panel, moves: Floats | None = None, step: float = 0.05) -> tuple[Floats, Floats]:
    """Slope of the log prediction in the study's log conversion and log depot rate, (R,) each."""
    im = np.array([o.route == "im" for o in panel.rows], dtype=float)
    none, full = np.zeros(len(im)), np.full(len(im), step)
    shifts = {"conversion": np.stack([none, full, none]), "depot": np.stack([none, none, step * im])}
    here = np.zeros((3, len(panel.card.population_effects))) if moves is None else np.repeat(moves[None], 3, axis=0)
    log = np.log(panel.predicted(here, shifts))
    return (log[1] - log[0]) / step, (log[2] - log[0]) / step


@dataclass(frozen=True)
class Model:
    """The posterior density of rows; a point is a row of X (D, K) in the order of the priors, internal scale.

    Parameters
    ----------
    card
        Card whose structure and other numbers are kept.
    rows
        Rows of `read_arms` with `used` True.
    """

    card: Card
    rows: tuple[Observation, ...]
    priors: tuple[Prior, ...] = PRIORS

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the values."""
        return tuple(p.name for p in self.priors)

    @cached_property
    def of_people(self) -> NDArray[np.int64]:
        """Places of the values that are about people: parameters and covariate factors of the card."""
        return np.array([i for i, name in enumerate(self.names) if name not in OF_STUDIES])

    @cached_property
    def center(self) -> Floats:
        """Prior centers on the internal scale."""
        return np.array([np.log(p.center) if p.log else p.center for p in self.priors])

    @cached_property
    def width(self) -> Floats:
        """Prior SDs."""
        return np.array([p.sd for p in self.priors])

    @cached_property
    def panel(self) -> Panel:
        """The rows, to be predicted from moves away from the prior's center."""
        named = tuple(self.names[i] for i in self.of_people)
        base = card_at(self.card, self.priors, self.center)
        numbers = {**base.numbers, "between_studies": {}}
        base = replace(base, numbers=numbers, population_effects=named, covariance=np.eye(len(named)))
        return Panel(base, self.rows)

    @cached_property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies."""
        return tuple(sorted({o.study for o in self.rows}))

    @cached_property
    def members(self) -> list[NDArray[np.int64]]:
        """Rows of each study."""
        each = np.array([self.studies.index(o.study) for o in self.rows])
        return [np.flatnonzero(each == s) for s in range(len(self.studies))]

    @cached_property
    def log_observed(self) -> Floats:
        """Log of the published levels."""
        return np.log([float(o.observed or 1.0) for o in self.rows])

    @cached_property
    def fixed_variance(self) -> Floats:
        """Variance of sampling and assay, (R,)."""
        return sampling_variance(self.rows) + ASSAY_SD**2

    @cached_property
    def doubt(self) -> Floats:
        """Factor on the scatter variance, (R,)."""
        return np.where([o.doubtful for o in self.rows], DOUBT, 1.0)

    def place(self, name: str) -> int:
        """Column of a value."""
        return self.names.index(name)

    def log_predicted(self, x: Floats) -> Floats:
        """Log predictions of each draw, (D, R)."""
        shifts = {
            effect: x[:, [self.place(name)]] * flagged(self.rows, flag)
            for name, (effect, flag) in STUDY_FACTORS.items()
            if name in self.names
        }
        return np.asarray(np.log(self.panel.predicted((x - self.center)[:, self.of_people], shifts)))

    def slopes_at(self, x: Floats) -> tuple[Floats, Floats]:
        """Slopes of the rows at a point."""
        return slopes(self.panel, (x - self.center)[self.of_people])

    def scales(self, x: Floats) -> Floats:
        """Scales between studies (conversion, depot) and of the scatter, (D, 3)."""
        return np.exp(x[:, [self.place(name) for name in SCALES]])

    def covariance(self, s: int, scales: Floats, slope: tuple[Floats, Floats]) -> Floats:
        """Scale matrix of a study's deviations for each draw, (D, n, n)."""
        m = self.members[s]
        g, d = slope[0][m], slope[1][m]
        own = self.fixed_variance[m] + scales[:, 2, None] ** 2 * self.doubt[m]
        told = scales[:, 0, None, None] ** 2 * np.outer(g, g) + scales[:, 1, None, None] ** 2 * np.outer(d, d)
        told[:, np.arange(len(m)), np.arange(len(m))] += own
        return np.asarray(told)

    def log_likelihoods(self, log_predicted: Floats, x: Floats, slope: tuple[Floats, Floats]) -> Floats:
        """Log-likelihood of each study for each draw, its departure integrated out, (D, S)."""
        from scipy.special import gammaln

        scales = self.scales(x)
        off = self.log_observed - log_predicted
        out = np.empty((len(x), len(self.studies)))
        for s, m in enumerate(self.members):
            root = np.linalg.cholesky(self.covariance(s, scales, slope))
            z = np.linalg.solve(root, off[:, m, None])[..., 0]
            n = len(m)
            spread = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
            constant = gammaln((FREEDOM + n) / 2) - gammaln(FREEDOM / 2) - 0.5 * n * np.log(FREEDOM * np.pi)
            out[:, s] = constant - spread - 0.5 * (FREEDOM + n) * np.log1p((z**2).sum(axis=1) / FREEDOM)
        return np.where(np.isfinite(out), out, -np.inf)

    def log_prior(self, x: Floats) -> Floats:
        """Log prior of each draw without its constant; minus infinity far outside."""
        z = (x - self.center) / self.width
        return np.where((np.abs(z) < FARTHEST).all(axis=1), -0.5 * (z**2).sum(axis=1), -np.inf)


def card_at(card: Card, priors: Sequence[Prior], x: Floats) -> Card:
    """A card with the population values x (internal scale); values about studies are left aside."""
    values = {
        p.name: float(np.exp(v) if p.log else v) for p, v in zip(priors, x, strict=True) if p.name not in OF_STUDIES
    }
    return with_values(card, **values)


def find_mode(model: Model, *, steps: int = 12) -> tuple[Floats, Floats]:
    """A point near the mode and a covariance there: Gauss-Newton in the values, simplex in the three scales.

    Returns
    -------
    x : ndarray (K,)
    covariance : ndarray (K, K)
        From the Gauss-Newton Hessian; the scales by differences, apart from the others. A start for sampling, no more.
    """
    from scipy.optimize import minimize

    x = model.center.copy()
    scale_at = np.array([model.place(name) for name in SCALES])
    free = np.array([i for i in range(len(x)) if i not in set(scale_at.tolist())])
    width = model.width[free]
    hessian = np.diag(1 / width**2)

    def scale_cost(u: Floats, log: Floats, slope: tuple[Floats, Floats]) -> float:
        y = x[None].copy()
        y[0, scale_at] = u
        return float(-(model.log_likelihoods(log[None], y, slope).sum() + model.log_prior(y)[0]))

    for step in range(steps):
        h = 0.05 * width
        points = np.repeat(x[None], len(free) + 1, axis=0)
        points[np.arange(len(free)) + 1, free] += h
        log = model.log_predicted(points)
        jacobian = ((log[1:] - log[0]) / h[:, None]).T
        slope = model.slopes_at(x)
        if step >= 3:
            found = minimize(scale_cost, x[scale_at], (log[0], slope), method="Nelder-Mead", options={"xatol": 1e-3})
            x[scale_at] = found.x
        off = model.log_observed - log[0]
        hessian = np.diag(1 / width**2)
        gradient = (model.center - x)[free] / width**2
        scales = model.scales(x[None])
        for s, m in enumerate(model.members):
            inverse = np.linalg.inv(model.covariance(s, scales, slope)[0])
            # A Student law is a normal law whose weight falls with the distance.
            inverse *= (FREEDOM + len(m)) / (FREEDOM + off[m] @ inverse @ off[m])
            hessian += jacobian[m].T @ inverse @ jacobian[m]
            gradient += jacobian[m].T @ inverse @ off[m]
        move = np.linalg.solve(hessian, gradient)
        largest = float(np.max(np.abs(move) / width))
        x[free] += min(1.0, 1.5 / largest) * move
        if step > 5 and largest < 0.02:
            break
    covariance = np.zeros((len(x), len(x)))
    covariance[np.ix_(free, free)] = np.linalg.inv(hessian)
    for i in range(len(scale_at)):
        # Curvature of each scale on its own.
        u, e = x[scale_at], np.eye(len(scale_at))[i] * 0.1
        here, up, down = (scale_cost(v, log[0], slope) for v in (u, u + e, u - e))
        covariance[scale_at[i], scale_at[i]] = 1.0 / max(
            (up + down - 2 * here) / 0.01, 1.0 / model.width[scale_at[i]] ** 2
        )
    return x, covariance
