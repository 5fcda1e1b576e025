"""The answer on a terminal: verdict first, then what to give, then what to watch."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from calcidiol.report.view import Note, Table, View, view

_STYLE = {"stop": "bold red", "caution": "yellow", "note": "", "ok": "green"}
_STATUS = {"allowed": "bold green", "reduced": "bold yellow", "refused": "bold red"}


def terminal(plan: Mapping[str, Any], lang: str = "en", width: int | None = None) -> str:
    """The plan as text; plain when it is not going to a terminal.

    Parameters
    ----------
    plan
        The plan as plain data.
    lang
        ``"en"`` or ``"zh-Hant"``.
    width
        Columns; the terminal's own when None (80 when piped).
    """
    import sys

    from rich.console import Console

    out = io.StringIO()
    tty = sys.stdout.isatty()
    console = Console(file=out, force_terminal=tty, no_color=not tty, width=width, highlight=False, soft_wrap=False)
    _render(console, view(plan, lang))
    return out.getvalue().rstrip()


def _render(console: Any, v: View) -> None:
    from rich.markup import escape
    from rich.rule import Rule

    def say(text: str, style: str = "", indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def heading(text: str) -> None:
        console.print()
        console.print(Rule(escape(text), align="left", style="dim"))

    def notes(items: tuple[Note, ...], most: int = 12) -> None:
        for n in items[:most]:
            say(f"{n.mark}  {n.text}" if n.mark else n.text, _STYLE[n.level], 2)
            if n.small:
                say(n.small, "dim", 6)
        if len(items) > most:
            say(v.labels["more"].format(count=len(items) - most), "dim", 2)

    who = "  ".join(f"{k}: {x}" for k, x in v.who)
    say(f"{v.title}   {who}", "bold")
    say(f"{v.status_text}: {v.headline}", _STATUS[v.verdict])
    if v.rules:
        notes(v.rules)
    if v.doses.rows:
        heading(v.labels["what_to_give"])
        for start, last, product, route, one, volume, rhythm, count, total in v.doses.rows:
            amount = f"{one} ({volume})" if volume else one
            times = f" \u00d7 {count} = {total}" if total else f" \u00d7 {count}"
            say(f"{start} \u2192 {last}  {amount} {route}, {rhythm}{times}", "bold", 2)
            say(product, "", 26)
        say("   ".join(f"{k}: {x}" for k, x in v.totals), "bold")
    for text, chance, small in v.chances:
        say(f"{chance:>7}  {text}  ({small})", "", 0)
    if v.levels.rows:
        heading(v.labels["chart"] + " (nmol/L)")
        picked = Table(v.levels.head, v.levels.rows[::6])
        _table(console, picked)
    if v.monitoring.rows:
        heading(v.labels["monitoring"])
        for row in v.monitoring.rows:
            say(f"{row[0]}  {row[1]}", "", 2)
            say(row[2], "dim", 14)
    if v.next_rows.rows:
        heading(f"{v.next_heading}: {v.labels['next_result']}")
        for row in v.next_rows.rows:
            say(f"{row[0]:>9}  {row[1]:>4}  {row[2]}" + (f": {row[3]}" if row[3] else ""), "", 2)
    if v.findings:
        heading(v.labels["findings"])
        notes(v.findings)
    if v.interactions:
        heading(v.labels["interactions"])
        notes(v.interactions)
    if v.alternatives.rows:
        heading(v.labels["alternatives"])
        for row in v.alternatives.rows[:9]:
            say(f"{row[2]:>4}  {row[0]}: {row[1]}", "", 2)
            if row[7]:
                say(row[7], "dim", 8)
    for text in v.search_notes:
        say(text, "yellow")
    if v.evidence:
        heading(v.labels["evidence"])
        notes(v.evidence, 8)
    heading(v.labels["trust"])
    for text in (*v.trust, *(r[0] for r in v.imputed.rows)):
        say(text, "", 2)
    say(v.capsule, "dim", 2)
    console.print()
    say(v.statement, "bold")
    if v.unreviewed:
        say(v.unreviewed, "yellow")


def _table(console: Any, t: Table) -> None:
    from rich import box
    from rich.table import Table as Rich
    from rich.text import Text

    made = Rich(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    keep = [i for i in range(len(t.head)) if any(r[i] for r in t.rows)]
    for i in keep:
        made.add_column(t.head[i], overflow="fold")
    for row in t.rows:
        made.add_row(*(Text(row[i]) for i in keep))
    console.print(made)
