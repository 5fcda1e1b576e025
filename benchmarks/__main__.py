"""Every benchmark that is there, one after the other: `python -m benchmarks [NAME ...]`."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from importlib.util import find_spec

from benchmarks.machine import machine

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread, as in the command line; before numpy is loaded

TARGETS = {
    "solver": "10,000 patients x 1 year, monthly injections, daily output: at least 100x numbalsoda at 1e-3, "
    "later 250x at 2.5e-4",
    "fit": "mode, draws and diagnostics with 3 results: at most 50 ms warm",
    "search": "the search, the next sample and the policy table",
    "plan": "plan in a warm process: at most 0.5 s, and at most 1.5 s for calcium; from the shell at most 2 s",
    "reading": "a Bundle of 1 MB: at most 30 ms",
    "gate": "the gate on one record: at most 2 ms",
    "evidence": "ledger at most 100 ms, largest pool 50 ms warm, audit of ten references 1 s from the shell",
}


def main() -> int:
    """Run them; a benchmark that fails is named and the others go on."""
    wanted = sys.argv[1:] or list(TARGETS)
    unknown = [name for name in wanted if name not in TARGETS]
    if unknown:
        print(f"No benchmark {unknown[0]!r}. Known: {', '.join(TARGETS)}.", file=sys.stderr)
        return 2
    print(machine())
    failed = 0
    for name in wanted:
        print(f"\n== {name}: {TARGETS[name]}", flush=True)
        if find_spec(f"benchmarks.{name}") is None:
            print("not there yet")
            continue
        started = time.process_time()
        try:
            import_module(f"benchmarks.{name}").main()
        except Exception as error:
            failed += 1
            print(f"failed: {type(error).__name__}: {error}")
        print(f"-- {name}: {time.process_time() - started:.1f} CPU s", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
