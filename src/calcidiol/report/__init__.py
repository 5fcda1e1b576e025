"""Terminal, HTML, PDF and words. A report renders a plan (as plain data) and decides nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calcidiol.report.checklist import sheet
    from calcidiol.report.page import html
    from calcidiol.report.paper import pdf
    from calcidiol.report.screen import terminal
    from calcidiol.report.words import Words

_HOME = {"Words": "words", "html": "page", "pdf": "paper", "sheet": "checklist", "terminal": "screen"}
__all__ = ["Words", "html", "pdf", "sheet", "terminal"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"calcidiol.report.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
