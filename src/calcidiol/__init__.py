"""calcidiol: vitamin D regimens for one cancer patient, with forecast, safety gate and evidence.

    import calcidiol as cd

    plan = cd.plan(cd.read("patient.json"), on="2026-11-21")

Decision support for professionals. Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calcidiol.kinetics import Regimen, cards, load_card
    from calcidiol.patient import plausible as check
    from calcidiol.patient import read
    from calcidiol.patient.record import Patient
    from calcidiol.planning.again import replay
    from calcidiol.planning.answer import Plan
    from calcidiol.planning.build import forecast, plan

__version__ = "0.1.0"

_HOME = {
    "Patient": ("calcidiol.patient.record", "Patient"),
    "Plan": ("calcidiol.planning.answer", "Plan"),
    "Regimen": ("calcidiol.kinetics", "Regimen"),
    "cards": ("calcidiol.kinetics", "cards"),
    "check": ("calcidiol.patient", "plausible"),
    "forecast": ("calcidiol.planning.build", "forecast"),
    "load_card": ("calcidiol.kinetics", "load_card"),
    "plan": ("calcidiol.planning.build", "plan"),
    "read": ("calcidiol.patient", "read"),
    "replay": ("calcidiol.planning.again", "replay"),
}
__all__ = ["Patient", "Plan", "Regimen", "cards", "check", "forecast", "load_card", "plan", "read", "replay"]


def __getattr__(name: str) -> Any:
    """Public names are loaded when first asked for, so that `import calcidiol` stays light."""
    if name in _HOME:
        home, attribute = _HOME[name]
        return getattr(import_module(home), attribute)
    raise AttributeError(f"module 'calcidiol' has no attribute {name!r}")
