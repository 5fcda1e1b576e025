"""Diagnoses and operations: which concepts a code or a text belongs to."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from calcidiol.errors import KnowledgeError
from calcidiol.terminology.negation import historical, named
from calcidiol.terminology.table import load
from calcidiol.terminology.text import words

__all__ = ["Concept", "State", "concepts", "concepts_of", "malabsorption_of", "state_asked", "state_there"]

ICD = ("icd10", "icd10cm")


@dataclass(frozen=True, slots=True)
class Concept:
    """A diagnosis, state or operation; `past` is what a past mention of it means."""

    id: str
    icd10: tuple[str, ...]
    icd10_exact: frozenset[str]
    snomed: frozenset[str]
    names: tuple[str, ...]
    without: tuple[str, ...]
    implies: tuple[str, ...]
    past: str
    malabsorption: int


@dataclass(frozen=True, slots=True)
class State:
    """A state that records ask for and answer with yes or no; `snomed` and `text` are what a yes means."""

    snomed: str
    text: str
    asked: frozenset[str]
    names: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    yes_words: frozenset[str]
    no_words: frozenset[str]


@functools.cache
def _states() -> tuple[State, ...]:
    return tuple(
        State(
            row["snomed"],
            row["text"],
            frozenset(row["asked"]),
            frozenset(words(n) for n in row["names"]),
            frozenset(row["yes"]),
            frozenset(row["no"]),
            frozenset(words(w) for w in row["yes_words"]),
            frozenset(words(w) for w in row["no_words"]),
        )
        for row in load("conditions.toml", "state").values()
    )


def state_asked(codes: Iterable[str], text: str) -> State | None:
    """The state that an observation asks for, by its codes or its whole name; None when it asks for none.

    Examples
    --------
    >>> state_asked(["82810-3"], "").text, state_asked([], "Calcium") is None
    ('pregnant', True)
    """
    given, names = set(codes), {words(part) for part in text.split(";")}
    return next((s for s in _states() if s.asked & given or s.names & names), None)


def state_there(state: State, codes: Iterable[str], text: str) -> bool | None:
    """Whether an answer says yes; None when it says neither.

    Examples
    --------
    >>> pregnancy = state_asked(["82810-3"], "")
    >>> state_there(pregnancy, ["LA15173-0"], ""), state_there(pregnancy, [], "Negative")
    (True, False)
    """
    given, said = set(codes), {words(part) for part in text.split(";")}
    if given & state.yes or said & state.yes_words:
        return True
    return False if given & state.no or said & state.no_words else None


@functools.cache
def concepts() -> dict[str, Concept]:
    """All concepts by id, from `conditions.toml`.

    Raises
    ------
    KnowledgeError
        When a row names a concept that is not there.
    """
    found = {
        id_: Concept(
            id_,
            tuple(_bare(c) for c in row["icd10"]),
            frozenset(_bare(c) for c in row.get("icd10_exact", ())),
            frozenset(row["snomed"]),
            tuple(words(n) for n in row["names"]),
            tuple(words(n) for n in row.get("not", ())),
            tuple(row.get("implies", ())),
            row.get("past", "drop"),
            int(row.get("malabsorption", 0)),
        )
        for id_, row in load("conditions.toml", "concept").items()
    }
    for concept in found.values():
        for other in (*concept.implies, *(() if concept.past in ("drop", "keep") else (concept.past,))):
            if other not in found:
                raise KnowledgeError(f"conditions.toml: [concept.{concept.id}] names {other!r}, which is not there.")
    return found


def _bare(code: str) -> str:
    return code.replace(".", "").upper()


def concepts_of(codes: Iterable[tuple[str, str]], text: str) -> tuple[str, ...]:
    """The concepts of a diagnosis, wider ones included.

    Parameters
    ----------
    codes
        Pairs of system (``"icd10"``, ``"icd10cm"``, ``"snomed"``) and code.
    text
        The diagnosis as written. What is denied or somebody else's does not match; a past mention matches only where
        the table says so; what is suspected matches (the safe reading).

    Returns
    -------
    tuple of str
        Concept ids in the order of `conditions.toml`.

    Examples
    --------
    >>> concepts_of([("icd10", "C91.1")], "")
    ('lymphoma', 'cll', 'leukemia', 'hematologic_cancer', 'cancer')
    >>> concepts_of([], "no history of sarcoidosis")
    ()
    >>> concepts_of([], "history of kidney stones")
    ('stones_history',)
    """
    codes = list(codes)
    icd = [_bare(code) for system, code in codes if system in ICD]
    snomed = {code for system, code in codes if system == "snomed"}
    plain = words(text)
    found: set[str] = set()
    table = concepts()
    for concept in table.values():
        if (
            any(code.startswith(concept.icd10) for code in icd if concept.icd10)
            or concept.icd10_exact & set(icd)
            or concept.snomed & snomed
        ):
            found.add(concept.id)
            continue
        if any(_inside(w, plain) for w in concept.without):
            continue
        hits = [n for n in concept.names if named(n, plain)]
        if not hits:
            continue
        if all(historical(n, plain) for n in hits):
            if concept.past == "keep":
                found.add(concept.id)
            elif concept.past != "drop":
                found.add(concept.past)
        else:
            found.add(concept.id)
    found |= _wider(found)
    return tuple(id_ for id_ in table if id_ in found)


def _inside(phrase: str, plain: str) -> bool:
    return (phrase if phrase.isascii() else phrase.strip()) in plain


def _wider(found: set[str]) -> set[str]:
    table, todo, seen = concepts(), list(found), set[str]()
    while todo:
        for other in table[todo.pop()].implies:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def malabsorption_of(found: Iterable[str]) -> int:
    """How far uptake from the gut suffers: 0 not, 1 mildly, 2 severely (P: our reading of the diagnosis).

    Examples
    --------
    >>> malabsorption_of(["gastrectomy"]), malabsorption_of(["short_bowel"]), malabsorption_of(["obesity"])
    (1, 2, 0)
    """
    table = concepts()
    return max((table[c].malabsorption for c in found if c in table), default=0)
