"""One spelling of a text for comparison: what may differ between two ways to write the same title, name or journal.

Harmless here: letter case, diacritics, Greek letters spelled out, dashes and hyphens, quotes, full-width forms,
spacing, British and American spelling. Nothing else: a word more, less or other is a difference.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Folded", "clean", "concat", "fold", "fold_word", "has_han", "raise_numbers", "words"]

_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ω": "omega",
    "χ": "chi",
    "ß": "ss",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "æ": "e",
    "œ": "e",
}
# Punctuation of other scripts and typographers, one plain form each.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-"),
        **dict.fromkeys("‘’‚‛′´`＇", "'"),
        **dict.fromkeys("“”„‟″«»「」『』〝〞＂", '"'),
        "。": ". ",
        "．": ".",
        "、": ", ",
        "，": ", ",
        "；": "; ",
        "：": ": ",
        "（": " (",
        "）": ") ",
        "［": "[",
        "］": "]",
        "【": "[",
        "】": "]",
        **dict.fromkeys("《》〈〉", '"'),
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "\u3000": " ",
        "\u00ad": "",
        "\u200b": "",
        "\ufeff": "",
    }
)
_WORD = re.compile(r"[^\W_]+")
_WHOLE = {
    "colecalciferol": "cholecalciferol",
    "centre": "center",
    "centres": "centers",
    "fibre": "fiber",
    "fibres": "fibers",
    "litre": "liter",
    "metre": "meter",
    "titre": "titer",
    "titres": "titers",
    "programme": "program",
    "programmes": "programs",
    "ageing": "aging",
    "grey": "gray",
    "catalogue": "catalog",
    "defence": "defense",
    "judgement": "judgment",
    "enrolment": "enrollment",
    "fulfil": "fulfill",
    "versus": "vs",
}
_OUR = re.compile(r"^(tum|col|behavi|fav|lab|hum|neighb|harb|vap|od|sav)our")
_ISE = re.compile(r"(?<=[a-z]{3})([iy])s(e|ed|es|er|ers|ing|ation|ations)$")
_DOUBLE_L = re.compile(r"(?<=[aeiou])ll(ed|ing|er|ers)$")


def clean(text: str) -> str:
    """Plain punctuation, dashes and spaces; the words themselves stay as they are."""
    text = html.unescape(text)
    text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    return re.sub(r"[ \t\r\f\v]+", " ", text)


_RAISED = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[.,;:)\"%\]]))([⁰¹²³⁴⁵⁶⁷⁸⁹]+(?:[,⁻˒‚–\-⸴ ]+[⁰¹²³⁴⁵⁶⁷⁸⁹]+)*)")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻˒‚⸴", "0123456789-,,,")


def raise_numbers(text: str) -> str:
    """Superscript numbers behind a word as ``^3^``, which `clean` would make plain numbers.

    >>> raise_numbers("as shown.¹⁻³ in 3 m²")
    'as shown.^1-3^ in 3 m²'
    """
    return _RAISED.sub(lambda match: f"^{match.group(1).translate(_DIGITS)}^", text)


@lru_cache(maxsize=65536)
def fold_word(word: str) -> str:
    """One word in its comparison form, for example ``"Leukaemia"`` and ``"leukemia"`` give the same."""
    lowered = "".join(_GREEK.get(letter, letter) for letter in word.lower())
    stripped = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    if stripped in _WHOLE:
        return _WHOLE[stripped]
    stripped = stripped.replace("ae", "e").replace("oe", "e").replace("sulph", "sulf")
    stripped = _OUR.sub(r"\1or", stripped)
    stripped = _ISE.sub(r"\1z\2", stripped)
    return _DOUBLE_L.sub(r"l\1", stripped)


def words(text: str) -> list[str]:
    """The words of a cleaned text in comparison form."""
    return [fold_word(match.group()) for match in _WORD.finditer(text.replace("&", " and "))]


def fold(text: str) -> str:
    """A text in comparison form, words parted by one space.

    >>> fold("Leukaemia: the rôle of 1α,25(OH)2D3") == fold("leukemia, the role of 1alpha,25-(OH)2D3")
    True
    """
    return " ".join(words(clean(text)))


@lru_cache(maxsize=16384)
def concat(text: str) -> str:
    """The comparison form without spaces, so that "meta-analysis", "meta analysis" and "metaanalysis" agree."""
    return "".join(words(clean(text)))


def has_han(text: str) -> bool:
    """Whether a text holds Chinese characters (or kana, which share the problem)."""
    return any("\u3040" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" for letter in text)


@dataclass(frozen=True, slots=True)
class Folded:
    """A cleaned text with its comparison form and the way back to places in the text.

    Parameters
    ----------
    text
        The text as `clean` gives it.
    joined
        Comparison form without spaces.
    starts, ends
        For each place in `joined` where a word begins (ends): the place in `text`.
    """

    text: str
    joined: str
    starts: dict[int, int]
    ends: dict[int, int]

    @classmethod
    def of(cls, text: str) -> Folded:
        """Fold a text that went through `clean`."""
        joined: list[str] = []
        starts: dict[int, int] = {}
        ends: dict[int, int] = {}
        length = 0
        for match in re.finditer(r"[^\W_]+|&", text):
            word = "and" if match.group() == "&" else fold_word(match.group())
            starts.setdefault(length, match.start())
            joined.append(word)
            length += len(word)
            ends[length] = match.end()
        return cls(text, "".join(joined), starts, ends)

    def find(self, wanted: str) -> tuple[int, int] | None:
        """Where `wanted` (given as `concat` makes it) stands in the text at the borders of words, or None."""
        if not wanted:
            return None
        place = self.joined.find(wanted)
        while place >= 0:
            end = place + len(wanted)
            if place in self.starts and end in self.ends:
                return self.starts[place], self.ends[end]
            place = self.joined.find(wanted, place + 1)
        return None
