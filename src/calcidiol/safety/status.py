"""What a 25(OH)D is called, by scheme: the words differ between societies, so none is built in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.errors import KnowledgeError, UsageError
from calcidiol.safety.rulefile import TAGS

FILE = "safety/schemes.toml"
DEFAULT = "project"
_EDGES = ("severe_below", "deficient_below", "insufficient_below", "high_above")
CLASSES = ("severe", "deficient", "insufficient", "sufficient", "high")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Classes of one society, nmol/L; a class that it does not have is None. `target` is its range."""

    id: str
    name: str
    severe_below: float | None
    deficient_below: float | None
    insufficient_below: float | None
    high_above: float | None
    target: tuple[float, float] | None
    source: str
    tag: str

    def classify(self, level_nmol_per_l: float) -> str | None:
        """``"severe"``, ``"deficient"``, ``"insufficient"``, ``"sufficient"`` or ``"high"``; None without thresholds.

        Examples
        --------
        >>> schemes()["ES2011"].classify(49.9), schemes()["ES2011"].classify(50.0)
        ('deficient', 'insufficient')
        """
        if self.deficient_below is None:
            return None
        if self.high_above is not None and level_nmol_per_l > self.high_above:
            return "high"
        for name in ("severe", "deficient", "insufficient"):
            edge = getattr(self, f"{name}_below")
            if edge is not None and level_nmol_per_l < edge:
                return name
        return "sufficient"


@cache
def schemes() -> dict[str, Scheme]:
    """All schemes by id, ours first."""
    text = files("calcidiol.safety").joinpath("schemes.toml").read_text("utf-8")
    return read_schemes(tomllib.loads(text).get("scheme", {}))


def read_schemes(table: Mapping[str, Any]) -> dict[str, Scheme]:
    """Schemes from a parsed table, checked; a fault is a KnowledgeError that names the scheme."""
    return {id_: _one(id_, row) for id_, row in table.items()}


def _one(id_: str, row: Mapping[str, Any]) -> Scheme:
    edges = [row[k] for k in _EDGES if k in row]
    if not row.get("name") or not row.get("source") or row.get("tag") not in TAGS:
        raise KnowledgeError(f"{FILE}: [scheme.{id_}] needs name, source and tag.")
    if unknown := sorted(set(row) - {*_EDGES, "name", "source", "tag", "target"}):
        raise KnowledgeError(f"{FILE}: [scheme.{id_}] has the unknown key {unknown[0]!r}.")
    if edges != sorted(edges):
        raise KnowledgeError(f"{FILE}: [scheme.{id_}]: the edges {edges} do not rise.")
    target = row.get("target")
    return Scheme(
        id=id_,
        name=row["name"],
        severe_below=row.get("severe_below"),
        deficient_below=row.get("deficient_below"),
        insufficient_below=row.get("insufficient_below"),
        high_above=row.get("high_above"),
        target=None if target is None else (float(target[0]), float(target[1])),
        source=row["source"],
        tag=row["tag"],
    )


def classify(level_nmol_per_l: float, scheme: str = DEFAULT) -> str | None:
    """Class of a level in a scheme by id; None where the scheme has no thresholds.

    Raises
    ------
    UsageError
        When there is no such scheme.

    Examples
    --------
    >>> classify(24.9), classify(30.0), classify(60.0), classify(100.0), classify(126.0)
    ('severe', 'deficient', 'insufficient', 'sufficient', 'high')
    """
    known = schemes()
    if scheme not in known:
        raise UsageError(f"There is no status scheme {scheme!r}; known: {', '.join(known)}.")
    return known[scheme].classify(level_nmol_per_l)
