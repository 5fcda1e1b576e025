"""Findings: units that were mixed up, what is old, what contradicts itself, and what a person confirmed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcidiol.patient import plausible, read
from calcidiol.patient.record import Finding, Patient

ON = date(2026, 11, 21)


def record(*labs: tuple[Any, ...], doses: list[Any] | None = None, **more: Any) -> Patient:
    rows = [{"test": t, "value": v, "unit": u, "date": d} for t, v, u, d in labs]
    about = {"id": "a", "sex": "female", "born": "1961-04-02"} | more.pop("patient", {})
    return read({"patient": about, "labs": rows, "doses": doses or []} | more)


def found(p: Patient, on: date = ON, confirmed: tuple[str, ...] = ()) -> dict[str, Finding]:
    return {f.id: f for f in plausible(p, on, confirmed)}


@pytest.mark.parametrize(
    ("test", "value", "unit", "other"),
    [
        ("calcium", 9.4, "mmol/L", "mg/dL"),
        ("calcium", 2.3, "mg/dL", "mmol/L"),
        ("creatinine", 0.9, "umol/L", "mg/dL"),
        ("creatinine", 80, "mg/dL", "umol/L"),
        ("albumin", 4.1, "g/L", "g/dL"),
        ("albumin", 41, "g/dL", "g/L"),
        ("ionized calcium", 4.8, "mmol/L", "mg/dL"),
        ("platelets", 250000, "10*9/L", "/uL"),
        ("neutrophils", 3500, "10*9/L", "/uL"),
        ("corrected calcium", 9.6, "mmol/L", "mg/dL"),
    ],
)
def test_impossible_here_and_plausible_there_stops(test: str, value: float, unit: str, other: str) -> None:
    trap = found(record((test, value, unit, "2026-11-18")))["unit_trap"]
    assert (trap.level, trap.params["other_unit"], trap.key) == ("stop", other, "unit_trap:labs[0]")


@pytest.mark.parametrize("value", [2, 5, 12.4, 31, 77.4, 250, 400, 900])
@pytest.mark.parametrize("unit", ["nmol/L", "ng/mL"])
def test_a_level_never_stops(value: float, unit: str) -> None:
    assert not [f for f in plausible(record(("25(OH)D", value, unit, "2026-11-18")), ON) if f.level == "stop"]


@given(st.floats(0.5, 3900), st.sampled_from(["nmol/L", "ng/mL"]))
def test_no_level_ever_stops(value: float, unit: str) -> None:
    assert not [f for f in plausible(record(("25(OH)D", value, unit, "2026-11-18")), ON) if f.level == "stop"]


@pytest.mark.parametrize("value", [1.75, 2.31, 3.4, 5.0])
def test_possible_calcium_never_stops(value: float) -> None:
    assert not [f for f in plausible(record(("calcium", value, "mmol/L", "2026-11-18")), ON) if f.level == "stop"]


def test_body_in_other_units() -> None:
    p = record(patient={"weight": "64000 kg", "height": "1.62 cm"})
    assert {f.item for f in plausible(p, ON) if f.level == "stop"} == {"patient.weight", "patient.height"}


def test_old_slip_with_a_newer_result_is_a_caution() -> None:
    p = record(("calcium", 9.4, "mmol/L", "2024-01-01"), ("calcium", 2.3, "mmol/L", "2026-11-18"))
    assert found(p)["unit_trap"].level == "caution"


def test_confirmed_is_shown_and_no_longer_stops() -> None:
    p = record(("calcium", 9.4, "mmol/L", "2026-11-18"))
    before, after = found(p)["unit_trap"], found(p, confirmed=("unit_trap:labs[0]", "nothing"))["unit_trap"]
    assert (before.confirmed, after.confirmed) == (False, True)
    assert after.level == "stop"


def test_unlikely() -> None:
    f = found(record(("phosphate", 3.5, "mmol/L", "2026-11-18")))["lab_unlikely"]
    assert (f.level, f.params["other_unit"]) == ("caution", "mg/dL")
    assert "lab_unlikely" not in found(record(("25(OH)D", "<4", "nmol/L", "2026-11-18")))


@pytest.mark.parametrize(("days", "stale"), [(27, False), (28, False), (29, True)])
def test_age_limit_of_calcium(days: int, stale: bool) -> None:
    day = date.fromordinal(ON.toordinal() - days).isoformat()
    p = record(
        ("calcium", 2.3, "mmol/L", day),
        ("creatinine", 60, "umol/L", "2026-11-20"),
        ("25(OH)D", 30, "nmol/L", "2026-11-20"),
    )
    stale_ones = [f for f in plausible(p, ON) if f.id == "lab_stale"]
    assert [f.params["analyte"] for f in stale_ones] == (["calcium"] if stale else [])
    if stale:
        assert (stale_ones[0].level, stale_ones[0].params["tag"]) == ("caution", "P")


def test_missing_ones() -> None:
    levels = {f.params["analyte"]: f.level for f in plausible(record(), ON) if f.id == "lab_missing"}
    assert levels == {
        "25ohd": "caution",
        "calcium": "caution",
        "creatinine": "caution",
        "albumin": "note",
        "phosphate": "note",
        "platelets": "note",
    }
    assert "lab_missing" not in {
        f.id
        for f in plausible(record(("eGFR", 80, "mL/min/1.73m2", "2026-11-18")), ON)
        if f.params.get("analyte") == "creatinine"
    }


def test_seven_days_at_risk() -> None:
    p = record(("calcium", 2.3, "mmol/L", "2026-11-10"), conditions=["multiple myeloma"])
    assert found(p)["lab_stale_for_session"].level == "note"
    assert "lab_stale_for_session" not in found(record(("calcium", 2.3, "mmol/L", "2026-11-10")))


def test_out_of_time() -> None:
    p = record(
        ("calcium", 2.3, "mmol/L", "2026-12-01"),
        ("albumin", 40, "g/L", "1950-01-01"),
        doses=[
            {"substance": "vitamin D3", "dose": "50000 IU", "date": d}
            for d in ("2026-12-24", "1950-01-01", "2026-11-20")
        ],
        patient={"died": "2026-11-10"},
    )
    assert {
        "lab_future",
        "lab_before_birth",
        "dose_future",
        "dose_before_birth",
        "dose_after_death",
        "patient_died",
    } <= set(found(p))
    assert found(record(patient={"born": "2030-01-01"}))["born_in_future"].level == "stop"
    assert "age_unlikely" in found(record(patient={"born": "1890-01-01"}))


def test_the_future_is_not_used() -> None:
    assert record(("calcium", 2.3, "mmol/L", "2026-12-01")).last("calcium", ON) is None


def test_calcium_and_albumin() -> None:
    ca, alb, day = ("calcium", 2.41, "mmol/L"), ("albumin", 24, "g/L"), "2026-11-18"
    wrong = record((*ca, day), (*alb, day), ("corrected calcium", 2.41, "mmol/L", day))
    assert found(wrong)["calcium_correction_differs"].params["computed_mmol_l"] == pytest.approx(2.73)
    right = record((*ca, day), (*alb, day), ("corrected calcium", 2.73, "mmol/L", day))
    assert "calcium_correction_differs" not in found(right)
    assert "calcium_without_albumin" in found(record((*ca, day)))
    assert "albumin_other_day" in found(record((*ca, day), (*alb, "2026-11-01")))
    assert "calcium_ionized_differs" in found(record((*ca, day), ("ionized calcium", 1.7, "mmol/L", day)))
    assert "calcium_ionized_differs" not in found(record((*ca, day), ("ionized calcium", 1.2, "mmol/L", day)))


def test_body() -> None:
    about = {"weight": "90 kg", "height": "160 cm"}
    assert "bmi_differs" in found(record(("BMI", 22, "kg/m2", "2026-11-18"), patient=about))
    assert "bmi_differs" not in found(record(("BMI", 35, "kg/m2", "2026-11-18"), patient=about))
    assert "bmi_unlikely" in found(record(patient={"weight": "200 kg", "height": "150 cm"}))
    weights = [{"value": w, "unit": "kg", "date": d} for w, d in ((60, "2026-10-01"), (75, "2026-11-01"))]
    assert found(record(patient={"weight": weights}))["weight_jump"].level == "caution"
    weights[1]["date"] = "2027-06-01"
    assert "weight_jump" not in found(record(patient={"weight": weights}), date(2027, 7, 1))


def test_sex_and_age() -> None:
    assert "sex_contradicts" in found(record(patient={"sex": "male"}, conditions=["pregnant"]))
    assert "age_contradicts" in found(record(conditions=["pregnant"]))
    assert "sex_contradicts" in found(record(conditions=["prostate cancer"]))
    assert "age_differs" in found(record(patient={"age": 40}))


def test_doses() -> None:
    assert found(record(doses=["vitamin D3 25 mg daily 2026-05-01 to 2026-06-01"]))["dose_unit_trap"].level == "stop"
    assert found(record(doses=["vitamin D3 25 IU daily since 2026-05-01"]))["dose_small"].level == "caution"
    assert "dose_rate_high" in found(record(doses=["vitamin D3 50000 IU daily since 2026-05-01"]))
    assert "dose_unit_trap" not in found(record(doses=["vitamin D3 600000 IU im on 2026-05-01"]))
    assert found(record(doses=["calcifediol 266 mg monthly since 2026-05-01"]))["calcifediol_unit_trap"].level == "stop"


def series(*values: float, doses: list[Any] | None = None) -> Patient:
    months = ("01", "04", "07", "10")
    return record(
        *(("25(OH)D", v, "nmol/L", f"2026-{m}-01") for v, m in zip(values, months, strict=False)), doses=doses
    )


def test_level_off_by_the_factor_of_its_unit() -> None:
    off = found(series(50, 52, 125, 49))["level_off"]
    assert (off.level, off.item, off.params["direction"]) == ("caution", "labs[2]", "above")
    assert off.params["ratio"] == pytest.approx(2.5)
    below = found(series(70, 28, 72, 68))["level_off"]
    assert (below.item, below.params["direction"]) == ("labs[1]", "below")


def test_level_that_a_dose_explains_or_that_drifts_is_left_alone() -> None:
    assert "level_off" not in found(series(30, 75, 70, doses=["vitamin D3 300000 IU im on 2026-02-01"]))
    assert "level_off" not in found(series(50, 60, 70, 80))
    assert "level_off" not in found(series(30))
    assert "level_off" not in found(series(50, 400)), "no slip of a unit is a factor of eight"
    assert "level_off" in found(series(40, 100)), "of two the newer one is asked about"


def test_labs_against_each_other() -> None:
    p = record(("calcium", 2.3, "mmol/L", "2026-11-18"), ("calcium", 2.5, "mmol/L", "2026-11-18"))
    assert found(p)["labs_differ"].level == "caution"
    reversed_ = read(
        {
            "patient": {"id": "a"},
            "labs": [{"test": "calcium", "value": "2.3 mmol/L", "low": 2.6, "high": 2.1, "date": "2026-11-18"}],
        }
    )
    assert "limits_reversed" in found(reversed_)
    two = read(
        {
            "labs": [
                {"test": "25(OH)D", "value": "30 nmol/L", "assay": a, "date": d}
                for a, d in (("LC-MS/MS", "2026-01-01"), ("CLIA", "2026-06-01"))
            ]
        }
    )
    assert found(two)["assay_changed"].level == "note"


def test_conditions() -> None:
    assert "hypercalcemia_with_low_calcium" in found(
        record(("calcium", 2.0, "mmol/L", "2026-11-18"), conditions=["hypercalcemia"])
    )
    assert "deficiency_with_high_level" in found(
        record(("25(OH)D", 150, "nmol/L", "2026-11-18"), conditions=["vitamin D deficiency"])
    )
    assert "condition_future" in found(record(conditions=[{"text": "lymphoma", "onset": "2027-01-01"}]))


def test_keys_are_unique_and_the_gravest_come_first() -> None:
    p = record(
        ("calcium", 9.4, "mmol/L", "2026-11-18"),
        ("creatinine", 0.9, "umol/L", "2026-11-18"),
        ("25(OH)D", 500, "nmol/L", "2020-01-01"),
        patient={"weight": "500 kg"},
    )
    rows = plausible(p, ON)
    assert len({f.key for f in rows}) == len(rows)
    levels = [f.level for f in rows]
    assert levels == sorted(levels, key=("stop", "caution", "note").index)


def test_findings_do_not_depend_on_the_order_of_the_record() -> None:
    a = [
        ("calcium", 2.3, "mmol/L", "2026-11-18"),
        ("25(OH)D", 50, "nmol/L", "2026-01-18"),
        ("25(OH)D", 125, "nmol/L", "2026-11-18"),
    ]
    assert [f.id for f in plausible(record(*a), ON)] == [f.id for f in plausible(record(*reversed(a)), ON)]
