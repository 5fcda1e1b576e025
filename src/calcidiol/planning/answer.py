"""The answer: one frozen Plan that cannot exist without its Verdict.

A plan holds ids and parameters, never sentences; `to_dict` takes the function that makes them (`report.Words.say`), so
that the same plan can be read in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from calcidiol.kinetics.events import DoseRun, Regimen
from calcidiol.patient.record import Finding
from calcidiol.safety.verdict import Fired, Interaction, MonitorItem, Verdict

PlanStatus = Literal["planned", "refused", "unusable"]
Say = Callable[[str, Mapping[str, Any]], str]
"""Makes the sentence for a text id and its parameters."""

SCHEMA = "calcidiol-plan/1"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the program answers for one patient on one day.

    `body` holds the parts that are numbers only (forecasts, probabilities, alternatives, next result, trust, evidence,
    inputs, card, goal, labs), already free of objects; the parts that need words are typed.
    """

    status: PlanStatus
    on: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    interactions: tuple[Interaction, ...]
    regimen: Regimen | None
    monitoring: tuple[MonitorItem, ...]
    stop_rules: tuple[Fired, ...]
    capsule: Mapping[str, Any]
    body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the invariants that no later stage may break."""
        if self.status == "planned" and (self.regimen is None or self.verdict.status == "refused"):
            raise ValueError("a planned answer needs a regimen and a verdict that is not a refusal")
        if self.status != "planned" and self.regimen is not None:
            raise ValueError(f"a plan that is {self.status} cannot carry a regimen")

    @property
    def exit_code(self) -> int:
        """Code with which the command line ends: 0 planned, 3 refused, 4 unusable."""
        return {"planned": 0, "refused": 3, "unusable": 4}[self.status]

    def to_dict(self, say: Say) -> dict[str, Any]:
        """The plan as plain data with its sentences, in the shape of `plan.schema.json`."""
        told: dict[str, Any] = {
            "schema": SCHEMA,
            "status": self.status,
            "on": self.on,
            "findings": [finding_dict(f, say) for f in self.findings],
            "verdict": {"status": self.verdict.status, "rules": [fired_dict(r, say) for r in self.verdict.rules]},
            "interactions": [
                {
                    "id": i.id,
                    "drug": i.drug,
                    "effect": say(i.effect_id, i.params),
                    "effect_id": i.effect_id,
                    "params": dict(i.params),
                    "source": i.source,
                    "tag": i.tag,
                    "level": i.level,
                    "moves": dict(i.moves),
                }
                for i in self.interactions
            ],
            "regimen": None if self.regimen is None else regimen_dict(self.regimen),
            "monitoring": [
                {
                    "on": m.on.isoformat(),
                    "labs": list(m.labs),
                    "reason_id": m.reason_id,
                    "params": dict(m.params),
                    "text": say(m.reason_id, m.params),
                    "rule": m.rule,
                    "source": m.source,
                    "tag": m.tag,
                    "mandatory": m.mandatory,
                }
                for m in self.monitoring
            ],
            "stop_rules": [fired_dict(r, say) for r in self.stop_rules],
        }
        told.update(_with_words(dict(self.body), say))
        told["capsule"] = dict(self.capsule)
        return told


def finding_dict(f: Finding, say: Say) -> dict[str, Any]:
    """A finding as plain data."""
    return {
        "id": f.id,
        "level": f.level,
        "item": f.item,
        "key": f.key,
        "confirmed": f.confirmed,
        "params": dict(f.params),
        "text": say(f.id, f.params),
    }


def fired_dict(r: Fired, say: Say) -> dict[str, Any]:
    """A rule that applies, as plain data."""
    return {
        "id": r.id,
        "action": r.action,
        "scope": r.scope,
        "text_id": r.text_id,
        "params": dict(r.params),
        "text": say(r.text_id, r.params),
        "source": r.source,
        "tag": r.tag,
        "version_date": r.version_date,
        "lifted_by": say(r.lifted_by, r.params) if r.lifted_by else "",
        "lifted_by_id": r.lifted_by,
        "permitted": [{"id": p, "text": say(p, r.params)} for p in r.permitted],
    }


def run_dict(run: DoseRun) -> dict[str, Any]:
    """A run of equal doses as plain data."""
    return {
        "start": run.start.isoformat(),
        "every_days": run.every_days,
        "count": run.count,
        "product": run.product,
        "substance": run.substance,
        "route": run.route,
        "amount": run.amount,
        "unit": run.unit,
        "iu": run.iu,
        "volume_ml": run.volume_ml,
    }


def regimen_dict(regimen: Regimen) -> dict[str, Any]:
    """A regimen as plain data."""
    return {
        "name": regimen.name,
        "protocol": regimen.protocol,
        "total_iu": regimen.total_iu,
        "visits": regimen.visits,
        "doses": [run_dict(run) for run in regimen.runs],
    }


def _with_words(value: Any, say: Say) -> Any:
    """Put `text` beside every `text_id` inside plain data."""
    if isinstance(value, Mapping):
        told = {k: _with_words(v, say) for k, v in value.items()}
        if "text_id" in told:
            told["text"] = say(told["text_id"], told.get("params", {}))
        return told
    if isinstance(value, list | tuple):
        return [_with_words(v, say) for v in value]
    return value
