"""Products that can be dispensed: what one piece holds, what part of it may be given, how much at most.

The numbers stand in `products.toml`, each product with its source and tag. A dose is possible only where a product of
the table gives it: whole capsules and drops, whole ampoules unless the table allows a part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from calcidiol.errors import KnowledgeError

FILE = "terminology/products.toml"
VOLUME_STEP_ML = 0.01
"""Volumes are told to this step: the graduation of a 1 mL syringe."""

_TEXTS = ("name", "substance", "route", "form", "strength_unit", "vehicle", "market", "source", "tag")
_NUMBERS = ("strength_amount", "volume_ml", "step", "smallest_volume_ml", "max_single", "min_days")
_ALLOWED = {
    "substance": ("cholecalciferol", "ergocalciferol", "calcifediol"),
    "route": ("oral", "im"),
    "form": ("capsule", "drops", "solution", "ampoule"),
    "strength_unit": ("[iU]", "ug"),
    "tag": ("V", "R", "P", "S"),
}


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf.

    Parameters
    ----------
    id, name
        Id of the table (also in `DoseRun.product`) and the name on the pack.
    substance, route, form
        ``"cholecalciferol"``, ``"ergocalciferol"`` or ``"calcifediol"``; ``"oral"`` or ``"im"``; ``"capsule"``,
        ``"drops"`` (strength of one drop), ``"solution"`` (strength of 1 mL) or ``"ampoule"``.
    strength_amount, strength_unit
        Content of one piece in UCUM ``"[iU]"`` or ``"ug"``.
    strength_iu
        The same in IU; None where IU has no meaning (calcifediol).
    volume_ml
        Volume of one piece; 0 where it is not a liquid.
    smallest_amount
        Step of the doses, in `strength_unit`: every dose is a multiple of it.
    smallest_volume_ml
        Least volume that may be measured.
    divisible
        Whether a part of a piece may be given.
    max_single_amount, max_single_iu
        Largest single dose of this product, in `strength_unit` and in IU (None for calcifediol).
    min_days
        Shortest time between two doses of this product, days.
    vehicle, excipients
        Ids of `excipients.toml`; ``"unknown"`` where the label was not seen.
    market, source, tag, note
        Where it is sold, where the numbers come from, how sure that is (V, R, P, S) and what part is less sure.
    generic
        A strength bound to no label.
    search
        Whether the search may propose it; False for products that are known only so that records can name them.
    """

    id: str
    name: str
    substance: str
    route: str
    form: str
    strength_amount: float
    strength_unit: str
    strength_iu: float | None
    volume_ml: float
    smallest_amount: float
    smallest_volume_ml: float
    divisible: bool
    max_single_amount: float
    max_single_iu: float | None
    min_days: float
    vehicle: str
    excipients: tuple[str, ...]
    market: str
    source: str
    tag: str
    generic: bool = False
    search: bool = True
    note: str = ""

    def gives(self, amount: float) -> bool:
        """Whether one dose of `amount` (in `strength_unit`) can be made from this product.

        A multiple of the step, not above the largest single dose, and measurable.

        >>> products()["streuli-d3-300000-im"].gives(50_000)
        True
        >>> products()["calciferol-kr-300000-im"].gives(50_000)
        False
        """
        if not 0.0 < amount <= self.max_single_amount * (1.0 + 1e-9):
            return False
        steps = amount / self.smallest_amount
        if abs(steps - round(steps)) > 1e-6 * max(1.0, steps):
            return False
        return not self.divisible or self._volume(amount) >= self.smallest_volume_ml * (1.0 - 1e-9)

    def pieces(self, amount: float) -> float:
        """Number of capsules, drops, ampoules (or mL of a solution) in a dose of `amount`."""
        return amount / self.strength_amount

    def volume(self, amount: float) -> float | None:
        """Volume of a dose, mL to the nearest 0.01; None where the product is not measured by volume.

        >>> products()["streuli-d3-300000-im"].volume(50_000)
        0.17
        """
        if self.volume_ml <= 0.0 or self.form == "drops":
            return None
        return round(round(self._volume(amount) / VOLUME_STEP_ML) * VOLUME_STEP_ML, 6)

    def _volume(self, amount: float) -> float:
        return amount / self.strength_amount * self.volume_ml


def load(table: Mapping[str, Any], where: str = FILE) -> dict[str, Product]:
    """Products from a parsed TOML table, checked.

    Raises
    ------
    KnowledgeError
        A key is missing, unknown or out of range; the message names the file, the product and the key.
    """
    return {key: _one(key, row, where) for key, row in table.items()}


def _one(key: str, row: Mapping[str, Any], where: str) -> Product:
    def fail(what: str) -> KnowledgeError:
        return KnowledgeError(f"{where}: product {key!r}: {what}")

    known = {*_TEXTS, *_NUMBERS, "excipients", "divisible", "generic", "search", "note"}
    if unknown := sorted(set(row) - known):
        raise fail(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    for name in _TEXTS:
        if not isinstance(row.get(name), str) or not row[name]:
            raise fail(f"{name!r} must be a text, got {row.get(name)!r}.")
        if name in _ALLOWED and row[name] not in _ALLOWED[name]:
            raise fail(f"{name!r} is {row[name]!r}, must be one of {', '.join(_ALLOWED[name])}.")
    for name in _NUMBERS:
        value = row.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise fail(f"{name!r} must be a number of 0 or more, got {value!r}.")
    for name in ("strength_amount", "step", "max_single", "min_days"):
        if row[name] <= 0:
            raise fail(f"{name!r} must be above 0, got {row[name]!r}.")
    if not isinstance(row.get("divisible"), bool) or not isinstance(row.get("excipients"), list):
        raise fail("'divisible' must be true or false and 'excipients' a list of ids.")
    if not row["divisible"] and row["step"] % row["strength_amount"]:
        raise fail("the step of a product that may not be divided must be a multiple of its strength.")
    if row["divisible"] and row["volume_ml"] <= 0:
        raise fail("a product that may be divided needs the volume of one piece ('volume_ml').")
    in_iu = row["strength_unit"] == "[iU]"
    return Product(
        id=key,
        name=row["name"],
        substance=row["substance"],
        route=row["route"],
        form=row["form"],
        strength_amount=float(row["strength_amount"]),
        strength_unit=row["strength_unit"],
        strength_iu=float(row["strength_amount"]) if in_iu else None,
        volume_ml=float(row["volume_ml"]),
        smallest_amount=float(row["step"]),
        smallest_volume_ml=float(row["smallest_volume_ml"]),
        divisible=row["divisible"],
        max_single_amount=float(row["max_single"]),
        max_single_iu=float(row["max_single"]) if in_iu else None,
        min_days=float(row["min_days"]),
        vehicle=row["vehicle"],
        excipients=tuple(str(x) for x in row["excipients"]),
        market=row["market"],
        source=row["source"],
        tag=row["tag"],
        generic=bool(row.get("generic", False)),
        search=bool(row.get("search", True)),
        note=str(row.get("note", "")),
    )


@cache
def products() -> dict[str, Product]:
    """All products of the shipped table, by id, in order of preference.

    >>> products()["invita-d3-50000-capsule"].max_single_iu
    50000.0
    """
    import tomllib
    from importlib.resources import files

    text = files("calcidiol.terminology").joinpath("products.toml").read_text(encoding="utf-8")
    return load(tomllib.loads(text))


def choose(
    table: Mapping[str, Product], substance: str, route: str, amount: float, unit: str, every_days: float = 0.0
) -> Product | None:
    """The product to give one dose with; None where no product gives it.

    A labeled product before a strength bound to no label, then fewest pieces (a solution counts as three), least waste,
    and the order of the table.

    Parameters
    ----------
    table
        Products to choose from, in order of preference.
    substance, route, amount, unit
        The dose; `unit` is ``"[iU]"`` or ``"ug"``.
    every_days
        Time between doses, days; 0 for a single dose. Products that need longer are passed over.
    """
    able = [
        p
        for p in table.values()
        if p.route == route
        and p.substance == substance
        and (every_days <= 0.0 or every_days >= p.min_days)
        and p.strength_unit == unit
        and p.gives(amount)
    ]
    return min(able, key=lambda p: _trouble(p, amount), default=None)


MEASURING = 3
"""Drawing up an oral solution is as much trouble as taking this many capsules, twice that between two marks (P)."""
ORAL_MARK_ML = 0.1
"""Marks of an oral syringe, mL (P: 1 mL oral syringes are marked so)."""


def _trouble(p: Product, amount: float) -> tuple[bool, int, float]:
    pieces = round(p.pieces(amount), 6)
    if p.form == "solution":
        marks = p.pieces(amount) * p.volume_ml / ORAL_MARK_ML
        whole = MEASURING if abs(marks - round(marks)) < 1e-6 else 2 * MEASURING
    else:
        whole = math.ceil(pieces)
    return p.generic, whole, 0.0 if p.form == "solution" else (whole - pieces) * p.strength_amount
