"""The published schema: plans fit it, and what a plan may not be does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads(files("calcidiol.planning").joinpath("plan.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_plans_fit(plan: dict[str, Any]) -> None:
    assert [f"{list(e.absolute_path)}: {e.message}" for e in VALIDATOR.iter_errors(plan)] == []


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(plan: dict[str, Any]) -> None:
        inner: Any = plan
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(plan: dict[str, Any]) -> None:
        inner: Any = plan
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("regimen", to=None),
        _set("verdict", "status", to="refused"),
        _set("status", to="refused"),
        _set("status", to="done"),
        _set("forecasts", to=None),
        _set("on", to="21.11.2026"),
        _set("regimen", "doses", 0, "route", to="iv"),
        _set("regimen", "doses", 0, "unit", to="IU"),
        _set("regimen", "doses", 0, "amount", to=0),
        _set("regimen", "doses", 0, "count", to=0),
        _set("regimen", "doses", 0, "more", to=1),
        _set("verdict", "rules", 0, "tag", to="X"),
        _set("verdict", "rules", 0, "action", to="MAYBE"),
        _set("probabilities", "in_band", "value", to=1.2),
        _set("alternatives", 0, "excess", "p", to=-0.1),
        _set("labs", 0, "unit", to="ng/mL"),
        _set("next_result", "rows", to=[]),
        _set("inputs", "more", to=[]),
        _drop("capsule"),
        _drop("verdict", "rules", 0, "source"),
        _drop("regimen", "doses", 0, "iu"),
        _drop("forecasts", "untreated"),
        _drop("forecasts", "individual", "lab"),
        _drop("findings", 0, "params"),
        _drop("monitoring", 0, "tag"),
    ],
)
def test_what_a_plan_may_not_be(planned: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> None:
    change(planned)
    assert not VALIDATOR.is_valid(planned)


def test_a_record_is_unusable_only_with_a_stop_that_nobody_confirmed(unusable: dict[str, Any]) -> None:
    unusable["findings"][0]["confirmed"] = True
    assert not VALIDATOR.is_valid(unusable)


def test_every_number_has_its_unit_or_meaning() -> None:
    """Numbers without a description are members of rows whose description names the unit."""
    missing = []

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for name, inner in (node.get("properties") or {}).items():
                kind = inner.get("type") if isinstance(inner, dict) else None
                if kind in ("number", "integer") and not inner.get("description"):
                    missing.append(f"{path}.{name}")
                walk(inner, f"{path}.{name}")
            for key in ("items", "anyOf", "allOf", "$defs"):
                inner = node.get(key)
                for one in inner if isinstance(inner, list) else [inner] if key == "items" else (inner or {}).values():
                    walk(one, path)

    walk(SCHEMA, "")
    assert missing == []
