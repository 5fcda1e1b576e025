"""Bundles as systems write them that nobody here has seen: where the patient, a time, a unit or an answer may stand."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from bundles import bundle, coded, given, order, person, result, status

from calcidiol.errors import RecordError
from calcidiol.patient import Patient, plausible, read

ON = date(2026, 11, 21)


def _reasons(p: Patient) -> set[str]:
    return {u.reason for u in p.unused}


def _level(code: str, value: Any, **fields: Any) -> dict[str, Any]:
    return result(code, value, "ng/mL", **fields)


# --- where the patient stands ---


def _inside(born: str = "1961-04-02", id: str = "o1") -> dict[str, Any]:
    return result(id=id) | {"contained": [person(id="in", birthDate=born)], "subject": {"reference": "#in"}}


def test_a_patient_inside_the_results_is_the_patient() -> None:
    p = read({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": _inside()}]})
    assert (p.birth_date, p.sex) == (date(1961, 4, 2), "female")
    rows = [_inside(), _inside("1970-01-01", "o2")]
    with pytest.raises(RecordError, match="one record is one patient"):
        read({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in rows]})


def test_parameters_hand_on_their_resources() -> None:
    inner = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": result()}]}
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "resource": person()},
            {"name": "group", "part": [{"name": "labs", "resource": inner}, {"name": "note", "valueString": "x"}]},
        ],
    }
    for record in (parameters, {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": parameters}]}):
        p = read(record)
        assert p.birth_date == date(1961, 4, 2)
        assert [x.analyte for x in p.labs] == ["calcium"]


def test_parameters_without_a_resource_are_counted() -> None:
    p = read(bundle({"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]}))
    assert [(u.kind, u.reason) for u in p.unused] == [("Parameters", "resource_not_used")]


def test_parameters_within_parameters_without_end_are_refused() -> None:
    inner: dict[str, Any] = {"resourceType": "Parameters", "parameter": [{"name": "p", "resource": person()}]}
    for _ in range(6):
        inner = {"resourceType": "Parameters", "parameter": [{"name": "p", "resource": inner}]}
    with pytest.raises(RecordError, match="deeper"):
        read(inner)


def test_one_id_on_two_servers_is_two_results() -> None:
    rows = [
        {"fullUrl": f"https://{host}.example/fhir/Observation/o1", "resource": result(value=value)}
        for host, value in (("a", 9.1), ("b", 9.4))
    ]
    p = read({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": person()}, *rows]})
    assert len(p.labs) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_an_amended_result_counts_wherever_it_stands(order: int) -> None:
    rows = [result(value=9.2), result(value=11.4) | {"status": "amended"}][::order]
    p = read(bundle(*rows))
    assert [round(x.value, 2) for x in p.labs] == [2.84]
    assert _reasons(p) == {"superseded"}


def test_what_is_deleted_is_counted() -> None:
    entry = {"resource": result(), "request": {"method": "DELETE", "url": "Observation/o1"}}
    p = read({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": person()}, entry]})
    assert not p.labs
    assert [u.text for u in p.unused] == ["DELETE"]


def test_results_inside_a_wrong_report_are_counted() -> None:
    report = {"resourceType": "DiagnosticReport", "id": "r", "status": "entered-in-error", "contained": [result()]}
    p = read(bundle(report))
    assert not p.labs
    assert _reasons(p) == {"status_entered_in_error"}


# --- what is about somebody else ---


def test_a_result_of_a_donor_is_not_the_patient_s() -> None:
    donor = read(bundle(result() | {"focus": [{"reference": "Patient/donor"}]}))
    assert not donor.labs
    assert _reasons(donor) == {"subject_not_patient"}
    assert read(bundle(result() | {"focus": [{"reference": "Patient/p1"}]})).labs


# --- values ---


@pytest.mark.parametrize("unit", ["mL/min", "ml/min", "mL/minute"])
def test_an_egfr_without_its_surface_is_read_and_told(unit: str) -> None:
    p = read(bundle(result("33914-3", 25, unit)))
    assert [(x.analyte, x.value, x.unit) for x in p.labs] == [("egfr", 25.0, "mL/min/{1.73_m2}")]
    assert p.labs[0].origin.received == f"25 {unit}"
    assert "lab_unit_taken_as" in {f.id for f in plausible(p, ON)}
    assert not read(bundle(result("33914-3", 25, "mL/h"))).labs


@pytest.mark.parametrize(
    ("d3", "d2", "ng", "sign"),
    [
        ((8, ""), (30, ""), 38.0, ""),
        ((12, ""), (4, "<"), 12.0, ""),
        ((4, "<"), (30, ""), 32.0, ""),
        ((4, "<"), (4, "<"), 8.0, "<"),
        ((60, ">"), (5, ""), 65.0, ">"),
        ((60, ">"), (4, "<"), 60.0, ">"),
        ((10, ""), (60, ">"), 70.0, ">"),
    ],
)
def test_d2_and_d3_are_added(d3: tuple[float, str], d2: tuple[float, str], ng: float, sign: str) -> None:
    rows = []
    for id, code, (value, comparator) in (("a", "1989-3", d3), ("b", "2236-8", d2)):
        row = _level(code, value, id=id)
        if comparator:
            row["valueQuantity"]["comparator"] = comparator
        rows.append(row)
    total = read(bundle(*rows)).last("25ohd")
    assert total is not None
    assert total.value == pytest.approx(ng * 2.496, rel=0.03)  # D2 is heavier by 3 %
    assert total.comparator == sign
    assert "D2" in total.origin.received


def test_a_ratio_is_one_number() -> None:
    mg = {"value": 30, "unit": "mg", "code": "mg"}
    row = result("9321-1", 0) | {"valueRatio": {"numerator": mg, "denominator": mg | {"value": 100}}}
    del row["valueQuantity"]
    p = read(bundle(row))
    assert p.labs[0].value == pytest.approx(0.3 * 2.8225)
    row["valueRatio"] = {"numerator": mg, "denominator": mg | {"value": 0}}
    assert _reasons(read(bundle(row))) == {"lab_not_a_number"}


@pytest.mark.parametrize(
    ("text", "high"),
    [("2.20-2.55 mmol/l", 2.55), ("(2.20 - 2.55)", 2.55), ("8.8 - 10.2 mg/dL", 2.545), ("see note", None)],
)
def test_limits_in_words(text: str, high: float | None) -> None:
    p = read(bundle(result("2000-8", 2.5, "mmol/L") | {"referenceRange": [{"text": text}]}))
    assert p.labs[0].high == (None if high is None else pytest.approx(high, rel=1e-3))
    assert _reasons(p) == ({"limit_unreadable"} if high is None else set())


def test_a_date_that_cannot_be_read_is_named() -> None:
    p = read(bundle(result() | {"effectiveDateTime": "2026-02-29"}))
    assert [(u.reason, u.text) for u in p.unused] == [("date_unreadable", "2026-02-29")]


# --- states that are answers ---


def _answer(code: str = "82810-3", **value: Any) -> dict[str, Any]:
    row = result(code, 0) | value
    del row["valueQuantity"]
    return row


def _concept(code: str = "", text: str = "") -> dict[str, Any]:
    return {"valueCodeableConcept": {"coding": [{"code": code}]} if code else {"text": text}}


@pytest.mark.parametrize(
    ("row", "pregnant"),
    [
        (_answer(**_concept("77386006")), True),
        (_answer(**_concept("LA15173-0")), True),
        (_answer(**_concept(text="Pregnant")), True),
        (_answer(valueString="pregnant"), True),
        (_answer("2106-3", **_concept(text="Positive")), True),
        (_answer("2106-3", **_concept("10828004")), True),
        (_answer("2118-8", valueBoolean=True), True),
        (_answer(**_concept("LA26683-5")), False),
        (_answer(**_concept(text="Not pregnant")), False),
        (_answer("2106-3", valueString="Negative"), False),
        (_answer("2118-8", valueBoolean=False), False),
        (_answer(), False),
    ],
)
def test_pregnancy_as_an_answer(row: dict[str, Any], pregnant: bool) -> None:
    p = read(bundle(row))
    assert p.has("pregnancy") is pregnant
    assert not p.remarks


def test_an_answer_that_says_neither_is_told() -> None:
    p = read(bundle(_answer(**_concept(text="indeterminate, repeat"))))
    assert not p.has("pregnancy")
    assert [f.id for f in p.remarks] == ["lab_not_a_number"]


# --- allergies among the diagnoses ---


@pytest.mark.parametrize(
    ("condition", "there"),
    [
        (coded("Condition", "Allergy to peanuts", "c1"), True),
        (coded("Condition", "花生過敏", "c1"), True),
        (
            coded("Condition", "", "c1", code={"coding": [{"system": "http://snomed.info/sct", "code": "91935009"}]}),
            True,
        ),
        (
            coded(
                "Condition",
                "",
                "c1",
                code={"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z91.010"}]},
            ),
            True,
        ),
        (coded("Condition", "No peanut allergy", "c1"), False),
        (coded("Condition", "Peanut butter diet", "c1"), False),
        (coded("Condition", "Allergy to peanuts", "c1", clinicalStatus=status("resolved")), False),
    ],
)
def test_an_allergy_among_the_diagnoses(condition: dict[str, Any], there: bool) -> None:
    p = read(bundle(condition))
    assert ("arachis" in {s for a in p.allergies for s in a.substances}) is there


# --- medicines ---


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationStatement", "MedicationAdministration"])
def test_a_medicine_that_is_not_in_the_record_is_told(kind: str) -> None:
    row = {"resourceType": kind, "id": "m", "status": "active", "medicationReference": {"reference": "Medication/lost"}}
    row |= {"status": "completed"} if kind == "MedicationAdministration" else {}
    p = read(bundle(row))
    assert [(f.id, f.level, f.params["text"]) for f in p.remarks] == [
        ("medicine_unknown", "caution", "Medication/lost")
    ]


# --- files ---


@pytest.mark.parametrize("filler", [0, 900], ids=["small", "large"])
def test_a_key_that_stands_twice_is_refused(filler: int) -> None:
    rows = [result(id=f"o{i}") for i in range(filler)]
    text = json.dumps(bundle(*rows)).replace('"birthDate":', '"birthDate": "2015-04-02", "birthDate":')
    with pytest.raises(RecordError, match="'birthDate' stands twice"):
        read(text)


def test_a_key_that_stands_twice_in_the_short_form_is_refused() -> None:
    with pytest.raises(RecordError, match="'born' stands twice"):
        read('{"patient": {"born": "1961-04-02", "born": "2015-04-02"}}')


# --- orders and what became of them ---


def _injection(id: str, day: str, iu: float = 300000) -> dict[str, Any]:
    return given(id, iu, effectiveDateTime=day)


def _order(id: str, day: str) -> dict[str, Any]:
    text = "cholecalciferol 300000 IU"
    return order(text, id, authoredOn=day, dosageInstruction=[{"text": "300000 IU IM once"}])


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        ([_order("r1", "2026-09-20"), _injection("m1", "2026-09-20")], ["2026-09-20"]),
        ([_order("r1", "2026-09-20"), _injection("m1", "2026-09-25")], ["2026-09-25"]),
        ([_order("r1", "2026-09-20"), _injection("m1", "2026-11-20")], ["2026-09-20", "2026-11-20"]),
        ([_order("r1", "2026-09-20"), _injection("m1", "2026-09-25", 100000)], ["2026-09-20", "2026-09-25"]),
        (
            [_order("r1", "2026-09-10"), _order("r2", "2026-09-20"), _injection("m1", "2026-09-20")],
            ["2026-09-10", "2026-09-20"],
        ),
        ([_injection("m1", "2026-09-20"), _injection("m2", "2026-09-25")], ["2026-09-20", "2026-09-25"]),
    ],
    ids=["one day", "five days", "two months", "another amount", "two orders", "two injections"],
)
def test_an_injection_and_its_order_are_one(rows: list[dict[str, Any]], days: list[str]) -> None:
    for arranged in (rows, rows[::-1]):
        assert [d.start.isoformat() for d in read(bundle(*arranged)).doses] == days


def test_weekly_doses_given_are_those_of_the_weekly_order() -> None:
    weekly = order("vitamin D3 50000 IU", dosageInstruction=[{"text": "50000 IU PO weekly"}], authoredOn="2026-10-01")
    oral = {"dose": {"value": 50000, "unit": "IU"}, "route": {"text": "PO"}}
    days = ("2026-10-01", "2026-10-08", "2026-10-16", "2026-10-21")
    rows = [given(f"m{i}", dosage=oral, effectiveDateTime=day) for i, day in enumerate(days)]
    p = read(bundle(weekly, *rows))
    assert [(d.start.isoformat(), d.every_days) for d in p.doses] == [("2026-10-01", 7.0)]
    assert sum(u.reason == "duplicate" for u in p.unused) == 4
    extra = read(bundle(weekly, given("m", dosage=oral, effectiveDateTime="2026-10-12")))
    assert len(extra.doses) == 2


def _handed_out(text: str, day: str = "2026-10-01", **fields: Any) -> dict[str, Any]:
    row = {"resourceType": "MedicationDispense", "id": "d1", "status": "completed", "whenHandedOver": day}
    return row | {"medicationCodeableConcept": {"text": text}, "subject": {"reference": "Patient/p1"}} | fields


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({}, True),
        ({"daysSupply": {"value": 30, "unit": "days"}}, True),
        ({"daysSupply": {"value": 14, "code": "d"}, "day": "2026-09-01"}, False),
        ({"day": "2025-01-01"}, False),
        ({"status": "cancelled"}, False),
        ({"status": "declined"}, False),
    ],
)
def test_a_medicine_that_a_pharmacy_handed_out(fields: dict[str, Any], taken: bool) -> None:
    fields = dict(fields)
    p = read(bundle(_handed_out("Calcitriol 0.25 ug", fields.pop("day", "2026-10-01"), **fields)))
    assert p.takes("active_vitamin_d", ON) is taken


def test_vitamin_d_that_a_pharmacy_handed_out_is_a_dose() -> None:
    row = _handed_out("cholecalciferol 50000 IU capsule", dosageInstruction=[{"text": "50000 IU weekly"}])
    p = read(bundle(row | {"daysSupply": {"value": 8, "unit": "wk", "code": "wk"}}))
    assert [(d.count, d.every_days, d.certain) for d in p.doses] == [(8, 7.0, False)]
    both = read(bundle(row, order("cholecalciferol 50000 IU", dosageInstruction=[{"text": "50000 IU weekly"}])))
    assert len(both.doses) == 1


@pytest.mark.parametrize(
    ("code", "blood"), [("122575003", False), ("UR", False), ("CSF", False), ("119364003", True), ("SER", True)]
)
def test_a_specimen_by_its_code(code: str, blood: bool) -> None:
    specimen = {"resourceType": "Specimen", "id": "s", "type": {"coding": [{"code": code}]}}
    p = read(bundle(result() | {"specimen": {"reference": "Specimen/s"}}, specimen))
    assert bool(p.labs) is blood
    assert ("specimen_not_blood" in _reasons(p)) is not blood


def _local(text: str, unit: str = "10*9/L", value: float = 20) -> dict[str, Any]:
    return result(value=value, unit=unit) | {"code": {"coding": [{"system": "urn:local", "code": "x"}], "text": text}}


@pytest.mark.parametrize("text", ["Platelets, Automated", "PLT COUNT"])
def test_local_names_of_platelets(text: str) -> None:
    assert [x.value for x in read(bundle(_local(text))).labs] == [20.0]


@pytest.mark.parametrize("text", ["Platelets (smear estimate)", "Calcium POC", "CrCl from creatinine, estimated"])
def test_a_local_name_that_may_be_a_deciding_analyte_is_a_caution(text: str) -> None:
    p = read(bundle(_local(text)))
    assert not p.labs
    assert [(f.id, f.level) for f in p.remarks] == [("lab_unknown", "caution")]


@pytest.mark.parametrize("text", ["Calcium, pleural fluid", "Creatinine urine", "Mean corpuscular volume"])
def test_a_local_name_of_something_else_is_counted(text: str) -> None:
    p = read(bundle(_local(text)))
    assert not p.remarks
    assert _reasons(p) == {"code_not_used"}


@pytest.mark.parametrize(
    ("data", "said"), [(b"\x1f\x8b\x08\x00rest", "gzip"), (b"PK\x03\x04rest", "zip"), (b"%PDF-1.7", "PDF")]
)
def test_a_packed_file_is_named(data: bytes, said: str) -> None:
    with pytest.raises(RecordError, match=said):
        read(data)
