"""The short form of a record: YAML or JSON that a person can type.

Every name that is not known is reported with the nearest known one; every value that is not used is reported with the
reason.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from calcidiol.errors import RecordError
from calcidiol.patient.assay import assay_of
from calcidiol.patient.dates import SPREAD_D, middle, read_date
from calcidiol.patient.diary import file_symptom
from calcidiol.patient.finish import finished
from calcidiol.patient.gather import Gathering, tidy
from calcidiol.patient.medical import file_condition
from calcidiol.patient.numbers import Number, Unreadable, quantity, read_number
from calcidiol.patient.record import Origin, Patient, Sex, Visit
from calcidiol.patient.short_medical import allergy, condition, dose, drug, procedure
from calcidiol.terminology.labs import LabItem, lab_by_loinc, lab_by_name, lab_names, labs

__all__ = ["read_short"]

SECTIONS: dict[str, str] = {
    "patient": "patient",
    "labs": "labs",
    "laboratory": "labs",
    "lab": "labs",
    "results": "labs",
    "doses": "doses",
    "vitamin_d": "doses",
    "past_doses": "doses",
    "drugs": "drugs",
    "medications": "drugs",
    "medicines": "drugs",
    "medication": "drugs",
    "conditions": "conditions",
    "diagnoses": "conditions",
    "problems": "conditions",
    "allergies": "allergies",
    "procedures": "procedures",
    "operations": "procedures",
    "symptoms": "symptoms",
    "visits": "visits",
    "intake": "intake",
}
"""Section names that are read, and what each means."""

PATIENT_KEYS = (
    "id",
    "name",
    "sex",
    "gender",
    "born",
    "birth_date",
    "birthdate",
    "age",
    "died",
    "weight",
    "height",
    "bmi",
    "latitude",
    "sun",
    "pregnant",
    "breastfeeding",
)
LAB_KEYS = (
    "test",
    "name",
    "loinc",
    "value",
    "unit",
    "date",
    "when",
    "assay",
    "method",
    "low",
    "high",
    "comparator",
    "note",
    "flags",
)
_SEX: dict[str, Sex] = {
    "female": "female",
    "f": "female",
    "woman": "female",
    "w": "female",
    "女": "female",
    "male": "male",
    "m": "male",
    "man": "male",
    "男": "male",
}
_SUN = {
    "avoids": "avoids",
    "avoid": "avoids",
    "low": "avoids",
    "none": "avoids",
    "no": "avoids",
    "usual": "usual",
    "normal": "usual",
    "yes": "usual",
    "moderate": "usual",
    "high": "usual",
}
_YES = ("yes", "true", "y", "1", "是")
_NO = ("no", "false", "n", "0", "否", "unknown", "not known", "not applicable", "n/a")
MOST_ROWS = 20_000
"""Most rows of one section (P)."""
LONGEST_CYCLE_D = 400.0
"""Longest time between two visits of a series (P)."""


def read_short(document: Any, name: str, fallback_id: str) -> Patient:
    """Read a record in the short form.

    Raises
    ------
    RecordError
        When the top is not a mapping, a section has the wrong shape, or nothing in it is known.
    """
    if not isinstance(document, Mapping):
        raise RecordError(
            f"{name}: a record is a mapping with `patient:` and `labs:`, not {_kind(document)} (see "
            "examples/simple-deficiency.yaml)."
        )
    g = Gathering()
    sections: dict[str, Any] = {}
    for field, value in document.items():
        meaning = SECTIONS.get(_plain(field))
        if meaning is None:
            unknown(g, "section", str(field), tuple(SECTIONS), tidy(field, 60))
        elif value is not None:
            if meaning in sections:
                raise RecordError(f"{name}: the section {meaning!r} stands twice; keep one.")
            sections[meaning] = value
    if not sections:
        raise RecordError(
            f"{name}: nothing in it is known. A record needs `patient:` and `labs:` (see "
            "examples/simple-deficiency.yaml); "
            f"found {', '.join(repr(tidy(k, 30)) for k in list(document)[:5]) or 'nothing'}."
        )
    about = sections.get("patient", {})
    if not isinstance(about, Mapping):
        raise RecordError(
            f"{name}: `patient` must be a mapping such as {{sex: female, born: 1961-04-02}}, not {_kind(about)}."
        )
    for section, reader in _READERS.items():
        for place, row in _rows(sections.get(section), section, name):
            reader(g, row, place)
    told = _about(g, about)
    intake = sections.get("intake", {})
    if not isinstance(intake, Mapping):
        raise RecordError(f"{name}: `intake` must be a mapping, not {_kind(intake)}.")
    return finished(
        g,
        id=tidy(about.get("id") or fallback_id, 80),
        name=tidy(about.get("name") or "", 120),
        intake={tidy(k, 60): tidy(v) for k, v in intake.items() if v is not None},
        source=name,
        **told,
    )


def _kind(value: object) -> str:
    return {
        list: "a list",
        str: "text",
        type(None): "nothing",
        int: "a number",
        float: "a number",
        bool: "true or false",
    }.get(type(value), type(value).__name__)


def _plain(field: object) -> str:
    return str(field).strip().casefold().replace("-", "_").replace(" ", "_")


def unknown(g: Gathering, kind: str, field: str, known: tuple[str, ...], where: str) -> None:
    """Report a name that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(_plain(field), known, n=1, cutoff=0.6)
    g.refuse(kind, "unknown_key", where, tidy(field, 60), hint=near[0] if near else "")


def _rows(section: Any, field: str, name: str) -> Iterator[tuple[str, Any]]:
    if section is None:
        return
    if isinstance(section, (str, Mapping)):
        section = [section]
    if not isinstance(section, (list, tuple)):
        raise RecordError(f"{name}: `{field}` must be a list, not {_kind(section)}.")
    if len(section) > MOST_ROWS:
        raise RecordError(f"{name}: `{field}` has {len(section)} rows; at most {MOST_ROWS} are read.")
    for i, row in enumerate(section):
        if row is not None:
            yield f"{field}[{i}]", row


# --- patient ---------------------------------------------------------------------------------------------------------


def _about(g: Gathering, about: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = {_plain(k): v for k, v in about.items()}
    for field in about:
        if _plain(field) not in PATIENT_KEYS:
            unknown(g, "field", str(field), PATIENT_KEYS, f"patient.{tidy(field, 60)}")
    sex = known.get("sex", known.get("gender"))
    if sex is not None:
        found["sex"] = _SEX.get(str(sex).strip().casefold())
        if found["sex"] is None:
            g.refuse("field", "sex_unknown", "patient.sex", sex)
    born = known.get("born", known.get("birth_date", known.get("birthdate")))
    if born is not None:
        when = read_date(born)
        if when is None:
            g.refuse("field", "date_unreadable", "patient.born", born)
        else:
            found["birth_date"] = middle(when)
            if when.precision in SPREAD_D:
                found["birth_spread_d"] = SPREAD_D[when.precision]
                g.remark("birth_date_partial", "note", "patient.born", date=str(born))
    died = read_date(known["died"]) if known.get("died") is not None else None
    if died is not None:
        found["death_date"] = died.day
    elif known.get("died") is not None:
        g.refuse("field", "date_unreadable", "patient.died", known["died"])
    for field, low, high, target in (("age", 0.0, 125.0, "age_y"), ("latitude", -90.0, 90.0, "latitude_deg")):
        if known.get(field) is None:
            continue
        number = read_number(_without_unit(known[field], field))
        if isinstance(number, Unreadable) or not low <= number.value <= high or number.comparator:
            g.refuse("field", "number_out_of_range", f"patient.{field}", known[field], low=low, high=high)
        else:
            found[target] = number.value
    if known.get("sun") is not None:
        found["sun"] = _SUN.get(_plain(known["sun"]))
        if found["sun"] is None:
            g.refuse("field", "sun_unknown", "patient.sun", known["sun"])
    for field, snomed in (("pregnant", "77386006"), ("breastfeeding", "169741004")):
        said = str(known.get(field) or "no").strip().casefold()
        if said in _YES:
            file_condition(g, f"patient.{field}", [("snomed", snomed)], field)
        elif said not in _NO:
            g.refuse("field", "unknown_key", f"patient.{field}", f"{field}: {said}", hint="yes / no")
    for field in ("weight", "height", "bmi"):
        given = known.get(field)
        for place, row in _rows([given] if isinstance(given, (int, float)) else given, f"patient.{field}", "patient"):
            where = f"patient.{field}" if place.endswith("[0]") and not isinstance(known[field], list) else place
            _measure(g, labs()[field], row, where)
    return found


def _without_unit(value: Any, field: str) -> Any:
    if isinstance(value, str):
        for tail in (" years", " year", " y", "°", " deg", " degrees"):
            value = value.removesuffix(tail)
    return value


def _measure(g: Gathering, item: LabItem, row: Any, where: str) -> None:
    if isinstance(row, Mapping):
        fields = {_plain(k): v for k, v in row.items()}
        for field in row:
            if _plain(field) not in ("value", "unit", "date", "when"):
                unknown(g, "field", str(field), ("value", "unit", "date"), f"{where}.{tidy(field, 60)}")
        number, unit = _value(fields.get("value"), fields.get("unit"))
        when = fields.get("date", fields.get("when"))
        at = read_date(when) if when is not None else None
        if when is not None and at is None:
            g.refuse("field", "date_unreadable", where, when)
            return
        g.lab(item, number, unit, at, where, undated=when is None)
        return
    number, unit = _value(row, None)
    g.lab(item, number, unit, None, where, undated=True)


def _value(value: Any, unit: Any) -> tuple[Number | Unreadable, str]:
    """A value with its unit, written apart or together."""
    unit_text = "" if unit is None else str(unit).strip()
    if isinstance(value, str):
        both = quantity(value)
        if isinstance(both, Unreadable):
            return both, unit_text
        number, inside = both
        if inside and unit_text and inside != unit_text:
            return Unreadable("two_units", tidy(f"{value} {unit_text}", 60)), unit_text
        return number, inside or unit_text
    return read_number(value), unit_text


# --- labs ------------------------------------------------------------------------------------------------------------


def _lab(g: Gathering, row: Any, where: str) -> None:
    if isinstance(row, str):
        row = _in_one_line(row) or row
    if not isinstance(row, Mapping):
        g.refuse("lab", "lab_shape", where, row)
        return
    fields = {_plain(k): v for k, v in row.items() if v is not None}
    for field in row:
        if _plain(field) not in LAB_KEYS:
            unknown(g, "field", str(field), LAB_KEYS, f"{where}.{tidy(field, 60)}")
    test = tidy(fields.get("test", fields.get("name", fields.get("loinc", ""))), 80)
    item = lab_by_loinc([str(fields["loinc"])]) if "loinc" in fields else None
    if item is None and test:
        item = lab_by_name(test) or lab_by_loinc([test])
    if item is None:
        near = difflib.get_close_matches(test, lab_names(), n=1, cutoff=0.7)
        g.refuse("lab", "lab_unknown", where, test, hint=near[0] if near else "")
        return
    number, unit = _value(fields.get("value"), fields.get("unit"))
    if "comparator" in fields and isinstance(number, Number):
        sign = read_number(f"{fields['comparator']}1")
        number = Number(number.value, sign.comparator) if isinstance(sign, Number) and sign.comparator else number
        if isinstance(sign, Unreadable):
            g.refuse("field", "comparator_unknown", f"{where}.comparator", fields["comparator"])
            return
    when = fields.get("date", fields.get("when"))
    at = read_date(when) if when is not None else None
    if when is not None and at is None:
        g.refuse("lab", "date_unreadable", where, when, test=test)
        return
    method = fields.get("assay", fields.get("method"))
    assay = assay_of(method) if method is not None else None
    if method is not None and assay is None and item.id.startswith("25ohd"):
        g.skip("field", "assay_unknown", f"{where}.assay", method)
    flags = tuple(tidy(f, 40) for f in fields["flags"]) if isinstance(fields.get("flags"), list) else ()
    d3_only = str(fields.get("loinc", "")) in item.loinc_d3_only
    low, high = (_limit(g, fields.get(side), unit, f"{where}.{side}") for side in ("low", "high"))
    g.lab(
        item,
        number,
        unit,
        at,
        where,
        test=test,
        low=low,
        high=high,
        assay=assay,
        flags=(*flags, *(("d2_unknown",) if d3_only else ())),
    )


_LINE = re.compile(r"\s*(\S.*?)\s*[:=]?\s+([<>≤≥]=?\s*)?([\d.,]+)\s*([^\s\d]\S*)?,?\s+(?:on\s+)?(\d{4}[-/年]\S+)\s*")


def _in_one_line(text: str) -> dict[str, str] | None:
    """``"calcium 2.31 mmol/L 2026-11-18"`` as a mapping."""
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    test, sign, value, unit, day = match.groups()
    return {"test": test, "value": f"{sign or ''}{value}", "date": day} | ({"unit": unit} if unit else {})


def _limit(g: Gathering, value: Any, unit: str, where: str) -> Number | None:
    if value is None:
        return None
    number, own = _value(value, None)
    if isinstance(number, Unreadable) or (own and own != unit) or number.comparator:
        g.refuse("field", "limit_unreadable", where, value)
        return None
    return number


# --- the rest --------------------------------------------------------------------------------------------------------

SYMPTOM_KEYS = ("name", "symptom", "score", "value", "date", "when", "scale", "instrument", "version")
VISIT_KEYS = ("kind", "date", "when", "text", "every", "count")


def _symptom(g: Gathering, row: Any, where: str) -> None:
    if not isinstance(row, Mapping):
        g.refuse("symptom", "symptom_shape", where, row)
        return
    fields = {_plain(k): v for k, v in row.items() if v is not None}
    for field in row:
        if _plain(field) not in SYMPTOM_KEYS:
            unknown(g, "field", str(field), SYMPTOM_KEYS, f"{where}.{tidy(field, 60)}")
    file_symptom(
        g,
        tidy(fields.get("name", fields.get("symptom", "")), 60),
        tidy(fields.get("instrument", fields.get("scale", "")), 60),
        tidy(fields.get("version", ""), 20),
        read_number(fields.get("score", fields.get("value"))),
        read_date(fields.get("date", fields.get("when"))),
        where,
    )


def _visit(g: Gathering, row: Any, where: str) -> None:
    if not isinstance(row, Mapping):
        g.refuse("visit", "visit_shape", where, row)
        return
    fields = {_plain(k): v for k, v in row.items() if v is not None}
    for field in row:
        if _plain(field) not in VISIT_KEYS:
            unknown(g, "field", str(field), VISIT_KEYS, f"{where}.{tidy(field, 60)}")
    when = read_date(fields.get("date", fields.get("when")))
    if when is None or when.precision in ("year", "month"):
        g.refuse("visit", "date_unreadable", where, fields.get("date", fields.get("when", "")))
        return
    every, count = 0.0, 1
    if "every" in fields:
        from calcidiol.patient.short_medical import days_of

        span, number = days_of(fields["every"]), read_number(fields.get("count", 1))
        if (
            span is None
            or not 0 <= span <= LONGEST_CYCLE_D
            or isinstance(number, Unreadable)
            or not 1 <= number.value <= 200
        ):
            g.refuse("visit", "visit_shape", where, row)
            return
        every, count = span, int(number.value)
    kind = _plain(fields.get("kind", "visit"))
    for i in range(count):
        day = when.day + timedelta(days=round(i * every))
        g.visits.append(
            Visit(tidy(kind, 40), day, Origin(where, str(fields.get("date", ""))), tidy(fields.get("text", "")))
        )


_READERS: dict[str, Callable[[Gathering, Any, str], None]] = {
    "labs": _lab,
    "doses": dose,
    "drugs": drug,
    "conditions": condition,
    "allergies": allergy,
    "procedures": procedure,
    "symptoms": _symptom,
    "visits": _visit,
}
