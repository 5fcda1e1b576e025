"""Regimens as people type them, and back.

    im 100000 IU every 28 d x 3
    oral 50000 IU every 7 d x 8 then oral 2000 IU daily x 180
    oral calcifediol 20 ug daily x 90
    im 300000 IU once + oral 1000 IU daily for 26 weeks
    none

Parts joined by "+" start together; a part after "then" starts when the part before would have had its next dose (after
a single dose: one interval of the new part later). "from day N" or "from 2026-12-01" says otherwise. Spelling is
tolerant, meaning is not: a word that is not understood is an error, never ignored.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from calcidiol.errors import UsageError
from calcidiol.kinetics.events import DoseRun, Regimen, Route, Substance
from calcidiol.quantity import IU_PER_UG, iu_to_nmol, ug_to_nmol
from calcidiol.terminology.product import Product, choose

EXAMPLE = 'for example "im 100000 IU every 28 d x 3", "oral 2000 IU daily x 180" or "none"'
UNLISTED = "unlisted"
"""How a dose that no product gives is written (`DoseRun.product` is then empty)."""

MAX_AMOUNT = {"[iU]": 5_000_000.0, "ug": 125_000.0}
MAX_DAYS = 3653

_NONE = {"none", "no", "nothing", "untreated", "no vitamin d", "no vitamin d now", "nil", "-", "0"}
_ROUTES: dict[str, Route] = {
    "im": "im", "i.m.": "im", "imi": "im", "intramuscular": "im", "intramuscularly": "im", "injection": "im",
    "injections": "im", "inject": "im", "oral": "oral", "orally": "oral", "po": "oral", "p.o.": "oral", "mouth": "oral",
}  # fmt: skip
_SUBSTANCES: dict[str, Substance] = {
    "cholecalciferol": "cholecalciferol", "colecalciferol": "cholecalciferol", "d3": "cholecalciferol",
    "ergocalciferol": "ergocalciferol", "d2": "ergocalciferol", "calcifediol": "calcifediol",
    "calcidiol": "calcifediol", "25-hydroxyvitamin": "calcifediol",
}  # fmt: skip
_UNITS = {
    "iu": ("[iU]", 1.0), "i.u.": ("[iU]", 1.0), "[iu]": ("[iU]", 1.0), "ui": ("[iU]", 1.0), "ie": ("[iU]", 1.0),
    "units": ("[iU]", 1.0), "unit": ("[iU]", 1.0), "ug": ("ug", 1.0), "mcg": ("ug", 1.0), "microgram": ("ug", 1.0),
    "micrograms": ("ug", 1.0), "mg": ("ug", 1000.0),
}  # fmt: skip
_DAYS = {"d": 1.0, "day": 1.0, "days": 1.0, "w": 7.0, "wk": 7.0, "wks": 7.0, "week": 7.0, "weeks": 7.0,
         "month": 30.0, "months": 30.0, "mo": 30.0}  # fmt: skip
_EVERY = {"daily": 1.0, "od": 1.0, "qd": 1.0, "weekly": 7.0, "fortnightly": 14.0, "biweekly": None, "monthly": 30.0}
_TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}
_FILLERS = {"a", "an", "of", "by", "the", "per", "vitamin", "vit", "vit.", "dose", "doses", "at", "with", "and", "in",
            "capsule", "capsules", "ampoule", "ampoules", "drops", "start", "starting", "on"}  # fmt: skip
_WORDS = sorted(
    {*_ROUTES, *_SUBSTANCES, *_DAYS, *(k for k in _EVERY), *_TIMES, *_FILLERS, "every", "each", "single", "times",
     "from", "then", "microgram", "micrograms", "units"}
)  # fmt: skip

_NUMBER = r"\d[\d,.' ]*\d|\d"
_UNIT_RE = "|".join(re.escape(u) for u in sorted(_UNITS, key=len, reverse=True))
_SPAN_RE = "|".join(sorted(_DAYS, key=len, reverse=True))
_AMOUNT = re.compile(rf"(?<![\w.,'\-])({_NUMBER})\s*(k|thousand)?\s*({_UNIT_RE})(?![\w\]])")
_AS = re.compile(r"\bas\s+([a-z0-9][a-z0-9\-]*)")
_FROM = re.compile(r"\bfrom\s+(?:day\s+(\d+)|(\d{4}-\d{2}-\d{2}))\b")
_EVERY_N = re.compile(rf"\b(?:every|each|q)\s*(\d+(?:\.\d+)?)?\s*({_SPAN_RE})\b")
_PER = re.compile(
    r"\b(once|twice|thrice|\d+\s*times)\s*(?:a|per|/|each|every)?\s*(daily|weekly|monthly|day|week|month)\b"
)
_COUNT = re.compile(r"(?:\bx\s*(\d+)\b|\b(\d+)\s*(?:times|doses|injections|x)\b)")
_FOR = re.compile(rf"\bfor\s+(\d+(?:\.\d+)?)\s*({_SPAN_RE})\b")
_SINGLE = re.compile(r"\b(?:single dose|one dose|once|single)\b")
_JOIN = re.compile(r"\s*(\+|;|,?\s*\bthen\b|,?\s*\bfollowed by\b)\s*")


def parse(text: str, start: date, products: Mapping[str, Product]) -> Regimen:
    """Read a regimen from text.

    Parameters
    ----------
    text
        What was typed. Amounts in IU, or in ug (mg) for calcifediol; cholecalciferol in ug is converted.
    start
        Day 0 of the regimen.
    products
        Product table; each dose is given with the product that needs the fewest pieces (`terminology.product.choose`),
        or with the one named by "as PRODUCT-ID". A dose that no product gives has an empty product id: it can be
        forecast, and the safety gate will not let it pass.

    Returns
    -------
    Regimen
        Named by its canonical text: ``format(parse(text)) == parse(text).name``.

    Raises
    ------
    UsageError
        Something is missing, doubled, not understood or out of range; the message says what and gives an example.

    Examples
    --------
    >>> from calcidiol.terminology import products
    >>> r = parse("oral 50,000 IU weekly x 8 then 2000 IU orally daily for 4 weeks", date(2026, 11, 21), products())
    >>> r.name
    'oral 50000 IU every 7 d x 8 then oral 2000 IU daily x 28'
    >>> r.total_iu
    456000.0
    """
    cleaned = _clean(text)
    if not cleaned:
        raise UsageError(f"The regimen is empty. Write {EXAMPLE}.")
    if cleaned in _NONE:
        return Regimen("none")
    pieces = _JOIN.split(cleaned)
    parts, joins = pieces[0::2], pieces[1::2]
    runs: list[DoseRun] = []
    for i, part in enumerate(parts):
        if not part.strip():
            raise UsageError(
                f"Regimen {text!r}: nothing stands {'before' if i == 0 else 'after'} the join. Write {EXAMPLE}."
            )
        run, explicit = _part(part, start, products, text)
        if i and not explicit and joins[i - 1].strip() not in ("+", ";"):
            run = _moved(run, follow(runs[-1], run.every_days))
        runs.append(run)
    return Regimen(format(Regimen("", tuple(runs)), start, products), tuple(runs))


def follow(before: DoseRun, every_days: float) -> date:
    """The day on which a part after "then" starts: when `before` would have had its next dose.

    After a single dose it is one interval of the new part later (at least a day).
    """
    gap = before.every_days if before.count > 1 else max(every_days, 1.0)
    return before.start + timedelta(days=math.ceil(round(before.every_days * (before.count - 1) + gap, 6)))


def format(regimen: Regimen, start: date, products: Mapping[str, Product]) -> str:
    """Write a regimen so that `parse` with the same start and products reads the same runs.

    Raises
    ------
    UsageError
        A run starts before `start`.
    """
    if not regimen.runs:
        return "none"
    told = ""
    for i, run in enumerate(regimen.runs):
        if run.start < start:
            raise UsageError(
                f"A run starts on {run.start}, before the start of the regimen, {start}. Give an earlier start."
            )
        after = i > 0 and run.start == follow(regimen.runs[i - 1], run.every_days)
        told += " then " if after else " + " if i else ""
        told += _run_text(run, products)
        if not after and run.start != start:
            told += f" from day {(run.start - start).days}"
    return told


def _run_text(run: DoseRun, products: Mapping[str, Product]) -> str:
    unit = "IU" if run.unit == "[iU]" else run.unit
    substance = "" if run.substance == "cholecalciferol" else f"{run.substance} "
    told = f"{run.route} {substance}{_plain(run.amount)} {unit}"
    usual = choose(products, run.substance, run.route, run.amount, run.unit, _every(run))
    if run.product != ("" if usual is None else usual.id):
        told += f" as {run.product or UNLISTED}"
    if run.count == 1:
        return f"{told} once"
    return f"{told} {'daily' if run.every_days == 1 else f'every {_plain(run.every_days)} d'} x {run.count}"


def dose_run(
    product: Product | None,
    substance: Substance,
    route: Route,
    amount: float,
    unit: str,
    start: date,
    every_days: float,
    count: int,
) -> DoseRun:
    """A run of doses with the amount in nmol and the volume worked out. One dose has no interval.

    Raises
    ------
    UsageError
        The unit does not fit the substance (IU of calcifediol).
    """
    if unit == "ug" and substance in IU_PER_UG:
        amount, unit = amount * IU_PER_UG[substance], "[iU]"
    if unit == "[iU]" and substance not in IU_PER_UG:
        raise UsageError(
            f'{substance} is dosed in ug, not in IU; write for example "oral calcifediol 20 ug daily x 90".'
        )
    return DoseRun(
        start=start,
        every_days=every_days if count > 1 else 0.0,
        count=count,
        product="" if product is None else product.id,
        substance=substance,
        route=route,
        amount=amount,
        unit=unit,
        iu=amount if unit == "[iU]" else None,
        amount_nmol=iu_to_nmol(amount, substance) if unit == "[iU]" else ug_to_nmol(amount, substance),
        volume_ml=None if product is None else product.volume(amount),
    )


def _part(part: str, start: date, products: Mapping[str, Product], text: str) -> tuple[DoseRun, bool]:
    def fail(what: str) -> UsageError:
        return UsageError(f"Regimen {text!r}: {what} Write {EXAMPLE}.")

    rest, as_product = _take(_AS, part)
    rest, begin = _take(_FROM, rest)
    rest, amount_match = _take(_AMOUNT, rest)
    if amount_match is None:
        raise fail(f"no amount with a unit (IU, ug, mg) in {part.strip()!r}.")
    if _AMOUNT.search(rest):
        raise fail(f"two amounts in {part.strip()!r}; join two parts with + or then.")
    rest, per = _take(_PER, rest)
    rest, every_n = _take(_EVERY_N, rest)
    rest, count_match = _take(_COUNT, rest)
    rest, span = _take(_FOR, rest)
    rest, single = _take(_SINGLE, rest)

    routes: set[Route] = set()
    substances: set[Substance] = set()
    intervals: list[float] = []
    for word in re.findall(r"[^\s,()]+", rest):
        known = word if word in _WORDS else (difflib.get_close_matches(word, _WORDS, 1, 0.8) or [word])[0]
        if len(word) < 4:
            known = word
        if known in _ROUTES:
            routes.add(_ROUTES[known])
        elif known in _SUBSTANCES:
            substances.add(_SUBSTANCES[known])
        elif known in _EVERY:
            days = _EVERY[known]
            if days is None:
                raise fail(f"{word!r} can mean twice a week or every two weeks.")
            intervals.append(days)
        elif known not in _FILLERS:
            raise fail(f"{word!r} is not understood.")
    if not routes:
        raise fail(f"no route in {part.strip()!r}; say oral or im.")
    if len(routes) > 1 or len(substances) > 1:
        raise fail(f"more than one route or substance in {part.strip()!r}; join two parts with + or then.")
    substance: Substance = substances.pop() if substances else "cholecalciferol"
    route = routes.pop()
    if substance == "calcifediol" and route == "im":
        raise fail("calcifediol is given by mouth here; there is no injection in the product table.")

    if every_n is not None:
        intervals.append(float(every_n[1] or 1) * _DAYS[every_n[2]])
    if per is not None:
        times = _TIMES.get(per[1]) or float(re.findall(r"\d+", per[1])[0])
        intervals.append((_EVERY.get(per[2]) or _DAYS[per[2]]) / times)
    if len(intervals) > 1:
        raise fail(f"more than one interval in {part.strip()!r}.")
    every = intervals[0] if intervals else 0.0
    if intervals and every < 0.25:
        raise fail(f"doses {every:g} days apart are too close; the shortest interval is a quarter of a day.")

    if (count_match is not None) + (span is not None) + (single is not None) > 1:
        raise fail(f"more than one number of doses in {part.strip()!r}.")
    if count_match is not None:
        count = int(count_match[1] or count_match[2])
    elif span is not None and intervals:
        count = math.floor(float(span[1]) * _DAYS[span[2]] / every + 1e-9)
    elif single is not None and not intervals:
        count = 1
    else:
        raise fail(f"how many doses? {part.strip()!r} needs a number, such as x 8, for 26 weeks, or once.")
    if count < 1:
        raise fail(f"{part.strip()!r} gives no dose at all.")
    if count > 1 and not intervals:
        raise fail(f"{count} doses, but no interval in {part.strip()!r}; say how far apart, such as every 28 d.")
    if every * (count - 1) > MAX_DAYS:
        raise fail(f"{part.strip()!r} lasts longer than 10 years.")

    unit, factor = _UNITS[amount_match[3]]
    amount = _number(amount_match[1], text) * factor * (1000.0 if amount_match[2] else 1.0)
    if not 0.0 < amount <= MAX_AMOUNT[unit]:
        raise fail(f"an amount of {amount_match[0].strip()} is out of range (0 to {MAX_AMOUNT[unit]:g} {unit}).")
    if unit == "ug" and substance in IU_PER_UG:
        amount, unit = amount * IU_PER_UG[substance], "[iU]"
    begins = start
    if begin is not None:
        try:
            begins = start + timedelta(days=int(begin[1])) if begin[1] else date.fromisoformat(begin[2])
        except (ValueError, OverflowError):
            raise fail(f"{begin[0]!r} is not a day.") from None
        if begins < start:
            raise fail(f"{begin[0]!r} lies before the first day, {start}.")

    product = choose(products, substance, route, amount, unit, every if count > 1 else 0.0)
    if as_product is not None and as_product[1] == UNLISTED:
        product = None
    elif as_product is not None:
        if as_product[1] not in products:
            raise fail(f"there is no product {as_product[1]!r}; `calcidiol products` lists them.")
        product = products[as_product[1]]
        if (product.substance, product.route, product.strength_unit) != (substance, route, unit):
            raise fail(f"{product.id} is {product.substance}, {product.route}, in {product.strength_unit}.")
        if not product.gives(amount):
            raise fail(
                f"{product.id} cannot give {_plain(amount)} {unit}: its step is {_plain(product.smallest_amount)}, its "
                f"largest single dose {_plain(product.max_single_amount)}."
            )
    return dose_run(product, substance, route, amount, unit, begins, every, count), begin is not None


def _take(pattern: re.Pattern[str], text: str) -> tuple[str, re.Match[str] | None]:
    found = pattern.search(text)
    return (text, None) if found is None else (f"{text[: found.start()]} {text[found.end() :]}", found)


_SIGNS = str.maketrans({"×": "x", "*": "x", "µ": "u", "μ": "u", "’": "'", "\u00a0": " ", "\u202f": " "})
_STEERING = (
    "every",
    "single",
    "once",
    "twice",
    "times",
    "then",
    "weekly",
    "daily",
    "followed",
    "weeks",
    "days",
    "months",
)


def _clean(text: str) -> str:
    return " ".join(_spelled(w) for w in text.strip().lower().translate(_SIGNS).split())


def _spelled(word: str) -> str:
    """Correct the words that steer the grammar ("evry", "folowed"); numbers, units and ids are left alone."""
    if len(word) < 4 or not word.isalpha() or word in _WORDS:
        return word
    close = difflib.get_close_matches(word, _STEERING, 1, 0.8)
    return close[0] if close else word


def _number(text: str, whole: str) -> float:
    plain = text.strip()
    if re.fullmatch(r"\d{1,3}(?:[, ']\d{3})+", plain):
        return float(re.sub(r"[, ']", "", plain))
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", plain) or not re.fullmatch(r"\d+(?:\.\d+)?", plain):
        raise UsageError(
            f"Regimen {whole!r}: {plain!r} can be read in two ways. Write it without separators, {EXAMPLE}."
        )
    return float(plain)


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _every(run: DoseRun) -> float:
    return run.every_days if run.count > 1 else 0.0


def _moved(run: DoseRun, start: date) -> DoseRun:
    from dataclasses import replace

    return replace(run, start=start)


def runs_between(regimen: Regimen, start: date, days: float) -> Sequence[tuple[float, DoseRun]]:
    """(day, run) of each dose given from `start` on and before `days`, in order of time."""
    doses = [(float(t), run) for run in regimen.runs for t in run.days(start) if 0.0 <= t < days]
    return sorted(doses, key=lambda x: x[0])
