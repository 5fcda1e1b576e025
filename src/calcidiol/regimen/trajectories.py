"""Many regimens on many draws, quickly: what they share is solved once, and daily doses become a steady input.

A dose taken every day by mouth acts on 25(OH)D as if it were spread over the day: the level differs by less than 0.1 %
on average and 0.7 % at worst from the fourth week on (tests/regimen/test_trajectories.py). A steady input needs steps
of days instead of hours, and it needs no new equation: the model's own input from skin and food is raised by it, with
the season's swing kept as it was. All other doses stay events.

Plans are cut where the input changes. Pieces that several plans have in common are solved once, pieces that differ only
in the input run side by side as lanes of one call, and the last pieces with events run as one "cross" call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics.events import ORAL, Regimen, Schedule, compartment

Array = NDArray[np.float64]
Pairing = Literal["one", "cross"]
SPREAD_FROM = 7
"""A run of at least this many daily doses is spread; shorter ones stay events."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Doses as the fast solver reads them: steady oral inputs (from day, to day, nmol a day) and single events."""

    inputs: tuple[tuple[float, float, float], ...]
    events: Schedule

    @staticmethod
    def of(runs: Sequence[tuple[NDArray[np.float64], float, float, int]], until_d: float) -> Plan:
        """From runs (days of the doses, days between them, nmol, compartment), doses on or after `until_d` left out."""
        inputs, times, amounts, into = [], [], [], []
        for days, every, nmol, where in runs:
            kept = days[days < until_d]
            if every == 1.0 and where == ORAL and len(days) >= SPREAD_FROM and len(kept):
                inputs.append((float(kept[0]), min(float(kept[-1]) + 1.0, until_d), nmol))
            elif len(kept):
                times.append(kept)
                amounts.append(np.full(len(kept), nmol))
                into.append(np.full(len(kept), where, dtype=np.int64))
        if not times:
            return Plan(tuple(inputs), Schedule(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)))
        time, amount, where_to = np.concatenate(times), np.concatenate(amounts), np.concatenate(into)
        order = np.argsort(time, kind="stable")
        return Plan(tuple(inputs), Schedule(time[order], amount[order], where_to[order]))


def plan_of(regimen: Regimen, on: date, until_d: float) -> Plan:
    """The plan of a regimen, days counted from `on`."""
    return Plan.of(
        [
            (run.days(on), run.every_days, run.amount_nmol, compartment(run.substance, run.route))
            for run in regimen.runs
        ],
        until_d,
    )


@dataclass(frozen=True, slots=True)
class Draws:
    """Equally likely draws of the patient on day 0.

    Parameters
    ----------
    card
        Model card.
    parameters
        (N, P), as the solver takes them.
    state
        What is in the body on day 0, all past doses included.
    origin_doy
        Day of the year of day 0.
    effective
        How many independent draws these are worth (no more than N).
    bias
        Log bias of the method of the next result, (N,): of the newest one, or unknown and drawn.
    """

    card: Any
    parameters: Array
    state: Any
    origin_doy: float
    effective: float
    bias: Array

    def __len__(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True, slots=True)
class Course:
    """Trajectories of K regimens on N draws: level at whole weeks, (K, N, W) nmol/L, and the running peak, (K, N)."""

    weeks: NDArray[np.int64]
    level: Array
    peak: Array

    def at(self, week: int) -> Array:
        """Levels at one week, (K, N)."""
        return self.level[:, :, int(np.searchsorted(self.weeks, week))]

    def one(self, i: int) -> Course:
        """The i-th regimen alone."""
        return Course(self.weeks, self.level[i : i + 1], self.peak[i : i + 1])


def course(these: Draws, plans: Sequence[Plan], weeks: NDArray[np.int64], *, accuracy: float = 1e-3) -> Course:
    """Follow every plan on every draw.

    Parameters
    ----------
    these
        Draws.
    plans
        K plans; days counted from day 0.
    weeks
        Whole weeks of the output, rising, the first one 0.
    accuracy
        Aimed relative error of the solver.

    Returns
    -------
    Course
        The peak runs from day 0 to the last week.
    """
    out = Course(weeks, np.empty((len(plans), len(these), len(weeks))), np.zeros((len(plans), len(these))))
    solver = _Solver(these, np.asarray(weeks, dtype=np.float64) * 7.0, accuracy, {})
    end = float(weeks[-1] * 7.0)
    nodes = [_Node(0.0, these.state, list(range(len(plans))))]
    pieces = [_cut(plan, end) for plan in plans]
    depth = 0
    while nodes:
        nodes = solver.step(nodes, pieces, depth, end, out)
        depth += 1
    return out


def advance(these: Draws, schedule: Schedule, day: int) -> tuple[Array, Draws]:
    """Follow one regimen to a day: the level there, (N,), and the same draws with that day as day 0.

    A dose due on the day itself is not yet given (a sample is drawn first).
    """
    from calcidiol.kinetics import solve

    kept = schedule.time_d < day
    before = Schedule(schedule.time_d[kept], schedule.amount_nmol[kept], schedule.into[kept])
    solution = solve(
        these.card, these.parameters, before, np.array([float(day)]),
        origin_doy=these.origin_doy, pairing="one", start=these.state, want=("level", "state"),
    )  # fmt: skip
    there = replace(solution.state, time_d=0.0)  # type: ignore[type-var]
    return solution.level[:, 0], replace(these, state=there, origin_doy=these.origin_doy + day)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Doses between two days: a steady input and events. `key` tells equal pieces."""

    to_d: float
    rate: float
    events: Schedule
    key: tuple[float, float, bytes]


@dataclass(frozen=True, slots=True)
class _Node:
    """Draws at a day, after the pieces that its plans have in common."""

    day: float
    state: Any
    plans: list[int]


def _cut(plan: Plan, end: float) -> list[_Piece]:
    edges = sorted({end, *(t for a, b, _ in plan.inputs for t in (a, b) if 0.0 < t < end)})
    pieces, begin = [], 0.0
    for edge in edges:
        rate = sum(nmol for a, b, nmol in plan.inputs if a <= begin < b)
        i, j = np.searchsorted(plan.events.time_d, (begin, edge))
        part = Schedule(plan.events.time_d[i:j], plan.events.amount_nmol[i:j], plan.events.into[i:j])
        key = (edge, rate, part.time_d.tobytes() + part.amount_nmol.tobytes() + part.into.tobytes())
        pieces.append(_Piece(edge, rate, part, key))
        begin = edge
    return pieces


@dataclass(frozen=True)
class _Solver:
    these: Draws
    days: Array
    accuracy: float
    raised: dict[float, Array]

    def step(self, nodes: list[_Node], pieces: list[list[_Piece]], depth: int, end: float, out: Course) -> list[_Node]:
        """Solve the next piece of every plan; the nodes that are not at the end yet."""
        steady: dict[tuple[float, float], list[tuple[_Node, _Piece, list[int]]]] = {}
        last: dict[tuple[int, float], list[tuple[_Node, _Piece, list[int]]]] = {}
        single: list[tuple[_Node, _Piece, list[int]]] = []
        for number, node in enumerate(nodes):
            children: dict[tuple[float, float, bytes], list[int]] = {}
            for k in node.plans:
                children.setdefault(pieces[k][depth].key, []).append(k)
            for plans in children.values():
                piece = pieces[plans[0]][depth]
                if not len(piece.events):
                    steady.setdefault((node.day, piece.to_d), []).append((node, piece, plans))
                elif piece.to_d >= end:
                    last.setdefault((number, piece.rate), []).append((node, piece, plans))
                else:
                    single.append((node, piece, plans))
        made: list[_Node] = []
        for (_, to_d), group in steady.items():
            made += self._side_by_side(group, to_d, end, out)
        for group in last.values():
            self._cross(group, out)
        for task in single:
            made += self._one(task, out)
        return made

    def _side_by_side(
        self, group: list[tuple[_Node, _Piece, list[int]]], to_d: float, end: float, out: Course
    ) -> list[_Node]:
        n = len(self.these)
        parameters = np.concatenate([self._raised(piece.rate) for _, piece, _ in group])
        values = np.concatenate([node.state.values for node, _, _ in group], axis=1)
        day = group[0][0].day
        start = replace(group[0][0].state, values=values, time_d=day)
        nothing = group[0][1].events
        solved = self._solve(parameters, nothing, day, to_d, start, "one")
        made = []
        for i, (_, _, plans) in enumerate(group):
            lanes = slice(i * n, (i + 1) * n)
            self._put(out, plans, day, to_d, solved.level[lanes], solved.peak[lanes])
            if to_d < end:
                state = replace(solved.state, values=np.ascontiguousarray(solved.state.values[:, lanes]))
                made.append(_Node(to_d, state, plans))
        return made

    def _cross(self, group: list[tuple[_Node, _Piece, list[int]]], out: Course) -> None:
        node, piece, _ = group[0]
        start = replace(node.state, time_d=node.day)
        solved = self._solve(
            self._raised(piece.rate), [p.events for _, p, _ in group], node.day, piece.to_d, start, "cross"
        )
        for i, (_, _, plans) in enumerate(group):
            self._put(out, plans, node.day, piece.to_d, solved.level[i], solved.peak[i])

    def _one(self, task: tuple[_Node, _Piece, list[int]], out: Course) -> list[_Node]:
        node, piece, plans = task
        start = replace(node.state, time_d=node.day)
        solved = self._solve(self._raised(piece.rate), piece.events, node.day, piece.to_d, start, "one")
        self._put(out, plans, node.day, piece.to_d, solved.level, solved.peak)
        return [_Node(piece.to_d, solved.state, plans)]

    def _solve(self, parameters: Array, events: Any, day: float, to_d: float, start: Any, pairing: Pairing) -> Any:
        from calcidiol.kinetics import solve

        inner = self.days[(self.days >= day) & (self.days < to_d)]
        return solve(
            self.these.card, parameters, events, np.append(inner, to_d), origin_doy=self.these.origin_doy,
            pairing=pairing, start=start, want=("level",) if pairing == "cross" else ("level", "state"),
            peak_from=day, accuracy=self.accuracy,
        )  # type: ignore[call-overload, arg-type, unused-ignore]  # fmt: skip

    def _put(self, out: Course, plans: list[int], day: float, to_d: float, level: Array, peak: Array) -> None:
        columns = np.flatnonzero((self.days >= day) & (self.days <= to_d))
        for k in plans:
            out.level[k][:, columns] = level[:, : len(columns)]
            np.maximum(out.peak[k], peak, out=out.peak[k])

    def _raised(self, rate: float) -> Array:
        """The parameters with the input raised by `rate` nmol a day taken by mouth."""
        if rate not in self.raised:
            self.raised[rate] = with_input(self.these.parameters, rate) if rate else self.these.parameters
        return self.raised[rate]


def with_input(parameters: Array, nmol_per_d: float) -> Array:
    """Parameters under which the model's own input is higher by an oral intake of `nmol_per_d`, its season unchanged.

    The input is not a parameter: it follows from the untreated level. So the level is found that the raised input would
    hold, and the relative swing of the season is lowered so that the absolute swing stays. A start state must be given
    to the solver, since the state before the first event would follow the raised level.
    """
    from calcidiol.kinetics.layout import ROW
    from calcidiol.kinetics.steady import clearance_25, constant

    p = parameters

    def col(name: str) -> Array:
        return p[:, ROW[name]]

    before = constant(p)[1]
    after = before + nmol_per_d * col("f_oral")
    linear = col("clo") + col("clh")
    b = linear * col("km") + col("vmax") - after
    c1 = (np.sqrt(b * b + 4.0 * linear * after * col("km")) - b) / (2.0 * linear)
    formed = after - col("clo") * c1
    if np.any(col("hill_clmax") > 0.0):
        low, high = np.zeros(len(p)), np.full(len(p), 1e5)
        for _ in range(60):
            middle = 0.5 * (low + high)
            under = clearance_25(p, middle) * middle < formed
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        level = 0.5 * (low + high)
    else:
        level = formed / col("cl25")
    raised = p.copy()
    raised[:, ROW["untreated"]] = level
    raised[:, ROW["season_amplitude"]] = col("season_amplitude") * before / after
    return raised
