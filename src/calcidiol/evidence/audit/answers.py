"""Answers of Crossref, PubMed and OpenAlex as records, with their flags of retraction, concern and correction."""

from __future__ import annotations

import re
from typing import Any

from calcidiol.evidence.audit.names import read_author
from calcidiol.evidence.audit.records import Author, Record
from calcidiol.evidence.audit.spelling import clean, concat

__all__ = ["crossref_record", "openalex_record", "pubmed_record"]

_UPDATES = {
    "retraction": "retracted",
    "withdrawal": "withdrawn",
    "removal": "removed",
    "expression_of_concern": "expression of concern",
    "expression-of-concern": "expression of concern",
    "concern": "expression of concern",
    "correction": "corrected",
    "corrigendum": "corrected",
    "erratum": "corrected",
    "partial_retraction": "partly retracted",
}


def _flag(words: str, source: str, detail: str = "") -> str:
    return f"{words} according to {source}" + (f" ({detail})" if detail else "")


def _id(prefix: str, authors: tuple[Author, ...], year: str, key: str) -> str:
    first = concat(authors[0].surname) if authors else "anonymous"
    return f"{prefix}:{first}{year}:{key}"


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", clean(re.sub(r"<[^>]+>", "", text))).strip()


def crossref_record(work: dict[str, Any]) -> Record | None:
    """A work of Crossref (the `message` of its API) as a record; None for what is not an article."""
    titles = work.get("title") or []
    if not titles or work.get("type") not in (None, "journal-article", "proceedings-article", "posted-content"):
        return None
    title = _plain(titles[0])
    flags = []
    if re.match(r"(?i)\s*(retracted|withdrawn)\b[^:]*:", title):
        flags.append(_flag("retracted", "Crossref", "said in the title"))
        title = re.sub(r"(?i)^\s*(retracted|withdrawn)\b[^:]*:\s*", "", title)
    for update in work.get("updated-by") or []:
        words = _UPDATES.get(str(update.get("type", "")).lower())
        if words:
            flags.append(_flag(words, "Crossref", f"doi:{update['DOI']}" if update.get("DOI") else ""))
    subtitle = _plain((work.get("subtitle") or [""])[0])
    if subtitle and concat(subtitle) not in concat(title):
        title = f"{title}: {subtitle}"
    people = [a for a in work.get("author") or [] if a.get("family")]
    authors = tuple(Author(clean(a["family"]), _initials(a.get("given", ""))) for a in people)
    printed, online = _year(work.get("published-print")), _year(work.get("published-online"))
    year = printed or _year(work.get("issued")) or online
    if not year:
        return None
    journal = _plain((work.get("container-title") or [""])[0])
    doi = str(work.get("DOI", "")).lower()
    return Record(
        id=_id("crossref", authors, year, doi),
        authors=authors,
        complete=True,
        title=title,
        journal=journal,
        year=year,
        epub_year=online if online != year else "",
        volume=str(work.get("volume") or ""),
        issue=str(work.get("issue") or ""),
        pages=str(work.get("page") or work.get("article-number") or ""),
        doi=doi,
        flags=tuple(dict.fromkeys(flags)),
        source="Crossref",
        tag="V",
    )


def _year(part: Any) -> str:
    try:
        year = str(part["date-parts"][0][0])
    except (TypeError, KeyError, IndexError):
        return ""
    return year if re.fullmatch(r"\d{4}", year) else ""


def _initials(given: str) -> str:
    return "".join(part[0].upper() for part in re.split(r"[\s.\-]+", clean(given)) if part)


def pubmed_record(record: dict[str, Any]) -> Record | None:
    """A MEDLINE record (as `Bio.Medline` reads it) as a record."""
    title = _plain(str(record.get("TI") or "")).rstrip(".")
    title = re.sub(r"^\[(.*)\]$", r"\1", title)
    date = re.search(r"\d{4}", str(record.get("DP") or ""))
    if not title or not date:
        return None
    year = date.group()
    authors = tuple(read_author(name) for name in record.get("AU") or [])
    ids = [*_list(record.get("AID")), *_list(record.get("LID"))]
    doi = next((i.rsplit(" ", 1)[0].lower() for i in ids if i.endswith("[doi]")), "")
    flags = []
    if any("retracted publication" in p.lower() for p in _list(record.get("PT"))):
        flags.append(_flag("retracted", "PubMed"))
    for field, words in (
        ("RIN", "retracted"),
        ("ECI", "expression of concern"),
        ("EIN", "corrected"),
        ("CRI", "corrected"),
    ):
        flags.extend(_flag(words, "PubMed", _plain(str(note))[:120]) for note in _list(record.get(field)))
    online = re.match(r"\d{4}", str(record.get("DEP") or ""))
    pmid = str(record.get("PMID") or "")
    return Record(
        id=_id("pubmed", authors, year, pmid),
        authors=authors,
        complete=True,
        title=title,
        journal=str(record.get("TA") or record.get("JT") or ""),
        year=year,
        epub_year=online.group() if online and online.group() != year else "",
        volume=str(record.get("VI") or ""),
        issue=str(record.get("IP") or ""),
        pages=str(record.get("PG") or next((i.rsplit(" ", 1)[0] for i in ids if i.endswith("[pii]")), "")),
        doi=doi,
        pmid=pmid,
        flags=tuple(dict.fromkeys(flags)),
        source="PubMed",
        tag="V",
    )


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


def openalex_record(work: dict[str, Any]) -> Record | None:
    """A work of OpenAlex as a record."""
    title = _plain(str(work.get("title") or work.get("display_name") or "")).rstrip(".")
    year = str(work.get("publication_year") or "")
    if not title or not re.fullmatch(r"\d{4}", year):
        return None
    names = [str(((a.get("author") or {}).get("display_name")) or "") for a in work.get("authorships") or []]
    authors = tuple(_western(name) for name in names if name)
    biblio = work.get("biblio") or {}
    first, last = str(biblio.get("first_page") or ""), str(biblio.get("last_page") or "")
    source = ((work.get("primary_location") or {}).get("source") or {}).get("display_name") or ""
    ids = work.get("ids") or {}
    doi = re.sub(r"^https?://(?:dx\.)?doi\.org/", "", str(work.get("doi") or "")).lower()
    pmid = re.search(r"\d+$", str(ids.get("pmid") or ""))
    return Record(
        id=_id("openalex", authors, year, str(work.get("id") or doi)),
        authors=authors,
        # OpenAlex lists at most 100 authors of a work.
        complete=len(authors) < 100,
        title=title,
        journal=str(source),
        year=year,
        volume=str(biblio.get("volume") or ""),
        issue=str(biblio.get("issue") or ""),
        pages=f"{first}-{last}" if first and last and first != last else first,
        doi=doi,
        pmid=pmid.group() if pmid else "",
        flags=(_flag("retracted", "OpenAlex"),) if work.get("is_retracted") else (),
        source="OpenAlex",
        tag="V",
    )


def _western(name: str) -> Author:
    """ "JoAnn E. Manson" as surname and initials; particles stay with the surname."""
    parts = clean(name).split()
    cut = len(parts) - 1
    while cut > 1 and parts[cut - 1].lower() in (
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "la",
        "le",
    ):
        cut -= 1
    return Author(" ".join(parts[cut:]), _initials(" ".join(parts[:cut])))
