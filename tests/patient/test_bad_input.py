"""Records that are broken, hostile or odd: always a sentence, never a traceback, never a value lost in silence.

Fault catalogue (validation.md section 6): groups 1 values, 2 units, 3 time, 4 covariates, 5 flags that nobody reads,
6 history, 7 labs, 10 exchange, 11 machine, 12 text, as far as they touch reading. More of each stands in the other
files of this folder.
"""

from __future__ import annotations

import copy
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from bundles import bundle, coded, given, order, result
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from calcidiol.errors import CalcidiolError, RecordError
from calcidiol.patient import plausible, read
from calcidiol.patient.record import Patient

ON = date(2026, 11, 21)
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.*"))
SIMPLE = "patient: {id: a, sex: female}\nlabs: [{test: calcium, value: 2.3 mmol/L, date: 2026-11-18}]\n"


# --- files and encodings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends(encoding: str, newline: str, tmp_path: Path) -> None:
    path = tmp_path / "record.yaml"
    path.write_bytes(SIMPLE.replace("\n", newline).encode(encoding))
    p = read(path)
    assert [x.value for x in p.labs] == [2.3]
    path.write_bytes(json.dumps(bundle(result())).encode(encoding))
    assert len(read(path).labs) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xff\xff", "not UTF-8"),
        (b"a: \x00\x00\x00b\n", "zero bytes"),
        (b"\xff\xfea", "utf-16"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "not|zero bytes"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "XML"),
        (b'{"resourceType": "Patient"}\n{"resourceType": "Observation"}\n', "NDJSON"),
    ],
)
def test_not_text(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "record.yaml"
    path.write_bytes(data)
    with pytest.raises(RecordError, match=words):
        read(path)


def test_paths(tmp_path: Path) -> None:
    for bad, words in (
        (tmp_path / "missing.yaml", "No file"),
        (tmp_path, "folder"),
        ("/dev/zero", "not a plain file"),
        ("a\x00b", "not a file name|No file"),
        ("x" * 5000, "Cannot read|No file"),
        ("../../../../etc/passwd-none", "No file"),
        ("", "empty"),
    ):
        with pytest.raises(RecordError, match=words):
            read(bad)
    for bad in (None, 5, ["a"]):
        with pytest.raises(RecordError, match="path, text, bytes or a mapping"):
            read(bad)  # type: ignore[arg-type]


def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(SIMPLE)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(RecordError, match="Cannot read"):
        read(path)


def test_reading_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.yaml"
    path.write_text(SIMPLE)
    tmp_path.chmod(0o500)
    try:
        read(path)
        assert [p.name for p in tmp_path.iterdir()] == ["record.yaml"]
    finally:
        tmp_path.chmod(0o700)


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(70 * 1024 * 1024)
    with pytest.raises(RecordError, match="at most"):
        read(path)
    with pytest.raises(RecordError, match="of YAML; at most"):
        read("a: " + "x" * 3_000_000 + "\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [x]\nb: [*a, *a]\n", "aliases"),
        ("- " + "[" * 200 + "]" * 200 + "\n", "deep"),
        ("a: 1\na: 2\n", "stands twice"),
        ("? [a, b]\n: 1\n", "name was needed"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("a: [1, 2\n", "not valid YAML"),
        ("a: \x07bell\n", "not valid YAML"),
        ("{" + '"a":{' * 5000, "nests too deeply|not valid JSON"),
        ('{"a": NaN}', "not valid JSON"),
        ('{"a": 1e999}', "not valid JSON"),
        ('{"a": 1,}', "not valid JSON"),
        ('{"resourceType": "Bundle", "entry": ' + "[" * 100000, "nests too deeply|not valid JSON"),
        (
            '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Observation", "x": ' + "[" * 100000,
            "nests too deeply|JSON",
        ),
    ],
)
def test_bombs_and_syntax(text: str, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        read(text)


def test_tags_make_no_objects() -> None:
    p = read("patient: {id: !!python/object/apply:os.system ['true']}\nlabs: []\n")
    assert isinstance(p, Patient)


def test_hostile_mappings() -> None:
    loop: dict[str, Any] = {"resourceType": "Bundle"}
    loop["entry"] = loop
    with pytest.raises(RecordError, match="cannot be written as JSON"):
        read(loop)
    with pytest.raises(RecordError, match="cannot be written as JSON"):
        read({"resourceType": "Bundle", "entry": object()})
    with pytest.raises(RecordError):
        read({5: 6})


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "x" * 10_000,
        "👩‍🔬 Dr. Ada",
        "محمد بن علي",
        "‮evil",
        "{{ 7*7 }}",
        "<script>alert(1)</script>",
        "a\x1b[31mred",
        "'; DROP TABLE--",
        "Ώ",
        "\u0000",
    ],
)
def test_names_are_kept_short_printable_and_literal(name: str) -> None:
    p = read(
        {
            "patient": {"id": name, "name": name},
            "labs": [{"test": name, "value": "1 mmol/L", "date": "2026-11-18"}],
            "conditions": [name],
            "drugs": [name],
        }
    )
    for text in (p.id, p.name, *(u.text for u in p.unused), *(c.text for c in p.conditions)):
        assert len(text) <= 200
        assert text.isprintable()
    if name.startswith(("{{", "<")):
        assert p.name == name, "nothing is interpreted; escaping is the work of the report"
    plausible(p, ON)


def test_errors_do_not_repeat_long_or_hostile_text() -> None:
    with pytest.raises(RecordError) as caught:
        read({"x" * 100_000 + "\x1b": 1, "\x1b[31m": 2})
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


# --- flags that nobody reads: each field that is read changes what is known -------------------------------------------

FULL: dict[str, Any] = {
    "patient": {
        "id": "a",
        "sex": "female",
        "born": "1961-04-02",
        "weight": "64 kg",
        "height": "160 cm",
        "latitude": 22.3,
        "sun": "avoids",
        "died": "2030-01-01",
        "name": "N",
    },
    "labs": [
        {
            "test": "25(OH)D",
            "value": 31,
            "unit": "nmol/L",
            "date": "2026-11-18",
            "assay": "lc-ms",
            "low": 50,
            "high": 125,
            "comparator": "<",
        }
    ],
    "doses": [
        {
            "substance": "vitamin D3",
            "dose": "50000 IU",
            "every": "7 d",
            "start": "2026-01-01",
            "count": 8,
            "route": "im",
            "certain": "no",
        }
    ],
    "drugs": [
        {
            "name": "digoxin",
            "atc": "C03AA03",
            "start": "2026-01-01",
            "end": "2027-01-01",
            "status": "stopped",
            "details": {"x": 1},
        }
    ],
    "conditions": [{"text": "lymphoma", "icd10": "C90.0", "onset": "2020-01-01", "stage": "II", "status": "resolved"}],
    "allergies": ["peanut"],
    "procedures": [{"text": "gastrectomy", "date": "2025-01-01", "site": "x"}],
    "symptoms": [{"name": "fatigue", "score": 5, "date": "2026-11-01", "scale": "x"}],
    "visits": [{"kind": "chemotherapy", "date": "2026-12-01", "every": "21 d", "count": 2, "text": "t"}],
    "intake": {"skin": "dark"},
}


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    found = [leaf for k, v in items for leaf in _leaves(v, (*path, k))]
    return found or [path]


@pytest.mark.parametrize("path", _leaves(FULL), ids=lambda p: ".".join(map(str, p)))
def test_every_field_that_is_read_counts(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(FULL)
    node: Any = changed
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    before, after = read(FULL), read(changed)
    assert before != after, f"{path} was read and forgotten"


def test_full_record_uses_everything() -> None:
    assert read(FULL).unused == ()


# --- mutations -------------------------------------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    "",
    " ",
    0,
    -1,
    1,
    1000,
    1e9,
    -1e12,
    1e308,
    10**30,
    "NaN",
    "1,5",
    "1.5e",
    "<10",
    "abc",
    "µ",
    "👩‍🔬",
    "‮",
    "\x00",
    "\x1b[0m",
    True,
    False,
    [],
    {},
    [[]],
    {"a": {}},
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "2026-11-18T25:61:61+99:99",
    "IU",
    "mg/dL",
    "x" * 3000,
]


def _mutated(document: Any, draw: Any) -> Any:
    """One to three leaves replaced, removed, doubled or moved."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        paths = [p for p in _leaves(changed) if p]
        if not paths:
            return changed
        path = draw(st.sampled_from(paths))
        cut = draw(st.integers(1, len(path)))
        node: Any = changed
        for step in path[: cut - 1]:
            node = node[step]
        last = path[cut - 1]
        what = draw(st.sampled_from(["replace", "remove", "rename", "double", "scale"]))
        if what == "replace":
            node[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif what == "remove":
            del node[last]
        elif what == "rename" and isinstance(node, dict):
            node[f"{last}x"] = node.pop(last)
        elif what == "double" and isinstance(node, list):
            node.append(copy.deepcopy(node[last]))
        elif what == "scale" and isinstance(node[last], (int, float)) and not isinstance(node[last], bool):
            node[last] *= draw(st.sampled_from([0, -1, 1000, 2.496, 1e-3, 1e300]))
    return changed


def a_sentence(error: CalcidiolError) -> None:
    """What a person is told is a sentence."""
    assert str(error).strip().endswith(".")


def _survives(document: Any) -> int:
    """How many forms of a document were read or refused in a sentence; any other ending raises."""
    try:
        text = json.dumps(document)
    except ValueError:
        text = ""
    forms = (document, text) if text else (document,)
    for form in forms:
        try:
            p = read(form, name="mutated")
            for f in plausible(p, ON):
                assert f.level in ("stop", "caution", "note")
            for row in (*p.labs, *p.weight_kg, *p.height_cm):
                assert abs(row.value) < 1e15
            for dose in p.doses:
                assert dose.amount_nmol > 0
                assert dose.taken_until(ON) >= 0
        except CalcidiolError as error:
            a_sentence(error)
    return len(forms)


FHIR = bundle(
    result(),
    result(
        "62292-8",
        12.4,
        "ng/mL",
        "o2",
        referenceRange=[{"low": {"value": 30, "unit": "ng/mL"}, "text": "30-100"}],
        method={"text": "LC-MS"},
    ),
    result("29463-7", 64, "kg", "o3"),
    coded(
        "Condition",
        "lymphoma",
        "c",
        clinicalStatus={"coding": [{"code": "active"}]},
        stage=[{"summary": {"text": "II"}}],
    ),
    given(),
    order(
        dosageInstruction=[
            {
                "text": "1 tablet daily",
                "timing": {
                    "repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "boundsPeriod": {"start": "2026-01-01"}}
                },
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            }
        ]
    ),
    {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "patient": {"reference": "Patient/p1"},
        "code": {"text": "peanut"},
    },
    coded("Procedure", "gastrectomy", "x", status="completed", performedDateTime="2025-01-01"),
    {
        "resourceType": "DiagnosticReport",
        "id": "d",
        "status": "final",
        "effectiveDateTime": "2026-11-17",
        "result": [{"reference": "Observation/o1"}],
    },
    {
        "resourceType": "Appointment",
        "id": "ap",
        "status": "booked",
        "start": "2026-12-01T09:00:00Z",
        "participant": [{"actor": {"reference": "Patient/p1"}}],
    },
)
QUICK = settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@for_all(st.data())
def test_mutated_short_records(data: Any) -> None:
    assert _survives(_mutated(FULL, data.draw)) >= 1


@QUICK
@for_all(st.data())
def test_mutated_bundles(data: Any) -> None:
    assert _survives(_mutated(FHIR, data.draw)) >= 1


@settings(max_examples=600, deadline=None)
@for_all(st.data())
def test_mutated_text(data: Any) -> None:
    """Bytes cut, flipped or doubled."""
    raw = bytearray(data.draw(st.sampled_from([p.read_bytes() for p in EXAMPLES])))
    for _ in range(data.draw(st.integers(1, 4))):
        if not raw:
            break
        at = data.draw(st.integers(0, len(raw) - 1))
        what = data.draw(st.sampled_from(["flip", "cut", "double"]))
        if what == "flip":
            raw[at] = data.draw(st.integers(0, 255))
        elif what == "cut":
            del raw[at : at + data.draw(st.integers(1, 200))]
        else:
            raw[at:at] = raw[at : at + data.draw(st.integers(1, 200))]
    try:
        plausible(read(bytes(raw), name="mutated"), ON)
    except CalcidiolError as error:
        a_sentence(error)


@settings(max_examples=600, deadline=None)
@for_all(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "patient",
                        "labs",
                        "doses",
                        "drugs",
                        "conditions",
                        "test",
                        "value",
                        "date",
                        "unit",
                        "every",
                        "resourceType",
                        "entry",
                        "resource",
                        "weight",
                    ]
                ),
                x,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_data(document: Any) -> None:
    try:
        plausible(read(document if isinstance(document, dict) else {"labs": document}), ON)
    except CalcidiolError as error:
        a_sentence(error)


# --- the examples ----------------------------------------------------------------------------------------------------


def test_examples_show_what_their_names_say() -> None:
    assert len(EXAMPLES) >= 11
    assert sum(p.suffix == ".json" for p in EXAMPLES) >= 4
    for path in EXAMPLES:
        p = read(path)
        assert p.id == path.stem
        stops = [f.key for f in plausible(p, ON) if f.level == "stop"]
        assert stops == (["unit_trap:labs[1]"] if path.stem == "wrong-unit" else []), path.name
        for analyte in ("25ohd", "calcium", "creatinine", "albumin", "phosphate", "platelets"):
            row = p.last(analyte, ON)
            assert row is not None
            assert (ON - row.when.date()).days <= 7, (path.name, analyte)
        assert p.weight_on(ON)
        assert p.height_on(ON)
        assert not [u for u in p.unused if u.reason != "condition_no_concept"], path.name


def test_yaml_of_the_examples_has_no_surprise() -> None:
    for path in EXAMPLES:
        if path.suffix == ".yaml":
            assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize(
    "dose",
    [
        {"every": "1000000000 days"},
        {"every": 1e9},
        {"every": "365 days", "count": 20000},
    ],
)
def test_a_course_longer_than_a_life_is_no_course(dose: dict[str, object]) -> None:
    told = {"drug": "vitamin D3", "amount": "50000 IU", "start": "2026-01-01", "route": "im", **dose}
    patient = read({"patient": {"id": "x", "sex": "female", "born": "1961-04-02"}, "doses": [told]})
    assert not patient.doses
    assert [u.kind for u in patient.unused if u.kind == "dose"] == ["dose"]


@pytest.mark.parametrize("value", [1e15, 1e300, 44_000 * 365])
def test_a_supply_longer_than_a_life_is_no_supply(value: float) -> None:
    dispense = {
        "resourceType": "MedicationDispense",
        "id": "d",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": "warfarin 5 mg"},
        "whenHandedOver": "2026-10-01",
        "daysSupply": {"value": value, "unit": "d", "code": "d"},
    }
    person = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1961-04-02"}
    entries = [{"resource": person}, {"resource": dispense}]
    patient = read({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [d.text for d in patient.drugs] == ["warfarin 5 mg"]
