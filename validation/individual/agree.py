"""How far our posteriors stand from those of a NUTS run, in combined Monte-Carlo errors.

python validation/individual/agree.py nuts.json      (the project's environment; exit code 1: one is too far)
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ERRORS = 3.5
"""Combined Monte-Carlo errors that a mean or an SD may be off."""


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Differences of means and of SDs of one case, each in combined Monte-Carlo errors."""
    their_sd, our_sd = np.array(theirs["sd"]), np.array(ours["sd"])
    n_mean, n_square = np.array(theirs["effective"]), np.array(theirs["effective_square"])
    error_mean = np.sqrt(their_sd**2 / n_mean + our_sd**2 / ours["effective"])
    # The error of an SD, sd / sqrt(2 n), holds for normal laws; n is that of the squares where they mix worse.
    error_sd = np.sqrt(their_sd**2 / (2 * np.minimum(n_mean, n_square)) + our_sd**2 / (2 * ours["effective"]))
    mean = (np.array(ours["mean"]) - np.array(theirs["mean"])) / error_mean
    return mean, (our_sd - their_sd) / error_sd


def main(path: str) -> int:
    """Compare every case of a file."""
    spec = importlib.util.spec_from_file_location("cases", Path(__file__).with_name("cases.py"))
    assert spec is not None
    assert spec.loader is not None
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    far = 0
    rows = json.loads(Path(path).read_text(encoding="utf-8"))["cases"]
    for row in rows:
        off = max(float(np.abs(z).max()) for z in differences(row, cases.ours(row["case"])))
        print(f"case {row['case']}: {off:.2f} combined Monte-Carlo errors")
        far += off > ERRORS
    print(f"{len(rows)} cases, {far} beyond {ERRORS}")
    return 1 if far or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
