"""What a person can be allergic to in a vitamin D product."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from calcidiol.terminology.negation import named
from calcidiol.terminology.table import load
from calcidiol.terminology.text import words

__all__ = ["excipient_ids", "excipients_of"]

_Row = tuple[str, tuple[str, ...], frozenset[str], tuple[str, ...], tuple[str, ...]]


@functools.cache
def _rows() -> tuple[_Row, ...]:
    return tuple(
        (
            id_,
            tuple(words(n) for n in row["names"]),
            frozenset(row["snomed"]),
            tuple(c.replace(".", "") for c in row["icd10"]),
            tuple(row["cross"]),
        )
        for id_, row in load("excipients.toml", "excipient").items()
    )


def excipient_ids() -> tuple[str, ...]:
    """All ids."""
    return tuple(row[0] for row in _rows())


def excipients_of(codes: Iterable[tuple[str, str]], text: str) -> tuple[str, ...]:
    """What has to be avoided by a person with this allergy, cross-reactions included.

    Examples
    --------
    >>> excipients_of([], "Peanut allergy")
    ('arachis', 'soya')
    >>> excipients_of([], "no known allergies")
    ()
    """
    plain, pairs = words(text), list(codes)
    snomed = {c for s, c in pairs if s == "snomed"}
    icd = [c.replace(".", "").upper() for s, c in pairs if s in ("icd10", "icd10cm")]
    found: set[str] = set()
    for id_, names, ids, prefixes, cross in _rows():
        if ids & snomed or any(c.startswith(prefixes) for c in icd if prefixes) or any(named(n, plain) for n in names):
            found |= {id_, *cross}
    return tuple(row[0] for row in _rows() if row[0] in found)
