"""A level lower than forecast: missed doses, absorption, assay, or something else? Models compared with stated priors.

Each reason is the model with one more unknown (`doubt.Doubt`) whose prior stands in `data/lower.toml`. The draws of a
fit give its marginal likelihood of all results, those before the low one included: what would have lowered these too
(poor absorption is nothing new) is judged by them. Ratios are Bayes factors. No reason is told unless its Bayes factor
against every other one passes 3, Monte-Carlo errors allowed for; a lone result rarely does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual import psis
from calcidiol.individual.bands import percentiles
from calcidiol.individual.doubt import Doubt, priors
from calcidiol.individual.fitting import TYPICAL_OF
from calcidiol.individual.history import KNOWN_SUBSTANCES, history, observed
from calcidiol.individual.mode import modes
from calcidiol.individual.people import people, typical
from calcidiol.individual.problem import Problem
from calcidiol.individual.proposal import Proposal
from calcidiol.individual.sampling import drawn
from calcidiol.kinetics import Card
from calcidiol.patient.record import Lab, Patient

Floats = NDArray[np.float64]
REASONS = ("missed", "absorption", "assay", "other")
"""Reasons that change the model; ``"chance"`` is the model as it is."""
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a low result.

    Parameters
    ----------
    id
        ``"chance"`` (the model as it is), ``"missed"``, ``"absorption"``, ``"assay"`` or ``"other"``.
    prior, probability
        Before and after the results, among the reasons that apply; they sum to 1.
    log_bayes_factor, error
        Natural logarithm of the marginal likelihood over that of chance; Monte-Carlo error of the logarithm of this
        reason's marginal likelihood (infinite when the draws cannot tell).
    size
        p05, p50 and p95 of its unknown after the results, were it the reason: share of the doses taken, uptake over
        the usual one, result or level over the forecast one. Empty for chance.
    source, tag
        Of the prior.
    """

    id: str
    prior: float
    probability: float
    log_bayes_factor: float
    error: float
    size: dict[str, float]
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which reasons explain a result that was lower than forecast.

    Parameters
    ----------
    lab
        The first result that was lower than its forecast.
    percentile
        Where it fell in the forecast from the results before it, 0 to 100.
    results
        Number of results that were weighed: the low one and those after it.
    reasons
        Most probable first.
    told
        Id of the reason whose Bayes factor passes 3 against every other; None: not distinguishable.
    together
        Ids that cannot be told apart from the best one.
    """

    lab: Lab
    percentile: float
    results: int
    reasons: tuple[Reason, ...]
    told: str | None
    together: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data; an infinite error is null."""
        return {
            "on": self.lab.when.date().isoformat(),
            "value_nmol_per_l": self.lab.value,
            "assay": self.lab.assay,
            "percentile": self.percentile,
            "results": self.results,
            "told": self.told,
            "together": list(self.together),
            "text_id": f"lower.{self.told}" if self.told else "lower.not_distinguishable",
            "threshold": float(priors()["distinguishable"]["value"]),
            "reasons": [
                {
                    "id": r.id,
                    "prior": r.prior,
                    "probability": r.probability,
                    "bayes_factor": float(np.exp(min(r.log_bayes_factor, 700.0))),
                    "log_error": r.error if np.isfinite(r.error) else None,
                    "size": dict(r.size),
                    "source": r.source,
                    "tag": r.tag,
                }
                for r in self.reasons
            ],
        }


def lower_than_forecast(
    patient: Patient, card: Card, on: date, *, seed: int = 0, draws: int = DRAWS, fell: Sequence[float] | None = None
) -> Comparison | None:
    """Compare reasons for a recent 25(OH)D result that lies below the 90 % band of its own forecast.

    Parameters
    ----------
    patient, card, on
        The record, the model, and the last day of results that count.
    seed, draws
        Seed, and draws for each reason.
    fell
        `percentiles` of the results, when they are known already.

    Returns
    -------
    Comparison or None
        None when none of the newest results was lower than forecast.

    Examples
    --------
    >>> from calcidiol.kinetics import default_card
    >>> lower_than_forecast(Patient("x"), default_card(), date(2026, 11, 21)) is None
    True
    """
    labs = tuple(x for x in patient.labs_of("25ohd", on) if 0 < x.value < np.inf)
    places = percentiles(patient, card, on, seed=seed) if fell is None else tuple(fell)
    limit, newest = float(priors()["below_percentile"]["value"]), int(priors()["newest"]["value"])
    low = [i for i in range(max(0, len(labs) - newest), len(labs)) if places[i] < limit]
    if not low:
        return None
    # The first of a run of low results: what followed it tells about the same reason.
    first = low[-1]
    while first - 1 in low:
        first -= 1
    return _compared(patient, card, labs, first, places[first], seed, draws)


def _compared(
    patient: Patient, card: Card, labs: tuple[Lab, ...], first: int, percentile: float, seed: int, draws: int
) -> Comparison:
    begun = [d.start for d in patient.doses if d.substance in KNOWN_SUBSTANCES and d.start <= labs[first].when.date()]
    day_0 = labs[first - 1].when.date() if first else min([labs[first].when.date(), *begun])
    last = labs[-1].when.date()
    past, seen, doy = history(patient, day_0, last), observed(patient, last, day_0), float(day_0.timetuple().tm_yday)
    asked = [Doubt(card, past, seen, doy, reason=name, first=first) for name in REASONS]
    told = {"chance": _weighed(Problem(card, past, seen, doy), patient, day_0, seed, draws)}
    told |= {x.reason: _weighed(x, patient, day_0, seed, draws) for x in asked if x.applies}
    weight = {name: float(priors()[name]["prior"]) for name in told}
    best = max(row.log_evidence for row in told.values())
    total = sum(weight[name] * np.exp(row.log_evidence - best) for name, row in told.items())
    reasons = tuple(
        Reason(
            id=name,
            prior=weight[name] / sum(weight.values()),
            probability=float(weight[name] * np.exp(row.log_evidence - best) / total),
            log_bayes_factor=row.log_evidence - told["chance"].log_evidence,
            error=row.error,
            size=row.size,
            source=str(priors()[name]["source"]),
            tag=str(priors()[name]["tag"]),
        )
        for name, row in told.items()
    )
    ranked = tuple(sorted(reasons, key=lambda r: -r.probability))
    return Comparison(labs[first], percentile, len(labs) - first, ranked, *_verdict(reasons))


def _verdict(reasons: tuple[Reason, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The reason that passes the threshold against every other one, or those that cannot be told apart."""
    best, *others = sorted(reasons, key=lambda r: -r.log_bayes_factor)
    limit = float(np.log(priors()["distinguishable"]["value"]))
    near = tuple(
        r.id
        for r in others
        if not best.log_bayes_factor - r.log_bayes_factor - 2.0 * np.hypot(best.error, r.error) >= limit
    )
    return (None, (best.id, *near)) if near else (best.id, ())


@dataclass(frozen=True, slots=True)
class _Weighed:
    log_evidence: float
    error: float
    size: dict[str, float]


def _weighed(problem: Problem, patient: Patient, day_0: date, seed: int, draws: int) -> _Weighed:
    """Log marginal likelihood of all results, its Monte-Carlo error (infinite when the weights are not to be trusted),
    and the size of the reason's unknown."""
    center = typical(people(patient, problem.card, day_0, TYPICAL_OF, np.random.default_rng([seed, 1])))
    law = Proposal.at(modes(problem, center), problem, center)
    told = drawn(problem, patient, day_0, law, draws=draws, wanted=0.25 * draws, seed=seed)
    sample = told.sample
    log = told.log_ratio + sample.log_likelihood
    top = float(log.max())
    ratio = np.exp(log - top)
    error = float(ratio.std() / ratio.mean() / np.sqrt(len(ratio))) if told.k_hat < psis.TRUST else np.inf
    size = {}
    if isinstance(problem, Doubt):
        unknown = problem.size_of(sample.x[:, problem.effects - 1])
        order = np.argsort(unknown)
        at = np.searchsorted(np.cumsum(told.weights[order]), [0.05, 0.5, 0.95])
        rows = unknown[order][np.minimum(at, len(order) - 1)]
        size = dict(zip(("p05", "p50", "p95"), rows.tolist(), strict=True))
    return _Weighed(top + float(np.log(ratio.mean())), error, size)
