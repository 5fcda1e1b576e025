"""Units: the one file with conversion factors.

A closed table of units in UCUM, with the spellings that people and laboratories write. A unit that is not in the table
is refused, never guessed. Mass and amount convert into each other only with a substance, and IU only with a substance
of which IU is defined (vitamin D3 and D2; not calcifediol).

Inside the program: day, nmol, nmol/L (25(OH)D and 24,25(OH)2D), mmol/L (calcium, phosphate, magnesium), umol/L
(creatinine, bilirubin, urate), g/L (albumin), pmol/L (PTH and 1,25(OH)2D), 10*9/L (cells), kg, cm.

Sources. Molar masses: IUPAC standard atomic weights summed over the formula (V); PTH is the 84-residue chain, 9425
g/mol (V, 1 pg/mL = 0.106 pmol/L). Phosphate is reported "as phosphorus". 1 IU of vitamin D = 0.025 ug of
cholecalciferol (WHO international standard, V); ergocalciferol is labeled by the same factor (V, product labels: 7.5 mg
= 300,000 IU).
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass

from calcidiol.errors import UnitError

__all__ = [
    "IU_PER_UG",
    "MOLAR_MASS",
    "NMOL_PER_L_IN_NG_PER_ML",
    "VALENCE",
    "Unit",
    "convert",
    "iu_to_nmol",
    "meanings",
    "nmol_to_iu",
    "same_kind",
    "ucum",
    "ug_to_nmol",
]

MOLAR_MASS: dict[str, float] = {
    "cholecalciferol": 384.64,  # C27H44O
    "ergocalciferol": 396.65,  # C28H44O
    "calcifediol": 400.64,  # C27H44O2; the monohydrate (418.66) is labeled as calcifediol in some markets
    "calcitriol": 416.64,  # C27H44O3
    "alfacalcidol": 400.64,
    "25ohd": 400.64,
    "25ohd3": 400.64,
    "25ohd2": 412.65,
    "1_25_ohd": 416.64,
    "24_25_ohd": 416.64,
    "calcium": 40.078,
    "phosphate": 30.974,  # as phosphorus
    "magnesium": 24.305,
    "creatinine": 113.12,
    "bilirubin": 584.66,
    "urate": 168.11,
    "potassium": 39.098,
    "pth": 9425.0,
    "hemoglobin": 16114.0,  # monomer, as SI laboratories report it
}
"""g/mol."""

VALENCE: dict[str, int] = {"calcium": 2, "magnesium": 2, "potassium": 1}
"""Charges per ion, for milliequivalents."""

NMOL_PER_L_IN_NG_PER_ML = 1e3 / MOLAR_MASS["25ohd"]
"""nmol/L of 25(OH)D in 1 ng/mL: 2.496, for showing a level in both units."""

IU_PER_UG: dict[str, float] = {"cholecalciferol": 40.0, "ergocalciferol": 40.0}
"""International units in one microgram. A substance that is missing here has no IU."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its UCUM code, what kind of quantity it measures, and its size in the base unit of that kind."""

    code: str
    kind: str
    size: float
    offset: float = 0.0


_PREFIX = {"": 1.0, "d": 1e-1, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_DAY_S = 86400.0


def _build() -> dict[str, list[Unit]]:
    """Every accepted spelling (as `_plain` leaves it) -> the units that it may mean."""
    table: dict[str, list[Unit]] = {}

    def add(unit: Unit, *spellings: str) -> None:
        for text in (unit.code, *spellings):
            known = table.setdefault(_plain(text), [])
            if unit not in known:
                known.append(unit)

    for p, size in _PREFIX.items():
        if p != "d":
            mass = ("mcg",) if p == "u" else ()
            add(Unit(f"{p}g", "mass", size), *mass)
            add(Unit(f"{p}mol", "amount", size))
            add(Unit(f"{p}g/d", "mass per time", size), *(f"{m}/d" for m in mass), f"{p}g/day", f"{p}g/24h")
            add(Unit(f"{p}g/(24.h)", "mass per time", size), f"{p}g/24 hr", f"{p}g/24hrs", f"{p}g/24 hours")
            add(Unit(f"{p}mol/d", "amount per time", size), f"{p}mol/day")
            add(Unit(f"{p}mol/(24.h)", "amount per time", size), f"{p}mol/24h", f"{p}mol/24 hr", f"{p}mol/24hrs")
        for q, per in (("", 1.0), ("d", 1e-1), ("m", 1e-3), ("u", 1e-6)):
            if p == "d":
                continue
            names = ("mcg",) if p == "u" else ()
            add(Unit(f"{p}g/{q}L", "mass concentration", size / per), *(f"{m}/{q}L" for m in names))
            add(Unit(f"{p}mol/{q}L", "molar concentration", size / per), f"{p}mols/{q}L")
    add(Unit("mg/dL", "mass concentration", 1e-3 / 1e-1), "mg%", "mg/100 mL")
    add(Unit("g/dL", "mass concentration", 1.0 / 1e-1), "g%", "gm%", "gm/dL", "gr/dL", "g/100 mL")
    add(Unit("10*9/L", "cell count", 1e9), "/nL", "10*9/l")
    add(
        Unit("mL/min/{1.73_m2}", "clearance per body surface", 1.0),
        "mL/min/1.73m*2",
        "mL/min/1.73qm",
        "mL/min/1.73 m**2",
    )
    add(Unit("kg", "mass", 1e3), "kgs", "kilogram", "kilograms", "kilo", "公斤", "千克")
    add(Unit("g", "mass", 1.0), "gram", "grams", "gm")
    add(Unit("ug", "mass", 1e-6), "microgram", "micrograms", "ugs")
    add(Unit("[lb_av]", "mass", 453.59237), "lb", "lbs", "pound", "pounds")
    add(Unit("[oz_av]", "mass", 28.349523125), "oz")
    add(Unit("m", "length", 1.0), "meter", "meters", "metre", "metres")
    add(Unit("cm", "length", 1e-2), "centimeter", "centimeters", "centimetre", "公分", "厘米")
    add(Unit("mm", "length", 1e-3))
    add(Unit("[in_i]", "length", 0.0254), "in", "inch", "inches")
    add(Unit("[ft_i]", "length", 0.3048), "ft", "foot", "feet")
    for p, size in (("", 1.0), ("d", 1e-1), ("m", 1e-3), ("u", 1e-6)):
        add(Unit(f"{p}L", "volume", size), *(("cc",) if p == "m" else ()))
    add(Unit("s", "time", 1 / _DAY_S), "sec", "second", "seconds")
    add(Unit("ms", "time", 1e-3 / _DAY_S), "msec", "millisecond", "milliseconds")
    add(Unit("min", "time", 60 / _DAY_S), "minute", "minutes")
    add(Unit("h", "time", 1 / 24), "hr", "hrs", "hour", "hours")
    add(Unit("d", "time", 1.0), "day", "days", "天", "日")
    add(Unit("wk", "time", 7.0), "week", "weeks", "w", "週", "周")
    add(Unit("mo", "time", 365.25 / 12), "month", "months", "月")
    add(Unit("a", "time", 365.25), "year", "years", "yr", "yrs", "y", "年", "歲", "岁")
    add(
        Unit("[iU]", "international units", 1.0),
        "IU",
        "iu",
        "i.u.",
        "U",
        "unit",
        "units",
        "[IU]",
        "UI",
        "IE",
        "UNT",
        "international units",
        "international unit",
        "國際單位",
        "国际单位",
    )
    add(Unit("k[iU]", "international units", 1e3), "kIU", "KIU")
    add(Unit("[iU]/d", "international units per time", 1.0), "IU/d", "IU/day", "U/d", "units/day")
    for q, per in (("", 1.0), ("d", 1e-1), ("m", 1e-3)):
        add(Unit(f"[iU]/{q}L", "international units concentration", 1 / per), f"IU/{q}L", f"[IU]/{q}L")
        add(Unit(f"U/{q}L", "enzyme activity", 1 / per), f"units/{q}L", f"IU/{q}L", f"[iU]/{q}L")
    add(Unit("meq/L", "equivalents", 1e-3), "mEq/L", "mval/L", "mequiv/L")
    add(Unit("ukat/L", "enzyme activity", 60.0), "µkat/L")
    for n, size in ((9, 1e9), (6, 1e6), (12, 1e12), (3, 1e3)):
        add(
            Unit(f"10*{n}/L", "cell count", size),
            f"10^{n}/L",
            f"10e{n}/L",
            f"x10^{n}/L",
            f"x10*{n}/L",
            f"x10{n}/L",
            f"10e+{n}/L",
            f"10{n}/L",
        )
    add(Unit("10*9/L", "cell count", 1e9), "G/L", "giga/L", "Gpt/L", "10*9cells/L")
    add(
        Unit("10*3/uL", "cell count", 1e9),
        "10^3/uL",
        "x10^3/uL",
        "x10*3/uL",
        "10e3/uL",
        "10e+3/uL",
        "103/uL",
        "x103/uL",
        "K/uL",
        "thou/uL",
        "thousand/uL",
        "k/mm3",
        "10*3/mm3",
        "10^3/mm3",
        "x10^3/mm3",
        "th/uL",
        "k/cumm",
        "thous/mcL",
        "K/mcL",
        "10^3/mcL",
        "10*3/mcL",
    )
    add(
        Unit("10*3/uL", "cell count", 1e9),
        "x10e3/uL",
        "x10(3)/uL",
        "10^3/mm^3",
        "thou/mm3",
        "x1000/uL",
        "Tsd/uL",
    )
    add(Unit("10*9/L", "cell count", 1e9), "x10e9/L", "x10(9)/L")
    add(Unit("10*4/uL", "cell count", 1e10), "10^4/uL", "x10^4/uL", "万/uL", "萬/uL")
    add(Unit("10*6/uL", "cell count", 1e12), "10^6/uL", "x10^6/uL", "10e6/uL", "M/uL")
    add(
        Unit("/uL", "cell count", 1e6),
        "cells/uL",
        "{cells}/uL",
        "/mm3",
        "cells/mm3",
        "/cumm",
        "/mcL",
        "cells/mcL",
        "{#}/uL",
    )
    add(
        Unit("1", "number", 1.0),
        "{INR}",
        "INR",
        "ratio",
        "{ratio}",
        "{score}",
        "score",
        "[pH]",
        "{number}",
        "{index_val}",
    )
    add(Unit("%", "number", 1e-2), "percent")
    add(
        Unit("mL/min/{1.73_m2}", "clearance per body surface", 1.0),
        "mL/min/1.73m2",
        "mL/min/1.73_m2",
        "mL/min/1.73 m^2",
        "mL/min/1.73m²",
        "mL/min/{1.73m2}",
        "mL/min per 1.73 m2",
        "mL/min/1.73 sq m",
        "mL/min/1.73sqm",
        "mL/min/173.10*-2.m2",
        "mL/(min.1.73_m2)",
        "mL/min/1,73m2",
        "mL/min/BSA",
        "mL/min/{1.73_m2}",
        "mL/min/1.73",
    )
    add(Unit("mL/min", "clearance", 1.0), "ml/minute")
    add(Unit("kg/m2", "body mass index", 1.0), "kg/m^2", "kg/m²", "kg/(m2)", "kg/sq m")
    add(Unit("mg/mg", "mass ratio", 1.0), "g/g", "mg/mg{creat}", "{mg/mg}")
    add(Unit("mg/g", "mass ratio", 1e-3), "mg/g{creat}", "mg/g creat", "mg/gcr")
    add(Unit("mmol/mmol", "molar ratio", 1.0), "mol/mol", "mmol/mmol{creat}")
    add(Unit("mmol/mol", "molar ratio", 1e-3))
    add(Unit("mg/kg/d", "mass per mass and time", 1.0), "mg/kg/day", "mg/(kg.d)")
    add(Unit("Cel", "temperature", 1.0, 0.0), "°C", "C", "degC", "deg C", "celsius", "℃")
    add(Unit("[degF]", "temperature", 5 / 9, -32 * 5 / 9), "°F", "F", "degF", "fahrenheit")
    add(Unit("mm/h", "sedimentation", 1.0), "mm/hr")
    return table


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def _plain(text: str) -> str:
    """A spelling without what does not change its meaning: blanks, case, the three ways to write micro,
    superscripts."""
    text = text.strip().translate(_SUPERSCRIPTS)
    text = (
        text.replace("µ", "u")
        .replace("μ", "u")
        .replace("㎍", "ug")
        .replace("㎎", "mg")
        .replace("×", "x")
        .replace("㎏", "kg")
    )
    text = text.replace("㎝", "cm").replace("／", "/").replace("ℓ", "l").replace("mcmol", "umol").replace("mcg", "ug")
    text = re.sub(r"[\s\u200b\u00a0]+", "", text)
    return text.casefold().replace("liter", "l").replace("litre", "l")


_TABLE: dict[str, list[Unit]] = {}


def _candidates(text: str) -> list[Unit]:
    if not _TABLE:
        _TABLE.update(_build())
    found = _TABLE.get(_plain(text))
    if found is None:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise UnitError(
            f"Unknown unit {shown!r}. Units are read from a closed table of UCUM codes and common spellings "
            "(nmol/L, ng/mL, mmol/L, mg/dL, umol/L, g/L, [iU], ug ...); write it as one of these."
        )
    return found


def ucum(text: str) -> str:
    """The UCUM code of a spelling.

    Parameters
    ----------
    text
        A unit as written.

    Returns
    -------
    str
        Its UCUM code; where a spelling has two meanings (`U`, `G/L`) the first.

    Raises
    ------
    UnitError
        When the spelling is not in the table.

    Examples
    --------
    >>> ucum("µg"), ucum("IU"), ucum("NMOL/l")
    ('ug', '[iU]', 'nmol/L')
    """
    return _candidates(text)[0].code


def same_kind(unit: str, to: str, substance: str | None = None) -> bool:
    """Whether `convert` would convert from `unit` to `to`; False also for unknown units.

    Examples
    --------
    >>> same_kind("ng/mL", "nmol/L"), same_kind("ng/mL", "nmol/L", "25ohd")
    (False, True)
    """
    try:
        convert(1.0, unit, to, substance)
    except UnitError:
        return False
    return True


_MOLAR = {
    "mass": "amount",
    "mass concentration": "molar concentration",
    "mass per time": "amount per time",
}
_MOLAR_BACK = {v: k for k, v in _MOLAR.items()}


def _factor(source: Unit, target: Unit, substance: str | None) -> float | None:
    """Base units of `target.kind` in one base unit of `source.kind`; None when they do not fit."""
    a, b = source.kind, target.kind
    if a == b:
        return 1.0
    if substance is None:
        return None
    mass = MOLAR_MASS.get(substance)
    if mass is not None and _MOLAR.get(a) == b:
        return 1 / mass
    if mass is not None and _MOLAR_BACK.get(a) == b:
        return mass
    charge = VALENCE.get(substance)
    if charge is not None and a == "equivalents":
        if b == "molar concentration":
            return 1 / charge
        return mass / charge if b == "mass concentration" and mass is not None else None
    if charge is not None and b == "equivalents":
        if a == "molar concentration":
            return float(charge)
        return charge / mass if a == "mass concentration" and mass is not None else None
    per_ug = IU_PER_UG.get(substance)
    if per_ug is not None and mass is not None:
        gram_per_iu = 1e-6 / per_ug
        for suffix in ("", " per time"):
            iu = f"international units{suffix}"
            if a == iu:
                return {f"mass{suffix}": gram_per_iu, f"amount{suffix}": gram_per_iu / mass}.get(b)
            if b == iu:
                return {f"mass{suffix}": 1 / gram_per_iu, f"amount{suffix}": mass / gram_per_iu}.get(a)
    return None


def convert(value: float, unit: str, to: str, substance: str | None = None) -> float:
    """Convert a value from one unit to another.

    Parameters
    ----------
    value
        A finite number.
    unit, to
        Units as UCUM codes or common spellings.
    substance
        A key of `MOLAR_MASS`, needed between mass and amount, for milliequivalents and for IU.

    Returns
    -------
    float
        The value in `to`.

    Raises
    ------
    UnitError
        When a unit is unknown, the two do not fit, or the value is not a finite number.

    Examples
    --------
    >>> round(convert(20, "ng/mL", "nmol/L", "25ohd"), 1)
    49.9
    >>> convert(50000, "IU", "ug", "cholecalciferol")
    1250.0

    References
    ----------
    UCUM, the Unified Code for Units of Measure, version 2.1.
    """
    if not math.isfinite(value):
        raise UnitError(f"{value!r} is not a finite number and has no value in {to!r}.")
    slope, shift = _linear(unit, to, substance)
    if slope == 1.0 and shift == 0.0:
        return float(value)
    result = value * slope + shift
    if not math.isfinite(result):
        raise UnitError(f"{value!r} {unit} is too large to be expressed in {to!r}.")
    return _clean(result)


@functools.lru_cache(maxsize=4096)
def _linear(unit: str, to: str, substance: str | None) -> tuple[float, float]:
    """Slope and shift of the conversion; the first meaning of each spelling that fits counts."""
    sources, targets = _candidates(unit), _candidates(to)
    for source in sources:
        for target in targets:
            factor = _factor(source, target, substance)
            if factor is not None:
                if source.code == target.code:
                    return 1.0, 0.0
                return source.size * factor / target.size, (source.offset * factor - target.offset) / target.size
    for source in sources:
        if substance and source.kind.startswith("international units") and substance not in IU_PER_UG:
            raise UnitError(
                f"{unit!r} has no meaning for {substance}: IU is defined only for vitamin D3 and D2. Give the "
                "dose in ug."
            )
    of = f" of {substance}" if substance else ""
    need = "" if substance else " Between mass and amount a substance is needed."
    raise UnitError(f"{unit!r} ({sources[0].kind}) cannot be converted to {to!r} ({targets[0].kind}){of}.{need}")


def meanings(unit: str) -> frozenset[tuple[str, float]]:
    """Kind and size of everything a spelling may mean, to see whether two spellings agree.

    Raises
    ------
    UnitError
        When the spelling is not in the table.

    Examples
    --------
    >>> meanings("ug/L") & meanings("ng/mL") != frozenset()
    True
    """
    return frozenset((u.kind, _clean(u.size)) for u in _candidates(unit))


def _clean(x: float) -> float:
    """Without the last bits of rounding noise (31 g/L from 3.1 g/dL, not 31.000000000000004)."""
    return float(f"{x:.14g}")


def _grams_per_iu(substance: str) -> tuple[float, float]:
    if substance not in IU_PER_UG:
        raise UnitError(
            f"IU has no meaning for {substance!r}: it is defined only for {', '.join(IU_PER_UG)}. Give the dose in ug."
        )
    return 1e-6 / IU_PER_UG[substance], MOLAR_MASS[substance]


def iu_to_nmol(iu: float, substance: str) -> float:
    """Nmol of a dose in IU.

    Examples
    --------
    >>> round(iu_to_nmol(1000, "cholecalciferol"), 1)
    65.0
    """
    gram, mass = _grams_per_iu(substance)
    return iu * gram / mass * 1e9


def nmol_to_iu(nmol: float, substance: str) -> float:
    """IU of a dose in nmol.

    Examples
    --------
    >>> round(nmol_to_iu(65.0, "cholecalciferol"))
    1000
    """
    gram, mass = _grams_per_iu(substance)
    return nmol * mass / gram * 1e-9


def ug_to_nmol(ug: float, substance: str) -> float:
    """Nmol of a dose in ug.

    Examples
    --------
    >>> round(ug_to_nmol(25, "cholecalciferol"), 1)
    65.0
    """
    if substance not in MOLAR_MASS:
        raise UnitError(f"No molar mass of {substance!r} is known; known: {', '.join(sorted(MOLAR_MASS))}.")
    return ug / MOLAR_MASS[substance] * 1e3
