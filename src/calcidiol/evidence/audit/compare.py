"""Compare a cited reference with a real paper, field by field; only fields that the reference gives are compared."""

from __future__ import annotations

import re
from dataclasses import dataclass

from calcidiol.evidence.audit.bibliography import first_page
from calcidiol.evidence.audit.entry import Source, identifiers, read_source, strip_noise
from calcidiol.evidence.audit.journals import Journals
from calcidiol.evidence.audit.names import author_block_end, comparable, same_author, split_authors
from calcidiol.evidence.audit.records import Cited, Record
from calcidiol.evidence.audit.spelling import Folded, concat, fold

__all__ = ["FIELDS", "SUBTITLE", "Comparison", "Prepared", "compare", "prepare"]

SUBTITLE = "subtitle left out"
FIELDS = ("authors", "title", "journal", "year", "volume", "issue", "pages", "doi", "pmid")


@dataclass(frozen=True, slots=True)
class Prepared:
    """An entry made ready once for many comparisons."""

    cited: Cited
    folded: Folded
    words: str
    title_words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an entry and a paper agree: fields the same, fields that differ, fields that could not be compared.

    `similarity` is 0 to 1 for title and authors (1: the same), else 0 or 1.
    """

    record: Record
    same: frozenset[str]
    differ: frozenset[str]
    unchecked: frozenset[str]
    similarity: dict[str, float]
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    year: str = ""
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""


def prepare(cited: Cited) -> Prepared:
    """Fold an entry for comparison."""
    _, _, left = identifiers(cited.text)
    left = strip_noise(left)
    return Prepared(cited, Folded.of(left), fold(left), fold(cited.title))


def compare(entry: Prepared, record: Record, journals: Journals, reading: Comparison | None = None) -> Comparison:
    """Compare an entry with a paper.

    Parameters
    ----------
    entry, record, journals
        The entry, the paper, the table of journals.
    reading
        A comparison in which the title of another paper was found in the entry: its names and numbers are used where
        the title of this paper is not in the entry.
    """
    cited = entry.cited
    same: set[str] = set()
    differ: set[str] = set()
    unchecked: set[str] = set()
    similarity: dict[str, float] = {}
    notes: list[str] = []

    span, whole_title = _title_span(entry.folded, record.title)
    if span:
        before, after = entry.folded.text[: span[0]], entry.folded.text[span[1] :]
        names, et_al, year, extra_front = _front(before, record)
        source = read_source(after.lstrip(" .,;:?!\"'*)]"), year)
        journal, extra = _journal_and_extra(
            source, record, journals, whole_title and after.lstrip()[:1] in (":", "-", "(")
        )
        year = year or source.year
        same.add("title")
        similarity["title"] = 1.0
        if extra or extra_front:
            same.discard("title")
            differ.add("title")
            similarity["title"] = _ratio(f"{extra_front} {record.title} {extra}", record.title)
        elif not whole_title:
            notes.append(SUBTITLE)
    elif reading:
        names, et_al = [n.split() for n in reading.names], cited.et_al
        source = Source(reading.journal, reading.year, reading.volume, reading.issue, reading.pages)
        journal, year = reading.journal, reading.year
        differ.add("title")
        similarity["title"] = _ratio(reading.record.title, record.title)
    else:
        names, et_al = [n.split() for n in cited.authors], cited.et_al
        source = Source(cited.journal, cited.year, cited.volume, cited.issue, cited.pages)
        journal, year = cited.journal, cited.year
        if cited.title and concat(cited.title) == concat(record.title):
            same.add("title")
            similarity["title"] = 1.0
        elif cited.title:
            differ.add("title")
            similarity["title"] = _title_similarity(entry, record)

    if et_al and not record.complete and len(names) > 2 and re.search(r"\.\.\.|…", entry.folded.text):
        names = names[:-1]  # the last author of a list that our record has not in full
    _authors(names, et_al, record, same, differ, unchecked, similarity, notes)
    _judge("journal", journal, record.journal, lambda a, b: journals.same(a, b), same, differ, unchecked)
    _judge("year", year, record.year, lambda a, b: a in (b, record.epub_year), same, differ, unchecked)
    _judge("volume", source.volume, record.volume, _same_volume, same, differ, unchecked)
    if "volume" in same:
        _judge("issue", source.issue, record.issue, _same_issue, same, differ, unchecked)
    _judge("pages", source.pages, record.pages, _same_pages, same, differ, unchecked)
    if span and record.pages and not source.pages and _unread(after, source, year, record):
        differ.add("pages")  # what could not be read is never called the same
    _judge("doi", cited.doi, record.doi, _same_doi, same, differ, unchecked)
    _judge("pmid", cited.pmid, record.pmid, lambda a, b: a == b, same, differ, unchecked)
    for field in FIELDS:
        similarity.setdefault(field, 1.0 if field in same else 0.0)
    return Comparison(
        record,
        frozenset(same),
        frozenset(differ),
        frozenset(unchecked),
        similarity,
        tuple(notes),
        tuple(" ".join(n) for n in names),
        year,
        journal,
        source.volume,
        source.issue,
        source.pages,
    )


def _judge(field, given, real, agree, same, differ, unchecked) -> None:  # type: ignore[no-untyped-def]
    if not given:
        return
    if not real:
        unchecked.add(field)
    elif agree(given, real):
        same.add(field)
    else:
        differ.add(field)


def _title_span(folded: Folded, title: str) -> tuple[tuple[int, int] | None, bool]:
    """Where the title stands in the entry, between punctuation; second: the whole title, or without its subtitle."""
    for part, whole in _title_forms(title):
        span = folded.find(part)
        while span:
            before = folded.text[: span[0]].rstrip(" *_(['")
            after = folded.text[span[1] :].lstrip(" *_'")
            clean_front = not before or before[-1] in '.,;:?!")]' or bool(re.search(r"(?:19|20)\d{2}[a-z]?$", before))
            # "Vitamin D, infections and immunity" does not hold the title "Vitamin D".
            marks = '.?!")]' if len(part) < 20 else '.,;:?!")]([-'
            clean_back = not after or after[0] in marks
            if clean_front and clean_back:
                return span, whole
            span = _find_after(folded, part, span)
    return None, False


def _find_after(folded: Folded, part: str, span: tuple[int, int]) -> tuple[int, int] | None:
    start = next((k for k, v in folded.starts.items() if v == span[0]), 0)
    place = folded.joined.find(part, start + 1)
    while place >= 0:
        end = place + len(part)
        if place in folded.starts and end in folded.ends:
            return folded.starts[place], folded.ends[end]
        place = folded.joined.find(part, place + 1)
    return None


def _title_forms(title: str) -> list[tuple[str, bool]]:
    forms = [(concat(title), True)]
    main = re.split(r":\s|\?\s|\s[-–—]\s|\.\s", title)[0]
    if main != title and len(fold(main).split()) >= 5:
        forms.append((concat(main), False))
    return forms


def _front(before: str, record: Record) -> tuple[list[list[str]], bool, str, str]:
    """Names, "et al.", year, and words that are neither, in the text in front of a title."""
    before = before.rstrip(" \"'*_([")
    year = ""
    found = re.search(r"[\s(,.]*\(?\b((?:19|20)\d{2})[a-z]?(?:\s*,\s*[A-Za-z. ]{3,12}\d{0,2})?\)?[\s.:,]*$", before)
    if found:
        year, before = found.group(1), before[: found.start()]
    inside = re.search(r"\(((?:19|20)\d{2})[a-z]?[^()]{0,15}\)[.,:;]*\s+([^()]{2,80})$", before)
    if inside and not year:
        # "(2014). Review: The role of ...": what stands between year and title belongs to the title.
        year, heading, before = inside.group(1), inside.group(2), before[: inside.start()]
    else:
        before, heading = _without_heading(before, record)
    names, et_al = split_authors(before)
    people: list[list[str]] = []
    extra: list[str] = [heading] if heading else []
    for name in names:
        if re.search(
            r"\b(group|investigators|consortium|collaborat\w+|committee|study|trial|team|network)\b",
            " ".join(name),
            re.I,
        ):
            continue
        small = [w for w in name if w.islower() and w not in _PARTICLES]
        if small and not any("\u4e00" <= c <= "\u9fff" for c in "".join(name)):
            extra.append(" ".join(name))
        else:
            people.append(name)
    return people, et_al, year, " ".join(extra)


def _without_heading(before: str, record: Record) -> tuple[str, str]:
    """Cut a word that stands behind the authors and is none: "Feldman D. Review" gives ("Feldman D.", "Review")."""
    end = author_block_end(before)
    rest = before[end:].strip(" .,:;")
    if 0 < end < len(before) and re.fullmatch(r"[A-Z][\w'-]{2,}(?: [\w'-]+){0,4}", rest):
        initials = any(re.fullmatch(r"[A-Z]{1,4}", word) for word in rest.split())
        surname = concat(rest) in {concat(author.surname) for author in record.authors}  # "and Brian J. Feldman."
        if not initials and not surname and before[end - 1] in ".;:":
            return before[:end], rest
    return before, ""


_PARTICLES = frozenset(
    "van von de del della der den di da dos du la le el al bin ben ten ter af av zu st dr".split()  # noqa: SIM905
)


def _journal_and_extra(source: Source, record: Record, journals: Journals, colon: bool) -> tuple[str, str]:
    """The journal behind a title, and words that stand between title and journal (a longer title than the real one)."""
    text = re.sub(r"^(?:In:?)\s+", "", source.journal)
    if not text or not record.journal or journals.same(text, record.journal):
        return text, ""
    known = journals.at_end(text)
    if known and known[0].strip(" .,:;"):
        return known[1], known[0].strip(" .,:;")
    pieces = [m.end() for m in re.finditer(r"[.:,;?!]\s+", text)]
    for cut in pieces:
        if journals.same(text[cut:], record.journal):
            return text[cut:], text[:cut].strip(" .,:;")
    if colon:
        return "", text
    sentence = [m.end() for m in re.finditer(r"(?<=[a-z\d)])[.?!]\s+(?=[A-Z])", text)]
    if sentence and len(text[: sentence[-1]].split()) >= 3 and re.search(r"\b[a-z]{4,}", text[: sentence[-1]]):
        return text[sentence[-1] :], text[: sentence[-1]].strip(" .,:;")
    place = re.search(r"^(.*?)[.,:;]\s+[A-Z][\w .]+(?::\s*[A-Z][\w .]+)?$", text)
    if place and journals.same(place.group(1), record.journal):
        return place.group(1), ""
    return text, ""


def _ratio(one: str, other: str) -> float:
    from rapidfuzz import fuzz

    return float(fuzz.ratio(fold(one), fold(other))) / 100.0


def _title_similarity(entry: Prepared, record: Record) -> float:
    from rapidfuzz import fuzz

    real = fold(record.title)
    direct = float(fuzz.ratio(entry.title_words, real))
    inside = float(fuzz.partial_ratio(real, entry.words)) if 30 < len(real) <= len(entry.words) else 0.0
    return min(max(direct, 0.95 * inside), 99.0) / 100.0


def _authors(names, et_al, record, same, differ, unchecked, similarity, notes) -> None:  # type: ignore[no-untyped-def]
    """Names in their order: all of them, the first ones with "et al.", or the first one alone."""
    if not names:
        return
    if not record.authors:
        unchecked.add("authors")
        return
    if not all(comparable(n) for n in names):
        unchecked.add("authors")
        notes.append("authors in another script could not be compared")
        return
    real = list(record.authors)
    hits = [same_author(n, r) for n, r in zip(names, real, strict=False)]
    similarity["authors"] = sum(hits) / max(len(names), 1)
    if et_al and len(names) > 1 and not hits[-1] and same_author(names[-1], real[-1]):
        hits[-1] = True  # "A, B, ... Z"
    agree = all(hits)
    if len(names) > len(real):
        agree = agree and not record.complete
        if agree:
            notes.append(f"only the first {len(real)} authors could be compared")
    elif et_al and len(names) == len(real) and record.complete:
        notes.append('the paper has no further authors behind "et al."')
    elif len(names) < len(real) and not et_al:
        if len(names) == 1 and len(real) > 1:
            notes.append("first author only")
        else:
            agree = False
    (same if agree else differ).add("authors")
    if agree:
        similarity["authors"] = 1.0


def _unread(after: str, source: Source, year: str, record: Record) -> bool:
    """Whether numbers behind a title belong to nothing that was read and to nothing that the paper has."""
    known = " ".join(
        (year, source.year, source.volume, source.issue, record.year, record.epub_year, record.volume, record.issue,
         record.pages, _last_page(record.pages), record.journal)
    )  # fmt: skip
    known_numbers = {n.lstrip("0") for n in re.findall(r"\d+", known)}
    return any(n.lstrip("0") not in known_numbers for n in re.findall(r"\d+", after))


def _same_volume(given: str, real: str) -> bool:
    def bare(text: str) -> str:
        text = re.sub(r"(?i)suppl\w*\.?\s*\d*", "", text)
        return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*\)", "", text).lower()).lstrip("0")

    # A double volume ("89-90") is often cited by its first number.
    one, other = re.split(r"[-/]", given), re.split(r"[-/]", real)
    if len(one) != len(other):
        return bare(one[0]) == bare(other[0])
    return bare(given) == bare(real)


def _same_issue(given: str, real: str) -> bool:
    def numbers(text: str) -> list[str]:
        return [n.lstrip("0") or "0" for n in re.findall(r"\d+", text)]

    one, other = numbers(given), numbers(real)
    if not one or not other:
        return True  # "Suppl" beside a number says nothing against it
    return one == other or set(one) <= set(other) or set(other) <= set(one)


def _same_pages(given: str, real: str) -> bool:
    if first_page(given) != first_page(real):
        return False
    one, other = _last_page(given), _last_page(real)
    return not one or not other or one == other


def _last_page(pages: str) -> str:
    """Last page written out: "5467" of "5458-67"; empty where there is none."""
    match = re.match(r"\s*([A-Za-z]*)(\d+)\s*[-–]\s*([A-Za-z]*)(\d+)", pages)
    if not match:
        return ""
    first, last = match.group(2), match.group(4)
    return first[: max(0, len(first) - len(last))] + last


def _same_doi(given: str, real: str) -> bool:
    def bare(doi: str) -> str:
        return re.sub(r"\s", "", doi.lower()).rstrip(".,;)")

    return bare(given) == bare(real)
