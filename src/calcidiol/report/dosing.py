"""Doses in words: one run of equal doses, a whole regimen, and the short text of a regimen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from calcidiol.report.words import UNITS, Words

_PART = re.compile(
    r"(?P<route>im|oral) (?:(?P<substance>[a-z]\S*) )?(?P<amount>[\d.]+) (?P<unit>IU|ug)(?: as (?P<product>\S+))?"
    r"(?: once| (?:(?P<daily>daily)|every (?P<days>[\d.]+) d) x (?P<count>\d+))(?: from day (?P<day>\d+))?"
)

MOST_DAYS = 26
"""Injections of one run whose days are all told."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run of doses, ready to be shown."""

    first: str
    last: str
    days: str
    dose: str
    volume: str
    pieces: str
    route: str
    route_id: str
    product: str
    substance: str
    rhythm: str
    count: int
    total: str


def number(value: float) -> str:
    """A number with thousands separated and no needless decimals."""
    return f"{value:,.10g}"


def amount(value: float, unit: str) -> str:
    """Amount of one dose with its unit."""
    return f"{number(value)} {UNITS.get(unit, unit)}"


def last_day(run: Mapping[str, Any]) -> date:
    """Day of the last dose of a run."""
    return date.fromisoformat(run["start"]) + timedelta(days=run["every_days"] * max(run["count"] - 1, 0))


def rhythm(every_days: float, count: int, w: Words) -> str:
    """How often, in words."""
    if count <= 1:
        return w.say("ui.once")
    return w.say("ui.daily") if every_days == 1 else w.say("ui.every", {"days": every_days})


def steps(regimen: Mapping[str, Any] | None, w: Words) -> tuple[Step, ...]:
    """The runs of a regimen in order."""
    from calcidiol.terminology import products

    table = products()
    told = []
    for run in (regimen or {}).get("doses", ()):
        product = table.get(run["product"])
        named = run.get("product_name") or (product.name if product else run["product"])
        if run["iu"] is not None:
            total = f"{number(run['iu'] * run['count'])} IU"
        else:
            total = amount(run["amount"] * run["count"], run["unit"])
        told.append(
            Step(
                first=run["start"],
                last=last_day(run).isoformat(),
                days=_days(run, w),
                dose=amount(run["amount"], run["unit"]),
                volume=f"{run['volume_ml']:.4g} mL" if run.get("volume_ml") else "",
                pieces=_pieces(run, product, w),
                route=w.name("route", run["route"]),
                route_id=run["route"],
                product=named,
                substance=w.name("substance", run.get("substance") or ""),
                rhythm=rhythm(run["every_days"], run["count"], w),
                count=run["count"],
                total=total,
            )
        )
    return tuple(told)


def _days(run: Mapping[str, Any], w: Words) -> str:
    """Each day of a run of injections: these are the visits to book."""
    if run["route"] != "im" or not 1 < run["count"] <= MOST_DAYS:
        return ""
    start = date.fromisoformat(run["start"])
    return w.listed([(start + timedelta(days=run["every_days"] * i)).isoformat() for i in range(run["count"])])


def pieces(run: Mapping[str, Any], product: Any) -> tuple[float, float]:
    """Pieces of a product in one dose, and pieces opened for it; zeros when not known."""
    if product is None or run["unit"] != product.strength_unit:
        return 0.0, 0.0
    part = float(run["amount"] / product.strength_amount)
    return part, float(math.ceil(part - 1e-6)) if product.form == "ampoule" else part


def _pieces(run: Mapping[str, Any], product: Any, w: Words) -> str:
    """How many pieces make one dose, and all doses; what is left in an opened ampoule is not kept."""
    part, count = pieces(run, product)
    if product is None or not count:
        return ""
    if product.form == "solution":  # the volume of one dose stands beside the dose
        return w.say("ui.pieces_solution", {"all": part * run["count"]}) if run["count"] > 1 else ""
    kind = "piece" if abs(count - 1.0) < 1e-6 else "pieces"
    told = w.say(f"ui.{kind}_{product.form}", {"count": count})
    if run["count"] > 1:
        told = w.say("ui.pieces_all", {"dose": told, "all": count * run["count"]})
    return told if count - part < 1e-6 else w.say("ui.pieces_rest", {"told": told})


def sentence(regimen: Mapping[str, Any], w: Words) -> str:
    """A whole regimen in one line."""
    if not regimen["doses"]:
        return w.say("ui.no_dose_now")
    made = []
    for s in steps(regimen, w):
        substance = f" {s.substance}" if s.substance and s.substance != w.name("substance", "cholecalciferol") else ""
        made.append(_one(f"{s.dose}{substance}", s.route, s.rhythm, s.count, w))
    return w.say("ui.then").join(made)


def worded(name: str, w: Words) -> str:
    """The short text of a regimen ("im 50000 IU every 14 d x 2") in words; unchanged where it is something else."""
    if name == "none":
        return w.say("ui.no_dose_now")
    told = ""
    for i, part in enumerate(re.split(r"( then | \+ )", name)):
        if i % 2:
            told += w.say("ui.then") if part == " then " else w.say("ui.and")
            continue
        found = _PART.fullmatch(part)
        if found is None:
            return name
        count = int(found["count"] or 1)
        every = 1.0 if found["daily"] else float(found["days"] or 0)
        dose = amount(float(found["amount"]), "ug" if found["unit"] == "ug" else "[iU]")
        if found["substance"]:
            dose += f" {w.name('substance', found['substance'])}"
        told += _one(dose, w.name("route", found["route"]), rhythm(every, count, w), count, w)
        if found["day"]:
            told += w.say("ui.from_day", {"day": int(found["day"])})
    return told


def _one(dose: str, route: str, how_often: str, count: int, w: Words) -> str:
    times = f"\u00a0\u00d7\u00a0{count}" if count > 1 else ""
    return w.say("ui.dose_phrase", {"dose": dose, "route": route, "rhythm": how_often}) + times
