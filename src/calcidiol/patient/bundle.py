"""A FHIR R4 Bundle: what is in it, whose it is, which version of a resource counts, and who reads each part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw

from calcidiol.errors import RecordError
from calcidiol.patient import clinical, medication, observation
from calcidiol.patient.contents import Found, flattened
from calcidiol.patient.dates import SPREAD_D, When, middle, read_date
from calcidiol.patient.fhir import (
    Concept,
    Kind,
    Medication,
    Person,
    Reference,
    Specimen,
)
from calcidiol.patient.fhir_fields import decode, known_fields
from calcidiol.patient.fhir_versions import refuse_other_versions
from calcidiol.patient.finish import finished
from calcidiol.patient.gather import Gathering, tidy
from calcidiol.patient.record import Patient
from calcidiol.patient.source import refuse_repeated_keys

__all__ = ["Context", "read_bundle"]

SPECIMENS = {
    **dict.fromkeys(("122575003", "276833005", "258574006", "278020009", "UR", "UMED", "URC", "URT", "URNS"), "urine"),
    **dict.fromkeys(("258450006", "CSF"), "csf"),
    **dict.fromkeys(("119339001", "STL"), "stool"),
    **dict.fromkeys(("418564007", "PLR", "FLU"), "pleural fluid"),
    **dict.fromkeys(("309201001", "ASC"), "ascitic fluid"),
    **dict.fromkeys(("119342007", "SAL"), "saliva"),
}
"""Specimens other than blood by their code: SNOMED CT and HL7 v2 table 0487 (R)."""
LARGEST_CHECKED_WHOLE = 200_000
"""Bytes of a Bundle that is looked through for repeated keys as a whole (P: 3 ms)."""
DEEPEST_PANEL = 3
"""Panels in panels are followed to this depth (P)."""


@dataclass(slots=True)
class Context:
    """What readers of single resources need of the whole Bundle."""

    g: Gathering
    name: str
    by_url: dict[str, Found] = field(default_factory=dict)
    by_id: dict[str, Found] = field(default_factory=dict)
    reported: dict[str, When] = field(default_factory=dict)
    subjects: set[str] = field(default_factory=set)
    not_used: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str, str], str] = field(default_factory=dict)
    inside: Found | None = None
    """The first Patient that stands inside another resource."""

    def count(self, kind: str, reason: str, text: str, where: str) -> None:
        """Count something that is not used and needs no line of its own."""
        row = (kind, reason, tidy(text, 80))
        self.not_used[row] += 1
        self.first.setdefault(row, where)

    def decode(self, found: Found) -> Any | None:
        """The resource, or None when it cannot be read (which is filed)."""
        try:
            resource, unknown = decode(found.kind, found.raw)
        except msgspec.MsgspecError as error:
            refuse_other_versions(self.name, found.where, found.kind, _names(found))
            kind = "dose" if _maybe_vitamin_d(found) else found.kind
            self.g.refuse(kind, "resource_unreadable", found.where, tidy(str(error), 160))
            return None
        except RecursionError:
            raise RecordError(f"{self.name}: {found.where} nests too deeply to be a FHIR resource.") from None
        if unknown:
            refuse_other_versions(self.name, found.where, found.kind, unknown)
            for name in unknown:
                import difflib

                near = difflib.get_close_matches(name, known_fields(found.kind), n=1, cutoff=0.6)
                self.g.refuse(
                    "field",
                    "unknown_key",
                    f"{found.where}.{tidy(name, 60)}",
                    tidy(name, 60),
                    hint=near[0] if near else "",
                )
        return resource

    def inner(self, resource: Any, kind: str, where: str) -> Iterator[tuple[str, Any]]:
        """The contained resources of one type, each with its place."""
        for raw in resource.contained:
            try:
                head = msgspec.json.decode(raw, type=Kind)
            except (msgspec.MsgspecError, RecursionError):
                continue
            if head.resourceType == kind:
                found = Found(kind, "", raw, "", "", f"{where}#{tidy(head.id or '', 40)}")
                decoded = self.decode(found)
                if decoded is not None:
                    yield found.where, decoded

    def lookup(self, reference: Reference | None, contained: list[Raw]) -> Found | None:
        """The resource that a reference names: contained, by full URL, or by type and id."""
        if reference is None or not reference.reference:
            return None
        text = reference.reference.strip()
        if text.startswith("#"):
            return _inside(contained, text[1:])
        if text in self.by_url:
            return self.by_url[text]
        short = "/".join(text.split("/_history/")[0].rsplit("/", 2)[-2:])
        return self.by_id.get(short)

    def specimen(self, reference: Reference | None, contained: list[Raw]) -> str:
        """What kind of specimen a reference names."""
        if reference is None:
            return ""
        found = self.lookup(reference, contained)
        if found is None or found.kind != "Specimen":
            return reference.display or ""
        try:
            kind = msgspec.json.decode(found.raw, type=Specimen).type
        except (msgspec.MsgspecError, RecursionError):
            return reference.display or ""
        codes = [c.code or "" for c in kind.coding] if kind is not None else []
        named = [SPECIMENS[c.upper()] for c in codes if c.upper() in SPECIMENS]
        return " ".join((reference.display or "", kind.all_words() if kind is not None else "", *named)).strip()

    def medicine(self, concept: Concept | None, reference: Reference | None, contained: list[Raw]) -> Medication:
        """What medicine is meant, in one shape."""
        found = self.lookup(reference, contained)
        if found is not None and found.kind == "Medication":
            resource = self.decode(found)
            if isinstance(resource, Medication):
                return resource
        if concept is None and reference is not None and reference.display:
            concept = Concept(text=reference.display)
        return Medication(code=concept)


def _inside(contained: list[Raw], id_: str) -> Found | None:
    for raw in contained:
        try:
            kind = msgspec.json.decode(raw, type=Kind)
        except (msgspec.MsgspecError, RecursionError):
            continue
        if kind.id == id_:
            return Found(kind.resourceType, id_, raw, "", "", f"#{id_}")
    return None


def _maybe_vitamin_d(found: Found) -> bool:
    """Whether an unreadable medicine could have been a dose of vitamin D."""
    text = bytes(found.raw).lower()
    return found.kind.startswith("Medication") and (b"calciferol" in text or b"vitamin" in text or b'"2418"' in text)


def _names(found: Found) -> list[str]:
    try:
        return list(msgspec.json.decode(found.raw, type=dict[str, Raw]))
    except msgspec.MsgspecError:
        return []


_READERS: dict[str, Callable[[Context, Any, str], None]] = {
    "DiagnosticReport": observation.report,
    "Observation": observation.read,
    "Condition": clinical.condition,
    "MedicationRequest": medication.request,
    "MedicationStatement": medication.statement,
    "MedicationAdministration": medication.administration,
    "MedicationDispense": medication.dispense,
    "AllergyIntolerance": clinical.allergy,
    "Procedure": clinical.procedure,
    "Appointment": clinical.appointment,
}
_SILENT = ("Medication", "Patient")


def read_bundle(data: bytes, name: str) -> Patient:
    """Read a Bundle, or a single resource as a Bundle of one.

    Raises
    ------
    RecordError
        When it is not FHIR R4, holds more than one patient, or is broken.
    """
    context = Context(Gathering(), name)
    resources = flattened(context.g, data, name)
    _refuse_repeated_keys(data, resources, name)
    for found in _newest(context, resources):
        if found.url:
            context.by_url[found.url] = found
        if found.id:
            context.by_id[f"{found.kind}/{found.id}"] = found
    kept = [f for f in resources if f.place]
    people = [f for f in kept if f.kind == "Patient"]
    if len(people) > 1:
        raise RecordError(
            f"{name} holds {len(people)} patients ({', '.join(p.where for p in people[:4])}); one record is one "
            "patient. Split it."
        )
    person = context.decode(people[0]) if people else None
    seen: set[str] = set()
    _times_of_reports(context, kept)
    for found in kept:
        reader = _READERS.get(found.kind)
        if reader is None:
            if found.kind not in _SILENT:
                context.count(found.kind, "resource_not_used", "", found.where)
            continue
        resource = context.decode(found)
        if resource is None:
            continue
        subject = _subject(context, resource, people[0] if people else None, seen, found, name)
        if subject:
            reader(context, resource, found.where)
    if len(seen) > 1:
        raise RecordError(
            f"{name} speaks of more than one patient ({', '.join(sorted(tidy(s, 60) for s in seen)[:4])}); one "
            "record is one patient."
        )
    if person is None and not seen:
        kinds = Counter(f.kind for f in kept)
        found_text = ", ".join(f"{n} {tidy(k, 40)}" for k, n in kinds.most_common(4)) or "nothing"
        raise RecordError(
            f"{name} holds no Patient and nothing about one (found: {found_text}). Give the Bundle of one patient."
        )
    for row, number in context.not_used.items():
        kind, reason, text = row
        context.g.unused.append(clinical.counted(kind, reason, context.first[row], text, number))
    if person is None and context.inside is not None:
        person = context.decode(context.inside)
    told = _about(context, person, people[0].where if people else "Patient")
    given_id = people[0].id if people else next(iter(seen))
    return finished(context.g, id=tidy(given_id or "unnamed", 80), source=name, **told)


def _refuse_repeated_keys(data: bytes, resources: list[Found], name: str) -> None:
    """No key twice in one object: in the whole of a small Bundle; of a large one in all but its results (time)."""
    if len(data) <= LARGEST_CHECKED_WHOLE:
        refuse_repeated_keys(data, name)
        return
    for found in resources:
        if found.kind != "Observation":
            refuse_repeated_keys(bytes(found.raw), f"{name}, {found.where}")


def _times_of_reports(context: Context, kept: list[Found]) -> None:
    """Times that a report or a panel gives to results that may have none of their own."""
    groups: list[tuple[When | None, str, list[Reference]]] = []
    for found in kept:
        if found.kind == "DiagnosticReport":
            report = context.decode(found)
            if report is not None:
                groups.append((observation.time_of_report(report), found.where, report.result))
        elif found.kind == "Observation" and b'"hasMember"' in bytes(found.raw):
            panel = context.decode(found)
            if panel is not None:
                groups.append((observation.time_of(panel), found.where, panel.hasMember))
    for _ in range(DEEPEST_PANEL):  # a report names a panel, the panel its results
        for own, where, members in groups:
            when = own or context.reported.get(where)
            if when is None:
                continue
            for target in (context.lookup(m, []) for m in members):
                if target is not None:
                    context.reported.setdefault(target.where, when)


# --- which version counts ---------------------------------------------------------------------------------------------


def _newest(context: Context, resources: list[Found]) -> list[Found]:
    """Of several versions of one resource the newest; the others are filed and their `place` emptied."""
    best: dict[str, Found] = {}
    for found in resources:
        if not found.id:
            continue
        name = f"{found.kind}/{found.id}"
        other = best.get(name)
        if other is None:
            best[name] = found
            continue
        if _other_server(found.url, other.url) or _same_age(found, other):
            found.id = ""  # its id is taken: its place names it
            continue
        loser = found if found.version < other.version else other
        best[name] = other if loser is found else found
        context.g.skip(found.kind, "older_version", loser.place, loser.where)
        loser.place = ""
    return [f for f in resources if f.place]


def _other_server(a: str, b: str) -> bool:
    """Whether two resources with one id are of two servers, and so are two."""
    places = [u.split("/_history/")[0].rsplit("/", 2)[0] for u in (a, b)]
    return all(u.startswith("http") for u in places) and places[0] != places[1]


def _same_age(found: Found, other: Found) -> bool:
    """Two different results with one id and nothing that says which is newer: both are read, their status decides."""
    return found.kind == "Observation" and found.version == other.version and bytes(found.raw) != bytes(other.raw)


# --- whose it is ------------------------------------------------------------------------------------------------------


def _subject(context: Context, resource: Any, person: Found | None, seen: set[str], found: Found, name: str) -> bool:
    """Whether a resource is about the patient; collects the ids of the patients that the Bundle speaks of."""
    reference: Reference | None = getattr(resource, "subject", None) or getattr(resource, "patient", None)
    if reference is None and found.kind == "Appointment":
        actors = [p.actor for p in resource.participant if p.actor is not None]
        reference = next(
            (
                a
                for a in actors
                if (a.reference or "").startswith(("Patient/", "urn:")) or "/Patient/" in (a.reference or "")
            ),
            None,
        )
        if reference is None:
            return True
    if reference is None or not reference.reference:
        return True
    text = reference.reference.strip()
    if text in context.subjects:
        return True
    if text.startswith("#"):
        inner = _inside(resource.contained, text[1:])
        if inner is None or inner.kind != "Patient":
            context.count(found.kind, "subject_not_patient", text, found.where)
            return False
        context.inside = context.inside or inner
        _same_person(context, person or context.inside, inner, name, found)
        seen.add(person.id if person is not None else inner.id)
        return True
    if "?" in text:  # a conditional reference of a transaction: one patient by business identifier
        if not text.startswith("Patient?"):
            context.count(found.kind, "subject_not_patient", text, found.where)
            return False
        seen.add(person.id if person is not None else text)
        return True
    target = context.lookup(reference, [])
    if target is not None and target.kind == "Patient":
        seen.add(target.id or target.url)
        context.subjects.add(text)
        return True
    parts = text.split("/_history/")[0].rsplit("/", 2)
    kind = parts[-2] if len(parts) > 1 else (reference.type or "")
    if target is not None or (kind and kind != "Patient" and not text.startswith("urn:")):
        context.count(found.kind, "subject_not_patient", kind or text, found.where)
        return False
    seen.add(parts[-1])
    if person is not None and parts[-1] != person.id:
        raise RecordError(
            f"{name}: {found.where} is about {tidy(text, 80)!r}, but the patient of this record is {person.where}; "
            "one record is one patient. Take the stranger out."
        )
    return True


def _same_person(context: Context, person: Found, inner: Found, name: str, found: Found) -> None:
    """A contained Patient must not contradict the one of the Bundle, nor the one contained before."""
    try:
        a, b = decode("Patient", person.raw)[0], decode("Patient", inner.raw)[0]
    except msgspec.MsgspecError:
        return
    if a.birthDate and b.birthDate and not (a.birthDate.startswith(b.birthDate) or b.birthDate.startswith(a.birthDate)):
        raise RecordError(
            f"{name}: {found.where} holds a patient born {tidy(b.birthDate, 20)}, but the patient of this record "
            "was born "
            f"{tidy(a.birthDate, 20)}; one record is one patient."
        )


def _about(context: Context, person: Person | None, where: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if person is None:
        context.g.remark("patient_resource_missing", "note", "Patient")
        return told
    if person.gender in ("female", "male"):
        told["sex"] = person.gender
    if person.birthDate:
        when = read_date(person.birthDate)
        if when is None:
            context.g.refuse("field", "date_unreadable", f"{where}.birthDate", person.birthDate)
        else:
            told["birth_date"] = middle(when)
        if when is not None and when.precision in SPREAD_D:
            told["birth_spread_d"] = SPREAD_D[when.precision]
            context.g.remark("birth_date_partial", "note", f"{where}.birthDate", date=person.birthDate)
    died = read_date(person.deceasedDateTime) if person.deceasedDateTime else None
    if died is not None:
        told["death_date"] = died.day
    elif person.deceasedBoolean or person.deceasedDateTime:
        context.g.remark("patient_died", "stop", where, date=person.deceasedDateTime or "–")
    if person.name:
        chosen = next((n for n in person.name if n.use == "official"), person.name[0])
        told["name"] = tidy(chosen.text or " ".join((*chosen.given, chosen.family or "")), 120)
    latitude = clinical.latitude(person.address)
    if latitude is not None:
        told["latitude_deg"] = latitude
    return told
