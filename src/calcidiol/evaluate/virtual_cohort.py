"""Virtual patients with doses and labs for judging individual forecasts: who, which schedule, when a result is drawn.

Everything chosen here stands in `data/virtual.toml`. The level and the results come from a card (`individual.virtual`).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from calcidiol.errors import UsageError
from calcidiol.individual.people import people
from calcidiol.kinetics import Card
from calcidiol.patient.record import Condition, GivenDose, Lab, Origin, Patient
from calcidiol.quantity import iu_to_nmol

FEWEST, MOST = 10, 100_000
"""Virtual patients that may be asked for."""
HERE = Origin("virtual")


@cache
def choices() -> dict[str, Any]:
    """What was chosen: lab days, people, schedules, limits; each with source and tag."""
    text = files("calcidiol.evaluate").joinpath("data/virtual.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, slots=True)
class Course:
    """One virtual patient before anything was measured.

    Parameters
    ----------
    patient
        Record with the doses of the whole course, no 25(OH)D result.
    first
        Day of the first dose and of the baseline result, which is drawn before it.
    lab_days
        Days of the results from `first`, rising.
    assay
        Method of the results; None when the laboratory does not name it.
    schedule, group
        Name of the schedule, and its kind: oral daily, oral weekly, im.
    """

    patient: Patient
    first: date
    lab_days: tuple[int, ...]
    assay: str | None
    schedule: str
    group: str

    def day(self, lab: int) -> date:
        """Calendar day of a result."""
        return self.first + timedelta(days=self.lab_days[lab])


def check_size(patients: int) -> None:
    """Refuse a number of patients that cannot be judged.

    Raises
    ------
    UsageError
        Fewer than 10 or more than 100,000.
    """
    if not FEWEST <= patients <= MOST:
        raise UsageError(
            f"{patients} virtual patients were asked for; needed are {FEWEST} to {MOST:,}. Give --patients, for "
            "example 200."
        )


def course(card: Card, i: int, seed: int) -> Course:
    """The course of virtual patient `i`; the same seed and number give the same course.

    Parameters
    ----------
    card
        Only where a body of the drawn sex and age is looked up; its kinetics play no part.
    i
        Number of the patient, 0 or higher; schedules take turns.
    seed
        Seed of the cohort.

    Examples
    --------
    >>> from calcidiol.kinetics import default_card
    >>> course(default_card(), 0, seed=1).schedule
    'oral 2000 IU daily'
    """
    known = choices()
    rng = np.random.default_rng([seed, 707, i])
    first = date(known["first_day"]["year"], 1, 1) + timedelta(days=int(rng.integers(0, 365)))
    weeks, shift = known["labs"]["weeks"], known["labs"]["shift_d"]
    days = tuple(7 * w + (int(rng.integers(-shift, shift + 1)) if w else 0) for w in weeks)
    plan = known["schedules"][i % len(known["schedules"])]
    doses = tuple(_dose(run, first) for run in plan["runs"])
    room = known["people"]
    told = Patient(
        f"virtual-{i}",
        sex="female" if rng.random() < 0.5 else "male",
        age_y=float(rng.uniform(room["age_low"], room["age_high"])),
        doses=doses,
        conditions=(Condition((), "cancer", ("cancer",), HERE),) if rng.random() < room["cancer_share"] else (),
    )
    if rng.random() >= room["sparse_share"]:
        told = _measured(told, card, first, rng)
    assay = None if rng.random() < room["unknown_method_share"] else "lc-ms"
    return Course(told, first, days, assay, plan["name"], plan["group"])


def _dose(run: list[Any], first: date) -> GivenDose:
    route, iu, every, count, begin = run
    return GivenDose(
        "cholecalciferol",
        route,
        iu_to_nmol(float(iu), "cholecalciferol"),
        float(iu),
        first + timedelta(days=int(begin)),
        float(every),
        int(count),
        HERE,
    )


def _measured(told: Patient, card: Card, first: date, rng: np.random.Generator) -> Patient:
    """The same patient with body, kidneys, place and sun in the record, drawn as the fit draws what it lacks."""
    one = people(told, card, first, 1, rng).covariates
    when = datetime(first.year, first.month, first.day, 8)
    height = 100.0 * float(np.sqrt(one.weight_kg[0] / one.bmi[0]))

    def size(name: str, value: float, unit: str) -> tuple[Lab, ...]:
        return (Lab(name, value, unit, when, HERE),)

    return Patient(
        told.id,
        sex=told.sex,
        age_y=told.age_y,
        doses=told.doses,
        conditions=told.conditions,
        weight_kg=size("weight", float(one.weight_kg[0]), "kg"),
        height_cm=size("height", height, "cm"),
        labs=size("egfr", float(one.egfr[0]), "mL/min/1.73 m2"),
        latitude_deg=float(one.latitude_deg[0]),
        sun="avoids" if one.avoids_sun[0] > 0.5 else "usual",
    )
