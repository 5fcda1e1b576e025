"""Text of a record made safe to show: nothing in a name may move the cursor, turn the line or end a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that turn the direction of text; a right-to-left name reads right without them (it is isolated when shown)."""
_BAD = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff{_TURNING}]")
SHOWN = "\ufffd"
"""Stands where a character was that cannot be shown, so that nothing vanishes silently."""


def text(value: str) -> str:
    """One line of text without control characters, lone surrogates and direction marks.

    Examples
    --------
    >>> text("An\\x1b[31mna\\nMeier")
    'An\ufffd[31mna Meier'
    """
    if value.isascii() and value.isprintable():
        return value
    lined = re.sub(r"[\t\n\r\u2028\u2029\x85]+", " ", value)
    return unicodedata.normalize("NFC", _BAD.sub(SHOWN, lined))


def plain(value: Any) -> Any:
    """The same for every text in plain data, keys included; numbers and structure stay."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {text(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], float):
            return value
        return [plain(v) for v in value]
    return value
