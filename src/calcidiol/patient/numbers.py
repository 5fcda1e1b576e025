"""Numbers as people and laboratories write them. What could mean two things is reported, never guessed."""

from __future__ import annotations

import math
import re
from typing import cast

from msgspec import Struct

from calcidiol.patient.record import Comparator

__all__ = ["Number", "Unreadable", "quantity", "read_number"]

LARGEST = 1e9
"""Beyond it no value of a record is a number of anything (P); 1e308 is a fault of a machine."""

_NUMBER = re.compile(r"(<=|>=|<|>|≤|≥|＜|＞)?\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_WORDS = {"≤": "<=", "≥": ">=", "＜": "<", "＞": ">"}
_COMMA = re.compile(r"^\s*(?:<=|>=|<|>|≤|≥)?\s*[+-]?\d+,\d+\s*$")
_COMMA_THEN_UNIT = re.compile(r"^\s*(?:<=|>=|<|>|≤|≥)?\s*[+-]?\d+,\d+(?![\d,])")


class Number(Struct, frozen=True, gc=False):
    """A finite number, with the comparator before it."""

    value: float
    comparator: Comparator = ""


class Unreadable(Struct, frozen=True, gc=False):
    """Why something is not a number: ``"not_a_number"``, ``"decimal_comma"``, ``"not_finite"`` or ``"empty"``."""

    reason: str
    text: str


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_number(value: object) -> Number | Unreadable:
    """Read one number.

    Parameters
    ----------
    value
        A number, or text such as ``"31"``, ``"<10"`` or ``"2.5e3"``. Text with a comma (``"1,5"``) is unreadable: it
        could mean 1.5 or 15.

    Returns
    -------
    Number or Unreadable

    Examples
    --------
    >>> read_number("<10")
    Number(value=10.0, comparator='<')
    >>> read_number("1,5").reason
    'decimal_comma'
    """
    if isinstance(value, bool) or value is None:
        return Unreadable("empty" if value is None else "not_a_number", _short(value))
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return Unreadable("not_finite", _short(value))
        if not math.isfinite(number) or abs(number) > LARGEST:
            return Unreadable("not_finite", _short(value))
        return Number(number)
    if not isinstance(value, str):
        return Unreadable("not_a_number", _short(value))
    text = value.strip()
    if not text:
        return Unreadable("empty", "")
    match = _NUMBER.fullmatch(text)
    if match is None:
        if _COMMA.match(text):
            return Unreadable("decimal_comma", _short(text))
        if text.strip("+-").casefold() in ("nan", ".nan", "inf", ".inf", "infinity"):
            return Unreadable("not_finite", _short(text))
        return Unreadable("not_a_number", _short(text))
    number = float(match[2])
    if not math.isfinite(number) or abs(number) > LARGEST:
        return Unreadable("not_finite", _short(text))
    sign = match[1] or ""
    return Number(number, cast(Comparator, _WORDS.get(sign, sign)))


def quantity(text: str) -> tuple[Number, str] | Unreadable:
    """Read a number with its unit behind it.

    Examples
    --------
    >>> quantity("31 nmol/L"), quantity("<10ng/mL")
    ((Number(value=31.0, comparator=''), 'nmol/L'), (Number(value=10.0, comparator='<'), 'ng/mL'))
    """
    stripped = text.strip()
    if _COMMA_THEN_UNIT.match(stripped):
        return Unreadable("decimal_comma", _short(stripped))
    match = _NUMBER.match(stripped)
    if match is None:
        first = read_number(stripped.split()[0] if stripped else "")
        return Unreadable(first.reason if isinstance(first, Unreadable) else "not_a_number", _short(stripped))
    number = read_number(match[0])
    if isinstance(number, Unreadable):
        return number
    return number, stripped[match.end() :].strip()
