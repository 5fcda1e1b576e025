"""Symptom scales: our own 0-10 scales, and the ranges of other instruments whose totals may be entered."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from calcidiol.errors import KnowledgeError
from calcidiol.terminology.table import load
from calcidiol.terminology.text import key

__all__ = ["OWN_RANGE", "SymptomScale", "scale_by_loinc", "scale_by_name", "scales"]

OWN_RANGE = (0.0, 10.0)
"""Our own scales: 0 none at all, 10 as bad as can be."""


@dataclass(frozen=True, slots=True)
class SymptomScale:
    """One scale. `question` is our own wording by language; empty for the instruments of others."""

    id: str
    own: bool
    low: float
    high: float
    worse: Literal["high", "low"]
    names: tuple[str, ...]
    loinc: tuple[str, ...]
    question: dict[str, str]

    @property
    def shown(self) -> str:
        """The scale as `Symptom.scale` names it: ``"0-10"`` for ours, ``"PHQ-9 (0-27)"`` for others."""
        span = f"{self.low:g}-{self.high:g}"
        return span if self.own else f"{self.id} ({span})"


@functools.cache
def scales() -> dict[str, SymptomScale]:
    """All scales by id, from `symptoms.toml`; ours first."""
    found = {
        id_: SymptomScale(
            id_, True, *OWN_RANGE, "high", tuple(row["names"]), (), {k: row[k] for k in ("en", "zh-Hant")}
        )
        for id_, row in load("symptoms.toml", "scale").items()
    }
    for id_, row in load("symptoms.toml", "instrument").items():
        low, high = (float(x) for x in row["range"])
        worse: Literal["high", "low"] = "high" if row["high"] == "worse" else "low"
        found[id_] = SymptomScale(id_, False, low, high, worse, tuple(row["names"]), tuple(row["loinc"]), {})
    return found


@functools.cache
def _by_name() -> dict[str, SymptomScale]:
    table: dict[str, SymptomScale] = {}
    for scale in scales().values():
        for name in (scale.id, *scale.names):
            if table.setdefault(key(name), scale) is not scale:
                raise KnowledgeError(f"symptoms.toml: the name {name!r} stands twice; keep one.")
    return table


def scale_by_name(text: str) -> SymptomScale | None:
    """The scale that a name means, or None.

    Examples
    --------
    >>> scale_by_name("Bone pain").id, scale_by_name("phq 9").shown, scale_by_name("hunger")
    ('bone_pain', 'PHQ-9 (0-27)', None)
    """
    return _by_name().get(key(text))


def scale_by_loinc(codes: Iterable[str]) -> SymptomScale | None:
    """The scale of the first known LOINC code."""
    table = {code: scale for scale in scales().values() for code in scale.loinc}
    return next((table[c] for c in codes if c in table), None)
