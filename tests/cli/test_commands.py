"""The command line as a user has it: exit codes, files, standard output, bad input without tracebacks."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calcidiol.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"
ON = ["--on", "2026-11-21"]


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    try:
        code = main(list(args))
    except SystemExit as end:
        code = int(end.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_plan_writes_everything(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = {kind: tmp_path / f"plan.{kind}" for kind in ("html", "pdf", "json", "fhir")}
    args = [x for kind, path in files.items() for x in (f"--{kind}", str(path))]
    code, out, _ = run(capsys, "plan", str(EXAMPLES / "simple-deficiency.yaml"), *ON, *args)
    assert code == 0
    assert "IU" in out
    assert files["html"].read_text(encoding="utf-8").startswith("<!doctype html>")
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    plan = json.loads(files["json"].read_text(encoding="utf-8"))
    assert plan["status"] == "planned"
    assert json.loads(files["fhir"].read_text(encoding="utf-8"))["resourceType"] == "Bundle"
    code, out, _ = run(capsys, "replay", str(files["json"]))
    assert (code, out) == (0, "The same plan again.\n")


@pytest.mark.parametrize(
    ("name", "code"),
    [("simple-deficiency.yaml", 0), ("lymphoma-raised-calcium.json", 3), ("wrong-unit.yaml", 4)],
)
def test_exit_codes(capsys: pytest.CaptureFixture[str], name: str, code: int) -> None:
    got, out, _ = run(capsys, "plan", str(EXAMPLES / name), *ON, "--json", "-")
    assert got == code
    plan = json.loads(out)
    assert (plan["regimen"] is None) == (code != 0)


def test_a_folder_and_one_bad_record(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder, out_dir = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("simple-deficiency.yaml", "gastrectomy.json"):
        (folder / name).write_bytes((EXAMPLES / name).read_bytes())
    (folder / "broken.json").write_text("{", encoding="utf-8")
    (folder / "letter.xml").write_text("<a/>", encoding="utf-8")
    code, out, _ = run(capsys, "plan", str(folder), "--out", str(out_dir), *ON)
    assert code == 4
    summary = json.loads((out_dir / "summary.json").read_text())
    assert summary["not_read"] == ["letter.xml"]
    assert "letter.xml" in out
    rows = {r["record"]: r["exit_code"] for r in summary["records"]}
    assert rows == {"broken.json": 4, "gastrectomy.json": 0, "simple-deficiency.yaml": 0}
    assert (out_dir / "gastrectomy.html").exists()
    assert "broken.json" in out


def test_check_and_forecast(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", str(EXAMPLES / "wrong-unit.yaml"), *ON)
    assert code == 4
    assert "unit_trap" in out
    record = str(EXAMPLES / "obesity.yaml")
    code, out, _ = run(capsys, "forecast", record, "--regimen", "im 100000 IU every 28 d x 3", *ON, "--json", "-")
    told = json.loads(out)
    assert code == 0
    assert set(told["forecasts"]) == {"population", "individual", "untreated"}
    assert told["regimen"]["total_iu"] == 300_000


@pytest.mark.parametrize("regimen", ["oral 50000 IU every 7 d x 8", "im 300000 IU once", "none"])
def test_regimens_of_the_readme(capsys: pytest.CaptureFixture[str], regimen: str) -> None:
    code, out, _ = run(capsys, "forecast", str(EXAMPLES / "cll.yaml"), "--regimen", regimen, *ON, "--weeks", "8")
    assert code == 0
    assert "nmol/L" in out


@pytest.mark.parametrize("command", ["cards", "products", "protocols"])
def test_what_is_known(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = run(capsys, command, "--json", "-")
    rows = json.loads(out)
    assert code == 0
    assert len(rows) >= 2
    assert all(r["id"] for r in rows)
    code, out, _ = run(capsys, command)
    assert code == 0
    assert rows[0]["id"] in out


@pytest.mark.parametrize(
    "args",
    [
        ["plan"],
        ["plan", "x.yaml", "--on", "yesterday"],
        ["plan", str(EXAMPLES / "cll.yaml"), "--goal", "lots", *ON],
        ["plan", str(EXAMPLES / "cll.yaml"), "--card", "no-such-card", *ON],
        ["plan", str(EXAMPLES / "cll.yaml"), "--out", "somewhere", *ON],
        ["plan", str(EXAMPLES / "cll.yaml"), "--json", "-", "--fhir", "-", *ON],
        ["plan", str(EXAMPLES), *ON],
        ["plan", str(EXAMPLES / "cll.yaml"), "--accept", "calcum=2%", *ON],
        ["plan", str(EXAMPLES / "cll.yaml"), "--accept", "calcium=200%", *ON],
        ["plan", str(EXAMPLES / "cll.yaml"), "--prior-weight", "3", *ON],
        ["forecast", str(EXAMPLES / "cll.yaml"), "--regimen", "a spoonful", *ON],
        ["nonsense"],
        ["replay", "no-such-file.json"],
        ["evaluate", "arms", "--data", "no-such-file.csv"],
    ],
)
def test_wrong_command_lines(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    code, out, err = run(capsys, *args)
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    assert len(err) > 20


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"- 1\n- 2\n", b"patient: {id: a", b'{"resourceType": "Patient"']
)
def test_records_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes) -> None:
    record = tmp_path / "record.json"
    record.write_bytes(content)
    code, _, err = run(capsys, "plan", str(record), *ON, "--json", str(tmp_path / "plan.json"))
    assert code == 4
    assert "Traceback" not in err
    assert not (tmp_path / "plan.json").exists()


def test_a_record_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for command in (
        ["plan"],
        ["check"],
        ["forecast", "--regimen", "none"],
        ["session", "before"],
        ["intake"],
        ["replay"],
    ):
        code, out, err = run(capsys, *command, str(tmp_path / "nobody.yaml"))
        assert (code, out) == (2, "")
        assert "nobody.yaml" in err
        assert "--help" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--on", "21/11/2026"], "Write it as 2026-11-21"),
        (["--on", "2026-02-30"], "Write it as 2026-11-21"),
        (["--goal", "125-75"], "20 <= low < high <= 250"),
        (["--goal", "high"], "30-50 ng/mL"),
        (["--card", "none"], "Known: "),
        (["--route", "sc"], "choose from 'oral', 'im'"),
        (["--accept", "luck=3"], "excess, ceiling or calcium"),
        (["--htm", "x"], "--htm"),
        (["--out", "x"], "--out goes with a folder"),
        (["--json", "-", "--fhir", "-"], "Only one output"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given = args if "--on" in args else [*args, *ON]
    code, out, err = run(capsys, "plan", str(EXAMPLES / "cll.yaml"), *given)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", [["plan"], ["forecast", "--regimen", "none"]])
def test_a_confirmation_of_nothing_is_refused(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    record = str(EXAMPLES / "wrong-unit.yaml")
    code, _, err = run(capsys, *command, record, *ON, "--confirm", "unit_trap:labs[2]")
    assert code == 2
    assert "unit_trap:labs[1]" in err


def test_every_option_of_every_command_is_explained() -> None:
    """No option without a line of help, and each command has an answer to --help."""
    from calcidiol.cli import parser

    def unexplained(command: Any, name: str) -> list[str]:
        told = []
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                told += [x for key, inner in action.choices.items() for x in unexplained(inner, f"{name} {key}")]
            elif not action.help and name.split()[1:2] not in ([], ["evidence"], ["evaluate"], ["calibrate"]):
                told.append(f"{name}: {action.dest}")
        assert command.format_help()
        return told

    assert unexplained(parser(), "calcidiol") == []


def test_the_forecast_on_the_terminal_has_both_units(capsys: pytest.CaptureFixture[str]) -> None:
    record = str(EXAMPLES / "obesity.yaml")
    code, out, _ = run(capsys, "forecast", record, *ON, "--regimen", "im 100000 IU every 28 d x 3")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].replace("\u00a0", " ") == "100,000 IU intramuscular, every 28 days \u00d7 3"
    assert lines[1] == "25(OH)D, nmol/L (ng/mL)"
    days = [line.split()[0] for line in lines[3:]]
    assert days[:3] == ["2026-11-21", "2026-12-19", "2027-01-16"]
    assert len(days) == 14


def test_the_summary_of_a_folder_is_in_words(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("cll.yaml", "lymphoma-raised-calcium.json", "wrong-unit.yaml"):
        (folder / name).write_bytes((EXAMPLES / name).read_bytes())
    _, out, _ = run(capsys, "plan", str(folder), "--out", str(tmp_path / "out"), *ON)
    first, second, third = out.splitlines()[:3]
    assert "IU by mouth" in first
    assert "Refused: CI01 Calcium is above the upper limit" in second
    assert "9.4 mmol/L" in third
    assert "(unit_trap:labs[1])" in third


def test_a_folder_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "missing" / "plan.json"
    code, _, err = run(capsys, "plan", str(EXAMPLES / "cll.yaml"), *ON, "--json", str(target))
    assert code == 2
    assert "Nothing was changed" in err


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calcidiol.cli import files
    from calcidiol.errors import UsageError

    target = tmp_path / "plan.json"
    target.write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        files.write(str(target), "new")
    assert target.read_text(encoding="utf-8") == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plan.json"]


def test_an_internal_fault_is_said_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import calcidiol.planning.build as build

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a screw is loose")

    monkeypatch.setattr(build, "plan", broken)
    monkeypatch.delenv("CALCIDIOL_DEBUG", raising=False)
    code, _, err = run(capsys, "plan", str(EXAMPLES / "cll.yaml"), *ON)
    assert code == 1
    assert "a screw is loose" in err
    assert "Traceback" not in err


def test_import_is_light() -> None:
    code = (
        "import calcidiol, sys; print(sorted(m for m in sys.modules if m.split('.')[0] in ('numba', 'scipy', 'numpy')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ.copy(), check=True
    )
    assert done.stdout.strip() == "[]"


def test_public_names() -> None:
    import calcidiol as cd

    for name in cd.__all__:
        assert getattr(cd, name) is not None
    with pytest.raises(AttributeError):
        _ = cd.nothing


def test_check_says_what_was_not_used_in_whole_sentences(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "record.yaml"
    lab = "{test: calcium, value: 2.3, unit: furlong, date: 2026-11-18}"
    path.write_text(f"patient: {{sex: female, age: 60}}\nlabs: [{lab}]\n", encoding="utf-8")
    code, out, _ = run(capsys, "check", str(path), *ON)
    assert code == 0
    assert 'unused  labs[0]: calcium: the unit of "2.3 furlong" is not known' in out
