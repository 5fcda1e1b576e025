"""A plan as a FHIR R4 Bundle: CarePlan, Goal, MedicationRequests, ServiceRequests, RiskAssessment, DetectedIssues.

Everything is a draft or a proposal: nothing is ordered by being written. Plain dictionaries are built here; the tests
read them with fhir.resources (R4B).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from html import escape
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from calcidiol.exchange.dosage import SNOMED, dispense, dosage, ingredient, quantity
from calcidiol.report import clean, dosing
from calcidiol.report.words import Words

LOINC = "http://loinc.org"
HERE = "urn:calcidiol"
"""Root of our own identifiers and codes (no web address: there is no server behind them)."""

_SEVERITY = {"STOP": "high", "HOLD": "high", "ALT": "moderate", "major": "high", "moderate": "moderate"}
LABORATORY = {"system": SNOMED, "code": "108252007", "display": "Laboratory procedure"}
"""Category of the requests for labs (V: value set servicerequest-category of FHIR)."""
LEVEL_CODE = {"system": LOINC, "code": "62292-8"}
"""25-hydroxyvitamin D, D2 and D3 together (V)."""


def bundle(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan (as plain data) as a Bundle of type collection.

    Parameters
    ----------
    plan
        `Plan.to_dict`, or the same read from a file.

    Returns
    -------
    dict
        JSON-ready; the same plan gives the same bundle, ids included. A plan that gives nothing has no
        MedicationRequest; its CarePlan says why.

    Examples
    --------
    >>> nothing = {"status": "refused", "on": "2026-11-21", "patient": {"id": "x"}, "capsule": {}, "regimen": None,
    ...            "verdict": {"status": "refused", "rules": []}, "findings": [], "interactions": [], "monitoring": []}
    >>> [e["resource"]["resourceType"] for e in bundle(nothing)["entry"]]
    ['CarePlan', 'Patient', 'Device']
    """
    make = _Maker(clean.plain(plan))
    make.patient()
    make.device()
    issues = make.issues()
    requests = make.medications(issues)
    labs = make.labs()
    goal = make.goal()
    risk = make.risk()
    make.care_plan(requests + labs, goal, issues + ([risk] if risk else []))
    return {
        "resourceType": "Bundle",
        "id": make.id("bundle"),
        "identifier": {"system": f"{HERE}:capsule", "value": make.capsule},
        "type": "collection",
        "timestamp": f"{plan['on']}T00:00:00Z",
        "entry": make.entries,
    }


class _Maker:
    """Collects the entries; ids follow from the capsule, so that the same plan gives the same bundle."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.plan = plan
        self.entries: list[dict[str, Any]] = []
        self.capsule = str((plan.get("capsule") or {}).get("hash") or "unsealed")

    def id(self, name: str) -> str:
        """A stable id."""
        return str(uuid5(NAMESPACE_URL, f"{HERE}/{self.capsule}/{self.plan['patient']['id']}/{name}"))

    def _add(self, name: str, resource: dict[str, Any], first: bool = False) -> str:
        found = self.id(name)
        kept = {k: v for k, v in resource.items() if v not in (None, [], "")}
        kept = {"resourceType": kept.pop("resourceType"), "id": found, **kept}
        entry = {"fullUrl": f"urn:uuid:{found}", "resource": kept}
        self.entries.insert(0 if first else len(self.entries), entry)
        return f"urn:uuid:{found}"

    def _to(self, name: str) -> dict[str, str]:
        return {"reference": f"urn:uuid:{self.id(name)}"}

    def patient(self) -> None:
        """Who the plan is for."""
        p = self.plan["patient"]
        self._add(
            "patient",
            {
                "resourceType": "Patient",
                "identifier": [{"system": f"{HERE}:record", "value": _text(p.get("id"))}],
                "name": [{"text": _text(p["name"])}] if p.get("name") else None,
                "gender": p.get("sex"),
                "birthDate": p.get("birth_date"),
            },
        )

    def device(self) -> None:
        """What made the proposal."""
        c = self.plan.get("capsule") or {}
        self._add(
            "device",
            {
                "resourceType": "Device",
                "status": "active",
                "deviceName": [{"name": "calcidiol", "type": "model-name"}],
                "version": [{"value": _text(f"{c.get('code', '')}, card {c.get('card', '')}")}],
                "note": [{"text": "Decision support for professionals; not a medical device."}],
            },
        )

    def issues(self) -> list[str]:
        """The rules that apply and the interactions, each with what would lift it."""
        made = []
        for i, rule in enumerate(self.plan["verdict"]["rules"]):
            lifted = rule.get("lifted_by")
            made.append(
                self._issue(
                    f"rule-{i}-{rule['id']}",
                    rule["id"],
                    f"{rule['id']} {rule['action']}",
                    rule["action"],
                    f"{rule['text']} Source: {rule['source']} [{rule['tag']}].",
                    [f"Lifted by: {lifted}"] if lifted else [],
                    [p["text"] for p in rule.get("permitted") or ()],
                )
            )
        for i, one in enumerate(self.plan.get("interactions") or ()):
            told = f"{one['effect']} Source: {one['source']} [{one['tag']}]."
            made.append(
                self._issue(f"interaction-{i}-{one['id']}", one["id"], f"{one['id']} {one['drug']}", one["level"], told)
            )
        return made

    def _issue(
        self,
        name: str,
        code: str,
        title: str,
        level: str,
        detail: str,
        lifts: list[str] | None = None,
        permitted: list[str] | None = None,
    ) -> str:
        actions = [*(lifts or ()), *(f"Permissible meanwhile: {p}" for p in permitted or ())]
        return self._add(
            name,
            {
                "resourceType": "DetectedIssue",
                "status": "preliminary",
                "code": {"coding": [{"system": f"{HERE}:rule", "code": _text(code)}], "text": _text(title)},
                "severity": _SEVERITY.get(level, "low"),
                "patient": self._to("patient"),
                "identifiedDateTime": self.plan["on"],
                "author": self._to("device"),
                "detail": _text(detail),
                "mitigation": [{"action": {"text": _text(a)}} for a in actions],
            },
        )

    def medications(self, issues: list[str]) -> list[str]:
        """Each run of doses as a proposal."""
        from calcidiol.terminology import products

        made = []
        regimen = self.plan.get("regimen") or {}
        steps = dosing.steps(regimen, Words("en"))
        for i, run in enumerate(regimen.get("doses", ())):
            substance = ingredient(run)
            product = products().get(run["product"])
            shown = run.get("product_name") or (product.name if product else substance["display"])
            made.append(
                self._add(
                    f"medication-{i}",
                    {
                        "resourceType": "MedicationRequest",
                        "status": "draft",
                        "intent": "proposal",
                        "medicationCodeableConcept": {
                            "coding": [substance],
                            "text": _text(shown),
                        },
                        "subject": self._to("patient"),
                        "authoredOn": self.plan["on"],
                        "requester": self._to("device"),
                        "note": [{"text": _text(t)} for t in self._rules_of(run["route"])],
                        "dosageInstruction": [dosage(run, steps[i], i + 1)],
                        "dispenseRequest": dispense(run, product),
                        "detectedIssue": [{"reference": r} for r in issues],
                    },
                )
            )
        return made

    def _rules_of(self, route: str) -> list[str]:
        """What the rules say about doses of a route: who takes up one request alone must see it."""
        rules = self.plan["verdict"]["rules"]
        return [f"{r['id']}: {r['text']}" for r in rules if r.get("scope", "all") in ("all", route)]

    def labs(self) -> list[str]:
        """Each lab of each day as a proposal, once for all its reasons."""
        from calcidiol.terminology.labs import labs

        table = labs()
        wanted: dict[tuple[str, str], list[str]] = {}
        for item in self.plan.get("monitoring") or ():
            for name in item["labs"]:
                reasons = wanted.setdefault((item["on"], name), [])
                told = f"{item['text']} Source: {item['source']} [{item['tag']}]."
                if told not in reasons:
                    reasons.append(told)
        made = []
        for (on, name), reasons in sorted(wanted.items()):
            item = table.get(name)
            code: dict[str, Any] = {"text": item.name if item else name}
            if name == "25ohd":
                code["coding"] = [LEVEL_CODE]
            elif item is not None and item.loinc:
                code["coding"] = [{"system": LOINC, "code": item.loinc[0]}]
            made.append(
                self._add(
                    f"lab-{on}-{name}",
                    {
                        "resourceType": "ServiceRequest",
                        "status": "draft",
                        "intent": "proposal",
                        "category": [{"coding": [LABORATORY]}],
                        "code": code,
                        "subject": self._to("patient"),
                        "occurrenceDateTime": on,
                        "authoredOn": self.plan["on"],
                        "requester": self._to("device"),
                        "reasonCode": [{"text": _text(r)} for r in reasons],
                    },
                )
            )
        return made

    def goal(self) -> str | None:
        """The band of 25(OH)D that the regimen aims at."""
        g = self.plan.get("goal")
        if not g or not self.plan.get("regimen"):
            return None
        due = date.fromisoformat(self.plan["on"]) + timedelta(weeks=g["week_from"])
        bounds = {k: quantity(g[k], "nmol/L", "nmol/L") for k in ("low", "high")}
        return self._add(
            "goal",
            {
                "resourceType": "Goal",
                "lifecycleStatus": "proposed",
                "description": {
                    "text": f"25(OH)D {g['low']:g}-{g['high']:g} nmol/L, weeks {g['week_from']}-{g['week_to']}"
                },
                "subject": self._to("patient"),
                "startDate": self.plan["on"],
                "target": [
                    {"measure": {"coding": [LEVEL_CODE]}, "detailRange": bounds, "dueDate": due.isoformat()},
                ],
            },
        )

    def risk(self) -> str | None:
        """The probabilities of the plan, each with its Monte-Carlo error."""
        p, goal = self.plan.get("probabilities"), self.plan.get("goal")
        if not p or not goal:
            return None
        start = date.fromisoformat(self.plan["on"])
        first, last = (start + timedelta(weeks=w) for w in p["weeks"])
        year = (start, start + timedelta(weeks=52))
        rows = [
            (f"Share of time with 25(OH)D in {goal['low']:g}-{goal['high']:g} nmol/L", p["in_band"], (first, last)),
            (f"25(OH)D ever above {goal['excess']:g} nmol/L", p["above_high"], year),
            (f"25(OH)D ever above {goal['ceiling']:g} nmol/L", p["above_ceiling"], year),
        ]
        calcium = self.plan.get("calcium") or {}
        if calcium.get("excess") is not None and calcium.get("mc_error") is not None:
            told = f"Calcium ever above {calcium['upper_limit_mmol_per_l']:.4g} mmol/L, added by the regimen"
            one = {"value": max(calcium["excess"], 0.0), "mc_error": calcium["mc_error"]}
            rows.append((told, one, year))
        return self._add(
            "risk",
            {
                "resourceType": "RiskAssessment",
                "status": "preliminary",
                "method": {"text": "Weighted draws of a population model, given this patient's results"},
                "subject": self._to("patient"),
                "occurrenceDateTime": self.plan["on"],
                "performer": self._to("device"),
                "basis": [{"type": "Observation", "display": _text(t)} for t in _basis(self.plan)],
                "prediction": [
                    {
                        "outcome": {"text": text},
                        "probabilityDecimal": round(c["value"], 4),
                        "whenPeriod": {"start": when[0].isoformat(), "end": when[1].isoformat()},
                        "rationale": f"Monte-Carlo error {c['mc_error']:.4f}",
                    }
                    for text, c, when in rows
                ],
            },
        )

    def care_plan(self, activities: list[str], goal: str | None, supporting: list[str]) -> None:
        """What holds it together; the first entry."""
        plan = self.plan
        regimen = plan.get("regimen")
        told = _told(plan)
        ends = [date.fromisoformat(m["on"]) for m in plan.get("monitoring") or ()]
        ends += [dosing.last_day(run) for run in (regimen or {}).get("doses", ())]
        period = {"start": plan["on"]}
        if ends:
            period["end"] = max(*ends, date.fromisoformat(plan["on"])).isoformat()
        rows = "".join(f"<li>{escape(t)}</li>" for t in told)
        self._add(
            "careplan",
            {
                "resourceType": "CarePlan",
                "text": {
                    "status": "generated",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>Vitamin D plan</p><ul>{rows}</ul></div>',
                },
                "status": "draft",
                "intent": "proposal",
                "title": "Vitamin D plan",
                "description": _text(told[0]),
                "subject": self._to("patient"),
                "period": period,
                "created": plan["on"],
                "author": self._to("device"),
                "supportingInfo": [{"reference": r} for r in supporting],
                "goal": [{"reference": goal}] if goal else None,
                "activity": [{"reference": {"reference": r}} for r in activities],
                "note": [{"text": _text(t)} for t in told[1:]],
            },
            first=True,
        )


def _told(plan: Mapping[str, Any]) -> list[str]:
    """The plan in a few sentences: verdict, then what a reader of the CarePlan alone must know."""
    regimen, words = plan.get("regimen"), Words("en")
    name = dosing.sentence(regimen, words) if regimen else "no vitamin D is to be given"
    status = f"verdict.{plan['verdict']['status']}" if plan["status"] == "planned" else f"status.{plan['status']}"
    told = [f"{words.say(status)}: {name}"]
    told.append("Decision support for professionals; not a medical device. A clinician decides.")
    told += [f"Rule {r['id']} {r['action']}: {r['text']}" for r in plan["verdict"]["rules"]]
    told += [f"Finding ({f['level']}): {f['text']}" for f in plan.get("findings") or ()]
    told += [f"Stop rule {r['id']}: {r['text']}" for r in plan.get("stop_rules") or ()]
    return told


def _basis(plan: Mapping[str, Any]) -> list[str]:
    """The 25(OH)D results behind the forecast; they stand in the record, so they are named and not copied."""
    results = [x for x in plan.get("labs") or () if x.get("value") is not None]
    return [f"25(OH)D {x.get('comparator') or ''}{x['value']:.0f} nmol/L of {x['date']}" for x in results]


def _text(value: Any) -> str:
    """A FHIR string: never empty."""
    return str(value or "").strip() or "-"
