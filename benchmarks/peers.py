"""Peers run in an environment of their own, named by CALCIDIOL_PEERS (its python); see requirements.txt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
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


def peer(
    program: str, name: str, card: Card, p: Floats, schedules: Schedule | Sequence[Schedule], times: Floats,
    doy: float, rtol: float,
) -> tuple[Floats, float]:  # fmt: skip
    """Levels (N, M) by `peer_<name>.py` from the same start, and CPU seconds without compiling.

    One schedule for all, or one for each with equally many doses.
    """
    each = [schedules] if isinstance(schedules, Schedule) else list(schedules)
    starts = [periodic(p[i : i + 1] if len(each) > 1 else p, doy + _begin(s, times)) for i, s in enumerate(each)]
    with tempfile.TemporaryDirectory() as folder:
        problem, answer = Path(folder) / "problem.npz", Path(folder) / "answer.npz"
        # Doses after the last sample change nothing that is read.
        kept = slice(None) if len(each) > 1 else each[0].time_d < times[-1]
        np.savez(
            problem, names=np.array(NAMES), parameters=p, state=np.concatenate([s for s, _ in starts], axis=1),
            mean_input=np.concatenate([r for _, r in starts]), doy=doy, times=times,
            days=np.array([s.time_d[kept] for s in each]), nmol=np.array([s.amount_nmol[kept] for s in each]),
            into=np.array([s.into[kept] for s in each]), saturable=card.structure == "saturable-clearance",
        )  # fmt: skip
        script = Path(__file__).with_name(f"peer_{name}.py")
        subprocess.run([program, str(script), str(problem), str(answer), repr(rtol)], check=True)
        if not answer.is_file():
            # LSODA ends its process when it gives up.
            return np.full((len(p), len(times)), np.nan), float("nan")
        with np.load(answer) as told:
            return told["level"], float(told["cpu_s"])


def _begin(schedule: Schedule, times: Floats) -> float:
    return float(min([times[0], *schedule.time_d[:1]]))
