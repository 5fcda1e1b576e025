"""Loading one table of the terminology."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any

from calcidiol.errors import KnowledgeError

__all__ = ["load", "top"]


@functools.cache
def _document(file: str) -> dict[str, Any]:
    text = resources.files("calcidiol.terminology").joinpath(file).read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"terminology/{file} is not valid TOML: {error}.") from None


def load(file: str, table: str) -> dict[str, Any]:
    """The rows of one table of a TOML file in this folder, by id.

    Raises
    ------
    KnowledgeError
        When the file is not valid TOML or lacks the table.
    """
    rows = _document(file).get(table)
    if not isinstance(rows, dict):
        raise KnowledgeError(f"terminology/{file} needs a table [{table}.<id>].")
    return rows


def top(file: str, field: str) -> Any:
    """One field at the top of a TOML file in this folder."""
    return _document(file)[field]
