"""A grid made from the rules themselves: every rule, every limit one unit below, at and above, every pair."""

from __future__ import annotations

import itertools
import operator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from safety_people import HERE, ON, base, condition, dose, drug, lab

from calcidiol import safety
from calcidiol.patient.record import Allergy, Patient, Unused, Visit
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import Compare, Flag, Older, Timed, Unknown
from calcidiol.safety.rulebook import Rule
from calcidiol.safety.seen import POSSIBLE
from calcidiol.terminology import products
from calcidiol.terminology.labs import labs

RULES = {rule.name: rule for rule in safety.knowledge().rules}
OPS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
STEP = {"25ohd": 1.0, "egfr": 1.0, "platelets": 1.0, "age": 0.1, "urate": 1.0, "calcium_intake": 1.0, "crp": 1.0,
        "albumin": 1.0, "creatinine_rise_48h": 1.0, "vitamin_d_90d": 1.0, "vitamin_d_365d": 1.0, "child_pugh": 1.0,
        "tls_criteria": 1.0, "unread_vitamin_d": 1.0, "egfr_fall": 1.0}  # fmt: skip


def without(p: Patient, *analytes: str) -> Patient:
    return replace(p, labs=tuple(x for x in p.labs if x.analyte not in analytes))


def with_lab(p: Patient, analyte: str, value: float, days: int = 3) -> Patient:
    return replace(without(p, analyte), labs=(*without(p, analyte).labs, lab(analyte, value, days)))


def with_value(p: Patient, name: str, value: float) -> Patient:
    """The person with a field at a value; fields that are computed are reached through what they are computed from."""
    if name == "age":
        return replace(p, age_y=value)
    if name == "calcium_before":
        return replace(p, labs=(*p.labs, lab("calcium", value, 60)))
    if name == "ca_x_po4":
        rows = tuple(
            replace(x, high=2.3) if x.analyte == "phosphate" else x for x in with_lab(p, "phosphate", 2.0).labs
        )
        return with_lab(replace(p, labs=rows), "calcium", value / 2.0)
    if name == "calcium_intake":
        return replace(p, drugs=(*p.drugs, drug("calcium", elemental_calcium_mg_per_day=value)))
    if name == "child_pugh":
        extra = {9: ("ascites", "encephalopathy"), 10: ("ascites", "encephalopathy"), 11: ("ascites", "encephalopathy")}
        p = replace(p, conditions=(*p.conditions, *(condition(c) for c in ("cirrhosis", *extra[int(value)]))))
        p = with_lab(with_lab(p, "inr", 1.4), "albumin", 37.0)  # 3 + 2 + 1 + 1 = 7, bilirubin 1-3
        p = with_lab(p, "bilirubin", {9: 40.0, 10: 60.0, 11: 60.0}[int(value)])
        p = replace(p, conditions=(*p.conditions,))
        return with_lab(p, "albumin", {9: 36.0, 10: 36.0, 11: 30.0}[int(value)])
    if name == "creatinine_rise_48h":
        return replace(without(p, "creatinine"), labs=(*without(p, "creatinine").labs,
                       lab("creatinine", 70.0, 5), lab("creatinine", 70.0 + value, 3)))  # fmt: skip
    if name == "creatinine_ratio":
        return replace(without(p, "creatinine"), labs=(*without(p, "creatinine").labs,
                       lab("creatinine", 100.0, 30), lab("creatinine", 100.0 * value, 3)))  # fmt: skip
    if name == "egfr_fall":
        p = without(p, "creatinine")
        return replace(p, labs=(*p.labs, lab("egfr", 100.0, 30), lab("egfr", 100.0 - value, 3)))
    if name == "tls_criteria":
        for analyte, high in (("urate", 480.0), ("potassium", 6.5))[: int(value)]:
            p = with_lab(p, analyte, high)
        return with_lab(with_lab(p, "phosphate", 1.46), "calcium", 2.3) if value > 2 else p
    if name == "unread_vitamin_d":
        return replace(p, unused=(*p.unused, Unused("dose", "dose_unclear", "", count=int(value)))) if value > 0 else p
    if name == "vitamin_d_90d":
        return replace(p, doses=(*p.doses, dose("oral", value, 1)))
    if name == "vitamin_d_365d":
        return replace(p, doses=(*p.doses, dose("oral", value, 200)))
    return with_lab(p, name, value)


def said(p: Patient, statement: Any, value: float | None = None) -> Patient:
    """The person of whom a statement is true (a comparison: at `value`)."""
    if isinstance(statement, Compare):
        if value is None:
            beyond = STEP.get(statement.name, 0.01)
            value = limit_of(statement) + (beyond if statement.op[0] == ">" else -beyond)
        return with_value(p, statement.name, value)
    if isinstance(statement, Unknown):
        if statement.name == "age":
            return with_lab(replace(p, age_y=None), "egfr", 80.0)
        if statement.name == "egfr":
            return without(p, "egfr", "creatinine")
        if statement.name == "calcium_intake":
            return p
        return without(p, statement.name)
    if isinstance(statement, Older):
        rows = [x for x in p.labs if x.analyte == statement.name] or [lab(statement.name, _normal(statement.name))]
        name = "creatinine" if statement.name == "egfr" else statement.name
        rows = [x for x in p.labs if x.analyte == name] or rows
        when = rows[0].when - timedelta(days=statement.days - 2)
        return replace(p, labs=(*without(p, name).labs, replace(rows[0], when=when)))
    if isinstance(statement, Timed):
        if statement.kind == "started":
            return replace(p, drugs=(*p.drugs, drug(statement.name, days=int(statement.days))))
        return replace(p, visits=(*p.visits, Visit(statement.name, ON, HERE)))
    assert isinstance(statement, Flag)
    if statement.kind == "has":
        return replace(p, conditions=(*p.conditions, condition(statement.name)))
    if statement.kind == "takes":
        return replace(p, drugs=(*p.drugs, drug(statement.name)))
    if statement.kind == "sex":
        return replace(p, sex=statement.name)  # type: ignore[arg-type]
    return replace(p, allergies=(*p.allergies, Allergy(statement.name, (statement.name,), HERE)))


def _normal(name: str) -> float:
    item = labs()[name]
    low, high = item.low or item.plausible[0], item.high or item.plausible[1]
    return (low + high) / 2


def limit_of(statement: Compare) -> float:
    if not statement.against:
        return statement.number
    item = labs()[statement.name]
    edge = item.high if statement.against == "high" else item.low
    assert edge is not None
    return round(edge + statement.number, 9)


def branch_people(rule: Rule) -> list[tuple[tuple[Any, ...], Patient]]:
    """For each branch of a rule a person of whom it is true."""
    people = []
    for branch in rule.condition.branches(True):
        p = base()
        for statement, positive in branch:
            if positive and not isinstance(statement, Compare):
                p = said(p, statement)
        for statement, positive in branch:
            if positive and isinstance(statement, Compare):
                p = said(p, statement)
        for statement, positive in branch:
            if not positive and isinstance(statement, Unknown):
                p = with_lab(p, statement.name, _normal(statement.name))
        people.append((branch, p))
    return people


def fires(rule: Rule, p: Patient) -> bool:
    return rule.condition.truth(Facts(p, ON, safety.knowledge().numbers)) >= POSSIBLE


def shown(rule: Rule) -> bool:
    return rule.scope != "excipient"


@pytest.mark.parametrize("name", RULES)
def test_every_rule_fires_for_somebody_and_not_for_the_base_person(name: str) -> None:
    rule = RULES[name]
    assert not fires(rule, base())
    hit = [p for _, p in branch_people(rule) if fires(rule, p)]
    assert hit, name
    told = [f for p in hit for f in safety.limits(p, ON, products()).fired if f.text_id == rule.text_id]
    assert told or not shown(rule), name
    for f in told:
        assert (f.id, f.action, f.source, f.tag) == (rule.id, rule.action, rule.source, rule.tag)
        assert f.version_date


LIMITS = [
    (rule.name, i, statement)
    for rule in RULES.values()
    for i, (branch, _) in enumerate(branch_people(rule))
    for statement, positive in branch
    if isinstance(statement, Compare) and positive
]


@pytest.mark.parametrize(("name", "i", "statement"), LIMITS, ids=[f"{n}-{i}-{s.name}" for n, i, s in LIMITS])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_every_limit_one_unit_below_at_and_above(name: str, i: int, statement: Compare, side: int) -> None:
    rule = RULES[name]
    _, p = branch_people(rule)[i]
    step = STEP.get(statement.name, 0.01)
    value = round(limit_of(statement) + side * step, 9)
    if statement.name in ("unread_vitamin_d",) and value < 0:
        pytest.skip("a count is never negative")
    if statement.name == "calcium_before":
        p = replace(p, labs=tuple(x for x in p.labs if not (x.analyte == "calcium" and (ON - x.when.date()).days > 30)))
    if statement.name in ("calcium_intake",):
        p = replace(p, drugs=tuple(d for d in p.drugs if "calcium" not in d.classes))
    if statement.name == "child_pugh":
        p = replace(p, conditions=())
    if statement.name in ("vitamin_d_90d", "vitamin_d_365d"):
        p = replace(p, doses=())
    if statement.name == "unread_vitamin_d":
        p = replace(p, unused=())
    if statement.name == "tls_criteria":
        p = without(p, "urate", "potassium", "phosphate")
    if statement.name == "egfr_fall":
        p = without(p, "egfr")
    p = with_value(p, statement.name, value)
    facts = Facts(p, ON, safety.knowledge().numbers)
    assert (statement.truth(facts) >= POSSIBLE) == OPS[statement.op](value, limit_of(statement))


AGES = [
    (rule.name, i, statement)
    for rule in RULES.values()
    for i, (branch, _) in enumerate(branch_people(rule))
    for statement, positive in branch
    if isinstance(statement, Older) and positive
]


@pytest.mark.parametrize(("name", "i", "statement"), AGES, ids=[f"{n}-{i}-{s.name}" for n, i, s in AGES])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_every_age_of_a_result_one_day_below_at_and_above(name: str, i: int, statement: Older, side: int) -> None:
    analyte = "creatinine" if statement.name == "egfr" else statement.name
    p = with_lab(base(), analyte, base_value(analyte), int(statement.days) + side)
    facts = Facts(p, ON, safety.knowledge().numbers)
    assert (statement.truth(facts) >= POSSIBLE) == (side > 0)


def base_value(analyte: str) -> float:
    row = base().last(analyte)
    return _normal(analyte) if row is None else row.value


def merged(a: Patient, b: Patient) -> Patient:
    """Both people in one: all that differs from the base person in either."""
    own = set(base().labs)
    kept = {x.analyte for x in b.labs if x in own}
    changed_b = [x for x in b.labs if x not in own]
    gone = {x.analyte for x in own} - {x.analyte for x in b.labs}
    rows = [x for x in a.labs if x.analyte not in gone and (x not in own or x.analyte in kept)]
    rows += [x for x in changed_b if x not in rows]
    return replace(
        a,
        labs=tuple(rows),
        sex=b.sex if b.sex != base().sex else a.sex,
        age_y=b.age_y if b.age_y != base().age_y else a.age_y,
        conditions=(*a.conditions, *b.conditions),
        drugs=(*a.drugs, *b.drugs),
        allergies=(*a.allergies, *b.allergies),
        doses=(*a.doses, *b.doses),
        unused=(*a.unused, *b.unused),
        visits=(*a.visits, *b.visits),
    )


def test_pairs_of_rules_never_cancel() -> None:
    """With two people merged, every rule that fires still has its effect: what each takes away stays away."""
    table = products()
    firsts = {
        name: next(p for _, p in branch_people(rule) if fires(rule, p)) for name, rule in RULES.items() if shown(rule)
    }
    alone = {name: safety.limits(p, ON, table) for name, p in firsts.items()}
    both = 0
    for a, b in itertools.combinations(firsts, 2):
        p = merged(firsts[a], firsts[b])
        got = safety.limits(p, ON, table)
        told = {f.text_id for f in got.fired}
        for name in (a, b):
            rule = RULES[name]
            if rule.text_id not in told:
                continue
            both += 1
            if rule.action != "WARN":
                assert not [r for r in got.routes if rule.scope in ("all", r)], (a, b)
            for key in ("largest_single_iu", "ceiling_nmol_per_l"):
                assert getattr(got, key) <= rule.limits.get(key, getattr(alone[name], key)), (a, b)
            assert got.daily_only >= bool(rule.limits.get("daily_only")), (a, b)
    assert both > 4000
