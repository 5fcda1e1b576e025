"""The terminal summary: verdict first, never wider than the terminal, plain when piped."""

from __future__ import annotations

from typing import Any

import pytest

from calcidiol import report
from calcidiol.report.words import Words


def width_of(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)


@pytest.mark.parametrize("lang", ["en", "zh-Hant"])
@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(plan: dict[str, Any], lang: str, width: int) -> None:
    told = report.terminal(plan, lang, width=width)
    assert max(width_of(line) for line in told.split("\n")) <= width


def test_piped_output_has_no_escape_codes(plan: dict[str, Any]) -> None:
    assert "\x1b" not in report.terminal(plan, width=80)
    assert "\x1b" not in report.terminal(plan, width=80, color=False)


def test_colors_when_asked(planned: dict[str, Any]) -> None:
    assert "\x1b[" in report.terminal(planned, width=80, color=True)


def test_the_verdict_comes_first(planned: dict[str, Any], refused: dict[str, Any], unusable: dict[str, Any]) -> None:
    def second(p: dict[str, Any]) -> str:
        return report.terminal(p, width=200).split("\n")[1]

    assert second(planned).startswith("Allowed: 50,000 IU intramuscular")
    assert second(refused).startswith("Refused: No vitamin D is to be given now")
    assert second(unusable).startswith("Record not usable")


def test_a_refusal_says_what_would_lift_it_and_what_stays_permissible(refused: dict[str, Any]) -> None:
    told = report.terminal(refused, width=400)
    assert "What would lift it" in told
    assert "Permissible meanwhile" in told
    assert "What to give" not in told


def test_the_same_plan_gives_the_same_text(plan: dict[str, Any]) -> None:
    assert report.terminal(plan, width=80) == report.terminal(plan, width=80)


def test_names_cannot_steer_the_terminal(planned: dict[str, Any]) -> None:
    planned["patient"]["name"] = "\x1b]0;owned\x07[red]Ana[/red]:smile:\x1b[2J" + "x" * 300
    told = report.terminal(planned, width=80)
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[red]Ana[/red]:smile:" in told.replace("\n", "")
    assert max(width_of(line) for line in told.split("\n")) <= 80


def test_what_to_do_comes_before_what_it_rests_on(planned: dict[str, Any]) -> None:
    told = report.terminal(planned, width=100)
    words = Words("en").room("ui")
    order = ["what_to_give", "limits", "chart", "monitoring", "next_result", "stop_rules", "interactions", "findings",
             "alternatives", "evidence", "trust"]  # fmt: skip
    places = [told.index("\n" + words[key]) for key in order]
    assert places == sorted(places)


def test_cautions_and_days_of_injections_are_told_at_the_top(planned: dict[str, Any]) -> None:
    top = report.terminal(planned, width=400).split(Words("en").say("ui.limits"))[0]
    assert "falls at the 0.4th percentile of its own forecast" in top
    assert "2026-11-21, 2026-12-05" in top


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_color_where_it_is_not_wanted(
    planned: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in report.terminal(planned, width=80)
    monkeypatch.setenv(name, value)
    assert "\x1b[" not in report.terminal(planned, width=80)
