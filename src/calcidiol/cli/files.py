"""Writing for the commands: standard output for ``-``, never a partial file, no sign that a terminal cannot show."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from calcidiol.errors import UsageError


def write(target: str, data: str | bytes) -> None:
    """Write to a file in one step (temporary file beside it, then rename), or to standard output for ``-``.

    A link is followed; a device or a pipe is written to as it is, and never replaced by a file.

    Raises
    ------
    UsageError
        When the file cannot be written; what stood there before is untouched.
    """
    raw = data.encode() if isinstance(data, str) else data
    if target == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(raw if raw.endswith(b"\n") else raw + b"\n")
        sys.stdout.buffer.flush()
        return
    scratch = None
    try:
        path = Path(target)
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(raw)
            return
        path = Path(os.path.realpath(target))
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            scratch = file.name
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
        scratch = None
    except OSError as error:
        raise UsageError(
            f"Cannot write {target!r}: {error.strerror or error}. Nothing was changed; give a folder that exists and "
            "can be written, with room on the disk."
        ) from None
    finally:
        if scratch is not None:  # also after Ctrl-C
            with contextlib.suppress(OSError):
                os.unlink(scratch)


_PLAIN = {
    "\u00d7": "x", "\u2013": "-", "\u2192": "->", "\u00b1": "+/-", "\u00b5": "u", "\u2265": ">=", "\u2264": "<=",
    "\u00b7": "-", "\u00b2": "2", "\u2079": "^9", "\u2500": "-", "\u00a0": " ", "\u00b0": " deg",
}  # fmt: skip
"""Signs of our own texts for a terminal or a pipe that is not UTF-8: "? 250" must not stand for "at least 250"."""


def speak_plainly() -> None:
    """Let standard output and error say in ASCII what their encoding lacks; other letters become a question mark."""

    def told(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        return "".join(_PLAIN.get(ch, "?") for ch in error.object[error.start : error.end]), error.end

    # None where the shell has closed it (>&-).
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    codecs.register_error("calcidiol.plain", told)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="calcidiol.plain")


def dumps(value: Any) -> str:
    """JSON as it is written everywhere: readable, in UTF-8, without NaN."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
