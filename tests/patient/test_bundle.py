"""FHIR R4 Bundles as real systems write them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from bundles import LOINC, bundle, coded, given, order, person, result, status

from calcidiol.errors import RecordError
from calcidiol.patient import plausible, read
from calcidiol.patient.record import Lab, Patient

ON = date(2026, 11, 21)


def only(*resources: dict[str, Any], **about: Any) -> Lab:
    p = read(bundle(*resources, **about))
    assert len(p.labs) == 1, (p.labs, p.unused)
    return p.labs[0]


def reasons(p: Patient) -> set[str]:
    return {u.reason for u in p.unused}


# --- results ---------------------------------------------------------------------------------------------------------


def test_a_result() -> None:
    row = only(
        result(
            referenceRange=[
                {"type": {"coding": [{"code": "treatment"}]}, "low": {"value": 1, "unit": "mg/dL"}},
                {"low": {"value": 8.6, "unit": "mg/dL"}, "high": {"value": 2.55, "unit": "mmol/L"}},
            ]
        )
    )
    assert row.analyte == "calcium"
    assert row.value == pytest.approx(2.3454, abs=1e-4)
    assert (row.unit, row.when, row.has_time) == ("mmol/L", datetime(2026, 11, 18, 8, 30), True)
    assert row.low == pytest.approx(2.1458, abs=1e-4)
    assert row.high == pytest.approx(2.55, abs=1e-4)
    assert (row.origin.where, row.origin.received) == ("Observation/o1", "9.4 mg/dL")


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "document", "batch", "message", None])
def test_kinds_of_bundle(kind: str | None) -> None:
    b = bundle(result())
    b["type"] = kind
    assert len(read(b).labs) == 1


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "urn:uuid:p",
        "http://server/fhir/Patient/p1",
        "http://server/fhir/Patient/p1/_history/3",
        "Patient/p1/_history/1",
        "Patient?identifier=x|1",
    ],
)
def test_forms_of_reference(reference: str) -> None:
    assert only(result(subject={"reference": reference})).analyte == "calcium"


def test_contained_patient_and_no_subject() -> None:
    assert only(result(subject={"reference": "#me"}, contained=[person(id="me")]))
    assert only(result(subject=None))
    assert only(result(subject={"identifier": {"value": "1"}, "display": "Jane"}))


def test_without_a_patient_resource() -> None:
    p = read(bundle(result(), patient={}))
    assert p.id == "p1"
    assert "patient_resource_missing" in {f.id for f in plausible(p, ON)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueQuantity": {"value": 10, "comparator": "<", "unit": "ng/mL"}}, ("<", 10.0)),
        ({"valueQuantity": {"value": "<10", "unit": "ng/mL"}}, ("<", 10.0)),
        ({"valueQuantity": {"value": "10", "unit": "ng/mL"}}, ("", 10.0)),
        ({"valueString": "<10 ng/mL"}, ("<", 10.0)),
        ({"valueString": "> 150 ng/mL"}, (">", 150.0)),
        ({"valueString": "31.5 ng/mL"}, ("", 31.5)),
    ],
)
def test_ways_to_write_a_value(value: dict[str, Any], expected: tuple[str, float]) -> None:
    row = only(result("62292-8", valueQuantity=None) | value)
    assert (row.comparator, row.origin.value) == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"valueQuantity": {"value": "1,5", "unit": "mmol/L"}}, "lab_decimal_comma"),
        ({"valueQuantity": {"value": 9.4}}, "lab_without_unit"),
        ({"valueQuantity": {"unit": "mg/dL"}}, "lab_empty"),
        ({"valueQuantity": {"value": 9.4, "unit": "mg/dL", "code": "mmol/L"}}, "lab_unit_conflict"),
        ({"valueQuantity": {"value": 9.4, "unit": "bananas"}}, "lab_unit_unknown"),
        ({"valueQuantity": {"value": 9.4, "unit": "mg/dL", "comparator": "ad"}}, "comparator_unknown"),
        ({"valueQuantity": {"vaule": 9.4, "unit": "mg/dL"}}, "resource_unreadable"),
        ({"valueQuantity": None, "valueInteger": 9}, "lab_without_unit"),
        ({"valueQuantity": None, "valueString": "see comment"}, "lab_not_a_number"),
        ({"valueQuantity": None, "valueString": "2,31 mmol/L"}, "lab_decimal_comma"),
        ({"valueQuantity": None, "valueCodeableConcept": {"text": "low"}}, "lab_not_a_number"),
        ({"valueQuantity": None}, "lab_empty"),
        ({"valueQuantity": None, "dataAbsentReason": {"text": "clotted"}}, "lab_absent"),
        ({"effectiveDateTime": None}, "lab_undated"),
        ({"effectiveDateTime": "2026"}, "lab_year_only"),
        ({"effectiveDateTime": "18.11.2026"}, "date_unreadable"),
        ({"status": "perhaps"}, "status_unknown"),
        ({"efectiveDateTime": "2026-11-18"}, "unknown_key"),
        (
            {"code": {"coding": [{"system": LOINC, "code": "17861-6", "display": "Ionized calcium"}]}},
            "lab_code_conflict",
        ),
    ],
)
def test_a_result_that_cannot_be_used_is_told(fields: dict[str, Any], reason: str) -> None:
    p = read(bundle(result() | fields))
    assert reason in reasons(p)
    assert (p.labs == ()) == (reason != "unknown_key")
    assert [f.level for f in plausible(p, ON) if f.id == reason] == ["caution"]


@pytest.mark.parametrize("state", ["entered-in-error", "cancelled", "registered"])
def test_withdrawn_results_are_dropped_and_said(state: str) -> None:
    p = read(bundle(result(status=state)))
    assert p.labs == ()
    assert reasons(p) == {f"status_{state.replace('-', '_')}"}


@pytest.mark.parametrize("state", ["corrected", "amended"])
def test_correction_takes_the_place(state: str) -> None:
    rows = [result(value=11.9), result(value=9.4, id="o2", status=state)]
    for pair in (rows, rows[::-1]):
        p = read(bundle(*pair))
        assert [x.origin.value for x in p.labs] == [9.4]
        assert reasons(p) == {"superseded"}


def test_final_takes_the_place_of_preliminary() -> None:
    p = read(bundle(result(value=9.1, status="preliminary"), result(value=9.4, id="o2")))
    assert [x.origin.value for x in p.labs] == [9.4]
    assert only(result(status="preliminary")).flags == ("preliminary",)


def test_newest_version_of_a_resource() -> None:
    old = result(value=11.9, meta={"versionId": "1", "lastUpdated": "2026-11-18T09:00:00Z"})
    new = result(value=9.4, meta={"versionId": "2", "lastUpdated": "2026-11-18T10:00:00Z"})
    for pair in ((old, new), (new, old)):
        p = read(bundle(*pair))
        assert [x.origin.value for x in p.labs] == [9.4]
        assert "older_version" in reasons(p)


def test_duplicates_in_two_zones() -> None:
    p = read(
        bundle(
            result(),
            result(id="o2", effectiveDateTime="2026-11-18T00:30:00Z"),
            result(id="o3", value=2.3454, unit="mmol/L", effectiveDateTime="2026-11-18"),
        )
    )
    assert len(p.labs) == 1
    assert [u.reason for u in p.unused] == ["duplicate", "duplicate"]


def test_two_values_of_one_time_are_both_kept_and_told() -> None:
    p = read(bundle(result(), result(id="o2", value=10.9)))
    assert len(p.labs) == 2
    assert "labs_differ" in {f.id for f in plausible(p, ON)}


def test_panel_components_and_members() -> None:
    panel = result("24323-8", valueQuantity=None) | {
        "component": [
            {
                "code": {"coding": [{"system": LOINC, "code": "17861-6"}]},
                "valueQuantity": {"value": 9.4, "unit": "mg/dL"},
            },
            {"code": {"text": "Albumin"}, "valueQuantity": {"value": 4.1, "unit": "g/dL"}},
            {"code": {"text": "Phosphate"}, "dataAbsentReason": {"text": "error"}},
        ]
    }
    p = read(bundle(panel))
    assert [(x.analyte, x.origin.where) for x in p.labs] == [
        ("albumin", "Observation/o1.component[1]"),
        ("calcium", "Observation/o1.component[0]"),
    ]
    assert reasons(p) == {"lab_absent"}
    report = {
        "resourceType": "DiagnosticReport",
        "id": "d",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-17",
        "result": [{"reference": "Observation/pan"}],
    }
    group = coded(
        "Observation", "CMP", "pan", hasMember=[{"reference": "http://server/fhir/Observation/o1"}], status="final"
    )
    row = only(result(effectiveDateTime=None), group, report)
    assert row.when.date() == date(2026, 11, 17)
    assert "report_time" in row.flags


def test_time_of_issue_is_a_last_resort_and_said() -> None:
    row = only(result(effectiveDateTime=None, issued="2026-11-19T10:00:00Z"))
    assert "issued_time" in row.flags
    assert (
        only(result(effectiveDateTime=None, effectivePeriod={"start": "2026-11-18", "end": "2026-11-19"})).when.day
        == 18
    )


def test_local_codes() -> None:
    local = result(code="x") | {
        "code": {"coding": [{"system": "http://hospital/codes", "code": "CA", "display": "Calcium"}]}
    }
    assert only(local).flags == ("matched_by_text",)
    unknown = result() | {"code": {"text": "Calcium in drain fluid"}}
    p = read(bundle(unknown))
    assert p.labs == ()
    assert [(u.reason, u.text) for u in p.unused] == [("code_not_used", "Calcium in drain fluid")]
    two = result() | {"code": {"text": "Calcium", "coding": [{"display": "Albumin"}]}}
    assert read(bundle(two)).labs == ()
    other = result("17862-4") | {"code": {"text": "Calcium", "coding": [{"system": LOINC, "code": "17862-4"}]}}
    assert read(bundle(other)).labs == (), "LOINC says urine"


def test_results_contained_in_a_report() -> None:
    inner = result(id="in", effectiveDateTime=None, subject=None)
    report = {
        "resourceType": "DiagnosticReport",
        "id": "d",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-11-17",
        "contained": [inner],
        "result": [{"reference": "#in"}],
    }
    row = only(report)
    assert (row.origin.where, row.when.date()) == ("DiagnosticReport/d#in", date(2026, 11, 17))
    assert read(bundle(report | {"status": "entered-in-error"})).labs == ()
    with pytest.raises(RecordError, match="one record is one patient"):
        read(bundle(report | {"subject": {"reference": "Patient/other"}}))


def test_unknown_loinc_beside_a_name_that_only_blood_has() -> None:
    code = {"coding": [{"system": LOINC, "code": "99999-1", "display": "25-hydroxyvitamin D"}]}
    row = only(result(value=20, unit="ng/mL") | {"code": code})
    assert (row.analyte, row.flags) == ("25ohd", ("matched_by_text",))


def test_specimen_that_is_not_blood() -> None:
    urine = {"resourceType": "Specimen", "id": "s", "type": {"text": "Urine"}}
    local = result(specimen={"reference": "Specimen/s"}) | {"code": {"text": "Calcium"}}
    p = read(bundle(local, urine))
    assert p.labs == ()
    assert "specimen_not_blood" in reasons(p)


def test_corrected_calcium_is_never_corrected_again() -> None:
    row = only(result("29265-6", 2.35, "mmol/L"))
    assert (row.analyte, row.corrected) == ("calcium_corrected", True)
    assert not only(result()).corrected


def test_d2_and_d3_are_added() -> None:
    d3, d2, total = (
        result("1989-3", 12, "ng/mL"),
        result("2236-8", 6, "ng/mL", id="o2"),
        result("62292-8", 19, "ng/mL", id="o3"),
    )
    level = read(bundle(d3, d2)).last("25ohd")
    assert level is not None
    assert level.value == pytest.approx(12 * 1000 / 400.64 + 6 * 1000 / 412.65)
    assert "d2_added" in level.flags
    p = read(bundle(d3, d2, total))
    assert [x.origin.value for x in p.labs_of("25ohd")] == [19]
    assert "part_of_total" in reasons(p)
    alone = only(d3)
    assert "d2_unknown" in alone.flags


def test_urine_ratio_of_masses() -> None:
    assert only(result("9321-1", 0.2, "mg/mg")).value == pytest.approx(0.5645, abs=1e-4)
    assert only(result("9321-1", 200, "mg/g")).value == pytest.approx(0.5645, abs=1e-4)


def test_assay_and_signs() -> None:
    level = only(result("62292-8", 20, "ng/mL", method={"text": "LC-MS/MS"}))
    assert level.assay == "lc-ms"
    assert (
        only(result("62292-8", 20, "ng/mL", method={"coding": [{"display": "Chemiluminescent immunoassay"}]})).assay
        == "immunoassay"
    )
    assert only(result("62292-8", 20, "ng/mL")).assay is None
    p = read(
        bundle(
            result(
                interpretation=[{"coding": [{"code": "H"}]}], referenceRange=[{"low": {"value": 10, "unit": "mg/dL"}}]
            )
        )
    )
    assert "interpretation_differs" in {f.id for f in plausible(p, ON)}
    assert "hemolyzed" in only(result(note=[{"text": "Sample grossly haemolysed"}])).flags
    assert only(result(note=[{"text": "not hemolyzed"}])).flags == ()


def test_pregnancy_status() -> None:
    status_ = result("82810-3", valueQuantity=None) | {"valueCodeableConcept": {"coding": [{"code": "77386006"}]}}
    assert read(bundle(status_)).has("pregnancy")
    assert not read(bundle(status_ | {"valueCodeableConcept": {"coding": [{"code": "60001007"}]}})).has("pregnancy")


# --- whose and what --------------------------------------------------------------------------------------------------


def test_two_patients() -> None:
    with pytest.raises(RecordError, match="2 patients"):
        read(bundle(person(id="p2")))
    with pytest.raises(RecordError, match="one record is one patient"):
        read(bundle(result(subject={"reference": "Patient/other"})))
    with pytest.raises(RecordError, match="more than one patient"):
        read(bundle(result(), result(id="o2", subject={"reference": "Patient/other"}), patient={}))
    with pytest.raises(RecordError, match="born 1970"):
        read(bundle(result(subject={"reference": "#x"}, contained=[person(id="x", birthDate="1970-01-01")])))


def test_results_of_a_group_or_device_are_not_the_patients() -> None:
    p = read(bundle(result(subject={"reference": "Group/g"})))
    assert p.labs == ()
    assert reasons(p) == {"subject_not_patient"}


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        (coded("Condition", "asthma", "c", clinicalStatus="active"), "STU3"),
        (result(comment="x"), "STU3"),
        (order(medication={"concept": {"text": "x"}}), "R5"),
        (
            {
                "resourceType": "MedicationStatement",
                "id": "s",
                "status": "active",
                "taken": "y",
                "subject": {"reference": "Patient/p1"},
            },
            "STU3",
        ),
        ({"resourceType": "MedicationOrder", "id": "s"}, "DSTU2"),
        (coded("Procedure", "x", "p", occurrenceDateTime="2026-01-01"), "R5"),
        (result(meta={"profile": ["http://hl7.org/fhir/STU3/StructureDefinition/Observation"]}), "STU3"),
    ],
)
def test_other_versions_of_fhir(resource: dict[str, Any], version: str) -> None:
    with pytest.raises(RecordError, match=f"{version}.*R4"):
        read(bundle(resource))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"resourceType": "Bundle", "entry": [{"resource": {}}]}', "no Patient"),
        (
            '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": 5, "id": "looooong"}}]}',
            "not a FHIR R4 resource",
        ),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"id": "looooong"}}]}', "needs `resourceType`"),
        ('{"resourceType": "Bundle", "entry": 5}', "not a FHIR R4 Bundle"),
        ('{"resourceType": "Bundle", "type": "history", "entry": []}', "history"),
        ('{"resourceType": "Bundle"}', "no Patient"),
        ('{"resourceType": "Bundle", "entry": [', "not valid JSON"),
        ('{"resourceType": "ValueSet"}', "no Patient"),
    ],
)
def test_broken_bundles(text: str, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        read(text, name="x.json")


def test_bundles_in_bundles() -> None:
    inner = bundle(result(), patient={})
    assert len(read(bundle(inner)).labs) == 1
    deep = result()
    for _ in range(5):
        deep = bundle(deep, patient={})
    with pytest.raises(RecordError, match="deeper"):
        read(deep)


def test_unused_resources_are_counted() -> None:
    p = read(bundle(*({"resourceType": "Practitioner", "id": str(i)} for i in range(3)), result("4548-4", 5, "%")))
    assert [(u.kind, u.reason, u.count) for u in p.unused] == [
        ("Practitioner", "resource_not_used", 3),
        ("Observation", "code_not_used", 1),
    ]


def test_patient_fields() -> None:
    p = read(
        bundle(
            patient=person(name=[{"family": "陳", "given": ["大文"]}], birthDate="1961", deceasedDateTime="2026-01-01")
        )
    )
    assert (p.name, p.birth_date, p.death_date) == ("大文 陳", date(1961, 7, 1), date(2026, 1, 1))
    assert {"patient_died", "birth_date_partial"} <= {f.id for f in plausible(p, ON)}
    assert "patient_died" in {
        f.id for f in plausible(read(bundle(patient=person(deceasedBoolean=True))), ON) if f.level == "stop"
    }


# --- conditions, allergies, procedures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "has"),
    [
        ({"clinicalStatus": status("active")}, True),
        ({}, True),
        ({"clinicalStatus": status("recurrence")}, True),
        ({"clinicalStatus": status("resolved")}, False),
        ({"clinicalStatus": status("inactive")}, False),
        ({"clinicalStatus": status("remission")}, False),
        ({"verificationStatus": status("refuted")}, False),
        ({"verificationStatus": status("entered-in-error")}, False),
        ({"verificationStatus": status("provisional")}, True),
        ({"abatementDateTime": "2025-01-01"}, False),
    ],
)
def test_condition(fields: dict[str, Any], has: bool) -> None:
    p = read(bundle(coded("Condition", "sarcoidosis", "c", **fields)))
    assert p.has("granulomatous") is has


def test_allergy_and_procedure() -> None:
    peanut = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "patient": {"reference": "Patient/p1"},
        "code": {"text": "Peanut"},
    }
    none = peanut | {"id": "b", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]}}
    refuted = peanut | {"id": "d", "code": {"text": "sesame"}, "verificationStatus": status("refuted")}
    p = read(bundle(peanut, none, refuted))
    assert [a.substances for a in p.allergies] == [("arachis", "soya")]
    done = coded("Procedure", "Total gastrectomy", "x", status="completed", performedDateTime="2025-01-01")
    assert read(bundle(done)).has("gastrectomy")
    assert not read(bundle(done | {"status": "not-done"})).has("gastrectomy")
    assert not read(bundle(coded("Procedure", "Drainage of abscess", "x", status="completed"))).has("infection")


# --- medicines -------------------------------------------------------------------------------------------------------


def test_injection() -> None:
    dose = read(bundle(given())).doses[0]
    assert (dose.route, dose.iu, dose.start, dose.count, dose.certain, dose.ongoing) == (
        "im",
        300000,
        date(2026, 6, 1),
        1,
        True,
        False,
    )


@pytest.mark.parametrize("state", ["not-done", "entered-in-error", "stopped"])
def test_injection_that_was_not_given(state: str) -> None:
    p = read(bundle(given(status=state)))
    assert p.doses == ()
    assert len(p.unused) == 1


def test_the_same_injection_twice_and_its_order() -> None:
    ordered = order(
        "cholecalciferol injection",
        authoredOn="2026-05-30",
        dosageInstruction=[
            {
                "route": {"text": "IM"},
                "timing": {"repeat": {"count": 1}},
                "doseAndRate": [{"doseQuantity": {"value": 300000, "unit": "IU"}}],
            }
        ],
    )
    p = read(bundle(given(), given("m2"), ordered))
    assert len(p.doses) == 1
    assert p.doses[0].certain
    assert {"duplicate", "order_carried_out"} == reasons(p)
    assert "dose_duplicate" in {f.id for f in plausible(p, ON)}


def test_volume_with_the_strength_of_a_contained_medication() -> None:
    drug = {
        "resourceType": "Medication",
        "id": "m",
        "code": {"text": "cholecalciferol ampoule"},
        "ingredient": [
            {
                "itemCodeableConcept": {"text": "cholecalciferol"},
                "strength": {"numerator": {"value": 300000, "unit": "IU"}, "denominator": {"value": 1, "unit": "mL"}},
            }
        ],
    }
    volume = {"dose": {"value": 0.5, "unit": "mL"}, "route": {"text": "intramuscular"}}
    for reference, extra, contained in (("#m", [], [drug]), ("Medication/m", [drug], [])):
        row = given(
            medicationReference={"reference": reference},
            medicationCodeableConcept=None,
            contained=contained,
            dosage=volume,
        )
        assert read(bundle(row, *extra)).doses[0].iu == 150000
    p = read(bundle(given(dosage=volume)))
    assert reasons(p) == {"dose_volume_without_strength"}


@pytest.mark.parametrize(
    ("repeat", "every", "count", "ongoing"),
    [
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, 1.0, 0, True),
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, 0.5, 0, True),
        ({"frequency": 1, "period": 4, "periodUnit": "wk"}, 28.0, 0, True),
        ({"frequency": 1, "period": 1, "periodUnit": "wk", "count": 8}, 7.0, 8, False),
        (
            {
                "frequency": 1,
                "period": 1,
                "periodUnit": "wk",
                "boundsPeriod": {"start": "2026-06-01", "end": "2026-07-20"},
            },
            7.0,
            8,
            False,
        ),
        (
            {"frequency": 1, "period": 1, "periodUnit": "d", "boundsDuration": {"value": 30, "code": "d"}},
            1.0,
            30,
            False,
        ),
        ({"period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "thu"]}, 3.5, 0, True),
        ({"frequency": 1, "period": 1, "periodUnit": "mo"}, 30.4375, 0, True),
    ],
)
def test_rhythm_of_an_order(repeat: dict[str, Any], every: float, count: int, ongoing: bool) -> None:
    p = read(
        bundle(
            order(
                dosageInstruction=[
                    {
                        "timing": {"repeat": repeat},
                        "route": {"text": "oral"},
                        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                    }
                ]
            )
        )
    )
    assert len(p.doses) == 1, p.unused
    d = p.doses[0]
    assert d.iu == 1000
    assert d.every_days == pytest.approx(every)
    assert (d.count, d.ongoing, d.certain) == (count, ongoing, False)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "cancelled"}, "status_cancelled"),
        ({"status": "entered-in-error"}, "status_entered_in_error"),
        ({"intent": "proposal"}, "order_only_proposed"),
        ({"doNotPerform": True}, "order_not_to_be_given"),
        ({"status": "stopped", "dosageInstruction": [{"text": "1 tablet daily"}]}, "dose_end_unknown"),
        ({"dosageInstruction": [{"text": "1 tablet daily", "asNeededBoolean": True}]}, "dose_as_needed"),
        ({"dosageInstruction": [{"timing": {"repeat": {"frequncy": 1}}}]}, "resource_unreadable"),
    ],
)
def test_orders_that_are_no_dose(fields: dict[str, Any], reason: str) -> None:
    p = read(bundle(order(**fields)))
    assert p.doses == ()
    assert reason in reasons(p)


def test_units_as_rxnorm_writes_them() -> None:
    d = read(
        bundle(
            order(
                "ergocalciferol 1.25 MG (50000 UNT) Oral Capsule",
                dosageInstruction=[{"text": "Take 1 capsule by mouth every week"}],
            )
        )
    ).doses[0]
    assert (d.substance, d.iu, d.every_days, d.route) == ("ergocalciferol", 50000, 7.0, "oral")


def test_order_in_words_and_statement() -> None:
    d = read(
        bundle(order("cholecalciferol 50,000 IU capsule", dosageInstruction=[{"text": "1 capsule weekly for 8 weeks"}]))
    ).doses[0]
    assert (d.iu, d.every_days, d.count) == (50000, 7.0, 8)
    said = {
        "resourceType": "MedicationStatement",
        "id": "s",
        "status": "active",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Vitamin D3 2000 IU"},
        "effectivePeriod": {"start": "2026-03-01"},
        "informationSource": {"reference": "Patient/p1"},
        "dosage": [{"text": "daily", "route": {"text": "oral"}}],
    }
    d = read(bundle(said)).doses[0]
    assert (d.iu, d.ongoing, d.certain) == (2000, True, False)
    d = read(
        bundle(
            said
            | {
                "informationSource": {"reference": "Practitioner/1"},
                "effectivePeriod": {"start": "2026-03-01", "end": "2026-03-31"},
                "status": "completed",
                "dosage": [{"text": "2000 IU daily"}],
            }
        )
    ).doses[0]
    assert (d.count, d.ongoing, d.certain) == (31, False, True)
    assert read(bundle(said | {"status": "not-taken"})).doses == ()


def test_overlapping_products_are_both_kept_and_told() -> None:
    a = order(dosageInstruction=[{"text": "1 tablet daily"}])
    b = order("cholecalciferol 400 IU drops", "r2", dosageInstruction=[{"text": "400 IU daily"}])
    p = read(bundle(a, b))
    assert sorted(d.iu or 0 for d in p.doses) == [400, 1000]
    assert "dose_overlap" in {f.id for f in plausible(p, ON)}


def test_supply_tells_when_an_order_that_is_over_ended() -> None:
    supply = {"expectedSupplyDuration": {"value": 30, "unit": "days", "code": "d"}, "numberOfRepeatsAllowed": 1}
    d = read(
        bundle(order(status="completed", dosageInstruction=[{"text": "1 tablet daily"}], dispenseRequest=supply))
    ).doses[0]
    assert (d.count, d.ongoing) == (60, False)


def test_one_therapy_is_counted_once() -> None:
    daily = [{"text": "1 tablet daily"}]
    first, renewed = order(dosageInstruction=daily), order(id="r2", authoredOn="2026-09-01", dosageInstruction=daily)
    p = read(bundle(renewed, first))
    assert [(d.start, d.ongoing, d.every_days) for d in p.doses] == [(date(2026, 6, 1), True, 1.0)]
    assert "dose_duplicate" in {f.id for f in plausible(p, ON)}
    stated = {
        "resourceType": "MedicationStatement",
        "id": "s",
        "status": "active",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "cholecalciferol 1000 IU tablet"},
        "effectivePeriod": {"start": "2026-06-10"},
        "dosage": daily,
    }
    swallowed = given(
        iu=1000,
        effectiveDateTime="2026-07-01",
        dosage={"dose": {"value": 1000, "unit": "IU"}, "route": {"text": "oral"}},
    )
    assert len(read(bundle(first, stated, swallowed)).doses) == 1
    other = order(id="r3", authoredOn="2026-09-01", dosageInstruction=[{"text": "2 tablets daily"}])
    assert len(read(bundle(first, other)).doses) == 2
    typed = {
        "doses": [
            {"substance": "vitamin D3", "dose": "1000 IU", "every": "day", "since": d}
            for d in ("2026-06-01", "2026-07-01")
        ]
    }
    assert len(read(typed).doses) == 2, "what a person types is taken as it is"


def test_other_medicines() -> None:
    p = read(
        bundle(
            order("Denosumab 120 mg", id="d"),
            given("z", medicationCodeableConcept={"text": "zoledronic acid"}, dosage=None),
        )
    )
    assert p.takes("denosumab", ON)
    assert p.takes("bisphosphonate", ON), "one infusion counts for a year"
    assert not p.takes("bisphosphonate", date(2028, 1, 1))


def tablet(strength: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Medication",
        "id": "m",
        "code": {"text": "cholecalciferol tablet"},
        "ingredient": [{"itemCodeableConcept": {"text": "cholecalciferol"}, "strength": strength}],
    }


@pytest.mark.parametrize(
    ("dosage", "iu", "every"),
    [
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}],
                "timing": {"code": {"coding": [{"code": "QD"}]}},
            },
            2000,
            1.0,
        ),
        ({"text": "1 tablet daily"}, 1000, 1.0),
        (
            {"doseAndRate": [{"doseQuantity": {"value": 1, "code": "{tbl}"}}], "timing": {"code": {"text": "BID"}}},
            1000,
            0.5,
        ),
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 50, "unit": "ug"}}],
                "timing": {"code": {"text": "every week"}},
            },
            2000,
            7.0,
        ),
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                "timing": {"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}},
            },
            1000,
            0.5,
        ),
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                "timing": {"repeat": {"when": ["MORN"]}},
            },
            1000,
            1.0,
        ),
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                "timing": {"repeat": {"dayOfWeek": ["sun"]}},
            },
            1000,
            7.0,
        ),
    ],
)
def test_pieces_of_a_medication_with_its_strength(dosage: dict[str, Any], iu: float, every: float) -> None:
    drug = tablet({"numerator": {"value": 1000, "unit": "IU"}, "denominator": {"value": 1, "unit": "tablet"}})
    row = order(
        medicationReference={"reference": "Medication/m"}, medicationCodeableConcept=None, dosageInstruction=[dosage]
    )
    p = read(bundle(row, drug))
    assert len(p.doses) == 1, p.unused
    assert (p.doses[0].iu, p.doses[0].every_days) == pytest.approx((iu, every))


def test_events_are_single_doses() -> None:
    row = order(
        "cholecalciferol injection",
        dosageInstruction=[
            {
                "timing": {"event": ["2026-06-02", "2026-07-02"]},
                "route": {"text": "IM"},
                "doseAndRate": [{"doseQuantity": {"value": 50000, "unit": "IU"}}],
            }
        ],
    )
    assert [(d.start.month, d.count, d.iu) for d in read(bundle(row)).doses] == [(6, 1, 50000), (7, 1, 50000)]


@pytest.mark.parametrize(
    ("dosage", "reason"),
    [
        (
            {"doseAndRate": [{"doseQuantity": {"value": 50, "unit": "ug", "code": "mg"}}], "text": "daily"},
            "dose_without_amount",
        ),
        (
            {"doseAndRate": [{"doseQuantity": {"value": 50, "comparator": "<", "unit": "ug"}}], "text": "daily"},
            "dose_without_amount",
        ),
        ({"doseAndRate": [{"doseQuantity": {"value": 50, "unit": "spoons"}}], "text": "daily"}, "dose_unit_unknown"),
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 50, "unit": "ug"}}],
                "text": "daily",
                "route": {"text": "rectal"},
            },
            "dose_route_unknown",
        ),
        ({"doseAndRate": [{"doseQuantity": {"value": -5, "unit": "ug"}}], "text": "daily"}, "dose_not_positive"),
        (
            {
                "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "ug"}}],
                "timing": {"repeat": {"frequency": 0, "period": 0, "periodUnit": "d"}},
            },
            "dose_unclear",
        ),
    ],
)
def test_doses_that_are_not_guessed(dosage: dict[str, Any], reason: str) -> None:
    p = read(bundle(order("cholecalciferol", dosageInstruction=[dosage])))
    assert p.doses == ()
    assert reason in reasons(p)


def test_unreadable_vitamin_d_counts_as_a_dose_that_is_missing() -> None:
    p = read(
        bundle(
            given(dosage={"dose": {"valeu": 1}}), given("n", medicationCodeableConcept={"text": "heparin"}, dosage=5)
        )
    )
    assert [(u.kind, u.reason) for u in p.unused] == [
        ("dose", "resource_unreadable"),
        ("MedicationAdministration", "resource_unreadable"),
    ]


def test_visits() -> None:
    visit = {
        "resourceType": "Appointment",
        "id": "v",
        "status": "booked",
        "description": "Chemotherapy",
        "start": "2026-12-01T09:00:00+08:00",
        "participant": [{"actor": {"reference": "Practitioner/1"}}, {"actor": {"reference": "Patient/p1"}}],
    }
    p = read(bundle(visit, visit | {"id": "w", "status": "cancelled"}))
    assert [(v.kind, v.when, v.text) for v in p.visits] == [("appointment", date(2026, 12, 1), "Chemotherapy")]
    with pytest.raises(RecordError, match="one record is one patient"):
        read(bundle(visit | {"participant": [{"actor": {"reference": "Patient/other"}}]}))
