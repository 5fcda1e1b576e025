"""Finding claims, groups and studies by words: BM25 over the ledger, with a small table of synonyms. No network."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from calcidiol.errors import UsageError
from calcidiol.evidence.load import DATA, load
from calcidiol.evidence.record import Ledger

K1, B = 1.2, 0.5
"""BM25's usual saturation and length weights (Robertson 2009); the texts are short, so length counts less."""
FIRST = {"claim": 1.6, "group": 1.2}
"""Claims are what one looks for, groups next; our choice."""
_WORD = re.compile(r"[a-z0-9][a-z0-9(),\-]*[a-z0-9)]|[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: its kind (claim, group, study), id, a line of text, and how well it fits."""

    kind: str
    id: str
    text: str
    detail: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """The hit as plain data."""
        return {"kind": self.kind, "id": self.id, "text": self.text, "detail": self.detail, "score": self.score}


@lru_cache(maxsize=1)
def _table() -> tuple[Mapping[str, str], frozenset[str]]:
    table = tomllib.loads((DATA / "synonyms.toml").read_text(encoding="utf-8"))
    return {word: group[0] for group in table["groups"] for word in group}, frozenset(table["ignore"])


def words(text: str) -> list[str]:
    """The words of a text as they are compared: lower case, synonyms joined, plurals cut, small words dropped."""
    synonyms, ignore = _table()
    found = []
    for word in _WORD.findall(text.lower()):
        word = synonyms.get(word, word)
        if word in ignore:
            continue
        if len(word) > 4 and word.endswith("s") and not word.endswith("ss"):
            word = synonyms.get(word[:-1], word[:-1])
        found.append(word)
    return found


@lru_cache(maxsize=2)
def _index(key: int) -> tuple[list[tuple[str, str, str, str]], list[Counter[str]], dict[str, int]]:
    ledger = _LEDGERS[key]
    documents: list[tuple[str, str, str, str]] = []
    bags: list[Counter[str]] = []
    for claim in ledger.claims.values():
        documents.append(("claim", claim.claim_id, claim.claim, f"{claim.document}, {claim.verdict}"))
        text = f"{claim.claim_id} {claim.claim} {claim.claim} {claim.summary} {claim.population}"
        bags.append(Counter(words(text)))
    for group in ledger.groups.values():
        documents.append(("group", group.id, group.title, "calcidiol evidence pool " + group.id))
        bags.append(Counter(words(f"{group.title} {group.title} {group.id.replace('_', ' ')} {group.caution}")))
    for study in ledger.studies.values():
        detail = f"{study.kind}, {study.outcome}"
        documents.append(("study", study.study_id, study.citation, detail))
        text = f"{study.study_id} {study.citation} {study.population} {study.intervention} {study.comparator} "
        bags.append(Counter(words(f"{text} {study.outcome} {study.cancer_type} {study.risk_of_bias_note}")))
    counts: Counter[str] = Counter()
    for bag in bags:
        counts.update(bag.keys())
    return documents, bags, dict(counts)


_LEDGERS: dict[int, Ledger] = {}


def search(text: str, *, limit: int = 15, ledger: Ledger | None = None) -> tuple[Hit, ...]:
    """Claims, groups and studies nearest to some words, best first.

    Parameters
    ----------
    text
        Words; small words are ignored.
    limit
        How many hits at most.

    Raises
    ------
    UsageError
        When no word is left to search for.

    Examples
    --------
    >>> "IM_VS_ORAL_25OHD" in {hit.id for hit in search("IM versus oral")}
    True
    """
    ledger = ledger or load()
    asked = words(text)
    if not asked:
        raise UsageError(f"{text!r} has no word to search for; give a subject, for example: IM versus oral.")
    _LEDGERS[id(ledger)] = ledger
    documents, bags, counts = _index(id(ledger))
    mean = sum(sum(bag.values()) for bag in bags) / len(bags)
    hits = []
    for (kind, name, line, detail), bag in zip(documents, bags, strict=True):
        size = sum(bag.values())
        score = 0.0
        for word in asked:
            n = bag.get(word, 0)
            if n:
                idf = math.log(1 + (len(bags) - counts[word] + 0.5) / (counts[word] + 0.5))
                score += idf * n * (K1 + 1) / (n + K1 * (1 - B + B * size / mean))
        met = sum(word in bag for word in set(asked)) / len(set(asked))
        if score:
            hits.append(Hit(kind, name, line, detail, round(score * met * FIRST.get(kind, 1.0), 4)))
    hits.sort(key=lambda hit: (-hit.score, ("claim", "group", "study").index(hit.kind), hit.id))
    return tuple(hits[:limit])
