"""What was taken, what was not, and what is no vitamin D3 at all: in the short form."""

from __future__ import annotations

from datetime import date

import pytest

from calcidiol.patient import Patient, read
from calcidiol.safety import interactions, limits
from calcidiol.terminology import products

ON = date(2026, 11, 21)


def _of(**sections: object) -> Patient:
    return read({"patient": {"sex": "female", "born": "1961-04-02"}, **sections})


@pytest.mark.parametrize(
    "row",
    [
        "calcitriol 0.25 ug daily since 2026-09-01",
        {"substance": "calcitriol", "dose": "0.25 ug", "every": "day", "start": "2026-09-01"},
        {"name": "alfacalcidol", "dose": "1 ug", "every": "day", "since": "2026-09-01"},
    ],
)
def test_active_vitamin_d_among_the_doses_is_kept_as_a_medicine(row: object) -> None:
    patient = _of(doses=[row])
    assert not patient.doses
    assert patient.takes("active_vitamin_d", ON)
    assert [u.reason for u in patient.unused] == ["dose_not_vitamin_d"]


def test_active_vitamin_d_that_was_stopped_is_not_taken() -> None:
    row = {"substance": "calcitriol", "dose": "0.25 ug", "every": "day", "start": "2026-01-01", "end": "2026-03-01"}
    assert not _of(doses=[row]).takes("active_vitamin_d", ON)


@pytest.mark.parametrize("status", ["stopped", "on hold", "discontinued", "inactive", "completed"])
@pytest.mark.parametrize("section", ["drugs", "doses"])
def test_vitamin_d_that_is_over_does_not_go_on(section: str, status: str) -> None:
    row = {"name": "cholecalciferol", "dose": "50000 IU", "every": "week", "start": "2026-01-01", "status": status}
    patient = _of(**{section: [row]})
    assert not patient.doses  # the end is not known: it is told and not summed
    assert "dose_end_unknown" in [u.reason for u in patient.unused]
    patient = _of(**{section: [row | {"end": "2026-02-26"}]})
    assert [(d.count, d.ongoing) for d in patient.doses] == [(9, False)]


def test_active_no_is_over() -> None:
    row = {"name": "cholecalciferol", "dose": "50000 IU", "every": "week", "start": "2026-01-01", "active": "no"}
    assert not _of(drugs=[row]).doses


@pytest.mark.parametrize("status", ["not taken", "cancelled", "not-done", "planned", "entered-in-error"])
@pytest.mark.parametrize("section", ["drugs", "doses"])
def test_vitamin_d_never_given_is_no_dose(section: str, status: str) -> None:
    row = {"name": "cholecalciferol", "dose": "300000 IU", "route": "im", "date": "2026-10-01", "status": status}
    if section == "drugs":
        row["start"] = row.pop("date")
    patient = _of(**{section: [row]})
    assert not patient.doses
    assert "status_not_taken" in [u.reason for u in patient.unused]
    assert "CI22" not in {r.id for r in limits(patient, ON, products()).fired}


def test_an_operation_that_is_only_planned_has_removed_nothing() -> None:
    done = {"text": "total gastrectomy", "date": "2025-10-14"}
    assert _of(procedures=[done]).has("gastrectomy")
    patient = _of(procedures=[done | {"status": "planned"}])
    assert not patient.has("gastrectomy")
    assert [u.reason for u in patient.unused] == ["status_not_done"]


@pytest.mark.parametrize(
    ("said", "there"), [("yes", True), (True, True), ("no", False), (False, False), (None, False), ("unknown", False)]
)
def test_pregnancy_of_the_patient(said: object, there: bool) -> None:
    patient = read({"patient": {"sex": "female", "born": "1991-04-02", "pregnant": said}})
    assert patient.has("pregnancy") is there
    assert not [f for f in patient.remarks if f.id == "unknown_key"]
    assert read({"patient": {"breastfeeding": said}}).has("lactation") is there


def test_pregnancy_that_is_neither_yes_nor_no_is_told() -> None:
    patient = read({"patient": {"sex": "female", "pregnant": "perhaps"}})
    assert not patient.has("pregnancy")
    assert [f.item for f in patient.remarks] == ["patient.pregnant"]


@pytest.mark.parametrize(
    ("born", "on", "adult"),
    [
        ("2008-11-21", "2026-11-21", True),
        ("2008-11-22", "2026-11-21", False),
        ("2007-11-21", "2025-11-21", True),
        ("2008-02-29", "2026-02-28", False),
        ("2008-02-29", "2026-03-01", True),
    ],
)
def test_the_eighteenth_birthday(born: str, on: str, adult: bool) -> None:
    age = Patient("a", birth_date=date.fromisoformat(born)).age_on(date.fromisoformat(on))
    assert age is not None
    assert (age >= 18.0) is adult


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ("ergocalciferol 50000 IU weekly since 2026-09-01", True),
        ("calcifediol 266 ug monthly since 2026-09-01", True),
        (
            {
                "substance": "calcifediol",
                "dose": "266 ug",
                "every": "month",
                "start": "2026-01-10",
                "end": "2026-04-10",
            },
            False,
        ),
        ({"substance": "calcifediol", "dose": "266 ug", "every": "month", "start": "2026-01-10", "count": 3}, False),
        ("vitamin D2 300000 IU im 2026-08-01", False),
        ("cholecalciferol 50000 IU weekly since 2026-09-01", False),
    ],
)
def test_d2_and_calcifediol_are_doses_and_stand_among_the_interactions(row: object, taken: bool) -> None:
    patient = _of(doses=[row])
    assert len(patient.doses) == 1
    assert patient.takes("other_vitamin_d", ON) is taken
    assert ("DI12" in [i.id for i in interactions(patient, ON)]) is taken


def test_calcium_with_vitamin_d_among_the_doses_is_both() -> None:
    patient = _of(doses=["calcium 600 mg / vitamin D3 400 IU twice daily since 2026-08-01"])
    assert [(d.iu, d.every_days) for d in patient.doses] == [(400.0, 0.5)]
    assert [d.details for d in patient.drugs if "calcium" in d.classes] == [{"elemental_calcium_mg_per_day": 1200.0}]


@pytest.mark.parametrize(
    ("born", "stopped"), [("2008", True), ("2007", False), ("2008-11", True), ("2008-10", False), ("2009", True)]
)
@pytest.mark.parametrize("form", ["short", "fhir"])
def test_who_may_still_be_a_minor_is_treated_as_one(born: str, stopped: bool, form: str) -> None:
    short = {"patient": {"sex": "male", "born": born}}
    patient = read(short if form == "short" else {"resourceType": "Patient", "id": "p", "birthDate": born})
    fired = {r.id for r in limits(patient, ON, products()).fired}
    assert ("CI24" in fired) is stopped


@pytest.mark.parametrize("said", ["none", "No", "no vitamin D", "never", "nil", "無"])
def test_no_doses_in_words(said: str) -> None:
    patient = _of(doses=[said])
    assert not patient.doses
    assert "CI22" not in {r.id for r in limits(patient, ON, products()).fired}


def test_a_dose_stopped_on_a_day_did_not_begin_on_it() -> None:
    patient = _of(doses=["vitamin D3 4000 IU daily, stopped 2026-03-01"])
    assert not patient.doses
    assert [u.reason for u in patient.unused] == ["dose_undated"]
    (dose,) = _of(doses=["vitamin D3 4000 IU daily from 2026-01-01 until 2026-03-01"]).doses
    assert (dose.start, dose.count, dose.ongoing) == (date(2026, 1, 1), 60, False)
    (dose,) = _of(doses=["300000 IU im - 2026-03-01"]).doses
    assert (dose.start, dose.count) == (date(2026, 3, 1), 1)


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("digoxin", True),
        ("digoxin until 2026-01-01", False),
        ("digoxin until 2027-01-01", True),
        ("digoxin (stopped)", False),
        ("digoxin, discontinued 2026-01-01", False),
        ("was on digoxin", False),
        ("digoxin, not stopped", True),
    ],
)
def test_a_medicine_that_is_over_in_words(said: str, taken: bool) -> None:
    assert _of(drugs=[said]).takes("digoxin", ON) is taken
