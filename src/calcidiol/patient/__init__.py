"""Who is in front of us: the record, reading it, and what is implausible in it. See docs/architecture.md."""

from typing import Any

from calcidiol.patient.record import Patient

__all__ = ["Patient", "plausible", "read", "schema"]

_PLACES = {"read": "reading", "plausible": "plausibility", "schema": "short_schema"}


def __getattr__(name: str) -> Any:
    """`read`, `plausible` and `schema` are loaded when first asked for: most of the program needs only the record."""
    if name in _PLACES:
        import importlib

        return getattr(importlib.import_module(f"calcidiol.patient.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'calcidiol.patient' has no attribute {name!r}")
