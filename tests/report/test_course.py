"""The patient's own course: diary, a level below its forecast, what moves it, placement, published counts."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from calcidiol import report
from calcidiol.report.diary import diary
from calcidiol.report.view import view
from calcidiol.report.words import Words

PARTS = ("symptoms", "lower_than_forecast", "movers", "placement")


def test_the_view_has_every_part(planned: dict[str, Any]) -> None:
    v = view(planned)
    assert [row[2] for row in v.diary.rows] == ["7", "6", "5.5", "4", "2", "6", "12"]
    assert v.diary.rows[0][0] == "fatigue"
    assert v.diary.rows[-1][0] == "PHQ-9 (0-27)"
    assert [row[0] for row in v.explanations.rows][:2] == ["doses were missed", "poor absorption"]
    assert "percentile 1.2" in v.lower[0].text
    assert "missed" in v.lower[1].text
    assert v.movers[0].text == "carbamazepine 400 mg: clearance of 25(OH)D \u00d7 1.3."
    assert [row[0] for row in v.with_without.rows] == ["4", "8", "12", "26", "52"]
    for _, with_it, without_it, gap in v.with_without.rows:
        assert int(with_it.split()[0]) - int(without_it.split()[0]) == pytest.approx(int(gap.split()[0]), abs=1)
    assert v.published.rows[0] == (
        "INVENTED1: 10,000 IU \u00d7 140, daily",
        "67",
        "calcium above 2.6 mmol/L",
        "0",
        "0.2 (95%: 0 to 2)",
        "0.2",
    )
    assert len(v.placement) == 2


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_every_rendering_shows_them_without_a_missing_word(planned: dict[str, Any], lang: str) -> None:
    labels = Words(lang).room("ui")
    page, screen = report.html(planned, lang), report.terminal(planned, lang, width=80)
    for heading in ("symptoms", "lower", "moves", "placement"):
        assert labels[heading] in page
        assert labels[heading] in screen
    assert labels["published"] in page
    for told in (page, screen):
        assert "[symptom" not in told
        assert "[lower" not in told
        assert "[place" not in told
        assert "blood_draw" not in told
    assert "carbamazepine" in screen


def test_the_pdf_shows_them(planned: dict[str, Any]) -> None:
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(report.pdf(planned))).pages)
    for heading in ("Symptom diary beside the level", "A level below its forecast", "What moves the forecast"):
        assert heading in text
    assert "INVENTED1" in text


def test_a_plan_without_them_has_none(planned: dict[str, Any]) -> None:
    for key in PARTS:
        del planned[key]
    del planned["forecasts"]["without_interactions"]
    del planned["calcium"]["published"]
    labels = Words("en").room("ui")
    page = report.html(planned)
    assert not [h for h in ("symptoms", "lower", "moves", "placement", "published") if f">{labels[h]}<" in page]
    assert "c-without" not in page.split("</style>")[1]
    assert diary(planned, Words("en")) == ""


def test_the_diary_is_drawn_with_names_and_levels(planned: dict[str, Any]) -> None:
    root = ElementTree.fromstring(diary(planned, Words("en")))
    told = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"fatigue", "bone pain", "25(OH)D, nmol/L"} <= set(told)
    assert "PHQ-9" not in told  # another scale than 0 to 10 stands in the table only
    lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 2
    assert len({line.get("stroke-dasharray") for line in lines}) == 2


def test_a_mover_that_moves_nothing_is_said_and_not_drawn(planned: dict[str, Any]) -> None:
    planned["forecasts"]["without_interactions"] = planned["forecasts"]["individual"]
    v = view(planned)
    assert v.with_without.rows == ()
    assert "not changed" in v.movers[-1].text
    assert "c-without" not in report.html(planned).split("</style>")[1]
