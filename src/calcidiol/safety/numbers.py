"""Numbers of the safety room that are no rule: hard limits, windows of time, trust in a laboratory's own limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calcidiol.errors import KnowledgeError

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


def read(table: Mapping[str, Any], where: str = FILE) -> Numbers:
    """Numbers from a parsed TOML table; a missing or odd one is a KnowledgeError."""
    return Numbers(
        _section(table, "hard", HARD, where),
        {k: int(v) for k, v in _section(table, "window", WINDOWS, where).items()},
        _section(table, "own_limit", ("default",), where),
    )


def _section(table: Mapping[str, Any], section: str, names: tuple[str, ...], where: str) -> dict[str, float]:
    rows = table.get(section)
    if not isinstance(rows, Mapping):
        raise KnowledgeError(f"{where}: a table [{section}.<name>] is needed.")
    found: dict[str, float] = {}
    for name, row in rows.items():
        if not isinstance(row, Mapping) or not {"value", "unit", "source", "tag"} <= set(row):
            raise KnowledgeError(f"{where}: [{section}.{name}] needs value, unit, source and tag.")
        value = row["value"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            raise KnowledgeError(f"{where}: [{section}.{name}] has the value {value!r}; a number above 0 is needed.")
        found[name] = float(value)
    missing = [n for n in names if n not in found]
    if missing:
        raise KnowledgeError(f"{where}: [{section}.{missing[0]}] is missing.")
    return found
