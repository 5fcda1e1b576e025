"""The report as one HTML file: works offline, prints, reads on a phone, by keyboard and by screen reader."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from calcidiol.report import clean
from calcidiol.report.chart import NARROW, WIDE, Frame, calcium, scale, svg
from calcidiol.report.diary import diary
from calcidiol.report.tables import NG_PER_ML
from calcidiol.report.view import View, view
from calcidiol.report.words import Words


def html(plan: Mapping[str, Any], lang: str = "en") -> str:
    """The plan (as plain data) as one HTML page.

    Parameters
    ----------
    plan
        `Plan.to_dict`, or the same read from a file.
    lang
        ``"en"`` or ``"zh-Hant"``.

    Returns
    -------
    str
        A page that loads nothing from elsewhere and runs only its own script (by hash, in its content policy).
    """
    plan = clean.plain(plan)
    v = view(plan, lang)
    style, script = part("page.css"), part("page.js")
    allowed = f"style-src {style_hash(style)}; script-src {style_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return str(
        _template().render(
            v=v,
            l=v.labels,
            above_high=v.above[0],
            above_ceiling=v.above[1],
            wide=svg(plan, v.labels, frame=WIDE),
            narrow=svg(plan, v.labels, frame=NARROW),
            calcium=calcium(plan.get("calcium") or {}, plan["on"], v.labels),
            diary=diary(plan, Words(lang)),
            reading=_reading(plan, v.labels),
            claims=_claims(v),
            style=style,
            script=script,
            policy=policy,
        )
    )


def _claims(v: View) -> str:
    """The claims behind the plan's sentences, each with its certainty step by step, its studies and its plot."""
    from calcidiol.evidence import claims_html

    return claims_html([c for note in v.evidence for c in note.claims], lang=v.lang)


@cache
def part(name: str) -> str:
    """A file of the templates."""
    return files("calcidiol.report").joinpath(f"templates/{name}").read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from jinja2 import BaseLoader, Environment, StrictUndefined

    made = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.from_string(part("plan.html"))


def style_hash(text: str) -> str:
    """The hash by which a content policy knows a style or a script."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _reading(plan: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """What the reading line over the chart needs, as JSON that cannot end the script element."""
    if not plan.get("forecasts"):
        return ""
    one, bare = plan["forecasts"]["individual"], plan["forecasts"]["untreated"]
    origin = date.fromisoformat(plan["on"])
    told = {
        "dates": one["dates"],
        "days": [(date.fromisoformat(d) - origin).days for d in one["dates"]],
        **{k: [round(x) for x in one["level"][k]] for k in ("p05", "p50", "p95")},
        "bare": [round(x) for x in bare["level"]["p50"]],
        "frames": [_frame(plan, f) for f in (WIDE, NARROW)],
        "words": {k: labels[k] for k in ("median", "band90", "untreated")},
        "ng": round(NG_PER_ML, 4),
    }
    return json.dumps(told, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")


def _frame(plan: Mapping[str, Any], frame: Frame) -> dict[str, float]:
    at = scale(plan, frame)
    return {
        "width": frame.width,
        "left": frame.left,
        "plot": at.width,
        "top": frame.top,
        "floor": frame.floor,
        "first": at.first,
        "last": at.last,
    }
