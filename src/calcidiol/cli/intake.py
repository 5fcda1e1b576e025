"""Who should be measured: `calcidiol intake RECORD`."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any

from calcidiol.cli.files import dumps, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calcidiol.report.words import Words
    from calcidiol.safety.deficiency import DeficiencyRisk


def add(commands: Any) -> None:
    """Add the command to the command line."""
    from calcidiol.cli.patients import record_and_day

    intake = commands.add_parser(
        "intake", help="risk of deficiency before a level is known", description=intake_run.__doc__
    )
    record_and_day(intake, "day of the question (default: today)")
    intake.add_argument(
        "--prevalence", type=float, default=None, metavar="SHARE",
        help="share of this clinic's patients below 50 nmol/L (default 0.72, D-ONC)",
    )  # fmt: skip
    intake.add_argument("--json", metavar="FILE", help="write it as data; - for standard output")
    intake.set_defaults(run=intake_run)


def intake_run(args: argparse.Namespace) -> int:
    """Who should have 25(OH)D measured: VDIP points and D-ONC odds ratios, uncalibrated; what to ask is named."""
    import calcidiol as cd
    from calcidiol.report.words import Words
    from calcidiol.safety.deficiency import deficiency_risk

    on = args.on or date.today()
    patient = cd.read(args.record)
    found = deficiency_risk(patient, on, args.prevalence)
    words = Words(args.lang)
    lines = list(_lines(found, words))
    if args.json:
        write(args.json, dumps({"on": on.isoformat(), "patient": patient.id, **found.to_dict(), "text": lines}))
    if args.json != "-":
        print("\n".join(lines))
    return 0


def _lines(found: DeficiencyRisk, words: Words) -> Iterator[str]:
    unknown = ", ".join(words.say(f"intake.group.{g}") for g in found.unknown)
    level = {"level": found.level_nmol_per_l, "date": found.level_on.isoformat() if found.level_on else ""}
    yield words.say(f"intake.advice.{found.advice}", {"unknown": unknown, **level})
    for reason in found.reasons:
        yield "  " + words.say(f"intake.reason.{reason.id}", {"seen": reason.seen})
    exact = found.points_low == found.points_high
    points = {"low": found.points_low, "high": found.points_high}
    yield words.say("intake.points.exact" if exact else "intake.points", points)
    for item in found.items:
        if item.present:
            numbers = [f"+{item.points:g}"] * bool(item.points) + [f"OR {item.odds:g}"] * bool(item.odds)
            yield f"  {words.say(f'intake.item.{item.id}')} ({', '.join(numbers)})"
    if found.share is not None:
        yield words.say("intake.share", {"share": found.share})
    yield words.say("intake.odds", {"odds": found.odds, "at_most": found.at_most})
    if unknown and found.advice != "ask":
        yield words.say("intake.unknown", {"unknown": unknown})
    if found.supplemented:
        yield words.say("intake.supplemented")
    for text in found.not_read:
        yield words.say("intake.not_read", {"text": text})
    yield words.say("intake.uncalibrated")
