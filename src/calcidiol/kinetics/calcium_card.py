"""The calcium card: published constants, two couplings, and how the model is used."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.errors import KnowledgeError

FILE = "calcium-2026.toml"
_START = (
    "pth_pmol", "gland_pool", "gland_capacity", "calcitriol_pmol", "hydroxylase", "calcium_mmol", "gut_calcium_mmol",
    "gut_effect", "gut_phosphate_mmol", "phosphate_mmol", "cell_phosphate_mmol",
)  # fmt: skip
_SECTIONS: dict[str, tuple[str, ...]] = {
    "start": _START,
    "published": ("volume_l", "gfr_l_per_h", "oral_calcium_mmol_per_d"),
    "shared": (
        "d0_nmol_per_l", "k_dbp_25", "k_alb_25", "k_dbp_125", "k_alb_125", "dbp_mol_per_l", "albumin_g_per_l",
        "albumin_molar_mass", "feedback_from_mmol_per_l", "feedback_scale_mmol_per_l",
    ),
    "use": (
        "flat_below_nmol_per_l", "half_interval_mmol_per_l", "spread_of_rise", "thiazide_urine", "widen_mmol_per_l",
        "alpha",
    ),
}  # fmt: skip
COUPLING = ("rho", "er", "h", "xr", "g", "tau_h", "km_nmol_per_l", "s")
"""Parameters of a coupling, in the order of the kernel."""


@dataclass(frozen=True, slots=True)
class CalciumCard:
    """Numbers of the calcium model by section; `couplings` are the parameter sets that are carried side by side."""

    id: str
    version: str
    citation: str
    population: str
    not_published: str
    no_basis: tuple[str, ...]
    start: Mapping[str, float]
    published: Mapping[str, float]
    shared: Mapping[str, float]
    use: Mapping[str, float]
    couplings: Mapping[str, tuple[float, ...]]
    tags: Mapping[str, str]


@cache
def calcium_card() -> CalciumCard:
    """The shipped card."""
    return parse_calcium_card(files("calcidiol.kinetics").joinpath(f"cards/{FILE}").read_text("utf-8"), f"cards/{FILE}")


def parse_calcium_card(text: str, where: str) -> CalciumCard:
    """Read and check a card.

    Raises
    ------
    KnowledgeError
        A section or number is missing, or no number; the message names file, section and key.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{where}: not a TOML file: {error}.") from None
    sections = {name: _numbers(raw.get(name), keys, f"{where}: [{name}]") for name, keys in _SECTIONS.items()}
    couplings = raw.get("coupling")
    if not isinstance(couplings, dict) or len(couplings) < 2:
        raise KnowledgeError(f"{where}: at least two tables [coupling.<name>] are needed: both are carried.")
    for key in ("id", "version", "citation", "population", "not_published", "no_basis"):
        if not raw.get(key):
            raise KnowledgeError(f"{where}: {key!r} is missing.")
    return CalciumCard(
        id=raw["id"],
        version=raw["version"],
        citation=raw["citation"],
        population=raw["population"],
        not_published=raw["not_published"],
        no_basis=tuple(raw["no_basis"]),
        couplings={
            name: tuple(_numbers(row, COUPLING, f"{where}: [coupling.{name}]").values())
            for name, row in couplings.items()
        },
        tags={name: raw[name]["tag"] for name in _SECTIONS},
        **sections,
    )


def _numbers(row: Any, keys: tuple[str, ...], where: str) -> dict[str, float]:
    if not isinstance(row, dict) or row.get("tag") not in ("V", "R", "P", "S") or not row.get("source"):
        raise KnowledgeError(f"{where} needs numbers with a 'source' and a 'tag' (V, R, P or S).")
    found = {}
    for key in keys:
        value = row.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            raise KnowledgeError(f"{where}: {key!r} is {value!r}, a number above 0 is needed.")
        found[key] = float(value)
    return found
