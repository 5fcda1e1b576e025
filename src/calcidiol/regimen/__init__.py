"""What could be given: protocols, goals, candidates, search, policy, next sample. See docs/architecture.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calcidiol.regimen.text import format, parse

_HOME = {"parse": "text", "format": "text"}

__all__ = ["format", "parse"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"calcidiol.regimen.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
