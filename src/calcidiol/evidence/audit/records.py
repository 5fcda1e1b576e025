"""What the audit speaks of: real papers, references as cited, verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Audit", "Author", "Cited", "ClaimMatch", "InText", "Record", "Reference"]


@dataclass(frozen=True, slots=True)
class Author:
    """One author: surname and initials without dots ("Feldman", "BJ"); initials may be empty."""

    surname: str
    initials: str = ""

    def __str__(self) -> str:
        return f"{self.surname} {self.initials}".strip()


@dataclass(frozen=True, slots=True)
class Record:
    """A real paper, as seen in a source.

    Parameters
    ----------
    authors
        In the order of the paper; `complete` is False where the source ended in "et al.".
    epub_year
        Year of online publication where a source states one that differs from `year`; empty otherwise.
    flags
        Retraction, expression of concern, erratum, as the source words them.
    source, tag
        Where the record was seen, and how sure (V, R, P, S).
    """

    id: str
    authors: tuple[Author, ...]
    complete: bool
    title: str
    journal: str
    year: str
    epub_year: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    flags: tuple[str, ...] = ()
    source: str = ""
    tag: str = ""

    def label(self) -> str:
        """Short name for people, for example ``"Feldman 2014, Nature Reviews Cancer"``."""
        first = self.authors[0].surname if self.authors else "Anonymous"
        return f"{first} {self.year}, {self.journal}"

    def to_dict(self) -> dict[str, Any]:
        """The fields that the JSON of an audit shows of a paper."""
        return {
            "doi": self.doi or None,
            "pmid": self.pmid or None,
            "title": self.title,
            "year": int(self.year) if self.year.isdigit() else None,
            "journal": self.journal,
            "authors": ", ".join(str(a) for a in self.authors) + ("" if self.complete else ", et al."),
            "volume": self.volume or None,
            "pages": self.pages or None,
            "flags": list(self.flags),
            "source": self.source,
            "tag": self.tag,
        }


@dataclass(frozen=True, slots=True)
class Cited:
    """A reference as an article gives it; fields that it does not give are empty."""

    text: str
    authors: tuple[str, ...] = ()
    et_al: bool = False
    title: str = ""
    journal: str = ""
    year: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    letter: str = ""
    """The letter behind the year ("2019a"); empty where there is none."""

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            "text": self.text,
            "authors": list(self.authors),
            "et_al": self.et_al,
            "title": self.title or None,
            "journal": self.journal or None,
            "year": self.year or None,
            "volume": self.volume or None,
            "issue": self.issue or None,
            "pages": self.pages or None,
            "doi": self.doi or None,
            "pmid": self.pmid or None,
        }


@dataclass(frozen=True, slots=True)
class InText:
    """A citation in the running text: its words, and what it points to (a number, or surname and year)."""

    text: str
    number: int | None = None
    surname: str = ""
    second: str = ""
    year: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference with its verdict: exact, differs, composite, not_found or missing."""

    number: int | None
    cited: Cited
    status: str
    fields_that_differ: tuple[str, ...] = ()
    matched: Record | None = None
    also_matched: Record | None = None
    nearest: tuple[Record, ...] = ()
    not_checked: tuple[str, ...] = ()
    score: float = 0.0
    times_cited: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {
            "number": self.number,
            "cited": self.cited.text,
            "read_as": self.cited.to_dict(),
            "status": self.status,
            "fields_that_differ": list(self.fields_that_differ),
            "matched": self.matched.to_dict() if self.matched else None,
            "also_matched": self.also_matched.to_dict() if self.also_matched else None,
            "nearest": [record.to_dict() for record in self.nearest],
            "not_checked": list(self.not_checked),
            "score": round(self.score, 3),
            "times_cited_in_text": self.times_cited,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class ClaimMatch:
    """A sentence of the article with the ledger's nearest claims, for a person to confirm; none: not matched."""

    sentence: str
    proposals: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As data."""
        return {"sentence": self.sentence, "proposals": [dict(p) for p in self.proposals]}


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of one document."""

    document: str
    references: tuple[Reference, ...]
    claims: tuple[ClaimMatch, ...] = ()
    unmatched_sentences: tuple[str, ...] = ()
    uncited: tuple[int, ...] = ()
    online: bool = False
    bibliography_size: int = 0
    notes: tuple[str, ...] = field(default=())

    def counts(self) -> dict[str, int]:
        """How many references have each verdict."""
        order = ("exact", "differs", "composite", "not_found", "missing")
        return {status: sum(r.status == status for r in self.references) for status in order}

    def to_dict(self) -> dict[str, Any]:
        """As data; the keys are fixed by the tests."""
        return {
            "document": self.document,
            "references": [r.to_dict() for r in self.references],
            "counts": self.counts(),
            "uncited": list(self.uncited),
            "claims": [c.to_dict() for c in self.claims],
            "unmatched_sentences": list(self.unmatched_sentences),
            "online": self.online,
            "bibliography_size": self.bibliography_size,
            "notes": list(self.notes),
        }
