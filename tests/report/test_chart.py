"""The chart: what is drawn where, from the numbers of the plan."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from calcidiol.report.chart import FLAT, NARROW, WIDE, Frame, calcium, scale, svg
from calcidiol.report.view import view

SVG = "{http://www.w3.org/2000/svg}"


def drawn(plan: dict[str, Any], frame: Frame = WIDE, font: str | None = None) -> ET.Element:
    return ET.fromstring(svg(plan, view(plan).labels, frame=frame, font=font))


@pytest.mark.parametrize("frame", [WIDE, NARROW, FLAT])
@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_everything_lies_inside_the_drawing(planned: dict[str, Any], frame: Frame, lang: str) -> None:
    root = ET.fromstring(svg(planned, view(planned, lang).labels, frame=frame))
    _, _, width, height = (float(x) for x in root.get("viewBox", "").split())
    assert width == frame.width
    assert frame.height <= height <= frame.height + 60  # a long legend takes further rows
    for element in root.iter():
        for name, top in (("x", width), ("cx", width), ("y", height), ("cy", height)):
            if element.get(name) is not None:
                assert 0 <= float(element.get(name, "")) <= top
    legend = [e for e in root.iter(f"{SVG}text") if float(e.get("y", "0")) > frame.floor + 40]
    assert max(float(e.get("y", "0")) for e in legend) <= height


def test_injections_are_drawn_one_by_one_and_daily_doses_as_a_bar(planned: dict[str, Any]) -> None:
    root = drawn(planned)
    shapes = [e.get("d", "") for e in root.iter(f"{SVG}path") if e.get("class") == "c-im"]
    marks = [d for d in shapes if float(d[1:].split()[1]) < WIDE.floor + 10]
    assert len(marks) == planned["regimen"]["doses"][0]["count"] == 2
    bars = [e for e in root.iter(f"{SVG}rect") if e.get("class") == "c-oral" and e.get("height") == "5"]
    assert len(bars) == 1


def test_results_have_error_bars(planned: dict[str, Any]) -> None:
    planned["labs"][0]["sd"] = 10.0
    root = drawn(planned)
    at = scale(planned, WIDE)
    value = planned["labs"][0]["value"]
    circle = next(e for e in root.iter(f"{SVG}circle") if e.get("class") == "c-lab")
    assert float(circle.get("cy", "")) == pytest.approx(at.y(value), abs=0.06)
    bar = next(e for e in root.iter(f"{SVG}path") if e.get("class") == "c-error")
    low, high = (float(x) for x in re.findall(r"[\d.]+", bar.get("d", ""))[1:3])
    assert low - high == pytest.approx(2 * 1.645 * 10 * (at.y(0) - at.y(1)), abs=0.2)


def test_the_median_follows_the_forecast(planned: dict[str, Any]) -> None:
    at = scale(planned, WIDE)
    line = next(e for e in drawn(planned).iter(f"{SVG}polyline") if e.get("class") == "c-median")
    ys = [float(p.split(",")[1]) for p in line.get("points", "").split()]
    assert ys == pytest.approx([at.y(v) for v in planned["forecasts"]["individual"]["level"]["p50"]], abs=0.06)


def test_a_high_forecast_shows_the_ceiling(planned: dict[str, Any]) -> None:
    assert not [e for e in drawn(planned).iter() if e.get("class") == "c-ceiling"]
    level = planned["forecasts"]["individual"]["level"]
    level["p95"] = [3 * v for v in level["p95"]]
    assert [e for e in drawn(planned).iter() if e.get("class") == "c-ceiling"]


def test_a_refused_plan_shows_the_untreated_course_only(refused: dict[str, Any]) -> None:
    root = drawn(refused)
    assert "without vitamin D" in root.get("aria-label", "")
    assert not [e for e in root.iter() if e.get("class") in ("c-im", "c-oral", "c-untreated")]


def test_nothing_without_a_forecast(unusable: dict[str, Any]) -> None:
    assert svg(unusable, view(unusable).labels) == ""


def test_print_needs_no_style_sheet(planned: dict[str, Any]) -> None:
    assert "class=" not in svg(planned, view(planned).labels, font="Libertinus Serif")


def test_words_cannot_end_the_drawing(planned: dict[str, Any]) -> None:
    labels = {**view(planned).labels, "chart": '</svg><script>"&', "median": "<b>"}
    root = ET.fromstring(svg(planned, labels))
    assert root.get("aria-label", "").startswith('</svg><script>"&')
    assert not list(root.iter(f"{SVG}script"))


def test_no_forecast_at_all_on_the_first_day_only(planned: dict[str, Any]) -> None:
    """Results older than the chart reaches are left out, and the axis does not stretch to them."""
    planned["labs"][0]["date"] = "2020-01-01"
    assert scale(planned, WIDE).first == 0
    assert not [e for e in drawn(planned).iter() if e.get("class") == "c-lab" and e.tag.endswith("circle")]


def test_calcium_is_drawn_with_its_limit(planned: dict[str, Any]) -> None:
    labels = view(planned).labels
    root = ET.fromstring(calcium(planned["calcium"], planned["on"], labels))
    told = [e.text for e in root.iter(f"{SVG}text")]
    assert "Upper limit 2.55" in told
    assert "exploratory" not in told
    marked = ET.fromstring(calcium({**planned["calcium"], "exploratory": True}, planned["on"], labels))
    assert "exploratory" in [e.text for e in marked.iter(f"{SVG}text")]
    assert calcium({}, planned["on"], labels) == ""
