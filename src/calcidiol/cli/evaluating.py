"""Commands that tell how good the models are, and fit them: evaluate, calibrate."""

from __future__ import annotations

import argparse
from typing import Any

from calcidiol.cli.files import dumps, write
from calcidiol.cli.patients import progress


def add(commands: Any) -> None:
    """Add the commands to the command line."""
    evaluate = commands.add_parser("evaluate", help="how good the models are").add_subparsers(
        dest="what", metavar="WHAT", required=True
    )
    arms = evaluate.add_parser("arms", help="score cards on published group means", description=arms_run.__doc__)
    arms.add_argument(
        "--data", metavar="FILE", default=None, help="table in the format of data/arms.csv (default: the shipped one)"
    )
    arms.add_argument("--card", metavar="ID", default=None, help="card to score (default: the default card)")
    arms.add_argument("--seed", type=int, default=0)
    arms.add_argument("--json", metavar="FILE", help="as data; - for standard output")
    arms.add_argument("--html", metavar="FILE", help="a report with plots")
    arms.set_defaults(run=arms_run)


def arms_run(args: argparse.Namespace) -> int:
    """Predicted against published arm means: ratio, band, percentile, in total and by group, beside the other cards."""
    from calcidiol.evaluate.score_arms import render_html, render_text, score_arms

    with progress("Scoring"):
        scored = score_arms(args.data, card=args.card, seed=args.seed)
    if args.html:
        write(args.html, render_html(scored))
    if args.json:
        write(args.json, dumps(scored))
    if args.json != "-":
        print(render_text(scored))
    return 0
