"""Which rows of a group may be pooled: the guards.

Rows that cannot be in the mean are set aside with a note; rows that must not be in one mean at all end in a refusal.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calcidiol.errors import UsageError
from calcidiol.evidence.effect import Effect, Scale, effect_of, shared_control
from calcidiol.evidence.record import Group, Ledger, Study

RARE = 0.20
"""Largest risk in the control group at which hazard, risk and odds ratios are pooled together. Our choice (P): at
13 %, the largest in the ledger, a risk ratio of 0.9 stands for a hazard ratio of 0.893, a tenth of the usual standard
error."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark beside a pool, as id and parameters."""

    id: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes into a pool, and what was set aside."""

    group: Group
    scale: Scale
    effects: tuple[Effect, ...]
    notes: tuple[Note, ...]
    excluded: tuple[Note, ...]


def members(group: Group, ledger: Ledger) -> list[Study]:
    """All rows of a group, in the order of the file."""
    home = group.source or group.id
    return [study for study in ledger.studies.values() if study.meta_group == home]


def select(group: Group, ledger: Ledger, without: tuple[str, ...] = ()) -> Selection:
    """Choose the rows of a group that may stand in one mean.

    Raises
    ------
    UsageError
        Where the rows are not a pool, or a study to leave out is not in the group.
    """
    rows = members(group, ledger)
    if not rows:
        raise UsageError(f"The group {group.id} has no studies. Give some of them this meta_group in studies.csv.")
    # Arms with one control are shown joined ("A+B"); a name copied from there means both.
    without = tuple(part for name in without for part in name.split("+"))
    _known(without, rows, group)
    rows = [row for row in rows if row.study_id not in without]
    excluded: list[Note] = []
    rows = _set_aside(rows, group, excluded)
    _one_scale(rows, group)
    usable = [(row, effect) for row in rows if (effect := _effect(row, group)) is not None]
    if group.refusal and len(rows) > 1:
        raise UsageError(_no_pool(group, group.refusal))
    silent = [row for row in rows if all(row is not kept for kept, _ in usable)]
    for row in silent:
        why = row.risk_of_bias_note or row.notes or "none is given"
        note = Note("no_counts", {"id": row.study_id}) if row.measure == "prop" else None
        excluded.append(note or Note("no_effect_size", {"id": row.study_id, "why": why}))
    if not usable:
        raise UsageError(
            _no_pool(group, "no study that is left has an effect size with an interval")
            + " Leave out fewer studies, or read them with: calcidiol evidence search."
        )
    _one_kind([row for row, _ in usable], group)
    notes: list[Note] = [Note("caution", {"text": group.caution})] if group.caution else []
    if silent and group.scale == "ratio":
        ids = ", ".join(row.study_id for row in silent)
        notes.append(Note("no_effect_negative", {"count": len(silent), "total": len(rows), "ids": ids}))
    effects = _join_controls(usable, group, notes)
    _opposite(effects, group)
    notes += _mixed_ratios([row for row, _ in usable], group)
    notes += _provenance([row for row, _ in usable], group)
    if without:
        notes.append(Note("without", {"ids": ", ".join(without)}))
    scale: Scale = "proportion" if group.scale == "proportion" else "ratio"
    if group.scale != "proportion" and usable[0][0].scale == "difference":
        scale = "difference"
    return Selection(group, scale, tuple(effects), tuple(notes), tuple(excluded))


def _no_pool(group: Group, reason: str) -> str:
    text = f"{group.id} is not a pool: {reason}"
    text += "" if text.endswith(".") else "."
    if group.instead:
        text += f" Pool instead: {', '.join(group.instead)}."
    return text


def _known(without: tuple[str, ...], rows: list[Study], group: Group) -> None:
    ids = [row.study_id for row in rows]
    for name in without:
        if name not in ids:
            near = difflib.get_close_matches(name, ids, n=3, cutoff=0.4)
            raise UsageError(
                f"--without {name}: {group.id} has no study of that id. "
                + (f"Near: {', '.join(near)}. " if near else "")
                + f"All: {', '.join(ids)}."
            )


def _set_aside(rows: list[Study], group: Group, excluded: list[Note]) -> list[Study]:
    kept = []
    for row in rows:
        if row.design == "meta-analysis" and not group.refusal:
            excluded.append(Note("is_a_pool", {"id": row.study_id}))
        elif group.outcomes and row.outcome_key not in group.outcomes:
            excluded.append(Note("other_outcome", {"id": row.study_id, "outcome": row.outcome_key}))
        elif group.weeks and row.week is not None and not group.weeks[0] <= row.week <= group.weeks[1]:
            excluded.append(Note("other_week", {"id": row.study_id, "week": row.week}))
        elif row.scale == "proportion" and group.scale in ("ratio", "difference"):
            excluded.append(Note("other_scale", {"id": row.study_id, "measure": "share"}))
        elif row.scale in ("ratio", "difference") and group.scale == "proportion":
            excluded.append(Note("other_scale", {"id": row.study_id, "measure": row.measure}))
        else:
            kept.append(row)
    return kept


def _one_scale(rows: list[Study], group: Group) -> None:
    """Never ratios with differences, nor two kinds of difference."""
    by_measure: dict[str, list[str]] = {}
    for row in rows:
        if row.estimate is not None or (row.events_treat is not None and row.scale == "ratio"):
            kind = "ratios (HR, RR, OR)" if row.scale == "ratio" else row.measure
            if kind and row.scale != "proportion":
                by_measure.setdefault(kind, []).append(row.study_id)
    if len(by_measure) > 1 and not group.refusal:
        listed = "; ".join(f"{kind}: {', '.join(ids)}" for kind, ids in by_measure.items())
        raise UsageError(
            _no_pool(group, f"ratios and differences are never pooled together ({listed})")
            + " Leave all but one kind out with --without."
        )


def _one_kind(rows: list[Study], group: Group) -> None:
    kinds = sorted({row.kind for row in rows})
    if len(kinds) > 1:
        listed = "; ".join(f"{kind}: {', '.join(r.study_id for r in rows if r.kind == kind)}" for kind in kinds)
        raise UsageError(_no_pool(group, f"kinds of evidence stay apart ({listed})"))


def _effect(row: Study, group: Group) -> Effect | None:
    if group.scale == "proportion":
        if row.events is None or row.denominator is None or row.denominator < 1:
            return None
        e, n = row.events, row.denominator
        half = 0.5 if e in (0, n) else 0.0  # only for plots and weights; the model uses the counts
        y = math.log((e + half) / (n - e + half))
        return Effect(row.study_id, (row,), "prop", y, 1 / (e + half) + 1 / (n - e + half), e, n)
    return effect_of(row, group.unit)


def _join_controls(usable: list[tuple[Study, Effect]], group: Group, notes: list[Note]) -> list[Effect]:
    """Join arms that share a control group; refuse the same people twice; say where one study gives several rows."""
    by_people: dict[tuple[str, str], list[tuple[Study, Effect]]] = {}
    for row, effect in usable:
        by_people.setdefault((row.family, row.people), []).append((row, effect))
    joined: list[Effect] = []
    for same in by_people.values():
        if len(same) == 1:
            joined.append(same[0][1])
            continue
        ids = ", ".join(row.study_id for row, _ in same)
        arms = {row.intervention for row, _ in same}
        times = {row.week for row, _ in same}
        if len(arms) < len(same) or len(times) > 1 or group.scale == "proportion":
            raise UsageError(
                _no_pool(group, f"{ids} count the same people more than once")
                + " Leave all but one of them out with --without."
            )
        one, covariance = shared_control([effect for _, effect in same])
        control = same[0][0].control or same[0][0].comparator or "the same control"
        notes.append(Note("shared_control", {"ids": ids, "control": control, "covariance": covariance}))
        joined.append(one)
    families: dict[str, list[str]] = {}
    for effect in joined:
        families.setdefault(effect.members[0].family, []).append(effect.study_id)
    for family, members_of in families.items():
        if len(members_of) > 1:
            notes.append(Note("same_study", {"ids": ", ".join(members_of), "family": family}))
    return joined


def _opposite(effects: list[Effect], group: Group) -> None:
    """Two studies whose intervals lie on opposite sides of no effect have no mean worth showing."""
    if len(effects) != 2 or group.scale == "proportion":
        return
    z = 1.959963984540054
    sides = [(e.y - z * math.sqrt(e.v) > 0) - (e.y + z * math.sqrt(e.v) < 0) for e in effects]
    if sides[0] * sides[1] < 0:
        raise UsageError(
            _no_pool(
                group,
                f"{effects[0].study_id} and {effects[1].study_id} are of opposite kind: their intervals lie on "
                "opposite sides of no effect, and a mean of two such studies describes neither",
            )
            + " Read them one by one, or leave one out with --without."
        )


def _mixed_ratios(rows: list[Study], group: Group) -> list[Note]:
    measures = sorted({row.measure for row in rows if row.scale == "ratio"})
    if len(measures) < 2:
        return []
    risks = {
        row.study_id: row.events_control / row.n_control
        for row in rows
        if row.events_control is not None and row.n_control
    }
    common = {study: risk for study, risk in risks.items() if risk > RARE}
    if common:
        listed = ", ".join(f"{study} {risk:.0%}" for study, risk in common.items())
        raise UsageError(
            _no_pool(
                group,
                f"{' and '.join(measures)} agree only where the end point is rare (risk in controls at most "
                f"{RARE:.0%}), and it is not: {listed}",
            )
            + " Leave out all but one measure with --without."
        )
    if risks:
        largest = max(risks, key=lambda study: risks[study])
        shown = f"The largest risk in a control group is {risks[largest]:.1%} ({largest})"
        unknown = [row.study_id for row in rows if row.study_id not in risks]
        shown += f"; not known for {', '.join(unknown)}." if unknown else "."
    else:
        shown = "No row gives the risk in its control group, so this could not be checked."
    return [Note("mixed_ratios", {"measures": " and ".join(measures), "shown": shown})]


def _only_p(row: Study) -> bool:
    return row.scale in ("ratio", "difference") and row.ci_low is None and row.ci_high is None and bool(row.p)


def _provenance(rows: list[Study], group: Group) -> list[Note]:
    notes = [Note("one_sided", {"id": row.study_id}) for row in rows if row.ci_kind.startswith("one-sided")]
    for key, ids in (
        ("from_p", [row.study_id for row in rows if row.ci_kind.endswith("from p") or _only_p(row)]),
        ("recalled", [row.study_id for row in rows if row.tag != "V"]),
    ):
        if ids:
            notes.append(Note(key, {"ids": ", ".join(ids)}))
    converted = [row.study_id for row in rows if group.unit and row.unit != group.unit and row.scale == "difference"]
    if converted:
        notes.append(Note("unit", {"unit": group.unit, "ids": ", ".join(converted)}))
    return notes
