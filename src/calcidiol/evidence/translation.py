"""The ledger in another language: what a report shows of a claim, from `data/ledger.<language>.toml`.

The ledger itself is English. A translation is looked up by section and key, and what it lacks stays English, so that
nothing is ever left out. A file says whether a clinician has read it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from calcidiol.errors import UsageError
from calcidiol.evidence.load import DATA


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language of the ledger; `reviewed` is False where no clinician has read its texts."""

    lang: str
    reviewed: bool = True
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, section: str, key: str, english: str) -> str:
        """The text of a key, or the English one."""
        return self.sections.get(section, {}).get(key, english)

    def say(self, key: str, english: str, **params: Any) -> str:
        """A short sentence of a report on claims, with its parameters filled in."""
        return self.of("words", key, english).format(**params)

    def word(self, english: str) -> str:
        """A word of the ledger's closed vocabularies (verdict, certainty, design, domain, outcome)."""
        return self.of("vocabulary", english, english)


ENGLISH = Tongue("en")


@lru_cache(maxsize=4)
def tongue(lang: str = "en") -> Tongue:
    """A language of the ledger.

    Raises
    ------
    UsageError
        For a language that the ledger does not have.

    Examples
    --------
    >>> tongue("en").word("very low")
    'very low'
    """
    if lang == "en":
        return ENGLISH
    path = DATA / f"ledger.{lang}.toml"
    if not path.is_file():
        raise UsageError(f"The ledger is not translated into {lang!r}. It has en and zh-Hant.")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Tongue(lang, bool(table.pop("reviewed", False)), table)
