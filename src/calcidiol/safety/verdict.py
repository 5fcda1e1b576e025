"""What safety says: limits before the search, a verdict after it.

A rule's action is read as in `docs/architecture.md`: STOP and HOLD take away (all routes: refused; a route or a
product: reduced), ALT prefers another route (reduced), WARN lets pass with the warning (allowed).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from calcidiol.kinetics.events import Regimen

Action = Literal["STOP", "HOLD", "ALT", "WARN"]
Status = Literal["allowed", "reduced", "refused"]


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that applies to this patient.

    `scope` is ``"all"``, ``"im"``, ``"oral"``, ``"product:<id>"`` or ``"single_dose"``; `params` fill the text
    `text_id`; `lifted_by` is the id of the text that says what would lift it, `permitted` of what stays permissible.
    """

    id: str
    action: Action
    scope: str
    text_id: str
    params: dict[str, object] = field(default_factory=dict)
    source: str = ""
    tag: str = "P"
    version_date: str = ""
    lifted_by: str = ""
    permitted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What this patient allows, computed before any regimen is looked at.

    `routes` are the routes left; `preferred_route` is set by ALT. IU limits are for cholecalciferol and ergocalciferol.
    `im_from` is the first day on which an injection may be given. `ceiling_nmol_per_l` caps the forecast level.
    """

    routes: tuple[str, ...]
    products: tuple[str, ...]
    largest_single_iu: float
    total_90d_iu: float
    total_365d_iu: float
    im_from: date | None
    ceiling_nmol_per_l: float
    preferred_route: str | None = None
    daily_only: bool = False
    fired: tuple[Fired, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether nothing may be given."""
        return not self.routes or not self.products


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer on one regimen. `regimen` is what may be given: the same, a lower one, or None when refused."""

    status: Status
    rules: tuple[Fired, ...]
    regimen: Regimen | None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A drug interaction found in the record: advice, or a moved parameter (`moves`: name -> factor)."""

    id: str
    drug: str
    effect_id: str
    source: str
    tag: str
    level: Literal["major", "moderate", "minor"]
    params: dict[str, object] = field(default_factory=dict)
    moves: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonitorItem:
    """A check that the plan asks for: what, when, why (`rule` is the id of the rule behind it)."""

    on: date
    labs: tuple[str, ...]
    reason_id: str
    rule: str
    source: str
    tag: str
    params: dict[str, object] = field(default_factory=dict)
    mandatory: bool = True
