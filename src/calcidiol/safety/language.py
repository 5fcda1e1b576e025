"""The rule language: a condition that can be read aloud, checked when it is loaded.

    calcium > high or calcium_ionized > high
    25ohd > 125 nmol/L and not has granulomatous
    takes anticoagulant and (inr is unknown or inr > 3 1)
    egfr is older than 28 d
    started chemotherapy within 7 d

Words: `and`, `or`, `not`, brackets, and these statements:

    FIELD > NUMBER UNIT      also >=, <, <=; FIELD is an analyte of labs.toml or a field of `facts.DERIVED`
    FIELD > high             also `low`; the reference limit of that result; `high - NUMBER UNIT`
    FIELD is unknown         no usable value up to the day
    FIELD is older than N d  newest value more than N calendar days before the day
    has CONCEPT              a condition or procedure of conditions.toml
    takes CLASS              a drug class of drugs.toml
    started CLASS within N d
    due KIND within N d      a visit from N days before to N days after the day
    allergic to SUBSTANCE    a substance of excipients.toml
    sex is female            also male, unknown
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

from calcidiol.errors import KnowledgeError, UnitError
from calcidiol.quantity import convert
from calcidiol.safety.facts import DERIVED, Facts, unit_of
from calcidiol.safety.seen import COMPARE, FALSE, MISSING, POSSIBLE, TRUE, Seen, opposite, plain
from calcidiol.terminology.conditions import concepts
from calcidiol.terminology.drugs import drug_classes
from calcidiol.terminology.labs import labs
from calcidiol.terminology.table import load

VISITS = (
    "blood_draw",
    "bone_agent",
    "chemotherapy",
    "clinic",
    "imaging",
    "infusion",
    "nadir",
    "operation",
    "procedure",
    "radiotherapy",
    "transplant",
)
"""Kinds of visits that a rule may ask for."""

MAX_BRANCHES = 512
"""Branches that a condition may have when it is written out as an `or` of `and`s."""


class Condition(Protocol):
    """A part of a condition."""

    def truth(self, facts: Facts) -> int:
        """FALSE, MISSING, POSSIBLE or TRUE."""

    def seen(self, facts: Facts) -> dict[str, Any]:
        """What made it true, as parameters for the words."""

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        """The condition (or its opposite) as an `or` of `and`s of (statement, said or denied)."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op limit`; `against` is ``"high"``, ``"low"`` or empty for a number in the field's unit."""

    name: str
    op: str
    number: float
    against: str = ""

    def _one(self, x: Seen) -> int:
        if not self.against:
            return COMPARE[self.op](x, self.number)
        limit = x.high if self.against == "high" else x.low
        return MISSING if limit is None else COMPARE[self.op](x, round(limit + self.number, 9))

    def told(self, facts: Facts) -> dict[str, Any]:
        """Limit and unit, as far as they are known before a result: the reference limit of today's or the default."""
        limit = self.number
        if self.against:
            item = labs()[self.name]
            default = item.high if self.against == "high" else item.low
            own = [x.high if self.against == "high" else x.low for x in facts.of(self.name)]
            known = [x for x in own if x is not None]
            limit += min(known) if known else (default or 0.0)
        return {"item": self.name, "limit": round(limit, 6), "unit": unit_of(self.name) or ""}

    def truth(self, facts: Facts) -> int:
        return max((self._one(x) for x in facts.of(self.name)), default=MISSING)

    def seen(self, facts: Facts) -> dict[str, Any]:
        values = [x for x in facts.of(self.name) if self._one(x) >= POSSIBLE]
        if not values:
            return {}
        worst = max(values, key=lambda x: x.lo) if self.op[0] == ">" else min(values, key=lambda x: x.hi)
        limit = {"high": worst.high, "low": worst.low}.get(self.against, 0.0)
        told: dict[str, Any] = {
            "item": self.name,
            "value": worst.shown,
            "unit": unit_of(self.name) or "",
            "limit": round((limit or 0.0) + self.number, 6),
            "how": worst.how,
        }
        if worst.when is not None:
            told["when"] = worst.when.isoformat()
        day = f", {told['when']}" if "when" in told else ""
        how = "" if worst.how == "measured" else f", {worst.how}"
        value = plain(worst.lo, told["limit"]) if worst.exact else told["value"]
        shown = f"{name_of(self.name)} {value} {plain_unit(self.name)}".rstrip()
        told["seen"] = f"{shown} ({self.op} {plain(told['limit'])}{how}{day})"
        return told

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        yield ((self, positive),)


@dataclass(frozen=True, slots=True)
class Unknown:
    """`field is unknown`."""

    name: str

    def truth(self, facts: Facts) -> int:
        return FALSE if facts.of(self.name) else TRUE

    def seen(self, facts: Facts) -> dict[str, Any]:
        return {"item": self.name, "seen": f"{name_of(self.name)}: ?"}

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        yield ((self, positive),)


@dataclass(frozen=True, slots=True)
class Older:
    """`field is older than days d`."""

    name: str
    days: float

    def truth(self, facts: Facts) -> int:
        age = facts.age_of(self.name)
        return MISSING if age is None else TRUE if age > self.days else FALSE

    def seen(self, facts: Facts) -> dict[str, Any]:
        newest = max(x.when for x in facts.of(self.name) if x.when is not None).isoformat()
        days = facts.age_of(self.name)
        told = f"{name_of(self.name)}: {newest} ({days} d > {self.days:g} d)"
        return {"item": self.name, "days": days, "limit_days": self.days, "when": newest, "seen": told}

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        yield ((self, positive),)


@dataclass(frozen=True, slots=True)
class Flag:
    """`has`, `takes`, `allergic to` or `sex is`: `kind` and what it asks for."""

    kind: str
    name: str

    def truth(self, facts: Facts) -> int:
        return TRUE if self._holds(facts) else FALSE

    def _holds(self, facts: Facts) -> bool:
        if self.kind == "has":
            return facts.has(self.name)
        if self.kind == "takes":
            return facts.takes(self.name)
        if self.kind == "sex":
            return (facts.patient.sex or "unknown") == self.name
        return any(self.name in a.substances for a in facts.patient.allergies)

    def seen(self, facts: Facts) -> dict[str, Any]:
        if not self._holds(facts) or self.kind == "sex":
            return {}
        if self.kind == "has":
            text = facts.text_of(self.name)
            return {"diagnosis": text, "concept": self.name, "seen": text}
        if self.kind == "takes":
            text = facts.drug_of(self.name)
            return {"drug": text, "class": self.name, "seen": text}
        text = next(a.text or self.name for a in facts.patient.allergies if self.name in a.substances)
        return {"allergy": text, "seen": text}

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        yield ((self, positive),)


@dataclass(frozen=True, slots=True)
class Timed:
    """`started CLASS within N d` and `due KIND within N d`."""

    kind: str
    name: str
    days: float

    def truth(self, facts: Facts) -> int:
        if self.kind == "started":
            return TRUE if facts.started_within(self.name, self.days) else FALSE
        return TRUE if facts.visit_within(self.name, self.days, self.days) else FALSE

    def seen(self, facts: Facts) -> dict[str, Any]:
        if self.truth(facts) == FALSE:
            return {}
        if self.kind == "started":
            return {"drug": facts.drug_of(self.name), "seen": facts.drug_of(self.name)}
        return {"visit": self.name, "seen": self.name}

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        yield ((self, positive),)


@dataclass(frozen=True, slots=True)
class Not:
    """`not part`."""

    part: Condition

    def truth(self, facts: Facts) -> int:
        return opposite(self.part.truth(facts))

    def seen(self, facts: Facts) -> dict[str, Any]:
        return {}

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        yield from self.part.branches(not positive)


@dataclass(frozen=True, slots=True)
class Many:
    """`and` (all) or `or` of parts."""

    every: bool
    parts: tuple[Condition, ...]

    def truth(self, facts: Facts) -> int:
        if self.every:
            least = TRUE
            for part in self.parts:
                least = min(least, part.truth(facts))
                if least == FALSE:
                    return FALSE
            return least
        return max(part.truth(facts) for part in self.parts)

    def seen(self, facts: Facts) -> dict[str, Any]:
        told: dict[str, Any] = {}
        parts = [part.seen(facts) for part in self.parts if part.truth(facts) >= POSSIBLE]
        for part in reversed(parts):
            told.update(part)
        seen = dict.fromkeys(text for part in parts if (text := part.get("seen")))
        return {**told, "seen": "; ".join(seen)} if seen else told

    def branches(self, positive: bool) -> Iterator[tuple[tuple[Any, bool], ...]]:
        if self.every == positive:
            for combined in product(*(tuple(part.branches(positive)) for part in self.parts)):
                yield tuple(statement for branch in combined for statement in branch)
        else:
            for part in self.parts:
                yield from part.branches(positive)


_NAMES = {
    "age": "age",
    "calcium": "calcium",
    "calcium_before": "earlier calcium",
    "ca_x_po4": "calcium x phosphate",
    "calcium_intake": "calcium intake",
    "child_pugh": "Child-Pugh score",
    "creatinine_clearance": "creatinine clearance",
    "creatinine_ratio": "creatinine, ratio to the lowest of 90 days",
    "creatinine_rise_48h": "creatinine, rise within 48 h",
    "egfr": "eGFR",
    "egfr_fall": "eGFR, fall within 90 days",
    "tls_criteria": "laboratory signs of tumor lysis",
    "unread_vitamin_d": "vitamin D of unknown dose",
    "vitamin_d_90d": "vitamin D of 90 days",
    "vitamin_d_365d": "vitamin D of 12 months",
    "25ohd": "25(OH)D",
    "1_25_ohd": "1,25(OH)2D",
}


def name_of(field: str) -> str:
    """Short name of a field, for what was seen in the record."""
    item = labs().get(field)
    return _NAMES.get(field) or (item.name if item is not None else field)


def plain_unit(field: str) -> str:
    """Unit of a field as people write it."""
    unit = unit_of(field) or ""
    return {
        "1": "",
        "[iU]": "IU",
        "a": "y",
        "mL/min/{1.73_m2}": "mL/min/1.73 m2",
        "mmol/(24.h)": "mmol/24 h",
        "Cel": "°C",
        "10*9/L": "x 10^9/L",
    }.get(unit, unit)


_TOKEN = re.compile(r"[^\s()<>]*/\([^\s()]+\)|\(|\)|>=|<=|>|<|[^\s()<>]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")


def parse(text: str, where: str) -> Condition:
    """Read and check a condition.

    Parameters
    ----------
    text
        The condition.
    where
        File and line, for messages.

    Raises
    ------
    KnowledgeError
        A word, field, unit, analyte, concept or drug class that is not known; a limit that no value can reach; a branch
        that contradicts itself.

    Examples
    --------
    >>> parse("egfr < 30 mL/min/{1.73_m2}", "example").number
    30.0
    """
    reader = _Reader(_TOKEN.findall(text), where, text)
    condition = reader.either()
    if reader.rest:
        raise reader.fail(f"{reader.rest[0]!r} is not expected here")
    _reachable(condition, reader)
    return condition


class _Reader:
    def __init__(self, tokens: list[str], where: str, text: str) -> None:
        self.rest = tokens
        self.where = where
        self.text = text

    def fail(self, what: str) -> KnowledgeError:
        return KnowledgeError(f"{self.where}: in the condition {self.text!r}: {what}.")

    def take(self) -> str:
        if not self.rest:
            raise self.fail("it ends too early")
        return self.rest.pop(0)

    def word(self, *allowed: str) -> str:
        token = self.take()
        if token not in allowed:
            raise self.fail(f"{token!r} stands where {' or '.join(repr(a) for a in allowed)} is needed")
        return token

    def peek(self) -> str:
        return self.rest[0] if self.rest else ""

    def either(self) -> Condition:
        parts = [self.both()]
        while self.peek() == "or":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Many(False, tuple(parts))

    def both(self) -> Condition:
        parts = [self.one()]
        while self.peek() == "and":
            self.take()
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Many(True, tuple(parts))

    def one(self) -> Condition:
        token = self.take()
        if token == "not":
            return Not(self.one())
        if token == "(":
            inner = self.either()
            self.word(")")
            return inner
        if token == "has":
            return Flag("has", self.known(self.take(), concepts(), "concept", "conditions.toml"))
        if token == "takes":
            return Flag("takes", self.known(self.take(), drug_classes(), "drug class", "drugs.toml"))
        if token == "started":
            name = self.known(self.take(), drug_classes(), "drug class", "drugs.toml")
            self.word("within")
            return Timed("started", name, self.span())
        if token == "due":
            name = self.known(self.take(), VISITS, "kind of visit", "language.VISITS")
            self.word("within")
            return Timed("due", name, self.span())
        if token == "allergic":
            self.word("to")
            table = load("excipients.toml", "excipient")
            return Flag("allergic", self.known(self.take(), table, "substance", "excipients.toml"))
        if token == "sex":
            self.word("is")
            return Flag("sex", self.word("female", "male", "unknown"))
        return self.about(token)

    def known(self, name: str, table: Any, kind: str, file: str) -> str:
        if name not in table:
            raise self.fail(f"the {kind} {name!r} is not in {file}")
        return name

    def about(self, name: str) -> Condition:
        unit = unit_of(name)
        if unit is None:
            raise self.fail(f"{name!r} is no field: analytes of labs.toml and {', '.join(sorted(DERIVED))}")
        word = self.word("is", *COMPARE)
        if word != "is":
            return self.compare(name, word, unit)
        if self.word("unknown", "older") == "unknown":
            return Unknown(name)
        self.word("than")
        return Older(name, self.span())

    def compare(self, name: str, op: str, unit: str) -> Condition:
        if self.peek() in ("high", "low"):
            against = self.take()
            item = labs().get(name)
            if item is None or (item.high if against == "high" else item.low) is None:
                raise self.fail(f"{name!r} has no {against} reference limit in labs.toml")
            shift = 0.0
            if self.peek() in ("-", "+"):
                sign = -1.0 if self.take() == "-" else 1.0
                shift = sign * self.amount(name, unit)
            return Compare(name, op, shift, against)
        return Compare(name, op, self.amount(name, unit))

    def amount(self, name: str, unit: str) -> float:
        number = self.number()
        given = self.take()
        if given == unit:
            return number
        item = labs().get(name)
        try:
            return convert(number, given, unit, None if item is None else item.substance)
        except UnitError:
            raise self.fail(f"the unit {given!r} does not fit {name!r}, which is in {unit!r}") from None

    def number(self) -> float:
        token = self.take()
        if not _NUMBER.match(token):
            raise self.fail(f"{token!r} stands where a number is needed")
        return float(token)

    def span(self) -> float:
        number = self.number()
        self.word("d")
        if number < 0:
            raise self.fail(f"a span of {number:g} d is not possible")
        return number


_Range = tuple[float, bool, float, bool]
"""Lower end, whether it is excluded, upper end, whether it is excluded."""


def _reachable(condition: Condition, reader: _Reader) -> None:
    """Refuse limits that no value reaches and branches that contradict themselves."""
    for count, branch in enumerate(condition.branches(True), 1):
        if count > MAX_BRANCHES:
            raise reader.fail(f"it has more than {MAX_BRANCHES} branches; write it as several rules")
        said: dict[Any, bool] = {}
        ranges: dict[str, _Range] = {}
        sexes = {statement.name for statement, positive in branch if positive and _sex(statement)}
        if len(sexes) > 1:
            raise reader.fail(f"a branch needs a person who is {' and '.join(sorted(sexes))} at once")
        for statement, positive in branch:
            if said.setdefault(statement, positive) != positive:
                raise reader.fail(f"a branch says and denies the same ({_told(statement)}), it can never be true")
            _narrow(statement, positive, ranges, reader)
        for statement, positive in branch:
            about = isinstance(statement, Compare) or (isinstance(statement, Older) and positive)
            if about and said.get(Unknown(statement.name)):
                raise reader.fail(f"a branch needs {statement.name!r} known and unknown at once")


def _sex(statement: Any) -> bool:
    return isinstance(statement, Flag) and statement.kind == "sex"


def _narrow(statement: Any, positive: bool, ranges: dict[str, _Range], reader: _Reader) -> None:
    """Keep of a value, of its distance to a limit, or of an age what a statement leaves; nothing left is a fault."""
    possible = (float("-inf"), float("inf"))
    if isinstance(statement, Compare):
        of, above, edge = statement.name, statement.op[0] == ">", statement.number
        strict = statement.op in (">", "<")
        if statement.against:
            of = f"{of} over its {statement.against} limit"
        else:
            item = labs().get(statement.name)
            possible = (0.0, float("inf")) if item is None else item.possible
            if item is not None and not possible[0] <= edge <= possible[1]:
                raise reader.fail(
                    f"the limit {edge:g} of {of!r} is outside its possible values "
                    f"{possible[0]:g} to {possible[1]:g}, so that it never decides"
                )
    elif isinstance(statement, Older):
        of, above, edge, strict = f"days since {statement.name}", True, statement.days, True
    elif isinstance(statement, Timed):
        of, above, edge, strict = f"days to {statement.kind} {statement.name}", False, statement.days, False
    else:
        return
    low, low_open, high, high_open = ranges.get(of, (possible[0], False, possible[1], False))
    is_open = strict == positive
    if above == positive:
        low, low_open = (edge, is_open or (low_open and edge == low)) if edge >= low else (low, low_open)
    else:
        high, high_open = (edge, is_open or (high_open and edge == high)) if edge <= high else (high, high_open)
    if low > high or (low == high and (low_open or high_open)):
        raise reader.fail(f"a branch needs {of!r} above {low:g} and below {high:g} at once")
    ranges[of] = (low, low_open, high, high_open)


def _told(statement: Any) -> str:
    return str(statement.name)
