"""Find the reference list of an article and cut it into entries."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from calcidiol.evidence.audit.inline import references_in_text
from calcidiol.evidence.audit.layout import plain_layout
from calcidiol.evidence.audit.lines import (
    BARE_DOI,
    DOI,
    ENTRY_START,
    looks_like_prose,
    looks_like_reference,
    one_line,
    surely_reference,
)

__all__ = ["Entry", "Listing", "find_list", "looks_like_reference"]

_HEADING_WORDS = (
    r"(?:(?:selected|key|further|additional|general|supplementary|other|main|cited|numbered) )?references?"
    r"(?: list| cited| and notes| and (?:further )?reading| (?:for|to|of) [^.,;:]{1,40})?|"
    r"list of references|notes and references|(?:selected |annotated )?bibliography|"
    r"(?:selected |cited )?literature(?: cited)?|works (?:cited|consulted)|cited works|endnotes|footnotes|notes|"
    r"(?:further|suggested|recommended|additional|selected|background) (?:reading|sources|literature)s?|reading list|"
    r"(?:scientific |our |data )?sources|citations|(?:weiterführende )?literatur(?:verzeichnis|angaben|hinweise)?|"
    r"quellen(?:verzeichnis|angaben)?|"
    r"bibliographie|références(?: bibliographiques)?|"
    r"bibliografía|bibliografia|referencias(?: bibliográficas)?|riferimenti|"
    r"(?:主要|相關|相关)?(?:參考文獻|参考文献|參考資料|参考资料|引用文獻|引用文献|文獻|文献|參考書目|参考书目|"
    r"資料來源|资料来源)(?:與註釋)?|延伸閱讀|延伸阅读|註釋|注释|出處"
)
_HEADING = re.compile(
    rf"^\s*(?:#{{1,6}}\s*)?(?:\d{{1,2}}\.?\s+|[IVX]+\.\s+)?[*_]{{0,3}}(?:{_HEADING_WORDS})"
    rf"(?:\s*[/(|]?\s*(?:{_HEADING_WORDS})\s*\)?)?\s*[*_]{{0,3}}\s*[:.]?\s*[*_]{{0,3}}\s*#*\s*(?:\{{[^{{}}]*\}})?\s*$",
    re.IGNORECASE,
)
_INLINE_HEADING = re.compile(
    rf"(?:^|\n)\s*[*_#\s]*(?:{_HEADING_WORDS})\s*[*_]*\s*[:.]?[*_]*\s+(?=\[?\(?1[\].)])", re.IGNORECASE
)
_NOTES = re.compile(r"(?:foot|end)?notes\W*$|[註注][釋释]", re.IGNORECASE)
_MOST_LISTS = 50  # numbered lists that are looked at where no heading names the one (P); the last ones of an article
_UNDERLINE = re.compile(r"^\s*[-=]{3,}\s*$")
# A label at the start of a line: "[1]", "(1)", "1.", "1)", "1:", "^1^", "¹" (made plain by NFKC), "1 Feldman".
_LABEL = re.compile(
    r"^\s*(?:[-*+•]\s+)?[*_]{0,2}(?:\\?\[(?P<square>\d{1,3})\\?\][.:]?|\((?P<round>\d{1,3})\)[.:]?|"
    r"(?P<dot>\d{1,3})\\?[.):](?!\d)|\^(?P<caret>\d{1,3})\^|(?P<comma>\d{1,3}),(?=\s+[^\W\d_])|"
    r"(?P<bare>\d{1,3})(?=\s+[^\W\d_]))[*_]{0,2}\s*"
)
_BULLET = re.compile(r"^\s*[-*+•·–]\s+")
# "Ibid., 660", "op. cit.": the reference before once more, not one of its own.
_REPEATED = re.compile(r"^\W*(?:ibid(?:em)?|op\.?\s*cit|loc\.?\s*cit|idem|同上|同前)\b", re.IGNORECASE)
_ENDED = re.compile(r"(?:[.\d/)\]]|(?:10\.\d{4,9}|https?:/)/\S+)\s*$")
_MARKDOWN_HEADING = re.compile(r"^\s*#{1,6}\s+\S")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a reference list: its number (printed, or its place), its text on one line, which list it is in.

    `inline` marks one that stands in the running text.
    """

    number: int
    text: str
    printed: bool
    part: int = 0
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """An article cut in two: the running text and the entries of its lists."""

    body: str
    entries: tuple[Entry, ...]
    heading: str = ""
    repeats: tuple[int, ...] = ()
    """Numbers of notes that say "ibid.": cited in the text, no references of their own."""


def find_list(text: str) -> Listing:
    """Cut an article into running text and reference entries.

    An article can have several lists (one a chapter, "Further reading"); each heading with entries under it counts, and a
    table of contents that names the list has none. Without a heading the longest run of entries is taken, and without
    that the references that stand in full in the running text.

    Parameters
    ----------
    text
        The whole article, as `read_document` gives it.

    Returns
    -------
    Listing
        No entries where no reference was found.
    """  # noqa: E501
    listing = _lists(plain_layout(text))
    texts, body = references_in_text(listing.body, bracketed_only=bool(listing.entries))
    last = max((entry.number for entry in listing.entries), default=0)
    part = max((entry.part for entry in listing.entries), default=-1) + 1
    inside = tuple(Entry(last + i, one, False, part, True) for i, one in enumerate(texts, start=1))
    return replace(listing, body=body, entries=(*listing.entries, *inside))


def _lists(text: str) -> Listing:
    """The lists of an article and the text around them."""
    lines = text.split("\n")
    headings = [i for i, line in enumerate(lines) if len(line) < 60 and _HEADING.match(line)]
    lists: list[list[Entry]] = []
    repeats: list[int] = []
    rest, end = lines, len(lines)
    for index in reversed(headings):
        entries, used = _cut(lines[index + 1 : end])
        repeats.extend(entry.number for entry in entries if _REPEATED.match(entry.text))
        entries = [entry for entry in entries if not _REPEATED.match(entry.text)]
        if _NOTES.search(lines[index]) and sum(surely_reference(e.text) for e in entries) * 2 < len(entries):
            continue  # notes that tell something, with a year here and there
        if entries:
            lists.insert(0, entries)
            rest = rest[:index] + rest[index + 1 + used :]
            end = index
    if lists:
        return Listing("\n".join(rest), _one_after_another(lists), lines[end].strip(), tuple(repeats))
    inline = list(_INLINE_HEADING.finditer(text))
    for match in reversed(inline):
        entries = _flat(text[match.end() :])
        if entries and sum(surely_reference(e.text) for e in entries) * 2 >= len(entries):
            return Listing(text[: match.start()], tuple(entries), match.group().strip())
    return _without_heading(lines, text)


def _one_after_another(lists: list[list[Entry]]) -> tuple[Entry, ...]:
    """The entries of all lists; those without printed numbers go on counting where the list before stopped."""
    found: list[Entry] = []
    for part, entries in enumerate(lists):
        shift = max((e.number for e in found), default=0) if part and not entries[0].printed else 0
        found.extend(replace(entry, number=entry.number + shift, part=part) for entry in entries)
    return tuple(found)


def _label_of(line: str) -> tuple[int, str, int] | None:
    match = _LABEL.match(line)
    if not match:
        return None
    for style in ("square", "round", "dot", "caret", "comma", "bare"):
        if match.group(style):
            return int(match.group(style)), style, match.end()
    return None


def _cut(lines: list[str]) -> tuple[list[Entry], int]:
    """Entries of the lines under a heading, and how many lines belong to them."""
    lines = _labels_joined(lines)
    start = 0
    while start < len(lines) and (not lines[start].strip() or _UNDERLINE.match(lines[start])):
        start += 1
    numbered = _numbered(lines, start)
    stop = next((i for i in range(start, len(lines)) if _MARKDOWN_HEADING.match(lines[i])), len(lines))
    flat = _flat("\n".join(lines[start:stop]))
    if len(flat) > max(len(numbered[0]), 1):
        return flat, stop
    if numbered[0]:
        return numbered
    return _unnumbered(lines, start)


def _labels_joined(lines: list[str]) -> list[str]:
    """Numbers on lines of their own become labels of the line below; their lines stay, empty, so that places hold."""
    alone = [i for i, line in enumerate(lines) if re.fullmatch(r"\s*\d{1,3}\s*", line)]
    joined, expected = list(lines), 1
    for i in alone:
        below = next((j for j in range(i + 1, min(i + 3, len(lines))) if lines[j].strip()), None)
        if int(lines[i]) == expected and below is not None and below not in alone:
            joined[i], joined[below] = "", f"{expected}. {lines[below].strip()}"
            expected += 1
    return joined if expected > 2 else lines


def _without_tail(lines: list[str]) -> list[str]:
    """The lines of the last entry, up to a line that looks like the heading of what follows the list."""
    for i in range(1, len(lines)):
        before = one_line(lines[:i])
        whole = looks_like_reference(before) and re.search(
            r"(?:\d\s*-\s*\w*\d|[:,]\s*\w?\d+\.?$|10\.\d{4,9}/\S+)", before
        )
        ended = bool(re.search(r"[.\d)\]/]\s*$", before)) or bool(re.search(r"10\.\d{4,9}/\S+$", before))
        line = lines[i].strip()
        if (
            whole
            and ended
            and (
                not line
                or (len(line) < 60 and re.match(r"[A-Z\u4e00-\u9fff#*]", line) and not re.search(r"[.,;:]\s|\d", line))
            )
        ):
            return lines[:i]
    return lines


def _numbered(lines: list[str], start: int) -> tuple[list[Entry], int]:
    """Entries with printed numbers that rise by one; the style is that of the first label."""
    first = next((i for i in range(start, min(start + 6, len(lines))) if _label_of(lines[i])), None)
    if first is None:
        return [], 0
    label = _label_of(lines[first])
    if label is None or label[0] > 1:
        return [], 0
    style = label[1]
    entries: list[Entry] = []
    number, parts, end = label[0], [lines[first][label[2] :]], first + 1
    expected, blank = number + 1, False
    for i in range(first + 1, len(lines)):
        line = lines[i]
        found = _label_of(line)
        # A gap of one or two is a slip of the author, and the entry is still an entry; so is a number given twice.
        if (
            found
            and found[1] == style
            and (expected <= found[0] <= expected + 2 or _renumbered(found, line, number, parts))
        ):
            entries.append(Entry(number, one_line(parts), True))
            number, parts, expected, blank, end = found[0], [line[found[2] :]], found[0] + 1, False, i + 1
            continue
        if not line.strip():
            blank = True
            continue
        if _MARKDOWN_HEADING.match(line) or _HEADING.match(line):
            below = next((x for x in lines[i + 1 :] if x.strip()), "")
            after = _label_of(below)
            if after and after[1:2] == (style,) and after[0] == expected:
                continue  # a list in sections, numbered through
            break
        if blank and looks_like_reference(one_line(parts)) and not _continues(line):
            # A paragraph after a whole entry that is not an entry: the list has ended unless a label follows.
            if any((f := _label_of(x)) and f[1] == style and f[0] == expected for x in lines[i + 1 : i + 40]):
                continue
            break
        blank = False
        parts.append(line)
        end = i + 1
    entries.append(Entry(number, one_line(_without_tail(parts)), True))
    entries = [entry for entry in entries if entry.text]
    if sum(looks_like_reference(e.text) for e in entries) * 2 < len(entries):
        return [], 0
    return entries, end


def _renumbered(found: tuple[int, str, int], line: str, number: int, parts: list[str]) -> bool:
    """Whether a label out of order begins an entry: the one before is whole, and names follow."""
    rest = line[found[2] :]
    return (
        found[1] != "bare"
        and max(1, number - 3) <= found[0] <= number + 20
        and looks_like_reference(one_line(parts))
        and bool(ENTRY_START.match(rest))
    )


def _continues(line: str) -> bool:
    """Whether a line after a blank one still belongs to the entry (page break inside an entry)."""
    stripped = line.strip()
    return bool(stripped) and (stripped[0].islower() or bool(re.match(r"(doi|pmid|https?:|10\.\d{4})", stripped, re.I)))


def _flat(text: str) -> list[Entry]:
    """Entries of a list that stands on one line: "1. ... 2. ... 3. ..."."""
    for pattern in (r"(?:^|\s)\[(\d{1,3})\]\s*", r"(?:^|\s)\((\d{1,3})\)\s+", r"(?:^|\s)(\d{1,3})[.)]\s+(?=\D)"):
        marks = list(re.finditer(pattern, text))
        chain: list[re.Match[str]] = []
        for mark in marks:
            if int(mark.group(1)) == len(chain) + 1:
                chain.append(mark)
        if len(chain) < 2:
            continue
        ends = [m.start() for m in chain[1:]] + [len(text)]
        pieces = [text[m.end() : end].split("\n") for m, end in zip(chain, ends, strict=True)]
        pieces[-1] = _without_tail(pieces[-1])
        entries = [Entry(i + 1, one_line(piece), True) for i, piece in enumerate(pieces)]
        if sum(looks_like_reference(e.text) for e in entries) * 3 >= len(entries) * 2:
            return entries
    return []


def _unnumbered(lines: list[str], start: int) -> tuple[list[Entry], int]:
    """Entries without numbers: bullets, paragraphs, or one entry a line, wrapped or not."""
    region: list[str] = []
    for line in lines[start:]:
        if _MARKDOWN_HEADING.match(line) or _HEADING.match(line):
            break
        region.append(line)
    used = start + len(region)
    content = [line for line in region if line.strip()]
    if not content:
        return [], 0
    blocks: list[list[str]] = []
    if sum(bool(_BULLET.match(line)) for line in content) * 2 > len(content) or (
        _BULLET.match(content[0]) and sum(bool(_BULLET.match(line)) for line in content) > 1
    ):
        for line in content:
            if _BULLET.match(line) or not blocks:
                blocks.append([_BULLET.sub("", line)])
            else:
                blocks[-1].append(line)
    else:
        paragraphs = [p.split("\n") for p in re.split(r"\n\s*\n", "\n".join(region)) if p.strip()]
        for paragraph in paragraphs:
            blocks.extend(_lines_to_entries(paragraph))
    texts = [t for t in (one_line(block) for block in blocks) if t]
    kept: list[str] = []
    if texts and (looks_like_prose(texts[0]) or not looks_like_reference(texts[0])):
        return [], 0  # text under a heading that only sounds like that of a list
    for text in texts:
        if looks_like_reference(text) and not looks_like_prose(text):
            kept.append(text)
        elif kept and len(text) < 60 and text[:1].islower():
            kept[-1] = f"{kept[-1]} {text}"
        elif kept and len(kept) >= 2 and len(text) > 80:
            break  # prose after the list
    return [Entry(i + 1, text, False) for i, text in enumerate(kept)], used


def _lines_to_entries(paragraph: list[str]) -> list[list[str]]:
    """Lines of one paragraph to entries: a line that starts like an entry, after one that has its year, is new."""
    blocks: list[list[str]] = []
    indented = [line[:1] in " \t" for line in paragraph]
    hanging = any(indented) and not all(indented)
    for i, line in enumerate(paragraph):
        if not blocks:
            blocks.append([line])
            continue
        before = one_line(blocks[-1])
        whole = looks_like_reference(before)
        starts = bool(ENTRY_START.match(line)) and bool(_ENDED.search(before))
        fresh = not indented[i] if hanging else whole and starts
        # A DOI that a line end pushed to a line of its own belongs to the entry before, unless that is a DOI too.
        if fresh and BARE_DOI.fullmatch(line) and not DOI.search(before):
            fresh = False
        if fresh:
            blocks.append([line])
        else:
            blocks[-1].append(line)
    return blocks


def _without_heading(lines: list[str], text: str) -> Listing:
    """The longest run of numbered entries that look like references, else a run of such lines at the end."""
    best: tuple[int, int, list[Entry]] = (0, 0, [])
    labels = [(i, _label_of(line)) for i, line in enumerate(lines)]
    starts = [i for i, found in labels if found and found[0] == 1 and found[1] not in ("bare", "comma")]
    for i in starts[-_MOST_LISTS:]:
        entries, used = _numbered(lines[i:], 0)
        if entries:
            alike = sum(surely_reference(e.text) for e in entries)
            if alike >= 2 and alike * 3 >= len(entries) * 2 and alike >= len(best[2]):
                best = (i, i + used, entries)
    if best[2]:
        return Listing("\n".join(lines[: best[0]] + lines[best[1] :]), tuple(best[2]))
    paragraphs = [p for p in re.split(r"\n\s*\n", text) if p.strip()]
    # From the end: lines that are references (names first, then a year and pages), all in one run.
    run: list[str] = []
    rest = "\n".join(paragraphs).split("\n")
    while rest and (not rest[-1].strip() or _strong(rest[-1])):
        line = rest.pop()
        if line.strip():
            run.insert(0, line)
    if len(run) >= 2:
        texts = [one_line([_BULLET.sub("", line)]) for line in run]
        return Listing("\n".join(rest), tuple(Entry(i + 1, t, False) for i, t in enumerate(texts)))
    return Listing(text, ())


def _strong(line: str) -> bool:
    bare = _BULLET.sub("", line)
    if BARE_DOI.fullmatch(bare):
        return True
    return bool(ENTRY_START.match(bare)) and looks_like_reference(bare) and len(bare) < 700
