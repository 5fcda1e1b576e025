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
