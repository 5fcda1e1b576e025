"""How good the fitted card is, as a dated page with plots: `python -m validation.model.report --fit FILE --date DAY`.

FILE is what `calcidiol calibrate --json` wrote. The page is `docs/model-report.md`, its plots `docs/model/*.svg`, the
figures behind it `validation/model/outcome.json`. Exit code 1 when the fit cannot be trusted or its means lie far from
those of the shipped card, which then has to be written anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calcidiol.evaluate import plots
from calcidiol.evaluate.coverage import evaluate_calibration
from calcidiol.evaluate.forecasts import evaluate_forecasts
from calcidiol.evaluate.score_arms import score_arms
from calcidiol.kinetics import Card, default_card

ROOT = Path(__file__).resolve().parents[2]
PAGE, PICTURES = ROOT / "docs" / "model-report.md", ROOT / "docs" / "model"
EXTERNAL = ROOT / "validation" / "model" / "external_arms.csv"
OUTCOME = ROOT / "validation" / "model" / "outcome.json"
FARTHEST = 0.25
"""Posterior SDs that a mean of the new fit may lie from the shipped card's (the error of sampling is below 0.1)."""
OTHER = "huang-you-2021"
GOALS = (
    ("gmr", "geometric mean ratio", 0.93, 1.07),
    ("gsd", "geometric SD", 1.0, 1.23),
    ("within_1_25", "within 1.25-fold", 0.75, 1.0),
    ("within_1_5", "within 1.5-fold", 0.91, 1.0),
    ("coverage_90", "90 % band holds", 0.85, 0.95),
    ("median_band_ratio", "median p95/p05", 1.0, 2.5),
)
"""Goals for arms that nobody has seen; the left-out figures are what stands for them here."""
FIGURES = ("gmr", "gsd", "within_1_25", "within_1_5", "coverage_50", "coverage_80", "coverage_90", "median_band_ratio")
HEAD = ("", "n", "GMR", "GSD", "1.25-fold", "1.5-fold", "50 % band", "80 %", "90 %", "p95/p05")


def outside_check(seed: int) -> dict[str, Any]:
    """The default card on arms that took no part in it."""
    told = score_arms(EXTERNAL, seed=seed)
    used = [r for r in told["rows"] if r["used"]]
    return {**told, "rows": used, "studies": len({r["study_id"].split(":")[0] for r in used})}


def main() -> int:
    """Read the fit, run the evaluations, write page, plots and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", required=True, type=Path)
    parser.add_argument("--date", required=True)
    parser.add_argument("--patients", type=int, default=10_000, help="for the calibration")
    parser.add_argument("--walkers", type=int, default=200, help="patients of each walk forward")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    fit = json.loads(args.fit.read_text(encoding="utf-8"))
    card = default_card()
    off = distance(fit["posterior"], card)
    arms = score_arms(seed=args.seed)
    told = {
        "date": args.date,
        "card": card.id,
        "version": card.version,
        "fit": fit,
        "off": off,
        "arms": {k: v for k, v in arms.items() if k != "rows"},
        "external": outside_check(args.seed),
        "same_truth": evaluate_forecasts(patients=args.walkers, seed=args.seed),
        "other_truth": evaluate_forecasts(truth=OTHER, patients=args.walkers, seed=args.seed),
        "calibration": evaluate_calibration(patients=args.patients, seed=args.seed),
    }
    for name in ("same_truth", "other_truth"):
        del told[name]["rows"]
    OUTCOME.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draw(fit["rows"])
    # From the file, so that whoever makes the page again from it gets the same.
    PAGE.write_text(page(json.loads(OUTCOME.read_text(encoding="utf-8"))), encoding="utf-8")
    far = {name: value for name, value in off.items() if value > FARTHEST}
    if not fit["diagnostics"]["trusted"] or fit["not_reliable"] or far:
        print(
            f"The fit cannot stand: trusted {fit['diagnostics']['trusted']}, not reliable {fit['not_reliable']}, "
            f"far from the shipped card {far}. Write the card anew: calcidiol calibrate."
        )
        return 1
    print(f"Written: {PAGE.relative_to(ROOT)}, {PICTURES.relative_to(ROOT)}")
    return 0


def distance(posterior: Mapping[str, Mapping[str, Any]], card: Card) -> dict[str, float]:
    """How far the means of a fit lie from the numbers of a card, in posterior SDs."""
    names = {"between_conversion": "conversion", "between_depot": "depot"}
    out = {}
    for name, value in posterior.items():
        own = names.get(name, name)
        room = next(r for r in ("parameters", "covariates", "between_studies") if own in card.numbers[r])
        there = card.value(own, room)
        move = np.log(value["mean"] / there) if value["scale"] == "log" else value["mean"] - there
        out[name] = float(abs(move) / value["sd"])
    return out


def draw(rows: Sequence[Mapping[str, Any]]) -> None:
    """The plots, of the left-out predictions."""
    PICTURES.mkdir(exist_ok=True)
    place = np.array([r["percentile"] for r in rows])
    route = np.array([r["route"] for r in rows])
    groups = {"all": place} | {plots.NAMES[k]: place[route == k] for k in plots.NAMES}
    for name, text in (
        ("observed-predicted", plots.observed_against_predicted(rows)),
        ("coverage", plots.coverage(groups)),
        ("percentiles", plots.percentiles(place)),
    ):
        (PICTURES / f"{name}.svg").write_text(text + "\n", encoding="utf-8")


def page(told: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    fit, arms = told["fit"], told["arms"]
    left, by_route = fit["leave_one_study_out"], fit["leave_one_study_out_by_route"]
    best, like, spread = arms["overall"], arms["like_arms"], arms["spread"]
    diagnostics = fit["diagnostics"]
    refitted = ", ".join(fit["refitted"]) or "none"
    reach = fit["diagnostics"].get("chain")
    lines = [
        "# How good the fitted model is",
        "",
        f"Made on {told['date']} by `make validate` (validation/model). Card `{told['card']}`, version "
        f"{told['version']}. What the figures mean, and what they do not: [evaluation.md](evaluation.md).",
        "",
        "## Published arms, each study predicted from the others",
        "",
        f"{left['n']} levels of {left['studies']} studies; 95 % intervals from resampling studies.",
        "",
        *goals("left out", left),
        "",
        *table(
            HEAD,
            (
                row("left out, all", left),
                *(row(f"left out, {plots.NAMES[k]}", v) for k, v in sorted(by_route.items(), reverse=True)),
                row("in sample, all", best),
                *(row(f"in sample, {name}", v) for name, v in arms["groups"].items()),
                *(row(f"card {name}", v) for name, v in arms["comparators"].items()),
            ),
        ),
        "",
        f"**The limit.** Studies of the same route, doses and time scatter among themselves with a geometric SD of "
        f"{like['gsd_of_levels']:.2f} ({like['n']} levels in {like['groups']} groups), "
        f"{like['gsd_at_the_same_baseline']:.2f} at the same baseline, whatever the model. Of what is left here half "
        f"the ratios lie within {median_fold(fit['rows']):.2f}-fold; without the {len(outside(fit['rows']))} rows "
        f"below the geometric SD is {spread_without(fit['rows']):.2f}.",
        "",
        f"**People of an arm.** The CV of one result is {spread['printed_cv']:.2f} as printed and "
        f"{spread['predicted_cv']:.2f} as predicted ({spread['n']} levels with an SD; ratio "
        f"{spread['printed_over_predicted']:.2f}, each study counting once). Spreads between people that would meet "
        f"the printed SDs, as a multiple of the card's: {asked_spreads(spread['asked'])} (decision 0023).",
        "",
        "![Observed against predicted by route](model/observed-predicted.svg)",
        "",
        "![Coverage of the bands](model/coverage.svg)",
        "",
        "![Percentiles of the observations in their predictions](model/percentiles.svg)",
        "",
        *external(told["external"]),
        "## Known divergences",
        "",
        "Rows more than 1.5-fold off when their study is left out. What is known of the reason stands beside; nothing "
        "is left out of the figures above for it.",
        "",
        *table(
            ("row", "day", "observed", "predicted", "90 % band", "what is known"),
            divergences(fit["rows"]),
        ),
        "",
        "## The fit",
        "",
        f"{diagnostics['draws']:,} draws by importance sampling, {diagnostics['effective']:,.0f} effective, k-hat "
        f"{diagnostics['k_hat']:.2f}. Fitted anew without: {refitted}. Largest k-hat of a left-out study after that: "
        f"{max(fit['k_hat'].values()):.2f}. The means lie at most {max(told['off'].values()):.2f} posterior SDs from "
        "the numbers of the shipped card.",
        *(["", chain_line(reach)] if reach else []),
        "",
        *table(
            ("value", "posterior mean", "SD (log scale unless an exponent)"),
            ((name, f"{v['mean']:.4g}", f"{v['sd']:.2f}") for name, v in fit["posterior"].items()),
        ),
        "",
        "## Individual forecasts, virtual patients",
        "",
        "Patients of the card itself check the code only; patients of another card show what a wrong model costs.",
        "",
        *(line for name in ("same_truth", "other_truth") for line in forecasts(told[name])),
        "",
        "## Are the bands of one patient as wide as they should be?",
        "",
        *calibration(told["calibration"]),
    ]
    return "\n".join(lines) + "\n"


def number(key: str, value: float) -> str:
    """A figure with the digits that it deserves."""
    return f"{100 * value:.0f} %" if key.startswith(("within", "coverage")) else f"{value:.3g}"


def goals(name: str, figures: Mapping[str, Any]) -> list[str]:
    """The goals on unseen arms beside figures that stand for them."""

    def told(key: str, value: float) -> str:
        return number(key, value) if "band_ratio" in key or key.startswith("g") else f"{100 * value:.1f} %"

    rows = []
    for key, title, low, high in GOALS:
        interval = " to ".join(told(key, v) for v in figures["interval_95"].get(key, ()))
        met = "yes" if low <= figures[key] <= high else "**no**"
        rows.append((title, f"{low:g} to {high:g}", told(key, figures[key]), interval, met))
    return table(("", "goal on unseen arms", name, "95 % interval", "met"), rows)


def external(told: Mapping[str, Any]) -> list[str]:
    """Arms of `external_arms.csv`, which took no part in anything."""
    best = told["overall"]
    return [
        "## Published arms that nobody fitted",
        "",
        f"`validation/model/external_arms.csv`: {best['n']} levels of {told['studies']} studies that were gathered "
        "after the card was finished, without a look at its predictions, each with the page where it was seen. No fit, "
        "no choice of a structure and no prior has seen them. Many are of hard groups (dialysis, intensive care, "
        "cystic fibrosis, bowel disease); few injections and one arm with cancer were found. Some twenty levels are "
        "from tables of reviews, whose sampling day is the length of the trial.",
        "",
        *goals("external arms", best),
        "",
        *table(
            HEAD,
            (
                row("all", best),
                *(row(name, v) for name, v in told["groups"].items()),
                *(row(f"card {name}", v) for name, v in told["comparators"].items()),
            ),
        ),
        "",
        "Spreads between people that the printed SDs of these arms ask for, as a multiple of the card's: "
        f"{asked_spreads(told['spread']['asked'])}.",
        "",
        "Far off: "
        + "; ".join(
            f"{r['study_id']} day {r['time_days']:g}, {r['observed']:.0f} observed, {r['predicted']:.0f} predicted"
            for r in outside([r for r in told["rows"] if r["used"]])
        )
        + ".",
        "",
    ]


def row(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    """One line of figures."""
    told = (figures.get(key) for key in FIGURES)
    return (
        name,
        str(figures["n"]),
        *("" if v is None else number(k, v) for k, v in zip(FIGURES, told, strict=True)),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(cells) + " |" for cells in rows),
    ]


def asked_spreads(asked: Mapping[str, Mapping[str, float]]) -> str:
    """Factors on the spreads between people by group, in words."""
    return "; ".join(
        f"{name} {told['median']:.2f} ({told['median'] * np.exp(-1.96 * told['median_sd']):.2f} to "
        f"{told['median'] * np.exp(1.96 * told['median_sd']):.2f}; {told['levels']:.0f} levels of "
        f"{told['studies']:.0f} studies)"
        for name, told in asked.items()
    )


def outside(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows more than 1.5-fold off."""
    return [r for r in rows if abs(np.log(r["predicted"] / r["observed"])) > np.log(1.5)]


def median_fold(rows: Sequence[Mapping[str, Any]]) -> float:
    """Fold within which half of the ratios lie."""
    return float(np.exp(np.median([abs(np.log(r["predicted"] / r["observed"])) for r in rows])))


def spread_without(rows: Sequence[Mapping[str, Any]]) -> float:
    """Geometric SD of the ratios without the rows that are more than 1.5-fold off."""
    far = outside(rows)
    return float(np.exp(np.std([np.log(r["predicted"] / r["observed"]) for r in rows if r not in far], ddof=1)))


def divergences(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    """Rows that are far off, the farthest first, with what is known of each study."""
    known = tomllib.loads((Path(__file__).parent / "divergences.toml").read_text(encoding="utf-8"))
    for r in sorted(outside(rows), key=lambda r: -abs(np.log(r["predicted"] / r["observed"]))):
        yield (
            r["study_id"],
            f"{r['time_days']:g}",
            f"{r['observed']:.0f}",
            f"{r['predicted']:.0f}",
            f"{r['p05']:.0f} to {r['p95']:.0f}",
            known.get(r["study_id"].split(":")[0], "not known"),
        )


def chain_line(chain: Mapping[str, Any]) -> str:
    """What the check by MCMC found."""
    low, high = chain["sd_ratio"]
    return (
        f"Checked by emcee ({chain['walkers']} walkers, {chain['steps']} steps): split R-hat at most "
        f"{chain['r_hat']:.2f}, {chain['effective']:.0f} effective draws or more, means at most "
        f"{chain['mean_off_in_sd']:.2f} posterior SDs apart, SDs {low:.2f} to {high:.2f} of ours."
    )


def forecasts(told: Mapping[str, Any]) -> list[str]:
    """A table of forecasts by number of results used."""
    lines = [f"Truth `{told['truth']}`, {told['patients']} patients, seed {told['seed']}:", ""]
    rows = []
    for name, f in told["labs"].items():
        low, high = f["interval_95"]["mdpe"]
        rows.append(
            (
                name,
                str(f["n"]),
                f"{f['mdpe']:.1f} ({low:.1f} to {high:.1f})",
                f"{f['mdape']:.1f}",
                f"{f['f30']:.0%}",
                f"{f['coverage_50']:.0%} / {f['coverage_80']:.0%}",
                f"{f['coverage_90']:.1%}",
            )
        )
    return [
        *lines,
        *table(
            ("results used", "n", "MDPE %", "MDAPE %", "within 30 %", "50 / 80 % band holds", "90 % band holds"), rows
        ),
        "",
    ]


def calibration(told: Mapping[str, Any]) -> list[str]:
    """Coverage of individual bands, and whether the truth falls evenly among the draws."""
    lines = [
        f"{told['patients']:,} virtual patients with one to three results each, seed {told['seed']}; "
        f"{told['not_ok']} fits would be withheld.",
        "",
    ]
    bands = [
        (
            name,
            f"{100 * b['share']:.0f} %",
            f"{100 * b['held']:.1f} %",
            f"{100 * b['interval_95'][0]:.1f} to {100 * b['interval_95'][1]:.1f}",
            b["verdict"],
        )
        for name, all_ in told["bands"].items()
        for b in all_
    ]
    ranks = [
        (name, f"{r['statistic']:.1f} over {r['bins']} bins", f"{r['p']:.4f}", r["verdict"])
        for name, r in told["ranks"].items()
    ]
    lines += table(("band of", "says", "holds", "95 % interval", "within 2 points"), bands)
    lines += ["", f"Uniformity of ranks (fails below p = {told['p_limit']:.5f}):", ""]
    return [*lines, *table(("quantity", "chi-square", "p", "verdict"), ranks)]


if __name__ == "__main__":
    sys.exit(main())
