"""Numbers of the safety room that are no rule: hard limits, windows of time, trust in a laboratory's own limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from calcidiol.errors import KnowledgeError
from calcidiol.safety.rulefile import TAGS
from calcidiol.terminology.labs import labs

FILE = "safety/numbers.toml"

HARD = (
    "largest_single_iu",
    "largest_90d_iu",
    "largest_365d_iu",
    "wait_days",
    "wait_per_iu",
    "nothing_at_nmol_per_l",
    "ceiling_nmol_per_l",
)
WINDOWS = (
    "calcium_family",
    "albumin_near",
    "egfr_family",
    "tumor_lysis",
    "level_shows_oral",
    "level_shows_depot",
    "check_before_dose",
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers by name; see `numbers.toml` for units and sources."""

    hard: Mapping[str, float]
    windows: Mapping[str, int]
    trust: Mapping[str, float]

    def __getitem__(self, name: str) -> float:
        return self.hard[name]

    def days(self, name: str) -> int:
        """A window of time, days."""
        return self.windows[name]

    def own_limit_factor(self, analyte: str) -> float:
        """Up to which ratio to the default a laboratory's own limit is taken."""
        return self.trust.get(analyte, self.trust["default"])


def read(table: Mapping[str, Any], where: Callable[[str], str] = lambda header: f"{FILE} [{header}]") -> Numbers:
    """Numbers from a parsed table; a missing or odd one is a KnowledgeError. `where` finds the line of a header."""
    hard = _section(table, "hard", HARD, where)
    windows = _section(table, "window", WINDOWS, where)
    for name, value in windows.items():
        if not value.is_integer():
            raise KnowledgeError(f"{where(f'window.{name}')}: the value {value:g} is no whole number of days.")
    trust = _section(table, "own_limit", ("default", *labs()), where, ("default",))
    return Numbers(hard, {k: int(v) for k, v in windows.items()}, trust)


def _unit(section: str, name: str) -> str:
    """The unit that a number of this name is in."""
    if section == "own_limit":
        return "1"
    if section == "window" or name.endswith("_days"):
        return "d"
    return "nmol/L" if name.endswith("_nmol_per_l") else "[iU]"


def _section(
    table: Mapping[str, Any],
    section: str,
    names: tuple[str, ...],
    where: Callable[[str], str],
    needed: tuple[str, ...] | None = None,
) -> dict[str, float]:
    rows = table.get(section)
    if not isinstance(rows, Mapping):
        raise KnowledgeError(f"{FILE}: a table [{section}.<name>] is needed.")
    found: dict[str, float] = {}
    for name, row in rows.items():
        at = where(f"{section}.{name}")
        if name not in names:
            raise KnowledgeError(f"{at}: [{section}.{name}] is used nowhere.")
        if not isinstance(row, Mapping) or set(row) != {"value", "unit", "source", "tag"}:
            raise KnowledgeError(f"{at}: [{section}.{name}] needs value, unit, source and tag, and nothing else.")
        value, unit = row["value"], _unit(section, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            raise KnowledgeError(f"{at}: [{section}.{name}] has the value {value!r}; a number above 0 is needed.")
        if row["unit"] != unit:
            raise KnowledgeError(f"{at}: [{section}.{name}] has the unit {row['unit']!r}; it is read in {unit!r}.")
        if not row["source"] or row["tag"] not in TAGS:
            raise KnowledgeError(f"{at}: [{section}.{name}] needs a source and a tag of {', '.join(TAGS)}.")
        found[name] = float(value)
    for name in names if needed is None else needed:
        if name not in found:
            raise KnowledgeError(f"{FILE}: [{section}.{name}] is missing.")
    return found
