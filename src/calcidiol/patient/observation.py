"""Observations: results of the laboratory, weight, height, pregnancy."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from calcidiol.patient.assay import assay_of
from calcidiol.patient.coding import is_loinc
from calcidiol.patient.dates import When, read_date
from calcidiol.patient.diary import file_symptom
from calcidiol.patient.fhir import Component, Concept, Observation, Quantity, Range, Ratio, Report
from calcidiol.patient.medical import file_condition
from calcidiol.patient.numbers import Number, Unreadable, quantity, read_number
from calcidiol.quantity import convert
from calcidiol.terminology.conditions import State, state_asked, state_there
from calcidiol.terminology.labs import LabItem, lab_by_loinc, lab_by_name, lab_mentioned, labs
from calcidiol.terminology.symptoms import scale_by_loinc, scale_by_name

if TYPE_CHECKING:
    from calcidiol.patient.bundle import Context

__all__ = ["read", "report", "time_of", "time_of_report", "unit_of"]

_DROPPED = ("entered-in-error", "cancelled", "registered")
_USED = ("final", "amended", "corrected", "preliminary", "unknown", "", None)
_RANGE_TEXT = re.compile(r"\s*[(\[]?\s*(\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(\d+(?:\.\d+)?)\s*([^\s()\[\]].*?)?\s*[)\]]?\s*")
_HEMOLYZED = re.compile(r"\bha?emoly[sz]", re.I)
_NOT_HEMOLYZED = re.compile(r"\b(?:no|not|without|non)[- ]+(?:visibly |grossly )?ha?emoly[sz]", re.I)
_OTHER_SPECIMEN = re.compile(r"urin|\bcsf\b|cerebrospinal|pleura|ascit|dialysate|saliva|stool|sweat|tissue|drain", re.I)
_MASS_SPEC = re.compile(r"lc[-/ ]?ms|mass spec|tandem|質譜|质谱", re.I)
_WIDER = {
    "calcium_corrected": ("calcium",),
    "calcium_ionized": ("calcium",),
    "25ohd2": ("25ohd",),
    "urine_calcium_24h": ("calcium",),
    "urine_calcium_creatinine": ("calcium",),
    "urine_calcium_weight": ("calcium",),
}
"""A text that says less than its LOINC code does not contradict it."""
_CONFLICT = "\0"
_HIGH = ("H", "HH", "HU", "HX", ">")
_LOW = ("L", "LL", "LU", "LX", "<")


def read(context: Context, o: Observation, where: str) -> None:
    """File one Observation, with its components."""
    if o.status in _DROPPED:
        context.g.skip("lab", f"status_{o.status.replace('-', '_')}", where, o.code.words() if o.code else "")
        return
    if o.status not in _USED:
        context.g.refuse("lab", "status_unknown", where, o.status)
        return
    if any(f.reference and f.reference != (o.subject.reference if o.subject else "") for f in o.focus):
        # a donor, a fetus, a device: the subject is only whose record it stands in
        context.g.skip("lab", "subject_not_patient", where, o.code.words() if o.code else "")
        return
    when = time_of(o)
    if o.code is not None and _state(context, o, when, where):
        return
    _one(context, o, o, when, where)
    for i, part in enumerate(o.component):
        _one(context, o, part, when, f"{where}.component[{i}]")
    if o.contained:
        _inside(context, o, when, where)


def report(context: Context, r: Report, where: str) -> None:
    """File the results that a report carries inside itself."""
    if r.status in ("entered-in-error", "cancelled"):
        if r.contained:
            context.g.skip("lab", f"status_{r.status.replace('-', '_')}", where, "DiagnosticReport")
        return
    _inside(context, r, time_of_report(r), where)


def _inside(context: Context, resource: Report | Observation, when: When | None, where: str) -> None:
    for place, inner in context.inner(resource, "Observation", where):
        if when is not None:
            context.reported[place] = when
        read(context, inner, place)


def time_of_report(r: Report) -> When | None:
    """When the samples of a report were taken, as far as it says."""
    text = r.effectiveDateTime or (r.effectivePeriod.start if r.effectivePeriod else None)
    return read_date(text) if text else None


def _written_time(o: Observation) -> str:
    """The time of the sample as it was written, if any."""
    period = o.effectivePeriod
    texts = (o.effectiveDateTime, o.effectiveInstant, period.start if period else None, period.end if period else None)
    return next((text for text in texts if text), "")


def time_of(o: Observation) -> When | None:
    """When the sample was taken, as far as the Observation itself says."""
    text = _written_time(o)
    if text:
        return read_date(text)
    if isinstance(o.effectiveTiming, dict):
        events = o.effectiveTiming.get("event")
        if isinstance(events, list) and events:
            return read_date(events[0])
    return None


def _item(concept: Concept) -> tuple[LabItem | None, str, bool]:
    """Analyte, how the record names it, and whether it was matched by its text alone."""
    return _meaning(tuple((c.system, c.code, c.display) for c in concept.coding), concept.text)


@functools.lru_cache(maxsize=4096)
def _meaning(
    codings: tuple[tuple[str | None, str | None, str | None], ...], text: str | None
) -> tuple[LabItem | None, str, bool]:
    loinc = [code.strip() for system, code, _ in codings if code and is_loinc(system)]
    said = text or next((display for _, _, display in codings if display), None) or (loinc[0] if loinc else "")
    if loinc:
        item = lab_by_loinc(loinc)
        named = {other.id for t in (text, *(d for _, _, d in codings)) if t and (other := lab_by_name(t))}
        if item is not None and not named <= {item.id, *_WIDER.get(item.id, ())}:
            return None, _CONFLICT + said, False
        if item is None and len(named) == 1 and labs()[only := named.pop()].only_in_blood:
            return labs()[only], said, True
        return item, said, False
    found = {item.id for t in (text, *(display for _, _, display in codings)) if t and (item := lab_by_name(t))}
    if len(found) == 1:
        return labs()[found.pop()], said, True
    return None, said, False


def _one(context: Context, o: Observation, part: Observation | Component, when: When | None, where: str) -> None:
    if part.code is None:
        if isinstance(part, Component) or not o.component:
            context.count("Observation", "code_missing", "", where)
        return
    item, test, by_text = _item(part.code)
    empty = not _has_value(part)
    if item is None and test.startswith(_CONFLICT):
        codes = ", ".join(c.code or "" for c in part.code.coding)
        context.g.refuse("lab", "lab_code_conflict", where, f"{test[1:]} ({codes})")
        return
    if item is None:
        if _symptom(context, part, test, when, where):
            return
        if not (empty and isinstance(part, Observation) and o.component):
            near = None if empty else _nearly(context, o, part, test)
            if near is not None:
                context.g.refuse("lab", "lab_unknown", where, test, hint=near)
            else:
                context.count("Observation", "code_not_used", test, where)
        return
    if empty and isinstance(part, Observation) and o.component:
        return
    specimen = context.specimen(o.specimen, o.contained) if o.specimen is not None else ""
    if specimen and _OTHER_SPECIMEN.search(specimen) and not item.id.startswith("urine"):
        context.g.skip("lab", "specimen_not_blood", where, f"{test} ({specimen})")
        return
    if by_text and _OTHER_SPECIMEN.search(test) and not item.id.startswith("urine"):
        context.count("Observation", "code_not_used", test, where)
        return
    if part.dataAbsentReason is not None and empty:
        context.g.refuse(
            "lab", "lab_absent", where, part.dataAbsentReason.words() or _first_code(part.dataAbsentReason), test=test
        )
        return
    number, unit, problem = _value(part)
    if problem:
        context.g.refuse("lab", problem, where, unit, test=test)
        return
    if when is None and _written_time(o):
        context.g.refuse("lab", "date_unreadable", where, _written_time(o), test=test)
        return
    if item.mass_ratio_loinc and isinstance(number, Number) and unit:
        number, unit = _mass_ratio(item, number, unit)
    flags = _flags(o, part, item, by_text)
    if (
        when is None
        and where.partition(".component")[0] in context.reported
        and not (o.effectiveDateTime or o.effectivePeriod or o.effectiveInstant)
    ):
        when = context.reported[where.partition(".component")[0]]
        flags = (*flags, "report_time")
    if when is None and o.issued and not (o.effectiveDateTime or o.effectivePeriod or o.effectiveInstant):
        when = read_date(o.issued)
        flags = (*flags, "issued_time")
    low, high = _limits(context, part.referenceRange, unit, item, where)
    context.g.lab(
        item,
        number,
        unit,
        when,
        where,
        test=test,
        low=low,
        high=high,
        assay=_assay(o, part, item),
        flags=flags,
        status=o.status or "",
    )


def _nearly(context: Context, o: Observation, part: Observation | Component, test: str) -> str | None:
    """The deciding analyte that a result without a LOINC code may be of; its name was not understood."""
    assert part.code is not None
    if any(is_loinc(c.system) for c in part.code.coding) or part.valueQuantity is None:
        return None
    specimen = context.specimen(o.specimen, o.contained) if o.specimen is not None else ""
    return None if _OTHER_SPECIMEN.search(f"{test} {specimen}") else lab_mentioned(test)


_SCORE_UNITS = ("", "1", "{score}", "score", "points", "{points}")
"""Units that a symptom score may carry."""


def _symptom(context: Context, part: Observation | Component, test: str, when: When | None, where: str) -> bool:
    """File a symptom score: one of our scales by its name, or the total of another instrument by code or name."""
    assert part.code is not None
    loinc = [c.code.strip() for c in part.code.coding if c.code and is_loinc(c.system)]
    scale = scale_by_loinc(loinc) or (None if loinc else scale_by_name(test))
    if scale is None or not _has_value(part):
        return False
    number, unit, problem = _value(part)
    if problem or unit not in _SCORE_UNITS or (scale.own and not isinstance(number, Number)):
        return False
    file_symptom(context.g, scale.id, "" if scale.own else scale.id, "", number, when, where, scale=scale)
    return True


def _has_value(part: Observation | Component) -> bool:
    return any(
        v is not None
        for v in (
            part.valueQuantity,
            part.valueString,
            part.valueInteger,
            part.valueCodeableConcept,
            part.valueBoolean,
            part.valueRange,
            part.valueRatio,
        )
    )


def _value(part: Observation | Component) -> tuple[Number | Unreadable, str, str]:
    """Number, unit, and the reason why it cannot be used (then the unit's place holds what was written)."""
    q = part.valueQuantity
    if q is not None:
        if q.value is None:
            return Unreadable("empty", ""), "", "lab_empty"
        number = read_number(q.value)
        if isinstance(number, Number) and q.comparator:
            if number.comparator or q.comparator not in ("<", "<=", ">", ">="):
                return number, f"{q.comparator} {q.value}", "comparator_unknown"
            number = read_number(f"{q.comparator}{number.value!r}")
        unit, conflict = unit_of(q)
        if conflict:
            return number, conflict, "lab_unit_conflict"
        return number, unit, ""
    if part.valueString is not None:
        both = quantity(part.valueString)
        return (both, "", "") if isinstance(both, Unreadable) else (both[0], both[1], "")
    if part.valueInteger is not None:
        return read_number(part.valueInteger), "", ""
    if part.valueRatio is not None:
        return _quotient(part.valueRatio)
    for kind, value in (
        ("valueCodeableConcept", part.valueCodeableConcept),
        ("valueBoolean", part.valueBoolean),
        ("valueRange", part.valueRange),
    ):
        if value is not None:
            return Unreadable("not_a_number", value.words() if isinstance(value, Concept) else kind), "", ""
    return Unreadable("empty", ""), "", ""


def _quotient(ratio: Ratio) -> tuple[Number | Unreadable, str, str]:
    """A ratio of two quantities as one number with one unit."""
    top, bottom = ratio.numerator, ratio.denominator or Quantity(value=1.0)
    if top is None or top.value is None or bottom.value is None:
        return Unreadable("empty", ""), "", "lab_empty"
    above, below = read_number(top.value), read_number(bottom.value)
    if isinstance(above, Unreadable) or isinstance(below, Unreadable) or below.comparator or below.value <= 0:
        return Unreadable("not_a_number", f"{top.value} / {bottom.value}"), "", ""
    if top.comparator and not above.comparator:
        signed = read_number(f"{top.comparator}{above.value!r}")
        if isinstance(signed, Unreadable):
            return above, f"{top.comparator} {top.value}", "comparator_unknown"
        above = signed
    (unit, first), (per, second) = unit_of(top), unit_of(bottom)
    if first or second:
        return above, first or second, "lab_unit_conflict"
    return Number(above.value / below.value, above.comparator), f"{unit}/{per}" if per else unit, ""


def unit_of(q: Quantity) -> tuple[str, str]:
    """The unit of a Quantity, and both of its units when code and text say different things."""
    if q.code == q.unit and q.code is not None:
        return q.code.strip(), ""
    return _agreed(q.code or "", q.unit or "")


@functools.lru_cache(maxsize=4096)
def _agreed(code: str, text: str) -> tuple[str, str]:
    code, text = code.strip(), text.strip()
    if not code or not text or code == text:
        return code or text, ""
    a, b = _size(code), _size(text)
    if a is None:
        return (text, "") if b is not None else (code, "")
    if b is None or any(x == y for x in a for y in b):
        return code, ""
    return code, f"{code} / {text}"


def _size(unit: str) -> frozenset[tuple[str, float]] | None:
    from calcidiol.errors import UnitError
    from calcidiol.quantity import meanings

    try:
        return meanings(unit)
    except UnitError:
        return None


def _mass_ratio(item: LabItem, number: Number, unit: str) -> tuple[Number, str]:
    """A ratio of masses as the ratio of amounts that is canonical."""
    from calcidiol.errors import UnitError

    try:
        value = convert(number.value, unit, "mg/mg")
    except UnitError:
        return number, unit
    return Number(float(f"{value * item.mass_ratio_factor:.10g}"), number.comparator), item.unit


def _first_code(concept: Concept) -> str:
    return next((c.code for c in concept.coding if c.code), "")


def _flags(o: Observation, part: Observation | Component, item: LabItem, by_text: bool) -> tuple[str, ...]:
    flags = []
    if by_text:
        flags.append("matched_by_text")
    if o.status == "preliminary":
        flags.append("preliminary")
    if item.loinc_d3_only and part.code is not None and any(c.code in item.loinc_d3_only for c in part.code.coding):
        flags.append("d2_unknown")
    if not part.interpretation and not o.note:
        return tuple(flags)
    signs = [c.code for i in part.interpretation for c in i.coding if c.code]
    if any(s in _HIGH for s in signs):
        flags.append("interpreted_high")
    if any(s in _LOW for s in signs):
        flags.append("interpreted_low")
    remarks = " ".join([n.text or "" for n in o.note] + [i.text or "" for i in part.interpretation])
    if _HEMOLYZED.search(remarks) and not _NOT_HEMOLYZED.search(remarks):
        flags.append("hemolyzed")
    return tuple(flags)


def _assay(o: Observation, part: Observation | Component, item: LabItem) -> str | None:
    if item.substance is None or not item.id.startswith("25ohd"):
        return None
    if o.method is not None:
        return assay_of(o.method.all_words())
    return "lc-ms" if part.code is not None and _MASS_SPEC.search(part.code.all_words()) else None


def _limits(
    context: Context, ranges: list[Range], unit: str, item: LabItem, where: str
) -> tuple[Number | None, Number | None]:
    """The laboratory's own limits, in the unit of the value."""
    for r in ranges:
        kind = _first_code(r.type) if r.type is not None else ""
        if kind not in ("", "normal"):
            continue
        low, high = _limit(r.low, unit, item), _limit(r.high, unit, item)
        if low is None and high is None and r.text:
            match = _RANGE_TEXT.fullmatch(r.text)
            if match:
                low, high = (_limit(Quantity(float(x), unit=match[3] or unit), unit, item) for x in match.groups()[:2])
            if low is None and high is None and item.decides:
                context.g.skip("field", "limit_unreadable", f"{where}.referenceRange", r.text)
        if low is not None or high is not None:
            return low, high
    return None, None


def _limit(q: Quantity | None, unit: str, item: LabItem) -> Number | None:
    from calcidiol.errors import UnitError

    if q is None or q.value is None:
        return None
    if q.code == unit and q.unit == unit and type(q.value) is float:
        return Number(q.value)
    number = read_number(q.value)
    if isinstance(number, Unreadable):
        return None
    own, conflict = unit_of(q)
    if conflict:
        return None
    if not own or own == unit:
        return number
    try:
        return Number(convert(number.value, own, unit, item.substance))
    except UnitError:
        return None


@functools.lru_cache(maxsize=4096)
def _asked(codings: tuple[tuple[str | None, str | None], ...], text: str | None) -> State | None:
    names = "; ".join(t for t in (text, *(display for _, display in codings)) if t)
    return state_asked([code for code, _ in codings if code], names)


def _state(context: Context, o: Observation, when: When | None, where: str) -> bool:
    """A state that is recorded as an Observation with an answer: pregnant or not, a pregnancy test."""
    assert o.code is not None
    said = _asked(tuple([(c.code, c.display) for c in o.code.coding]), o.code.text)
    if said is None:
        return False
    value = o.valueCodeableConcept
    codes = [c.code for c in value.coding if c.code] if value is not None else []
    text = value.all_words() if value is not None else o.valueString or ""
    there = o.valueBoolean if o.valueBoolean is not None else state_there(said, codes, text)
    if there:
        file_condition(context.g, where, [("snomed", said.snomed)], said.text, onset=when.day if when else None)
    elif there is None and _has_value(o):
        context.g.refuse("lab", "lab_not_a_number", where, text or o.code.words(), test=o.code.words())
    else:
        context.count("Observation", "code_not_used", text or o.code.words(), where)
    return True
