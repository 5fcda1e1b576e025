"""How names are compared: the same name written in other ways is the same name, and nothing else is."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["key", "words"]

_NOT_NAME = re.compile(r"[^0-9a-z+#%⺀-鿿豈-﫿]+")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_IN_BLOOD = re.compile(
    r"\s+in\s+(?:serum|plasma|blood|serum or plasma|serum, plasma or blood|serum/plasma|platelet poor plasma)\b.*$",
    re.I,
)


_PLAIN_SPECIMEN = re.compile(
    r"\b(?:total|serum|ser|plasma|plas|automated|auto|enzymatic|"
    r"(?:whole )?blood|levels?|lvl|test|s|p|s/p|\(s\)|ia|lc[-/]?ms(?:[-/]?ms)?|"
    r"immunoassay|quant(?:itative)?|(?:im|i\. ?)(?: ?(?:serum|plasma|blut|vollblut|s\.|pl\.)))"
    r"(?![\w-])|血清|血漿|血浆|血液|全血|[、,(（]\s*血\s*[)）]?$|總量|总量|濃度|浓度|檢[查驗測]|检[查验测]|測定|测定",
    re.I,
)
_ACCENT = re.compile(r"([a-z])[\u0300-\u036f]+")
_APART = re.compile(r"([.,;:()\[\]/?!\"“”*=|&~])")
"""Marks that stand for themselves: "?sarcoidosis" names sarcoidosis."""
_VIT = re.compile(r"\bvit\b\.?", re.I)


def key(text: str) -> str:
    """A name reduced to its letters and digits, in one case and one width.

    Examples
    --------
    >>> key("25-(OH) Vitamin-D"), key("２５(OH)D")
    ('25ohvitamind', '25ohd')
    """
    return _NOT_NAME.sub("", unicodedata.normalize("NFKC", text).casefold())


def key_of_test(text: str) -> str:
    """The key of a test name written in the LOINC manner, without its property and its specimen of blood.

    Examples
    --------
    >>> key_of_test("Calcium [Mass/volume] in Serum or Plasma"), key_of_test("Calcium [Mass/volume] in Urine")
    ('calcium', 'calciuminurine')
    """
    return key(_IN_BLOOD.sub("", _BRACKETS.sub("", text)))


def key_without_specimen(text: str) -> str:
    """The key of a test name without the words that only say that it was measured in blood, and in all of it.

    Examples
    --------
    >>> key_without_specimen("25-OH Vitamin D, Total, S"), key_without_specimen("Calcium, Urine")
    ('25ohvitamind', 'calciumurine')
    """
    return key(_VIT.sub("vitamin", _PLAIN_SPECIMEN.sub(" ", _BRACKETS.sub("", text))))


def words(text: str) -> str:
    """Text for searching whole words: one case, one width, no accents, single blanks, a blank at either end.

    Examples
    --------
    >>> words("No history of  Sarcoidosis.")
    ' no history of sarcoidosis . '
    """
    plain = _ACCENT.sub(r"\1", unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold()))
    plain = _APART.sub(r" \1 ", unicodedata.normalize("NFC", plain)).replace("-", " ").replace("'", "").replace("’", "")
    return f" {' '.join(plain.split())} "
