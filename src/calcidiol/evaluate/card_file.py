"""A fitted card as a TOML file that the loader takes: numbers with sources, spread between studies, covariance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calcidiol.evaluate.arms import Observation
from calcidiol.evaluate.calibrate import Fit, LeftOut
from calcidiol.evaluate.population_model import FREEDOM, OF_STUDIES, Prior
from calcidiol.kinetics import Card

POPULATION = "mostly healthy or deficient adults; few with cancer; individuals hardly seen"
FAR = 1.5
"""Fold from which a left-out prediction is named as a failure (P)."""
_IN_CARD = {"between_conversion": "conversion", "between_depot": "depot"}
"""Names under `between_studies` where they differ from those of the fit."""


def fitted_card(fit: Fit, *, id: str, version: str, data: str, known: tuple[str, ...] = ()) -> str:
    """The text of a card with the posterior means of a fit.

    Parameters
    ----------
    fit
        The fit.
    id, version
        Of the new card.
    data
        What it was fitted to, for the citation.
    known
        Failures besides those of the card it started from.
    """
    model, card = fit.model, fit.card
    sd = np.sqrt(np.diag(fit.covariance))
    fitted = {p.name: (p, float(s)) for p, s in zip(model.priors, sd, strict=True)}
    rows, studies = len(model.rows), len(model.studies)
    lines = [
        f"# Fitted to {data} by `calcidiol calibrate`; started from {model.card.id}.",
        f"id = {_text(id)}",
        f"version = {_text(version)}",
        f"structure = {_text(card.structure)}",
        f"title = {_text('Two-route model, fitted to published group means')}",
        f"citation = {_text(model.card.citation + f'; fitted to {rows} levels of {studies} studies ({data})')}",
        f"population = {_text(f'Group means of {studies} studies: {POPULATION}')}",
        "known_failures = [",
        *(f"  {_text(f)}," for f in (*known, *_kept(model.card))),
        "]",
        "",
        "[domain]",
    ]
    for name, box in card.domain.items():
        lines.append(f"{name} = {_table(box)}")
    lines += ["", "[reference]", *(f"{k} = {v!r}" for k, v in card.reference.items())]
    for room in ("parameters", "covariates", "residual", "season", "metabolites"):
        lines += ["", f"[{room}]"]
        for name, number in card.numbers[room].items():
            source, tag = number.source, number.tag
            if name in fitted or (name == "kim_slow" and "kim" in fitted):
                source, tag = _source(*fitted["kim" if name == "kim_slow" else name]), "S"
            entry = {"value": float(f"{number.value:.6g}"), "unit": number.unit, "source": source, "tag": tag}
            lines.append(f"{name} = {_table(entry)}")
    lines += ["", "[effects]"]
    for e in card.effects:
        entry = {"spread": e.spread, "acts_on": list(e.acts_on), "source": e.source, "tag": e.tag}
        lines.append(f"{e.name} = {_table(entry)}")
    lines += [
        "",
        "# Of studies, not of people. conversion, depot, scatter: log scale of a Student law of degrees_of_freedom.",
        "# The others are factors on arms of such studies (decision 0010); no patient gets them.",
        "[between_studies]",
    ]
    for p, x in zip(model.priors, fit.mean, strict=True):
        if p.name in OF_STUDIES:
            entry = {"value": float(f"{np.exp(x):.4g}"), "unit": "1", "source": _source(*fitted[p.name]), "tag": "S"}
            lines.append(f"{_IN_CARD.get(p.name, p.name)} = {_table(entry)}")
    entry = {"value": FREEDOM, "unit": "1", "source": "chosen by the left-out score among 3 to 50", "tag": "P"}
    lines.append(f"degrees_of_freedom = {_table(entry)}")
    keep = model.of_people
    covariance = fit.covariance[np.ix_(keep, keep)]
    lines += ["", "# Log scale; exponents on their own scale.", "[posterior]"]
    lines.append("names = [" + ", ".join(_text(model.names[i]) for i in keep) + "]")
    lines.append("covariance = [")
    lines += ["  [" + ", ".join(f"{v:.6g}" for v in row) + "]," for row in 0.5 * (covariance + covariance.T)]
    lines.append("]")
    return "\n".join(lines) + "\n"


def failures(left: LeftOut, rows: Sequence[Observation]) -> tuple[str, ...]:
    """What the left-out predictions show that the card cannot do, as sentences for its `known_failures`."""
    observed = np.array([float(o.observed or 1.0) for o in rows])
    off = np.log(left.predicted / observed)
    told = []
    for word, sign in (("high", 1.0), ("low", -1.0)):
        names = sorted({o.study for o, x in zip(rows, off, strict=True) if sign * x > np.log(FAR)})
        if names:
            told.append(f"predicted more than {FAR:g}-fold too {word} when left out: {', '.join(names)}")
    im = np.array([o.route == "im" for o in rows])
    if im.sum() > 1:
        gmr, gsd = np.exp(off[im].mean()), np.exp(off[im].std(ddof=1))
        told.append(f"injections, left out: geometric mean ratio {gmr:.2f}, geometric SD {gsd:.2f} ({im.sum()} levels)")
    ill = [o for o in rows if o.population.cancer]
    told.append(f"cancer: {len(ill)} levels of {len({o.study for o in ill})} studies only")
    if any(o.population.south_asia for o in rows):
        told.append(
            "studies in South Asia respond less; patients there are planned as elsewhere until their first result"
        )
    return tuple(told)


def _source(prior: Prior, sd: float) -> str:
    return f"posterior mean, {'log SD' if prior.log else 'SD'} {sd:.2f}; prior: {prior.source}"


def _kept(card: Card) -> tuple[str, ...]:
    """Failures of the first card that a fit of these parameters cannot mend."""
    mended = ("runs 1.4 to 1.7 times high", "cancer factor rests")
    return tuple(f for f in card.known_failures if not any(m in f for m in mended))


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _table(entry: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in entry.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return repr(float(value))
