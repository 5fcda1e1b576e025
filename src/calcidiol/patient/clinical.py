"""Conditions, allergies, procedures and appointments of a Bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from calcidiol.patient.coding import codes_of
from calcidiol.patient.dates import read_date
from calcidiol.patient.fhir import AllergyIntolerance, Appointment, Problem, Surgery
from calcidiol.patient.gather import tidy
from calcidiol.patient.medical import file_allergy, file_condition, file_procedure
from calcidiol.patient.numbers import Number, read_number
from calcidiol.patient.record import Origin, Unused, Visit

if TYPE_CHECKING:
    from calcidiol.patient.bundle import Context

__all__ = ["allergy", "appointment", "condition", "counted", "latitude", "procedure"]

_OVER = ("inactive", "remission", "resolved")
_WRONG = ("refuted", "entered-in-error")
_UNSURE = ("provisional", "differential", "unconfirmed")
_NO_ALLERGY = ("716186003", "409137002", "428607008", "429625007", "428197003")
_GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"


def counted(kind: str, reason: str, where: str, text: str, number: int) -> Unused:
    """Several like things that are not used, in one row."""
    return Unused(kind, reason, where, text, {}, number)


def status_code(context: Context, status: Any, where: str, name: str) -> str:
    """The code of a status. Plain text where R4 has a CodeableConcept is the mark of STU3."""
    from calcidiol.errors import RecordError

    if isinstance(status, str):
        raise RecordError(
            f"{context.name} looks like FHIR STU3: {where}.{name} is plain text, in R4 it is a CodeableConcept. "
            "FHIR R4 (4.0.1) is read; export the record as R4."
        )
    if not isinstance(status, dict):
        return ""
    codings = status.get("coding")
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            return str(coding["code"])
    text = status.get("text")
    return text.strip().casefold() if isinstance(text, str) else ""


def condition(context: Context, c: Problem, where: str) -> None:
    """File a Condition; refuted ones are not used, those that are over are kept as not active."""
    clinical = status_code(context, c.clinicalStatus, where, "clinicalStatus")
    verified = status_code(context, c.verificationStatus, where, "verificationStatus")
    text = c.code.all_words() if c.code is not None else ""
    if verified in _WRONG:
        context.g.skip("condition", f"status_{verified.replace('-', '_')}", where, text)
        return
    if c.code is None:
        context.count("Condition", "code_missing", "", where)
        return
    over = any(
        x is not None
        for x in (c.abatementDateTime, c.abatementPeriod, c.abatementAge, c.abatementRange, c.abatementString)
    )
    active = clinical not in _OVER and not (over and not clinical)
    details = {}
    if verified in _UNSURE:
        details["certainty"] = verified
    if c.severity is not None and c.severity.words():
        details["severity"] = tidy(c.severity.words(), 80)
    if c.bodySite:
        details["site"] = tidy("; ".join(s.words() for s in c.bodySite), 80)
    stage = _stage(c.stage)
    if stage:
        details["stage"] = stage
    onset = read_date(c.onsetDateTime or (c.onsetPeriod.start if c.onsetPeriod else None) or c.recordedDate)
    codes = codes_of(c.code)
    if not text and not codes:
        told = ", ".join(f"{x.system or '-'} {x.code or '-'}" for x in c.code.coding)
        context.g.refuse("condition", "condition_code_unknown", where, told)
        return
    file_condition(context.g, where, codes, text, onset=onset.day if onset else None, active=active, details=details)


def _stage(stage: Any) -> str:
    first = stage[0] if isinstance(stage, list) and stage else stage
    summary = first.get("summary") if isinstance(first, dict) else None
    return (
        tidy(summary.get("text") or "", 80)
        if isinstance(summary, dict) and isinstance(summary.get("text") or "", str)
        else ""
    )


def allergy(context: Context, a: AllergyIntolerance, where: str) -> None:
    """File an allergy; refuted or resolved ones are not used."""
    clinical = status_code(context, a.clinicalStatus, where, "clinicalStatus")
    verified = status_code(context, a.verificationStatus, where, "verificationStatus")
    concepts = [c for c in (a.code, *(r.substance for r in a.reaction)) if c is not None]
    text = "; ".join(c.all_words() for c in concepts)
    if verified in _WRONG or clinical in ("inactive", "resolved"):
        context.g.skip(
            "allergy", f"status_{(verified if verified in _WRONG else clinical).replace('-', '_')}", where, text
        )
        return
    codes = [pair for c in concepts for pair in codes_of(c)]
    if not text and not codes:
        context.count("AllergyIntolerance", "code_missing", "", where)
        return
    if any(code in _NO_ALLERGY for _, code in codes):
        return
    file_allergy(context.g, where, codes, text)


def procedure(context: Context, p: Surgery, where: str) -> None:
    """File a procedure that was done or is being done."""
    text = p.code.all_words() if p.code is not None else ""
    if p.status in ("not-done", "entered-in-error", "preparation", "on-hold", "stopped"):
        context.g.skip("procedure", f"status_{p.status.replace('-', '_')}", where, text)
        return
    if p.code is None:
        context.count("Procedure", "code_missing", "", where)
        return
    when = read_date(p.performedDateTime or (p.performedPeriod.start if p.performedPeriod else None))
    details = {"site": tidy("; ".join(s.words() for s in p.bodySite), 80)} if p.bodySite else {}
    file_procedure(context.g, where, codes_of(p.code), text, when=when.day if when else None, details=details)


def appointment(context: Context, a: Appointment, where: str) -> None:
    """File a visit that is due anyway."""
    when = read_date(a.start)
    if a.status in ("cancelled", "noshow", "entered-in-error") or when is None or when.precision in ("year", "month"):
        context.count("Appointment", "resource_not_used", a.status or "", where)
        return
    words = [c.words() for c in a.serviceType] + ([a.appointmentType.words()] if a.appointmentType else [])
    context.g.visits.append(
        Visit(
            "appointment",
            when.day,
            Origin(where, a.start or ""),
            tidy("; ".join(w for w in (a.description or "", *words) if w)),
        )
    )


def latitude(address: Any) -> float | None:
    """Latitude from the geolocation extension of an address."""
    for one in address if isinstance(address, list) else ():
        for outer in (one.get("extension") or ()) if isinstance(one, dict) else ():
            if not isinstance(outer, dict) or outer.get("url") != _GEOLOCATION:
                continue
            for inner in outer.get("extension") or ():
                if isinstance(inner, dict) and inner.get("url") == "latitude":
                    number = read_number(inner.get("valueDecimal"))
                    if isinstance(number, Number) and -90 <= number.value <= 90:
                        return number.value
    return None
