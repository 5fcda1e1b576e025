"""The report as PDF: typst, tagged and checked as PDF/UA-1, the same rows and the same chart as the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import as_file, files
from typing import Any

from calcidiol.errors import MissingError
from calcidiol.report.chart import svg
from calcidiol.report.view import view

FONTS = {
    "en": ["Noto Sans", "Libertinus Serif"],
    "zh-Hant": ["Noto Sans CJK HK", "Noto Sans CJK TC", "Libertinus Serif"],
}
"""Families looked for, the last one being built into typst."""


def pdf(plan: Mapping[str, Any], lang: str = "en") -> bytes:
    """The plan (as plain data) as a PDF.

    Raises
    ------
    MissingError
        A Chinese report without a Chinese font, which would print empty boxes.
    """
    import typst

    if lang == "zh-Hant":
        _need_chinese()
    v = view(plan, lang)
    data = asdict(v)
    data["chart"] = svg(plan, v.labels, themed=False)
    data["fonts"] = FONTS[lang]
    data["text_lang"], data["text_region"] = ("zh", "HK") if lang == "zh-Hant" else ("en", "US")
    data["labels"] = dict(v.labels)
    with as_file(files("calcidiol.report").joinpath("templates/plan.typ")) as template:
        made: bytes = typst.compile(
            str(template),
            format="pdf",
            sys_inputs={"plan": json.dumps(data)},
            pdf_standards=["ua-1"],
            timestamp=0,
        )
    return made


def _need_chinese() -> None:
    import typst

    known = {str(f) for f in typst.Fonts().families()} if hasattr(typst, "Fonts") else set(FONTS["zh-Hant"])
    if not known & set(FONTS["zh-Hant"][:2]):
        raise MissingError(
            "A PDF in Traditional Chinese needs the font Noto Sans CJK, which is not here. Install the package "
            "fonts-noto-cjk, or take the HTML report (--html)."
        )
