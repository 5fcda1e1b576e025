"""This patient's parameters: the mode, then weighted draws around it, then whether they can be trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError, WithheldError
from calcidiol.individual import psis
from calcidiol.individual.draws import Ensemble, Individual, Kind
from calcidiol.individual.history import TRUSTED_ASSAYS, history, observed
from calcidiol.individual.mode import Mode, modes
from calcidiol.individual.people import people, typical
from calcidiol.individual.problem import Problem
from calcidiol.individual.proposal import Proposal
from calcidiol.individual.reliance import prior_data_conflict
from calcidiol.kinetics import Card, State
from calcidiol.patient.record import Patient

__all__ = ["Ensemble", "Individual", "fit", "population", "retrospective"]

Floats = NDArray[np.float64]
DRAWS = 4000
ROUNDS = 4
MOST_DRAWS = 32000
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
        Draws of the first round, 100 or more; rounds are doubled and the proposal learns, until k-hat < 0.7 and
        enough draws are effective.
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
        made = _draw(problem, patient, on, None, draws, seed, 0)
        return replace(made, kind="population" if kind == "individual" else kind)
    center = typical(people(patient, card, on, TYPICAL_OF, np.random.default_rng([seed, 1])))
    tops = modes(problem, center)
    proposal = Proposal.at(tops, problem)
    size = draws
    best: Individual | None = None
    for turn in range(ROUNDS):
        made = _draw(problem, patient, on, proposal, size, seed, turn)
        if best is None or _rank(made, wanted) > _rank(best, wanted):
            best = made
        if _rank(made, wanted)[0]:
            break
        who = people(patient, card, on, size, np.random.default_rng([seed, 2, turn]))
        moved = proposal.moved(np.column_stack([made.effects, made.bias]), problem, who)
        proposal = proposal.learned(moved, made.weights, made.ess)
        size = min(2 * size, MOST_DRAWS)
    assert best is not None
    return replace(best, kind=kind, mode=tops[0].x, modes=len(tops), status=_status(best, wanted, tops))


def _rank(made: Individual, wanted: float) -> tuple[bool, bool, float]:
    """What makes a round better: trusted and enough, then trusted, then more effective draws."""
    trusted = made.k_hat < psis.TRUST
    return trusted and made.ess >= wanted, trusted, made.ess


def _status(best: Individual, wanted: float, tops: tuple[Mode, ...]) -> str:
    if not np.isfinite(tops[0].log_posterior):
        return "withheld.mode"
    if not best.k_hat < psis.TRUST:
        return "withheld.k_hat"
    return "ok" if best.ess >= wanted else "withheld.draws"


def _draw(
    problem: Problem, patient: Patient, on: date, proposal: Proposal | None, n: int, seed: int, turn: int
) -> Individual:
    """One round: n draws from the proposal (None: the prior itself), weighted and smoothed."""
    card, e, seen = problem.card, problem.effects, problem.observed
    who = people(patient, card, on, n, np.random.default_rng([seed, 2, turn]))
    rng = np.random.default_rng([seed, 3, turn])
    if proposal is None:
        x = rng.standard_normal((n, problem.size)) * problem.prior_sd
        from_prior = np.zeros(n)
    else:
        x, log_density = proposal.draw(problem, who, rng)
        from_prior = problem.log_prior(x) - log_density
    parameters = problem.parameters(x, who)
    level, state = problem.solve(parameters, state=True)
    assert state is not None
    solved = np.isfinite(level).all(axis=1) & np.isfinite(state.values).all(axis=0)
    if not solved.any():
        raise WithheldError(
            f"No draw of this patient could be solved with the card {card.id!r}: weight, doses or the card's numbers "
            "must be far outside what people have. Check them in the record."
        )
    log_weight = np.where(solved, from_prior + problem.log_likelihood(x, level), -np.inf)
    if proposal is None and solved.all():
        weights, k_hat = np.full(n, 1.0 / n), -np.inf
    else:
        weights, k_hat = psis.smooth(log_weight)
    conflict = 1.0 if proposal is None else prior_data_conflict(problem, level[solved], from_prior[solved])
    return Individual(
        card=card,
        on=on,
        observed=seen,
        effects=x[:, :e],
        bias=x[:, e:],
        next_bias=_next_bias(problem, x[:, e:], seed, turn),
        parameters=parameters,
        state=State(state.values, 0.0),
        covariates=who.covariates,
        weights=weights,
        mode=np.zeros(problem.size),
        k_hat=k_hat,
        ess=psis.effective(weights),
        status="ok",
        imputed=who.imputed,
        level_at_labs=level,
        flatten=problem.flatten,
        spreads=problem.spreads,
        conflict=conflict,
    )


def _next_bias(problem: Problem, bias: Floats, seed: int, turn: int) -> Floats:
    """Log bias of the next result, (N,): that of the newest method; unknown when there was no result yet."""
    labs = problem.observed.labs
    if labs and labs[-1].assay in TRUSTED_ASSAYS:
        return np.zeros(len(bias))
    if labs:
        return bias[:, -1].copy()
    return np.random.default_rng([seed, 4, turn]).standard_normal(len(bias)) * problem.card.assay_bias
