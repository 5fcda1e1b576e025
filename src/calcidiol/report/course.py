"""Parts of a report about this patient's own course: diary, a level below its forecast, what moves it, placement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from calcidiol.report.tables import NG_PER_ML, Note, Table, Ui, both, tagged
from calcidiol.report.words import Words

WEEKS_TOLD = (4, 8, 12, 26, 52)
"""Weeks at which the forecast is told with and without what moves it."""


def diary(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """Scores of the symptom diary by date, the level nearest to each beside them."""
    series = (plan.get("symptoms") or {}).get("series") or ()
    rows = []
    for one in series:
        name = w.name("symptom_scale", one["name"])
        if one["scale"] != "0-10":
            name = one["scale"] if one["scale"].startswith(name) else f"{name} ({one['scale']})"
        for p in one["points"]:
            level = "" if p.get("level") is None else both(p["level"])
            rows.append((name, p["date"], f"{p['score']:g}", level))
    return Table((u("symptom"), u("date"), u("score"), u("level")), tuple(rows))


def trends(plan: Mapping[str, Any], w: Words, u: Ui) -> tuple[Note, ...]:
    """What the diary says, one sentence a scale, and what it does not say."""
    told = plan.get("symptoms") or {}
    notes = [
        Note(
            "caution" if str(s["text_id"]).endswith("rising") else "note",
            w.say(s["text_id"], s.get("params")),
            (u("to_level", on=s["level_on"], days=s["level_gap_d"]),) if s.get("level_on") else (),
        )
        for s in told.get("series") or ()
    ]
    notes += [Note("note", w.say(n["text_id"], n.get("params"))) for n in told.get("notes") or ()]
    return tuple(notes)


def lower(plan: Mapping[str, Any], w: Words, u: Ui) -> tuple[tuple[Note, ...], Table]:
    """A level below its forecast: what was expected, and how well each explanation fits."""
    found = plan.get("lower_than_forecast")
    head = (u("explanation"), u("prior"), u("probability"), u("bayes_factor"))
    if not found:
        return (), Table(head, ())
    seen = u("lower_seen", on=found["date"], value=both(found["value"]), percentile=found["percentile"])
    notes = [Note("caution", seen), Note("note", w.say(found["text_id"], found.get("params")))]
    notes += [Note("note", w.say(n["text_id"], n.get("params"))) for n in found.get("notes") or ()]
    rows = []
    for e in sorted(found.get("explanations") or (), key=lambda e: -e["probability"]):
        factor = "" if e.get("bayes_factor") is None else f"{e['bayes_factor']:.2g}"
        rows.append((w.name("explanation", e["id"]), f"{e['prior']:.0%}", f"{e['probability']:.0%}", factor))
    return tuple(notes), Table(head, tuple(rows))


def movers(plan: Mapping[str, Any], w: Words, u: Ui) -> tuple[Note, ...]:
    """Medicines and diseases whose size is known and counted in the forecast."""
    told = []
    for m in plan.get("movers") or ():
        text = u("mover", by=m["by"], what=w.name("mover", m["covariate"]), factor=m["factor"])
        told.append(Note("note", text, (f"{u('source')}: {tagged(m['source'], m['tag'])}",), ", ".join(m["rules"])))
    if told and (plan.get("forecasts") or {}).get("without_interactions") and not differs(plan["forecasts"]):
        told.append(Note("note", u("moves_nothing")))
    return tuple(told)


def with_without(plan: Mapping[str, Any], u: Ui) -> Table:
    """The median forecast with and without what moves it, nmol/L (ng/mL)."""
    forecasts = plan.get("forecasts") or {}
    head = (u("week"), u("with_movers"), u("without_movers"), u("difference"))
    if not differs(forecasts):
        return Table(head, ())
    origin = date.fromisoformat(plan["on"])
    one, free = forecasts["individual"], forecasts["without_interactions"]
    free_at = dict(zip(free["dates"], free["level"]["p50"], strict=True))
    rows = []
    for day, level in zip(one["dates"], one["level"]["p50"], strict=True):
        week = (date.fromisoformat(day) - origin).days / 7
        if week in WEEKS_TOLD and day in free_at:
            gap = level - free_at[day]
            shown = f"{gap:+.0f} ({gap / NG_PER_ML:+.0f})" if round(gap) else "0"
            rows.append((f"{week:.0f}", both(level), both(free_at[day]), shown))
    return Table(head, tuple(rows))


def differs(forecasts: Mapping[str, Any]) -> bool:
    """Whether what moves the parameters moves this regimen's median by a nmol/L somewhere; by injection it may not."""
    free = forecasts.get("without_interactions")
    if not free:
        return False
    pairs = zip(forecasts["individual"]["level"]["p50"], free["level"]["p50"], strict=False)
    return bool(max(abs(a - b) for a, b in pairs) >= 1.0)


def placement(plan: Mapping[str, Any], w: Words) -> tuple[Note, ...]:
    """Why injections and blood draws stand where they stand."""
    return tuple(
        Note("note", w.say(p["text_id"], p.get("params")), (), "" if p.get("tag", "P") == "V" else f"[{p['tag']}]")
        for p in plan.get("placement") or ()
    )


def published(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """Published counts of high calcium beside what the model predicts for the same regimens."""
    head = (u("study"), u("people"), u("event"), u("counted"), u("predicted"), u("predicted_untreated"))
    rows = []
    for x in (plan.get("calcium") or {}).get("published") or ():
        unit = "nmol/L" if x["what"] == "level" else "mmol/L"
        event = u("event_above", what=w.name("event", x["what"]), threshold=f"{x['threshold']:g}", unit=unit)
        span = u("range", middle=f"{x['expected']:.1f}", low=x["low"], high=x["high"])
        rows.append((_arm(x, u), str(x["n"]), event, str(x["events"]), span, f"{x['untreated']:.1f}"))
    return Table(head, tuple(rows))


def _arm(x: Mapping[str, Any], u: Ui) -> str:
    """The study and its regimen."""
    if not x.get("amount_iu"):
        return str(x["study_id"])
    how = f"{x['amount_iu']:,.0f} IU"
    if x.get("count", 1) > 1:
        how += f" \u00d7 {x['count']}, " + (u("daily") if x["every_d"] == 1 else u("every", days=x["every_d"]))
    return f"{x['study_id']}: {how}"
