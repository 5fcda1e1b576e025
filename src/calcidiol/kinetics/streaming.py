"""Any number of people in the memory of a few: block after block through the solver, one array of levels for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calcidiol.kinetics.card import Card
from calcidiol.kinetics.events import Schedule
from calcidiol.kinetics.solving import Solution, solve

BLOCK = 640
"""People of a block (tag S: of 192 to 2,112, 576 to 832 were the fastest, by up to a tenth)."""


def stream(
    card: Card,
    parameters: NDArray[np.float64],
    schedule: Schedule,
    times_d: ArrayLike,
    *,
    block: int = BLOCK,
    **options: Any,
) -> Iterator[tuple[slice, Solution]]:
    """Solve block by block; gives the rows of each block and its solution.

    Parameters
    ----------
    card, parameters, schedule, times_d
        As for `solve`, with one schedule for everybody.
    block
        People at a time.
    options
        What else `solve` takes, but for `pairing`, `start` and `out`.

    Yields
    ------
    rows, solution
        The levels of a solution are overwritten by the next block: take what is needed of them first.

    Examples
    --------
    >>> from calcidiol.kinetics import Covariates, Schedule, default_card, individual_parameters
    >>> card = default_card()
    >>> p = individual_parameters(card, Covariates.reference(card, 3000))
    >>> monthly = Schedule.of((28.0 * k, 6500.0, 1) for k in range(6))
    >>> above = sum(int((s.level[:, -1] > 75).sum()) for _, s in stream(card, p, monthly, [0.0, 168.0]))
    >>> above in (0, 3000)
    True
    """
    times = np.atleast_1d(np.asarray(times_d, dtype=np.float64))
    room = np.empty(len(times) * min(block, len(parameters)))
    for first in range(0, len(parameters), block):
        rows = slice(first, min(first + block, len(parameters)))
        n = rows.stop - rows.start
        out = room[: len(times) * n].reshape(len(times), n)
        yield rows, solve(card, parameters[rows], schedule, times, out=out, **options)
