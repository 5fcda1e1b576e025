"""References that stand in full in the running text: "(Lappe JM, et al. Vitamin D and ... 2007;85:1586-91)"."""

from __future__ import annotations

import re

from calcidiol.evidence.audit.lines import one_line
from calcidiol.evidence.audit.names import author_block_end, names_end
from calcidiol.evidence.audit.spelling import has_han

__all__ = ["references_in_text"]

_YEAR = r"(?:19|20)\d{2}"
_PAGE = r"[A-Za-z]{0,6}\d[\dA-Za-z]*"
_IDENTIFIER = (
    r"(?:https?://\S*?(?:10\.\d{4,9}/|pubmed|/PMC)[^\s<>\"]*|(?:doi:?\s*)?10\.\d{4,9}/[^\s<>\"]+|PMID:?\s*\d{6,8}|"
    r"PMC(?:ID:?\s*PMC)?\d{5,9})"
)
# Where the numbers of a journal end: 2007;85(6):1586-91 | 85(6), 1586-1591 | vol. 85, no. 6, 2007, pp. 1586-91 |
# 85, no. 6 (2007): 1586-91 | 85, 1586-1591 (2007).
_PLACE = re.compile(
    rf"{_YEAR}[a-z]?(?:\s+[A-Z][a-z]{{2,8}}\.?(?:\s+\d{{1,2}})?)?\s*[;,:]\s*\d{{1,4}}\s*(?:\([^()]{{1,14}}\))?\s*[:,]\s*(?:pp?\.?\s*)?{_PAGE}(?:\s*-\s*{_PAGE})?|"
    rf"\bvol(?:ume)?\.?\s*\d{{1,4}}[^()\[\]]{{0,40}}?pp?\.?\s*{_PAGE}(?:\s*-\s*{_PAGE})?(?:,\s*{_YEAR})?|"
    rf"\b\d{{1,4}}(?:\s*\(\s*[\w\s/-]{{1,12}}\)|,\s*no\.\s*\d+)?\s*\({_YEAR}\)\s*[:,]?\s*{_PAGE}(?:\s*-\s*{_PAGE})?|"
    rf"\b\d{{1,4}}\s*(?:\([\w\s/-]{{1,10}}\))?\s*[,:]\s*(?:pp?\.?\s*)?{_PAGE}(?:\s*-\s*{_PAGE})?\s*\({_YEAR}\)|"
    rf"\b\d{{1,4}}\s*\(\s*[\w/-]{{1,8}}\s*\)\s*[,:]\s*(?:pp?\.?\s*)?{_PAGE}(?:\s*-\s*{_PAGE})?"
)
_BEHIND = re.compile(rf"[\s.,;\[(]*(?:(?:available (?:from|at):?|doi:?)\s*)?{_IDENTIFIER}[\])]?", re.IGNORECASE)
_LONGEST = 900
_BEGIN = re.compile(r"(?<![\w'.-])(?=(?:van |von |de |del |der )?[A-Z\u00c0-\u024f][\w'.-]|[\u4e00-\u9fff])")
# "Cite this article as: ...": the article itself.
_OWN = re.compile(r"(?:\bcite (?:this|as|it)\b|\bcitation\s*:|how to (?:cite|reference))[^.\n]{0,40}$", re.IGNORECASE)


def references_in_text(body: str, *, bracketed_only: bool = False) -> tuple[list[str], str]:
    """References in full in a running text, and the text with each left out.

    Parameters
    ----------
    body
        Running text as `plain_layout` gives it.
    bracketed_only
        Only those that stand whole in brackets and have authors: where the article has a list, the rest is rarely one.

    Returns
    -------
    tuple[list[str], str]
        The references in their order; the rest of the text.
    """
    body = re.sub(r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}|(?<!\w)_(?=\w)|(?<=[\w.,])_(?!\w)", "", body)
    found: list[tuple[int, int]] = []
    free = 0
    for place in _PLACE.finditer(body):
        if place.start() < free:
            continue
        end = place.end()
        behind = _BEHIND.match(body, end)
        while behind:
            end = behind.end()
            behind = _BEHIND.match(body, end)
        start = _start(body, max(free, place.start() - _LONGEST), place.start(), bracketed_only)
        if start is None or _OWN.search(body[max(0, start - 60) : start]):
            continue
        free = _close(body, start, end)
        found.append((start, free))
    if not bracketed_only:
        taken = [False] * (len(body) + 1)
        for a, b in found:
            taken[a:b] = [True] * (b - a)
        found.extend(m.span() for m in re.finditer(_IDENTIFIER, body, re.IGNORECASE) if not taken[m.start()])
        found.sort()
    rest, last = "", 0
    for a, b in found:
        rest += body[last:a]
        last = b
    texts = [one_line(body[a:b].split("\n")).strip(" ;,") for a, b in found]
    return texts, rest + body[last:]


def _start(body: str, low: int, place: int, bracketed_only: bool) -> int | None:
    """Where the reference begins whose numbers stand at `place`: behind its bracket, else at its first author."""
    window = body[low:place]
    paragraph = low + max(window.rfind("\n\n") + 2, 0) if "\n\n" in window else low
    opened = _open_bracket(body, paragraph, place)
    if opened is not None:
        inner = body[opened:place]
        # "(12, 14; Lappe JM, ...": what stands before the names is another citation.
        begins = [m.start() for m in _BEGIN.finditer(inner) if names_end(inner[m.start() :]) or has_han(inner[:3])]
        if begins:
            return opened + begins[0]
        return None if bracketed_only or len(inner) > 160 else opened
    if bracketed_only:
        return None
    for match in _BEGIN.finditer(body, paragraph, place):
        if not names_end(body[match.start() : place]):
            continue
        names = author_block_end(body[match.start() : place])
        between = body[match.start() + names : place]
        if _no_prose(between, "et al" in body[match.start() : match.start() + names]):
            return match.start()
    return None


def _no_prose(between: str, others: bool) -> bool:
    """Whether a title and a journal alone stand between authors and numbers ("Engl J" of a journal is no author)."""
    breaks = len(re.findall(r"[a-z)\d\"'][.?!][\"']?\s+(?=[A-Z])", between))
    some = others or has_han(between) or len(re.findall(r"[^\W\d_]{2,}", between)) >= 3
    return some and breaks <= 2 and len(between) < 500


def _open_bracket(body: str, low: int, place: int) -> int | None:
    """Behind the outermost bracket that is open at a place."""
    depth: list[int] = []
    for i in range(low, place):
        if body[i] in "([":
            depth.append(i + 1)
        elif body[i] in ")]" and depth:
            depth.pop()
    return depth[0] if depth else None


def _close(body: str, start: int, end: int) -> int:
    """The end of a reference without the bracket that closes around it."""
    while end > start and body[end - 1] in ")]" and body.count("(", start, end) < body.count(")", start, end):
        end -= 1
    return end
