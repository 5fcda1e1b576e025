"""Requirements have tests that exist; hazards name controls that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from calcidiol import safety

ROOT = Path(__file__).parents[2]
ROWS = tomllib.loads((ROOT / "docs/requirements.toml").read_text("utf-8"))["requirement"]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_requirement_has_tests_that_exist(row: dict[str, object]) -> None:
    assert row["tests"]
    for told in row["tests"]:  # type: ignore[attr-defined]
        file, name = told.split("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), told


AREAS = ("REC", "KIN", "FIT", "SEA", "SAF", "CAL", "PLN", "REP", "EXC", "EVI", "EVA", "CLI")


def test_every_area_has_requirements_and_none_is_without_a_test() -> None:
    assert {str(row["id"]).split("-")[1] for row in ROWS} == set(AREAS)
    assert [row["id"] for row in ROWS if not row["tests"]] == []
    assert all(set(row) == {"id", "text", "tests"} and row["text"] for row in ROWS)
    assert all(len(set(row["tests"])) == len(row["tests"]) for row in ROWS)


def test_every_rule_stands_in_a_vignette() -> None:
    """A rule that no vignette shows has not been looked at by anybody."""
    shown = set(re.findall(r"\b(?:CI|LB|AD|HL)\d\d\b", (ROOT / "tests/safety/vignettes.csv").read_text("utf-8")))
    rules = {r.id for r in safety.knowledge().rules} | set(safety.knowledge().hard)
    assert rules - shown == {"HL01", "HL02", "HL07", "HL08", "HL09"}  # their tests stand in test_safety_pieces.py


def test_ids_are_unique() -> None:
    ids = [row["id"] for row in ROWS]
    assert len(ids) == len(set(ids))


def test_hazards_name_controls_that_exist() -> None:
    text = (ROOT / "docs/hazards.md").read_text("utf-8")
    ids = {row["id"] for row in ROWS}
    assert set(re.findall(r"REQ-[A-Z]+-\d+", text)) <= ids
    rules = {r.id for r in safety.knowledge().rules} | set(safety.knowledge().hard)
    assert set(re.findall(r"\b(?:CI|LB|AD|HL)\d\d\b", text)) <= rules
    rows = [line for line in text.splitlines() if line.startswith("| HZ")]
    assert len(rows) == len({r.split("|")[1] for r in rows})
    assert all(re.search(r"(CI|LB|AD|HL)\d\d|REQ-|permitted|reviewed", r) for r in rows)
