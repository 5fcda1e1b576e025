"""Medicines of a Bundle: ordered, stated and administered. Vitamin D becomes past doses, the rest drugs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from calcidiol.patient.coding import codes_of
from calcidiol.patient.dates import When, read_date
from calcidiol.patient.dosing import DAYS_PER_MONTH, Words, read_dosing
from calcidiol.patient.fhir import (
    Administration,
    Concept,
    Dispense,
    Dosage,
    Medication,
    MedicationRequest,
    MedicationStatement,
    Quantity,
    Reference,
    Supply,
    Timing,
)
from calcidiol.patient.gather import tidy
from calcidiol.patient.medical import file_drug
from calcidiol.patient.numbers import Number, read_number
from calcidiol.patient.observation import unit_of
from calcidiol.patient.past import LIFETIME_D, Order, add_dose
from calcidiol.terminology.drugs import VitaminD, drug_text_classes, vitamin_d
from calcidiol.terminology.routes import route_by_code, route_by_name

if TYPE_CHECKING:
    from calcidiol.patient.bundle import Context

__all__ = ["administration", "dispense", "request", "statement"]

_PERIOD_DAYS = {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": DAYS_PER_MONTH, "a": 365.25}
_TIMING_CODES = {
    "QD": 1.0,
    "BID": 0.5,
    "TID": 1 / 3,
    "QID": 0.25,
    "QOD": 2.0,
    "AM": 1.0,
    "PM": 1.0,
    "BED": 1.0,
    "WK": 7.0,
    "MO": DAYS_PER_MONTH,
    "Q1H": 1 / 24,
    "Q2H": 1 / 12,
    "Q3H": 1 / 8,
    "Q4H": 1 / 6,
    "Q6H": 0.25,
    "Q8H": 1 / 3,
}
_PIECES = (
    "tablet",
    "tab",
    "capsule",
    "cap",
    "{tbl}",
    "{capsule}",
    "{tablet}",
    "drop",
    "drops",
    "[drp]",
    "ampoule",
    "ampule",
    "vial",
    "1",
    "{each}",
    "each",
    "unit dose",
    "piece",
    "softgel",
    "{ampule}",
    "{vial}",
)
LASTING_DAYS = {"denosumab": 183, "bisphosphonate": 365}
"""How long one administration counts as being taken (P): the usual interval of the long-acting forms."""
LASTING_OTHERS = 30
"""The same for all others (P): one cycle."""
HANDED_OUT_DAYS = 365
"""How long a medicine handed out without a length counts as being taken (P): repeats of a year."""
SUPPLY_LEFT_DAYS = 30
"""How long after the end of a supply it still counts as being taken (P): doses missed, the next one not yet fetched."""


def request(context: Context, m: MedicationRequest, where: str) -> None:
    """File an order."""
    medicine = context.medicine(m.medicationCodeableConcept, m.medicationReference, m.contained)
    text = _words(medicine)
    if (
        m.status in ("cancelled", "entered-in-error", "draft", "unknown")
        or m.doNotPerform
        or m.intent in ("proposal", "plan", "option")
    ):
        reason = "order_not_to_be_given" if m.doNotPerform else f"status_{(m.status or 'unknown').replace('-', '_')}"
        context.g.skip(
            "drug", "order_only_proposed" if m.intent in ("proposal", "plan", "option") else reason, where, text
        )
        return
    start = read_date(m.authoredOn)
    if (
        m.dispenseRequest is not None
        and m.dispenseRequest.validityPeriod is not None
        and m.dispenseRequest.validityPeriod.start
    ):
        start = read_date(m.dispenseRequest.validityPeriod.start) or start
    over = m.status in ("completed", "stopped")
    _file(
        context,
        where,
        medicine,
        m.dosageInstruction,
        supply_days=_supply_days(m.dispenseRequest) if over else None,
        start=start,
        end=None,
        over=over,
        held=m.status == "on-hold",
        certain=False,
        reference=_named(m.medicationReference),
    )


def _supply_days(supply: Supply | None) -> float | None:
    """Days that what was dispensed lasts; used only where nothing else says when an order that is over ended."""
    if supply is None or supply.expectedSupplyDuration is None:
        return None
    days = _days(supply.expectedSupplyDuration)
    return None if days is None else days * (1 + max(supply.numberOfRepeatsAllowed or 0, 0))


_DAY_WORDS = {"day": "d", "days": "d", "week": "wk", "weeks": "wk", "month": "mo", "months": "mo"}


def _days(span: Quantity | None) -> float | None:
    """A positive length of time in days, not longer than a life."""
    if span is None:
        return None
    number = read_number(span.value)
    word = (span.code or span.unit or "").strip().casefold()
    unit = _PERIOD_DAYS.get(_DAY_WORDS.get(word, word))
    if not isinstance(number, Number) or unit is None:
        return None
    days = number.value * unit
    return days if 0 < days <= LIFETIME_D else None


def statement(context: Context, m: MedicationStatement, where: str) -> None:
    """File what somebody says is taken."""
    medicine = context.medicine(m.medicationCodeableConcept, m.medicationReference, m.contained)
    if m.status in ("entered-in-error", "not-taken", "intended", "unknown"):
        context.g.skip("drug", f"status_{m.status.replace('-', '_')}", where, _words(medicine))
        return
    period = m.effectivePeriod
    start = read_date(period.start if period else m.effectiveDateTime)
    end = read_date(period.end) if period else None
    if period is not None and period.end and end is None:
        context.g.refuse("dose", "date_unreadable", where, period.end)
        return
    source = (m.informationSource.reference or m.informationSource.type or "") if m.informationSource else ""
    _file(
        context,
        where,
        medicine,
        m.dosage,
        start=start or read_date(m.dateAsserted),
        end=end,
        over=m.status in ("completed", "stopped"),
        held=m.status == "on-hold",
        certain=any(who in source for who in ("Practitioner", "Organization")),
        reference=_named(m.medicationReference),
    )


def dispense(context: Context, m: Dispense, where: str) -> None:
    """File what a pharmacy handed out: taken from that day on, for as long as the supply lasts."""
    medicine = context.medicine(m.medicationCodeableConcept, m.medicationReference, m.contained)
    if m.status in ("preparation", "cancelled", "entered-in-error", "declined", "unknown"):
        state = {"declined": "not-taken"}.get(m.status, m.status)
        context.g.skip("drug", f"status_{state.replace('-', '_')}", where, _words(medicine))
        return
    start = read_date(m.whenHandedOver or m.whenPrepared)
    days = _days(m.daysSupply)
    lasting = HANDED_OUT_DAYS if days is None else days + SUPPLY_LEFT_DAYS
    _file(
        context,
        where,
        medicine,
        m.dosageInstruction,
        supply_days=days,
        start=start,
        end=None,
        over=False,
        held=False,
        certain=False,
        reference=_named(m.medicationReference),
        taken_until=start.day + timedelta(days=lasting) if start is not None else None,
    )


def administration(context: Context, m: Administration, where: str) -> None:
    """File what was given, on its day."""
    medicine = context.medicine(m.medicationCodeableConcept, m.medicationReference, m.contained)
    text = _words(medicine)
    if m.status in ("not-done", "entered-in-error", "on-hold", "unknown", "stopped"):
        context.g.skip("drug", f"status_{m.status.replace('-', '_')}", where, text)
        return
    when = read_date(m.effectiveDateTime or (m.effectivePeriod.start if m.effectivePeriod else None))
    codes = _codes(medicine)
    if not codes and not text:
        context.g.refuse("drug", "medicine_unknown", where, _named(m.medicationReference))
        return
    vitamin = vitamin_d(codes, text)
    if vitamin is not None:
        dosage = m.dosage
        words = read_dosing(f"{dosage.text or ''}") if dosage is not None else Words()
        order = _order(text, medicine, words, dosage.dose if dosage is not None else None)
        day = when.day if when is not None and when.precision in ("day", "time") else None
        route = _route(dosage.route if dosage is not None else None) or order.route
        add_dose(
            context.g,
            where,
            vitamin,
            replace(
                order, route=route, once=True, every_days=None, count=1, start=day, end=None, for_days=None, since=False
            ),
        )
    day = when.day if when is not None else None
    classes = drug_text_classes(codes, text)
    lasting = max((LASTING_DAYS.get(c, LASTING_OTHERS) for c in classes), default=LASTING_OTHERS)
    file_drug(
        context.g,
        where,
        codes,
        text,
        start=day,
        end=day + timedelta(days=lasting) if day is not None else None,
        details={"administered": 1.0},
        vitamin=vitamin is not None,
    )


def _file(
    context: Context,
    where: str,
    medicine: Medication,
    dosages: list[Dosage],
    *,
    start: When | None,
    end: When | None,
    over: bool,
    held: bool,
    certain: bool,
    supply_days: float | None = None,
    reference: str = "",
    taken_until: date | None = None,
) -> None:
    g = context.g
    codes, text = _codes(medicine), _words(medicine)
    if not codes and not text:
        g.refuse("drug", "medicine_unknown", where, reference)
        return
    begins = (
        start.day
        if start is not None and start.precision in ("day", "time")
        else start.at.replace(day=15).date()
        if start
        else None
    )
    ends = end.day if end is not None else None
    vitamin = vitamin_d(codes, text)
    if vitamin is not None:
        for i, dosage in enumerate(dosages or [Dosage()]):
            place = where if len(dosages) <= 1 else f"{where}.dosage[{i}]"
            _dose(context, place, vitamin, text, medicine, dosage, begins, ends, over or held, certain, supply_days)
    written = " ".join(_dosage_text(d) for d in dosages[:1])
    bounds = [
        d.timing.repeat.boundsPeriod for d in dosages if d.timing and d.timing.repeat and d.timing.repeat.boundsPeriod
    ]
    if bounds:
        first, last = read_date(bounds[0].start), read_date(bounds[0].end)
        begins, ends = (first.day if first else begins), (ends or (last.day if last else None))
    file_drug(
        g,
        where,
        codes,
        text,
        dosing=f"{text} {written}",
        start=begins,
        end=ends or taken_until,
        active=not (over or held),
        vitamin=vitamin is not None,
    )


def _dose(
    context: Context,
    where: str,
    vitamin: VitaminD,
    text: str,
    medicine: Medication,
    dosage: Dosage,
    start: date | None,
    end: date | None,
    over: bool,
    certain: bool,
    supply_days: float | None = None,
) -> None:
    if dosage.asNeededBoolean or dosage.asNeededCodeableConcept is not None:
        context.g.refuse("dose", "dose_as_needed", where, f"{text} {dosage.text or ''}")
        return
    written = f"{dosage.text or ''} {dosage.patientInstruction or ''}"
    quantity = dosage.doseAndRate[0].doseQuantity if dosage.doseAndRate else None
    words = read_dosing(written)
    order = _order(text, medicine, words, quantity)
    order = replace(
        order, text=tidy(f"{text} {_dosage_text(dosage)}"), route=_route(dosage.route) or order.route, certain=certain
    )
    timing = dosage.timing
    events = [w for e in (timing.event if timing else ()) if (w := read_date(e)) is not None]
    if events:
        for when in events:
            add_dose(
                context.g, where, vitamin, replace(order, once=True, every_days=None, count=1, start=when.day, end=None)
            )
        return
    every, count, for_days, first, last = _timing(timing)
    if every is None:
        every = order.every_days
    count = count if count is not None else order.count
    for_days = next((x for x in (for_days, order.for_days, supply_days) if x is not None), None)
    start, end = first or start or order.start, last or end or order.end
    once = every is None and (order.once or count == 1)
    add_dose(
        context.g,
        where,
        vitamin,
        replace(
            order,
            every_days=every,
            count=1 if once else count,
            for_days=for_days,
            start=start,
            end=None if once else end,
            once=once,
            unclear=order.unclear or (every is None and words.rhythm_unread),
            since=not once,
            ongoing=False if over else None,
        ),
    )


def _timing(timing: Timing | None) -> tuple[float | None, int | None, float | None, date | None, date | None]:
    """Days between doses, count, length in days, first and last day."""
    if timing is None:
        return None, None, None, None, None
    every: float | None = None
    code = next((c.code for c in timing.code.coding if c.code), None) if timing.code else None
    if code:
        every = _TIMING_CODES.get(code.upper())
    if every is None and timing.code is not None and timing.code.text:
        every = _TIMING_CODES.get(timing.code.text.upper()) or read_dosing(timing.code.text).every_days
    repeat = timing.repeat
    if repeat is None:
        return every, None, None, None, None
    if repeat.period is not None and repeat.periodUnit in _PERIOD_DAYS:
        frequency = repeat.frequency or len(repeat.timeOfDay) or 1
        if repeat.dayOfWeek and repeat.periodUnit == "wk":
            frequency = max(frequency, len(repeat.dayOfWeek))
        every = repeat.period * _PERIOD_DAYS[repeat.periodUnit] / frequency
    elif repeat.dayOfWeek:
        every = 7.0 / len(set(repeat.dayOfWeek))
    elif repeat.timeOfDay or repeat.when:
        every = 1.0 / max(len(repeat.timeOfDay) or len(repeat.when), 1)
    for_days = None
    if repeat.boundsDuration is not None:
        number = read_number(repeat.boundsDuration.value)
        unit = repeat.boundsDuration.code or repeat.boundsDuration.unit or ""
        if isinstance(number, Number) and unit in _PERIOD_DAYS:
            for_days = number.value * _PERIOD_DAYS[unit]
    first = read_date(repeat.boundsPeriod.start) if repeat.boundsPeriod else None
    last = read_date(repeat.boundsPeriod.end) if repeat.boundsPeriod else None
    return every, repeat.count, for_days, first.day if first else None, last.day if last else None


def _order(text: str, medicine: Medication, words: Words, quantity: Quantity | None) -> Order:
    """Amount, unit and strength: of the dose itself, else of the words of the order, else of the medicine's name and
    pieces."""
    named = read_dosing(text)
    strength = words.strength or named.strength or _strength(medicine)
    amount, unit, pieces = words.amount, words.unit, words.pieces
    if quantity is not None and quantity.value is not None:
        number = read_number(quantity.value)
        said, conflict = unit_of(quantity)
        said = said.strip()
        if isinstance(number, Number) and not number.comparator and not quantity.comparator and not conflict:
            if said.casefold() in _PIECES or (not said and named.amount is not None):
                amount, unit, pieces = named.amount, named.unit, number.value
                if amount is None and _piece(medicine) is not None:
                    amount, unit = _piece(medicine)  # type: ignore[misc]
            else:
                amount, unit, pieces = number.value, said, None
        else:
            amount, unit = None, ""
    elif amount is None and pieces is not None:
        amount, unit = named.amount, named.unit
        if amount is None and _piece(medicine) is not None:
            amount, unit = _piece(medicine)  # type: ignore[misc]
    from_name = quantity is None and amount is None and pieces is None and named.amount is not None
    if from_name:  # "Vitamin D3 2000 IU", "daily": one piece each time, and it is said that this was taken so
        amount, unit = named.amount, named.unit
    return Order(
        text=tidy(text),
        from_name=from_name,
        amount=amount,
        unit=unit,
        pieces=pieces,
        strength=strength,
        route=words.route or named.route,
        every_days=words.every_days,
        once=words.once,
        count=words.count,
        start=words.start,
        end=words.end,
        for_days=words.for_days,
        unclear=words.unclear,
    )


def _strength(medicine: Medication) -> tuple[float, str, float] | None:
    """Content of one mL from the ingredient's strength."""
    for part in medicine.ingredient:
        ratio = part.strength
        if ratio is None or ratio.numerator is None or ratio.denominator is None:
            continue
        top, bottom = read_number(ratio.numerator.value), read_number(ratio.denominator.value)
        unit = (ratio.denominator.code or ratio.denominator.unit or "").casefold()
        if isinstance(top, Number) and isinstance(bottom, Number) and unit == "ml" and bottom.value > 0:
            return top.value, unit_of(ratio.numerator)[0], bottom.value
    return None


def _piece(medicine: Medication) -> tuple[float, str] | None:
    """Content of one tablet, capsule or drop from the ingredient's strength."""
    for part in medicine.ingredient:
        ratio = part.strength
        if ratio is None or ratio.numerator is None:
            continue
        top = read_number(ratio.numerator.value)
        bottom = read_number(ratio.denominator.value) if ratio.denominator is not None else Number(1.0)
        unit = (
            (ratio.denominator.code or ratio.denominator.unit or "1").casefold()
            if ratio.denominator is not None
            else "1"
        )
        if isinstance(top, Number) and isinstance(bottom, Number) and unit != "ml" and bottom.value > 0:
            return top.value / bottom.value, unit_of(ratio.numerator)[0]
    return None


def _dosage_text(d: Dosage) -> str:
    if d.text:
        return d.text
    quantity = d.doseAndRate[0].doseQuantity if d.doseAndRate else None
    said = f"{quantity.value} {unit_of(quantity)[0]}" if quantity is not None and quantity.value is not None else ""
    repeat = d.timing.repeat if d.timing is not None else None
    if repeat is not None and repeat.period is not None:
        said += f" {repeat.frequency or 1} x per {repeat.period:g} {repeat.periodUnit or ''}"
    return said


def _route(route: Concept | None) -> str | None:
    if route is None:
        return None
    return (
        route_by_code(c.code for c in route.coding if c.code)
        or route_by_name(route.words())
        or (tidy(route.words(), 40) or None)
    )


def _named(reference: Reference | None) -> str:
    """What a reference says, for the person who has to find the medicine."""
    return tidy((reference.reference or reference.display or "") if reference is not None else "", 80)


def _codes(medicine: Medication) -> list[tuple[str, str]]:
    return codes_of(medicine.code) + [
        pair for part in medicine.ingredient for pair in codes_of(part.itemCodeableConcept)
    ]


def _words(medicine: Medication) -> str:
    said = medicine.code.all_words() if medicine.code is not None else ""
    parts = [p.itemCodeableConcept.all_words() for p in medicine.ingredient if p.itemCodeableConcept is not None]
    return tidy("; ".join(x for x in (said, *parts) if x))
