"""What a report shows, in order, as plain rows of text: made once, rendered by terminal, HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from calcidiol.report.words import Words

NG_PER_ML = 2.496
"""nmol/L in one ng/mL of 25(OH)D (also in `quantity`; here only for the second axis)."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its heading row; `wide` columns may wrap."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence with its level (``"stop"``, ``"caution"``, ``"note"``, ``"ok"``), its small print and its id."""

    level: str
    text: str
    small: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """Everything a report shows; empty parts are left out by the renderer."""

    lang: str
    title: str
    status: str
    status_text: str
    verdict: str
    headline: str
    who: tuple[tuple[str, str], ...]
    statement: str
    unreviewed: str
    doses: Table
    totals: tuple[tuple[str, str], ...]
    chances: tuple[tuple[str, str, str], ...]
    rules: tuple[Note, ...]
    findings: tuple[Note, ...]
    monitoring: Table
    stop_rules: tuple[Note, ...]
    next_heading: str
    next_notes: tuple[str, ...]
    next_rows: Table
    alternatives: Table
    search_notes: tuple[str, ...]
    interactions: tuple[Note, ...]
    evidence: tuple[Note, ...]
    trust: tuple[str, ...]
    used: Table
    ignored: Table
    imputed: Table
    card: tuple[tuple[str, str], ...]
    domain: Table
    failures: tuple[str, ...]
    levels: Table
    capsule: str
    labels: Mapping[str, str] = field(default_factory=dict)


def view(plan: Mapping[str, Any], lang: str = "en") -> View:
    """The rows of a plan (its `to_dict`) in a language."""
    w = Words(lang)
    u = _Ui(w)
    goal = plan.get("goal") or {}
    regimen = plan.get("regimen")
    return View(
        lang=lang,
        title=u("title"),
        status=plan["status"],
        status_text=w.say(f"status.{plan['status']}", {}),
        verdict=plan["verdict"]["status"],
        headline=_headline(plan, w, u),
        who=_who(plan, w, u),
        statement=w.say(plan.get("statement_id", "statement.clinician_decides"), {}),
        unreviewed="" if lang == "en" else w.say("statement.unreviewed", {}),
        doses=_doses(regimen, w, u),
        totals=_totals(regimen, u),
        chances=_chances(plan, u),
        rules=tuple(_rule(r, w, u) for r in plan["verdict"]["rules"]),
        findings=tuple(
            Note(
                "note" if f.get("confirmed") else f["level"],
                w.say(f["id"], f.get("params", {})) if w.has(f["id"]) else f["text"],
                f["item"] + (f" ({u('confirmed')})" if f.get("confirmed") else ""),
                f["id"],
            )
            for f in plan["findings"]
        ),
        monitoring=Table(
            (u("date"), u("labs"), u("why"), u("source")),
            tuple(
                (
                    m["on"],
                    ", ".join(w.name("lab", x) for x in m["labs"]),
                    w.say(m["reason_id"], m.get("params", {})),
                    _tagged(m["source"], m["tag"]),
                )
                for m in plan["monitoring"]
            ),
        ),
        stop_rules=tuple(_rule(r, w, u) for r in plan.get("stop_rules", ())),
        next_heading=_next_heading(plan, u),
        next_notes=_next_notes(plan, w, u),
        next_rows=_next_rows(plan, w, u),
        alternatives=_alternatives(plan, w, u, goal),
        search_notes=tuple(
            w.say(n["text_id"], n.get("params", {}))
            for key in ("notes", "binding")
            for n in (plan.get("search") or {}).get(key, ())
        ),
        interactions=tuple(
            Note(
                {"major": "stop", "moderate": "caution"}.get(i["level"], "note"),
                f"{i['drug']}: {w.say(i['effect_id'], i.get('params', {}))}",
                _tagged(i["source"], i["tag"]),
                i["id"],
            )
            for i in plan["interactions"]
        ),
        evidence=tuple(_evidence(e, w) for e in plan.get("evidence") or ()),
        trust=tuple(w.say(n["text_id"], n.get("params", {})) for n in (plan.get("trust") or {}).get("notes", ())),
        used=_used(plan, w, u),
        ignored=Table(
            (u("value"), u("why")),
            tuple((i["item"], w.say(i["text_id"], i.get("params", {}))) for i in plan["inputs"]["ignored"]),
        ),
        imputed=Table(
            (u("why"), u("source")),
            tuple(
                (w.say(i["text_id"], i.get("params", {})), _tagged(i["source"], i["tag"]))
                for i in plan["inputs"]["imputed"]
            ),
        ),
        card=(
            (u("model"), f"{plan['card']['title']} ({plan['card']['id']}, {plan['card']['version']})"),
            (u("source"), plan["card"]["citation"]),
            (u("population"), plan["card"]["population"]),
        ),
        domain=Table(
            (u("value"), u("value"), u("target"), ""),
            tuple(
                (
                    w.name("lab", d["name"]) if d["name"] != "untreated" else w.name("effect", "untreated"),
                    f"{d['value']:.3g} {d['unit']}",
                    f"{d['low']:g}-{d['high']:g}",
                    u("inside") if d["inside"] else u("outside"),
                )
                for d in plan["card"].get("domain", ())
            ),
        ),
        failures=tuple(plan["card"].get("known_failures", ())),
        levels=_levels(plan, u),
        capsule=w.say(
            "ui.capsule_text",
            {
                "code": plan["capsule"].get("code", ""),
                "card": plan["capsule"].get("card", ""),
                "seed": (plan["capsule"].get("options") or {}).get("seed", ""),
                "hash": plan["capsule"].get("hash", ""),
            },
        ),
        labels=w.room("ui"),
    )


class _Ui:
    """Words of the page itself."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def __call__(self, key: str, **params: Any) -> str:
        return self._words.say(f"ui.{key}", params)


def _tagged(source: str, tag: str) -> str:
    return f"{source} [{tag}]" if tag != "V" else source


def _amount(run: Mapping[str, Any]) -> str:
    unit = {"[iU]": "IU", "ug": "\u00b5g"}.get(run["unit"], run["unit"])
    return f"{run['amount']:,.10g} {unit}"


def rhythm(run: Mapping[str, Any], u: Any) -> str:
    """How often a run is given, in words."""
    if run["count"] <= 1:
        return str(u("once"))
    return str(u("daily")) if run["every_days"] == 1 else str(u("every", days=run["every_days"]))


def last_day(run: Mapping[str, Any]) -> date:
    """Day of the last dose of a run."""
    return date.fromisoformat(run["start"]) + timedelta(days=run["every_days"] * max(run["count"] - 1, 0))


def _headline(plan: Mapping[str, Any], w: Words, u: Any) -> str:
    regimen = plan.get("regimen")
    if regimen is None:
        return str(u("nothing"))
    if not regimen["doses"]:
        return str(u("no_dose_now"))
    parts = [f"{_amount(d)} {w.name('route', d['route'])}, {rhythm(d, u)}" + (f" \u00d7 {d['count']}" if d["count"] > 1 else "") for d in regimen["doses"]]  # fmt: skip
    return "; ".join(parts)


def _who(plan: Mapping[str, Any], w: Words, u: Any) -> tuple[tuple[str, str], ...]:
    p = plan["patient"]
    rows = [(u("patient"), " ".join(x for x in (p.get("name"), f"({p['id']})") if x)), (u("on"), plan["on"])]
    if p.get("age_y") is not None:
        rows.append((u("age"), str(int(p['age_y']))))
    if p.get("sex"):
        rows.append((u("sex"), w.name("sex", p["sex"])))
    return tuple(rows)


def _doses(regimen: Mapping[str, Any] | None, w: Words, u: Any) -> Table:
    from calcidiol.terminology import products

    table = products()
    head = (u("start"), u("last"), u("product"), u("route"), u("one_dose"), u("volume"), u("rhythm"), u("count"), u("total"))
    rows = []
    for run in (regimen or {}).get("doses", ()):
        product = table.get(run["product"])
        total = "" if run["iu"] is None else f"{run['iu'] * run['count']:,.0f} IU"
        rows.append(
            (
                run["start"],
                last_day(run).isoformat(),
                product.name if product else run["product"],
                w.name("route", run["route"]),
                _amount(run),
                "" if not run.get("volume_ml") else f"{run['volume_ml']:g} mL",
                rhythm(run, u),
                str(run["count"]),
                total,
            )
        )
    return Table(head, tuple(rows))


def _totals(regimen: Mapping[str, Any] | None, u: Any) -> tuple[tuple[str, str], ...]:
    if not regimen or not regimen["doses"]:
        return ()
    return ((u("total"), f"{regimen['total_iu']:,.0f} IU"), (u("visits"), str(regimen["visits"])))


def _chances(plan: Mapping[str, Any], u: Any) -> tuple[tuple[str, str, str], ...]:
    p, goal = plan.get("probabilities"), plan.get("goal")
    if not p or not goal:
        return ()
    first, last = p["weeks"]
    rows = [
        (u("p_in_band", low=goal["low"], high=goal["high"], **{"from": first, "to": last}), p["in_band"]),
        (u("p_above", level=goal["excess"]), p["above_high"]),
        (u("p_above", level=goal["ceiling"]), p["above_ceiling"]),
    ]
    told = [(text, f"{c['value']:.1%}", u("error", error=c["mc_error"])) for text, c in rows]
    calcium = p.get("calcium")
    if calcium:
        told.append((calcium["text"], calcium.get("shown", ""), calcium.get("small", "")))
    return tuple(told)


def _rule(r: Mapping[str, Any], w: Words, u: Any) -> Note:
    level = {"STOP": "stop", "HOLD": "stop", "ALT": "caution"}.get(r["action"], "note")
    small = [_tagged(r["source"], r["tag"])]
    if r.get("lifted_by_id"):
        small.insert(0, f"{u('lifted_by')}: {w.say(r['lifted_by_id'], r.get('params', {}))}")
    permitted = [w.say(p["id"], r.get("params", {})) for p in r.get("permitted", ())]
    if permitted:
        small.insert(1, f"{u('permitted')}: {' '.join(permitted)}")
    return Note(level, w.say(r["text_id"], r.get("params", {})), " \u00b7 ".join(small), f"{r['id']} {r['action']}")


def _next_heading(plan: Mapping[str, Any], u: Any) -> str:
    n = plan.get("next_result")
    return str(u("measure_on", on=n["on"])) if n else ""


def _next_notes(plan: Mapping[str, Any], w: Words, u: Any) -> tuple[str, ...]:
    n = plan.get("next_result")
    if not n:
        return ()
    notes = [w.say(r["text_id"], r.get("params", {})) for r in n.get("sample_reasons", n.get("reasons", ()))]
    if n.get("loading_ends"):
        notes.append(u("loading_ends", on=n["loading_ends"]))
    return tuple(notes)


def _next_rows(plan: Mapping[str, Any], w: Words, u: Any) -> Table:
    n = plan.get("next_result")
    head = (u("result"), u("chance"), u("then"), u("regimen"), u("why"))
    rows = []
    for r in (n or {}).get("rows", ()):
        span = f"\u2265 {r['low']:.0f}" if r["high"] is None else f"{r['low']:.0f}-{r['high']:.0f}"
        rows.append(
            (
                span,
                f"{r['probability']:.0%}",
                w.say(f"action.{r['action']}", {}),
                r["regimen"] or "",
                " ".join(w.say(x["text_id"], x.get("params", {})) for x in r["reasons"]),
            )
        )
    return Table(head, tuple(rows))


def _alternatives(plan: Mapping[str, Any], w: Words, u: Any, goal: Mapping[str, Any]) -> Table:
    excess = goal.get("excess", 125.0)
    ceiling = goal.get("ceiling", 250.0)
    head = ("", u("regimen"), u("in_band"), u("above", level=excess), u("above", level=ceiling), u("visits"), u("total"), u("why_not"))
    rows = []
    for a in plan.get("alternatives") or ():
        rows.append(
            (
                w.say(f"kind.{a['kind']}", {}),
                a["name"],
                f"{a['attainment']['p']:.0%}",
                f"{a['excess']['p']:.1%}",
                f"{a['ceiling']['p']:.1%}",
                str(a["visits"]),
                f"{a['iu']:,.0f} IU",
                " ".join(w.say(r["text_id"], r.get("params", {})) for r in a["why_not"]),
            )
        )
    return Table(head, tuple(rows))


def _evidence(e: Mapping[str, Any], w: Words) -> Note:
    text = w.say(e["text_id"], e.get("params", {})) if "text_id" in e else str(e.get("text", ""))
    claims = ", ".join(e.get("claims", ()))
    small = " \u00b7 ".join(str(x) for x in (e.get("certainty", ""), claims) if x)
    return Note("note", text, small, str(e.get("verdict", "")))


def _used(plan: Mapping[str, Any], w: Words, u: Any) -> Table:
    head = ("", u("value"), u("date"), u("received"))
    rows = []
    for i in plan["inputs"]["used"]:
        value = i["value"]
        shown = f"{i.get('comparator', '')}{value:.6g}" if isinstance(value, int | float) else str(value)
        rows.append((w.name("lab", i["name"]), f"{shown} {i['unit']}".strip(), i["date"] or "", i["received"]))
    return Table(head, tuple(rows))


def _levels(plan: Mapping[str, Any], u: Any) -> Table:
    f = plan.get("forecasts")
    head = (u("date"), u("median"), u("band90"), u("lab90"), u("untreated"), u("population"))
    if not f:
        return Table(head, ())
    one, lab = f["individual"]["level"], f["individual"]["lab"]
    rows = []
    for i, day in enumerate(f["individual"]["dates"]):
        rows.append(
            (
                day,
                f"{one['p50'][i]:.0f}",
                f"{one['p05'][i]:.0f}-{one['p95'][i]:.0f}",
                f"{lab['p05'][i]:.0f}-{lab['p95'][i]:.0f}",
                f"{f['untreated']['level']['p50'][i]:.0f}",
                f"{f['population']['level']['p50'][i]:.0f}",
            )
        )
    return Table(head, tuple(rows))
