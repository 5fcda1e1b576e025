"""What is measured, and when, to lift a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from calcidiol.safety import exposure
from calcidiol.safety.checkpoint import SLACK, QuarterTotal
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import Compare, Older, Unknown
from calcidiol.safety.rulebook import Knowledge
from calcidiol.safety.verdict import Fired, MonitorItem
from calcidiol.terminology.labs import labs


def to_lift(rules: Iterable[Fired], facts: Facts, known: Knowledge) -> list[MonitorItem]:
    """The measurements that would lift each HOLD, and each STOP on all routes: one for each `lifted_by`.

    A rule that no measurement lifts (an allergy, the age, a wait) has none. `params` has ``days`` after the day of the
    plan and ``rules``, the ids of all rules that the measurement would lift.
    """
    asked: dict[str, list[Fired]] = {}
    for rule in rules:
        takes_away = rule.action == "HOLD" or (rule.action == "STOP" and rule.scope == "all")
        if (
            takes_away and rule.id != "HL06" and rule.lifted_by in known.lifts
        ):  # HL06 has its checkpoint before the dose
            asked.setdefault(rule.lifted_by, []).append(rule)
    return [item for lift, fired in asked.items() if (item := _item(lift, fired, facts, known)) is not None]


def _item(lift: str, fired: list[Fired], facts: Facts, known: Knowledge) -> MonitorItem | None:
    row = known.lifts[lift]
    names = row.labs or tuple(dict.fromkeys(name for rule in fired for name in _asked(rule, known)))
    if not names:
        return None
    day = _shown_on(facts, known) if lift == "lift.newer_level" else facts.on + timedelta(days=row.days)
    ids = tuple(dict.fromkeys(rule.id for rule in fired))
    params: dict[str, object] = {"days": (day - facts.on).days, "labs": names, "rules": ids}
    return MonitorItem(day, names, lift, ids[0], row.source, row.tag, params)


def _asked(rule: Fired, known: Knowledge) -> tuple[str, ...]:
    """Analytes that the condition of a rule asks for."""
    names: list[str] = []
    for one in known.rules:
        if one.text_id == rule.text_id:
            for branch in one.condition.branches(True):
                names += [s.name for s, _ in branch if isinstance(s, Compare | Older | Unknown) and s.name in labs()]
    return tuple(dict.fromkeys(names))


def _shown_on(facts: Facts, known: Knowledge) -> date:
    """The first day on which a 25(OH)D would show enough of the doses that were given."""
    total = QuarterTotal(facts)
    limit = known.numbers["largest_90d_iu"] * (1 + SLACK)
    for days in range(exposure.QUARTER_D):
        day = facts.on + timedelta(days=days)
        if total.with_check(day, day) <= limit:
            return day
    raise AssertionError("after 90 days nothing counts")  # pragma: no cover
