"""The peers, each on its own statement of the card's equations, in an environment of its own (`environment`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import PYTHON
from calcidiol.kinetics import Card, Schedule
from calcidiol.kinetics.layout import NAMES
from calcidiol.kinetics.steady import periodic

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
LONGEST_S = 600.0
"""A peer that needs longer for one run is left out."""


class LeftOutError(Exception):
    """Why a peer is not compared."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: how it is told, the module or R package it needs, and how many patients it is given."""

    name: str
    needs: str
    patients: int
    in_r: bool = False

    def program(self) -> str:
        """The python or Rscript that has it.

        Raises
        ------
        LeftOutError
            It is not installed.
        """
        if self.in_r:
            rscript = shutil.which("Rscript")
            if rscript is None:
                raise LeftOutError("R is not installed")
            code = f"q(status = !requireNamespace('{self.needs}', quietly = TRUE))"
            if subprocess.run([rscript, "-e", code], capture_output=True, check=False).returncode:
                raise LeftOutError(f"the R package {self.needs} is not installed")
            return rscript
        for program in (os.environ.get("CALCIDIOL_PEERS"), PYTHON, sys.executable):
            if program and Path(program).is_file():
                tried = subprocess.run([program, "-c", f"import {self.needs}"], capture_output=True, check=False)
                if not tried.returncode:
                    return str(program)
        raise LeftOutError("it is not installed (python -m benchmarks.environment says why)")

    def run(
        self, card: Card, p: Floats, schedules: Schedule | Sequence[Schedule], times: Floats, doy: float,
        rtols: Sequence[float],
    ) -> list[tuple[Floats, float]]:  # fmt: skip
        """Levels (N, M) from the same start, and CPU seconds without compiling, for each tolerance.

        One schedule for all, or one for each with equally many doses. A tolerance that the peer gives up is NaN.

        Raises
        ------
        LeftOutError
            It is not installed, ends with an error or takes too long.
        """
        program = self.program()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            problem = _problem(card, p, schedules, times, doy)
            if self.in_r:
                script = [str(HERE / "peer_r.R"), self.needs]
                _for_r(folder, problem)
            else:
                script = [str(HERE / f"peer_{self.name}.py")]
                np.savez(folder / "problem.npz", **problem)
            try:
                ran = subprocess.run(
                    [program, *script, name, *map(repr, rtols)],
                    capture_output=True, text=True, timeout=LONGEST_S, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise LeftOutError(f"it took more than {LONGEST_S:g} s") from None
            found = [_answer(folder, i, self.in_r) for i in range(len(rtols))]
        if ran.returncode and not any(found):
            said = (ran.stderr or ran.stdout).strip().splitlines()
            raise LeftOutError(f"it ended with an error: {said[-1] if said else f'code {ran.returncode}'}")
        # LSODA ends its process when it gives up.
        nothing = np.full((len(p), len(times)), np.nan), float("nan")
        return [one or nothing for one in found]


def _answer(folder: Path, i: int, in_r: bool) -> tuple[Floats, float] | None:
    """Levels and CPU seconds of the i-th tolerance, where the peer wrote them."""
    file = folder / (f"cpu{i}.csv" if in_r else f"answer{i}.npz")
    if not file.is_file():
        return None
    if in_r:
        return np.loadtxt(folder / f"level{i}.csv", delimiter=",", ndmin=2), float(np.loadtxt(file, skiprows=1))
    with np.load(file) as answer:
        return answer["level"], float(answer["cpu_s"])


NUMBALSODA = Peer("numbalsoda", "numbalsoda", 200)
PEERS = (
    Peer("diffrax", "diffrax", 200),
    Peer("roadrunner", "antimony, roadrunner", 20),
    Peer("mrgsolve", "mrgsolve", 200, in_r=True),
    Peer("rxode2", "rxode2", 200, in_r=True),
)
"""Those that are told equal injections every 28 days only; numbalsoda takes any schedule."""


def _problem(
    card: Card, p: Floats, schedules: Schedule | Sequence[Schedule], times: Floats, doy: float
) -> dict[str, Any]:
    each = [schedules] if isinstance(schedules, Schedule) else list(schedules)
    starts = [periodic(p[i : i + 1] if len(each) > 1 else p, doy + _begin(s, times)) for i, s in enumerate(each)]
    # Doses after the last sample change nothing that is read.
    kept = slice(None) if len(each) > 1 else each[0].time_d < times[-1]
    return {
        "names": np.array(NAMES),
        "parameters": p,
        "state": np.concatenate([s for s, _ in starts], axis=1),
        "mean_input": np.concatenate([r for _, r in starts]),
        "doy": np.array(doy),
        "times": times,
        "days": np.array([s.time_d[kept] for s in each]),
        "nmol": np.array([s.amount_nmol[kept] for s in each]),
        "into": np.array([s.into[kept] for s in each]),
        "saturable": np.array(card.structure == "saturable-clearance"),
    }


def _begin(schedule: Schedule, times: Floats) -> float:
    return float(min([times[0], *schedule.time_d[:1]]))


def _for_r(folder: Path, problem: dict[str, Any]) -> None:
    """The same problem as tables."""
    p, state = np.asarray(problem["parameters"]), np.asarray(problem["state"])
    names = [*(str(n) for n in problem["names"]), "mean_input", "doy", *(f"s{i}" for i in range(len(state)))]
    doy = np.full(len(p), float(problem["doy"]))
    people = np.column_stack([p, problem["mean_input"], doy, state.T])
    doses = np.column_stack([problem[k][0] for k in ("days", "nmol", "into")])
    tables = (
        ("people", ",".join(names), people),
        ("doses", "day,nmol,into", doses),
        ("times", "time", problem["times"]),
    )
    for name, header, rows in tables:
        np.savetxt(folder / f"{name}.csv", rows, fmt="%.17g", delimiter=",", header=header, comments="")
