"""How often and how much, from the words of an order: "50,000 IU every 2 weeks x 6 from 2026-03-01".

Only what is written is read. A dose without an amount, or a rhythm that could mean two things ("biweekly"), gives None
in that place and the reader says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from calcidiol.patient.dates import read_date
from calcidiol.terminology.routes import route_in_text

__all__ = ["Words", "read_dosing"]

DAYS_PER_MONTH = 365.25 / 12

_AMOUNT = re.compile(
    r"(?<![A-Za-z\d.,])(?P<n>\d{1,3}(?:[, ]\d{3})+|\d{1,3}(?:\.\d{3})+(?=\s*(?:I\.?U|I\.?E|U\.?I|UN|Einh))|"
    r"\d+(?:\.\d+)?)\s*(?P<k>k|萬|万)?\s*"
    r"(?P<u>IU|I\.U\.|\[iU\]|international units?|units?|UNTS?|UNIT|I\.E\.|Einheiten|IE|UI|U|"
    r"ug|mcg|µg|μg|micrograms?|mg|mL|ml"
    r"|國際單位|国际单位|單位|单位)(?![A-Za-z])(?!\s*/\s*(?:\d+(?:\.\d+)?\s*)?(?:ml|l|g|kg)\b)",
    re.I,
)
_APART = re.compile(r"\bd ([23])(?= \d)", re.I)
"""The name of the substance written apart: "vitamin D 3 400 IU" is 400 IU and not 3,400."""
_NUMBER_WORDS = {
    w: n
    for n, words in enumerate(
        (
            "two second zwei 兩 两",
            "three third drei",
            "four fourth vier",
            "five fünf",
            "six sechs",
            "seven",
            "eight acht",
        ),
        2,
    )
    for w in words.split()
} | {"ten": 10, "twelve": 12, "zwölf": 12}
_EVERY_WORD = re.compile(
    rf"(?<=every )(?:{'|'.join(_NUMBER_WORDS)}|(\d+)(?:nd|rd|th))(?= (?:day|week|month))|"
    rf"(?<=alle )(?:{'|'.join(_NUMBER_WORDS)})(?= )|(?<=每)[兩两](?=[週周天日月個个])",
    re.I,
)
_UNREAD_RHYTHM = re.compile(r"\b(?:every|each|alle|jede[nrs]?)\b", re.I)
"""A rhythm was meant; when none could be read, the dose is not a single one."""
_PER_ML = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s*(IU|units?|UNT|ug|mcg|µg|μg|mg)\s*(?:/|per)\s*(\d+(?:\.\d+)?)?\s*mL", re.I
)
_PIECES = re.compile(
    r"(?<![A-Za-z\d.,])(\d+(?:\.\d+)?)\s*(?:tablets?|tabs?|capsules?|caps?|softgels?|drops?|ampou?les?|amps?|vials?|顆|粒|滴|支)\b",
    re.I,
)
_COUNT = re.compile(
    r"(?:\bx|×|\*)\s*(\d{1,4})\b(?!\s*(?:IU|mg|ug|mcg|mL))|\b(\d{1,4})\s*(?:doses|times|injections)\b(?!\s*(?:a|per|/))",
    re.I,
)
_FOR = re.compile(r"\bfor\s+(\d{1,4})\s*(d|days?|wk|weeks?|w|mo|months?|years?|y)\b", re.I)
_DAY = r"(\d{4}-\d{2}-\d{2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}-\d{2}(?![-\d]))"
_FROM = re.compile(rf"(?:since|from|starting|started|start|on|begin(?:ning)?|自|從|从)\s*:?\s*{_DAY}", re.I)
_UNTIL = re.compile(rf"(?:until|till|to|through|thru|end(?:ed|ing)?|stopped|-|–|至|到)\s*:?\s*{_DAY}", re.I)
_BARE_DAY = re.compile(_DAY)
_SINCE = re.compile(rf"(?:since|from|starting|started|自|從|从)\s*:?\s*{_DAY}", re.I)
_RANKED = (
    (
        "iu",
        "i.u.",
        "i.e.",
        "einheiten",
        "[iu]",
        "unit",
        "units",
        "unt",
        "unts",
        "ie",
        "ui",
        "international unit",
        "international units",
        "u",
        "國際單位",
        "国际单位",
        "單位",
        "单位",
    ),
    ("ug", "mcg", "µg", "μg", "microgram", "micrograms"),
    ("mg",),
    ("ml",),
)
_UNIT_DAYS = {"d": 1.0, "t": 1.0, "w": 7.0, "m": DAYS_PER_MONTH, "y": 365.25}
_EVERY = re.compile(
    r"(?:\bevery|\beach|\bq|\balle|每)\s*(\d{1,3}(?:\.\d+)?)?\s*(?:to\s*\d+\s*)?(hours?|h|days?|d|weeks?|wks?|wk|w|"
    r"months?|mo|m|years?|y|tage?|wochen?|monate?|天|日|週|周|個月|月|年)(?![a-z])",
    re.I,
)
_TIMES_PER = re.compile(
    r"(once|twice|two times|three times|thrice|\d+\s*(?:x|times))\s*(?:a|per|each|every|pro|/)?\s*-?\s*"
    r"(day|daily|tag|täglich|woche|wöchentlich|monat|"
    r"week|weekly|month|monthly|year|yearly)",
    re.I,
)
_WORDS: tuple[tuple[str, float], ...] = (
    (r"\b(?:fortnightly|every fortnight|every other week)\b", 14.0),
    (r"\b(?:every other day|alternate days?|qod)\b", 2.0),
    (r"\b(?:bid|b\.i\.d\.?|twice daily)\b", 0.5),
    (r"\b(?:tid|t\.i\.d\.?)\b", 1 / 3),
    (r"\b(?:every other month)\b", 2 * DAYS_PER_MONTH),
    (
        r"\b(?:daily|nightly|täglich|qd|o\.?d\.?|once a day|per day|a day|every day|"
        r"(?:every|each) (?:morning|evening|night)|qam|qhs)\b|"
        r"/\s*d(?:ay)?\b|每日|每天",
        1.0,
    ),
    (
        r"\b(?:weekly|every (?:mon|tues|wednes|thurs|fri|satur|sun)day|"
        r"qw|wöchentlich|per week|a week)\b|/\s*w(?:eek|k)\b|每週|每周",
        7.0,
    ),
    (r"\b(?:quarterly|vierteljährlich)\b|每季", 3 * DAYS_PER_MONTH),
    (r"\b(?:monthly|monatlich|per month|a month)\b|/\s*mo(?:nth)?\b|每月", DAYS_PER_MONTH),
    (r"\b(?:yearly|annually|per year|a year)\b|每年", 365.25),
)
_ONCE = re.compile(
    r"\b(?:once|single|one dose|stat|one[- ]time|one-off)\b(?!\s*(?:a|per|every|daily|weekly|monthly))|一次|單次|单次",
    re.I,
)
_AMBIGUOUS = re.compile(r"\bbi-?(?:weekly|monthly)\b|\bprn\b|as needed|as directed|需要時", re.I)


@dataclass(frozen=True, slots=True)
class Words:
    """What an order says. None where it says nothing, or nothing that has one meaning."""

    amount: float | None = None
    unit: str = ""
    pieces: float | None = None
    strength: tuple[float, str, float] | None = None
    every_days: float | None = None
    once: bool = False
    count: int | None = None
    start: date | None = None
    end: date | None = None
    for_days: float | None = None
    since: bool = False
    route: str | None = None
    unclear: bool = False
    rhythm_unread: bool = False


_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+")
"""IU in the German way: "20.000 IE". Nobody writes IU with three decimals."""


def _number(text: str, whole: bool = False) -> float:
    plain = text.replace(",", "").replace(" ", "")
    return float(plain.replace(".", "")) if _THOUSANDS.fullmatch(plain) and whole else float(plain)


def read_dosing(text: str) -> Words:
    """Read the words of an order.

    Examples
    --------
    >>> w = read_dosing("2000 IU daily since 2026-03-01")
    >>> w.amount, w.unit, w.every_days, w.start.isoformat()
    (2000.0, 'IU', 1.0, '2026-03-01')
    >>> read_dosing("50,000 IU IM every 4 weeks x 3").count
    3
    """
    text = _EVERY_WORD.sub(lambda m: m[1] or str(_NUMBER_WORDS[m[0].casefold()]), _APART.sub(r"d\1", text))
    strength = None
    per_ml = _PER_ML.search(text)
    if per_ml:
        strength = (_number(per_ml[1]), per_ml[2], float(per_ml[3] or 1))
        text = text[: per_ml.start()] + " " + text[per_ml.end() :]
    amount, unit = None, ""
    found = list(_AMOUNT.finditer(text))
    by_substance: list[re.Match[str]] = []
    for units in _RANKED:  # "600 mg / 400 IU" is calcium with vitamin D: the IU are meant
        by_substance = by_substance or [m for m in found if m["u"].casefold() in units]
    unclear = bool(_AMBIGUOUS.search(text))
    values = {
        (_number(m["n"], m["u"].casefold() in _RANKED[0]), (m["k"] or "").casefold(), m["u"].casefold())
        for m in by_substance
    }
    if by_substance:
        first = by_substance[0]
        scale = {"k": 1e3, "萬": 1e4, "万": 1e4}.get((first["k"] or "").casefold(), 1.0)
        amount, unit = _number(first["n"], first["u"].casefold() in _RANKED[0]) * scale, first["u"]
        unit = "IU" if unit.casefold() in _RANKED[0] else unit
        unclear |= len({u for _, _, u in values}) == 1 and len(values) > 1
    every, times = _rhythm(text)
    once = every is None and bool(_ONCE.search(text))
    until = _UNTIL.search(text)
    start = _FROM.search(text) or _BARE_DAY.search(text)
    if start and until and start.start(1) == until.start(1):
        # "stopped 2026-03-01" is an end and no start; a dash before a lone day says nothing
        start, until = (start, None) if until[0][0] in "-–" else (None, until)
    start_day = read_date(start[1]) if start else None
    end_day = read_date(until[1]) if until else None
    count = _COUNT.search(text)
    pieces = _PIECES.search(text)
    span = _FOR.search(text)
    return Words(
        amount=amount,
        unit=unit,
        pieces=float(pieces[1]) if pieces else None,
        strength=strength,
        every_days=None if every is None else every / times,
        once=once,
        count=int(next(g for g in count.groups() if g)) if count else None,
        start=start_day.day if start_day else None,
        end=end_day.day if end_day else None,
        for_days=float(span[1]) * _UNIT_DAYS[span[2][0].casefold()] if span else None,
        since=bool(_SINCE.search(text)),
        route=route_in_text(text),
        unclear=unclear,
        rhythm_unread=every is None and bool(_UNREAD_RHYTHM.search(text)),
    )


_PERIOD = {
    "天": 1.0,
    "日": 1.0,
    "週": 7.0,
    "周": 7.0,
    "月": DAYS_PER_MONTH,
    "個月": DAYS_PER_MONTH,
    "年": 365.25,
    "h": 1 / 24,
}


def _rhythm(text: str) -> tuple[float | None, float]:
    """Days of the period and how many doses fall into it."""
    per = _TIMES_PER.search(text)
    if per:
        word = per[1].casefold()
        times = {"once": 1.0, "twice": 2.0, "two times": 2.0, "three times": 3.0, "thrice": 3.0}.get(word)
        if times is None:
            times = float(re.match(r"\d+", word)[0])  # type: ignore[index]
        return _UNIT_DAYS[per[2][0].casefold()], max(times, 1.0)
    every = _EVERY.search(text)
    if every:
        unit = every[2].casefold()
        period = _PERIOD.get(unit) or _PERIOD.get(unit[0]) or _UNIT_DAYS[unit[0]]
        return float(every[1] or 1) * period, 1.0
    for pattern, days in _WORDS:
        if re.search(pattern, text, re.I):
            return days, 1.0
    return None, 1.0
