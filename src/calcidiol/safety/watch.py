"""Monitoring: what is measured when, moved to a blood draw that is due anyway, and the rules for stopping.

Safety labs are never traded away: a check may move by a few days to a visit, it is never dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Patient
from calcidiol.safety.checkpoint import Checkpoint, checkpoints
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import Compare, Condition
from calcidiol.safety.lifting import to_lift
from calcidiol.safety.rulebook import Check, Knowledge
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.seen import POSSIBLE
from calcidiol.safety.verdict import Fired, MonitorItem

DRAWS = (
    "blood_draw",
    "draw",
    "labs",
    "chemotherapy",
    "chemo",
    "cycle",
    "infusion",
    "clinic",
    "bone_agent",
    "transplant",
)
"""Visits at which blood is drawn anyway (our choice, P)."""


CHECKPOINT = ("25ohd", "calcium", "albumin")
"""What is measured before a dose that passes the 90-day total (P: the level, and calcium with its albumin)."""


def monitoring(
    patient: Patient,
    regimen: Regimen,
    on: date,
    knowledge: Knowledge | None = None,
    *,
    rules: tuple[Fired, ...] = (),
) -> tuple[MonitorItem, ...]:
    """Checks that a regimen asks for, in order of time.

    Parameters
    ----------
    patient
        The record.
    regimen
        What is given; without doses only what would lift the refusal is asked for.
    on
        Day of the plan; checks before it are not asked for.
    knowledge
        Rules; the shipped ones when None.
    rules
        `Verdict.rules` of the gate: what is measured to lift each HOLD, and each STOP on all routes, is listed, and the
        planned 25(OH)D that the gate relied on (HL09), or missed (HL06), stand at their days.

    Returns
    -------
    tuple of MonitorItem
        `params` has ``days`` after the first dose, ``moved_from`` and ``visit`` where a check was moved to a day on
        which blood is drawn anyway (a visit, or the 25(OH)D that a later dose waits for). Checks of the same day with
        the same rule are one; what lifts a rule has its ``lift.`` text. A dose that passes 300,000 IU in 90 days has a
        mandatory 25(OH)D before it (``monitor.checkpoint``), which no visit moves.
    """
    known = knowledge or shipped()
    facts = Facts(patient, on, known.numbers)
    first = min((run.start for run in regimen.runs), default=on)
    agents = sorted(v.when for v in patient.visits if v.kind == "bone_agent")
    found = {(item.on, item.reason_id): item for item in to_lift(rules, facts, known)}
    points = _checkpoints(patient, regimen, on, known, rules)
    draws = [(v.when, v.kind) for v in patient.visits if v.kind in DRAWS and v.when >= on]
    draws += [(point.on, "checkpoint") for point in points]
    for check in known.checks if regimen.runs else ():
        if check.condition is not None and check.condition.truth(facts) < POSSIBLE:
            continue
        for due in _days(check, regimen, _anchor(check, agents, first, on)):
            if due < on and check.after != "each_im":
                continue
            day, visit = _move(draws, max(due, on), check.tolerance_days)
            params: dict[str, object] = {"days": (day - first).days, "labs": check.labs}
            if visit:
                params |= {"moved_from": max(due, on).isoformat(), "visit": visit}
            item = MonitorItem(
                day, check.labs, check.text_id, check.id, check.source, check.tag, params, check.mandatory
            )
            found.setdefault((day, check.id), item)
    for point in points:
        params = {"days": (point.on - first).days, "labs": CHECKPOINT, "dose": point.dose.isoformat(), "iu": point.iu}
        row = known.hard["HL09"]
        item = MonitorItem(point.on, CHECKPOINT, "monitor.checkpoint", row.id, row.source, row.tag, params)
        found.setdefault((point.on, row.id), item)
    return tuple(sorted(found.values(), key=lambda x: (x.on, x.rule)))


def _checkpoints(
    patient: Patient, regimen: Regimen, on: date, known: Knowledge, rules: tuple[Fired, ...]
) -> list[Checkpoint]:
    """The 25(OH)D results that doses wait for: those that the gate told, else the latest that do."""
    told = [
        Checkpoint(_day(x.params["check"]), _day(x.params["when"]), float(str(x.params["iu"])))
        for x in rules
        if x.id == "HL09"
    ]
    lead = timedelta(days=known.numbers.days("check_before_dose"))
    missed = [
        Checkpoint(max(on, _day(x.params["when"]) - lead), _day(x.params["when"]), float(str(x.params["iu"])))
        for x in rules
        if x.id == "HL06"
    ]
    return [*(told or checkpoints(patient, regimen, on, known)), *missed]


def _day(text: object) -> date:
    return date.fromisoformat(str(text))


def _anchor(check: Check, agents: Sequence[date], first: date, on: date) -> date:
    """The day from which a check is counted: the first dose, or the bone agent whose check is still to come."""
    if check.after != "bone_agent":
        return first
    return next((day for day in agents if day + timedelta(days=check.days) >= on), first)


def _days(check: Check, regimen: Regimen, first: date) -> Iterator[date]:
    if check.after == "each_im":
        for run in regimen.runs:
            if run.route == "im":
                for k in range(run.count):
                    yield run.start + timedelta(days=int(run.every_days * k + 1e-9) + check.days)
        return
    for k in range(check.count):
        yield first + timedelta(days=check.days + k * check.every_days)


def _move(draws: Sequence[tuple[date, str]], due: date, tolerance: int) -> tuple[date, str]:
    """The nearest day on which blood is drawn anyway within the tolerance; the day itself when there is none."""
    near = [(abs((day - due).days), day, kind) for day, kind in draws if abs((day - due).days) <= tolerance]
    if not near:
        return due, ""
    distance, day, kind = min(near)
    return (day, kind) if distance else (due, kind)


def stop_rules(patient: Patient, on: date, knowledge: Knowledge | None = None) -> tuple[Fired, ...]:
    """When the plan stops: shown with every plan, judged on the next results.

    `params` has ``limit`` and ``unit``; where the laboratory's own limit decides, ``limit`` is the one known so far.
    """
    known = knowledge or shipped()
    facts = Facts(patient, on, known.numbers)
    return tuple(
        Fired(
            rule.id, rule.action, rule.scope, rule.text_id, _limits(rule.condition, facts), rule.source, rule.tag,
            rule.version_date, rule.lifted_by,
        )
        for rule in known.stops
    )  # fmt: skip


def _limits(condition: Condition, facts: Facts) -> dict[str, object]:
    """Limit and unit of the first comparison of a rule."""
    asked = [s for branch in condition.branches(True) for s, _ in branch if isinstance(s, Compare)]
    return asked[0].told(facts) if asked else {}
