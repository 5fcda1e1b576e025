"""What a line of a reference list is: the start of an entry, a bare DOI, a whole reference."""

from __future__ import annotations

import re

from calcidiol.evidence.audit.spelling import has_han

__all__ = [
    "BARE_DOI",
    "DOI",
    "ENTRY_START",
    "PLACE",
    "looks_like_prose",
    "looks_like_reference",
    "one_line",
    "surely_reference",
]

_YEAR = re.compile(r"(?<![\d.])(?:19|20)\d{2}[a-z]?(?![\d])")
DOI = re.compile(r"10\.\d{4,9}/\S+")
_LINK = re.compile(r"https?://\S+|\bPMID\s*:?\s*\d{4,8}\b|\bPMC\s?\d{5,9}\b|\bPMCID\b", re.IGNORECASE)
BARE_DOI = re.compile(r"\s*(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?10\.\d{4,9}/\S+\s*", re.IGNORECASE)
ENTRY_START = re.compile(
    r"^\s*(?:[A-Z\u00c0-\u024f][\w'\-]+(?:\s[A-Z\u00c0-\u024f][\w'\-]+)?,?\s+(?:[A-Z]\.?[\s\-]?){1,4}[,.;(&\s]|"
    r"(?!(?:In|Since|By|From|Until|During|After|Before|On|As|At|About)\b)[A-Z\u00c0-\u024f][\w'\-]+(?:,?\s+et\s+al\.?)?,?\s+\(?(?:19|20)\d{2}[a-z]?\b|"
    r"[\u4e00-\u9fff]{2,4}[,、.;(\s]|(?:van|von|de|del|der|al|el)[\s-]|10\.\d{4,9}/|https?://(?:dx\.)?doi|doi:)"
)


# Volume and pages: "85(6):1586-91", "85: 1586", "14(5), 342-357", "vol. 85".
PLACE = re.compile(
    r"\d\s*(?:\(\s*[\w\s/-]{1,12}\))?\s*[:,]\s*(?:pp?\.?\s*)?[A-Za-z]{0,4}\d+(?:\s*-\s*[A-Za-z]{0,3}\d+)|"
    r"\d\s*\(\s*\d{1,4}\s*\)\s*[:,]|;\s*\d{1,4}\s*[:(]|\bvol(?:ume)?\.?\s*\d|\bpp\.?\s*\d",
    re.IGNORECASE,
)


def looks_like_reference(text: str) -> bool:
    """Whether a text could be an entry: an identifier or link, or a year (or names) beside the punctuation of one."""
    if DOI.search(text) or _LINK.search(text):
        return True
    if _YEAR.search(text) and PLACE.search(text) and ENTRY_START.match(text):
        return True
    if not _YEAR.search(text) and not ENTRY_START.match(text):
        return False
    marks = len(re.findall(r"[.,;:]", text))
    return marks >= 3 and (len(text) > 30 or has_han(text))


def surely_reference(text: str) -> bool:
    """Whether a text has what no plain note has: the numbers of a journal, an identifier, a link, or names in front."""
    return looks_like_reference(text) and bool(
        PLACE.search(text) or DOI.search(text) or _LINK.search(text) or ENTRY_START.match(text)
    )


_CITED_INSIDE = re.compile(
    r"\((?:see )?[A-Z][\w'-]+(?:,? et al\.?| (?:&|and) [A-Z][\w'-]+)?,? (?:19|20)\d{2}|[a-z] et al\.? \((?:19|20)\d{2}"
)
_TOLD = re.compile(r"\b(?:is|are|was|were|has|have|had|does|did|will|can|we|our|you|your|this|these|there|it)\b")


def looks_like_prose(text: str) -> bool:
    """Whether a text tells something: it cites others, or has two verbs, and neither names in front nor a place."""
    if ENTRY_START.match(text) or PLACE.search(text) or DOI.search(text) or _LINK.search(text):
        return False
    return bool(_CITED_INSIDE.search(text)) or (len(text) > 80 and len(_TOLD.findall(text)) >= 2)


def one_line(parts: list[str]) -> str:
    """Join wrapped lines; a word that a line end cut with a hyphen is joined, a DOI too."""
    joined = ""
    for part in parts:
        piece = part.strip()
        if not piece:
            continue
        if not joined:
            joined = piece
        elif (re.search(r"[a-z]-$", joined) and piece[:1].islower()) or (
            re.search(r"(10\.\d{4,9}/\S*[/.\-_]|https?://\S*[/.\-_=]|\d-)$", joined) and re.match(r"[\w(]", piece)
        ):
            joined = f"{joined}{piece}"
        else:
            joined = f"{joined} {piece}"
    return re.sub(r"\s+", " ", joined).strip()
