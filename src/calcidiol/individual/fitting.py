"""This patient's parameters: the mode, then weighted draws around it, then whether they can be trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError
from calcidiol.individual import psis
from calcidiol.individual.draws import Ensemble, Individual, Kind
from calcidiol.individual.history import TRUSTED_ASSAYS, history, observed
from calcidiol.individual.mode import Mode, modes
from calcidiol.individual.people import people, typical
from calcidiol.individual.problem import Problem
from calcidiol.individual.proposal import Proposal
from calcidiol.individual.reliance import prior_data_conflict
from calcidiol.individual.sampling import Weighted, drawn, from_prior
from calcidiol.kinetics import Card, State
from calcidiol.patient.record import Patient

__all__ = ["Ensemble", "Individual", "fit", "population", "retrospective"]

Floats = NDArray[np.float64]
DRAWS = 4000
ENOUGH = 1000.0
"""Effective draws below which an answer is withheld (house rule)."""
TYPICAL_OF = 64
"""People whose mean covariates make the person at whom the mode is sought (P)."""


def fit(
    patient: Patient,
    card: Card,
    on: date,
    *,
    seed: int = 0,
    flatten: float = 1.0,
    labs: int | None = None,
    draws: int = DRAWS,
    enough: float | None = None,
) -> Individual:
    """Fit a patient's random effects to the 25(OH)D results up to the day `on`.

    Parameters
    ----------
    patient, card, on
        The record, the model, and the day that becomes day 0.
    seed
        Seed of all draws; the same one gives the same result.
    flatten
        Weight of the prior, 0.1 to 1: 1 is the card's prior, less lets the labs speak louder; the plan says so.
    labs
        Use only the first so many results (0: the population forecast); None uses all.
    draws
        Draws, 100 or more: a quarter to learn from, then the rest; further rounds, larger each time, until
        k-hat < 0.7 and enough draws are effective.
    enough
        Effective draws wanted, default 1,000 (a quarter of `draws` when fewer than 4,000 are asked for).

    Returns
    -------
    Individual
        With a `status` other than ``"ok"`` when the draws cannot be trusted.

    Raises
    ------
    UsageError
        `flatten` or `draws` outside their range.
    WithheldError
        Not one draw could be solved: nothing can be said.

    Examples
    --------
    >>> from datetime import date
    >>> from calcidiol.kinetics import default_card
    >>> from calcidiol.patient.record import Patient
    >>> one = fit(Patient("x", sex="female", age_y=60), default_card(), date(2026, 11, 21))
    >>> one.status, one.kind
    ('ok', 'population')
    """
    kind: Kind = "individual"
    return _fit(patient, card, on, on, kind, seed, flatten, labs, draws, enough)


def population(patient: Patient, card: Card, on: date, *, seed: int = 0, draws: int = DRAWS) -> Individual:
    """The same patient without the 25(OH)D results: covariates, past doses and the prior only."""
    return _fit(patient, card, on, on, "population", seed, 1.0, 0, draws, None)


def retrospective(
    patient: Patient, card: Card, on: date, *, seed: int = 0, flatten: float = 1.0, draws: int = DRAWS
) -> Individual:
    """The same patient with all results, also those after `on`: to look back, never a measure of accuracy.

    Doses recorded after `on` are followed up to the last result; the state is that of the day `on`.
    """
    labs = patient.labs_of("25ohd")
    until = max([on, *(x.when.date() for x in labs)])
    return _fit(patient, card, on, until, "retrospective", seed, flatten, None, draws, None)


def _fit(
    patient: Patient,
    card: Card,
    on: date,
    until: date,
    kind: Kind,
    seed: int,
    flatten: float,
    labs: int | None,
    draws: int,
    enough: float | None,
) -> Individual:
    if not 0.1 <= flatten <= 1.0:
        raise UsageError(f"flatten is {flatten!r}; it must lie between 0.1 and 1, the full weight of the prior.")
    if draws < 100:
        raise UsageError(f"draws is {draws!r}; at least 100 are needed to judge them.")
    wanted = enough if enough is not None else min(ENOUGH, 0.25 * draws)
    found = observed(patient, until, on, first=labs)
    past = history(patient, on, until)
    problem = Problem(card, past, found, float(on.timetuple().tm_yday), flatten)
    if not len(found):
        made = _individual(problem, on, Weighted.of(from_prior(problem, patient, on, draws, seed)), seed)
        return replace(made, kind="population" if kind == "individual" else kind)
    center = typical(people(patient, card, on, TYPICAL_OF, np.random.default_rng([seed, 1])))
    tops = modes(problem, center)
    told = drawn(problem, patient, on, Proposal.at(tops, problem, center), draws=draws, wanted=wanted, seed=seed)
    made = _individual(problem, on, told, seed)
    return replace(made, kind=kind, mode=tops[0].x, modes=len(tops), status=_status(told, wanted, tops))


def _status(told: Weighted, wanted: float, tops: tuple[Mode, ...]) -> str:
    if not np.isfinite(tops[0].log_posterior):
        return "withheld.mode"
    if not told.k_hat < psis.TRUST:
        return "withheld.k_hat"
    return "ok" if told.ess >= wanted else "withheld.draws"


def _individual(problem: Problem, on: date, told: Weighted, seed: int) -> Individual:
    sample, e = told.sample, problem.effects
    conflict = 1.0
    if sample.laws:
        fine = sample.solved
        conflict = prior_data_conflict(problem, sample.level[fine], told.log_ratio[fine])
    return Individual(
        card=problem.card,
        on=on,
        observed=problem.observed,
        effects=sample.x[:, :e],
        bias=sample.x[:, e:],
        next_bias=_next_bias(problem, sample.x[:, e:], seed),
        parameters=sample.parameters,
        state=State(sample.state, 0.0),
        covariates=sample.who.covariates,
        weights=told.weights,
        mode=np.zeros(problem.size),
        k_hat=told.k_hat,
        ess=told.ess,
        status="ok",
        imputed=sample.who.imputed,
        level_at_labs=sample.level,
        flatten=problem.flatten,
        spreads=problem.spreads,
        conflict=conflict,
    )


def _next_bias(problem: Problem, bias: Floats, seed: int) -> Floats:
    """Log bias of the next result, (N,): that of the newest method; unknown when there was no result yet."""
    labs = problem.observed.labs
    if labs and labs[-1].assay in TRUSTED_ASSAYS:
        return np.zeros(len(bias))
    if labs:
        return bias[:, -1].copy()
    return np.random.default_rng([seed, 4, 0]).standard_normal(len(bias)) * problem.card.assay_bias
