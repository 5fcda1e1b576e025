"""What could be given: loads and maintenances from real products, inside the limits of this patient.

A candidate is light (two phases and a duration); it becomes a `Regimen` when somebody needs its doses and a `Plan` when
the solver does. Two candidates that give the same doses up to a day share their trajectory up to that day.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import KnowledgeError
from calcidiol.kinetics.events import DoseRun, Regimen, Route, Substance, compartment
from calcidiol.quantity import iu_to_nmol, ug_to_nmol
from calcidiol.regimen.goals import Goal
from calcidiol.regimen.text import dose_run, format
from calcidiol.regimen.trajectories import Plan
from calcidiol.safety.checkpoint import checkable
from calcidiol.safety.exposure import IU_PER_UG_CALCIFEDIOL, counted_iu
from calcidiol.safety.rulebook import knowledge
from calcidiol.safety.verdict import Limits
from calcidiol.terminology.product import Product, choose

FILE = "regimen/candidates.toml"
YEAR_D, QUARTER_D = 365, 90


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of `candidates.toml`, unfolded into single phases, with the house limits of safety."""

    durations_d: tuple[int, ...]
    largest_90d_iu: float
    largest_365d_iu: float
    wait_days: float
    wait_iu: float
    loads: tuple[tuple[Substance, Route, float, int, int], ...]
    maintenances: tuple[tuple[Substance, Route, float, int], ...]

    def wait(self, iu: float) -> float:
        """Days to wait after an injection of `iu` before the next injection."""
        return self.wait_days * iu / self.wait_iu


@dataclass(frozen=True)
class Phase:
    """Equal doses of one product, `every_d` whole days apart; `count` 0 means until the duration ends."""

    product: Product
    substance: Substance
    route: Route
    amount: float
    every_d: int
    count: int
    iu: float
    """IU that one dose counts for (`safety.exposure.counted_iu`; calcifediol counts too)."""

    @cached_property
    def nmol(self) -> float:
        """One dose in nmol of the substance."""
        if self.product.strength_unit == "ug":
            return ug_to_nmol(self.amount, self.substance)
        return iu_to_nmol(self.amount, self.substance)


@dataclass(frozen=True)
class Candidate:
    """A load (or None), then a maintenance (or None), up to `duration_d`; days counted from the start."""

    load: Phase | None
    load_from_d: int
    maintenance: Phase | None
    maintenance_from_d: int
    duration_d: int

    def phases(self) -> Iterator[tuple[Phase, NDArray[np.int64]]]:
        """Each phase with the days of its doses."""
        if self.load is not None:
            yield self.load, self.load_from_d + self.load.every_d * np.arange(self.load.count)
        if self.maintenance is not None:
            days = np.arange(self.maintenance_from_d, self.duration_d, self.maintenance.every_d)
            if len(days):
                yield self.maintenance, days

    @property
    def visits(self) -> int:
        """Clinic visits for injections."""
        return sum(len(days) for phase, days in self.phases() if phase.route == "im")

    @property
    def burden_iu(self) -> float:
        """IU that all doses count for."""
        return sum(len(days) * phase.iu for phase, days in self.phases())

    def plan(self, until_d: float) -> Plan:
        """The doses before `until_d` as the fast solver reads them."""
        return Plan.of(
            [
                (days.astype(np.float64), float(phase.every_d), phase.nmol, compartment(phase.substance, phase.route))
                for phase, days in self.phases()
            ],
            until_d,
        )

    def key(self, until_d: int) -> tuple[object, ...]:
        """What the body sees before `until_d`: equal keys have equal trajectories."""
        return tuple(
            (phase.substance, phase.route, phase.amount, int(days[0]), phase.every_d if n > 1 else 0, n)
            for phase, days in self.phases()
            if (n := int(np.count_nonzero(days < until_d)))
        )

    def regimen(self, start: date, products: Mapping[str, Product]) -> Regimen:
        """The same doses as a regimen from `start`, named by its text."""
        runs: list[DoseRun] = []
        for phase, days in self.phases():
            first = start + timedelta(days=int(days[0]))
            runs.append(
                dose_run(
                    phase.product, phase.substance, phase.route, phase.amount, phase.product.strength_unit,
                    first, float(phase.every_d), len(days),
                )
            )  # fmt: skip
        made = Regimen("", tuple(runs))
        return Regimen(format(made, start, products), made.runs)


NONE = Candidate(None, 0, None, 0, 0)
"""No vitamin D now: always a candidate, and it may win."""


@cache
def grid() -> Grid:
    """The shipped grid."""
    return load_grid(_table())


@cache
def policy_grid() -> Grid:
    """The reduced grid of the policy table."""
    table = _table()
    return load_grid(table | table["policy"], f"{FILE} [policy]")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("calcidiol.regimen").joinpath("candidates.toml").read_text(encoding="utf-8"))


def load_grid(table: Mapping[str, Any], where: str = FILE) -> Grid:
    """A grid from a parsed TOML table; a missing or odd value is a KnowledgeError that names it.

    The house limits come from `safety/numbers.toml`.
    """
    house = knowledge().numbers
    try:
        return Grid(
            durations_d=tuple(int(x) for x in table["durations_d"]),
            largest_90d_iu=house["largest_90d_iu"],
            largest_365d_iu=house["largest_365d_iu"],
            wait_days=house["wait_days"],
            wait_iu=house["wait_per_iu"],
            loads=tuple(
                (row.get("substance", "cholecalciferol"), row["route"], float(a), int(row["every_d"]), int(n))
                for row in table["load"]
                for a in row["amount"]
                for n in row["count"]
            ),
            maintenances=tuple(
                (row.get("substance", "cholecalciferol"), row["route"], float(a), int(e))
                for row in table["maintenance"]
                for a in row["amount"]
                for e in row["every_d"]
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(f"{where}: {type(error).__name__} {error} while reading the grid.") from None


def generate(
    limits: Limits,
    goal: Goal,
    products: Mapping[str, Product],
    on: date,
    *,
    routes: Sequence[str] | None = None,
    durations_d: Sequence[int] | None = None,
    shape: Grid | None = None,
) -> list[Candidate]:
    """All candidates of the grid that this patient's limits allow, "no vitamin D now" first.

    Parameters
    ----------
    limits
        Routes, products, largest single dose, totals, first day of an injection (`safety.limits`).
    goal
        Which substances may be proposed.
    products
        Product table; only products in `limits.products` that the search may propose are used.
    on
        Day 0.
    routes
        Only these routes (`--route`), inside those of the limits.
    durations_d, shape
        Other durations, or another grid, than the shipped ones.

    Returns
    -------
    list of Candidate
        In the order of the grid: the same limits give the same list.
    """
    shape = shape or grid()
    allowed = [r for r in limits.routes if routes is None or r in routes]
    table = {k: products[k] for k in products if k in set(limits.products) and products[k].search}
    make = _Maker(limits, goal, table, allowed, shape)
    loads = [None, *(p for spec in shape.loads if (p := make.phase(*spec)) is not None)]
    keeps = [None, *(p for spec in shape.maintenances if (p := make.phase(*spec, 0)) is not None)]
    wait = 0 if limits.im_from is None else max((limits.im_from - on).days, 0)
    lengths = tuple(sorted(durations_d or shape.durations_d))
    pairs = [
        pair
        for load in loads
        for keep in keeps
        if _fits(load, keep) and (pair := list(_with_durations(load, keep, wait, shape, lengths)))
    ]
    return [NONE, *(_within_totals(pairs, limits, shape) if pairs else ())]


@dataclass(frozen=True)
class _Maker:
    limits: Limits
    goal: Goal
    table: Mapping[str, Product]
    routes: Sequence[str]
    shape: Grid

    def phase(self, substance: Substance, route: Route, amount: float, every_d: int, count: int) -> Phase | None:
        """The phase if this patient may have it, else None."""
        if route not in self.routes or substance not in self.goal.substances:
            return None
        if self.limits.daily_only and every_d != 1:
            return None
        unit = "ug" if substance == "calcifediol" else "[iU]"
        iu = amount * IU_PER_UG_CALCIFEDIOL if unit == "ug" else amount
        if iu > self.limits.largest_single_iu:
            return None
        if route == "im" and count != 1 and every_d < self.shape.wait(iu) - 1e-9:
            return None
        product = choose(self.table, substance, route, amount, unit, 0.0 if count == 1 else every_d)
        if product is None:
            return None
        return Phase(product, substance, route, amount, every_d, count, iu)


def _fits(load: Phase | None, keep: Phase | None) -> bool:
    """Whether a maintenance may follow a load: nobody who was loaded by mouth is moved to injections (P)."""
    if load is None or keep is None:
        return load is not keep
    return load.route == "im" or keep.route == "oral"


def _with_durations(
    load: Phase | None, keep: Phase | None, wait_d: int, shape: Grid, durations_d: Iterable[int]
) -> Iterator[Candidate]:
    begin = wait_d if load is not None and load.route == "im" else 0
    after = begin
    if load is not None:
        last = begin + load.every_d * (load.count - 1)
        gap = load.every_d if load.count > 1 else (keep.every_d if keep is not None else 1)
        if keep is not None and keep.route == "im" and load.route == "im":
            gap = max(gap, int(np.ceil(shape.wait(load.iu) - 1e-9)))
        after = last + gap
    if keep is not None and keep.route == "im":
        after = max(after, wait_d)
    if keep is None:
        yield Candidate(load, begin, None, after, after)
        return
    doses = 0
    for duration in durations_d:
        more = -(-(duration - after) // keep.every_d)
        if more > doses:  # a longer duration without a further dose is the same regimen
            doses = more
            yield Candidate(load, begin, keep, after, duration)


def counted(run: DoseRun) -> float:
    """IU that one dose of a run counts for."""
    return counted_iu(run.iu, run.amount_nmol, run.substance)


def iu_by_day(
    found: Sequence[Candidate], days: int = YEAR_D, routes: Sequence[str] = ("oral", "im")
) -> NDArray[np.float32]:
    """Planned IU of each candidate on each day by these routes, (K, days)."""
    told = np.zeros((len(found), days), dtype=np.float32)  # IU are whole numbers below 2**24: exact
    for row, candidate in zip(told, found, strict=True):
        if (load := candidate.load) is not None and load.route in routes:
            row[candidate.load_from_d : candidate.load_from_d + load.every_d * load.count : load.every_d] += load.iu
        if (keep := candidate.maintenance) is not None and keep.route in routes:
            row[candidate.maintenance_from_d : candidate.duration_d : keep.every_d] += keep.iu
    return told


def _within_totals(pairs: Sequence[Sequence[Candidate]], limits: Limits, shape: Grid) -> Iterator[Candidate]:
    """Keep what stays inside the totals. The candidates of a pair differ only in duration, the longest last.

    Any 90 days are looked at in the longest one: the shorter ones give the same doses up to their end. A total of 90
    days may be passed where a 25(OH)D can be planned before it (`safety.checkpoint`).
    """
    longest = [pair[-1] for pair in pairs]
    oral, depot = iu_by_day(longest, routes=("oral",)), iu_by_day(longest, routes=("im",))
    calm = checkable(oral, depot, limits.total_90d_iu)
    summed = np.zeros((len(pairs), YEAR_D + 1), dtype=np.float32)
    np.cumsum(oral + depot, axis=1, out=summed[:, 1:])
    year = min(limits.total_365d_iu, shape.largest_365d_iu)
    for pair, row, ok in zip(pairs, summed, calm, strict=True):
        if ok:
            yield from (c for c in pair if row[min(max(c.duration_d, 1), YEAR_D)] <= year)


def _planned(regimen: Regimen, on: date) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """IU of a regimen on each day of a year from `on`, (1, days) by mouth and (1, days) as a depot."""
    told = {"oral": np.zeros((1, YEAR_D), dtype=np.float32), "im": np.zeros((1, YEAR_D), dtype=np.float32)}
    for run in regimen.runs:
        days = run.days(on).astype(np.int64)
        np.add.at(told[run.route][0], days[(days >= 0) & (days < YEAR_D)], counted(run))
    return told["oral"], told["im"]


def outside(
    regimen: Regimen, limits: Limits, products: Mapping[str, Product], on: date
) -> tuple[tuple[str, dict[str, object]], ...]:
    """Which limits a regimen breaks, as (id, parameters); empty when it stays inside.

    For named protocols and regimens typed by hand; candidates are made inside the limits.
    """
    shape = grid()
    told: list[tuple[str, dict[str, object]]] = []
    doses = sorted((float(t), i) for i, run in enumerate(regimen.runs) for t in run.days(on))
    for run in regimen.runs:
        product = products.get(run.product)
        if run.route not in limits.routes:
            told.append(("outside.route", {"route": run.route}))
        if product is None or run.product not in limits.products or not product.gives(run.amount):
            told.append(("outside.product", {"product": run.product, "amount": run.amount, "unit": run.unit}))
        if (iu := counted(run)) > limits.largest_single_iu:
            told.append(("outside.single_dose", {"iu": iu, "limit": limits.largest_single_iu}))
        if limits.daily_only and (run.count == 1 or run.every_days > 1.0):
            told.append(("outside.daily_only", {"every_days": run.every_days}))
    days = np.array([t for t, _ in doses])
    summed = np.concatenate([[0.0], np.cumsum([counted(regimen.runs[i]) for _, i in doses])])
    if len(days):
        if not checkable(*_planned(regimen, on), limits.total_90d_iu)[0]:
            rolling = float(np.max(summed[np.searchsorted(days, days + QUARTER_D)] - summed[:-1]))
            told.append(("outside.total_90d", {"iu": rolling, "limit": min(limits.total_90d_iu, shape.largest_90d_iu)}))
        year = float(np.max(summed[np.searchsorted(days, days + YEAR_D)] - summed[:-1]))
        limit = min(limits.total_365d_iu, shape.largest_365d_iu)
        if year > limit:
            told.append(("outside.total_365d", {"iu": year, "limit": limit}))
    im = [(t, counted(regimen.runs[i])) for t, i in doses if regimen.runs[i].route == "im"]
    if im and limits.im_from is not None and on + timedelta(days=int(im[0][0])) < limits.im_from:
        told.append(("outside.im_wait", {"from": limits.im_from.isoformat()}))
    for (a, dose), (b, _) in pairwise(im):
        if b - a < shape.wait(dose) - 1e-6:
            told.append(("outside.im_interval", {"days": b - a, "needed": shape.wait(dose), "iu": dose}))
            break
    return tuple(told)
