"""Try mutants by forking: all is imported, collected and warm once, and a mutant costs the tests until one fails.

Run by ``mutation.py`` with the Python of mutmut's environment, in the copy of the code. mutmut writes the mutants into
``mutants/`` (every function with its variants, one of them switched on by name); then pytest collects the tests once
and runs them once to see which function each test reaches. For each mutant a child is forked, which forgets what the
program has cached and runs the tests that reach the function, those first that fail most per second. The first failure
ends it.

A mutant that no test has caught after a second is put aside, so that most of the time goes to mutants not yet tried; in
the last third of the minutes, or when all were tried, what was put aside gets all its tests. What is still open at the
end counts as survived.

    python forks.py NAMES RESULTS MINUTES   # NAMES: JSON, the mutants to try (null: list all); RESULTS: one JSON a line
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path

import mutmut.__main__ as generator
import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

TESTS = ["tests/safety", "tests/cli/test_intake.py", "--deselect=tests/safety/test_safety_requirements.py"]
REACHES_ALL = "calcidiol.safety"  # what a cached reader gives is used by tests that never call the reader
KEPT = Path("reach.json")
PATIENCE = 1.0  # seconds of CPU time of the first try
FIRST = 2 / 3  # share of the minutes for first tries
CPU_SECONDS, CPU_TIMES = 10, 5  # a mutant that never ends is stopped after 10 s and 5 times what its tests take


def generate() -> list[str]:
    """Write all mutants into `mutants/` and name them."""
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    generator.copy_src_dir()
    generator.copy_also_copy_files()
    generator.setup_source_paths()
    with contextlib.redirect_stdout(None):
        generator.create_mutants(1)
    found: list[str] = []
    for file in sorted(Path("mutants/src/calcidiol/safety").glob("*.meta")):
        found += json.loads(file.read_text("utf-8"))["exit_code_by_key"]
    return sorted(found)


def forget() -> None:
    """Empty the caches of the program, which the unchanged code has filled."""
    for name, module in list(sys.modules.items()):
        if name.startswith("calcidiol"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear") and value.__module__.startswith(REACHES_ALL):
                    value.cache_clear()


class Trial:
    """A pytest plugin that runs the tests once, and then mutants instead of tests."""

    def __init__(self, names: list[str], results: Path, minutes: float) -> None:
        self.names, self.results, self.minutes = names, results, minutes
        self.reach: dict[str, set[int]] = defaultdict(set)  # function: tests that reach it
        self.seconds: list[float] = []
        self.kills: list[int] = []  # by test
        self.runs: list[int] = []
        self.killers: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's own loop."""
        items = session.items
        self.learn(session)
        self.kills, self.runs = [0] * len(items), [0] * len(items)
        start = time.monotonic()
        spent = lambda: (time.monotonic() - start) / 60 / self.minutes  # noqa: E731
        aside: list[str] = []
        with self.results.open("w", encoding="utf-8") as file:

            def tell(result: dict[str, object]) -> None:
                file.write(json.dumps(result) + "\n")
                file.flush()

            for name in self.names:
                if spent() > FIRST:
                    break
                result = self.one(name, items, PATIENCE)
                tell(result)
                if result["by"] == "open":
                    aside.append(name)
            for name in aside:
                if spent() > 1:
                    break
                tell(self.one(name, items, float("inf")))
        return True

    def learn(self, session: pytest.Session) -> None:
        """Run each test on the unchanged code once: its time and the functions it reaches; kept for a next run."""
        names = [item.nodeid for item in session.items]
        known: dict[str, tuple[float, list[str]]] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
        set_mutant_under_test("stats")
        for name, item in zip(names, session.items, strict=True):
            if name not in known:
                state()._stats.clear()
                start = time.process_time()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                known[name] = (time.process_time() - start + 1e-4, sorted(state()._stats))
        if session.testsfailed:
            raise SystemExit(3)
        KEPT.write_text(json.dumps(known), encoding="utf-8")
        self.seconds = [known[name][0] for name in names]
        for index, name in enumerate(names):
            for function in known[name][1]:
                self.reach[function].add(index)
        print(f"\n{len(names)} tests, {sum(self.seconds):.0f} s of CPU time", flush=True)

    def order(self, function: str) -> list[int]:
        """The tests of a function: what caught its neighbors, then what fails most per second."""
        own = self.killers[function]
        rate = lambda i: (self.kills[i] + 0.5) / (self.runs[i] + 10) / self.seconds[i]  # noqa: E731
        return sorted(self.reach[function], key=lambda i: (-own.get(i, 0), -rate(i)))

    def one(self, name: str, items: list[pytest.Item], patience: float) -> dict[str, object]:
        """Try one mutant."""
        function = name.rpartition("__mutmut_")[0]
        order = self.order(function)
        if not order:
            return {"name": name, "caught": False, "by": "no test reaches it", "seconds": 0}
        limit = CPU_SECONDS + CPU_TIMES * sum(self.seconds[i] for i in order)
        start = time.monotonic()
        out, into = os.pipe()
        child = os.fork()
        if not child:
            os.close(out)
            self.child(name, [items[i] for i in order], into, int(limit) + 1, patience)
        os.close(into)
        with os.fdopen(out) as file:
            said = file.read()
        _, status = os.waitpid(child, 0)
        seconds = round(time.monotonic() - start, 2)
        if said == "none":
            for i in order:
                self.runs[i] += 1
            return {"name": name, "caught": False, "by": f"{len(order)} tests", "seconds": seconds}
        if said == "open":
            return {"name": name, "caught": False, "by": "open", "seconds": seconds}
        if not said:
            how = "time" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU else f"end {status}"
            return {"name": name, "caught": True, "by": how, "seconds": seconds}
        place = int(said)
        for i in order[: place + 1]:
            self.runs[i] += 1
        self.kills[order[place]] += 1
        self.killers[function][order[place]] += 1
        return {"name": name, "caught": True, "by": items[order[place]].nodeid, "seconds": seconds}

    def child(self, name: str, items: list[pytest.Item], into: int, limit: int, patience: float) -> None:
        """Run the tests against one mutant, say which failed, and end."""
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 2))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        set_mutant_under_test(name)
        forget()
        said = "none"
        for place, item in enumerate(items):
            if time.process_time() > patience:  # of this child
                said = "open"
                break
            failed = item.session.testsfailed
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            except BaseException:  # whatever a mutant throws through pytest, it was seen
                failed = -1
            if item.session.testsfailed != failed:
                said = str(place)
                break
        os.write(into, said.encode())
        os._exit(0)


def main() -> int:
    """Run it."""
    wanted, results, minutes = (
        json.loads(Path(sys.argv[1]).read_text("utf-8")),
        Path(sys.argv[2]).resolve(),
        float(sys.argv[3]),
    )
    every = generate()
    if wanted is None:
        results.write_text(json.dumps(every), encoding="utf-8")
        return 0
    known = set(every)
    os.chdir("mutants")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=sys", "--rootdir=.", *TESTS]
    return int(pytest.main(options, plugins=[Trial([n for n in wanted if n in known], results, minutes)]))


if __name__ == "__main__":
    raise SystemExit(main())
