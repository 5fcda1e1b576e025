"""The report as PDF: typst, tagged and checked as PDF/UA-1, the same rows and the same chart as the page."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import as_file, files
from itertools import groupby
from typing import Any

from calcidiol.errors import MissingError
from calcidiol.report import clean
from calcidiol.report.chart import FLAT, calcium, svg
from calcidiol.report.diary import diary
from calcidiol.report.view import View, view
from calcidiol.report.words import Words

BUILT_IN = "Libertinus Serif"
"""The family inside typst: an English report needs no font of the machine."""
CHINESE = ("Noto Sans CJK HK", "Noto Sans CJK TC", "Noto Sans HK", "Noto Sans TC", "Source Han Sans HC")
"""Families for Traditional Chinese, the first one found is taken (Debian: fonts-noto-cjk)."""

DRAWN = ("chart", "calcium_chart", "diary_chart", "plot")
"""Keys that hold drawings: their text is set by us and stays as it is."""
MOST_SCRIPTS = 20
"""Scripts that are told by code points before giving up."""
PLOT_HEAD = 52
"""Height of the title of a claim's own plot, which print leaves out: it repeats the line above it."""
_BOX = re.compile(r'viewBox="0 0 (\d+) (\d{3,})" width="\d+" height="\d+"(?= role="img" aria-labelledby="claim-)')
_FAMILY = re.compile(r'font-family="[^"]*"')
_UNDRAWN = re.compile(r'the text `"(.*?)"` could not be displayed', re.S)


def pdf(plan: Mapping[str, Any], lang: str = "en") -> bytes:
    """The plan (as plain data) as a PDF/UA-1 document.

    Parameters
    ----------
    plan
        `Plan.to_dict`, or the same read from a file. All of it is passed as data, so that no name can be markup.
    lang
        ``"en"`` or ``"zh-Hant"``.

    Raises
    ------
    MissingError
        A Chinese report without a Chinese font, which would print empty boxes.
    """
    plan = clean.plain(plan)
    v = view(plan, lang)
    fonts = _fonts(lang)
    data = asdict(v)
    data["labels"] = dict(v.labels)
    data["claims"] = _claims(v, fonts[0])
    data = _spelled(data, _picture)
    data["chart"] = svg(plan, v.labels, frame=FLAT, font=fonts[0])
    data["calcium_chart"] = calcium(plan.get("calcium") or {}, plan["on"], v.labels, font=fonts[0])
    data["diary_chart"] = diary(plan, Words(lang), font=fonts[0])
    data["fonts"] = list(fonts)
    data["text_lang"], data["text_region"] = ("zh", "HK") if lang == "zh-Hant" else ("en", "US")
    year, month, day = (int(x) for x in plan["on"].split("-"))
    data["day"] = {"year": year, "month": month, "day": day}
    return _compiled(data)


def _claims(v: View, font: str) -> list[dict[str, Any]]:
    """The claims behind the plan's sentences: each source and pool told once, plots in a font that the document has."""
    from calcidiol.evidence import tell_claims

    made: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    for claim in tell_claims(tuple(c for note in v.evidence for c in note.claims), v.lang):
        told = asdict(claim) | {"plot": _FAMILY.sub(f'font-family="{font}"', _BOX.sub(_headless, claim.plot))}
        for _, studies in told["groups"]:
            for study in studies:
                study["see"] = first.get(study["id"], "")
                first.setdefault(study["id"], claim.id)
        plot = claim.plot.replace(f"-{claim.id}-", "-")
        told["plot_see"] = first.get(plot, "")
        first.setdefault(plot, claim.id)
        made.append(told)
    return made


def _headless(box: re.Match[str]) -> str:
    """The frame of a plot without its title."""
    width, height = box.group(1), int(box.group(2)) - PLOT_HEAD
    return f'viewBox="0 {PLOT_HEAD} {width} {height}" width="{width}" height="{height}"'


def _compiled(data: dict[str, Any]) -> bytes:
    """Compile; a script that no font here can draw is told by its code points (PDF/UA allows no empty boxes)."""
    import typst

    with as_file(files("calcidiol.report").joinpath("templates/plan.typ")) as template:
        for _ in range(MOST_SCRIPTS):
            try:
                made: bytes = typst.compile(
                    str(template),
                    format="pdf",
                    sys_inputs={"plan": json.dumps(data)},
                    pdf_standards=["ua-1"],
                    timestamp=0,
                )
                return made
            except typst.TypstError as error:
                undrawn = _UNDRAWN.search(str(error))
                letters = [ch for ch in (undrawn.group(1) if undrawn else "") if not ch.isascii()]
                if not letters:
                    raise
                data = _spelled(data, _of(frozenset(_script(ch) for ch in letters)))
    raise MissingError(
        "The PDF holds letters of more scripts than the fonts of this machine can draw. Install fonts for them "
        "(Debian: fonts-noto), or take the HTML report (--html)."
    )


@cache
def _families() -> frozenset[str]:
    """Font families that typst finds on this machine."""
    import typst

    return frozenset(typst.Fonts().families())


def _fonts(lang: str) -> tuple[str, ...]:
    known = _families()
    chinese = tuple(f for f in CHINESE if f in known)[:1]
    if lang != "zh-Hant":
        return (BUILT_IN, *chinese)
    if not chinese:
        raise MissingError(
            "A PDF in Traditional Chinese needs the font Noto Sans CJK, which is not here. Install the package "
            "fonts-noto-cjk, or take the HTML report (--html)."
        )
    return (*chinese, BUILT_IN)


def _spelled(value: Any, away: Callable[[str], bool]) -> Any:
    """Plain data with some characters told by their code points: ``[U+1F9B4]``, runs of them in one bracket."""
    if isinstance(value, str):
        if value.isascii():
            return value
        told = []
        for leave, run in groupby(value, away):
            letters = "".join(run)
            told.append(letters if not leave else f"[U+{' '.join(f'{ord(ch):04X}' for ch in letters)}]")
        return "".join(told)
    if isinstance(value, dict):
        return {k: _spelled(v, away) if k not in DRAWN else v for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(v, away) for v in value]
    return value


def _picture(letter: str) -> bool:
    """Emoji, their joiners, and private characters: no text font has a shape for them."""
    code = ord(letter)
    return (
        0x1F000 <= code <= 0x1FAFF
        or 0x2600 <= code <= 0x27BF
        or 0xFE00 <= code <= 0xFE0F
        or code in (0x200D, 0x20E3)
        or unicodedata.category(letter) in ("Co", "Cn")
    )


def _of(scripts: frozenset[str]) -> Callable[[str], bool]:
    """Whether a letter belongs to one of these scripts."""
    return lambda letter: _script(letter) in scripts


def _script(letter: str) -> str:
    """Roughly the script of a letter: the first word of its Unicode name."""
    return unicodedata.name(letter, f"U+{ord(letter):04X}").split()[0]
