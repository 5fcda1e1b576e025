"""Sentences: text ids and parameters in, words out, in English or Traditional Chinese.

Each `*.{lang}.toml` file of this folder holds sentences by id; `reviewed` says whether a clinician has read them. The
same plan reads in every language, since plans hold ids and parameters only.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.errors import KnowledgeError, UsageError

LANGUAGES = ("en", "zh-Hant")
MISSING = "\u2013"


class _Formatter(string.Formatter):
    """Like `str.format`, but never fails: what is missing or odd becomes a dash or its plain text."""

    def __init__(self, comma: str) -> None:
        super().__init__()
        self.comma = comma

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key), MISSING)

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        # No attributes and no items: a sentence names parameters and nothing else.
        return self.get_value(field_name, args, kwargs), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None or value == MISSING:
            return MISSING
        if isinstance(value, list | tuple):
            return self.comma.join(self.format_field(v, "") for v in value)
        if format_spec == "chance" and isinstance(value, int | float):
            return chance(value)
        if isinstance(value, float) and not format_spec:
            return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        if isinstance(value, int) and not isinstance(value, bool) and not format_spec:
            return f"{value:,}" if abs(value) >= 10000 else str(value)
        try:
            return str(super().format_field(value, format_spec))
        except (ValueError, TypeError):
            return str(value)


UNITS = {"[iU]": "IU", "ug": "\u00b5g"}
"""UCUM codes of dose units as they are printed."""
COMMA = {"zh-Hant": "\u3001"}
"""What stands between the items of a list; a comma and a space in other languages."""


_SIGNS = (
    (re.compile(r"\bumol\b"), "\u00b5mol"),
    (re.compile(r"mmol2/L2"), "mmol\u00b2/L\u00b2"),
    (re.compile(r"\bx ?10[\^*]9/L"), "\u00d7 10\u2079/L"),
    (re.compile(r"\b10[\^*]9/L"), "10\u2079/L"),
    (re.compile(r"1\.73[ _]m2"), "1.73 m\u00b2"),
    (re.compile(r"(?<=[a-z\u4e00-\u9fff]) x (?=phosphate|\d|\{)"), " \u00d7 "),
    (re.compile(r">= ?"), "\u2265 "),
    (re.compile(r"<= ?"), "\u2264 "),
)


def typeset(text: str) -> str:
    """Plain signs of data and sentences as they are printed.

    >>> typeset("26 umol/L (>= 20)")
    '26 \u00b5mol/L (\u2265 20)'
    """
    for pattern, sign in _SIGNS:
        text = pattern.sub(sign, text)
    return text


def chance(value: float) -> str:
    """A probability (0 to 1) as a reader needs it: no more digits than it can bear, and never a bare zero.

    >>> chance(0.386), chance(0.0123), chance(0.0)
    ('39%', '1.2%', '< 0.1%')
    """
    if value < 0.001:
        return "< 0.1%"
    return f"{value:.1%}" if value < 0.0995 else f"{value:.0%}"


@cache
def _sentences(lang: str) -> tuple[dict[str, str], frozenset[str]]:
    if lang not in LANGUAGES:
        raise UsageError(f"The language {lang!r} is unknown. Known: {', '.join(LANGUAGES)}.")
    told: dict[str, str] = {}
    unreviewed: set[str] = set()
    folder = files("calcidiol.report").joinpath("words")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(f".{lang}.toml"):
            continue
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        if table.pop("language", lang) != lang:
            raise KnowledgeError(f"report/words/{file.name}: 'language' is not {lang!r}.")
        reviewed = bool(table.pop("reviewed", False))
        for key, value in table.items():
            if not isinstance(value, str):
                raise KnowledgeError(f"report/words/{file.name}: {key!r} is not a text.")
            if key in told:
                raise KnowledgeError(f"report/words/{file.name}: {key!r} stands in another file too.")
            told[key] = typeset(value)
            if not reviewed:
                unreviewed.add(key)
    return told, frozenset(unreviewed)


class Words:
    """The sentences of one language.

    Examples
    --------
    >>> Words("en").say("status.planned", {})
    'Planned'
    """

    def __init__(self, lang: str = "en") -> None:
        self.lang = lang
        self._told, self._unreviewed = _sentences(lang)
        self._formatter = _Formatter(COMMA.get(lang, ", "))

    def say(self, text_id: str, params: Mapping[str, Any] | None = None) -> str:
        """The sentence of an id; an id without a sentence is shown in brackets, so that nothing is lost."""
        sentence = self._told.get(text_id)
        if sentence is None:
            shown = ", ".join(f"{k}: {v}" for k, v in (params or {}).items())
            return f"[{text_id}{': ' + shown if shown else ''}]"
        return self._formatter.vformat(sentence, (), self._named(params or {}))

    def listed(self, items: Sequence[str]) -> str:
        """Items of a list in one line."""
        return self._formatter.comma.join(items)

    def has(self, text_id: str) -> bool:
        """Whether the language has a sentence for an id."""
        return text_id in self._told

    def reviewed(self, text_id: str) -> bool:
        """Whether a clinician has read this sentence."""
        return text_id not in self._unreviewed

    @property
    def ids(self) -> frozenset[str]:
        """All ids of this language."""
        return frozenset(self._told)

    def name(self, kind: str, item: str) -> str:
        """The word for an item (an analyte, a route, a concept); the item itself when there is none."""
        found = self._told.get(f"{kind}.{item}")
        if found is None:
            return item.replace("_", " ") if kind == "concept" else item
        return found

    def room(self, prefix: str) -> dict[str, str]:
        """The sentences of one prefix as they stand, by the rest of their id."""
        return {key[len(prefix) + 1 :]: text for key, text in self._told.items() if key.startswith(f"{prefix}.")}

    def observed(self, seen: str) -> str:
        """What a rule saw ("platelets 24 x 10^9/L (< 30, 2026-11-20)") in the words of the language."""
        return "; ".join(self._observed(part) for part in seen.split("; "))

    def _observed(self, part: str) -> str:
        part = re.sub(r"^age (\d+)(?:\.\d+)? y\b", lambda m: self._told["seen.age"].format(years=m.group(1)), part)
        part = re.sub(r": \?$", lambda m: self._told["seen.unknown"], part)
        if self.lang != "en":
            names = self._names_seen()
            for english in sorted(names, key=len, reverse=True):
                if part.lower().startswith(english.lower()) and not part[len(english) : len(english) + 1].isalpha():
                    part = names[english] + part[len(english) :]
                    break
            part = part.replace(", corrected", f"{self._formatter.comma}{self._told['seen.corrected']}")
        return typeset(part.replace("ckd-epi", "CKD-EPI"))

    def _names_seen(self) -> dict[str, str]:
        """English names that may stand in what a rule saw, and their words in this language."""
        from calcidiol.safety.language import name_of
        from calcidiol.terminology.labs import labs

        names = {name_of(lab): self.name("lab", lab) for lab in labs() if self.has(f"lab.{lab}")}
        english = _sentences("en")[0]
        names |= {
            name_of(key[len("derived.") :]): text for key, text in self._told.items() if key.startswith("derived.")
        }
        for kind in ("concept.", "lab."):
            names |= {english[key]: text for key, text in self._told.items() if key.startswith(kind)}
        return names

    def _named(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with ids of analytes, effects and routes turned into words."""
        told = dict(params)
        if isinstance(told.get("seen"), str):
            told["seen"] = self.observed(told["seen"])
        if isinstance(told.get("unit"), str):
            told["unit"] = UNITS.get(told["unit"], told["unit"])
        for key, kind in (("analyte", "lab"), ("labs", "lab"), ("effect", "effect"), ("effects", "effect"),
                          ("first", "effect"), ("second", "effect"), ("route", "route"), ("concept", "concept"),
                          ("limit", "limit"), ("what", "concept"), ("name", "symptom_scale"),
                          ("visit", "visit"), ("protocol", "protocol"), ("why", "obstacle"),
                          ("what", "explanation")):  # fmt: skip
            value = told.get(key)
            if isinstance(value, str):
                told[key] = self.name(kind, value)
            elif isinstance(value, list | tuple):
                told[key] = [self.name(kind, v) if isinstance(v, str) else v for v in value]
        return told
