"""The command of an injection day: what must be cleared before it, what to record and to check after it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from calcidiol.cli.files import write
from calcidiol.errors import UsageError

if TYPE_CHECKING:
    from calcidiol.patient.record import Patient
    from calcidiol.safety.session import Session


def add(commands: Any) -> None:
    """Add the command to the command line."""
    from calcidiol.cli.patients import record_and_day

    session = commands.add_parser("session", help="the checklist of an injection day", description=session_run.__doc__)
    session.add_argument("when", choices=("before", "after"), help="before or after the injection")
    record_and_day(session, "day of the injection (default: today)")
    session.add_argument("--regimen", default=None, help='what was given (after): "im 50000 IU once"')
    session.add_argument(
        "--ctcae", default="5.0", metavar="VERSION", help="CTCAE version of the calcium grade: 5.0, 6.0"
    )
    session.add_argument("--html", metavar="FILE", help="write the checklist as a page to print or to tick")
    session.set_defaults(run=session_run)


def _session(
    args: argparse.Namespace, patient: Patient, day: date, found: Session, say: Callable[[str, Any], str]
) -> dict[str, Any]:
    """A session as plain data, as `report.sheet` takes it."""
    from calcidiol.planning.answer import fired_dict

    born = patient.birth_date
    return {
        "when": args.when,
        "on": day.isoformat(),
        "status": found.status,
        "patient": {"id": patient.id, "name": patient.name, "birth_date": None if born is None else born.isoformat()},
        "regimen": args.regimen or "",
        "items": [
            {
                "id": i.id,
                "text_id": i.text_id,
                "status": i.status,
                "params": dict(i.params),
                "source": i.source,
                "tag": i.tag,
            }
            for i in found.items
        ],
        "rules": [fired_dict(r, say) for r in found.rules],
        "monitoring": [
            {
                "on": m.on.isoformat(),
                "labs": list(m.labs),
                "reason_id": m.reason_id,
                "params": dict(m.params),
                "source": m.source,
                "tag": m.tag,
            }
            for m in found.monitoring
        ],
        "stop_rules": [fired_dict(r, say) for r in found.stop_rules],
    }


def session_run(args: argparse.Namespace) -> int:
    """What must be cleared before an injection, or what to record and to check after it."""
    import calcidiol as cd
    from calcidiol import regimen, report, safety
    from calcidiol.planning.answer import fired_dict
    from calcidiol.report.tables import Ui, rule
    from calcidiol.report.words import Words
    from calcidiol.terminology import products

    words = Words(args.lang)
    say, ui = words.say, Ui(words)
    patient, day = cd.read(args.record), args.on or date.today()
    if args.when == "before":
        found = safety.session_before(patient, day, products())
    else:
        if args.regimen is None:
            raise UsageError('Say what was given: --regimen "im 50000 IU once".')
        found = safety.session_after(patient, regimen.parse(args.regimen, day, products()), day)
    grade = safety.calcium_grade(patient, day, args.ctcae)
    if args.html:
        write(args.html, report.sheet(_session(args, patient, day, found, say), lang=args.lang))
    print(f"{say(f'session_status.{found.status}', {})} ({day.isoformat()})")
    who = dict.fromkeys(x for x in (patient.name, patient.id) if x)
    born = "" if patient.birth_date is None else f", {ui('born')} {patient.birth_date.isoformat()}"
    print(f"  {ui('patient')}: {' / '.join(who)}{born}")
    if grade is not None:
        told = {"value": grade.value, "grade": grade.grade, "version": grade.version, "date": grade.when.isoformat()}
        print(f"  {say(f'ctcae.{grade.term}', told)}")
    for fired in found.rules:
        told_rule = rule(fired_dict(fired, say), words, ui)
        print(f"  {told_rule.mark}: {told_rule.text}")
        for line in told_rule.small if fired.action != "WARN" else ():
            print(f"    {line}")
    for item in found.items:
        mark = {"cleared": "[x]", "missing": "[!]", "ask": "[ ]"}[item.status]
        print(f"  {mark} {say(item.text_id, item.params)} {words.observed(str(item.params.get('found', '')))}".rstrip())
    for check in found.monitoring:
        labs = words.listed([words.name("lab", x) for x in check.labs])
        print(f"  {check.on.isoformat()}  {labs}: {say(check.reason_id, check.params)}")
    for stop in found.stop_rules:
        print(f"  {stop.id} {words.name('rule_action', stop.action)}: {say(stop.text_id, stop.params)}")
    return 3 if found.status == "stopped" else 0
