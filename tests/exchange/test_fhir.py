"""The FHIR bundle: valid R4B, true to the plan, everything a draft, nothing to give where the plan gives nothing."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from calcidiol.exchange import bundle

FOLDER = Path(__file__).parents[1] / "report"
FILES = {"planned": "plan_example", "reduced": "plan_reduced", "refused": "plan_refused", "unusable": "plan_unusable"}
_READ = {k: json.loads((FOLDER / f"{v}.json").read_text(encoding="utf-8")) for k, v in FILES.items()}


@pytest.fixture(params=FILES)
def plan(request: pytest.FixtureRequest) -> dict[str, Any]:
    return copy.deepcopy(_READ[request.param])


@pytest.fixture
def planned() -> dict[str, Any]:
    return copy.deepcopy(_READ["planned"])


def of(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == kind]


def valid(made: dict[str, Any]) -> bool:
    from fhir.resources.R4B.bundle import Bundle

    read = Bundle.model_validate_json(json.dumps(made, allow_nan=False))
    return len(read.entry) == len(made["entry"])


def test_valid_r4b(plan: dict[str, Any]) -> None:
    assert valid(bundle(plan))


def test_the_same_plan_gives_the_same_bundle(plan: dict[str, Any]) -> None:
    assert bundle(plan) == bundle(json.loads(json.dumps(plan)))


def test_every_reference_leads_to_an_entry(plan: dict[str, Any]) -> None:
    made = bundle(plan)
    urls = [e["fullUrl"] for e in made["entry"]]
    assert len(urls) == len(set(urls))

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "reference" in value and isinstance(value["reference"], str):
                assert value["reference"] in urls
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            assert value != []
            for inner in value:
                walk(inner)

    walk(made)


def test_everything_is_a_draft_or_a_proposal(plan: dict[str, Any]) -> None:
    made = bundle(plan)
    for kind in ("CarePlan", "MedicationRequest", "ServiceRequest"):
        for one in of(made, kind):
            assert (one["status"], one["intent"]) == ("draft", "proposal")


@pytest.mark.parametrize("kind", ["refused", "unusable"])
def test_a_plan_that_gives_nothing_has_no_medication(kind: str) -> None:
    made = bundle(copy.deepcopy(_READ[kind]))
    count = Counter(e["resource"]["resourceType"] for e in made["entry"])
    assert count["MedicationRequest"] == count["Goal"] == count["RiskAssessment"] == 0
    assert count["DetectedIssue"] >= 1
    (care,) = of(made, "CarePlan")
    assert "no vitamin D is to be given" in care["description"]


def test_one_medication_request_for_each_run(planned: dict[str, Any]) -> None:
    made = of(bundle(planned), "MedicationRequest")
    runs = planned["regimen"]["doses"]
    assert len(made) == len(runs)
    for one, run in zip(made, runs, strict=True):
        (dosage,) = one["dosageInstruction"]
        quantity = dosage["doseAndRate"][0]["doseQuantity"]
        assert (quantity["value"], quantity["code"]) == (run["amount"], "[iU]")
        assert quantity["system"] == "http://unitsofmeasure.org"
        assert one["medicationCodeableConcept"]["coding"][0]["code"] == "2418"
        repeat = dosage["timing"]["repeat"]
        assert (repeat["count"], repeat["period"], repeat["periodUnit"]) == (run["count"], run["every_days"], "d")
        last = date.fromisoformat(run["start"]) + timedelta(days=run["every_days"] * (run["count"] - 1))
        assert repeat["boundsPeriod"] == {"start": run["start"], "end": last.isoformat()}
        codes = {c["code"] for c in dosage["route"]["coding"]}
        assert codes == ({"78421000", "IM"} if run["route"] == "im" else {"26643006", "PO"})
    assert "0.5 mL" in made[0]["dosageInstruction"][0]["text"]


def test_a_single_dose_has_its_day(planned: dict[str, Any]) -> None:
    planned["regimen"]["doses"][0] |= {"count": 1, "every_days": 0.0}
    made = bundle(planned)
    assert valid(made)
    assert of(made, "MedicationRequest")[0]["dosageInstruction"][0]["timing"] == {"event": ["2026-11-21"]}


def test_calcifediol_is_in_micrograms(planned: dict[str, Any]) -> None:
    planned["regimen"]["doses"][1] |= {"substance": "calcifediol", "amount": 266.0, "unit": "ug", "iu": None}
    made = bundle(planned)
    assert valid(made)
    one = of(made, "MedicationRequest")[1]
    assert one["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["code"] == "ug"
    assert one["medicationCodeableConcept"]["coding"][0]["code"] == "1889"


def test_each_lab_of_a_day_is_asked_for_once(planned: dict[str, Any]) -> None:
    made = of(bundle(planned), "ServiceRequest")
    wanted = {(m["on"], x) for m in planned["monitoring"] for x in m["labs"]}
    assert len(made) == len(wanted)
    assert all(one["code"]["coding"][0]["system"] == "http://loinc.org" for one in made)
    assert all(one["category"][0]["coding"][0]["code"] == "108252007" for one in made)
    level = [one for one in made if one["code"]["coding"][0]["code"] == "62292-8"]
    assert {one["occurrenceDateTime"] for one in level} == {on for on, x in wanted if x == "25ohd"}


def test_risk_carries_the_probabilities_of_the_plan(planned: dict[str, Any]) -> None:
    (risk,) = of(bundle(planned), "RiskAssessment")
    told = [p["probabilityDecimal"] for p in risk["prediction"]]
    p = planned["probabilities"]
    wanted = [p[k]["value"] for k in ("in_band", "above_high", "above_ceiling")]
    assert told == pytest.approx([*wanted, planned["calcium"]["excess"]], abs=1e-4)
    assert all("Monte-Carlo error" in x["rationale"] for x in risk["prediction"])


def test_rules_and_interactions_are_issues_with_source_and_tag(planned: dict[str, Any]) -> None:
    made = of(bundle(planned), "DetectedIssue")
    assert len(made) == len(planned["verdict"]["rules"]) + len(planned["interactions"])
    for one, rule in zip(made, planned["verdict"]["rules"], strict=False):
        assert rule["source"] in one["detail"]
        assert f"[{rule['tag']}]" in one["detail"]


def test_refusals_say_what_would_lift_them() -> None:
    made = of(bundle(copy.deepcopy(_READ["refused"])), "DetectedIssue")
    told = [a["action"]["text"] for one in made for a in one["mitigation"]]
    assert any(t.startswith("Lifted by: ") for t in told)
    assert any(t.startswith("Permissible meanwhile: ") for t in told)


@pytest.mark.parametrize("nasty", ["", " ", "\x00\x1b[2J", "<b>&\"'</b>", "\u202eevil", "👩‍⚕️", "\ud83d", "x" * 5000])
def test_odd_names_stay_valid(planned: dict[str, Any], nasty: str) -> None:
    planned["patient"] |= {"name": nasty, "id": nasty}
    planned["findings"][0]["text"] = nasty
    planned["interactions"][0]["drug"] = nasty
    made = bundle(planned)
    json.dumps(made, ensure_ascii=False).encode("utf-8")
    assert valid(made)


def test_an_unknown_sex_and_age_are_left_out(planned: dict[str, Any]) -> None:
    planned["patient"] |= {"sex": None, "birth_date": None, "name": ""}
    made = bundle(planned)
    assert valid(made)
    (patient,) = of(made, "Patient")
    assert not {"gender", "birthDate", "name"} & set(patient)


def test_writing_needs_no_heavy_library() -> None:
    code = (
        "import json, sys; from calcidiol.exchange import bundle;"
        f"bundle(json.load(open({str(FOLDER / 'plan_example.json')!r}, encoding='utf-8')));"
        "print([m for m in ('fhir', 'pydantic', 'numba', 'scipy', 'typst') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def read_back(made: dict[str, Any], folder: Path) -> Any:
    import calcidiol as cd

    path = folder / "plan.fhir.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return cd.read(str(path))


def test_a_proposal_read_back_is_no_dose(plan: dict[str, Any], tmp_path: Path) -> None:
    made = bundle(plan)
    patient = read_back(made, tmp_path)
    assert patient.doses == ()
    proposed = [u for u in patient.unused if u.reason == "order_only_proposed"]
    assert len(proposed) == len(of(made, "MedicationRequest"))


@pytest.mark.parametrize("once", [False, True])
def test_what_a_hospital_orders_from_it_is_read_as_the_same_doses(
    planned: dict[str, Any], once: bool, tmp_path: Path
) -> None:
    if once:
        planned["regimen"]["doses"][0] |= {"count": 1, "every_days": 0.0}
    made = bundle(planned)
    for one in of(made, "MedicationRequest"):
        one |= {"intent": "order", "status": "active"}
    doses = read_back(made, tmp_path).doses
    wanted = [(r["route"], r["iu"], r["start"], r["every_days"], r["count"]) for r in planned["regimen"]["doses"]]
    assert [(d.route, d.iu, d.start.isoformat(), d.every_days, d.count) for d in doses] == wanted


def test_pieces_to_dispense(planned: dict[str, Any]) -> None:
    first, second = (one["dispenseRequest"]["quantity"] for one in of(bundle(planned), "MedicationRequest"))
    runs = planned["regimen"]["doses"]
    assert (first["value"], first["code"]) == (runs[0]["count"], "{ampoule}")
    assert second["value"] == pytest.approx(runs[1]["amount"] * runs[1]["count"] / 3000.0, abs=0.01)
    assert second["code"] == "mL"
    runs[0]["product"] = "not in the table"
    assert "dispenseRequest" not in of(bundle(planned), "MedicationRequest")[0]


def test_each_request_carries_the_rules_of_its_route(planned: dict[str, Any]) -> None:
    rule = planned["verdict"]["rules"][0]
    planned["verdict"]["rules"] = [rule | {"id": "A1", "scope": "im"}, rule | {"id": "A2", "scope": "all"}]
    first, second = of(bundle(planned), "MedicationRequest")
    assert [n["text"][:3] for n in first["note"]] == ["A1:", "A2:"]
    assert [n["text"][:3] for n in second["note"]] == ["A2:"]


def test_risk_names_the_results_it_rests_on(planned: dict[str, Any]) -> None:
    (risk,) = of(bundle(planned), "RiskAssessment")
    assert [b["display"].split()[-1] for b in risk["basis"]] == [x["date"] for x in planned["labs"]]
    assert all("nmol/L" in b["display"] for b in risk["basis"])


def test_the_care_plan_says_the_regimen_in_words(planned: dict[str, Any]) -> None:
    (care,) = of(bundle(planned), "CarePlan")
    assert care["description"].startswith("Allowed: 50,000 IU intramuscular, every 14 days")
