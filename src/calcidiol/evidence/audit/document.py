"""Read an article from a file: txt, md, html or pdf, to plain text with one block a line."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from calcidiol.errors import CalcidiolError

__all__ = ["from_html", "read_document"]

_BLOCKS = frozenset(
    (  # noqa: SIM905
        "p div section article header footer main aside h1 h2 h3 h4 h5 h6 li ol ul table tr blockquote pre br hr dt dd"
    ).split()
)
_SILENT = frozenset(("script", "style", "noscript", "template", "svg", "head"))
_LARGEST_BYTES = 60_000_000
_HEAD_LINES = 3  # a running head or foot has at most so many lines (P: seen in journals)


def read_document(path: Path) -> str:
    """The text of an article.

    Raises
    ------
    CalcidiolError
        A sentence for the user: no such file, empty, encrypted, not text, wrong encoding, too large.
    """
    if not path.exists():
        raise CalcidiolError(f"There is no file {path}. Give the path of a txt, md, html or pdf file.")
    if path.is_dir():
        raise CalcidiolError(f"{path} is a folder. Give one txt, md, html or pdf file.")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CalcidiolError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not raw.strip():
        raise CalcidiolError(f"{path} is empty. Give an article as txt, md, html or pdf.")
    if len(raw) > _LARGEST_BYTES:
        raise CalcidiolError(f"{path} has {len(raw) // 1_000_000} MB; an article of at most 60 MB was expected.")
    if raw[:1024].lstrip()[:5] == b"%PDF-" or path.suffix.lower() == ".pdf":
        return _from_pdf(path)
    text = _decode(raw, path)
    if path.suffix.lower() in (".html", ".htm", ".xhtml") or re.match(r"\s*(<!doctype html|<html\b)", text, re.I):
        text = from_html(text)
    if not text.strip():
        raise CalcidiolError(f"{path} has no words in it. Give an article as txt, md, html or pdf.")
    return text


def _decode(raw: bytes, path: Path) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\x00" in raw[:8192]:
        raise CalcidiolError(f"{path} is not text (it holds binary data). Give an article as txt, md, html or pdf.")
    else:
        encoding = "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        # The one old encoding that shows itself: lone letters above 127 (those of GBK and Big5 come in pairs).
        if not re.search(rb"[\x80-\xff]{2}", raw) and not re.search(rb"[\x80-\x9f][\x00-\x1f]", raw):
            return raw.decode("cp1252", errors="replace")
        raise CalcidiolError(
            f"{path} is not {encoding.removesuffix('-sig').upper()} text (byte {error.start}). "
            "Save the article as UTF-8 and try again."
        ) from error


def _from_pdf(path: Path) -> str:
    import logging

    import pypdf
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise CalcidiolError(f"{path} is encrypted. Save a copy without a password and try again.")
        pages = [page.extract_text() or "" for page in reader.pages]
    except DependencyError as error:
        raise CalcidiolError(f"{path} is encrypted. Save a copy without a password and try again.") from error
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise CalcidiolError(f"{path} is not a PDF that can be read ({type(error).__name__}).") from error
    # A soft hyphen drawn on a page is a hyphen: some fonts name the glyph so, at line ends and inside page ranges.
    text = "\n".join(_without_furniture(pages)).replace("\u00ad", "-")
    if not text.strip():
        raise CalcidiolError(
            f"{path} has no text in it (scanned pages?). Recognize its text first, or give the article as txt."
        )
    return text


def _without_furniture(pages: list[str]) -> list[str]:
    """Pages without page numbers and without the running heads and feet that stand on two pages or more."""
    cut = [page.strip().split("\n") for page in pages]
    edges = [[_masked(line) for line in {*lines[:_HEAD_LINES], *lines[-_HEAD_LINES:]}] for lines in cut]
    counted = Counter(line for page in edges for line in set(page))
    repeated = {
        line
        for line, pages_with in counted.items()
        if pages_with >= 2 or re.fullmatch(r"(?:page\s*)?#(?:\s*(?:of|/)\s*#)?", line, re.I)
    }
    kept = []
    for lines in cut:
        while len(lines) > 2 and _masked(lines[0]) in repeated:
            lines = lines[1:]
        while len(lines) > 2 and _masked(lines[-1]) in repeated:
            lines = lines[:-1]
        kept.append("\n".join(lines))
    return kept


def _masked(line: str) -> str:
    return re.sub(r"\d+", "#", line.strip())


class _Plain(HTMLParser):
    """HTML to text: a line for each block, numbers for ordered lists, superscript numbers as [n]."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0
        self.lists: list[int | None] = []
        self.superscript = False
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in _SILENT:
            self.silent += 1
        elif tag == "ol":
            start = found.get("start") or "1"
            self.lists.append(int(start) if start.isdigit() else 1)
        elif tag == "ul":
            self.lists.append(None)
        elif tag == "sup":
            self.superscript = True
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "ul"):
            self.parts.append("\n")
        if tag == "li" and self.lists and self.lists[-1] is not None:
            self.parts.append(f"{self.lists[-1]}. ")
            self.lists[-1] += 1
        if tag == "a":
            self.links.append(found.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in ("ol", "ul") and self.lists:
            self.lists.pop()
        elif tag == "sup":
            self.superscript = False
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "a" and self.links:
            target = self.links.pop()
            doi = re.search(r"doi\.org/(10\.\d{4,9}/\S+)", target)
            if doi and doi.group(1) not in "".join(self.parts[-4:]):
                self.parts.append(f" doi:{doi.group(1)} ")
            number = re.search(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/(\d{5,9})", target)
            if number and number.group(1) not in "".join(self.parts[-6:]):
                self.parts.append(f" PMID: {number.group(1)} ")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def _end_cell(self) -> None:
        """Cells of a row become sentences, so that a table of references reads like a list."""
        last = next((part for part in reversed(self.parts) if part.strip()), "")
        self.parts.append(" " if last.rstrip()[-1:] in (".", "?", "!", ":", ";") else ". ")

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        if self.superscript and re.fullmatch(r"\s*\d{1,3}(\s*[,;\-–]\s*\d{1,3})*\s*", data):
            self.parts.append(f"[{data.strip()}]")
        else:
            self.parts.append(re.sub(r"\s+", " ", data))


def from_html(text: str) -> str:
    """Plain text of an HTML page, blocks on lines of their own."""
    parser = _Plain()
    parser.feed(text)
    parser.close()
    joined = "".join(parser.parts)
    joined = re.sub(r"[ \t]*\n[ \t]*", "\n", joined)
    return re.sub(r"\n{3,}", "\n\n", joined).strip() + "\n"
