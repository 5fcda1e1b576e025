"""What a Bundle or Parameters hold, however deep: resources not yet decoded, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Raw

from calcidiol.errors import RecordError
from calcidiol.patient.fhir import Bundle, Kind, Parameter, Parameters
from calcidiol.patient.fhir_versions import refuse_type
from calcidiol.patient.gather import Gathering, tidy

__all__ = ["Found", "flattened"]

DEEPEST_BUNDLE = 4
"""Bundles in Bundles, and Parameters, are read to this depth (P)."""


_KIND = msgspec.json.Decoder(Kind)


@dataclass(slots=True)
class Found:
    """A resource, not yet decoded."""

    kind: str
    id: str
    raw: Raw
    url: str
    version: str
    place: str

    @property
    def where(self) -> str:
        """How findings name it."""
        return f"{self.kind}/{tidy(self.id, 70)}" if self.id else self.place


def flattened(g: Gathering, data: bytes, name: str) -> list[Found]:
    """The resources of a Bundle, of Parameters, or the one resource given; what was deleted is filed as not used.

    Raises
    ------
    RecordError
        When it is not FHIR R4 in JSON, or nests too deeply.
    """
    found: list[Found] = []
    _bundle(found, g, Raw(data), name, "entry", 1)
    return found


def _parameters(
    found: list[Found], g: Gathering, parameters: list[Parameter], name: str, prefix: str, depth: int
) -> None:
    """The resources of a Parameters, as operations such as $everything or $submit-data hand them on."""
    if depth > DEEPEST_BUNDLE:
        raise RecordError(f"{name}, {prefix}: resources deeper than {DEEPEST_BUNDLE} are not read.")
    for i, parameter in enumerate(parameters):
        place = f"{prefix}[{i}]"
        if len(memoryview(parameter.resource)) >= 8:
            _one(found, g, parameter.resource, "", name, f"{place}.resource", depth)
        _parameters(found, g, parameter.part, name, f"{place}.part", depth + 1)


def _one(found: list[Found], g: Gathering, raw: Raw, url: str, name: str, place: str, depth: int) -> None:
    """A resource inside another: itself, or what it holds."""
    kind = _kind(raw, name, place)
    refuse_type(name, kind)
    if kind.resourceType not in ("Bundle", "Parameters"):
        found.append(Found(kind.resourceType, kind.id or "", raw, url, _stamp(kind), place))
        return
    if depth >= DEEPEST_BUNDLE:
        raise RecordError(f"{name}, {place}: Bundles in Bundles deeper than {DEEPEST_BUNDLE} are not read.")
    _bundle(found, g, raw, name, f"{place}.entry", depth + 1)


def _bundle(found: list[Found], g: Gathering, raw: Raw, name: str, prefix: str, depth: int) -> None:
    kind = _kind(raw, name, "the top" if depth == 1 else prefix)
    refuse_type(name, kind)
    if kind.resourceType == "Parameters":
        try:
            parameters = msgspec.json.decode(raw, type=Parameters).parameter
        except RecursionError:
            raise RecordError(f"{name} nests too deeply to be FHIR Parameters.") from None
        except msgspec.MsgspecError as error:
            raise RecordError(f"{name} is not FHIR R4 Parameters: {error}. Correct it at that place.") from None
        before = len(found)
        _parameters(found, g, parameters, name, prefix.removesuffix("entry") + "parameter", depth)
        if len(found) == before:
            found.append(Found("Parameters", kind.id or "", raw, "", "", prefix.removesuffix(".entry")))
        return
    if kind.resourceType != "Bundle":
        if depth == 1:
            found.append(Found(kind.resourceType, kind.id or "", raw, "", _stamp(kind), kind.resourceType))
        return
    try:
        bundle = msgspec.json.decode(raw, type=Bundle)
    except RecursionError:
        raise RecordError(f"{name} nests too deeply to be a FHIR Bundle.") from None
    except msgspec.MsgspecError as error:
        raise RecordError(f"{name} is not a FHIR R4 Bundle: {error}. Correct it at that place.") from None
    if bundle.type == "history":
        raise RecordError(
            f"{name} is a Bundle of type history (every version ever). Give a collection, searchset, document or "
            "transaction."
        )
    for i, entry in enumerate(bundle.entry):
        place = f"{prefix}[{i}]"
        if len(memoryview(entry.resource)) < 8:
            continue  # nothing, null, or an empty object
        if entry.request is not None and entry.request.method == "DELETE":
            g.skip("Bundle", "status_entered_in_error", place, "DELETE")
            continue
        _one(found, g, entry.resource, (entry.fullUrl or "").strip(), name, place, depth)


def _kind(raw: Raw, name: str, place: str) -> Kind:
    try:
        kind = _KIND.decode(raw)
    except RecursionError:
        raise RecordError(f"{name} nests too deeply to be a FHIR record.") from None
    except msgspec.ValidationError as error:
        raise RecordError(f"{name}, {place}: not a FHIR R4 resource: {error}. Correct it at that place.") from None
    except msgspec.DecodeError as error:
        raise RecordError(f"{name} is not valid JSON: {error}. Correct it at that place.") from None
    if not kind.resourceType:
        raise RecordError(f"{name}, {place}: a FHIR resource needs `resourceType`; there is none.")
    return kind


def _stamp(kind: Kind) -> str:
    if kind.meta is None:
        return ""
    version = kind.meta.versionId or ""
    return f"{kind.meta.lastUpdated or ''} {version.zfill(12) if version.isdigit() else version}"
