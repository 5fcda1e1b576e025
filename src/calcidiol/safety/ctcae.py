"""CTCAE grades of calcium. Versions 4.03 and 5.0 have the same numbers; a version that was not seen is refused."""

from __future__ import annotations

from typing import Literal

from calcidiol.errors import UsageError

Kind = Literal["corrected", "ionized"]

_HIGH = {"corrected": (2.9, 3.1, 3.4), "ionized": (1.5, 1.6, 1.8)}
_LOW = {"corrected": (2.0, 1.75, 1.5), "ionized": (1.0, 0.9, 0.8)}
_NUMBERS = {"4.03": (_HIGH, _LOW), "5.0": (_HIGH, _LOW)}

VERSIONS = tuple(_NUMBERS)


def _table(version: str) -> tuple[dict[str, tuple[float, float, float]], dict[str, tuple[float, float, float]]]:
    if version not in _NUMBERS:
        raise UsageError(
            f"CTCAE version {version!r} is not known here; known are {', '.join(VERSIONS)} (6.0 was not seen by us)."
        )
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
