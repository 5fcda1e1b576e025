"""The command line: `calcidiol plan RECORD` and its siblings.

Exit codes: 0 a plan with a regimen (or a command that did what it was asked), 1 an internal fault, 2 a wrong command
line, 3 refused, 4 the record can't be used, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from calcidiol import __version__
from calcidiol.cli.files import speak_plainly
from calcidiol.errors import CalcidiolError, RecordError

# Before numpy is loaded: its matrices here are a few rows, for which more threads only spin (0.35 s of CPU a command).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

OK, FAULT, USAGE, REFUSED, UNUSABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130
STOPPED = "Stopped. Nothing was left half written."


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; whoever wants all options asks for them. Options are written out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """End with the code of a wrong command line."""
        self.exit(USAGE, f"{self.prog}: {message}. `{self.prog} --help` tells what can be asked.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line; each room of `cli/` adds its own commands."""
    from calcidiol.cli import evaluating, evidence, intake, known, patients, session

    top = Parser(
        prog="calcidiol",
        description="Vitamin D regimens for one cancer patient: forecast, search, safety gate, evidence.",
        epilog="Start with `calcidiol plan RECORD`. Each command tells its options with --help. "
        "Decision support for professionals; not a medical device. A clinician decides.",
    )
    top.add_argument("--version", action="version", version=f"calcidiol {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for room in (patients, session, intake, known, evidence, evaluating):
        room.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never shows a traceback unless CALCIDIOL_DEBUG is set."""
    speak_plainly()
    args = parser().parse_args(argv)
    try:
        code = int(args.run(args))
        sys.stdout.flush()  # a full disk behind standard output is told here, not lost at exit
        return code
    except RecordError as error:
        return _say(error, UNUSABLE)
    except CalcidiolError as error:
        return _say(error, USAGE)
    except BrokenPipeError:
        # The reader (head, less) went away: not our fault, and nothing more can be said to it.
        _nowhere()
        return OK
    except KeyboardInterrupt:
        return _say(STOPPED, INTERRUPTED)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG):
            return _fault(error)
        _nowhere()
        return _say(f"Cannot write to standard output: {error.strerror}.", USAGE)
    except Exception as error:
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):  # wrapped by compiled code
            return _say(STOPPED, INTERRUPTED)
        return _fault(error)


def _fault(error: Exception) -> int:
    if os.environ.get("CALCIDIOL_DEBUG"):
        raise error
    return _say(
        f"Internal fault: {type(error).__name__}: {error}. Run again with CALCIDIOL_DEBUG=1 and report what it prints.",
        FAULT,
    )


def _nowhere() -> None:
    """Point standard output nowhere, so that what Python still holds for it does not fail again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: object, code: int) -> int:
    print(f"calcidiol: {message}", file=sys.stderr)
    return code
