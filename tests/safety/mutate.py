"""Mutation testing of `calcidiol.safety`: change one thing in a copy of the code, and see whether the tests notice.

    python tests/safety/mutate.py --sample 100 --seed 1      # a share of all mutants, seeded
    python tests/safety/mutate.py                            # all (hours)

Mutants: a comparison turned or made strict, `and`/`or` swapped, `not` dropped, a number changed by one, `+`/`-` and
`*`/`/` swapped, `min`/`max` swapped, an `if` made always true or false, True and False swapped. Docstrings and messages
are left alone. Survivors are printed with file, line and change. Exit code 1 below --least.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TURNED: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is], ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}  # fmt: skip
SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Every mutant of a module: line, what was changed, the tree."""
    kept = {id(x) for n in ast.walk(tree) for d in getattr(n, "decorator_list", ()) for x in ast.walk(d)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in kept:
            continue
        for what, change in changes(node):
            changed = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(changed)) if i == number)
            change(target)
            yield getattr(node, "lineno", 0), what, ast.fix_missing_locations(changed)


def changes(node: ast.AST):  # type: ignore[no-untyped-def]
    """What can be changed at a node."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in TURNED.get(type(node.ops[0]), []):
            yield f"{type(node.ops[0]).__name__} -> {other.__name__}", lambda n, o=other: n.ops.__setitem__(0, o())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"-> {other.__name__}", lambda n, o=other: setattr(n, "op", o())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield (
            "not dropped",
            lambda n: (setattr(n, "op", ast.Not()), setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))),
        )
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPPED and not _about_text(node):
        other = SWAPPED[type(node.op)]
        yield f"{type(node.op).__name__} -> {other.__name__}", lambda n, o=other: setattr(n, "op", o())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"-> {not node.value}", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} + 1", lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max"):
        other = "max" if node.func.id == "min" else "min"
        yield f"-> {other}", lambda n, o=other: setattr(n.func, "id", o)
    elif isinstance(node, ast.If):
        for value in (True, False):
            yield f"if {value}", lambda n, v=value: setattr(n, "test", ast.Constant(v))


def _about_text(node: ast.BinOp) -> bool:
    return any(isinstance(x, ast.Constant) and isinstance(x.value, str) for x in (node.left, node.right))


def killed(package: Path, tests: list[str]) -> bool:
    """Whether the tests fail on the code of `package`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=600,
        check=False,
    )  # fmt: skip
    return done.returncode != 0


def main() -> int:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sample", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--least", type=float, default=0.9)
    options.add_argument("--files", nargs="*", default=None)
    asked = options.parse_args()
    room = ROOT / "src/calcidiol/safety"
    files = [room / f for f in asked.files] if asked.files else sorted(room.glob("*.py"))
    found = [(f, *m) for f in files for m in mutants(ast.parse(f.read_text("utf-8")))]
    random.Random(asked.seed).shuffle(found)
    chosen = found[: asked.sample] if asked.sample else found
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder)
        shutil.copytree(ROOT / "src/calcidiol", package / "calcidiol", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "tests/safety", package / "tests/safety", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "docs", package / "docs")
        shutil.copy(ROOT / "pyproject.toml", package)
        tests = [str(package / "tests/safety"), "--deselect", "tests/safety/test_safety_requirements.py"]
        if killed(package, tests):
            print("The tests fail on the unchanged code.")
            return 2
        survivors = []
        for i, (file, line, what, tree) in enumerate(chosen, 1):
            target = package / "calcidiol/safety" / file.name
            before = target.read_text("utf-8")
            target.write_text(ast.unparse(tree), "utf-8")
            try:
                dead = killed(package, tests)
            except subprocess.TimeoutExpired:
                dead = True
            target.write_text(before, "utf-8")
            if not dead:
                survivors.append((file.name, line, what))
                print(f"survived: {file.name}:{line} {what}", flush=True)
            if i % 20 == 0:
                print(f"{i} of {len(chosen)}, {len(survivors)} survived", flush=True)
    share = 1 - len(survivors) / max(len(chosen), 1)
    print(f"{len(found)} mutants, {len(chosen)} tried, {len(survivors)} survived, score {share:.1%}")
    return 0 if share >= asked.least else 1


if __name__ == "__main__":
    raise SystemExit(main())
