"""A run of doses in FHIR: what is given, when, by which route, how much, and how many pieces are dispensed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calcidiol.report import dosing
from calcidiol.report.words import UNITS

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
HL7_ROUTE = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
UCUM = "http://unitsofmeasure.org"

_INGREDIENT = {
    "cholecalciferol": ("2418", "cholecalciferol"),
    "ergocalciferol": ("4018", "ergocalciferol"),
    "calcifediol": ("1889", "calcifediol"),
}
"""RxNorm ingredients (2418, 4018: V, OHDSI vocabulary; 1889: R)."""
_ROUTE = {
    "im": (("78421000", "Intramuscular route"), ("IM", "Injection, intramuscular")),
    "oral": (("26643006", "Oral route"), ("PO", "Swallow, oral")),
}
"""SNOMED CT and HL7 v3 codes of the routes (V)."""
_PIECE = {"capsule": "{capsule}", "drops": "{drop}", "ampoule": "{ampoule}", "solution": "mL"}
"""What is dispensed, in UCUM (annotations in braces are units of count)."""


def ingredient(run: Mapping[str, Any]) -> dict[str, str]:
    """The substance of a run as a coding."""
    code, name = _INGREDIENT[run["substance"]]
    return {"system": RXNORM, "code": code, "display": name}


def dosage(run: Mapping[str, Any], step: dosing.Step, sequence: int) -> dict[str, Any]:
    """One run as a dosage: text, timing, route and the quantity of one dose."""
    snomed, hl7 = _ROUTE[run["route"]]
    unit = UNITS.get(run["unit"], run["unit"])
    volume = f" ({step.volume})" if step.volume else ""
    if run["count"] == 1:
        timing: dict[str, Any] = {"event": [run["start"]]}
        when = step.first
    else:
        every = _whole(run["every_days"])
        bounds = {"start": run["start"], "end": dosing.last_day(run).isoformat()}
        repeat = {"boundsPeriod": bounds, "count": run["count"], "frequency": 1, "period": every, "periodUnit": "d"}
        timing = {"repeat": repeat}
        when = f"{run['count']} doses from {step.first} to {step.last}"
    return {
        "sequence": sequence,
        "text": f"{step.dose}{volume} {step.route}, {step.rhythm}, {when}",
        "timing": timing,
        "asNeededBoolean": False,
        "route": {
            "coding": [
                {"system": SNOMED, "code": snomed[0], "display": snomed[1]},
                {"system": HL7_ROUTE, "code": hl7[0], "display": hl7[1]},
            ]
        },
        "doseAndRate": [{"doseQuantity": quantity(run["amount"], unit, run["unit"])}],
    }


def dispense(run: Mapping[str, Any], product: Any) -> dict[str, Any] | None:
    """How many pieces all doses of a run need."""
    _, opened = dosing.pieces(run, product)
    if not opened:
        return None
    code = _PIECE[product.form]
    return {"quantity": quantity(round(opened * run["count"], 2), code.strip("{}"), code)}


def quantity(value: float, unit: str, code: str) -> dict[str, Any]:
    """An amount with its unit in UCUM."""
    return {"value": _whole(value), "unit": unit, "system": UCUM, "code": code}


def _whole(value: float) -> float | int:
    """Whole numbers without a decimal point."""
    return int(value) if float(value).is_integer() else value
