"""One solver for everything: N parameter sets, one schedule, a schedule each, or many schedules for all of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calcidiol.errors import UsageError
from calcidiol.kinetics.card import Card
from calcidiol.kinetics.events import Schedule
from calcidiol.kinetics.layout import NAMES, ROW, STATES
from calcidiol.kinetics.steady import YEAR_D, constant

Floats = NDArray[np.float64]
LONG_AGO_D = 1e6
OK, INFEASIBLE, NOT_FINITE = 0, 1, 2
"""Status of a lane: solved; its parameters have no steady state; it left the finite numbers above zero."""

LONGEST_D, LONGEST_HILL_D = 12.0, 8.0
"""Longest step at an accuracy of 1e-3 (d): of a linear and of a saturable clearance."""
SHORTEST_D, FACTOR, STEEPNESS = 0.012, 0.68, 0.302
"""Shortest step that is ever needed at an accuracy of 1e-3 (d; proportional to it), the factor of the power law of the
steps at 1e-3 (d^0.25), and its power of the accuracy (which all of these go by)."""
PACE_IM = 2.5
"""The time since an injection counts this much more in the power law: what still flows in keeps D3 from bending."""
CAP_ORAL_D, GROWTH_ORAL = 0.33, 1.0
CAP_IM_D, GROWTH_IM, GROWTH_IM_HILL = 1.2, 1.5, 1.0
CAP_25_D, GROWTH_25 = 0.22, 0.8
"""Longest step right after a dose by mouth, an injection and a dose of calcifediol, and its growth with the time since,
at 1e-3. All these figures are tag S: chosen so that the largest error of 25(OH)D over 10,000 points of the box of each
card stays below the accuracy asked, from 1e-2 to 1e-6 (validation/kinetics/box.json has what was found)."""
FAST_DEPOT_PER_D = 0.1
"""An injected depot that empties faster than this is followed like a dose by mouth (tag P)."""
SINGLE = 2.5e-4
"""Best accuracy of steps in single precision (tag S: validation/kinetics/box.json)."""
SHORT_CYCLE = 2e-4
"""From this accuracy on eight points of the year are enough for the cycle before the first dose: at most 5e-5 of
25(OH)D off over the box of the cards (tag S)."""


@dataclass(frozen=True, slots=True)
class State:
    """Where each lane stands at a time: `values` (8, N) in the order of `layout.STATES`."""

    values: Floats
    time_d: float

    def take(self, lanes: NDArray[np.int64]) -> State:
        """The state of these lanes (they may repeat)."""
        return State(self.values[:, lanes], self.time_d)


@dataclass(frozen=True, slots=True)
class Solution:
    """What was asked for. With ``pairing="cross"`` each array has a leading axis over the schedules.

    Parameters
    ----------
    times_d
        Output times (M,).
    level
        25(OH)D, nmol/L, (N, M).
    peak
        Largest level at any step from `peak_from` on, (N,).
    status
        (N,), see `OK`, `INFEASIBLE`, `NOT_FINITE`; a lane that is not OK holds NaN.
    d3
        D3, nmol/L, (N, M), when wanted.
    state
        State at the last time, when wanted (not for "cross").
    """

    times_d: Floats
    level: Floats
    peak: Floats
    status: NDArray[np.int8]
    d3: Floats | None = None
    state: State | None = None


def solve(
    card: Card,
    parameters: Floats,
    schedule: Schedule | Sequence[Schedule],
    times_d: ArrayLike,
    *,
    origin_doy: float = 0.0,
    pairing: Literal["one", "each", "cross"] = "one",
    start: State | None = None,
    want: Sequence[str] = ("level",),
    peak_from: float | None = None,
    accuracy: float = 1e-3,
    single: bool = False,
    out: Floats | None = None,
) -> Solution:
    """Solve the card's equations.

    Parameters
    ----------
    card
        Says which structure is solved.
    parameters
        (N, P) from `individual_parameters`.
    schedule
        One schedule for all lanes (``"one"``), one for each lane (``"each"``), or K that every lane gets (``"cross"``).
    times_d
        Output times, days from the origin, rising; at equal times the sample is read before the dose.
    origin_doy
        Day of the year of day 0, for the season.
    start
        State to go on from, at its own time; otherwise the periodic steady state before the first event.
    want
        Any of ``"level"``, ``"d3"``, ``"state"``.
    peak_from
        The peak counts from this day; default the first output time.
    accuracy
        Aimed largest relative error of 25(OH)D, 1e-7 to 1e-2.
    single
        Take the steps in single precision, for cohorts and bands of many people: about 0.6 of the time. Not below an
        accuracy of 2.5e-4, and not where levels are subtracted from each other (derivatives by differences).
    out
        Array (M, N), for "cross" (K, M, N), into which the levels are written instead of a fresh one; not for "each".
        `level` is then a view of it.

    Raises
    ------
    UsageError
        Shapes or times that do not fit.

    Examples
    --------
    >>> from calcidiol.kinetics import Covariates, Schedule, individual_parameters, load_card, solve
    >>> card = load_card("two-route-2026")
    >>> p = individual_parameters(card, Covariates.reference(card))
    >>> daily = Schedule.of((day, 65.0, 0) for day in range(180))
    >>> round(float(solve(card, p, daily, [180.0]).level[0, 0]), 1)
    85.2
    """
    times = np.ascontiguousarray(np.atleast_1d(np.asarray(times_d, dtype=np.float64)))
    schedules = [schedule] if isinstance(schedule, Schedule) else list(schedule)
    n = _check(parameters, times, schedules, pairing, start, accuracy)
    if single and accuracy < SINGLE:
        raise UsageError(f"accuracy is {accuracy!r}; single precision reaches {SINGLE:g} at best.")
    plan_all, run, *_ = _kernel()
    params, feasible = _feasible(parameters)
    phase = params[:, ROW["season_phase_d"]] * (2.0 * np.pi / YEAR_D)
    wave = np.stack([np.cos(phase), np.sin(phase)])
    values, begin = _initial(params, feasible, wave, times, schedules, origin_doy, start, card, accuracy)
    wave *= params[:, ROW["season_amplitude"]]
    lane_from, schedule_from, order = np.array([0, n]), np.array([0, len(schedules)]), None
    if pairing == "each":
        # Lanes that share a schedule go through it together.
        number = {id(s): i for i, s in reversed(list(enumerate(schedules)))}
        firsts, which = np.unique([number[id(s)] for s in schedules], return_inverse=True)
        order = np.argsort(which, kind="stable") if (np.diff(which) < 0).any() else None
        lane_from = np.concatenate(([0], np.cumsum(np.bincount(which, minlength=len(firsts)))))
        schedules = [schedules[i] for i in firsts]
        schedule_from = np.arange(len(schedules) + 1)
        if order is not None:
            params, values, wave = params[order], values[:, order], wave[:, order]
    event_d = np.concatenate([s.time_d for s in schedules])
    event_nmol = np.concatenate([s.amount_nmol for s in schedules])
    event_into = np.concatenate([s.into for s in schedules]).astype(np.int64)
    event_from = np.concatenate(([0], np.cumsum([len(s) for s in schedules]))).astype(np.int64)
    control = _pace(card, params, values if start is not None else None, accuracy)
    saturable = True if card.structure == "saturable-clearance" else None
    plan, base, step_from = plan_all(event_d, event_nmol, event_into, event_from, times, begin, "d3" in want, control)
    # Equal gaps share their coefficients; base 0 stays the whole day.
    gap_base, gap_of = np.unique(np.append(1.0, base), return_inverse=True)
    day = int(gap_of[0])
    place = np.argsort(np.arange(len(gap_base)) != day, kind="stable")
    gap_base, gap_of = gap_base[place], np.argsort(place)[gap_of[1:]]
    rows = len(schedules) if pairing == "cross" else 1
    level = _room(out, rows, len(times), n, pairing)
    d3 = np.empty((rows, len(times), n) if "d3" in want else (1, 1, 1))
    peak, low = np.empty((rows, n)), np.empty((rows, n))
    final = np.empty((rows, 8, n) if "state" in want else (0, 8, n))
    run(
        saturable, True if single else None, np.empty(0, np.float32 if single else np.float64), params,
        np.ascontiguousarray(values), np.ascontiguousarray(wave), lane_from.astype(np.int64),
        schedule_from.astype(np.int64), event_d, event_nmol, event_into, event_from, plan, gap_base, gap_of, step_from,
        times, begin, float(origin_doy), float(times[0] if peak_from is None else peak_from), peak_from is not None,
        "d3" in want, level, d3, peak, low, final,
    )  # fmt: skip
    if order is not None:
        back = np.argsort(order)
        level, peak, low, final = level[:, :, back], peak[:, back], low[:, back], final[:, :, back]
        d3 = d3[:, :, back] if "d3" in want else d3
    # The kernel writes lanes side by side; the caller reads lanes first.
    level, d3 = level.transpose(0, 2, 1), d3.transpose(0, 2, 1)
    # A comparison with NaN is false, so that one test finds both: a level that is no number, or not above zero (a lane
    # whose conversion is too fast for the steps; far outside the box of any card).
    finite = (low > 0).all(axis=0) & np.isfinite(peak).all(axis=0) & np.isfinite(final).all(axis=(0, 1))
    status = np.where(~feasible, INFEASIBLE, np.where(finite, OK, NOT_FINITE)).astype(np.int8)
    bad = status != OK
    if bad.any():
        level[:, bad] = np.nan
        peak[:, bad] = np.nan
        final[:, :, bad] = np.nan
    cross = pairing == "cross"
    return Solution(
        times_d=times,
        level=level if cross else level[0],
        peak=peak if cross else peak[0],
        status=status,
        d3=(d3 if cross else d3[0]) if "d3" in want else None,
        state=State(final[0], float(times[-1])) if "state" in want else None,
    )


def _room(out: Floats | None, rows: int, times: int, n: int, pairing: str) -> Floats:
    """Where the levels go: fresh memory, or what the caller gave."""
    if out is None:
        return np.empty((rows, times, n))
    wanted = (rows, times, n) if pairing == "cross" else (times, n)
    if pairing == "each" or out.shape != wanted or out.dtype != np.float64 or not out.flags.c_contiguous:
        raise UsageError(
            f"out has the shape {out.shape} and the type {out.dtype}; needed is a contiguous float64 array {wanted}, "
            "and another pairing than 'each'."
        )
    return out.reshape(rows, times, n)


def _pace(card: Card, parameters: Floats, going_on: Floats | None, accuracy: float) -> tuple[float, ...]:
    """What the plan of steps goes by (`steps.plan_all`)."""
    loose = accuracy / 1e-3
    scale = loose**STEEPNESS
    saturable = card.structure == "saturable-clearance"
    longest, growth_im = (LONGEST_HILL_D, GROWTH_IM_HILL) if saturable else (LONGEST_D, GROWTH_IM)
    half = card.value("km") * card.value("v1") if card.value("vmax") > 0 else np.inf
    # Depots of the lanes may empty faster than the card's: up to three spreads are as usual, more is rare and costs. So
    # the steps of a lane do not depend on its company.
    kim, usual = card.value("kim"), np.exp(dict(zip(card.random_effects, card.spreads, strict=True)).get("depot", 0.0))
    fastest = max((float(parameters[:, ROW[k]].max(initial=0.0)) for k in ("kim", "kim_slow")), default=0.0)
    kim *= max(usual**1.5, (fastest / kim) ** 3 / usual**8) if kim > 0 else 1.0
    cap_im, pace_im = CAP_IM_D, PACE_IM
    if fastest > FAST_DEPOT_PER_D:
        cap_im, growth_im, pace_im = CAP_ORAL_D, GROWTH_ORAL, 1.0
    held = (0.0, 0.0, 0.0)
    if going_on is not None and going_on.shape[1]:
        held = (float(going_on[0].max()), float(going_on[[1, 2]].max()), float(going_on[3].max()))
    return (
        longest * scale, SHORTEST_D * loose, FACTOR * scale, pace_im, CAP_ORAL_D * scale, GROWTH_ORAL * scale,
        cap_im * scale, growth_im * scale, CAP_25_D * scale, GROWTH_25 * scale, card.value("ka"),
        kim, (card.value("clo") + card.value("clh") + card.value("q")) / card.value("v1"), half, *held,
    )  # fmt: skip


def _check(
    parameters: Floats, times: Floats, schedules: list[Schedule], pairing: str, start: State | None, accuracy: float
) -> int:
    if parameters.ndim != 2 or parameters.shape[1] != len(NAMES):
        raise UsageError(f"parameters have the shape {parameters.shape}; needed is (N, {len(NAMES)}).")
    n = int(parameters.shape[0])
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all() or (np.diff(times) < 0).any():
        raise UsageError("times_d must be finite, rising and not empty.")
    if pairing not in ("one", "each", "cross"):
        raise UsageError(f"pairing is {pairing!r}; it must be 'one', 'each' or 'cross'.")
    wanted = {"one": 1, "each": n}.get(pairing)
    if wanted is not None and len(schedules) != wanted:
        raise UsageError(f"{len(schedules)} schedules were given with pairing {pairing!r}; needed: {wanted}.")
    if start is not None and start.values.shape != (len(STATES), n):
        raise UsageError(f"the start state has the shape {start.values.shape}; needed is ({len(STATES)}, {n}).")
    if start is not None and times[0] < start.time_d - 1e-9:
        raise UsageError(f"the first output (day {times[0]:g}) lies before the start state (day {start.time_d:g}).")
    if not 1e-7 <= accuracy <= 1e-2:
        raise UsageError(f"accuracy is {accuracy!r}; it must lie between 1e-7 and 1e-2.")
    return n


def _feasible(parameters: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Parameters that can be solved, and which were; those of the other lanes are ones."""
    positive = [ROW[k] for k in ("v1", "v2", "v25", "v25p", "km", "clh", "untreated", "hill_c50")]
    params = np.ascontiguousarray(parameters, dtype=np.float64)
    if len(params) and params.min() >= 0 and params.max() < np.inf and all(params[:, i].min() > 0 for i in positive):
        return params, np.ones(len(params), dtype=bool)
    feasible = np.asarray((np.isfinite(params) & (params >= 0)).all(axis=1))
    feasible &= (params[:, positive] > 0).all(axis=1)
    return np.where(feasible[:, None], params, 1.0), feasible


def _initial(
    params: Floats, feasible: NDArray[np.bool_], wave: Floats, times: Floats, schedules: list[Schedule],
    origin_doy: float, start: State | None, card: Card, accuracy: float,
) -> tuple[Floats, float]:  # fmt: skip
    """State rows (10, N; then the mean input and the untreated D3) and first time; drops lanes that have no start."""
    firsts = [float(s.time_d[0]) for s in schedules if len(s)]
    values = np.zeros((10, len(params)))
    values[9], values[8] = constant(params)
    if start is None:
        begin = min([float(times[0]), *firsts])
        *_, short, whole = _kernel()
        if card.structure == "linear-clearance" and accuracy >= SHORT_CYCLE:
            short(params, values[9], values[8], wave, origin_doy + begin, 0.01 * accuracy, values)
        else:
            whole(np.ascontiguousarray(params.T), values[9], values[8], origin_doy + begin, values)
    else:
        begin = start.time_d
        early = [t for t in firsts if t < begin - 1e-9]
        if early:
            raise UsageError(f"a dose on day {early[0]:g} lies before the start state (day {begin:g}).")
        values[:8] = start.values
    feasible &= np.asarray(np.isfinite(values).all(axis=0))
    values[:, ~feasible] = 1.0
    return values, begin


@cache
def _kernel() -> tuple[Any, Any, Any, Any]:
    """The compiled kernel; numba is imported here, once, with a cache folder that can be written."""
    _writable_cache()
    from calcidiol.kinetics import cycle, kernel, steps, yearly

    return steps.plan_all, kernel.run, cycle.cycle, yearly.cycle


def _writable_cache() -> None:
    """numba refuses to run where it cannot write its cache: give it a folder before it is imported."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    here = Path(__file__).parent / "__pycache__"
    try:
        here.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=here):
            return
    except OSError:
        pass
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calcidiol"
    for folder in (home, Path(tempfile.gettempdir()) / f"calcidiol-{os.getuid() if hasattr(os, 'getuid') else 0}"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder):
                os.environ["NUMBA_CACHE_DIR"] = str(folder)
                return
        except OSError:
            continue
