"""The short form: what a person types, and what becomes of slips."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from calcidiol.errors import RecordError
from calcidiol.patient import plausible, read, schema
from calcidiol.patient.record import Patient

ON = date(2026, 11, 21)
EXAMPLES = Path(__file__).parents[2] / "examples"
SCHEMA = Path(__file__).parents[2] / "src" / "calcidiol" / "patient" / "record.schema.json"


def one(text: str) -> Patient:
    return read("patient: {id: a, sex: female, born: 1961-04-02}\n" + text)


def reasons(patient: Patient) -> set[str]:
    return {u.reason for u in patient.unused}


def lab(**fields: Any) -> Patient:
    return read({"patient": {"id": "a"}, "labs": [{"test": "calcium", "date": "2026-11-18"} | fields]})


def test_a_record() -> None:
    p = read(EXAMPLES / "simple-deficiency.yaml")
    assert (p.id, p.sex, p.birth_date, p.latitude_deg, p.sun) == (
        "simple-deficiency",
        "female",
        date(1961, 4, 2),
        22.3,
        "avoids",
    )
    level = p.last("25ohd")
    assert level is not None
    assert (level.value, level.unit, level.assay, level.when, level.has_time) == (
        31.0,
        "nmol/L",
        "lc-ms",
        datetime(2026, 11, 18, 12),
        False,
    )
    assert level.origin.received == "31 nmol/L"
    assert p.weight_on(ON) == 64
    assert p.height_on(ON) == 160
    assert p.has("breast_cancer")
    assert p.takes("aromatase_inhibitor", ON)
    assert p.source == "simple-deficiency.yaml"
    assert plausible(p, ON) == ()


def test_yaml_json_and_mapping_are_one() -> None:
    text = (EXAMPLES / "obesity.yaml").read_text(encoding="utf-8")
    mapping = yaml.load(text, yaml.BaseLoader)
    from_yaml, from_json, from_mapping = (read(t, name="x") for t in (text, json.dumps(mapping), mapping))
    assert from_yaml == from_json == from_mapping


def test_numbers_may_be_numbers_or_text_and_the_unit_may_stand_with_them() -> None:
    rows = [lab(value=2.31, unit="mmol/L"), lab(value="2.31", unit="mmol/L"), lab(value="2.31 mmol/L")]
    assert {p.labs[0].value for p in rows} == {2.31}
    assert lab(value="<10 ng/mL", test="25(OH)D").labs[0].comparator == "<"
    assert lab(value=10, unit="ng/mL", comparator="<", test="25(OH)D").labs[0].comparator == "<"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"value": 2.31}, "lab_without_unit"),
        ({"value": "2.31"}, "lab_without_unit"),
        ({"value": "2,31", "unit": "mmol/L"}, "lab_decimal_comma"),
        ({"value": "2,31 mmol/L"}, "lab_decimal_comma"),
        ({"value": 2.31, "unit": "furlong"}, "lab_unit_unknown"),
        ({"value": 2.31, "unit": "kg"}, "lab_unit_unknown"),
        ({"value": "2.31 mmol/L", "unit": "mg/dL"}, "lab_two_units"),
        ({"value": "", "unit": "mmol/L"}, "lab_empty"),
        ({"unit": "mmol/L"}, "lab_empty"),
        ({"value": "normal", "unit": "mmol/L"}, "lab_not_a_number"),
        ({"value": "NaN", "unit": "mmol/L"}, "lab_not_finite"),
        ({"value": "1e308", "unit": "mmol/L"}, "lab_not_finite"),
        ({"value": 0, "unit": "mmol/L"}, "lab_impossible"),
        ({"value": -2.3, "unit": "mmol/L"}, "lab_impossible"),
        ({"value": 2310, "unit": "mmol/L"}, "lab_impossible"),
        ({"value": 2.31, "unit": "mmol/L", "date": None}, "lab_undated"),
        ({"value": 2.31, "unit": "mmol/L", "date": "2026-02-30"}, "date_unreadable"),
        ({"value": 2.31, "unit": "mmol/L", "date": "2026"}, "lab_year_only"),
        ({"value": 2.31, "unit": "mmol/L", "test": "kryptonite"}, "lab_unknown"),
        ({"value": 2.31, "unit": "mmol/L", "comparator": "about"}, "comparator_unknown"),
    ],
)
def test_a_lab_that_cannot_be_used_is_told(fields: dict[str, Any], reason: str) -> None:
    p = lab(**fields)
    assert p.labs == ()
    assert reasons(p) == {reason}
    found = [f for f in plausible(p, ON) if f.id == reason]
    assert [f.level for f in found] == ["caution"]
    assert found[0].item.startswith("labs[0]")


def test_misspelled_names_are_told_with_a_hint() -> None:
    p = read("pateint: {id: a}\nlabs:\n - {tset: calcium, value: 2.3, unit: mmol/L, date: 2026-11-18}\n")
    hints = {u.text: u.params.get("hint") for u in p.unused if u.reason == "unknown_key"}
    assert hints == {"pateint": "patient", "tset": "test"}
    p = one("labs: [{test: calcium, value: 2.3, untis: mmol/L, date: 2026-11-18}]")
    assert {"unknown_key", "lab_without_unit"} == reasons(p)
    p = read({"patient": {"id": "a", "wieght": "60 kg"}})
    assert [(u.where, u.params["hint"]) for u in p.unused] == [("patient.wieght", "weight")]


def test_unknown_test_has_a_hint() -> None:
    p = lab(test="phosphte", value=1, unit="mmol/L")
    assert p.unused[0].params["hint"] == "phosphate"


def test_limits_are_converted() -> None:
    p = lab(value=9.4, unit="mg/dL", low=8.6, high=10.2)
    assert p.labs[0].low == pytest.approx(2.146, abs=1e-3)
    assert p.labs[0].high == pytest.approx(2.545, abs=1e-3)
    assert reasons(lab(value=9.4, unit="mg/dL", low="8,6")) == {"limit_unreadable"}


def test_weights() -> None:
    p = read(
        {
            "patient": {
                "id": "a",
                "weight": [
                    {"value": "150 lb", "date": "2026-01-10"},
                    {"value": 66, "unit": "kg", "date": "2026-10-10"},
                ],
                "height": "1.65 m",
            }
        }
    )
    assert [round(w.value, 2) for w in p.weight_kg] == [68.04, 66]
    assert p.weight_on(date(2026, 5, 1)) == pytest.approx(68.04, abs=0.01)
    assert p.weight_on(date(2025, 5, 1)) is None
    assert p.height_on(date(1990, 1, 1)) == 165, "a height without a date always counts"
    assert read({"patient": {"weight": 68}}).weight_kg == ()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("calcium 2.31 mmol/L 2026-11-18", ("calcium", 2.31, "")),
        ("25(OH)D: <10 ng/mL 2026-11-18", ("25ohd", pytest.approx(24.96, abs=0.01), "<")),
        ("25(OH)D 31 nmol/L on 2026-11-18", ("25ohd", 31, "")),
        ("INR 1.1 2026-11-18", ("inr", 1.1, "")),
    ],
)
def test_a_lab_in_one_line(line: str, expected: tuple[str, float, str]) -> None:
    row = read({"labs": [line]}).labs[0]
    assert (row.analyte, row.value, row.comparator) == expected
    assert row.when.date() == date(2026, 11, 18)
    assert reasons(
        read({"labs": ["calcium 2,31 mmol/L 2026-11-18", "calcium 2.31 2026-11-18", "calcium 2.31 mmol/L"]})
    ) == {
        "lab_decimal_comma",
        "lab_without_unit",
        "lab_shape",
    }


def test_duplicates_are_merged_and_said() -> None:
    p = one(
        "labs:\n"
        + " - {test: calcium, value: 2.3, unit: mmol/L, date: 2026-11-18}\n" * 2
        + " - {test: Ca, value: 9.22, unit: mg/dL, date: 2026-11-18T08:00}\n"
    )
    assert len(p.labs) == 1
    assert p.labs[0].has_time
    assert [u.reason for u in p.unused] == ["duplicate", "duplicate"]


def test_order_of_rows_does_not_matter() -> None:
    rows = [
        f" - {{test: 25(OH)D, value: {v}, unit: nmol/L, date: 2026-0{m}-01}}\n" for v, m in ((30, 1), (50, 4), (70, 8))
    ]
    assert [x.value for x in one("labs:\n" + "".join(reversed(rows))).labs] == [30, 50, 70]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2000 IU daily since 2026-03-01", ("oral", 2000, 1.0, 0, True)),
        ("{product: cholecalciferol, route: im, dose: 300000 IU, date: 2026-06-01}", ("im", 300000, 0.0, 1, False)),
        (
            "{substance: vitamin D3, dose: 50000 IU, every: 7 d, start: 2026-01-05, count: 8}",
            ("oral", 50000, 7.0, 8, False),
        ),
        (
            "{substance: vitamin D3, dose: 25 ug, every: day, start: 2026-01-01, end: 2026-01-31}",
            ("oral", 1000, 1.0, 31, False),
        ),
        ("{substance: vitamin D3, dose: 1 mg, every: week, since: 2026-01-01}", ("oral", 40000, 7.0, 0, True)),
        (
            "{substance: ergocalciferol, iu: 50000, every: month, start: 2026-01-01, end: 2026-03-15}",
            ("oral", 50000, 30.4375, 3, False),
        ),
        ("{text: multivitamin 400 IU, every: daily, since: 2026-01-01}", ("oral", 400, 1.0, 0, True)),
        (
            "{substance: vitamin D3, amount: 400, unit: IU, times_per_day: 2, since: 2026-01-01}",
            ("oral", 400, 0.5, 0, True),
        ),
        (
            "{text: cholecalciferol 300000 IU/mL, volume: 0.17 mL, route: im, date: 2026-02-02}",
            ("im", 51000, 0.0, 1, False),
        ),
        ("{product: dibase-300000-im, dose: 1 mL, date: 2026-02-02}", ("im", 300000, 0.0, 1, False)),
    ],
)
def test_dose(row: str, expected: tuple[str, float, float, int, bool]) -> None:
    p = one(f"doses:\n - {row}\n")
    assert len(p.doses) == 1, p.unused
    d = p.doses[0]
    assert d.route == expected[0]
    assert d.iu == pytest.approx(expected[1])
    assert d.every_days == pytest.approx(expected[2])
    assert (d.count, d.ongoing) == expected[3:]


def test_calcifediol_has_no_iu() -> None:
    p = one("doses: [{substance: calcifediol, dose: 266 ug, every: month, since: 2026-06-01}]")
    assert p.doses[0].iu is None
    assert p.doses[0].amount_nmol == pytest.approx(266 / 400.64 * 1e3)
    assert reasons(one("doses: [{substance: calcifediol, dose: 1000 IU, date: 2026-06-01}]")) == {"dose_iu_meaningless"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{substance: vitamin D3, date: 2026-06-01}", "dose_without_amount"),
        ("multivitamin daily", "multivitamin_without_amount"),
        ("{substance: vitamin D3, dose: 2000, date: 2026-06-01}", "dose_without_unit"),
        ("{substance: vitamin D3, dose: 1 mL, date: 2026-06-01}", "dose_volume_without_strength"),
        ("2000 IU daily", "dose_undated"),
        ("{substance: vitamin D3, dose: 2000 IU, since: 2026-06-01}", "dose_rhythm_unknown"),
        (
            "{substance: vitamin D3, dose: 2000 IU, every: day, start: 2026-06-01, end: 2026-05-01}",
            "dose_ends_before_start",
        ),
        ("{substance: vitamin D3, dose: 2000 IU, every: day, start: 2026-06-01, status: stopped}", "dose_end_unknown"),
        ("{substance: vitamin D3, dose: 2000 IU, every: sometimes, start: 2026-06-01}", "dose_unclear"),
        ("{substance: vitamin D3, dose: 2000 IU, every: day, start: 2026-06-01, count: 0}", "dose_unclear"),
        ("{substance: vitamin D3, dose: 2000 IU, every: day, start: 2026-06-01, count: 1.5}", "dose_unclear"),
        ("{substance: vitamin D3, dose: 2000 IU, route: rectal, date: 2026-06-01}", "dose_route_unknown"),
        ("{substance: warfarin, dose: 5 mg, date: 2026-06-01}", "dose_not_vitamin_d"),
        ("{substance: vitamin D3, dose: '1,5 mg', date: 2026-06-01}", "dose_without_amount"),
        ("{substance: vitamin D3, dose: 0 IU, date: 2026-06-01}", "dose_not_positive"),
        ("biweekly 20000 IU since 2026-06-01", "dose_unclear"),
    ],
)
def test_a_dose_that_cannot_be_used_is_told(row: str, reason: str) -> None:
    p = one(f"doses:\n - {row}\n")
    assert p.doses == ()
    assert reason in reasons(p)
    assert reason in {f.id for f in plausible(p, ON)}


def test_doses_taken_until_a_day() -> None:
    daily = one("doses: [{substance: vitamin D3, dose: 1000 IU, every: day, since: 2026-11-01}]").doses[0]
    assert [daily.taken_until(date(2026, 11, d)) for d in (1, 2, 21)] == [0, 1, 20], (
        "of a drug that goes on the day itself does not count"
    )
    single = one("doses: [{substance: vitamin D3, dose: 50000 IU, date: 2026-11-21}]").doses[0]
    assert [single.taken_until(date(2026, 11, d)) for d in (20, 21, 22)] == [0, 1, 1]
    weekly = one("doses: [{substance: vitamin D3, dose: 50000 IU, every: week, start: 2026-01-01, count: 8}]").doses[0]
    assert weekly.taken_until(date(2027, 1, 1)) == 8
    assert weekly.iu_between(date(2026, 1, 2), date(2026, 1, 15)) == 100_000
    assert weekly.iu_between(date(2026, 1, 15), date(2026, 1, 2)) == 0


def test_vitamin_d_among_the_drugs_is_a_dose() -> None:
    p = one(
        "drugs:\n - Calcium carbonate 600 mg / vitamin D 400 IU twice daily since 2026-01-01\n - vitamin D3 1000 "
        "IU daily since 2026-02-01\n - calcitriol 0.25 ug daily\n"
    )
    assert [(d.iu, d.every_days) for d in p.doses] == [(400, 0.5), (1000, 1.0)]
    assert [d.classes for d in p.drugs] == [("calcium",), ("active_vitamin_d",)]
    assert p.drugs[0].details["elemental_calcium_mg_per_day"] == 1200


def test_drugs_end() -> None:
    p = one("drugs:\n - {name: digoxin, start: 2026-01-01, end: 2026-03-01}\n - {name: furosemide, status: stopped}\n")
    assert p.takes("digoxin", date(2026, 2, 1))
    assert not p.takes("digoxin", ON)
    assert not p.takes("loop_diuretic", ON)


def test_conditions_that_are_over() -> None:
    p = one(
        "conditions:\n - {text: kidney stone, status: resolved}\n - {text: sarcoidosis, active: false}\n - "
        "{text: hypercalcemia, resolved: 2026-01-01}\n"
    )
    assert p.has("stones_history")
    assert not p.has("stones_current")
    assert not p.has("sarcoidosis")
    assert not p.has("hypercalcemia")


def test_symptoms_visits_intake() -> None:
    p = one(
        "symptoms:\n - {name: fatigue, score: 7, date: 2026-11-01}\n - {name: fatigue, score: 11, date: "
        "2026-11-02}\n - {name: FACIT-F, score: 31, date: 2026-11-01, scale: 0-52, version: 4}\n"
        "visits:\n - {kind: chemotherapy, date: 2026-11-24, every: 3 weeks, count: 3}\n - {kind: nadir, date: soon}\n"
        " - {kind: clinic, date: 2026-11-24, every: 1000000000.0, count: 3}\n"
        "intake: {skin: dark, activity: low}\n"
    )
    assert [(s.name, s.score, s.scale) for s in p.symptoms] == [
        ("FACIT-F", 31, "FACIT-F (0-52) 4"),
        ("fatigue", 7, "0-10"),
    ]
    assert [v.when for v in p.visits] == [date(2026, 11, 24), date(2026, 12, 15), date(2027, 1, 5)]
    assert p.intake == {"skin": "dark", "activity": "low"}
    assert reasons(p) == {"symptom_out_of_range", "date_unreadable", "visit_shape"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1\n- 2\n", "not a list"),
        ("{}\n", "nothing in it is known"),
        ("a: 1\nb: 2\n", "nothing in it is known"),
        ("patient: 5\n", "`patient` must be a mapping"),
        ('{"labs": 5}', "`labs` must be a list"),
        ("labs: []\nlaboratory: []\n", "stands twice"),
        ("patient: {id: a}\nintake: 5\n", "`intake` must be a mapping"),
    ],
)
def test_wrong_shape(text: str, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        read(text, name="x.yaml")


def test_partial_birth_date() -> None:
    p = read({"patient": {"id": "a", "born": "1961"}})
    assert p.birth_date == date(1961, 7, 1)
    assert "birth_date_partial" in {f.id for f in plausible(p, ON)}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("age", 300, "number_out_of_range"),
        ("latitude", 91, "number_out_of_range"),
        ("sex", "x", "sex_unknown"),
        ("born", "yesterday", "date_unreadable"),
        ("sun", "purple", "sun_unknown"),
        ("died", "?", "date_unreadable"),
    ],
)
def test_patient_fields_that_cannot_be_used(field: str, value: object, reason: str) -> None:
    assert reasons(read({"patient": {"id": "a", field: value}})) == {reason}


def test_schema_is_published_and_the_examples_are_valid() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    paths = sorted(EXAMPLES.glob("*.yaml"))
    assert len(paths) >= 6
    for path in paths:
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        assert [e.message for e in validator.iter_errors(document)] == [], path.name
    for bad in (
        {"labs": [{"test": "calcium", "value": 2.3, "date": "2026-11-18"}]},
        {"labs": [{"tset": "x"}]},
        {"pateint": {}},
        {},
        [],
    ):
        assert list(validator.iter_errors(bad)), bad


def test_the_record_of_the_manual_is_read_whole() -> None:
    text = (Path(__file__).parents[2] / "docs" / "record.md").read_text(encoding="utf-8")
    p = read(text.split("```yaml\n")[1].split("```")[0])
    assert p.unused == ()
    assert (len(p.labs), len(p.doses), len(p.drugs), len(p.conditions)) == (
        3,
        3,
        3,
        2,
    )  # calcifediol is a dose and a drug
    assert sorted(line.split("`")[1] for line in text.splitlines() if line.startswith("| `")) == sorted(
        path.name for path in EXAMPLES.iterdir()
    )


@pytest.mark.parametrize(
    "text",
    [
        "conditions: [history of sarcoidosis]\n",
        "conditions: [{text: sarcoidosis, status: resolved}]\n",
        "conditions: [{icd10: D86.9, active: false}]\n",
    ],
)
def test_a_sarcoidosis_that_is_over_is_remembered(text: str) -> None:
    p = one(text)
    assert p.has("sarcoidosis_history")
    assert not p.has("sarcoidosis")
