"""Reading and writing for the commands: standard output for ``-``, never a partial file."""

from __future__ import annotations

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

    Raises
    ------
    UsageError
        When the file cannot be written; what stood there before is untouched.
    """
    raw = data.encode() if isinstance(data, str) else data
    if target == "-":
        sys.stdout.buffer.write(raw if raw.endswith(b"\n") else raw + b"\n")
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    scratch = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            scratch = file.name
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except OSError as error:
        if scratch is not None:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
        raise UsageError(
            f"Cannot write {target!r}: {error.strerror or error}. Nothing was changed; give a folder that exists and "
            "can be written, with room on the disk."
        ) from None


def dumps(value: Any) -> str:
    """JSON as it is written everywhere: readable, in UTF-8, without NaN."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
