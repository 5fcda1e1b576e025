"""Named protocols: what clinics and trials do, as data, made into regimens for one patient."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.errors import KnowledgeError
from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.formulas import van_groningen_total
from calcidiol.regimen.text import format, parse
from calcidiol.terminology.product import Product

FILE = "regimen/protocols.toml"
_FORMULAS = {
    "van-groningen": ("step_iu", "every_days", "factor", "target_nmol_per_l", "largest_total_iu", "largest_weight_kg"),
    "victoria": ("step_iu", "load_days", "factor", "target_nmol_per_l", "largest_weight_kg"),
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """A named protocol: fixed regimen text, or a formula with its numbers."""

    id: str
    name: str
    source: str
    tag: str
    text: str = ""
    formula: str = ""
    maintenance: str = ""
    until_day: int = 0
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a formula needs of the patient: the level on day 0 (nmol/L, median of the draws) and the weight (kg)."""

    level_nmol_per_l: float
    weight_kg: float


@cache
def protocols() -> dict[str, Protocol]:
    """All shipped protocols by id, in the order in which they are shown.

    >>> protocols()["im-300-once"].text
    'im 300000 IU once'
    """
    return load(tomllib.loads(files("calcidiol.regimen").joinpath("protocols.toml").read_text(encoding="utf-8")))


def load(table: Mapping[str, Any], where: str = FILE) -> dict[str, Protocol]:
    """Protocols from a parsed TOML table, checked.

    Raises
    ------
    KnowledgeError
        A key is missing or unknown; the message names the file, the protocol and the key.
    """
    return {key: _one(key, row, where) for key, row in table.items()}


def _one(key: str, row: Mapping[str, Any], where: str) -> Protocol:
    for name in ("name", "source", "tag"):
        if not isinstance(row.get(name), str) or not row[name]:
            raise KnowledgeError(f"{where}: protocol {key!r}: {name!r} must be a text, got {row.get(name)!r}.")
    if ("text" in row) == ("formula" in row):
        raise KnowledgeError(f"{where}: protocol {key!r} needs either 'text' or 'formula'.")
    numbers: tuple[str, ...] = ()
    if "formula" in row:
        if row["formula"] not in _FORMULAS:
            raise KnowledgeError(
                f"{where}: protocol {key!r}: formula {row['formula']!r} is not one of {', '.join(_FORMULAS)}."
            )
        numbers = _FORMULAS[row["formula"]]
        for name in (*numbers, "until_day"):
            value = row.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise KnowledgeError(f"{where}: protocol {key!r}: {name!r} must be a number above 0, got {value!r}.")
    known = {"name", "source", "tag", "text", "formula", "maintenance", "until_day", *numbers}
    if unknown := sorted(set(row) - known):
        raise KnowledgeError(f"{where}: protocol {key!r}: unknown key {unknown[0]!r}.")
    return Protocol(
        id=key,
        name=row["name"],
        source=row["source"],
        tag=row["tag"],
        text=row.get("text", ""),
        formula=row.get("formula", ""),
        maintenance=row.get("maintenance", ""),
        until_day=int(row.get("until_day", 0)),
        numbers={name: float(row[name]) for name in numbers},
    )


def instantiate(protocol: Protocol, start: date, products: Mapping[str, Product], facts: Facts) -> Regimen:
    """The protocol as a regimen for one patient.

    A formula that asks for no load (the level is at its target) leaves the maintenance alone.

    Returns
    -------
    Regimen
        Named by its text, with `protocol` set to the protocol's id.
    """
    text = protocol.text or _formula_text(protocol, facts)
    made = parse(text, start, products)
    return replace(made, name=format(made, start, products), protocol=protocol.id)


def _formula_text(protocol: Protocol, facts: Facts) -> str:
    n = protocol.numbers
    total = van_groningen_total(
        facts.level_nmol_per_l,
        facts.weight_kg,
        factor=n["factor"],
        target_nmol_per_l=n["target_nmol_per_l"],
        largest_weight_kg=n["largest_weight_kg"],
    )
    step = n["step_iu"]
    load, days = "", 0
    if protocol.formula == "van-groningen":
        count = math.ceil(min(total, n["largest_total_iu"]) / step - 1e-9)
        every = n["every_days"]
        if count:
            load = f"oral {step:.0f} IU every {every:g} d x {count}" if count > 1 else f"oral {step:.0f} IU once"
            days = math.ceil(every * count) if count > 1 else 1
    elif total > 0.0:
        days = int(n["load_days"])
        daily = step if total <= step * days else 2.0 * step
        load = f"oral {daily:.0f} IU daily x {days}"
    rest = protocol.until_day - days
    keep = f"{protocol.maintenance} x {rest}"
    return f"{load} then {keep}" if load else keep
