"""Everything that safety says about each vignette, as plain data, for `told.json`.

    python tests/safety/safety_told.py      # writes told.json anew; look at the difference before you commit it

Limits and verdict are those of the vignette's regimen. Monitoring, stop rules and the checklists of a session are asked
for one regimen throughout and told as what differs from the first vignette.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from safety_people import ON, person

from calcidiol import safety
from calcidiol.kinetics import load_card
from calcidiol.regimen import format, parse
from calcidiol.terminology import products

HERE = Path(__file__).parent
FILE = HERE / "told.json"
REGIMEN = "im 100000 IU every 28 d x 2 then oral 4000 IU daily x 100"
MORE = (
    "visit chemotherapy@-3; visit chemotherapy@-24; visit nadir@-10; takes chemotherapy",
    "visit operation@0; visit blood_draw@-5; had axillary_surgery; has lymphedema",
    "visit bone_agent@-365; takes denosumab; had radiotherapy",
    "takes thiazide; takes calcium:1500; has malabsorption; pth=9; egfr=50",
    "takes calcium; takes lithium; takes retinoid; dbp=400; albumin=30; egfr=8",
    "25ohd=>150; calcium=<2.0; platelets=<10; creatinine=>300",
    "creatinine=110; creatinine+=60@40; takes platinum",
    "creatinine=100; creatinine+=70@4; weight+=0",
    "age=16.5; 25ohd=31.26; phosphate=1.123456",
    "dose im 300000@50; dose oral 50000@30 every 7; 25ohd@1=70",
    "no age; no sex; calcium@20=2.3; albumin@45=30",
)
"""People beside the vignettes: visits, sites, movers, values with < and >."""


def rows() -> list[dict[str, str]]:
    """The vignettes, and the people of `MORE` with the one regimen."""
    found = list(csv.DictReader((HERE / "vignettes.csv").read_text(encoding="utf-8").splitlines()))
    return found + [{"id": f"M{i:02d}", "record": line, "regimen": REGIMEN} for i, line in enumerate(MORE, 1)]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        told = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {k: v for k, v in told.items() if k != "source"}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 6) if isinstance(value, float) else value


def own(row: dict[str, str]) -> dict[str, Any]:
    """Limits, verdict, interactions and grade of one row."""
    patient, asked = person(row["record"]), parse(row["regimen"], ON, products())
    allowed, verdict = safety.limits(patient, ON, products()), safety.gate(patient, asked, ON, products())
    limits = _plain(allowed)
    limits["fired"] = [f["id"] for f in limits["fired"]]
    limits["products"] = sorted(set(products()) - set(limits["products"])) if allowed.routes else "none"
    if allowed.routes == ("oral",):
        limits["products"] = [k for k in limits["products"] if products()[k].route == "oral"]
    return {
        "limits": limits,
        "verdict": verdict.status,
        "regimen": None if verdict.regimen is None else format(verdict.regimen, ON, products()),
        "rules": _plain(verdict.rules),
        "interactions": _plain(safety.interactions(patient, ON)),
        "grade": _plain(safety.calcium_grade(patient, ON)),
        "movers": [m.by for m in safety.movers(patient, ON, load_card("two-route-2026"))],
    }


def course(row: dict[str, str]) -> dict[str, list[str]]:
    """Lines of monitoring, stop rules, checklists and placement of one row."""
    patient, asked = person(row["record"]), parse(REGIMEN, ON, products())
    verdict = safety.gate(patient, asked, ON, products())
    placed, advice = safety.place(patient, asked, ON)
    before = safety.session_before(patient, ON, products())
    after = safety.session_after(patient, asked, ON)
    told = {
        "monitoring": safety.monitoring(patient, asked, ON, rules=verdict.rules),
        "stops": safety.stop_rules(patient, ON),
        "before": (before.status, *before.items),
        "after": (after.status, *after.items, *after.monitoring, *after.stop_rules),
        "placed": (format(placed, ON, products()), *advice),
    }
    return {k: [json.dumps(_plain(x), ensure_ascii=False, sort_keys=True) for x in v] for k, v in told.items()}


@cache
def _first() -> dict[str, list[str]]:
    return course(rows()[0])


def told(row: dict[str, str]) -> dict[str, Any]:
    """What is pinned of one row."""
    base = _first()
    lines = course(row)
    differs = {
        k: {"more": [x for x in v if x not in base[k]], "less": [x for x in base[k] if x not in v]}
        for k, v in lines.items()
    }
    return {**own(row), **{k: v for k, v in differs.items() if v["more"] or v["less"]}}


def everything() -> dict[str, Any]:
    """The whole document."""
    return {"first": _first(), **{row["id"]: told(row) for row in rows()}}


if __name__ == "__main__":
    text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in everything().items())
    FILE.write_text("{\n" + text + "\n}\n", encoding="utf-8")
