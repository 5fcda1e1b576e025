"""The capsule: everything needed to make the same plan again, and the comparison when somebody does.

Inputs, options, seed, versions and hashes of every knowledge file. The patient is kept as it was read (canonical units,
with origins), so that a plan made from the Python interface can be replayed as well as one made from a file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import platform
from collections.abc import Iterator, Mapping
from datetime import date
from importlib import resources
from typing import Any

import msgspec

from calcidiol import __version__
from calcidiol.errors import UsageError
from calcidiol.patient.record import Patient

FORMAT = "calcidiol-capsule/1"
NUMBERS_AGREE = 1e-9
"""Relative difference up to which two numbers of a replayed plan are the same elsewhere (house rule 10)."""

_KNOWLEDGE = ("kinetics/cards", "terminology", "safety", "regimen", "evidence/data", "individual/data")
_SUFFIXES = (".toml", ".csv", ".json")


def digest(data: bytes) -> str:
    """Short SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


@functools.cache
def knowledge() -> dict[str, str]:
    """Hash of each room's data files, so that a changed rule or card is seen on replay."""
    found = {}
    root = resources.files("calcidiol")
    for room in _KNOWLEDGE:
        folder = root.joinpath(*room.split("/"))
        if folder.is_dir():
            parts = sorted((f.name, f) for f in folder.iterdir() if f.name.endswith(_SUFFIXES))
            found[room] = digest(b"".join(name.encode() + f.read_bytes() for name, f in parts))
    return found


def seal(patient: Patient, on: date, options: Mapping[str, Any], card: str) -> dict[str, Any]:
    """The capsule of a plan made for `patient` on a day with these options."""
    kept = msgspec.to_builtins(patient)
    sealed = {
        "format": FORMAT,
        "code": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "card": card,
        "knowledge": knowledge(),
        "on": on.isoformat(),
        "options": dict(options),
        "patient": kept,
    }
    sealed["hash"] = digest(json.dumps(sealed, sort_keys=True, default=str).encode())
    return sealed


def unseal(capsule: Any) -> tuple[Patient, date, dict[str, Any]]:
    """Patient, day and options of a capsule; refuses what is not one."""
    if not isinstance(capsule, Mapping) or capsule.get("format") != FORMAT:
        raise UsageError(
            f"This file has no capsule of the form {FORMAT!r}. A plan written with --json has one; give that file."
        )
    try:
        patient = msgspec.convert(capsule["patient"], Patient)
        return patient, date.fromisoformat(capsule["on"]), dict(capsule["options"])
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"The capsule is damaged ({error}). Make the plan again from the record.") from None


def differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """Where two plans differ: path, old, new. Numbers within `NUMBERS_AGREE` are the same."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(set(before) | set(after)):
            where = f"{at}.{key}" if at else str(key)
            if key not in before:
                yield f"{where}: new"
            elif key not in after:
                yield f"{where}: gone"
            else:
                yield from differences(before[key], after[key], where)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{at}: {len(before)} entries before, {len(after)} now"
        for i, (x, y) in enumerate(zip(before, after, strict=False)):
            yield from differences(x, y, f"{at}[{i}]")
    elif _is_number(before) and _is_number(after):
        if not math.isclose(before, after, rel_tol=NUMBERS_AGREE, abs_tol=1e-12):
            yield f"{at}: {before!r} before, {after!r} now"
    elif before != after:
        yield f"{at}: {before!r} before, {after!r} now"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
