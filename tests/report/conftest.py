"""Plans to render: made by `calcidiol plan examples/... --json`, numbers rounded, the search trimmed to its notes.

`plan_example.json` also has findings, ignored and imputed inputs of other examples, so that every part of a report has
something in it.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

FILES = {"planned": "plan_example", "reduced": "plan_reduced", "refused": "plan_refused", "unusable": "plan_unusable"}
_READ = {k: json.loads((Path(__file__).parent / f"{v}.json").read_text(encoding="utf-8")) for k, v in FILES.items()}


@pytest.fixture(params=FILES)
def plan(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each kind of plan in turn."""
    return copy.deepcopy(_READ[request.param])


@pytest.fixture
def planned() -> dict[str, Any]:
    """A plan with two runs of doses, warnings, interactions, findings, ignored and imputed inputs."""
    return copy.deepcopy(_READ["planned"])


@pytest.fixture
def refused() -> dict[str, Any]:
    """A plan that gives nothing because of two rules."""
    return copy.deepcopy(_READ["refused"])


@pytest.fixture
def unusable() -> dict[str, Any]:
    """A record that stops at a finding."""
    return copy.deepcopy(_READ["unusable"])
