"""`calcidiol intake`: VDIP points and D-ONC odds ratios, who should be measured, what to ask."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from calcidiol.cli import main
from calcidiol.errors import UsageError
from calcidiol.patient.record import Condition, Drug, Lab, Origin, Patient
from calcidiol.report.words import LANGUAGES, Words
from calcidiol.safety.deficiency import _checked, _table, deficiency_risk

EXAMPLES = Path(__file__).parents[2] / "examples"
JULY, NOVEMBER, FEBRUARY = date(2026, 7, 1), date(2026, 11, 24), date(2026, 2, 10)
HERE = Origin("test")


def measure(name: str, value: float, unit: str) -> Lab:
    from datetime import datetime

    return Lab(name, value, unit, datetime(2026, 1, 5, 12), HERE)


def person(**fields: object) -> Patient:
    return replace(Patient("x"), **fields)  # type: ignore[arg-type]


def body(weight: float, height: float = 165.0) -> dict[str, object]:
    return {"weight_kg": (measure("weight", weight, "kg"),), "height_cm": (measure("height", height, "cm"),)}


def test_the_score_adds_up_and_names_what_is_not_known() -> None:
    """Woman, obese, little activity, little sun, dark skin, 52 degrees north in February: all of the score."""
    full = person(
        sex="female", latitude_deg=52.0, sun="avoids", intake={"skin": "dark", "activity": "low"}, **body(95.0)
    )
    told = deficiency_risk(full, FEBRUARY)
    assert told.points_low == told.points_high == 1.5 + 2.5 + 1.5 + 3.0 + 1.5 + 2.0 + 2.5
    assert told.share == 0.80
    assert told.advice == "measure_first"
    assert told.unknown == ("intent",)
    # sex and sun with the odds ratio of D-ONC, each once; the rest with the points
    assert told.odds == pytest.approx(1.5 * 1.4 * 2.5 * 1.5 * 1.5 * 2.0 * 2.5)
    nobody = deficiency_risk(Patient("x"), NOVEMBER)
    assert nobody.points_low == 0.0
    assert nobody.points_high == 14.5
    assert nobody.advice == "ask"
    assert set(nobody.unknown) == {"sex", "weight", "activity", "sun", "skin", "latitude", "season", "intent"}
    assert nobody.odds == 1.0
    assert nobody.at_most == pytest.approx(0.72)


@pytest.mark.parametrize(
    ("fields", "on", "points"),
    [
        ({"sex": "male"}, JULY, 0.0),
        ({"sex": "female"}, JULY, 1.5),
        (body(60.0), JULY, 0.0),
        (body(25.0 * 1.65**2), JULY, 1.5),
        (body(25.0 * 1.65**2 - 0.1), JULY, 0.0),
        (body(30.0 * 1.65**2), JULY, 2.5),
        ({"conditions": (Condition((), "obesity", ("obesity",), HERE),)}, JULY, 2.5),
        ({"latitude_deg": 48.0}, JULY, 2.0),
        ({"latitude_deg": 47.9}, JULY, 0.0),
        ({"latitude_deg": -48.0}, date(2026, 12, 24), 2.0),
        ({"latitude_deg": 40.0}, date(2026, 12, 1), 1.5),
        ({"latitude_deg": 40.0}, date(2026, 1, 31), 1.5),
        ({"latitude_deg": 40.0}, FEBRUARY, 2.5),
        ({"latitude_deg": 40.0}, date(2026, 4, 1), 2.0),
        ({"latitude_deg": 40.0}, NOVEMBER, 0.0),
        ({"latitude_deg": -33.0}, date(2026, 8, 10), 2.5),
        ({"latitude_deg": -33.0}, date(2026, 6, 10), 1.5),
        ({"latitude_deg": -33.0}, FEBRUARY, 0.0),
        ({"latitude_deg": 22.3}, FEBRUARY, 0.0),
        ({"sun": "avoids"}, JULY, 3.0),
        ({"sun": "usual"}, JULY, 0.0),
        ({"intake": {"sun": "moderate"}}, JULY, 1.5),
        ({"sun": "usual", "intake": {"sun": "low"}}, JULY, 3.0),
        ({"intake": {"skin": "Very-Fair"}}, JULY, 1.5),
        ({"intake": {"skin": "medium"}}, JULY, 0.0),
        ({"intake": {"activity": "sedentary"}}, JULY, 1.5),
    ],
)  # fmt: skip
def test_each_item_has_its_points(fields: dict[str, object], on: date, points: float) -> None:
    assert deficiency_risk(person(**fields), on).points_low == points


@pytest.mark.parametrize(
    ("concept", "odds"), [("palliative", 1.5), ("adjuvant", 2.6), ("gi_surgery", 1.8), ("gastrectomy", 1.8)]
)
def test_each_item_has_its_odds_ratio(concept: str, odds: float) -> None:
    told = deficiency_risk(person(conditions=(Condition((), concept, (concept,), HERE),)), JULY)
    assert told.odds == odds
    assert told.at_most == pytest.approx(0.72 * odds / (0.72 * odds + 0.28))
    assert told.points_low == 0.0


def test_an_answer_says_that_the_other_intent_is_not_meant() -> None:
    told = deficiency_risk(person(intake={"treatment": "adjuvant"}), JULY)
    assert {x.id: x.present for x in told.items if x.group == "intent"} == {"palliative": False, "adjuvant": True}
    assert "intent" not in told.unknown


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"sex": "male", "sun": "usual", "latitude_deg": 22.3, "intake": {"skin": "fair", "activity": "high"},
          **body(60.0)}, "not_now"),
        ({"sex": "male", "conditions": (Condition((), "breast cancer", ("cancer",), HERE),)}, "measure"),
        ({"sex": "female", "sun": "avoids", "latitude_deg": 52.0, **body(60.0)}, "ask"),
        ({"sex": "female", "sun": "avoids", "intake": {"skin": "dark", "activity": "low"}, **body(60.0)}, "measure"),
        ({"drugs": (Drug((), "denosumab", ("denosumab",), HERE),)}, "measure_first"),
        ({"conditions": (Condition((), "celiac disease", ("celiac",), HERE),)}, "measure_first"),
    ],
)  # fmt: skip
def test_who_should_be_measured(fields: dict[str, object], advice: str) -> None:
    assert deficiency_risk(person(**fields), JULY).advice == advice


def test_a_level_of_the_last_90_days_is_known() -> None:
    from datetime import datetime, timedelta

    for days, advice in ((0, "known"), (90, "known"), (91, "ask")):
        level = Lab("25ohd", 41.0, "nmol/L", datetime(2026, 7, 1, 9) - timedelta(days=days), HERE)
        told = deficiency_risk(person(labs=(level,)), JULY)
        assert told.advice == advice
        assert told.level_nmol_per_l == 41.0
        assert told.level_on == (datetime(2026, 7, 1) - timedelta(days=days)).date()


def test_the_prevalence_of_the_clinic_counts_and_has_to_be_a_share() -> None:
    assert deficiency_risk(Patient("x"), JULY, 0.3).at_most == pytest.approx(0.3)
    for wrong in (0.0, 1.0, 72.0):
        with pytest.raises(UsageError, match="no share"):
            deficiency_risk(Patient("x"), JULY, wrong)


def test_an_answer_no_is_an_answer() -> None:
    told = deficiency_risk(person(sun="usual", intake={"activity": "high", "skin": "fair"}), JULY)
    present = {x.id: x.present for x in told.items}
    assert (present["low_sun"], present["moderate_sun"]) == (False, None)
    assert (present["low_activity"], present["skin"]) == (False, False)
    assert {"activity", "skin"} & set(told.unknown) == set()
    assert "sun" in told.unknown
    bypass = person(conditions=(Condition((), "gastric bypass", ("bariatric_surgery",), HERE),))
    assert {x.id: x.present for x in deficiency_risk(bypass, JULY).items}["gi_surgery"] is True


def test_the_level_is_told_as_data() -> None:
    from datetime import datetime

    level = Lab("25ohd", 41.0, "nmol/L", datetime(2026, 6, 1, 9), HERE)
    plain = deficiency_risk(person(labs=(level,)), JULY).to_dict()
    assert plain["level"] == {"date": "2026-06-01", "nmol_per_l": 41.0}
    assert deficiency_risk(Patient("x"), JULY).to_dict()["level"] is None


def test_what_could_not_be_read_is_told() -> None:
    told = deficiency_risk(person(intake={"skin": "purple", "shoe": "42"}), JULY)
    assert told.not_read == ("skin: purple", "shoe: 42")
    assert "skin" in told.unknown


def test_a_table_without_an_item_is_named() -> None:
    from calcidiol.errors import KnowledgeError

    with pytest.raises(KnowledgeError, match=r"\[item\] is missing"):
        _checked({k: v for k, v in _table().items() if k != "item"})
    with pytest.raises(KnowledgeError, match="points or odds"):
        _checked({**_table(), "item": [{"id": "x", "group": "y"}]})
    with pytest.raises(KnowledgeError, match="1 or more"):
        _checked({**_table(), "item": [{"id": "x", "group": "y", "odds": 0.5}]})


def test_every_sentence_is_there_in_both_languages() -> None:
    ids = {f"intake.item.{x['id']}" for x in _table()["item"]} | {
        f"intake.group.{x['group']}" for x in _table()["item"]
    }
    ids |= {f"intake.reason.{x['id']}" for x in _table()["reason"]}
    ids |= {f"intake.advice.{x}" for x in ("known", "measure_first", "measure", "ask", "not_now")}
    for lang in LANGUAGES:
        assert ids <= Words(lang).ids


def test_the_command_prints_and_writes_the_same_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    record = tmp_path / "r.yaml"
    record.write_text(
        "patient: {sex: female, age: 61, weight: 92 kg, height: 160 cm, latitude: 52, sun: avoids}\n"
        "conditions: [breast cancer]\ndrugs: [denosumab]\nintake: {skin: dark, hat: red}\n",
        encoding="utf-8",
    )
    out = tmp_path / "intake.json"
    assert main(["intake", str(record), "--on", "2026-02-10", "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "Uncalibrated" in printed
    assert "denosumab" in printed
    assert "hat: red" in printed
    told = json.loads(out.read_text(encoding="utf-8"))
    schema = json.loads(resources.files("calcidiol.safety").joinpath("intake.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(told, schema)
    assert told["advice"] == "measure_first"
    assert told["text"] == printed.splitlines()
    assert main(["intake", str(record), "--on", "2026-02-10", "--json", "-", "--lang", "zh-Hant"]) == 0
    assert json.loads(capsys.readouterr().out)["text"][0].startswith("請優先")


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.iterdir() if p.suffix in (".yaml", ".json")))
def test_every_example_has_an_answer(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["intake", str(EXAMPLES / name), "--on", "2026-11-21"]) == 0
    assert "[intake." not in capsys.readouterr().out


def test_bad_input_gives_no_traceback(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.touch()
    assert main(["intake", str(empty)]) == 4
    assert main(["intake", str(EXAMPLES / "cll.yaml"), "--prevalence", "72"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err
