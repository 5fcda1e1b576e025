"""Reading a record: what kind it is, and which reader it goes to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from calcidiol.errors import RecordError
from calcidiol.patient.gather import tidy
from calcidiol.patient.record import Patient
from calcidiol.patient.short import read_short
from calcidiol.patient.source import load, parse_short

__all__ = ["read"]


def read(record: str | bytes | os.PathLike[str] | Mapping[str, Any], *, name: str = "") -> Patient:
    """Read a patient's record.

    Parameters
    ----------
    record
        Path of a file, its text or bytes, or a mapping: a FHIR R4 Bundle in JSON, or the short form in YAML or JSON
        (`schema`). Text is told from a path by a line break or a leading brace.
    name
        How messages name the record; by default the file's name.

    Returns
    -------
    Patient
        All values in canonical units, each with its origin. What was not used is in `unused`.

    Raises
    ------
    RecordError
        When it cannot be read at all; says what was found, where, and what to do.

    Examples
    --------
    >>> p = read("patient: {id: a, sex: female}\\nlabs: [{test: 25(OH)D, value: 12.5 ng/mL, date: 2026-11-18}]")
    >>> round(p.labs[0].value, 1), p.labs[0].unit
    (31.2, 'nmol/L')
    """
    source = load(record, tidy(name, 120))
    if source.mapping is not None:
        top = source.mapping
        if "resourceType" in top:
            from calcidiol.patient.bundle import read_bundle

            return read_bundle(_encoded(top, source.name), source.name)
        return read_short(top, source.name, "unnamed")
    if source.is_json and b'"resourceType"' in source.data:
        from calcidiol.patient.bundle import read_bundle

        return read_bundle(source.data, source.name)
    return read_short(parse_short(source), source.name, _stem(source.name))


def _stem(name: str) -> str:
    return PurePath(name).stem.replace("the record", "unnamed")


def _encoded(top: Mapping[str, Any], name: str) -> bytes:
    import msgspec

    try:
        return msgspec.json.encode(top)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise RecordError(
            f"{name} cannot be written as JSON: {error}. Give plain mappings, lists, text and numbers."
        ) from None
