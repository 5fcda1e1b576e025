"""Pooling a group of studies: which rows may stand together, and the mean with its uncertainty."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from calcidiol.errors import UsageError
from calcidiol.evidence.binomial import exact_interval, fit_binomial
from calcidiol.evidence.effect import Effect, Scale, natural, published_interval
from calcidiol.evidence.estimate import Fit, Interval, Method, check_interval, check_method, fit
from calcidiol.evidence.load import DATA, load
from calcidiol.evidence.record import Group, Ledger, Study
from calcidiol.evidence.select import Note, Selection, select

FEW = 5
"""Below this many studies a pool carries a note; PyMARE's Wald intervals had 10 % errors at k = 5."""


@dataclass(frozen=True, slots=True)
class PooledStudy:
    """One study in a pool, on the natural scale; weight in percent."""

    study_id: str
    label: str
    year: int
    estimate: float
    ci_low: float
    ci_high: float
    weight: float
    measure: str
    members: tuple[str, ...]
    tag: str
    n: int | None
    risk_of_bias: str
    y: float
    v: float

    def to_dict(self) -> dict[str, Any]:
        """The study as plain data."""
        return {
            "study_id": self.study_id,
            "label": self.label,
            "year": self.year or None,
            "measure": self.measure,
            "estimate": self.estimate,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "weight": self.weight,
            "members": list(self.members),
            "tag": self.tag,
            "n": self.n,
            "risk_of_bias": self.risk_of_bias,
        }


@dataclass(frozen=True, slots=True)
class Pool:
    """A pooled group; ratios and shares stand on their own scale, tau2 on the working scale, I2 in percent."""

    group: str
    title: str
    benefit: str
    k: int
    method: str
    interval: str
    measure: str
    scale: Scale
    unit: str
    estimate: float
    ci_low: float
    ci_high: float
    pi_low: float | None
    pi_high: float | None
    tau2: float
    i2: float
    q: float
    q_p: float | None
    notes: tuple[Note, ...]
    studies: tuple[PooledStudy, ...]
    excluded: tuple[Note, ...]
    effects: tuple[Effect, ...]

    @property
    def no_effect(self) -> float | None:
        """The value that means no effect: 1 for ratios, 0 for differences, none for shares."""
        return {"ratio": 1.0, "difference": 0.0, "proportion": None}[self.scale]

    def to_dict(self) -> dict[str, Any]:
        """The pool as plain data, with its notes as sentences (and their ids beside them)."""
        from calcidiol.evidence.sensitivity import summary  # which needs the type Pool

        every = (*self.notes, *self.excluded)
        return {
            "group": self.group,
            "title": self.title,
            "k": self.k,
            "method": self.method,
            "interval": self.interval,
            "measure": self.measure,
            "unit": self.unit or None,
            "benefit": self.benefit,
            "estimate": self.estimate,
            "ci_low": self.ci_low,
            "ci_high": self.ci_high,
            "pi_low": self.pi_low,
            "pi_high": self.pi_high,
            "tau2": self.tau2,
            "i2": self.i2,
            "q": self.q,
            "q_p": self.q_p,
            "notes": [note_text(note) for note in every],
            "note_ids": [note.id for note in every],
            "studies": [study.to_dict() for study in self.studies],
            "sensitivity": summary(self),
        }


@lru_cache(maxsize=1)
def note_templates() -> Mapping[str, str]:
    """Sentences of notes in English: id -> text with parameters."""
    return tomllib.loads((Path(DATA) / "notes.toml").read_text(encoding="utf-8"))


def note_text(note: Note) -> str:
    """The sentence of a note."""
    return note_templates()[note.id].format(**note.params)


def find_group(name: str, ledger: Ledger) -> Group:
    """The group of that name.

    Raises
    ------
    UsageError
        With the nearest names, when there is none.
    """
    groups = ledger.groups
    if name in groups:
        return groups[name]
    folded = {g.casefold(): g for g in groups}
    if name.casefold() in folded:
        return groups[folded[name.casefold()]]
    near = [folded[n] for n in difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.4)]
    raise UsageError(
        f"There is no group {name!r}. " + (f"Near: {', '.join(near)}. " if near else "") + f"All: {', '.join(groups)}."
    )


def pool(
    group: str,
    method: str = "REML",
    interval: str = "hk",
    without: Iterable[str] = (),
    *,
    ledger: Ledger | None = None,
) -> Pool:
    """Pool the studies of a group by random effects.

    Parameters
    ----------
    group
        Name of a group, for example ``CANCER_MORTALITY_RCT``.
    method
        Between-study variance: ``REML`` (default), ``DL``, ``PM``.
    interval
        ``hk`` (Hartung-Knapp with the variance factor max(1, q), default) or ``wald``.
    without
        Ids of studies to leave out.
    ledger
        Ours when left out.

    Raises
    ------
    UsageError
        For an unknown group, method, interval or study, and where the studies are not a pool: the message says why.

    Examples
    --------
    >>> pooled = pool("CANCER_MORTALITY_RCT")
    >>> pooled.k, round(pooled.estimate, 2)
    (6, 0.93)
    """
    chosen, kind = check_method(method), check_interval(interval)
    ledger = ledger or load()
    found = find_group(group, ledger)
    return pool_selection(select(found, ledger, tuple(without)), chosen, kind)


def pool_selection(selection: Selection, method: Method, interval: Interval) -> Pool:
    """Pool what was selected."""
    if selection.scale == "proportion":
        return _pool_shares(selection, method, interval)
    return _pool_effects(selection, method, interval)


def _pool_effects(selection: Selection, method: Method, interval: Interval) -> Pool:
    scale = selection.scale
    effects = selection.effects
    y = np.array([e.y for e in effects])
    v = np.array([e.v for e in effects])
    fitted = fit(y, v, method=method, interval=interval)
    k = len(effects)
    notes = [*selection.notes, *_size_notes(k)]
    if k > 1:
        notes += _interval_notes(y, v, method, interval, fitted, scale)
        notes += _contradiction(effects, fitted, scale)
    half = np.sqrt(v) * 1.959963984540054
    has_pi = not math.isnan(fitted.pi_low)
    measures = sorted({e.measure for e in effects})
    return _result(
        selection,
        method=method,
        interval=interval,
        measure="/".join(measures),
        estimate=natural(float(fitted.coef[0]), scale),
        ci=(natural(float(fitted.ci_low[0]), scale), natural(float(fitted.ci_high[0]), scale)),
        pi=(natural(fitted.pi_low, scale), natural(fitted.pi_high, scale)) if has_pi else (None, None),
        spread=(fitted.tau2, fitted.i2, fitted.q, fitted.q_p if k > 1 else None),
        notes=notes,
        bounds=[
            published_interval(e, scale, selection.group.unit) or (natural(a, scale), natural(b, scale))
            for e, a, b in zip(effects, y - half, y + half, strict=True)
        ],
        weights=[float(w) for w in fitted.weights],
    )


def _pool_shares(selection: Selection, method: Method, interval: Interval) -> Pool:
    effects = selection.effects
    e = [_count(x.events) for x in effects]
    n = [_count(x.denominator) for x in effects]
    k, events, people = len(effects), sum(e), sum(n)
    notes = [*selection.notes, *_size_notes(k)]
    bounds = [exact_interval(a, b) for a, b in zip(e, n, strict=True)]
    pi: tuple[float | None, float | None] = (None, None)
    spread: tuple[float, float, float, float | None] = (0.0, 0.0, 0.0, None)
    weights = [100.0 * b / people for b in n]
    estimate, ci = events / people, exact_interval(events, people)
    chosen = "exact"
    if events in (0, people) and k > 1:
        notes.append(Note("no_events" if events == 0 else "all_events", {"n": people, "k": k}))
    elif k == 1:
        notes.append(Note("exact"))
    elif (fitted := fit_binomial(np.array(e, dtype=float), np.array(n, dtype=float), interval)) is None:
        with_events = sum(a > 0 for a in e)
        notes.append(Note("no_spread", {"events": events, "n": people, "with_events": with_events, "k": k}))
    else:
        estimate = natural(fitted.mean, "proportion")
        ci = (natural(fitted.ci_low, "proportion"), natural(fitted.ci_high, "proportion"))
        pi = (natural(fitted.pi_low, "proportion"), natural(fitted.pi_high, "proportion"))
        spread = (fitted.tau2, fitted.i2, fitted.q, fitted.q_p)
        chosen = "GLMM"
        weights = [float(w) for w in fitted.weights]
        critical = f"t on {k - 1} degrees of freedom" if interval == "hk" else "normal"
        notes.append(Note("proportions", {"method": method, "critical": critical}))
    return _result(
        selection,
        method=chosen,
        interval=interval,
        measure="prop",
        estimate=estimate,
        ci=ci,
        pi=pi,
        spread=spread,
        notes=notes,
        bounds=bounds,
        weights=weights,
    )


def _count(value: int | None) -> int:
    assert value is not None  # the selection keeps only rows with counts
    return value


def _result(
    selection: Selection,
    *,
    method: str,
    interval: str,
    measure: str,
    estimate: float,
    ci: tuple[float, float],
    pi: tuple[float | None, float | None],
    spread: tuple[float, float, float, float | None],
    notes: list[Note],
    bounds: list[tuple[float, float]],
    weights: list[float],
) -> Pool:
    scale = selection.scale
    studies = []
    for effect, (low, high), weight in zip(selection.effects, bounds, weights, strict=True):
        shown = effect.events / effect.denominator if effect.events is not None and effect.denominator else None
        studies.append(
            PooledStudy(
                study_id=effect.study_id,
                label=effect.label,
                year=effect.year,
                estimate=natural(effect.y, scale) if shown is None else shown,
                ci_low=low,
                ci_high=high,
                weight=weight,
                measure=effect.measure,
                members=tuple(m.study_id for m in effect.members),
                tag=worst_tag(effect.members),
                n=_people(effect),
                risk_of_bias=max((m.risk_of_bias for m in effect.members), key=("low", "some", "high").index),
                y=effect.y,
                v=effect.v,
            )
        )
    return Pool(
        group=selection.group.id,
        title=selection.group.title,
        benefit=selection.group.benefit,
        k=len(studies),
        method=method,
        interval=interval,
        measure=measure,
        scale=scale,
        unit=selection.group.unit if scale == "difference" else "",
        estimate=estimate,
        ci_low=ci[0],
        ci_high=ci[1],
        pi_low=pi[0],
        pi_high=pi[1],
        tau2=spread[0],
        i2=spread[1],
        q=spread[2],
        q_p=spread[3],
        notes=tuple(notes),
        studies=tuple(studies),
        excluded=selection.excluded,
        effects=selection.effects,
    )


def worst_tag(members: tuple[Study, ...]) -> str:
    """R if any row was recalled, else V."""
    return max((m.tag for m in members), key="VSPR".index)


def _people(effect: Effect) -> int | None:
    if effect.denominator is not None:
        return effect.denominator
    if any(m.n_treat is None or m.n_control is None for m in effect.members):
        return None
    treated = sum(m.n_treat or 0 for m in effect.members)
    return treated + (effect.members[0].n_control or 0)


def _size_notes(k: int) -> list[Note]:
    if k == 1:
        return [Note("one_study")]
    if k == 2:
        return [Note("two_studies")]
    return [Note("few_studies", {"k": k})] if k < FEW else []


def _interval_notes(
    y: np.ndarray[Any, Any],
    v: np.ndarray[Any, Any],
    method: Method,
    interval: Interval,
    fitted: Fit,
    scale: Scale,
) -> list[Note]:
    if interval == "wald":
        return [Note("wald", {"df": fitted.df})]
    if fitted.factor >= 1.0 - 1e-6:
        return []
    plain = fit(y, v, method=method, interval="hk", floor=False)
    wald = fit(y, v, method=method, interval="wald")
    narrower = plain.ci_high[0] - plain.ci_low[0] < wald.ci_high[0] - wald.ci_low[0]
    return [
        Note(
            "hk_narrower" if narrower else "hk_floor",
            {
                "factor": fitted.factor,
                "plain_low": natural(float(plain.ci_low[0]), scale),
                "plain_high": natural(float(plain.ci_high[0]), scale),
                "wald_low": natural(float(wald.ci_low[0]), scale),
                "wald_high": natural(float(wald.ci_high[0]), scale),
            },
        )
    ]


def _contradiction(effects: tuple[Effect, ...], fitted: Fit, scale: Scale) -> list[Note]:
    z = 1.959963984540054
    below = [e.study_id for e in effects if e.y + z * math.sqrt(e.v) < 0]
    above = [e.study_id for e in effects if e.y - z * math.sqrt(e.v) > 0]
    notes = []
    if below and above:
        notes.append(Note("opposite_sides", {"below": ", ".join(below), "above": ", ".join(above)}))
    if fitted.ci_low[0] * fitted.ci_high[0] > 0 and fitted.pi_low * fitted.pi_high <= 0:
        low, high = natural(fitted.pi_low, scale), natural(fitted.pi_high, scale)
        notes.append(Note("prediction_wide", {"low": low, "high": high}))
    return notes
