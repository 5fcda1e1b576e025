"""Which claims of the ledger the sentences of a document may be making: proposals for a person to confirm.

Lexical: words in comparison form, their endings cut, words of one meaning joined, weighted by how rare they are in the
ledger (tf-idf), compared by cosine. No network and no model; a proposal says "may be", never "is".
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.evidence.audit.records import ClaimMatch
from calcidiol.evidence.audit.spelling import clean, has_han, words

__all__ = ["Proposer", "propose", "sentences"]

_STOP = frozenset(
    "the a an of and or in on for to with by from at as is are was were be been being it its this that these those which who whom "  # noqa: E501, SIM905
    "may might can could should would will not no but if than then also into over under about after before during through their "  # noqa: E501
    "there they them he she we our you your has have had do does did more most such some any each other one two both while when "  # noqa: E501
    "where what how very so only just because since via per between within without above below up down out off et al eg ie vs "  # noqa: E501
    "show shows shown showed found find finding suggest suggests study studies trial trials research evidence report reported".split()  # noqa: E501
)
_DENIED = "the sentence seems to deny this claim"
_TOPIC = re.compile(
    r"vitamin\s*d|25\s*\(?oh\)?\s*d|calcitriol|calcidiol|calcifediol|cholecalciferol|hypercalc|\bvdr\b|維生素d|维生素d|維他命d|维他命d|注射|"
    r"\binject|\bIMI\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proposer:
    """The claims of the ledger as weighted words, each in all its wordings."""

    claims: tuple[tuple[str, str, str, str], ...]
    vectors: tuple[tuple[tuple[str, dict[str, float]], ...], ...]
    idf: dict[str, float]
    least: float
    most: int
    least_words: int
    meaning: dict[str, str]
    chinese: tuple[tuple[str, str], ...]
    alone: float
    common: frozenset[str]
    opposite: tuple[tuple[frozenset[str], frozenset[str]], ...]

    def tokens(self, text: str) -> list[str]:
        """Words of a sentence as the search counts them."""
        if has_han(text):
            text = clean(text).replace(" ", "") if not re.search(r"[A-Za-z]{3,}\s[A-Za-z]{3,}", text) else text
            for chinese, english in self.chinese:
                text = text.replace(chinese, f" {english} ")
            text = re.sub(r"[\u3040-\u30ff\u3400-\u9fff]", " ", text)
        text = re.sub(r"(?i)25[- ]?hydroxy-?vitamin\s+d[23]?\b|25\s*\(oh\)\s*d[23]?\b", "vitamind level", clean(text))
        text = re.sub(r"(?i)vitamin\s+d[23]?\b", "vitamind", text)
        kept = [w for w in words(text) if w not in _STOP and not w.isdigit()]
        return [_mean(word, self.meaning) for word in kept]

    def fewest(self, sentence: str) -> int:
        """Fewest words of a sentence that is looked at; a Chinese one has fewer that are known here."""
        return self.least_words - 2 if has_han(sentence) else self.least_words

    def vector(self, text: str) -> dict[str, float]:
        """Weighted words of a text, of length one."""
        counts = Counter(self.tokens(text))
        weights = {w: (1.0 + math.log(n)) * self.idf.get(w, self.idf[""]) for w, n in counts.items()}
        norm = math.sqrt(sum(v * v for v in weights.values())) or 1.0
        return {w: v / norm for w, v in weights.items()}

    def propose(self, sentence: str) -> list[dict[str, Any]]:
        """The claims nearest to a sentence, best first; empty where none is near."""
        if len(self.tokens(sentence)) < self.fewest(sentence):
            return []
        mine = self.vector(sentence)
        scored = []
        for (claim_id, claim, document, verdict), wordings in zip(self.claims, self.vectors, strict=True):
            likeness, nearest = max((_cosine(mine, words), i) for i, (_, words) in enumerate(wordings))
            shared = (mine.keys() & wordings[nearest][1].keys()) - self.common
            if likeness >= self.least and (len(shared) > 1 or likeness >= self.alone):
                denied = self.opposes(sentence, wordings[nearest][0])
                scored.append((-likeness, claim_id, claim, document, verdict, denied))
        scored.sort()
        return [
            {
                "claim_id": c,
                "claim": text,
                "document": d,
                "verdict": v,
                "likeness": round(-s, 3),
                "denied": denied,
                "note": _DENIED if denied else "",
            }
            for s, c, text, d, v, denied in scored[: self.most]
        ]

    def opposes(self, sentence: str, claim: str) -> bool:
        """Whether a sentence says the opposite of a claim: one of the two has a "not", or they have opposite words.

        Two opposites agree: "deficiency raises the risk" and "supplements lower the risk".
        """
        opposed = _denials(sentence) % 2 != _denials(claim) % 2
        mine, theirs = set(self.tokens(sentence)), set(self.tokens(claim))
        for one, other in self.opposite:
            crossed = any(
                mine & a and theirs & b and not mine & b and not theirs & a for a, b in ((one, other), (other, one))
            )
            opposed ^= crossed
        return opposed


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    small, large = (one, other) if len(one) < len(other) else (other, one)
    return sum(v * large[w] for w, v in small.items() if w in large)


def _stem(word: str) -> str:
    if len(word) > 5:
        for ending in (
            "izations",
            "ization",
            "ations",
            "ation",
            "ings",
            "ing",
            "ies",
            "ied",
            "edly",
            "ed",
            "es",
            "ly",
            "s",
            "e",
        ):
            if word.endswith(ending) and len(word) - len(ending) >= 4:
                return word[: -len(ending)]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _mean(word: str, meaning: Mapping[str, str]) -> str:
    """The word that stands for all of its meaning."""
    return meaning.get(word) or meaning.get(_stem(word)) or _stem(word)


def _meant(words_given: list[str], meaning: Mapping[str, str]) -> frozenset[str]:
    return frozenset(_mean(word, meaning) for word in words_given)


@cache
def _settings() -> Mapping[str, Any]:
    with (files("calcidiol.evidence.audit") / "claims.toml").open("rb") as file:
        return tomllib.load(file)


def proposer(claims: tuple[tuple[str, str, str, str], ...]) -> Proposer:
    """Weigh the words of claims given as (id, claim, document, verdict)."""
    settings = _settings()
    joined = settings["settings"]
    meaning = {_word: group[0] for group in joined["same"] for word in group for _word in (word, _stem(word))}
    chinese = tuple(sorted(settings["chinese"].items(), key=lambda pair: -len(pair[0])))
    bare = Proposer(
        claims,
        (),
        {"": 1.0},
        joined["least"],
        joined["most"],
        joined["least_words"],
        meaning,
        chinese,
        joined["alone"],
        frozenset(_meant(joined["common"], meaning)),
        tuple((_meant(one, meaning), _meant(other, meaning)) for one, other in joined["opposite"]),
    )
    also = settings.get("also", {})
    seen = Counter(
        w
        for claim_id, claim, _, _ in claims
        for w in {word for wording in (claim, *also.get(claim_id, ())) for word in bare.tokens(wording)}
    )
    total = max(len(claims), 1)
    idf = {w: math.log((total + 1) / (n + 0.5)) for w, n in seen.items()}
    idf[""] = math.log(total + 1) * 0.6  # a word that no claim has: it counts against, a little
    ready = replace(bare, idf=idf)
    wordings = ((claim, *also.get(claim_id, ())) for claim_id, claim, _, _ in claims)
    return replace(ready, vectors=tuple(tuple((text, ready.vector(text)) for text in texts) for texts in wordings))


def _denials(text: str) -> int:
    settings = _settings()["settings"]
    plain = re.sub(r"n't\b|\bfails? to\b", " not", clean(text).lower())
    for phrase in settings["denies_nothing"]:
        plain = plain.replace(phrase, " ")
    found = sum(plain.count(word) for word in settings["denies_chinese"]) if has_han(plain) else 0
    return found + sum(word in settings["denies"] for word in words(plain))


@cache
def _ledger() -> Proposer:
    from calcidiol.evidence.load import load

    return proposer(tuple((c.claim_id, c.claim, c.document, c.verdict) for c in load().claims.values()))


def sentences(body: str) -> list[str]:
    """Sentences of the running text, English or Chinese; headings and list marks left out."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)", body):
        text = re.sub(r"^\s*(?:#{1,6}|[-*•]|\d+[.)])\s*", "", " ".join(line.strip() for line in block.split("\n")))
        text = re.sub(r"\s+", " ", text).strip()
        if not text:
            continue
        kept = re.sub(r"\b(et al|e\.g|i\.e|vs|Dr|Fig|approx|no)\.", lambda m: m.group().replace(".", "\u2024"), text)
        for piece in re.split(r"(?<=[.!?])\s+(?=[A-Z(\"'\u4e00-\u9fff])|(?<=[。！？；])", kept):
            piece = piece.replace("\u2024", ".").strip()
            if piece:
                found.append(piece)
    return found


def propose(body: str, ledger: Proposer | None = None) -> tuple[tuple[ClaimMatch, ...], tuple[str, ...]]:
    """Claims that the sentences of a document may be making.

    Parameters
    ----------
    body
        The running text of the document.
    ledger
        Weighted claims; None: those of the shipped ledger.

    Returns
    -------
    tuple
        Sentences with proposals, in their order; and sentences on the subject for which nothing near was found.
    """
    ledger = ledger or _ledger()
    matched: list[ClaimMatch] = []
    unmatched: list[str] = []
    for sentence in sentences(body):
        proposals = ledger.propose(sentence)
        short = len(ledger.tokens(sentence)) < ledger.fewest(sentence)
        if short and not re.search(r"[.!?。！？]$", sentence):
            continue  # a heading
        if proposals:
            matched.append(ClaimMatch(sentence, tuple(proposals)))
        elif _TOPIC.search(sentence):
            unmatched.append(sentence)
    return tuple(matched), tuple(unmatched)
