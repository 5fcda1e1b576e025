"""Patients' questions: what is known, line by line, each with its certainty and its claim."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from calcidiol.errors import KnowledgeError
from calcidiol.evidence.advice import lead
from calcidiol.evidence.certainty import certainty
from calcidiol.evidence.load import DATA, load
from calcidiol.evidence.record import Ledger

Say = Callable[[str, Mapping[str, Any]], str]
"""Makes the sentence of a text id; `report.words.Words(lang).say` is one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of an answer: its sentence, the claim behind it, and how sure it is."""

    topic: str
    text_id: str
    claim: str
    verdict: str
    certainty: str

    def to_dict(self) -> dict[str, Any]:
        """The line as plain data; `text_id` is turned into words by the report."""
        return {name: getattr(self, name) for name in self.__slots__}


@lru_cache(maxsize=1)
def _topics() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    rows = tomllib.loads((DATA / "questions.toml").read_text(encoding="utf-8"))["topic"]
    return tuple((row["id"], tuple((line["id"], line["claim"]) for line in row["lines"])) for row in rows)


def answers(*, ledger: Ledger | None = None) -> tuple[Answer, ...]:
    """All lines of the page, topic by topic.

    Raises
    ------
    KnowledgeError
        When a line names a claim that the ledger does not have.

    Examples
    --------
    >>> answers()[0].topic
    'fatigue'
    """
    ledger = ledger or load()
    lines = []
    for topic, rows in _topics():
        for name, claim_id in rows:
            if claim_id not in ledger.claims:
                raise KnowledgeError(f"questions.toml, {topic}: the claim {claim_id!r} is not in claims.csv.")
            claim = ledger.claims[claim_id]
            grade = certainty(claim, ledger)
            text_id = f"patients.{name}.{lead(claim, grade)}"
            lines.append(Answer(topic, text_id, claim_id, claim.verdict, grade.level))
    return tuple(lines)


def patients_page(say: Say, *, lang: str = "en", reviewed: bool = True, standalone: bool = True) -> str:
    """The page of patients' questions as HTML.

    Parameters
    ----------
    say
        Makes sentences, for example ``Words("zh-Hant").say``.
    lang
        Language of the page (``en``, ``zh-Hant``), for screen readers.
    reviewed
        False marks the page as not read by a clinician.
    standalone
        A whole page (default), or only its inside.
    """
    parts = [f"<h1>{escape(say('patients.title', {}))}</h1>", f"<p>{escape(say('patients.intro', {}))}</p>"]
    if not reviewed:
        parts.append(f'<p class="mark" role="note">{escape(say("patients.unreviewed", {}))}</p>')
    topic = ""
    for line in answers():
        if line.topic != topic:
            if topic:
                parts.append("</ul></section>")
            topic = line.topic
            heading = escape(say(f"patients.topic.{topic}", {}))
            parts.append(f'<section aria-labelledby="t-{topic}"><h2 id="t-{topic}">{heading}</h2><ul>')
        sure = escape(say(f"patients.certainty.{line.certainty.replace(' ', '_')}", {}))
        text = escape(say(line.text_id, {}))
        marks = f'<span class="sure">{sure}</span> <span class="claim">{line.claim}</span>'
        parts.append(f"<li>{text} {marks}</li>")
    parts.append("</ul></section>")
    parts.append(f'<p class="foot">{escape(say("patients.ask", {}))}</p>')
    return page(say("patients.title", {}), parts, lang) if standalone else "".join(parts)


_STYLE = """
:root{color-scheme:light dark}
body{font:17px/1.55 system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans CJK TC",sans-serif;max-width:46rem;
margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin-top:1.8rem}
li{margin:.55rem 0}
.sure{display:inline-block;border:1px solid #57606a;border-radius:4px;padding:0 .4rem;font-size:.85rem}
.claim{color:#57606a;font-size:.8rem}.mark{border-left:4px solid #9a6700;padding-left:.8rem}.foot{margin-top:2rem}
details{border:1px solid #d0d7de;border-radius:6px;margin:.5rem 0;padding:.3rem .8rem}summary{cursor:pointer}
.map{overflow-x:auto}.map svg{max-width:100%;height:auto;min-width:620px}body:has(.map){max-width:66rem}
svg a:focus rect{stroke-width:3}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}
.claim{color:#9198a1}.sure{border-color:#9198a1}
details{border-color:#3d444d}}
@media print{body{margin:0;max-width:none}}
"""


def page(title: str, parts: list[str], lang: str) -> str:
    """A whole HTML page that needs nothing else."""
    return (
        f'<!doctype html><html lang="{escape(lang)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )
