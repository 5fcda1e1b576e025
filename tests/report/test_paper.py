"""The PDF: PDF/UA-1, the same bytes each time, closed to markup in names, and clear without a Chinese font."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

from calcidiol import report
from calcidiol.errors import MissingError
from calcidiol.report import paper
from calcidiol.report.view import view
from calcidiol.report.words import Words

CHINESE = bool(set(paper.CHINESE) & paper._families())
NASTY = [
    '#set page(width: 1cm); #eval("1") $x$ `raw` *b* _i_ @ref <label> \\ // /* */ ~ -- ---',
    '"); #panic("no")',
    "]] }} #{",
    "👩‍⚕️🦴☠️ Ana 🏳️‍🌈",
    "مريم الأحمد",
    "דוד לוי",
    "\u202eevil\u202c\x00\x1b[2J",
    "王小明 ไทย हिन्दी",
    "A" * 3000,
    "\ue000\U000f0000\ud83d",
]


def read(pdf: bytes) -> tuple[PdfReader, str]:
    reader = PdfReader(io.BytesIO(pdf))
    return reader, re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))


def test_the_document_is_tagged_titled_and_says_its_language(plan: dict[str, Any]) -> None:
    reader, text = read(report.pdf(plan))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith("en")
    assert "/StructTreeRoot" in root
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == f"Vitamin D plan: {view(plan).status_text}"
    assert plan["capsule"]["hash"] in text


def test_the_chart_has_an_alternative_text(planned: dict[str, Any]) -> None:
    reader, _ = read(report.pdf(planned))
    found = []

    def walk(node: Any, depth: int = 0) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for kid in node:
                walk(kid, depth + 1)
        elif isinstance(node, dict) and depth < 60:
            if node.get("/S") == "/Figure":
                found.append(node.get("/Alt"))
            walk(node.get("/K", []), depth + 1)

    walk(reader.trailer["/Root"]["/StructTreeRoot"])
    assert any("Median forecast of 25(OH)D" in str(alt) for alt in found)
    assert any("corrected calcium" in str(alt) for alt in found)
    assert all(found)


def test_all_fonts_are_embedded(planned: dict[str, Any]) -> None:
    reader, _ = read(report.pdf(planned))
    fonts = {k: v for page in reader.pages for k, v in page["/Resources"].get("/Font", {}).items()}
    assert fonts
    for font in fonts.values():
        inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert any(k in inner for k in ("/FontFile2", "/FontFile3"))


def test_the_same_plan_gives_the_same_bytes(plan: dict[str, Any]) -> None:
    assert report.pdf(plan) == report.pdf(plan)


def test_doses_and_verdict_are_on_the_first_page(planned: dict[str, Any]) -> None:
    reader, _ = read(report.pdf(planned))
    first = re.sub(r"\s+", " ", reader.pages[0].extract_text())
    assert "Allowed" in first
    assert "50,000 IU = 0.5 mL" in first
    assert planned["regimen"]["doses"][0]["start"] in first
    assert f"{planned['regimen']['total_iu']:,.0f} IU" in first


def test_the_plan_stands_on_the_first_two_pages(planned: dict[str, Any]) -> None:
    """Who gives the doses needs no more: doses, forecast, checks, next result, stop rules; the rest comes behind."""
    reader, _ = read(report.pdf(planned))
    pages = [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages]
    labels = Words("en").room("ui")
    front, behind = " ".join(pages[:2]), " ".join(pages[2:])
    for key in ("what_to_give", "chart", "monitoring", "next_result", "stop_rules"):
        assert labels[key] in front, key
    for rule in planned["stop_rules"]:
        assert rule["id"] in front
    for key in ("alternatives", "evidence", "trust", "inputs", "model_heading", "capsule"):
        assert labels[key] in behind, key
    assert front.index(labels["stop_rules"]) < front.index(labels["basis"])
    assert len(pages) <= 9


def test_a_source_is_told_once(planned: dict[str, Any]) -> None:
    """Studies of several claims are told with their numbers each time, with their paper the first time."""
    claims = paper._claims(view(planned), "X")
    studies = [s for c in claims for _, group in c["groups"] for s in group]
    twice = [s for s in studies if s["see"]]
    assert twice
    assert {s["id"] for s in twice} <= {s["id"] for s in studies if not s["see"]}
    assert len([s for s in studies if not s["see"]]) == len({s["id"] for s in studies})
    _, text = read(report.pdf(planned))
    assert f"Source: see {twice[0]['see']}" in text


def test_a_pool_of_two_claims_is_drawn_once(planned: dict[str, Any]) -> None:
    """C02 and C50 rest on the same pool of injections against doses by mouth."""
    planned["evidence"] = [planned["evidence"][0] | {"claims": ["C02", "C50", "C21"]}]
    told = {c["id"]: c["plot_see"] for c in paper._claims(view(planned), "X")}
    assert told == {"C02": "", "C50": "C02", "C21": ""}


def test_a_plot_loses_its_title_only_where_the_claim_stands_above_it() -> None:
    own = '<svg viewBox="0 0 900 218" width="900" height="218" role="img" aria-labelledby="claim-C14-title">'
    assert paper._BOX.sub(paper._headless, own).startswith('<svg viewBox="0 52 900 166" width="900" height="166"')
    pooled = own.replace("claim-", "forest-")
    assert paper._BOX.sub(paper._headless, pooled) == pooled


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_of_a_record_becomes_markup(planned: dict[str, Any], nasty: str) -> None:
    planned["patient"] |= {"name": nasty, "id": nasty}
    planned["findings"][0]["params"] = {"text": nasty}
    planned["inputs"]["used"][0] |= {"name": nasty, "value": nasty, "received": nasty}
    planned["interactions"][0]["params"]["drug"] = nasty
    reader, text = read(report.pdf(planned))
    assert float(reader.pages[0].mediabox.width) == pytest.approx(595.3, abs=0.5)
    if nasty.isascii() and len(nasty) < 100:
        assert nasty.split()[0] in text


@pytest.mark.skipif(not CHINESE, reason="no Chinese font here")
def test_chinese_is_set_in_a_chinese_font(plan: dict[str, Any]) -> None:
    reader, text = read(report.pdf(plan, "zh-Hant"))
    assert reader.trailer["/Root"]["/Lang"] == "zh-HK"
    assert "維生素" in text


def test_without_a_chinese_font_it_says_what_to_do(plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "_families", lambda: frozenset({paper.BUILT_IN}))
    with pytest.raises(MissingError, match="fonts-noto-cjk"):
        report.pdf(plan, "zh-Hant")
    assert report.pdf(plan)[:5] == b"%PDF-"


def test_emoji_are_told_by_their_code_point() -> None:
    told = paper._spelled({"a": ["Ana \U0001f9b4\ufe0f!"], "chart": "\U0001f9b4"}, paper._picture)
    assert told == {"a": ["Ana [U+1F9B4 FE0F]!"], "chart": "\U0001f9b4"}


def test_a_script_without_a_font_is_told_by_its_code_points(planned: dict[str, Any]) -> None:
    """Old Italic and Osage, which the usual fonts of a machine do not have; where they have, the letters themselves."""
    planned["patient"]["name"] = "Ana \U00010300\U00010301 \U000104b0"
    _, text = read(report.pdf(planned))
    assert "[U+10300 10301]" in text or "\U00010300" in text
