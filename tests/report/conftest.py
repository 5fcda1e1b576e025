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


def _with_course(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with a diary, a level below its forecast, a mover, placement and published counts (all invented)."""
    parts = json.loads((Path(__file__).parent / "course_parts.json").read_text(encoding="utf-8"))
    plan["calcium"]["published"] = parts.pop("published")
    free = copy.deepcopy(plan["forecasts"]["individual"])
    free["level"] = {name: [1.2 * x for x in values] for name, values in free["level"].items()}
    plan["forecasts"]["without_interactions"] = free
    return {**plan, **parts}


_READ["planned"] = _with_course(_READ["planned"])


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
