"""`calcidiol evaluate calibration`: does the fit say how sure it is? Simulation-based calibration and band coverage.

Patients are drawn from the prior of the card, get one to three results, and are fitted. Where the truth falls among
the weighted draws must be uniform for every random effect, and the bands of the level on a later day must hold what
they say (Talts 2018, arXiv:1804.06788). This checks the code, not the card: real patients play no part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError
from calcidiol.evaluate.virtual_cohort import check_size, choices, course
from calcidiol.individual.calibration import SHARES, Calibration, calibrate
from calcidiol.individual.virtual import simulate
from calcidiol.kinetics import Card, load_card

Floats = NDArray[np.float64]
DRAWS = 1000
FALSE_ALARM = 0.01
"""Chance that honest code is told off by at least one of the tests of uniformity (Bonferroni over the quantities)."""
MOST_LABS = 3
SAYS = (
    "Truth, results and fit come from the same card: these figures check the code that fits, not whether the card is "
    "true of people."
)


@dataclass(frozen=True, slots=True)
class Uniformity:
    """Chi-square test that positions are uniform: statistic, bins, probability, counts."""

    statistic: float
    bins: int
    p: float
    counts: tuple[int, ...]


def bins_for(n: int) -> int:
    """Number of bins for n positions: ten or more expected in each, 4 to 20 bins.

    Examples
    --------
    >>> bins_for(30), bins_for(200), bins_for(10_000)
    (4, 20, 20)
    """
    return int(np.clip(n // 10, 4, 20))


def uniformity(position: Floats) -> Uniformity:
    """Chi-square test of positions (n,), each 0 to 1, against the uniform law."""
    from scipy.stats import chi2

    bins = bins_for(len(position))
    # Rounding may leave a sum of weights a hair outside 0 to 1.
    counts, _ = np.histogram(np.clip(position, 0.0, 1.0), bins=bins, range=(0.0, 1.0))
    expected = len(position) / bins
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return Uniformity(statistic, bins, float(chi2.sf(statistic, bins - 1)), tuple(int(c) for c in counts))


def binomial_interval(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share after `hits` of `n` (Clopper-Pearson, exact).

    Examples
    --------
    >>> low, high = binomial_interval(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.824, 0.951)
    """
    from scipy.stats import beta

    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(0.975, hits + 1, n - hits))
    return low, high


def band(position: Floats, share: float) -> dict[str, Any]:
    """How many truths the central band of a share holds, and whether that is within two points of it.

    ``verdict``: ``"pass"`` when the whole interval lies within the two points, ``"fail"`` when it lies wholly outside
    them, else ``"undecided"``: more patients are needed to tell. A band whose true share lies within the two points
    fails in at most 2.5 % of runs.
    """
    n, hits = len(position), int(np.sum(np.abs(position - 0.5) <= 0.5 * share))
    low, high = binomial_interval(hits, n)
    points = float(choices()["limits"]["points"])
    least, most = share - points, share + points
    verdict = "pass" if least <= low and high <= most else "fail" if high < least or low > most else "undecided"
    return {"share": share, "held": hits / n, "n": n, "interval_95": [low, high], "verdict": verdict}


def one(card: Card, i: int, labs: int, seed: int, draws: int = DRAWS, fitted: Card | None = None) -> Calibration:
    """Positions of the truth of virtual patient `i` among the draws of the fit to its first results.

    Parameters
    ----------
    card
        Where the patient comes from.
    i, labs, seed
        Number of the patient, number of results (1 to 3), seed of the cohort.
    draws
        Draws of the fit.
    fitted
        Another card for the fit, to see that a wrong one is caught; default `card`.
    """
    who = course(card, i, seed)
    known = choices()["later"]
    rng = np.random.default_rng([seed, 717, i])
    on = who.day(labs - 1) + timedelta(days=int(rng.integers(known["low_d"], known["high_d"] + 1)))
    days = [(who.day(k) - on).days for k in range(labs)]
    own = seed * 2_000_000 + 2 * i
    made = simulate(who.patient, card, on, days, n=1, seed=own, assay=who.assay)
    # Another seed: the fit never shares its random numbers with the patient it is to find.
    return calibrate(made, fitted or card, seed=own + 1, draws=draws)


def evaluate_calibration(
    *,
    card: str | None = None,
    patients: int = 200,
    seed: int = 0,
    draws: int = DRAWS,
    tell: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Simulation-based calibration over virtual patients with one, two and three results in turn.

    Parameters
    ----------
    card
        Id or path; default the default card.
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
        ``ranks`` by quantity (``p``, ``statistic``, ``bins``, ``counts``, ``verdict``), ``bands`` of the level and of
        the lab on the later day, the diagnostics of the fits. Fits that a plan would withhold count too.

    Raises
    ------
    UsageError
        A number outside its range, or an unknown card.
    """
    check_size(patients)
    if seed < 0:
        raise UsageError(f"The seed is {seed}; it must be 0 or higher.")
    model = load_card(card)
    parts: list[Calibration] = []
    for i in range(patients):
        # Seven schedules and three counts take turns: every schedule meets every count.
        parts.append(one(model, i, 1 + i % MOST_LABS, seed, draws))
        if tell is not None:
            tell(i + 1)
    return report(parts, model, seed, draws)


def report(parts: list[Calibration], card: Card, seed: int, draws: int) -> dict[str, Any]:
    """The figures of the patients of `parts`, as plain data."""
    joined = Calibration.join(parts)
    n = len(joined.status)
    limit = FALSE_ALARM / len(joined.positions)
    ranks = {}
    for name, position in joined.positions.items():
        test = uniformity(position)
        ranks[name] = {
            "p": test.p,
            "statistic": test.statistic,
            "bins": test.bins,
            "counts": list(test.counts),
            "mean": float(position.mean()),
            "verdict": "pass" if test.p >= limit else "fail",
        }
    return {
        "card": card.id,
        "card_version": card.version,
        "says": SAYS,
        "patients": n,
        "seed": seed,
        "draws": draws,
        "false_alarm_rate": FALSE_ALARM,
        "p_limit": limit,
        "ranks": ranks,
        "bands": {name: [band(joined.positions[name], share) for share in SHARES] for name in ("level", "lab")},
        "not_ok": sum(s != "ok" for s in joined.status),
        "k_hat_largest": float(np.max(joined.k_hat)),
        "effective_smallest": float(np.min(joined.effective)),
    }


def render_text(told: Mapping[str, Any]) -> str:
    """The figures as tables for the terminal."""
    lines = [
        f"Card {told['card']} {told['card_version']}, {told['patients']} virtual patients, one to three results each, "
        f"seed {told['seed']}, {told['draws']} draws",
        told["says"],
        "",
        f"{'position of the truth':<24}{'chi-square':>11}{'bins':>6}{'p':>9}  verdict",
    ]
    for name, r in told["ranks"].items():
        lines.append(f"{name:<24}{r['statistic']:>11.1f}{r['bins']:>6}{r['p']:>9.4f}  {_loud(r['verdict'])}")
    lines += [
        f"Fails below p = {told['p_limit']:.5f}: honest code fails somewhere in {told['false_alarm_rate']:.0%} of the "
        "runs.",
        "",
        f"{'band':<8}{'says':>6}{'holds':>8}{'95 % interval':>18}  within 2 points",
    ]
    for name, bands in told["bands"].items():
        for b in bands:
            low, high = b["interval_95"]
            span = f"{100 * low:.1f} to {100 * high:.1f}"
            lines.append(f"{name:<8}{b['share']:>6.0%}{b['held']:>8.1%}{span:>18}  {_loud(b['verdict'])}")
    lines.append("A band that holds its share within two points fails in at most 2.5 % of the runs, each by itself.")
    lines.append(
        f"Fits that a plan would withhold: {told['not_ok']}; largest k-hat {told['k_hat_largest']:.2f}, fewest "
        f"effective draws {told['effective_smallest']:.0f}."
    )
    if any(b["verdict"] == "undecided" for bands in told["bands"].values() for b in bands):
        lines.append("undecided: the interval is wider than the two points; give more --patients.")
    return "\n".join(lines)


def _loud(verdict: str) -> str:
    return "FAIL" if verdict == "fail" else verdict
