"""Take one reference entry apart: identifiers, source (journal, year, volume, pages), authors, title.

The same functions serve two readings: `parse` reads an entry with nothing known; `compare` reads it again with the title
of a real paper found in it, which settles where the authors end and the journal begins.
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from calcidiol.evidence.audit.names import author_block_end, split_authors
from calcidiol.evidence.audit.records import Cited
from calcidiol.evidence.audit.spelling import clean, has_han

__all__ = ["Source", "identifiers", "parse", "read_source", "strip_noise"]

_DOI = re.compile(r"(?:https?://)?(?:dx\.)?(?:doi\.org/|doi:?\s*)*\s*(10\.\s?\d{4,9}/\s?[^\s\"<>]+)", re.IGNORECASE)
_PMID = re.compile(
    r"(?:PMID|PubMed(?:\s+PMID)?|pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/)\s*[:#]?\s*(\d{6,8})",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?|spring|summer|autumn|fall|winter)"
)
_NOISE = [
    re.compile(p, re.IGNORECASE)
    for p in (
        r"\bPMC\s?ID\s*[:.]?\s*PMC\d+\b",
        r"\(?\bPMC\d{5,9}\b\)?",
        r"\[?\bE-?pub(?:lished)?(?: online)?(?: ahead of print)?\s*:?\s*(?:(?:19|20)\d{2})?[\s/]*(?:"
        + _MONTH
        + r"|\d{1,2})?"
        r"\.?[\s/]*\d{0,2}\b\]?[.;]?",
        r"\bpublished online(?: first)?\s*:?\s*(?:\d{1,2}\s+)?(?:"
        + _MONTH
        + r")?\.?\s*\d{0,2},?\s*(?:(?:19|20)\d{2})?",
        r"\[?\b(?:Epub )?ahead of print\b\]?",
        r"[\[(]\s*(?:accessed|retrieved|cited|viewed|updated)\s*:?\s*(?:19|20)\d{2}[^\[\]()]{0,20}[\])]",
        r"\b(?:accessed|retrieved|cited|viewed)(?: on)?\s*:?\s*(?:\d{1,2}\s+)?(?:" + _MONTH + r")?\.?\s*\d{0,2},?\s*"
        r"(?:(?:19|20)\d{2})?(?:\s*,)?(?:\s*from)?",
        r"\bavailable (?:from|at|online)\s*:?",
        r"[\[(]?\b(?:in press|forthcoming|accepted manuscript)\b[\])]?",
        r"\[(?:Internet|Google Scholar|Cross\s?Ref|PubMed|Medline|DOI|PMC free article|Full Text|Abstract|MEDLINE)"
        r"(?:\s*:\s*\d+)?\]",
        r"\b(?:CrossRef|Google Scholar|PubMed|MEDLINE|Web of Science|ScienceDirect)\b\s*(?:\||$|\.)?",
        r"\[(?:Article in|in) \w+\]",
        r"[\[(]?\b(?-i:n\.\s?d)\b\.?[\])]?(?=\s*(?:$|[.,;:]))",
        r"(?<=\S)\s*\[(?-i:[JMCDRNSPGZA]|EB|DB|CP)(?:/(?:OL|CD|MT|DK))?\]",  # GB/T 7714: kind of document
        r"(?:[.;]\s*)?\b(?:erratum|correction|corrigendum|comment|retraction|republished)\s*"
        r"(?:in|to|appears in|published in)\s*:.*$",
        r"[\[(](?:published |see )?(?:correction|erratum|corrigendum|retraction)\b[^\[\]]{0,160}[\])]",
    )
]


_BACKLINK = re.compile(r"^\s*(?:\^|↑)\s*(?:(?:[a-z]|\d\.\d)\s+)*")  # of an exported wiki page
_LEAD = re.compile(  # of a note: "See also", "For a review, see"
    r"^\s*(?:(?:for (?:an? |the )?(?:\w+ )?(?:reviews?|overviews?|discussion|details|example|instance)[^,;:]{0,40}[,:]?\s*)?"  # noqa: E501
    r"(?:see(?:,? (?:also|e\.g\.,?|for example,?))?|cf\.|e\.g\.,?|reviewed in:?|adapted from:?|source:)[,:]?\s+)+"
    r"(?=\S)",
    re.IGNORECASE,
)
_DAY = re.compile(rf"\((?:\d{{1,2}}\s+)?{_MONTH}\.?\s+(?:\d{{1,2}},\s*)?((?:19|20)\d{{2}})\)", re.IGNORECASE)


# 2014年, 第14卷第5期, 第342-357頁
_HAN_NUMBERS = [
    (re.compile(r"((?:19|20)\d{2})\s*年(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*日)?"), r"\1"),
    (re.compile(r"(?:第\s*)?(\d{1,4})\s*卷\s*,?"), r"vol. \1, "),
    (re.compile(r"(?:第\s*)?((?:[Ss]uppl\w*\.?\s*)?\d{1,3}(?:\s*[-/]\s*\d{1,3})?)\s*期\s*,?"), r"no. \1, "),
    (re.compile(r"(?:第\s*)?([A-Za-z]{0,12}\d+(?:\s*-\s*[A-Za-z]{0,12}\d+)?)\s*[页頁]"), r"pp. \1"),
]


@dataclass(frozen=True, slots=True)
class Source:
    """What stands behind the title: the words of the journal and the numbers."""

    journal: str = ""
    year: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    rest: str = ""


def identifiers(text: str) -> tuple[str, str, str]:
    """DOI and PMID of an entry (empty where there is none), and the entry without them and without other links."""
    doi = pmid = ""
    text = re.sub(r"(10\.\d{4,9}/[a-z]+\.) (?=\d{4}\.\d)", r"\1", text)  # a DOI cut at a line end
    found = _DOI.search(text)
    if found:
        doi = re.sub(r"\s", "", found.group(1)).rstrip(".,;:)]}>*_").lower()
        if "(" in doi and doi.count("(") > doi.count(")"):
            doi += ")"
        doi = doi.removesuffix("/full").removesuffix("/abstract").removesuffix(".pdf")
        text = f"{text[: found.start()]} {text[found.end() :]}"
        text = _DOI.sub(" ", text)
    number = _PMID.search(text)
    if number:
        pmid = number.group(1)
        text = f"{text[: number.start()]} {text[number.end() :]}"
    text = _URL.sub(" ", text)
    return doi, pmid, text


def strip_noise(text: str) -> str:
    """Drop what says nothing about which paper it is: access dates, labels of links, "Epub ahead of print"."""
    text = re.sub(r"\.\s\.\s\.", "...", text)
    text = _BACKLINK.sub("", text)
    text = _LEAD.sub("", text)
    text = _DAY.sub(r"(\1)", text)
    if has_han(text):
        for pattern, plain in _HAN_NUMBERS:
            text = pattern.sub(plain, text)
    for pattern in _NOISE:
        text = pattern.sub(" ", text)
    text = re.sub(r"\bdoi\s*:?\s*(?=$|[.;,)\]])", " ", text, flags=re.IGNORECASE)
    text = re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?=[\s.,;:)]|$)", "", text)
    text = re.sub(r"\[\s*[|;,]?\s*\]|\(\s*\)", " ", text)
    return re.sub(r"(?:\s\.)+$", "", re.sub(r"\s+", " ", text).strip(" |;,"))


_YEAR = r"(?:19|20)\d{2}"
_DATE = rf"(?P<year>{_YEAR})[a-z]?(?:[\s,-]+(?:{_MONTH}\.?(?:\s*[-/]\s*{_MONTH}\.?)?|\d{{1,2}}(?=[\s;,]))(?:\s+\d{{1,2}}(?:\s*-\s*\d{{1,2}})?)?)?"  # noqa: E501
_VOLUME = r"(?:vol(?:ume)?\.?\s*)?(?P<volume>[A-Za-z]?\d{1,4}[A-Za-z]?(?:-\d{1,4}(?=\s?[:(]|,\s?\w*\d+\s?-))?)"
_ISSUE = r"(?:\s*\((?P<issue>[^()]{1,30}(?:\([^()]*\))?[^()]{0,10})\))"
_ISSUE_WORD = r"(?:[\s,.]*(?:no\.?|nr\.?|issue|iss\.?|number|n)\s*(?P<issue>\d{1,4}(?:\s*[-/]\s*\d{1,3})?(?:\s*suppl\.?\s*\d*)?|suppl\w*\.?\s*\d*))"  # noqa: E501
_SUPPL = r"(?:\s*(?P<supplement>,?\s*suppl(?:ement)?\.?\s*\d*))?"
_PAGE = r"(?:[A-Za-z]{0,12}\.?\d[\dA-Za-z]*)(?:\.e?\d+)?"
_PAGES = (
    r"(?:pp?\.?\s*|(?-i:S\.)\s*|Seiten?\s*|pages?:?\s*|article(?: no\.?| number| id)?\s*:?\s*|art\.?\s*)?"
    rf"(?P<pages>{_PAGE}(?:\s*-\s*{_PAGE})?)"
)
_PATTERNS = [
    re.compile(p, re.IGNORECASE)
    for p in (
        # MLA: 14.5 (2014): 342-57; vol. 14,5 (2014): 342-57; 14:5 (2014) 342-57
        rf"(?<![\w.])(?:vol\.?\s*)?(?P<volume>\d{{1,4}})[.,:](?P<issue>\d{{1,3}})\s*\((?P<year>{_YEAR})\)\s*[:,]?\s*{_PAGES}",
        # IEEE, MLA: vol. 14, no. 5, pp. 342-57, May 2014
        rf"vol(?:ume)?\.?\s*(?P<volume>\w?\d{{1,4}}\w?(?:-\d{{1,4}})?){_ISSUE_WORD}?[\s,.]*(?:{_MONTH}\.?\s*)?(?:\(?(?P<year>{_YEAR})\)?[\s,:.]*)?"
        rf"(?:pp?\.?\s*|pages?\s*|:\s*|p\.\s*|article\s*)(?P<pages>{_PAGE}(?:\s*-\s*{_PAGE})?)"
        rf"(?:[\s,.]*\(?(?:{_MONTH}\.?\s*)?(?P<year_after>{_YEAR})\)?)?",
        # Vancouver, AMA: 2014 May;14(5):342-57
        rf"{_DATE}\.?\s*[;:,.]\s*{_VOLUME}{_SUPPL}{_ISSUE}?{_ISSUE_WORD.replace('?P<issue>', '?P<issue_word>')}?\s*[:;,.]\s*{_PAGES}",  # noqa: E501
        # Chicago: 14, no. 5 (2014): 342-57; 14 (5): 342-57
        rf"(?<![\w.]){_VOLUME}{_ISSUE_WORD}?\s*,?\s*\((?:{_MONTH}\.?\s*(?:\d{{1,2}},?\s*)?)?(?P<year>{_YEAR})\)\s*[:,]?\s*{_PAGES}",
        # Nature, Elsevier: 14, 342-357 (2014)
        rf"(?<![\w.]){_VOLUME}{_SUPPL}{_ISSUE}?\s*[,:]\s*{_PAGES}\s*[,.]?\s*\((?P<year>{_YEAR})\)",
        # APA, MDPI: 14(5), 342-357
        rf"(?<![\w.]){_VOLUME}{_SUPPL}{_ISSUE}\s*[,:.;]?\s*{_PAGES}",
        rf"(?<![\w.]){_VOLUME}{_ISSUE_WORD}\s*[,:.;]\s*{_PAGES}",
        # 14:342-57; 14, 342-57
        rf"(?<![\w.-]){_VOLUME}\s*:\s*{_PAGES}",
        rf"(?<![\w.-]){_VOLUME}\s*[,;]\s*(?:pp?\.?\s*)?(?P<pages>[A-Za-z]{{0,4}}\d[\dA-Za-z]*\s*-\s*{_PAGE})",
        rf"(?<![\w.-]){_VOLUME}\s*,\s*(?:pp?\.\s*|article\s*)?(?P<pages>[A-Za-z]{{0,10}}\d{{2,}}[\dA-Za-z]*)(?=\s*[.,;]?\s*$)",
        # 2014 14 342-357
        r"\b(?P<year>(?:19|20)\d{2})\s+(?P<volume>\d{1,4})\s+(?P<pages>[A-Za-z]{0,3}\d+\s*-\s*[A-Za-z]{0,3}\d+)",
        # 2014;14(5) and nothing more; 2014;14
        rf"{_DATE}\.?\s*[;:,]\s*{_VOLUME}{_SUPPL}{_ISSUE}?(?!\w|[-,:]\d)",
        rf"(?<![\w.]){_VOLUME}\s*\((?P<issue>\d{{1,2}})\)(?=[\s.,;]|$)",
        rf"vol(?:ume)?\.?\s*(?P<volume>\d{{1,4}}){_ISSUE_WORD}?",
    )
]
_LONE_YEAR = re.compile(
    rf"\(?\b(?:{_MONTH}\.?\s*(?:\d{{1,2}},?\s*)?)?(?P<year>{_YEAR})[a-z]?\b(?:[\s,]+{_MONTH}\.?(?:\s+\d{{1,2}})?)?\)?",
    re.I,
)
_FRONT_YEAR = re.compile(
    rf"^[\s.,;:]*(?:\((?:{_MONTH}\.?\s*)?(?P<year>{_YEAR})[a-z]?(?:\s*,\s*[^()]{{0,20}})?\)|(?P<bare>{_YEAR})[a-z]?(?=[.,:\s]))[\s.,:;]*"
)


def read_source(text: str, year_known: str = "") -> Source:
    """Read journal, year, volume, issue and pages from the text behind a title.

    Parameters
    ----------
    text
        What stands behind the title.
    year_known
        The year where it stood in front; then a number that looks like a year can be a volume ("2016, 6213872").
    """
    for pattern in _PATTERNS:
        matches = [m for m in pattern.finditer(text) if year_known or _plausible(m)]
        if not matches:
            continue
        match = matches[-1]
        groups = match.groupdict()
        year = groups.get("year") or groups.get("year_after") or ""
        before, after = text[: match.start()], text[match.end() :]
        if not year:
            lone = None if year_known else _last_year(before) or _last_year(after)
            if lone:
                year = lone.group("year")
                if _last_year(before) is lone or lone.string is before:
                    before = f"{before[: lone.start()]} {before[lone.end() :]}"
                else:
                    after = f"{after[: lone.start()]} {after[lone.end() :]}"
        else:
            # The year once more (in brackets behind the numbers) says nothing new.
            after = re.sub(rf"\(?\b{year}\b\)?", " ", after)
        issue = groups.get("issue") or groups.get("issue_word") or groups.get("supplement") or ""
        return Source(
            journal=_trim(before),
            year=year,
            volume=(groups.get("volume") or "").strip(),
            issue=issue.strip(" ,."),
            pages=re.sub(r"\s", "", groups.get("pages") or ""),
            rest=_trim(after),
        )
    lone = _last_year(text)
    if lone:
        return Source(journal=_trim(f"{text[: lone.start()]} {text[lone.end() :]}"), year=lone.group("year"))
    return Source(journal=_trim(text))


def _plausible(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    volume = groups.get("volume") or ""
    return bool(re.search(r"\d", volume)) and not (
        re.fullmatch(_YEAR, volume)
        and not groups.get("year")
        and not groups.get("year_after")
        and not groups.get("issue")
    )


def _last_year(text: str) -> re.Match[str] | None:
    found = list(_LONE_YEAR.finditer(text))
    return found[-1] if found else None


def _trim(text: str) -> str:
    text = re.sub(r"\(\s*\)|\[\s*\]", " ", text)
    return re.sub(r"\s+", " ", text).strip(" .,;:-\"'|")


def front_year(text: str) -> tuple[str, str]:
    """A year at the very start ("(2014).", "2014.") and the text behind it."""
    match = _FRONT_YEAR.match(text)
    if not match:
        return "", text
    return match.group("year") or match.group("bare") or "", text[match.end() :]


def parse(text: str, journal_at_end: Callable[[str], tuple[str, str] | None] | None = None) -> Cited:
    """Read an entry with nothing known about the paper.

    Parameters
    ----------
    text
        One entry, its label removed.
    journal_at_end
        Given "title. journal", says where a known journal begins, as (title, journal); None: unknown journal.
    """
    whole = re.sub(r"\s+", " ", clean(text)).strip()
    doi, pmid, left = identifiers(whole)
    left = strip_noise(left)
    end = author_block_end(left)
    authors, et_al = split_authors(left[:end])
    year, rest = front_year(left[end:])
    rest = rest.lstrip(" .,;:")
    title = journal = ""
    quoted = re.match(r"^\W*\"(?P<title>.{8,}?)[.,]?\"[.,]?\s*(?:In:?\s+)?", rest) or re.match(
        r"^'(?P<title>.{8,}?)[.,]?'[.,]\s*(?:In:?\s+)?", rest
    )
    if quoted:
        title = quoted.group("title")
        source = read_source(rest[quoted.end() :], year)
        journal = source.journal
    else:
        source = read_source(rest, year)
        title, journal = _title_and_journal(source.journal, journal_at_end)
    if (doi or pmid) and not journal and len(title.split()) < 3 and not authors:
        title = ""  # "Prietl 2013: https://doi.org/...": a label, not a title
    if not authors and not title and not doi and not pmid:
        title = left
    return Cited(
        text=whole,
        authors=tuple(" ".join(a) for a in authors),
        et_al=et_al,
        title=_trim(title),
        journal=_trim(journal),
        year=year or source.year,
        volume=source.volume,
        issue=source.issue,
        pages=source.pages,
        doi=doi,
        pmid=pmid,
        letter=_letter(left, year or source.year),
    )


def _letter(text: str, year: str) -> str:
    found = re.search(rf"\b{year}([a-h])\b", text) if year else None
    return found.group(1) if found else ""


def _title_and_journal(text: str, journal_at_end: Callable[[str], tuple[str, str] | None] | None) -> tuple[str, str]:
    if journal_at_end:
        known = journal_at_end(text)
        if known:
            return known
    cut = max(
        (m.end() for m in re.finditer(r"(?<=[a-z\d)\]\u4e00-\u9fff])[.?!]\s+(?=[A-Z\u4e00-\u9fff])", text)), default=0
    )
    if cut:
        return text[:cut], text[cut:]
    comma = text.rfind(", ")
    if comma > 20 and len(text) - comma < 60 and re.match(r", [A-Z\u4e00-\u9fff]", text[comma:]):
        return text[:comma], text[comma + 2 :]
    return text, ""
