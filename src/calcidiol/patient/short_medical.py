"""The medical sections of the short form: past doses, drugs, conditions, allergies, procedures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from calcidiol.patient.dates import read_date
from calcidiol.patient.dosing import read_dosing
from calcidiol.patient.gather import Gathering, tidy
from calcidiol.patient.medical import file_allergy, file_condition, file_drug, file_procedure
from calcidiol.patient.numbers import Unreadable, read_number
from calcidiol.patient.past import Order, add_dose, last_day
from calcidiol.terminology.drugs import VitaminD, vitamin_d
from calcidiol.terminology.routes import route_by_name

__all__ = ["allergy", "condition", "days_of", "dose", "drug", "procedure"]

DOSE_KEYS = (
    "product",
    "substance",
    "text",
    "name",
    "route",
    "dose",
    "amount",
    "unit",
    "iu",
    "volume",
    "strength",
    "every",
    "times_per_day",
    "start",
    "date",
    "from",
    "since",
    "on",
    "end",
    "until",
    "to",
    "count",
    "doses",
    "ongoing",
    "status",
    "certain",
    "source",
    "note",
)
DRUG_KEYS = (
    "name",
    "text",
    "drug",
    "atc",
    "rxnorm",
    "start",
    "since",
    "date",
    "end",
    "until",
    "status",
    "active",
    "dose",
    "every",
    "route",
    "details",
    "note",
)
CONDITION_KEYS = (
    "text",
    "name",
    "icd10",
    "icd10cm",
    "snomed",
    "onset",
    "since",
    "date",
    "status",
    "active",
    "resolved",
    "stage",
    "site",
    "side",
    "severity",
    "certainty",
    "note",
    "details",
)
ALLERGY_KEYS = ("text", "name", "substance", "snomed", "reaction", "note")
PROCEDURE_KEYS = ("text", "name", "date", "when", "site", "side", "snomed", "icd10", "note", "details", "status")
_NO = (
    "false",
    "no",
    "0",
    "stopped",
    "completed",
    "inactive",
    "resolved",
    "remission",
    "ended",
    "discontinued",
    "cancelled",
    "on hold",
    "on-hold",
    "held",
    "paused",
    "finished",
    "past",
    "history",
    "not taking",
    "not-taken",
    "refuted",
    "entered-in-error",
)
_NEVER = (
    "cancelled",
    "canceled",
    "not-done",
    "not-given",
    "not-taken",
    "never-taken",
    "refused",
    "refuted",
    "planned",
    "proposed",
    "draft",
    "entered-in-error",
)
"""What was not taken or done at all, by its status."""


_NOTHING = re.compile(
    r"\s*(?:none|no|nil|never|n/?a|nothing|-|無|无|沒有|没有)"
    r"(?: (?:known|taken|given|so far|vitamin d3?|supplements?|doses?))*\.?\s*",
    re.I,
)
"""What says that there was none."""
_OVER_IN_WORDS = re.compile(r"(?<!not )\b(?:stopped|discontinued|ceased|no longer|was on)\b", re.I)


def _fields(g: Gathering, row: Mapping[str, Any], where: str, known: tuple[str, ...]) -> dict[str, Any]:
    from calcidiol.patient.short import _plain, unknown

    for field in row:
        if _plain(field) not in known:
            unknown(g, "field", str(field), known, f"{where}.{tidy(field, 60)}")
    return {_plain(k): v for k, v in row.items() if v is not None}


def _codes(fields: Mapping[str, Any], *systems: str) -> list[tuple[str, str]]:
    found = []
    for system in systems:
        given = fields.get(system, ())
        for code in given if isinstance(given, (list, tuple)) else (given,):
            found.append((system, str(code).strip()))
    return found


def _true(value: Any) -> bool:
    return str(value).strip().casefold() not in _NO


def days_of(value: Any) -> float | None:
    """Days of ``"7 d"``, ``"week"``, ``"daily"`` or ``7``.

    Examples
    --------
    >>> days_of("4 weeks"), days_of("daily"), days_of(7)
    (28.0, 1.0, 7.0)
    """
    number = read_number(value)
    if not isinstance(number, Unreadable):
        return number.value if number.value > 0 and not number.comparator else None
    text = str(value).strip()
    return read_dosing(text).every_days or read_dosing(f"every {text}").every_days


def _never(fields: Mapping[str, Any]) -> bool:
    """Whether a row says that it was not taken or done at all."""
    return str(fields.get("status", "")).strip().casefold().replace("_", "-").replace(" ", "-") in _NEVER


def dose(g: Gathering, row: Any, where: str) -> None:
    """A past dose: text, or a mapping."""
    if isinstance(row, str):
        if _NOTHING.fullmatch(row):
            g.skip("drug", "status_not_taken", where, row)
            return
        vitamin = vitamin_d([], row)
        if vitamin is None:
            vitamin = VitaminD("cholecalciferol", assumed=True) if not _other_drug(row) else None
        if vitamin is None:
            g.refuse("dose", "dose_not_vitamin_d", where, row)
            drug(g, row, where)
            return
        _dose_and_more(g, where, vitamin, row, _order(row))
        return
    if not isinstance(row, Mapping):
        g.refuse("dose", "dose_shape", where, row)
        return
    fields = _fields(g, row, where, DOSE_KEYS)
    name = " ".join(str(fields[k]) for k in ("product", "substance", "text", "name") if k in fields)
    vitamin = vitamin_d([], name) if name else None
    product = str(fields["product"]) if "product" in fields else None
    if vitamin is None:
        if name and not product and _other_drug(name):
            g.refuse("dose", "dose_not_vitamin_d", where, name)
            taken = {k: v for k, v in fields.items() if k in DRUG_KEYS and k not in ("name", "text")}
            drug(g, {"name": name} | taken, where)
            return
        vitamin = VitaminD("cholecalciferol", assumed=True)
    if _never(fields):
        g.skip("drug", "status_not_taken", where, name or row)
        return
    _dose_and_more(g, where, vitamin, name, _order_of(fields, name, product))


def _dose_and_more(g: Gathering, where: str, vitamin: VitaminD, text: str, order: Order) -> None:
    """A dose, and what the product is besides vitamin D3: calcium, D2, calcifediol."""
    before = len(g.doses)
    add_dose(g, where, vitamin, order)
    end = last_day(g.doses[-1]) if len(g.doses) > before else order.end
    file_drug(
        g,
        where,
        [],
        text,
        dosing=order.text,
        start=order.start,
        end=end,
        active=order.ongoing is not False or order.end is not None,
        vitamin=True,
    )


def _other_drug(text: str) -> bool:
    from calcidiol.terminology.drugs import drug_text_classes

    return bool(drug_text_classes([], text))


def _order(text: str) -> Order:
    w = read_dosing(text)
    return Order(
        text=tidy(text),
        amount=w.amount,
        unit=w.unit,
        pieces=w.pieces,
        strength=w.strength,
        route=w.route,
        every_days=w.every_days,
        once=w.once,
        count=w.count,
        start=w.start,
        end=w.end,
        for_days=w.for_days,
        since=w.since,
        unclear=w.unclear or w.rhythm_unread,
    )


def _order_of(fields: Mapping[str, Any], name: str, product: str | None) -> Order:
    amount_text = str(fields.get("dose", fields.get("volume", "")))
    if "iu" in fields:
        amount_text = f"{fields['iu']} IU"
    elif "amount" in fields:
        amount_text = f"{fields['amount']} {fields.get('unit', '')}"
    elif "unit" in fields:
        amount_text = f"{amount_text} {fields['unit']}"
    written = f"{name} {amount_text} {fields.get('text', '')}"
    w = read_dosing(written)
    if "dose" in fields and "volume" in fields and w.unit.casefold() == "ml":
        w = read_dosing(str(fields["dose"]))
    amount, unit = w.amount, w.unit
    bare = read_number(amount_text.strip())
    if amount_text.strip() and not isinstance(bare, Unreadable):
        amount, unit = bare.value, ""
    elif amount_text.strip():
        said = read_dosing(amount_text)
        amount, unit = (said.amount, said.unit) if said.amount is not None else (None, "")
    every = days_of(fields["every"]) if "every" in fields else w.every_days
    per_day = read_number(fields["times_per_day"]) if "times_per_day" in fields else None
    unclear = w.unclear or (every is None and ("every" in fields or w.rhythm_unread))
    if per_day is not None:
        every = None if isinstance(per_day, Unreadable) or per_day.value <= 0 else 1 / per_day.value
        unclear |= every is None
    count: int | None = w.count
    for field in ("count", "doses"):
        if field in fields:
            number = read_number(fields[field])
            whole = not isinstance(number, Unreadable) and number.value == int(number.value)
            count = int(number.value) if whole and not isinstance(number, Unreadable) else 0
            unclear |= not whole
    start_key = next((k for k in ("start", "date", "from", "since", "on") if k in fields), None)
    end_key = next((k for k in ("end", "until", "to") if k in fields), None)
    start = read_date(fields[start_key]) if start_key else None
    end = read_date(fields[end_key]) if end_key else None
    unclear |= end_key is not None and end is None
    ongoing = None
    if "ongoing" in fields:
        ongoing = _true(fields["ongoing"])
    elif not _true(fields.get("status", "active")) or not _true(fields.get("active", "yes")):
        ongoing = False
    source = str(fields.get("source", "")).casefold()
    certain = not any(s in source for s in ("patient", "self", "report")) and _true(fields.get("certain", "yes"))
    route = route_by_name(str(fields["route"])) if "route" in fields else w.route
    if "route" in fields and route is None:
        route = tidy(fields["route"], 40)
    strength = w.strength or (read_dosing(str(fields["strength"])).strength if "strength" in fields else None)
    partial = start is not None and start.precision in ("year", "month")
    return Order(
        text=tidy(" ".join(f"{v}" for k, v in fields.items() if k != "note")),
        amount=amount,
        unit=unit,
        pieces=w.pieces,
        strength=strength,
        route=route,
        every_days=every,
        once=w.once,
        count=count,
        start=None
        if start is None or start.precision == "year"
        else start.at.replace(day=15).date()
        if partial
        else start.day,
        end=end.day if end else w.end,
        for_days=w.for_days,
        since=start_key == "since",
        ongoing=ongoing,
        certain=certain and not partial,
        unclear=unclear,
        product=product,
    )


def drug(g: Gathering, row: Any, where: str) -> None:
    """A medicine; vitamin D among them is read as a dose."""
    if isinstance(row, str):
        vitamin = vitamin_d([], row)
        if vitamin is not None:
            add_dose(g, where, vitamin, _order(row))
        w = read_dosing(row)
        over = w.end is None and _OVER_IN_WORDS.search(row) is not None
        file_drug(g, where, [], row, start=w.start, end=w.end, active=not over, vitamin=vitamin is not None)
        return
    if not isinstance(row, Mapping):
        g.refuse("drug", "drug_shape", where, row)
        return
    fields = _fields(g, row, where, DRUG_KEYS)
    text = tidy(" ".join(str(fields[k]) for k in ("name", "drug", "text") if k in fields))
    codes = _codes(fields, "atc", "rxnorm")
    if not text and not codes:
        g.refuse("drug", "drug_shape", where, row)
        return
    vitamin = vitamin_d(codes, text)
    if vitamin is not None and _never(fields):
        g.skip("drug", "status_not_taken", where, text)
    elif vitamin is not None:
        known = {k: v for k, v in fields.items() if k in DOSE_KEYS or k == "active"}
        add_dose(g, where, vitamin, _order_of(known, text, None))
    start = read_date(fields.get("start", fields.get("since", fields.get("date"))))
    end = read_date(fields.get("end", fields.get("until")))
    active = _true(fields.get("active", "yes")) and _true(fields.get("status", "active"))
    details = {}
    given = fields.get("details", {})
    for field, value in given.items() if isinstance(given, Mapping) else ():
        number = read_number(value)
        if isinstance(number, Unreadable):
            g.refuse("drug", "details_unreadable", f"{where}.details.{tidy(field, 40)}", value)
        else:
            details[tidy(field, 40)] = number.value
    file_drug(
        g,
        where,
        codes,
        text,
        dosing=tidy(
            f"{text} {fields.get('dose', '')} {'every ' if 'every' in fields else ''}{fields.get('every', '')}"
        ),
        start=start.day if start else None,
        end=end.day if end else None,
        active=active,
        details=details,
        vitamin=vitamin is not None,
    )


def condition(g: Gathering, row: Any, where: str) -> None:
    """A diagnosis: text, or a mapping with codes."""
    if isinstance(row, str):
        file_condition(g, where, [], row)
        return
    if not isinstance(row, Mapping):
        g.refuse("condition", "condition_shape", where, row)
        return
    fields = _fields(g, row, where, CONDITION_KEYS)
    text = tidy(fields.get("text", fields.get("name", "")))
    onset = read_date(fields.get("onset", fields.get("since", fields.get("date"))))
    active = _true(fields.get("active", "yes")) and _true(fields.get("status", "active")) and "resolved" not in fields
    details: dict[str, str] = {
        k: tidy(fields[k], 80) for k in ("stage", "site", "side", "severity", "certainty") if k in fields
    }
    given = fields.get("details", {})
    details |= {tidy(k, 40): tidy(v, 80) for k, v in given.items()} if isinstance(given, Mapping) else {}
    codes = _codes(fields, "icd10", "icd10cm", "snomed")
    if not text and not codes:
        g.refuse("condition", "condition_shape", where, row)
        return
    file_condition(g, where, codes, text, onset=onset.day if onset else None, active=active, details=details)


def allergy(g: Gathering, row: Any, where: str) -> None:
    """An allergy: text, or a mapping with a code."""
    if isinstance(row, str):
        file_allergy(g, where, [], row)
        return
    if not isinstance(row, Mapping):
        g.refuse("allergy", "allergy_shape", where, row)
        return
    fields = _fields(g, row, where, ALLERGY_KEYS)
    text = tidy(" ".join(str(fields[k]) for k in ("text", "name", "substance") if k in fields))
    file_allergy(g, where, _codes(fields, "snomed"), text)


def procedure(g: Gathering, row: Any, where: str) -> None:
    """An operation or radiotherapy: text, or a mapping with date and site."""
    if isinstance(row, str):
        file_procedure(g, where, [], row)
        return
    if not isinstance(row, Mapping):
        g.refuse("procedure", "procedure_shape", where, row)
        return
    fields = _fields(g, row, where, PROCEDURE_KEYS)
    when = read_date(fields.get("date", fields.get("when")))
    details: dict[str, str] = {k: tidy(fields[k], 80) for k in ("site", "side") if k in fields}
    given = fields.get("details", {})
    details |= {tidy(k, 40): tidy(v, 80) for k, v in given.items()} if isinstance(given, Mapping) else {}
    text = tidy(fields.get("text", fields.get("name", "")))
    if _never(fields):
        g.skip("procedure", "status_not_done", where, text)
        return
    file_procedure(g, where, _codes(fields, "snomed", "icd10"), text, when=when.day if when else None, details=details)
