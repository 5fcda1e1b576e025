"""What must not be given: limits before the search, the gate after it, interactions, monitoring, the day's session.

See docs/architecture.md and docs/decisions/0004-project notes on safety.
"""

from __future__ import annotations

from calcidiol.safety.allowed import limits
from calcidiol.safety.check import gate
from calcidiol.safety.checkpoint import Checkpoint, checkable, checkpoints
from calcidiol.safety.clashes import interactions, moved
from calcidiol.safety.ctcae import CalciumGrade, calcium_grade
from calcidiol.safety.hypercalcemia import CalciumOption, CalciumRisk, calcium_risk, excess_probability
from calcidiol.safety.movers import Mover, movers, without
from calcidiol.safety.placement import Placed, place
from calcidiol.safety.rulebook import Knowledge, knowledge
from calcidiol.safety.session import Session, SessionItem, session_after, session_before
from calcidiol.safety.status import Scheme, classify, schemes
from calcidiol.safety.verdict import Fired, Interaction, Limits, MonitorItem, Verdict
from calcidiol.safety.watch import monitoring, stop_rules

__all__ = [
    "CalciumGrade",
    "CalciumOption",
    "CalciumRisk",
    "Checkpoint",
    "Fired",
    "Interaction",
    "Knowledge",
    "Limits",
    "MonitorItem",
    "Mover",
    "Placed",
    "Scheme",
    "Session",
    "SessionItem",
    "Verdict",
    "calcium_grade",
    "calcium_risk",
    "checkable",
    "checkpoints",
    "classify",
    "excess_probability",
    "gate",
    "interactions",
    "knowledge",
    "limits",
    "monitoring",
    "moved",
    "movers",
    "place",
    "schemes",
    "session_after",
    "session_before",
    "stop_rules",
    "without",
]
