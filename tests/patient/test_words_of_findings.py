"""Every id that reading or plausibility can give has its sentence, in every language."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "calcidiol"
NUMBERS = ("not_a_number", "decimal_comma", "not_finite", "empty", "two_units")
FLAGS = (
    "hemolyzed",
    "preliminary",
    "d2_unknown",
    "matched_by_text",
    "issued_time",
    "report_time",
    "month_only",
    "unit_taken_as",
)
STATES = (
    "entered_in_error",
    "cancelled",
    "registered",
    "refuted",
    "inactive",
    "resolved",
    "not_done",
    "preparation",
    "on_hold",
    "stopped",
    "draft",
    "unknown",
    "not_taken",
    "intended",
)
VARIABLE = {
    "lab_unit_conflict",
    "dose_iu_meaningless",
    "dose_unit_unknown",
    "multivitamin_without_amount",
    "dose_without_amount",
    "order_not_to_be_given",
    "superseded",
}
MADE = VARIABLE | {f"lab_{x}" for x in (*NUMBERS, *FLAGS)} | {f"status_{s}" for s in STATES}
"""Ids that are put together from parts, or chosen in a variable."""
PLACE_OF_ID = {"remark": 0, "Finding": 0, "refuse": 1, "skip": 1, "count": 1}


def ids() -> set[str]:
    """Ids written in the source of this room."""
    found = set(MADE)
    for path in (SOURCE / "patient").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = PLACE_OF_ID.get(name)
            if place is None or len(node.args) <= place:
                continue
            for part in ast.walk(node.args[place]):
                if (
                    isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and part.value.replace("_", "").isalnum()
                ):
                    found.add(part.value)
    return {i for i in found if "_" in i or i in ("duplicate", "superseded")} - {"lab_", "status_"}


def test_ids_are_found() -> None:
    assert len(ids()) > 100
    assert {"unit_trap", "level_off", "lab_without_unit", "unknown_key", "resource_unreadable", "dose_undated"} <= ids()


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_every_id_has_words(language: str) -> None:
    words: set[str] = set()
    for path in (SOURCE / "report" / "words").glob(f"*.{language}.toml"):
        words |= set(tomllib.loads(path.read_text(encoding="utf-8")))
    assert sorted(ids() - words) == []
