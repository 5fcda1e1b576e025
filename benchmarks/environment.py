"""The peers' own environment, made from requirements/peers.lock: `python -m benchmarks.environment`.

It stands in .venv/peers. What does not install is named with the reason and stops nobody; it is tried again the next
time. `CALCIDIOL_PEERS` names another python instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "peers.lock"
FOLDER = ROOT / ".venv" / "peers"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
BUILT_WITH = {"numbalsoda": ("g++", "gfortran")}
"""Peers without a ready-made build, and the compilers they need."""


def requirements(text: str) -> dict[str, str]:
    """Name and version of each package of a lock -> its lines, hashes included."""
    blocks = re.findall(r"^[^\s#].*(?:\n[ \t].*)*", text, re.MULTILINE)
    return {block.split(" ", 1)[0].strip(): block for block in blocks}


def missing(wanted: dict[str, str]) -> dict[str, str]:
    """What of a lock is not installed in that version."""
    told = subprocess.run(
        [PYTHON, "-m", "pip", "--disable-pip-version-check", "freeze", "--all"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    there = {line.replace("_", "-").lower() for line in told.stdout.split()}
    return {pin: block for pin, block in wanted.items() if pin.replace("_", "-").lower() not in there}


def install(text: str) -> subprocess.CompletedProcess[str]:
    """Install these lines of a lock."""
    return subprocess.run(
        [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "--no-deps", "-r",
         "/dev/stdin"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip


def reason(pin: str, output: str) -> str:
    """Why a package did not install, in one line."""
    lacking = [tool for tool in BUILT_WITH.get(pin.split("==")[0], ()) if shutil.which(tool) is None]
    if lacking:
        return f"is built from source and {' and '.join(lacking)} is not there"
    told = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    return told[-1] if told else "pip gave no reason"


def main() -> int:
    """Make or complete the environment and say what is left out."""
    if os.environ.get("CALCIDIOL_PEERS"):
        print("Peers: the environment that CALCIDIOL_PEERS names.")
        return 0
    if not PYTHON.is_file():
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
    wanted = missing(requirements(LOCK.read_text(encoding="utf-8")))
    if not wanted:
        return 0
    print(f"Peers: installing {len(wanted)} packages into {FOLDER.relative_to(ROOT)} ...", flush=True)
    if install("\n".join(wanted.values())).returncode:
        # One at a time, so that one that does not install stops nobody.
        for pin, block in wanted.items():
            tried = install(block)
            if tried.returncode:
                print(f"Peers: {pin} is left out: {reason(pin, tried.stdout + tried.stderr)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
