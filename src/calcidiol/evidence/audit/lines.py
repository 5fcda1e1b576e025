"""What a line of a reference list is: the start of an entry, a bare DOI, a whole reference."""

from __future__ import annotations

import re

from calcidiol.evidence.audit.spelling import has_han

__all__ = ["BARE_DOI", "DOI", "ENTRY_START", "looks_like_reference", "one_line"]

_YEAR = re.compile(r"(?<![\d.])(?:19|20)\d{2}[a-z]?(?![\d])")
DOI = re.compile(r"10\.\d{4,9}/\S+")
BARE_DOI = re.compile(r"\s*(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?10\.\d{4,9}/\S+\s*", re.IGNORECASE)
ENTRY_START = re.compile(
    r"^\s*(?:[A-Z\u00c0-\u024f][\w'\-]+(?:\s[A-Z\u00c0-\u024f][\w'\-]+)?,?\s+(?:[A-Z]\.?[\s\-]?){1,4}[,.;(&\s]|"
    r"[\u4e00-\u9fff]{2,4}[,、.;(\s]|(?:van|von|de|del|der|al|el)[\s-]|10\.\d{4,9}/|https?://(?:dx\.)?doi|doi:)"
)


def looks_like_reference(text: str) -> bool:
    """Whether a text could be an entry: a DOI, or a year (or names) beside the punctuation of a citation."""
    if DOI.search(text):
        return True
    if not _YEAR.search(text) and not ENTRY_START.match(text):
        return False
    marks = len(re.findall(r"[.,;:]", text))
    return marks >= 3 and (len(text) > 30 or has_han(text))


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
            re.search(r"(10\.\d{4,9}/\S*[/.\-_]|doi\.org/|\d-)$", joined) and re.match(r"[\w(]", piece)
        ):
            joined = f"{joined}{piece}"
        else:
            joined = f"{joined} {piece}"
    return re.sub(r"\s+", " ", joined).strip()
