"""Routes of administration: by SNOMED CT code, HL7 v3 code or name."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from calcidiol.terminology.table import load
from calcidiol.terminology.text import key, words

__all__ = ["route_by_code", "route_by_name", "route_in_text"]


@functools.cache
def _tables() -> tuple[dict[str, str], dict[str, str], tuple[tuple[str, str], ...]]:
    codes: dict[str, str] = {}
    names: dict[str, str] = {}
    phrases: list[tuple[str, str]] = []
    for id_, row in load("routes.toml", "route").items():
        codes |= dict.fromkeys((*row["snomed"], *row["hl7"]), id_)
        names |= dict.fromkeys((key(n) for n in (id_, *row["names"])), id_)
        phrases += [(words(n), id_) for n in row["names"]]
    return codes, names, tuple(sorted(phrases, key=lambda p: -len(p[0])))


def route_by_code(codes: Iterable[str]) -> str | None:
    """The route of the first known code."""
    return next((_tables()[0][c] for c in codes if c in _tables()[0]), None)


def route_by_name(text: str) -> str | None:
    """The route that a name means.

    Examples
    --------
    >>> route_by_name("by mouth"), route_by_name("I.M.")
    ('oral', 'im')
    """
    return _tables()[1].get(key(text))


def route_in_text(text: str) -> str | None:
    """The one route named in a sentence; None when there is none, or more than one.

    Examples
    --------
    >>> route_in_text("300000 IU IM once")
    'im'
    """
    plain = words(text)
    found = {id_ for phrase, id_ in _tables()[2] if (phrase if phrase.isascii() else phrase.strip()) in plain}
    return found.pop() if len(found) == 1 else None
