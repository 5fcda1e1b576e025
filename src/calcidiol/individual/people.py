"""Covariates of one patient, N times: what is known is fixed, what is not is drawn and named."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcidiol.individual.card_uncertainty import moves
from calcidiol.kinetics import Card, Covariates
from calcidiol.patient.record import Patient
from calcidiol.terminology.conditions import malabsorption_of

Floats = NDArray[np.float64]
CANCERS = ("cancer", "leukemia", "lymphoma", "myeloma", "hematologic_cancer")
INDUCERS = ("enzyme_inducer", "inducing_antiepileptic", "rifampicin", "inducing_antiandrogen")


@dataclass(frozen=True, slots=True)
class Imputed:
    """A covariate that the record does not have: its name, how it was drawn (text id), source and tag."""

    name: str
    text_id: str
    source: str
    tag: str
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class People:
    """N copies of the patient with the unknown drawn; `level` is the prior median of the untreated level (N,).

    `moves` (N, K) is how far the card's population values are taken to lie from the card in each copy.
    """

    covariates: Covariates
    level: Floats
    moves: Floats
    imputed: tuple[Imputed, ...]


@cache
def table() -> dict[str, Any]:
    """What is known of people (`data/people.toml`, from NHANES) and what we chose (`data/choices.toml`)."""
    folder = files("calcidiol.individual").joinpath("data")
    return {
        **tomllib.loads(folder.joinpath("people.toml").read_text(encoding="utf-8")),
        **tomllib.loads(folder.joinpath("choices.toml").read_text(encoding="utf-8")),
    }


def typical(who: People) -> People:
    """One person with the mean covariates and the card's own values, for the mode."""
    mean = {f.name: np.array([getattr(who.covariates, f.name).mean()]) for f in fields(Covariates)}
    none = np.zeros((1, who.moves.shape[1]))
    return People(Covariates(**mean), np.exp([np.log(who.level).mean()]), none, who.imputed)


def repeat(who: People, n: int) -> People:
    """The first person `n` times."""
    rows = np.zeros(n, dtype=np.int64)
    return People(who.covariates.take(rows), who.level[rows], who.moves[rows], who.imputed)


def joined(first: People, later: People) -> People:
    """Both together; what was imputed is the same for draws of one patient."""
    both = {
        f.name: np.concatenate([getattr(first.covariates, f.name), getattr(later.covariates, f.name)])
        for f in fields(Covariates)
    }
    level, moved = (np.concatenate([getattr(first, k), getattr(later, k)]) for k in ("level", "moves"))
    return People(Covariates(**both), level, moved, first.imputed)


def people(patient: Patient, card: Card, on: date, n: int, rng: np.random.Generator) -> People:
    """Draw what is unknown of a patient.

    Parameters
    ----------
    patient, card, on
        The record, the model card and the day of the plan.
    n
        How many copies.
    rng
        Random generator; the same one gives the same people.
    """
    known = table()
    imputed: list[Imputed] = []

    def note(name: str, text_id: str, room: dict[str, Any], **params: object) -> None:
        imputed.append(Imputed(name, text_id, room["source"], room["tag"], params))

    age_known = patient.age_on(on)
    if age_known is None or not 0 <= age_known < 130:
        age = rng.uniform(known["age"]["low"], known["age"]["high"], n)
        note("age", "imputed.age", known["age"], low=known["age"]["low"], high=known["age"]["high"])
    else:
        age = np.full(n, age_known)
    if patient.sex is None:
        female = (rng.random(n) < 0.5).astype(float)
        note("sex", "imputed.sex", known)
    else:
        female = np.full(n, float(patient.sex == "female"))
    weight, height = _body(patient, on, age, female, rng, note, known)
    bmi = weight / (height / 100.0) ** 2
    latitude, avoids = _season(patient, n, rng, note, known)
    egfr = _egfr(patient, on, age, female, rng, n, note, known)
    cancer = float(any(patient.has(c) for c in CANCERS))
    concepts = [c for x in patient.conditions if x.active for c in x.concepts]
    concepts += [c for x in patient.procedures for c in x.concepts]
    # Bypass lowers the uptake more than other mild causes (project notes on kinetics 6, R).
    malabsorption = 2.0 if "bariatric_surgery" in concepts else float(malabsorption_of(concepts))
    covariates = Covariates(
        weight_kg=weight,
        bmi=bmi,
        age_y=age,
        female=female,
        latitude_deg=latitude,
        avoids_sun=avoids,
        cancer=np.full(n, cancer),
        acute=np.zeros(n),
        malabsorption=np.full(n, malabsorption),
        inducer=np.full(n, float(any(patient.takes(c, on) for c in INDUCERS))),
        glucocorticoid=np.full(n, float(patient.takes("glucocorticoid", on))),
        egfr=egfr,
        liver_failure=np.full(n, float(patient.has("child_pugh_c"))),
    )
    law = known["level"]
    log_level = (
        law["intercept"]
        + law["female"] * female
        + law["per_10_y"] * (np.clip(age, 18, 80) - 50.0) / 10.0
        + law["per_5_bmi"] * (np.clip(bmi, 16, 50) - 27.0) / 5.0
    )
    factor = known["unsupplemented"]["level_factor"] * (known["cancer"]["level_factor"] if cancer else 1.0)
    return People(covariates, factor * np.exp(log_level), moves(card, n, rng), tuple(imputed))


def _possible(value: float | None) -> float | None:
    """A size that a body can have; anything else counts as unknown (the findings say that it is impossible)."""
    return value if value is not None and 0 < value < 1000 else None


def _body(
    patient: Patient, on: date, age: Floats, female: Floats, rng: np.random.Generator, note: Any, known: dict[str, Any]
) -> tuple[Floats, Floats]:
    n = len(age)
    weight, height = _possible(patient.weight_on(on)), _possible(patient.height_on(on))
    z1, z2 = rng.standard_normal(n), rng.standard_normal(n)
    log_w, log_h = np.empty(n), np.empty(n)
    for row in known["people"]:
        here = ((female > 0.5) == (row["sex"] == "female")) & (age >= row["age_from"]) & (age < row["age_to"])
        if row["age_to"] >= 81:
            here |= ((female > 0.5) == (row["sex"] == "female")) & (age >= row["age_to"])
        if row["age_from"] <= 18:
            here |= ((female > 0.5) == (row["sex"] == "female")) & (age < row["age_from"])
        w, h, r = row["log_weight_kg"], row["log_height_cm"], row["correlation"]
        # The one that is known conditions the other.
        zh = z2 if height is None else np.full(n, (np.log(height) - h["mean"]) / h["sd"])
        if weight is None:
            zw = r * zh + np.sqrt(1 - r * r) * z1
        else:
            zw = np.full(n, (np.log(weight) - w["mean"]) / w["sd"])
            if height is None:
                zh = r * zw + np.sqrt(1 - r * r) * z2
        log_w[here] = (w["mean"] + w["sd"] * zw)[here]
        log_h[here] = (h["mean"] + h["sd"] * zh)[here]
    if weight is None:
        note("weight", "imputed.weight", known, sex=patient.sex)
    if height is None:
        note("height", "imputed.height", known, sex=patient.sex)
    return np.exp(log_w) if weight is None else np.full(n, weight), (
        np.exp(log_h) if height is None else np.full(n, height)
    )


def _season(
    patient: Patient, n: int, rng: np.random.Generator, note: Any, known: dict[str, Any]
) -> tuple[Floats, Floats]:
    room = known["latitude"]
    drawn = rng.uniform(room["low"], room["high"], n) * np.where(rng.random(n) < room["south_share"], -1.0, 1.0)
    shade = (rng.random(n) < 0.5).astype(float)
    if patient.latitude_deg is None:
        note("latitude", "imputed.latitude", room, low=room["low"], high=room["high"], south=room["south_share"])
    else:
        drawn = np.full(n, patient.latitude_deg)
    if patient.sun is None:
        note("sun", "imputed.sun", room)
    else:
        shade = np.full(n, float(patient.sun == "avoids"))
    return drawn, shade


def _egfr(
    patient: Patient, on: date, age: Floats, female: Floats, rng: np.random.Generator, n: int, note: Any, known: Any
) -> Floats:
    drawn = np.clip(rng.normal(known["egfr"]["mean"], known["egfr"]["sd"], n), 15.0, 140.0)
    reported, creatinine = patient.last("egfr", on), patient.last("creatinine", on)
    if reported is not None and 0 < reported.value < 1000 and (creatinine is None or reported.when >= creatinine.when):
        return np.full(n, reported.value)
    if creatinine is not None and 0 < creatinine.value < np.inf:
        # CKD-EPI 2021 (Inker 2021), creatinine in umol/L.
        s = creatinine.value / 88.42
        k = np.where(female > 0.5, 0.7, 0.9)
        a = np.where(female > 0.5, -0.241, -0.302)
        rate = 142 * np.minimum(s / k, 1) ** a * np.maximum(s / k, 1) ** -1.200 * 0.9938**age
        return np.asarray(rate * np.where(female > 0.5, 1.012, 1.0))
    note("egfr", "imputed.egfr", known["egfr"], mean=known["egfr"]["mean"], sd=known["egfr"]["sd"])
    return drawn
