"""A linear stand-in for the solver, so that the search can be tested against closed forms and in milliseconds.

25(OH)D = B + gain x (oral response) + gain_im x (depot response): one compartment with a half-life of 15 days, filled at
once by mouth and through a depot with a half-life of 45 days after an injection. Draws differ in B and in the gains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace

import numpy as np

from calcidiol.kinetics.events import Schedule

K = np.log(2.0) / 15.0
KIM = np.log(2.0) / 45.0


@dataclass(frozen=True)
class LinearState:
    """Carried over level above B and depot content, both already times the gain, nmol/L; (N,)."""

    level: np.ndarray
    depot: np.ndarray


def responses(schedule: Schedule, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level per unit of gain at `days`, oral and IM; a dose at the instant of a sample comes after it."""
    t = days[:, None] - schedule.time_d[None, :]
    after = t > 0
    t = np.where(after, t, 0.0)
    oral = np.where(after & (schedule.into != 1), np.exp(-K * t), 0.0) @ schedule.amount_nmol
    depot = KIM / (K - KIM) * (np.exp(-KIM * t) - np.exp(-K * t))
    im = np.where(after & (schedule.into == 1), depot, 0.0) @ schedule.amount_nmol
    return oral, im


def solve(
    card, parameters, schedules: Sequence[Schedule], times_d, *, origin_doy, pairing="cross", start=None, want=("level",),
    peak_from=0.0, t_start=None,
):  # fmt: skip
    """The call that the regimen room makes, for pairing="cross" and pairing="one"."""
    schedules = [schedules] if isinstance(schedules, Schedule) else list(schedules)
    times = np.asarray(times_d, dtype=float)
    last = float(times.max())
    grid = np.unique(np.concatenate([np.arange(0.0, last + 0.5), times]))
    here = np.searchsorted(grid, times)
    base, gain, gain_im = np.asarray(parameters).T[:3]
    n = len(base)
    carried = start or LinearState(np.zeros(n), np.zeros(n))
    drift = carried.level[:, None] * np.exp(-K * grid) + carried.depot[:, None] * KIM / (K - KIM) * (
        np.exp(-KIM * grid) - np.exp(-K * grid)
    )
    level, peak = np.empty((len(schedules), n, len(times))), np.empty((len(schedules), n))
    for k, schedule in enumerate(schedules):
        oral, im = responses(schedule, grid)
        full = base[:, None] + drift + gain[:, None] * oral + gain_im[:, None] * im
        level[k], peak[k] = full[:, here], full.max(axis=1)
    s = schedules[0]
    used = s.time_d < last
    im_depot = np.sum(np.where((s.into == 1) & used, s.amount_nmol * np.exp(-KIM * (last - s.time_d)), 0.0))
    end = LinearState(level[0, :, -1] - base, carried.depot * np.exp(-KIM * last) + gain_im * im_depot)
    if pairing == "one":
        level, peak = level[0], peak[0]
    return SimpleNamespace(level=level, peak=peak, state=end, status=np.zeros(n, dtype=np.int8))


class LinearPatient:
    """An individual whose draws are known: B and the gains log-normal around given medians."""

    def __init__(
        self, base: float = 35.0, gain: float = 0.006, *, on: date = date(2026, 11, 21), cv: float = 0.25,
        carried: float = 0.0, depot: float = 0.0, weight_kg: float = 70.0, ess: float = 4000.0, gain_im: float | None = None,
    ) -> None:  # fmt: skip
        self.card = SimpleNamespace(residual=(0.10, 2.0))
        self.on, self.ess, self.cv = on, ess, cv
        self.base, self.gain, self.gain_im = base, gain, gain * 1.2 if gain_im is None else gain_im
        self.carried, self.depot = carried, depot
        self.covariates = SimpleNamespace(weight_kg=np.full(5, weight_kg))

    def resample(self, n: int, seed: int) -> SimpleNamespace:
        """Draws (N, 3) and the state on day 0."""
        z = np.random.default_rng(seed).standard_normal((3, n))
        parameters = np.column_stack([m * np.exp(self.cv * e) for m, e in zip((self.base, self.gain, self.gain_im), z, strict=True)])
        state = LinearState(np.full(n, self.carried), np.full(n, self.depot))
        return SimpleNamespace(parameters=parameters, state=state, weights=np.full(n, 1.0 / n))
