"""From a patient to a plan: the one place where the stages are put in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from calcidiol.errors import RecordError, UsageError, WithheldError
from calcidiol.kinetics import Card, Regimen, load_card
from calcidiol.patient.record import Finding, Patient
from calcidiol.planning import capsule as capsules
from calcidiol.planning.answer import Plan, regimen_dict
from calcidiol.planning.person import WEEKS, Person, fitted
from calcidiol.planning.told import (
    alternatives,
    card_told,
    imputed,
    inputs_told,
    labs_in_their_forecast,
    lower,
    next_result,
    plain,
    reasons,
    symptoms,
    trust_told,
    who,
)
from calcidiol.safety.verdict import Fired, Limits, Verdict

if TYPE_CHECKING:
    from calcidiol.regimen import Goal
    from calcidiol.safety.placement import Placed
    from calcidiol.terminology.product import Product


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
        Weight of the prior, 0.1 to 1: below 1 this patient's results count for more than the card's people. The plan
        tells it.
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
        "patient": who(patient, day),
        "goal": wanted.to_dict(),
        "card": card_told(model),
        "labs": [],
        "symptoms": symptoms(patient, day),
    }
    if any(f.level == "stop" and not f.confirmed for f in findings):
        return _without(patient, day, "unusable", findings, limits, seal, base, model)

    person = fitted(patient, model, day, seed, flatten)
    findings += labs_in_their_forecast(patient, model, day, seed, base)
    base["lower_than_forecast"] = lower(patient, model, day, seed, base["labs"])
    base["trust"] = trust_told(person)
    base["card"] = card_told(model, person)
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
    if found_movers := safety.movers(patient, day, model):
        base["movers"] = [m.to_dict() for m in found_movers]
        base["forecasts"]["without_interactions"] = person.without(found_movers, chosen, seed)
    base["probabilities"] = person.probabilities(chosen, narrowed)
    base["calcium"] = calcemia.told(chosen)
    base["alternatives"] = alternatives(found, products)
    base["search"] = found.to_dict()
    base["placement"] = [{"text_id": p.text_id, "params": dict(p.params), "tag": p.tag} for p in placement]
    base["next_result"] = next_result(patient, person, found, limits, products, day, seed, chosen)
    base["evidence"] = reasons(patient, chosen, verdict)
    base["inputs"] = inputs_told(patient, day, person)
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
        body=plain(base),
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
    person = fitted(patient, model, day, seed, flatten)
    if person.individual.status != "ok":
        raise WithheldError(
            f"The forecast is withheld ({person.individual.status}): k-hat {person.individual.k_hat:.2f}, "
            f"{person.individual.ess:.0f} effective draws. The results contradict each other or the model; check them."
        )
    told = {
        "on": day.isoformat(),
        "card": card_told(model, person),
        "regimen": regimen_dict(asked),
        "forecasts": person.forecasts(asked, seed, weeks),
        "trust": trust_told(person),
        "inputs": {"imputed": imputed(person)},
    }
    made: dict[str, Any] = plain(told)
    return made


def as_day(on: date | str) -> date:
    """A date from a date, a moment or an ISO text, of a year in which there are records."""
    from calcidiol.patient.dates import YEARS

    day = on.date() if isinstance(on, datetime) else on
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            raise UsageError(f"{on!r} is not a date. Write it as 2026-11-21.") from None
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise UsageError(f"The day {day} is not of the years {YEARS[0]} to {YEARS[1]}. Write it as 2026-11-21.")
    return day


def _judged(
    patient: Patient, best: Regimen, day: date, products: dict[str, Product], person: Person
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
    person: Person | None = None,
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
    body["evidence"] = [] if status == "unusable" else reasons(patient, nothing, verdict)
    body["inputs"] = inputs_told(patient, day, person)
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
        body=plain(body),
    )
