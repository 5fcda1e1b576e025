"""CPU time of calls and of commands."""

from __future__ import annotations

import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any


def of_call(what: Callable[[], Any], repeats: int) -> float:
    """Median CPU milliseconds of a call in a warm process: it is made once before the clock runs."""
    what()
    rows = []
    for _ in range(repeats):
        start = time.process_time()
        what()
        rows.append(time.process_time() - start)
    return statistics.median(rows) * 1e3


def of_command(command: Sequence[str], repeats: int) -> float:
    """Median CPU seconds of a command after a first run, which may still compile."""
    took = []
    for _ in range(repeats + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(took[1:])
