"""Speed of a whole plan: `python -m benchmarks plan`.

CPU time of `calcidiol.plan` in a warm process, what the calcium limit takes of it, and of the command from the shell.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from benchmarks.cpu import of_command

REPEATS = 7
ON = "2026-11-21"


def main() -> None:
    """Time every example that is planned."""
    import calcidiol as cd
    from calcidiol.planning.calcemia import Calcemia

    spent = 0.0
    ask = Calcemia.ask

    def timed(self, regimens):  # type: ignore[no-untyped-def]
        nonlocal spent
        started = time.process_time()
        told = ask(self, regimens)
        spent += time.process_time() - started
        return told

    Calcemia.ask = timed  # type: ignore[method-assign]
    examples = sorted(p for p in Path("examples").iterdir() if p.suffix in (".yaml", ".json"))
    print("CPU ms, warm, median: the plan, of it the calcium limit (at most 1,500), the rest (at most 500)")
    for path in examples:
        record = cd.read(str(path))
        if cd.plan(record, on=ON).status != "planned":
            continue
        whole, calcium = [], []
        for _ in range(REPEATS):
            spent, started = 0.0, time.process_time()
            cd.plan(record, on=ON)
            whole.append(time.process_time() - started)
            calcium.append(spent)
        a, b = (1e3 * statistics.median(x) for x in (whole, calcium))
        print(f"{path.stem:30} {a:7.0f} {b:7.0f} {a - b:7.0f}")
    Calcemia.ask = ask  # type: ignore[method-assign]
    print("CPU s from the shell, after the first run (at most 2)")
    for path in (examples[0], examples[-2]):
        command = [str(Path(sys.executable).with_name("calcidiol")), "plan", str(path), "--on", ON]
        print(f"{path.stem:30} {of_command(command, 3):7.2f}")


if __name__ == "__main__":
    main()
