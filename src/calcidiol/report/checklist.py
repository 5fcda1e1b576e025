"""The checklist of an injection day as one HTML page: to tick on a screen or on paper, works offline."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from calcidiol.report import clean, tables
from calcidiol.report.page import part, style_hash
from calcidiol.report.words import Words

_LEVEL = {"cleared": "ok", "open": "reduced", "stopped": "refused", "done": "ok"}
_EXTRA = """
.tick{list-style:none;padding:0;margin:0}.tick li{display:flex;gap:.7rem;padding:.45rem 0;border-bottom:1px solid var(--line)}
.tick input{width:1.25rem;height:1.25rem;flex:none;margin:.15rem 0 0}.tick .small{display:block}
.sign{display:flex;gap:1.5rem;flex-wrap:wrap;margin-top:1.2rem}.sign span{flex:1;min-width:14rem;border-bottom:1px solid var(--ink);padding-bottom:1.6rem}
"""  # noqa: E501


def sheet(session: Mapping[str, Any], lang: str = "en") -> str:
    """The checklist of a day.

    Parameters
    ----------
    session
        `when` (``"before"`` or ``"after"``), `on`, `status`, `patient` (`id`, `name`, `birth_date`), `regimen` (text,
        may be empty), `items` (`id`, `text_id`, `status`, `params`, `source`, `tag`), `rules` and `stop_rules` as in a
        plan, `monitoring` as in a plan.
    lang
        ``"en"`` or ``"zh-Hant"``.
    """
    told = clean.plain(session)
    w = Words(lang)
    u = tables.Ui(w)
    style = part("page.css") + _EXTRA
    policy = f"default-src 'none'; style-src {style_hash(style)}; base-uri 'none'; form-action 'none'"
    before = told["when"] == "before"
    title = f"{u('session_before' if before else 'session_after')}: {u('session_on', on=told['on'])}"
    status = w.say(f"session_status.{told['status']}")
    who = told.get("patient") or {}
    facts = [(u("patient"), who.get("name") or who.get("id") or ""), (u("born"), who.get("birth_date") or "")]
    facts += [(u("id"), str(who.get("id") or "")) if who.get("name") else ("", "")]
    facts += [(u("session_regimen"), told.get("regimen") or "")]
    head = "".join(f"<div><dt>{escape(k)}</dt><dd><bdi>{escape(str(x))}</bdi></dd></div>" for k, x in facts if k and x)
    level = {"ok": "", "reduced": " reduced", "refused": " refused"}[_LEVEL[told["status"]]]
    parts = [
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>",
        f'<header><h1>{escape(title)}</h1><dl class="who">{head}</dl></header><main>',
        f'<section class="verdict{level}" aria-labelledby="state"><p class="state" id="state">{escape(status)}</p>',
        _notes([tables.rule(r, w, u) for r in told.get("rules") or ()]),
        f'<p class="small">{escape(w.say("statement.clinician_decides"))}'
        + ("" if lang == "en" else f" <b>{escape(w.say('statement.unreviewed'))}</b>")
        + "</p></section>",
        _ticks(told["items"], u("session_list" if before else "session_record"), w, u),
    ]
    checks = tables.checks(told, w, u)
    if checks:
        head_row = "".join(f'<th scope="col">{escape(u(key))}</th>' for key in ("date", "labs", "why"))
        rows = "".join(
            f'<tr><td class="n">{escape(c.on)}</td><td><b>{escape(c.labs)}</b></td>'
            f"<td>{escape(' '.join(c.why))}</td></tr>"
            for c in checks
        )
        title = escape(u("session_checks"))
        table = f"<table><thead><tr>{head_row}</tr></thead><tbody>{rows}</tbody></table>"
        parts.append(f'<section aria-labelledby="next"><h2 id="next">{title}</h2>{table}</section>')
    if told.get("stop_rules"):
        notes = _notes([tables.rule(r, w, u) for r in told["stop_rules"]])
        parts.append(f'<section aria-labelledby="stop"><h2 id="stop">{escape(u("stop_rules"))}</h2>{notes}</section>')
    parts.append(f"</main><footer><p>{escape(u('not_device'))}</p></footer></body></html>")
    return "".join(parts)


def _notes(notes: list[tables.Note]) -> str:
    rows = []
    for n in notes:
        small = "".join(f'<br><span class="small"><bdi>{escape(s)}</bdi></span>' for s in n.small)
        mark = f'<span class="tag">{escape(n.mark)}</span> '
        rows.append(f'<li class="{n.level}">{mark}<bdi>{escape(n.text)}</bdi>{small}</li>')
    return f'<ul class="notes">{"".join(rows)}</ul>' if rows else ""


def _ticks(items: list[Mapping[str, Any]], heading: str, w: Words, u: tables.Ui) -> str:
    """A box to tick for each line; what the record clears is ticked, what is missing says so."""
    rows = []
    for i in items:
        mark = u(f"session_{i['status']}_mark")
        lacking = i.get("params", {}).get("missing")
        if i["status"] == "missing" and lacking:
            mark += f": {w.listed([w.name('lab', x) for x in lacking])}"
        tagged = tables.tagged(i.get("source", ""), i.get("tag", "P"))
        text = escape(w.say(i["text_id"], i.get("params")))
        if found := i.get("params", {}).get("found"):
            text += f" {escape(w.observed(found))}"
        ticked = " checked" if i["status"] == "cleared" else ""
        style = "caution" if i["status"] == "missing" else "ok" if i["status"] == "cleared" else "note"
        rows.append(
            f'<li><input type="checkbox" id="{escape(i["id"])}"{ticked}><label for="{escape(i["id"])}">{text} '
            f'<span class="tag {style}">{escape(mark)}</span><span class="small">{escape(tagged)}</span></label></li>'
        )
    sign = f'<p class="sign"><span>{escape(u("session_sign"))}</span></p>'
    ticks = f'<ul class="tick">{"".join(rows)}</ul>'
    return f'<section aria-labelledby="list"><h2 id="list">{escape(heading)}</h2>{ticks}{sign}</section>'
