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
    """What differs between a plan read from its file and the same plan made again; nothing when it is the same."""
    import json

    made = remake(before.get("capsule"))
    now = json.loads(json.dumps(made.to_dict(say), allow_nan=False))
    return capsules.differences(dict(before), now)
