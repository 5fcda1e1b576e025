"""The ledger reads whole; a bad row is refused with its file and line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from calcidiol.errors import KnowledgeError
from calcidiol.evidence.load import DATA, load, read_studies
from calcidiol.evidence.record import VERDICTS


def test_ledger_is_whole() -> None:
    ledger = load()
    assert len(ledger.studies) >= 178
    assert sorted(ledger.claims) == [f"C{i:02d}" for i in range(1, 76)]
    for study in ledger.studies.values():
        assert study.tag in "VRPS"
        assert not study.meta_group or study.meta_group in ledger.groups
    for claim in ledger.claims.values():
        assert claim.verdict in VERDICTS
        assert claim.second_reading


def write(folder: Path, changed: str, changes: dict[str, str]) -> Path:
    """The ledger's table with one row changed; returns its path."""
    with (DATA / "studies.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["study_id"] == changed:
            row.update(changes)
    path = folder / "studies.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"estimate": "0,7"}, "'0,7', but a number or nothing"),
        ({"estimate": "-0.7", "ci_low": ""}, "a ratio above 0"),
        ({"estimate": "nan"}, "finite"),
        ({"ci_low": "0.99"}, "not above the estimate"),
        ({"ci_high": "0.2"}, "not below the estimate"),
        ({"ci_low": ""}, "both ends"),
        ({"ci_kind": ""}, "kind of the interval"),
        ({"measure": "hazard"}, "one of 'HR'"),
        ({"design": "survey"}, "one of 'RCT'"),
        ({"kind": "story"}, "one of 'trial'"),
        ({"confidence": "SURE"}, "one of 'VERIFIED'"),
        ({"events_treat": "1.5"}, "a whole number"),
        ({"events_treat": "99999999"}, "not more events"),
        ({"risk_of_bias": ""}, "one of 'low'"),
        ({"family": ""}, "a text"),
        ({"study_id": "VIDA2018_INC"}, "no earlier row"),
    ],
)
def test_a_bad_row_names_file_and_line(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    path = write(tmp_path, "LAPPE2017_INC", changes)
    with pytest.raises(KnowledgeError) as error:
        read_studies(path)
    line = 12 if "study_id" in changes else 4  # the second row of a doubled id is the bad one
    assert str(error.value).startswith(f"studies.csv, line {line}: column ")
    assert said in str(error.value)


def test_a_missing_column_and_a_short_row(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    path.write_text("study_id,citation\nX,Y\n")
    with pytest.raises(KnowledgeError, match="line 1: column doi"):
        read_studies(path)
    text = (DATA / "studies.csv").read_text().splitlines()
    path.write_text("\n".join([*text[:3], "X,Y"]))
    with pytest.raises(KnowledgeError, match="line 4: 2 cells"):
        read_studies(path)


def test_a_claim_cannot_name_an_unknown_study(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    claims = tmp_path / "data" / "claims.csv"
    claims.write_text(claims.read_text().replace("SUNSHINE2019_PFS;SOLARIS2024_PFS", "SUNSHINE2019_PFS;NOBODY1999"))
    with pytest.raises(KnowledgeError, match=r"claims.csv, line \d+: .*NOBODY1999"):
        load(tmp_path / "data")


def test_a_study_cannot_name_an_unknown_group(tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    studies = tmp_path / "data" / "studies.csv"
    studies.write_text(studies.read_text().replace("CANCER_INCIDENCE_RCT", "NOT_A_GROUP", 1))
    with pytest.raises(KnowledgeError, match="NOT_A_GROUP"):
        load(tmp_path / "data")
