"""Rows of a knowledge file, checked key by key: a fault says file, line, what was given and what is needed."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Mapping
from typing import Any

from calcidiol.errors import KnowledgeError

TAGS = ("V", "R", "P", "S")

_WORDS = ("labs", "permitted", "classes")
_AMOUNTS = ("limit", "moves")
_LEAST = {"every_days": 0, "count": 1, "tolerance_days": 0, "within_days": 0}
"""Keys that are whole numbers, with the least that makes sense."""


class Lines:
    """A file and the lines of its table headers, for messages."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._at: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if (header := line.strip()).startswith("["):
                self._at.setdefault(header.split("]")[0].strip("[] "), []).append(number)

    def where(self, header: str, index: int = 0) -> str:
        """File and line of the n-th table of this name; its number where it has no header of its own."""
        at = self._at.get(header, [])
        return f"safety/{self.file} " + (f"line {at[index]}" if index < len(at) else f"[{header}] number {index + 1}")


def parsed(file: str, text: str, tables: Collection[str]) -> dict[str, Any]:
    """The file as a table; nothing but `tables` and a version may stand at its top."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"safety/{file} is not valid TOML: {error}.") from None
    if strange := sorted(set(table) - {"version", *tables}):
        where = Lines(file, text).where(strange[0])
        raise KnowledgeError(f"{where}: {strange[0]!r} is not known here; known are {', '.join(sorted(tables))}.")
    return table


def rows(table: Mapping[str, Any], name: str, lines: Lines) -> list[tuple[Mapping[str, Any], str]]:
    """The tables ``[[name]]`` with file and line of each."""
    found = table.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(row, Mapping) for row in found):
        raise KnowledgeError(f"safety/{lines.file} needs tables [[{name}]].")
    return [(row, lines.where(name, i)) for i, row in enumerate(found)]


def keys(row: Mapping[str, Any], known: Collection[str], needed: tuple[str, ...], where: str) -> None:
    """Refuse a row with a key that is unknown, missing, or of another kind than its name asks for."""
    if unknown := sorted(set(row) - set(known)):
        raise KnowledgeError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    for key in needed:
        if row.get(key) in (None, "", []):
            raise KnowledgeError(f"{where}: {key!r} is missing.")
    for key, value in row.items():
        if fault := _fault(key, value):
            raise KnowledgeError(f"{where}: {key!r} is {value!r}, {fault} is needed.")
    if "tag" in needed and row["tag"] not in TAGS:
        raise KnowledgeError(f"{where}: 'tag' is {row['tag']!r}, must be one of {', '.join(TAGS)}.")
    if row.get("count", 1) > 1 and row.get("every_days", 0) < 1:
        raise KnowledgeError(f"{where}: 'count' is {row['count']}, so 'every_days' of 1 or more is needed.")


def _fault(key: str, value: object) -> str:
    """What the key needs where the value is not that; empty where it is."""
    if key in _WORDS:
        right = isinstance(value, list) and all(isinstance(x, str) and x for x in value)
        return "" if right and len(set(value)) == len(value) else "a list of different words"  # type: ignore[arg-type, call-overload]
    if key in _AMOUNTS:
        right = isinstance(value, Mapping) and all(_number(x) and math.isfinite(x) and x > 0 for x in value.values())
        return "" if right else "a table of numbers above 0"
    if key == "mandatory":
        return "" if isinstance(value, bool) else "true or false"
    if key == "days" or key in _LEAST:
        least = _LEAST.get(key)
        right = isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)
        return "" if right else "a whole number" + (f" of {least} or more" if least is not None else "")
    return "" if isinstance(value, str) else "a text in quotes"


def _number(value: object) -> bool:
    return isinstance(value, int | float)


def choice(row: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str:
    """The value of a key that has only these."""
    if row[key] not in allowed:
        raise KnowledgeError(f"{where}: {key!r} is {row[key]!r}, must be one of {', '.join(allowed)}.")
    return str(row[key])


def once(found: list[tuple[str, str]], kind: str) -> None:
    """Refuse a name that stands twice; `found` has names with file and line."""
    first: dict[str, str] = {}
    for name, where in found:
        if name in first:
            raise KnowledgeError(f"{where}: the {kind} {name!r} stands already in {first[name]}.")
        first[name] = where
