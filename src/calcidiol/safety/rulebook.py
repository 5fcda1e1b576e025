"""Everything the safety room knows, read once from its TOML files and checked.

A fault names file and line: an unknown key, action, scope, text or tag; a value of the wrong kind; a condition that
cannot be read or can never be true; a name that stands twice; two rules with the same condition and scope, in whatever
order it is written; a permission that nobody gives.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, cast

from calcidiol.errors import KnowledgeError
from calcidiol.safety import numbers
from calcidiol.safety.language import Condition, Flag, parse
from calcidiol.safety.numbers import Numbers
from calcidiol.safety.rulefile import Lines, choice, keys, once, parsed, rows
from calcidiol.safety.verdict import Action
from calcidiol.terminology.labs import labs

ACTIONS = ("STOP", "HOLD", "ALT", "WARN")
SCOPES = ("all", "im", "oral", "single_dose", "excipient")
LIMITS = ("largest_single_iu", "ceiling_nmol_per_l", "daily_only")
HARD = ("HL01", "HL02", "HL03", "HL04", "HL05", "HL06", "HL07", "HL08", "HL09")
LEVELS = ("major", "moderate", "minor")
MOVES = ("CL25",)
"""Parameters of a kinetic card that an interaction may move."""

_RULE = {
    "id", "part", "action", "scope", "when", "text", "lifted_by", "permitted", "source", "tag", "version_date", "limit",
}  # fmt: skip
_RULE_NEEDS = ("id", "action", "scope", "when", "source", "tag")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when the record says `condition`, `action` on `scope`.

    `text_id` names the sentence, `lifted_by` what would lift it, `permitted` what stays permissible meanwhile (each
    with a condition of its own, see `Knowledge.permitted`). `limits` are limits that come with it.
    """

    id: str
    part: str
    action: Action
    scope: str
    when: str
    condition: Condition
    text_id: str
    lifted_by: str
    permitted: tuple[str, ...]
    source: str
    tag: str
    version_date: str
    limits: Mapping[str, float]
    where: str

    @property
    def name(self) -> str:
        """Id and part, unique."""
        return f"{self.id}.{self.part}" if self.part else self.id


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that stays permissible: when `when` holds and `route` (if any) is left.

    With `agree` (``"all"`` or ``"im"``) only if each fired rule that takes away all routes (or the injections) lists
    it: so a permission of one rule is never read beside the stop of another.
    """

    when: Condition | None
    route: str
    agree: str
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class HardLimit:
    """A limit that no record lifts; its number stands in numbers.toml or in the product table."""

    id: str
    action: Action
    scope: str
    lifted_by: str
    permitted: tuple[str, ...]
    source: str
    tag: str
    version_date: str


@dataclass(frozen=True, slots=True)
class Clash:
    """One interaction: drug classes, what happens, which parameters move."""

    id: str
    part: str
    classes: tuple[str, ...]
    condition: Condition
    level: Literal["major", "moderate", "minor"]
    text_id: str
    source: str
    tag: str
    moves: Mapping[str, float]
    size: str
    where: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the monitoring plan: `labs`, `days` after its anchor (see monitoring.toml), `count` times."""

    id: str
    labs: tuple[str, ...]
    days: int
    after: str
    every_days: int
    count: int
    tolerance_days: int
    condition: Condition | None
    text_id: str
    source: str
    tag: str
    mandatory: bool
    where: str


@dataclass(frozen=True, slots=True)
class Lift:
    """What is measured to lift a rule, `days` after the day of the plan; without labs those that the rule asks for."""

    id: str
    labs: tuple[str, ...]
    days: int
    source: str
    tag: str
    where: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist of a session; `kind` is ``"before"`` or ``"after"``."""

    id: str
    kind: str
    when: str
    condition: Condition | None
    labs: tuple[str, ...]
    within_days: float
    text_id: str
    source: str
    tag: str
    where: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Rules, interactions, monitoring, session checklists, numbers, and when each permission holds."""

    rules: tuple[Rule, ...]
    permitted: Mapping[str, Permission]
    hard: Mapping[str, HardLimit]
    clashes: tuple[Clash, ...]
    checks: tuple[Check, ...]
    stops: tuple[Rule, ...]
    items: tuple[Item, ...]
    lifts: Mapping[str, Lift]
    numbers: Numbers


TOP = {
    "rules.toml": ("permitted", "rule", "hard"),
    "interactions.toml": ("interaction",),
    "monitoring.toml": ("check", "lift", "stop"),
    "session.toml": ("item",),
    "numbers.toml": ("hard", "window", "own_limit"),
}
FILES = tuple(TOP)
"""The files, and the tables that may stand in each."""


@functools.cache
def knowledge() -> Knowledge:
    """The shipped knowledge."""
    folder = resources.files("calcidiol.safety")
    return read({name: folder.joinpath(name).read_text(encoding="utf-8") for name in FILES})


def read(texts: Mapping[str, str]) -> Knowledge:
    """Knowledge from the texts of its files (names as in `FILES`).

    Raises
    ------
    KnowledgeError
        See the module; the message names file and line.
    """
    for name in FILES:
        if name not in texts:
            raise KnowledgeError(f"safety/{name} is missing.")
    tables = {name: parsed(name, texts[name], TOP[name]) for name in FILES}
    lines = {name: Lines(name, texts[name]) for name in FILES}

    def each(file: str, name: str) -> list[tuple[Mapping[str, Any], str]]:
        return rows(tables[file], name, lines[file])

    permitted = _permitted(tables["rules.toml"], lines["rules.toml"])
    rules = _rules(tables["rules.toml"], "rule", lines["rules.toml"], permitted)
    stops = _rules(tables["monitoring.toml"], "stop", lines["monitoring.toml"], permitted)
    _distinct(rules)
    _distinct(stops)
    hard = _hard(tables["rules.toml"], lines["rules.toml"], permitted)
    given = {name for rule in rules for name in rule.permitted} | {n for h in hard.values() for n in h.permitted}
    for name in permitted:
        if name not in given:
            raise KnowledgeError(f"{lines['rules.toml'].where(name)}: no rule gives the permission {name!r}.")
    lifts = {r.lifted_by for r in rules} | {h.lifted_by for h in hard.values()}
    clashes = tuple(_clash(*x) for x in each("interactions.toml", "interaction"))
    checks = tuple(_check(*x) for x in each("monitoring.toml", "check"))
    items = tuple(_item(*x) for x in each("session.toml", "item"))
    lifted = tuple(_lift(row, lifts, where) for row, where in each("monitoring.toml", "lift"))
    once([(c.text_id.removeprefix("interaction."), c.where) for c in clashes], "interaction")
    once([(c.id, c.where) for c in checks], "check")
    once([(i.id, i.where) for i in items], "item")
    once([(x.id, x.where) for x in lifted], "lift")
    figures = numbers.read(tables["numbers.toml"], lines["numbers.toml"].where)
    return Knowledge(rules, permitted, hard, clashes, checks, stops, items, {x.id: x for x in lifted}, figures)


def _permitted(table: Mapping[str, Any], lines: Lines) -> dict[str, Permission]:
    found: dict[str, Permission] = {}
    for name, row in table.get("permitted", {}).items():
        where = lines.where(f"permitted.{name}", 0)
        keys(row, {"when", "route", "agree", "source", "tag"}, ("source", "tag"), where)
        if row.get("route", "") not in ("", "oral", "im"):
            raise KnowledgeError(f"{where}: 'route' is {row['route']!r}, must be oral or im.")
        if row.get("agree", "") not in ("", "all", "im"):
            raise KnowledgeError(f"{where}: 'agree' is {row['agree']!r}, must be all or im.")
        condition = parse(row["when"], where) if "when" in row else None
        agree = row.get("agree", "")
        found[f"permitted.{name}"] = Permission(condition, row.get("route", ""), agree, row["source"], row["tag"])
    return found


def _hard(table: Mapping[str, Any], lines: Lines, permitted: Mapping[str, Permission]) -> dict[str, HardLimit]:
    found: dict[str, HardLimit] = {}
    every = rows(table, "hard", lines)
    once([(str(row.get("id")), where) for row, where in every], "hard limit")
    for row, where in every:
        needed = ("id", "scope", "lifted_by", "source", "tag")
        keys(row, {*needed, "permitted", "action"}, needed, where)
        choice(row, "scope", SCOPES, where)
        action = row.get("action", "STOP")
        if action not in ACTIONS:
            raise KnowledgeError(f"{where}: the action {action!r} is unknown. Known: {', '.join(ACTIONS)}.")
        found[row["id"]] = HardLimit(
            row["id"], action, row["scope"], row["lifted_by"], _allowed(row, permitted, where), row["source"],
            row["tag"], _version(table, where),
        )  # fmt: skip
        if row["id"] not in HARD:
            raise KnowledgeError(f"{where}: nothing checks a hard limit {row['id']!r}; known are {', '.join(HARD)}.")
    for name in HARD:
        if name not in found:
            raise KnowledgeError(f"safety/{lines.file}: the hard limit {name!r} is missing.")
    return found


def _allowed(row: Mapping[str, Any], permitted: Mapping[str, Permission], where: str) -> tuple[str, ...]:
    for name in row.get("permitted", ()):
        if name not in permitted:
            raise KnowledgeError(f"{where}: {name!r} stands in no table [permitted.<name>].")
    return tuple(row.get("permitted", ()))


def _version(table: Mapping[str, Any], where: str) -> str:
    version = table.get("version")
    if not isinstance(version, str) or not version:
        raise KnowledgeError(f"{where}: the file needs 'version', the date of its knowledge.")
    return version


def _rules(table: Mapping[str, Any], name: str, lines: Lines, permitted: Mapping[str, Permission]) -> tuple[Rule, ...]:
    return tuple(_rule(row, where, permitted, _version(table, where)) for row, where in rows(table, name, lines))


def _rule(row: Mapping[str, Any], where: str, permitted: Mapping[str, Permission], version: str) -> Rule:
    keys(row, _RULE, _RULE_NEEDS, where)
    action = cast(Action, choice(row, "action", ACTIONS, where))
    scope = choice(row, "scope", SCOPES, where)
    limits = dict(row.get("limit", {}))
    for key in limits:
        if key not in LIMITS:
            raise KnowledgeError(f"{where}: unknown limit {key!r}; known are {', '.join(LIMITS)}.")
    if scope == "single_dose" and "largest_single_iu" not in limits:
        raise KnowledgeError(f"{where}: the scope 'single_dose' needs limit.largest_single_iu.")
    if action == "WARN" and limits:
        raise KnowledgeError(f"{where}: a WARN cannot carry a limit; it lets pass.")
    if action == "ALT" and scope == "all":
        raise KnowledgeError(f"{where}: an ALT on 'all' leaves no other route; use HOLD.")
    name = row["id"] + (f".{row['part']}" if row.get("part") else "")
    if action in ("STOP", "HOLD") and not row.get("lifted_by"):
        raise KnowledgeError(f"{where}: a {action} needs 'lifted_by': what would lift it.")
    condition = parse(row["when"], where)
    if scope == "excipient" and not any(_allergy(s) for branch in condition.branches(True) for s, _ in branch):
        raise KnowledgeError(f"{where}: the scope 'excipient' needs 'allergic to ...' in its condition.")
    return Rule(
        id=row["id"],
        part=row.get("part", ""),
        action=action,
        scope=scope,
        when=row["when"],
        condition=condition,
        text_id=row.get("text", f"rule.{name}"),
        lifted_by=row.get("lifted_by", ""),
        permitted=_allowed(row, permitted, where),
        source=row["source"],
        tag=row["tag"],
        version_date=row.get("version_date", version),
        limits=limits,
        where=where,
    )


def _allergy(statement: object) -> bool:
    return isinstance(statement, Flag) and statement.kind == "allergic"


def _distinct(rules: tuple[Rule, ...]) -> None:
    once([(rule.name, rule.where) for rule in rules], "rule")
    said: dict[tuple[frozenset[frozenset[Any]], str], Rule] = {}
    for rule in rules:
        meant = frozenset(frozenset(branch) for branch in rule.condition.branches(True))  # in whatever order
        other = said.setdefault((meant, rule.scope), rule)
        if other is not rule:
            raise KnowledgeError(
                f"{rule.where}: {rule.name} ({rule.action}) has the condition and scope of {other.name} "
                f"({other.action}, {other.where}); keep one."
            )


def _clash(row: Mapping[str, Any], where: str) -> Clash:
    known = {"id", "part", "classes", "when", "level", "source", "tag", "moves", "size"}
    keys(row, known, ("id", "classes", "level", "source", "tag"), where)
    level = cast(Literal["major", "moderate", "minor"], choice(row, "level", LEVELS, where))
    if row.get("size", "") not in ("", "known"):
        raise KnowledgeError(f"{where}: 'size' is {row['size']!r}, must be \"known\" or left out.")
    asked = " or ".join(f"takes {c}" for c in row["classes"])
    condition = parse(f"({asked}) and ({row['when']})" if "when" in row else asked, where)
    for name in row.get("moves", {}):
        if name not in MOVES:
            raise KnowledgeError(f"{where}: unknown parameter {name!r} in 'moves'; known are {', '.join(MOVES)}.")
    name = row["id"] + (f".{row['part']}" if row.get("part") else "")
    return Clash(
        row["id"], row.get("part", ""), tuple(row["classes"]), condition, level, f"interaction.{name}",
        row["source"], row["tag"], dict(row.get("moves", {})), row.get("size", ""), where,
    )  # fmt: skip


def _check(row: Mapping[str, Any], where: str) -> Check:
    known = {
        "id", "labs", "days", "after", "every_days", "count", "tolerance_days", "when", "source", "tag", "mandatory",
    }  # fmt: skip
    keys(row, known, ("id", "labs", "days", "after", "source", "tag"), where)
    choice(row, "after", ("first", "each_im", "bone_agent"), where)
    return Check(
        id=row["id"],
        labs=_labs(row, where),
        days=row["days"],
        after=row["after"],
        every_days=row.get("every_days", 0),
        count=row.get("count", 1),
        tolerance_days=row.get("tolerance_days", 0),
        condition=parse(row["when"], where) if "when" in row else None,
        text_id=f"monitor.{row['id']}",
        source=row["source"],
        tag=row["tag"],
        mandatory=row.get("mandatory", True),
        where=where,
    )


def _lift(row: Mapping[str, Any], lifts: set[str], where: str) -> Lift:
    keys(row, {"id", "labs", "days", "source", "tag"}, ("id", "days", "source", "tag"), where)
    if row["id"] not in lifts:
        raise KnowledgeError(f"{where}: no rule is lifted by {row['id']!r}.")
    if row["days"] < 0:
        raise KnowledgeError(f"{where}: 'days' is {row['days']}, the day of the plan (0) or later is needed.")
    return Lift(row["id"], _labs(row, where), row["days"], row["source"], row["tag"], where)


def _labs(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    for name in row.get("labs", ()):
        if name not in labs():
            raise KnowledgeError(f"{where}: the analyte {name!r} is not in labs.toml.")
    return tuple(row.get("labs", ()))


def _item(row: Mapping[str, Any], where: str) -> Item:
    known = {"id", "kind", "when", "labs", "within_days", "source", "tag"}
    keys(row, known, ("id", "kind", "source", "tag"), where)
    choice(row, "kind", ("before", "after"), where)
    return Item(
        row["id"], row["kind"], row.get("when", ""), parse(row["when"], where) if "when" in row else None,
        _labs(row, where), float(row.get("within_days", 0)), f"session.{row['id']}", row["source"], row["tag"],
        where,
    )  # fmt: skip
