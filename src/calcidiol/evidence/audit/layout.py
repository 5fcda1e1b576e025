"""An article without its frames: boxes, quotes, table cells and footnotes made plain lines."""

from __future__ import annotations

import re

from calcidiol.evidence.audit.lines import looks_like_reference, one_line
from calcidiol.evidence.audit.spelling import clean, raise_numbers

__all__ = ["plain_layout"]

_CIRCLED = {ord("\u2460") + i: f"[{i + 1}]" for i in range(20)}
_FRAME = re.compile(r"[\s+|=\-_*#\u2500-\u257f]*[|=\-\u2500-\u257f]{3,}[\s+|=\-_*#:\u2500-\u257f]*")
_BOXED = re.compile(r"\s*[|\u2502\u2503\u2551](.*)[|\u2502\u2503\u2551]\s*")
_QUOTED = re.compile(r"\s{0,3}(?:>\s?)+")
_TAG = re.compile(r"</?(?:a|abbr|b|br|cite|code|div|em|i|li|ol|p|small|span|strong|sub|sup|u|ul)(?:\s[^<>]*)?/?>", re.I)
_FENCE = re.compile(r"\s*:{3,}.*")  # pandoc: "::: {#refs}"
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((https?://[^\s()]*(?:\([^\s()]*\)[^\s()]*)*|#[^\s()]*)\)")
_FOOTNOTE = re.compile(r"\s{0,3}\[\^([^\]\s]{1,40})\]:\s*(.*)")


def plain_layout(text: str) -> str:
    """The text with plain punctuation, without frames, quotes and cells, and with its footnotes as a list at the end.

    >>> plain_layout("| 1 | Feldman D |")
    '1. Feldman D'
    """
    text = re.sub("\u00ad[ \t]*\r?\n[ \t]*", "", text).translate(_CIRCLED)
    text = _LINK.sub(_plain_link, _TAG.sub(_plain_tag, text))
    text = clean(raise_numbers(text)).replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    lines: list[str] = []
    for line in text.split("\n"):
        if _FENCE.fullmatch(line):
            lines.append("")
            continue
        boxed = _BOXED.fullmatch(line)
        if boxed and _FRAME.fullmatch(line):
            continue  # the rule between heading and rows of a table
        if boxed:
            cells = [cell.strip() for cell in re.split(r"[|\u2502\u2503\u2551]", boxed.group(1))]
            lines.append(
                ". ".join(cell.rstrip(".") for cell in cells[:-1] if cell) + ". " * bool(cells[:-1]) + cells[-1]
            )
        elif "+" in line and _FRAME.fullmatch(line):
            lines.append("")
        else:
            lines.append(_QUOTED.sub("", line))
    return "\n".join(_footnotes_last(lines))


def _plain_tag(match: re.Match[str]) -> str:
    """What stays of a tag inside Markdown: superscript numbers keep a mark, blocks a line end."""
    tag = match.group().strip("</>").split()[0].lower()
    if tag == "sup":
        return "^"
    return "\n" if tag in ("br", "div", "p", "li", "ol", "ul") else ""


def _plain_link(match: re.Match[str]) -> str:
    """The words of a Markdown link; its address too where it says which paper is meant and the words do not."""
    words, target = match.groups()
    tells = re.search(r"doi\.org/|/10\.\d{4,9}/|pubmed|/PMC\d", target)
    if target.startswith("#") or (not tells and words.strip()):
        return words
    doi = re.search(r"10\.\d{4,9}/\S+", target)
    if doi and doi.group() in words:
        return words
    return f"{words} {target} " if words.strip() else f"{target} "


def _footnotes_last(lines: list[str]) -> list[str]:
    """Markdown footnotes that are references, numbered in their order and moved to the end under a heading."""
    rest: list[str] = []
    notes: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        found = _FOOTNOTE.fullmatch(line)
        if found:
            name = found.group(1)
            notes[name] = [found.group(2)]
        elif name and line[:1] in (" ", "\t") and line.strip():
            notes[name].append(line)
        else:
            name = ""
            rest.append(line)
    texts = {name: one_line(parts) for name, parts in notes.items()}
    if sum(map(looks_like_reference, texts.values())) * 2 < max(len(texts), 1):
        return lines
    numbers = {name: int(name) if name.isdigit() else i for i, name in enumerate(texts, start=1)}
    body = re.sub(
        r"\[\^([^\]\s]{1,40})\]",
        lambda m: f"[{numbers[m.group(1)]}]" if m.group(1) in numbers else m.group(),
        "\n".join(rest),
    )
    return [*body.split("\n"), "", "References", *(f"[{numbers[name]}] {text}" for name, text in texts.items())]
