"""From a file or text to plain data, safely: size, depth, encoding, no aliases, no numbers that are none."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from calcidiol.errors import RecordError

if TYPE_CHECKING:
    import yaml

__all__ = ["Source", "load", "parse_short", "refuse_repeated_keys"]

LARGEST_BYTES = 64 * 1024 * 1024
"""Largest record that is read (P): a Bundle of a whole hospital stay has a few MB."""
LARGEST_YAML_BYTES = 2 * 1024 * 1024
"""Largest record in YAML (P): a person types a few kB."""
DEEPEST = 40
"""Deepest nesting of the short form (P): it needs 5."""

_PACKED = ((b"\x1f\x8b", "packed with gzip"), (b"PK\x03\x04", "a zip archive"), (b"%PDF", "a PDF"))
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True)
class Source:
    """What was given: its name for messages and its bytes, or a mapping that the caller had already."""

    name: str
    data: bytes = b""
    mapping: Mapping[str, Any] | None = None

    @property
    def is_json(self) -> bool:
        """Whether the first sign of the text is one of JSON."""
        return self.data.lstrip()[:1] in (b"{", b"[")


def load(given: str | bytes | os.PathLike[str] | Mapping[str, Any], name: str) -> Source:
    """Take a path, text, bytes or mapping.

    Raises
    ------
    RecordError
        When the file is missing, not a plain file, too large, empty or not text.
    """
    if isinstance(given, Mapping):
        return Source(name or "the record", mapping=given)
    if isinstance(given, bytes):
        return _checked(given, name or "the record")
    if isinstance(given, str) and _is_text(given):
        try:
            return _checked(given.encode("utf-8"), name or "the record")
        except UnicodeEncodeError:
            raise RecordError(
                f"{name or 'The record'} has half characters (lone surrogates); save it as UTF-8."
            ) from None
    if not isinstance(given, (str, os.PathLike)):
        raise RecordError(f"A record is a path, text, bytes or a mapping, not {type(given).__name__}.")
    return _from_file(given, name)


def _is_text(given: str) -> bool:
    return "\n" in given or "\r" in given or given.lstrip("\ufeff \t")[:1] in ("{", "[") or not given.strip()


def _from_file(given: str | os.PathLike[str], name: str) -> Source:
    shown = repr(str(given))
    if len(shown) > 200:
        shown = shown[:197] + "...'"
    try:
        path = Path(given)
        mode = path.stat()
        if stat.S_ISDIR(mode.st_mode):
            raise RecordError(f"{shown} is a folder; give one record (a .yaml or .json file).")
        if not stat.S_ISREG(mode.st_mode):
            raise RecordError(f"{shown} is not a plain file; give a .yaml or .json file.")
        if mode.st_size > LARGEST_BYTES:
            raise RecordError(
                f"{shown} has {mode.st_size} bytes; at most {LARGEST_BYTES} are read. Give one patient's record."
            )
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except ValueError:
        raise RecordError(f"{shown} is not a file name; give the path of a .yaml or .json file.") from None
    except FileNotFoundError:
        raise RecordError(f"No file {shown}; give the path of a record (.yaml or .json).") from None
    except OSError as error:
        raise RecordError(f"Cannot read {shown}: {error.strerror or error}. Give a file that can be read.") from None
    return _checked(data, name or path.name)


def _checked(data: bytes, name: str) -> Source:
    if len(data) > LARGEST_BYTES:
        raise RecordError(f"{name} has {len(data)} bytes; at most {LARGEST_BYTES} are read. Give one patient's record.")
    packed = next((kind for mark, kind in _PACKED if data.startswith(mark)), None)
    if packed is not None:
        raise RecordError(f"{name} is {packed}, not text; unpack it and give the YAML or JSON record inside.")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                data = data.decode(encoding).encode("utf-8")
            except UnicodeError:
                raise RecordError(f"{name} begins like {encoding} text but is not; save it as UTF-8.") from None
            break
    if data[:4].count(0) and not data.startswith(b"\x00\x00\x00\x00") and len(data) % 2 == 0:
        try:
            data = data.decode("utf-16-le" if data[1] == 0 else "utf-16-be").encode("utf-8")
        except UnicodeError:
            raise RecordError(f"{name} is not UTF-8 text; save it as UTF-8.") from None
    if b"\x00" in data:
        raise RecordError(f"{name} has zero bytes and is not text; give a YAML or JSON record.")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    if not data.strip():
        raise RecordError(
            f"{name} is empty; a record needs at least a patient and labs (see examples/simple-deficiency.yaml)."
        )
    if data.lstrip()[:1] == b"<":
        raise RecordError(
            f"{name} looks like XML. FHIR is read as JSON; export the record as a FHIR R4 Bundle in JSON."
        )
    lines = data.lstrip().split(b"\n", 2)
    if len(lines) > 1 and all(
        x.startswith(b"{") and x.rstrip().endswith(b"}") and b'"resourceType"' in x for x in lines[:2]
    ):
        raise RecordError(
            f"{name} is NDJSON (one resource a line). Put the resources of one patient into a FHIR R4 Bundle."
        )
    return Source(name, data)


def parse_short(source: Source) -> Any:
    """Plain data of a record in YAML or JSON: mappings, lists, text and numbers.

    Raises
    ------
    RecordError
        When it is neither, nests too deeply, repeats a key, or uses YAML aliases or tags.
    """
    if source.mapping is not None:
        return source.mapping
    if source.is_json:
        try:
            document = msgspec.json.decode(source.data)
            refuse_repeated_keys(source.data, source.name)
            return document
        except RecursionError:
            raise RecordError(f"{source.name} nests too deeply; a record needs a few levels.") from None
        except msgspec.DecodeError as error:
            raise RecordError(f"{source.name} is not valid JSON: {error}. Correct it at that place.") from None
    if len(source.data) > LARGEST_YAML_BYTES:
        raise RecordError(f"{source.name} has {len(source.data)} bytes of YAML; at most {LARGEST_YAML_BYTES} are read.")
    return _yaml(source)


def refuse_repeated_keys(data: bytes, name: str) -> None:
    """Refuse JSON in which a key stands twice in one object: readers differ in which of the two they take.

    Raises
    ------
    RecordError
        Names the key. What is no JSON at all is left to the reader to tell.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise RecordError(f"{name}: {twice[:60]!r} stands twice in one object; keep one.")
        return found

    try:
        json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return


def _yaml(source: Source) -> Any:
    import yaml

    base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    loader = base(source.data.decode("utf-8"))
    try:
        events = []
        depth = 0
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise RecordError(
                    f"{source.name}, line {_line(event)}: YAML anchors and aliases are not read; write it out."
                )
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    raise RecordError(
                        f"{source.name}, line {_line(event)}: nested more than {DEEPEST} deep; a record needs 5."
                    )
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            events.append(event)
    except yaml.YAMLError as error:
        raise RecordError(f"{source.name} is not valid YAML: {_where(error)}. Correct it at that place.") from None
    finally:
        loader.dispose()
    return _built(events, source.name)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(problem)


def _built(events: list[Any], name: str) -> Any:
    """Data from YAML events. All scalars stay text, as written: the reader of each field knows what it should be."""
    import yaml

    if sum(isinstance(e, yaml.DocumentStartEvent) for e in events) > 1:
        raise RecordError(f"{name} holds more than one YAML document; give one record a file.")
    place = 0

    def node() -> Any:
        nonlocal place
        event = events[place]
        place += 1
        if event.__class__ is yaml.ScalarEvent:
            plain = event.style in (None, "")
            return None if plain and event.value in ("", "~", "null", "Null", "NULL") else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            rows = []
            while not isinstance(events[place], yaml.SequenceEndEvent):
                rows.append(node())
            place += 1
            return rows
        found: dict[str, Any] = {}
        while not isinstance(events[place], yaml.MappingEndEvent):
            line = _line(events[place])
            field = node()
            if not isinstance(field, str):
                raise RecordError(f"{name}, line {line}: a name was needed here; write `name: value`.")
            if field in found:
                raise RecordError(f"{name}, line {line}: {field!r} stands twice; keep one.")
            found[field] = node()
        place += 1
        return found

    for event in events:
        place += 1
        if isinstance(event, yaml.DocumentStartEvent):
            return node()
    raise RecordError(
        f"{name} is empty; a record needs at least a patient and labs (see examples/simple-deficiency.yaml)."
    )
