"""Commands of the evaluating room."""

from __future__ import annotations

from typing import Any


def add(commands: Any) -> None:
    """Add the commands to the command line."""
