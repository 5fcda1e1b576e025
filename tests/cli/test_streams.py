"""Files, devices, pipes, encodings and Ctrl-C: never a partial file, a traceback, or a sign that reads as another."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from calcidiol.cli import files, main
from calcidiol.errors import UsageError

EXAMPLES = Path(__file__).parents[2] / "examples"
RUN = "import sys; from calcidiol.cli import main; sys.exit(main())"
PLAN = ["plan", str(EXAMPLES / "cll.yaml"), "--on", "2026-11-21"]


def command(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command of its own, with standard output buffered as it is for a user."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run([sys.executable, "-c", RUN, *args], text=True, check=False, env=env, **options)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("old", encoding="utf-8")
    link = tmp_path / "link.json"
    link.symlink_to("there.json")
    files.write(str(link), "new")
    assert link.is_symlink()
    assert (tmp_path / "there.json").read_text(encoding="utf-8") == "new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()
    files.write(str(pipe), "plan")
    reader.join(timeout=20)
    assert told == ["plan"]
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
def test_a_full_device_is_told_and_not_replaced() -> None:
    with pytest.raises(UsageError, match="Cannot write"):
        files.write("/dev/full", "plan")
    assert Path("/dev/full").is_char_device()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
@pytest.mark.parametrize("args", [["cards"], ["check", PLAN[1], *PLAN[2:]]])
def test_a_full_disk_behind_standard_output_is_told(args: list[str]) -> None:
    """Also when all of the output is still in the buffer at the end (check)."""
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = command(*args, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.startswith("calcidiol: Cannot write to standard output")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_nothing_is_left_of_a_file_that_was_not_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    def stopped(*_: object) -> None:
        raise stop

    monkeypatch.setattr(files.os, "fsync", stopped)
    with pytest.raises((KeyboardInterrupt, UsageError)):
        files.write(str(tmp_path / "plan.json"), "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrapped", [False, True])
def test_ctrl_c_has_its_own_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wrapped: bool
) -> None:
    import calcidiol.planning.build as build

    def stopped(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            if wrapped:  # as numba does
                raise SystemError("returned a result with an exception set") from None
            raise

    monkeypatch.setattr(build, "plan", stopped)
    assert main(PLAN) == 130
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "calcidiol: Stopped. Nothing was left half written.\n"


def test_a_reader_that_goes_away_is_no_fault() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = command("products", stdout=write, stderr=subprocess.PIPE)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_an_encoding_lacks_is_said_in_ascii() -> None:
    code = (
        "import sys; from calcidiol.cli.files import speak_plainly; speak_plainly();"
        "print('\\u2265 250, 2,000 IU \\u00d7 181, 2026\\u20132027, \\u00b1 2%, 26 \\u00b5mol/L, \\u738b')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.stdout == ">= 250, 2,000 IU x 181, 2026-2027, +/- 2%, 26 umol/L, ?\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_closed_streams_are_no_fault() -> None:
    done = subprocess.run(f'"{sys.executable}" -c "{RUN}" cards >&- 2>&-', shell=True, check=False, capture_output=True)
    assert done.returncode == 0


def test_data_on_standard_output_stands_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Also with other outputs, warnings in the record, and Chinese text."""
    import json

    record = str(EXAMPLES / "record-in-chinese.yaml")
    page = tmp_path / "a b \u7d50\u679c.html"
    assert main(["plan", record, "--on", "2026-11-21", "--lang", "zh-Hant", "--html", str(page), "--json", "-"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["status"] == "planned"
    assert told.err == ""
    assert page.exists()
