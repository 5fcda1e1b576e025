"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ("advice", "binomial", "claims", "estimate", "load", "pool", "questions", "search")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(f"calcidiol.evidence.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0
