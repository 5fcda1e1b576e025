"""Make the plan of a capsule again and say what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from calcidiol.planning import capsule as capsules
from calcidiol.planning.answer import Plan, Say
from calcidiol.planning.build import plan


def remake(capsule: Any) -> Plan:
    """The plan of a capsule, made by the code and knowledge that are here now."""
    from calcidiol.regimen import Goal

    patient, day, options = capsules.unseal(capsule)
    asked = dict(options["goal"])
    asked["substances"] = tuple(asked.get("substances", ()))
    return plan(
        patient,
        on=day,
        goal=Goal(**asked),
        card=options["card"],
        seed=options["seed"],
        route=options["route"],
        flatten=options.get("flatten", 1.0),
        confirmed=tuple(options["confirmed"]),
    )


def replay(before: Mapping[str, Any], say: Say) -> Iterator[str]:
    """What differs between a plan (as `Plan.to_dict` gives it, or read from its file) and the same made again."""
    import json

    # Both as they stand in a file: a plan that was never written has tuples where one that was read has lists.
    made = remake(before.get("capsule")).to_dict(say)
    then, now = (json.loads(json.dumps(told, allow_nan=False)) for told in (dict(before), made))
    return capsules.differences(then, now)
