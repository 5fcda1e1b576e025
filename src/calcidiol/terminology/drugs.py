"""Medicines: which classes a code or a text belongs to, and whether it is vitamin D."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from calcidiol.terminology.negation import named
from calcidiol.terminology.table import load, top
from calcidiol.terminology.text import words

__all__ = ["DrugClass", "VitaminD", "drug_classes", "drug_text_classes", "vitamin_d"]


@dataclass(frozen=True, slots=True)
class DrugClass:
    """A class of medicines; `rules` are the rules that ask for it."""

    id: str
    atc: tuple[str, ...]
    rxcui: frozenset[str]
    names: tuple[str, ...]
    without: tuple[str, ...]
    includes: frozenset[str]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VitaminD:
    """Which vitamin D a medicine is; `assumed` when only "vitamin D" was written and D3 is taken to be meant."""

    substance: str
    assumed: bool = False


@functools.cache
def drug_classes() -> dict[str, DrugClass]:
    """All classes by id, from `drugs.toml`."""
    return {
        id_: DrugClass(
            id_,
            tuple(row["atc"]),
            frozenset(row["rxcui"]),
            tuple(words(n) for n in row["names"]),
            tuple(words(n) for n in row.get("not", ())),
            frozenset(row.get("includes", ())),
            tuple(row["rules"]),
        )
        for id_, row in load("drugs.toml", "class").items()
    }


@functools.cache
def _local_use() -> tuple[str, ...]:
    return tuple(words(w) for w in top("drugs.toml", "local_use"))


_PLAIN_CALCIUM = re.compile(r" calcium (?:\( )?(?:elemental )?\d+ ?(?:mg|g) | (?:ca|calcium) $")


def drug_text_classes(codes: Iterable[tuple[str, str]], text: str) -> tuple[str, ...]:
    """The classes of a medicine.

    Parameters
    ----------
    codes
        Pairs of system (``"atc"``, ``"rxnorm"``) and code.
    text
        Its name as written; used beside the codes, since a code of a product is often not one of an ingredient.

    Returns
    -------
    tuple of str
        Class ids in the order of `drugs.toml`.

    Examples
    --------
    >>> drug_text_classes([], "Hydrochlorothiazide 25 mg tablet")
    ('thiazide',)
    >>> drug_text_classes([("atc", "L01XA01")], "")
    ('platinum', 'cisplatin', 'chemotherapy')
    """
    pairs = [(system, code.upper()) for system, code in codes]
    atc = tuple(code for system, code in pairs if system == "atc")
    rxcui = {code for system, code in pairs if system == "rxnorm"}
    plain = words(text)
    local = any(_inside(w, plain) for w in _local_use())
    found: list[str] = []
    for c in drug_classes().values():
        by_code = any(code.startswith(c.atc) for code in atc) or bool(rxcui & c.rxcui)
        by_name = (
            not local
            and not any(_inside(w, plain) for w in c.without)
            and (any(named(n, plain) for n in c.names) or (c.id == "calcium" and bool(_PLAIN_CALCIUM.search(plain))))
        )
        if by_code or by_name or not c.includes.isdisjoint(found):
            found.append(c.id)
    return tuple(found)


def _inside(phrase: str, plain: str) -> bool:
    return (phrase if phrase.isascii() else phrase.strip()) in plain


@functools.cache
def _vitamins() -> tuple[tuple[str, tuple[str, ...], frozenset[str], tuple[str, ...], tuple[str, ...]], ...]:
    return tuple(
        (
            id_,
            tuple(row["atc"]),
            frozenset((*row["rxcui"], *row["snomed"])),
            tuple(words(n) for n in row["names"]),
            tuple(words(n) for n in row["assumed_names"]),
        )
        for id_, row in load("drugs.toml", "vitamin_d").items()
    )


def vitamin_d(codes: Iterable[tuple[str, str]], text: str) -> VitaminD | None:
    """Which vitamin D a medicine is; None when it is none (active forms such as calcitriol are a drug class).

    Examples
    --------
    >>> vitamin_d([], "Cholecalciferol 25,000 IU capsule").substance
    'cholecalciferol'
    >>> vitamin_d([], "vitamin D 1000 IU")
    VitaminD(substance='cholecalciferol', assumed=True)
    >>> vitamin_d([], "calcitriol 0.25 ug") is None
    True
    """
    pairs = list(codes)
    atc = [code.upper() for system, code in pairs if system == "atc"]
    others = {code for system, code in pairs if system in ("rxnorm", "snomed")}
    plain = words(text)
    if any(_inside(w, plain) for w in _local_use()):
        return None
    rows = _vitamins()
    for id_, _, _, names, _ in rows:
        if id_ != "multivitamin" and any(named(n, plain) for n in names):
            return VitaminD(id_)
    for id_, prefixes, known, _, _ in rows:
        if (prefixes and any(code.startswith(prefixes) for code in atc)) or known & others:
            return VitaminD(id_)
    for id_, _, _, names, _ in rows:
        if any(named(n, plain) for n in names):
            return VitaminD(id_)
    if "active_vitamin_d" in drug_text_classes(pairs, text):
        return None
    for id_, _, _, _, assumed in rows:
        if any(named(n, plain) for n in assumed):
            return VitaminD(id_, assumed=True)
    return None
