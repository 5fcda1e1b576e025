"""From a patient to a plan: the one place where the stages are put in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from calcidiol.errors import RecordError, UsageError, WithheldError
from calcidiol.kinetics import Card, Regimen, Schedule, load_card
from calcidiol.patient.record import Finding, Patient
from calcidiol.planning import capsule as capsules
from calcidiol.planning import inputs
from calcidiol.planning.answer import Plan, regimen_dict
from calcidiol.safety.verdict import Fired, Limits, Verdict

if TYPE_CHECKING:
    from calcidiol.individual import Ensemble, Forecast, Individual
    from calcidiol.regimen import Candidates, Goal, Scored
    from calcidiol.safety.placement import Placed
    from calcidiol.terminology.product import Product

WEEKS = 52
"""Horizon of a plan's forecasts, weeks."""
SHOWN_DRAWS = 1000
"""Draws behind every band that is shown (P): the Monte-Carlo error of p05 is then about 3 % of the band."""
PEAK_SHARE = 0.80
"""The gate's forecast peak is the level that one in five draws exceeds, like the goal's accepted excess (P)."""
PARETO_SHOWN = 6
"""How many of the Pareto set stand among the alternatives; all of it is in the plan's `search` (P)."""
EDGE = 2.5
"""Percentile of its own forecast, from either end, at which a 25(OH)D result is pointed out (P)."""


def plan(
    patient: Patient,
    *,
    on: date | str,
    goal: Goal | str | None = None,
    card: Card | str | None = None,
    seed: int = 0,
    route: str | None = None,
    flatten: float = 1.0,
    confirmed: Collection[str] = (),
) -> Plan:
    """Plan one patient on one day.

    Parameters
    ----------
    patient
        The record (`calcidiol.read`).
    on
        Day of the plan, a date or ``"2026-11-21"``; later results are not used.
    goal
        Target band (``"75-125"`` in nmol/L, ``"30-50 ng/mL"``) or a `regimen.Goal`; the default goal when None.
    card
        Model card or its id; the default card when None.
    seed
        Seed of every draw: the same inputs and seed give the same plan.
    route
        ``"oral"`` or ``"im"`` to look at this route only.
    flatten
        Weight of the prior, 0.1 to 1: below 1 this patient's results count for more than the card's people, and the plan
        says so.
    confirmed
        Keys of findings that a person has checked (``"unit_trap:labs[2]"``).

    Returns
    -------
    Plan
        `status` is planned, refused or unusable.

    Raises
    ------
    UsageError
        A goal, card, route or date that makes no sense.

    Examples
    --------
    >>> import calcidiol as cd
    >>> cd.plan(cd.Patient("nobody"), on="2026-11-21").status
    'refused'
    """
    from calcidiol import regimen as regimens
    from calcidiol import safety
    from calcidiol.patient import plausible
    from calcidiol.planning.calcemia import Calcemia
    from calcidiol.terminology import products as table

    day = as_day(on)
    model = card if isinstance(card, Card) else load_card(card)
    wanted = goal if isinstance(goal, regimens.Goal) else regimens.goal(goal)
    if route not in (None, "oral", "im"):
        raise UsageError(f"The route {route!r} is unknown. Give oral or im, or none for both.")
    products = table()
    options = {
        "goal": wanted.to_dict(),
        "card": model.id,
        "seed": seed,
        "route": route,
        "flatten": flatten,
        "confirmed": sorted(confirmed),
    }
    seal = capsules.seal(patient, day, options, f"{model.id} {model.version}")
    findings = list(plausible(patient, day, confirmed))
    limits = safety.limits(patient, day, products)
    base: dict[str, Any] = {
        "patient": _who(patient, day),
        "goal": wanted.to_dict(),
        "card": _card(model),
        "labs": [],
    }
    if any(f.level == "stop" and not f.confirmed for f in findings):
        return _without(patient, day, "unusable", findings, limits, seal, base, model)

    person = _fit(patient, model, day, seed, flatten)
    findings += _edges(patient, model, day, seed, base)
    base["trust"] = _trust(person)
    base["card"] = _card(model, person)
    if person.individual.status != "ok":
        withheld = Fired(
            "FIT01",
            "HOLD",
            "all",
            person.individual.status,
            {"k_hat": person.individual.k_hat, "draws": person.individual.ess},
            "house rule: an answer that cannot be trusted is withheld",
            "P",
            lifted_by="withheld.lifted",
        )
        limits = replace(limits, routes=(), products=(), fired=(*limits.fired, withheld))
    if limits.refused:
        base["forecasts"] = person.forecasts(None, seed)
        return _without(patient, day, "refused", findings, limits, seal, base, model, person)

    narrowed = _narrowed(wanted, limits)
    calcemia = Calcemia(patient, day, person.shown, seed, narrowed.alpha_calcium)
    found = regimens.search(
        person.individual, limits, narrowed, products, regimens.protocols(), day, seed, route=route, harm=calcemia.ask
    )
    verdict, placement = _judged(patient, found.best.regimen, day, products, person)
    if verdict.regimen is None or verdict.status == "refused":
        base["forecasts"] = person.forecasts(None, seed)
        return _without(patient, day, "refused", findings, limits, seal, base, model, person, verdict)
    chosen = verdict.regimen
    base["goal"] = narrowed.to_dict()
    base["forecasts"] = person.forecasts(chosen, seed)
    base["probabilities"] = person.probabilities(chosen, narrowed)
    base["calcium"] = calcemia.told(chosen)
    base["alternatives"] = _alternatives(found, products)
    base["search"] = found.to_dict()
    base["placement"] = [{"text_id": p.text_id, "params": dict(p.params), "tag": p.tag} for p in placement]
    base["next_result"] = _next(patient, person, found, limits, products, day, seed, chosen)
    base["evidence"] = _evidence(patient, chosen, verdict)
    base["inputs"] = _inputs(patient, day, person)
    base["statement_id"] = "statement.clinician_decides"
    return Plan(
        status="planned",
        on=day.isoformat(),
        verdict=verdict,
        findings=tuple(findings),
        interactions=safety.interactions(patient, day),
        regimen=chosen,
        monitoring=safety.monitoring(patient, chosen, day, rules=verdict.rules),
        stop_rules=safety.stop_rules(patient, day),
        capsule=seal,
        body=_plain(base),
    )


def forecast(
    patient: Patient,
    regimen: Regimen | str,
    *,
    on: date | str,
    card: Card | str | None = None,
    seed: int = 0,
    weeks: int = WEEKS,
    flatten: float = 1.0,
    confirmed: Collection[str] = (),
) -> dict[str, Any]:
    """The forecast of any regimen, without search or verdict: ``{"regimen", "forecasts", "findings", ...}``.

    `regimen` may be a text: ``"im 100000 IU every 28 d x 3"``, ``"oral 2000 IU daily x 180"``, ``"none"``.
    """
    from calcidiol import regimen as regimens
    from calcidiol.patient import plausible
    from calcidiol.terminology import products

    day = as_day(on)
    model = card if isinstance(card, Card) else load_card(card)
    asked = regimens.parse(regimen, day, products()) if isinstance(regimen, str) else regimen
    stops = [f for f in plausible(patient, day, confirmed) if f.level == "stop" and not f.confirmed]
    if stops:
        raise RecordError(
            f"The record cannot be used: {', '.join(f.key for f in stops)}. Correct it, or confirm with --confirm."
        )
    person = _fit(patient, model, day, seed, flatten)
    if person.individual.status != "ok":
        raise WithheldError(
            f"The forecast is withheld ({person.individual.status}): k-hat {person.individual.k_hat:.2f}, "
            f"{person.individual.ess:.0f} effective draws. The results contradict each other or the model; check them."
        )
    told = {
        "on": day.isoformat(),
        "card": _card(model, person),
        "regimen": regimen_dict(asked),
        "forecasts": person.forecasts(asked, seed, weeks),
        "trust": _trust(person),
        "inputs": {"imputed": _imputed(person)},
    }
    plain: dict[str, Any] = _plain(told)
    return plain


def as_day(on: date | str) -> date:
    """A date from a date or an ISO text."""
    if isinstance(on, date):
        return on
    try:
        return date.fromisoformat(on)
    except ValueError:
        raise UsageError(f"{on!r} is not a date. Write it as 2026-11-21.") from None


@dataclass(frozen=True, slots=True)
class _Person:
    """The fitted patient, the same without labs, and the draws that are shown."""

    individual: Individual
    population: Individual
    shown: Ensemble
    shown_population: Ensemble
    day: date

    def peak(self, regimen: Regimen) -> float:
        """Forecast peak of a regimen, nmol/L."""
        from calcidiol.kinetics import solve

        solved = solve(
            self.shown.card,
            self.shown.parameters,
            regimen.schedule(self.day),
            np.arange(0.0, WEEKS * 7 + 1, 7.0),
            origin_doy=self.shown.origin_doy,
            start=self.shown.state,
        )
        return float(np.quantile(solved.peak, PEAK_SHARE))

    def forecasts(self, regimen: Regimen | None, seed: int, weeks: int = WEEKS) -> dict[str, Any]:
        """Population, individual and untreated bands; without a regimen the first two are untreated as well."""
        from calcidiol.individual import forecast as bands

        times = _grid(weeks)
        schedule = Schedule.of(()) if regimen is None else regimen.schedule(self.day)
        return {
            "population": _band(bands(self.shown_population, schedule, times, seed)),
            "individual": _band(bands(self.shown, schedule, times, seed)),
            "untreated": _band(bands(self.shown, Schedule.of(()), times, seed)),
        }

    def probabilities(self, regimen: Regimen, goal: Goal) -> dict[str, Any]:
        """P(in band), P(below), P(above) by week and over the goal's weeks, each with its Monte-Carlo error."""
        from calcidiol.kinetics import solve

        weeks = np.arange(0, WEEKS + 1)
        solved = solve(
            self.shown.card,
            self.shown.parameters,
            regimen.schedule(self.day),
            weeks * 7.0,
            origin_doy=self.shown.origin_doy,
            start=self.shown.state,
        )
        n = min(float(len(self.shown)), self.individual.ess)

        def chance(each: Any) -> dict[str, float]:
            p = float(np.mean(each))
            return {"value": p, "mc_error": float(np.sqrt(max(p * (1 - p), 0.25 / n) / n))}

        inside = (solved.level >= goal.low) & (solved.level <= goal.high)
        over = slice(goal.week_from, goal.week_to + 1)
        return {
            "in_band": chance(inside[:, over].mean(axis=1)),
            "weeks": [goal.week_from, goal.week_to],
            "above_high": chance(solved.peak > goal.excess),
            "above_ceiling": chance(solved.peak > goal.ceiling),
            "by_week": [
                {
                    "week": int(w),
                    "in_band": float(inside[:, w].mean()),
                    "below": float((solved.level[:, w] < goal.low).mean()),
                    "above": float((solved.level[:, w] > goal.high).mean()),
                }
                for w in (4, 8, 12, 26, 52)
            ],
        }


def _fit(patient: Patient, card: Card, day: date, seed: int, flatten: float = 1.0) -> _Person:
    from calcidiol.individual import fit, population

    individual = fit(patient, card, day, seed=seed, flatten=flatten)
    without = population(patient, card, day, seed=seed) if len(individual.observed) else individual
    return _Person(
        individual, without, individual.resample(SHOWN_DRAWS, seed), without.resample(SHOWN_DRAWS, seed), day
    )


def _judged(
    patient: Patient, best: Regimen, day: date, products: dict[str, Product], person: _Person
) -> tuple[Verdict, tuple[Placed, ...]]:
    """The gate's word on a regimen whose injections stand where they fit, with the 25(OH)D that it needs planned."""
    from calcidiol import safety

    def gate(regimen: Regimen) -> Verdict:
        checks = [point.on for point in safety.checkpoints(patient, regimen, day)]
        return safety.gate(patient, regimen, day, products, peak=person.peak, checks=checks)

    placed, said = safety.place(patient, best, day)
    verdict = gate(placed)
    if placed is not best and (verdict.regimen is None or verdict.regimen.runs != placed.runs):
        # A delay that costs a dose is not worth it: the days stay, and the advice that named others goes.
        return gate(best), tuple(p for p in said if p.text_id != "place.moved")
    return verdict, said


def _grid(weeks: int) -> Any:
    """Days of a forecast: every second day for two weeks, then weekly."""
    return np.unique(np.concatenate([np.arange(0.0, 15.0, 2.0), np.arange(0.0, weeks * 7.0 + 1.0, 7.0)]))


def _band(one: Forecast) -> dict[str, Any]:
    return {
        "dates": [d.isoformat() for d in one.dates],
        "level": {k: v.tolist() for k, v in one.level.items()},
        "lab": {k: v.tolist() for k, v in one.lab.items()},
    }


def _narrowed(goal: Goal, limits: Limits) -> Goal:
    """The goal under a ceiling of this patient that lies below it (granulomatous disease, for example)."""
    top = limits.ceiling_nmol_per_l
    if top >= goal.high:
        return replace(goal, ceiling=min(goal.ceiling, max(top, goal.high)))
    return replace(goal, low=max(20.0, min(goal.low, top * 2.0 / 3.0)), high=top, excess=top)


def _without(
    patient: Patient,
    day: date,
    status: str,
    findings: list[Finding],
    limits: Limits,
    seal: dict[str, Any],
    body: dict[str, Any],
    card: Card,
    person: _Person | None = None,
    verdict: Verdict | None = None,
) -> Plan:
    """A plan that gives nothing: refused by a rule, or made from a record that cannot be used."""
    from calcidiol import safety

    if verdict is None:
        verdict = Verdict("refused", limits.fired, None)
    nothing = Regimen("none")
    body["probabilities"] = None
    body["alternatives"] = []
    body["next_result"] = None
    body["evidence"] = [] if status == "unusable" else _evidence(patient, nothing, verdict)
    body["inputs"] = _inputs(patient, day, person)
    body.setdefault("forecasts", None)
    body.setdefault("trust", None)
    body["statement_id"] = "statement.clinician_decides"
    return Plan(
        status="unusable" if status == "unusable" else "refused",
        on=day.isoformat(),
        verdict=verdict,
        findings=tuple(findings),
        interactions=() if status == "unusable" else safety.interactions(patient, day),
        regimen=None,
        monitoring=() if status == "unusable" else safety.monitoring(patient, nothing, day, rules=verdict.rules),
        stop_rules=() if status == "unusable" else safety.stop_rules(patient, day),
        capsule=seal,
        body=_plain(body),
    )


def _who(patient: Patient, day: date) -> dict[str, Any]:
    age = patient.age_on(day)
    return {
        "id": patient.id,
        "name": patient.name,
        "sex": patient.sex,
        "birth_date": None if patient.birth_date is None else patient.birth_date.isoformat(),
        "age_y": None if age is None else round(age, 1),
    }


def _card(card: Card, person: _Person | None = None) -> dict[str, Any]:
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


def _edges(patient: Patient, card: Card, day: date, seed: int, body: dict[str, Any]) -> list[Finding]:
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


def _trust(person: _Person) -> dict[str, Any]:
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


def _alternatives(found: Candidates, products: dict[str, Product]) -> list[dict[str, Any]]:
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


def _next(
    patient: Patient,
    person: _Person,
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


def _evidence(patient: Patient, regimen: Regimen, verdict: Verdict) -> list[dict[str, Any]]:
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


def _inputs(patient: Patient, day: date, person: _Person | None) -> dict[str, Any]:
    return {
        "used": inputs.used(patient, day, inputs.analytes_of_rules()),
        "ignored": inputs.ignored(patient, day),
        "imputed": [] if person is None else _imputed(person),
    }


def _imputed(person: _Person) -> list[dict[str, Any]]:
    return [
        {"name": i.name, "text_id": i.text_id, "params": dict(i.params), "source": i.source, "tag": i.tag}
        for i in person.individual.imputed
    ]


def _plain(value: Any) -> Any:
    """Plain data: numpy numbers as numbers, tuples as lists, dates as text, and no infinity or NaN."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return value
