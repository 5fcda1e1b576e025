"""The tables and notes of a report, each from its part of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from calcidiol.quantity import convert
from calcidiol.report import dosing
from calcidiol.report.words import UNITS, Words, chance, typeset

NG_PER_ML = convert(1.0, "ng/mL", "nmol/L", "25ohd")
"""nmol/L of 25(OH)D in one ng/mL."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its heading row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence with its level (``"stop"``, ``"caution"``, ``"note"``, ``"ok"``), its small print and its mark.

    `claims` are the ids of claims of the ledger on which it rests; where they stand in the report, it links to them.
    """

    level: str
    text: str
    small: tuple[str, ...] = ()
    mark: str = ""
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What is measured on one day, and why."""

    on: str
    labs: str
    why: tuple[str, ...]
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A regimen that was considered."""

    kind: str
    kind_text: str
    name: str
    regimen: str
    in_band: str
    share: float
    above: str
    ceiling: str
    calcium: str
    visits: str
    total: str
    why: tuple[str, ...]


class Ui:
    """Words of the report itself."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def __call__(self, key: str, /, **params: Any) -> str:
        return self._words.say(f"ui.{key}", params)


def tagged(source: str, tag: str) -> str:
    """A source with its confidence tag, which is shown when it is other than V."""
    return source if tag == "V" else f"{source} [{tag}]"


def both(nmol_per_l: float) -> str:
    """A level in nmol/L, and in ng/mL in brackets."""
    return f"{nmol_per_l:.0f} ({nmol_per_l / NG_PER_ML:.0f})"


def _span(low: float, high: float) -> str:
    return f"{low:.0f}\u2013{high:.0f} ({low / NG_PER_ML:.0f}\u2013{high / NG_PER_ML:.0f})"


def rule(r: Mapping[str, Any], w: Words, u: Ui) -> Note:
    """A safety or stop rule."""
    level = {"STOP": "stop", "HOLD": "stop", "ALT": "caution"}.get(r["action"], "note")
    small = []
    if r.get("lifted_by_id"):
        small.append(f"{u('lifted_by')}: {w.say(r['lifted_by_id'], r.get('params'))}")
    permitted = [w.say(p["id"], r.get("params")) for p in r.get("permitted") or ()]
    if permitted:
        small.append(f"{u('permitted')}: {' '.join(permitted)}")
    small.append(f"{u('source')}: {tagged(r['source'], r['tag'])}")
    action = w.name("rule_action", r["action"])
    scope = "" if r.get("scope", "all") == "all" else f" ({w.name('route', r['scope'])})"
    return Note(level, w.say(r["text_id"], r.get("params")), tuple(small), f"{r['id']} {action}{scope}")


def finding(f: Mapping[str, Any], w: Words, u: Ui) -> Note:
    """A finding about the record."""
    told = w.say(f["id"], f.get("params")) if w.has(f["id"]) else f["text"]
    where = f"{u('where')}: {f['item']}"
    if f.get("confirmed"):
        where += f" \u00b7 {u('confirmed')}"
    elif f["level"] == "stop":
        where += f" \u00b7 {u('confirm_with', key=f.get('key') or '')}"
    return Note("note" if f.get("confirmed") else f["level"], told, (where,), u(f["level"]))


def interaction(i: Mapping[str, Any], w: Words, u: Ui) -> Note:
    """An interaction with a medicine of the record."""
    level = {"major": "stop", "moderate": "caution"}.get(i["level"], "note")
    small = f"{u('source')}: {tagged(i['source'], i['tag'])}"
    return Note(level, w.say(i["effect_id"], i.get("params")), (small,), i["id"])


def evidence(e: Mapping[str, Any], w: Words, u: Ui) -> Note:
    """A sentence of evidence with its verdict and certainty."""
    text = w.say(e["text_id"], e.get("params")) if "text_id" in e else str(e.get("text", ""))
    mark = w.name("verdict.claim", str(e.get("verdict") or ""))
    small = [w.name("evidence.certainty", str(e["certainty"]).replace(" ", "_"))] if e.get("certainty") else []
    if e.get("tag", "V") != "V":
        small.append(f"[{e['tag']}]")
    return Note("note", text, (" \u00b7 ".join(small),) if small else (), mark, claims_of(e))


def claims_of(e: Mapping[str, Any]) -> tuple[str, ...]:
    """The claims behind a sentence of evidence that the ledger has."""
    from calcidiol.evidence import load

    return tuple(c for c in dict.fromkeys(e.get("claims") or ()) if c in load().claims)


def checks(plan: Mapping[str, Any], w: Words, u: Ui) -> tuple[Check, ...]:
    """Monitoring by day: the labs of one day together, each reason once."""
    days: dict[str, list[Mapping[str, Any]]] = {}
    for m in plan.get("monitoring") or ():
        days.setdefault(m["on"], []).append(m)
    told = []
    for on in sorted(days):
        items = days[on]
        labs = dict.fromkeys(w.name("lab", x) for m in items for x in m["labs"])
        why = dict.fromkeys(w.say(m["reason_id"], m.get("params")) for m in items)
        source = dict.fromkeys(tagged(m["source"], m["tag"]) for m in items)
        told.append(Check(on, w.listed(tuple(labs)), tuple(why), tuple(source)))
    return tuple(told)


def weeks(plan: Mapping[str, Any], u: Ui) -> Table:
    """Chances week by week."""
    head = (u("week"), u("below"), u("inside_band"), u("over"))
    told = (plan.get("probabilities") or {}).get("by_week") or ()
    rows = [(str(r["week"]), *(f"{r[k]:.0%}" for k in ("below", "in_band", "above"))) for r in told]
    return Table(head, tuple(rows))


def next_rows(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """What ranges of the next result would mean."""
    head = (u("result"), u("chance"), u("then_do"), u("regimen"), u("why"))
    rows = []
    for r in (plan.get("next_result") or {}).get("rows", ()):
        low = r["low"]
        if r["high"] is None:
            span = f"\u2265 {low:.0f} ({low / NG_PER_ML:.0f})"
        elif low <= 0:
            span = f"< {r['high']:.0f} ({r['high'] / NG_PER_ML:.0f})"
        else:
            span = _span(low, r["high"])
        likely = "< 1%" if r["probability"] < 0.005 else f"{r['probability']:.0%}"
        regimen = "" if r["action"] == "look_for_cause" or not r["regimen"] else dosing.worded(r["regimen"], w)
        why = " ".join(w.say(x["text_id"], x.get("params")) for x in r["reasons"])
        rows.append((span, likely, w.say(f"action.{r['action']}"), regimen, why))
    return Table(head, tuple(rows))


def choices(plan: Mapping[str, Any], w: Words, u: Ui) -> tuple[Choice, ...]:
    """The regimens considered, in the order of the plan."""
    told = []
    for a in plan.get("alternatives") or ():
        regimen = a.get("regimen")
        words = dosing.sentence(regimen, w) if regimen else dosing.worded(a["name"], w)
        total = a.get("total_iu", a.get("iu"))
        told.append(
            Choice(
                kind=a["kind"],
                kind_text=w.say(f"kind.{a['kind']}"),
                name=w.name("protocol", a.get("protocol") or ""),
                regimen=words,
                in_band=f"{a['attainment']['p']:.0%}",
                share=round(100 * a["attainment"]["p"], 1),
                above=chance(a["excess"]["p"]),
                ceiling=chance(a["ceiling"]["p"]),
                calcium=_harm(a.get("harm")),
                visits=str(a["visits"]),
                total=f"{total:,.0f} IU" if total else "",
                why=_why_not(a["why_not"], w),
            )
        )
    return tuple(told)


def _why_not(reasons: Sequence[Mapping[str, Any]], w: Words) -> tuple[str, ...]:
    """Each reason once; where the route is not allowed, that its products are not either goes without saying."""
    route = any(r["text_id"] == "outside.route" for r in reasons)
    told = (r for r in reasons if not (route and r["text_id"] == "outside.product"))
    return tuple(dict.fromkeys(w.say(r["text_id"], r.get("params")) for r in told))


def _harm(harm: Mapping[str, Any] | None) -> str:
    return "" if not harm or harm.get("probability") is None else chance(harm["probability"])


def effects(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """How much the results told about each effect: SD after over SD before."""
    ratios = (plan.get("trust") or {}).get("shrinkage") or {}
    return Table((u("effect"), u("sd_ratio")), tuple((w.name("effect", k), f"{v:.2f}") for k, v in ratios.items()))


def results(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """The 25(OH)D results of the fit, each with the percentile of its own forecast."""
    head = (u("date"), u("level"), u("received"), u("assay"), u("percentile"))
    rows = []
    for x in plan.get("labs") or ():
        value = f"{x.get('comparator') or ''}{both(x['value'])}" if x.get("value") is not None else ""
        p = x.get("percentile")
        rows.append((x["date"], value, x.get("received") or "", x.get("assay") or "", "" if p is None else f"{p:.1f}"))
    return Table(head, tuple(rows))


def used(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """Inputs that an output depends on."""
    head = (u("item"), u("value"), u("date"), u("received"))
    rows = []
    for i in plan["inputs"]["used"]:
        name, value = i["name"], i["value"]
        shown = f"{i.get('comparator') or ''}{value:,.4g}" if isinstance(value, int | float) else _words(str(value), w)
        unit = {"deg": "\u00b0", **UNITS}.get(i["unit"], typeset(i["unit"] or ""))
        for kind in ("lab", "field", "substance"):
            name = w.name(kind, name)
        rows.append((name, f"{shown} {unit}".strip(), i.get("date") or "", i.get("received") or ""))
    return Table(head, tuple(rows))


def _words(value: str, w: Words) -> str:
    """Ids of concepts and classes as words; an id without a word loses its underscores only."""
    kinds = ("sex", "sun", "concept")
    return w.listed(
        [
            next((w.say(f"{kind}.{x}") for kind in kinds if w.has(f"{kind}.{x}")), x.replace("_", " "))
            for x in value.split(", ")
        ]
    )


def ignored(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """What stood in the record and was not used; like things once."""
    seen: dict[str, list[str]] = {}
    for i in plan["inputs"]["ignored"]:
        told = w.say(i["text_id"], i.get("params")) if "text_id" in i else str(i.get("text", ""))
        count = (i.get("params") or {}).get("count") or 1
        seen.setdefault(told, []).append(
            i["item"] + (f" \u00d7 {count}" if isinstance(count, int) and count > 1 else "")
        )
    return Table((u("where"), u("why")), tuple((", ".join(where), told) for told, where in seen.items()))


def imputed(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """What was drawn because it is not known."""
    rows = []
    for i in plan["inputs"]["imputed"]:
        told = w.say(i["text_id"], i.get("params")) if "text_id" in i else str(i.get("how", ""))
        rows.append((told, tagged(i["source"], i.get("tag", "V"))))
    return Table((u("drawn"), u("source")), tuple(rows))


def domain(plan: Mapping[str, Any], w: Words, u: Ui) -> Table:
    """The card's domain and where this patient stands."""
    head = (u("item"), u("value"), u("domain"), "")
    rows = []
    for d in (plan.get("card") or {}).get("domain") or ():
        name = d["name"]
        for kind in ("lab", "field", "effect"):
            name = w.name(kind, name)
        unit = {"a": "y", "1": ""}.get(d.get("unit", ""), d.get("unit", ""))
        value = "" if d["value"] is None else f"{d['value']:.3g} {unit}".strip()
        rows.append((name, value, f"{d['low']:g}\u2013{d['high']:g}", u("inside") if d["inside"] else u("outside")))
    return Table(head, tuple(rows))


def every_four_weeks(table: Table) -> Table:
    """The rows of a table of levels that stand a whole number of four weeks after the first."""
    days = [date.fromisoformat(row[0]) for row in table.rows]
    return Table(
        table.head, tuple(r for r, day in zip(table.rows, days, strict=True) if (day - days[0]).days % 28 == 0)
    )


def levels(plan: Mapping[str, Any], u: Ui) -> Table:
    """The forecast as numbers, nmol/L with ng/mL in brackets."""
    f = plan.get("forecasts")
    head = (u("date"), u("median"), u("band50"), u("band90"), u("lab90"), u("untreated"), u("population"))
    if not f:
        return Table(head, ())
    one, lab = f["individual"]["level"], f["individual"]["lab"]
    rows = []
    for i, day in enumerate(f["individual"]["dates"]):
        rows.append(
            (
                day,
                both(one["p50"][i]),
                _span(one["p25"][i], one["p75"][i]) if "p25" in one else "",
                _span(one["p05"][i], one["p95"][i]),
                _span(lab["p05"][i], lab["p95"][i]),
                both(f["untreated"]["level"]["p50"][i]),
                both(f["population"]["level"]["p50"][i]),
            )
        )
    return Table(head, tuple(rows))
