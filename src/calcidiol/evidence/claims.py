"""The ledger of claims as one reads it: verdict and certainty beside each claim, its studies for and against."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calcidiol.errors import UsageError
from calcidiol.evidence.certainty import certainty
from calcidiol.evidence.load import load
from calcidiol.evidence.pool import Pool, pool
from calcidiol.evidence.record import Certainty, Claim, Concentration, Ledger, Reach, Study


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim with its certainty."""

    claim: Claim
    certainty: Certainty

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain data."""
        claim = self.claim
        return {
            "id": claim.claim_id,
            "claim_id": claim.claim_id,
            "document": claim.document,
            "claim": claim.claim,
            "kind": claim.kind,
            "question": claim.question,
            "population": claim.population,
            "cited_reference": claim.cited_reference,
            "evidence": claim.summary,
            "verdict": claim.verdict,
            "first_verdict": claim.first_verdict,
            "second_reading": claim.second_reading,
            "certainty": self.certainty.level,
            "grade": self.certainty.to_dict(),
            "suggested_certainty": claim.suggested_certainty,
            "supporting": list(claim.supporting),
            "contradicting": list(claim.contradicting),
            "trials_beside": list(claim.trials_beside),
            "group": claim.group or None,
        }


@dataclass(frozen=True, slots=True)
class Distance:
    """How far an experiment's concentration is from what patients reach (times the upper end of the reference)."""

    used: Concentration
    reached: Reach
    times_low: float
    times_high: float

    def to_dict(self) -> dict[str, Any]:
        """The distance as plain data."""
        return {
            "study_id": self.used.study_id,
            "compound": self.used.compound,
            "nmol_l": [self.used.low_nmol_l, self.used.high_nmol_l],
            "effect": self.used.effect,
            "reached": self.reached.setting,
            "reached_compound": self.reached.compound,
            "reached_nmol_l": [self.reached.low_nmol_l, self.reached.high_nmol_l],
            "times": [self.times_low, self.times_high],
            "source": self.reached.source,
            "tag": max(self.used.tag, self.reached.tag, key="VSPR".index),
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """One claim with everything behind it."""

    entry: Entry
    supporting: tuple[Study, ...]
    contradicting: tuple[Study, ...]
    trials_beside: tuple[Study, ...]
    distances: tuple[Distance, ...]
    pooled: Pool | None
    no_pool: str

    def to_dict(self) -> dict[str, Any]:
        """The claim as plain data, studies by their role."""
        told = self.entry.to_dict()
        told["studies"] = {
            "supporting": [_study_dict(s) for s in self.supporting],
            "contradicting": [_study_dict(s) for s in self.contradicting],
            "trials_beside": [_study_dict(s) for s in self.trials_beside],
        }
        told["concentrations"] = [d.to_dict() for d in self.distances]
        told["pool"] = None if self.pooled is None else self.pooled.to_dict()
        told["no_pool"] = self.no_pool or None
        return told


def _study_dict(study: Study) -> dict[str, Any]:
    told = study.to_dict()
    told["scale"] = study.scale
    return told


def distances(studies: tuple[Study, ...], ledger: Ledger) -> tuple[Distance, ...]:
    """The concentrations of the experiments among some studies, beside what patients reach."""
    found = []
    for study in studies:
        used = ledger.concentrations.get(study.study_id)
        if used is not None:
            reached = ledger.reach[used.reference_id]
            top = reached.high_nmol_l
            found.append(Distance(used, reached, used.low_nmol_l / top, used.high_nmol_l / top))
    return tuple(found)


def claims(document: str | None = None, topic: str | None = None, *, ledger: Ledger | None = None) -> tuple[Entry, ...]:
    """The ledger: every claim with its verdict, certainty and studies.

    Parameters
    ----------
    document
        Only claims of this document (``D0``, ``D1``, ``D2``).
    topic
        Only claims in which every word of this text occurs (claim, evidence, population, kind, verdict, studies).

    Raises
    ------
    UsageError
        For an unknown document, or a topic without a claim.

    Examples
    --------
    >>> [entry.claim.claim_id for entry in claims(topic="cramps")]
    ['C37']
    """
    ledger = ledger or load()
    found = list(ledger.claims.values())
    if document is not None:
        documents = sorted({c.document for c in found})
        by_fold = {d.casefold(): d for d in documents}
        if document.casefold() not in by_fold:
            raise UsageError(f"There is no document {document!r} in the ledger; it has {', '.join(documents)}.")
        found = [c for c in found if c.document == by_fold[document.casefold()]]
    if topic is not None:
        words = topic.casefold().split()
        found = [c for c in found if all(word in _words(c) for word in words)]
        if not found:
            raise UsageError(f"No claim has {topic!r} in it. Try: calcidiol evidence search {topic!r}.")
    return tuple(Entry(claim, certainty(claim, ledger)) for claim in found)


def _words(claim: Claim) -> str:
    parts = (
        claim.claim_id,
        claim.claim,
        claim.summary,
        claim.population,
        claim.kind,
        claim.question,
        claim.verdict,
        claim.cited_reference,
        *claim.supporting,
        *claim.contradicting,
    )
    return " ".join(parts).casefold()


def find_claim(claim_id: str, known: Mapping[str, Claim]) -> Claim:
    """The claim of that id, or a UsageError with the near ones."""
    for name in (claim_id, claim_id.upper()):
        if name in known:
            return known[name]
    near = difflib.get_close_matches(claim_id.upper(), list(known), n=3, cutoff=0.3)
    raise UsageError(
        f"There is no claim {claim_id!r}. "
        + (f"Near: {', '.join(near)}. " if near else "")
        + f"Ids go from {next(iter(known))} to {list(known)[-1]}."
    )


def show(claim_id: str, *, ledger: Ledger | None = None) -> Shown:
    """One claim with its certainty step by step, its studies, and their pool where they are one.

    Raises
    ------
    UsageError
        For an unknown id; the message lists near ones.
    """
    ledger = ledger or load()
    claim = find_claim(claim_id, ledger.claims)
    by_role = [
        tuple(ledger.studies[i] for i in ids) for ids in (claim.supporting, claim.contradicting, claim.trials_beside)
    ]
    pooled, why = None, ""
    if claim.group:
        try:
            pooled = pool(claim.group, ledger=ledger)
        except UsageError as error:
            why = str(error)
    return Shown(
        entry=Entry(claim, certainty(claim, ledger)),
        supporting=by_role[0],
        contradicting=by_role[1],
        trials_beside=by_role[2],
        distances=distances((*by_role[0], *by_role[1]), ledger),
        pooled=pooled,
        no_pool=why,
    )
