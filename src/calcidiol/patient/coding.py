"""Code systems by their URI, and the codes of a CodeableConcept that are known here."""

from __future__ import annotations

import re

from calcidiol.patient.fhir import Concept

__all__ = ["CODE_SYSTEMS", "codes_of", "is_loinc", "system_of"]

CODE_SYSTEMS = {
    "http://loinc.org": "loinc",
    "https://loinc.org": "loinc",
    "loinc": "loinc",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "http://hl7.org/fhir/sid/icd-10-de": "icd10",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm": "icd10",
    "http://fhir.de/codesystem/bfarm/icd-10-gm": "icd10",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "http://www.whocc.no/atc": "atc",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
    "http://fhir.de/CodeSystem/bfarm/atc": "atc",
}
"""URI of a code system -> its name here."""


_ICD = re.compile(r"icd[-_ ]?10[-_ ]?(cm|pcs)?")


def system_of(uri: str | None) -> str:
    """The name of a code system here, empty when it is not known.

    National editions of ICD-10 are taken by their name (``.../icd-10-cm-2023-tw``, ``.../icd-10-am``); codes of
    operations (PCS) are not. An edition of SNOMED CT begins with its URI.

    Examples
    --------
    >>> system_of("https://twcore.mohw.gov.tw/ig/twcore/CodeSystem/icd-10-cm-2023-tw"), system_of("icd-10-pcs")
    ('icd10cm', '')
    """
    plain = (uri or "").strip()
    known = CODE_SYSTEMS.get(plain) or CODE_SYSTEMS.get(plain.casefold())
    if known:
        return known
    if plain.startswith("http://snomed.info/sct"):
        return "snomed"
    found = _ICD.search(plain.casefold())
    return "" if found is None or found[1] == "pcs" else "icd10cm" if found[1] == "cm" else "icd10"


def codes_of(concept: Concept | None) -> list[tuple[str, str]]:
    """Pairs of code system and code, of the systems that are known."""
    if concept is None:
        return []
    found = []
    for c in concept.coding:
        system = system_of(c.system)
        if system and c.code:
            found.append((system, c.code.strip()))
    return found


def is_loinc(system: str | None) -> bool:
    """Whether a URI is one of LOINC's."""
    return system is not None and CODE_SYSTEMS.get(system.strip().casefold()) == "loinc"
