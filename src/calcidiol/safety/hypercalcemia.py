"""The probability that a regimen pushes this patient's calcium above the limit, over the same patient untreated.

For each draw of 25(OH)D the calcium model gives the largest rise within the horizon; given that rise the latent
corrected calcium has a spread, and the part of it above the upper limit is the draw's probability. The estimate is the
weighted mean over draws, not a count of draws, with its Monte-Carlo error. Where the model has no basis no probability
is given and the curve is exploratory; the hard rules alone decide. No small trial can validate a limit of 1 %.

What lowers calcium (glucocorticoid, bisphosphonate ...) is named but not credited; what raises it without a known size
widens the spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calcidiol.errors import UsageError
from calcidiol.kinetics.calcium import CalciumPerson, equilibrium, lane_parameters, simulate
from calcidiol.kinetics.calcium_card import CalciumCard, calcium_card
from calcidiol.patient.record import Patient
from calcidiol.safety.facts import Facts
from calcidiol.safety.placement import Placed
from calcidiol.safety.rulebook import Knowledge
from calcidiol.safety.rulebook import knowledge as shipped
from calcidiol.safety.seen import Seen

Array = NDArray[np.float64]

DRAWS = 240
"""Draws that are followed (P): with 17 regimens about 0.25 s of CPU time; fewer widen the error that is told."""
KNOTS = 60
"""Times that are kept of a course; the highest level between two of them stands for both (P)."""
TOLERANCE = 0.04
"""Step control of the courses (P): probabilities as at 0.01 within 1e-3 (S), a third less time; calcium within 0.004
mmol/L of Radau even on the way to 2.9 mmol/L."""
GRID = 16
"""Levels at which the equilibrium is computed; between them it is interpolated."""
DBP_MOLAR_MASS = 58_000.0
HALF_WIDTH_SD = 1.6449
"""Standard deviations in half of a 90 % interval."""

RAISES = ("lithium", "teriparatide", "retinoid")
LOWERS = ("glucocorticoid", "loop_diuretic", "bisphosphonate", "denosumab", "cinacalcet")
STATES_RAISE = ("immobilized",)


@dataclass(frozen=True, slots=True)
class CalciumOption:
    """One regimen.

    Parameters
    ----------
    probability, untreated, excess
        That latent corrected calcium passes the upper limit at any time: with the regimen, without, and the
        difference. None where the model has no basis.
    mc_error
        Monte-Carlo standard error of the excess.
    acceptable
        Whether excess + 2 errors is at most alpha; None where it is not computed.
    p05, p50, p95
        Course of latent corrected calcium at `CalciumRisk.times_d`, mmol/L.
    largest_rise
        Median of the largest rise, mmol/L.
    """

    probability: float | None
    untreated: float | None
    excess: float | None
    mc_error: float | None
    acceptable: bool | None
    p05: Array
    p50: Array
    p95: Array
    largest_rise: float


@dataclass(frozen=True, slots=True)
class CalciumRisk:
    """The calcium forecast of a patient for several regimens.

    `status` is ``"computed"``, ``"exploratory"`` (no basis: `reasons` are the concepts) or ``"not_known"`` (no
    calcium).
    `notes` say what moved the model, in which size, and what has a direction only.
    """

    status: Literal["computed", "exploratory", "not_known"]
    reasons: tuple[str, ...] = ()
    alpha: float = 0.01
    upper_limit: float | None = None
    measured: float | None = None
    when: date | None = None
    spread: float | None = None
    times_d: Array = field(default_factory=lambda: np.empty(0))
    options: Mapping[str, CalciumOption] = field(default_factory=dict)
    notes: tuple[Placed, ...] = ()
    draws: int = 0
    failed: int = 0


def calcium_risk(
    patient: Patient,
    on: date,
    times_d: Array,
    untreated: Array,
    levels: Mapping[str, Array],
    weights: Array | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    alpha: float | None = None,
    knowledge: Knowledge | None = None,
    card: CalciumCard | None = None,
) -> CalciumRisk:
    """Probability that calcium passes its upper limit under each regimen, beside the same patient untreated.

    Parameters
    ----------
    patient, on
        The record and the day (day 0 of `times_d`).
    times_d
        Days, (T,), rising.
    untreated
        25(OH)D without vitamin D from now on, nmol/L, (n, T); row i of every array is the same draw.
    levels
        25(OH)D under each regimen by name, each (n, T).
    weights
        Weights of the draws, (n,); equal when None.
    seed, draws
        Seed, and how many draws are followed.
    alpha
        Largest acceptable excess; the card's 1 % when None.

    Raises
    ------
    UsageError
        When shapes do not fit.
    """
    card = card or calcium_card()
    known = knowledge or shipped()
    facts = Facts(patient, on, known.numbers)
    times = np.asarray(times_d, dtype=np.float64)
    base = np.asarray(untreated, dtype=np.float64)
    for name, rows in {"untreated": base, **levels}.items():
        if np.shape(rows) != (len(base), len(times)):
            raise UsageError(
                f"The levels {name!r} have the shape {np.shape(rows)}, not {(len(base), len(times))} (draws, times)."
            )
    reasons = tuple(c for c in card.no_basis if facts.has(c))
    values = facts.of("calcium")
    if not values or not len(base):
        return CalciumRisk("not_known", ("calcium",), alpha or card.use["alpha"])
    person, notes, widened = _person(facts, card)
    measured = max(_upper(x) for x in values)
    limit = min(x.high for x in values if x.high is not None)
    spread = math.hypot(
        card.use["half_interval_mmol_per_l"] / HALF_WIDTH_SD, card.use["widen_mmol_per_l"] * widened**0.5
    )
    rng = np.random.default_rng(seed)
    picked = _pick(base, levels, weights, draws, rng)
    factor = np.exp(card.use["spread_of_rise"] * rng.standard_normal(len(picked)))
    knots = _knots(times)
    rises, bad = _rises([base, *(np.asarray(x) for x in levels.values())], picked, times, knots, person, card)
    good = ~bad
    courses = {name: rise * factor[:, None] for name, rise in zip(("", *levels), rises, strict=True)}
    highest = {name: rise.max(axis=1) for name, rise in courses.items()}
    tails = {name: tail((measured + h - limit) / spread) for name, h in highest.items()}
    allowed = alpha if alpha is not None else card.use["alpha"]
    options = {}
    for name in levels:
        rise = courses[name][good]
        band = _band(measured + rise, spread, rng)
        difference = tails[name][good] - tails[""][good]
        excess = float(difference.mean())
        error = float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else math.inf
        shown = not reasons
        options[name] = CalciumOption(
            probability=float(tails[name][good].mean()) if shown else None,
            untreated=float(tails[""][good].mean()) if shown else None,
            excess=excess if shown else None,
            mc_error=error if shown else None,
            acceptable=excess + 2.0 * error <= allowed if shown else None,
            p05=band[0],
            p50=band[1],
            p95=band[2],
            largest_rise=float(np.median(highest[name][good])),
        )
    newest = max(x.when for x in values if x.when is not None)
    return CalciumRisk(
        "exploratory" if reasons else "computed", reasons, allowed, limit, measured, newest, spread, times[knots],
        options,
        notes, len(picked), int(bad.sum()),
    )  # fmt: skip


def excess_probability(
    levels: Array,
    untreated: Array,
    times_d: Array,
    patient: Patient,
    on: date,
    weights: Array | None = None,
    *,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Excess probability of one regimen and its Monte-Carlo error; None where the model has no basis.

    Arguments as for `calcium_risk`; `levels` (n, T).
    """
    risk = calcium_risk(patient, on, times_d, untreated, {"regimen": levels}, weights, seed=seed)
    option = risk.options.get("regimen")
    if option is None or option.excess is None or option.mc_error is None:
        return None
    return option.excess, option.mc_error


def _upper(x: Seen) -> float:
    """The value, or the end of its interval that is known."""
    return x.hi if math.isfinite(x.hi) else x.lo


def _person(facts: Facts, card: CalciumCard) -> tuple[CalciumPerson, tuple[Placed, ...], int]:
    """What moves the model, what is told about it, and how many things have a direction only."""
    notes: list[Placed] = []
    widened = 0
    egfr = min((x.lo for x in facts.of("egfr")), default=100.0)
    egfr = min(max(egfr, 5.0), 130.0)
    if egfr < 90.0:
        notes.append(Placed("calcium.egfr", {"egfr": round(egfr, 1)}, "V"))
    albumin = min((x.lo for x in facts.of("albumin") if x.lo > 0.0), default=40.0)
    if albumin < 35.0:
        notes.append(Placed("calcium.albumin", {"albumin": albumin}, "V"))
    dbp = next((x.lo * 1e-3 / DBP_MOLAR_MASS for x in facts.of("dbp") if x.lo > 0.0), None)
    if dbp is not None:
        notes.append(Placed("calcium.dbp", {"dbp_umol_per_l": round(dbp * 1e6, 2)}, "V"))
    urine = 1.0
    if facts.takes("thiazide"):
        urine = card.use["thiazide_urine"]
        notes.append(Placed("calcium.thiazide", {"factor": urine, "drug": facts.drug_of("thiazide")}, "V"))
    intake = facts.of("calcium_intake")
    extra = sum(x.lo for x in intake)
    if extra:
        notes.append(Placed("calcium.intake", {"mg": extra}, "V"))
    if facts.takes("calcium") and not (intake and intake[0].exact):
        widened += 1
        notes.append(Placed("calcium.direction_up", {"what": facts.drug_of("calcium")}, "P"))
    for name in RAISES:
        if facts.takes(name):
            widened += 1
            notes.append(Placed("calcium.direction_up", {"what": facts.drug_of(name)}, "P"))
    for name in STATES_RAISE:
        if facts.has(name):
            widened += 1
            notes.append(Placed("calcium.direction_up", {"what": facts.text_of(name)}, "P"))
    if any(x.high is not None and x.hi > x.high for x in facts.of("pth")):
        widened += 1
        notes.append(Placed("calcium.pth", {}, "P"))
    for name in LOWERS:
        if facts.takes(name):
            notes.append(Placed("calcium.not_credited", {"what": facts.drug_of(name)}, "P"))
    return CalciumPerson(egfr, albumin, dbp, extra, urine), tuple(notes), widened


def _pick(
    untreated: Array, levels: Mapping[str, Array], weights: Array | None, draws: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draws to follow, with equal weight: systematic resampling in the order of the highest level."""
    n = len(untreated)
    w = np.full(n, 1.0 / n) if weights is None else np.asarray(weights, dtype=np.float64) / np.sum(weights)
    highest = untreated.max(axis=1)
    for rows in levels.values():
        highest = np.maximum(highest, np.asarray(rows).max(axis=1))
    order = np.argsort(highest, kind="stable")
    count = n if weights is None and n <= draws else draws
    at = (np.arange(count) + rng.random()) / count
    return order[np.minimum(np.searchsorted(np.cumsum(w[order]), at), n - 1)].astype(np.int64)


def _knots(times: Array) -> NDArray[np.int64]:
    """Indices of the times that are kept: all of them, or at most `KNOTS`."""
    if len(times) <= KNOTS:
        return np.arange(len(times))
    return np.unique(np.linspace(0, len(times) - 1, KNOTS).round().astype(np.int64))


def _thin(level: Array, knots: NDArray[np.int64]) -> Array:
    """Levels at the knots, each the highest of the interval up to it; the first as it is."""
    if len(knots) == level.shape[1]:
        return level
    highest = np.maximum.reduceat(level[:, 1:], knots[:-1], axis=1)
    return np.concatenate([level[:, :1], highest], axis=1)


def _rises(
    courses: list[Array],
    picked: NDArray[np.int64],
    times: Array,
    knots: NDArray[np.int64],
    person: CalciumPerson,
    card: CalciumCard,
) -> tuple[list[Array], NDArray[np.bool_]]:
    """Modeled calcium above its start, for each course (draws, knots), and which draws could not be solved.

    The couplings of the card take turns over the draws.
    """
    flat = card.use["flat_below_nmol_per_l"]
    thin = [np.maximum(_thin(c[picked], knots), flat) for c in courses]
    rises = [np.zeros((len(picked), len(knots))) for _ in courses]
    bad = np.zeros(len(picked), dtype=bool)
    names = list(card.couplings)
    for k, name in enumerate(names):
        rows = np.arange(k, len(picked), len(names))
        if not len(rows):
            continue
        par = lane_parameters(person, name, card)
        first = thin[0][rows, 0]
        grid = np.geomspace(flat, max(float(first.max()), flat * 1.01), GRID)
        states = equilibrium(grid, par)
        start = np.stack([np.interp(np.log(first), np.log(grid), states[:, j]) for j in range(states.shape[1])], axis=1)
        lanes = np.concatenate([t[rows] for t in thin])
        got = simulate(lanes, times[knots], par, np.tile(start, (len(thin), 1)), tolerance=TOLERANCE)
        calcium = got.calcium_mmol_per_l.reshape(len(thin), len(rows), len(knots))
        bad[rows] = (got.status.reshape(len(thin), len(rows)) != 0).any(axis=0)
        for j in range(len(thin)):
            rises[j][rows] = calcium[j] - calcium[j, :, :1]
    return rises, bad


def _band(calcium: Array, spread: float, rng: np.random.Generator) -> Array:
    """5, 50 and 95 % of calcium (draws, T) with its spread; never narrower than the spread alone."""
    n = len(calcium)
    from scipy.special import ndtri

    noise = spread * ndtri((rng.permutation(n) + 0.5) / n)
    found: Array = np.quantile(calcium + noise[:, None], (0.05, 0.5, 0.95), axis=0)
    half = HALF_WIDTH_SD * spread
    found[0] = np.minimum(found[0], found[1] - half)
    found[2] = np.maximum(found[2], found[1] + half)
    return found


def rises_of(courses: list[Array], times_d: Array, person: CalciumPerson | None = None) -> list[Array]:
    """Modeled rise of calcium (n, T) for courses of 25(OH)D (n, T) of people like `person` (default: the baseline)."""
    rows = np.arange(len(courses[0]), dtype=np.int64)
    knots = np.arange(len(times_d), dtype=np.int64)
    return _rises(courses, rows, np.asarray(times_d), knots, person or CalciumPerson(), calcium_card())[0]


def tail(z: Array) -> Array:
    """Part of a standard normal above -z."""
    from scipy.special import ndtr

    found: Array = ndtr(z)
    return found
