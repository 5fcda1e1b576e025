"""Where the draws come from: Student laws at the modes and a share of the prior, then laws that learned from draws.

Nothing is thrown away: a draw is weighted against the mixture of all laws that any draw came from (deterministic
mixture weights; Owen A, Zhou Y. J Am Stat Assoc 2000;95:135-143), so that a first, small round pays for itself. The
laws learn by expectation maximization for Student mixtures on the weighted draws (adaptive importance sampling; Cappe
O et al. Stat Comput 2008;18:447-459), each only as far as the draws near it can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lgamma, log, pi

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.mode import Mode
from calcidiol.individual.people import People
from calcidiol.individual.problem import Problem

Floats = NDArray[np.float64]
TAIL = 10.0
"""Degrees of freedom: heavier than the posterior, light enough to be efficient (docs/decisions/0002, S)."""
FIRST_PRIOR_SHARE = 0.20
PRIOR_SHARE = 0.10
"""Share of draws from the prior in the first round and later (P): it finds what no mode told of, and bounds weights."""
LEAST = 0.03
"""Smallest share of a law that has learned (P)."""
STEPS = 3
"""Steps of expectation maximization in each round (P)."""
CAUTION = 20.0
"""Draws that the old law counts for when a law learns (P)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mixture: shares (K,), centers (K, D) and lower roots of the scale matrices (K, D, D) of Student laws, and a
    share of the prior.

    The laws are about the unknowns as they would be at the mean covariates and the card's own values: `follow` (D, E)
    says how they move with the covariates of a draw, `answer` (D, K) with its population values. Results speak of an
    effect together with what covariates and population values do to the level; where these already explain it, the
    effect need not. For a normal law of prior precision P and posterior covariance C the mean moves by -(1 - C P) times
    `Problem.shift`, and by minus `Mode.gain` times what the population values do to the log levels.
    """

    share: Floats
    center: Floats
    root: Floats
    follow: Floats
    answer: Floats
    prior_share: float = FIRST_PRIOR_SHARE

    @staticmethod
    def at(found: tuple[Mode, ...], problem: Problem, center: People) -> Proposal:
        """At the modes that were found at the `center`, each with a share by its evidence, none below a tenth."""
        evidence = np.array([m.log_evidence for m in found])
        share = np.maximum(np.exp(evidence - evidence.max()), 0.1)
        root = np.stack([np.linalg.cholesky(m.covariance) for m in found])
        follow = np.eye(problem.size) - found[0].covariance / problem.prior_sd**2
        return Proposal(
            share / share.sum(),
            np.stack([m.x for m in found]),
            root,
            follow[:, : problem.effects],
            found[0].gain @ problem.slopes_in_moves(found[0].x, center),
        )

    def draw(self, problem: Problem, who: People, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Unknowns (N, D) for N people, the laws in proportion, and the same moved to the mean covariates."""
        n, size = len(who.level), self.center.shape[1]
        which = np.searchsorted(np.cumsum(self.share), (np.arange(n) + rng.random()) / n * (1.0 - 1e-12))
        heavy = rng.standard_normal((n, size)) / np.sqrt(rng.chisquare(TAIL, n) / TAIL)[:, None]
        shift = problem.shift(who) @ self.follow.T + who.moves @ self.answer.T
        x = self.center[which] + np.einsum("nij,nj->ni", self.root[which], heavy) - shift
        from_prior = rng.random(n) < self.prior_share
        x = np.where(from_prior[:, None], rng.standard_normal((n, size)) * problem.prior_sd, x)
        return x, x + shift

    def log_density(self, moved: Floats, log_prior: Floats) -> Floats:
        """Log density (N,) of the whole mixture at unknowns moved to the mean covariates, with their log prior."""
        parts = [log((1.0 - self.prior_share) * s) + p for s, (p, _) in zip(self.share, self._laws(moved), strict=True)]
        return np.asarray(np.logaddexp.reduce([*parts, log(self.prior_share) + log_prior]))

    def _laws(self, moved: Floats) -> list[tuple[Floats, Floats]]:
        """Of each Student law: log density and squared distance from its center, (N,) each."""
        size = moved.shape[1]
        constant = lgamma(0.5 * (TAIL + size)) - lgamma(0.5 * TAIL) - 0.5 * size * log(TAIL * pi)
        out = []
        for center, root in zip(self.center, self.root, strict=True):
            far = (np.linalg.solve(root, (moved - center).T) ** 2).sum(axis=0)
            out.append((constant - 0.5 * (TAIL + size) * np.log1p(far / TAIL) - np.log(np.diag(root)).sum(), far))
        return out

    def beside(self, center: Floats, root: Floats) -> Proposal:
        """With one more law, which gets the share of an equal among equals."""
        share = np.append(self.share, self.share.mean())
        return replace(
            self,
            share=share / share.sum(),
            center=np.concatenate([self.center, center[None]]),
            root=np.concatenate([self.root, root[None]]),
            prior_share=PRIOR_SHARE,
        )

    def learned(self, moved: Floats, weights: Floats) -> Proposal:
        """The laws fitted to weighted draws (moved to the mean covariates), each by the draws that are near it."""
        size = moved.shape[1]
        law = self
        first = self.root @ self.root.transpose(0, 2, 1)
        for _ in range(STEPS):
            told = law._laws(moved)
            parts = np.stack([np.log(s) + p for s, (p, _) in zip(law.share, told, strict=True)])
            mine = np.exp(parts - parts.max(axis=0))
            mine *= weights / mine.sum(axis=0)
            share, center, root = mine.sum(axis=1), law.center.copy(), law.root.copy()
            for k, (_, far) in enumerate(told):
                pull = mine[k] * (TAIL + size) / (TAIL + far)
                if not pull.sum() > 1e-12:
                    continue
                trust = share[k] ** 2 / (mine[k] ** 2).sum()
                trust /= trust + CAUTION
                center[k] = trust * (pull @ moved / pull.sum()) + (1.0 - trust) * self.center[k]
                off = moved - center[k]
                spread = trust * (off.T @ (off * pull[:, None])) / share[k] + (1.0 - trust) * first[k]
                root[k] = np.linalg.cholesky(0.5 * (spread + spread.T) + 1e-9 * np.eye(size))
            share = np.maximum(share, LEAST)
            law = replace(law, share=share / share.sum(), center=center, root=root)
        return law
