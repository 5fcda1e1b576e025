"""What a report shows, in order, as plain rows of text: made once, rendered by terminal, HTML and PDF alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from calcidiol.report import clean, course, dosing, tables
from calcidiol.report.dosing import Step
from calcidiol.report.tables import Check, Choice, Note, Table
from calcidiol.report.words import Words, chance

__all__ = ["Check", "Choice", "Note", "Step", "Table", "View", "view"]


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
    reasons: tuple[Note, ...]
    mind: tuple[Note, ...]
    steps: tuple[Step, ...]
    totals: tuple[tuple[str, str], ...]
    chances: tuple[tuple[str, str, str], ...]
    weeks: Table
    calcium: tuple[str, ...]
    calcium_level: str
    published: Table
    checks: tuple[Check, ...]
    placement: tuple[Note, ...]
    stop_rules: tuple[Note, ...]
    next_heading: str
    next_notes: tuple[str, ...]
    next_rows: Table
    next_levels: tuple[str, ...]
    choices: tuple[Choice, ...]
    above: tuple[str, str]
    search_notes: tuple[str, ...]
    preference: str
    findings: tuple[Note, ...]
    interactions: tuple[Note, ...]
    movers: tuple[Note, ...]
    with_without: Table
    symptoms: tuple[Note, ...]
    diary: Table
    lower: tuple[Note, ...]
    explanations: Table
    no_interactions: str
    none_imputed: str
    evidence: tuple[Note, ...]
    trust: tuple[str, ...]
    effects: Table
    results: Table
    used: Table
    ignored: Table
    imputed: Table
    card: tuple[tuple[str, str], ...]
    domain: Table
    failures: tuple[str, ...]
    levels: Table
    months: Table
    capsule: str
    knowledge: tuple[tuple[str, str], ...]
    labels: Mapping[str, str] = field(default_factory=dict)


def view(plan: Mapping[str, Any], lang: str = "en") -> View:
    """The rows of a plan (its `to_dict`) in a language."""
    w = Words(lang)
    u = tables.Ui(w)
    plan = clean.plain(plan)
    lower, explanations = course.lower(plan, w, u)
    levels = tables.levels(plan, u)
    return View(
        lang=lang,
        title=u("title"),
        status=plan["status"],
        status_text=_status(plan, w),
        verdict=plan["verdict"]["status"],
        headline=_headline(plan, w, u),
        who=_who(plan, w, u),
        statement=w.say(plan.get("statement_id") or "statement.clinician_decides"),
        unreviewed="" if lang == "en" else w.say("statement.unreviewed"),
        reasons=_reasons(plan, w, u),
        mind=_mind(plan, w, u),
        steps=dosing.steps(plan.get("regimen"), w),
        totals=_totals(plan.get("regimen"), u),
        chances=_chances(plan, u),
        weeks=tables.weeks(plan, u),
        calcium=_calcium(plan, w),
        calcium_level=_calcium_level(plan.get("calcium") or {}),
        published=course.published(plan, w, u),
        checks=tables.checks(plan, w, u),
        placement=course.placement(plan, w),
        stop_rules=tuple(tables.rule(r, w, u) for r in plan.get("stop_rules") or ()),
        next_heading=_next_heading(plan, u),
        next_notes=_next_notes(plan, w, u),
        next_rows=tables.next_rows(plan, w, u),
        next_levels=tuple(r["action"] for r in (plan.get("next_result") or {}).get("rows", ())),
        choices=tables.choices(plan, w, u),
        above=_above(plan.get("goal") or {}, u),
        search_notes=tuple(
            w.say(n["text_id"], n.get("params"))
            for key in ("notes", "binding")
            for n in (plan.get("search") or {}).get(key) or ()
        ),
        preference=_preference(plan, u),
        findings=tuple(tables.finding(f, w, u) for f in plan.get("findings") or ()),
        interactions=tuple(tables.interaction(i, w, u) for i in plan.get("interactions") or ()),
        movers=course.movers(plan, w, u),
        with_without=course.with_without(plan, u),
        symptoms=course.trends(plan, w, u),
        diary=course.diary(plan, w, u),
        lower=lower,
        explanations=explanations,
        no_interactions=u("not_judged" if plan["status"] == "unusable" else "no_interactions"),
        none_imputed=u("not_judged" if plan["status"] == "unusable" else "none_imputed"),
        evidence=tuple(tables.evidence(e, w, u) for e in plan.get("evidence") or ()),
        trust=tuple(w.say(n["text_id"], n.get("params")) for n in (plan.get("trust") or {}).get("notes", ())),
        effects=tables.effects(plan, w, u),
        results=tables.results(plan, w, u),
        used=tables.used(plan, w, u),
        ignored=tables.ignored(plan, w, u),
        imputed=tables.imputed(plan, w, u),
        card=_card(plan, u),
        domain=tables.domain(plan, w, u),
        failures=tuple((plan.get("card") or {}).get("known_failures") or ()),
        levels=levels,
        months=tables.every_four_weeks(levels),
        capsule=_capsule(plan, w),
        knowledge=tuple((str(k), str(v)) for k, v in ((plan.get("capsule") or {}).get("knowledge") or {}).items()),
        labels=w.room("ui"),
    )


def _status(plan: Mapping[str, Any], w: Words) -> str:
    if plan["status"] == "planned":
        return w.say(f"verdict.{plan['verdict']['status']}")
    return w.say(f"status.{plan['status']}")


def _headline(plan: Mapping[str, Any], w: Words, u: tables.Ui) -> str:
    if plan["status"] == "unusable":
        return u("unusable")
    return u("nothing") if plan.get("regimen") is None else dosing.sentence(plan["regimen"], w)


def _reasons(plan: Mapping[str, Any], w: Words, u: tables.Ui) -> tuple[Note, ...]:
    """The rules that apply; for a record that cannot be used the findings that stop it come first."""
    stops = [f for f in plan.get("findings") or () if f["level"] == "stop" and not f.get("confirmed")]
    first = [tables.finding(f, w, u) for f in stops] if plan["status"] == "unusable" else []
    order = {"STOP": 0, "HOLD": 1, "ALT": 2}
    rules = sorted(plan["verdict"]["rules"], key=lambda r: order.get(r["action"], 3))
    told = [*first, *(tables.rule(r, w, u) for r in rules)]
    calcium = plan.get("calcium") or {}
    if calcium.get("acceptable") is False:
        # Not a rule of the gate, but nobody should have to scroll for it.
        small = (w.say(calcium["text_id"], calcium.get("params")),)
        told.append(Note("caution", w.say("calcium.not_acceptable"), small, u("calcium_risk")))
    return tuple(told)


def _mind(plan: Mapping[str, Any], w: Words, u: tables.Ui) -> tuple[Note, ...]:
    """Cautions about the record, major interactions, calcium without a basis, a patient outside the model."""
    if plan["status"] == "unusable":
        return ()
    notes = [n for f in plan.get("findings") or () if (n := tables.finding(f, w, u)).level != "note"]
    notes += [n for i in plan.get("interactions") or () if (n := tables.interaction(i, w, u)).level == "stop"]
    told = [Note(n.level, n.text, (), n.mark) for n in notes]
    calcium = plan.get("calcium") or {}
    if calcium.get("exploratory"):
        told.append(Note("caution", w.say(calcium["text_id"], calcium.get("params")), (), u("calcium_risk")))
    outside = [row[0] for row in tables.domain(plan, w, u).rows if row[3] == u("outside")]
    if outside:
        told.append(Note("caution", u("outside_domain", items=outside), (), u("model")))
    return tuple(told)


def _who(plan: Mapping[str, Any], w: Words, u: tables.Ui) -> tuple[tuple[str, str], ...]:
    p = plan.get("patient") or {}
    name, identifier = p.get("name") or "", str(p.get("id") or "")
    rows = [(u("patient"), name or identifier), (u("id"), identifier if name else "")]
    rows.append((u("age"), "" if p.get("age_y") is None else str(int(p["age_y"]))))
    rows.append((u("born"), p.get("birth_date") or ""))
    rows.append((u("sex"), w.name("sex", p["sex"]) if p.get("sex") else ""))
    rows.append((u("on"), plan["on"]))
    return tuple((k, v) for k, v in rows if v)


def _totals(regimen: Mapping[str, Any] | None, u: tables.Ui) -> tuple[tuple[str, str], ...]:
    if not regimen or not regimen["doses"]:
        return ()
    rows = [(u("visits"), str(regimen["visits"]))]
    if regimen.get("total_iu"):
        rows.insert(0, (u("total"), f"{dosing.number(regimen['total_iu'])} IU"))
    last = max(dosing.last_day(run) for run in regimen["doses"])
    first = min(date.fromisoformat(run["start"]) for run in regimen["doses"])
    rows.append((u("lasts"), u("weeks", count=round((last - first).days / 7))))
    return tuple(rows)


def _chances(plan: Mapping[str, Any], u: tables.Ui) -> tuple[tuple[str, str, str], ...]:
    p, goal = plan.get("probabilities"), plan.get("goal")
    if not p or not goal:
        return ()
    first, last = p["weeks"]
    rows = [
        (u("p_in_band", low=goal["low"], high=goal["high"], **{"from": first, "to": last}), p["in_band"]),
        (u("p_above", level=goal["excess"]), p["above_high"]),
        (u("p_above", level=goal["ceiling"]), p["above_ceiling"]),
    ]
    told = [(text, chance(c["value"]), _error(c["value"], c["mc_error"])) for text, c in rows]
    calcium = plan.get("calcium") or {}
    if calcium.get("excess") is not None:
        told.append((u("p_calcium"), chance(calcium["excess"]), _error(calcium["excess"], calcium.get("mc_error"))))
    return tuple(told)


def _error(value: float, error: float | None) -> str:
    """A Monte-Carlo error with the digits of its chance; nothing where it would not be seen in them."""
    if error is None or error < 0.0005:
        return ""
    return f"\u00b1 {error:.1%}" if value < 0.0995 else f"\u00b1 {max(error, 0.01):.0%}"


def _calcium(plan: Mapping[str, Any], w: Words) -> tuple[str, ...]:
    """The calcium forecast in sentences: the probability or why there is none, what moved it, what it rests on."""
    c = plan.get("calcium")
    if not c:
        return ()
    told = [w.say(c["text_id"], c.get("params"))]
    if c.get("acceptable") is False:
        told.append(w.say("calcium.not_acceptable"))
    told += [w.say(n["text_id"], n.get("params")) for n in c.get("notes") or ()]
    told += [w.say(x) for x in ("calcium.provenance", c.get("caveat_id")) if x and c.get("dates")]
    return tuple(told)


def _calcium_level(calcium: Mapping[str, Any]) -> str:
    """How loudly the calcium forecast is shown."""
    return "caution" if calcium.get("acceptable") is False or calcium.get("exploratory") else "note"


def _preference(plan: Mapping[str, Any], u: tables.Ui) -> str:
    goal = plan.get("goal")
    if not goal or not plan.get("alternatives"):
        return ""
    return u(
        "preference",
        **{**goal, "from": goal["week_from"], "to": goal["week_to"], "points": 100 * goal["within"]},
    )


def _above(goal: Mapping[str, Any], u: tables.Ui) -> tuple[str, str]:
    """Headings of the two chances of being too high."""
    return u("above", level=goal.get("excess")), u("above", level=goal.get("ceiling"))


def _next_heading(plan: Mapping[str, Any], u: tables.Ui) -> str:
    n = plan.get("next_result")
    return u("measure_on", on=n["on"]) if n else ""


def _next_notes(plan: Mapping[str, Any], w: Words, u: tables.Ui) -> tuple[str, ...]:
    n = plan.get("next_result")
    if not n:
        return ()
    notes = [w.say(r["text_id"], r.get("params")) for r in n.get("sample_reasons") or n.get("reasons") or ()]
    if n.get("loading_ends"):
        notes.append(u("loading_ends", on=n["loading_ends"]))
    if n.get("stop_from_nmol_per_l"):
        notes.append(u("stop_from", level=n["stop_from_nmol_per_l"], ng=n["stop_from_nmol_per_l"] / tables.NG_PER_ML))
    return tuple(notes)


def _card(plan: Mapping[str, Any], u: tables.Ui) -> tuple[tuple[str, str], ...]:
    card = plan.get("card") or {}
    return (
        (u("model"), f"{card.get('title', '')} ({card.get('id', '')}, {card.get('version', '')})"),
        (u("source"), card.get("citation", "")),
        (u("population_of"), card.get("population", "")),
    )


def _capsule(plan: Mapping[str, Any], w: Words) -> str:
    c = plan.get("capsule") or {}
    dates = {r.get("version_date", "") for r in (*plan["verdict"]["rules"], *(plan.get("stop_rules") or ()))} - {""}
    return w.say(
        "ui.capsule_text",
        {
            "code": c.get("code"),
            "card": c.get("card"),
            "seed": (c.get("options") or {}).get("seed"),
            "hash": c.get("hash"),
            "knowledge": max(dates, default=None),
        },
    )
