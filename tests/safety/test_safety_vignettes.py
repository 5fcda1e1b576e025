"""Clinical vignettes (vignettes.csv): expected verdict, rules, routes, what may be given and what stays permissible.

`given` is all, none, the largest dose or the number of doses; `permitted` is empty where it is not asked and "-" for
nothing.
"""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest
from safety_people import ON, person

from calcidiol import safety
from calcidiol.regimen import parse
from calcidiol.terminology import products

ROWS = list(csv.DictReader(Path(__file__).with_name("vignettes.csv").read_text(encoding="utf-8").splitlines()))
WORDS = {
    name: tomllib.loads(resources.files("calcidiol.report").joinpath(f"words/safety.{name}.toml").read_text("utf-8"))
    for name in ("en", "zh-Hant")
}


def test_there_are_at_least_a_hundred_with_different_ids() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS) >= 100
    assert all(row["source"] and row["story"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_vignette(row: dict[str, str]) -> None:
    patient = person(row["record"])
    asked = parse(row["regimen"], ON, products())
    verdict = safety.gate(patient, asked, ON, products())
    allowed = safety.limits(patient, ON, products())
    expected = Counter(x.strip() for x in row["rules"].split(";") if x.strip())
    told = Counter(f"{r.id} {r.action}" for r in verdict.rules)
    assert told == expected, row["story"]
    assert verdict.status == row["verdict"], row["story"]
    assert " ".join(allowed.routes) == row["routes"].replace("-", "")
    given = row["given"]
    if given == "none":
        assert verdict.regimen is None
    else:
        assert verdict.regimen is not None
        if given == "all":
            assert verdict.regimen == asked
        elif given.endswith("IU"):
            assert verdict.regimen.largest_iu == float(given.split()[0])
        else:
            assert sum(run.count for run in verdict.regimen.runs) == int(given)
    if row["permitted"]:
        kept = {p.removeprefix("permitted.") for r in allowed.fired for p in r.permitted}
        assert " ".join(sorted(kept)) == row["permitted"].replace("-", ""), row["story"]
    for rule in verdict.rules:
        assert rule.source
        for text_id in (rule.text_id, *filter(None, [rule.lifted_by]), *rule.permitted):
            for words in WORDS.values():
                assert words[text_id].format(**rule.params)
