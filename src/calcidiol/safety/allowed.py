"""What a patient allows, before any regimen is looked at: rules that fire, and the limits that follow.

Taking away only ever adds up: a rule that fires can remove routes and products and lower numbers, and nothing puts them
back. So no two rules cancel, whatever their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from calcidiol.patient.record import Patient
from calcidiol.safety import exposure
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import Flag
from calcidiol.safety.rulebook import Knowledge, Permission, Rule
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.seen import POSSIBLE
from calcidiol.safety.verdict import Fired, Limits
from calcidiol.terminology.product import Product
from calcidiol.terminology.table import load

ROUTES = ("oral", "im")
UNKNOWN_VEHICLE_MATTERS = frozenset({"arachis", "soya", "sesame", "almond", "olive", "castor"})
"""Substances for which a product with a vehicle that was not seen is judged on the unsafe side."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Facts, fired rules and limits of one record on one day."""

    facts: Facts
    limits: Limits


def limits(patient: Patient, on: date, products: Mapping[str, Product], knowledge: Knowledge | None = None) -> Limits:
    """What this patient allows on a day.

    Parameters
    ----------
    patient
        The record; results and doses after `on` are not looked at.
    on
        Day of the plan.
    products
        Product table.
    knowledge
        Rules; the shipped ones when None.

    Returns
    -------
    Limits
        Routes and products that are left, largest single dose, IU that may still be given in the first 90 and 365 days,
        first day of an injection, ceiling in nmol/L, and every rule that fired. Nothing is left when it is refused.

    Examples
    --------
    >>> from datetime import date
    >>> from calcidiol.terminology import products
    >>> limits(Patient("nobody"), date(2026, 11, 24), products()).refused
    True
    """
    return judge(patient, on, products, knowledge).limits


def judge(patient: Patient, on: date, products: Mapping[str, Product], knowledge: Knowledge | None = None) -> Judged:
    """`limits`, with the facts they were read from."""
    known = knowledge or shipped()
    facts = Facts(patient, on, known.numbers)
    fired: list[Fired] = []
    routes = list(ROUTES)
    barred: set[str] = set()
    preferred: str | None = None
    largest = known.numbers["largest_single_iu"]
    ceiling = known.numbers["ceiling_nmol_per_l"]
    daily = False
    for rule in known.rules:
        if rule.condition.truth(facts) < POSSIBLE:
            continue
        if rule.scope == "excipient":
            for one, gone in _excipients(rule, facts, products):
                fired.append(one)
                barred |= gone
            continue
        fired.append(_fired(rule, facts))
        if rule.action != "WARN":
            taken = [r for r in routes if rule.scope in ("all", r)]
            routes = [r for r in routes if r not in taken]
            if rule.action == "ALT" and rule.scope in ROUTES:
                preferred = "oral" if rule.scope == "im" else "im"
        largest = min(largest, rule.limits.get("largest_single_iu", largest))
        ceiling = min(ceiling, rule.limits.get("ceiling_nmol_per_l", ceiling))
        daily = daily or bool(rule.limits.get("daily_only"))
    fired.extend(_hard_level(facts, known))
    if any(f.id == "HL05" for f in fired):
        routes = []
    left_year = max(0.0, known.numbers["largest_365d_iu"] - exposure.total(facts.given, on, exposure.YEAR_D))
    left_quarter = max(0.0, known.numbers["largest_90d_iu"] - exposure.total(facts.unseen, on, exposure.QUARTER_D))
    wait = exposure.free_from(facts.injected, known.numbers["wait_days"], known.numbers["wait_per_iu"])
    left = tuple(k for k, p in products.items() if k not in barred and p.route in routes)
    routes = [r for r in routes if any(products[k].route == r for k in left)]
    return Judged(
        facts,
        Limits(
            routes=tuple(routes),
            products=left,
            largest_single_iu=largest,
            total_90d_iu=left_quarter,
            total_365d_iu=left_year,
            im_from=wait if wait is not None and wait > on else None,
            ceiling_nmol_per_l=ceiling,
            preferred_route=preferred if preferred in routes else None,
            daily_only=daily,
            fired=permissions(fired, facts, known.permitted, tuple(routes)),
        ),
    )


def _fired(rule: Rule, facts: Facts, scope: str | None = None, **more: object) -> Fired:
    params: dict[str, object] = {"seen": "", **rule.condition.seen(facts), **rule.limits, **more}
    return Fired(
        rule.id,
        rule.action,
        scope or rule.scope,
        rule.text_id,
        params,
        rule.source,
        rule.tag,
        rule.version_date,
        rule.lifted_by,
        rule.permitted,
    )


def allergens(facts: Facts) -> dict[str, str]:
    """Substances that the record says are not borne, those that cross-react too, with the text of the allergy."""
    table = load("excipients.toml", "excipient")
    found: dict[str, str] = {}
    for allergy in facts.patient.allergies:
        for name in allergy.substances:
            for one in (name, *table.get(name, {}).get("cross", ())):
                found.setdefault(one, allergy.text or name)
    return found


def _excipients(rule: Rule, facts: Facts, products: Mapping[str, Product]) -> list[tuple[Fired, set[str]]]:
    """One firing for each substance of the rule that products hold; scope ``"product:<id>,<id>"``."""
    asked = _asked(rule)
    found = []
    for name, text in allergens(facts).items():
        if name not in asked:
            continue
        gone = {k for k, p in products.items() if _holds(p, name)}
        if gone:
            names = ", ".join(products[k].name for k in sorted(gone))
            scope = "product:" + ",".join(sorted(gone))
            found.append((_fired(rule, facts, scope, substance=name, allergy=text, products=names), gone))
    return found


def _asked(rule: Rule) -> set[str]:
    return {s.name for branch in rule.condition.branches(True) for s, _ in branch if isinstance(s, Flag)}


def _holds(product: Product, substance: str) -> bool:
    if substance == product.vehicle or substance in product.excipients:
        return True
    return substance in UNKNOWN_VEHICLE_MATTERS and "unknown" in (product.vehicle, *product.excipients)


def _hard_level(facts: Facts, known: Knowledge) -> list[Fired]:
    """HL05, from the record itself and not from the rule CI04."""
    limit = known.numbers["nothing_at_nmol_per_l"]
    high = [x for x in facts.newest("25ohd") if x.at_least(limit) >= POSSIBLE]
    if not high:
        return []
    worst = max(high, key=lambda x: x.lo)
    when = "" if worst.when is None else worst.when.isoformat()
    return [hard(known, "HL05", value=worst.shown, unit="nmol/L", limit=limit, when=when)]


def hard(known: Knowledge, name: str, **params: object) -> Fired:
    """A hard limit that was met, as a fired rule."""
    row = known.hard[name]
    return Fired(
        name, row.action, row.scope, f"rule.{name}", params, row.source, row.tag, row.version_date, row.lifted_by,
        row.permitted,
    )  # fmt: skip


def permissions(
    fired: Sequence[Fired],
    facts: Facts,
    table: Mapping[str, Permission],
    routes: tuple[str, ...],
    beside: Sequence[Fired] = (),
) -> tuple[Fired, ...]:
    """Keep of the permissions those that hold, given what is left in the end and every other rule that fired."""
    takes_away = [f for f in (*beside, *fired) if f.action != "WARN"]

    def holds(name: str) -> bool:
        p = table[name]
        if p.route and p.route not in routes:
            return False
        if p.when is not None and p.when.truth(facts) < POSSIBLE:
            return False
        return not p.agree or all(name in f.permitted for f in takes_away if f.scope in ("all", p.agree))

    return tuple(replace(f, permitted=tuple(n for n in f.permitted if holds(n))) for f in fired)
