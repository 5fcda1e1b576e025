"""The checklist of the day: what must be cleared before an injection, what to record and to do after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from calcidiol.kinetics.events import Regimen
from calcidiol.patient.record import Patient
from calcidiol.safety import exposure
from calcidiol.safety.allowed import judge
from calcidiol.safety.facts import Facts
from calcidiol.safety.language import name_of, plain_unit
from calcidiol.safety.rulebook import Item, Knowledge
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.seen import POSSIBLE, plain
from calcidiol.safety.verdict import Fired, MonitorItem
from calcidiol.safety.watch import monitoring, stop_rules
from calcidiol.terminology.product import Product

ItemStatus = Literal["cleared", "missing", "ask"]


@dataclass(frozen=True, slots=True)
class SessionItem:
    """One line of the checklist.

    `status` is ``"cleared"`` (in the record, recent enough), ``"missing"`` (a result is not there or too old) or
    ``"ask"`` (a person has to look or ask). `params` fill the text `text_id`; of results, ``found`` says what the
    record holds and ``missing`` what it lacks.
    """

    id: str
    text_id: str
    status: ItemStatus
    params: dict[str, object] = field(default_factory=dict)
    source: str = ""
    tag: str = "P"


@dataclass(frozen=True, slots=True)
class Session:
    """The session of a day.

    `status` is ``"cleared"``, ``"open"`` (something is missing: not yet) or ``"stopped"`` (a STOP or HOLD on
    injections: no session). After it, `monitoring` and `stop_rules` say what comes next.
    """

    status: Literal["cleared", "open", "stopped", "done"]
    items: tuple[SessionItem, ...]
    rules: tuple[Fired, ...] = ()
    monitoring: tuple[MonitorItem, ...] = ()
    stop_rules: tuple[Fired, ...] = ()


def session_before(
    patient: Patient, on: date, products: Mapping[str, Product], knowledge: Knowledge | None = None
) -> Session:
    """What must be cleared before an injection on this day.

    Parameters
    ----------
    patient, on, products, knowledge
        As for `limits`.

    Returns
    -------
    Session
        ``"stopped"`` when a rule takes injections (or everything) away or the wait after the last injection still
        lasts; ``"open"`` when a result is missing; else ``"cleared"``: what remains is to be asked.
    """
    known = knowledge or shipped()
    judged = judge(patient, on, products, known)
    items = tuple(_item(item, judged.facts) for item in known.items if _asked(item, "before", judged.facts))
    wait = judged.limits.im_from
    if wait is not None:
        left = SessionItem(
            "S16", "session.S16", "missing", {"earliest": wait.isoformat(), "days": (wait - on).days},
            known.hard["HL04"].source, known.hard["HL04"].tag,
        )  # fmt: skip
        items = (*items, left)
    stopped = "im" not in judged.limits.routes or wait is not None
    missing = any(i.status == "missing" for i in items)
    return Session("stopped" if stopped else "open" if missing else "cleared", items, judged.limits.fired)


def session_after(patient: Patient, regimen: Regimen, on: date, knowledge: Knowledge | None = None) -> Session:
    """What to record and to do after an injection on this day, and what is measured next.

    Parameters
    ----------
    patient, on, knowledge
        As for `limits`.
    regimen
        What was begun, for the checks after it.
    """
    known = knowledge or shipped()
    facts = Facts(patient, on, known.numbers)
    items = tuple(_item(item, facts) for item in known.items if _asked(item, "after", facts))
    later = tuple(m for m in monitoring(patient, regimen, on, known) if m.on > on)  # today's was before the injection
    return Session("done", items, (), later, stop_rules(patient, on, known))


def _asked(item: Item, kind: str, facts: Facts) -> bool:
    return item.kind == kind and (item.condition is None or item.condition.truth(facts) >= POSSIBLE)


def _item(item: Item, facts: Facts) -> SessionItem:
    params: dict[str, object] = {
        "labs": item.labs,
        "days": item.within_days,
        "iu_90d": round(exposure.total(facts.given, facts.on, exposure.QUARTER_D)),
        "iu_365d": round(exposure.total(facts.given, facts.on, exposure.YEAR_D)),
        "allergies": ", ".join(a.text for a in facts.patient.allergies if a.text) or "-",
        "seen": "" if item.condition is None else item.condition.seen(facts).get("seen", ""),
    }
    status: ItemStatus = "ask"
    if item.labs:
        late = [name for name in item.labs if (age := facts.age_of(name)) is None or age > item.within_days]
        params["missing"] = tuple(late)
        params["found"] = "; ".join(_found(name, facts) for name in item.labs)
        status = "missing" if late else "cleared"
    return SessionItem(item.id, item.text_id, status, params, item.source, item.tag)


def _found(name: str, facts: Facts) -> str:
    """What the record holds of an analyte, each value once, as rules say what they saw."""
    told: dict[str, str] = {}
    for x in facts.of(name):
        how = "" if x.how == "measured" else f", {x.how}"
        value = plain(x.lo) if x.exact else str(x.shown)
        told.setdefault(value, f"{name_of(name)} {value} {plain_unit(name)} ({x.when}{how})")
    return "; ".join(told.values()) or f"{name_of(name)}: ?"
