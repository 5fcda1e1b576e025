"""Peers run in an environment of their own, named by CALCIDIOL_PEERS (its python); see requirements.txt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calcidiol.kinetics import Card, Schedule
from calcidiol.kinetics.layout import NAMES
from calcidiol.kinetics.steady import periodic

Floats = NDArray[np.float64]


def python_with(module: str) -> str | None:
    """The python in which `module` can be imported: the one of the peers, or this one."""
    for program in (os.environ.get("CALCIDIOL_PEERS"), sys.executable):
        if program and subprocess.run([program, "-c", f"import {module}"], capture_output=True).returncode == 0:
            return program
    return None


def numbalsoda(
    program: str, card: Card, p: Floats, schedule: Schedule, times: Floats, doy: float, rtol: float
) -> tuple[Floats, float]:
    """Levels (N, M) by numbalsoda's LSODA from the same start, and CPU seconds without compiling."""
    begin = float(min([times[0], *schedule.time_d[:1]]))
    state, mean_input = periodic(p, doy + begin)
    with tempfile.TemporaryDirectory() as folder:
        problem, answer = Path(folder) / "problem.npz", Path(folder) / "answer.npz"
        np.savez(
            problem, names=np.array(NAMES), parameters=p, state=state, mean_input=mean_input, doy=doy,
            days=schedule.time_d, nmol=schedule.amount_nmol, into=schedule.into, times=times,
            saturable=card.structure == "saturable-clearance",
        )  # fmt: skip
        script = Path(__file__).with_name("peer_numbalsoda.py")
        subprocess.run([program, str(script), str(problem), str(answer), repr(rtol)], check=True)
        if not answer.is_file():
            # LSODA ends its process when it gives up.
            return np.full((len(p), len(times)), np.nan), float("nan")
        with np.load(answer) as told:
            return told["level"], float(told["cpu_s"])
