"""Mutation score of `calcidiol.safety` with mutmut: a seeded sample of all mutants, in a copy of the code.

    python -m validation.safety.mutation --sample 60              # a share, minutes
    python -m validation.safety.mutation --sample 0               # all, hours on one core
    python -m validation.safety.mutation --sample 1500 --write    # also writes outcome.json

mutmut runs in an environment of its own (`requirements.txt`; made on the first run under `--venv`), which sees the
packages of `.venv`. First the fixed tests run against each mutant; what survives them is tried again with the property
tests, which take longer. Exit code 1 below --least.
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
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
COPIED = ("src", "tests", "docs", "examples", "pyproject.toml", "README.md")
CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/calcidiol/safety/*"]
also_copy = ["docs", "examples", "README.md"]
pytest_add_cli_args_test_selection = [
  "tests/safety", "tests/cli/test_intake.py", "--deselect=tests/safety/test_safety_requirements.py",
]
pytest_add_cli_args = {arguments}
"""
FIXED = '["-m", "not hypothesis"]'


def environment(place: Path) -> Path:
    """The mutmut program in its own environment, which is made when it is not there."""
    program = place / "bin/mutmut"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run(
            [str(place / "bin/python"), "-m", "pip", "install", "-q", "-r", str(HERE / "requirements.txt")], check=True
        )
        packages = next((ROOT / ".venv/lib").glob("python3.*/site-packages"))
        (next((place / "lib").glob("python3.*/site-packages")) / "main.pth").write_text(f"{packages}\n", "utf-8")
    return program


def copy(folder: Path, arguments: str) -> None:
    """The code and its tests in a folder of their own, with the configuration of mutmut."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIG.format(arguments=arguments))


def run(program: Path, folder: Path, names: list[str]) -> dict[str, int | None]:
    """Run some mutants (all for none); exit code of the tests for each that was tried."""
    subprocess.run(
        ["nice", "-n", "10", str(program), "run", "--max-children", "1", *names], cwd=folder, check=False,
        stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    found: dict[str, int | None] = {}
    for file in sorted((folder / "mutants/src/calcidiol/safety").glob("*.meta")):
        found |= json.loads(file.read_text("utf-8"))["exit_code_by_key"]
    return found


def main() -> int:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sample", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--least", type=float, default=0.9)
    options.add_argument("--venv", type=Path, default=Path(tempfile.gettempdir()) / "calcidiol-mutmut")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    program = environment(asked.venv)
    with tempfile.TemporaryDirectory() as place:
        first = Path(place) / "fixed"
        first.mkdir()
        copy(first, FIXED)
        every = sorted(run(program, first, ["calcidiol.safety.liver.x_child_pugh_class__mutmut_1"]))
        if not every:
            print("mutmut made no mutants: the tests fail on the unchanged code, or it could not start.")
            return 2
        names = sorted(random.Random(asked.seed).sample(every, min(asked.sample or len(every), len(every))))
        tried = run(program, first, names)
        left = [n for n in names if tried[n] in (0, None, 33)]  # 33: mutmut found no test that reaches it
        if left:
            second = Path(place) / "all"
            second.mkdir()
            copy(second, "[]")
            again = run(program, second, left)
            left = [n for n in left if again[n] in (0, None, 33)]
    score = 1 - len(left) / len(names)
    told = {"mutants": len(every), "tried": len(names), "seed": asked.seed, "survived": left, "score": round(score, 4)}
    if asked.write:
        (HERE / "outcome.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for name in left:
        print(f"survived: {name}")
    print(f"{len(every)} mutants, {len(names)} tried, {len(left)} survived, score {score:.1%}")
    return 0 if score >= asked.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
