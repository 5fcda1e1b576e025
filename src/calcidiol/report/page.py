"""The report as one HTML file: works offline, prints, reads on a phone, by keyboard and by screen reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, first_day, svg
from calcidiol.report.view import view


@cache
def _template() -> Any:
    from jinja2 import BaseLoader, Environment, StrictUndefined

    text = files("calcidiol.report").joinpath("templates/plan.html").read_text(encoding="utf-8")
    made = Environment(loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return made.from_string(text)


def html(plan: Mapping[str, Any], lang: str = "en") -> str:
    """The plan (as plain data) as one HTML page."""
    v = view(plan, lang)
    return str(_template().render(v=v, chart=svg(plan, v.labels), hover=_hover(plan), plan=plan))


def _hover(plan: Mapping[str, Any]) -> str:
    """Data of the reading line over the chart, as JSON that cannot end the script element."""
    f = plan.get("forecasts")
    if not f:
        return "null"
    one = f["individual"]
    origin = date.fromisoformat(plan["on"])
    told = {
        "dates": one["dates"],
        "days": [(date.fromisoformat(d) - origin).days for d in one["dates"]],
        **{k: [round(x, 1) for x in one["level"][k]] for k in ("p05", "p50", "p95")},
        "bare": [round(x, 1) for x in f["untreated"]["level"]["p50"]],
        "box": [LEFT, RIGHT, TOP, BOTTOM, WIDTH, HEIGHT],
        "first": first_day(plan),
    }
    return json.dumps(told).replace("<", "\\u003c").replace("&", "\\u0026")
