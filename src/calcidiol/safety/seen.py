"""One value as far as it is known: a number, or the interval that a "<" or ">" leaves, with its reference limits.

Comparisons have four answers, in the order of alarm. A rule fires on POSSIBLE as on TRUE: what is not known for certain
is judged on the unsafe side. MISSING never fires; that a value is missing is a rule of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

FALSE, MISSING, POSSIBLE, TRUE = 0, 1, 2, 3
"""Answers of a condition; `and` is the least, `or` the greatest."""

DIGITS = 9
"""Decimals kept of computed values, so that 2.3 + 0.02 x 15 is 2.6 and not a little more."""


def opposite(answer: int) -> int:
    """The answer to `not`: TRUE and FALSE change places, POSSIBLE stays, and what is missing is not so: TRUE.

    So "has a diagnosis and not calcium > high" fires also where no calcium is known: the unsafe side.
    """
    return {TRUE: FALSE, POSSIBLE: POSSIBLE}.get(answer, TRUE)


@dataclass(frozen=True, slots=True)
class Seen:
    """A value between `lo` and `hi` (equal when it is known), in the canonical unit of its field.

    Parameters
    ----------
    lo, hi, lo_open, hi_open
        The interval, and whether its ends are excluded (a result "<10" is 0 to 10, 10 excluded).
    when
        Day of the result; None for what has no day (age).
    low, high
        Reference limits that apply to this value.
    how
        Where it comes from: ``"measured"``, ``"corrected"``, ``"ckd-epi"`` ...
    """

    lo: float
    hi: float
    when: date | None = None
    low: float | None = None
    high: float | None = None
    lo_open: bool = False
    hi_open: bool = False
    how: str = "measured"

    @staticmethod
    def of(
        value: float,
        comparator: str = "",
        when: date | None = None,
        low: float | None = None,
        high: float | None = None,
        how: str = "measured",
    ) -> Seen:
        """A result as the laboratory wrote it.

        Examples
        --------
        >>> Seen.of(10.0, "<").hi_open
        True
        """
        if comparator in ("<", "<="):
            return Seen(0.0, value, when, low, high, False, comparator == "<", how)
        if comparator in (">", ">="):
            return Seen(value, math.inf, when, low, high, comparator == ">", False, how)
        return Seen(value, value, when, low, high, False, False, how)

    @property
    def exact(self) -> bool:
        """Whether the value is known and not only bounded."""
        return self.lo == self.hi

    @property
    def shown(self) -> float | str:
        """The value for the words: a number, or ``"<10"``, ``">150"``, ``"5 to 7"``."""
        if self.exact:
            return tidy(self.lo)
        if self.hi == math.inf:
            return f"{'>' if self.lo_open else '>='}{plain(self.lo)}"
        if self.lo == 0.0:
            return f"{'<' if self.hi_open else '<='}{plain(self.hi)}"
        return f"{plain(self.lo)} to {plain(self.hi)}"

    def above(self, limit: float) -> int:
        """Answer to `value > limit`."""
        if self.lo > limit or (self.lo == limit and self.lo_open):
            return TRUE
        return FALSE if self.hi <= limit else POSSIBLE

    def at_least(self, limit: float) -> int:
        """Answer to `value >= limit`."""
        if self.lo >= limit:
            return TRUE
        return FALSE if self.hi < limit or (self.hi == limit and self.hi_open) else POSSIBLE

    def below(self, limit: float) -> int:
        """Answer to `value < limit`."""
        return opposite(self.at_least(limit))

    def at_most(self, limit: float) -> int:
        """Answer to `value <= limit`."""
        return opposite(self.above(limit))


COMPARE: dict[str, Callable[[Seen, float], int]] = {
    ">": Seen.above,
    ">=": Seen.at_least,
    "<": Seen.below,
    "<=": Seen.at_most,
}
"""The comparisons of the rule language."""


def tidy(value: float) -> float:
    """Four significant digits for values below 10,000, whole numbers above: how a value is shown."""
    return float(f"{value:.4g}") if abs(value) < 1e4 else float(round(value))


def plain(value: float, limit: float | None = None) -> str:
    """A number as a sentence shows it: three significant digits, more where fewer would look like the limit.

    Examples
    --------
    >>> plain(80.0438), plain(2.604, 2.60), plain(350_000.0), plain(2.6, 2.6), plain(0.874)
    ('80', '2.604', '350,000', '2.6', '0.874')
    """
    for digits in (3, 4, 5, 6, 9):
        shown = float(f"{value:.{digits}g}")
        if limit is None or shown != limit or value == limit:
            break
    return f"{shown:,.0f}" if abs(shown) >= 1e4 else f"{shown:.10g}"
