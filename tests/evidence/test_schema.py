"""The schema describes the tables as they are: columns, types, allowed words, keys."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from calcidiol.evidence import record
from calcidiol.evidence.load import CI_KINDS, CLAIM_KINDS, DATA

SCHEMA: dict[str, Any] = json.loads((DATA / "schema.json").read_text())


@pytest.mark.parametrize("name", sorted(SCHEMA))
def test_table_follows_its_schema(name: str) -> None:
    fields = {field["name"]: field for field in SCHEMA[name]["fields"]}
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == set(fields)
    for row in rows:
        for column, value in row.items():
            limits = fields[column].get("constraints", {})
            if "enum" in limits:
                assert value in limits["enum"], (name, column, value)
            elif value and fields[column]["type"] != "string":
                number = float(value)
                assert number >= limits.get("minimum", number)
                assert fields[column]["type"] == "number" or number == int(number)
    key = SCHEMA[name]["primaryKey"]
    assert key is None or len({row[key] for row in rows}) == len(rows)


def test_schema_and_loader_allow_the_same_words() -> None:
    def words(table: str, column: str) -> set[str]:
        field = next(f for f in SCHEMA[table]["fields"] if f["name"] == column)
        return set(field["constraints"]["enum"])

    assert words("studies.csv", "kind") == set(record.KINDS)
    assert words("studies.csv", "design") == set(record.DESIGNS)
    assert words("studies.csv", "measure") == {"", *record.MEASURES}
    assert words("studies.csv", "ci_kind") == set(CI_KINDS)
    assert words("claims.csv", "verdict") == set(record.VERDICTS)
    assert words("claims.csv", "kind") == set(CLAIM_KINDS)
    assert words("claims.csv", "question") == set(record.QUESTIONS)
    assert words("judged.csv", "domain") == {"start", *record.DOMAINS}
