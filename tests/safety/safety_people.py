"""People for the tests of the safety room, written in one line.

A line begins from a base person (woman, 60 years, 25(OH)D 30, everything else normal, all results 3 days old) and
changes her: `calcium=2.71`, `calcium@40=2.3` (days before the day of the plan), `calcium=<2.0`, `no calcium` (gone),
`calcium+=2.7@3` (another result), `calcium=10.5 mg/dL` (as the
laboratory wrote it), `age=72`, `sex=male`, `has lymphoma`, `had gastrectomy` (procedure),
`takes thiazide`, `takes thiazide@3` (begun days before), `takes calcium:500` (mg a day), `allergy sesame`,
`dose im 300000@30`,
`dose oral 1000@400 every 1` (still taken), `visit nadir@-5` (days after), `high calcium=2.5` (the laboratory's limit).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from calcidiol.patient.record import (
    Allergy,
    Condition,
    Drug,
    GivenDose,
    Lab,
    Origin,
    Patient,
    Procedure,
    Unused,
    Visit,
)
from calcidiol.quantity import iu_to_nmol
from calcidiol.terminology.labs import labs

ON = date(2026, 11, 24)
HERE = Origin("test")
BASE = {
    "25ohd": 30.0,
    "calcium": 2.30,
    "albumin": 40.0,
    "creatinine": 70.0,
    "phosphate": 1.10,
    "magnesium": 0.85,
    "platelets": 220.0,
    "neutrophils": 3.5,
}


def lab(analyte: str, value: float, days: int = 3, comparator: str = "", **more: object) -> Lab:
    when = datetime.combine(ON - timedelta(days=days), datetime.min.time()).replace(hour=8)
    return Lab(analyte, value, labs()[analyte].unit, when, HERE, comparator, **more)  # type: ignore[arg-type]


def base(**changed: float | None) -> Patient:
    values = {**BASE, **changed}
    rows = tuple(lab(k, v) for k, v in values.items() if v is not None)
    return Patient("base", sex="female", age_y=60.0, weight_kg=(lab("weight", 70.0),), labs=rows)


def condition(*concepts: str) -> Condition:
    return Condition((), " ".join(concepts).replace("_", " "), concepts, HERE)


def drug(*classes: str, days: int | None = None, **details: float) -> Drug:
    start = None if days is None else ON - timedelta(days=days)
    return Drug((), " ".join(classes).replace("_", " "), classes, HERE, start, None, True, dict(details))


def dose(route: str, iu: float, days: int, every: float = 0.0, ongoing: bool = False, count: int = 1) -> GivenDose:
    nmol = iu_to_nmol(iu, "cholecalciferol")
    start = ON - timedelta(days=days)
    return GivenDose("cholecalciferol", route, nmol, iu, start, every, 0 if ongoing else count, HERE, ongoing=ongoing)


_VALUE = re.compile(r"([a-z0-9_]+)(\+?)(?:@(-?\d+))?=(<=|>=|<|>)?([\d.]+)(?:@(-?\d+))?(?: (\S+))?\Z")


def person(line: str) -> Patient:
    """The person that a line describes."""
    p = base()
    for word in (w.strip() for w in line.split(";")):
        if word:
            p = _changed(p, word)
    return p


def _changed(p: Patient, word: str) -> Patient:
    kind, _, rest = word.partition(" ")
    if kind == "no":
        return replace(
            p,
            labs=tuple(x for x in p.labs if x.analyte != rest),
            age_y=None if rest == "age" else p.age_y,
            sex=None if rest == "sex" else p.sex,
        )
    if kind == "has":
        return replace(p, conditions=(*p.conditions, condition(*rest.split("+"))))
    if kind == "had":
        return replace(p, procedures=(*p.procedures, Procedure(rest, (rest,), ON - timedelta(days=400), HERE)))
    if kind == "takes":
        name, _, when = rest.partition("@")
        name, _, amount = name.partition(":")
        details = {"elemental_calcium_mg_per_day": float(amount)} if amount else {}
        return replace(p, drugs=(*p.drugs, drug(*name.split("+"), days=int(when) if when else None, **details)))
    if kind == "allergy":
        return replace(p, allergies=(*p.allergies, Allergy(rest, (rest,), HERE)))
    if kind == "unread":
        return replace(p, unused=(*p.unused, Unused("dose", rest, "test")))
    if kind == "dose":
        route, what, *more = rest.split()
        iu, _, days = what.partition("@")
        every = float(more[1]) if more else 0.0
        return replace(p, doses=(*p.doses, dose(route, float(iu), int(days), every, bool(more))))
    if kind == "visit":
        name, _, days = rest.partition("@")
        return replace(p, visits=(*p.visits, Visit(name, ON - timedelta(days=int(days)), HERE)))
    if kind in ("high", "low"):
        name, _, value = rest.partition("=")
        rows = tuple(replace(x, **{kind: float(value)}) if x.analyte == name else x for x in p.labs)
        return replace(p, labs=rows)
    return _value(p, word)


def _value(p: Patient, word: str) -> Patient:
    if word.startswith("sex="):
        return replace(p, sex=word[4:])  # type: ignore[arg-type]
    if word.startswith("age="):
        return replace(p, age_y=float(word[4:]))
    found = _VALUE.match(word)
    if found is None:
        raise ValueError(f"not understood: {word!r}")
    name, more, days, comparator, value, later, unit = found.groups()
    row = lab(name, float(value), int(days or later or 3), comparator or "")
    row = replace(row, unit=unit or row.unit)
    kept = p.labs if more else tuple(x for x in p.labs if x.analyte != name)
    return replace(p, labs=(*kept, row))
