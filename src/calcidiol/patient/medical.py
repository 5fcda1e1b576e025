"""Diagnoses, medicines, allergies and procedures: codes and text become concepts, classes and substances."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from calcidiol.patient.dosing import read_dosing
from calcidiol.patient.gather import Gathering, tidy
from calcidiol.patient.record import Allergy, Code, Condition, Drug, Origin, Procedure
from calcidiol.terminology.conditions import concepts, concepts_of
from calcidiol.terminology.drugs import drug_text_classes
from calcidiol.terminology.excipients import excipients_of

__all__ = ["file_allergy", "file_condition", "file_drug", "file_procedure"]

Codes = Sequence[tuple[str, str]]


def _coded(codes: Codes) -> tuple[Code, ...]:
    return tuple(Code(system, tidy(code, 40)) for system, code in codes)


def file_condition(
    g: Gathering,
    where: str,
    codes: Codes,
    text: str,
    *,
    onset: date | None = None,
    active: bool = True,
    details: Mapping[str, str] | None = None,
) -> None:
    """File a diagnosis. One that belongs to no concept is kept and counted as not used."""
    text = tidy(text)
    found = concepts_of(codes, text)
    if not active and found:
        # a disease that is over can still matter: stones once, cancer once, sarcoidosis once
        past = concepts_of((), f"history of {text}") if text else ()
        kept = tuple(c for c in past if c not in found)
        for concept, other in (
            ("stones_current", "stones_history"),
            ("cancer", "cancer_history"),
            ("sarcoidosis", "sarcoidosis_history"),
        ):
            if concept in found and other not in kept:
                kept = (*kept, other)
        if kept:
            g.conditions.append(
                Condition(_coded(codes), text, kept, Origin(where, text), onset, True, {"status": "past"})
            )
    if active and not found and _is_allergy(codes, text):
        file_allergy(g, where, codes, text)
        return
    g.conditions.append(Condition(_coded(codes), text, found, Origin(where, text), onset, active, dict(details or {})))
    if not found:
        g.skip("condition", "condition_no_concept", where, text or ", ".join(c for _, c in codes))


_ALLERGY = re.compile(r"allerg|hypersensitiv|anaphyla|過敏|过敏", re.I)


def _is_allergy(codes: Codes, text: str) -> bool:
    """Whether a diagnosis is an allergy to something that a product holds ("Allergy to peanuts", Z91.010)."""
    return bool(excipients_of(codes, "") or (_ALLERGY.search(text) and excipients_of((), text)))


_SALTS = (
    ("carbonate", 0.40),
    ("citrate", 0.21),
    ("gluconate", 0.093),
    ("lactate", 0.13),
    ("acetate", 0.25),
    ("phosphate", 0.39),
)
"""Share of calcium in a salt, from molar masses."""
_MG = re.compile(r"(\d+(?:\.\d+)?) ?(mg|g)\b", re.I)
LARGEST_ELEMENTAL_TABLET_MG = 1000.0
"""An amount of a calcium salt above this is taken as the weight of the salt, else as calcium itself, as labels print
it (P)."""


def file_drug(
    g: Gathering,
    where: str,
    codes: Codes,
    text: str,
    *,
    dosing: str = "",
    start: date | None = None,
    end: date | None = None,
    active: bool = True,
    details: Mapping[str, float] | None = None,
    vitamin: bool = False,
) -> None:
    """File a medicine. One that is vitamin D and nothing else is not filed: it is a dose."""
    text = tidy(text)
    classes = tuple(c for c in drug_text_classes(codes, text) if c != "vitamin_d")
    if vitamin and not classes:
        return
    told = dict(details or {})
    if "calcium" in classes and "elemental_calcium_mg_per_day" not in told:
        daily = _calcium_mg_per_day(dosing or text)
        if daily is not None:
            told["elemental_calcium_mg_per_day"] = daily
    g.drugs.append(Drug(_coded(codes), text, classes, Origin(where, text), start, end, active, told))
    if not classes:
        g.skip("drug", "drug_no_class", where, text or ", ".join(c for _, c in codes))


def _calcium_mg_per_day(text: str) -> float | None:
    amount = _MG.search(text)
    if amount is None:
        return None
    mg = float(amount[1]) * (1000.0 if amount[2].casefold() == "g" else 1.0)
    plain = text.casefold()
    share = next((s for name, s in _SALTS if name in plain), None)
    if share is not None and "elemental" not in plain and mg > LARGEST_ELEMENTAL_TABLET_MG:
        mg *= share
    words = read_dosing(text)
    return float(f"{mg * (words.pieces or 1.0) / (words.every_days or 1.0):.6g}")


def file_allergy(g: Gathering, where: str, codes: Codes, text: str) -> None:
    """File an allergy. One that concerns no product is kept and counted as not used."""
    text = tidy(text)
    found = excipients_of(codes, text)
    g.allergies.append(Allergy(text, found, Origin(where, text)))
    if not found:
        g.skip("allergy", "allergy_no_substance", where, text or ", ".join(c for _, c in codes))


def file_procedure(
    g: Gathering,
    where: str,
    codes: Codes,
    text: str,
    *,
    when: date | None = None,
    details: Mapping[str, str] | None = None,
) -> None:
    """File an operation or radiotherapy. One that belongs to no concept is kept and counted as not used."""
    text = tidy(text)
    # of an operation only what it leaves behind counts: an abscess that was opened is no infection today
    found = tuple(c for c in concepts_of(codes, text) if concepts()[c].past == "keep" or c == "dialysis")
    g.procedures.append(Procedure(text, found, when, Origin(where, text), dict(details or {})))
    if not found:
        g.skip("procedure", "procedure_no_concept", where, text or ", ".join(c for _, c in codes))
