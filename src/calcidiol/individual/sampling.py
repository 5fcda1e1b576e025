"""Draws of one patient with everything that is known of each: unknowns, parameters, levels, state, densities.

Draws of several rounds are one sample: each is weighted against the mixture of all laws that they came from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import WithheldError
from calcidiol.individual import psis
from calcidiol.individual.people import People, joined, people
from calcidiol.individual.problem import Problem
from calcidiol.individual.proposal import Proposal
from calcidiol.patient.record import Patient

Floats = NDArray[np.float64]
PILOT = 4
"""The first round has one in so many of the draws asked for, the second the rest (S: docs/decisions/0020)."""
FEWEST = 50
ROUNDS = 5
MOST_DRAWS = 16000
"""Largest single round."""


@dataclass(frozen=True, slots=True)
class Sample:
    """N draws.

    Parameters
    ----------
    who
        The people that they were drawn for.
    x, moved
        Unknowns (N, E + A), and moved to the mean covariates, where the laws are.
    parameters, level, state
        For the solver (N, P), at the results (N, L), on day 0 (S, N).
    log_prior, log_likelihood
        (N,); minus infinity where the solver failed.
    laws
        Where they came from, and how many from each; empty for draws of the prior itself.
    """

    who: People
    x: Floats
    moved: Floats
    parameters: Floats
    level: Floats
    state: Floats
    log_prior: Floats
    log_likelihood: Floats
    laws: tuple[tuple[Proposal, int], ...]

    @property
    def solved(self) -> NDArray[np.bool_]:
        """Which draws the solver could follow, (N,)."""
        return np.asarray(np.isfinite(self.level).all(axis=1) & np.isfinite(self.state).all(axis=0))

    def log_proposal(self) -> Floats:
        """Log density of the mixture of all laws at each draw, (N,)."""
        if not self.laws:
            return self.log_prior
        parts = [np.log(n / len(self.x)) + law.log_density(self.moved, self.log_prior) for law, n in self.laws]
        return np.asarray(np.logaddexp.reduce(parts))

    def joined(self, later: Sample) -> Sample:
        """Both together."""
        return Sample(
            who=joined(self.who, later.who),
            x=np.concatenate([self.x, later.x]),
            moved=np.concatenate([self.moved, later.moved]),
            parameters=np.concatenate([self.parameters, later.parameters]),
            level=np.concatenate([self.level, later.level]),
            state=np.concatenate([self.state, later.state], axis=1),
            log_prior=np.concatenate([self.log_prior, later.log_prior]),
            log_likelihood=np.concatenate([self.log_likelihood, later.log_likelihood]),
            laws=(*self.laws, *later.laws),
        )


def from_prior(problem: Problem, patient: Patient, on: date, n: int, seed: int) -> Sample:
    """`n` draws of the prior."""
    who = people(patient, problem.card, on, n, np.random.default_rng([seed, 2, 0]))
    x = np.random.default_rng([seed, 3, 0]).standard_normal((n, problem.size)) * problem.prior_sd
    return _solved(problem, who, x, x, ())


def from_law(problem: Problem, patient: Patient, on: date, law: Proposal, n: int, seed: int, turn: int) -> Sample:
    """`n` draws of a law."""
    who = people(patient, problem.card, on, n, np.random.default_rng([seed, 2, turn]))
    x, moved = law.draw(problem, who, np.random.default_rng([seed, 3, turn]))
    return _solved(problem, who, x, moved, ((law, n),))


def _solved(problem: Problem, who: People, x: Floats, moved: Floats, laws: tuple[tuple[Proposal, int], ...]) -> Sample:
    parameters = problem.parameters(x, who)
    level, state = problem.solve(parameters, state=True)
    assert state is not None
    log_prior = problem.log_prior(x)
    told = Sample(who, x, moved, parameters, level, state.values, log_prior, np.zeros(len(x)), laws)
    if not told.solved.any():
        raise WithheldError(
            f"No draw of this patient could be solved with the card {problem.card.id!r}: weight, doses or the card's "
            "numbers must be far outside what people have. Check them in the record."
        )
    return replace(told, log_likelihood=np.where(told.solved, problem.log_likelihood(x, level), -np.inf))


@dataclass(frozen=True, slots=True)
class Weighted:
    """A sample with its log prior over proposal (N,), smoothed weights (N,), k-hat and effective draws."""

    sample: Sample
    log_ratio: Floats
    weights: Floats
    k_hat: float
    ess: float

    @staticmethod
    def of(sample: Sample) -> Weighted:
        """Weighted by posterior over proposal; equally where the prior is the posterior."""
        if not sample.laws and sample.solved.all():
            n = len(sample.x)
            return Weighted(sample, np.zeros(n), np.full(n, 1.0 / n), -np.inf, float(n))
        log_ratio = sample.log_prior - sample.log_proposal()
        weights, k_hat = psis.smooth(log_ratio + sample.log_likelihood)
        return Weighted(sample, log_ratio, weights, k_hat, psis.effective(weights))


def drawn(
    problem: Problem, patient: Patient, on: date, law: Proposal, *, draws: int, wanted: float, seed: int
) -> Weighted:
    """Draw in rounds that learn, until the weights are to be trusted and `wanted` draws are effective.

    A first round of a quarter of the `draws` teaches the laws; the second fills up to `draws`. Further ones, if they
    are needed, double.
    """
    size = max(draws // PILOT, FEWEST)
    sample = from_law(problem, patient, on, law, size, seed, 0)
    told = Weighted.of(sample)
    for turn in range(1, ROUNDS):
        if turn == 1:
            # What no mode told of has the prior's own shape; later, that of the heaviest draw's surroundings.
            law = law.beside(np.zeros(problem.size), np.diag(problem.prior_sd))
        else:
            law = law.beside(sample.moved[int(np.argmax(told.weights))], law.root[0])
        law = law.learned(sample.moved, told.weights)
        size = draws - size if turn == 1 else min(2 * size, MOST_DRAWS)
        sample = sample.joined(from_law(problem, patient, on, law, size, seed, turn))
        told = Weighted.of(sample)
        if told.k_hat < psis.TRUST and told.ess >= wanted:
            break
    return told
