"""References made from real papers: written in many styles without a fault, or with one known fault.

The split is by article: every reference made from an article belongs to the half of that article, so that the tuned
thresholds never saw the test half.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import unicodedata
from dataclasses import dataclass

import numpy as np

from calcidiol.evidence.audit.bibliography import Bibliography, first_page
from calcidiol.evidence.audit.records import Record
from calcidiol.evidence.audit.spelling import concat, fold

__all__ = ["FAULTS", "STYLES", "Case", "half_of", "make", "whole"]

STYLES = (
    "vancouver",
    "ama",
    "apa",
    "mdpi",
    "nature",
    "ieee",
    "mla",
    "chicago",
    "harvard",
    "elsevier",
    "pubmed",
    "gbt",
    "chinese",
    "given_names",
    "internet",
    "doi_only",
)
HARMLESS = ("none",)
FAULTS = (
    "none",
    "year",
    "journal",
    "volume",
    "pages",
    "author_swapped",
    "author_changed",
    "author_dropped",
    "author_added",
    "title_word",
    "title_longer",
    "title_invented",
    "doi",
    "issue",
    "title_shorter",
    "title_negated",
    "initials",
    "two_numbers",
    "title_and_year",
    "composite_place",
    "composite_title",
    "composite_authors_year",
    "invented",
    "absent",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One generated reference with what the audit should say of it."""

    text: str
    style: str
    fault: str
    record: str
    status: str
    fields: frozenset[str] = frozenset()
    also: str = ""


def half_of(record: Record) -> str:
    """ "tuning" or "test", by the article alone."""
    return "tuning" if hashlib.sha256(record.id.encode()).digest()[0] % 2 == 0 else "test"


def whole(record: Record) -> bool:
    """Whether a record has every field that the styles print."""
    fields = (record.authors, record.title, record.journal, record.year, record.volume, record.pages, record.doi)
    return all(fields) and len(record.authors) >= 2


_WORDS = (  # noqa: SIM905
    "prostate breast lung kidney skin colon serum plasma oral daily weekly children women men mice rats older young severe mild "  # noqa: E501
    "acute chronic increased reduced improved impaired fracture infection diabetes asthma pregnancy mortality survival"
).split()
_INVENTED = (
    "Intramuscular {a} loading restores {b} immunity in {c} patients",
    "A depot of cholecalciferol and {b} outcomes: the {c} {a} trial",
    "{a} {b} markers after injected vitamin D in {c} oncology",
    "Nanoparticle delivery of calcitriol suppresses {a} growth and {b} signaling in {c} models",
)
_GIVEN = {
    name[0]: name
    for name in (  # noqa: SIM905
        "Anna Brian Carl David Ellen Frank Grace Henry Irene James Karen Laura Maria Nora Oscar Peter Quentin Robert "
        "Susan Thomas Ursula Victor Walter Xavier Yolanda Zoe"
    ).split()
}
_SURNAMES = "Okafor Lindqvist Takahara Moreau Castellan Whitford Zielinska Baptiste Haraldsen Nakamori Petrosyan Oyelaran".split()  # noqa: E501, SIM905


def _pick(rng: np.random.Generator, items: list[str] | tuple[str, ...]) -> str:
    return items[int(rng.integers(len(items)))]


def _abbreviated(journal: str, library: Bibliography) -> str:
    """Another form of the same journal where the table has one."""
    full = library.journals.full(journal)
    return full if full != journal else journal


def _initials(initials: str, style: str) -> str:
    if style in ("apa", "nature", "harvard"):
        return " ".join(f"{letter}." for letter in initials)
    return "".join(f"{letter}." for letter in initials)


def _given(initials: str) -> str:
    """A made-up given name for the first initial, the others with a dot: "David B."."""
    if not initials:
        return ""
    first = _GIVEN.get(initials[0].upper(), f"{initials[0]}.")
    return " ".join([first, *(f"{letter}." for letter in initials[1:])])


def _names(record: Record, style: str, most: int) -> str:
    shown = list(record.authors[:most])
    cut = len(shown) < len(record.authors) or not record.complete
    if style == "apa":
        parts = [f"{a.surname}, {_initials(a.initials, style)}".rstrip(", ") for a in shown]
        return (
            ", ".join(parts) + ", et al."
            if cut
            else (", ".join(parts[:-1]) + f", & {parts[-1]}" if len(parts) > 1 else parts[0])
        )
    if style == "mdpi":
        return "; ".join(f"{a.surname}, {_initials(a.initials, style)}" for a in shown) + ("; et al." if cut else "")
    if style == "nature":
        parts = [f"{a.surname}, {_initials(a.initials, style)}".rstrip(", ") for a in shown]
        return (
            f"{parts[0]} et al." if cut else (", ".join(parts[:-1]) + f" & {parts[-1]}" if len(parts) > 1 else parts[0])
        )
    if style in ("ieee", "elsevier"):
        parts = [
            f"{_initials(a.initials, 'apa') if style == 'ieee' else _initials(a.initials, style)} {a.surname}"
            for a in shown
        ]
        if cut:
            return ", ".join(parts) + ", et al."
        return (
            ", ".join(parts[:-1]) + (", and " if style == "ieee" else ", ") + parts[-1] if len(parts) > 1 else parts[0]
        )
    if style == "gbt":
        return ", ".join(f"{a.surname.upper()} {' '.join(a.initials)}".strip() for a in shown) + (
            ", et al" if cut else ""
        )
    if style == "chinese":
        return "、".join(f"{a.surname} {a.initials}".strip() for a in shown) + ("等" if cut else "")
    if style == "given_names":
        parts = [f"{_given(a.initials)} {a.surname}".strip() for a in shown]
        parts[0] = f"{shown[0].surname}, {_given(shown[0].initials)}".strip(", ")
        if cut:
            return f"{parts[0]}, et al."
        return f"{', '.join(parts[:-1])}, and {parts[-1]}." if len(parts) > 1 else f"{parts[0]}."
    if style in ("mla", "chicago"):
        first = f"{shown[0].surname}, {_initials(shown[0].initials, 'apa')}".rstrip(". ")
        if style == "mla" or cut:
            return f"{first}., et al." if len(record.authors) > 1 else f"{first}."
        rest = [f"{_initials(a.initials, 'apa')} {a.surname}" for a in shown[1:]]
        return (
            f"{first}., " + ", ".join(rest[:-1]) + (", and " if len(rest) > 1 else "and ") + rest[-1] + "."
            if rest
            else f"{first}."
        )
    if style == "harvard":
        parts = [f"{a.surname}, {_initials(a.initials, style)}".rstrip(", ") for a in shown]
        return (
            (", ".join(parts) + " et al.")
            if cut
            else (", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0])
        )
    return ", ".join(f"{a.surname} {a.initials}".strip() for a in shown) + (", et al" if cut else "")


def _pages(pages: str, short: bool) -> str:
    match = re.fullmatch(r"([A-Za-z]*)(\d+)-([A-Za-z]*)(\d+)", pages)
    if not match or not short or match.group(3):
        return pages
    first, last = match.group(2), match.group(4)
    if len(first) != len(last):
        return pages
    keep = next((i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a != b), len(first) - 1)
    return f"{match.group(1)}{first}-{last[keep:]}"


def write(record: Record, style: str, rng: np.random.Generator, library: Bibliography) -> str:
    """A record as a reference in one style, with harmless changes drawn at random."""
    most = int(_pick(rng, ("1", "3", "6", "99"))) if style not in ("mla",) else 99
    most = max(most, 1)
    names = _names(record, style, most)
    title = record.title
    if rng.random() < 0.2:
        title = " ".join(w[:1].upper() + w[1:] for w in title.split(" "))
    elif rng.random() < 0.2:
        title = title[:1] + title[1:].lower()
    if rng.random() < 0.15:
        for american, british in (("tumor", "tumour"), ("leukemia", "leukaemia"), ("randomized", "randomised"), ("hypercalcemia", "hypercalcaemia"), ("pediatric", "paediatric"), ("aging", "ageing")):  # fmt: skip  # noqa: E501
            title = re.sub(rf"\b{american}", british, title)
    end = "" if title.endswith(("?", "!", ".")) else "."
    journal = _abbreviated(record.journal, library) if rng.random() < 0.5 else record.journal
    if rng.random() < 0.15 and "." not in journal and " " in journal:
        journal = (
            re.sub(r"\b([A-Z][a-z]{1,6})\b(?=\s)", r"\1.", journal)
            if journal != library.journals.full(journal)
            else journal
        )
    pages = _pages(record.pages, rng.random() < 0.5)
    issue = f"({record.issue})" if record.issue and rng.random() < 0.7 else ""
    year, volume = record.year, record.volume
    with_doi = rng.random() < 0.4 and bool(record.doi)
    doi = (
        {0: f" doi:{record.doi}", 1: f" https://doi.org/{record.doi}", 2: f" DOI: {record.doi}."}[int(rng.integers(3))]
        if with_doi
        else ""
    )
    if style == "doi_only":
        return _pick(rng, (f"https://doi.org/{record.doi}", f"doi:{record.doi}", record.doi))
    if style == "apa":
        text = f"{names} ({year}). {title}{end} {journal}, {volume}{issue}, {pages}.{doi}"
    elif style == "mdpi":
        text = f"{names} {title}{end} {journal} {year}, {volume}, {pages}.{doi}"
    elif style == "nature":
        text = f"{names} {title}{end} {journal} {volume}, {pages} ({year}).{doi}"
    elif style == "ieee":
        number = f" no. {record.issue}," if issue else ""
        text = f'{names}, "{title}," {journal}, vol. {volume},{number} pp. {pages}, {year}.{doi}'
    elif style == "mla":
        number = f" no. {record.issue}," if issue else ""
        text = f'{names} "{title}{end}" {journal}, vol. {volume},{number} {year}, pp. {pages}.{doi}'
    elif style == "chicago":
        number = f", no. {record.issue}" if issue else ""
        text = f'{names} "{title}{end}" {journal} {volume}{number} ({year}): {pages}.{doi}'
    elif style == "harvard":
        text = f"{names} ({year}) '{title}', {journal}, {volume}{issue}, pp. {pages}.{doi}"
    elif style == "elsevier":
        text = f"{names}, {title}, {journal} {volume} ({year}) {pages}.{doi}"
    elif style == "pubmed":
        month = _pick(rng, ("Jan", "May 3", "Oct", "Dec 12"))
        pmid = f" PMID: {record.pmid}." if record.pmid and rng.random() < 0.5 else ""
        text = f"{names}. {title}{end} {journal}. {year} {month};{volume}{issue}:{pages}.{doi}{pmid}"
    elif style == "gbt":
        text = f"{names}. {title}[J]. {journal}, {year}, {volume}{issue}: {pages}.{doi}"
    elif style == "chinese":
        number = f"第{record.issue}期，" if issue else ""
        text = f"{names}，{year}年，〈{title}〉，《{journal}》，第{volume}卷，{number}第{pages}頁。{doi}"
    elif style == "given_names":
        text = f'{names} {year}. "{title}{end}" {journal} {volume}{issue and f" {issue}"}: {pages}.{doi}'
    elif style == "internet":
        text = f"{names}. {title}{end} {journal} [Internet]. {year} [cited 2024 Mar 12];{volume}{issue}:{pages}.{doi}"
    elif style == "ama":
        text = f"{names}. {title}{end} {journal}. {year};{volume}{issue}:{pages}.{doi}"
    else:
        text = f"{names}. {title}{end} {journal} {year};{volume}{issue}:{pages}.{doi}"
    if rng.random() < 0.2:
        text = re.sub(r"(?<=\d)-(?=\d)", "\u2013", text)
    if rng.random() < 0.1:
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if rng.random() < 0.1:
        text = text.replace("alpha,", "\u03b1,").replace("1,25-dihydroxy", "1,25\u2010dihydroxy")
    return text.replace("..", ".")


def _other(rng: np.random.Generator, pool: list[Record], record: Record) -> Record:
    while True:
        other = pool[int(rng.integers(len(pool)))]
        pairs = (
            (other.id, record.id),
            (other.journal, record.journal),
            (other.volume, record.volume),
            (other.year, record.year),
            (first_page(other.pages), first_page(record.pages)),
            (concat(other.authors[0].surname), concat(record.authors[0].surname)),
        )
        if all(one != two for one, two in pairs):
            return other


def make(
    fault: str, record: Record, pool: list[Record], rng: np.random.Generator, library: Bibliography
) -> Case | None:
    """One reference with one fault; None where this record cannot carry that fault."""
    style = _pick(rng, STYLES if fault in ("none", "absent") else STYLES[:-1])
    replace = dataclasses.replace
    fields: frozenset[str] = frozenset()
    status, also = "differs", ""
    bare = replace(record, doi="") if rng.random() < 0.7 else record
    changed = bare
    if fault == "none":
        return Case(write(record, style, rng, library), style, fault, record.id, "exact")
    if fault == "absent":
        return Case(write(record, style, rng, library), style, fault, record.id, "not_found")
    if fault == "year":
        shift = int(_pick(rng, ("-10", "-5", "-3", "-2", "-1", "1", "2", "3", "5", "10")))
        if str(int(record.year) + shift) in (record.epub_year, record.year):
            return None
        changed, fields = replace(bare, year=str(int(record.year) + shift)), frozenset({"year"})
    elif fault == "journal":
        other = _other(rng, pool, record)
        if library.journals.same(other.journal, record.journal):
            return None
        changed, fields = replace(bare, journal=other.journal), frozenset({"journal"})
    elif fault == "volume":
        if not record.volume.isdigit():
            return None
        shift = int(_pick(rng, ("-3", "-1", "1", "2", "7", "30")))
        changed, fields = replace(bare, volume=str(max(1, int(record.volume) + shift)), issue=""), frozenset({"volume"})
        if changed.volume == record.volume:
            return None
    elif fault == "pages":
        match = re.fullmatch(r"(\d+)-(\d+)", record.pages)
        if not match:
            return None
        shift = int(_pick(rng, ("-40", "-9", "8", "23", "111")))
        first, last = int(match.group(1)) + shift, int(match.group(2)) + shift
        if first < 1:
            return None
        kind = int(rng.integers(3))
        if kind == 0:
            first = int(match.group(1))
            last = max(first + 1, last)
            if last == int(match.group(2)):
                return None
        changed, fields = replace(bare, pages=f"{first}-{last}"), frozenset({"pages"})
    elif fault.startswith("author_"):
        names = list(record.authors)
        if fault == "author_swapped":
            names[0], names[1] = names[1], names[0]
            if names[0].surname == names[1].surname:
                return None
        elif fault == "author_changed":
            place = int(rng.integers(min(len(names), 3)))
            names[place] = replace(names[place], surname=_pick(rng, _SURNAMES))
            if place and style in ("nature", "mla", "given_names"):
                return None  # these styles print the first author only
        elif fault == "author_dropped":
            if len(names) < 3 or not record.complete or style in ("nature", "mla", "chicago", "given_names"):
                return None
            names.pop(int(rng.integers(len(names))))
            if len(names) == len(record.authors):
                return None
        else:
            if not record.complete or style in ("nature", "mla", "chicago", "given_names"):
                return None
            names.insert(1, replace(names[0], surname=_pick(rng, _SURNAMES)))
        changed, fields = replace(bare, authors=tuple(names)), frozenset({"authors"})
    elif fault == "title_word":
        words = record.title.split(" ")
        long = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha()]
        if not long:
            return None
        place = long[int(rng.integers(len(long)))]
        new = _pick(rng, _WORDS)
        if fold(new) == fold(words[place]):
            return None
        words[place] = new
        changed, fields = replace(bare, title=" ".join(words)), frozenset({"title"})
    elif fault == "title_longer":
        extra = _pick(
            rng,
            (
                " in older women",
                " and breast cancer",
                " after intramuscular injection",
                ": a randomized trial in Taiwan",
                " revisited",
            ),
        )
        changed, fields = replace(bare, title=record.title.rstrip(".?") + extra), frozenset({"title"})
    elif fault == "title_invented":
        title = _pick(rng, _INVENTED).format(a=_pick(rng, _WORDS), b=_pick(rng, _WORDS), c=_pick(rng, _WORDS))
        changed, fields = replace(bare, title=title[:1].upper() + title[1:]), frozenset({"title"})
    elif fault == "title_shorter":
        words = record.title.split(" ")
        long = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha() and 0 < i < len(words) - 1]
        if not long or len(words) < 6:
            return None
        del words[long[int(rng.integers(len(long)))]]
        changed, fields = replace(bare, title=" ".join(words)), frozenset({"title"})
    elif fault == "title_negated":
        title = record.title
        for one, two in (("hyper", "hypo"), ("D3", "D2"), ("increase", "decrease"), (" with ", " without "), ("high", "low"), ("deficiency", "sufficiency"), ("risk", "severity")):  # fmt: skip  # noqa: E501
            if one in title:
                title = title.replace(one, two, 1)
                break
        if title == record.title:
            return None
        changed, fields = replace(bare, title=title), frozenset({"title"})
    elif fault == "issue":
        if not record.issue.isdigit():
            return None
        changed, fields = replace(bare, issue=str(int(record.issue) + int(rng.integers(1, 5)))), frozenset({"issue"})
    elif fault == "initials":
        first = record.authors[0]
        if len(first.initials) < 1:
            return None
        letter = _pick(rng, [c for c in "ABCDEGHJKLMNPRSTW" if c not in first.initials])
        changed = replace(bare, authors=(replace(first, initials=letter + first.initials[1:]), *record.authors[1:]))
        fields = frozenset({"authors"})
    elif fault == "two_numbers":
        if not record.volume.isdigit() or style == "doi_only":
            return None
        year, volume = int(record.year) + int(rng.integers(1, 6)), int(record.volume) + int(rng.integers(2, 9))
        changed, fields = replace(bare, year=str(year), volume=str(volume), issue=""), frozenset({"year", "volume"})
        if record.epub_year == str(year):
            return None
    elif fault == "title_and_year":
        words = record.title.split(" ")
        long = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha()]
        if not long:
            return None
        words[long[int(rng.integers(len(long)))]] = "osteoclast"
        changed, fields = (
            replace(bare, title=" ".join(words), year=str(int(record.year) - 4)),
            frozenset({"title", "year"}),
        )
    elif fault == "doi":
        other = _other(rng, pool, record)
        changed, fields = replace(record, doi=other.doi), frozenset({"doi"})
        text = write(changed, style, rng, library)
        if other.doi not in text:
            text += f" doi:{other.doi}"
        return Case(text, style, fault, record.id, "differs", fields)
    elif fault == "composite_place":
        other = _other(rng, pool, record)
        changed = replace(
            bare,
            doi="",
            pmid="",
            journal=other.journal,
            year=other.year,
            volume=other.volume,
            issue=other.issue,
            pages=other.pages,
        )
        return Case(write(changed, style, rng, library), style, fault, record.id, "composite", also=other.id)
    elif fault == "composite_title":
        other = _other(rng, pool, record)
        changed = replace(other, doi="", pmid="", title=record.title)
        return Case(write(changed, style, rng, library), style, fault, record.id, "composite", also=other.id)
    elif fault == "composite_authors_year":
        other = _other(rng, pool, record)
        changed = replace(bare, doi="", pmid="", authors=other.authors, complete=other.complete, year=other.year)
        return Case(write(changed, style, rng, library), style, fault, record.id, "composite", also=other.id)
    elif fault == "invented":
        title = _pick(rng, _INVENTED).format(a=_pick(rng, _WORDS), b=_pick(rng, _WORDS), c=_pick(rng, _WORDS))
        names = tuple(replace(a, surname=_pick(rng, _SURNAMES)) for a in record.authors[:4])
        first = int(rng.integers(100, 3000))
        changed = replace(record, doi="", pmid="", title=title, authors=names, complete=True, volume=str(int(rng.integers(1, 90))), issue="", pages=f"{first}-{first + 9}", year=str(int(rng.integers(1995, 2024))))  # fmt: skip  # noqa: E501
        return Case(write(changed, style, rng, library), style, fault, record.id, "not_found")
    state = rng.bit_generator.state
    plain = write(replace(bare, issue=changed.issue) if fault != "issue" else bare, style, rng, library)
    rng.bit_generator.state = state
    text = write(changed, style, rng, library)
    if text == plain:
        return None  # the style does not print what was changed
    return Case(text, style, fault, record.id, status, fields, also)
