"""Where the draws come from: wide Student laws at the modes, and a share of the prior so that nothing is missed."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log, pi

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.mode import Mode
from calcidiol.individual.people import People
from calcidiol.individual.problem import Problem

Floats = NDArray[np.float64]
TAIL = 10.0
"""Degrees of freedom: heavier than the posterior, light enough to be efficient (docs/decisions/0002, S); the local
normal law's own SDs, neither wider nor narrower, were best."""
PRIOR_SHARE = 0.10
"""Share of draws from the prior (P): weights never exceed ten times the likelihood ratio."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mixture of Student laws: shares (K,), centers (K, D), lower roots of the scale matrices (K, D, D).

    `follow` (D, E) says how the centers move with the covariates of a draw. Results speak of an effect together with
    what the covariates do to the same parameter; where the covariates already explain it, the effect need not. For a
    normal law of prior precision P and posterior covariance C the mean moves by -(1 - C P) times `Problem.shift`.
    """

    share: Floats
    center: Floats
    root: Floats
    follow: Floats

    @staticmethod
    def at(found: tuple[Mode, ...], problem: Problem) -> Proposal:
        """At the modes, each with a share by its evidence, none below a tenth."""
        evidence = np.array([m.log_evidence for m in found])
        share = np.maximum(np.exp(evidence - evidence.max()), 0.1)
        root = np.stack([np.linalg.cholesky(m.covariance) for m in found])
        follow = np.eye(problem.size) - found[0].covariance / problem.prior_sd**2
        return Proposal(share / share.sum(), np.stack([m.x for m in found]), root, follow[:, : problem.effects])

    def learned(self, x: Floats, weights: Floats, effective: float) -> Proposal:
        """With a law fitted to weighted draws (shifted as in `draw`) in front; the old ones stay, a little wider."""
        mean = weights @ x
        spread = (x - mean).T @ ((x - mean) * weights[:, None])
        trust = min(1.0, effective / 200.0)
        old = np.einsum("k,kij,klj->il", self.share, self.root, self.root)
        covariance = trust * spread + (1.0 - trust) * 1.5 * old + 1e-9 * np.eye(len(mean))
        first = 0.4 + 0.4 * trust
        return Proposal(
            np.concatenate([[first], (1.0 - first) * self.share]),
            np.concatenate([mean[None], self.center]),
            np.concatenate([np.linalg.cholesky(0.5 * (covariance + covariance.T))[None], self.root * 1.2]),
            self.follow,
        )

    def moved(self, x: Floats, problem: Problem, who: People) -> Floats:
        """The unknowns as they would be at the mean covariates, (N, D): what the laws of the mixture are about."""
        return np.asarray(x + problem.shift(who) @ self.follow.T)

    def draw(self, problem: Problem, who: People, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Unknowns (N, D) for N people and their log density under the whole mixture, prior share included."""
        n, size = len(who.level), self.center.shape[1]
        shift = problem.shift(who) @ self.follow.T
        which = np.searchsorted(np.cumsum(self.share), rng.random(n) * (1.0 - 1e-12))
        heavy = rng.standard_normal((n, size)) / np.sqrt(rng.chisquare(TAIL, n) / TAIL)[:, None]
        x = self.center[which] + np.einsum("nij,nj->ni", self.root[which], heavy) - shift
        from_prior = rng.random(n) < PRIOR_SHARE
        x = np.where(from_prior[:, None], rng.standard_normal((n, size)) * problem.prior_sd, x)
        moved = x + shift
        parts = np.empty((len(self.share) + 1, n))
        constant = lgamma(0.5 * (TAIL + size)) - lgamma(0.5 * TAIL) - 0.5 * size * log(TAIL * pi)
        for k, (share, center, root) in enumerate(zip(self.share, self.center, self.root, strict=True)):
            z = np.linalg.solve(root, (moved - center).T)
            law = -0.5 * (TAIL + size) * np.log1p((z**2).sum(axis=0) / TAIL) - np.log(np.diag(root)).sum()
            parts[k] = log((1.0 - PRIOR_SHARE) * share) + constant + law
        parts[-1] = log(PRIOR_SHARE) + problem.log_prior(x)
        top = parts.max(axis=0)
        return x, top + np.log(np.exp(parts - top).sum(axis=0))
