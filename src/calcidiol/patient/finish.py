"""From everything gathered to one frozen `Patient`: duplicates merged, D2 and D3 added, one order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

from calcidiol.patient.gather import Gathering
from calcidiol.patient.past import LARGEST_DOSE_IU, SMALLEST_DOSE_IU, last_day
from calcidiol.patient.record import Comparator, GivenDose, Lab, Patient, Sex

__all__ = ["finished"]

SAME_DOSE_DAYS = 3
"""An injection ordered and an injection recorded within so many days of the order are one (P)."""

CARRIED_OUT_DAYS = 14
"""A single injection is given within so many days of its order (P); later it counts beside it, the safe side."""


def finished(
    g: Gathering,
    *,
    id: str,
    name: str = "",
    sex: Sex | None = None,
    birth_date: date | None = None,
    birth_spread_d: int = 0,
    death_date: date | None = None,
    age_y: float | None = None,
    latitude_deg: float | None = None,
    sun: Literal["avoids", "usual"] | None = None,
    intake: Mapping[str, str] | None = None,
    source: str = "",
) -> Patient:
    """Make the patient of what was gathered."""
    labs = _together(g, _once(g, g.labs))
    newest = max((x.when for x in labs), default=datetime(1970, 1, 1, 12))
    return Patient(
        id=id,
        sex=sex,
        birth_date=birth_date,
        birth_spread_d=birth_spread_d,
        age_y=age_y,
        weight_kg=_dated(_once(g, g.weight), newest),
        height_cm=_dated(_once(g, g.height), newest),
        labs=tuple(sorted(labs, key=lambda x: (x.when, x.analyte))),
        doses=tuple(sorted(_doses(g), key=lambda d: (d.start, d.substance))),
        drugs=tuple(g.drugs),
        conditions=tuple(g.conditions),
        allergies=tuple(g.allergies),
        procedures=tuple(g.procedures),
        symptoms=tuple(sorted(g.symptoms, key=lambda s: (s.when, s.name))),
        visits=tuple(sorted(g.visits, key=lambda v: v.when)),
        latitude_deg=latitude_deg,
        sun=sun,
        intake=dict(intake or {}),
        unused=tuple(g.unused),
        name=name,
        source=source,
        death_date=death_date,
        remarks=tuple(g.remarks),
    )


def _dated(rows: list[Lab], newest: datetime) -> tuple[Lab, ...]:
    dated = [
        replace(x, when=newest.replace(hour=12, minute=0, second=0), has_time=False) if "undated" in x.flags else x
        for x in rows
    ]
    return tuple(sorted(dated, key=lambda x: x.when))


def _once(g: Gathering, rows: list[Lab]) -> list[Lab]:
    """Each result once, and of a corrected result only the correction.

    The same value at the same time, or on a day of which no time is known, is one result. A corrected or amended
    result takes the place of every other one of that analyte and time, and a final one that of a preliminary one.
    """
    kept: dict[int, Lab] = {}
    places: dict[tuple[str, date], list[int]] = {}
    for number, row in enumerate(sorted(rows, key=lambda x: _rank(g, x))):
        day = row.when.date()
        near = [n for d in (day, day - _DAY, day + _DAY) if (row.analyte, d) in places for n in places[row.analyte, d]]
        if near:
            twin = next((n for n in near if _same(g, kept[n], row)), None)
            better = None if twin is not None else next((n for n in near if _replaces(g, kept[n], row)), None)
            other = twin if twin is not None else better
        else:
            twin = other = None
        if other is not None:
            reason = "duplicate" if twin is not None else "superseded"
            g.skip("lab", reason, row.origin.where, row.origin.received, same_as=kept[other].origin.where)
            continue
        kept[number] = row
        places.setdefault((row.analyte, day), []).append(number)
    return sorted(kept.values(), key=lambda x: x.when)


_DAY = timedelta(days=1)


def _rank(g: Gathering, x: Lab) -> tuple[bool, bool, bool, bool, bool]:
    """The more is known of a result, the earlier it comes."""
    return (x.origin.where not in g.corrected, "preliminary" in x.flags, not x.has_time, x.low is None, x.assay is None)


def _same(g: Gathering, a: Lab, b: Lab) -> bool:
    if a.comparator != b.comparator or abs(a.value - b.value) > 1e-3 * max(abs(a.value), 1e-9):
        return False
    return ("d2_unknown" in a.flags) == ("d2_unknown" in b.flags) and _one_time(g, a, b, loose=True)


def _replaces(g: Gathering, better: Lab, row: Lab) -> bool:
    corrects = better.origin.where in g.corrected and row.origin.where not in g.corrected
    finishes = "preliminary" in row.flags and "preliminary" not in better.flags
    return (corrects or finishes) and _one_time(g, better, row, loose=False)


def _one_time(g: Gathering, a: Lab, b: Lab, *, loose: bool) -> bool:
    """Whether two results are of one time; `loose`: also when one of them has a day only."""
    if ("undated" in a.flags) != ("undated" in b.flags):
        return False
    first, second = g.instants.get(a.origin.where), g.instants.get(b.origin.where)
    if first is not None and second is not None:
        return first == second
    if a.has_time and b.has_time:
        return a.when == b.when
    return a.when.date() == b.when.date() and (loose or a.has_time == b.has_time)


def _together(g: Gathering, rows: list[Lab]) -> list[Lab]:
    """25(OH)D3 and 25(OH)D2 of one sample become the total, unless a total was reported too."""
    kept = list(rows)
    for part in [x for x in rows if x.analyte == "25ohd" and "d2_unknown" in x.flags]:
        beside = [x for x in rows if x is not part and _one_sample(x, part)]
        total = next((x for x in beside if x.analyte == "25ohd" and "d2_unknown" not in x.flags), None)
        d2 = next((x for x in beside if x.analyte == "25ohd2"), None)
        if total is not None:
            kept.remove(part)
            g.skip("lab", "part_of_total", part.origin.where, part.origin.received, same_as=total.origin.where)
        elif d2 is not None:
            value, comparator = _sum(part, d2)
            flags = (*(f for f in part.flags if f != "d2_unknown"), "d2_added")
            both = replace(part.origin, received=f"{part.origin.received} + D2 {d2.origin.received}")
            kept[kept.index(part)] = replace(part, value=value, comparator=comparator, flags=flags, origin=both)
    return kept


def _sum(d3: Lab, d2: Lab) -> tuple[float, Comparator]:
    """D3 and D2 added. Below detection, one of them counts as nothing (D2) or as half its limit (D3): P."""
    if ">" in d3.comparator + d2.comparator:
        return sum(x.value for x in (d3, d2) if "<" not in x.comparator), ">"
    if "<" in d3.comparator and "<" in d2.comparator:
        return d3.value + d2.value, "<"
    if "<" in d3.comparator:
        return d3.value / 2 + d2.value, ""
    return d3.value + (0.0 if "<" in d2.comparator else d2.value), ""


def _one_sample(a: Lab, b: Lab) -> bool:
    return a.when == b.when if a.has_time and b.has_time else a.when.date() == b.when.date()


def _doses(g: Gathering) -> list[GivenDose]:
    kept: list[GivenDose] = []
    done: set[str] = set()
    """Doses whose order was found already."""
    for dose in g.doses:
        twin = next((k for k in kept if _same_dose(k, dose)), None)
        if twin is None:
            kept.append(dose)
            continue
        better, other = (dose, twin) if dose.certain and not twin.certain else (twin, dose)
        kept[kept.index(twin)] = better
        if twin.certain != dose.certain:
            done.add(better.origin.where)
        g.skip("dose", "duplicate", other.origin.where, other.origin.received, same_as=better.origin.where)
        g.remark("dose_duplicate", "note", other.origin.where, text=other.origin.received, same_as=better.origin.where)
    _one_therapy(g, kept)
    given = [d for d in kept if d.certain and d.count == 1 and not d.ongoing]
    for order in [d for d in kept if not d.certain and d.route == "im"]:
        match = next((d for d in given if _carries_out(d, order, d.origin.where in done)), None)
        if match is not None:
            done.add(match.origin.where)
            kept.remove(order)
            g.skip("dose", "order_carried_out", order.origin.where, order.origin.received, same_as=match.origin.where)
    for dose in kept:
        if dose.iu is not None and dose.iu < SMALLEST_DOSE_IU:
            g.remark("dose_small", "caution", dose.origin.where, text=dose.origin.received, iu=dose.iu)
        elif dose.iu is not None and dose.iu > LARGEST_DOSE_IU:
            g.remark(
                "dose_unit_trap",
                "stop",
                dose.origin.where,
                text=dose.origin.received,
                iu=dose.iu,
                limit_iu=LARGEST_DOSE_IU,
            )
        elif dose.substance == "calcifediol" and dose.amount_nmol > 10_000:
            g.remark(
                "calcifediol_unit_trap",
                "stop",
                dose.origin.where,
                text=dose.origin.received,
                ug=dose.amount_nmol * 400.64e-3,
            )
    return kept


def _one_therapy(g: Gathering, kept: list[GivenDose]) -> None:
    """Orders, statements and administrations of one therapy counted once.

    The same dose in the same rhythm, ordered again before it ended or stated beside its order, is a renewal and not a
    second therapy: it counts from the first day. A single dose recorded on a day that such an order covers is one of
    its doses. Records typed by a person are taken as they are.
    """
    runs = sorted((d for d in kept if "/" in d.origin.where and (d.ongoing or d.count > 1)), key=lambda d: d.start)
    while runs:
        first = runs.pop(0)
        for later in [r for r in runs if _alike(first, r) and _renews(first, r)]:
            runs.remove(later)
            kept.remove(later)
            joined = replace(first, ongoing=True, count=0, certain=first.certain or later.certain)
            kept[kept.index(first)] = joined
            first = joined
            same = {"same_as": first.origin.where}
            g.skip("dose", "duplicate", later.origin.where, later.origin.received, **same)
            g.remark("dose_duplicate", "note", later.origin.where, text=later.origin.received, **same)
    for single in [d for d in kept if d.route == "oral" and d.count == 1 and not d.ongoing and "/" in d.origin.where]:
        order = next((r for r in kept if r is not single and _covers(r, single)), None)
        if order is not None:
            kept.remove(single)
            g.skip("dose", "duplicate", single.origin.where, single.origin.received, same_as=order.origin.where)


def _renews(first: GivenDose, later: GivenDose) -> bool:
    """Whether a later record of the same dose is the same therapy."""
    if not _goes_on(first, later.start):
        return False
    kinds = {d.origin.where.partition("/")[0] for d in (first, later)}
    return later.ongoing or (first.ongoing and len(kinds) == 2)


def _alike(a: GivenDose, b: GivenDose) -> bool:
    return (
        a.substance == b.substance
        and a.route == b.route
        and abs(a.every_days - b.every_days) < 1e-9
        and abs(a.amount_nmol - b.amount_nmol) <= 0.01 * max(a.amount_nmol, b.amount_nmol)
    )


def _goes_on(dose: GivenDose, day: date) -> bool:
    end = last_day(dose)
    return end is None or day <= end


def _covers(order: GivenDose, single: GivenDose) -> bool:
    return (
        (order.ongoing or order.count > 1)
        and order.substance == single.substance
        and order.route == single.route
        and abs(order.amount_nmol - single.amount_nmol) <= 0.01 * order.amount_nmol
        and order.start <= single.start
        and _goes_on(order, single.start)
        and _on_rhythm(order, (single.start - order.start).days)
    )


def _on_rhythm(order: GivenDose, days: int) -> bool:
    """Whether a day is one of an order, give or take some days."""
    past = days % order.every_days
    return order.every_days <= 1.0 or min(past, order.every_days - past) <= min(SAME_DOSE_DAYS, order.every_days / 4)


def _same_dose(a: GivenDose, b: GivenDose) -> bool:
    return (
        a.substance == b.substance
        and a.route == b.route
        and a.start == b.start
        and a.count == b.count
        and a.ongoing == b.ongoing
        and abs(a.every_days - b.every_days) < 1e-9
        and abs(a.amount_nmol - b.amount_nmol) <= 0.01 * max(a.amount_nmol, b.amount_nmol)
    )


def _carries_out(given: GivenDose, order: GivenDose, taken: bool) -> bool:
    """Whether an injection is one of an order; one that is `taken` by an order of its own carries out no other single
    one."""
    single = order.count == 1 and not order.ongoing
    end = order.start + timedelta(days=CARRIED_OUT_DAYS) if single else last_day(order)
    if single and taken:
        return False
    return (
        given.substance == order.substance
        and given.route == order.route
        and abs(given.amount_nmol - order.amount_nmol) <= 0.01 * order.amount_nmol
        and given.start >= order.start - timedelta(days=SAME_DOSE_DAYS)
        and (end is None or given.start <= end + timedelta(days=0 if single else SAME_DOSE_DAYS))
    )
