"""The command line: `calcidiol plan RECORD` and its siblings.

Exit codes: 0 a plan with a regimen (or a command that did what it was asked), 1 an internal fault, 2 a wrong command
line, 3 refused, 4 the record can't be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from calcidiol import __version__
from calcidiol.errors import CalcidiolError, RecordError

# Before numpy is loaded: its matrices here are a few rows, for which more threads only spin (0.35 s of CPU a command).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

OK, FAULT, USAGE, REFUSED, UNUSABLE = 0, 1, 2, 3, 4


def parser() -> argparse.ArgumentParser:
    """The whole command line; each room of `cli/` adds its own commands."""
    from calcidiol.cli import evaluating, evidence, intake, known, patients, session

    top = argparse.ArgumentParser(
        prog="calcidiol",
        description="Vitamin D regimens for one cancer patient: forecast, search, safety gate, evidence.",
        epilog="Decision support for professionals; not a medical device. A clinician decides.",
    )
    top.add_argument("--version", action="version", version=f"calcidiol {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for room in (patients, session, intake, known, evidence, evaluating):
        room.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never shows a traceback unless CALCIDIOL_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except RecordError as error:
        return _say(error, UNUSABLE)
    except CalcidiolError as error:
        return _say(error, USAGE)
    except BrokenPipeError:
        # The reader (head, less) went away: not our fault, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return _say("Stopped.", FAULT)
    except Exception as error:
        if os.environ.get("CALCIDIOL_DEBUG"):
            raise
        return _say(
            f"Internal fault: {type(error).__name__}: {error}. Nothing was written. "
            "Run again with CALCIDIOL_DEBUG=1 and report what it prints.",
            FAULT,
        )


def _say(message: object, code: int) -> int:
    print(f"calcidiol: {message}", file=sys.stderr)
    return code
