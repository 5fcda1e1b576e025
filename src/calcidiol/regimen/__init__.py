"""What could be given: protocols, goals, candidates, search, policy, next sample. See docs/architecture.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calcidiol.regimen.candidates import generate, outside
    from calcidiol.regimen.goals import Goal, accepted, default_goal, goal
    from calcidiol.regimen.protocol import Protocol, instantiate, protocols
    from calcidiol.regimen.results import Candidates, Chance, Harm, Scored
    from calcidiol.regimen.searching import search
    from calcidiol.regimen.text import format, parse

# `policy` and `next_sample` come from their modules: a name that is both module and function depends on import order.
_HOMES = {
    "candidates": ("generate", "outside"),
    "goals": ("Goal", "accepted", "default_goal", "goal"),
    "protocol": ("Protocol", "instantiate", "protocols"),
    "results": ("Candidates", "Chance", "Harm", "Scored"),
    "searching": ("search",),
    "text": ("format", "parse"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Candidates",
    "Chance",
    "Goal",
    "Harm",
    "Protocol",
    "Scored",
    "accepted",
    "default_goal",
    "format",
    "generate",
    "goal",
    "instantiate",
    "outside",
    "parse",
    "protocols",
    "search",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"calcidiol.regimen.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
