"""Funnel plots: effect against its standard error, with the region that chance alone would fill."""

from __future__ import annotations

import math

from calcidiol.errors import UsageError
from calcidiol.evidence import svg
from calcidiol.evidence.effect import natural
from calcidiol.evidence.pool import Pool
from calcidiol.evidence.sensitivity import SMALL_STUDY, egger, pseudo_interval
from calcidiol.evidence.text import number

WIDTH, HEIGHT = 860.0, 460.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 830.0, 70.0, 380.0


def funnel(pooled: Pool) -> str:
    """The funnel plot of a pool of ratios or differences, as SVG.

    Raises
    ------
    UsageError
        For shares, whose standard error depends on the share itself.
    """
    if pooled.scale == "proportion":
        raise UsageError(f"{pooled.group}: a funnel plot of shares misleads, since their error depends on the share.")
    errors = [math.sqrt(s.v) for s in pooled.studies]
    top = max(errors) * 1.1
    low, high = pseudo_interval(pooled, top)
    low, high = min([low, *(s.y for s in pooled.studies)]), max([high, *(s.y for s in pooled.studies)])
    axis = svg.Axis(natural(low, pooled.scale), natural(high, pooled.scale), LEFT, RIGHT, log=pooled.scale == "ratio")

    def down(se: float) -> float:
        return TOP + (BOTTOM - TOP) * se / top

    a, b = pseudo_interval(pooled, top)
    center = axis.at(pooled.estimate)
    corners = [(center, TOP), (axis.at(natural(a, pooled.scale)), BOTTOM), (axis.at(natural(b, pooled.scale)), BOTTOM)]
    parts = [
        svg.text(16, 26, f"{pooled.title}: funnel", size=16, bold=True),
        svg.text(16, 47, f"{pooled.group}, k = {pooled.k}", color=svg.QUIET),
        svg.shape(corners, color=svg.RULE, fill=False),
        svg.line(center, TOP, center, BOTTOM, color=svg.QUIET, dash="3 3"),
        svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, color=svg.QUIET),
        svg.line(LEFT, TOP, LEFT, BOTTOM, color=svg.QUIET),
    ]
    for study, se in zip(pooled.studies, errors, strict=True):
        parts.append(svg.dot(axis.at(study.estimate), down(se)))
    for tick in axis.ticks():
        parts.append(svg.text(axis.at(tick), BOTTOM + 20, f"{tick:g}", anchor="middle", size=12, color=svg.QUIET))
    for i in range(5):
        se = top * i / 4
        parts.append(svg.text(LEFT - 8, down(se) + 4, f"{se:.2g}", anchor="end", size=12, color=svg.QUIET))
    parts.append(svg.text((LEFT + RIGHT) / 2, BOTTOM + 42, pooled.measure, anchor="middle", color=svg.QUIET))
    test = egger(pooled)
    said = (
        f"Egger's test: intercept {test.intercept:.2f}, p = {test.p:.3f}."
        if test
        else f"Small-study tests need {SMALL_STUDY} studies; there are {pooled.k}."
    )
    parts.append(svg.text(16, BOTTOM + 66, said, size=12, color=svg.QUIET))
    each = "; ".join(
        f"{s.label} {number(s.estimate)}, standard error {e:.2g}" for s, e in zip(pooled.studies, errors, strict=True)
    )
    return svg.document(
        WIDTH, HEIGHT, f"{pooled.title}: funnel plot", f"{said} {each}.", parts, name=f"funnel-{pooled.group}"
    )
