"""The parts of a plan as plain data: who, card, labs in their forecast, alternatives, next result, reasons."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from calcidiol.kinetics import Card, Regimen
from calcidiol.patient.record import Finding, Patient
from calcidiol.planning import inputs
from calcidiol.planning.answer import regimen_dict
from calcidiol.planning.person import Person
from calcidiol.safety.verdict import Limits, Verdict

if TYPE_CHECKING:
    from calcidiol.regimen import Candidates, Scored
    from calcidiol.terminology.product import Product

PARETO_SHOWN = 6
"""How many of the Pareto set stand among the alternatives; all of it is in the plan's `search` (P)."""
EDGE = 2.5
"""Percentile of its own forecast, from either end, at which a 25(OH)D result is pointed out (P)."""


def who(patient: Patient, day: date) -> dict[str, Any]:
    age = patient.age_on(day)
    return {
        "id": patient.id,
        "name": patient.name,
        "sex": patient.sex,
        "birth_date": None if patient.birth_date is None else patient.birth_date.isoformat(),
        "age_y": None if age is None else round(age, 1),
    }


def card_told(card: Card, person: Person | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": card.id,
        "version": card.version,
        "title": card.title,
        "citation": card.citation,
        "population": card.population,
        "known_failures": list(card.known_failures),
        "domain": [],
    }
    if person is not None:
        mean = {
            name: float(person.individual.mean(getattr(person.individual.covariates, name)))
            for name in ("weight_kg", "bmi", "age_y")
        }
        mean["untreated"] = float(
            np.exp(person.individual.mean(np.log(person.individual.parameters[:, _untreated_row()])))
        )
        for name, box in card.domain.items():
            if name in mean:
                told["domain"].append(
                    {
                        "name": name,
                        "value": mean[name],
                        "low": box["low"],
                        "high": box["high"],
                        "unit": box["unit"],
                        "inside": bool(box["low"] <= mean[name] <= box["high"]),
                        "source": box["source"],
                        "tag": box["tag"],
                    }
                )
    return told


def _untreated_row() -> int:
    from calcidiol.kinetics.layout import ROW

    return ROW["untreated"]


def labs_in_their_forecast(patient: Patient, card: Card, day: date, seed: int, body: dict[str, Any]) -> list[Finding]:
    """Where each 25(OH)D falls in its own forecast; those at the edge become findings."""
    from calcidiol.individual import percentiles

    labs = [x for x in patient.labs_of("25ohd", day) if x.value > 0]
    told = []
    for lab, percentile in zip(labs, percentiles(patient, card, day, seed=seed), strict=True):
        known = bool(np.isfinite(percentile))
        body["labs"].append(
            {
                "date": lab.when.date().isoformat(),
                "value": lab.value,
                "sd": float(np.hypot(card.residual[0] * lab.value, card.residual[1])),
                "comparator": lab.comparator,
                "unit": lab.unit,
                "received": lab.origin.received,
                "percentile": percentile if known else None,
                "assay": lab.assay,
                "item": lab.origin.where,
            }
        )
        if known and not EDGE <= percentile <= 100.0 - EDGE:
            params: dict[str, object] = {
                "value": lab.value,
                "percentile": percentile,
                "date": lab.when.date().isoformat(),
            }
            told.append(Finding("level_at_edge", "caution", lab.origin.where, params))
    return told


EXPLANATIONS = {"missed": "missed_doses", "other": "model"}
"""Ids of the comparison that a report calls by another name."""


def lower(patient: Patient, card: Card, day: date, seed: int, labs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Why a recent result was lower than forecast, reasons compared; None when none was."""
    from calcidiol.individual import lower_than_forecast

    fell = [math.nan if x["percentile"] is None else x["percentile"] for x in labs]
    found = lower_than_forecast(patient, card, day, seed=seed, fell=fell)
    if found is None:
        return None
    told = found.to_dict()
    ranked = sorted(told["reasons"], key=lambda r: -r["bayes_factor"])
    params = {
        "what": EXPLANATIONS.get(ranked[0]["id"], ranked[0]["id"]),
        "factor": ranked[0]["bayes_factor"] / max(ranked[1]["bayes_factor"], 1e-300),
        "threshold": told["threshold"],
    }
    return {
        "date": told["on"],
        "value": told["value_nmol_per_l"],
        "percentile": told["percentile"],
        "results": told["results"],
        "explanations": [r | {"id": EXPLANATIONS.get(r["id"], r["id"])} for r in told["reasons"]],
        "text_id": "lower.likely" if found.told else "lower.not_distinguishable",
        "params": params,
        "notes": [{"text_id": "lower.priors", "params": {}}, {"text_id": "lower.ask", "params": {}}],
    }


NEAR_D = 45
"""A result this many days from a score of the diary stands beside it (P: 25(OH)D moves over weeks)."""


def symptoms(patient: Patient, day: date) -> dict[str, Any] | None:
    """The symptom diary: each score with the measured level nearest to it, and what its trend says."""
    from calcidiol.patient.diary import trends

    labs = [(x.when.date(), x.value) for x in patient.labs_of("25ohd", day) if x.value > 0]
    series = []
    for trend in trends(patient, day):
        points = []
        for one in sorted(patient.symptoms, key=lambda x: x.when):
            if (one.name, one.scale) == (trend.name, trend.scale) and one.when <= day:
                gap, level = min(((abs((d - one.when).days), v) for d, v in labs), default=(NEAR_D + 1, 0.0))
                near = level if gap <= NEAR_D else None
                points.append({"date": one.when.isoformat(), "score": one.score, "level": near})
        if trend.low is None or trend.high is None:
            said = "symptom.too_few"
        elif trend.low <= 0.0 <= trend.high:
            said = "symptom.steady"
        else:
            said = "symptom.rising" if trend.low > 0.0 else "symptom.falling"
        params = {"name": trend.name, "per_month": trend.slope, "low": trend.low, "high": trend.high, "count": trend.n}
        series.append({"points": points, "text_id": said, "params": params, **trend.to_dict()})
    return {"series": series, "notes": [{"text_id": "symptom.not_causal", "params": {}}]} if series else None


def trust_told(person: Person) -> dict[str, Any]:
    from calcidiol.individual import trust

    one = trust(person.individual)
    return {
        "labs": one.labs,
        "k_hat": one.k_hat,
        "effective_draws": one.ess,
        "shrinkage": one.shrinkage,
        "mean": one.mean,
        "correlations": [{"first": a, "second": b, "correlation": c} for a, b, c in one.correlations],
        "notes": [{"text_id": i, "params": p} for i, p in one.notes],
    }


def alternatives(found: Candidates, products: dict[str, Product]) -> list[dict[str, Any]]:
    """The regimens that one would ask about, each once: best of each route, protocols, Pareto set, nothing."""
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    groups: list[tuple[str, list[Scored]]] = [
        ("chosen", [found.best]),
        ("oral", [found.best_oral] if found.best_oral else []),
        ("im", [found.best_im] if found.best_im else []),
        ("protocol", list(found.protocols)),
        ("pareto", list(found.pareto)[:PARETO_SHOWN]),
        ("none", [found.untreated]),
    ]
    for kind, scored in groups:
        for one in scored:
            if one.regimen.name in seen:
                continue
            seen.add(one.regimen.name)
            told = one.to_dict()
            told["kind"] = kind
            told["regimen"] = regimen_dict(one.regimen)
            told["total_iu"] = one.iu
            told["why_not"] = told.pop("reasons")
            rows.append(told)
    return rows


def next_result(
    patient: Patient,
    person: Person,
    found: Candidates,
    limits: Limits,
    products: dict[str, Product],
    day: date,
    seed: int,
    chosen: Regimen,
) -> dict[str, Any]:
    """When to measure next, and what each range of that result would mean."""
    from calcidiol import safety
    from calcidiol.regimen.next_sample import next_sample
    from calcidiol.regimen.policy import policy
    from calcidiol.regimen.score import noise as noise_of

    noise = noise_of(person.individual)
    if any(s.harm is not None and not s.harm.acceptable for s in found.finalists):
        # Where calcium binds, no later step may give more in all than the regimen that keeps to it.
        limits = replace(limits, total_365d_iu=min(limits.total_365d_iu, found.best.burden_iu))
    due = [v.when for v in patient.visits if v.kind in ("blood_draw", "cycle") and v.when > day]
    avoid = [v.when for v in patient.visits if v.kind == "nadir"]
    given = [
        (float((dose.start + timedelta(days=i * dose.every_days) - day).days), dose.iu or 0.0)
        for dose in patient.doses
        if dose.route == "im"
        for i in range(dose.taken_until(day))
    ]
    needed = min((point.on for point in safety.checkpoints(patient, chosen, day)), default=None)
    sample = next_sample(found, day, noise, due=due, avoid=avoid, given=given, needed=needed)
    table = policy(person.individual, found, limits, products, day, seed, day=sample.day, noise=noise, regimen=chosen)
    return {**sample.to_dict(), **table.to_dict(), "sample_reasons": sample.to_dict()["reasons"]}


def reasons(patient: Patient, regimen: Regimen, verdict: Verdict) -> list[dict[str, Any]]:
    """Graded sentences behind the plan; ids and parameters, words later."""
    from calcidiol import evidence

    routes = sorted({run.route for run in regimen.runs})
    context = {
        "routes": routes,
        "single_dose_iu": regimen.largest_iu,
        "every_days": max((run.every_days for run in regimen.runs if run.count > 1), default=0.0),
        "conditions": sorted({c for x in patient.conditions if x.active for c in x.concepts}),
        "drugs": sorted({c for x in patient.drugs if x.active for c in x.classes}),
        "cancer": patient.has("cancer"),
        "leukemia": patient.has("leukemia"),
        "status": verdict.status,
    }
    return [dict(row) for row in evidence.for_plan(context)]


def inputs_told(patient: Patient, day: date, person: Person | None) -> dict[str, Any]:
    return {
        "used": inputs.used(patient, day, inputs.analytes_of_rules()),
        "ignored": inputs.ignored(patient, day),
        "imputed": [] if person is None else imputed(person),
    }


def imputed(person: Person) -> list[dict[str, Any]]:
    return [
        {"name": i.name, "text_id": i.text_id, "params": dict(i.params), "source": i.source, "tag": i.tag}
        for i in person.individual.imputed
    ]


def plain(value: Any) -> Any:
    """Plain data: numpy numbers as numbers, tuples as lists, dates as text, and no infinity or NaN."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return value
