"""Speed of the gate: `python -m benchmarks gate`.

CPU time of `safety.limits` and `safety.gate` on each example with three regimens: monthly injections, weekly and daily
doses by mouth.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from benchmarks.cpu import of_call

REPEATS = 25
ON = date(2026, 11, 21)
REGIMENS = ("im 50000 IU every 28 d x 6", "oral 20000 IU every 7 d x 26", "oral 2000 IU daily x 180")


def main() -> None:
    """Print the table."""
    import calcidiol as cd
    from calcidiol import regimen, safety
    from calcidiol.terminology import products

    table = products()
    asked = [regimen.parse(text, ON, table) for text in REGIMENS]
    print("CPU ms, warm, median: limits, then the gate (at most 2) on", "; ".join(REGIMENS))
    for path in sorted(p for p in Path("examples").iterdir() if p.suffix in (".yaml", ".json")):
        patient = cd.read(str(path))
        calls = [lambda p=patient: safety.limits(p, ON, table)]
        calls += [lambda p=patient, r=r: safety.gate(p, r, ON, table) for r in asked]
        row = [of_call(call, REPEATS) for call in calls]
        print(f"{path.stem:30}" + "".join(f"{ms:8.2f}" for ms in row))


if __name__ == "__main__":
    main()
