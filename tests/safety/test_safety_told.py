"""All that safety says about each vignette is what was looked at and pinned (told.json; see safety_told.py)."""

from __future__ import annotations

import json

import pytest
import safety_told
from safety_people import ON, person

from calcidiol import safety
from calcidiol.report.words import LANGUAGES, Words
from calcidiol.terminology import products

PINNED = json.loads(safety_told.FILE.read_text(encoding="utf-8"))
ROWS = safety_told.rows()


def test_every_row_is_pinned_and_nothing_else() -> None:
    assert [*PINNED] == ["first", *(row["id"] for row in ROWS)]
    assert safety_told.course(ROWS[0]) == PINNED["first"]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_told(row: dict[str, str]) -> None:
    told = json.loads(json.dumps(safety_told.told(row)))
    pinned = PINNED[row["id"]]
    for part in pinned | told:
        assert told.get(part) == pinned.get(part), part


@pytest.mark.parametrize("line", ["", "creatinine=>300", "creatinine=<20", "calcium=>3.0; phosphate=>2", "25ohd=<5"])
def test_no_sentence_shows_what_is_not_a_number(line: str) -> None:
    for fired in safety.limits(person(line), ON, products()).fired:
        for lang in LANGUAGES:
            said = Words(lang).say(fired.text_id, fired.params)
            assert "nan" not in said.split()
            assert "inf" not in said.casefold().replace("infection", "").replace("information", "")
