"""`calcidiol evaluate arms`: each published level against its prediction, by group, beside the other cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.evaluate import plots
from calcidiol.evaluate.arms import Observation, read_arms
from calcidiol.evaluate.people_spread import spread_of_people
from calcidiol.evaluate.population_model import ASSAY_SD, sampling_variance, slopes
from calcidiol.evaluate.predict import Panel
from calcidiol.evaluate.score import with_intervals
from calcidiol.kinetics import Card, cards, load_card

Floats = NDArray[np.float64]
DRAWS = 40
"""Draws of the population parameters behind a band (P): their share of the variance is small."""
ASSUMED = {"conversion": 0.30, "depot": 0.50, "scatter": 0.20}
"""Spread between studies for cards that were not fitted (GSD 1.45 in all, kinetics; P)."""
NEARLY_NORMAL = 1e6
"""Degrees of freedom for a card that names none."""


def score_arms(data: str | Path | None = None, *, card: str | None = None, seed: int = 0) -> dict[str, Any]:
    """Score a card on a table of arms.

    Parameters
    ----------
    data
        Table in the format of the shipped `data/arms.csv`; that one when None.
    card
        Id of the card, or the path of a card file; the default card when None.
    seed
        Seed of the parameter draws and of the bootstrap.

    Returns
    -------
    dict
        ``rows``, ``overall``, ``groups``, ``comparators`` (the same figures of the other cards on identical rows),
        ``dropped`` (how many rows for which reason), ``card``.
    """
    table = read_arms(data)
    chosen = load_card(card)
    used = [o for o in table if o.used]
    told: dict[str, Any] = {"card": chosen.id, "version": chosen.version, "rows_read": len(table)}
    reasons = [o.why_not for o in table if not o.used]
    told["dropped"] = {reason: reasons.count(reason) for reason in sorted(set(reasons))}
    if not used:
        told |= {"rows": [_row(o, None) for o in table], "overall": {"n": 0}, "groups": {}, "comparators": {}}
        return told
    bands = _bands(chosen, used, seed)
    by_line = {o.line: bands[i] for i, o in enumerate(used)}
    told["rows"] = [_row(o, by_line.get(o.line)) for o in table]
    told["overall"] = _figures(used, bands, seed)
    told["groups"] = {
        name: _figures([used[i] for i in members], [bands[i] for i in members], seed)
        for name, members in _groups(used).items()
    }
    told["comparators"] = {
        other.id: _figures(used, _bands(other, used, seed), seed) for other in cards().values() if other.id != chosen.id
    }
    told["like_arms"] = _like_arms(used)
    told["spread"] = _spread(chosen, used)
    return told


def _bands(card: Card, rows: Sequence[Observation], seed: int) -> list[dict[str, float]]:
    """Prediction, 90 % band and percentile of each row: parameters, studies, scatter, sampling and assay together."""
    from scipy.special import stdtr, stdtrit

    panel = Panel(card, tuple(rows))
    center = np.log(panel.predicted()[0])
    parameter = np.zeros(len(rows))
    if len(card.covariance):
        z = np.random.default_rng([seed, 77]).standard_normal((DRAWS, len(card.covariance)))
        moves = z @ np.linalg.cholesky(card.covariance).T
        parameter = np.log(panel.predicted(moves)).var(axis=0, ddof=1)
    spread = {k: n.value for k, n in card.numbers["between_studies"].items()} or ASSUMED
    freedom = spread.get("degrees_of_freedom", NEARLY_NORMAL)
    g, d = slopes(panel)
    variance = (
        parameter
        + (spread["conversion"] * g) ** 2
        + (spread["depot"] * d) ** 2
        + spread["scatter"] ** 2
        + sampling_variance(rows)
        + ASSAY_SD**2
    )
    sd = np.sqrt(variance)
    reach = float(stdtrit(freedom, 0.95))
    out = []
    for i, o in enumerate(rows):
        assert o.observed is not None
        out.append(
            {
                "predicted": float(np.exp(center[i])),
                "p05": float(np.exp(center[i] - reach * sd[i])),
                "p95": float(np.exp(center[i] + reach * sd[i])),
                "ratio": float(np.exp(center[i]) / o.observed),
                "percentile": float(100.0 * stdtr(freedom, (np.log(o.observed) - center[i]) / sd[i])),
            }
        )
    return out


def _row(o: Observation, band: Mapping[str, float] | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "study_id": o.study_id,
        "time_days": o.time_d,
        "observed": o.observed,
        "predicted": None,
        "p05": None,
        "p95": None,
        "ratio": None,
        "percentile": None,
        "used": o.used,
        "why_not": o.why_not,
        "line": o.line,
        "route": o.route,
        "doubtful": o.doubtful,
    }
    return told if band is None else told | dict(band)


def _figures(rows: Sequence[Observation], bands: Sequence[Mapping[str, float]], seed: int) -> dict[str, Any]:
    predicted = np.array([b["predicted"] for b in bands])
    observed = np.array([o.observed for o in rows], dtype=float)
    percentile = np.array([b["percentile"] for b in bands])
    told = with_intervals(predicted, observed, percentile, [o.study for o in rows], seed)
    told["median_band_ratio"] = float(np.median([b["p95"] / b["p05"] for b in bands])) if bands else None
    return told


def _groups(rows: Sequence[Observation]) -> dict[str, list[int]]:
    """Members of each group that has any: route, schedule, dose and population."""
    tests: dict[str, Callable[[Observation], bool]] = {
        "route: oral": lambda o: o.route == "oral",
        "route: im": lambda o: o.route == "im",
        "schedule: single": lambda o: o.kind == "single",
        "schedule: daily": lambda o: o.kind == "daily",
        "schedule: weekly": lambda o: o.kind == "weekly",
        "schedule: sparse": lambda o: o.kind == "sparse",
        "dose: up to 1,500 IU/d": lambda o: o.kind != "single" and o.daily_iu <= 1500,
        "dose: 1,500 to 4,500 IU/d": lambda o: o.kind != "single" and 1500 < o.daily_iu <= 4500,
        "dose: over 4,500 IU/d": lambda o: o.kind != "single" and o.daily_iu > 4500,
        "dose: single up to 300,000 IU": lambda o: o.kind == "single" and o.daily_iu <= 300_000,
        "dose: single over 300,000 IU": lambda o: o.kind == "single" and o.daily_iu > 300_000,
        "population: cancer": lambda o: o.population.cancer,
        "population: acute illness": lambda o: o.population.acute,
        "population: obese": lambda o: (o.population.bmi or 0) >= 30,
        "population: malabsorption": lambda o: o.population.malabsorption > 0,
        "population: baseline below 30": lambda o: (o.baseline or 0) < 30,
        "population: baseline 30 to 50": lambda o: 30 <= (o.baseline or 0) < 50,
        "population: baseline from 50": lambda o: (o.baseline or 0) >= 50,
        "rows: not doubtful": lambda o: not o.doubtful,
    }
    found = {name: [i for i, o in enumerate(rows) if test(o)] for name, test in tests.items()}
    return {name: members for name, members in found.items() if members}


def _like_arms(rows: Sequence[Observation]) -> dict[str, Any]:
    """How far studies of the same regimen scatter among themselves: a limit that no model of the regimen passes.

    One level of each study in each group of route, doses and time (to 45 d, to 120 d, later); groups of two studies and
    more, pooled. Arms whose BMI, illness or place would explain a difference are not told apart.
    """
    groups: dict[tuple[object, ...], dict[str, tuple[float, float]]] = {}
    for o in rows:
        if o.dose_iu and o.observed and o.baseline:
            late = 0 if o.time_d <= 45 else 1 if o.time_d <= 120 else 2
            times = o.count if o.kind in ("single", "sparse") else 0
            key = (o.route, o.kind, o.dose_iu, times, late)
            groups.setdefault(key, {})[o.study] = (float(np.log(o.observed)), float(np.log(o.baseline)))
    like = [np.array(list(g.values())) for g in groups.values() if len(g) > 1]
    if not like:
        return {}
    off = np.concatenate([g - g.mean(axis=0) for g in like])
    freedom = len(off) - len(like)
    slope = float(off[:, 0] @ off[:, 1] / (off[:, 1] @ off[:, 1])) if freedom > 1 else 0.0
    left = off[:, 0] - slope * off[:, 1]

    def gsd(values: Floats, freedom: int) -> float:
        return float(np.exp(np.sqrt(values @ values / freedom)))

    return {
        "groups": len(like),
        "n": len(off),
        "gsd_of_levels": gsd(off[:, 0], freedom),
        "gsd_at_the_same_baseline": gsd(left, freedom - 1) if freedom > 1 else None,
    }


def _spread(card: Card, rows: Sequence[Observation]) -> dict[str, Any]:
    """Spread between the people of an arm, printed against predicted, and the factor that would meet it."""
    with_sd = [o for o in rows if o.sd and o.observed]
    if not with_sd:
        return {}
    printed = np.array([float(o.sd or 0.0) / float(o.observed or 1.0) for o in with_sd])
    levels = Panel(card, tuple(with_sd)).levels()[0]
    predicted = np.hypot(levels.std(axis=1) / levels.mean(axis=1), card.residual[0])
    studies = [o.study for o in with_sd]
    weight = np.array([1.0 / studies.count(name) for name in studies])
    ill = [o.population.ill for o in with_sd]
    groups = {"ill": [o for o, x in zip(with_sd, ill, strict=True) if x]}
    groups["others"] = [o for o, x in zip(with_sd, ill, strict=True) if not x]
    asked = {name: spread_of_people(card, own) for name, own in groups.items()}
    return {
        "n": len(with_sd),
        "printed_cv": float(np.median(printed)),
        "predicted_cv": float(np.median(predicted)),
        "printed_over_predicted": float(np.exp(np.average(np.log(printed / predicted), weights=weight))),
        "asked": {name: asdict(told) for name, told in asked.items() if told},
    }


def render_text(told: Mapping[str, Any]) -> str:
    """The figures as a table for the terminal."""
    lines = [f"{told['card']} {told['version']}: {told['overall'].get('n', 0)} of {told['rows_read']} rows scored"]
    for reason, count in told["dropped"].items():
        lines.append(f"  left out: {count:4d}  {reason}")
    head = (
        f"\n{'':34}{'n':>5}{'GMR':>7}{'GSD':>7}{'1.25x':>7}{'1.5x':>7}{'50 %':>7}{'80 %':>7}{'90 %':>7}{'p95/p05':>9}"
    )
    lines.append(head)

    def line(name: str, f: Mapping[str, Any]) -> str:
        def num(key: str, form: str) -> str:
            return "-" if f.get(key) is None else format(f[key], form)

        return (
            f"{name:<34}{f['n']:>5}{num('gmr', '.3f'):>7}{num('gsd', '.3f'):>7}{num('within_1_25', '.0%'):>7}"
            f"{num('within_1_5', '.0%'):>7}{num('coverage_50', '.0%'):>7}{num('coverage_80', '.0%'):>7}"
            f"{num('coverage_90', '.0%'):>7}{num('median_band_ratio', '.2f'):>9}"
        )

    if told["overall"].get("n"):
        lines.append(line("all", told["overall"]))
        lines += [line(name, f) for name, f in told["groups"].items()]
        lines += [line(f"card {name}", f) for name, f in told["comparators"].items()]
    if told.get("like_arms"):
        like = told["like_arms"]
        lines.append(
            f"\nStudies of the same regimen among themselves ({like['n']} levels in {like['groups']} groups): "
            f"GSD {like['gsd_of_levels']:.2f}"
        )
    if told.get("spread"):
        spread = told["spread"]
        lines.append(
            f"Within arms, CV of one result ({spread['n']} levels with an SD): {spread['printed_cv']:.2f} printed, "
            f"{spread['predicted_cv']:.2f} predicted; ratio {spread['printed_over_predicted']:.2f} by study"
        )
        for name, asked in spread["asked"].items():
            low, high = (asked["median"] * np.exp(z * asked["median_sd"]) for z in (-1.96, 1.96))
            lines.append(
                f"  spreads between people that these SDs ask for, {name} ({asked['levels']} levels of "
                f"{asked['studies']} studies): {asked['median']:.2f} ({low:.2f} to {high:.2f}) times the card's"
            )
    return "\n".join(lines)


def render_html(told: Mapping[str, Any]) -> str:
    """One page: figures, observed against predicted by route, coverage, percentiles (PIT), every row."""
    used = [r for r in told["rows"] if r["used"]]
    text = escape(render_text(told))
    body = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>",
        "<title>Published arms</title><style>body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:1rem auto;"
        "padding:0 1rem;color:#16202a}pre{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}"
        "td,th{padding:.2rem .7rem .2rem 0;border-bottom:1px solid #ccc;text-align:left}svg{max-width:100%;height:auto}"
        "</style><main><h1>Predicted against published arms</h1>",
        f"<pre tabindex='0'>{text}</pre>",
    ]
    if used:
        body.append("<h2>Observed against predicted</h2><p>Dashed: 1.25-fold, dotted: 1.5-fold.</p>")
        body.append(plots.observed_against_predicted(used))
        places = np.array([r["percentile"] for r in used])
        route = np.array([r["route"] for r in used])
        groups = {plots.NAMES[k]: places[route == k] for k in plots.NAMES if (route == k).any()}
        body.append("<h2>Coverage of the bands</h2>")
        body.append(plots.coverage({"all": places, **groups}))
        body.append("<h2>Percentile of each observation in its own prediction (PIT)</h2>")
        body.append(plots.percentiles(places))
    body.append(
        "<h2>Every row</h2><div style='overflow-x:auto' tabindex='0' role='region' aria-label='rows'><table><tr>"
    )
    body += [
        f"<th scope='col'>{h}</th>"
        for h in ("study", "day", "observed", "predicted", "90 % band", "percentile", "why not")
    ]
    body.append("</tr>")
    for r in told["rows"]:
        seen = "" if r["observed"] is None else f"{r['observed']:.0f}"
        if r["used"]:
            band = f"{r['p05']:.0f}-{r['p95']:.0f}"
            percentile = f"{r['percentile']:.0f}"
            cells = (r["study_id"], f"{r['time_days']:g}", seen, f"{r['predicted']:.0f}", band, percentile, "")
        else:
            cells = (r["study_id"], f"{r['time_days']:g}", seen, "", "", "", r["why_not"])
        body.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in cells) + "</tr>")
    body.append("</table></div></main></html>")
    return "".join(body)
