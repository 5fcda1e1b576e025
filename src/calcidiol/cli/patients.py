"""Commands about a patient: plan, check, forecast, replay."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calcidiol.cli.files import dumps, write
from calcidiol.errors import CalcidiolError, RecordError, UsageError

if TYPE_CHECKING:
    from calcidiol.planning.answer import Plan
    from calcidiol.regimen import Goal

RECORD_SUFFIXES = (".yaml", ".yml", ".json")
RECORD_HELP = "FHIR R4 Bundle, YAML or JSON"
LANGUAGES = ("en", "zh-Hant")


def add(commands: Any) -> None:
    """Add the commands to the command line."""
    plan = commands.add_parser(
        "plan", help="a regimen, its forecast, its verdict and a report", description=plan_run.__doc__
    )
    plan.add_argument(
        "record", metavar="RECORD", type=existing, help="FHIR R4 Bundle, YAML or JSON; a folder plans each record in it"
    )
    outputs = plan.add_argument_group("outputs (FILE may be - for standard output; without any, a summary is printed)")
    for kind, what in (
        ("html", "the report for a browser"),
        ("pdf", "the report for print"),
        ("json", "the whole plan as data"),
        ("fhir", "the plan as a FHIR R4 Bundle of proposals"),
    ):
        outputs.add_argument(f"--{kind}", metavar="FILE", help=f"write {what}")
    outputs.add_argument("--out", metavar="DIR", help="folder for the plans (HTML and JSON) when RECORD is a folder")
    _asked(plan)
    plan.set_defaults(run=plan_run)

    check = commands.add_parser("check", help="findings about a record only", description=check_run.__doc__)
    record_and_day(check, "day of the question (default: today)")
    check.add_argument("--json", metavar="FILE", help="write it as data; - for standard output")
    check.set_defaults(run=check_run)

    forecast = commands.add_parser(
        "forecast", help="the level under any regimen, no search", description=forecast_run.__doc__
    )
    forecast.add_argument("record", metavar="RECORD", type=existing, help=RECORD_HELP)
    forecast.add_argument(
        "--regimen", required=True, help='"im 100000 IU every 28 d x 3", "oral 2000 IU daily x 180", "none"'
    )
    _asked(forecast, search=False)
    forecast.add_argument("--weeks", type=_positive, default=52, help="how far to look (default 52)")
    forecast.add_argument("--json", metavar="FILE", help="write it as data; - for standard output")
    forecast.set_defaults(run=forecast_run)

    replay = commands.add_parser("replay", help="the same plan again, or what differs", description=replay_run.__doc__)
    replay.add_argument("plan", metavar="PLAN.json", type=existing, help="a plan that was written with --json")
    replay.set_defaults(run=replay_run)


def record_and_day(command: argparse.ArgumentParser, day: str) -> None:
    """The record, the day and the language, as every command about one patient takes them."""
    command.add_argument("record", metavar="RECORD", type=existing, help=RECORD_HELP)
    command.add_argument("--on", type=day_of, default=None, metavar="DATE", help=day)
    command.add_argument("--lang", default="en", choices=LANGUAGES, help="language of the answer")


def existing(text: str) -> str:
    """A path that is there."""
    if not Path(text).exists():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return text


def _asked(command: argparse.ArgumentParser, *, search: bool = True) -> None:
    patient = command.add_argument_group("patient and day")
    patient.add_argument("--on", type=day_of, default=None, metavar="DATE", help="day of the plan (default: today)")
    patient.add_argument(
        "--confirm",
        action="append",
        default=[],
        metavar="FINDING",
        help="a finding that a person has checked, as the findings name it (`unit_trap:labs[1]`); may be repeated",
    )
    patient.add_argument("--lang", default="en", choices=LANGUAGES, help="language of the answer")
    model = command.add_argument_group("model")
    model.add_argument("--card", default=None, metavar="ID", help="model card (see `calcidiol cards`)")
    model.add_argument("--seed", type=int, default=0, help="seed of the draws (default 0)")
    model.add_argument(
        "--prior-weight",
        type=_weight,
        default=1.0,
        metavar="W",
        help="0.1 to 1: below 1 this patient's results count for more than the card's people (default 1)",
    )
    if search:
        aim = command.add_argument_group("what to aim at")
        aim.add_argument(
            "--goal",
            default=None,
            metavar="LOW-HIGH",
            help="target band of 25(OH)D in nmol/L (default 75-125), or `30-50 ng/mL`",
        )
        aim.add_argument("--route", default=None, choices=("oral", "im"), help="only this route")
        aim.add_argument(
            "--accept",
            action="append",
            default=[],
            metavar="RISK=P",
            help="accepted risk: excess=30%% (ever above 125 nmol/L), ceiling=2%% (250), calcium=2%%; may be repeated",
        )


def day_of(text: str) -> date:
    from calcidiol.planning.build import as_day

    try:
        return as_day(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a weight from 0.1 to 1, the full weight of the prior")
    return value


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 260:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of weeks from 1 to 260")
    return int(text)


@contextmanager
def progress(what: str) -> Iterator[None]:
    """A spinner on the terminal while something takes longer than a second; silent when piped."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def plan_run(args: argparse.Namespace) -> int:
    """Plan one patient, or each record of a folder."""
    _goal(args)  # a wrong command line is told before the first record is opened
    if [args.html, args.pdf, args.json, args.fhir].count("-") > 1:
        raise UsageError("Only one output can go to standard output (-). Give file names for the others.")
    if Path(args.record).is_dir():
        return _plan_folder(args)
    if args.out:
        raise UsageError("--out goes with a folder of records. For one record give --html, --pdf, --json or --fhir.")
    with progress(f"Planning {args.record}"):
        made = _plan_one(args.record, args)
        _known(args.confirm, [f.key for f in made.findings])
        told = made.to_dict(_words(args.lang))
        outputs = _rendered(told, args)
    for target, data in outputs:
        write(target, data)
    if not any(target == "-" for target, _ in outputs):
        from calcidiol import report

        print(report.terminal(told, lang=args.lang))
        for target, _ in outputs:
            print(f"Written: {target}")
    return made.exit_code


def _known(confirmed: list[str], keys: list[str]) -> None:
    """What a person confirms must be there; a misspelled key must not pass for a confirmation."""
    for key in confirmed:
        if key not in keys:
            there = ", ".join(keys) if keys else "none"
            raise UsageError(f"--confirm {key}: the record has no such finding. Its findings: {there}.")


def _goal(args: argparse.Namespace) -> Goal:
    from calcidiol import regimen

    return regimen.goal(args.goal, **regimen.accepted(args.accept))


def _plan_one(record: str, args: argparse.Namespace) -> Plan:
    import calcidiol as cd

    return cd.plan(
        cd.read(record),
        on=args.on or date.today(),
        goal=_goal(args),
        card=args.card,
        seed=args.seed,
        route=args.route,
        flatten=args.prior_weight,
        confirmed=tuple(args.confirm),
    )


def _rendered(told: dict[str, Any], args: argparse.Namespace) -> list[tuple[str, str | bytes]]:
    """Everything that was asked for, made before the first file is touched."""
    makers: dict[str, Callable[[], str | bytes]] = {
        "html": lambda: _report().html(told, lang=args.lang),
        "pdf": lambda: _report().pdf(told, lang=args.lang),
        "json": lambda: dumps(told),
        "fhir": lambda: dumps(_exchange().bundle(told)),
    }
    asked = [(kind, getattr(args, kind)) for kind in makers if getattr(args, kind)]
    return [(target, makers[kind]()) for kind, target in asked]


def _report() -> Any:
    from calcidiol import report

    return report


def _exchange() -> Any:
    from calcidiol import exchange

    return exchange


def _words(lang: str) -> Callable[[str, Any], str]:
    from calcidiol.report.words import Words

    return Words(lang).say


def _plan_folder(args: argparse.Namespace) -> int:
    """Each record on its own: one bad record stops nobody. Ends with the highest code but the plans are all there."""
    if not args.out:
        raise UsageError(f"{args.record!r} is a folder: say where the plans go with --out DIR.")
    files = sorted(p for p in Path(args.record).iterdir() if p.is_file() and not p.name.startswith("."))
    records = [p for p in files if p.suffix.lower() in RECORD_SUFFIXES]
    passed = [p.name for p in files if p.suffix.lower() not in RECORD_SUFFIXES]
    if not records:
        raise UsageError(f"No record in {args.record!r}: looked for files ending in {', '.join(RECORD_SUFFIXES)}.")
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot make the folder {args.out!r}: {error.strerror or error}.") from None
    stems = [p.stem for p in records]
    rows: list[tuple[str, int, str]] = []
    worst = 0
    say = _words(args.lang)
    for number, record in enumerate(records, 1):
        name = record.stem if stems.count(record.stem) == 1 else record.name
        if sys.stderr.isatty():
            print(f"\r[{number}/{len(records)}] {record.name:<40.40}", end="", file=sys.stderr, flush=True)
        try:
            made = _plan_one(str(record), args)
            told = made.to_dict(say)
            write(str(out / f"{name}.json"), dumps(told))
            write(str(out / f"{name}.html"), _report().html(told, lang=args.lang))
            code, line = made.exit_code, _one_line(told, args.lang)
        except RecordError as error:
            code, line = 4, f"unusable: {error}"
        except CalcidiolError as error:
            code, line = 2, f"error: {error}"
        except Exception as error:  # one patient's fault must not stop the clinic's list
            code, line = 1, f"internal fault: {type(error).__name__}: {error}"
        worst = max(worst, code, key=lambda c: (c == 1, c == 2, c == 4, c == 3))
        rows.append((record.name, code, line))
    summary = [{"record": name, "exit_code": code, "summary": line} for name, code, line in rows]
    write(str(out / "summary.json"), dumps({"records": summary, "not_read": passed}))
    if sys.stderr.isatty():
        print(file=sys.stderr)
    width = max(len(name) for name, _, _ in rows)
    for name, _, line in rows:
        print(f"{name:<{width}}  {line}")
    print(f"{len(rows)} records; plans and summary.json are in {out}")
    if passed:
        print(f"Not read, for they do not end in {', '.join(RECORD_SUFFIXES)}: {', '.join(passed)}")
    return worst


def _one_line(told: dict[str, Any], lang: str) -> str:
    """Verdict and regimen in words; else what stands against it."""
    from calcidiol.report import dosing
    from calcidiol.report.words import Words

    words = Words(lang)
    if told["status"] == "planned":
        return f"{words.say('verdict.' + told['verdict']['status'])}: {dosing.sentence(told['regimen'], words)}"
    if told["status"] == "refused":
        against = [f"{r['id']} {r['text']}" for r in told["verdict"]["rules"] if r["action"] in ("STOP", "HOLD")]
    else:
        stops = [f for f in told["findings"] if f["level"] == "stop" and not f["confirmed"]]
        against = [f"{f['text']} ({f['key']})" for f in stops]
    return f"{words.say('status.' + told['status'])}: {' '.join(against)}"


def check_run(args: argparse.Namespace) -> int:
    """Findings about a record: what is implausible, stale or contradictory, and what was not used."""
    import calcidiol as cd
    from calcidiol.planning.answer import finding_dict

    patient = cd.read(args.record)
    say = _words(args.lang)
    found = [finding_dict(f, say) for f in cd.check(patient, on=args.on or date.today())]
    unused = [
        {"kind": u.kind, "where": u.where, "reason": u.reason, "text": u.text, "count": u.count} for u in patient.unused
    ]
    stopped = any(f["level"] == "stop" for f in found)
    if args.json:
        write(args.json, dumps({"findings": found, "unused": unused, "usable": not stopped}))
    if args.json != "-":
        for f in found:
            print(f"{f['level']:8}{f['key']}\n        {f['text']}")
        for u in patient.unused:
            times = f" ({u.count} x)" if u.count > 1 else ""
            print(f"unused  {u.where}: {say(u.reason, {'text': u.text, 'kind': u.kind, **u.params})}{times}")
        if not found and not unused:
            print("Nothing to say about this record.")
    return 4 if stopped else 0


def forecast_run(args: argparse.Namespace) -> int:
    """The forecast level under a regimen that you name; no search, no verdict."""
    import calcidiol as cd
    from calcidiol.report import dosing, tables
    from calcidiol.report.words import Words

    patient, day = cd.read(args.record), args.on or date.today()
    _known(args.confirm, [f.key for f in cd.check(patient, on=day)] if args.confirm else [])
    with progress("Forecasting"):
        told = cd.forecast(
            patient,
            args.regimen,
            on=day,
            card=args.card,
            seed=args.seed,
            weeks=args.weeks,
            flatten=args.prior_weight,
            confirmed=tuple(args.confirm),
        )
    if args.json:
        write(args.json, dumps(told))
    if args.json != "-":
        words = Words(args.lang)
        u = tables.Ui(words)
        print(f"{dosing.sentence(told['regimen'], words)}\n{u('level')}")
        months = tables.every_four_weeks(tables.levels(told, u))
        _print_table([months.head, *months.rows], keep=(0, 1, 3, 4, 5, 6))
    return 0


def _print_table(rows: Sequence[Sequence[str]], keep: Sequence[int]) -> None:
    """Columns side by side; on a narrow terminal lines wrap, nothing is cut."""
    from rich.cells import cell_len, set_cell_size

    widths = {i: max(cell_len(row[i]) for row in rows) for i in keep}
    for row in rows:
        print("  ".join(set_cell_size(row[i], widths[i]) for i in keep).rstrip())


def replay_run(args: argparse.Namespace) -> int:
    """Make the plan of a plan file again, and say whether it is the same."""
    import json

    from calcidiol.planning.again import replay

    try:
        before = json.loads(Path(args.plan).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"Cannot read the plan {args.plan!r}: {error.strerror or error}.") from None
    except ValueError:
        raise UsageError(f"{args.plan!r} is not JSON. Give a plan that was written with --json.") from None
    differs = list(replay(before, _words("en")))
    if not differs:
        print("The same plan again.")
        return 0
    print(f"{len(differs)} differences:")
    for line in differs[:50]:
        print(f"  {line}")
    return 1
