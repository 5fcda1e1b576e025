"""When to measure 25(OH)D next: the date whose result would shrink the forecast's uncertainty most.

A level soon after an injection says little: the depot is still emptying, and a low value then is no reason for another
dose. Such dates are not offered. For the others the gain is computed on the draws of this patient under the chosen
regimen; it differs between patients.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError
from calcidiol.kinetics.events import Regimen
from calcidiol.regimen.results import Candidates, Reason, told
from calcidiol.regimen.score import Noise
from calcidiol.safety.rulebook import knowledge

WEEKS = tuple(range(2, 17))
TARGET_WEEKS = (12, 26)
WORTH_WAITING = 0.9
"""A date that is due anyway is taken when it gains at least this share of the best date (P)."""


def depot_shows_d() -> int:
    """Days for which a level does not yet show an injection (safety, window.level_shows_depot)."""
    return knowledge().numbers.days("level_shows_depot")


@dataclass(frozen=True, slots=True)
class NextSample:
    """The next 25(OH)D.

    Parameters
    ----------
    on, day
        Date, and days from the start.
    shrinks
        Mean share, 0 to 1, by which its result is expected to shrink the variance of the (log) level in the weeks 12 to
        26 that follow it.
    by_day
        The same for each date looked at, days from the start.
    left_out
        Dates that were not offered, with the reason.
    reasons
        Why this date.
    """

    on: date
    day: int
    shrinks: float
    by_day: dict[int, float]
    left_out: dict[int, Reason]
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "on": self.on.isoformat(),
            "day": self.day,
            "shrinks": self.shrinks,
            "by_day": {str(k): v for k, v in self.by_day.items()},
            "left_out": [{"day": k, "text_id": i, "params": dict(p)} for k, (i, p) in self.left_out.items()],
            "reasons": told(self.reasons),
        }


def next_sample(
    found: Candidates,
    on: date,
    noise: Noise,
    *,
    weeks: Sequence[int] = WEEKS,
    due: Collection[date] = (),
    avoid: Collection[date] = (),
    given: Sequence[tuple[float, float]] = (),
    needed: date | None = None,
) -> NextSample:
    """Choose the date of the next 25(OH)D under the chosen regimen.

    Parameters
    ----------
    found
        Result of the search; the draws and the course of its best regimen are used.
    on
        Day 0.
    noise
        Error of a laboratory result around the level.
    weeks
        Weeks from day 0 to look at.
    due, avoid
        Blood draws that are due anyway (one of them is taken when it gains nearly as much), and dates that do not fit
        (nadirs).
    given
        Injections before day 0, as (days from day 0, IU); a level must not be read too soon after them either.
    needed
        Day on which safety wants a 25(OH)D before a later dose: no later date is offered, and it is itself, whatever
        it tells.

    Raises
    ------
    UsageError
        No week is given, or one lies outside 1 to 52.
    """
    last = int(found.draws_weeks[-1])
    if not weeks or min(weeks) < 1 or max(weeks) > last:
        raise UsageError(f"The next sample is looked for in weeks 1 to {last}; got {list(weeks)}.")
    level = np.log(np.maximum(found.course_of(found.best).level[0], 0.1))
    bias = found.draws.bias
    regimen = found.best.regimen
    days = {7 * w for w in weeks}
    days |= {(d - on).days for d in due if 7 * min(weeks) <= (d - on).days <= 7 * max(weeks)}
    gains: dict[int, float] = {}
    left_out: dict[int, Reason] = {}
    if needed is not None:
        must = (needed - on).days
        days = {d for d in days if d < must}
        gains[must] = _gain(level, bias, must, noise)
    for day in sorted(days):
        if on + timedelta(days=day) in avoid:
            left_out[day] = ("sample.left_out.avoid", {})
        elif (since := _since_injection(regimen, on, day, given)) is not None:
            left_out[day] = ("sample.left_out.depot", {"days": since, "needed": depot_shows_d()})
        else:
            gains[day] = _gain(level, bias, day, noise)
    reasons: list[Reason] = []
    if not gains:
        day = max(days)
        gains[day] = _gain(level, bias, day, noise)
        reasons.append(("sample.no_good_date", {}))
    best = max(gains, key=lambda d: (gains[d], -d))
    fitting = {d: g for d, g in gains.items() if on + timedelta(days=d) in due and g >= WORTH_WAITING * gains[best]}
    if fitting:
        best = max(fitting, key=lambda d: (fitting[d], -d))
        reasons.append(("sample.due_anyway", {"day": best}))
    elif needed is not None and best == (needed - on).days:
        reasons.append(("sample.needed", {"on": needed.isoformat()}))
    else:
        reasons.append(("sample.most_information", {"shrinks": gains[best], "week": best / 7.0}))
    return NextSample(on + timedelta(days=best), best, gains[best], gains, left_out, tuple(reasons))


def _gain(level: NDArray[np.float64], bias: NDArray[np.float64], day: int, noise: Noise) -> float:
    """Mean share of the variance of the later log level that a result on `day` explains.

    The best linear guess of a log level from a noisy log result removes the squared correlation of its variance; weeks
    before the sample gain nothing, since nothing can be decided for them any more.
    """
    first, last = TARGET_WEEKS
    sample = _at(level, day / 7.0) + bias
    noisy = float(np.var(sample) + np.mean(noise.log_sd(np.exp(sample)) ** 2))
    weeks = np.arange(first, min(last, level.shape[1] - 1) + 1)
    later = level[:, weeks]
    covariance = np.mean((sample - sample.mean())[:, None] * (later - later.mean(axis=0)), axis=0)
    spread = np.maximum(np.var(later, axis=0), 1e-12)
    share = np.where(weeks * 7.0 > day, covariance**2 / (noisy * spread), 0.0)
    return float(np.mean(share))


def _at(level: NDArray[np.float64], week: float) -> NDArray[np.float64]:
    i = min(int(week), level.shape[1] - 1)
    j = min(i + 1, level.shape[1] - 1)
    here: NDArray[np.float64] = level[:, i] + (week - i) * (level[:, j] - level[:, i])
    return here


def _since_injection(regimen: Regimen, on: date, day: int, given: Sequence[tuple[float, float]]) -> float | None:
    """Days since the last injection when they are too few; None when a level may be read (a trough always may)."""
    planned = [float(t) for run in regimen.runs if run.route == "im" for t in run.days(on)]
    before = [t for t in (*planned, *(t for t, _ in given)) if t < day]
    if not before or day in planned:
        return None
    since = day - max(before)
    return since if since < depot_shows_d() else None
