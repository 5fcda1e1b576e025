"""CTCAE grades of calcium, by version. A version that was not seen is refused.

Versions 4.03, 5.0 and 6.0 have the same numbers for calcium (4.03 and 5.0: project notes on safety 2.1, V; 6.0:
laboratory grading criteria of pharmaverse/admiral, ncictcaev6.json, V). Grades 2 to 4 also have clinical words
(symptomatic, hospital care, life-threatening); only the numbers are graded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from calcidiol.errors import UsageError
from calcidiol.patient.record import Patient
from calcidiol.safety.facts import Facts
from calcidiol.safety.rulebook import knowledge

Kind = Literal["corrected", "ionized"]

_HIGH = {"corrected": (2.9, 3.1, 3.4), "ionized": (1.5, 1.6, 1.8)}
_LOW = {"corrected": (2.0, 1.75, 1.5), "ionized": (1.0, 0.9, 0.8)}
_NUMBERS = {"4.03": (_HIGH, _LOW), "5.0": (_HIGH, _LOW), "6.0": (_HIGH, _LOW)}

VERSIONS = tuple(_NUMBERS)


def _table(version: str) -> tuple[dict[str, tuple[float, float, float]], dict[str, tuple[float, float, float]]]:
    if version not in _NUMBERS:
        raise UsageError(f"CTCAE version {version!r} is not known here; known are {', '.join(VERSIONS)}.")
    return _NUMBERS[version]


def hypercalcemia(value: float, upper_limit: float, kind: Kind = "corrected", version: str = "5.0") -> int:
    """Grade 0 to 4 of a high calcium.

    Parameters
    ----------
    value, upper_limit
        Calcium and the laboratory's upper limit, mmol/L.
    kind
        ``"corrected"`` (for albumin) or ``"ionized"``.
    version
        CTCAE version.

    Examples
    --------
    >>> hypercalcemia(2.9, 2.6), hypercalcemia(2.91, 2.6), hypercalcemia(3.5, 2.6)
    (1, 2, 4)

    References
    ----------
    NCI Common Terminology Criteria for Adverse Events 5.0 (2017), investigations: hypercalcemia.
    """
    if value <= upper_limit:
        return 0
    return 1 + sum(value > edge for edge in _table(version)[0][kind])


def hypocalcemia(value: float, lower_limit: float, kind: Kind = "corrected", version: str = "5.0") -> int:
    """Grade 0 to 4 of a low calcium; arguments as for `hypercalcemia`.

    Examples
    --------
    >>> hypocalcemia(2.1, 2.15), hypocalcemia(1.9, 2.15), hypocalcemia(1.4, 2.15)
    (1, 2, 4)
    """
    if value >= lower_limit:
        return 0
    return 1 + sum(value < edge for edge in _table(version)[1][kind])


@dataclass(frozen=True, slots=True)
class CalciumGrade:
    """The worst grade of the newest calcium: `term` is ``"hypercalcemia"``, ``"hypocalcemia"`` or ``"none"``.

    `value` (mmol/L) is the one that decides, `kind` how it was measured, `when` its day.
    """

    version: str
    term: Literal["hypercalcemia", "hypocalcemia", "none"]
    grade: int
    kind: Kind
    value: float
    when: date


def calcium_grade(patient: Patient, on: date, version: str = "5.0") -> CalciumGrade | None:
    """The CTCAE grade of the newest calcium on a day; None when there is none.

    Total (plain and corrected) and ionized calcium are graded apart, with the laboratory's own limits, and the worse
    decides; of a result like ">3.0" its known end.

    Raises
    ------
    UsageError
        A version that is not known.
    """
    _table(version)
    facts = Facts(patient, on, knowledge().numbers)
    found: list[CalciumGrade] = []
    kinds: tuple[tuple[str, Kind], ...] = (("calcium", "corrected"), ("calcium_ionized", "ionized"))
    for name, kind in kinds:
        for x in facts.of(name):
            assert x.when is not None
            value = x.lo if x.lo > 0.0 else x.hi
            high = 0 if x.high is None else hypercalcemia(value, x.high, kind, version)
            low = 0 if x.low is None else hypocalcemia(value, x.low, kind, version)
            term: Literal["hypercalcemia", "hypocalcemia", "none"] = (
                "hypercalcemia" if high else "hypocalcemia" if low else "none"
            )
            found.append(CalciumGrade(version, term, max(high, low), kind, value, x.when))
    return max(found, key=lambda g: g.grade, default=None)
