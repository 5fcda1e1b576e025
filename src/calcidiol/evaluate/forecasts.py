"""`calcidiol evaluate forecasts`: does a lab help? Each result of virtual patients forecast from the results before it.

Walking forward: the fit is given the record as it was on the day of the last result used, with no later result in it;
doses up to the forecast result are known. The truth may come from another card than the fit. Patients of the fitted
card itself validate the code and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError, WithheldError
from calcidiol.evaluate.virtual_cohort import Course, check_size, choices, course
from calcidiol.individual.bands import noise
from calcidiol.individual.fitting import fit
from calcidiol.individual.history import history
from calcidiol.individual.likelihood import log_sd
from calcidiol.individual.virtual import simulate, with_results
from calcidiol.kinetics import Card, load_card, solve

Floats = NDArray[np.float64]
DRAWS = 1000
"""Draws of each fit and of each band: a median known to about 1 %, at a quarter of the cost of a plan."""
RESAMPLES = 1000
SEEDS_EACH = 1_000_000
ONLY_CODE = (
    "The virtual patients come from the fitted card itself: these figures check the code that fits and forecasts, "
    "not whether the card is true of people."
)
OTHER_TRUTH = (
    "The virtual patients come from another card than the fit. Both cards share the untreated levels, the spread "
    "between people and the residual error where one borrowed them from the other; real patients may differ more."
)


@dataclass(frozen=True, slots=True)
class Told:
    """One forecast of a result: its median (nmol/L) and where the result fell in it (0 to 1); NaN when withheld."""

    predicted: float
    position: float
    status: str


@dataclass(frozen=True, slots=True)
class Step:
    """One result of one virtual patient: forecast with the results before it, and without any.

    `labs` is the number of results used, `known` the median of a forecaster who knows the true level and bias.
    """

    patient: int
    labs: int
    group: str
    cancer: bool
    horizon_d: int
    observed: float
    known: float
    with_labs: Told
    without: Told


def walk(i: int, fitted: Card, truth: Card, labs: Sequence[int], seed: int, draws: int = DRAWS) -> tuple[Step, ...]:
    """Forecast the results of virtual patient `i`, each from as many earlier ones as `labs` says.

    Parameters
    ----------
    i, seed
        Number of the patient and seed of the cohort.
    fitted, truth
        Card of the fit, and card that the patient comes from.
    labs
        Numbers of earlier results, 0 to 3: with k of them the result k + 1 is forecast.
    draws
        Draws of each fit, 100 or more.

    Returns
    -------
    tuple of Step
        Empty when the truth could not be solved.
    """
    who = course(truth, i, seed)
    own = seed * SEEDS_EACH + i
    values, levels, bias = results(who, truth, own)
    if not np.isfinite(values).all():
        return ()
    steps = []
    for k in labs:
        at_first = told(who, fitted, k, 0, values, own, draws)
        steps.append(
            Step(
                patient=i,
                labs=k,
                group=who.group,
                cancer=who.patient.has("cancer"),
                horizon_d=who.lab_days[k] - (who.lab_days[k - 1] if k else 0),
                observed=float(values[k]),
                known=float(levels[k] * np.exp(bias)),
                with_labs=told(who, fitted, k, k, values, own, draws) if k else at_first,
                without=at_first,
            )
        )
    return tuple(steps)


def results(who: Course, truth: Card, seed: int) -> tuple[Floats, Floats, float]:
    """Results (L,) and true levels (L,) in nmol/L, and the log bias of the laboratory, of one virtual patient."""
    last = date.fromordinal(who.day(-1).toordinal() + 1)
    days = [d - who.lab_days[-1] - 1 for d in who.lab_days]
    made = simulate(who.patient, truth, last, days, n=1, seed=seed, assay=who.assay)
    return made.values[0], made.level[0], float(made.bias[0])


def told(who: Course, fitted: Card, target: int, used: int, values: Floats, seed: int, draws: int) -> Told:
    """Forecast result `target` on the day of the last of the `used` results before it (none: on the first day)."""
    on = who.day(max(used - 1, 0))
    patient = with_results(
        who.patient, on, [d - who.lab_days[max(used - 1, 0)] for d in who.lab_days[:used]], values[:used], who.assay
    )
    if target == 0:
        # The baseline is drawn before the first dose of that day.

        patient = replace(patient, doses=())
    # The fit never shares its random numbers with the patient it is to find.
    fit_seed = (seed + 1) * 8 + 2 * used + 1
    try:
        one = fit(patient, fitted, on, seed=fit_seed, draws=draws)
    except WithheldError:
        return Told(float("nan"), float("nan"), "withheld.unsolved")
    if one.status != "ok":
        return Told(float("nan"), float("nan"), one.status)
    ensemble = one.resample(draws, fit_seed)
    ahead = (who.day(target) - on).days + 0.5
    later = history(patient, on, who.day(target)).later
    solved = solve(fitted, ensemble.parameters, later, [ahead], origin_doy=ensemble.origin_doy, start=ensemble.state)
    center = solved.level[:, 0] * np.exp(ensemble.next_bias)
    center = center[np.isfinite(center) & (center > 0)]
    error = noise(np.random.default_rng([fit_seed, 909]), center.shape) * log_sd(center, *fitted.residual)
    lab = center * np.exp(error)
    return Told(float(np.median(lab)), float(np.mean(lab < values[target])), "ok")


def table(steps: Sequence[Step]) -> dict[str, Floats]:
    """The numbers of forecasts as columns (n,), for `figures`."""
    return {
        "observed": np.array([s.observed for s in steps]),
        "predicted": np.array([s.with_labs.predicted for s in steps]),
        "position": np.array([s.with_labs.position for s in steps]),
        "before": np.array([s.without.predicted for s in steps]),
        "position_before": np.array([s.without.position for s in steps]),
        "known": np.array([s.known for s in steps]),
    }


def figures(of: Mapping[str, Floats]) -> dict[str, float]:
    """Accuracy and coverage of a `table` of forecasts; withheld ones must be left out before.

    Returns
    -------
    dict
        ``mdpe``, ``mdape`` (median of (predicted - observed) / observed and of its size, percent); ``f30``
        (share within 30 %); ``geometric_bias`` (geometric mean of predicted / observed, less 1, percent);
        ``coverage_50``, ``_80``, ``_90`` of the band of the lab; ``rmse`` (nmol/L); ``impact`` (Bayesian impact,
        100 (1 - RMSE / RMSE without labs), percent); the same accuracy ``without_labs_...`` of the same results
        forecast from no lab, and ``known_...`` by one who knows the true level: what the scatter of results leaves.
    """
    observed, predicted, before = of["observed"], of["predicted"], of["before"]
    rmse, rmse_before = (float(np.sqrt(np.mean((p - observed) ** 2))) for p in (predicted, before))
    out = _accuracy(predicted, observed)
    out["geometric_bias"] = 100.0 * float(np.expm1(np.mean(np.log(predicted / observed))))
    for band in (50, 80, 90):
        out[f"coverage_{band}"] = float(np.mean(np.abs(of["position"] - 0.5) <= band / 200.0))
    out |= {"rmse": rmse, "impact": 100.0 * (1.0 - rmse / rmse_before)}
    out |= {f"without_labs_{k}": v for k, v in _accuracy(before, observed).items()}
    out["without_labs_coverage_90"] = float(np.mean(np.abs(of["position_before"] - 0.5) <= 0.45))
    out |= {f"known_{k}": v for k, v in _accuracy(of["known"], observed).items()}
    return out


def _accuracy(predicted: Floats, observed: Floats) -> dict[str, float]:
    error = 100.0 * (predicted - observed) / observed
    return {
        "mdpe": float(np.median(error)),
        "mdape": float(np.median(np.abs(error))),
        "f30": float(np.mean(np.abs(error) <= 30.0)),
    }


def with_intervals(steps: Sequence[Step], seed: int) -> dict[str, Any]:
    """`figures` of the forecasts that were told, 95 % intervals by bootstrap over patients, and how many were not."""
    shown = [s for s in steps if s.with_labs.status == s.without.status == "ok"]
    out: dict[str, Any] = {"n": len(shown), "withheld": len(steps) - len(shown)}
    if not shown:
        return out
    columns = table(shown)
    out |= figures(columns)
    who = np.array([s.patient for s in shown])
    members = [np.flatnonzero(who == i) for i in np.unique(who)]
    out["patients"] = len(members)
    rng = np.random.default_rng([seed, 808])
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[at] for at in rng.integers(0, len(members), len(members))])
        for key, value in figures({k: column[rows] for k, column in columns.items()}).items():
            drawn.setdefault(key, []).append(value)
    out["interval_95"] = {k: np.percentile(v, [2.5, 97.5]).tolist() for k, v in drawn.items()}
    out["median_horizon_d"] = float(np.median([s.horizon_d for s in shown]))
    return out


def checks(told: Mapping[str, Any], other_truth: bool) -> list[dict[str, Any]]:
    """The limits of the validation ladder (L5) beside the figures.

    Returns
    -------
    list of dict
        ``figure``, ``low``, ``high`` (None: open), ``value``, ``passed`` by the value itself, and ``sure``: whether
        the whole 95 % interval lies on the same side.
    """
    limit = choices()["limits"]
    low_90 = limit["coverage_90_low_other_truth"] if other_truth else limit["coverage_90_low"]
    wanted: tuple[tuple[str, float | None, float | None], ...] = (
        ("mdpe", -limit["bias_percent"], limit["bias_percent"]),
        ("mdape", None, limit["error_percent"]),
        ("f30", limit["f30"], None),
        ("coverage_90", low_90, None if other_truth else limit["coverage_90_high"]),
        ("impact", limit["impact_percent"], None),
    )
    out = []
    for name, low, high in wanted:
        if name not in told:
            continue

        def inside(x: float, low: float | None = low, high: float | None = high) -> bool:
            return (low is None or x >= low) and (high is None or x <= high)

        ends = told["interval_95"][name]
        passed = inside(told[name])
        one_side = (low is not None and ends[1] < low) or (high is not None and ends[0] > high)
        sure = all(map(inside, ends)) if passed else one_side
        out.append({"figure": name, "low": low, "high": high, "value": told[name], "passed": passed, "sure": sure})
    return out


def same_model(a: Card, b: Card) -> bool:
    """Whether two cards say the same, whatever they are called."""
    return a.structure == b.structure and _values(a) == _values(b)


def _values(card: Card) -> tuple[Any, ...]:
    numbers = {room: {k: n.value for k, n in table.items()} for room, table in card.numbers.items()}
    return numbers, [(e.name, e.spread, e.acts_on) for e in card.effects]


def evaluate_forecasts(
    *,
    card: str | None = None,
    truth: str | None = None,
    labs: Sequence[int] = (0, 1, 2, 3),
    patients: int = 200,
    seed: int = 0,
    draws: int = DRAWS,
    tell: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Walk forward through virtual patients.

    Parameters
    ----------
    card, truth
        Id or path of the card that is fitted (default: the default card), and of the one that patients come from
        (default: the same).
    labs
        Numbers of earlier results, each 0 to 3.
    patients
        How many, 10 to 100,000.
    seed
        0 or higher.
    draws
        Draws of each fit.
    tell
        Called with the number of patients that are done.

    Returns
    -------
    dict
        Plain data, ready for JSON: ``labs`` by number of earlier results, ``any`` (one or more), ``groups`` of
        these (schedules, cancer), each with figures, intervals and checks; ``rows``, each forecast.

    Raises
    ------
    UsageError
        A number outside its range, or an unknown card.
    """
    check_size(patients)
    most = len(choices()["labs"]["weeks"]) - 1
    asked = sorted(set(labs))
    if not asked or asked[0] < 0 or asked[-1] > most:
        raise UsageError(
            f"Numbers of earlier results {', '.join(map(str, labs)) or '(none)'} were asked for; virtual patients have "
            f"{most + 1} results, so give numbers from 0 to {most}, for example --labs 0,1,2,3."
        )
    if seed < 0:
        raise UsageError(f"The seed is {seed}; it must be 0 or higher.")
    fitted = load_card(card)
    real = fitted if truth is None else load_card(truth)
    other = not same_model(fitted, real)
    steps: list[Step] = []
    unsolved = 0
    for i in range(patients):
        made = walk(i, fitted, real, asked, seed, draws)
        unsolved += not made
        steps += made
        if tell is not None:
            tell(i + 1)

    def scored(chosen: list[Step], judged: bool) -> dict[str, Any]:
        out = with_intervals(chosen, seed)
        return out | {"checks": checks(out, other)} if judged and out["n"] else out

    after = [s for s in steps if s.labs]
    return {
        "card": fitted.id,
        "card_version": fitted.version,
        "truth": real.id,
        "truth_version": real.version,
        "other_truth": other,
        "says": OTHER_TRUTH if other else ONLY_CODE,
        "patients": patients,
        "unsolved": unsolved,
        "seed": seed,
        "draws": draws,
        "labs": {str(k): scored([s for s in steps if s.labs == k], k > 0) for k in asked},
        "any": scored(after, True) if after else None,
        "rows": [_row(s) for s in steps],
        "groups": {name: scored(chosen, True) for name, chosen in _groups(after).items()},
    }


def _row(step: Step) -> dict[str, Any]:
    shown = step.with_labs.status == "ok"
    return {
        "patient": step.patient,
        "labs": step.labs,
        "group": step.group,
        "cancer": step.cancer,
        "horizon_d": step.horizon_d,
        "observed": step.observed,
        "predicted": step.with_labs.predicted if shown else None,
        "position": step.with_labs.position if shown else None,
        "status": step.with_labs.status,
    }


def _groups(steps: Sequence[Step]) -> dict[str, list[Step]]:
    kinds = {g: [s for s in steps if s.group == g] for g in sorted({s.group for s in steps})}
    told = {"cancer": [s for s in steps if s.cancer], "no cancer": [s for s in steps if not s.cancer]}
    return {name: chosen for name, chosen in (kinds | told).items() if chosen}


def render_text(told: Mapping[str, Any]) -> str:
    """The figures as a table for the terminal."""
    lines = [
        f"Fitted card {told['card']} {told['card_version']}, truth {told['truth']} {told['truth_version']}, "
        f"{told['patients']} virtual patients, seed {told['seed']}",
        told["says"],
        "",
        f"{'results used':<16}{'n':>5}{'MDPE %':>22}{'MDAPE %':>20}{'F30':>6}{'50 %':>7}{'80 %':>7}"
        f"{'90 % band holds':>17}{'bias %':>8}{'impact %':>15}",
    ]

    def line(name: str, f: Mapping[str, Any]) -> str:
        if not f["n"]:
            return f"{name:<16}{0:>5}  all {f['withheld']} withheld"
        ends = f["interval_95"]

        def span(key: str, form: str, width: int, times: float = 1.0) -> str:
            low, high = (format(times * x, form) for x in ends[key])
            return f"{format(times * f[key], form)} [{low}, {high}]".rjust(width)

        return (
            f"{name:<16}{f['n']:>5}{span('mdpe', '.1f', 22)}{span('mdape', '.1f', 20)}{f['f30']:>6.0%}"
            f"{f['coverage_50']:>7.0%}{f['coverage_80']:>7.0%}{span('coverage_90', '.0f', 17, 100.0)}"
            f"{f['geometric_bias']:>8.1f}{span('impact', '.0f', 15)}"
        )

    rows = [(str(k), f) for k, f in told["labs"].items()]
    if told["any"]:
        rows += [("1 or more", told["any"]), *((f"  {g}", f) for g, f in told["groups"].items())]
    lines += [line(name, f) for name, f in rows]
    reached = [f"{k}: {f['known_mdape']:.1f} and {f['known_f30']:.0%}" for k, f in told["labs"].items() if f["n"]]
    lines += [
        "",
        "[ ]: 95 %, bootstrap over patients. Impact: against the forecast of the same result without labs.",
        f"MDAPE % and F30 of one who knows the true level: {'; '.join(reached)}.",
    ]
    withheld = sum(f["withheld"] for f in told["labs"].values())
    if withheld or told["unsolved"]:
        lines.append(f"Withheld forecasts: {withheld} (not in the figures); unsolved patients: {told['unsolved']}.")
    lines += ["", "Limits (validation ladder L5):"]
    for name, f in rows:
        for c in f.get("checks", ()):
            low, high = ("" if x is None else f"{x:g}" for x in (c["low"], c["high"]))
            bound = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
            verdict = ("pass" if c["passed"] else "FAIL") + ("" if c["sure"] else ", the interval crosses the limit")
            lines.append(f"  {name.strip():<14}{c['figure']:<13}{bound:<16}{c['value']:>9.3f}  {verdict}")
    return "\n".join(lines)
