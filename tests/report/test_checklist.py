"""The checklist of an injection day as a page: every line there, no markup from a record, no axe violation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from calcidiol import report
from calcidiol.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
CHROMIUM = shutil.which("chromium")


def made(tmp_path: Path, when: str, record: str, lang: str = "en", *more: str) -> tuple[int, str]:
    page = tmp_path / "session.html"
    code = main(
        ["session", when, str(EXAMPLES / record), "--on", "2026-11-21", "--lang", lang, "--html", str(page), *more]
    )
    return code, page.read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
def test_before_an_injection(tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, page = made(tmp_path, "before", "thrombocytopenia.json", lang)
    told = [line for line in capsys.readouterr().out.splitlines() if re.match(r"\s+\[.\]", line)]
    assert code == 3
    assert page.count('type="checkbox"') == len(told) > 5
    assert page.count(" checked>") == sum("[x]" in line for line in told)
    assert "CI16" in page
    assert "[session" not in page
    assert "\u2014" not in page
    assert ("尚未經臨床醫師審閱" in page) == (lang == "zh-Hant")


def test_after_an_injection(tmp_path: Path) -> None:
    code, page = made(tmp_path, "after", "simple-deficiency.yaml", "en", "--regimen", "im 50000 IU once")
    assert code == 0
    assert "Record product, lot, expiry, dose, volume, site and side, needle." in page
    assert "im 50000 IU once" in page
    assert "2026-12-19" in page
    assert "ST01" in page
    assert "<script" not in page


def test_markup_in_a_name_stays_text() -> None:
    session: dict[str, Any] = {
        "when": "before",
        "on": "2026-11-21",
        "status": "open",
        "patient": {"id": "<b>", "name": "<script>alert(1)</script>"},
        "items": [{"id": "S01", "text_id": "session.S01", "status": "missing", "params": {"missing": ["calcium"]}}],
    }
    page = report.sheet(session)
    assert "<script>" not in page
    assert "missing or too old: calcium" in page
    json.dumps(session)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [360, 1280])
def test_no_axe_violation_and_no_sideways_scrolling(tmp_path: Path, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    made(tmp_path, "before", "thrombocytopenia.json")
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto((tmp_path / "session.html").as_uri())
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
