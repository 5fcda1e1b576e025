"""Knowledge is read anew in every run: a run that shares a process with another (mutation testing) must not see its."""

from __future__ import annotations

import sys

import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forget what the safety room has cached."""
    for name, module in list(sys.modules.items()):
        if name.startswith("calcidiol.safety"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
