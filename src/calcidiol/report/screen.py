"""The answer on a terminal: verdict first, then what to give, then what to watch."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from calcidiol.report.tables import Note, Table
from calcidiol.report.view import View, view

_STYLE = {"stop": "bold red", "caution": "yellow", "note": "", "ok": "green"}
_STATUS = {"allowed": "bold green", "reduced": "bold yellow", "refused": "bold red"}
NARROWEST = 40
"""Columns below which the text is laid out as for this many."""
MOST = 8
"""Notes of one kind that the summary shows; the rest is counted and stands in the HTML and PDF."""


def terminal(plan: Mapping[str, Any], lang: str = "en", width: int | None = None, color: bool | None = None) -> str:
    """The plan as text, compact, with nothing wider than the terminal.

    Parameters
    ----------
    plan
        The plan as plain data.
    lang
        ``"en"`` or ``"zh-Hant"``.
    width
        Columns; the terminal's own when None (80 when piped).
    color
        Whether to use colors; when None, only if standard output is a terminal and NO_COLOR is not set.
    """
    import os
    import sys

    from rich.console import Console

    if color is None:
        dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
        color = sys.stdout.isatty() and not dumb
    if width is None:
        width = Console().width
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        width=max(width, NARROWEST),
        highlight=False,
        markup=False,
        emoji=False,
    )
    _Sheet(console, view(plan, lang)).everything()
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))


class _Sheet:
    """Prints the parts of a view one under the other."""

    def __init__(self, console: Any, v: View) -> None:
        self.console, self.v, self.words = console, v, v.labels
        # Chinese sentences stand without spaces between them.
        self.stop, self.space = ("\u3002", "") if v.lang == "zh-Hant" else (". ", " ")

    def everything(self) -> None:
        """Everything the summary shows."""
        v, words = self.v, self.words
        self.say(v.title + "   " + "  ".join(f"{k}: {x}" for k, x in v.who), "bold")
        self.say(f"{v.status_text}: {v.headline}", _STATUS[v.verdict])
        self.notes(v.reasons, most=99, small=lambda n: n.level == "stop")
        if not v.reasons:
            self.say(words["no_rules"], "", 2)
        self.notes(v.mind, most=MOST, small=lambda n: False)
        self.give()
        for text, chance, error in v.chances:
            self.hang(f"{chance:>7}  ", f"{text} ({error})" if error else text)
        if v.search_notes:
            self.heading(words["limits"])
            for text in v.search_notes:
                self.hang("  ", text)
        self.course()
        if v.checks:
            self.heading(words["monitoring"])
            for c in v.checks:
                self.hang(f"  {c.on}  ", f"{c.labs}{self.stop}{self.space.join(c.why)}")
        self.part(words["placement"], v.placement)
        if v.next_rows.rows:
            self.heading(f"{words['next_result']} ({v.next_heading})")
            for span, chance, action, regimen, _ in v.next_rows.rows:
                self.hang(f"  {span:>17} {chance:>5}  ", action + (f": {regimen}" if regimen else ""))
        if v.stop_rules:
            self.heading(words["stop_rules"])
            self.notes(v.stop_rules, most=99, small=lambda n: False)
        self.part(words["interactions"], v.interactions)
        self.part(words["moves"], v.movers)
        for week, with_it, without_it, gap in v.with_without.rows:
            told = f"{with_it} {words['without_movers']}: {without_it}; {words['difference']}: {gap}"
            self.hang(f"  {words['week']} {week:>2}  ", told)
        self.part(words["findings"], v.findings)
        self.part(words["lower"], v.lower)
        for row in v.explanations.rows:
            self.hang(f"  {row[2]:>4}  ", row[0] + (f" ({words['bayes_factor']} {row[3]})" if row[3] else ""))
        if v.calcium:
            self.heading(words["calcium_heading"])
            for text in v.calcium[: 2 if v.calcium_level == "caution" else 1]:
                self.hang("  ", text, _STYLE[v.calcium_level])
        self.part(words["symptoms"], v.symptoms)
        if v.choices:
            self.heading(words["alternatives"])
            main = sorted(v.choices, key=lambda c: c.kind in ("protocol", "pareto"))
            for one in main[:MOST]:
                told = f"{one.kind_text}: {one.regimen}{self.stop}{self.space.join(one.why)}"
                self.hang(f"  {one.in_band:>4}  ", told, "bold" if one.kind == "chosen" else "")
            self.more(len(v.choices) - MOST)
        self.part(words["evidence"], v.evidence[:4])
        self.more(len(v.evidence) - 4)
        if v.trust or v.imputed.rows or v.ignored.rows:
            self.heading(words["trust"])
            for text in (*v.trust, *(r[0] for r in v.imputed.rows)):
                self.hang("  - ", text)
            if v.ignored.rows:
                self.hang("  - ", f"{words['ignored']}: " + "; ".join(r[1] for r in v.ignored.rows[:MOST]))
                self.more(len(v.ignored.rows) - MOST)
        outside = [row[0] for row in v.domain.rows if row[3] == words["outside"]]
        self.hang(
            "  - ",
            f"{v.card[0][0]}: {v.card[0][1]}" + (f"; {words['outside']}: {', '.join(outside)}" if outside else ""),
        )
        self.say(v.capsule, "dim", 2)
        self.console.print()
        self.say(v.statement, "bold")
        if v.unreviewed:
            self.say(v.unreviewed, "yellow")

    def give(self) -> None:
        """Doses with dates, volumes, products and totals."""
        if not self.v.steps:
            return
        self.heading(self.words["what_to_give"])
        for s in self.v.steps:
            volume = f" = {s.volume}" if s.volume else ""
            when = (
                f"{s.rhythm} \u00d7 {s.count} ({s.first} \u2192 {s.last})" if s.count > 1 else f"{s.rhythm}, {s.first}"
            )
            self.hang("  ", f"{s.dose}{volume} {s.route}, {when}; {self.words['total']} {s.total}", "bold")
            self.say(s.product + (f": {s.pieces}" if s.pieces else ""), "", 4)
            if s.days:
                self.say(f"{self.words['date']}: {s.days}", "", 4)
        self.say("   ".join(f"{k}: {x}" for k, x in self.v.totals), "", 2)

    def course(self) -> None:
        """A few rows of the forecast."""
        from rich import box
        from rich.table import Table as Rich
        from rich.text import Text

        rows = self.v.months.rows
        if not rows:
            return
        self.heading(f"{self.words['chart']}, nmol/L (ng/mL)")
        picked = Table(self.v.months.head, tuple(rows[i] for i in _every(len(rows), 7)))
        width = self.console.width
        keep = (0, 1, 3) if width < 56 else (0, 1, 3, 5) if width < 76 else (0, 1, 3, 4, 5)
        made = Rich(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for i in keep:
            made.add_column(Text(picked.head[i]), overflow="fold", no_wrap=i == 0)
        for row in picked.rows:
            made.add_row(*(Text(row[i]) for i in keep))
        self.console.print(made)

    def part(self, title: str, items: Sequence[Note]) -> None:
        """A heading and its notes; nothing when there are none."""
        if items:
            self.heading(title)
            self.notes(items, MOST, small=lambda n: False)

    def notes(self, items: Sequence[Note], most: int, small: Any) -> None:
        """Notes, each with its mark, and the small print of those that need it."""
        for n in items[:most]:
            text = f"{n.text} ({'; '.join((*n.small, *n.claims))})" if n.claims else n.text
            self.hang("  ", f"{n.mark}  {text}" if n.mark else text, _STYLE[n.level])
            for line in n.small if small(n) else ():
                self.hang("      ", line, "dim")
        self.more(len(items) - most)

    def more(self, count: int) -> None:
        """Say how many were left out."""
        if count > 0:
            self.say(self.words["more"].format(count=count), "dim", 2)

    def heading(self, text: str) -> None:
        """A line with a title."""
        from rich.text import Text

        self.console.print()
        self.console.print(Text(text, style="bold underline"))

    def say(self, text: str, style: str = "", indent: int = 0) -> None:
        """A paragraph."""
        self.hang(" " * indent, text, style)

    def hang(self, first: str, text: str, style: str = "") -> None:
        """A paragraph whose later lines stand under the first one's text."""
        from rich.table import Table as Rich
        from rich.text import Text

        if not first:
            self.console.print(Text(text, style=style, overflow="fold"))
            return
        made = Rich.grid(padding=0)
        made.add_column(width=len(first), no_wrap=True)
        made.add_column(overflow="fold")
        made.add_row(Text(first, style=style), Text(text, style=style))
        self.console.print(made)


def _every(count: int, most: int) -> list[int]:
    """Places of at most `most` rows, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]
