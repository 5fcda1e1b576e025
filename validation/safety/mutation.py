"""Mutation score of `calcidiol.safety`: a seeded random sample of all mutants, in a copy of the code.

    python -m validation.safety.mutation --sample 400 --minutes 14    # some 17 minutes on 2 cores
    python -m validation.safety.mutation --sample 0 --minutes 600     # all, hours
    python -m validation.safety.mutation ... --write                  # also writes outcome.json

mutmut makes the mutants, in an environment of its own (`requirements.txt`; made on the first run under `--venv`) that
sees the packages of `.venv`; `forks.py` tries them. When the minutes end early the sample is smaller, which is said. A
mutant for which the time did not suffice counts as survived. Exit code 1 below --least.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from math import sqrt
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
COPIED = ("src", "tests", "docs", "examples", "pyproject.toml", "README.md")
CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/calcidiol/safety/*"]
also_copy = ["docs", "examples", "README.md"]
"""
Z = 1.959964


def environment(place: Path) -> Path:
    """The Python of mutmut's own environment, which is made when it is not there."""
    python = place / "bin/python"
    if not (place / "bin/mutmut").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "requirements.txt")], check=True)
        packages = next((ROOT / ".venv/lib").glob("python3.*/site-packages"))
        (next((place / "lib").glob("python3.*/site-packages")) / "main.pth").write_text(f"{packages}\n", "utf-8")
    return python


def copy(folder: Path) -> None:
    """The code and its tests in a folder of their own, with the configuration of mutmut."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIG)


def forks(python: Path, folder: Path, names: list[str] | None, minutes: float) -> Any:
    """What `forks.py` answers: the names of all mutants, or the last result of each that was tried."""
    (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")
    answer = folder / "answer"
    subprocess.run(
        ["nice", "-n", "10", str(python), str(HERE / "forks.py"), "names.json", str(answer), str(minutes)],
        cwd=folder, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    if not answer.exists():
        return []
    text = answer.read_text("utf-8")
    if names is None:
        return json.loads(text)
    return {row["name"]: row for row in map(json.loads, text.splitlines())}


def wilson(caught: int, tried: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson)."""
    share, z2 = caught / tried, Z * Z / tried
    half = Z * sqrt(share * (1 - share) / tried + z2 / tried / 4)
    return (share + z2 / 2 - half) / (1 + z2), (share + z2 / 2 + half) / (1 + z2)


def main() -> int:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sample", type=int, default=400)
    options.add_argument("--minutes", type=float, default=14.0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--least", type=float, default=0.9)
    options.add_argument("--venv", type=Path, default=Path(tempfile.gettempdir()) / "calcidiol-mutmut")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    python = environment(asked.venv)
    with tempfile.TemporaryDirectory() as place:
        copy(Path(place))
        every = forks(python, Path(place), None, 0.0)
        sample = random.Random(asked.seed).sample(every, min(asked.sample or len(every), len(every)))
        got = forks(python, Path(place), sample, asked.minutes) if sample else {}
    if not got:
        print("Nothing was tried: no mutants, or the tests fail on the unchanged code.")
        return 2
    left = sorted(name for name, row in got.items() if not row["caught"])
    score = 1 - len(left) / len(got)
    low, high = wilson(len(got) - len(left), len(got))
    if asked.write:
        files = Counter(name.split(".")[2] for name in got)
        told = {
            "mutants": len(every), "tried": len(got), "seed": asked.seed, "score": round(score, 4),
            "interval": [round(low, 4), round(high, 4)], "files": dict(sorted(files.items())), "survived": left,
        }  # fmt: skip
        (HERE / "outcome.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for name in left:
        print(f"survived: {name} ({got[name]['by']})")
    print(
        f"{len(every)} mutants, {len(got)} of {len(sample)} drawn were tried, {len(left)} survived: "
        f"{score:.1%} caught (95 % interval {low:.1%} to {high:.1%})"
    )
    return 0 if score >= asked.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
