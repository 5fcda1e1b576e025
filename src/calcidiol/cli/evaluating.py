"""Commands that tell how good the models are, and fit them: evaluate, calibrate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from calcidiol.cli.files import dumps, write
from calcidiol.cli.patients import progress
from calcidiol.errors import UsageError

FEWEST_DRAWS, MOST_DRAWS = 500, 200_000
"""Draws of the posterior that may be asked for."""
START = "two-route-2026"
"""Card from which a fit starts."""


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

    forecasts = evaluate.add_parser(
        "forecasts",
        help="forecast each result of virtual patients from earlier ones",
        description=forecasts_run.__doc__,
    )
    forecasts.add_argument(
        "--labs", metavar="N,N", default="0,1,2,3", help="numbers of earlier results, 0 to 3 (default 0,1,2,3)"
    )
    forecasts.add_argument(
        "--truth", metavar="CARD", default=None, help="card of the patients (default: the same card)"
    )
    calibration = evaluate.add_parser(
        "calibration", help="is the fit as sure as it may be? (simulation)", description=calibration_run.__doc__
    )
    for command, run in ((forecasts, forecasts_run), (calibration, calibration_run)):
        command.add_argument(
            "--card", metavar="ID", default=None, help="card that is fitted (default: the default card)"
        )
        command.add_argument("--patients", type=int, default=200, metavar="N", help="virtual patients (default 200)")
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--json", metavar="FILE", help="as data; - for standard output")
        command.set_defaults(run=run)

    fit = commands.add_parser(
        "calibrate", help="fit a card to published group means", description=calibrate_run.__doc__
    )
    fit.add_argument(
        "--data", metavar="FILE", default=None, help="table in the format of data/arms.csv (default: the shipped one)"
    )
    fit.add_argument("--out", metavar="CARD.toml", required=True, help="where the new card goes")
    fit.add_argument("--card", metavar="ID", default=START, help=f"card to start from (default {START})")
    fit.add_argument("--id", default="two-route-fitted", help="id of the new card")
    fit.add_argument("--version", default="1", help="version of the new card")
    fit.add_argument("--seed", type=int, default=1)
    fit.add_argument("--draws", type=int, default=None, help="draws of the posterior")
    fit.add_argument(
        "--check", type=int, default=0, metavar="STEPS", help="compare with an MCMC chain of so many steps (emcee)"
    )
    fit.add_argument("--json", metavar="FILE", help="diagnostics and left-out scores as data; - for standard output")
    fit.set_defaults(run=calibrate_run)


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


def forecasts_run(args: argparse.Namespace) -> int:
    """Each result of virtual patients forecast from the results before it: error, bands, gain over no result."""
    from calcidiol.evaluate.forecasts import evaluate_forecasts, render_text

    labs = _numbers(args.labs)
    with progress("Walking forward"):
        told = evaluate_forecasts(
            card=args.card, truth=args.truth, labs=labs, patients=args.patients, seed=args.seed, tell=_every(50)
        )
    return _shown(args, told, render_text)


def calibration_run(args: argparse.Namespace) -> int:
    """Simulation-based calibration: where the truth of virtual patients falls in their fits, and what bands hold."""
    from calcidiol.evaluate.coverage import evaluate_calibration, render_text

    with progress("Fitting virtual patients"):
        told = evaluate_calibration(card=args.card, patients=args.patients, seed=args.seed, tell=_every(50))
    return _shown(args, told, render_text)


def _shown(args: argparse.Namespace, told: dict[str, Any], render: Callable[[dict[str, Any]], str]) -> int:
    if args.json:
        write(args.json, dumps(told))
    if args.json != "-":
        print(render(told))
    return 0


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--labs is {text!r}; needed are numbers of earlier results with commas between, for example 0,1,2,3."
        ) from None


def _every(step: int) -> Callable[[int], None]:
    """Tell on standard error how many patients are done, every so many."""

    def tell(done: int) -> None:
        if done % step == 0:
            print(f"{done} patients", file=sys.stderr, flush=True)

    return tell


def calibrate_run(args: argparse.Namespace) -> int:
    """Fit the population values, leave each study out, and write the card. Takes minutes; says how far it is."""
    import numpy as np

    from calcidiol.evaluate.arms import read_arms
    from calcidiol.evaluate.calibrate import DRAWS, calibrate, check_chain, leave_one_study_out
    from calcidiol.evaluate.card_file import failures, fitted_card
    from calcidiol.evaluate.score import with_intervals
    from calcidiol.individual.psis import TRUST
    from calcidiol.kinetics import load_card
    from calcidiol.kinetics.card import parse_card

    draws = args.draws or DRAWS
    if not FEWEST_DRAWS <= draws <= MOST_DRAWS or not 0 <= args.check <= MOST_DRAWS:
        raise UsageError(f"--draws must lie between {FEWEST_DRAWS:,} and {MOST_DRAWS:,}, --check below that.")
    table = read_arms(args.data)
    rows = [o for o in table if o.used]
    if len({o.study for o in rows}) < 5:
        raise UsageError(f"{len(rows)} usable rows are too few to fit; at least five studies are needed.")

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    for reason in sorted({o.why_not for o in table if not o.used}):
        tell(f"left out: {sum(o.why_not == reason for o in table)} rows: {reason}")
    tell(f"fitting {len(rows)} rows; {sum(o.doubtful for o in rows)} doubtful ones count less")
    made = calibrate(load_card(args.card), rows, seed=args.seed, draws=draws, tell=tell)
    left = leave_one_study_out(made, seed=args.seed, draws=max(draws // 2, FEWEST_DRAWS), tell=tell)
    chain = check_chain(made, steps=args.check, seed=args.seed) if args.check else None
    text = fitted_card(
        made,
        id=args.id,
        version=args.version,
        data=args.data or "the shipped data/arms.csv",
        known=failures(left, rows),
    )
    parse_card(text, args.out)
    write(args.out, text)
    observed = np.array([o.observed for o in rows], dtype=float)
    studies = [o.study for o in rows]

    def score(pick: list[int]) -> dict[str, Any]:
        told = with_intervals(
            left.predicted[pick], observed[pick], left.percentile[pick], [studies[i] for i in pick], args.seed
        )
        return told | {"median_band_ratio": float(np.median(left.p95[pick] / left.p05[pick]))}

    told = {
        "posterior": {
            p.name: {"mean": float(np.exp(m) if p.log else m), "sd": float(s), "scale": "log" if p.log else "own"}
            for p, m, s in zip(made.model.priors, made.mean, np.sqrt(np.diag(made.covariance)), strict=True)
        },
        "diagnostics": made.diagnostics | {"trusted": made.diagnostics["k_hat"] < TRUST, "chain": chain},
        "leave_one_study_out": score(list(range(len(rows)))) | {"elpd": left.elpd},
        "leave_one_study_out_by_route": {
            route: score([i for i, o in enumerate(rows) if o.route == route])
            for route in sorted({o.route for o in rows})
        },
        "rows": [
            {
                "study_id": o.study_id,
                "time_days": o.time_d,
                "route": o.route,
                "observed": o.observed,
                "predicted": float(left.predicted[i]),
                "p05": float(left.p05[i]),
                "p95": float(left.p95[i]),
                "percentile": float(left.percentile[i]),
            }
            for i, o in enumerate(rows)
        ],
        "k_hat": left.k_hat,
        "refitted": list(left.refitted),
        "not_reliable": sorted(s for s, k in left.k_hat.items() if k > TRUST),
    }
    if args.json:
        write(args.json, dumps(told))
    if args.json != "-":
        print(dumps({k: told[k] for k in ("posterior", "diagnostics", "leave_one_study_out", "not_reliable")}))
        print(f"Written: {args.out}")
    return 0
