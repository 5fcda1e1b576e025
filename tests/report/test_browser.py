"""The page in Chromium: no axe violation, no sideways scrolling, chart by pointer and keyboard, prints whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calcidiol import report

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]
WIDTHS = (320, 360, 600, 720, 900, 1280)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


class Tab:
    """A page of the report, opened from a file; collects errors and requests."""

    def __init__(self, browser: Any, folder: Path, plan: dict[str, Any], lang: str = "en", **options: Any) -> None:
        path = folder / "plan.html"
        path.write_text(report.html(plan, lang), encoding="utf-8")
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(path.as_uri())


@pytest.fixture
def open_tab(browser: Any, tmp_path: Path) -> Iterator[Any]:
    tabs: list[Tab] = []

    def opened(plan: dict[str, Any], lang: str = "en", **options: Any) -> Tab:
        tabs.append(Tab(browser, tmp_path, plan, lang, **options))
        return tabs[-1]

    yield opened
    for tab in tabs:
        tab.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violation(open_tab: Any, plan: dict[str, Any], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for width in (360, 1280):
        tab = open_tab(plan, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
        for details in tab.page.query_selector_all("details"):
            details.evaluate("e => e.open = true")
        found = Axe().run(tab.page)
        assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found.response["violations"]] == []


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_no_sideways_scrolling_of_the_page(open_tab: Any, plan: dict[str, Any], lang: str) -> None:
    plan["patient"]["name"] = "Maximiliana-Wilhelmina_" * 9
    tab = open_tab(plan, lang)
    for width in WIDTHS:
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_error_and_nothing_loaded_from_elsewhere(open_tab: Any, plan: dict[str, Any]) -> None:
    tab = open_tab(plan)
    tab.page.mouse.move(600, 400)
    assert tab.errors == []
    assert [r for r in tab.requests if not r.startswith("file:")] == []


def test_the_chart_can_be_read_by_pointer(open_tab: Any, planned: dict[str, Any]) -> None:
    tab = open_tab(planned, viewport={"width": 1280, "height": 1000})
    box = tab.page.locator("#chart .wide svg").bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    told = tab.page.locator("#read").inner_text()
    assert told[:5] == "2027-"
    assert "nmol/L (" in told
    assert "ng/mL" in told


@pytest.mark.parametrize("width", [360, 1280])
def test_the_chart_can_be_read_by_keyboard(open_tab: Any, planned: dict[str, Any], width: int) -> None:
    tab = open_tab(planned, viewport={"width": width, "height": 900})
    dates = planned["forecasts"]["individual"]["dates"]
    tab.page.focus("#chart")
    assert tab.page.locator("#read").inner_text().startswith(dates[0])
    tab.page.keyboard.press("ArrowRight")
    assert tab.page.locator("#read").inner_text().startswith(dates[1])
    tab.page.keyboard.press("End")
    told = tab.page.locator("#read").inner_text()
    assert told.startswith(dates[-1])
    assert f"{planned['forecasts']['individual']['level']['p50'][-1]:.0f} nmol/L" in told
    line = tab.page.locator("#chart path.c-read").nth(0 if width > 700 else 1)
    assert line.get_attribute("d")


def test_without_script_the_numbers_are_there(open_tab: Any, planned: dict[str, Any]) -> None:
    tab = open_tab(planned, java_script_enabled=False)
    tab.page.locator("details summary").last.click()
    rows = tab.page.locator('details table[aria-label^="The forecast in numbers"] tbody tr')
    assert rows.count() == len(planned["forecasts"]["individual"]["dates"])
    assert tab.page.locator("#chart svg").first.is_visible()


def test_the_first_screen_answers(open_tab: Any, planned: dict[str, Any]) -> None:
    """Verdict, doses, chart and the heading of what to check stand on the first screen of a desktop."""
    tab = open_tab(planned, viewport={"width": 1280, "height": 960})
    for selector in (".head", "#give", "ol.steps", "#course", "#checks"):
        box = tab.page.locator(selector).first.bounding_box()
        assert box["y"] + min(box["height"], 300) <= 960, selector


def test_print_shows_the_closed_parts(open_tab: Any, planned: dict[str, Any]) -> None:
    tab = open_tab(planned)
    tab.page.emulate_media(media="print")
    assert tab.page.locator("details table").last.is_visible()
    assert not tab.page.locator("nav").is_visible()
    assert tab.page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"
