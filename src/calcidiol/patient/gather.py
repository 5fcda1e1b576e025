"""What both readers (short form, FHIR) write into while they read: one place where values become canonical.

A `Gathering` is the only thing of this room that changes; it lives for one reading and ends as a frozen `Patient`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from calcidiol.errors import UnitError
from calcidiol.patient.dates import When
from calcidiol.patient.numbers import Number, Unreadable
from calcidiol.patient.record import (
    Allergy,
    Condition,
    Drug,
    Finding,
    GivenDose,
    Lab,
    Origin,
    Procedure,
    Symptom,
    Unused,
    Visit,
)
from calcidiol.quantity import convert, ucum
from calcidiol.terminology.labs import LabItem

__all__ = ["Gathering", "mixed_up", "tidy"]

Level = Literal["note", "caution", "stop"]
UNDATED = datetime(1900, 1, 1, 12)
"""Stands for no date until the whole record is read."""
LONGEST_TEXT = 200
"""Text of a record is kept up to this many characters (P)."""


def tidy(text: object, longest: int = LONGEST_TEXT) -> str:
    """Text of a record made fit to be shown: control characters out, blanks single, of a bounded length.

    Marks that turn the direction of writing are taken out too: they can make one value look like another.
    """
    plain = str(text)[: 4 * longest]
    if not plain.isprintable():  # controls, line breaks and marks of direction are not printable
        plain = "".join(c if c.isprintable() else " " for c in plain)
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


@dataclass(slots=True)
class Gathering:
    """Values found so far. `lab` and its kin convert, judge and file them."""

    labs: list[Lab] = field(default_factory=list)
    instants: dict[str, datetime] = field(default_factory=dict)
    corrected: set[str] = field(default_factory=set)
    weight: list[Lab] = field(default_factory=list)
    height: list[Lab] = field(default_factory=list)
    doses: list[GivenDose] = field(default_factory=list)
    drugs: list[Drug] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    procedures: list[Procedure] = field(default_factory=list)
    symptoms: list[Symptom] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)

    def skip(self, kind: str, reason: str, where: str, text: object = "", **params: object) -> None:
        """File something as not used."""
        self.unused.append(Unused(kind, reason, where, tidy(text), {k: tidy(v) for k, v in params.items()}))

    def remark(self, id_: str, level: Level, item: str, **params: object) -> None:
        """File a finding made while reading."""
        told = {k: v if isinstance(v, (int, float)) and not isinstance(v, bool) else tidy(v) for k, v in params.items()}
        self.remarks.append(Finding(id_, level, item, dict(told)))

    def refuse(self, kind: str, reason: str, where: str, text: object = "", **params: object) -> None:
        """File something as not used, and tell it as a caution too: it could have mattered."""
        self.skip(kind, reason, where, text, **params)
        self.remark(reason, "caution", where, text=text, **params)

    def lab(
        self,
        item: LabItem,
        number: Number | Unreadable,
        unit: str,
        when: When | None,
        where: str,
        *,
        test: str = "",
        low: Number | None = None,
        high: Number | None = None,
        assay: str | None = None,
        flags: tuple[str, ...] = (),
        undated: bool = False,
        status: str = "",
    ) -> None:
        """Convert one result to its canonical unit and file it, or say why not."""
        test = test or item.name
        if isinstance(number, Unreadable):
            self.refuse("lab", f"lab_{number.reason}", where, number.text, test=test)
            return
        received = f"{number.comparator}{number.value:.12g} {unit}".rstrip()
        if not unit and not item.unitless:
            self.refuse("lab", "lab_without_unit", where, received, test=test, unit=item.unit)
            return
        if unit and item.taken_as and _is_one_of(unit, item.taken_as):
            flags = (*flags, "unit_taken_as")
            unit = item.unit
        try:
            value = convert(number.value, unit or "1", item.unit, item.substance)
        except UnitError:
            self.refuse("lab", "lab_unit_unknown", where, received, test=test, unit=item.unit)
            return
        if when is None and not undated:
            self.refuse("lab", "lab_undated", where, received, test=test)
            return
        if when is not None and when.precision == "year":
            self.refuse("lab", "lab_year_only", where, received, test=test, date=when.at.year)
            return
        first, last = item.possible
        if not first <= value <= last and not mixed_up(item, number.value, unit or "1"):
            self.refuse("lab", "lab_impossible", where, received, test=test, low=first, high=last, unit=item.unit)
            return
        if when is not None and when.precision == "month":
            flags = (*flags, "month_only")
        if when is None:
            flags = (*flags, "undated")
        row = Lab(
            analyte=item.id,
            value=value,
            unit=item.unit,
            when=when.at if when else UNDATED,
            origin=Origin(where, received, number.value, unit),
            comparator=number.comparator,
            low=self._limit(low, unit, item),
            high=self._limit(high, unit, item),
            assay=assay,
            has_time=when is not None and when.precision == "time",
            corrected=item.id == "calcium_corrected",
            flags=flags,
        )
        (self.weight if item.id == "weight" else self.height if item.id == "height" else self.labs).append(row)
        if when is not None and when.instant is not None:
            self.instants[where] = when.instant
        if status in ("amended", "corrected"):
            self.corrected.add(where)

    @staticmethod
    def _limit(number: Number | None, unit: str, item: LabItem) -> float | None:
        if number is None:
            return None
        try:
            return convert(number.value, unit or "1", item.unit, item.substance)
        except UnitError:
            return None


def _is_one_of(unit: str, others: tuple[str, ...]) -> bool:
    try:
        return ucum(unit) in others
    except UnitError:
        return False


def mixed_up(item: LabItem, value: float, unit: str) -> str | None:
    """The unit in which an impossible value would be plausible; None when there is none."""
    low, high = item.plausible
    for other in item.usual:
        try:
            if convert(1.0, other, item.unit, item.substance) == convert(1.0, unit, item.unit, item.substance):
                continue
            if low <= convert(value, other, item.unit, item.substance) <= high:
                return other
        except UnitError:
            continue
    return None
