"""What a nurse reads on the day: the printed session of the examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calcidiol.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["session", *arguments, "--on", "2026-11-24"])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("name", ["cll.yaml", "ckd-4.json", "myeloma-low-albumin.yaml", "thrombocytopenia.json"])
def test_a_stopped_session_says_who_why_what_lifts_it_and_what_stays(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = printed(capsys, "before", str(EXAMPLES / name))
    assert code == 3
    assert out.splitlines()[0].startswith("Stopped")
    assert re.search(r"^  Patient: Invented Example \w+ / .*, Born \d{4}-\d\d-\d\d$", out, re.M)
    stops = re.findall(r"^  \w+ (?:stop|hold)\b.*\n((?:    .*\n)+)", out, re.M)
    assert stops
    assert all("What would lift it: " in s and "Source: " in s for s in stops)
    assert any("Permissible meanwhile: " in s for s in stops)


def test_each_line_of_results_names_what_is_in_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = printed(capsys, "before", str(EXAMPLES / "cll.yaml"))
    assert "[!] Calcium and albumin no older than 7 days. calcium 2.31 mmol/L (2026-11-16); albumin 40 g/L" in out
    assert "[!] Temperature of the day. body temperature: not known" in out


def test_afterwards_every_check_names_its_labs_and_lies_ahead(capsys: pytest.CaptureFixture[str]) -> None:
    record = str(EXAMPLES / "thiazide-and-digoxin.yaml")
    code, out = printed(capsys, "after", record, "--regimen", "im 50000 IU every 28 d x 2")
    assert code == 0
    checks = re.findall(r"^  (\d{4}-\d\d-\d\d)  (.*?): ", out, re.M)
    assert all(day > "2026-11-24" and labs for day, labs in checks)
    assert ("2026-12-01", "calcium, albumin, creatinine") in checks  # day 7
    assert "2026-12-22" in dict(checks)  # week 4
    assert "2027-02-16" in dict(checks)  # week 12
    for asked in ("Observe", "lot", "site", "volume", "Stop when calcium"):
        assert asked in out
