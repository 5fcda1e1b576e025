"""A plan as a FHIR R4 Bundle: CarePlan, MedicationRequests, RiskAssessment, ServiceRequests, DetectedIssues.

Everything is a draft or a proposal: nothing is ordered by being written. Plain dictionaries are built here; the tests
read them with fhir.resources (R4B).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
IDENTIFIER = "https://calcidiol.example/patient"
CAPSULE = "https://calcidiol.example/capsule"

_RXCUI = {
    "cholecalciferol": ("2418", "cholecalciferol"),
    "ergocalciferol": ("4018", "ergocalciferol"),
    "calcifediol": ("1889", "calcifediol"),
}
"""RxNorm ingredients (safety.md 6.3, V; calcifediol R)."""
_ROUTE = {"im": ("78421000", "Intramuscular route"), "oral": ("26643006", "Oral route")}
"""SNOMED CT routes (safety.md 6.3, V)."""


def bundle(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan (as plain data) as a Bundle of type collection.

    A plan that gives nothing has no MedicationRequest; its CarePlan says why and lists what to check.
    """
    make = _Maker(plan)
    make.patient()
    requests = [make.medication(run) for run in (plan.get("regimen") or {}).get("doses", ())]
    labs = [one for item in plan["monitoring"] for one in make.labs(item)]
    issues = [make.issue(rule) for rule in plan["verdict"]["rules"]]
    risk = make.risk()
    make.care_plan(requests + labs, issues + ([risk] if risk else []))
    return {
        "resourceType": "Bundle",
        "id": make.id("bundle"),
        "identifier": {"system": CAPSULE, "value": str(plan["capsule"].get("hash", ""))},
        "type": "collection",
        "timestamp": f"{plan['on']}T00:00:00Z",
        "entry": make.entries,
    }


class _Maker:
    """Collects the entries; ids follow from the capsule, so that the same plan gives the same bundle."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.plan = plan
        self.entries: list[dict[str, Any]] = []
        self._seed = str(plan["capsule"].get("hash", ""))

    def id(self, name: str) -> str:
        """A stable id."""
        return str(uuid5(NAMESPACE_URL, f"{CAPSULE}/{self._seed}/{name}"))

    def _add(self, name: str, resource: dict[str, Any]) -> str:
        found = self.id(name)
        self.entries.append({"fullUrl": f"urn:uuid:{found}", "resource": {**resource, "id": found}})
        return f"urn:uuid:{found}"

    @property
    def _subject(self) -> dict[str, str]:
        return {"reference": f"urn:uuid:{self.id('patient')}"}

    def patient(self) -> None:
        """Who the plan is for."""
        p = self.plan["patient"]
        resource: dict[str, Any] = {
            "resourceType": "Patient",
            "identifier": [{"system": IDENTIFIER, "value": str(p["id"]) or "unknown"}],
        }
        if p.get("name"):
            resource["name"] = [{"text": _text(p["name"])}]
        if p.get("sex"):
            resource["gender"] = p["sex"]
        if p.get("birth_date"):
            resource["birthDate"] = p["birth_date"]
        self._add("patient", resource)

    def medication(self, run: Mapping[str, Any]) -> str:
        """One run of doses as a proposal."""
        from calcidiol.terminology import products

        code, name = _RXCUI[run["substance"]]
        product = products().get(run["product"])
        route_code, route_name = _ROUTE[run["route"]]
        start = date.fromisoformat(run["start"])
        last = start + timedelta(days=run["every_days"] * max(run["count"] - 1, 0))
        repeat: dict[str, Any] = {"boundsPeriod": {"start": run["start"], "end": last.isoformat()}, "count": run["count"]}
        if run["count"] > 1:
            repeat |= {"frequency": 1, "period": run["every_days"], "periodUnit": "d"}
        unit = {"[iU]": "IU", "ug": "ug"}.get(run["unit"], run["unit"])
        dose = {"value": run["amount"], "unit": unit, "system": UCUM, "code": run["unit"]}
        text = f"{run['amount']:g} {unit} {route_name.lower()}"
        if run.get("volume_ml"):
            text += f" ({run['volume_ml']:g} mL)"
        shown = product.name if product else name
        return self._add(
            f"medication-{run['start']}-{run['product']}-{run['amount']}",
            {
                "resourceType": "MedicationRequest",
                "status": "draft",
                "intent": "proposal",
                "medicationCodeableConcept": {
                    "coding": [{"system": RXNORM, "code": code, "display": name}],
                    "text": shown,
                },
                "subject": self._subject,
                "authoredOn": self.plan["on"],
                "dosageInstruction": [
                    {
                        "text": text,
                        "timing": {"repeat": repeat},
                        "route": {"coding": [{"system": SNOMED, "code": route_code, "display": route_name}]},
                        "doseAndRate": [{"doseQuantity": dose}],
                    }
                ],
            },
        )

    def labs(self, item: Mapping[str, Any]) -> list[str]:
        """Labs of one day as proposals, one for each."""
        from calcidiol.terminology.labs import labs

        table = labs()
        made = []
        for name in item["labs"]:
            code: dict[str, Any] = {"text": name}
            loinc = next(iter(table[name].loinc), None) if name in table else None
            if loinc:
                code["coding"] = [{"system": LOINC, "code": loinc, "display": name}]
            made.append(
                self._add(
                    f"labs-{item['on']}-{item['rule']}-{name}",
                    {
                        "resourceType": "ServiceRequest",
                        "status": "draft",
                        "intent": "proposal",
                        "code": code,
                        "subject": self._subject,
                        "occurrenceDateTime": item["on"],
                        "note": [{"text": _text(item["text"])}],
                    },
                )
            )
        return made

    def issue(self, rule: Mapping[str, Any]) -> str:
        """A rule that applies."""
        severity = {"STOP": "high", "HOLD": "high", "ALT": "moderate"}.get(rule["action"], "low")
        return self._add(
            f"rule-{rule['id']}-{rule['text_id']}-{len(self.entries)}",
            {
                "resourceType": "DetectedIssue",
                "status": "preliminary",
                "code": {"text": f"{rule['id']} {rule['action']}"},
                "severity": severity,
                "patient": self._subject,
                "identifiedDateTime": self.plan["on"],
                "detail": _text(rule["text"]),
            },
        )

    def risk(self) -> str | None:
        """The probabilities of the plan."""
        p, goal = self.plan.get("probabilities"), self.plan.get("goal")
        if not p or not goal:
            return None
        rows = [
            (f"25(OH)D in {goal['low']:g}-{goal['high']:g} nmol/L, weeks {p['weeks'][0]}-{p['weeks'][1]}", p["in_band"]),
            (f"25(OH)D ever above {goal['excess']:g} nmol/L within a year", p["above_high"]),
            (f"25(OH)D ever above {goal['ceiling']:g} nmol/L within a year", p["above_ceiling"]),
        ]
        return self._add(
            "risk",
            {
                "resourceType": "RiskAssessment",
                "status": "preliminary",
                "subject": self._subject,
                "occurrenceDateTime": self.plan["on"],
                "method": {"text": f"calcidiol {self.plan['capsule'].get('code', '')}, {self.plan['capsule'].get('card', '')}"},
                "prediction": [
                    {"outcome": {"text": text}, "probabilityDecimal": round(c["value"], 4)} for text, c in rows
                ],
            },
        )

    def care_plan(self, activities: list[str], supporting: list[str]) -> None:
        """What holds it together."""
        plan = self.plan
        name = (plan.get("regimen") or {}).get("name") or plan["status"]
        self._add(
            "careplan",
            {
                "resourceType": "CarePlan",
                "status": "draft",
                "intent": "proposal",
                "title": "Vitamin D plan",
                "description": _text(f"{plan['verdict']['status']}: {name}"),
                "subject": self._subject,
                "created": plan["on"],
                "supportingInfo": [{"reference": r} for r in supporting] or None,
                "activity": [{"reference": {"reference": r}} for r in activities] or None,
                "note": [
                    {"text": "Decision support for professionals; not a medical device. A clinician decides."},
                    *({"text": _text(f["text"])} for f in plan["findings"]),
                ],
            },
        )
        for entry in self.entries:
            entry["resource"] = {k: v for k, v in entry["resource"].items() if v is not None}


def _text(value: str) -> str:
    """A FHIR string: no control characters but line ends, and not empty."""
    kept = "".join(ch for ch in str(value) if ch in "\n\t" or ch >= " ").strip()
    return kept or "-"
