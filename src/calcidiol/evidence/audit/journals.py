"""Names of journals: is "Nat Rev Cancer" the journal "Nature Reviews Cancer"?

Two names are one journal when the table (`data/bibliography.journals.csv`) says so, or when neither side is known as
another journal and each word of the shorter form begins the word of the longer form in the same place (the rule of
ISO 4, small words left out).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from calcidiol.evidence.audit.spelling import clean, concat, words

__all__ = ["Journals", "load_journals"]

_SMALL = frozenset(
    "the of and in for on to a an de la le les des du der die das und et e y part section".split()  # noqa: SIM905
)
# Contractions that are not the beginning of the word.
_CONTRACTIONS = {
    "natl": "national",
    "intl": "international",
    "int": "international",
    "am": "american",
    "br": "british",
    "eur": "european",
    "dept": "department",
    "amer": "american",
    "brit": "british",
    "assn": "association",
    "qtrly": "quarterly",
    "q": "quarterly",
    "soc": "society",
    "ind": "india",
}


def _key(name: str) -> tuple[str, ...]:
    name = re.sub(r"\([^)]*\)", " ", clean(name)).replace("'s", "s")
    name = re.sub(
        r"\s*[:,.]\s*(?:an?|the)?\s*official (?:journal|publication|organ)\b.*$", "", name, flags=re.IGNORECASE
    )
    return tuple(w for w in words(name) if w not in _SMALL)


@dataclass(frozen=True, slots=True)
class Journals:
    """The table: every known form (as its key) to the full name."""

    known: dict[tuple[str, ...], str]
    cache: dict[tuple[str, str], bool] = field(default_factory=dict)

    def full(self, name: str) -> str:
        """The full name of a journal in any of its forms; the name itself where it is not in the table."""
        return self.known.get(_key(name), name)

    def knows(self, name: str) -> bool:
        """Whether a name is in the table."""
        return _key(name) in self.known

    def same(self, one: str, other: str) -> bool:
        """Whether two names are one journal."""
        pair = (one, other)
        if pair not in self.cache:
            self.cache[pair] = self._same(one, other)
        return self.cache[pair]

    def _same(self, one: str, other: str) -> bool:
        a, b = _key(one), _key(other)
        if not a or not b:
            return False
        if a == b or "".join(a) == "".join(b) or concat(one) == concat(other):
            return True
        known_a, known_b = self.known.get(a), self.known.get(b)
        if concat(known_a or one) == concat(known_b or other):
            return True
        if known_a and known_b:
            return known_a == known_b
        forms_a = [a, _key(known_a)] if known_a else [a]
        forms_b = [b, _key(known_b)] if known_b else [b]
        return any(_abbreviates(x, y) or _abbreviates(y, x) for x in forms_a for y in forms_b)

    def at_end(self, text: str) -> tuple[str, str] | None:
        """Where a known journal stands at the end of "title. journal": (title, journal), or None."""
        for match in re.finditer(r"(?:^|(?<=[.?!,;:\"'*)\]]))\s*(?:In:?\s+)?(?=\S)", text):
            tail = text[match.end() :]
            if len(tail) < 160 and self.knows(tail):
                return text[: match.start()], tail
        return None


def _abbreviates(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    if len(short) != len(long):
        return False
    for s, full in zip(short, long, strict=True):
        if s == full or (s == "j" and full == "journal") or (len(s) >= 2 and full.startswith(s)):
            continue
        if _CONTRACTIONS.get(s) == full:
            continue
        return False
    return short != long


def table(rows: list[tuple[str, list[str]]], extra: list[str]) -> Journals:
    """Build the table from (full name, other forms) and from the journals of the bibliography."""
    known: dict[tuple[str, ...], str] = {}
    for full, others in rows:
        known[_key(full)] = full
        for other in others:
            known.setdefault(_key(other), full)
    # A name of the bibliography that abbreviates a longer one (of the table first) is that journal.
    by_start: dict[tuple[int, str], list[tuple[tuple[str, ...], str]]] = {}
    names = {_key(name) for name in extra}
    for full, _ in rows:
        _file(by_start, _key(full), full)
    for name in sorted(extra, key=lambda n: (-len(n), n)):
        key = _key(name)
        if not key or key in known:
            continue
        near = by_start.get((len(key), key[0][:1]), [])
        target = next((full for other, full in near if _abbreviates(key, other)), name)
        known[key] = target
        if target == name:
            _file(by_start, key, name)
            main = _key(name.split(":")[0])  # "Diabetes & Metabolic Syndrome: Clinical Research & Reviews"
            if len(main) >= 2 and main not in known and main not in names:
                known[main] = name
                _file(by_start, main, name)
    return Journals(known)


def _file(by_start: dict[tuple[int, str], list[tuple[tuple[str, ...], str]]], key: tuple[str, ...], full: str) -> None:
    if key:
        by_start.setdefault((len(key), key[0][:1]), []).append((key, full))


@cache
def _rows() -> tuple[tuple[str, tuple[str, ...]], ...]:
    path = files("calcidiol.evidence") / "data" / "bibliography.journals.csv"
    with path.open(encoding="utf-8") as file:
        return tuple(
            (row["journal"], tuple(p.strip() for p in row["also"].split("|") if p.strip()))
            for row in csv.DictReader(file)
        )


def load_journals(extra: list[str]) -> Journals:
    """The shipped table with the journals of a bibliography beside it."""
    return table([(full, list(also)) for full, also in _rows()], extra)
