"""Forest plots: a line for each study, the mean below, the numbers beside them. Also the cumulative plot."""

from __future__ import annotations

from dataclasses import dataclass

from calcidiol.errors import UsageError
from calcidiol.evidence import svg
from calcidiol.evidence.claims import Shown
from calcidiol.evidence.effect import Scale, effect_of, natural, published_interval
from calcidiol.evidence.pool import Pool
from calcidiol.evidence.record import Study
from calcidiol.evidence.sensitivity import cumulative, leave_one_out
from calcidiol.evidence.text import number
from calcidiol.evidence.translation import ENGLISH, Tongue

WIDTH, ROW, TOP = 900.0, 24.0, 74.0
LEFT, RIGHT = 300.0, 600.0


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a plot; `weight` in percent sets the size of the mark (none: a small dot)."""

    label: str
    estimate: float
    low: float
    high: float
    weight: float | None
    heading: bool = False


def _span(rows: list[Row], scale: Scale, extra: list[float]) -> tuple[float, float]:
    points = [r for r in rows if not r.heading]
    values = [v for r in points for v in (r.low, r.high, r.estimate)] + extra
    if scale == "proportion":
        return 0.0, 1.0
    if scale == "ratio":
        values = [v for v in values if v > 0]
        return max(min(min(values) * 0.9, 0.8), 0.05), min(max(max(values) * 1.1, 1.25), 20.0)
    low, high = min([*values, 0.0]), max([*values, 0.0])
    pad = 0.05 * (high - low or 1.0)
    return low - pad, high + pad


def draw(
    rows: list[Row],
    *,
    scale: Scale,
    title: str,
    subtitle: str,
    description: str,
    name: str,
    mean: tuple[float, float, float] | None = None,
    prediction: tuple[float, float] | None = None,
    mean_label: str = "Mean",
    foot: tuple[str, ...] = (),
    unit: str = "",
    t: Tongue = ENGLISH,
) -> str:
    """Draw rows, and below them a mean with its interval and the prediction interval."""
    extra = [v for pair in (mean, prediction) if pair for v in pair]
    low, high = _span(rows, scale, extra)
    axis = svg.Axis(low, high, LEFT, RIGHT, log=scale == "ratio")
    tail = 2.0 if mean else 0.6
    bottom = TOP + ROW * (len(rows) + tail)
    parts = [svg.text(16, 26, title, size=16, bold=True), svg.text(16, 47, subtitle, color=svg.QUIET)]
    head = t.say("estimate", "estimate (95 % interval)") + (f" {unit}" if unit else "")
    parts.append(svg.text(WIDTH - 16, TOP - 8, head, anchor="end", color=svg.QUIET))
    zero = {"ratio": 1.0, "difference": 0.0}.get(scale)
    if zero is not None and not axis.outside(zero):
        parts.append(svg.line(axis.at(zero), TOP, axis.at(zero), bottom, color=svg.QUIET, dash="3 3"))
    for i, row in enumerate(rows):
        y = TOP + ROW * (i + 0.5)
        if row.heading:
            parts.append(svg.text(16, y + 4, row.label, bold=True))
            continue
        parts.append(svg.text(16, y + 4, row.label if len(row.label) <= 42 else row.label[:41] + "…"))
        parts += _interval(axis, row.low, row.high, y)
        if row.weight is None:
            parts.append(svg.dot(axis.at(row.estimate), y, radius=3.5))
        else:
            parts.append(svg.box(axis.at(row.estimate), y, 5 + 11 * (row.weight / 100) ** 0.5))
        shown = _numbers(row.estimate, row.low, row.high, t)
        parts.append(svg.text(WIDTH - 70, y + 4, shown, anchor="end"))
        if row.weight is not None:
            parts.append(svg.text(WIDTH - 16, y + 4, f"{row.weight:.1f}%", anchor="end", color=svg.QUIET))
    if mean:
        y = TOP + ROW * (len(rows) + 0.8)
        parts.append(svg.line(16, y - ROW * 0.6, WIDTH - 16, y - ROW * 0.6, color=svg.RULE))
        left, middle, right = axis.at(mean[1]), axis.at(mean[0]), axis.at(mean[2])
        if prediction:
            parts += _interval(axis, *prediction, y, color=svg.BAND, width=5)
        parts.append(svg.shape([(left, y), (middle, y - 7), (right, y), (middle, y + 7)]))
        parts.append(svg.text(16, y + 4, mean_label, bold=True))
        shown = _numbers(*mean, t)
        parts.append(svg.text(WIDTH - 70, y + 4, shown, anchor="end", bold=True))
        if prediction:
            low_told, high_told = (number(v) for v in prediction)
            said = t.say("new_study", "a new study: {low} to {high}", low=low_told, high=high_told)
            parts.append(svg.text(WIDTH - 70, y + 22, said, anchor="end", color=svg.QUIET))
    parts.append(svg.line(LEFT, bottom, RIGHT, bottom, color=svg.QUIET))
    for tick in axis.ticks():
        x = axis.at(tick)
        parts.append(svg.line(x, bottom, x, bottom + 5, color=svg.QUIET))
        parts.append(
            svg.text(
                x,
                bottom + 19,
                f"{tick:g}" if abs(tick) < 1e4 else f"{tick:.0f}",
                anchor="middle",
                size=12,
                color=svg.QUIET,
            )
        )
    for i, words in enumerate(foot):
        parts.append(svg.text(16, bottom + 44 + 18 * i, words, size=12, color=svg.QUIET))
    height = bottom + 34 + 18 * len(foot) + (12 if foot else 0)
    return svg.document(WIDTH, height, title, description, parts, name=name)


def _numbers(estimate: float, low: float, high: float, t: Tongue) -> str:
    return number(estimate) + t.say("interval", " ({low} to {high})", low=number(low), high=number(high))


def _interval(
    axis: svg.Axis, low: float, high: float, y: float, *, color: str = svg.INK, width: float = 1.6
) -> list[str]:
    """A line from low to high, with an arrowhead where it leaves the axis."""
    a, b = axis.at(low), axis.at(high)
    parts = [svg.line(a, y, b, y, color=color, width=width)]
    if axis.outside(low):
        parts.append(svg.shape([(a - 6, y), (a + 1, y - 4), (a + 1, y + 4)], color=color))
    if axis.outside(high):
        parts.append(svg.shape([(b + 6, y), (b - 1, y - 4), (b - 1, y + 4)], color=color))
    return parts


def _described(pooled: Pool) -> str:
    unit = f" {pooled.unit}" if pooled.unit else ""
    text = f"{pooled.k} studies. Mean {pooled.measure} {number(pooled.estimate)}{unit}, 95 % interval "
    text += f"{number(pooled.ci_low)} to {number(pooled.ci_high)}"
    if pooled.pi_low is not None:
        text += f", prediction interval {number(pooled.pi_low)} to {number(pooled.pi_high)}"
    each = "; ".join(
        f"{s.label} {number(s.estimate)} ({number(s.ci_low)} to {number(s.ci_high)})" for s in pooled.studies
    )
    return f"{text}. {each}."


def _foot(pooled: Pool, t: Tongue) -> tuple[str, ...]:
    p = "" if pooled.q_p is None else f" (p {pooled.q_p:.3f})"
    spread = f"tau2 {number(pooled.tau2)}, I2 {pooled.i2:.0f} %, Q {number(pooled.q)}{p}"
    numbers = f"{pooled.method}, {pooled.interval}: {spread}."
    marks = t.say(
        "marks",
        "Squares grow with the weight; the pale bar is the prediction interval. * numbers recalled or seen in part.",
    )
    return numbers, marks


def _subtitle(pooled: Pool, t: Tongue) -> str:
    unit = t.say("in_unit", " in {unit}", unit=pooled.unit) if pooled.unit else ""
    return f"{pooled.group} · {t.word(pooled.measure)}{unit} · {t.word(pooled.benefit)}"


def _study_label(label: str, tag: str) -> str:
    return label + ("" if tag == "V" else " *")


def forest(pooled: Pool, t: Tongue = ENGLISH, name: str = "") -> str:
    """The forest plot of a pool, as SVG with the numbers beside it; `name` makes its ids unique on a page."""
    rows = [Row(_study_label(s.label, s.tag), s.estimate, s.ci_low, s.ci_high, s.weight) for s in pooled.studies]
    prediction = None if pooled.pi_low is None or pooled.pi_high is None else (pooled.pi_low, pooled.pi_high)
    return draw(
        rows,
        scale=pooled.scale,
        title=t.word(pooled.title),
        subtitle=_subtitle(pooled, t),
        description=_described(pooled),
        name=name or f"forest-{pooled.group}",
        mean=(pooled.estimate, pooled.ci_low, pooled.ci_high),
        prediction=prediction,
        mean_label=t.say("random_effects", "Random effects, k = {k}", k=pooled.k),
        foot=_foot(pooled, t),
        t=t,
    )


def cumulative_plot(pooled: Pool) -> str:
    """The mean after each study in order of publication, as SVG."""
    lines = cumulative(pooled)
    rows = [Row(x.name.removeprefix("+ "), x.estimate, x.ci_low, x.ci_high, None) for x in lines]
    last = lines[-1]
    return draw(
        rows,
        scale=pooled.scale,
        title=f"{pooled.title}: as the studies came",
        subtitle=_subtitle(pooled, ENGLISH),
        description=f"Mean after each study: {'; '.join(f'{r.label} {number(r.estimate)}' for r in rows)}.",
        name=f"cumulative-{pooled.group}",
        foot=(f"The last line is the pool of all {last.k} studies.",),
    )


def leave_one_out_plot(pooled: Pool) -> str:
    """The mean without each study in turn, as SVG."""
    lines = leave_one_out(pooled)
    if not lines:
        raise UsageError(f"{pooled.group} has one study; nothing can be left out.")
    rows = [Row(f"without {x.name}", x.estimate, x.ci_low, x.ci_high, None) for x in lines]
    return draw(
        rows,
        scale=pooled.scale,
        title=f"{pooled.title}: leaving one out",
        subtitle=_subtitle(pooled, ENGLISH),
        description=f"Mean without each study: {'; '.join(f'{r.label} {number(r.estimate)}' for r in rows)}.",
        name=f"leave-one-out-{pooled.group}",
        mean=(pooled.estimate, pooled.ci_low, pooled.ci_high),
        mean_label="All studies",
    )


def forest_of_claim(shown: Shown, t: Tongue = ENGLISH) -> str:
    """The studies of a claim that have effect sizes, for and against, and the mean where they are a pool.

    Ratios are drawn where there are any, else differences of one unit; each kind of evidence has its own heading.
    """
    claim = shown.entry.claim
    if shown.pooled is not None:
        return forest(shown.pooled, t, f"forest-{claim.claim_id}")
    studies = (*shown.supporting, *shown.contradicting, *shown.trials_beside)
    usable = [(s, e) for s in dict.fromkeys(studies) if (e := effect_of(s)) is not None]
    scale: Scale = "ratio" if any(s.scale == "ratio" for s, _ in usable) else "difference"
    chosen = [(s, e) for s, e in usable if s.scale == scale]
    if scale == "difference":
        units = {s.unit for s, _ in chosen}
        first = chosen[0][0].unit if chosen else ""
        chosen = [(s, e) for s, e in chosen if s.unit == first]
        left = len(units) > 1
    else:
        left = len(chosen) < len(usable)
    if not chosen:
        return _nothing(shown, t)
    rows: list[Row] = []
    for kind in dict.fromkeys(s.kind for s, _ in chosen):
        rows.append(Row(t.say(f"kind_{kind}", _KINDS[kind]), 0, 0, 0, None, heading=True))
        for study, effect in chosen:
            if study.kind == kind:
                half = 1.959963984540054 * effect.v**0.5
                computed = (natural(effect.y - half, scale), natural(effect.y + half, scale))
                low, high = published_interval(effect, scale, study.unit) or computed
                label = f"{_role(study, shown)} {_study_label(effect.label, study.tag)}, {_what(study, t)}"
                rows.append(Row(label, natural(effect.y, scale), low, high, None))
    told = _heading(shown, t)
    foot = [
        t.say(
            "not_pooled",
            "Verdict: {verdict}. Not pooled. + for the claim, - against it, o trial of treatment shown beside.",
            verdict=t.word(claim.verdict),
        )
    ]
    if any(s.kind == "cohort" for s, _ in chosen):
        foot.append(
            t.say(
                "contrast",
                "Cohorts: 1.5 for a low level and 0.67 for a high one are the same finding; read the contrast.",
            )
        )
    if left:
        foot.append(t.say("left", "Studies on another scale, or without an effect size, are in the text only."))
    subtitle = t.of("claims", f"{claim.claim_id}.claim", claim.claim)
    return draw(
        rows,
        scale=scale,
        title=told,
        subtitle=subtitle if len(subtitle) < 110 else subtitle[:109] + "…",
        description="; ".join(f"{r.label} {number(r.estimate)}" for r in rows if not r.heading),
        name=f"claim-{claim.claim_id}",
        foot=tuple(foot),
        unit=chosen[0][0].unit,
        t=t,
    )


def _heading(shown: Shown, t: Tongue) -> str:
    sure = t.say("certainty", "certainty {level}", level=t.word(shown.entry.certainty.level))
    claim = shown.entry.claim
    return t.say(
        "claim_head", "{id}: {verdict}, {certainty}", id=claim.claim_id, verdict=t.word(claim.verdict), certainty=sure
    )


_KINDS = {
    "trial": "Trials",
    "cohort": "Cohorts (association)",
    "uncontrolled": "Uncontrolled series",
    "cell": "Cells",
    "animal": "Animals",
    "pharmacokinetic": "Blood levels",
    "guideline": "Guidelines",
}


def _what(study: Study, t: Tongue) -> str:
    """What a row compares, short: cohorts need the direction of their contrast and the cancer."""
    if study.kind != "cohort":
        return t.word(study.outcome)
    exposure = study.intervention.lower()
    contrast = study.intervention
    if exposure.startswith(("low", "25ohd <", "deficient")):
        contrast = t.say("low_v_higher", "low v higher")
    if exposure.startswith(("high", "25ohd >")):
        contrast = t.say("high_v_low", "high v low")
    return f"{t.word(study.cancer_type)}, {contrast}"


def _role(study: Study, shown: Shown) -> str:
    if study in shown.supporting:
        return "+"
    return "-" if study in shown.contradicting else "o"


def _nothing(shown: Shown, t: Tongue) -> str:
    claim = shown.entry.claim
    said = t.say("no_plot", "No linked study has an effect size with an interval; nothing can be drawn.")
    parts = [
        svg.text(16, 26, _heading(shown, t), size=16, bold=True),
        svg.text(16, 56, said, color=svg.QUIET),
    ]
    return svg.document(WIDTH, 80, claim.claim_id, said, parts, name=f"claim-{claim.claim_id}")
