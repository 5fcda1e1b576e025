"""What a policy table is: rows of the next result, and the numbers by which they are made."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.results import Reason, told


@dataclass(frozen=True, slots=True)
class Row:
    """One range of the next result.

    Parameters
    ----------
    low, high
        Range of the result, nmol/L; `high` is infinite in the last row.
    probability
        Of a result in this range.
    effective
        Effective draws that agree with such a result.
    action
        ``"go_on"``, ``"step_down"``, ``"stop"``, ``"step_up"`` or ``"look_for_cause"``.
    regimen
        What would be given from the day of the sample; None for ``"look_for_cause"``.
    attainment, planned_attainment
        Mean probability in the band in the weeks 4 to 20 after the result, with `regimen` and with the plan unchanged.
    reasons
        Ids and parameters.
    """

    low: float
    high: float
    probability: float
    effective: float
    action: str
    regimen: Regimen | None
    attainment: float | None
    planned_attainment: float | None
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data; an open end is null."""
        return {
            "low": self.low,
            "high": None if math.isinf(self.high) else self.high,
            "probability": self.probability,
            "effective": self.effective,
            "action": self.action,
            "regimen": None if self.regimen is None else self.regimen.name,
            "attainment": self.attainment,
            "planned_attainment": self.planned_attainment,
            "reasons": told(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """The table, the day it is for, when loading ends, and the level from which nothing more is given."""

    on: date
    rows: tuple[Row, ...]
    continuations: int
    loading_ends: date | None
    loading_reaches: float | None
    stop_from_nmol_per_l: float

    def row_of(self, result_nmol_per_l: float) -> Row:
        """The row of one result."""
        return next(r for r in self.rows if r.low <= result_nmol_per_l < r.high)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "on": self.on.isoformat(),
            "rows": [r.to_dict() for r in self.rows],
            "continuations": self.continuations,
            "loading_ends": None if self.loading_ends is None else self.loading_ends.isoformat(),
            "loading_reaches": self.loading_reaches,
            "stop_from_nmol_per_l": self.stop_from_nmol_per_l,
        }


@cache
def settings() -> dict[str, Any]:
    """The numbers of `policy.toml`."""
    return tomllib.loads(files("calcidiol.regimen").joinpath("policy.toml").read_text(encoding="utf-8"))
