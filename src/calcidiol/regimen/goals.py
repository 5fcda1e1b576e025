"""What a good course is: the band, the weeks, the risks that are accepted. Visible in every plan, and changeable."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.errors import KnowledgeError, UnitError, UsageError
from calcidiol.quantity import convert

_BAND = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:-|–|to)\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµμ/]*)\s*")
LOWEST, HIGHEST = 20.0, 250.0
"""Bounds of a target band, nmol/L: nobody aims below the class of deficiency or above the safe ceiling (P)."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The preference by which regimens are ranked.

    Attainment is the mean, over the weeks `week_from` to `week_to`, of the probability that 25(OH)D lies in
    [`low`, `high`]. A regimen qualifies when P(ever above `ceiling`) <= `alpha_ceiling` and P(ever above `excess`) <=
    `alpha_excess`, each with two Monte-Carlo errors added, and when the added chance of a calcium above its limit is at
    most `alpha_calcium` (where that is computed). Among regimens `within` of the best attainment the one with
    fewer visits wins, then the one with fewer IU.

    Parameters
    ----------
    low, high, excess, ceiling
        Levels of 25(OH)D, nmol/L.
    alpha_excess, alpha_ceiling, alpha_calcium
        Accepted probabilities, 0 to 1.
    week_from, week_to
        Weeks from the start, whole numbers.
    within, within_shortfall
        Difference in attainment that counts as none, 0 to 1, provided that the mean level missing to the band is not
        more than `within_shortfall` nmol/L worse.
    substances
        What the search may propose (protocols are shown whatever their substance).
    """

    low: float
    high: float
    excess: float
    alpha_excess: float
    ceiling: float
    alpha_ceiling: float
    week_from: int
    week_to: int
    within: float
    within_shortfall: float
    alpha_calcium: float
    substances: tuple[str, ...] = ("cholecalciferol",)
    source: str = ""
    tag: str = "P"

    def __post_init__(self) -> None:
        """Hold what makes sense."""
        if not LOWEST <= self.low < self.high <= HIGHEST:
            raise UsageError(
                f"A goal of {self.low:g}-{self.high:g} nmol/L cannot be used: it needs {LOWEST:g} <= low < high <= "
                f"{HIGHEST:g} nmol/L. Write --goal 75-125, or --goal '30-50 ng/mL'."
            )
        if not 0 <= self.week_from < self.week_to <= 104:
            raise UsageError(f"Weeks {self.week_from} to {self.week_to} cannot be used: 0 <= from < to <= 104.")
        for name in ("alpha_excess", "alpha_ceiling", "alpha_calcium", "within"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} = {getattr(self, name)!r} is not a probability (0 to 1).")

    def to_dict(self) -> dict[str, Any]:
        """The goal as plain data, for the plan and its capsule."""
        return {name: getattr(self, name) for name in self.__slots__} | {"substances": list(self.substances)}


@cache
def default_goal() -> Goal:
    """The goal that holds unless the user names another (`goals.toml`).

    >>> default_goal().low, default_goal().high
    (75.0, 125.0)
    """
    text = files("calcidiol.regimen").joinpath("goals.toml").read_text(encoding="utf-8")
    return from_table(tomllib.loads(text)["default"])


def from_table(table: Mapping[str, Any]) -> Goal:
    """A goal from its TOML table; a missing or unknown key is a KnowledgeError."""
    try:
        return Goal(**table)
    except TypeError as error:
        raise KnowledgeError(f"regimen/goals.toml: {error}.") from None


def goal(text: str | None = None, **changes: Any) -> Goal:
    """The default goal with another band, or with other numbers.

    Parameters
    ----------
    text
        Band as ``"75-125"`` (nmol/L), ``"75-125 nmol/L"`` or ``"30-50 ng/mL"``; None keeps the default band.
    **changes
        Fields of `Goal` to change.

    Raises
    ------
    UsageError
        The text is not a band, or the band cannot be used.

    Examples
    --------
    >>> g = goal("30-50 ng/mL")
    >>> round(g.low), round(g.high)
    (75, 125)
    """
    base = default_goal()
    if text is not None:
        found = _BAND.fullmatch(text)
        if found is None:
            raise UsageError(f"The goal {text!r} is not a band. Write it as 75-125 (nmol/L) or '30-50 ng/mL'.")
        try:
            band = [convert(float(x), found[3] or "nmol/L", "nmol/L", "25ohd") for x in found.groups()[:2]]
        except UnitError as error:
            raise UsageError(f"The goal {text!r}: {error}") from None
        if not all(math.isfinite(x) for x in band):
            raise UsageError(f"The goal {text!r} is not a band of finite numbers.")
        changes = {"low": band[0], "high": band[1], "excess": max(base.excess, band[1])} | changes
    return replace(base, **changes) if changes else base


ACCEPTED = ("excess", "ceiling", "calcium")


def accepted(texts: Iterable[str]) -> dict[str, float]:
    """Changes of accepted risks, for `goal`, from texts as ``"excess=30%"`` or ``"calcium=0.02"``.

    Raises
    ------
    UsageError
        A text names no accepted risk, or holds no probability.

    Examples
    --------
    >>> accepted(["excess=30%", "calcium=0.02"])
    {'alpha_excess': 0.3, 'alpha_calcium': 0.02}
    """
    changes: dict[str, float] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?)\s*(%?)", value)
        if name not in ACCEPTED or found is None:
            raise UsageError(
                f"The accepted risk {text!r} cannot be read: give {', '.join(ACCEPTED[:-1])} or {ACCEPTED[-1]} and a "
                "probability, as excess=30% or calcium=0.02."
            )
        changes[f"alpha_{name}"] = round(float(found[1]) / (100.0 if found[2] else 1.0), 12)
    return changes
