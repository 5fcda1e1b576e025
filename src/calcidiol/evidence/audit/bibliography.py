"""The embedded bibliography: real papers, each seen in a source, and the ways to look one up."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from calcidiol.errors import KnowledgeError
from calcidiol.evidence.audit.journals import Journals, load_journals
from calcidiol.evidence.audit.names import read_author
from calcidiol.evidence.audit.records import Author, Record
from calcidiol.evidence.audit.spelling import concat, fold

__all__ = ["Bibliography", "bibliography", "first_page", "load", "read_rows"]

COLUMNS = (
    "id", "authors", "title", "journal", "year", "epub_year", "volume", "issue", "pages", "doi", "pmid", "flags", "source", "tag",  # noqa: E501
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bibliography:
    """Records with their indexes."""

    records: tuple[Record, ...]
    journals: Journals
    titles: tuple[str, ...]
    by_doi: dict[str, int]
    by_pmid: dict[str, int]
    by_place: dict[tuple[str, str], tuple[int, ...]]
    by_author_year: dict[tuple[str, str], tuple[int, ...]]
    by_author: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, records: Iterable[Record]) -> Bibliography:
        """Index some records."""
        rows = tuple(records)
        places: dict[tuple[str, str], list[int]] = defaultdict(list)
        authors: dict[tuple[str, str], list[int]] = defaultdict(list)
        firsts: dict[str, list[int]] = defaultdict(list)
        for i, record in enumerate(rows):
            if record.volume and record.pages:
                places[(record.volume.lower(), first_page(record.pages))].append(i)
            if record.authors:
                firsts[concat(record.authors[0].surname)].append(i)
                for year in {record.year, record.epub_year} - {""}:
                    authors[(concat(record.authors[0].surname), year)].append(i)
        return cls(
            rows,
            load_journals(sorted({r.journal for r in rows if r.journal})),
            tuple(fold(r.title) for r in rows),
            {r.doi.lower(): i for i, r in enumerate(rows) if r.doi},
            {r.pmid: i for i, r in enumerate(rows) if r.pmid},
            {k: tuple(v) for k, v in places.items()},
            {k: tuple(v) for k, v in authors.items()},
            {k: tuple(v) for k, v in firsts.items()},
        )

    def with_records(self, more: Iterable[Record]) -> Bibliography:
        """The same with further records (found online) that are not in it yet."""
        fresh = [
            r for r in more if not (r.doi and r.doi.lower() in self.by_doi) and not (r.pmid and r.pmid in self.by_pmid)
        ]
        return Bibliography.of((*self.records, *fresh)) if fresh else self


def first_page(pages: str) -> str:
    """First page or article number without its letter, for example ``"5458"`` of ``"5458-67"``, ``"178"`` of "e178"."""
    match = re.match(r"\s*([A-Za-z]*)0*(\d+)", pages)
    if not match:
        return pages.strip().lower()
    letters = match.group(1).lower()
    return (letters if letters not in ("e", "p", "pp") else "") + match.group(2)


def read_rows(rows: Iterable[dict[str, str]], where: str) -> tuple[Record, ...]:
    """Rows of the bibliography to records.

    Raises
    ------
    KnowledgeError
        A row without a title, a source or a tag, with a year that is not one, or an id given twice.
    """
    found: list[Record] = []
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        missing = [c for c in ("id", "title", "source", "tag") if not (row.get(c) or "").strip()]
        if missing:
            raise KnowledgeError(f"{where} line {line}: {', '.join(missing)} is empty; every record needs it.")
        if row["id"] in seen:
            raise KnowledgeError(f"{where} line {line}: the id {row['id']} stands twice; give each record its own.")
        if not re.fullmatch(r"(?:1[89]|20)\d{2}", row["year"]):
            raise KnowledgeError(f"{where} line {line}: year {row['year']!r} is not a year.")
        seen.add(row["id"])
        names = [n.strip() for n in row["authors"].split(";") if n.strip()]
        complete = not any(n == "et al." for n in names)
        authors: tuple[Author, ...] = tuple(read_author(n) for n in names if n != "et al.")
        found.append(
            Record(
                id=row["id"],
                authors=authors,
                complete=complete,
                title=row["title"],
                journal=row["journal"],
                year=row["year"],
                epub_year=row.get("epub_year") or "",
                volume=row["volume"],
                issue=row.get("issue") or "",
                pages=row["pages"],
                doi=row["doi"].lower(),
                pmid=row["pmid"],
                flags=tuple(f.strip() for f in (row.get("flags") or "").split("|") if f.strip()),
                source=row["source"],
                tag=row["tag"],
            )
        )
    return tuple(found)


@cache
def load() -> tuple[Record, ...]:
    """The records of the shipped bibliography."""
    path = files("calcidiol.evidence") / "data" / "bibliography.csv"
    with path.open(encoding="utf-8") as file:
        return read_rows(csv.DictReader(file), "bibliography.csv")


@cache
def bibliography() -> Bibliography:
    """The shipped bibliography, indexed."""
    return Bibliography.of(load())
