"""The audit of one document: its list, its citations, the verdict of each reference, the claims it makes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from calcidiol.errors import CalcidiolError
from calcidiol.evidence.audit.bibliography import Bibliography, bibliography
from calcidiol.evidence.audit.document import from_html, read_document
from calcidiol.evidence.audit.entry import parse
from calcidiol.evidence.audit.intext import find_citations, loosely_cited, points_to
from calcidiol.evidence.audit.listing import find_list
from calcidiol.evidence.audit.matching import judge
from calcidiol.evidence.audit.records import Audit, Cited, InText, Reference
from calcidiol.evidence.audit.spelling import clean

__all__ = ["audit"]


def audit(
    path_or_text: str | Path,
    *,
    online: bool = False,
    cache: Path | str | None = None,
    library: Bibliography | None = None,
) -> Audit:
    """Check the references of an article against real papers, and propose the ledger's claims for its sentences.

    Parameters
    ----------
    path_or_text
        A txt, md, html or pdf file, or the text itself (text with a line break or without a file of that name).
    online
        Also ask Crossref, PubMed and OpenAlex (needs the extra ``calcidiol[online]``).
    cache
        Folder for answers from online sources; None: no cache between runs.
    library
        The bibliography to match against; None: the shipped one.

    Returns
    -------
    Audit
        One `Reference` for each entry of the list, then one with status ``missing`` for each citation in the text that
        the list does not hold.

    Raises
    ------
    CalcidiolError
        The document cannot be read; the message is a sentence.

    Examples
    --------
    >>> entry = "Feldman D, et al. The role of vitamin D in reducing cancer risk and progression. Nat Rev Cancer. 2014;14:342."
    >>> found = audit(f"Text (Feldman et al., 2014).\\n\\nReferences\\n1. {entry}\\n")
    >>> found.references[0].status
    'exact'
    """  # noqa: E501
    name, text = _text_of(path_or_text)
    library = library or bibliography()
    listing = find_list(text)
    cited = [parse(entry.text, library.journals.at_end) for entry in listing.entries]
    notes: list[str] = []
    if not listing.entries:
        notes.append("no reference list was found in the document")
    if online:
        from calcidiol.evidence.audit.online import SOURCES, look_up

        library, told = look_up(cited, library, cache=Path(cache) if cache else None)
        notes.extend(told)
        online = len(told) < SOURCES  # a look-up that reached nobody was none
    inline = sum(entry.inline for entry in listing.entries)
    if inline:
        notes.append(f"{inline} of the references stand{'s' * (inline == 1)} in the running text, not in a list")
    numbers = [entry.number for entry in listing.entries if not entry.inline]
    citations = find_citations(listing.body, max(numbers, default=0))
    citations = tuple(c for c in citations if c.number not in listing.repeats)
    groups: dict[tuple[object, ...], list[InText]] = {}
    for citation in citations:
        groups.setdefault((citation.number, citation.surname.lower(), citation.year), []).append(citation)
    plain = clean(listing.body)
    references: list[Reference] = []
    for entry, one in zip(listing.entries, cited, strict=True):
        reference = dataclasses.replace(judge(one, library), number=entry.number)
        times = sum(len(group) for group in groups.values() if _means(group[0], reference))
        times = times or loosely_cited(plain, one) or int(entry.inline)
        references.append(dataclasses.replace(reference, times_cited=times))
    notes.extend(_twice(references, [entry.part for entry in listing.entries], inline))
    references.extend(_missing(list(groups.values()), references))
    uncited = tuple(
        r.number for r in references if r.status != "missing" and not r.times_cited and r.number is not None
    )
    from calcidiol.evidence.audit.claims import propose, sentences

    matched, unmatched = propose(listing.body)
    others = len(sentences(listing.body)) - len(matched) - len(unmatched)
    if others:
        notes.append(f"{others} sentences or headings that do not speak of vitamin D were not matched to a claim")
    return Audit(
        document=name,
        references=tuple(references),
        claims=matched,
        unmatched_sentences=unmatched,
        uncited=uncited if citations else (),
        online=online,
        bibliography_size=len(library.records),
        notes=tuple(notes),
    )


def _means(citation: InText, reference: Reference) -> bool:
    """Whether a citation means this entry, as it is written or as the paper is that it was found to be."""
    number = reference.number or 0
    if points_to(citation, number, reference.cited):
        return True
    papers = [p for p in (reference.matched, reference.also_matched) if p is not None]
    return citation.number is None and any(
        points_to(citation, number, dataclasses.replace(reference.cited, authors=(str(paper.authors[0]),), year=year))
        for paper in papers
        if paper.authors
        for year in (paper.year, paper.epub_year, reference.cited.year)
        if year
    )


def _twice(references: list[Reference], parts: list[int], inline: int) -> list[str]:
    """Papers that the article lists more than once, and numbers that one list gives more than once."""
    places: dict[str, list[int]] = {}
    for reference in references:
        if reference.status == "exact" and reference.matched and reference.number is not None:
            places.setdefault(reference.matched.id, []).append(reference.number)
    given = [(part, r.number) for part, r in zip(parts, references, strict=True)]
    repeated = {place: given.count(place) for place in dict.fromkeys(given) if given.count(place) > 1}
    lists = len(set(parts)) - bool(inline)
    notes = [f"the document has {lists} lists of references; numbers are told as printed"] if lists > 1 else []
    notes += [f"the number {number} is given to {count} references" for (_, number), count in repeated.items()]
    return notes + [
        "references " + " and ".join(str(n) for n in numbers) + " are the same paper"
        for numbers in places.values()
        if len(numbers) > 1
    ]


def _text_of(given: str | Path) -> tuple[str, str]:
    if isinstance(given, Path):
        return given.name, read_document(given)
    if "\n" not in given and len(given) < 1000:
        path = Path(given)
        try:
            there = path.exists()
        except OSError:
            there = False
        if there or path.suffix.lower() in (".txt", ".md", ".html", ".htm", ".pdf"):
            return path.name, read_document(path)
    if not given.strip():
        raise CalcidiolError("The text is empty. Give an article as a file (txt, md, html, pdf) or as text.")
    text = from_html(given) if given.lstrip()[:15].lower().startswith(("<!doctype html", "<html")) else given
    return "text", text


def _missing(groups: list[list[InText]], references: list[Reference]) -> list[Reference]:
    """Citations in the text that point to no entry, each once."""
    missing: list[Reference] = []
    for group in groups:
        first = group[0]
        if any(_means(first, reference) for reference in references):
            continue
        notes: list[str] = []
        near = [
            f"{reference.number} ({reference.cited.year}{reference.cited.letter})"
            for reference in references
            if first.number is None
            and reference.cited.year
            and points_to(dataclasses.replace(first, year=reference.cited.year), reference.number or 0, reference.cited)
        ]
        if near:
            notes.append("the list has this author with another year: " + ", ".join(near))
        cited = Cited(first.text, (first.surname,) if first.surname else (), False, year=first.year[:4])
        missing.append(Reference(first.number, cited, "missing", times_cited=len(group), notes=tuple(notes)))
    return missing
