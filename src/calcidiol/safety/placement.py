"""Where injections fit into the cancer treatment: away from the nadir and from procedures, with a visit that is due.

Doses are only ever delayed, whole runs at a time, by at most `LATEST_D` days, so that no wait becomes shorter. What
comes out has to pass the gate like any other regimen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from calcidiol.kinetics.events import DoseRun, Regimen
from calcidiol.patient.record import Patient
from calcidiol.safety.watch import DRAWS

HORIZON_D = 365
"""Days ahead in which a bone-targeted agent is named."""
LATEST_D = 14
"""Longest delay of a run of injections, days (P)."""
NADIR_AROUND_D = 3
"""Days around a nadir named in the record in which no injection is placed (P)."""
NADIR_AFTER_CHEMO_D = (7, 14)
"""Days after a cycle in which counts are expected lowest, where the record names no nadir (R; varies with the drug)."""
PROCEDURE_AROUND_D = 2
"""Days around an operation or procedure in which no injection is placed (P)."""

_CHEMO = ("chemotherapy", "chemo", "cycle", "infusion")
_PROCEDURES = ("operation", "procedure", "surgery")


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece of advice on where or when: `text_id` and its `params`."""

    text_id: str
    params: dict[str, object] = field(default_factory=dict)
    tag: str = "P"


def place(patient: Patient, regimen: Regimen, on: date) -> tuple[Regimen, tuple[Placed, ...]]:
    """The regimen with its injections moved to days that fit, and why.

    Parameters
    ----------
    patient
        The record; its visits, radiotherapy, surgery and lymphedema are looked at.
    regimen
        What is meant to be given.
    on
        Day of the plan.

    Returns
    -------
    Regimen, tuple of Placed
        The same regimen when nothing speaks against its days (advice on the site may still come with it).
    """
    avoid = _avoid(patient)
    visits = {v.when: v.kind for v in patient.visits if v.kind in DRAWS and v.when >= on}
    runs: list[DoseRun] = []
    said: list[Placed] = []
    for run in regimen.runs:
        moved, advice = _place(run, avoid, visits) if run.route == "im" else (run, [])
        runs.append(moved)
        said.extend(advice)
    if any(run.route == "im" for run in regimen.runs):
        said.extend(_sites(patient))
        said.extend(_agents(patient, on))
    placed = regimen if tuple(runs) == regimen.runs else replace(regimen, runs=tuple(runs))
    return placed, tuple(said)


def _avoid(patient: Patient) -> dict[date, str]:
    """Days on which no injection is placed, and why."""
    days: dict[date, str] = {}
    nadirs = [v.when for v in patient.visits if v.kind == "nadir"]
    for v in patient.visits:
        if v.kind in _PROCEDURES:
            _fill(days, v.when, -PROCEDURE_AROUND_D, PROCEDURE_AROUND_D, v.kind)
        elif v.kind in _CHEMO and not nadirs:
            _fill(days, v.when, *NADIR_AFTER_CHEMO_D, "nadir")
    for day in nadirs:
        _fill(days, day, -NADIR_AROUND_D, NADIR_AROUND_D, "nadir")
    return days


def _fill(days: dict[date, str], day: date, first: int, last: int, why: str) -> None:
    for k in range(first, last + 1):
        days[day + timedelta(days=k)] = why


def _place(run: DoseRun, avoid: dict[date, str], visits: dict[date, str]) -> tuple[DoseRun, list[Placed]]:
    """The delay with the fewest doses on days to avoid, then the most on visit days, then the shortest."""
    options = []
    for delay in range(LATEST_D + 1):
        days = [run.start + timedelta(days=delay + int(run.every_days * k + 1e-9)) for k in range(run.count)]
        options.append((sum(d in avoid for d in days), -sum(d in visits for d in days), delay))
    now = options[0]
    best = min(options)
    if best[0] == now[0]:
        best = now
    hit = next((avoid[d] for d in _days(run) if d in avoid), "")
    moved = run if best[2] == 0 else replace(run, start=run.start + timedelta(days=best[2]))
    said: list[Placed] = []
    if best[2]:
        said.append(Placed("place.moved", {"from": run.start.isoformat(), "to": moved.start.isoformat(), "why": hit}))
    still = [d.isoformat() for d in _days(moved) if d in avoid]
    if still:
        said.append(Placed("place.unavoidable", {"days": ", ".join(still), "why": hit}))
    with_visit = [d for d in _days(moved) if d in visits]
    if with_visit:
        said.append(
            Placed(
                "place.with_visit",
                {"days": ", ".join(d.isoformat() for d in with_visit), "visit": visits[with_visit[0]]},
            )
        )
    return moved, said


def _days(run: DoseRun) -> list[date]:
    return [run.start + timedelta(days=int(run.every_days * k + 1e-9)) for k in range(run.count)]


def _sites(patient: Patient) -> list[Placed]:
    """Sites to leave out: irradiated, lymphedema side."""
    said = []
    for concept, text_id in (
        ("radiotherapy", "place.site_irradiated"),
        ("lymphedema", "place.site_lymphedema"),
        ("axillary_surgery", "place.site_lymphedema"),
    ):
        if patient.has(concept):
            found = [(p.details, p.text) for p in patient.procedures if concept in p.concepts]
            found += [(c.details, c.text) for c in patient.conditions if concept in c.concepts]
            sites = [details.get("site") or details.get("side") or text for details, text in found]
            said.append(Placed(text_id, {"site": ", ".join(dict.fromkeys(s for s in sites if s))}, "R"))
    return said


def _agents(patient: Patient, on: date) -> list[Placed]:
    """Doses of a bone-targeted agent that are due: calcium and 25(OH)D before them."""
    days = sorted(v.when for v in patient.visits if v.kind == "bone_agent" and 0 <= (v.when - on).days <= HORIZON_D)
    return [Placed("place.bone_agent", {"when": days[0].isoformat()})] if days else []
