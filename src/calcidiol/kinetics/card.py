"""Model cards: numbers with unit, source and tag, from TOML; an incomplete card is refused.

Rates of a card may be per hour or per day; everything is per day once loaded.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.kinetics.layout import PARAMETERS, PER_DAY

DEFAULT = "two-route-fitted-2026"
STRUCTURES = ("linear-clearance", "saturable-clearance")
EFFECTS = ("untreated", "conversion", "clearance", "bioavailability", "depot")
"""Random effects, in the order of every array of effects."""
COVARIATES = (
    "clearance_exponent", "volume_exponent", "conversion_overweight", "conversion_obese", "conversion_cancer",
    "conversion_acute", "conversion_baseline_exponent", "oral_mild_malabsorption", "oral_severe_malabsorption",
    "clearance_inducer", "clearance_glucocorticoid", "clearance_ckd", "clearance_kidney_failure",
    "conversion_liver_failure",
)  # fmt: skip
SEASON = ("amplitude_high_latitude", "full_latitude", "avoids_sun")
METABOLITES = ("k24", "vmr_at_75", "vmr_exponent", "k125", "b125", "ks", "ks_dialysis")
RESIDUAL = ("proportional", "additive", "assay_bias")
REFERENCE = ("weight_kg", "bmi", "age_y", "female", "egfr")
_HILL = {"hill_clmax": 0.0, "hill_c50": 1.0, "hill_g": 1.0}
"""Rows of the saturable clearance; a linear card need not name them."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a card: value in the canonical unit, its source and tag."""

    value: float
    unit: str
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A random effect: SD on the log scale, and the parameters that it multiplies."""

    name: str
    spread: float
    acts_on: tuple[str, ...]
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Card:
    """A model with its numbers. `values` are canonical (per day); `covariance` is of the log population parameters.

    `population_effects` names what the fitted covariance is about (parameters, covariate factors, spread between
    studies), in the order of its rows; both are empty for cards that were not fitted.
    """

    id: str
    version: str
    structure: str
    title: str
    citation: str
    population: str
    known_failures: tuple[str, ...]
    domain: Mapping[str, Mapping[str, Any]]
    reference: Mapping[str, float]
    numbers: Mapping[str, Mapping[str, Number]]
    effects: tuple[Effect, ...]
    population_effects: tuple[str, ...] = ()
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def random_effects(self) -> tuple[str, ...]:
        """Names of the random effects, in the order of every array of effects."""
        return tuple(e.name for e in self.effects)

    @property
    def spreads(self) -> NDArray[np.float64]:
        """SD of each random effect on the log scale, shape (E,)."""
        return np.array([e.spread for e in self.effects])

    def value(self, name: str, room: str = "parameters") -> float:
        """A number of the card in its canonical unit."""
        return self.numbers[room][name].value

    @property
    def residual(self) -> tuple[float, float]:
        """Residual error of a lab: proportional (1) and additive (nmol/L)."""
        return self.value("proportional", "residual"), self.value("additive", "residual")

    @property
    def assay_bias(self) -> float:
        """Prior CV of the bias of an unknown assay."""
        return self.value("assay_bias", "residual")


def load_card(name: str | Path | None = None) -> Card:
    """A card by its id, from a TOML file, or the default one.

    Raises
    ------
    UsageError
        No card of that id and no file of that name.
    KnowledgeError
        The card is incomplete; names file, place and what is missing.

    Examples
    --------
    >>> load_card("two-route-2026").value("cl25")  # L/d
    0.3672
    """
    wanted = DEFAULT if name is None else str(name)
    shipped = files("calcidiol.kinetics").joinpath("cards")
    if "/" not in wanted and shipped.joinpath(f"{wanted}.toml").is_file():
        return _shipped(wanted)
    path = Path(wanted)
    if path.suffix == ".toml" and path.is_file():
        return parse_card(path.read_text(encoding="utf-8"), str(path))
    raise UsageError(f"No model card {wanted!r}. Known: {', '.join(cards())}; or give the path of a .toml file.")


@cache
def _shipped(name: str) -> Card:
    text = files("calcidiol.kinetics").joinpath("cards", f"{name}.toml").read_text(encoding="utf-8")
    return parse_card(text, f"kinetics/cards/{name}.toml")


def default_card() -> Card:
    """The card that is used unless another is named."""
    return load_card(DEFAULT)


def cards() -> dict[str, Card]:
    """All shipped kinetic cards by id."""
    folder = files("calcidiol.kinetics").joinpath("cards")
    names = sorted(
        f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml") and not f.name.startswith("calcium")
    )
    return {name: _shipped(name) for name in names}


def parse_card(text: str, where: str) -> Card:
    """Read and check a card."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{where}: not a TOML file: {error}.") from None

    def fail(what: str) -> KnowledgeError:
        return KnowledgeError(f"{where}: {what}.")

    for key in ("id", "version", "structure", "title", "citation", "population"):
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            raise fail(f"{key!r} is missing or empty")
    if raw["structure"] not in STRUCTURES:
        raise fail(f"structure {raw['structure']!r} is unknown; it must be one of {', '.join(STRUCTURES)}")
    if not raw.get("known_failures"):
        raise fail("'known_failures' is empty; every model fails somewhere, say where")
    domain = raw.get("domain") or {}
    if not domain:
        raise fail("the domain is empty; say for whom the numbers hold")
    for name, box in domain.items():
        if not all(k in box for k in ("low", "high", "unit", "source", "tag")) or not box["low"] < box["high"]:
            raise fail(f"domain.{name} needs low < high, unit, source and tag")
    reference = raw.get("reference") or {}
    for name in REFERENCE:
        if not isinstance(reference.get(name), int | float):
            raise fail(f"reference.{name} is missing")
    numbers = {
        "parameters": _numbers(raw, "parameters", tuple(n for n in PARAMETERS if n not in _HILL), where, PARAMETERS),
        "residual": _numbers(raw, "residual", RESIDUAL, where),
        "covariates": _numbers(raw, "covariates", COVARIATES, where),
        "season": _numbers(raw, "season", SEASON, where),
        "metabolites": _numbers(raw, "metabolites", METABOLITES, where),
    }
    for name, neutral in _HILL.items():
        if raw["structure"] == "saturable-clearance" and name not in numbers["parameters"]:
            raise fail(f"parameters.{name} is missing; a saturable clearance needs it")
        numbers["parameters"].setdefault(name, Number(neutral, PARAMETERS[name], "not used: linear clearance", "P"))
    numbers["single_dose"] = _numbers(raw, "single_dose", (), where, PARAMETERS)
    numbers["between_studies"] = _numbers(raw, "between_studies", (), where)
    for name, number in numbers["parameters"].items():
        if number.value < 0:
            raise fail(f"parameters.{name} is negative")
    effects = []
    for name in EFFECTS:
        entry = raw.get("effects", {}).get(name)
        if not entry:
            raise fail(f"effects.{name} is missing")
        if not entry.get("source") or entry.get("tag") not in "VRPS" or not entry.get("acts_on"):
            raise fail(f"effects.{name} needs spread, acts_on, source and tag")
        spread = entry.get("spread")
        if not isinstance(spread, int | float) or not 0 < spread < 3:
            raise fail(f"effects.{name}.spread must be a log-scale SD between 0 and 3, not {spread!r}")
        unknown = [p for p in entry["acts_on"] if p not in PARAMETERS]
        if unknown:
            raise fail(f"effects.{name} acts on {unknown[0]!r}, which is no parameter")
        effects.append(Effect(name, float(spread), tuple(entry["acts_on"]), entry["source"], entry["tag"]))
    names, covariance = _covariance(raw, where)
    for name in names:
        if name not in numbers["parameters"] and name not in numbers["covariates"]:
            raise fail(f"posterior.names has {name!r}, which is no parameter and no covariate factor of the card")
    return Card(
        id=raw["id"],
        version=raw["version"],
        structure=raw["structure"],
        title=raw["title"],
        citation=raw["citation"],
        population=raw["population"],
        known_failures=tuple(raw["known_failures"]),
        domain=domain,
        reference={k: float(v) for k, v in reference.items()},
        numbers=numbers,
        effects=tuple(effects),
        population_effects=names,
        covariance=covariance,
    )


def _numbers(
    raw: Mapping[str, Any], room: str, needed: tuple[str, ...], where: str, canonical: Mapping[str, str] | None = None
) -> dict[str, Number]:
    table = raw.get(room, {})
    missing = [name for name in needed if name not in table]
    if missing:
        raise KnowledgeError(f"{where}: {room}.{missing[0]} is missing.")
    out: dict[str, Number] = {}
    for name, entry in table.items():
        if not isinstance(entry, Mapping):
            raise KnowledgeError(f"{where}: {room}.{name} must be a table with value, unit, source and tag.")
        lacking = [k for k in ("value", "unit", "source", "tag") if entry.get(k) in (None, "")]
        if lacking:
            raise KnowledgeError(f"{where}: {room}.{name} lacks {', '.join(lacking)}.")
        if entry["tag"] not in ("V", "R", "P", "S"):
            raise KnowledgeError(f"{where}: {room}.{name} has the tag {entry['tag']!r}; it must be V, R, P or S.")
        value = entry["value"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise KnowledgeError(f"{where}: {room}.{name} has the value {value!r}, which is no finite number.")
        if entry["unit"] == "pmol/L":
            unit, factor = "pmol/L", 1.0
        elif entry["unit"] in PER_DAY:
            unit, factor = PER_DAY[entry["unit"]]
        else:
            raise KnowledgeError(
                f"{where}: {room}.{name} has the unit {entry['unit']!r}; known are {', '.join(PER_DAY)} and pmol/L."
            )
        if canonical is not None:
            if name not in canonical:
                raise KnowledgeError(f"{where}: {room}.{name} is no parameter of the solver.")
            if unit != canonical[name]:
                raise KnowledgeError(f"{where}: {room}.{name} is in {entry['unit']}, but must be a {canonical[name]}.")
        out[name] = Number(float(value) * factor, unit, entry["source"], entry["tag"])
    return out


def _covariance(raw: Mapping[str, Any], where: str) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    table = raw.get("posterior")
    if not table:
        return (), np.zeros((0, 0))
    names = tuple(table.get("names", ()))
    matrix = np.array(table.get("covariance", ()), dtype=float)
    if matrix.shape != (len(names), len(names)) or not names:
        raise KnowledgeError(f"{where}: posterior.covariance must be square, one row for each of posterior.names.")
    if not np.allclose(matrix, matrix.T, atol=1e-12) or np.linalg.eigvalsh(matrix).min() <= 0:
        raise KnowledgeError(f"{where}: posterior.covariance is not positive definite.")
    return names, matrix
