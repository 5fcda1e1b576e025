"""Laboratory results and measurements: which analyte a code or a name means."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from calcidiol.errors import KnowledgeError
from calcidiol.terminology.table import load
from calcidiol.terminology.text import key, key_of_test, key_without_specimen, words

__all__ = ["LabItem", "lab_by_loinc", "lab_by_name", "lab_mentioned", "labs"]


@dataclass(frozen=True, slots=True)
class LabItem:
    """One analyte or measurement.

    `unit` is canonical; `usual` are the units in which it is reported; `possible` and `plausible` are ranges in `unit`;
    `low` and `high` are used only where the laboratory gave no limits. `decides`: the plan depends on it.
    `only_in_blood`: its name alone says what it is. `taken_as`: units that are read as the canonical one, and told.
    """

    id: str
    name: str
    unit: str
    usual: tuple[str, ...]
    substance: str | None
    loinc: tuple[str, ...]
    loinc_d3_only: tuple[str, ...]
    mass_ratio_loinc: tuple[str, ...]
    mass_ratio_factor: float
    names: tuple[str, ...]
    possible: tuple[float, float]
    plausible: tuple[float, float]
    low: float | None
    high: float | None
    limits_source: str
    limits_tag: str
    unitless: bool
    decides: bool
    only_in_blood: bool
    taken_as: tuple[str, ...]


@functools.cache
def labs() -> dict[str, LabItem]:
    """All analytes by id, from `labs.toml`."""
    found = {}
    for id_, row in load("labs.toml", "lab").items():
        found[id_] = LabItem(
            id=id_,
            name=row["name"],
            unit=row["unit"],
            usual=tuple(row["usual"]),
            substance=row.get("substance"),
            loinc=tuple(row["loinc"]),
            loinc_d3_only=tuple(row.get("loinc_d3_only", ())),
            mass_ratio_loinc=tuple(row.get("mass_ratio_loinc", ())),
            mass_ratio_factor=float(row.get("mass_ratio_factor", 1.0)),
            names=tuple(row["names"]),
            possible=(float(row["possible"][0]), float(row["possible"][1])),
            plausible=(float(row["plausible"][0]), float(row["plausible"][1])),
            low=row.get("low"),
            high=row.get("high"),
            limits_source=row.get("limits_source", ""),
            limits_tag=row.get("limits_tag", "P"),
            unitless=row.get("unitless", False),
            decides=row.get("decides", False),
            only_in_blood=row.get("only_in_blood", False),
            taken_as=tuple(row.get("taken_as", ())),
        )
    return found


@functools.cache
def _by_loinc() -> dict[str, LabItem]:
    table: dict[str, LabItem] = {}
    for item in labs().values():
        for code in (*item.loinc, *item.mass_ratio_loinc):
            if code in table:
                raise KnowledgeError(
                    f"labs.toml: LOINC {code} stands under {table[code].id!r} and {item.id!r}; keep one."
                )
            table[code] = item
    return table


@functools.cache
def _by_name() -> dict[str, LabItem]:
    table: dict[str, LabItem] = {}
    for item in labs().values():
        for name in (item.id, item.name, *item.names):
            short = key(name)
            if table.get(short, item) is not item:
                raise KnowledgeError(
                    f"labs.toml: the name {name!r} stands under {table[short].id!r} and {item.id!r}; keep one."
                )
            table[short] = item
    return table


def lab_by_loinc(codes: Iterable[str]) -> LabItem | None:
    """The analyte of the first known LOINC code."""
    table = _by_loinc()
    return next((table[c] for c in codes if c in table), None)


def lab_by_name(text: str) -> LabItem | None:
    """The analyte that a name means, or None when it is unknown or could mean something else.

    Examples
    --------
    >>> lab_by_name("25-OH Vitamin D").id
    '25ohd'
    >>> lab_by_name("calcium in urine") is None
    True
    """
    found = _plain_name(text)
    if found is not None:
        return found
    apart = _IN_PARENTHESES.fullmatch(text)
    if apart is None:
        return None
    outer, inner = (_plain_name(x) for x in apart.groups())
    return outer if outer is inner else None


_IN_PARENTHESES = re.compile(r"(.+?)\s*[(（]\s*([^()（）]+?)\s*[)）]\s*")
"""Two names of one thing: "Kalzium (Ca)". "Calcium (ionized)" is not."""


def _plain_name(text: str) -> LabItem | None:
    table = _by_name()
    return table.get(key(text)) or table.get(key_of_test(text)) or table.get(key_without_specimen(text))


def lab_mentioned(text: str) -> str | None:
    """The name of a deciding analyte that stands as a word in a text which is not its name.

    Examples
    --------
    >>> lab_mentioned("Platelets, estimated from smear"), lab_mentioned("Mean corpuscular volume") is None
    ('platelets', True)
    """
    plain = words(text)
    return next(
        (item.name for item in labs().values() if item.decides and any(n in plain for n in _spoken(item))), None
    )


@functools.cache
def _spoken(item: LabItem) -> tuple[str, ...]:
    """Names long enough to be no accident in a text."""
    return tuple(n for n in map(words, (item.name, *item.names)) if len(n) >= 5)


def lab_names() -> tuple[str, ...]:
    """Every accepted name, for hints."""
    return tuple(n for item in labs().values() for n in (item.id, *item.names))
