"""The report as PDF: typst, tagged and checked as PDF/UA-1, the same rows and the same chart as the page."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from calcidiol.errors import MissingError
from calcidiol.report import clean
from calcidiol.report.chart import FLAT, svg
from calcidiol.report.view import view

BUILT_IN = "Libertinus Serif"
"""The family inside typst: an English report needs no font of the machine."""
CHINESE = ("Noto Sans CJK HK", "Noto Sans CJK TC", "Noto Sans HK", "Noto Sans TC", "Source Han Sans HC")
"""Families for Traditional Chinese, the first one found is taken (Debian: fonts-noto-cjk)."""


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
    import typst

    plan = clean.plain(plan)
    v = view(plan, lang)
    fonts = _fonts(lang)
    data = asdict(v)
    data["labels"] = dict(v.labels)
    data = _displayable(data)
    data["chart"] = svg(plan, v.labels, frame=FLAT, font=fonts[0])
    data["fonts"] = list(fonts)
    data["text_lang"], data["text_region"] = ("zh", "HK") if lang == "zh-Hant" else ("en", "US")
    year, month, day = (int(x) for x in plan["on"].split("-"))
    data["day"] = {"year": year, "month": month, "day": day}
    with as_file(files("calcidiol.report").joinpath("templates/plan.typ")) as template:
        made: bytes = typst.compile(
            str(template),
            format="pdf",
            sys_inputs={"plan": json.dumps(data)},
            pdf_standards=["ua-1"],
            timestamp=0,
        )
    return made


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


_PICTURE = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\U000e0000-\U000fffff\U00100000-\U0010ffff\ufe00-\ufe0f\u200d\u20e3]"
)


def _displayable(value: Any) -> Any:
    """Text for print: pictures (emoji) and private characters, which no text font draws, by their code point."""
    if isinstance(value, str):
        return value if value.isascii() else _PICTURE.sub(_named, value)
    if isinstance(value, dict):
        return {k: _displayable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_displayable(v) for v in value]
    return value


def _named(found: re.Match[str]) -> str:
    letter = found.group()
    if unicodedata.category(letter) in ("Mn", "Cf"):
        return ""
    return f"[U+{ord(letter):04X}]"
